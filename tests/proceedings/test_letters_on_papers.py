"""Papers in everybody's letters: names and titles are drawn in their script, and a text search finds them."""

import json
import re
import unicodedata
from pathlib import Path
from typing import Any

import pypdfium2  # type: ignore[import-untyped]
import pytest

from app.proceedings.certificates import letters, pdf
from tests.installation import Json
from tests.story import Dispute

# The official names of the members of the United Nations, in official languages.
STATES = (Path(__file__).parent / "names_of_states.txt").read_text(encoding="utf-8").splitlines()
NAMES = [name for state in STATES for name in state[3:].split(" | ")]
TITLES = {
    "Lao": "ຂໍ້ຂັດແຍ່ງກ່ຽວກັບນ້ຳ",
    "Amharic": "የውሃ ክፍፍል ክርክር",
    "Georgian": "დავა წყლის შესახებ",
    "Armenian": "Վեճ ջրի վերաբերյալ",
    "Bengali": "পানি বণ্টন নিয়ে বিরোধ",
    "Tamil": "நீர்ப் பங்கீட்டுத் தகராறு",
    "Sinhala": "ජල බෙදා ගැනීමේ ආරවුල",
    "Burmese": "ရေခွဲဝေမှု အငြင်းပွားမှု",
}
THAI, HINDI, KHMER = "กรมชลประทาน", "सिंचाई विभाग", "ក្រសួងធនធានទឹក"
# PDFium guesses blanks from gaps, and is wrong with letters that bear marks in these names: a search finds their words.
BLANKS_GUESSED = {"Aolepān Aorōkin M̧ajeļ", "ދިވެހިރާއްޖޭގެ ޖުމްހޫރިއްޔާ", "ශ්‍රී ලංකා ප්‍රජාතාන්ත්‍රික සමාජවාදී ජනරජය"}


def receipt(title: str = "A title", names: tuple[str, ...] = (), institution: str = "Organisation") -> bytes:
    """A signed file, without a valid signature, that names documents."""
    case = {"id": "1", "reference": "OM-1", "title": title, "category": "commercial"}
    rules = {"id": "uncitral-2021", "title": "UNCITRAL Mediation Rules", "edition": "2021"}
    by = {"id": "2", "name": "Viktor", "capacity": "responding-party", "party": {"id": "3", "name": title}}
    filing = {"id": "4", "kind": "response", "title": title, "audience": "participants"}
    enclosed = [{"name": name, "size": 1, "sha256": "ab" * 32, "media_type": "application/pdf"} for name in names]
    body = {
        "kind": "receipt",
        "id": "5",
        "institution": institution,
        "issued_at": "2026-03-02T09:00:00Z",
        "case": case | {"rules": rules},
        "filing": filing | {"docket_number": None, "resubmits_id": None},
        "by": by | {"joined_by": []},
        "received_at": "2026-03-02T09:00:00Z",
        "received_via": "portal",
        "seat": {"place": "Wien", "time_zone": "Europe/Vienna", "received_local": "2026-03-02T10:00:00+01:00"},
        "effective_on": "2026-03-02",
        "days_counted_in": "Europe/Vienna",
        "in_time": None,
        "terms": [],
        "documents": enclosed,
        "ledger": None,
    }
    return json.dumps({"body": body, "key": {"id": "6", "public_key": "k"}, "signature": "s"}).encode()


def searched(document: bytes) -> str:
    """The text of a PDF as a reader's search finds it, on one line."""
    pages = [page.get_textpage().get_text_bounded() for page in pypdfium2.PdfDocument(document)]
    return one_line(" ".join(pages))


def one_line(text: str) -> str:
    """The text in NFC, its blanks as one."""
    return re.sub(r"\s+", " ", unicodedata.normalize("NFC", text))


