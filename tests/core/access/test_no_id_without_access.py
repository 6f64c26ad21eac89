"""No id, hash, instant, number or word without access: everybody's answers are compared with what is theirs to know.

`ACCORD_TEST_ITEMS` is the number of items of each list that everybody reads; 1000 is a large run.
"""

import io
import json
import logging
import os
import sys
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import select

from app.core.access.session import as_system
from app.core.http import work
from app.core.logs import set_up
from app.core.tables.audiences import INTEGRATIONS
from app.core.tables.events import Event
from app.core.tables.filings import Filing
from app.proceedings.documents import service as documents
from app.proceedings.filings import docket
from app.proceedings.filings import service as filings
from tests import courts
from tests.background import sender
from tests.confidences import ACTS, Setting, confide, days_of_their_own
from tests.core.http.operations import ACTS as OPERATIONS_THAT_ACT
from tests.core.http.operations import EVERY
from tests.core.http.world import World, build
from tests.crawling import READS, Crawl, Seen
from tests.installation import Answer, House, Json, Person
from tests.receivers import LOOPBACK, Received, guarded_by, letting, receiver
from tests.registries import Registry
from tests.truth import Reader, Truth, reader_of, truth_of, values_in
from tests.webhooks import subscribe

# Items of each list that everybody reads, and ids that everybody tries; the large run takes all.
MOST = int(os.environ.get("ACCORD_TEST_ITEMS", "2"))
# Confidential acts that can be repeated: of a side, with a mediator, with the registry, and of each of those.
REPEATED = tuple(ACTS[number] for number in (0, 4, 6, 8, 11))
ACTS_WITH_IDS = [operation for operation in OPERATIONS_THAT_ACT.values() if 412 in operation.statuses]


@dataclass
class Planted:
    """A world with every kind of confidential act, and everybody in and around it."""

    world: World
    referred: Setting
    confided: dict[str, Json] = field(default_factory=dict)
    people: list[tuple[Person, Reader]] = field(default_factory=list)

    def add(self, person: Person, role: str = "user", *bound_to: UUID) -> None:
        """Let somebody read."""
        self.people.append((person, reader_of(person, role, *bound_to)))

    def of(self, *people: Person) -> list[tuple[Person, Reader]]:
        """These people, as readers."""
        ids = {person.id for person in people}
        return [(person, reader) for person, reader in self.people if person.id in ids]


def planted(house: House) -> Planted:
    """Every confidential act, each at an instant and on a day of its own, with the people who may look."""
    world = build(house)
    court_id = courts.court(house)
    court = courts.program(house, court_id)
    made = Planted(world, Setting(courts.referred_dispute(house, court), "r"))
    for setting, acts in ((Setting(world.open), ACTS), (made.referred, ACTS[:2])):
        with days_of_their_own(setting):
            made.confided |= confide(setting, acts).made
    share = f"{made.referred.path}/referral/share-dates"
    made.referred.dispute.requesting.post(share).expect(200)
    dispute = world.open
    twin = {"kind": "statement", "title": "Redacted", "text": "x", "audience": "participants"}
    twin |= {"redacts_id": made.confided["sealed"]["id"]}
    twin = dispute.requesting.post(f"{dispute.path}/filings", twin).expect(201)
    dispute.requesting.post(f"{dispute.path}/filings/{twin['id']}/submit").expect(200)
    candidate, entry = house.mediator("Cand Idate")
    dispute.requesting.post(f"{dispute.path}/appointments", {"mediator_id": entry})
    for person in (dispute.requesting, dispute.responding, dispute.mediator, world.late, candidate):
        made.add(person)
    for person in (world.settled.requesting, made.referred.dispute.responding, house.person("Stan Ranger")):
        made.add(person)
    made.add(house.registrar, "registrar")
    made.add(house.admin, "admin")
    made.add(court, "client", UUID(court_id))
    made.add(courts.program(house, None), "client", INTEGRATIONS)
    return made


