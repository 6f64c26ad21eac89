"""Checks of archives and office documents, which are archives: bounded, flat, without links, macros or archives."""

import io
import re
import stat
import struct
import zipfile
import zlib
from typing import IO
from xml.parsers import expat

from app.core.errors import Invalid, invalid
from app.core.files.kinds import ARCHIVE, ARCHIVES, HEAD, MACROS, OF_EXTENSION, OFFICE, Kind, check_head, is_archive
from app.core.files.names import checked, extension_of

MOST_ENTRIES = 1000
MOST_BYTES = 4 * 1024**3
MOST_RATIO, SMALL = 100, 10 * 1024**2
_DIRECTORY, _EMBEDDED, _STEP = 1024**2, 16 * 1024**2, 1024**2
_LOCAL_HEADER, _DESCRIPTORS = 30, (0, 12, 16, 20, 24)
_NO_TEXT = re.compile(rb"[\x00-\x08\x0b\x0e-\x1f\x7f<]")
# The errors of reading content that is not an archive, is damaged, or uses an unsupported method.
DAMAGE = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, RuntimeError, ValueError, OverflowError)


class _Bounded(io.BufferedReader):
    """A file of which no read may exceed the largest directory of an archive, so that none can fill the memory."""

    def read(self, size: int | None = -1) -> bytes:
        if size is not None and size > _DIRECTORY:
            raise _refusal("archive-bomb", "The directory of the archive is too large.")
        return super().read(size)


def check_archive(kind: Kind, file: io.BufferedReader) -> None:
    """Check an archive or office document; raises Invalid, with a code for each kind of fault, if it is refused."""
    bounded = _Bounded(file.raw, _STEP)
    try:
        with zipfile.ZipFile(bounded) as archive:
            _check(kind, archive, bounded, size=file.seek(0, io.SEEK_END), embedded=False)
    except DAMAGE as problem:
        raise _refusal("archive-broken", "The archive cannot be read to its end. Create it again.") from problem


def _check(kind: Kind, archive: zipfile.ZipFile, file: IO[bytes], *, size: int, embedded: bool) -> None:
    entries = archive.infolist()
    _check_bounds(entries, size)
    for entry in entries:
        _check_entry(entry)
    if len({entry.filename.casefold() for entry in entries}) != len(entries):
        raise _refusal("archive-broken", "The archive contains two files of the same name.")
    _check_layout(archive, file, entries, size)
    if kind in OFFICE:
        _check_office(kind, archive, entries)
    for entry in entries:
        if not entry.is_dir():
            _check_content(kind, archive, entry, embedded=embedded)


def _check_bounds(entries: list[zipfile.ZipInfo], size: int) -> None:
    total = sum(entry.file_size for entry in entries)
    if len(entries) > MOST_ENTRIES or total > MOST_BYTES or (total > SMALL and total > size * MOST_RATIO):
        raise _refusal("archive-bomb", "The archive contains too much. Send fewer or smaller files.")


def _check_entry(entry: zipfile.ZipInfo) -> None:
    kind_of_file = stat.S_IFMT(entry.external_attr >> 16)
    if kind_of_file not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise _refusal("archive-link", "The archive contains a link, or another entry that is not a file. Remove it.")
    if entry.flag_bits & 0x41:
        raise _refusal("archive-encrypted", "The archive is encrypted, so it cannot be checked. Send it decrypted.")
    parts = entry.orig_filename.removesuffix("/").split("/")
    try:
        for part in parts:
            checked(part)
    except Invalid as problem:
        raise _refusal("archive-path", "The archive contains a file whose name is not allowed. Rename it.") from problem


def _check_layout(archive: zipfile.ZipFile, file: IO[bytes], entries: list[zipfile.ZipInfo], size: int) -> None:
    """Check that every byte belongs to one file or to the directory: none is hidden, and none is used twice."""
    end = 0
    for entry in sorted(entries, key=lambda entry: entry.header_offset):
        _check_gap(entry.header_offset - end, end)
        file.seek(entry.header_offset)
        local = file.read(_LOCAL_HEADER)
        if len(local) < _LOCAL_HEADER:
            raise _refusal("archive-broken", "The archive cannot be read to its end. Create it again.")
        names = int.from_bytes(local[26:28], "little") + int.from_bytes(local[28:30], "little")
        end = entry.header_offset + _LOCAL_HEADER + names + entry.compress_size
    _check_gap(archive.start_dir - end, end)
    if size - archive.start_dir > 2 * _DIRECTORY:
        raise _refusal("content-polyglot", "The archive contains bytes that belong to no file. Create it again.")
    if b"PK" in archive.comment or _NO_TEXT.search(archive.comment):
        raise _refusal("content-polyglot", "The comment of the archive is not a text. Remove the comment.")


