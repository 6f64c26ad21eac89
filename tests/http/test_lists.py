"""Lists: paged by cursors that only their reader can use, filtered, and searched as clerks type."""

import pytest

from tests.institution import House, Person
from tests.story import Dispute, request


def walk(person: Person, path: str, limit: int) -> list[str]:
    """The ids of a list, page by page."""
    ids: list[str] = []
    following: str | None = f"{path}?limit={limit}"
    while following is not None:
        answer = person.get(following)
        page = answer.expect(200)
        assert len(page["items"]) <= limit
        ids += [item["id"] for item in page["items"]]
        following = f"{path}?limit={limit}&after={page['next']}" if page["next"] else None
        assert ("link" in answer.headers) == (page["next"] is not None)
        if following is not None:
            assert answer.headers["link"] == f'<{following}>; rel="next"'
    return ids


@pytest.mark.parametrize("limit", [1, 7, 50])
def test_rows_of_one_instant_appear_exactly_once_while_others_are_added(dispute: Dispute, limit: int) -> None:
    dispute.lodged()
    rows = 23
    for number in range(rows):
        given = {"kind": "notice", "title": f"No. {number}", "text": "x", "audience": "participants"}
        dispute.requesting.post(f"{dispute.path}/filings", given).expect(201)
    whole = walk(dispute.requesting, f"{dispute.path}/filings", 200)
    assert len(set(whole)) == rows
    assert walk(dispute.requesting, f"{dispute.path}/filings", limit) == whole


def test_cases_are_listed_from_the_newest_on(house: House, dispute: Dispute) -> None:
    ids = []
    for number in range(5):
        house.clock.pass_by(hours=number % 2)
        ids.append(dispute.requesting.post("/v1/cases", request(title=f"No. {number}")).expect(201)["id"])
    listed = walk(dispute.requesting, "/v1/cases", 2)
    assert set(listed) == set(ids)
    opened = [dispute.requesting.get(f"/v1/cases/{id}").expect(200)["opened_at"] for id in listed]
    assert opened == sorted(opened, reverse=True)


def test_a_cursor_is_of_one_length_and_good_only_for_its_reader_and_its_list(house: House) -> None:
    one, other = Dispute(house, "a"), Dispute(house, "b")
    for dispute in (one, other):
        dispute.lodged()
        dispute.filing(dispute.requesting, "participants")
        dispute.filing(dispute.requesting, "participants")
    cursors = [
        one.requesting.get(f"{one.path}/{name}?limit=1").expect(200)["next"]
        for name in ("filings", "events", "parties")
    ]
    assert len({len(cursor) for cursor in cursors}) == 1
    cursor = cursors[0]
    path = f"{one.path}/filings"
    one.requesting.get(f"{path}?after={cursor}").expect(200)
    assert one.requesting.get(f"{path}?limit=1").expect(200)["next"] == cursor
    swapped = cursor[:-1] + ("A" if cursor[-1] != "A" else "B")
    for bad in (cursor + "=", cursor + "A", cursor[:-1], swapped, "x", cursor.replace(cursor[3], "*")):
        one.requesting.get(f"{path}?after={bad}").expect(422, "invalid")
    one.registrar.get(f"{path}?after={cursor}").expect(422)
    one.requesting.get(f"{one.path}/events?after={cursor}").expect(422)
    other.requesting.get(f"{other.path}/filings?after={cursor}").expect(422)


def test_cases_are_filtered_by_phase_stage_procedure_and_words(house: House) -> None:
    one, other = Dispute(house, "a"), Dispute(house, "b")
    one.registered(title="Waters of the Ébre")
    other.lodged(title="Fisheries 100% off the Cape_")

    def found(query: str) -> set[str]:
        return {item["id"] for item in house.registrar.get(f"/v1/cases?{query}").expect(200)["items"]}

    one_id, other_id = one.case["id"], other.case["id"]
    both = {one_id, other_id}
    table = {
        "": both,
        "phase=intake": {other_id},
        "phase=assignment": {one_id},
        "phase=closed": set(),
        "stage=registered": {one_id},
        "procedure=iomed-state-2025": both,
        "procedure=iomed-state-2025&phase=intake": {other_id},
        "phase=intake&stage=registered": set(),
        "q=fisheries": {other_id},
        "q=FISHERIES": {other_id},
        "q=ébre": {one_id},
        "q=ÉBRE": {one_id},
        "q=kingdom of vedria": both,
        "q=100%25": {other_id},
        "q=_": {other_id},
        "q=%25": {other_id},
        "q=nothing like it": set(),
        "q=fisheries&phase=assignment": set(),
    }
    for query, expected in table.items():
        assert found(query) == expected, query
    for bad in ("phase=open", "stage=nowhere", "procedure=none", "q=", "limit=201", "limit=1&unknown=1", "offset=5"):
        house.registrar.get(f"/v1/cases?{bad}").expect(422)


SPELLINGS = [
    "2026-0001",
    "2026-1",
    "2026-00001",
    "med-2026-1",
    "2026-0001S",
    "2026–0001",
    "2026\u20110001",
    "2026 - 0001",
    "2026\u00a0-\u00a00001",
    "２０２６－０００１",
    "2026-\u200b0001",
    "2026/0001",
    "in our letter on case 2026-0001, we said",
]


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_case_is_found_by_its_number_however_a_clerk_writes_it(dispute: Dispute, spelling: str) -> None:
    dispute.registered()
    found = dispute.registrar.send("GET", "/v1/cases", params={"q": spelling}).expect(200)["items"]
    assert [item["reference"] for item in found] == ["2026-0001"]


def test_a_hidden_case_is_found_no_more_than_a_number_never_given(house: House, dispute: Dispute) -> None:
    dispute.registered()
    stranger = house.person("Stan Ranger")
    hidden = stranger.send("GET", "/v1/cases", params={"q": "2026-0001"})
    never = stranger.send("GET", "/v1/cases", params={"q": "2026-0999"})
    assert hidden.expect(200) == never.expect(200)
