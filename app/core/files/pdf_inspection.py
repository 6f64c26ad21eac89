"""The program that opens one PDF: in a process of its own, with little memory and time, and nothing but the file.

It reads the file from its standard input and writes to its standard output the code of what is wrong, or nothing.
With the argument `render` it also draws every page. It is run by its path, so that it loads nothing else of Accord.
"""

import io
import json
import logging
import re
import resource
import sys
from typing import Any

# Bytes of address space, seconds of processor time, and objects of the file.
MEMORY, SECONDS, OBJECTS = 1024**3, 20, 500_000
_NAMES = (
    "exe dll com scr msi msix pif cpl lnk reg bat cmd ps1 vbs vbe js jse wsf wsh hta jar app dmg pkg apk deb rpm sh"
    " elf so py pl rb php html htm svg docm dotm xlsm xltm xlam pptm potm ppsm"
)
_PROGRAMS = frozenset(_NAMES.split())
_PROGRAM_MARKS = (b"MZ", b"\x7fELF", b"#!", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe")
_HEADER_OF_OBJECT = re.compile(rb"\s*(\d+)\s+(\d+)\s+obj\b")
_PIXELS = 400


class Fault(Exception):
    """What is wrong with the file, by its code."""


def main() -> None:
    """Judge the file on the standard input."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    logging.disable()
    try:
        content = sys.stdin.buffer.read()
        inspect(content)
        if "render" in sys.argv:
            render(content)
    except Fault as fault:
        code = str(fault)
    except MemoryError:
        code = "pdf-too-complex"
    else:
        code = ""
    sys.stdout.write(json.dumps({"code": code}))


def inspect(content: bytes) -> None:
    """Open the file and walk through every object that it uses; raises Fault."""
    from pypdf import PdfReader
    from pypdf.errors import LimitReachedError, PdfReadError

    class Reader(PdfReader):
        misplaced: frozenset[tuple[int, int]] = frozenset()

        def _read_xref_tables_and_trailers(self, stream: Any, startxref: int | None, xref_issue_nr: int) -> None:
            super()._read_xref_tables_and_trailers(stream, startxref, xref_issue_nr)
            # The library looks elsewhere for objects that are not at their places, so they are noted before it does.
            self.misplaced = frozenset(
                (number, generation)
                for generation, places in self.xref.items()
                for number, place in places.items()
                if not self.xref_index and not _is_object(content, place, number, generation)
            )

        def _rebuild_xref_table(self, stream: Any) -> None:
            # Programs guess differently at a file without a table, so people would see different pages.
            raise PdfReadError("The cross-reference table is broken.")

    try:
        reader = Reader(io.BytesIO(content))
        if reader.is_encrypted and not reader.decrypt(""):
            raise Fault("pdf-encrypted")
        root = _resolved(reader.trailer.raw_get("/Root"), reader.misplaced)
        if not _pages_of(root, reader.misplaced):
            raise Fault("pdf-no-pages")
        _walk(root, reader.misplaced)
    except (Fault, MemoryError):
        raise
    except LimitReachedError as problem:
        raise Fault("pdf-too-complex") from problem
    except Exception as problem:
        raise Fault("pdf-broken") from problem


def _is_object(content: bytes, place: int, number: int, generation: int) -> bool:
    header = _HEADER_OF_OBJECT.match(content, max(place, 0), place + 60)
    return header is not None and (int(header[1]), int(header[2])) == (number, generation)


def _resolved(value: Any, misplaced: frozenset[tuple[int, int]]) -> Any:
    from pypdf.generic import IndirectObject

    if not isinstance(value, IndirectObject):
        return value
    if (value.idnum, value.generation) in misplaced:
        raise Fault("pdf-broken")
    return value.get_object()


def _pages_of(root: Any, misplaced: frozenset[tuple[int, int]]) -> int:
    """The number of pages; a node that is its own descendant makes the file broken."""
    nodes, seen, pages = [root.raw_get("/Pages")], set(), 0
    while nodes:
        node = nodes.pop()
        name = getattr(node, "idnum", None)
        if name in seen:
            raise Fault("pdf-broken")
        seen |= {name} if name is not None else set()
        page = _resolved(node, misplaced)
        if not isinstance(page, dict):
            raise Fault("pdf-broken")
        if "/Kids" in page:
            nodes += _resolved(dict.get(page, "/Kids"), misplaced)
        else:
            pages += page.get("/Type") == "/Page"
    return pages


def _walk(root: Any, misplaced: frozenset[tuple[int, int]]) -> None:
    values, seen = [root], set()
    while values:
        value = values.pop()
        name = (getattr(value, "idnum", None), getattr(value, "generation", None))
        if name[0] is not None:
            if name in seen:
                continue
            seen.add(name)
            if len(seen) > OBJECTS:
                raise Fault("pdf-too-complex")
            value = _resolved(value, misplaced)
        if isinstance(value, dict):
            _judge(value)
            values += value.values() if not hasattr(value, "raw_get") else dict.values(value)
        elif isinstance(value, list):
            values += list.__iter__(value)


def _judge(entry: Any) -> None:
    """Refuse what acts when the file is opened, and programs in it."""
    action = entry.get("/S")
    address = str(entry.get("/URI", "")).strip().lower()
    if "/JS" in entry or action == "/JavaScript" or "/OnInstantiate" in entry or address.startswith("javascript:"):
        raise Fault("pdf-script")
    if action == "/Launch":
        raise Fault("pdf-launch")
    if "/XFA" in entry and any(b"<script" in part for part in _parts_of(entry["/XFA"])):
        raise Fault("pdf-script")
    if "/EF" in entry:
        names = [str(entry[key]) for key in ("/UF", "/F", "/DOS", "/Unix", "/Mac") if key in entry]
        contents = [part for file in entry["/EF"].values() for part in _parts_of(file)]
        if any(name.rpartition(".")[2].strip().lower() in _PROGRAMS for name in names if "." in name):
            raise Fault("pdf-program")
        if any(content.startswith(_PROGRAM_MARKS) for content in contents):
            raise Fault("pdf-program")


def _parts_of(value: Any) -> list[bytes]:
    value = value.get_object()
    parts = value if isinstance(value, list) else [value]
    return [part.get_object().get_data() for part in parts if hasattr(part.get_object(), "get_data")]


def render(content: bytes) -> None:
    """Draw every page in little; raises Fault for a page that cannot be drawn, and if all pages are blank."""
    import pypdfium2  # type: ignore[import-untyped]

    try:
        with pypdfium2.PdfDocument(content) as document:
            is_blank = True
            for page in document:
                bitmap = page.render(scale=_PIXELS / max(*page.get_size(), 1), grayscale=True, may_draw_forms=False)
                is_blank = is_blank and not bytes(bitmap.buffer).strip(b"\xff")
                bitmap.close()
                page.close()
    except pypdfium2.PdfiumError as problem:
        raise Fault("pdf-not-rendered") from problem
    if is_blank:
        raise Fault("pdf-blank")


if __name__ == "__main__":
    main()
