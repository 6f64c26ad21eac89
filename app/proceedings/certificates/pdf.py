"""Signed files as PDFs for people: tagged (PDF/UA-1), the same bytes each time, the signed file attached."""

import hashlib
import json
import re
import zlib
from datetime import datetime
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import typst

from app.institution.signing.files import Body

TEMPLATES = {"receipt": "receipt.typ", "settlement": "certificate.typ", "non-settlement": "certificate.typ"}
# Raised with every change of a template or a font: another edition of the paper has other bytes.
EDITION = "2"
_HERE = Path(str(files("app.proceedings.certificates")))
_MISSING = re.compile(r'the text `?"(.+?)"`? could not be displayed', re.DOTALL)
_ESCAPED = re.compile(r"\\u\{([0-9a-f]+)\}")
_MOST_MISSING = 60


class CannotRender(Exception):
    """A signed file cannot be shown: it is of a kind, or lacks members, that no template knows."""


@cache
def _fonts() -> typst.Fonts:
    folders = [_HERE / "fonts"]
    # Noto Sans CJK comes as a package of its own: it is too large to be kept here.
    found = find_spec("noto_cjk_sans_jp_regular")
    if found is not None and found.origin is not None:
        folders.append(Path(found.origin).parent)
    return typst.Fonts(include_system_fonts=False, font_paths=folders)


@cache
def renderer() -> str:
    """What draws the paper: files that differ in it differ in their bytes."""
    letters = "with" if "Noto Sans CJK JP" in _fonts().families() else "without"
    return f"Accord paper {EDITION}, typst {version('typst')}, {letters} Chinese letterforms"


def render(twin: bytes) -> bytes:
    """The PDF of a signed file (its very bytes, which are attached); CannotRender if no template knows its kind."""
    file: Body = json.loads(twin)
    template = TEMPLATES.get(str(file["body"].get("kind")))
    if template is None:
        raise CannotRender("There is no paper for a file of this kind.")
    shown: dict[str, Any] = {
        "file": file,
        "attachment": f"{file['body']['kind']}-{file['body']['id']}.json",
        "sha256": hashlib.sha256(twin).hexdigest(),
        "renderer": renderer(),
        "replaced": False,
    }
    missing: set[str] = set()
    for _ in range(_MOST_MISSING):
        try:
            return _compiled(template, shown, twin)
        except typst.TypstError as problem:
            found = _MISSING.search(problem.message)
            if found is None:
                raise CannotRender("The file lacks what its paper shows.") from problem
            missing |= set(_ESCAPED.sub(lambda one: chr(int(one[1], 16)), found[1]))
            shown |= {"file": _without(file, missing), "replaced": True}
    shown |= {"file": _without(file, None), "replaced": True}
    try:
        return _compiled(template, shown, twin)
    except typst.TypstError as problem:
        raise CannotRender("The file cannot be shown on paper.") from problem


def _compiled(template: str, shown: dict[str, Any], twin: bytes) -> bytes:
    issued = datetime.fromisoformat(shown["file"]["body"]["issued_at"])
    compiled = typst.compile(
        _HERE / "templates" / template,
        root=_HERE / "templates",
        font_paths=_fonts(),
        ignore_system_fonts=True,
        format="pdf",
        sys_inputs={"shown": json.dumps(shown), "twin": twin.decode()},
        pdf_standards=["ua-1"],
        timestamp=int(issued.timestamp()),
    )
    if not isinstance(compiled, bytes):
        raise CannotRender("The paper did not become one document.")
    return compiled


def _without(told: Any, missing: set[str] | None) -> Any:
    """The same with characters that no font has (None: all beyond ASCII) as their numbers."""
    if isinstance(told, str):
        return "".join(
            f"[U+{ord(one):04X}]" if (one in missing if missing is not None else not one.isascii()) else one
            for one in told
        )
    if isinstance(told, dict):
        return {name: _without(value, missing) for name, value in told.items()}
    return [_without(value, missing) for value in told] if isinstance(told, list) else told


_DRAWN_BY = re.compile(rb"/Keywords\((Accord paper [ -~]{1,80}?)\)")


def drawn_by(pdf: bytes) -> str | None:
    """What a PDF says that it was drawn by, or None if it does not say it as ours do."""
    found = _DRAWN_BY.search(pdf)
    return found[1].decode() if found else None


_ATTACHED = re.compile(rb"/EmbeddedFile\b.{0,2000}?>>\s*stream\r?\n", re.DOTALL)
_MOST_BYTES = 16 * 1024 * 1024


def attached(pdf: bytes) -> bytes | None:
    """The signed file that one of our PDFs carries, or None if it carries none that can be read."""
    found = _ATTACHED.search(pdf)
    end = pdf.find(b"endstream", found.end()) if found else -1
    if found is None or end < 0:
        return None
    packed = pdf[found.end() : end]
    try:
        return zlib.decompressobj().decompress(packed, _MOST_BYTES) if b"FlateDecode" in found[0] else packed.rstrip()
    except zlib.error:
        return None
