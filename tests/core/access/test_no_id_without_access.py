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
from dataclasses import dataclass, replace
from email.message import EmailMessage
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from app.core.access.session import as_system
from app.core.http import answers
from app.core.logs import set_up
from app.core.tables.events import Event
from app.core.tables.filings import Filing
from app.integration.notices import letters
from app.proceedings.documents import service as documents
from app.proceedings.filings import docket
from app.proceedings.filings import service as filings
from tests.background import sender
from tests.confided_world import Planted, planted
from tests.confidences import ACTS, Confidence, Setting, confide, days_of_their_own
from tests.core.http.operations import EVERY
from tests.crawling import READS, Crawl, Seen
from tests.installation import Answer, House, Person
from tests.mail_servers import MailServer, postman_on
from tests.processes import free_port
from tests.receivers import LOOPBACK, Received, guarded_by, letting, receiver
from tests.registries import Registry
from tests.truth import Reader, Truth, Value, truth_of, values_in
from tests.webhooks import subscribe

# Items of each list that everybody reads, and ids that everybody tries; the large run takes all.
MOST = int(os.environ.get("ACCORD_TEST_ITEMS", "2"))
# Confidential acts that can be repeated: of a side, with a mediator, with the registry, and of each of those.
REPEATED = tuple(ACTS[number] for number in (0, 4, 6, 8, 11))


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
    assert known_from(logged) == []


def known_from(logged: io.StringIO) -> list[Value]:
    """What the log tells of cases; who operates the service reads none. A refusal names the account refused."""
    lines = [json.loads(line) for line in logged.getvalue().splitlines()]
    rest = json.dumps([{name: value for name, value in line.items() if name != "actor_id"} for line in lines])
    return [value for value in values_in(rest) if value.kind in ("id", "hash", "word")]


@pytest.mark.parametrize("registry", ["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)], indirect=True)
def test_no_webhook_and_no_mail_has_a_value_that_is_not_its_readers_to_know(
    house: House, world: Planted, logged: io.StringIO
) -> None:
    assert delivered_leaks(house, world, REPEATED) == []
    assert known_from(logged) == []


@pytest.mark.parametrize("registry", ["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)], indirect=True)
def test_a_word_in_a_mail_is_found(house: House, world: Planted, monkeypatch: pytest.MonkeyPatch) -> None:
    written = letters.news

    def news(*args: Any) -> letters.Letter:
        return replace(written(*args), subject=world.confided["caucus"]["title"])

    monkeypatch.setattr(letters, "news", news)
    found = delivered_leaks(house, world, ())
    # It is a word of the caucus of another case.
    outsiders = (world.world.open.responding, world.world.open.mediator, house.registrar)
    assert {(leak.reader, leak.operation, leak.kind) for leak in found} == {
        (person.name, "mail", "word") for person in outsiders
    }


def delivered_leaks(house: House, world: Planted, acts: tuple[Confidence, ...]) -> list[Leak]:
    """The leaks in what four people receive by webhooks and by mail, at once, while these confidential acts happen."""
    dispute, leaks = world.world.open, []
    owners = world.of(dispute.requesting, dispute.responding, dispute.mediator, house.registrar)
    with ExitStack() as stack:
        stack.enter_context(guarded_by(house, letting(LOOPBACK)))
        mail_server = MailServer(free_port())
        stack.callback(mail_server.start().stop)
        targets = [stack.enter_context(receiver()) for _owner in owners]
        for (person, _reader), target in zip(owners, targets, strict=True):
            subscribe(person, target.url)
            person.patch("/v1/me/notices", {"news": "at-once"}, if_match="*").expect(200)
        postman = postman_on(house, mail_server)
        postman.turn()
        mail_server.clear()
        setting = Setting(dispute, "w")
        with days_of_their_own(setting, postman.turn):
            confide(setting, acts)
        # Something that everybody hears of.
        dispute.requesting.post(f"{dispute.path}/third-states", {"name": "Marrow"}).expect(201)
        sender(house).settle()
        postman.turn()
        truth = truth_of(house)
    for (person, reader), target in zip(owners, targets, strict=True):
        # Nobody gets a mail about an act of their own.
        mails = mail_server.to(person)
        assert target.received, reader.name
        assert mails or person is dispute.requesting, reader.name
        leaks += leaks_in(truth, reader, [Seen("webhook", "", _answer_of(request)) for request in target.received])
        leaks += leaks_in(truth, reader, [Seen("mail", "", _answer_with(mail)) for mail in mails])
    return leaks


def _answer_with(mail: EmailMessage) -> Answer:
    # With the instant of its act: outsiders must not learn that something happened then.
    sent_at = mail["Date"].datetime.isoformat()
    return Answer(httpx.Response(200, text="\n".join([*mail.values(), str(mail.get_content()), sent_at])))


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
    patch.setattr(answers, "tag_of_body", lambda _body: f'"{world.confided["caucus"]["title"]}"')


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