def packed(text: str) -> str:
    """The text in NFC, without blanks."""
    return one_line(text).replace(" ", "")


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The templates that were compiled; nothing was drawn before."""
    templates: list[str] = []
    compile_page = pdf._compiled

    def counted(template: str, *arguments: Any) -> bytes:
        templates.append(template)
        return compile_page(template, *arguments)

    monkeypatch.setattr(pdf, "_compiled", counted)
    monkeypatch.setattr(pdf, "_drawings", pdf._Drawings(pdf._MOST_KEPT_BYTES))
    return templates


def test_the_names_of_all_members_of_the_united_nations_are_found_in_their_letters() -> None:
    assert len({state[:2] for state in STATES}) == 193
    found = searched(pdf.render(receipt(names=tuple(NAMES))))
    assert "[U+" not in found
    assert [name for name in NAMES if one_line(name) not in found and name not in BLANKS_GUESSED] == []
    without_blanks = packed(found)
    assert [name for name in NAMES if packed(name) not in without_blanks] == []


def test_receipt_and_certificate_have_titles_and_parties_in_their_letters(dispute: Dispute) -> None:
    names = {"requesting": THAI, "responding": HINDI}
    parties = [{"side": side, "kind": "company", "name": name, "member_id": None} for side, name in names.items()]
    dispute.mediating(procedure="uncitral-2021", category="commercial", parties=parties)
    filing = dispute.filing(dispute.requesting, "participants", title=KHMER)
    dispute.settled()
    (listed,) = dispute.requesting.get(f"{dispute.path}/settlement/certificates").expect(200)["items"]
    paths = {f"{dispute.path}/filings/{filing['id']}/receipt": (THAI, KHMER)}
    paths[f"{dispute.path}/settlement/certificates/{listed['id']}"] = (THAI, HINDI)
    for path, expected in paths.items():
        found = searched(dispute.requesting.get(f"{path}.pdf").response.content)
        assert [name for name in expected if name not in found] == []
        file: Json = dict(dispute.requesting.get(path).expect(200))
        for title in TITLES.values():
            file["body"]["case"]["title"] = title
            assert packed(title) in packed(searched(pdf.render(json.dumps(file).encode())))


def test_a_name_that_runs_from_right_to_left_keeps_its_order() -> None:
    file = json.loads(receipt(names=("مذكرة رقم بشأن", "Memorial of جمهورية قطر"), institution="منظمة الوساطة"))
    file["body"]["by"]["joined_by"] = [{"id": "7", "name": "سلطنة عمان"}, {"id": "8", "name": "دولة الكويت"}]
    document = pypdfium2.PdfDocument(pdf.render(json.dumps(file).encode()))
    pages = [page.get_textpage() for page in document]

    def left(words: str) -> float:
        places = [(page, page.search(words).get_next()) for page in pages]
        page, place = next((page, place) for page, place in places if place is not None)
        return float(page.get_charbox(place[0])[0])

    assert left("بشأن") < left("رقم") < left("مذكرة")
    assert left("Memorial of") < left("قطر") < left("جمهورية")
    assert left("الوساطة") < left("منظمة")
    assert left("عمان") < left("سلطنة")
    assert left("الكويت") < left("دولة")


def test_a_letter_without_a_glyph_does_not_change_how_the_others_are_shown(compiled: list[str]) -> None:
    rare = "".join(chr(0x12000 + place) for place in range(70))
    found = searched(pdf.render(receipt(f"Mémoire 中国 {THAI} \U0001f71a", names=(rare,))))
    assert f"Mémoire 中国 {THAI} [U+1F71A]" in found
    assert packed("".join(f"[U+{ord(letter):04X}]" for letter in rare)) in packed(found)
    assert compiled == ["receipt.typ"]


def test_five_hundred_letters_without_a_glyph_take_one_attempt(compiled: list[str]) -> None:
    found = searched(pdf.render(receipt("".join(chr(0x13000 + place) for place in range(500)))))
    assert "[U+13000]" in found
    assert "[U+131F3]" in found
    assert compiled == ["receipt.typ"]


def test_a_mark_that_no_font_has_with_its_letter_follows_it_as_its_number(compiled: list[str]) -> None:
    assert letters.drawable("a\u0943\u0301b") == ("a\u0301[U+0943]b", True)
    assert letters.drawable({"names": ["क्षत्रिय", 1, None]}) == ({"names": ["क्षत्रिय", 1, None]}, False)
    assert "[U+0943]b" in searched(pdf.render(receipt("a\u0943\u0301b")))
    assert compiled == ["receipt.typ"]


def test_every_symbol_that_is_said_to_be_drawn_is_drawn(compiled: list[str]) -> None:
    symbols = "".join(sorted(letters._SYMBOLS))
    assert letters.drawable(symbols) == (symbols, False)
    pdf.render(receipt(symbols))
    assert compiled == ["receipt.typ"]


def test_letters_that_a_font_lacks_against_expectation_become_numbers(
    monkeypatch: pytest.MonkeyPatch, compiled: list[str]
) -> None:
    monkeypatch.setattr(letters, "drawable", lambda value: (value, False))
    found = searched(pdf.render(receipt("Mémoire \U0001f71a\U0001f71b")))
    assert "Mémoire [U+1F71A][U+1F71B]" in found
    assert len(compiled) <= pdf._MOST_TRIES
    found = searched(pdf.render(receipt("é" + "".join(f"{chr(0x12000 + place)} " for place in range(40)))))
    assert "[U+12000]" in found
    assert len(compiled) <= 2 * (pdf._MOST_TRIES + 1)


def test_a_paper_is_drawn_once_and_kept_up_to_a_number_of_bytes(
    monkeypatch: pytest.MonkeyPatch, compiled: list[str]
) -> None:
    first = pdf.render(receipt("A"))
    assert pdf.render(receipt("A")) is first
    assert len(compiled) == 1
    pdf.render(receipt("B"))
    assert len(compiled) == 2
    monkeypatch.setattr(pdf, "renderer", lambda: "Accord paper 0, typst 0.1.0, without Chinese letterforms")
    assert pdf.render(receipt("A")) != first
    monkeypatch.undo()
    kept = pdf._Drawings(10)
    for name in (b"a", b"b", b"a", b"c"):
        kept.keep(name, name * 4)
        kept.get(b"a")
    assert (kept.get(b"a"), kept.get(b"b"), kept.get(b"c"), kept.bytes) == (b"aaaa", None, b"cccc", 8)
    kept.keep(b"d", b"d" * 11)
    assert (kept.get(b"d"), kept.bytes) == (None, 0)
