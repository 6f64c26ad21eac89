"""What a court does: it refers a case, amends, withdraws, and extends the return date."""

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
from app.integration.courts.court_papers import lay_in, referral_subject
from app.integration.courts.schemas import ReferralAmendment, ReferralIn, ReturnDateIn
from app.proceedings.cases.locking import lock_case_as_system
from app.proceedings.deadlines import changes
from app.rules.loader import subjects
from app.rules.terms import day_at

RETURN_DATE = "return-date"


def refer(db: GatedSession, actor: Actor, now: datetime, given: ReferralIn) -> tuple[UUID]:
    """Refer a case; the same referral again is the one that is there, however often and at once it comes.

    Raises Forbidden for others than a court's programs, Invalid for unknown subjects or a return date that is past,
    and Conflict for another referral under an id that the court has used.
    """
    court_id = _court_of(actor)
    # One court's referrals come in one after the other, so that of two at once the second finds the first.
    mine = select(Court.id, Court.name, Court.time_zone).where(Court.id == court_id)
    court = db.execute(mine.with_for_update(key_share=True, of=Court)).one()
    fingerprint = _fingerprint(given)
    there = (Referral.court_id == court_id, Referral.external_id == given.external_id)
    found = db.execute(select(Referral.id, Referral.content_id).where(*there)).one_or_none()
    if found is not None:
        if contents.read_one(db, found.content_id)["fingerprint"] != fingerprint:
            detail = "Your court has referred another case under this id. Amend that referral, or choose another id."
            raise Conflict(detail, "external-id-used", href=f"/v1/referrals/{found.id}")
        return (found.id,)
    _check_new(given, court, now)
    return (_write(db, actor, now, given, court, fingerprint),)


def _court_of(actor: Actor) -> UUID:
    if actor.role != "client" or actor.court_id is None:
        raise Forbidden("A court refers cases, through a program of its own.")
    return actor.court_id


