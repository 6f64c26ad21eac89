"""The accepted kinds of files, and the code with which each other kind is refused."""

from collections.abc import Iterator

from tests.archives import DOCX, ODS, ODT, PPTX, SHEET, WORD, XLSX, ZIP, entry_of, office, open_document, zipped
from tests.pdfs import PDF, pdf
from tests.pictures import jpeg, png
from tests.uploads import Desk, content_of, desk_of, digest_of, fault, nothing_is_kept, settings_of_storage

__all__ = ["settings_of_storage"]


PNG, JPEG = png(), jpeg()
TIFF = b"II*\x00" + b"x" * 100
EMBEDDED = office(WORD, ("word/embeddings/sheet.xlsx", office(SHEET)))
TAKEN = {
    "a.pdf": ("application/pdf", PDF),
    "A.PDF": ("application/pdf", PDF),
    "a.png": ("image/png", PNG),
    "a.jpeg": ("image/jpeg", JPEG),
    "a.tif": ("image/tiff", TIFF),
    "a.txt": ("text/plain; charset=utf-8", "Grüße, 问候, تحية\r\n\tx\f".encode()),
    "a.csv": ("text/csv", b"a;b\n1;2\n"),
    "a.docx": (DOCX, office(WORD)),
    "embedded.docx": (DOCX, EMBEDDED),
    "a.xlsx": (XLSX, office(SHEET)),
    "a.pptx": (PPTX, office("presentationml.presentation")),
    "a.odt": (ODT, open_document("text")),
    "a.ods": (ODS, open_document("spreadsheet")),
    "a.zip": (ZIP, zipped(("folder/", b""), ("folder/a.pdf", PDF), ("ü.png", PNG), ("a.txt", b"x" * 100))),
    "stored.zip": (ZIP, zipped(("a.pdf", PDF), stored=True)),
}


def test_every_accepted_kind_of_file_is_returned_unchanged(desk: Desk) -> None:
    for number, (name, (media_type, content)) in enumerate(TAKEN.items()):
        desk = desk if number % 5 else desk_of(desk.dispute)
        document = desk.document(content, name=name, media_type=media_type)
        assert document["media_type"] == media_type.partition(";")[0]
        assert content_of(desk.dispute.requesting, document).response.content == content, name


def test_a_file_whose_kind_is_not_said_is_what_its_name_says(desk: Desk) -> None:
    document = desk.document(PDF, name="a.pdf", media_type="application/octet-stream")
    assert document["media_type"] == "application/pdf"
    assert fault(desk.send(HTML, "b.pdf", "application/octet-stream")) == "type-content"
    desk.send(b"MZ", "b.exe", "application/octet-stream").expect(415)


def lying_archive() -> bytes:
    """An archive whose file is larger than its directory states."""
    content = bytearray(zipped(("a.txt", b"x" * 100_000)))
    place = content.rfind(b"PK\x01\x02")
    content[place + 24 : place + 28] = (10).to_bytes(4, "little")
    return bytes(content)


def overlapping_archive() -> bytes:
    """An archive in which two files share the same bytes."""
    content = zipped(("a.txt", b"x" * 50_000), ("b.txt", b"x" * 50_000))
    first, second = content.find(b"PK\x01\x02"), content.rfind(b"PK\x01\x02")
    place = int.from_bytes(content[first + 42 : first + 46], "little")
    return content[: second + 42] + place.to_bytes(4, "little") + content[second + 46 :]


def encrypted_archive() -> bytes:
    """An archive whose directory marks its file as encrypted."""
    content = bytearray(zipped(("a.txt", b"x")))
    content[content.rfind(b"PK\x01\x02") + 8] |= 1
    return bytes(content)


