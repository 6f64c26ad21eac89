"""docs/ledger.md, followed to the letter by somebody who has the JSON of the API and nothing else."""

import hashlib
import json
import re
import runpy
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import pytest
import rfc8785

from app.operations.migrating import ROOT
from tests.installation import Person
from tests.story import Dispute

Json = dict[str, Any]
HASHED = ("id", "stream", "seq", "type", "act", "article", "actor", "at", "payload", "commitment", "previous_hash")
HashOf = Callable[[str, Json], str]
PAGE = ROOT / "docs" / "ledger.md"


@pytest.fixture(scope="module")
def hash_of(tmp_path_factory: pytest.TempPathFactory) -> HashOf:
    """The program that the page prints."""
    program = re.search(r"^```python\n(.+?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert program is not None
    path = tmp_path_factory.mktemp("page") / "hash_of.py"
    path.write_text(program[1], encoding="utf-8")
    found: HashOf = runpy.run_path(str(path))["hash_of"]
    return found


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


def test_a_reader_recomputes_every_stream_that_they_see_whole(dispute: Dispute, hash_of: HashOf) -> None:
    dispute.mediating()
    dispute.session("caucus", "requesting")
    dispute.filing(dispute.requesting, "caucus", "requesting", text="Wir können warten – bis zum Frühjahr.")
    dispute.filing(dispute.responding, "caucus", "responding")
    dispute.settled()
    for person in (dispute.requesting, dispute.responding, dispute.mediator, dispute.registrar):
        found = streams(person, dispute)
        assert {event["audience"] for events in found.values() for event in events} >= {"case", "participants"}
        for events in found.values():
            assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
            assert [event["previous_hash"] for event in events] == [None, *(event["hash"] for event in events[:-1])]
            assert [hash_of(dispute.case["id"], event) for event in events] == [event["hash"] for event in events]


def test_whatever_is_changed_in_an_event_the_hash_no_longer_fits(dispute: Dispute, hash_of: HashOf) -> None:
    dispute.lodged()
    event = next(event for events in streams(dispute.requesting, dispute).values() for event in events)
    for name in (*HASHED, "audience", "content", "salt", "hash"):
        value = event[name]
        changed = {"seq": 9, "at": "2026-03-02T09:00:00.000001Z", "actor": {}, "payload": {}}.get(name, f"{value}0")
        fits = hash_of(dispute.case["id"], {**event, name: changed}) == event["hash"]
        assert fits == (name not in HASHED), name
    assert hash_of(dispute.case["parties"][0]["id"], event) != event["hash"]


def test_a_reader_opens_the_commitment_to_what_was_written(dispute: Dispute) -> None:
    dispute.lodged()
    events = [event for events in streams(dispute.requesting, dispute).values() for event in events]
    opened = [event for event in events if event["commitment"] is not None]
    assert {event["type"] for event in opened} >= {"case-opened", "consent-given", "powers-recorded"}
    for event in opened:
        proof = hashlib.sha256(bytes.fromhex(event["salt"]) + rfc8785.dumps(event["content"])).hexdigest()
        assert proof == event["commitment"], event["type"]


def test_a_receipt_names_the_last_event_of_the_act_that_its_author_may_read(dispute: Dispute, hash_of: HashOf) -> None:
    dispute.lodged()
    answer = dispute.step(dispute.requesting, "withdraw", {"reason": "Settled elsewhere."})
    answer.expect(200)
    receipt = dict(part.split("=") for part in answer.headers["accord-receipt"].split(", "))
    last = streams(dispute.requesting, dispute)[receipt["stream"]][int(receipt["seq"]) - 1]
    assert last["hash"] == receipt["hash"] == hash_of(dispute.case["id"], last)


def test_the_hash_of_a_text_is_that_of_its_title_language_and_clauses(dispute: Dispute) -> None:
    dispute.mediating()
    draft = dispute.draft()
    text = {name: draft[name] for name in ("title", "language", "clauses")}
    assert hashlib.sha256(rfc8785.dumps(text)).hexdigest() == draft["sha256"]


def test_the_page_names_every_member_that_is_hashed_and_its_example_holds() -> None:
    page = PAGE.read_text(encoding="utf-8")
    named = re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)
    canonical = re.search(r"^```json\n(.+)\n```$", page, re.MULTILINE)
    assert canonical is not None
    example = json.loads(canonical[1])
    assert sorted(named) == sorted(example) == sorted([*HASHED, "case_id"])
    assert rfc8785.dumps(example).decode() == canonical[1]
    assert hashlib.sha256(canonical[1].encode()).hexdigest() in page
