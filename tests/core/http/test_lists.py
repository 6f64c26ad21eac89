"""Lists: paged by cursors that work only for their reader, filtered, and searched in the spellings that clerks type."""

from itertools import combinations

import pytest

from app.cli import _document
from tests.core.http.operations import EVERY, NEEDED_QUERY, NOBODYS
from tests.installation import House, Person
from tests.lists import walk_pages
from tests.registries import Registry
from tests.story import CONSENT, POWERS, Dispute, request


@pytest.mark.parametrize("limit", [1, 7, 50])
def test_rows_of_the_same_instant_appear_exactly_once_while_others_are_added(dispute: Dispute, limit: int) -> None:
    dispute.lodged()
    rows = 23
    for number in range(rows):
        body = {"kind": "notice", "title": f"No. {number}", "text": "x", "audience": "participants"}
        dispute.requesting.post(f"{dispute.path}/filings", body).expect(201)
    whole = walk_pages(dispute.requesting, f"{dispute.path}/filings", 200)
    assert len(set(whole)) == rows
    assert walk_pages(dispute.requesting, f"{dispute.path}/filings", limit) == whole


def test_cases_are_listed_newest_first(house: House, dispute: Dispute) -> None:
    ids = []
    for number in range(5):
        house.clock.pass_by(hours=number % 2)
        ids.append(dispute.requesting.post("/v1/cases", request(title=f"No. {number}")).expect(201)["id"])
    listed = walk_pages(dispute.requesting, "/v1/cases", 2)
    assert set(listed) == set(ids)
    opened = [dispute.requesting.get(f"/v1/cases/{id}").expect(200)["opened_at"] for id in listed]
    assert opened == sorted(opened, reverse=True)


def test_every_cursor_has_the_same_length_and_works_only_for_its_reader_and_its_list(house: House) -> None:
    first, other = Dispute(house, "a"), Dispute(house, "b")
    for dispute in (first, other):
        dispute.lodged()
        dispute.filing(dispute.requesting, "participants")
        dispute.filing(dispute.requesting, "participants")
    cursors = [
        first.requesting.get(f"{first.path}/{name}?limit=1").expect(200)["next"]
        for name in ("filings", "events", "parties")
    ]
    assert len({len(cursor) for cursor in cursors}) == 1
    cursor = cursors[0]
    path = f"{first.path}/filings"
    first.requesting.get(f"{path}?after={cursor}").expect(200)
    assert first.requesting.get(f"{path}?limit=1").expect(200)["next"] == cursor
    swapped = cursor[:-1] + ("A" if cursor[-1] != "A" else "B")
    for bad in (cursor + "=", cursor + "A", cursor[:-1], swapped, "x", cursor.replace(cursor[3], "*")):
        first.requesting.get(f"{path}?after={bad}").expect(422, "invalid")
    first.registrar.get(f"{path}?after={cursor}").expect(422)
    first.requesting.get(f"{first.path}/events?after={cursor}").expect(422)
    other.requesting.get(f"{other.path}/filings?after={cursor}").expect(422)


@pytest.fixture
def three(registry: Registry, house: House) -> list[Dispute]:
    """Three disputes with different rules, people, stages and days."""
    return registry.moment(house, "three", lambda: _three(house))


def _three(house: House) -> list[Dispute]:
    waters, fisheries, trade = (Dispute(house, letter) for letter in "abc")
    waters.nominated(title="Waters of the Ébre")
    waters.mediator.post(f"{_appointment(waters)}/declare", {"independent": True}).expect(200)
    waters.responding.post(f"{_appointment(waters)}/accept").expect(200)
    house.clock.pass_by(days=1)
    fisheries.lodged(title="Fisheries 100% off the Cape_")
    fisheries.step(fisheries.registrar, "invite", {"due_on": "2026-04-01"}).expect(200)
    house.clock.pass_by(days=1)
    waters.registrar.post(f"{_appointment(waters)}/confirm").expect(200)
    trade.invited(title="Trade", procedure="uncitral-2021", category="commercial")
    return [waters, fisheries, trade]


