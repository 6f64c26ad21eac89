"""docs/ledger.md, followed to the letter by somebody who has the JSON of the API and nothing else."""

import hashlib
import json
import re
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import rfc8785

from app.migrating import ROOT
from tests.institution import Person
from tests.story import Dispute

Json = dict[str, Any]
PAGE = ROOT / "docs" / "ledger.md"


def microseconds(instant: str) -> int:
    """An instant of the API as whole microseconds since the beginning of 1970."""
    return (datetime.fromisoformat(instant) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def recomputed(case_id: str, event: Json) -> str:
    """The hash of an event, from its JSON."""
    document = {
        "id": event["id"],
        "stream": event["stream"],
        "seq": event["seq"],
        "case_id": case_id,
        "type": event["type"],
        "act": event["act"],
        "article": event["article"],
        "actor": event["actor"],
        "at": microseconds(event["at"]),
        "payload": event["payload"],
        "commitment": event["commitment"],
        "previous_hash": event["previous_hash"],
    }
    return hashlib.sha256(rfc8785.dumps(document)).hexdigest()


def streams(person: Person, dispute: Dispute) -> dict[str, list[Json]]:
    """Every event of the case that the person may read, page by page, stream by stream."""
    found: dict[str, list[Json]] = defaultdict(list)
    path = f"{dispute.path}/events?limit=7"
    while True:
        page = person.get(path).expect(200)
        for event in page["items"]:
            found[event["stream"]].append(event)
        if page["next"] is None:
            return found
        path = f"{dispute.path}/events?limit=7&after={page['next']}"


@pytest.fixture
def told(dispute: Dispute) -> Dispute:
    """The dispute, settled, with a confidence of each side on the way."""
    dispute.mediating()
    dispute.session("caucus", "requesting")
    dispute.filing(dispute.requesting, "caucus", "requesting", text="Wir können warten – bis zum Frühjahr.")
    dispute.filing(dispute.responding, "caucus", "responding")
    dispute.settled()
    return dispute


def test_a_reader_recomputes_every_stream_that_they_see_whole(told: Dispute) -> None:
    for person in (told.requesting, told.responding, told.mediator, told.registrar):
        found = streams(person, told)
        assert {event["audience"] for events in found.values() for event in events} >= {"case", "participants"}
        for events in found.values():
            assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
            assert [event["previous_hash"] for event in events] == [None, *(event["hash"] for event in events[:-1])]
            assert [recomputed(told.case["id"], event) for event in events] == [event["hash"] for event in events]


def test_whatever_is_changed_in_an_event_the_hash_no_longer_fits(told: Dispute) -> None:
    events = max(streams(told.requesting, told).values(), key=len)
    event = events[1]
    others = {
        "at": (datetime.fromisoformat(event["at"]) + timedelta(microseconds=1)).isoformat(),
        "actor": {**event["actor"], "capacity": "mediator"},
        "payload": {**event["payload"], "more": 1},
        "article": "article 1",
        "commitment": "00" * 32,
        "previous_hash": "00" * 32,
        "seq": 9,
    }
    for name, value in others.items():
        assert recomputed(told.case["id"], {**event, name: value}) != event["hash"], name


def test_a_receipt_names_the_last_event_of_the_act_that_its_author_may_read(dispute: Dispute) -> None:
    dispute.mediating()
    answer = dispute.step(dispute.requesting, "withdraw", {"reason": "Settled elsewhere."})
    answer.expect(200)
    receipt = dict(part.split("=") for part in answer.headers["accord-receipt"].split(", "))
    last = streams(dispute.requesting, dispute)[receipt["stream"]][int(receipt["seq"]) - 1]
    assert last["hash"] == receipt["hash"] == recomputed(dispute.case["id"], last)


def test_the_hash_of_a_text_is_that_of_its_title_language_and_clauses(told: Dispute) -> None:
    draft = told.responding.get(f"{told.path}/settlement/drafts").expect(200)["items"][0]
    text = {name: draft[name] for name in ("title", "language", "clauses")}
    assert hashlib.sha256(rfc8785.dumps(text)).hexdigest() == draft["sha256"]


def test_the_page_names_every_member_that_is_hashed_and_its_example_holds() -> None:
    page = PAGE.read_text(encoding="utf-8")
    named = re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)
    canonical = re.search(r"^```json\n(.+)\n```$", page, re.MULTILINE)
    assert canonical is not None
    example = json.loads(canonical[1])
    assert sorted(named) == sorted(example)
    assert rfc8785.dumps(example).decode() == canonical[1]
    assert hashlib.sha256(canonical[1].encode()).hexdigest() in page
