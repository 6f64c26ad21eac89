"""The accepted kinds of files, by name, media type and content; none of them can run."""

import codecs
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from app.core.errors import Invalid, UnsupportedMediaType, invalid
from app.core.files.images import PictureEnd
from app.core.files.names import extension_of

HEAD, TAIL = 4096, 66 * 1024
_OOXML = "application/vnd.openxmlformats-officedocument."
_ODF = "application/vnd.oasis.opendocument."


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of file: its media type, the extensions of its name, and the first bytes of its content.

    `inside` is the media type that the archive of an office document states.
    """

    media_type: str
    extensions: tuple[str, ...]
    begins: tuple[bytes, ...] = ()
    inside: str = ""

    @property
    def is_text(self) -> bool:
        """Whether it is plain text."""
        return not self.begins

    @property
    def is_archive(self) -> bool:
        """Whether it is an archive, as office documents are."""
        return self.begins == ZIP


ZIP = (b"PK\x03\x04",)
PDF = Kind("application/pdf", ("pdf",), (b"%PDF-1.", b"%PDF-2."))
PNG = Kind("image/png", ("png",), (b"\x89PNG\r\n\x1a\n",))
JPEG = Kind("image/jpeg", ("jpg", "jpeg"), (b"\xff\xd8\xff",))
TIFF = Kind("image/tiff", ("tif", "tiff"), (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+"))
ARCHIVE = Kind("application/zip", ("zip",), ZIP)
PLAIN = (PDF, PNG, JPEG, TIFF, Kind("text/plain", ("txt",)), Kind("text/csv", ("csv",)))
OFFICE = (
    *(
        Kind(f"{_OOXML}{name}", (extension,), ZIP, f"{_OOXML}{name}.main+xml")
        for name, extension in (
            ("wordprocessingml.document", "docx"),
            ("spreadsheetml.sheet", "xlsx"),
            ("presentationml.presentation", "pptx"),
        )
    ),
    *(Kind(f"{_ODF}{name}", (end,), ZIP, f"{_ODF}{name}") for name, end in (("text", "odt"), ("spreadsheet", "ods"))),
)
KINDS = (*PLAIN, *OFFICE, ARCHIVE)
# The kinds of file for the text of a settlement: documents with pages.
TEXTS = tuple(kind for kind in KINDS if kind.extensions[0] in ("pdf", "docx", "odt"))
OF_EXTENSION = {extension: kind for kind in KINDS for extension in kind.extensions}
OF_MEDIA_TYPE = {kind.media_type: kind for kind in KINDS}
# The media type of a file whose kind is not said: the extension of its name then says it.
UNNAMED_KIND = "application/octet-stream"
_MACROS = "docm dotm xlsm xltm xlsb xlam pptm potm ppsm ppam sldm"
_SCRIPTS = "svg svgz html htm xhtml xht shtml mht mhtml xml xsl xslt js mjs hta vbs wsf ps1 bat cmd sh"
_ARCHIVES = "zip 7z rar gz tgz bz2 tbz xz txz zst tar jar war cab iso dmg arj lzh z lz4 apk ar cpio"
MACROS, SCRIPTS, ARCHIVES = (frozenset(names.split()) for names in (_MACROS, _SCRIPTS, _ARCHIVES))
_ARCHIVE_MARKS = (*ZIP, b"PK\x05\x06", b"Rar!\x1a\x07", b"7z\xbc\xaf\x27\x1c", b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00",
                  b"\x28\xb5\x2f\xfd", b"MSCF")  # fmt: skip
# What no camera appends to a picture: archives, programs, pages and documents.
_FOREIGN = (*_ARCHIVE_MARKS, b"%PDF-", b"MZ", b"\x7fELF", b"#!", b"<?php")
_PAGE = re.compile(rb"<(?:!doctype html|html|script|svg)\b", re.IGNORECASE)
_MARKUP = re.compile(
    rb"(?:\xef\xbb\xbf)?[\s\x00]*<(?:!--|!doctype|\?xml|html|head|body|script|svg|iframe|img|a|div|meta|style|title)\b",
    re.IGNORECASE,
)


def kind_of(name: str, media_type: str, accepted: Sequence[Kind] = KINDS) -> Kind:
    """The kind, among the accepted ones, that a file has by its name and media type.

    Raises UnsupportedMediaType for a type that is not accepted, and Invalid for a name of another kind.
    """
    extension = extension_of(name)
    if extension in SCRIPTS:
        raise _named("type-script", "A file of this kind can run code when it is opened. Send it as PDF.")
    if extension in MACROS:
        raise _named("document-macro", "A document with macros is not accepted. Save it without macros.")
    sent_type = media_type.partition(";")[0].strip().lower()
    kind = OF_EXTENSION.get(extension) if sent_type == UNNAMED_KIND else OF_MEDIA_TYPE.get(sent_type)
    if kind is None or kind not in accepted:
        types = ", ".join(sorted(kind.media_type for kind in accepted))
        raise UnsupportedMediaType(f"Send the document as one of: {types}.")
    if extension not in kind.extensions:
        extensions = " or ".join(f".{extension}" for extension in kind.extensions)
        raise _named("type-name", f"Name a file of this media type with {extensions}, or send its own media type.")
    return kind


def _named(code: str, message: str) -> Invalid:
    return invalid("header/Content-Disposition", code, message)


def is_archive(head: bytes) -> bool:
    """Whether content begins like an archive."""
    return head.startswith(_ARCHIVE_MARKS) or head[257:262] == b"ustar"


def check_head(kind: Kind, head: bytes) -> None:
    """Check that content begins like its kind; raises Invalid if it does not."""
    if not kind.is_text and head.startswith(kind.begins):
        return
    if any(other.begins and head.startswith(other.begins) for other in KINDS):
        raise invalid("", "type-name", "The content is of another kind than the name. Correct the name.")
    if not kind.is_text:
        if b"<svg" in head.lower() and _MARKUP.match(head):
            raise invalid("", "type-script", "The content is an SVG, which can run code. Send it as PDF or PNG.")
        raise invalid(
            "", "type-content", "The content is not of the kind that the name says. Correct the name or the file."
        )


@dataclass
class ContentCheck:
    """Checks the content of a file as it arrives: its head, its tail, and every character of a text."""

    kind: Kind
    head: bytearray = field(default_factory=bytearray)
    tail: bytes = b""
    _picture: PictureEnd | None = None
    _decode: codecs.IncrementalDecoder = field(default_factory=codecs.getincrementaldecoder("utf-8"))
    _judged: bool = False

    def __post_init__(self) -> None:
        if self.kind in (PNG, JPEG):
            self._picture = PictureEnd(is_png=self.kind is PNG)

    def add(self, chunk: bytes) -> None:
        """Check the next bytes; raises Invalid as soon as they cannot be of the kind."""
        if len(self.head) < HEAD:
            self.head += chunk[: HEAD - len(self.head)]
        if not self._judged and len(self.head) == HEAD:
            self._judge()
        self.tail = (self.tail + chunk)[-TAIL:] if len(chunk) < TAIL else chunk[-TAIL:]
        if self._picture is not None:
            self._picture.add(chunk)
        if self.kind.is_text:
            self._read(chunk, final=False)

    def end(self) -> None:
        """Check the whole after its last byte; raises Invalid if it is not of the kind, or also of another."""
        self._judge()
        if self.kind.is_text:
            self._read(b"", final=True)
        if self._picture is not None:
            _check_picture(self._picture, self.tail)
        elif not self.kind.is_archive:
            check_tail(self.kind, self.tail)

    def _judge(self) -> None:
        self._judged = True
        check_head(self.kind, bytes(self.head))

    def _read(self, chunk: bytes, *, final: bool) -> None:
        try:
            text = self._decode.decode(chunk, final)
        except UnicodeDecodeError as problem:
            raise invalid("", "text-encoding", "Encode the text as UTF-8.") from problem
        if re.search(r"[\x00-\x08\x0b\x0e-\x1f\x7f]", text):
            raise invalid(
                "",
                "type-content",
                "The text has control characters. Remove them, or correct the name if the file is no text.",
            )


def check_tail(kind: Kind, tail: bytes) -> None:
    """Check that content ends like its kind, and not like an archive; raises Invalid if it does not."""
    position = tail.rfind(b"PK\x05\x06")
    if position >= 0 and len(tail) == position + 22 + int.from_bytes(tail[position + 20 : position + 22], "little"):
        raise _polyglot("The file is also an archive. Remove the archive that follows it, and send that separately.")
    if kind is not PDF:
        return
    _before, mark, after = tail.rpartition(b"%%EOF")
    if not mark:
        raise invalid("", "type-content", "The end of the PDF (%%EOF) is missing. Send the whole file.")
    # Scanners and signature programs write comments there; a program of old systems ended files with 0x1A.
    lines = (line.strip(b"\x00\t\x0c\x1a ") for line in re.split(rb"[\r\n]+", after))
    if any(line and not line.startswith(b"%") for line in lines) or _has_directory(after):
        raise _polyglot("The PDF is followed by content other than comments. Remove what follows its last %%EOF.")


def _check_picture(picture: PictureEnd, tail: bytes) -> None:
    """Check that a picture is whole, and that what follows it is what cameras append (a film, pictures, notes)."""
    if not picture.ended:
        raise invalid("", "type-content", "The end of the picture is missing. Send the whole file.")
    trailer = bytes(picture.trailer)
    if trailer.startswith(_FOREIGN) or _MARKUP.match(trailer) or _PAGE.search(trailer):
        raise _polyglot("The picture is followed by an archive, program, page or document. Remove it.")
    if trailer and _has_directory(tail):
        raise _polyglot("The picture is followed by an archive. Remove it, and send that separately.")


def _has_directory(content: bytes) -> bool:
    """Whether content has the end of an archive's directory, also with other bytes behind it."""
    ends = (match.start() for match in re.finditer(rb"PK\x05\x06", content))
    # The archive is on one disk, which all its entries are on.
    return any(
        content[end + 4 : end + 8] == bytes(4) and content[end + 8 : end + 10] == content[end + 10 : end + 12]
        for end in ends
    )


def _polyglot(message: str) -> Invalid:
    return invalid("", "content-polyglot", message)