def _appointment(dispute: Dispute) -> str:
    (appointment,) = dispute.appointments()
    return f"/v1/appointments/{appointment['id']}"


def test_cases_are_filtered_by_each_filter_and_by_all_together(house: House, three: list[Dispute]) -> None:
    names = {dispute.case["id"]: name for dispute, name in zip(three, "wft", strict=True)}
    waters, fisheries, trade = three

    def found(*filters: str) -> set[str]:
        query = "&".join((*filters, "count=true"))
        page = house.registrar.get(f"/v1/cases?{query}").expect(200)
        assert page["count"] == {"total": len(page["items"]), "capped": False}
        return {names[item["id"]] for item in page["items"]}

    table = {
        "phase=intake": "ft",
        "phase=sessions": "w",
        "phase=closed": "",
        "stage=mediating": "w",
        "stage=invited": "ft",
        "procedure=iomed-state-2025": "wf",
        "procedure=uncitral-2021": "t",
        "category=state-state": "wf",
        "category=commercial": "t",
        f"party={waters.members[0]}": "w",
        f"party={fisheries.party('responding')}": "f",
        f"party={waters.case['id']}": "",
        f"mediator={waters.mediator_id}": "w",
        f"mediator={waters.mediator.id}": "w",
        f"mediator={trade.mediator_id}": "",
        "waiting_for=responding-party": "ft",
        "waiting_for=mediator": "w",
        "waiting_for=clock": "",
        "waiting_for=me": "",
        "due_before=2026-04-04": "ft",
        "due_before=2026-04-02": "f",
        "due_before=2026-04-01": "",
        "updated_since=2026-03-04T09:00:00Z": "wt",
        "updated_since=2026-03-04T09:00:01Z": "",
        "updated_since=2026-03-03T10:00:00%2B01:00": "wft",
        "q=fisheries": "f",
        "q=FISHERIES": "f",
        "q=ébre": "w",
        "q=ÉBRE": "w",
        "q=kingdom of vedria": "wft",
        "q=100%25": "f",
        "q=_": "f",
        "q=%25": "f",
        "q=nothing like it": "",
    }
    assert found() == set("wft")
    singly = {query: found(query) for query in table}
    assert singly == {query: set(expected) for query, expected in table.items()}
    for first, other in combinations(table, 2):
        if first.partition("=")[0] != other.partition("=")[0]:
            assert found(first, other) == set(table[first]) & set(table[other]), (first, other)
    whole = ["phase=intake", "stage=invited", "procedure=iomed-state-2025", "category=state-state"]
    whole += ["waiting_for=responding-party"]
    whole += [f"party={fisheries.members[1]}", "due_before=2026-04-02", "updated_since=2026-03-03T09:00:00Z"]
    assert found(*whole, "q=fish") == {"f"}
    assert found(*whole, "q=fish", f"mediator={waters.mediator_id}") == set()


BAD_FILTERS = [
    "phase=open",
    "stage=nowhere",
    "procedure=none",
    "category=none",
    "party=Vedria",
    "mediator=1",
    "waiting_for=any-party",
    "waiting_for=you",
    "due_before=tomorrow",
    "due_before=2026-02-30",
    "updated_since=2026-03-04",
    "q=",
    "limit=201",
    "limit=0",
    "count=perhaps",
    "limit=1&unknown=1",
    "offset=5",
]


@pytest.mark.parametrize("bad", BAD_FILTERS)
def test_a_filter_with_an_unknown_value_is_refused_with_the_allowed_values(house: House, bad: str) -> None:
    fault = house.registrar.get(f"/v1/cases?{bad}").expect(422, "invalid")["errors"][0]
    assert fault["pointer"].startswith("query")


