"""The feed: each reader receives every event that they may read, in order and without delay."""

import os
import random
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine, event, func, select

from app.core.access.session import as_system, read_under
from app.core.ledger import catalogue
from app.core.ledger.catalogue import TYPES
from app.core.ledger.feed import BEGINNING, FeedQuery, stretch
from app.core.paging import Walk
from app.core.tables.audiences import ANYONE, STAFF, AudienceReader
from app.core.tables.events import Event
from tests.courts import court, program
from tests.installation import House, Json, Person, outside
from tests.lists import read_feed
from tests.story import Dispute

WRITERS = int(os.environ.get("ACCORD_TEST_FEED_WRITERS", "3"))
ACTS_OF_EACH = int(os.environ.get("ACCORD_TEST_FEED_ACTS", "6"))


@dataclass(frozen=True)
class Reader:
    """A person with a feed, the end of the feed once all had been admitted, and the groups in which they read too."""

    person: Person
    since: str
    groups: tuple[UUID, ...] = (ANYONE,)

    @property
    def principals(self) -> tuple[UUID, ...]:
        """All the principals of the reader."""
        return (UUID(self.person.id), *self.groups)


@pytest.fixture
def everybody(house: House, dispute: Dispute) -> dict[str, Reader]:
    """Everyone who takes part in a case."""
    dispute.mediating()
    stranger = house.person("Stan Ranger")
    court_id = court(house)
    programs = [program(house, court_id), program(house, None)]
    people = [dispute.requesting, dispute.responding, dispute.mediator, house.registrar, house.admin, stranger]
    people += programs
    names = ["requesting", "responding", "mediator", "registrar", "admin", "stranger", "court's", "institution's"]
    return {name: reader_of(house, person) for name, person in zip(names, people, strict=True)}


def reader_of(house: House, person: Person) -> Reader:
    """A reader whose feed begins now."""
    since = person.get("/v1/events?latest=true").expect(200)["next"]
    return Reader(person, since, (ANYONE, STAFF) if person is house.registrar else (ANYONE,))


def last_position(house: House) -> int:
    """The last position of the ledger now."""
    with house.database.read(os.urandom) as db, as_system(db):
        return int(db.execute(select(func.max(Event.position))).scalar_one())


def entitled(house: House, reader: Reader, after: int) -> list[str]:
    """From the tables: the ids of the events after a position that a reader may read, in the order of their seals."""
    mine = select(AudienceReader.audience_id).where(AudienceReader.principal_id.in_(reader.principals))
    readable = select(Event.id).where(Event.position > after, Event.audience_id.in_(mine)).order_by(Event.position)
    with house.database.read(os.urandom) as db, as_system(db):
        return [str(id) for id in db.execute(readable).scalars()]


def test_each_reader_receives_the_events_they_may_read_and_no_others(
    house: House, dispute: Dispute, everybody: dict[str, Reader]
) -> None:
    before = last_position(house)
    dispute.session("caucus", "requesting")
    dispute.filing(dispute.responding, "caucus", "responding")
    dispute.filing(dispute.requesting, "public")
    dispute.session("joint")
    due = {name: entitled(house, reader, before) for name, reader in everybody.items()}
    for name, reader in everybody.items():
        events, _end = read_feed(reader.person, reader.since)
        assert [event["id"] for event in events] == due[name], name
    assert len(due["requesting"]) > len(due["registrar"]) > len(due["stranger"]) > 0
    assert due["stranger"] == due["admin"] == due["court's"] == due["institution's"]


def test_an_event_carries_ids_and_nothing_that_people_wrote(dispute: Dispute, everybody: dict[str, Reader]) -> None:
    read, _end = read_feed(dispute.requesting)
    for item in read:
        ids = item["data"]["about"]
        assert set(item) == {"specversion", "id", "source", "type", "time", "datacontenttype", "data"}
        assert set(ids) <= set(TYPES[item["type"]].ids)
        assert all(UUID(id) for id in ids.values())
    step = next(item for item in read if item["data"]["act"] == "screen")
    assert step["source"] == dispute.path
    assert (step["type"], step["data"]["actor"]["capacity"]) == ("step-taken", "registry")
    assert "24" in step["data"]["article"]
    full = dispute.requesting.get(f"{dispute.path}/events/{step['id']}").expect(200)
    assert (full["stream"], full["seq"]) == (step["data"]["stream"], step["data"]["seq"])


