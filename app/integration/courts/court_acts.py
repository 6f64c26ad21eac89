"""Acts of a court: it refers a case, amends or withdraws the referral, and extends the return date."""

import hashlib
import json
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import insert, select

from app.core.access.actors import Actor
from app.core.access.session import GatedSession, as_system
from app.core.contents import service as contents
from app.core.db import AnyRow, new_id
from app.core.errors import Conflict, FieldError, Forbidden, Invalid, NotFound, invalid
from app.core.ledger import service as ledger
from app.core.ledger.acts import Act, author_of
from app.core.tables.audiences import INTEGRATIONS, STAFF, Audience, AudienceReader
from app.core.tables.courts import Court, Referral
from app.integration.courts.case_numbers import bucket_of, earlier_referral, renumber
from app.integration.courts.court_papers import file_paper, referral_payload, referral_subject
from app.integration.courts.referral_schemas import ReferralAmendment, ReferralIn, ReturnDateIn
from app.proceedings.cases.lock import lock_case_as_system
from app.proceedings.deadlines import changes
from app.rules.days import day_at
from app.rules.loader import subjects

RETURN_DATE = "return-date"


def refer(db: GatedSession, actor: Actor, now: datetime, referral: ReferralIn) -> tuple[UUID]:
    """Refer a case; sending the same referral again, even at the same time, returns the existing one.

    Raises Forbidden unless the actor is the program of a court that is not suspended, Invalid for unknown subjects or a
    return date that is not in the future, and Conflict for another referral under an external id that the court has
    already used.
    """
    court_id = _court_of(actor)
    # Referrals of one court are received one at a time: of two equal ones, the second finds the first.
    own_court = select(Court.id, Court.name, Court.time_zone, Court.active).where(Court.id == court_id)
    court = db.execute(own_court.with_for_update(key_share=True, of=Court)).one()
    fingerprint = _fingerprint(referral)
    same_id = (Referral.court_id == court_id, Referral.external_id == referral.external_id)
    existing = db.execute(select(Referral.id, Referral.content_id).where(*same_id)).one_or_none()
    if existing is not None:
        if contents.read_one(db, existing.content_id)["fingerprint"] != fingerprint:
            detail = "Your court has used this external id for another case. Amend that referral, or use a new id."
            raise Conflict(detail, "external-id-used", href=f"/v1/referrals/{existing.id}")
        return (existing.id,)
    if not court.active:
        detail = "Only a court that is not suspended may refer a case. Your court goes on with its earlier referrals."
        raise Forbidden(detail, "court-suspended")
    _check_new(referral, court, now)
    return (_write(db, actor, now, referral, court),)


def _court_of(actor: Actor) -> UUID:
    if actor.role != "client" or actor.court_id is None:
        raise Forbidden("Only an API client of a court may do this.")
    return actor.court_id


