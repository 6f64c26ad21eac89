"""How a mediator leaves a case before its end: by resigning, or because the registry has them replaced."""

from datetime import datetime
from uuid import UUID

from app.core.access import capacities
from app.core.access import service as access
from app.core.access.actors import Actor
from app.core.access.session import GatedSession
from app.core.contents import service as contents
from app.core.errors import Forbidden, NotFound
from app.core.ledger.acts import author_of
from app.core.tables.cases import Case
from app.core.tables.mediators import Appointment
from app.proceedings.cases.locking import lock_case
from app.proceedings.mediators.schemas import LeaveIn
from app.proceedings.mediators.service import expect, lock_appointment, record, user_of
from app.proceedings.steps.service import Through, check_step, take_step_through


def resign(db: GatedSession, actor: Actor, now: datetime, appointment_id: UUID, given: LeaveIn) -> tuple[UUID]:
    """Resign as the mediator, which ends one's own view of the case.

    Raises Forbidden for anybody else, and Conflict as the step `resign` does.
    """
    case, appointment = _locked(db, actor, appointment_id, "The mediator resigns, and nobody else.")
    check_step(db, actor, now, case, Through("resign"))
    if user_of(db, appointment) != actor.id:
        raise Forbidden("The mediator resigns, and nobody else.", "not-your-capacity")
    return _leave(db, actor, now, case, appointment, given, "resign", "resigned")


def replace(db: GatedSession, actor: Actor, now: datetime, appointment_id: UUID, given: LeaveIn) -> tuple[UUID]:
    """End a mediator's appointment, for the registry, so that another can be nominated.

    Raises Forbidden for anybody else, and Conflict as the step `replace-mediator` does.
    """
    case, appointment = _locked(db, actor, appointment_id, "The registry has mediators replaced.")
    check_step(db, actor, now, case, Through("replace-mediator"))
    return _leave(db, actor, now, case, appointment, given, "replace-mediator", "replaced")


def _locked(db: GatedSession, actor: Actor, appointment_id: UUID, otherwise: str) -> tuple[Case, Appointment]:
    """The case and the appointment; Forbidden for a candidate, who sees the appointment and not the case."""
    _case, appointment = lock_appointment(db, actor, appointment_id)
    try:
        return lock_case(db, actor, appointment.case_id), appointment
    except NotFound as hidden:
        raise Forbidden(otherwise, "not-your-capacity") from hidden


def _leave(
    db: GatedSession,
    actor: Actor,
    now: datetime,
    case: Case,
    appointment: Appointment,
    given: LeaveIn,
    step: str,
    state: str,
) -> tuple[UUID]:
    expect(appointment, "confirmed")
    written = contents.write(db, case.id, appointment.audience_id, {"reason": given.reason})
    take_step_through(db, actor, now, case, Through(step))
    appointment.state, appointment.ended_at = state, now
    capacity = "registry" if actor.is_staff else "mediator"
    record(db, now, appointment, f"appointment-{state}", step, author_of(actor, capacity), written)
    db.flush()
    user_id = user_of(db, appointment)
    held = [one.id for one in access.known_circle(db, case.id).capacities if one.user_id == user_id]
    capacities.end_capacities(db, case.id, held, now)
    return (appointment.id,)
