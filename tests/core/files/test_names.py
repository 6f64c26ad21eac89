"""Names of files: any script is accepted and returned unchanged; deceptive, hidden and path-like names are refused."""

import unicodedata
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.core.errors import Invalid
from app.core.files.names import checked, disposition, extension_of, name_of

NAMES = [
    "memorial.pdf",
    "Mémoire du 3 mars.pdf",
    "меморандум.pdf",
    "备忘录.pdf",
    "مذكرة.pdf",
    "याचिका.pdf",
    "نامه\u200cها.pdf",
    'He said "no", 100%; really.pdf',
    "it's & that's; name=x.pdf",
    "a" * 251 + ".pdf",
]


def sent(name: str) -> str:
    """The header in which a client sends a name."""
    return f"attachment; filename*=UTF-8''{quote(name, safe='')}"


def read_or_refused(header: str) -> str | None:
    """The name that the header states, or None if it is refused."""
    try:
        return name_of(header)
    except Invalid as problem:
        codes = [fault.code for fault in problem.errors]
    assert all(code.startswith("name-") for code in codes)
    return None


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_returned_as_it_was_sent(name: str) -> None:
    assert name_of(sent(name)) == unicodedata.normalize("NFC", name)
    assert name_of(disposition(name)) == unicodedata.normalize("NFC", name)


@given(st.text(min_size=1, max_size=120))
@example("\r\nSet-Cookie: x.pdf")
@example("\udc80.pdf")
@example('";filename=evil.exe;".pdf')
def test_every_name_is_refused_or_returned_as_a_single_harmless_header(name: str) -> None:
    kept = read_or_refused(sent(name.encode("utf-8", "surrogatepass").decode("utf-8", "replace")))
    if kept is None:
        return
    header = disposition(kept)
    assert header.isascii()
    assert header.isprintable()
    assert header.count(";") >= 2
    assert name_of(header) == kept
    assert "/" not in kept
    assert "\\" not in kept
    assert len(kept.encode()) <= 255
    assert not any(unicodedata.category(letter) in ("Cc", "Zl", "Zp", "Cs") for letter in kept)


@given(st.text(max_size=300))
def test_any_header_is_either_parsed_or_refused(header: str) -> None:
    read_or_refused(header)


@given(st.text(alphabet="attchmenfil*=;\"'\\ %20UTF-8.pdf", max_size=80))
def test_any_header_of_nearly_the_right_form_is_either_parsed_or_refused(more: str) -> None:
    read_or_refused("attachment;" + more)


REFUSED = {
    "../up.pdf": "name-path",
    "a/b.pdf": "name-path",
    "a\\b.pdf": "name-path",
    "C:secret.pdf": "name-path",
    "..": "name-path",
    ".": "name-path",
    "a\0.pdf": "name-control",
    "a\r\n.pdf": "name-control",
    "a\x7f.pdf": "name-control",
    "a\u2028.pdf": "name-control",
    "a\u200b.pdf": "name-control",
    "a\ufeff.pdf": "name-control",
    "fdp\u202e.exe.pdf": "name-bidi",
    "\u200fa.pdf": "name-bidi",
    "ö" * 126 + ".pdf": "name-length",
    "a" * 296 + ".pdf": "name-length",
    " a.pdf": "name-edges",
    "a.pdf ": "name-edges",
    "a.pdf.": "name-edges",
}


@pytest.mark.parametrize("name", REFUSED)
def test_deceptive_hidden_and_path_like_names_are_refused(name: str) -> None:
    with pytest.raises(Invalid) as refused:
        checked(name)
    assert refused.value.errors[0].code == REFUSED[name]


@pytest.mark.parametrize(
    ("header", "code"),
    [
        (None, "name-missing"),
        ("attachment", "name-missing"),
        ("inline; filename=a.pdf", "name-header"),
        ("attachment; filename", "name-header"),
        ("attachment; filename=a.pdf; filename=b.pdf", "name-header"),
        ('attachment; filename="a.pdf', "name-header"),
        ("attachment; filename=ä.pdf", "name-header"),
        ('attachment; filename="ä.pdf"', "name-encoding"),
        ("attachment; filename*=ISO-8859-1''a.pdf", "name-encoding"),
        ("attachment; filename*=UTF-8''%ff.pdf", "name-encoding"),
        ("attachment; filename*=UTF-8''%4.pdf", "name-encoding"),
        ("attachment; filename*=UTF-8''%2e%2e%2fa.pdf", "name-path"),
        ("attachment; filename*=UTF-8''a%00.pdf", "name-control"),
        ("attachment; filename*=UTF-8''%ed%a0%80.pdf", "name-encoding"),
    ],
)
def test_a_header_of_another_form_is_refused(header: str | None, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        name_of(header)
    assert refused.value.errors[0].code == code


def test_the_extended_name_wins_over_the_plain_name_and_quotes_are_removed() -> None:
    assert name_of("attachment; filename=\"plain.pdf\"; filename*=UTF-8''r%C3%A9el.pdf") == "réel.pdf"
    assert name_of('attachment; filename="a \\"b\\".pdf"') == 'a "b".pdf'
    assert name_of("ATTACHMENT;FileName=a.pdf") == "a.pdf"


def test_the_extension_follows_the_last_dot() -> None:
    assert [extension_of(name) for name in ("a.PDF", "a.pdf.exe", ".pdf", "pdf", "a.")] == ["pdf", "exe", "", "", ""]
