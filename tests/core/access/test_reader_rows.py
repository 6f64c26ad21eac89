"""The stored readers of each audience are compared with the policy; each difference is detected and named."""

import asyncio
import os
from collections.abc import Iterator
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine, delete, event, insert, select, update

from app.core.clock import system_clock
from app.core.tables.audiences import ANYONE, Audience, AudienceReader
from app.core.tables.cases import Case
from app.demo.play import play
from app.operations import readers
from app.operations.health import look_at
from app.operations.readers import MISPLACED, TOO_FEW, TOO_MANY
from app.settings import Settings
from tests.installation import House, guarded, straight_to
from tests.story import Dispute


@pytest.fixture
def past_the_service(house: House) -> Iterator[Engine]:
    """A connection that writes to the database and bypasses the service."""
    house.has_planted_readers = True
    house.leave_moment()
    engine = straight_to(house.settings)
    yield engine
    engine.dispose()


def reported(settings: Settings) -> list[str]:
    """The report of the check about readers."""
    return [look.says for look in look_at(settings, system_clock) if look.name == "readers"]


def is_well(settings: Settings) -> bool:
    """Whether the report says `well`."""
    (report,) = reported(settings)
    return report.endswith("all as the policy requires") and " in 0 cases" not in report


def test_a_surplus_and_a_missing_reader_are_reported_by_ids_and_never_by_name(
    house: House, dispute: Dispute, past_the_service: Engine
) -> None:
    dispute.mediating()
    dispute.filing(dispute.requesting, "caucus", "requesting")
    assert is_well(house.settings)
    case_id, stranger = UUID(dispute.case["id"]), UUID(dispute.responding.id)
    mediator, readers = UUID(dispute.mediator.id), AudienceReader
    with past_the_service.begin() as db:
        caucus = select(Audience.id).where(Audience.case_id == case_id, Audience.name == "caucus")
        audience_id = db.execute(caucus).scalar_one()
        # The row names another case, so that a search by case alone would miss it; the gate ignores the case.
        db.execute(insert(AudienceReader).values(audience_id=audience_id, principal_id=stranger, case_id=uuid4()))
        db.execute(delete(AudienceReader).where(readers.audience_id == audience_id, readers.principal_id == mediator))
    assert reported(house.settings) == [
        f"case {case_id}, audience {audience_id}: {stranger} {TOO_MANY}",
        f"case {case_id}, audience {audience_id}: {mediator} {TOO_FEW}",
    ]
    assert not all(look.well for look in look_at(house.settings, system_clock))


def test_a_wrong_row_of_a_case_list_or_of_a_lock_is_reported(
    house: House, dispute: Dispute, past_the_service: Engine
) -> None:
    dispute.lodged()
    case_id, agent = UUID(dispute.case["id"]), UUID(dispute.requesting.id)
    with past_the_service.begin() as db:
        audience_id = db.execute(select(Case.audience_id).where(Case.id == case_id)).scalar_one()
        mine = (AudienceReader.audience_id == audience_id, AudienceReader.principal_id == agent)
        db.execute(update(AudienceReader).where(*mine).values(opened_at=None))
    assert reported(house.settings) == [f"case {case_id}, audience {audience_id}: {agent} {MISPLACED}"]


def test_readers_of_an_audience_without_a_case_and_of_the_institution_are_checked_too(
    house: House, dispute: Dispute, past_the_service: Engine
) -> None:
    dispute.lodged()
    stranger, nowhere, audience_id = UUID(dispute.requesting.id), uuid4(), uuid4()
    row = {"id": audience_id, "case_id": nowhere, "key": "x", "name": "caucus", "party_ids": [], "generation": 0}
    with past_the_service.begin() as db:
        db.execute(insert(Audience).values(row))
        db.execute(insert(AudienceReader).values(audience_id=audience_id, principal_id=ANYONE, case_id=nowhere))
        registry = db.execute(select(Audience.id).where(Audience.key == "registry")).scalar_one()
        db.execute(insert(AudienceReader).values(audience_id=registry, principal_id=stranger))
    assert reported(house.settings) == [
        f"case {nowhere}, audience {audience_id}: {ANYONE} {TOO_MANY}",
        f"audience {registry}: {stranger} {TOO_MANY}",
    ]


def test_people_who_join_leave_or_are_replaced_read_what_the_policy_says(house: House, dispute: Dispute) -> None:
    dispute.mediating()
    for side, person in (("requesting", dispute.requesting), ("responding", dispute.responding)):
        dispute.filing(person, "party-registry", side)
    late, _party = dispute.third_party_joined()
    dispute.resign()
    dispute.succeeded()
    ended = Dispute(house, " II")
    ended.mediating()
    ended.step(ended.responding, "withdraw", {"reason": "We withdraw."}).expect(200)
    house.admin.post(f"/v1/users/{late.id}/disable").expect(200)
    assert is_well(house.settings)


def test_the_audit_continues_where_it_stopped_and_skips_nothing(
    house: House, dispute: Dispute, past_the_service: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        dispute.opened(title=f"Case {number}")
    monkeypatch.setattr(readers, "AT_ONCE", 2)
    (report,) = reported(house.settings)
    with past_the_service.connect() as db:
        rows = len(db.execute(select(AudienceReader.audience_id)).all())
    assert report == f"{rows} readers in 5 cases and at the institution, all as the policy requires"
    with past_the_service.begin() as db:
        db.execute(delete(AudienceReader).where(AudienceReader.principal_id == UUID(dispute.requesting.id)))
    assert len({fault.split(",")[0] for fault in reported(house.settings) if fault.endswith(TOO_FEW)}) == 5


def test_a_part_of_the_audit_takes_the_same_number_of_statements_however_many_rows_exist(
    house: House, dispute: Dispute
) -> None:
    database, sent = guarded(house.settings), list[str]()
    event.listen(database.engine, "before_cursor_execute", lambda *arguments: sent.append(arguments[2]))

    def statements() -> int:
        sent.clear()
        with database.read(os.urandom) as db:
            readers.audit_cases(db, None)
        return len([one for one in sent if "SELECT" in one])

    dispute.opened()
    few = statements()
    for _number in range(4):
        dispute.opened()
    assert statements() == few <= 5
    database.dispose()


@pytest.mark.slow
def test_after_the_demo_every_reader_reads_exactly_what_the_policy_says(settings: Settings) -> None:
    asyncio.run(play(settings, system_clock(), lambda _line: None))
    assert is_well(settings)
