"""A mediator's way into a case: nominated, declared, accepted and confirmed, or declined."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from app.core.access import capacities
from app.core.access import service as access
from app.core.access.actors import Actor
from app.core.access.criteria import left_at
from app.core.access.policy import REPRESENTATIVES
from app.core.access.session import GatedSession
from app.core.contents import service as contents
from app.core.db import AnyRow, new_id
from app.core.errors import Conflict, Forbidden, NotFound, invalid
from app.core.ledger import service as ledger
from app.core.ledger.acts import Act, Author, Subject, author_of
from app.core.paging import Page, Sort, listed
from app.core.tables.capacities import Capacity
from app.core.tables.cases import Case
from app.core.tables.mediators import Appointment, Mediator
from app.core.tables.parties import Party
from app.core.tables.people import User
from app.proceedings.cases import paper_acts
from app.proceedings.cases.circle import begin_generation
from app.proceedings.cases.lock import lock_case, lock_case_as_system, require_case
from app.proceedings.cases.paper_acts import Counted
from app.proceedings.cases.refusals import check_agent
from app.proceedings.mediators.schemas import (
    AppointmentActIn,
    AppointmentCase,
    AppointmentList,
    AppointmentOut,
    DeclineIn,
    NominationIn,
)
from app.proceedings.steps import consequences
from app.proceedings.steps.apply import apply_step
from app.proceedings.steps.service import Attempt, judge_step

_COLUMNS = (
    Appointment.id,
    Appointment.case_id,
    Appointment.mediator_id,
    User.name,
    Appointment.state,
    Appointment.independent,
    Appointment.accepted_by,
    Appointment.content_id,
    Appointment.disclosures_id,
    Appointment.earlier_declarations,
    Appointment.objections,
    Appointment.proposed_at,
    Appointment.declared_at,
    Appointment.confirmed_at,
    Appointment.ended_at,
    left_at(Appointment),
)


# When an appointment entered a state, the last one first.
_INSTANTS = ("ended_at", "confirmed_at", "declared_at")


def list_appointments(db: GatedSession, actor: Actor, now: datetime, case_id: UUID, page: Page) -> AppointmentList:
    """Return a page of a case's appointments; raises NotFound if the actor may not see the case."""
    require_case(db, case_id)
    statement = _appointments().where(Appointment.case_id == case_id)
    listing = listed(db, statement, page, Sort(Appointment.proposed_at, Appointment.id, datetime))
    return AppointmentList(items=_out(db, listing.rows), next=listing.next, count=listing.count)


def read_appointment(db: GatedSession, actor: Actor, now: datetime, appointment_id: UUID) -> AppointmentOut:
    """Return one appointment; raises NotFound if the actor may not see it."""
    row = db.execute(_appointments().where(Appointment.id == appointment_id)).one_or_none()
    if row is None:
        raise NotFound
    return _out(db, [row])[0]


def _appointments() -> Any:
    statement = select(*_COLUMNS).join(Mediator, Mediator.id == Appointment.mediator_id)
    return statement.join(User, User.id == Mediator.user_id)


def _out(db: GatedSession, rows: Sequence[AnyRow]) -> list[AppointmentOut]:
    ids = [id for row in rows for id in (row.content_id, row.disclosures_id) if id is not None]
    ids += [UUID(entry["content_id"]) for row in rows for entry in (*row.earlier_declarations, *row.objections)]
    bodies = contents.read_many(db, ids)
    own = ("case", "disclosures", "earlier_declarations", "objections")
    names = [name for name in AppointmentOut.model_fields if name not in own]
    return [
        AppointmentOut.model_validate(
            {
                **{name: getattr(row, name) for name in names},
                "case": AppointmentCase.model_validate(bodies[row.content_id]),
                "disclosures": bodies[row.disclosures_id]["disclosures"] if row.disclosures_id else None,
                "earlier_declarations": [_with_body(entry, bodies) for entry in row.earlier_declarations],
                "objections": [_with_body(entry, bodies) for entry in row.objections],
                **(_as_left(row, bodies) if row.left_at else {}),
            }
        )
        for row in rows
    ]


def _with_body(entry: dict[str, Any], bodies: Mapping[UUID, contents.Body]) -> dict[str, Any]:
    return {**entry, **bodies[UUID(entry["content_id"])]}


