"""Tasks that become due with time: done once, however many workers run, and wholly or not at all."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.core.errors import Unavailable
from app.operations.background.worker import Worker
from app.rules.loader import LIBRARY, library
from tests.background import worker
from tests.installation import House, Json
from tests.story import Dispute, request

LAPSE = """by = ["requesting-party"]
from = ["invited"]
to = "closed"
after = "reply"
reason = true
"""


@pytest.fixture
def clockwork(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The id of a rule set like UNCITRAL's, in which silence ends the case automatically."""
    text = (LIBRARY / "uncitral-2021.toml").read_text(encoding="utf-8")
    assert LAPSE in text
    ours = LAPSE.replace("requesting-party", "clock").replace("reason = true\n", "")
    changed = text.replace(LAPSE, ours).replace('id = "uncitral-2021"', 'id = "clockwork-2026"')
    for path in LIBRARY.glob("*.toml"):
        (tmp_path / path.name).write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "clockwork-2026.toml").write_text(changed, encoding="utf-8")
    monkeypatch.setattr("app.rules.loader.LIBRARY", tmp_path)
    library.cache_clear()
    yield "clockwork-2026"
    monkeypatch.undo()
    library.cache_clear()


def events(dispute: Dispute, kind: str) -> list[Json]:
    """The events of one type, as the requesting side reads them."""
    return dispute.events(kind=kind)


def silent(dispute: Dispute, rule_set: str, due_on: str = "2026-03-20") -> None:
    """A case with an invitation, a day for the answer, and no answer."""
    dispute.lodged(procedure=rule_set)
    dispute.step(dispute.registrar, "invite", {"due_on": due_on}).expect(200)


def test_the_clock_takes_its_step_only_once_its_term_has_passed(dispute: Dispute, clockwork: str) -> None:
    silent(dispute, clockwork)
    clock_worker = worker(dispute.house)
    dispute.house.clock.now = dispute.house.clock.now.replace(month=3, day=20, hour=15, minute=59)
    assert clock_worker.round()["clock-step"] == 0
    assert dispute.read()["stage"] == "invited"
    dispute.house.clock.pass_by(minutes=1)
    assert clock_worker.round()["clock-step"] == 1
    case = dispute.read()
    assert (case["stage"], case["outcome"]) == ("closed", "lapsed")
    assert clock_worker.round()["clock-step"] == 0
    (lapsed,) = [event for event in events(dispute, "step-taken") if event["act"] == "lapse"]
    assert lapsed["actor"] == {"id": None, "capacity": "clock", "party_id": None}
    assert lapsed["article"] == "article 2"
    assert [event["actor"]["capacity"] for event in events(dispute, "deadline-ended")] == ["clock"]


def test_only_the_clock_takes_the_clocks_steps_and_it_takes_no_others(dispute: Dispute, clockwork: str) -> None:
    silent(dispute, clockwork)
    dispute.house.clock.pass_by(days=30)
    for person in (dispute.requesting, dispute.registrar, dispute.responding):
        dispute.step(person, "lapse").expect(403, "not-your-capacity")
    other = Dispute(dispute.house, "b")
    silent(other, "uncitral-2021", "2026-05-01")
    dispute.house.clock.pass_by(days=60)
    worker(dispute.house).round()
    assert (dispute.read()["stage"], other.read()["stage"]) == ("closed", "invited")


