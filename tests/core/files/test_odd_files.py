"""Honest files of unusual shape are taken byte for byte; hostile ones are refused quickly, each with its code."""

import hashlib
import io
import resource
import struct
import time
import zipfile
import zlib
from collections.abc import Callable

import pytest
from pypdf import PdfWriter

from app.core.errors import Invalid
from app.core.files.images import PictureEnd
from app.core.files.pdfs import MOST_OPENED, check_pdf, check_size
from tests.archives import DOCX, ODT, PPTX, SHEET, WORD, XLSX, ZIP, open_document, zipped
from tests.pdfs import CATALOG, DRAWING, PAGE, PAGES, PDF, pages, pdf_of, stream
from tests.pictures import film, jpeg, png, png_chunk, segment
from tests.uploads import Desk, content_of, desk_of, digest_of, nothing_is_kept, settings_of_storage

__all__ = ["settings_of_storage"]

HTML = b"<!DOCTYPE html><html><script>alert(1)</script></html>"
PNG, JPEG = png(), jpeg()
P, J, N = "application/pdf", "image/jpeg", "image/png"
MAIN = "application/vnd.openxmlformats-officedocument.{}.main+xml"
INNER = zipped(("a.txt", b"x"))
OBJECTS = [CATALOG, PAGES, PAGE, stream(DRAWING)]
NAMED = CATALOG[:-2] + b"/Names << /JavaScript << /Names [(a) << /S /JavaScript /JS (x) >>] >> >> >>"
ACTING = PAGE[:-2] + b"/AA << /O << /S /JavaScript /JS (x) >> >> >>"
LINK = b"/Annots [<< /Type /Annot /Subtype /Link /Rect [0 0 9 9] /A << %s >> >>]"
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


def kids(names: bytes) -> bytes:
    """A PDF whose pages are these."""
    return pdf_of([CATALOG, b"<< /Type /Pages /Kids [%s] /Count 1 >>" % names, PAGE, stream(DRAWING)])


def linking(action: bytes) -> bytes:
    """A PDF with a link that does this."""
    return pages(page=PAGE[:-2] + LINK % action + b">>")


def opening(action: bytes) -> bytes:
    """A PDF that does this when it is opened."""
    return pages(catalog=CATALOG[:-2] + b"/OpenAction << %s >> >>" % action)


def updated(content: bytes) -> bytes:
    """A PDF with one more revision behind it, in which its page is larger."""
    writer = PdfWriter(io.BytesIO(content), incremental=True)
    page = writer.pages[0]
    page.mediabox.upper_right = (page.mediabox.right + 20, 120)
    target = io.BytesIO()
    writer.write(target)
    return target.getvalue()


def written(change: Callable[[PdfWriter], object]) -> bytes:
    """A PDF as a library writes it, after a change."""
    writer, target = PdfWriter(io.BytesIO(PDF)), io.BytesIO()
    change(writer)
    writer.write(target)
    return target.getvalue()