def _fingerprint(given: ReferralIn) -> str:
    """By what a repeated request is known; it is sealed with what the court sent, of which it would prove a guess."""
    told = json.dumps(given.model_dump(mode="json"), sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()


def _check_new(given: ReferralIn, court: AnyRow, now: datetime) -> None:
    faults = unknown_subjects(given.subjects)
    if given.return_on <= day_at(now, ZoneInfo(court.time_zone)):
        faults.append(FieldError("/return_on", "not-after", "The return date must lie after today, at the court."))
    if faults:
        raise Invalid(*faults)


def unknown_subjects(named: list[str]) -> list[FieldError]:
    """The subjects that the institution has no code for."""
    return [
        FieldError(f"/subjects/{number}", "unknown-subject", "Name subjects by the codes of this institution.")
        for number, subject in enumerate(named)
        if subject not in subjects()
    ]


def _write(db: GatedSession, actor: Actor, now: datetime, given: ReferralIn, court: AnyRow, fingerprint: str) -> UUID:
    referral_id = new_id(db)
    audience_id = _open_audience(db, referral_id, court.id)
    contents.open_case(db, referral_id)
    sent = as_sent(given.model_dump(mode="json"), court.name)
    written = contents.write(db, referral_id, audience_id, {**sent, "fingerprint": fingerprint})
    db.add(
        Referral(
            id=referral_id,
            audience_id=audience_id,
            court_id=court.id,
            external_id=given.external_id,
            state="received",
            return_on=given.return_on,
            content_id=written.id,
            suspensions=[],
            dates_shared_by=[],
            received_at=now,
            updated_at=now,
        )
    )
    db.flush()
    payload = {"referral_id": str(referral_id), "court_id": str(court.id), "return_on": given.return_on.isoformat()}
    by = author_of(actor, "court")
    ledger.record(db, Act("refer", now, by, referral_subject(audience_id)), "referral-received", payload)
    return referral_id


def as_sent(given: Mapping[str, Any], court: str) -> dict[str, Any]:
    """What a court sent as it is sealed: its own fields as a text, since a number of theirs may be of any size."""
    return {**given, "court": court, "external": json.dumps(given["external"], ensure_ascii=False)}


def _open_audience(db: GatedSession, referral_id: UUID, court_id: UUID) -> UUID:
    audience_id = new_id(db)
    row: dict[str, Any] = {"id": audience_id, "case_id": None, "key": f"referral.{referral_id.hex}", "name": "court"}
    readers = [{"audience_id": audience_id, "principal_id": one} for one in (court_id, STAFF, INTEGRATIONS)]
    with as_system(db):
        db.execute(insert(Audience).values(**row, party_ids=[], generation=0))
        db.execute(insert(AudienceReader), readers)
    return audience_id


def lock_referral(db: GatedSession, actor: Actor, referral_id: UUID) -> Referral:
    """The referral, locked after its case, which is locked first by whoever acts there; NotFound if it is not seen."""
    case_id = db.execute(select(Referral.case_id).where(Referral.id == referral_id)).scalar_one_or_none()
    if case_id is not None:
        lock_case_as_system(db, case_id)
    statement = select(Referral).where(Referral.id == referral_id).with_for_update(key_share=True, of=Referral)
    referral = db.execute(statement, execution_options={"populate_existing": True}).scalar_one_or_none()
    if referral is None:
        raise NotFound
    return referral


def own_referral(db: GatedSession, actor: Actor, referral_id: UUID, *, lock: bool = True) -> Referral:
    """The court's own referral while it can still be changed; Forbidden for others, Conflict once it has ended."""
    if lock:
        referral = lock_referral(db, actor, referral_id)
    elif (found := db.get(Referral, referral_id)) is None:
        raise NotFound
    else:
        referral = found
    if _court_of(actor) != referral.court_id:
        raise Forbidden("The court that referred the case does this.")
    if referral.state in ("declined", "withdrawn") or referral.report_id is not None:
        state = "reported" if referral.report_id is not None else referral.state
        raise Conflict(f"The referral is {state}.", "referral-state", state=state)
    return referral


def amend(db: GatedSession, actor: Actor, now: datetime, referral_id: UUID, given: ReferralAmendment) -> tuple[UUID]:
    """Let a referral read otherwise; what the registry asked for is answered by it.

    Raises NotFound, Forbidden for others than the court, Invalid for unknown subjects, and Conflict once it has ended.
    """
    referral = own_referral(db, actor, referral_id)
    if faults := unknown_subjects(given.subjects or []):
        raise Invalid(*faults)
    changed = given.model_dump(mode="json", include=given.model_fields_set)
    if "external" in changed:
        changed["external"] = json.dumps(changed["external"], ensure_ascii=False)
    send_anew(db, now, referral, changed)
    if referral.state == "more-asked":
        referral.state = "received"
    tell(db, actor, now, referral, "amended", "amend", changed=sorted(changed))
    return (referral_id,)


def send_anew(db: GatedSession, now: datetime, referral: Referral, changed: dict[str, Any]) -> None:
    """Seal what the court sent with what has changed; what stood before stays where it lies."""
    body = {**contents.read_one(db, referral.content_id), **changed}
    referral.content_id = contents.write(db, referral.id, referral.audience_id, body).id
    referral.updated_at = now
    db.flush()


def withdraw(db: GatedSession, actor: Actor, now: datetime, referral_id: UUID) -> tuple[UUID]:
    """Take a referral back; a case that was opened on it is told so, and closes by a step of its own.

    Raises NotFound, Forbidden for others than the court, and Conflict once it has ended.
    """
    referral = own_referral(db, actor, referral_id)
    referral.state, referral.updated_at = "withdrawn", now
    db.flush()
    tell(db, actor, now, referral, "withdrawn", "withdraw")
    return (referral_id,)


def extend(db: GatedSession, actor: Actor, now: datetime, referral_id: UUID, given: ReturnDateIn) -> tuple[UUID]:
    """Give a later day for the report; the term that runs in the case moves with it.

    Raises NotFound, Forbidden for others than the court, Invalid for a day that is not later, and Conflict once the
    referral has ended.
    """
    referral = own_referral(db, actor, referral_id)
    zone = db.execute(select(Court.time_zone).where(Court.id == referral.court_id)).scalar_one()
    if given.return_on <= max(referral.return_on, day_at(now, ZoneInfo(zone))):
        raise invalid("/return_on", "not-after", "The day must lie after the return date that is, and after today.")
    referral.return_on = given.return_on
    send_anew(db, now, referral, {"return_on": given.return_on.isoformat()})
    tell(db, actor, now, referral, "extended", "extend", return_on=given.return_on.isoformat())
    if referral.case_id is not None:
        _move_term(db, actor, now, referral.case_id, given.return_on)
    return (referral_id,)


def _move_term(db: GatedSession, actor: Actor, now: datetime, case_id: UUID, until_on: date) -> None:
    with as_system(db):
        case = lock_case_as_system(db, case_id)
        changes.follow_order(db, now, case, RETURN_DATE, until_on, author_of(actor, "court"))


def tell(db: GatedSession, actor: Actor, now: datetime, referral: Referral, kind: str, act: str, **more: Any) -> None:
    """Tell of the court's act in the referral's stream, and, where there is a case, among its participants."""
    payload = {"referral_id": str(referral.id), "court_id": str(referral.court_id), **more}
    by = author_of(actor, "court")
    event = "return-date-extended" if kind == "extended" else f"referral-{kind}"
    ledger.record(db, Act(act, now, by, referral_subject(referral.audience_id)), event, payload)
    if referral.case_id is not None:
        body = {"sent": contents.read_one(db, referral.content_id)}
        lay_in(db, now, lock_case_as_system(db, referral.case_id), kind, body, by, act, payload)