def test_waits_for_me_finds_the_cases_that_wait_for_the_readers_party_or_office(three: list[Dispute]) -> None:
    waters, fisheries, trade = three
    expected = [
        (fisheries.responding, [fisheries]),
        (fisheries.requesting, []),
        (trade.responding, [trade]),
        (waters.mediator, [waters]),
        (waters.requesting, []),
        (trade.mediator, []),
        (trade.registrar, []),
    ]
    for person, disputes in expected:
        listed = person.get("/v1/cases?waiting_for=me").expect(200)["items"]
        assert [item["id"] for item in listed] == [dispute.case["id"] for dispute in disputes]
    gives = {"fields": {"consent": CONSENT, "powers": POWERS}}
    fisheries.step(fisheries.responding, "accept-invitation", gives).expect(200)
    (screened,) = fisheries.registrar.get("/v1/cases?waiting_for=me").expect(200)["items"]
    assert screened["id"] == fisheries.case["id"]


def test_deadlines_are_listed_across_all_cases_of_the_reader(house: House, three: list[Dispute]) -> None:
    waters, _fisheries, trade = three
    registrar, path = house.registrar, "/v1/deadlines"
    listed = registrar.get(path).expect(200)["items"]
    assert [(item["case"]["title"], item["due_on"]) for item in listed] == [
        ("Fisheries 100% off the Cape_", "2026-04-01"),
        ("Trade", "2026-04-03"),
    ]
    assert walk_pages(registrar, path, 1) == [item["id"] for item in listed]
    assert len(registrar.get(f"{path}?due_before=2026-04-03").expect(200)["items"]) == 1
    assert registrar.get(f"{path}?due_before=2026-04-01").expect(200)["items"] == []
    assert registrar.get(f"{path}?count=true").expect(200)["count"] == {"total": 2, "capped": False}
    (own,) = trade.responding.get(path).expect(200)["items"]
    assert own["case"] == {"id": trade.case["id"], "reference": None, "title": "Trade"}
    assert waters.requesting.get(path).expect(200)["items"] == []
    house.clock.pass_by(days=30)
    states = {query: len(registrar.get(f"{path}?state={query}").expect(200)["items"]) for query in STATES}
    assert states == {"running": 1, "passed": 1, "ended": 0}
    registrar.get(f"{path}?state=gone").expect(422)


STATES = ("running", "passed", "ended")


def test_the_total_counts_visible_rows_and_stops_at_a_thousand(
    dispute: Dispute, monkeypatch: pytest.MonkeyPatch
) -> None:
    dispute.mediating()
    for side, person in (("requesting", dispute.requesting), ("responding", dispute.responding)):
        for _number in range(2):
            dispute.filing(person, "caucus", side)
    dispute.filing(dispute.requesting, "participants")
    path = f"{dispute.path}/filings?limit=1&count=true"

    def total(person: Person) -> tuple[int, bool]:
        count = person.get(path).expect(200)["count"]
        return count["total"], count["capped"]

    readers = (dispute.mediator, dispute.requesting, dispute.responding, dispute.registrar)
    assert [total(person) for person in readers] == [(5, False), (3, False), (3, False), (1, False)]
    assert "count" not in dispute.mediator.get(f"{dispute.path}/filings").expect(200)
    monkeypatch.setattr("app.core.paging.MOST_COUNTED", 4)
    assert [total(person) for person in readers] == [(4, True), (3, False), (3, False), (1, False)]
    events = dispute.events()
    monkeypatch.setattr("app.core.paging.MOST_COUNTED", 1000)
    counted = dispute.requesting.get(f"{dispute.path}/events?limit=1&count=true").expect(200)["count"]
    assert counted == {"total": len(events), "capped": False}


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
def test_a_case_is_found_by_its_number_in_every_spelling_that_clerks_use(dispute: Dispute, spelling: str) -> None:
    dispute.registered()
    listed = dispute.registrar.send("GET", "/v1/cases", params={"q": spelling}).expect(200)["items"]
    assert [item["reference"] for item in listed] == ["2026-0001"]


