"""docs/who-may-see-what.md shows what the policy says and what the service answers."""

import pytest

from tests.docs.open_addresses import table as table_of_addresses
from tests.docs.who_may_see_what import (
    AGENT,
    COURTS,
    LATE_AGENT,
    MEDIATOR,
    OF_ADDRESSES,
    PAGE,
    READERS,
    REGISTRAR,
    TABLES,
    THINGS,
    Reader,
    cell,
    renewed,
    tables,
)
from tests.installation import House

RENEW = "docs/who-may-see-what.md is not what the policy says now: run 'make picture', read it, and commit the result."


def test_the_page_shows_the_policy() -> None:
    assert tables() in PAGE.read_text(encoding="utf-8"), RENEW


@pytest.mark.parametrize("registry", ["sqlite"], indirect=True)
def test_the_page_shows_who_is_answered_by_each_address(house: House) -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert renewed(page, table_of_addresses(house)) == page, RENEW
    assert OF_ADDRESSES in page


def test_every_kind_of_person_has_a_column() -> None:
    assert {reader.title for readers in TABLES.values() for reader in readers} == {each.title for each in READERS}


@pytest.mark.parametrize(
    ("reader", "thing", "expected"),
    [
        (AGENT, "caucus of another party", "–"),
        (LATE_AGENT, "filings, sessions and texts for all", "from then on"),
        (MEDIATOR, "within the registry", "–"),
        (REGISTRAR, "caucus of another party", "–"),
        (COURTS, "filings, sessions and texts for all", "–"),
    ],
)
def test_a_cell_says_when_a_thing_is_read(reader: Reader, thing: str, expected: str) -> None:
    (found,) = [each for each in THINGS if each.title == thing]
    assert cell(reader, found) == expected
