"""The service is killed in the middle of writes: every acknowledged write exists once, and none is half written.

`ACCORD_TEST_ROUNDS` is the number of kills on each engine; docs/durability.md has the figures of a large run.
"""

import json
import os
import random
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from app.settings import Settings
from tests.installation import House, Json, straight_to
from tests.processes import accord, served
from tests.story import Dispute, request

ROUNDS = int(os.environ.get("ACCORD_TEST_ROUNDS", "4"))
WRITERS, CASES = 8, 4
# The rows of each kind, and the events about them with the name of the id in each.
ROWS = {
    "third-state": ("SELECT id FROM third_states", "third-state-named", "third_state_id"),
    "filing": ("SELECT id FROM filings", "filing-drafted", "filing_id"),
    "case": ("SELECT id FROM cases", "case-opened", None),
}


@dataclass
class Write:
    """A request that creates one thing, and the id in its answer, if there was an answer."""

    kind: str
    path: str
    body: Json
    token: str
    key: str
    id: str | None = None


@dataclass
class Log:
    """What the writers sent, recorded outside the service."""

    writes: list[Write] = field(default_factory=list)
    refusals: Counter[int] = field(default_factory=Counter)

    def unanswered(self) -> list[Write]:
        """The writes without an answer, which may or may not have been made."""
        return [write for write in self.writes if write.id is None]


def sent(client: httpx.Client, log: Log, write: Write) -> bool:
    """Send a write and note its id if it was acknowledged; gives whether there was an answer at all."""
    headers = {"authorization": f"Bearer {write.token}", "idempotency-key": write.key}
    try:
        answer = client.post(write.path, json=write.body, headers=headers)
    except httpx.TransportError:
        return False
    if answer.status_code == 201:
        write.id = answer.json()["id"].replace("-", "")
    else:
        log.refusals[answer.status_code] += 1
    return True


def write_until(stop: threading.Event, base_url: str, log: Log, disputes: list[Dispute], name: str) -> None:
    """One writer: write after write, alternating between all cases, until it is stopped or gets no answer."""
    notice = {"kind": "notice", "title": "Notice", "text": "x", "audience": "participants"}
    with httpx.Client(base_url=base_url, timeout=30) as client:
        for number in range(100_000):
            if stop.is_set():
                return
            dispute, key = disputes[number % len(disputes)], f"{name}-{number}"
            token = dispute.requesting.token
            kinds = [
                ("third-state", f"{dispute.path}/third-states", {"name": f"State {key}"}),
                ("filing", f"{dispute.path}/filings", notice),
                ("case", "/v1/cases", request()),
            ]
            kind, path, body = kinds[number % 3]
            write = Write(kind, path, body, token, key)
            log.writes.append(write)
            if not sent(client, log, write):
                return


def killed_while_writing(settings: Settings, log: Log, disputes: list[Dispute], round_: int) -> int:
    """Kill the service while eight clients write; in every second round only once all of them have an answer."""
    stop, before = threading.Event(), len(log.writes)
    with served(settings) as service, ThreadPoolExecutor(WRITERS) as pool:
        writers = [
            pool.submit(write_until, stop, service.base_url, log, disputes, f"{round_}-{number}")
            for number in range(WRITERS)
        ]
        while len(log.writes) < before + 3 * WRITERS:
            time.sleep(0.01)
        time.sleep(random.uniform(0.1, 0.9))  # noqa: S311 - any moment will do
        if round_ % 2:
            service.kill()  # Each writer ends at its first write without an answer.
        else:
            stop.set()
        for writer in writers:
            writer.result(60)
        service.kill()
    return len(log.unanswered())


def repeat_the_unanswered(settings: Settings, log: Log) -> None:
    """Repeat the writes without an answer, each with its key: each has one effect, whether it had been made or not."""
    with served(settings) as service, httpx.Client(base_url=service.base_url, timeout=30) as client:
        for write in log.unanswered():
            sent(client, log, write)
    assert log.unanswered() == []


def check(settings: Settings, log: Log, base: dict[str, set[str]]) -> None:
    """Check that each acknowledged write exists once, each row with its event and each event with its row."""
    for kind, (rows, events) in read(settings).items():
        assert Counter(rows) == Counter(events), f"{kind}: rows and events differ"
        written = [write.id for write in log.writes if write.kind == kind and write.id is not None]
        assert len(written) == len(set(written)), f"{kind}: two writes were answered with one id"
        missing = set(written) - set(rows)
        assert not missing, f"{kind}: {len(missing)} acknowledged writes are lost"
        unknown = len(set(rows) - set(written) - base[kind])
        unanswered = len([write for write in log.unanswered() if write.kind == kind])
        assert unknown <= unanswered, f"{kind}: {unknown} rows that nobody asked for"


def read(settings: Settings) -> dict[str, tuple[list[str], list[str]]]:
    """The ids of the rows of each kind, and the ids that their events name."""
    engine = straight_to(settings)
    ids_of_kinds = {}
    with closing(engine.connect()) as connection:
        for kind, (rows, event, member) in ROWS.items():
            ids = [str(row[0]).replace("-", "") for row in connection.execute(text(rows))]
            event_rows = connection.execute(
                text("SELECT case_id, payload FROM events WHERE type = :type"), {"type": event}
            )
            ids_of_kinds[kind] = (ids, [_named(row.case_id, row.payload, member) for row in event_rows])
    engine.dispose()
    return ids_of_kinds


def _named(case_id: Any, payload: Any, member: str | None) -> str:
    body = json.loads(payload) if isinstance(payload, str) else payload
    return str(body[member] if member else case_id).replace("-", "")


def verified(settings: Settings) -> str:
    """The output of `accord ledger verify`."""
    done = accord(settings, "ledger", "verify")
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


@pytest.mark.slow
def test_every_acknowledged_write_survives_kill_9_whole_and_once(durable: Settings) -> None:
    log, unanswered, report, began = Log(), 0, "", time.monotonic()
    with House.open_today(durable) as house:
        disputes = [Dispute(house, f" {number}") for number in range(CASES)]
        for dispute in disputes:
            dispute.lodged()
    base = {kind: set(rows) for kind, (rows, _events) in read(durable).items()}
    for round_ in range(ROUNDS):
        without_answer = killed_while_writing(durable, log, disputes, round_)
        assert not log.refusals, log.refusals
        assert without_answer == (WRITERS if round_ % 2 else 0)
        unanswered += without_answer
        check(durable, log, base)
        report = verified(durable)
        repeat_the_unanswered(durable, log)
        check(durable, log, base)
    assert not log.refusals, log.refusals
    print(  # noqa: T201 - the figures of the run
        f"{ROUNDS} rounds: {len(log.writes)} writes, {unanswered} of them unanswered and repeated, none lost, "
        f"none double; {report}; {time.monotonic() - began:.0f} s"
    )