@pytest.fixture
def world(registry: Registry, house: House) -> Planted:
    """The world with everything in it."""
    return registry.moment(house, "confided", lambda: planted(house))


@dataclass(frozen=True)
class Leak:
    """A value that somebody received and that is not theirs to know."""

    reader: str
    operation: str
    kind: str
    value: str
    path: str


def leaks_in(truth: Truth, reader: Reader, seen: Iterable[Seen]) -> list[Leak]:
    """The values in answers that are not the reader's to know."""
    return [
        Leak(reader.name, answer.operation, value.kind, str(value.value), answer.path)
        for answer in seen
        for value in sorted(set(values_in(answer.text)), key=str)
        if not truth.knows(reader, value)
    ]


def crawled(house: House, people: Sequence[tuple[Person, Reader]], *operations: str) -> list[Leak]:
    """The leaks in all that these people can read by these operations; by default by every operation."""
    reads = [EVERY[id] for id in operations] or READS
    crawls = [(reader, Crawl(person, MOST).everything(reads)) for person, reader in people]
    truth = truth_of(house)
    found = [leak for reader, crawl in crawls for leak in leaks_in(truth, reader, crawl.seen)]
    return found + wrong_counts(crawls) + gaps_in_series(crawls)


def _lists(crawls: Iterable[tuple[Reader, Crawl]]) -> Iterator[tuple[Reader, Seen, list[Any]]]:
    """The lists that each person received whole."""
    for reader, crawl in crawls:
        for seen in crawl.seen:
            body = seen.body
            if isinstance(body, dict) and isinstance(body.get("items"), list) and not body.get("next"):
                yield reader, seen, body["items"]


def wrong_counts(crawls: Iterable[tuple[Reader, Crawl]]) -> list[Leak]:
    """The lists whose count is not that of the items that their reader received."""
    return [
        Leak(reader.name, seen.operation, "count", str(counted["total"]), seen.path)
        for reader, seen, items in _lists(crawls)
        if (counted := seen.body.get("count")) and counted["total"] != len(items)
    ]


def gaps_in_series(crawls: Iterable[tuple[Reader, Crawl]]) -> list[Leak]:
    """The numbers that are a series without gaps in the world, and that have a gap for a reader.

    Which numbers are a series is computed: those of a list that are 1, 2, 3 … over all that anybody receives.
    """
    received: list[tuple[str, str, str, set[tuple[str, int]]]] = []
    for reader, seen, items in _lists(crawls):
        numbered: dict[str, set[tuple[str, int]]] = defaultdict(set)
        for item in (item for item in items if isinstance(item, dict) and "id" in item):
            for name, value in item.items():
                if isinstance(value, int) and not isinstance(value, bool):
                    numbered[name].add((item["id"], value))
        received += [(reader.name, seen.path, name, values) for name, values in numbered.items()]
    return [
        Leak(reader, name, "series", str(sorted(value for _id, value in values)), path)
        for reader, path, name, values in received
        if not _is_series(values)
        # One list may have several paths: the court reads filings under its referral.
        if _is_series(set().union(*(other for *_, named, other in received if named == name and values & other)))
    ]


def _is_series(numbered: set[tuple[str, int]]) -> bool:
    return sorted(value for _id, value in numbered) == list(range(1, len(numbered) + 1))