HTML = b"<!DOCTYPE html><html><script>alert(1)</script></html>"
SVG = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
MACRO = 'ContentType="application/vnd.ms-word.document.macroEnabled.main+xml"'
INNER = zipped(("a.txt", b"x"))
P, T = "application/pdf", "text/plain"
# The fault, the name, the media type, the content, and the code of the refusal.
BAD: list[tuple[str, str, str, bytes, str]] = [
    ("a path in the name", "../../etc/passwd.pdf", P, PDF, "name-path"),
    ("a path of Windows", "C:\\a.pdf", P, PDF, "name-path"),
    ("NUL in the name", "a.pdf\0.pdf", P, PDF, "name-control"),
    ("a right-to-left mark in the name", "a\u202efdp.pdf", P, PDF, "name-bidi"),
    ("a name of 300 bytes", "ö" * 148 + ".pdf", P, PDF, "name-length"),
    ("an empty file", "a.pdf", P, b"", "empty"),
    ("HTML as PDF", "a.pdf", P, HTML, "type-content"),
    ("HTML as PNG", "a.png", "image/png", HTML, "type-content"),
    ("a script in SVG", "a.svg", "image/svg+xml", SVG, "type-script"),
    ("a script in SVG as PNG", "a.png", "image/png", SVG, "type-script"),
    ("a page by its name", "a.html", P, PDF, "type-script"),
    ("a wrong extension", "a.png", P, PDF, "type-name"),
    ("another extension after it", "a.pdf.exe", P, PDF, "type-name"),
    ("no extension", "a", P, PDF, "type-name"),
    ("a PNG as PDF", "a.pdf", P, PNG, "type-name"),
    ("a PDF as text", "a.txt", T, PDF, "type-name"),
    ("an Excel sheet as Word", "a.docx", DOCX, office(SHEET), "type-name"),
    ("an OpenDocument sheet as text", "a.odt", ODT, open_document("spreadsheet"), "type-name"),
    ("an archive as Word", "a.docx", DOCX, zipped(("a.txt", b"x")), "type-content"),
    ("a PDF that is cut off", "a.pdf", P, PDF[:-8], "type-content"),
    ("a PNG that is cut off", "a.png", "image/png", PNG[:-5], "type-content"),
    ("a program as text", "a.txt", T, b"MZ\x00\x03", "type-content"),
    ("Latin-1 as text", "a.txt", T, "Grüße".encode("latin-1"), "text-encoding"),
    ("UTF-8 cut off", "a.txt", T, "Grü".encode()[:-1], "text-encoding"),
    ("a PDF that is an archive too", "a.pdf", P, PDF + INNER, "content-polyglot"),
    ("a PNG that is an archive too", "a.png", "image/png", PNG + INNER, "content-polyglot"),
    ("a JPEG that is a page too", "a.jpg", "image/jpeg", JPEG + HTML, "content-polyglot"),
    ("a TIFF that is an archive too", "a.tif", "image/tiff", TIFF + INNER, "content-polyglot"),
    ("text that is an archive too", "a.txt", T, zipped(("a.txt", b"x"))[4:].replace(b"\0", b""), "text-encoding"),
    (
        "an archive with hidden bytes",
        "a.zip",
        ZIP,
        INNER[:-100] + HTML + INNER[-100:],
        "content-polyglot",
    ),
    ("a document with macros", "a.docx", DOCX, office(WORD, ("word/vbaProject.bin", b"x")), "document-macro"),
    ("a document that says it has macros", "a.docx", DOCX, office(WORD, says=f"<O {MACRO}/>"), "document-macro"),
    ("a document with macros by its name", "a.docm", DOCX, office(WORD), "document-macro"),
    ("an old macro sheet", "a.xlsx", XLSX, office(SHEET, ("xl/macrosheets/a.xml", b"x")), "document-macro"),
    ("an OpenDocument with macros", "a.odt", ODT, open_document("text", ("Basic/a.xml", b"x")), "document-macro"),
    (
        "a document that contains one with macros",
        "a.docx",
        DOCX,
        office(WORD, ("word/embeddings/a.xlsx", office(SHEET, ("xl/vbaProject.bin", b"x")))),
        "document-macro",
    ),
    ("a document two deep", "a.docx", DOCX, office(WORD, ("a.docx", EMBEDDED)), "archive-nested"),
    ("a document with an archive", "a.docx", DOCX, office(WORD, ("a.bin", INNER)), "archive-nested"),
    ("a nested archive", "a.zip", ZIP, zipped(("a.zip", INNER)), "archive-nested"),
    ("a nested archive in disguise", "a.zip", ZIP, zipped(("a.pdf", INNER)), "archive-nested"),
    ("a nested archive of another kind", "a.zip", ZIP, zipped(("a.txt", b"Rar!\x1a\x07\x00")), "archive-nested"),
    ("a nested office document", "a.zip", ZIP, zipped(("a.docx", office(WORD))), "archive-nested"),
    ("a zip bomb", "a.zip", ZIP, zipped(("a.txt", b"\n" * 60_000_000)), "archive-bomb"),
    ("a zip bomb of files", "a.zip", ZIP, zipped(*((f"{n}.txt", b"") for n in range(1001))), "archive-bomb"),
    ("a zip bomb that overlaps", "a.zip", ZIP, overlapping_archive(), "archive-bomb"),
    ("an archive that states wrong sizes", "a.zip", ZIP, lying_archive(), "archive-broken"),
    ("an archive that is cut off", "a.zip", ZIP, INNER[:-30], "archive-broken"),
    ("an encrypted archive", "a.zip", ZIP, encrypted_archive(), "archive-encrypted"),
    ("a symbolic link", "a.zip", ZIP, zipped((entry_of("a.txt", 0o120777), b"/etc/passwd")), "archive-link"),
    ("a device", "a.zip", ZIP, zipped((entry_of("a.txt", 0o060777), b"")), "archive-link"),
    ("a path in the archive", "a.zip", ZIP, zipped(("../a.txt", b"x")), "archive-path"),
    ("an absolute path in the archive", "a.zip", ZIP, zipped(("/a.txt", b"x")), "archive-path"),
    ("a path of Windows in the archive", "a.zip", ZIP, zipped(("a\\b.txt", b"x")), "archive-path"),
    ("a program in the archive", "a.zip", ZIP, zipped(("a.exe", b"MZ")), "archive-type"),
    ("a page in the archive", "a.zip", ZIP, zipped(("a.pdf", HTML)), "type-content"),
    ("a page's own kind", "a.txt", "text/html", HTML, "415"),
    ("a kind that is not taken", "a.exe", "application/octet-stream", b"MZ", "415"),
    ("over the limit", "a.pdf", P, pdf(3 * 1024 * 1024 + 1), "413"),
]
NAMED = {  # The classes that must each have their own code; the wrong digest is the fifteenth.
    "a path in the name",
    "NUL in the name",
    "a right-to-left mark in the name",
    "a name of 300 bytes",
    "a zip bomb",
    "a nested archive",
    "a symbolic link",
    "HTML as PDF",
    "a document with macros",
    "a script in SVG",
    "a PDF that is an archive too",
    "an empty file",
    "over the limit",
    "a wrong extension",
}


