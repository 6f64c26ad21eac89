"""The roster, and a mediator's way into a case: nominated, declared, accepted, confirmed; or declined."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from app.core.access import capacities
from app.core.access import service as access
from app.core.access.actors import Actor
from app.core.access.circle import Circle
from app.core.access.policy import REPRESENTATIVES
from app.core.access.session import GatedSession
from app.core.contents import service as contents
from app.core.db import AnyRow, new_id
from app.core.errors import Conflict, Forbidden, NotFound, invalid
from app.core.ledger import service as ledger
from app.core.ledger.acts import Act, Author, Subject, author_of, installation_subject
from app.core.paging import Page, Sort, listed
from app.core.tables.capacities import Capacity
from app.core.tables.cases import Case
from app.core.tables.mediators import Appointment, Mediator
from app.core.tables.parties import Party
from app.core.tables.people import User
from app.proceedings.cases import paper_acts
from app.proceedings.cases.locking import (
    begin_generation,
    circle_of,
    lock_case,
    lock_case_as_system,
    require_case,
    view_of,
)
from app.proceedings.cases.paper_acts import Counted
from app.proceedings.mediators.schemas import (
    AppointmentActIn,
    AppointmentCase,
    AppointmentList,
    AppointmentOut,
    DeclarationOfIndependence,
    DeclineIn,
    MediatorIn,
    MediatorList,
    MediatorOut,
    NominationIn,
)
from app.proceedings.steps import consequences
from app.proceedings.steps.service import Through, check_step, take_step_through

_MEDIATOR = (
    Mediator.id,
    Mediator.user_id,
    User.name,
    Mediator.nationalities,
    Mediator.languages,
    Mediator.expertise,
    Mediator.active,
    Mediator.created_at,
)


def list_mediators(db: GatedSession, actor: Actor, now: datetime, page: Page) -> MediatorList:
    """The roster, for everybody with an account."""
    statement = select(*_MEDIATOR).join(User, User.id == Mediator.user_id)
    found = listed(db, statement, page, Sort(Mediator.created_at, Mediator.id, datetime))
    return MediatorList(
        items=[MediatorOut.model_validate(row) for row in found.rows], next=found.next, count=found.count
    )


def read_mediator(db: GatedSession, actor: Actor, now: datetime, mediator_id: UUID) -> MediatorOut:
    """One mediator; NotFound if there is none."""
    statement = select(*_MEDIATOR).join(User, User.id == Mediator.user_id).where(Mediator.id == mediator_id)
    row = db.execute(statement).one_or_none()
    if row is None:
        raise NotFound
    return MediatorOut.model_validate(row)


def enter_mediator(db: GatedSession, actor: Actor, now: datetime, given: MediatorIn) -> tuple[UUID]:
    """Put somebody on the roster; Forbidden for others than registrars, Invalid for the institution's own people."""
    if not actor.is_staff:
        raise Forbidden("Registrars keep the roster.")
    user = db.execute(select(User.role, User.active).where(User.id == given.user_id)).one_or_none()
    if user is None or not user.active or user.role != "user":
        raise invalid("/user_id", "unknown-user", "Name an active user who does not work for the institution.")
    if db.execute(select(Mediator.id).where(Mediator.user_id == given.user_id)).first() is not None:
        raise Conflict("This person is on the roster already.", "exists")
    mediator = Mediator(id=new_id(db), active=True, created_at=now, **given.model_dump())
    db.add(mediator)
    payload = {"mediator_id": str(mediator.id), "user_id": str(given.user_id)}
    by = author_of(actor, "registry")
    ledger.record(db, Act("enter", now, by, installation_subject(db, "public")), "mediator-entered", payload)
    return (mediator.id,)


_APPOINTMENT = (
    Appointment.id,
    Appointment.case_id,
    Appointment.mediator_id,
    User.name,
    Appointment.state,
    Appointment.independent,
    Appointment.accepted_by,
    Appointment.content_id,
    Appointment.disclosures_id,
    Appointment.proposed_at,
    Appointment.declared_at,
    Appointment.confirmed_at,
    Appointment.ended_at,
)