def _as_left(row: AnyRow, bodies: Mapping[UUID, contents.Body]) -> dict[str, Any]:
    """What an appointment shows otherwise to a party that has left: nothing of what came later.

    The day of each acceptance is not kept, so that they are shown only where all of them came before.
    """
    later = {name for name in _INSTANTS if getattr(row, name) is None or getattr(row, name) > row.left_at}
    shown: dict[str, Any] = dict.fromkeys(later)
    if "ended_at" in later:
        shown["state"] = next((name.removesuffix("_at") for name in _INSTANTS[1:] if name not in later), "proposed")
    known = [_with_body(entry, bodies) for entry in row.earlier_declarations if _is_before(entry["declared_at"], row)]
    if "declared_at" in later:
        # The declaration that stood then, which a later one has replaced.
        stood = known.pop() if known else dict.fromkeys(("independent", "disclosures", "declared_at"))
        shown |= {name: stood[name] for name in ("independent", "disclosures", "declared_at")}
    shown["earlier_declarations"] = known
    shown["objections"] = [
        _with_body(entry, bodies) for entry in row.objections if _is_before(entry["objected_at"], row)
    ]
    if later >= {"confirmed_at", "ended_at"}:
        shown["accepted_by"] = []
    return shown


def _is_before(instant: str, row: AnyRow) -> bool:
    return bool(datetime.fromisoformat(instant) <= row.left_at)


def nominate(db: GatedSession, actor: Actor, now: datetime, case_id: UUID, body: NominationIn) -> tuple[UUID]:
    """Nominate a mediator; a party that nominates has thereby accepted the candidate.

    Raises Forbidden or Conflict if the rules refuse the step `nominate`, Invalid for somebody who is not on the roster,
    and Conflict for somebody who already has a part in the case.
    """
    case = lock_case(db, actor, case_id)
    judged = judge_step(db, actor, now, case, Attempt("nominate", acting_for=body.acting_for))
    # Locked, so that an entry which is being suspended is seen as suspended.
    entry = select(Mediator.user_id, User.active).join(User).where(Mediator.id == body.mediator_id, Mediator.active)
    mediator = db.execute(entry.with_for_update(key_share=True, of=Mediator)).one_or_none()
    if mediator is None or not mediator.active:
        raise invalid("/mediator_id", "unknown-mediator", "Name a mediator by the id of their entry on the roster.")
    if any(part.lives or part.role in REPRESENTATIVES for part in capacities.parts_of(db, case_id, mediator.user_id)):
        raise Conflict("This person has, or had, a part in the case. Nominate somebody else.", "already-in-case")
    appointment_id = new_id(db)
    candidacy = Capacity(
        id=new_id(db),
        case_id=case_id,
        user_id=mediator.user_id,
        role="candidate",
        appointment_id=appointment_id,
        generation=case.generation,
        admitted_at=now,
    )
    candidacy.audience_id = access.audience(db, case_id, "appointment", person_id=mediator.user_id)
    capacities.admit(db, candidacy)
    content = contents.write(db, case_id, candidacy.audience_id, _for_candidate(db, case))
    appointment = Appointment(
        id=appointment_id,
        case_id=case_id,
        audience_id=candidacy.audience_id,
        mediator_id=body.mediator_id,
        state="proposed",
        accepted_by=[str(judged.author.party_id)] if judged.author.party_id else [],
        content_id=content.id,
        proposed_at=now,
    )
    db.add(appointment)
    apply_step(db, now, case, judged)
    record(
        db,
        act_on(appointment, "nominate", now, judged.author),
        appointment,
        "appointment-proposed",
        content,
    )
    return (appointment.id,)


def _for_candidate(db: GatedSession, case: Case) -> dict[str, Any]:
    """What a candidate needs to know of the case to check for conflicts of interest."""
    rows = db.execute(select(Party.side, Party.kind, Party.name).where(Party.case_id == case.id).order_by(Party.number))
    parties = [{"side": row.side, "kind": row.kind, "name": row.name} for row in rows]
    return {"title": case.title, "subjects": case.subjects, "parties": parties}