def test_a_candidate_receives_the_nomination_and_no_event_of_the_case(dispute: Dispute) -> None:
    appointment = dispute.nominated()
    events, _end = read_feed(dispute.mediator)
    (nominated,) = [event for event in events if event["type"] == "appointment-proposed"]
    assert nominated["data"]["about"]["appointment_id"] == appointment["id"]
    assert (nominated["data"]["case_id"], nominated["source"]) == (None, "/v1")
    assert not any(dispute.case["id"] in str(event) for event in events)


def test_the_feed_can_be_read_by_type_and_by_case(house: House, dispute: Dispute) -> None:
    dispute.lodged()
    first = dispute.case["id"]
    dispute.lodged()
    both, _end = read_feed(dispute.requesting, more="&type=step-taken&type=case-opened")
    assert [event["type"] for event in both] == ["case-opened", "step-taken"] * 2
    of_first, end = read_feed(dispute.requesting, more=f"&case={first}")
    assert {event["data"]["case_id"] for event in of_first} == {first}
    # The cursor has passed events of other types and cases.
    assert read_feed(dispute.requesting, end) == ([], end)
    dispute.requesting.get("/v1/events?type=no-such-type").expect(422, "invalid")
    assert read_feed(house.person("Stan Ranger"), more=f"&case={first}")[0] == []
    assert read_feed(dispute.requesting, more=f"&case={uuid4()}")[0] == []


def test_a_reader_can_start_at_the_present_end_of_the_feed(dispute: Dispute) -> None:
    dispute.lodged()
    begun = dispute.requesting.get("/v1/events?latest=true").expect(200)
    assert (begun["items"], begun["more"]) == ([], False)
    dispute.requesting.patch(dispute.path, {"title": "Another"}, if_match="*").expect(200)
    (event,) = read_feed(dispute.requesting, begun["next"])[0]
    assert event["type"] == "case-amended"


@pytest.mark.parametrize("route", ["/v1/events", "{case}/events"])
def test_a_cursor_of_another_registry_restored_from_the_same_backup_is_refused_as_gone(
    house: House, dispute: Dispute, route: str
) -> None:
    dispute.lodged()
    path, agent = route.format(case=dispute.path), dispute.requesting
    with house.database.read(os.urandom) as db:
        elsewhere = Walk(house.app.state.seams.cursors, UUID(agent.id), path).encode(db, 0, uuid4())
    agent.get(f"{path}?after={elsewhere}").expect(410, "gone")


def test_a_cursor_works_only_for_its_reader_and_gives_the_same_answer_each_time(dispute: Dispute) -> None:
    dispute.lodged()
    answer = dispute.requesting.get("/v1/events?limit=1").expect(200)
    assert dispute.requesting.get("/v1/events?limit=1").expect(200) == answer
    assert len(answer["next"]) == len(dispute.requesting.get("/v1/events?latest=true").expect(200)["next"])
    dispute.registrar.get(f"/v1/events?after={answer['next']}").expect(422, "invalid")
    dispute.requesting.get(f"/v1/events?after={answer['next'][:-1]}").expect(422, "invalid")


def test_events_that_are_no_longer_readable_are_skipped_in_bounded_steps(house: House, dispute: Dispute) -> None:
    dispute.mediating()
    counsel = house.person("Cora Unsel")
    path = dispute.representatives()
    admitted = dispute.admit_counsel(counsel)
    for _filing in range(4):
        dispute.filing(dispute.requesting, "participants")
    events, _end = read_feed(counsel)
    assert any(event["data"]["case_id"] == dispute.case["id"] for event in events)
    dispute.requesting.post(f"{path}/{admitted['id']}/end").expect(200)
    again, _end = read_feed(counsel)
    assert not any(event["data"]["case_id"] for event in again)
    # Pages are small and most of their events are no longer readable: each page still ends and moves on.
    principals = (UUID(counsel.id), ANYONE)
    with house.database.read(os.urandom) as db:
        read_under(db, (*principals, principals[0]))
        last, ids, readings = BEGINNING, [], 0
        while True:
            part = stretch(db, (*principals, principals[0]), FeedQuery(50), last, window=2)
            ids += [str(event.id) for event in part.events]
            assert part.last != last or not part.more
            last, readings = part.last, readings + 1
            if not part.more:
                break
    assert ids == [event["id"] for event in again]
    assert readings > len(again) / 2


@contextmanager
def slow_commits(engine: Engine, seconds: float) -> Iterator[None]:
    """Each commit comes a random time after its seal."""

    def wait(_connection: object) -> None:
        time.sleep(random.uniform(0, seconds))  # noqa: S311 - no secret

    event.listen(engine, "commit", wait)
    try:
        yield
    finally:
        event.remove(engine, "commit", wait)