def list_appointments(db: GatedSession, actor: Actor, now: datetime, case_id: UUID, page: Page) -> AppointmentList:
    """The appointments of a case; NotFound if the case is not the actor's to see."""
    require_case(db, case_id)
    statement = _appointments().where(Appointment.case_id == case_id)
    found = listed(db, statement, page, Sort(Appointment.proposed_at, Appointment.id, datetime))
    return AppointmentList(items=_appointments_out(db, found.rows), next=found.next, count=found.count)


def read_appointment(db: GatedSession, actor: Actor, now: datetime, appointment_id: UUID) -> AppointmentOut:
    """One appointment; NotFound if it is not the actor's to see."""
    row = db.execute(_appointments().where(Appointment.id == appointment_id)).one_or_none()
    if row is None:
        raise NotFound
    return _appointments_out(db, [row])[0]


def _appointments() -> Any:
    statement = select(*_APPOINTMENT).join(Mediator, Mediator.id == Appointment.mediator_id)
    return statement.join(User, User.id == Mediator.user_id)


def _appointments_out(db: GatedSession, rows: Sequence[AnyRow]) -> list[AppointmentOut]:
    ids = [id for row in rows for id in (row.content_id, row.disclosures_id) if id is not None]
    bodies = contents.read_many(db, ids)
    return [
        AppointmentOut(
            case=AppointmentCase.model_validate(bodies[row.content_id]),
            disclosures=bodies[row.disclosures_id]["disclosures"] if row.disclosures_id else None,
            **{name: getattr(row, name) for name in AppointmentOut.model_fields if name not in ("case", "disclosures")},
        )
        for row in rows
    ]


def nominate(db: GatedSession, actor: Actor, now: datetime, case_id: UUID, given: NominationIn) -> tuple[UUID]:
    """Propose a mediator; a party that proposes has thereby accepted.

    Raises Forbidden or Conflict as the step `nominate` does, Invalid for somebody not on the roster, and Conflict for
    somebody who already has a part in the case.
    """
    case = lock_case(db, actor, case_id)
    check_step(db, actor, now, case, Through("nominate"))
    mediator = db.execute(
        select(Mediator.user_id, User.active).join(User).where(Mediator.id == given.mediator_id, Mediator.active)
    ).one_or_none()
    if mediator is None or not mediator.active:
        raise invalid("/mediator_id", "unknown-mediator", "Name somebody on the roster by their id there.")
    known = circle_of(db, view_of(case))
    if any(part.lives or part.role in REPRESENTATIVES for part in capacities.parts_of(db, case_id, mediator.user_id)):
        raise Conflict("This person has, or had, a part in the case already.", "already-in-case")
    parties = sorted(known.parties_of(actor))
    appointment_id = new_id(db)
    capacity = Capacity(
        id=new_id(db),
        case_id=case_id,
        user_id=mediator.user_id,
        role="candidate",
        appointment_id=appointment_id,
        generation=case.generation,
        admitted_at=now,
    )
    capacity.audience_id = access.audience(db, case_id, "appointment", person_id=mediator.user_id)
    capacities.admit(db, capacity)
    content = contents.write(db, case_id, capacity.audience_id, _for_candidate(db, case))
    appointment = Appointment(
        id=appointment_id,
        case_id=case_id,
        audience_id=capacity.audience_id,
        mediator_id=given.mediator_id,
        state="proposed",
        accepted_by=[str(party) for party in parties],
        content_id=content.id,
        proposed_at=now,
    )
    db.add(appointment)
    take_step_through(db, actor, now, case, Through("nominate"))
    record(db, now, appointment, "appointment-proposed", "nominate", _by(actor, known), content)
    return (appointment.id,)


def _for_candidate(db: GatedSession, case: Case) -> dict[str, Any]:
    rows = db.execute(select(Party.side, Party.kind, Party.name).where(Party.case_id == case.id).order_by(Party.number))
    parties = [{"side": row.side, "kind": row.kind, "name": row.name} for row in rows]
    return {"title": case.title, "subjects": case.subjects, "parties": parties}