def act_on(appointment: Appointment, name: str, now: datetime, author: Author) -> Act:
    """Return an act on an appointment, which is recorded for the audience of the appointment."""
    return Act(name, now, author, Subject(appointment.case_id, appointment.audience_id, "appointment"))


def record(
    db: GatedSession,
    act: Act,
    appointment: Appointment,
    kind: str,
    content: contents.Written | None = None,
    counted: Counted | None = None,
) -> None:
    """Record an event of that kind about an appointment, with the state in which the act leaves it."""
    counts = {"on": counted.on.isoformat(), **counted.payload()} if counted else {}
    ledger.record(db, act, kind, payload_of(appointment) | counts, content=content)


def payload_of(appointment: Appointment) -> dict[str, Any]:
    """Return what every event about an appointment says of it."""
    return {
        "appointment_id": str(appointment.id),
        "mediator_id": str(appointment.mediator_id),
        "state": appointment.state,
        "independent": appointment.independent,
        "accepted_by": appointment.accepted_by,
    }


def lock_appointment(db: GatedSession, actor: Actor, appointment_id: UUID) -> tuple[AnyRow, Appointment]:
    """Lock the case of an appointment and return it with the appointment; raises NotFound.

    The actor may see the appointment without seeing the case.
    """
    case_id = db.execute(select(Appointment.case_id).where(Appointment.id == appointment_id)).scalar_one_or_none()
    if case_id is None:
        raise NotFound
    case = lock_case_as_system(db, case_id)
    statement = select(Appointment).where(Appointment.id == appointment_id)
    # While this waited for the lock, the appointment may have changed, or the actor's access may have ended.
    appointment = db.execute(statement, execution_options={"populate_existing": True}).scalar_one_or_none()
    if appointment is None:
        raise NotFound
    return case, appointment


def user_of(db: GatedSession, appointment: Appointment) -> UUID:
    """Return the account of the person whom an appointment is about."""
    user_id: UUID = db.execute(select(Mediator.user_id).where(Mediator.id == appointment.mediator_id)).scalar_one()
    return user_id


def only_candidate(db: GatedSession, actor: Actor, appointment: Appointment) -> None:
    """Raise Forbidden unless the appointment is about the actor."""
    if user_of(db, appointment) != actor.id:
        raise Forbidden("Only the person whom the appointment is about may do this.", "not-your-capacity")


# What can be done with an appointment in each state.
_POSSIBLE = {
    "proposed": "Now the candidate can declare or decline.",
    "declared": "Now the parties can accept the candidate, the registry can confirm, and the candidate can decline.",
    "confirmed": "Now the mediator can resign, and the registry can replace the mediator.",
}
_ENDED = "It has ended: nominate another candidate."


def expect_state(appointment: Appointment, *states: str) -> None:
    """Raise Conflict unless the appointment is in one of these states."""
    if appointment.state not in states:
        detail = (
            f"The appointment is {appointment.state}; this can be done only while it is {' or '.join(states)}. "
            f"{_POSSIBLE.get(appointment.state, _ENDED)}"
        )
        raise Conflict(detail, "appointment-state", state=appointment.state)


def decline(db: GatedSession, actor: Actor, now: datetime, appointment_id: UUID, body: DeclineIn) -> tuple[UUID]:
    """Decline a nomination, as the candidate, who from then on does not see the appointment.

    Raises Forbidden for anybody else, and Conflict once the nomination has ended.
    """
    _case, appointment = lock_appointment(db, actor, appointment_id)
    only_candidate(db, actor, appointment)
    expect_state(appointment, "proposed", "declared")
    appointment.state, appointment.ended_at = "declined", now
    act = act_on(appointment, "decline", now, author_of(actor, "candidate"))
    record(db, act, appointment, "appointment-declined", _write_reason(db, appointment, body.reason))
    db.flush()
    end_candidacy(db, now, appointment, actor.id)
    return (appointment.id,)


def _write_reason(db: GatedSession, appointment: Appointment, reason: str | None) -> contents.Written | None:
    if reason is None:
        return None
    return contents.write(db, appointment.case_id, appointment.audience_id, {"reason": reason})


