"""Departures of a mediator before the case ends: the mediator resigns, or the registry replaces the mediator."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.core.access import service as access
from app.core.access.actors import Actor
from app.core.access.session import GatedSession
from app.core.contents import service as contents
from app.core.errors import Forbidden, NotFound
from app.core.ledger.acts import author_of
from app.core.tables.cases import Case
from app.core.tables.mediators import Appointment
from app.proceedings.cases.locking import lock_case
from app.proceedings.mediators.appointments import act_on, expect_state, lock_appointment, record, user_of
from app.proceedings.mediators.schemas import LeaveIn
from app.proceedings.steps.service import Through, check_step, take_step_through


@dataclass(frozen=True, slots=True)
class Departure:
    """The end of a confirmed appointment: the step that it takes, and the state in which it leaves the appointment."""

    case: Case
    appointment: Appointment
    step: str
    state: str


def resign(db: GatedSession, actor: Actor, now: datetime, appointment_id: UUID, body: LeaveIn) -> tuple[UUID]:
    """Resign as the mediator; from then on the mediator does not see the case.

    Raises Forbidden for anybody else, and Conflict if the rules refuse the step `resign`.
    """
    refusal = "Only the mediator can resign."
    case, appointment = _lock_both(db, actor, appointment_id, refusal)
    check_step(db, actor, now, case, Through("resign"))
    if user_of(db, appointment) != actor.id:
        raise Forbidden(refusal, "not-your-capacity")
    return _leave(db, actor, now, Departure(case, appointment, "resign", "resigned"), body)


def replace(db: GatedSession, actor: Actor, now: datetime, appointment_id: UUID, body: LeaveIn) -> tuple[UUID]:
    """End a mediator's appointment, as the registry, so that another mediator can be nominated.

    Raises Forbidden for anybody else, and Conflict if the rules refuse the step `replace-mediator`.
    """
    case, appointment = _lock_both(db, actor, appointment_id, "Only the registry can replace a mediator.")
    check_step(db, actor, now, case, Through("replace-mediator"))
    return _leave(db, actor, now, Departure(case, appointment, "replace-mediator", "replaced"), body)


def _lock_both(db: GatedSession, actor: Actor, appointment_id: UUID, refusal: str) -> tuple[Case, Appointment]:
    """Lock the case and return it with the appointment.

    Raises Forbidden for a candidate, who sees the appointment but not the case.
    """
    _case, appointment = lock_appointment(db, actor, appointment_id)
    try:
        return lock_case(db, actor, appointment.case_id), appointment
    except NotFound as hidden:
        raise Forbidden(refusal, "not-your-capacity") from hidden


def _leave(db: GatedSession, actor: Actor, now: datetime, departure: Departure, body: LeaveIn) -> tuple[UUID]:
    case, appointment = departure.case, departure.appointment
    expect_state(appointment, "confirmed")
    reason = contents.write(db, case.id, appointment.audience_id, {"reason": body.reason})
    take_step_through(db, actor, now, case, Through(departure.step))
    appointment.state, appointment.ended_at = departure.state, now
    author = author_of(actor, "registry" if actor.is_staff else "mediator")
    act = act_on(appointment, departure.step, now, author)
    record(db, act, appointment, f"appointment-{departure.state}", reason)
    db.flush()
    user_id = user_of(db, appointment)
    ended = [held.id for held in access.known_circle(db, case.id).capacities if held.user_id == user_id]
    access.end_capacities(db, case.id, ended, now)
    return (appointment.id,)
