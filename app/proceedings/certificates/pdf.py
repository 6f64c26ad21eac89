"""Signed files as PDFs for people: tagged (PDF/UA-1), reproducible to the byte, with the signed file attached."""

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
# Raised with every change of a template or a font, because such a change alters the bytes of every PDF.
EDITION = "2"
_HERE = Path(str(files("app.proceedings.certificates")))
_MISSING = re.compile(r'the text `?"(.+?)"`? could not be displayed', re.DOTALL)
_ESCAPED = re.compile(r"\\u\{([0-9a-f]+)\}")
_MOST_MISSING = 60


class CannotRender(Exception):
    """A signed file cannot be drawn: no template knows its kind, or it lacks members that its template shows."""


@cache
def _fonts() -> typst.Fonts:
    folders = [_HERE / "fonts"]
    # Noto Sans CJK is too large for this repository and comes as a package of its own.
    package = find_spec("noto_cjk_sans_jp_regular")
    if package is not None and package.origin is not None:
        folders.append(Path(package.origin).parent)
    return typst.Fonts(include_system_fonts=False, font_paths=folders)


@cache
def renderer() -> str:
    """The edition, program and fonts that draw the pages; another renderer draws other bytes."""
    letters = "with" if "Noto Sans CJK JP" in _fonts().families() else "without"
    return f"Accord paper {EDITION}, typst {version('typst')}, {letters} Chinese letterforms"


def render(twin: bytes) -> bytes:
    """The PDF of a signed file, whose exact bytes `twin` are attached; CannotRender if no template knows its kind."""
    file: Body = json.loads(twin)
    template = TEMPLATES.get(str(file["body"].get("kind")))
    if template is None:
        raise CannotRender("No template draws a file of this kind.")
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
            undrawn = _MISSING.search(problem.message)
            if undrawn is None:
                raise CannotRender("The file lacks members that its template shows.") from problem
            missing |= set(_ESCAPED.sub(lambda escape: chr(int(escape[1], 16)), undrawn[1]))
            shown |= {"file": _without(file, missing), "replaced": True}
    shown |= {"file": _without(file, None), "replaced": True}
    try:
        return _compiled(template, shown, twin)
    except typst.TypstError as problem:
        raise CannotRender("The file cannot be drawn.") from problem


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
        raise CannotRender("The template did not make a single document.")
    return compiled


def _without(value: Any, missing: set[str] | None) -> Any:
    """The value with the missing characters (None: all beyond ASCII) written as their code points."""
    if isinstance(value, str):
        return "".join(
            f"[U+{ord(letter):04X}]" if (letter in missing if missing is not None else not letter.isascii()) else letter
            for letter in value
        )
    if isinstance(value, dict):
        return {name: _without(member, missing) for name, member in value.items()}
    return [_without(item, missing) for item in value] if isinstance(value, list) else value


_DRAWN_BY = re.compile(rb"/Keywords\((Accord paper [ -~]{1,80}?)\)")


def drawn_by(pdf: bytes) -> str | None:
    """The renderer that a PDF of ours names, or None if it names none."""
    keywords = _DRAWN_BY.search(pdf)
    return keywords[1].decode() if keywords else None


_ATTACHED = re.compile(rb"/EmbeddedFile\b.{0,2000}?>>\s*stream\r?\n", re.DOTALL)
_MOST_BYTES = 16 * 1024 * 1024


def attached(pdf: bytes) -> bytes | None:
    """The signed file that one of our PDFs carries, or None if there is none or it cannot be read."""
    head = _ATTACHED.search(pdf)
    end = pdf.find(b"endstream", head.end()) if head else -1
    if head is None or end < 0:
        return None
    packed = pdf[head.end() : end]
    try:
        return zlib.decompressobj().decompress(packed, _MOST_BYTES) if b"FlateDecode" in head[0] else packed.rstrip()
    except zlib.error:
        return None
