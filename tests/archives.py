"""Archives and office documents under test."""

import io
import zipfile
from typing import Any


def zipped(*entries: tuple[Any, bytes], stored: bool = False) -> bytes:
    """An archive; an entry is a name or a `ZipInfo`, and its bytes."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return target.getvalue()


def entry_of(name: str, mode: int) -> zipfile.ZipInfo:
    """An entry with a mode of a Unix file system."""
    entry = zipfile.ZipInfo(name)
    entry.create_system, entry.external_attr = 3, mode << 16
    return entry


def office(kind: str, *more: tuple[str, bytes], says: str = "") -> bytes:
    """An office document in Microsoft's format."""
    main = f"application/vnd.openxmlformats-officedocument.{kind}.main+xml"
    types = f'<?xml version="1.0"?><Types><Override PartName="/main.xml" ContentType="{main}"/>{says}</Types>'
    return zipped(("[Content_Types].xml", types.encode()), ("_rels/.rels", b"<a/>"), ("main.xml", b"<a/>"), *more)


def open_document(kind: str, *more: tuple[str, bytes]) -> bytes:
    """An office document in the OpenDocument format."""
    media_type = f"application/vnd.oasis.opendocument.{kind}".encode()
    return zipped((entry_of("mimetype", 0o100644), media_type), ("content.xml", b"<a/>"), *more)


DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
PPTX = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
ODT, ODS = "application/vnd.oasis.opendocument.text", "application/vnd.oasis.opendocument.spreadsheet"
WORD, SHEET = "wordprocessingml.document", "spreadsheetml.sheet"
ZIP = "application/zip"
