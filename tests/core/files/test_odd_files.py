"""Honest files of unusual shape are taken byte for byte; hostile ones are refused quickly, each with its code."""

import hashlib
import io
import time
import zipfile

from app.core.files.images import PictureEnd
from tests.archives import DOCX, ODT, PPTX, SHEET, WORD, XLSX, ZIP, open_document, zipped
from tests.pictures import film, jpeg, png, png_chunk, segment
from tests.uploads import PDF, Desk, content_of, desk_of, digest_of, nothing_is_kept, settings_of_storage

__all__ = ["settings_of_storage"]

HTML = b"<!DOCTYPE html><html><script>alert(1)</script></html>"
PNG, JPEG = png(), jpeg()
P, J, N = "application/pdf", "image/jpeg", "image/png"
MAIN = "application/vnd.openxmlformats-officedocument.{}.main+xml"
INNER = zipped(("a.txt", b"x"))
# The trailer of a telephone's maker ends with the length of its directory.
MAKER = b"\0\0\1\x0aImage_UTC_Data1785746400000SEFH\x6b\0\0\0\1\0\0\0SEFT"


def types_of(kind: str, form: str = "{}") -> str:
    """The list of content types of an office document, with its one override in a form."""
    override = f'<Override PartName="/main.xml" ContentType="{MAIN.format(kind)}"/>'
    return (
        f'<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">{form.format(override)}</Types>'
    )


