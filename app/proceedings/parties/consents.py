"""Consents to mediate that are filed for a party or a third State, and that the registry confirms."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from app.core.access.actors import Actor
from app.core.access.circle import Circle
from app.core.access.session import GatedSession
from app.core.contents import service as contents
from app.core.db import AnyRow, new_id
from app.core.errors import Conflict, Forbidden, NotFound, invalid
from app.core.ledger import service as ledger
from app.core.ledger.acts import Act, Subject, author_of
from app.core.paging import Page, Sort, listed
from app.core.tables.parties import Consent, ThirdState
from app.proceedings.cases import paper_acts
from app.proceedings.cases.circle import circle_of, view_of
from app.proceedings.cases.lock import lock_case, require_case
from app.proceedings.parties.schemas import ConsentFiled, ConsentList, ConsentOut
from app.proceedings.parties.service import check_open, party_or_registry
from app.proceedings.steps.apply import apply_step
from app.proceedings.steps.service import Attempt, judge_step

_COLUMNS = (
    Consent.id,
    Consent.party_id,
    Consent.third_state_id,
    Consent.basis,
    Consent.given_on,
    Consent.content_id,
    Consent.filed_at,
    Consent.confirmed_at,
)


def list_consents(db: GatedSession, actor: Actor, now: datetime, case_id: UUID, page: Page) -> ConsentList:
    """Return a page of the consents filed in a case; raises NotFound if the actor may not see the case."""
    require_case(db, case_id)
    statement = select(*_COLUMNS).where(Consent.case_id == case_id)
    listing = listed(db, statement, page, Sort(Consent.filed_at, Consent.id, datetime))
    bodies = contents.read_many(db, [row.content_id for row in listing.rows])
    items = [_out(row, bodies[row.content_id]) for row in listing.rows]
    return ConsentList(items=items, next=listing.next, count=listing.count)


def read_consent(db: GatedSession, actor: Actor, now: datetime, case_id: UUID, consent_id: UUID) -> ConsentOut:
    """Return one consent; raises NotFound if the actor may not see the case, or it has no such consent."""
    row = db.execute(select(*_COLUMNS).where(Consent.case_id == case_id, Consent.id == consent_id)).one_or_none()
    if row is None:
        raise NotFound
    return _out(row, contents.read_one(db, row.content_id))


def _out(row: AnyRow, content: dict[str, Any]) -> ConsentOut:
    return ConsentOut(
        id=row.id,
        party_id=row.party_id,
        third_state_id=row.third_state_id,
        basis=row.basis,
        instrument=content["instrument"],
        given_on=row.given_on,
        filed_at=row.filed_at,
        confirmed_at=row.confirmed_at,
    )


def file_consent(db: GatedSession, actor: Actor, now: datetime, case_id: UUID, body: ConsentFiled) -> tuple[UUID, UUID]:
    """File the consent of somebody else: a party's by a prior instrument, or a third State's.

    Raises Forbidden for a mediator and for a party's own consent, which its step gives, Conflict in a closed case, and
    Invalid for a party or State that the case does not have, and for a day to come.
    """
    case = lock_case(db, actor, case_id)
    author = party_or_registry(db, actor, case, body, "Only a party or the registry may file a consent.")
    check_open(case)
    paper_acts.check_given(case, body.given_on, now, "/given_on")
    _check_consenting(db, actor, circle_of(db, view_of(case)), body)
    content = contents.write(db, case_id, case.audience_id, {"instrument": body.instrument})
    consent = Consent(
        id=new_id(db),
        case_id=case_id,
        audience_id=case.audience_id,
        party_id=body.party_id,
        third_state_id=body.third_state_id,
        basis=body.basis,
        given_on=body.given_on,
        content_id=content.id,
        filed_at=now,
    )
    db.add(consent)
    payload = {
        "consent_id": str(consent.id),
        "party_id": str(body.party_id) if body.party_id else None,
        "third_state_id": str(body.third_state_id) if body.third_state_id else None,
        "basis": body.basis,
    }
    act = Act("file", now, author, Subject(case_id, case.audience_id, "case"))
    ledger.record(db, act, "consent-filed", payload, content=content)
    return (case_id, consent.id)


def _check_consenting(db: GatedSession, actor: Actor, circle: Circle, body: ConsentFiled) -> None:
    """Refuse a party or State that the case does not have, and the actor's own party."""
    if body.party_id is None:
        wanted = (ThirdState.case_id == circle.case.id, ThirdState.id == body.third_state_id)
        if db.execute(select(ThirdState.id).where(*wanted)).first() is None:
            raise invalid("/third_state_id", "unknown-third-state", "Name a third State of this case by its id.")
        return
    if body.party_id not in {party.id for party in circle.parties}:
        raise invalid("/party_id", "unknown-party", "Name a party of this case by its id.")
    if body.party_id in circle.parties_of(actor):
        detail = "A party gives its own consent with a step: lodge the request, or accept the invitation."
        raise Forbidden(detail)


def confirm_consent(
    db: GatedSession, actor: Actor, now: datetime, case_id: UUID, consent_id: UUID
) -> tuple[UUID, UUID]:
    """Confirm a consent, as the registry; a party's consent counts as its acceptance of the invitation.

    Raises NotFound, Forbidden for others, and Conflict if the consent is confirmed already, the case is closed, or the
    rules refuse the step `accept-invitation`.
    """
    case = lock_case(db, actor, case_id)
    wanted = (Consent.case_id == case_id, Consent.id == consent_id)
    consent = db.execute(select(Consent).where(*wanted)).scalar_one_or_none()
    if consent is None:
        raise NotFound
    if not actor.is_staff:
        raise Forbidden("Only the registry may confirm a consent.")
    if consent.confirmed_at is not None:
        raise Conflict("This consent is already confirmed. Nothing was changed.", "already-confirmed")
    check_open(case)
    judged = None
    if consent.party_id is not None:
        judged = judge_step(db, actor, now, case, Attempt("accept-invitation", consent.party_id))
    consent.confirmed_at = now
    act = Act("confirm", now, author_of(actor, "registry"), Subject(case_id, case.audience_id, "case"))
    ledger.record(db, act, "consent-confirmed", {"consent_id": str(consent.id)})
    if judged is not None:
        apply_step(db, now, case, judged)
    return (case_id, consent.id)