def with_xref_stream(*, script: bool = False, bomb: bool = False) -> bytes:
    """A PDF of version 1.5, with its catalog in a stream of objects and its table in a stream."""
    action = b"/OpenAction << /S /JavaScript /JS (x) >>" if script else b""
    packed = b"1 0 " + CATALOG[:-2] + action + b">>"
    packed += b" " * (200_000_000 if bomb else 0)
    objects = {2: PAGES, 3: PAGE, 4: stream(DRAWING)}
    objects[5] = stream(zlib.compress(packed), b"/Type /ObjStm /N 1 /First 4 /Filter /FlateDecode")
    content, rows = bytearray(b"%PDF-1.5\n"), {0: (0, 0, 255), 1: (2, 5, 0)}
    for number, entry in objects.items():
        rows[number] = (1, len(content), 0)
        content += b"%d 0 obj\n%s\nendobj\n" % (number, entry)
    rows[6] = (1, len(content), 0)
    table = zlib.compress(b"".join(struct.pack(">BIB", *rows[number]) for number in range(7)))
    entries = b"/Type /XRef /Size 7 /W [1 4 1] /Root 1 0 R /Filter /FlateDecode"
    start = len(content)
    return bytes(content) + b"6 0 obj\n%s\nendobj\nstartxref\n%d\n%%%%EOF\n" % (stream(table, entries), start)


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
    **{f"version-{version.decode()}.pdf": (P, pages(version=version)) for version in (b"1.0", b"1.4", b"1.6", b"2.0")},
    "xref-stream.pdf": (P, with_xref_stream()),
    "incremental.pdf": (P, updated(PDF)),
    "twice-incremental.pdf": (P, updated(updated(PDF)) + b"% signed twice\n"),
    "empty-password.pdf": (P, written(lambda writer: writer.encrypt("", "owner", algorithm="AES-256"))),
    "enclosed-data.pdf": (P, written(lambda writer: writer.add_attachment("invoice.xml", b"<invoice/>"))),
    "link.pdf": (P, linking(b"/S /URI /URI (https://example.org/)")),
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
    ("random bytes between the marks", "a.pdf", P, b"%PDF-1.7\n" + bytes(range(256)) * 8 + b"\n%%EOF\n", "pdf-broken"),
    ("a PDF without a table", "a.pdf", P, b"%PDF-1.7\n1 0 obj <<>> endobj\n%%EOF\n", "pdf-broken"),
    ("a table with wrong places", "a.pdf", P, pdf_of(OBJECTS, shift=7), "pdf-broken"),
    ("a start that is nowhere", "a.pdf", P, PDF.replace(b"startxref\n", b"startxref\n9"), "pdf-broken"),
    ("a PDF cut in its middle", "a.pdf", P, PDF[:200] + b"\n%%EOF\n", "pdf-broken"),
    ("no catalog", "a.pdf", P, pages(catalog=b"<< /Type /Catalog >>"), "pdf-broken"),
    ("pages that contain themselves", "a.pdf", P, kids(b"2 0 R"), "pdf-broken"),
    ("a page that is missing", "a.pdf", P, kids(b"77 0 R"), "pdf-broken"),
    ("zero pages", "a.pdf", P, kids(b""), "pdf-no-pages"),
    ("a password", "a.pdf", P, written(lambda writer: writer.encrypt("secret", algorithm="AES-256")), "pdf-encrypted"),
    ("an old password", "a.pdf", P, written(lambda writer: writer.encrypt("x", algorithm="RC4-128")), "pdf-encrypted"),
    ("a script at opening", "a.pdf", P, opening(b"/S /JavaScript /JS (app.alert\\(1\\))"), "pdf-script"),
    ("a script under another spelling", "a.pdf", P, opening(b"/S /Java#53cript /#4aS (x)"), "pdf-script"),
    ("a script among the names", "a.pdf", P, pages(catalog=NAMED), "pdf-script"),
    ("a script in a stream of objects", "a.pdf", P, with_xref_stream(script=True), "pdf-script"),
    ("a script on a page", "a.pdf", P, pages(page=ACTING), "pdf-script"),
    ("a script in a link", "a.pdf", P, linking(b"/S /URI /URI (JavaScript:x)"), "pdf-script"),
    ("a script in a form", "a.pdf", P, pages(stream(b"<xdp><script>x</script></xdp>"),
        catalog=CATALOG[:-2] + b"/AcroForm << /XFA 5 0 R /Fields [] >> >>"), "pdf-script"),
    ("a program that it starts", "a.pdf", P, opening(b"/S /Launch /F (cmd.exe)"), "pdf-launch"),
    ("a link that starts a program", "a.pdf", P, linking(b"/S /Launch /F (a)"), "pdf-launch"),
    ("a second step that starts a program", "a.pdf", P,
        opening(b"/S /GoTo /D [3 0 R /Fit] /Next << /S /Launch /F (a) >>"), "pdf-launch"),
    ("a program in it", "a.pdf", P, written(lambda writer: writer.add_attachment("setup.EXE", b"x")), "pdf-program"),
    ("a disguised program in it", "a.pdf", P,
        written(lambda writer: writer.add_attachment("map.png", b"MZ\x90\0" + bytes(90))), "pdf-program"),
    ("a stream that unpacks to much", "a.pdf", P, with_xref_stream(bomb=True), "pdf-too-complex"),
    ("an archive in the comment of an archive", "a.zip", ZIP, commented(INNER), POLYGLOT),
    ("a page in the comment of an archive", "a.zip", ZIP, commented(HTML), POLYGLOT),
]  # fmt: skip


# Files are judged before the database is asked.
@pytest.mark.parametrize("registry", ["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)], indirect=True)
def test_honest_files_of_unusual_shape_are_taken_byte_for_byte(desk: Desk) -> None:
    assert len(HONEST) >= 40
    for number, (name, (media_type, content)) in enumerate(HONEST.items()):
        desk = desk if number % 5 else desk_of(desk.dispute)
        document = desk.document(content, name=name, media_type=media_type, repr_digest=digest_of(content))
        assert document["sha256"] == hashlib.sha256(content).hexdigest(), name
        assert content_of(desk.dispute.requesting, document).response.content == content, name


def processor_time() -> float:
    """The seconds that this process and its ended children have worked; other work on the machine does not count."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


@pytest.mark.parametrize("registry", ["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)], indirect=True)
def test_hostile_files_are_refused_each_in_less_than_a_second(desk: Desk) -> None:
    faults = []
    for what, name, media_type, content, code in HOSTILE:
        began = processor_time()
        answer = desk.send(content, name, media_type)
        took = processor_time() - began
        refused_with = answer.json["errors"][0]["code"] if answer.status == 422 else str(answer.status)
        if refused_with != code or took >= 1:
            faults.append(f"{what}: {refused_with} instead of {code}, after {took:.1f} s")
    assert len(HOSTILE) >= 40
    assert not faults, "\n".join(faults)
    assert nothing_is_kept(desk)


def code_of(content: bytes, *, renders: bool = True) -> str:
    """The code with which a PDF is refused; empty if it is taken."""
    try:
        check_pdf([content], renders=renders)
    except Invalid as refused:
        return refused.errors[0].code
    return ""


def test_a_settlement_s_text_must_show_something_on_its_pages() -> None:
    blank = pdf_of([CATALOG, PAGES, PAGE, stream(b"")])
    assert (code_of(PDF), code_of(blank), code_of(blank, renders=False)) == ("", "pdf-blank", "")
    with pytest.raises(Invalid) as refused:
        check_size(MOST_OPENED + 1, renders=True)
    assert refused.value.errors[0].code == "pdf-too-large"
    assert check_size(MOST_OPENED, renders=True)
    assert not check_size(MOST_OPENED + 1, renders=False)


def test_a_pdf_that_takes_too_long_to_open_is_refused_and_its_process_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.core.files.pdfs.PATIENCE", 0.01)
    assert code_of(PDF) == "pdf-too-complex"


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
