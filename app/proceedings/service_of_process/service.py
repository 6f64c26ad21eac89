"""Attempts to serve the request, recorded by the registry; the first that succeeds starts what counts from receipt."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import exists, select

from app.core.access.actors import Actor
from app.core.access.session import GatedSession
from app.core.contents import service as contents
from app.core.db import AnyRow, new_id
from app.core.errors import Conflict, FieldError, Forbidden, Invalid, NotFound, invalid
from app.core.ledger import service as ledger
from app.core.ledger.acts import Act, author_of
from app.core.paging import Page, Sort, listed
from app.core.tables.cases import Case
from app.core.tables.service_of_process import Service
from app.proceedings.cases.locking import act_subject, circle_of, lock_case, require_case, view_of
from app.proceedings.cases.paper_acts import zone_of
from app.proceedings.deadlines import service as deadlines
from app.proceedings.service_of_process.schemas import ServiceIn, ServiceList, ServiceOut
from app.rules.loader import library
from app.rules.terms import day_at

_COLUMNS = (
    Service.id,
    Service.party_id,
    Service.method,
    Service.attempted_on,
    Service.served_at,
    Service.served_on,
    Service.content_id,
    Service.recorded_at,
)


def list_services(db: GatedSession, actor: Actor, now: datetime, case_id: UUID, page: Page) -> ServiceList:
    """The attempts to serve the request; NotFound if the case is not the actor's to see."""
    require_case(db, case_id)
    statement = select(*_COLUMNS).where(Service.case_id == case_id)
    found = listed(db, statement, page, Sort(Service.recorded_at, Service.id, datetime))
    bodies = contents.read_many(db, [row.content_id for row in found.rows])
    items = [_out(row, bodies[row.content_id]) for row in found.rows]
    return ServiceList(items=items, next=found.next, count=found.count)


def read_service(db: GatedSession, actor: Actor, now: datetime, case_id: UUID, service_id: UUID) -> ServiceOut:
    """One attempt; NotFound if there is none that the actor may see."""
    mine = (Service.case_id == case_id, Service.id == service_id)
    row = db.execute(select(*_COLUMNS).where(*mine)).one_or_none()
    if row is None:
        raise NotFound
    return _out(row, contents.read_one(db, row.content_id))


def _out(row: AnyRow, body: dict[str, Any]) -> ServiceOut:
    return ServiceOut(
        id=row.id,
        party_id=row.party_id,
        method=row.method,
        attempted_on=row.attempted_on,
        served_at=row.served_at,
        served_on=row.served_on,
        proof=body["proof"],
        recorded_at=row.recorded_at,
    )


def record_service(db: GatedSession, actor: Actor, now: datetime, case_id: UUID, given: ServiceIn) -> tuple[UUID, UUID]:
    """Record an attempt to serve the request on a party, for the registry.

    Raises NotFound, Forbidden for others, Conflict before the request goes out, in a closed case or where the party was
    served already, and Invalid for a party that is not served or a day that cannot be.
    """
    case = lock_case(db, actor, case_id)
    if not actor.is_staff:
        raise Forbidden("The registry records service.")
    _check_case(db, case, given.party_id)
    _check_days(case, now, given)
    subject = act_subject(db, case)
    written = contents.write(db, case_id, subject.audience_id, {"proof": given.proof})
    service = Service(
        id=new_id(db),
        case_id=case_id,
        audience_id=subject.audience_id,
        party_id=given.party_id,
        method=given.method,
        attempted_on=given.attempted_on,
        served_at=given.served_at,
        served_on=day_at(given.served_at, zone_of(case)) if given.served_at else None,
        content_id=written.id,
        recorded_at=now,
    )
    db.add(service)
    db.flush()
    by = author_of(actor, "registry")
    payload = {
        "service_id": str(service.id),
        "party_id": str(given.party_id),
        "method": given.method,
        "attempted_on": given.attempted_on.isoformat(),
        "served_on": service.served_on.isoformat() if service.served_on else None,
    }
    kind = "service-made" if service.served_on else "service-attempted"
    ledger.record(db, Act("serve", now, by, subject), kind, payload, content=written)
    if service.served_on is not None:
        deadlines.start_on_receipt(db, now, case, subject, by, given.party_id)
    return (case_id, service.id)


def _check_case(db: GatedSession, case: Case, party_id: UUID) -> None:
    known = circle_of(db, view_of(case))
    sides = {party.id: party.side for party in known.parties}
    if party_id not in sides or sides[party_id] == "requesting":
        raise invalid("/party_id", "not-served", "Name a party of this case that the request is served on.")
    told: dict[str, Any] = {"stage": case.stage, "rule_set": case.procedure}
    if library()[case.procedure].stage(case.stage).final:
        raise Conflict("The case is closed.", "step-not-open", **told)
    if case.served_at is None:
        raise Conflict("The request has not gone out to the other side yet.", "step-not-open", **told)
    if db.execute(select(exists().where(Service.party_id == party_id, Service.served_on.is_not(None)))).scalar():
        raise Conflict("The request is served on this party already.", "already-served")


def _check_days(case: Case, now: datetime, given: ServiceIn) -> None:
    zone = zone_of(case)
    faults = []
    if given.attempted_on > day_at(now, zone):
        faults.append(FieldError("/attempted_on", "in-the-future", "The day cannot lie after today, at the seat."))
    if given.served_at is not None and given.served_at > now:
        faults.append(FieldError("/served_at", "in-the-future", "It cannot have been received after now."))
    elif given.served_at is not None and day_at(given.served_at, zone) < given.attempted_on:
        faults.append(FieldError("/served_at", "before-attempt", "It cannot have been received before the attempt."))
    elif case.served_at is not None and given.attempted_on < day_at(case.served_at, zone):
        detail = "The request had not gone out to the other side on that day."
        faults.append(FieldError("/attempted_on", "before-preceding-step", detail))
    if faults:
        raise Invalid(*faults)
