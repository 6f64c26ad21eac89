"""Departures before the case ends: the mediator resigns, the registry replaces the mediator, or an account ends."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from app.core.access import capacities
from app.core.access import service as access
from app.core.access.actors import CLOCK, Actor
from app.core.access.session import GatedSession, acting_under
from app.core.contents import service as contents
from app.core.errors import Forbidden, NotFound
from app.core.ledger import service as ledger
from app.core.ledger.acts import Act
from app.core.tables.cases import Case
from app.core.tables.mediators import Appointment, Mediator
from app.proceedings.cases.lock import lock_case
from app.proceedings.mediators.appointments import (
    act_on,
    end_candidacy,
    expect_state,
    lock_appointment,
    payload_of,
    record,
    user_of,
)
from app.proceedings.mediators.schemas import LeaveIn
from app.proceedings.steps import consequences
from app.proceedings.steps.apply import Judged, apply_step
from app.proceedings.steps.service import Attempt, judge_step, take_registry_step

# The state of an appointment after each step that ends it early.
_STATES = {"resign": "resigned", "replace-mediator": "replaced"}


def resign(db: GatedSession, actor: Actor, now: datetime, appointment_id: UUID, body: LeaveIn) -> tuple[UUID]:
    """Resign as the mediator; from then on the mediator does not see the case.

    Raises Forbidden for anybody else, and Conflict if the rules refuse the step `resign`.
    """
    refusal = "Only the mediator may resign."
    case, appointment = _lock_both(db, actor, appointment_id, refusal)
    judged = judge_step(db, actor, now, case, Attempt("resign"))
    if user_of(db, appointment) != actor.id:
        raise Forbidden(refusal, "not-your-capacity")
    return _leave(db, now, case, appointment, body, judged)


def replace(db: GatedSession, actor: Actor, now: datetime, appointment_id: UUID, body: LeaveIn) -> tuple[UUID]:
    """End a mediator's appointment, as the registry, so that another mediator can be nominated.

    Raises Forbidden for anybody else, and Conflict if the rules refuse the step `replace-mediator`.
    """
    case, appointment = _lock_both(db, actor, appointment_id, "Only the registry may replace a mediator.")
    judged = judge_step(db, actor, now, case, Attempt("replace-mediator"))
    return _leave(db, now, case, appointment, body, judged)


def _lock_both(db: GatedSession, actor: Actor, appointment_id: UUID, refusal: str) -> tuple[Case, Appointment]:
    """Lock the case and return it with the appointment.

    Raises Forbidden for a candidate, who sees the appointment but not the case.
    """
    _case, appointment = lock_appointment(db, actor, appointment_id)
    try:
        return lock_case(db, actor, appointment.case_id), appointment
    except NotFound as hidden:
        raise Forbidden(refusal, "not-your-capacity") from hidden


def _leave(
    db: GatedSession, now: datetime, case: Case, appointment: Appointment, body: LeaveIn, judged: Judged
) -> tuple[UUID]:
    expect_state(appointment, "confirmed")
    reason = contents.write(db, case.id, appointment.audience_id, {"reason": body.reason})
    step_taken = apply_step(db, now, case, judged)
    appointment.state, appointment.ended_at = _STATES[step_taken.name], now
    act = act_on(appointment, step_taken.name, now, step_taken.author)
    record(db, act, appointment, f"appointment-{appointment.state}", reason)
    consequences.cancel_sessions(db, step_taken, case.id)
    db.flush()
    user_id = user_of(db, appointment)
    ended = [held.id for held in access.known_circle(db, case.id).capacities if held.user_id == user_id]
    capacities.end_capacities(db, case.id, ended, now)
    return (appointment.id,)


def close_nominations(db: GatedSession, act: Act, mediator: Mediator) -> None:
    """Close the pending nominations of a mediator whose entry on the roster is suspended.

    `act` is the act that suspends it; its author need not see the cases.
    """
    pending = (Appointment.mediator_id == mediator.id, Appointment.state.in_(("proposed", "declared")))
    with acting_under(db, CLOCK.principals):
        # In one order, so that two acts that lock the same cases do not wait for each other.
        nominations = select(Appointment.case_id, Appointment.id).where(*pending).order_by(Appointment.case_id)
        for row in db.execute(nominations).all():
            lock_case(db, CLOCK, row.case_id)
            statement = select(Appointment).where(Appointment.id == row.id)
            appointment = db.execute(statement, execution_options={"populate_existing": True}).scalar_one()
            # While this waited for the lock, the candidate may have declined or have been confirmed.
            if appointment.state not in ("proposed", "declared"):
                continue
            appointment.state, appointment.ended_at = "closed", act.at
            payload = payload_of(appointment) | {"cause": "suspended"}
            ledger.record(db, act_on(appointment, act.name, act.at, act.author), "appointment-closed", payload)
            db.flush()
            end_candidacy(db, act.at, appointment, mediator.user_id)


def end_with_account(db: GatedSession, act: Act, case_id: UUID, appointment_id: UUID) -> None:
    """End the appointment of somebody whose account ends, so that the registry can have another person nominated.

    `act` is the act that ends the account; its author need not see the case. A mediator's appointment ends by the step
    `replace-mediator`, where the rules of the case have it. In a closed case it stays as it was.
    """
    with acting_under(db, CLOCK.principals):
        case = lock_case(db, CLOCK, case_id)
        appointment = db.get_one(Appointment, appointment_id)
        if case.closed_at is not None or appointment.ended_at is not None:
            return
        is_mediator = appointment.state == "confirmed"
        if is_mediator:
            take_registry_step(db, act, case, "replace-mediator")
            consequences.cancel_sessions(db, act, case_id)
        appointment.state, appointment.ended_at = "replaced" if is_mediator else "closed", act.at
        payload = payload_of(appointment) | {"cause": "account-disabled"}
        ended = act_on(appointment, act.name, act.at, act.author)
        ledger.record(db, ended, f"appointment-{appointment.state}", payload)