def _by(actor: Actor, known: Circle) -> Author:
    held = known.holdings(actor)[0]
    return author_of(actor, held.capacity, held.party_id)


def record(
    db: GatedSession,
    now: datetime,
    appointment: Appointment,
    kind: str,
    act: str,
    by: Author,
    content: contents.Written | None = None,
    counted: Counted | None = None,
) -> None:
    """Note an act on an appointment, for its audience."""
    payload = {
        "appointment_id": str(appointment.id),
        "mediator_id": str(appointment.mediator_id),
        "state": appointment.state,
        "independent": appointment.independent,
        "accepted_by": appointment.accepted_by,
        **({"on": counted.on.isoformat(), **counted.payload()} if counted else {}),
    }
    subject = Subject(appointment.case_id, appointment.audience_id, "appointment")
    ledger.record(db, Act(act, now, by, subject), kind, payload, content=content)


def lock_appointment(db: GatedSession, actor: Actor, appointment_id: UUID) -> tuple[AnyRow, Appointment]:
    """The appointment as the actor may see it, its case locked first; NotFound otherwise."""
    case_id = db.execute(select(Appointment.case_id).where(Appointment.id == appointment_id)).scalar_one_or_none()
    if case_id is None:
        raise NotFound
    case = lock_case_as_system(db, case_id)
    statement = select(Appointment).where(Appointment.id == appointment_id)
    appointment = db.execute(statement, execution_options={"populate_existing": True}).scalar_one_or_none()
    if appointment is None:
        raise NotFound
    return case, appointment


def user_of(db: GatedSession, appointment: Appointment) -> UUID:
    """The person whom an appointment is about."""
    found: UUID = db.execute(select(Mediator.user_id).where(Mediator.id == appointment.mediator_id)).scalar_one()
    return found


def _only_candidate(db: GatedSession, actor: Actor, appointment: Appointment) -> None:
    if user_of(db, appointment) != actor.id:
        raise Forbidden("The candidate does this, and nobody else.", "not-your-capacity")


def expect(appointment: Appointment, *states: str) -> None:
    """Conflict unless the appointment is in one of these states."""
    if appointment.state not in states:
        detail = f"The appointment is {appointment.state}; this is done while it is {' or '.join(states)}."
        raise Conflict(detail, "appointment-state", state=appointment.state)


def declare(
    db: GatedSession, actor: Actor, now: datetime, appointment_id: UUID, given: DeclarationOfIndependence
) -> tuple[UUID]:
    """Declare independence, and what the parties should know; for the candidate, while the nomination is pending."""
    _case, appointment = lock_appointment(db, actor, appointment_id)
    _only_candidate(db, actor, appointment)
    expect(appointment, "proposed")
    disclosures = {"disclosures": given.disclosures}
    written = contents.write(db, appointment.case_id, appointment.audience_id, disclosures)
    appointment.state, appointment.independent = "declared", given.independent
    appointment.disclosures_id, appointment.declared_at = written.id, now
    by = author_of(actor, "candidate")
    record(db, now, appointment, "appointment-declared", "declare", by, written)
    return (appointment.id,)


def decline(db: GatedSession, actor: Actor, now: datetime, appointment_id: UUID, given: DeclineIn) -> tuple[UUID]:
    """Decline a nomination, which ends the candidate's own view of it."""
    _case, appointment = lock_appointment(db, actor, appointment_id)
    _only_candidate(db, actor, appointment)
    expect(appointment, "proposed", "declared")
    appointment.state, appointment.ended_at = "declined", now
    written = None
    if given.reason is not None:
        written = contents.write(db, appointment.case_id, appointment.audience_id, {"reason": given.reason})
    record(db, now, appointment, "appointment-declined", "decline", author_of(actor, "candidate"), written)
    db.flush()
    _end_candidacy(db, now, appointment, actor.id)
    return (appointment.id,)


