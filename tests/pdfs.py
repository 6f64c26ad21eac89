"""PDFs under test: valid ones of any size, and the parts of which odd and hostile ones are made."""

from collections.abc import Sequence

CATALOG, PAGES = b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>"
PAGE = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 100] /Contents 4 0 R >>"
DRAWING = b"0 0 0 rg 20 20 160 60 re f"


def stream(data: bytes, entries: bytes = b"") -> bytes:
    """A stream with its dictionary."""
    return b"<< %s /Length %d >>\nstream\n%s\nendstream" % (entries, len(data), data)


def pdf_of(objects: Sequence[bytes], *, version: bytes = b"1.7", trailer: bytes = b"", shift: int = 0) -> bytes:
    """A PDF of these objects, of which the first is the catalog; `shift` makes every place in its table wrong."""
    content, places = bytearray(b"%PDF-" + version + b"\n"), []
    for number, entry in enumerate(objects, 1):
        places.append(len(content) + shift)
        content += b"%d 0 obj\n%s\nendobj\n" % (number, entry)
    start = len(content)
    content += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    content += b"".join(b"%010d 00000 n \n" % place for place in places)
    content += b"trailer\n<< /Size %d /Root 1 0 R %s>>\n" % (len(objects) + 1, trailer)
    return bytes(content) + b"startxref\n%d\n%%%%EOF\n" % start


def pages(*more: bytes, catalog: bytes = CATALOG, page: bytes = PAGE, version: bytes = b"1.7") -> bytes:
    """A PDF of one page with a black rectangle; `more` are objects from the fifth on."""
    return pdf_of([catalog, PAGES, page, stream(DRAWING), *more], version=version)


PDF = pages()


def pdf(size: int, word: bytes = b"x") -> bytes:
    """A PDF of that many bytes, each a little different along its length."""
    lines = b"".join(b"%s %012d\n" % (word, number) for number in range(size // (len(word) + 14) + 1))
    # The file states the length of its stream, in more or fewer digits: line breaks at the end fill the rest.
    content = pages(stream(lines[: max(size - len(PDF) - 128, 0)]))
    return content + b"\n" * (size - len(content))
