"""The registry's decisions on a referral: accept it, ask the court for more, or decline it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from app.core.access.actors import Actor
from app.core.access.session import GatedSession
from app.core.contents import service as contents
from app.core.db import AnyRow
from app.core.errors import Conflict, Forbidden, invalid
from app.core.ledger import service as ledger
from app.core.ledger.acts import Act, author_of
from app.core.tables.cases import Case
from app.core.tables.courts import Court, Referral
from app.core.tables.parties import Party
from app.integration.courts.court_acts import lock_referral
from app.integration.courts.court_papers import file_paper, referral_payload, referral_subject
from app.integration.courts.referral_schemas import AskIn, ReferralAcceptance, RefusalIn
from app.proceedings.cases.paper_acts import Counted, counted_receipt, today_at
from app.proceedings.cases.requests import open_referred
from app.proceedings.cases.schemas import CaseIn
from app.proceedings.steps.consents_and_powers import give_consent
from app.proceedings.steps.schemas import ConsentIn
from app.proceedings.steps.service import Attempt, take_step_through
from app.rules.loader import library
from app.rules.office_hours import COURT

UNDECIDED = ("received", "more-asked")
OF_COURTS = "court-referred"


@dataclass(frozen=True, slots=True)
class RegistryAnswer:
    """The registry's answer to a court: the referral's new state, the act that is recorded, codes and a note."""

    state: str
    act: str
    codes: list[str]
    note: str | None


@dataclass(frozen=True, slots=True)
class Lodging:
    """How a referred request is lodged: by which step, when the referral was received, and the day of the order."""

    step: str
    received_at: datetime
    order_made_on: str


def accept(
    db: GatedSession, actor: Actor, now: datetime, referral_id: UUID, acceptance: ReferralAcceptance
) -> tuple[UUID]:
    """Open a case on a referral and lodge its request for the requesting side, on the court's order.

    Raises NotFound, Forbidden unless the actor is the registry, Invalid for rules without a request that a party
    lodges, and Conflict for a referral that is already decided.
    """
    referral = _undecided(db, actor, referral_id)
    sent = contents.read_one(db, referral.content_id)
    columns = (Court.name, Court.place, Court.time_zone, Court.calendar)
    court = db.execute(select(*columns).where(Court.id == referral.court_id)).one()
    step = _lodging_step(acceptance.procedure)
    case = open_referred(db, actor, now, _request(acceptance, sent, court), referral.id, referral.court_id)
    act = Act("accept", now, author_of(actor, "registry"), referral_subject(referral.audience_id))
    _lodge(db, actor, now, case, Lodging(step, referral.received_at, sent["order"]["made_on"]))
    payload = referral_payload(referral, case_id=str(case.id))
    file_paper(db, act, case, "received", {"sent": sent}, payload)
    referral.state, referral.case_id, referral.phase, referral.updated_at = "accepted", case.id, case.phase, now
    db.flush()
    ledger.record(db, act, "referral-accepted", payload)
    return (referral_id,)


def _lodging_step(procedure: str) -> str:
    """Name the step by which a requesting party lodges its request under these rules; Invalid if there is none."""
    rules = library().get(procedure)
    steps = () if rules is None else rules.steps
    for step in steps:
        if step.lodges and "requesting-party" in step.by and rules is not None and rules.initial.name in step.origin:
            return step.name
    cure = f"Choose rules under which a party lodges a request: {', '.join(library())}."
    raise invalid("/procedure", "unknown-procedure", cure)


def _request(acceptance: ReferralAcceptance, sent: dict[str, Any], court: AnyRow) -> CaseIn:
    """Turn the referral into a request; its seat is the registry's choice, else the court's, else the court itself."""
    categories = library()[acceptance.procedure].categories
    category = acceptance.category or (OF_COURTS if OF_COURTS in categories else sent["category"])
    seat = acceptance.seat.model_dump() if acceptance.seat is not None else sent["seat"]
    at_court = {"place": court.place, "time_zone": court.time_zone, "calendar": court.calendar}
    number = sent["order"]["number"] or sent["case_number"]
    order = {"kind": "order", "title": _order_title(sent["order"]["made_on"]), "citation": number}
    parties = [
        {name: party[name] for name in ("side", "kind", "name", "member_id", "calendar")} for party in sent["parties"]
    ]
    return CaseIn.model_validate(
        {
            "procedure": acceptance.procedure,
            "category": category,
            "title": sent["title"],
            "summary": f"Referred by {court.name}, where it is case {sent['case_number']}.",
            "parties": parties,
            "instruments": [order],
            "subjects": sent["subjects"],
            "languages": sent["languages"],
            "seat": seat or at_court,
        }
    )


def _order_title(made_on: str) -> str:
    return f"Order of referral of {made_on}"


def _lodge(db: GatedSession, actor: Actor, now: datetime, case: Case, lodging: Lodging) -> None:
    """Lodge the request for the first requesting party; the order is its consent, the other parties give theirs.

    It counts on the day on which the registry accepts the referral, or on a later one if the referral came outside the
    office hours of courts.
    """
    requesting = select(Party.id).where(Party.case_id == case.id, Party.side == "requesting")
    party_id = db.execute(requesting.order_by(Party.number).limit(1)).scalar_one()
    today, received = today_at(case, now), counted_receipt(db, case, lodging.received_at, COURT)
    on, why = (received.on, received.why) if received.on >= today else (today, None)
    counted = Counted(on, party_id, lodging.received_at, COURT, why=why)
    act = take_step_through(db, actor, now, case, Attempt(lodging.step, counted=counted))
    consent = {"basis": "ad-hoc", "instrument": _order_title(lodging.order_made_on), "given_on": lodging.order_made_on}
    give_consent(db, act, case, party_id, ConsentIn.model_validate(consent))


def ask(db: GatedSession, actor: Actor, now: datetime, referral_id: UUID, question: AskIn) -> tuple[UUID]:
    """Ask the court for what is missing.

    Raises NotFound, Forbidden unless the actor is the registry, and Conflict for a referral that is already decided.
    """
    answer = RegistryAnswer("more-asked", "ask", list(question.lacks), question.note)
    return _answer(db, actor, now, referral_id, answer)


def decline(db: GatedSession, actor: Actor, now: datetime, referral_id: UUID, refusal: RefusalIn) -> tuple[UUID]:
    """Decline a referral for a coded reason; raises as `ask` does."""
    return _answer(db, actor, now, referral_id, RegistryAnswer("declined", "decline", [refusal.reason], refusal.note))


def _answer(db: GatedSession, actor: Actor, now: datetime, referral_id: UUID, answer: RegistryAnswer) -> tuple[UUID]:
    referral = _undecided(db, actor, referral_id)
    body = {"codes": answer.codes, "note": answer.note, "at": now.isoformat()}
    referral.answer_id = contents.write(db, referral.id, referral.audience_id, body).id
    referral.state, referral.updated_at = answer.state, now
    db.flush()
    payload = referral_payload(referral, codes=answer.codes)
    act = Act(answer.act, now, author_of(actor, "registry"), referral_subject(referral.audience_id))
    ledger.record(db, act, f"referral-{answer.state}", payload)
    return (referral_id,)


def _undecided(db: GatedSession, actor: Actor, referral_id: UUID) -> Referral:
    referral = lock_referral(db, actor, referral_id)
    if not actor.is_staff:
        raise Forbidden("Only the registry may decide on referrals.", "not-your-capacity")
    if referral.state not in UNDECIDED:
        detail = f"The referral is already {referral.state}; the registry can no longer decide on it."
        raise Conflict(detail, "referral-state", state=referral.state)
    return referral
