"""Signed files as PDFs for people: tagged (PDF/UA-1), reproducible to the byte, with the signed file attached."""

import hashlib
import json
import re
import zlib
from collections import OrderedDict
from datetime import datetime
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from threading import Lock
from typing import Any

import typst

from app.institution.signing.files import Body
from app.proceedings.certificates import letters

TEMPLATES = {"receipt": "receipt.typ", "settlement": "certificate.typ", "non-settlement": "certificate.typ"}
# Raised with every change of a template or a font, because such a change alters the bytes of every PDF.
EDITION = "5"
_HERE = Path(str(files("app.proceedings.certificates")))
_MISSING = re.compile(r'the text `?"(.+?)"`? could not be displayed', re.DOTALL)
_ESCAPED = re.compile(r"\\u\{([0-9a-f]+)\}")
# What `letters` says that the fonts draw is what typst draws, as far as we know. This bounds the time if it is not.
_MOST_TRIES = 8
# Enough for the papers that people open again and again. They are kept in memory only: they hold what people wrote.
_MOST_KEPT_BYTES = 16 * 1024 * 1024


class CannotRender(Exception):
    """A signed file cannot be drawn: no template knows its kind, or it lacks members that its template shows."""


@cache
def _fonts() -> typst.Fonts:
    return typst.Fonts(include_system_fonts=False, font_paths=letters.folders())


@cache
def renderer() -> str:
    """The edition, program and fonts that draw the pages; another renderer draws other bytes."""
    chinese = "with" if "Noto Sans CJK JP" in _fonts().families() else "without"
    return f"Accord paper {EDITION}, typst {version('typst')}, {chinese} Chinese letterforms"


class _Drawings:
    """The PDFs that were drawn last, by all that they depend on, up to a number of bytes."""

    def __init__(self, most_bytes: int) -> None:
        self.most_bytes, self.bytes = most_bytes, 0
        self._kept: OrderedDict[bytes, bytes] = OrderedDict()
        self._lock = Lock()

    def get(self, key: bytes) -> bytes | None:
        """A PDF that is kept."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def keep(self, key: bytes, drawn: bytes) -> None:
        """Keep a PDF, and discard those that were read longest ago."""
        with self._lock:
            self.bytes += len(drawn) - len(self._kept.pop(key, b""))
            self._kept[key] = drawn
            while self.bytes > self.most_bytes:
                _key, oldest = self._kept.popitem(last=False)
                self.bytes -= len(oldest)


_drawings = _Drawings(_MOST_KEPT_BYTES)


def render(twin: bytes) -> bytes:
    """The PDF of a signed file, whose exact bytes `twin` are attached; CannotRender if no template knows its kind."""
    key = hashlib.sha256(renderer().encode() + b"\0" + twin).digest()
    drawn = _drawings.get(key)
    if drawn is None:
        drawn = _draw(twin)
        _drawings.keep(key, drawn)
    return drawn


def _draw(twin: bytes) -> bytes:
    file: Body = json.loads(twin)
    template = TEMPLATES.get(str(file["body"].get("kind")))
    if template is None:
        raise CannotRender("No template draws a file of this kind.")
    drawable, replaced = letters.drawable(file)
    shown: dict[str, Any] = {
        "file": drawable,
        "attachment": f"{file['body']['kind']}-{file['body']['id']}.json",
        "sha256": hashlib.sha256(twin).hexdigest(),
        "renderer": renderer(),
        "replaced": replaced,
    }
    for _ in range(_MOST_TRIES):
        try:
            return _compiled(template, shown, twin)
        except typst.TypstError as problem:
            undrawn = _MISSING.search(problem.message)
            if undrawn is None:
                raise CannotRender("The file lacks members that its template shows.") from problem
            text = _ESCAPED.sub(lambda escape: chr(int(escape[1], 16)), undrawn[1])
            shown |= {"file": _numbered(shown["file"], text), "replaced": True}
    shown |= {"file": _numbered(shown["file"], None), "replaced": True}
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


def _numbered(value: Any, part: str | None) -> Any:
    """The value with the letters of a part of its text (None: all beyond ASCII) as their numbers."""
    if isinstance(value, str):
        return letters.numbered(value) if part is None else value.replace(part, letters.numbered(part))
    if isinstance(value, dict):
        return {name: _numbered(member, part) for name, member in value.items()}
    return [_numbered(item, part) for item in value] if isinstance(value, list) else value


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