def end_candidacy(db: GatedSession, now: datetime, appointment: Appointment, user_id: UUID) -> None:
    """End the candidacy of a person in the case of an appointment, and the access that it gave."""
    circle = access.known_circle(db, appointment.case_id)
    ended = [held.id for held in circle.capacities if held.user_id == user_id and held.role == "candidate"]
    capacities.end_capacities(db, appointment.case_id, ended, now)


def accept(db: GatedSession, actor: Actor, now: datetime, appointment_id: UUID, body: AppointmentActIn) -> tuple[UUID]:
    """Accept a declared candidate, for a party.

    Raises Forbidden for others, and Conflict before the declaration, or if the party has accepted already or has lost
    its agent.
    """
    case, appointment = lock_appointment(db, actor, appointment_id)
    circle = access.known_circle(db, case.id)
    if not circle.parties_of(actor) and not (actor.is_staff and body.on_behalf_of):
        raise Forbidden("Only a party may accept a candidate.", "not-your-capacity")
    acting_for = circle.acting_party(actor, body.acting_for)
    counted = paper_acts.judge(db, actor, now, case, body)
    party_id = counted.party_id or acting_for
    if party_id is None:
        raise Forbidden("Only a party can accept a candidate.", "not-your-capacity")
    expect_state(appointment, "declared")
    if str(party_id) in appointment.accepted_by:
        raise Conflict("The party has already accepted this candidate.", "already-accepted")
    check_agent(circle, actor, case, party_id)
    appointment.accepted_by = sorted([*appointment.accepted_by, str(party_id)])
    author = paper_acts.author(actor, counted, paper_acts.holding_of(db, case, party_id))
    reason = _write_reason(db, appointment, body.reason)
    record(db, act_on(appointment, "accept", now, author), appointment, "appointment-accepted", reason, counted)
    return (appointment.id,)


def confirm(db: GatedSession, actor: Actor, now: datetime, appointment_id: UUID, body: AppointmentActIn) -> tuple[UUID]:
    """Confirm a candidate whom all parties accept, as the registry; from then on the mediator sees the case.

    A mediator who follows another reads only what is written from then on; the parties may disclose earlier items.
    Raises Forbidden or Conflict if the rules refuse the step `confirm-mediator`, and Conflict for a candidate who has
    not declared or whose account was disabled.
    """
    _case, appointment = lock_appointment(db, actor, appointment_id)
    try:
        case = lock_case(db, actor, appointment.case_id)
    except NotFound as hidden:
        raise Forbidden("Only the registry may confirm an appointment.", "not-your-capacity") from hidden
    judge_step(db, actor, now, case, Attempt("confirm-mediator", appointment.id))
    if body.on_behalf_of is not None:
        detail = "The registry confirms an appointment in its own name: leave 'on_behalf_of' out."
        raise invalid("/on_behalf_of", "unknown-field", detail)
    counted = paper_acts.judge(db, actor, now, case, body)
    expect_state(appointment, "declared")
    user_id = user_of(db, appointment)
    if not db.execute(select(User.active).where(User.id == user_id)).scalar_one():
        raise Conflict("The candidate's account is disabled. Nominate somebody else.", "unknown-mediator")
    judged = judge_step(db, actor, now, case, Attempt("confirm-mediator", appointment.id, counted))
    if _had_mediator(db, case.id):
        begin_generation(db, case)
    step_taken = apply_step(db, now, case, judged)
    appointment.state, appointment.confirmed_at = "confirmed", now
    act = act_on(appointment, "confirm", now, author_of(actor, "registry"))
    reason = _write_reason(db, appointment, body.reason)
    record(db, act, appointment, "appointment-confirmed", reason, counted)
    end_candidacy(db, now, appointment, user_id)
    # The case has its mediator: the other nominations are moot.
    consequences.close_appointments(db, step_taken, case)
    mediator = Capacity(
        id=new_id(db),
        case_id=case.id,
        audience_id=case.audience_id,
        user_id=user_id,
        role="mediator",
        appointment_id=appointment.id,
        generation=case.generation,
        admitted_at=now,
    )
    capacities.admit(db, mediator)
    return (appointment.id,)


def _had_mediator(db: GatedSession, case_id: UUID) -> bool:
    confirmed = (Appointment.case_id == case_id, Appointment.confirmed_at.is_not(None))
    return db.execute(select(Appointment.id).where(*confirmed).limit(1)).first() is not None
