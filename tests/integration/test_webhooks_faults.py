"""A receiver is down and a worker is killed: every event arrives in order, and no other receiver waits.

`ACCORD_TEST_EVENTS` is the number of events, and `ACCORD_TEST_SCALE` how many times as fast time passes.
"""

import os
import subprocess
import time
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.settings import Settings
from tests import fast_sender
from tests.fast_sender import Scaled
from tests.installation import House, Json, Person
from tests.receivers import LOOPBACK, Receiver, answers, guarded_by, letting, receiver
from tests.story import Dispute
from tests.webhooks import deliveries, retitle, subscribe

EVENTS = int(os.environ.get("ACCORD_TEST_EVENTS", "60"))
# How many times as fast time passes: by 30, five minutes take ten seconds.
SCALE = int(os.environ.get("ACCORD_TEST_SCALE", "30"))
CASES, KILLS = 8, 3
DOWN = 300 / SCALE


@pytest.fixture
def fast_house(settings: Settings) -> Iterator[House]:
    """A house in which time passes fast."""
    clock = Scaled(SCALE, datetime.now(UTC), time.monotonic())
    with House.open(settings, clock=clock) as house, guarded_by(house, letting(LOOPBACK)):
        yield house


def feed_of(person: Person, since: str) -> list[Json]:
    """The events of a person's feed after a cursor."""
    received: list[Json] = []
    while True:
        part = person.get(f"/v1/events?limit=200&after={since}").expect(200)
        received += part["items"]
        since = part["next"]
        if not part["more"]:
            return received


def in_order(events: list[Json]) -> dict[str, list[str]]:
    """The ids of each case's events, in the order of their first arrival."""
    ids: dict[str, list[str]] = defaultdict(list)
    for event in events:
        place = ids[str(event["data"]["case_id"] or event["data"]["stream"])]
        if event["id"] not in place:
            place.append(event["id"])
    return ids


@pytest.mark.slow
def test_no_event_is_lost_or_delayed_for_others_while_a_receiver_is_down_and_the_worker_is_killed(
    fast_house: House, tmp_path: Path
) -> None:
    house = fast_house
    clock = house.clock
    assert isinstance(clock, Scaled)
    disputes = [Dispute(house, f"{number}") for number in range(CASES)]
    for dispute in disputes:
        dispute.lodged()
    # One process serves a SQLite file; on PostgreSQL two share the work.
    number = 1 if house.settings.is_sqlite else 2
    senders: list[subprocess.Popen[bytes]] = []
    with receiver(lambda handler: handler.connection.close()) as down, receiver() as well:
        made = subscribe(house.registrar, down.url)
        subscribe(house.registrar, well.url)
        since = house.registrar.get("/v1/events?latest=true").expect(200)["next"]
        try:
            senders += [fast_sender.start(house.settings, clock, tmp_path) for _sender in range(number)]
            _until(lambda: bool(house.registrar.post(f"/v1/webhooks/{made['id']}/test").status), 1)
            _until(lambda: len(down.received) > 0, 30)
            begun, killed = time.monotonic(), list[float]()
            for event in range(EVENTS):
                retitle(disputes[event % CASES], f"Title {event}")
                # Only once the next process is ready.
                there = len(fast_sender.came_up(tmp_path)) == number + len(killed)
                if there and event * (KILLS + 1) // EVENTS > len(killed):
                    fast_sender.kill(senders.pop(0))
                    killed.append(time.monotonic())
                    senders.append(fast_sender.start(house.settings, clock, tmp_path))
                if down.behaves.__name__ == "<lambda>" and time.monotonic() - begun > DOWN:
                    down.behaves = answers(204)
                time.sleep(max(0.0, begun + DOWN * event / EVENTS - time.monotonic()))
            time.sleep(max(0.0, begun + DOWN - time.monotonic()))
            while len(killed) < KILLS:
                _until(lambda: len(fast_sender.came_up(tmp_path)) == number + len(killed), 30)
                fast_sender.kill(senders.pop(0))
                killed.append(time.monotonic())
                retitle(disputes[0], f"While nobody may be there {len(killed)}")
                senders.append(fast_sender.start(house.settings, clock, tmp_path))
            failed = len(down.received)
            down.behaves = answers(204)
            due = {event["id"] for event in feed_of(house.registrar, since)}
            _until(lambda: due <= set(well.ids()) and due <= _taken(down, failed), 60 + EVENTS / 10)
            _until(lambda: not deliveries(house.registrar, made, "&state=pending"), 20)
        finally:
            for process in senders:
                fast_sender.kill(process)
    feed = [event for event in feed_of(house.registrar, since) if event["id"] in due]
    assert len(feed) >= EVENTS
    for one in (down, well):
        taken = one.received[failed:] if one is down else one.received
        assert in_order([each.event for each in taken if each.id in due]) == in_order(feed)
        bodies: dict[str, set[bytes]] = defaultdict(set)
        for each in one.received:
            bodies[each.id].add(each.body)
        # A repeated event has the same id and the same contents.
        assert all(len(body) == 1 for body in bodies.values())
    first: dict[str, float] = {}
    for each in well.received:
        first.setdefault(each.id, each.at)
    # Where only one process exists, nothing is sent until the next is ready: that is the time of a restart.
    gaps = list(zip(killed, fast_sender.came_up(tmp_path)[number:], strict=True)) if number == 1 else []
    lags = [
        first[event["id"]] - _sendable(clock.seconds(datetime.fromisoformat(event["time"])), gaps) for event in feed
    ]
    again = len(well.received) - len(first)
    print(f"{len(feed)} events, lag {max(lags):.2f} s at most, {sorted(lags)[len(lags) // 2]:.2f} s in the middle")  # noqa: T201
    print(f"{failed} attempts while down, {again} delivered twice to the other")  # noqa: T201
    assert max(lags) < 5


def _sendable(at: float, gaps: list[tuple[float, float]]) -> float:
    """When an event could be sent at the earliest: half a second before a kill it may still have been in transit."""
    return next((up for down, up in gaps if down - 0.5 < at < up), at)


def _taken(one: Receiver, failed: int) -> set[str]:
    return set(one.ids()[failed:])


def _until(holds: object, seconds: float) -> None:
    """Wait until a condition holds; AssertionError if it does not within that time."""
    assert callable(holds)
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until, "it did not come about in time"
        time.sleep(0.1)
