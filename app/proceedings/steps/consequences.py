"""What a step ends in other nouns: pending nominations, and sessions that nobody can hold; the end is certified."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import String, Uuid, union_all, update

from app.core.access import capacities
from app.core.access import service as access
from app.core.access.session import GatedSession, as_system
from app.core.db import AnyRow, AnySelect, UtcDateTime, columns_of_kind
from app.core.ledger import service as ledger
from app.core.ledger.acts import Act, Subject
from app.core.tables.audiences import Audience
from app.core.tables.cases import Case
from app.core.tables.mediators import Appointment
from app.core.tables.sessions import Meeting
from app.proceedings.certificates import outcomes

# The columns of everything that a closed case leaves open, so that one statement reads it all.
_OPEN_ITEM: dict[str, Any] = {
    "id": Uuid(),
    "audience_id": Uuid(),
    "audience": String(),
    "proposed_at": UtcDateTime(),
    "starts_at": UtcDateTime(),
}
_PENDING = ("proposed", "declared")


def close(db: GatedSession, act: Act, case: Case) -> None:
    """End what a closed case leaves open, and certify how it ended.

    Sessions of a caucus are cancelled last, unseen by those who do not know of them. Raises Misconfigured if the
    institution's key cannot be opened.
    """
    with as_system(db):
        rows = db.execute(union_all(_pending_appointments(case), _scheduled_meetings(case.id))).all()
    _close_appointments(db, act, case, [row for row in rows if row.what == "appointment"])
    outcomes.issue_at_the_end(db, act, case)
    with as_system(db):
        _cancel_meetings(db, act, case.id, [row for row in rows if row.what == "meeting"])


def close_appointments(db: GatedSession, act: Act, case: Case) -> None:
    """Close the nominations still pending, which ends what their candidates may read."""
    with as_system(db):
        rows = db.execute(_pending_appointments(case)).all()
    _close_appointments(db, act, case, rows)


def cancel_sessions(db: GatedSession, act: Act, case_id: UUID) -> None:
    """Cancel the scheduled sessions of a case whose mediator left, each in its own audience.

    Only that mediator could hold them, and a caucus could not even be cancelled: a successor does not see it.
    """
    with as_system(db):
        rows = db.execute(_scheduled_meetings(case_id)).all()
        _cancel_meetings(db, act, case_id, rows)


def _pending_appointments(case: Case) -> AnySelect:
    columns = columns_of_kind(
        "appointment",
        _OPEN_ITEM,
        id=Appointment.id,
        audience_id=Appointment.audience_id,
        proposed_at=Appointment.proposed_at,
    )
    return columns.where(Appointment.case_id == case.id, Appointment.state.in_(_PENDING))


def _scheduled_meetings(case_id: UUID) -> AnySelect:
    columns = columns_of_kind(
        "meeting",
        _OPEN_ITEM,
        id=Meeting.id,
        audience_id=Meeting.audience_id,
        audience=Audience.name,
        starts_at=Meeting.starts_at,
    )
    joined = columns.join(Audience, Audience.id == Meeting.audience_id)
    return joined.where(Meeting.case_id == case_id, Meeting.state == "scheduled")


def _close_appointments(db: GatedSession, act: Act, case: Case, rows: Sequence[AnyRow]) -> None:
    if not rows:
        return
    with as_system(db):
        closed = update(Appointment).where(Appointment.id.in_([row.id for row in rows]))
        closed = closed.values(state="closed", ended_at=act.at)
        db.execute(closed.execution_options(synchronize_session=False))
    for row in sorted(rows, key=lambda row: (row.proposed_at, row.id)):
        payload = {"appointment_id": str(row.id), "state": "closed"}
        subject = Subject(case.id, row.audience_id, "appointment")
        ledger.record(db, act.within(subject), "appointment-closed", payload)
    circle = access.known_circle(db, case.id)
    candidates = [capacity.id for capacity in circle.capacities if capacity.role == "candidate"]
    capacities.end_capacities(db, case.id, candidates, act.at)


def _cancel_meetings(db: GatedSession, act: Act, case_id: UUID, rows: Sequence[AnyRow]) -> None:
    if not rows:
        return
    cancelled = update(Meeting).where(Meeting.id.in_([row.id for row in rows]))
    cancelled = cancelled.values(state="cancelled", settled_at=act.at)
    db.execute(cancelled.execution_options(synchronize_session=False))
    for row in sorted(rows, key=lambda row: (row.audience == "caucus", row.starts_at, row.id)):
        payload = {"session_id": str(row.id), "state": "cancelled"}
        subject = Subject(case_id, row.audience_id, row.audience)
        ledger.record(db, act.within(subject), "session-cancelled", payload)