@pytest.fixture
def logged(house: House, monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """Everything that is logged, as JSON."""
    root, written = logging.getLogger(), io.StringIO()
    kept, level = root.handlers[:], root.level
    monkeypatch.setattr("sys.stderr", written)
    for hooked in (sys, threading):
        monkeypatch.setattr(hooked, "excepthook", hooked.excepthook)
    set_up(house.settings.model_copy(update={"log_format": "json"}))
    yield written
    root.handlers[:] = kept
    root.setLevel(level)


@pytest.mark.parametrize("registry", ["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)], indirect=True)
def test_no_answer_has_a_value_that_is_not_its_readers_to_know(
    house: House, world: Planted, logged: io.StringIO
) -> None:
    assert crawled(house, world.people) == []
    assert len(logged.getvalue().splitlines()) > 500
    # Who operates the service reads no case at all; a refusal names the account that was refused.
    lines = [json.loads(line) for line in logged.getvalue().splitlines()]
    rest = json.dumps([{name: value for name, value in line.items() if name != "actor_id"} for line in lines])
    assert [value for value in values_in(rest) if value.kind in ("id", "hash", "word")] == []


@pytest.mark.parametrize("registry", ["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)], indirect=True)
def test_no_refusal_has_a_value_that_is_not_its_readers_to_know(house: House, world: Planted) -> None:
    dispute = world.world.open
    insiders = world.of(dispute.requesting, dispute.responding, dispute.mediator, house.registrar)
    crawls = [(person, reader, Crawl(person, MOST - 1).everything()) for person, reader in insiders]
    ids: dict[str, Any] = defaultdict(set)
    for _person, _reader, crawl in crawls:
        for name, bindings in crawl.bindings.items():
            ids[name] |= bindings
    leaks, tried = [], 0
    others = [(reader, Crawl(person, MOST - 1)) for person, reader in world.people if person.name == "Stan Ranger"]
    for reader, crawl in [*((reader, crawl) for _person, reader, crawl in crawls), *others]:
        before = len(crawl.seen)
        crawl.tried(ids, [*READS, *ACTS_WITH_IDS])
        refused = crawl.seen[before:]
        tried += len(refused)
        assert [seen for seen in refused if seen.operation not in OPERATIONS_THAT_ACT or seen.answer.status < 300] == [
            seen for seen in refused if seen.operation not in OPERATIONS_THAT_ACT
        ], "no act on somebody else's item succeeds"
        leaks += leaks_in(truth_of(house), reader, refused)
    assert leaks == []
    assert tried > 200


@pytest.mark.parametrize("registry", ["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)], indirect=True)
def test_no_webhook_has_a_value_that_is_not_its_owners_to_know(house: House, world: Planted) -> None:
    assert delivered_leaks(house, world) == []


def delivered_leaks(house: House, world: Planted) -> list[Leak]:
    """The leaks in what webhooks deliver to four people while one of each confidential act happens."""
    dispute, leaks = world.world.open, []
    owners = world.of(dispute.requesting, dispute.responding, dispute.mediator, house.registrar)
    with ExitStack() as stack:
        stack.enter_context(guarded_by(house, letting(LOOPBACK)))
        targets = [stack.enter_context(receiver()) for _owner in owners]
        for (person, _reader), target in zip(owners, targets, strict=True):
            subscribe(person, target.url)
        setting = Setting(dispute, "w")
        with days_of_their_own(setting):
            confide(setting, REPEATED)
        # Something that everybody hears of.
        dispute.requesting.post(f"{dispute.path}/third-states", {"name": "Marrow"}).expect(201)
        sender(house).settle()
        truth = truth_of(house)
    for (_person, reader), target in zip(owners, targets, strict=True):
        assert target.received, reader.name
        leaks += leaks_in(truth, reader, [Seen("webhook", "", _answer_of(request)) for request in target.received])
    return leaks


def _answer_of(request: Received) -> Answer:
    # Deliveries carry when they were sent, which is when the test runs.
    headers = {name: value for name, value in request.headers.items() if name.startswith("webhook")}
    return Answer(httpx.Response(200, headers=headers, content=request.body))


Patch = pytest.MonkeyPatch
LEAKS: dict[str, tuple[tuple[str, ...], Callable[[House, Planted, Patch], None]]] = {}


def leak(*operations: str) -> Callable[[Callable[[House, Planted, Patch], None]], None]:
    """Enter a way in which the service could leak, with the operations that show it."""

    def entered(plant: Callable[[House, Planted, Patch], None]) -> None:
        LEAKS[plant.__name__.strip("_")] = operations, plant

    return entered


def _hidden(house: House, world: Planted) -> Any:
    """The event of the caucus filing that two people know of."""
    wanted = select(Event.at, Event.hash, Event.payload).where(Event.type == "filing-submitted")
    with house.database.read(os.urandom) as db, as_system(db):
        rows = db.execute(wanted).all()
    return next(row for row in rows if row.payload["filing_id"] == world.confided["caucus"]["id"])


def _showing(patch: Patch, **shown: Any) -> None:
    """Let every filing show these values."""
    rendered = filings._out

    def out(db: Any, rows: Any) -> list[Any]:
        return [filing.model_copy(update=shown) for filing in rendered(db, rows)]

    patch.setattr(filings, "_out", out)


@leak("listCases", "listFilings")
def _an_id_of_the_sealed_filing(house: House, world: Planted, patch: Patch) -> None:
    columns = [Filing.redacts_id if column.key == "redacts_id" else column for column in filings._COLUMNS]
    patch.setattr(filings, "_COLUMNS", tuple(columns))


@leak("listCases", "listFilings")
def _a_hash_of_another_stream(house: House, world: Planted, patch: Patch) -> None:
    _showing(patch, note=_hidden(house, world).hash.hex())


@leak("listCases", "listFilings")
def _an_instant_of_a_hidden_act(house: House, world: Planted, patch: Patch) -> None:
    _showing(patch, decided_at=_hidden(house, world).at)


@leak("listCases", "listFilings")
def _a_day_of_a_hidden_act(house: House, world: Planted, patch: Patch) -> None:
    _showing(patch, effective_on=_hidden(house, world).at.date())


@leak("listCases", "listFilings", "readFiling", "listDocuments", "downloadDocument")
def _a_size_of_a_hidden_document(house: House, world: Planted, patch: Patch) -> None:
    (document,) = world.confided["caucus"]["documents"]
    patch.setattr(documents, "enclosed", _sized(documents.enclosed, document["size"]))


def _sized(enclosed: Any, size: int) -> Any:
    def out(rows: Any, bodies: Any) -> Any:
        listed = enclosed(rows, bodies)
        return {id: [one.model_copy(update={"size": size}) for one in some] for id, some in listed.items()}

    return out


@leak("listCases", "listFilings")
def _a_count_with_the_hidden_items(house: House, world: Planted, patch: Patch) -> None:
    counted: Any = vars(filings)["listed"]

    def listed(*args: Any) -> Any:
        listing = counted(*args)
        return replace(listing, count=listing.count and listing.count.model_copy(update={"total": 99}))

    patch.setattr(filings, "listed", listed)


@leak("listCases", "listFilings", "listReferrals", "listReferralFilings")
def _a_number_that_counts_hidden_filings(house: House, world: Planted, patch: Patch) -> None:
    dispute = world.referred.dispute
    numbers = iter((1, 2, 3))
    patch.setattr(docket, "next_number", lambda _db, _filing: next(numbers))
    for audience in ("court", "participants", "court"):
        dispute.filing(dispute.requesting, audience)


@leak("listCases", "readCase")
def _a_word_in_a_header(house: House, world: Planted, patch: Patch) -> None:
    patch.setattr(work, "tag_of_body", lambda _body: f'"{world.confided["caucus"]["title"]}"')


# The crawl of all operations shows that nothing is found where nothing is planted.
# What is compared is the same on both engines.
@pytest.mark.parametrize("registry", ["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)], indirect=True)
@pytest.mark.parametrize("name", LEAKS)
def test_each_planted_leak_is_found(house: House, world: Planted, monkeypatch: Patch, name: str) -> None:
    operations, plant = LEAKS[name]
    # The people of the confidence know what is planted.
    people = [(person, reader) for person, reader in world.people if person.id != world.world.open.requesting.id]
    plant(house, world, monkeypatch)
    assert crawled(house, people, *operations) != []
