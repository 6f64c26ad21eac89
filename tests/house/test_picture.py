"""docs/floors.svg shows the floors of the code as it is."""

import re

from tests.house.floors import FOLDERS, ROOMS
from tests.house.picture import PICTURE, draw, levels, picture, reduced, wings
from tests.house.source import APP, Source

RENEW = "docs/floors.svg does not show the present floors of app/: run 'make picture' and commit the result."


def words(svg: str) -> list[str]:
    """The texts of a picture, in their order."""
    return re.findall(r"<text[^>]*>([^<]*)</text>", svg)


def test_the_picture_is_the_one_of_the_code() -> None:
    assert PICTURE.read_text(encoding="utf-8") == picture(), RENEW


def test_the_picture_names_every_wing_and_every_room_as_text() -> None:
    drawn = picture()
    assert len(drawn) < 60_000
    named = set(words(drawn))
    assert {*FOLDERS, "rules", "settings", "main", "cli", "demo"} <= named
    assert {room for floors in ROOMS.values() for floor in floors for room in floor} <= named


def test_each_line_of_the_picture_runs_down_a_floor() -> None:
    for wing in wings(APP):
        floor_of = {room: number for number, row in enumerate(wing.rows) for room in row}
        assert [pair for pair in wing.pairs if floor_of[pair[0]] >= floor_of[pair[1]]] == [], wing.name


def test_a_new_import_between_rooms_changes_the_picture() -> None:
    before = draw(wings(APP))
    added = Source("app/integration/notices/added.py", "from app.integration.webhooks import service")
    assert draw(wings([*APP, added])) != before
    assert draw(wings(list(reversed(APP)))) == before


def test_an_import_that_follows_from_others_is_not_drawn() -> None:
    assert reduced([("a", "b"), ("b", "c"), ("a", "c")]) == {("a", "b"), ("b", "c")}
    assert levels(["a", "b", "c", "d"], [("a", "b"), ("b", "c")]) == (("a",), ("b",), ("c", "d"))
