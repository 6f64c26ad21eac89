"""The docket of a case: numbers, acceptance and return, filings mended, redacted twins, and joint filings."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from app.core.access.actors import Actor
from app.core.access.session import GatedSession
from app.core.contents import service as contents
from app.core.errors import Conflict, Forbidden, NotFound, invalid
from app.core.ledger import service as ledger
from app.core.ledger.acts import Act, Author, Subject, author_of
from app.core.tables.cases import Case
from app.core.tables.filings import Filing
from app.proceedings.cases import paper_acts
from app.proceedings.cases.locking import circle_of, lock_case, view_of
from app.proceedings.filings.schemas import AcceptanceIn, FilingIn, ReturnIn
from app.rules.loader import library
from app.rules.terms import day_at, last_day, parse_period

# What is filed to these is docketed; what is filed to fewer is effective on receipt, and nobody else counts it.
DOCKETED = ("participants", "court", "public")
Ids = tuple[UUID, UUID]


def next_number(db: GatedSession, case_id: UUID) -> int:
    """The next docket number of a case that this transaction has locked: of what all participants may know."""
    last = select(func.max(Filing.docket_number)).where(Filing.case_id == case_id)
    found = db.execute(last, execution_options={"known_to_participants": True}).scalar()
    return int(found or 0) + 1


def check_draft(db: GatedSession, actor: Actor, case: Case, given: FilingIn, side: UUID | None) -> None:
    """Refuse a draft that mends, redacts or joins what it cannot; Invalid, with the field."""
    if given.joint_with and (side is None or side in given.joint_with):
        raise invalid("/joint_with", "joint", "A party names the others that file with it.")
    known = {party.id for party in circle_of(db, view_of(case)).parties}
    if not set(given.joint_with) <= known:
        raise invalid("/joint_with", "unknown-party", "Name parties of this case by their ids.")
    if given.joint_with and given.audience not in (*DOCKETED, "caucus"):
        raise invalid("/joint_with", "joint", "A joint filing goes to an audience that holds all who file it.")
    if given.resubmits_id is not None:
        returned = _own(db, actor, case, given.resubmits_id, side)
        if returned is None or returned.docketing != "returned":
            raise invalid("/resubmits_id", "not-returned", "Name a filing of your side that the registry returned.")
    if given.redacts_id is not None:
        sealed = _own(db, actor, case, given.redacts_id, side)
        if sealed is None or sealed.state != "submitted" or sealed.audience_name in DOCKETED:
            detail = "Name a filing of your side that was submitted to fewer than the participants."
            raise invalid("/redacts_id", "not-sealed", detail)
        if given.audience not in DOCKETED:
            raise invalid("/audience", "audience", f"A redacted twin is filed to one of: {', '.join(DOCKETED)}.")


def _own(db: GatedSession, actor: Actor, case: Case, filing_id: UUID, side: UUID | None) -> Filing | None:
    mine = select(Filing).where(Filing.case_id == case.id, Filing.id == filing_id)
    found = db.execute(mine).scalar_one_or_none()
    return found if found is not None and side is not None and found.author_party_id == side else None


def received(db: GatedSession, now: datetime, case: Case, filing: Filing) -> tuple[datetime, date]:
    """When a filing that is submitted now counts as received: with what it mends, where the rules allow that still."""
    today = day_at(now, paper_acts.zone_of(case))
    period = library()[case.procedure].resubmission
    if filing.resubmits_id is None or period is None:
        return now, today
    first = db.execute(select(Filing).where(Filing.id == filing.resubmits_id)).scalar_one_or_none()
    kept = parse_period(period)
    if first is None or first.decided_at is None or first.received_at is None or kept is None:
        return now, today
    last = last_day(kept, day_at(first.decided_at, paper_acts.zone_of(case)))
    return (first.received_at, first.effective_on or today) if today <= last else (now, today)


def enter(db: GatedSession, now: datetime, case: Case, filing: Filing, by: Author) -> None:
    """Give a filing that all participants may know of its number; the registry decides on what parties file.

    A redacted twin brings its number to the sealed filing, in whose own stream that is told.
    """
    if filing.audience_name not in DOCKETED:
        return
    filing.docket_number = next_number(db, case.id)
    filing.docketing = "pending" if filing.author_party_id is not None else "accepted"
    if filing.redacts_id is None:
        return
    sealed = db.execute(select(Filing).where(Filing.id == filing.redacts_id)).scalar_one_or_none()
    if sealed is not None:
        sealed.docket_number = filing.docket_number
        subject = Subject(case.id, sealed.audience_id, sealed.audience_name)
        payload = {"filing_id": str(sealed.id), "docket_number": filing.docket_number, "twin_id": str(filing.id)}
        ledger.record(db, Act("docket", now, by, subject), "filing-docketed", payload)


def accept(db: GatedSession, actor: Actor, now: datetime, case_id: UUID, filing_id: UUID, given: AcceptanceIn) -> Ids:
    """Accept a filing to the docket, for the registry.

    Raises NotFound, Forbidden for others, and Conflict for a filing that is not pending.
    """
    return _decide(db, actor, now, case_id, filing_id, "accepted", (), given.note)


def return_(db: GatedSession, actor: Actor, now: datetime, case_id: UUID, filing_id: UUID, given: ReturnIn) -> Ids:
    """Return a filing to the side that made it, which mends it and files again; refusals as for `accept`."""
    return _decide(db, actor, now, case_id, filing_id, "returned", given.reasons, given.note)


def _decide(
    db: GatedSession,
    actor: Actor,
    now: datetime,
    case_id: UUID,
    filing_id: UUID,
    decision: str,
    reasons: Sequence[str],
    note: str | None,
) -> Ids:
    case = lock_case(db, actor, case_id)
    filing = _filing(db, case_id, filing_id)
    if not actor.is_staff:
        raise Forbidden("The registry accepts and returns filings.", "not-your-capacity")
    if filing.docketing != "pending":
        raise Conflict("This filing does not wait for a decision.", "docketing-state", docketing=filing.docketing)
    written = contents.write(db, case.id, filing.audience_id, {"note": note}) if note else None
    filing.docketing, filing.decided_at, filing.reasons = decision, now, list(reasons)
    filing.decision_id = written.id if written else None
    subject = Subject(case_id, filing.audience_id, filing.audience_name)
    payload = {"filing_id": str(filing.id), "docket_number": filing.docket_number, "reasons": list(reasons)}
    by = author_of(actor, "registry")
    ledger.record(db, Act(decision, now, by, subject), f"filing-{decision}", payload, content=written)
    return (case_id, filing_id)


def _filing(db: GatedSession, case_id: UUID, filing_id: UUID) -> Filing:
    mine = select(Filing).where(Filing.case_id == case_id, Filing.id == filing_id)
    filing = db.execute(mine, execution_options={"populate_existing": True}).scalar_one_or_none()
    if filing is None:
        raise NotFound
    return filing


def join(db: GatedSession, actor: Actor, now: datetime, case_id: UUID, filing_id: UUID) -> Ids:
    """Join a draft that another party means to file with one's own; it goes out once all have joined.

    Who has joined brings documents to it too. Raises NotFound, Forbidden for somebody who acts for no party that is
    named, and Conflict for one that has joined or a filing that has gone out.
    """
    case = lock_case(db, actor, case_id)
    filing = _filing(db, case_id, filing_id)
    own = _joint_of(db, actor, case, filing)
    if own["joined_at"] is not None:
        raise Conflict("Your side has joined already.", "already-joined")
    _set_joined(db, actor, now, case, filing, own, "filing-joined", "join", now)
    return (case_id, filing_id)


def withdraw_joinder(db: GatedSession, actor: Actor, now: datetime, case_id: UUID, filing_id: UUID) -> Ids:
    """Take back that one's party has joined a draft: it goes out only once all have joined again.

    Raises NotFound, Forbidden for somebody who acts for no party that is named, and Conflict for one that has not
    joined or a filing that has gone out.
    """
    case = lock_case(db, actor, case_id)
    filing = _filing(db, case_id, filing_id)
    own = _joint_of(db, actor, case, filing)
    if own["joined_at"] is None:
        raise Conflict("Your side has not joined.", "not-joined")
    _set_joined(db, actor, now, case, filing, own, "filing-joinder-withdrawn", "withdraw-joinder", None)
    return (case_id, filing_id)


def _joint_of(db: GatedSession, actor: Actor, case: Case, filing: Filing) -> dict[str, Any]:
    """The actor's party among those that join a filing; Forbidden if there is none, Conflict once it has gone out."""
    mine = circle_of(db, view_of(case)).parties_of(actor)
    own: dict[str, Any] | None = next((one for one in filing.joined_by if UUID(one["party_id"]) in mine), None)
    if own is None:
        raise Forbidden("The parties that are named join a joint filing.", "not-your-capacity")
    if filing.state != "draft":
        raise Conflict("This filing is submitted already.", "filing-state", state=filing.state)
    return own


def _set_joined(
    db: GatedSession,
    actor: Actor,
    now: datetime,
    case: Case,
    filing: Filing,
    own: dict[str, Any],
    kind: str,
    act: str,
    joined_at: datetime | None,
) -> None:
    changed = {**own, "joined_at": joined_at.isoformat() if joined_at else None}
    filing.joined_by = [changed if one is own else one for one in filing.joined_by]
    subject = Subject(case.id, filing.audience_id, "party")
    payload = {"filing_id": str(filing.id), "party_id": own["party_id"]}
    held = paper_acts.holding_of(db, case, UUID(own["party_id"]))
    by = author_of(actor, held.capacity, held.party_id)
    ledger.record(db, Act(act, now, by, subject), kind, payload)


def must_be_joined(filing: Filing) -> None:
    """Conflict while a party that is to file jointly has not joined."""
    lacking = [one["party_id"] for one in filing.joined_by if one["joined_at"] is None]
    if lacking:
        raise Conflict("Not every party that files has joined.", "joint-lacking", lacking=lacking)
