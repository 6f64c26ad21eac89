"""The ledger cannot be edited unnoticed, names the author of every act, and announces nothing that did not happen."""

import hashlib
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
import sqlalchemy.exc
from sqlalchemy import Engine, text

from app.core.ledger import service as ledger
from app.core.ledger.acts import OPERATOR, Act, installation_subject
from app.core.ledger.verification import ChainFault, parse_receipt, verify_part
from app.core.tables.events import Event
from app.operations import health
from app.operations.health import look_at
from app.settings import Settings
from tests.installation import House, entropy_of, straight_to
from tests.proofs import verify_ledger
from tests.story import Dispute


@pytest.fixture
def hand(settings: Settings) -> Any:
    """A database administrator's own connection."""
    engine = straight_to(settings)
    yield engine
    engine.dispose()


def tamper(hand: Engine, sql: str) -> None:
    """Change the events with the triggers switched off, as an administrator can."""
    with hand.begin() as connection:
        if hand.dialect.name == "postgresql":
            connection.execute(text("ALTER TABLE events DISABLE TRIGGER USER"))
            connection.execute(text(sql))
            connection.execute(text("ALTER TABLE events ENABLE TRIGGER USER"))
            return
        names = [row[0] for row in connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'"))]
        kept = [row[0] for row in connection.execute(text("SELECT sql FROM sqlite_master WHERE type = 'trigger'"))]
        for name in names:
            connection.execute(text(f"DROP TRIGGER {name}"))
        connection.execute(text(sql))
        for trigger in kept:
            connection.execute(text(trigger))


@pytest.mark.parametrize("sql", ["UPDATE events SET act = 'x'", "DELETE FROM events"])
def test_the_database_refuses_to_change_or_remove_events(dispute: Dispute, hand: Engine, sql: str) -> None:
    dispute.opened()
    with pytest.raises(sqlalchemy.exc.DBAPIError), hand.begin() as connection:
        connection.execute(text(sql))


def test_a_whole_story_verifies(house: House, dispute: Dispute) -> None:
    dispute.settled()
    verification = verify_ledger(house)
    assert verification.faults == ()
    assert verification.events > 30
    assert verification.streams >= 5


_COPIED = [column.name for column in Event.__table__.columns]
_INSERTED = {
    "position": "(SELECT max(position) + 1 FROM events)",
    "id": "'00000000000040008000000000000001'",
    "seq": "(SELECT max(later.seq) + 1 FROM events later WHERE later.audience_id = events.audience_id)",
}
TAMPERED = {
    f"INSERT INTO events ({', '.join(_COPIED)}) "
    f"SELECT {', '.join(_INSERTED.get(name, name) for name in _COPIED)} FROM events WHERE act = 'screen'": "follow",
    "UPDATE events SET act = 'x' WHERE act = 'screen'": "hash",
    "UPDATE events SET payload = '{}' WHERE act = 'register'": "hash",
    "DELETE FROM events WHERE act = 'screen'": "missing",
    "UPDATE events SET previous_hash = hash WHERE act = 'screen'": "follow",
    "UPDATE contents SET body = (SELECT c.body FROM contents c ORDER BY c.id LIMIT 1)": "commitment",
}


@pytest.mark.parametrize("sql", TAMPERED)
def test_every_change_in_the_database_is_detected_and_named(
    house: House, dispute: Dispute, hand: Engine, sql: str
) -> None:
    dispute.mediating()
    dispute.filing(dispute.requesting, "participants")
    tamper(hand, sql)
    fault, *_others = verify_ledger(house).faults
    assert TAMPERED[sql] in fault.why
    assert fault.seq > 0
    found = [finding.says for finding in look_at(house.settings, house.clock) if finding.name == "ledger"]
    assert any(str(fault.stream) in says and TAMPERED[sql] in says for says in found), found


def test_the_check_of_an_installation_verifies_a_bounded_part_and_says_how_much(
    house: House, dispute: Dispute, hand: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    dispute.mediating()
    (whole,) = [finding for finding in look_at(house.settings, house.clock) if finding.name == "ledger"]
    every = verify_ledger(house).events
    assert (whole.well, whole.says.startswith(f"{every} events in ")) == (True, True)
    monkeypatch.setattr(health, "MOST_EVENTS", 10)
    (part,) = [finding for finding in look_at(house.settings, house.clock) if finding.name == "ledger"]
    assert part.well
    assert part.says.startswith("10 events in ")
    assert f"of {every} in all" in part.says
    assert set(_faults_from_every_start(house, every)) == {()}
    tamper(hand, "UPDATE events SET payload = '{}' WHERE act = 'register'")
    found = list(_faults_from_every_start(house, every))
    # A part finds the fault if it has the event, and no part reports another.
    assert {len(faults) for faults in found} == {0, 1}
    assert len({faults[0].event_id for faults in found if faults}) == 1


def _bytes_of(number: int, size: int) -> bytes:
    return number.to_bytes(size, "big")


def _faults_from_every_start(house: House, length: int) -> Iterator[tuple[ChainFault, ...]]:
    for start in range(length):
        with house.database.read(partial(_bytes_of, start)) as db:
            db.sealer = house.app.state.seams.sealer
            yield verify_part(db, 10)[0].faults


def test_a_receipt_shows_that_a_tail_was_cut_which_the_chains_alone_do_not(
    house: House, dispute: Dispute, hand: Engine
) -> None:
    dispute.invited()
    answer = dispute.step(dispute.requesting, "withdraw", {"reason": "We settled it."})
    receipt = answer.headers["accord-receipt"]
    assert verify_ledger(house, receipt).faults == ()
    stream, seq, _hash = (part.split("=")[1] for part in receipt.split(", "))
    same = stream.replace("-", "") if hand.dialect.name == "sqlite" else stream
    tamper(hand, f"DELETE FROM events WHERE audience_id = '{same}' AND seq >= {seq}")
    assert verify_ledger(house).faults == ()
    (fault,) = verify_ledger(house, receipt).faults
    assert (str(fault.stream), fault.seq) == (stream, int(seq))
    assert "missing" in fault.why


def test_a_receipt_shows_that_a_stream_was_rewritten(house: House, dispute: Dispute) -> None:
    dispute.invited()
    receipt = dispute.step(dispute.requesting, "withdraw", {"reason": "No."}).headers["accord-receipt"]
    other = receipt[:-4] + ("0000" if receipt[-4:] != "0000" else "1111")
    (fault,) = verify_ledger(house, other).faults
    assert "was rewritten" in fault.why


@pytest.mark.parametrize(
    "text", ["", "stream=x, seq=1, hash=y", "seq=1", "stream=" + "0" * 36 + ", seq=0, hash=" + "0" * 64]
)
def test_a_malformed_receipt_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="a receipt has the form"):
        parse_receipt(text)


def test_an_event_names_its_actor_act_capacity_and_rule(dispute: Dispute) -> None:
    dispute.settled()
    signed = [event for event in dispute.events(kind="step-taken") if event["act"] == "sign"]
    assert [event["actor"] for event in signed] == [
        {"id": dispute.requesting.id, "capacity": "requesting-party", "party_id": dispute.party("requesting")},
        {"id": dispute.responding.id, "capacity": "responding-party", "party_id": dispute.party("responding")},
    ]
    assert {event["article"] for event in signed} == {"Convention, articles 40 and 41"}
    assert all(event["payload"]["rule_set"] == "iomed-state-2025" for event in signed)


def test_every_stream_that_a_reader_sees_is_whole(dispute: Dispute) -> None:
    dispute.mediating()
    dispute.filing(dispute.requesting, "caucus", "requesting")
    dispute.filing(dispute.responding, "caucus", "responding")
    for person in (dispute.requesting, dispute.responding, dispute.mediator, dispute.registrar):
        streams: dict[str, list[Any]] = {}
        for event in dispute.events(person):
            streams.setdefault(event["stream"], []).append(event)
        for entries in streams.values():
            assert [entry["seq"] for entry in entries] == list(range(1, len(entries) + 1))
            hashes = [None, *(entry["hash"] for entry in entries)]
            assert [entry["previous_hash"] for entry in entries] == hashes[:-1]


def test_the_sequence_of_a_case_advances_only_with_events_that_participants_see(dispute: Dispute) -> None:
    before = dispute.mediating()["seq"]
    dispute.filing(dispute.requesting, "caucus", "requesting")
    assert dispute.read()["seq"] == before
    dispute.filing(dispute.requesting, "participants")
    assert dispute.read()["seq"] == before + 1


def test_the_hash_of_a_text_can_be_recomputed_by_anybody(dispute: Dispute) -> None:
    dispute.mediating()
    draft = dispute.draft(title="A", clauses=[{"number": "1", "text": "B"}])
    canonical = '{"clauses":[{"number":"1","text":"B"}],"language":"en","title":"A"}'
    assert draft["sha256"] == hashlib.sha256(canonical.encode()).hexdigest()


def test_a_transaction_that_fails_announces_nothing(house: House) -> None:
    before = verify_ledger(house).events

    def fails(db: Any) -> None:
        subject = installation_subject(db, "registry")
        ledger.record(db, Act("add", house.clock.now, OPERATOR, subject), "user-added", {})
        ledger.seal(db)
        raise RuntimeError("after the seal")

    with pytest.raises(RuntimeError, match="after the seal"):
        house.database.in_transaction(fails, entropy_of("fails"))
    assert verify_ledger(house).events == before
