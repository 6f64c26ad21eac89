"""What a candidate or mediator declares to the parties, as often as it changes, and objections of parties to it."""

from datetime import datetime
from uuid import UUID

from app.core.access import service as access
from app.core.access.actors import Actor
from app.core.access.session import GatedSession
from app.core.contents import service as contents
from app.core.db import AnyRow
from app.core.errors import Conflict, Forbidden
from app.core.ledger import service as ledger
from app.core.ledger.acts import author_of
from app.core.tables.mediators import Appointment
from app.proceedings.cases import paper_acts
from app.proceedings.cases.refusals import check_agent
from app.proceedings.mediators.appointments import (
    act_on,
    expect_state,
    lock_appointment,
    only_candidate,
    payload_of,
    record,
)
from app.proceedings.mediators.schemas import DeclarationOfIndependence, ObjectionIn


def declare(
    db: GatedSession, actor: Actor, now: datetime, appointment_id: UUID, body: DeclarationOfIndependence
) -> tuple[UUID]:
    """Declare, as the candidate or mediator, independence or its lack, and what the parties should know.

    A later declaration replaces the earlier one, which the parties go on reading. Before the confirmation, what parties
    have accepted was another declaration: they accept again. Afterwards they may object.

    Raises Forbidden for anybody else, and Conflict for a declaration that says the same as the present one, or once the
    nomination, the appointment or the case has ended.
    """
    case, appointment = lock_appointment(db, actor, appointment_id)
    only_candidate(db, actor, appointment)
    _check_open(case)
    expect_state(appointment, "proposed", "declared", "confirmed")
    if appointment.state != "proposed":
        _keep_earlier(db, appointment, body)
    written = contents.write(db, appointment.case_id, appointment.audience_id, {"disclosures": body.disclosures})
    if appointment.state == "declared":
        appointment.accepted_by = []
    elif appointment.state == "proposed":
        appointment.state = "declared"
    appointment.independent, appointment.disclosures_id, appointment.declared_at = body.independent, written.id, now
    capacity = "mediator" if appointment.state == "confirmed" else "candidate"
    act = act_on(appointment, "declare", now, author_of(actor, capacity))
    record(db, act, appointment, "appointment-declared", written)
    return (appointment.id,)


def _keep_earlier(db: GatedSession, appointment: Appointment, body: DeclarationOfIndependence) -> None:
    """Keep the present declaration among the earlier ones; raises Conflict if the new one says the same."""
    if appointment.disclosures_id is None or appointment.declared_at is None:
        return
    present = contents.read_one(db, appointment.disclosures_id)["disclosures"]
    if (appointment.independent, present) == (body.independent, body.disclosures):
        raise Conflict("Your present declaration says the same. Send only what has changed.", "declaration-unchanged")
    earlier = {
        "independent": appointment.independent,
        "content_id": str(appointment.disclosures_id),
        "declared_at": appointment.declared_at.isoformat(),
    }
    appointment.earlier_declarations = [*appointment.earlier_declarations, earlier]


def object_to_mediator(
    db: GatedSession, actor: Actor, now: datetime, appointment_id: UUID, body: ObjectionIn
) -> tuple[UUID]:
    """Object, for a party, to a confirmed mediator, once after each declaration; the registry may replace the mediator.

    Raises Forbidden for others, and Conflict unless the mediator is confirmed in an open case, if the party has already
    objected since the present declaration, or has lost its agent.
    """
    case, appointment = lock_appointment(db, actor, appointment_id)
    circle = access.known_circle(db, case.id)
    party_id = circle.acting_party(actor, body.acting_for) if circle.parties_of(actor) else None
    if party_id is None:
        raise Forbidden("Only a party may object to a mediator.", "not-your-capacity")
    _check_open(case)
    expect_state(appointment, "confirmed")
    own = {"party_id": str(party_id), "declarations": len(appointment.earlier_declarations)}
    if any(own.items() <= objection.items() for objection in appointment.objections):
        raise Conflict("Your party has objected since the mediator's last declaration.", "already-objected")
    check_agent(circle, actor, case, party_id)
    written = contents.write(db, appointment.case_id, appointment.audience_id, {"reason": body.reason})
    objection = {**own, "content_id": str(written.id), "objected_at": now.isoformat()}
    appointment.objections = [*appointment.objections, objection]
    holding = paper_acts.holding_of(db, case, party_id)
    act = act_on(appointment, "object", now, author_of(actor, holding.capacity, holding.party_id))
    ledger.record(db, act, "appointment-objected", payload_of(appointment), content=written)
    return (appointment.id,)


def _check_open(case: AnyRow) -> None:
    if case.phase == "closed":
        detail = "The case is closed: nobody mediates in it any more."
        raise Conflict(detail, "step-not-open", stage=case.stage, rule_set=case.procedure, article=None, reasons=[])