def _fingerprint(referral: ReferralIn) -> str:
    """Hash by which a repeated request is recognised; stored sealed, because it would confirm a guessed content."""
    text = json.dumps(referral.model_dump(mode="json"), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _check_new(referral: ReferralIn, court: AnyRow, now: datetime) -> None:
    faults = unknown_subjects(referral.subjects)
    if referral.return_on <= day_at(now, ZoneInfo(court.time_zone)):
        message = "The return date must be after today, in the court's time zone."
        faults.append(FieldError("/return_on", "not-after", message))
    if faults:
        raise Invalid(*faults)


def unknown_subjects(codes: list[str]) -> list[FieldError]:
    """A field error for each subject code that the institution does not use."""
    return [
        FieldError(f"/subjects/{number}", "unknown-subject", "Use a subject code that GET /v1/subjects lists.")
        for number, code in enumerate(codes)
        if code not in subjects()
    ]


def _write(db: GatedSession, actor: Actor, now: datetime, referral: ReferralIn, court: AnyRow) -> UUID:
    referral_id = new_id(db)
    audience_id = _open_audience(db, referral_id, court.id)
    contents.open_case(db, referral_id)
    sent = as_sent(referral.model_dump(mode="json"), court.name)
    written = contents.write(db, referral_id, audience_id, {**sent, "fingerprint": _fingerprint(referral)})
    earlier_id = earlier_referral(db, court.id, referral.case_number)
    db.add(
        Referral(
            id=referral_id,
            audience_id=audience_id,
            court_id=court.id,
            external_id=referral.external_id,
            state="received",
            return_on=referral.return_on,
            content_id=written.id,
            suspensions=[],
            dates_shared_by=[],
            number_bucket=bucket_of(court.id, referral.case_number),
            earlier_referral_id=earlier_id,
            received_at=now,
            updated_at=now,
        )
    )
    db.flush()
    payload = {"referral_id": str(referral_id), "court_id": str(court.id), "return_on": referral.return_on.isoformat()}
    if earlier_id is not None:
        payload["earlier_referral_id"] = str(earlier_id)
    act = Act("refer", now, author_of(actor, "court"), referral_subject(audience_id))
    ledger.record(db, act, "referral-received", payload)
    return referral_id


def as_sent(fields: Mapping[str, Any], court: str) -> dict[str, Any]:
    """A referral as it is sealed; `external` becomes a text, because its numbers may be of any size."""
    return {**fields, "court": court, "external": json.dumps(fields["external"], ensure_ascii=False)}


def _open_audience(db: GatedSession, referral_id: UUID, court_id: UUID) -> UUID:
    audience_id = new_id(db)
    row: dict[str, Any] = {"id": audience_id, "case_id": None, "key": f"referral.{referral_id.hex}", "name": "court"}
    readers = [
        {"audience_id": audience_id, "principal_id": principal_id} for principal_id in (court_id, STAFF, INTEGRATIONS)
    ]
    with as_system(db):
        db.execute(insert(Audience).values(**row, party_ids=[], generation=0))
        db.execute(insert(AudienceReader), readers)
    return audience_id


def lock_referral(db: GatedSession, actor: Actor, referral_id: UUID) -> Referral:
    """Lock a referral after its case, in the order of acts in the case; NotFound if the actor may not read it."""
    case_id = db.execute(select(Referral.case_id).where(Referral.id == referral_id)).scalar_one_or_none()
    if case_id is not None:
        lock_case_as_system(db, case_id)
    statement = select(Referral).where(Referral.id == referral_id).with_for_update(key_share=True, of=Referral)
    referral = db.execute(statement, execution_options={"populate_existing": True}).scalar_one_or_none()
    if referral is None:
        raise NotFound
    return referral


def own_referral(db: GatedSession, actor: Actor, referral_id: UUID, *, lock: bool = True) -> Referral:
    """A referral that the court may still change; Forbidden for other actors, Conflict once it has ended."""
    referral = lock_referral(db, actor, referral_id) if lock else db.get(Referral, referral_id)
    if referral is None:
        raise NotFound
    if _court_of(actor) != referral.court_id:
        raise Forbidden("Only the court that referred the case may do this.")
    if referral.state in ("declined", "withdrawn") or referral.report_id is not None:
        state = "reported" if referral.report_id is not None else referral.state
        again = "Its report is final." if state == "reported" else "Refer the case again under another external id."
        raise Conflict(f"The referral is {state} and can no longer change. {again}", "referral-state", state=state)
    return referral


def amend(
    db: GatedSession, actor: Actor, now: datetime, referral_id: UUID, amendment: ReferralAmendment
) -> tuple[UUID]:
    """Change fields of a referral; this answers the registry's question, if it asked one.

    Raises NotFound, Forbidden unless the actor is the referring court, Invalid for unknown subjects, and Conflict once
    the referral has ended.
    """
    referral = own_referral(db, actor, referral_id)
    if faults := unknown_subjects(amendment.subjects or []):
        raise Invalid(*faults)
    changed = amendment.model_dump(mode="json", include=amendment.model_fields_set)
    if "external" in changed:
        changed["external"] = json.dumps(changed["external"], ensure_ascii=False)
    write_changes(db, now, referral, changed)
    followed = renumber(db, referral, amendment.case_number) if amendment.case_number is not None else []
    if referral.state == "more-asked":
        referral.state = "received"
    record_court_act(db, court_act(actor, now, referral, "amend"), referral, "amended", changed=sorted(changed))
    for row, earlier_id in followed:
        earlier = str(earlier_id) if earlier_id else None
        payload = referral_payload(row, earlier_referral_id=earlier, changed=["earlier_referral_id"])
        ledger.record(db, court_act(actor, now, row, "amend"), "referral-amended", payload)
    return (referral_id,)


def court_act(actor: Actor, now: datetime, referral: Referral | AnyRow, name: str) -> Act:
    """An act of the referring court, in the stream of its referral."""
    return Act(name, now, author_of(actor, "court"), referral_subject(referral.audience_id))


def write_changes(db: GatedSession, now: datetime, referral: Referral, changed: dict[str, Any]) -> None:
    """Seal the referral with changed fields as a new content; the earlier content stays stored."""
    body = {**contents.read_one(db, referral.content_id), **changed}
    referral.content_id = contents.write(db, referral.id, referral.audience_id, body).id
    referral.updated_at = now
    db.flush()


def withdraw(db: GatedSession, actor: Actor, now: datetime, referral_id: UUID) -> tuple[UUID]:
    """Withdraw a referral; the participants of its case are informed, and the case closes by a step of its own.

    Raises NotFound, Forbidden unless the actor is the referring court, and Conflict once the referral has ended.
    """
    referral = own_referral(db, actor, referral_id)
    referral.state, referral.updated_at = "withdrawn", now
    db.flush()
    record_court_act(db, court_act(actor, now, referral, "withdraw"), referral, "withdrawn")
    return (referral_id,)


def extend(db: GatedSession, actor: Actor, now: datetime, referral_id: UUID, extension: ReturnDateIn) -> tuple[UUID]:
    """Extend the return date; the term that runs in the case moves with it.

    Raises NotFound, Forbidden unless the actor is the referring court, Invalid for a day that is not later, and
    Conflict once the referral has ended.
    """
    referral = own_referral(db, actor, referral_id)
    zone = db.execute(select(Court.time_zone).where(Court.id == referral.court_id)).scalar_one()
    if extension.return_on <= max(referral.return_on, day_at(now, ZoneInfo(zone))):
        raise invalid("/return_on", "not-after", "The new return date must be after the present one and after today.")
    days = {"return_on": extension.return_on.isoformat(), "return_before": referral.return_on.isoformat()}
    referral.return_on = extension.return_on
    write_changes(db, now, referral, {"return_on": days["return_on"]})
    record_court_act(db, court_act(actor, now, referral, "extend"), referral, "extended", **days)
    if referral.case_id is not None:
        _move_term(db, actor, now, referral.case_id, extension.return_on)
    return (referral_id,)


def _move_term(db: GatedSession, actor: Actor, now: datetime, case_id: UUID, until_on: date) -> None:
    with as_system(db):
        case = lock_case_as_system(db, case_id)
        changes.follow_order(db, now, case, RETURN_DATE, until_on, author_of(actor, "court"))


def record_court_act(db: GatedSession, act: Act, referral: Referral, kind: str, **more: Any) -> None:
    """Record the court's act in the stream of the referral and, if there is a case, for its participants."""
    payload = referral_payload(referral, **more)
    event = "return-date-extended" if kind == "extended" else f"referral-{kind}"
    ledger.record(db, act, event, payload)
    if referral.case_id is not None:
        body = {"sent": contents.read_one(db, referral.content_id)}
        file_paper(db, act, lock_case_as_system(db, referral.case_id), kind, body, payload)
