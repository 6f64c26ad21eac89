"""Which files are taken, by name, media type and content; what could run is never among them."""

import codecs
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from app.core.errors import Invalid, UnsupportedMediaType, invalid
from app.core.files.names import extension_of

HEAD, TAIL = 4096, 66 * 1024
_OOXML = "application/vnd.openxmlformats-officedocument."
_ODF = "application/vnd.oasis.opendocument."


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of file: its media type, the endings of its name, and how its content begins.

    `inside` is what an office document's archive says that it is.
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
        """Whether it is an archive, be it an office document."""
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
# What a settlement's text may be: what can be read as pages, by people of any side.
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
_MARKUP = re.compile(
    rb"(?:\xef\xbb\xbf)?[\s\x00]*<(?:!--|!doctype|\?xml|html|head|body|script|svg|iframe|img|a|div|meta|style|title)\b",
    re.IGNORECASE,
)


def kind_of(name: str, media_type: str, taken: Sequence[Kind] = KINDS) -> Kind:
    """The kind, of those that are taken, that a file says it is by name and media type.

    Raises UnsupportedMediaType for a type that is not taken, and Invalid for a name of another kind or none.
    """
    extension = extension_of(name)
    if extension in SCRIPTS:
        raise _named("type-script", "A file of this kind can run when it is opened. Send it as PDF.")
    if extension in MACROS:
        raise _named("document-macro", "A document with macros is not taken. Save it without them.")
    said = media_type.partition(";")[0].strip().lower()
    given = OF_EXTENSION.get(extension) if said == UNNAMED_KIND else OF_MEDIA_TYPE.get(said)
    if given is None or given not in taken:
        known = ", ".join(sorted(kind.media_type for kind in taken))
        raise UnsupportedMediaType(f"Documents are taken here as: {known}.")
    if extension not in given.extensions:
        wanted = " or ".join(f".{one}" for one in given.extensions)
        raise _named("type-name", f"A file of the media type that was sent has a name in {wanted}.")
    return given


def _named(code: str, message: str) -> Invalid:
    return invalid("header/Content-Disposition", code, message)


def is_archive(head: bytes) -> bool:
    """Whether content begins as an archive does."""
    return head.startswith(_ARCHIVE_MARKS) or head[257:262] == b"ustar"


def check_head(kind: Kind, head: bytes) -> None:
    """Invalid if content does not begin as its kind does."""
    if not kind.is_text and head.startswith(kind.begins):
        return
    if any(one.begins and head.startswith(one.begins) for one in KINDS):
        raise invalid("", "type-name", "The content is of another kind than the name says.")
    if not kind.is_text:
        if b"<svg" in head.lower() and _MARKUP.match(head):
            raise invalid("", "type-script", "The content is an SVG, which can run when it is opened.")
        raise invalid("", "type-content", "The content is not what the name says.")


@dataclass
class Look:
    """What is seen of a file's content as it passes: its head, its tail, and every letter of a text."""

    kind: Kind
    head: bytearray = field(default_factory=bytearray)
    tail: bytes = b""
    _decode: codecs.IncrementalDecoder = field(default_factory=codecs.getincrementaldecoder("utf-8"))
    _judged: bool = False

    def add(self, chunk: bytes) -> None:
        """See the next bytes; Invalid as soon as they cannot be of the kind."""
        if len(self.head) < HEAD:
            self.head += chunk[: HEAD - len(self.head)]
        if not self._judged and len(self.head) == HEAD:
            self._judge()
        self.tail = (self.tail + chunk)[-TAIL:] if len(chunk) < TAIL else chunk[-TAIL:]
        if self.kind.is_text:
            self._read(chunk, final=False)

    def end(self) -> None:
        """The last byte has been seen; Invalid if the whole is not of the kind, or of another one too."""
        self._judge()
        if self.kind.is_text:
            self._read(b"", final=True)
        if not self.kind.is_archive:
            check_tail(self.kind, self.tail)

    def _judge(self) -> None:
        self._judged = True
        check_head(self.kind, bytes(self.head))

    def _read(self, chunk: bytes, *, final: bool) -> None:
        try:
            text = self._decode.decode(chunk, final)
        except UnicodeDecodeError as problem:
            raise invalid("", "text-encoding", "A text must be UTF-8.") from problem
        if re.search(r"[\x00-\x08\x0b\x0e-\x1f\x7f]", text):
            raise invalid("", "type-content", "The content is no text: it has control characters.")


def check_tail(kind: Kind, tail: bytes) -> None:
    """Invalid if content ends otherwise than its kind does, or as an archive does."""
    place = tail.rfind(b"PK\x05\x06")
    hidden = place >= 0 and len(tail) == place + 22 + int.from_bytes(tail[place + 20 : place + 22], "little")
    ends = {PDF: b"%%EOF", PNG: b"\x00\x00\x00\x00IEND\xaeB`\x82", JPEG: b"\xff\xd9"}
    if kind in ends:
        _before, mark, after = tail.rpartition(ends[kind])
        if not mark:
            raise invalid("", "type-content", "The file is not whole: its end is missing.")
        hidden |= bool(after.strip(b"\x00\r\n\t "))
    if hidden:
        raise invalid("", "content-polyglot", "After the end of the file something of another kind follows.")