def _end_candidacy(db: GatedSession, now: datetime, appointment: Appointment, user_id: UUID) -> None:
    known = access.known_circle(db, appointment.case_id)
    ended = [held.id for held in known.capacities if held.user_id == user_id and held.role == "candidate"]
    capacities.end_capacities(db, appointment.case_id, ended, now)


def accept(db: GatedSession, actor: Actor, now: datetime, appointment_id: UUID, given: AppointmentActIn) -> tuple[UUID]:
    """Accept a declared candidate, for a party; Forbidden for others, Conflict before the declaration or twice."""
    case, appointment = lock_appointment(db, actor, appointment_id)
    parties = sorted(access.known_circle(db, case.id).parties_of(actor))
    if not parties and not (actor.is_staff and given.on_behalf_of):
        raise Forbidden("The parties accept a candidate.", "not-your-capacity")
    counted = paper_acts.judge(db, actor, now, case, given)
    party_id = counted.party_id or _first_to_accept(appointment, parties)
    expect(appointment, "declared")
    if str(party_id) in appointment.accepted_by:
        raise Conflict("The party has accepted this candidate already.", "already-accepted")
    appointment.accepted_by = sorted([*appointment.accepted_by, str(party_id)])
    by = paper_acts.author(db, actor, case, counted, paper_acts.holding_of(db, case, party_id))
    written = _reason(db, appointment, given)
    record(db, now, appointment, "appointment-accepted", "accept", by, written, counted)
    return (appointment.id,)


def _first_to_accept(appointment: Appointment, parties: list[UUID]) -> UUID:
    """Of the parties for which somebody acts the first that has still to accept, else the first."""
    return next((party_id for party_id in parties if str(party_id) not in appointment.accepted_by), parties[0])


def _reason(db: GatedSession, appointment: Appointment, given: AppointmentActIn) -> contents.Written | None:
    if given.reason is None:
        return None
    return contents.write(db, appointment.case_id, appointment.audience_id, {"reason": given.reason})


def _had_a_mediator(db: GatedSession, case_id: UUID) -> bool:
    confirmed = (Appointment.case_id == case_id, Appointment.confirmed_at.is_not(None))
    return db.execute(select(Appointment.id).where(*confirmed).limit(1)).first() is not None


def confirm(
    db: GatedSession, actor: Actor, now: datetime, appointment_id: UUID, given: AppointmentActIn
) -> tuple[UUID]:
    """Confirm a candidate whom all parties accept: from here on the mediator sees the case.

    A successor reads what is written from then on: earlier items are opened by those whom they protect.
    Raises Forbidden or Conflict as the step `confirm-mediator` does.
    """
    _case, appointment = lock_appointment(db, actor, appointment_id)
    try:
        case = lock_case(db, actor, appointment.case_id)
    except NotFound as hidden:
        raise Forbidden("The registry confirms appointments.", "not-your-capacity") from hidden
    check_step(db, actor, now, case, Through("confirm-mediator", appointment.id))
    if given.on_behalf_of is not None:
        raise invalid("/on_behalf_of", "unknown-field", "The registry confirms in its own name.")
    counted = paper_acts.judge(db, actor, now, case, given)
    expect(appointment, "declared")
    user_id = user_of(db, appointment)
    if not db.execute(select(User.active).where(User.id == user_id)).scalar_one():
        raise Conflict("This person has no account any more.", "unknown-mediator")
    by = author_of(actor, "registry")
    if _had_a_mediator(db, case.id):
        begin_generation(db, case)
    take_step_through(db, actor, now, case, Through("confirm-mediator", appointment.id, counted))
    appointment.state, appointment.confirmed_at = "confirmed", now
    record(db, now, appointment, "appointment-confirmed", "confirm", by, _reason(db, appointment, given), counted)
    _end_candidacy(db, now, appointment, user_id)
    # The case has its mediator: the other nominations are moot.
    consequences.close_appointments(db, now, case, by, "confirm-mediator")
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