def test_readers_get_exactly_their_events_in_order_while_others_write(
    served: House, everybody: dict[str, Reader]
) -> None:
    done, before = threading.Event(), last_position(served)

    def follow(reader: Reader, person: Person) -> list[str]:
        received: list[str] = []
        cursor, ends = reader.since, False
        while True:
            answer = person.get(f"/v1/events?limit=7&wait=1&after={cursor}").expect(200)
            received += [item["id"] for item in answer["items"]]
            cursor = answer["next"]
            if ends and not answer["items"]:
                return received
            ends = done.is_set()

    def write(person: Person, number: int) -> None:
        body = {"kind": "statement", "title": f"Statement {number}", "text": "As set out."}
        case = person.get("/v1/cases").expect(200)["items"][0]["id"]
        for act in range(ACTS_OF_EACH):
            audience: Json = {"audience": ["participants", "public", "party"][act % 3]}
            if audience["audience"] == "party":
                parties = person.get(f"/v1/cases/{case}").expect(200)["parties"]
                audience["party_ids"] = [parties[number % 2]["id"]]
            draft = person.post(f"/v1/cases/{case}/filings", body | audience).expect(201)
            person.post(f"/v1/cases/{case}/filings/{draft['id']}/submit").expect(200)

    sides = [everybody["requesting"].person, everybody["responding"].person]
    readers = list(everybody.values())
    with (
        slow_commits(served.database.engine, 0.05),
        outside(served, *[reader.person for reader in readers]) as reading,
        outside(served, *[sides[number % 2] for number in range(WRITERS)]) as writing,
        ThreadPoolExecutor(len(readers) + WRITERS) as pool,
    ):
        following = [pool.submit(follow, *reader) for reader in zip(readers, reading, strict=True)]
        written = [pool.submit(write, thread, number) for number, thread in enumerate(writing)]
        try:
            for thread in written:
                thread.result()
        finally:
            done.set()
        read = [future.result() for future in following]
    for reader, received in zip(readers, read, strict=True):
        assert received == entitled(served, reader, before), reader.person.name


def waited(person: Person, after: str, seconds: int = 20) -> tuple[Json, float]:
    """The answer to a waiting reader, and the seconds until it came."""
    asked = time.monotonic()
    answer = person.get(f"/v1/events?after={after}&wait={seconds}")
    return {"status": answer.status, **answer.json}, time.monotonic() - asked


def test_a_waiting_reader_is_answered_when_an_event_arrives_for_them(served: House) -> None:
    dispute = Dispute(served)
    dispute.lodged()
    stranger = served.person("Stan Ranger")
    readers = [dispute.requesting, stranger]
    cursors = [reader.get("/v1/events?latest=true").expect(200)["next"] for reader in readers]
    with outside(served, *readers, dispute.requesting) as (*people, writer), ThreadPoolExecutor(2) as pool:
        waits = [
            pool.submit(partial(waited, seconds=seconds), person, cursor)
            for person, cursor, seconds in zip(people, cursors, (20, 3), strict=True)
        ]
        time.sleep(1)
        writer.patch(dispute.path, {"title": "Another"}, if_match="*").expect(200)
        (answered, took), (nothing, whole) = (future.result() for future in waits)
    assert [item["type"] for item in answered["items"]] == ["case-amended"]
    assert took < 8
    assert (nothing["items"], nothing["next"]) == ([], cursors[1])
    assert whole >= 3


def test_revoking_the_token_ends_the_wait(served: House) -> None:
    dispute = Dispute(served)
    dispute.lodged()
    cursor = dispute.requesting.get("/v1/events?latest=true").expect(200)["next"]
    token = dispute.requesting.get("/v1/tokens").expect(200)["items"][0]["id"]
    with outside(served, dispute.requesting, served.admin) as (person, admin), ThreadPoolExecutor(1) as pool:
        waits = pool.submit(waited, person, cursor)
        time.sleep(1)
        admin.post(f"/v1/tokens/{token}/revoke").expect(200)
        ended, took = waits.result()
    assert (ended["status"], ended["code"]) == (401, "unauthenticated")
    assert took < 8


def test_an_event_outside_the_catalogue_is_refused(house: House) -> None:
    with pytest.raises(catalogue.Uncatalogued, match="no-such-type"):
        catalogue.check("no-such-type")
    assert catalogue.unlisted("case-opened", {"strange_id": "x", "procedure": "y"}) == {"strange_id"}