def office_of(types: bytes, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """An office document in Microsoft's format with these content types."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", method) as archive:
        for name, content in (("[Content_Types].xml", types), ("_rels/.rels", b"<a/>"), ("main.xml", b"<a/>")):
            archive.writestr(name, content)
    return target.getvalue()


def streamed(*entries: tuple[str, bytes], zip64: bool = False) -> bytes:
    """An archive written by a program that could not seek back, with data descriptors."""

    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

        def seek(self, offset: int, whence: int = 0) -> int:
            raise io.UnsupportedOperation

    target = Pipe()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries:
            with archive.open(name, "w", force_zip64=zip64) as file:
                file.write(content)
    return target.getvalue()


def commented(comment: bytes) -> bytes:
    """An archive with a comment."""
    target = io.BytesIO(INNER)
    with zipfile.ZipFile(target, "a") as archive:
        archive.comment = comment
    return target.getvalue()


XML, DECLARED = '<?xml version="1.0" encoding="UTF-8"?>\n', "<?xml version='1.0' encoding='utf-16'?>"
SINGLE = types_of(WORD).replace('"', "'")
PREFIXED = types_of(SHEET).replace("<", "<ct:").replace("<ct:/", "</ct:").replace("xmlns=", "xmlns:ct=")
THUMBNAIL = segment(0xE1, b"Exif\0\0" + JPEG)
HONEST: dict[str, tuple[str, bytes]] = {
    "PXL_20270308_101500.MP.jpg": (J, JPEG + film()),
    "bare.jpg": (J, JPEG),
    "zeros.jpg": (J, JPEG + bytes(5000)),
    "gain-map.jpg": (J, JPEG + JPEG),
    "three-views.jpg": (J, JPEG + bytes(3) + JPEG + JPEG),
    "maker.jpg": (J, JPEG + MAKER),
    "film-and-maker.jpg": (J, JPEG + film() + MAKER),
    "long-film.jpg": (J, JPEG + film(400_000)),
    "thumbnail.jpg": (J, jpeg(THUMBNAIL)),
    "thumbnail-and-film.jpeg": (J, jpeg(THUMBNAIL) + film()),
    "comment.jpg": (J, jpeg(segment(0xFE, b"PK\x05\x06, said in a comment"))),
    "fill-bytes.jpg": (J, jpeg(b"\xff\xff\xff" + segment(0xFE, b"x")[1:])),
    "newline.jpg": (J, JPEG + b"\r\n"),
    "text.png": (N, png(png_chunk(b"tEXt", b"Comment\0IEND is the end"))),
    "zeros.png": (N, PNG + bytes(700)),
    "old-screen.png": (N, PNG + png_chunk(b"IDAT", b"x" * 300) + png_chunk(b"IEND", b"")),
    "single-quotes.docx": (DOCX, office_of(SINGLE.encode())),
    "utf-16-le.docx": (DOCX, office_of((DECLARED + types_of(WORD)).encode("utf-16"))),
    "utf-16-be.docx": (DOCX, office_of(b"\xfe\xff" + (DECLARED + types_of(WORD)).encode("utf-16-be"))),
    "byte-order-mark.xlsx": (XLSX, office_of(("\ufeff" + XML + types_of(SHEET)).encode())),
    "prefix.xlsx": (XLSX, office_of(PREFIXED.encode())),
    "spaces.xlsx": (XLSX, office_of(types_of(SHEET).replace("=", " = ").encode())),
    "upper-case.pptx": (
        PPTX,
        office_of(types_of("presentationml.presentation").replace("main+xml", "Main+XML").encode()),
    ),
    "stored.docx": (DOCX, office_of(types_of(WORD).encode(), zipfile.ZIP_STORED)),
    "bzip2.docx": (DOCX, office_of(types_of(WORD).encode(), zipfile.ZIP_BZIP2)),
    "comment-in-types.docx": (DOCX, office_of(types_of(WORD, "<!-- no macroEnabled part -->{}").encode())),
    "streamed.docx": (DOCX, streamed(("[Content_Types].xml", types_of(WORD).encode()), ("main.xml", b"<a/>"))),
    "newline.odt": (ODT, zipped(("mimetype", ODT.encode() + b"\n"), ("content.xml", b"<a/>"))),
    "plain.odt": (ODT, open_document("text")),
    "zip64.zip": (ZIP, streamed(("a.pdf", PDF), ("b.txt", b"x" * 5000), zip64=True)),
    "descriptors.zip": (ZIP, streamed(("a.pdf", PDF), ("b.txt", b"x" * 5000))),
    "comment.zip": (ZIP, commented("Packed by WinPack 7.1 at São Tomé\r\n".encode())),
    "comment.pdf": ("application/pdf", PDF + b"% scanned by station 4 of the registry\n"),
    "comments.pdf": (P, PDF + b"%signature-program 3.1\r\n%2027-03-08\r\n\r\n"),
    "zeros.pdf": (P, PDF + bytes(600)),
    "ctrl-z.pdf": (P, PDF + b"\r\n\x1a"),
    "no-newline.pdf": (P, PDF.rstrip()),
    "byte-order-mark.txt": ("text/plain", "\ufeffGrüße".encode()),
    "carriage-returns.csv": ("text/csv", b"a;b\r1;2\r"),
    "empty-lines.txt": ("text/plain", b"\n" * 70_000),
}

BOMB = '<!DOCTYPE Types [<!ENTITY a "x"><!ENTITY b "&a;&a;&a;&a;">]>' + types_of(WORD)
OPAQUE, POLYGLOT = "type-content", "content-polyglot"
# The fault, the name, the media type, the content, and the code of the refusal.
HOSTILE: list[tuple[str, str, str, bytes, str]] = [
    ("an archive behind a photograph", "a.jpg", J, JPEG + INNER, POLYGLOT),
    ("an archive behind a film", "a.jpg", J, JPEG + film() + INNER, POLYGLOT),
    ("an archive with bytes behind it", "a.jpg", J, JPEG + film() + INNER + b"SEFT" * 20, POLYGLOT),
    ("a page behind a photograph", "a.jpg", J, JPEG + b"\n\n" + HTML, POLYGLOT),
    ("a page behind a few bytes", "a.jpg", J, JPEG + b"abc" + HTML, POLYGLOT),
    ("a program behind a photograph", "a.jpg", J, JPEG + b"MZ\x90\0" + bytes(100), POLYGLOT),
    ("a program of Linux", "a.jpg", J, JPEG + bytes(9) + b"\x7fELF\2\1\1" + bytes(100), POLYGLOT),
    ("a script of a shell", "a.jpg", J, JPEG + b"#!/bin/sh\n", POLYGLOT),
    ("a document behind a photograph", "a.jpg", J, JPEG + PDF, POLYGLOT),
    ("a compressed file behind a photograph", "a.jpg", J, JPEG + b"\x1f\x8b\x08" + bytes(50), POLYGLOT),
    ("a photograph that is cut off behind its thumbnail", "a.jpg", J, jpeg(THUMBNAIL)[:-2], OPAQUE),
    ("a photograph of its first bytes", "a.jpg", J, JPEG[:9], OPAQUE),
    ("a photograph with an endless segment", "a.jpg", J, JPEG[:2] + b"\xff\xe1\xff\xff" + JPEG, OPAQUE),
    ("a page behind a PNG", "a.png", N, PNG + HTML, POLYGLOT),
    ("a program behind a PNG", "a.png", N, PNG + b"MZ\x90\0", POLYGLOT),
    ("an archive and bytes behind a PNG", "a.png", N, PNG + INNER + b"xyz", POLYGLOT),
    ("a PNG with an endless chunk", "a.png", N, PNG[:8] + b"\x7f\xff\xff\xffIDAT" + PNG, OPAQUE),
    ("an archive in a comment of a PDF", "a.pdf", P, PDF + b"%" + INNER + b"\n", POLYGLOT),
    ("a page behind a PDF", "a.pdf", P, PDF + b"% x\n" + HTML, POLYGLOT),
    ("entities in the content types", "a.docx", DOCX, office_of(BOMB.encode()), "document-doctype"),
    ("entities in UTF-16", "a.docx", DOCX, office_of(BOMB.encode("utf-16")), "document-doctype"),
    ("broken content types", "a.docx", DOCX, office_of(SINGLE.encode()[:-3]), "document-broken"),
    ("macros in UTF-16", "a.docx", DOCX, office_of(
        types_of(WORD, '{}<Default Extension="bin" ContentType="application/vnd.ms-office.vbaProject"/>')
        .encode("utf-16")), "document-macro"),
    ("another kind in single quotes", "a.xlsx", XLSX, office_of(SINGLE.encode()), "type-name"),
    ("a kind that only a comment names", "a.docx", DOCX, office_of(types_of(WORD, "<!-- {} -->").encode()), OPAQUE),
    ("an archive in the comment of an archive", "a.zip", ZIP, commented(INNER), POLYGLOT),
    ("a page in the comment of an archive", "a.zip", ZIP, commented(HTML), POLYGLOT),
]  # fmt: skip


def test_honest_files_of_unusual_shape_are_taken_byte_for_byte(desk: Desk) -> None:
    assert len(HONEST) >= 40
    for number, (name, (media_type, content)) in enumerate(HONEST.items()):
        desk = desk if number % 5 else desk_of(desk.dispute)
        document = desk.document(content, name=name, media_type=media_type, repr_digest=digest_of(content))
        assert document["sha256"] == hashlib.sha256(content).hexdigest(), name
        assert content_of(desk.dispute.requesting, document).response.content == content, name


def test_hostile_files_are_refused_each_in_less_than_a_second(desk: Desk) -> None:
    faults = []
    for what, name, media_type, content, code in HOSTILE:
        began = time.process_time()
        answer = desk.send(content, name, media_type)
        took = time.process_time() - began
        refused_with = answer.json["errors"][0]["code"] if answer.status == 422 else str(answer.status)
        if refused_with != code or took >= 1:
            faults.append(f"{what}: {refused_with} instead of {code}, after {took:.1f} s")
    assert not faults, "\n".join(faults)
    assert nothing_is_kept(desk)


def test_the_end_of_a_picture_does_not_depend_on_how_its_bytes_arrive() -> None:
    for name in ("film-and-maker.jpg", "thumbnail-and-film.jpeg", "fill-bytes.jpg", "text.png", "old-screen.png"):
        media_type, content = HONEST[name]
        seen = []
        for size in (1, 2, 7, 64, len(content)):
            end = PictureEnd(is_png=media_type == N)
            for start in range(0, len(content), size):
                end.add(content[start : start + size])
            seen.append((end.ended, bytes(end.trailer)))
        assert seen[0][0], name
        assert len(set(seen)) == 1, name
