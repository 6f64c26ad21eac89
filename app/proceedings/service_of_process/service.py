"""Service of the request on the other parties: each receipt starts the terms that count from it."""

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
from app.proceedings.cases.circle import act_subject, circle_of, view_of
from app.proceedings.cases.lock import lock_case, require_case
from app.proceedings.cases.paper_acts import zone_of
from app.proceedings.deadlines.start_and_end import start_on_receipt
from app.proceedings.service_of_process.schemas import ServiceIn, ServiceList, ServiceOut
from app.rules.days import day_at
from app.rules.loader import library

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
    attempts = listed(db, statement, page, Sort(Service.recorded_at, Service.id, datetime))
    bodies = contents.read_many(db, [row.content_id for row in attempts.rows])
    items = [_out(row, bodies[row.content_id]) for row in attempts.rows]
    return ServiceList(items=items, next=attempts.next, count=attempts.count)


def read_service(db: GatedSession, actor: Actor, now: datetime, case_id: UUID, service_id: UUID) -> ServiceOut:
    """One attempt; NotFound if the actor may not see it."""
    statement = select(*_COLUMNS).where(Service.case_id == case_id, Service.id == service_id)
    row = db.execute(statement).one_or_none()
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


def record_service(
    db: GatedSession, actor: Actor, now: datetime, case_id: UUID, attempt: ServiceIn
) -> tuple[UUID, UUID]:
    """Record an attempt to serve the request on a party, for the registry.

    Raises NotFound, Forbidden for others, Conflict before the request goes out, in a closed case or for a party that
    was served already, and Invalid for a party that is not served or an impossible day.
    """
    case = lock_case(db, actor, case_id)
    if not actor.is_staff:
        raise Forbidden("Only the registry may record service.")
    _check_case(db, case, attempt.party_id)
    _check_days(case, now, attempt)
    act = Act("serve", now, author_of(actor, "registry"), act_subject(db, case))
    audience_id = act.subject.audience_id
    written = contents.write(db, case_id, audience_id, {"proof": attempt.proof})
    service = Service(
        id=new_id(db),
        case_id=case_id,
        audience_id=audience_id,
        party_id=attempt.party_id,
        method=attempt.method,
        attempted_on=attempt.attempted_on,
        served_at=attempt.served_at,
        served_on=day_at(attempt.served_at, zone_of(case)) if attempt.served_at else None,
        content_id=written.id,
        recorded_at=now,
    )
    db.add(service)
    db.flush()
    payload = {
        "service_id": str(service.id),
        "party_id": str(attempt.party_id),
        "method": attempt.method,
        "attempted_on": attempt.attempted_on.isoformat(),
        "served_on": service.served_on.isoformat() if service.served_on else None,
    }
    kind = "service-made" if service.served_on else "service-attempted"
    ledger.record(db, act, kind, payload, content=written)
    if service.served_on is not None:
        start_on_receipt(db, act, case, attempt.party_id)
    return (case_id, service.id)


def _check_case(db: GatedSession, case: Case, party_id: UUID) -> None:
    sides = {party.id: party.side for party in circle_of(db, view_of(case)).parties}
    if party_id not in sides or sides[party_id] == "requesting":
        detail = "Name, by its id, a party of this case that is not on the requesting side."
        raise invalid("/party_id", "not-served", detail)
    where: dict[str, Any] = {"stage": case.stage, "rule_set": case.procedure}
    if library()[case.procedure].stage(case.stage).final:
        raise Conflict("The case is closed: no service can be recorded in it.", "step-not-open", **where)
    if case.served_at is None:
        detail = "The request has not gone out to the other side yet: record its service afterwards."
        raise Conflict(detail, "step-not-open", **where)
    if db.execute(select(exists().where(Service.party_id == party_id, Service.served_on.is_not(None)))).scalar():
        raise Conflict(
            "The request was served on this party already. Correct an error in its record by a rectification.",
            "already-served",
        )


def _check_days(case: Case, now: datetime, attempt: ServiceIn) -> None:
    zone = zone_of(case)
    faults = []
    if attempt.attempted_on > day_at(now, zone):
        faults.append(FieldError("/attempted_on", "in-the-future", "The day must not be after today, at the seat."))
    if attempt.served_at is not None and attempt.served_at > now:
        faults.append(FieldError("/served_at", "in-the-future", "The time of receipt must not be after now."))
    elif attempt.served_at is not None and day_at(attempt.served_at, zone) < attempt.attempted_on:
        detail = "The time of receipt must not be before the day of the attempt."
        faults.append(FieldError("/served_at", "before-attempt", detail))
    elif case.served_at is not None and attempt.attempted_on < day_at(case.served_at, zone):
        detail = "The attempt must not be before the day on which the request went out to the other side."
        faults.append(FieldError("/attempted_on", "before-preceding-step", detail))
    if faults:
        raise Invalid(*faults)