def test_a_search_answers_the_same_for_a_hidden_case_and_an_unused_number(house: House, dispute: Dispute) -> None:
    dispute.registered()
    stranger = house.person("Stan Ranger")
    hidden = stranger.send("GET", "/v1/cases", params={"q": "2026-0001"})
    never = stranger.send("GET", "/v1/cases", params={"q": "2026-0999"})
    assert hidden.expect(200) == never.expect(200)


def list_operations() -> dict[str, set[str]]:
    """Every operation that answers with a page of items, and its query parameters."""
    document = _document()
    schemas, lists = document["components"]["schemas"], {}
    for methods in document["paths"].values():
        described = methods.get("get", {})
        content = described.get("responses", {}).get("200", {}).get("content", {})
        answer = schemas.get(str(content.get("application/json", {}).get("schema", {}).get("$ref")).rpartition("/")[2])
        if answer is not None and {"items", "next"} <= set(answer["properties"]):
            parameters = [
                document["components"]["parameters"][parameter["$ref"].rpartition("/")[2]]
                if "$ref" in parameter
                else parameter
                for parameter in described["parameters"]
            ]
            lists[described["operationId"]] = {item["name"] for item in parameters if item["in"] == "query"}
    return lists


def test_every_list_takes_a_limit_a_cursor_and_a_count(house: House) -> None:
    lists = list_operations()
    assert len(lists) > 30
    for id, parameters in lists.items():
        path = EVERY[id].at(NOBODYS)
        # The feed never ends, so it cannot be counted.
        common = {"limit", "after"} if id == "readFeed" else {"limit", "after", "count"}
        assert common <= parameters, id
        for wrong in ("limit=0", "limit=201", "limit=x", f"after={'x' * 201}"):
            house.registrar.get(f"{path}?{wrong}&{NEEDED_QUERY.get(id, '')}").expect(422, "invalid")
        answer = house.registrar.get(f"{path}?limit=1&{NEEDED_QUERY.get(id, '')}")
        if not EVERY[id].has_ids and answer.status != 403:
            assert len(answer.expect(200)["items"]) <= 1, id


@pytest.mark.parametrize("path", ["/v1/subjects", "/v1/procedures", "steps"])
def test_short_lists_are_paged_as_long_ones(dispute: Dispute, path: str) -> None:
    dispute.lodged()
    path = path if path.startswith("/") else f"{dispute.path}/{path}"
    person, other = dispute.requesting, dispute.registrar
    whole = person.get(f"{path}?count=true").expect(200)
    assert whole["next"] is None
    assert whole["count"] == {"total": len(whole["items"]), "capped": False}
    items, following = [], f"{path}?limit=3"
    while following:
        answer = person.get(following)
        page = answer.expect(200)
        assert len(page["items"]) <= 3
        items += page["items"]
        following = f"{path}?limit=3&after={page['next']}" if page["next"] else ""
        assert answer.headers.get("link") == (f'<{following}>; rel="next"' if following else None)
    assert items == whole["items"]
    cursor = person.get(f"{path}?limit=3").expect(200)["next"]
    other.get(f"{path}?after={cursor}").expect(422, "invalid")
    person.get(f"{path}?after=x").expect(422, "invalid")


def test_a_mediator_lists_their_own_cases_by_a_word(dispute: Dispute) -> None:
    dispute.mediating()
    mine = dispute.mediator.get("/v1/cases?mediator=me").expect(200)["items"]
    assert [case["id"] for case in mine] == [dispute.case["id"]]
    assert dispute.requesting.get("/v1/cases?mediator=me").expect(200)["items"] == []
    (fault,) = dispute.mediator.get("/v1/cases?mediator=them").expect(422, "invalid")["errors"]
    assert (fault["pointer"], fault["code"]) == ("query/mediator", "uuid")
