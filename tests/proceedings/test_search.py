"""The search for cases by words: the index changes how fast a case is found, never which cases are."""

from itertools import pairwise
from typing import Any
from urllib.parse import quote

import pytest
from sqlalchemy import text

from app.core.values import folded
from app.proceedings.cases import search
from tests.installation import House, Person, straight_to
from tests.story import Dispute, request

TITLES = (
    "Waters of the Ébre",
    'The master\'s "quoted" claim',
    r"A back\slash, a '' doubled quote",
    "100% of A_B & C | D ! <-> :* (E)",
    "中国 水道 ōsaka İstanbul Straße",
    "ab",
    "𐍈 gothic 😀",
)
ABSENT = (
    "xq",
    "zzz",
    "watersof",
    "ébre waters",
    "' OR '1'='1",
    '"',
    "quoted claim",
    "*",
    "\\\\",
    "水国",
    "😀😀",
    "a b c",
)


@pytest.fixture
def indexed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Use the index for every search, as in a registry with many cases of which few have the text."""
    monkeypatch.setattr(search, "_NEWEST", 1)
    monkeypatch.setattr(search, "_FREQUENT_FOR_STAFF", 1_000)
    monkeypatch.setattr(search, "_FREQUENT", {"postgresql": 1_000, "sqlite": 1_000})


def opened(dispute: Dispute, title: str) -> str:
    """A request with that title, opened by the requesting side; gives its id."""
    return str(dispute.requesting.post("/v1/cases", request(title=title)).expect(201)["id"])


def found(person: Person, text: str) -> set[str]:
    """The ids of the cases that the person finds by a text; the count says the same."""
    page = person.get(f"/v1/cases?count=true&q={quote(text)}").expect(200)
    assert page["count"] == {"total": len(page["items"]), "capped": False}
    return {item["id"] for item in page["items"]}


def parts(title: str) -> set[str]:
    """Some parts of a title: its letters, pairs and runs, words, neighbouring words, and the whole."""
    letters = title.strip()
    runs = {letters[at : at + length] for length in (1, 2, 3, 4, 7) for at in range(0, len(letters), 3)}
    words = title.split()
    return {run for run in {*runs, *words, *map(" ".join, pairwise(words)), title} if folded(run)}


@pytest.mark.usefixtures("indexed")
def test_the_index_finds_the_cases_whose_text_contains_the_words_and_no_others(dispute: Dispute) -> None:
    titles = {opened(dispute, title): title for title in TITLES}
    names = " ".join(party["name"] for party in request()["parties"])
    texts = {id: folded(f"{title}\n{names}") for id, title in titles.items()}
    asked = sorted({part for title in TITLES for part in parts(title)} | set(ABSENT) | {names[3:9], names})
    wrong = {}
    for words in asked:
        expected = {id for id, whole in texts.items() if folded(words) in whole}
        if (got := found(dispute.requesting, words)) != expected:
            wrong[words] = (len(got), len(expected))
    assert wrong == {}


@pytest.mark.usefixtures("indexed")
def test_a_corrected_title_is_found_by_its_new_words_and_a_discarded_draft_by_none(dispute: Dispute) -> None:
    first, other = opened(dispute, "Kestrel waters"), opened(dispute, "Kestrel fisheries")
    assert found(dispute.requesting, "kestrel") == {first, other}
    dispute.requesting.patch(f"/v1/cases/{first}", {"title": "Osprey zyx"}, if_match="*").expect(200)
    assert found(dispute.requesting, "kestrel") == {other}
    assert found(dispute.requesting, "zy") == found(dispute.requesting, "osprey z") == {first}
    dispute.requesting.send("DELETE", f"/v1/cases/{other}", headers={"if-match": "*"}).expect(204)
    assert found(dispute.requesting, "kestrel") == set()
    for words in ("kes", "kestrel", "fisheries"):
        assert rows_with(dispute.house, words) == 0


def rows_with(house: House, words: str) -> int:
    """The number of rows that the index itself has for a text, including those that nobody may see."""
    engine = straight_to(house.settings)
    if engine.dialect.name == "sqlite":
        runs = " AND ".join(f'"{run}"' for run in search._runs(words))
        statement, values = "SELECT count(*) FROM case_search WHERE case_search MATCH :runs", {"runs": runs}
    else:
        runs = " & ".join(f"'{run}'" for run in search._runs(words))
        statement, values = (
            "SELECT count(*) FROM cases WHERE accord_runs(search) @@ CAST(:runs AS tsquery)",
            {"runs": runs},
        )
    with engine.connect() as connection:
        count = connection.execute(text(statement), values).scalar_one()
    engine.dispose()
    return int(count)


@pytest.mark.usefixtures("indexed")
def test_the_index_shows_nobody_a_case_that_they_may_not_see(dispute: Dispute) -> None:
    mine = opened(dispute, "Kestrel waters")
    stranger: Any = dispute.house.person("Una Stranger")
    theirs = str(stranger.post("/v1/cases", request(title="Kestrel fisheries")).expect(201)["id"])
    assert rows_with(dispute.house, "kestrel") == 2
    assert found(dispute.requesting, "kestrel") == {mine}
    assert found(stranger, "kestrel") == {theirs}
    # Drafts are their side's alone.
    assert found(dispute.house.registrar, "kestrel") == set()
    assert found(dispute.mediator, "ke") == set()