def test_concurrent_workers_do_each_task_once(house: House, clockwork: str) -> None:
    disputes = [Dispute(house, f"{number}") for number in range(6)]
    for dispute in disputes:
        silent(dispute, clockwork)
    house.clock.pass_by(days=14)
    barrier, done = threading.Barrier(3), []

    def run() -> None:
        barrier.wait()
        done.append(worker(house).round())

    def all_at_once() -> dict[str, int]:
        done.clear()
        threads = [threading.Thread(target=run) for _worker in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return {task: sum(counts[task] for counts in done) for task in done[0]}

    assert all_at_once()["reminder"] == 6
    house.clock.pass_by(days=10)
    # A worker that finds a case locked by another leaves it to the other, or to its next round.
    steps = all_at_once()["clock-step"] + worker(house).round()["clock-step"]
    assert steps == 6
    for dispute in disputes:
        assert dispute.read()["outcome"] == "lapsed"
        assert len(events(dispute, "deadline-recalled")) == 1
        assert len([event for event in events(dispute, "step-taken") if event["act"] == "lapse"]) == 1


def test_people_are_reminded_of_a_deadline_once_some_days_before(dispute: Dispute) -> None:
    silent(dispute, "iomed-state-2025")
    reminding, seq = worker(dispute.house), dispute.read()["seq"]
    dispute.house.clock.pass_by(days=11)
    assert reminding.round()["reminder"] == 0
    dispute.house.clock.pass_by(days=1)
    assert [reminding.round()["reminder"] for _round in range(3)] == [1, 0, 0]
    (recalled,) = events(dispute, "deadline-recalled")
    (deadline,) = dispute.deadlines()
    assert recalled["payload"] == {"deadline_id": deadline["id"], "term": "reply", "due_on": "2026-03-20"}
    assert (recalled["audience"], dispute.read()["seq"]) == ("participants", seq + 1)


def test_no_reminder_is_sent_for_a_deadline_that_ended_or_passed(house: House) -> None:
    ended, passed = Dispute(house, "a"), Dispute(house, "b")
    for dispute in (ended, passed):
        silent(dispute, "iomed-state-2025")
    ended.step(ended.requesting, "withdraw", {"reason": "We withdraw."}).expect(200)
    house.clock.pass_by(days=30)
    assert worker(house).round()["reminder"] == 0


def test_an_expired_token_is_recorded_once_and_old_keys_are_removed(house: House) -> None:
    person = house.person("Rea Voked")
    expires_at = house.clock.now.replace(day=5).isoformat()
    made = person.post("/v1/tokens", {"label": "short", "expires_at": expires_at}).expect(201)
    person.post("/v1/cases", request(), idempotency_key="one").expect(201)
    tidying = worker(house)
    house.clock.pass_by(days=6)
    first = tidying.round()
    assert (first["expired-token"], first["forgotten-key"]) == (1, 0)
    assert person.get(f"/v1/tokens/{made['id']}").expect(200)["revoked_at"] == made["expires_at"]
    house.clock.pass_by(days=2)
    again = tidying.round()
    assert (again["expired-token"], again["forgotten-key"]) == (0, 1)
    answer = person.post("/v1/cases", request(title="Another"), idempotency_key="one")
    answer.expect(201)


def test_a_worker_that_fails_midway_leaves_nothing_half_done(
    dispute: Dispute, clockwork: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent(dispute, clockwork)
    dispute.house.clock.pass_by(days=30)
    before = dispute.requesting.get(f"{dispute.path}/events?limit=200").expect(200)
    failing = worker(dispute.house)

    def fails(*_given: Any) -> None:
        raise RuntimeError("the power went")

    with monkeypatch.context() as broken:
        broken.setattr("app.operations.background.worker.ledger.seal", fails)
        with pytest.raises(RuntimeError):
            failing.round()
    assert dispute.read()["stage"] == "invited"
    assert dispute.requesting.get(f"{dispute.path}/events?limit=200").expect(200) == before
    assert failing.round()["clock-step"] == 1


def test_a_worker_waits_for_a_lost_database_and_continues(
    dispute: Dispute, clockwork: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent(dispute, clockwork)
    dispute.house.clock.pass_by(days=30)
    seams, stop, rounds = dispute.house.app.state.seams, threading.Event(), 0
    real = Worker.round

    def sometimes(self: Worker) -> dict[str, int]:
        nonlocal rounds
        rounds += 1
        if rounds < 3:
            raise Unavailable
        stop.set()
        return real(self)

    monkeypatch.setattr(Worker, "round", sometimes)
    Worker(seams, lambda: seams.entropy("test"), 7, 0.01).run(stop)
    assert (rounds, dispute.read()["outcome"]) == (3, "lapsed")