def _check_gap(gap: int, start: int) -> None:
    if gap < 0:
        raise _refusal("archive-bomb", "Two files of the archive share bytes. Create it again.")
    if gap not in (_DESCRIPTORS if start else (0,)):
        raise _refusal("content-polyglot", "The archive contains bytes that belong to no file. Create it again.")


def _check_office(kind: Kind, archive: zipfile.ZipFile, entries: list[zipfile.ZipInfo]) -> None:
    names = [entry.filename.lower() for entry in entries]
    if kind.inside.endswith("+xml"):
        types = _content_types(_bytes_of(archive, "[Content_Types].xml"))
        macros = any(mark in part for part in types for mark in ("macroenabled", "vbaproject", "activex"))
        macros |= any(name.rpartition("/")[2].startswith("vba") or "/macrosheets/" in name for name in names)
    else:
        types = {_bytes_of(archive, "mimetype").decode("ascii", "replace").strip()}
        macros = any(name.startswith(("basic/", "scripts/")) for name in names)
    if macros:
        raise _refusal("document-macro", "The document contains macros. Save it without macros.")
    if kind.inside not in types:
        code = "type-name" if any(other.inside in types for other in OFFICE) else "type-content"
        raise _refusal(code, "The document is of another kind than its name. Correct the name and the media type.")


def _bytes_of(archive: zipfile.ZipFile, name: str) -> bytes:
    try:
        with archive.open(name) as file:
            return file.read(_DIRECTORY)
    except KeyError as problem:
        raise _refusal(
            "type-content",
            "The content is not a document of the kind that its name says. Correct the name or the file.",
        ) from problem


def _content_types(document: bytes) -> set[str]:
    """The content types that an office document states for its parts, in lower case, in any encoding of XML."""
    types: set[str] = set()
    parser = expat.ParserCreate()

    def add(_name: str, attributes: dict[str, str]) -> None:
        types.add(attributes.get("ContentType", "").strip().lower())

    def refuse(*_declaration: object) -> None:
        # The format forbids it, and it can define entities.
        raise _refusal("document-doctype", "[Content_Types].xml has a DOCTYPE. Save the document again without it.")

    parser.StartElementHandler, parser.StartDoctypeDeclHandler = add, refuse
    try:
        parser.Parse(document, True)
    except expat.ExpatError as problem:
        message = "[Content_Types].xml of the document is not well-formed XML. Save the document again."
        raise _refusal("document-broken", message) from problem
    return types


def _check_content(kind: Kind, archive: zipfile.ZipFile, entry: zipfile.ZipInfo, *, embedded: bool) -> None:
    """Unpack a file to its end, which shows that it is whole and has its stated size, and check how it begins."""
    extension = extension_of(entry.filename.rpartition("/")[2])
    with archive.open(entry) as file:
        head = file.read(HEAD)
        if kind is ARCHIVE:
            _check_kind(extension, head)
        elif extension in MACROS:
            raise _refusal(
                "document-macro", "The document contains another document with macros. Save that one without macros."
            )
        elif is_archive(head) or extension in ARCHIVES:
            inner = OF_EXTENSION.get(extension)
            if inner not in OFFICE or embedded or entry.file_size > _EMBEDDED:
                raise _refusal("archive-nested", "The archive contains another archive. Send it separately.")
            within = io.BytesIO(head + file.read(_EMBEDDED))
            with zipfile.ZipFile(within) as archive_within:
                _check(inner, archive_within, within, size=entry.file_size, embedded=True)
            return
        while file.read(_STEP):
            pass


def _check_kind(extension: str, head: bytes) -> None:
    inner = OF_EXTENSION.get(extension)
    if extension in ARCHIVES or is_archive(head) or inner in OFFICE:
        raise _refusal("archive-nested", "The archive contains an archive or office document. Send it separately.")
    if inner is None:
        raise _refusal("archive-type", "The archive contains a file of a kind that is not accepted.")
    check_head(inner, head)


def _refusal(code: str, message: str) -> Invalid:
    return invalid("", code, message)