def test_each_class_of_bad_upload_is_refused_with_its_code_and_leaves_nothing(desk: Desk) -> None:
    faults = []
    for what, name, media_type, content, code in BAD:
        answer = desk.send(content, name, media_type)
        refused_with = str(answer.status) if answer.status != 422 else answer.json["errors"][0]["code"]
        if refused_with != code:
            faults.append(f"{what}: {refused_with} instead of {code}: {answer.response.text[:300]}")
    assert not faults, "\n".join(faults)
    assert nothing_is_kept(desk)
    wrong = fault(desk.send(repr_digest=digest_of(b"other")))
    assert nothing_is_kept(desk)
    codes = [wrong, *(code for what, _name, _type, _content, code in BAD if what in NAMED)]
    assert len(set(codes)) == len(codes) == len(NAMED) + 1 == 15


def test_the_headers_of_an_upload_are_judged_before_its_bytes(desk: Desk) -> None:
    def bytes_that_must_not_be_read() -> Iterator[bytes]:
        yield b""
        raise AssertionError("the body was read")

    for name, media_type, status in (("a.exe", P, 422), ("a.pdf", "text/html", 415), ("a/b.pdf", P, 422)):
        desk.send(bytes_that_must_not_be_read(), name, media_type).expect(status)
    desk.send(bytes_that_must_not_be_read(), query="?relation=annex-to").expect(422)
    desk.send(bytes_that_must_not_be_read(), person=desk.dispute.responding).expect(404)
    answer = desk.dispute.requesting.send("POST", desk.path, content=PDF, headers={"content-type": P})
    assert fault(answer) == "name-missing"
    assert fault(desk.send(content_encoding="gzip")) == "content-encoding"
