"""What the registry does with a referral: it takes the case in, asks for more, or declines."""

from dataclasses import replace
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
from app.core.ledger.acts import Act, Author, author_of
from app.core.tables.cases import Case
from app.core.tables.courts import Court, Referral
from app.core.tables.parties import Party
from app.integration.courts.court_acts import lock_referral
from app.integration.courts.court_papers import lay_in, referral_subject
from app.integration.courts.schemas import AskIn, ReferralAcceptance, RefusalIn
from app.proceedings.cases.paper_acts import Counted, today_at
from app.proceedings.cases.requests import open_referred
from app.proceedings.cases.schemas import CaseIn
from app.proceedings.steps import consequences
from app.proceedings.steps.schemas import ConsentIn
from app.proceedings.steps.service import Through, take_step_through
from app.rules.loader import library

UNDECIDED = ("received", "more-asked")
OF_COURTS = "court-referred"


def accept(db: GatedSession, actor: Actor, now: datetime, referral_id: UUID, given: ReferralAcceptance) -> tuple[UUID]:
    """Open a case on a referral, lodged for the side that brings it by the order of the court.

    Raises NotFound, Forbidden for others than the registry, Invalid for rules under which it cannot be taken in, and
    Conflict for a referral that is decided.
    """
    referral = _undecided(db, actor, referral_id)
    sent = contents.read_one(db, referral.content_id)
    columns = (Court.name, Court.place, Court.time_zone, Court.calendar)
    court = db.execute(select(*columns).where(Court.id == referral.court_id)).one()
    step = _lodging(given.procedure)
    request = _request(given, sent, court)
    case = open_referred(db, actor, now, request, referral.id, referral.court_id)
    by = author_of(actor, "registry")
    _lodge(db, actor, now, case, step, referral, sent, by)
    payload = {"referral_id": str(referral.id), "court_id": str(referral.court_id), "case_id": str(case.id)}
    lay_in(db, now, case, "received", {"sent": sent}, by, "accept", payload)
    referral.state, referral.case_id, referral.phase, referral.updated_at = "accepted", case.id, case.phase, now
    db.flush()
    ledger.record(db, Act("accept", now, by, referral_subject(referral.audience_id)), "referral-accepted", payload)
    return (referral_id,)


def _lodging(procedure: str) -> str:
    """The step by which a requesting party lodges its request under those rules; Invalid if there is none."""
    rules = library().get(procedure)
    steps = () if rules is None else rules.steps
    for step in steps:
        if step.lodges and "requesting-party" in step.by and rules is not None and rules.initial.name in step.origin:
            return step.name
    known = f"Choose rules under which a party lodges a request: {', '.join(library())}."
    raise invalid("/procedure", "unknown-procedure", known)


def _request(given: ReferralAcceptance, sent: dict[str, Any], court: AnyRow) -> CaseIn:
    """The referral as a request under those rules, seated where the registry, or the court, says."""
    categories = library()[given.procedure].categories
    category = given.category or (OF_COURTS if OF_COURTS in categories else sent["category"])
    seat = given.seat.model_dump() if given.seat is not None else sent["seat"]
    here = {"place": court.place, "time_zone": court.time_zone, "calendar": court.calendar}
    number = sent["order"]["number"] or sent["case_number"]
    order = {"kind": "order", "title": f"Order of referral of {sent['order']['made_on']}", "citation": number}
    parties = [
        {name: one[name] for name in ("side", "kind", "name", "member_id", "calendar")} for one in sent["parties"]
    ]
    return CaseIn.model_validate(
        {
            "procedure": given.procedure,
            "category": category,
            "title": sent["title"],
            "summary": f"Referred by {court.name}, where it is case {sent['case_number']}.",
            "parties": parties,
            "instruments": [order],
            "subjects": sent["subjects"],
            "languages": sent["languages"],
            "seat": seat or here,
        }
    )


def _lodge(
    db: GatedSession,
    actor: Actor,
    now: datetime,
    case: Case,
    step: str,
    referral: Referral,
    sent: dict[str, Any],
    by: Author,
) -> None:
    """Lodge the request for the party named first, whose consent the order is; the other parties give theirs."""
    mine = select(Party.id).where(Party.case_id == case.id, Party.side == "requesting")
    party_id = db.execute(mine.order_by(Party.number).limit(1)).scalar_one()
    counted = Counted(today_at(case, now), party_id, referral.received_at, "court")
    take_step_through(db, actor, now, case, Through(step, counted=counted))
    title = f"Order of referral of {sent['order']['made_on']}"
    given = {"basis": "ad-hoc", "instrument": title, "given_on": sent["order"]["made_on"]}
    consequences.give_consent(db, now, case, party_id, ConsentIn.model_validate(given), replace(by, party_id=party_id))


def ask(db: GatedSession, actor: Actor, now: datetime, referral_id: UUID, given: AskIn) -> tuple[UUID]:
    """Ask the court for what is lacking.

    Raises NotFound, Forbidden for others than the registry, and Conflict for a referral that is decided.
    """
    return _answer(db, actor, now, referral_id, "more-asked", "ask", list(given.lacks), given.note)


def decline(db: GatedSession, actor: Actor, now: datetime, referral_id: UUID, given: RefusalIn) -> tuple[UUID]:
    """Decline a referral, for a coded reason; refusals as for `ask`."""
    return _answer(db, actor, now, referral_id, "declined", "decline", [given.reason], given.note)


def _answer(
    db: GatedSession,
    actor: Actor,
    now: datetime,
    referral_id: UUID,
    state: str,
    act: str,
    codes: list[str],
    note: str | None,
) -> tuple[UUID]:
    referral = _undecided(db, actor, referral_id)
    body = {"codes": codes, "note": note, "at": now.isoformat()}
    referral.answer_id = contents.write(db, referral.id, referral.audience_id, body).id
    referral.state, referral.updated_at = state, now
    db.flush()
    payload = {"referral_id": str(referral.id), "court_id": str(referral.court_id), "codes": codes}
    by = author_of(actor, "registry")
    ledger.record(db, Act(act, now, by, referral_subject(referral.audience_id)), f"referral-{state}", payload)
    return (referral_id,)


def _undecided(db: GatedSession, actor: Actor, referral_id: UUID) -> Referral:
    referral = lock_referral(db, actor, referral_id)
    if not actor.is_staff:
        raise Forbidden("The registry decides on referrals.", "not-your-capacity")
    if referral.state not in UNDECIDED:
        raise Conflict(f"The referral is {referral.state}.", "referral-state", state=referral.state)
    return referral
