"""The docket of a case: numbers, acceptance and return, filings that resubmit others, and redacted versions."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
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
from app.proceedings.cases.circle import circle_of, view_of
from app.proceedings.cases.lock import lock_case
from app.proceedings.filings.schemas import AcceptanceIn, FilingIn, ReturnIn
from app.rules.days import day_at
from app.rules.loader import library
from app.rules.terms import last_day, parse_period

# Filings to these audiences are docketed. Other filings take effect on receipt and have no number.
DOCKETED = ("participants", "court", "public")


def next_number(db: GatedSession, filing: Filing) -> int:
    """Return the next docket number in the stream of a filing, whose case this transaction has locked.

    Each stream counts by itself, since a number that counted other streams would tell the court, the public or a
    newcomer how many filings they do not see.
    """
    same_stream = (Filing.case_id == filing.case_id, Filing.audience_id == filing.audience_id)
    # A sealed filing carries the number of its redacted version, from another stream, and is not docketed itself.
    last = select(func.max(Filing.docket_number)).where(*same_stream, Filing.docketing.is_not(None))
    return int(db.execute(last).scalar() or 0) + 1


def check_draft(db: GatedSession, actor: Actor, case: Case, body: FilingIn, party_id: UUID | None) -> None:
    """Raise Invalid, with the field, for a draft that resubmits, redacts or joins what it cannot."""
    if body.joint_with and (party_id is None or party_id in body.joint_with):
        raise invalid(
            "/joint_with", "joint", "Only a party may file jointly: name the other parties that file with it."
        )
    parties = {party.id for party in circle_of(db, view_of(case)).parties}
    if not set(body.joint_with) <= parties:
        raise invalid("/joint_with", "unknown-party", "Name parties of this case by their ids.")
    if body.joint_with and body.audience not in (*DOCKETED, "caucus"):
        detail = f"Address a joint filing to one of: {', '.join((*DOCKETED, 'caucus'))}."
        raise invalid("/joint_with", "joint", detail)
    if body.resubmits_id is not None:
        returned = _filing_of(db, case, body.resubmits_id, party_id)
        if returned is None or returned.docketing != "returned":
            raise invalid("/resubmits_id", "not-returned", "Name a filing of your side that the registry returned.")
    if body.redacts_id is not None:
        sealed = _filing_of(db, case, body.redacts_id, party_id)
        if sealed is None or sealed.state != "submitted" or sealed.audience_name in DOCKETED:
            detail = "Name a submitted filing of your side whose audience is narrower than all participants."
            raise invalid("/redacts_id", "not-sealed", detail)
        if body.audience not in DOCKETED:
            raise invalid("/audience", "audience", f"File the redacted version to one of: {', '.join(DOCKETED)}.")


def _filing_of(db: GatedSession, case: Case, filing_id: UUID, party_id: UUID | None) -> Filing | None:
    """The filing if the party is its author."""
    if party_id is None:
        return None
    wanted = (Filing.case_id == case.id, Filing.id == filing_id, Filing.author_party_id == party_id)
    return db.execute(select(Filing).where(*wanted)).scalar_one_or_none()


def received(db: GatedSession, now: datetime, case: Case, filing: Filing) -> tuple[datetime, date]:
    """Return the instant and the day at the seat on which a filing that is submitted now counts as received.

    A filing that resubmits a returned one within the time that the rules allow counts as received with that one, if it
    is of the same kind and for the same audience. The returned filing carries back one filing, and none if it counts
    as received with an earlier one itself.
    """
    today = day_at(now, paper_acts.zone_of(case))
    returned = _carrying_back(db, case, filing, today)
    if returned is None or returned.received_at is None:
        return now, today
    return returned.received_at, returned.effective_on or today


def _carrying_back(db: GatedSession, case: Case, filing: Filing, today: date) -> Filing | None:
    """Return the returned filing with which a filing that is submitted today counts as received, if there is one."""
    resubmission = library()[case.procedure].resubmission
    period = None if resubmission is None else parse_period(resubmission)
    if filing.resubmits_id is None or period is None:
        return None
    returned = db.execute(select(Filing).where(Filing.id == filing.resubmits_id)).scalar_one_or_none()
    if returned is None or returned.decided_at is None or returned.withdrawn_at or not _is_alike(returned, filing):
        return None
    if today > last_day(period, day_at(returned.decided_at, paper_acts.zone_of(case))):
        return None
    return None if _is_carried_back(returned) or _has_carried_back(db, returned, filing) else returned


def _is_alike(returned: Filing, filing: Filing) -> bool:
    def shape(of: Filing) -> tuple[str, str, list[str]]:
        return of.kind, of.audience_name, sorted(of.party_ids)

    return shape(returned) == shape(filing)


def _is_carried_back(filing: Filing) -> bool:
    """Whether a submitted filing counts as received with an earlier one; a filing on paper was received by itself."""
    is_earlier = filing.received_at is not None and filing.received_at < filing.listed_at
    return filing.resubmits_id is not None and filing.received_via is None and is_earlier


def _has_carried_back(db: GatedSession, returned: Filing, filing: Filing) -> bool:
    """Whether another filing counts as received with the returned one."""
    wanted = (Filing.case_id == returned.case_id, Filing.resubmits_id == returned.id, Filing.id != filing.id)
    others = db.execute(select(Filing).where(*wanted, Filing.state == "submitted")).scalars()
    return any(_is_carried_back(other) for other in others)


def enter(db: GatedSession, now: datetime, case: Case, filing: Filing, author: Author) -> None:
    """Number a filing that all participants may know of; a party's filing then waits for the registry's decision.

    The sealed filing gets the number of its redacted version; an event in the stream of the sealed filing records that.
    """
    if filing.audience_name not in DOCKETED:
        return
    filing.docket_number = next_number(db, filing)
    filing.docketing = "pending" if filing.author_party_id is not None else "accepted"
    if filing.redacts_id is None:
        return
    sealed = db.execute(select(Filing).where(Filing.id == filing.redacts_id)).scalar_one_or_none()
    if sealed is not None:
        sealed.docket_number = filing.docket_number
        act = Act("docket", now, author, Subject(case.id, sealed.audience_id, sealed.audience_name))
        payload = {"filing_id": str(sealed.id), "docket_number": filing.docket_number, "twin_id": str(filing.id)}
        ledger.record(db, act, "filing-docketed", payload)


@dataclass(frozen=True, slots=True)
class DocketDecision:
    """What the registry decides on a filing: `accepted` or `returned`, with coded reasons and a note."""

    docketing: str
    note: str | None
    reasons: Sequence[str] = ()


def accept(
    db: GatedSession, actor: Actor, now: datetime, case_id: UUID, filing_id: UUID, body: AcceptanceIn
) -> tuple[UUID, UUID]:
    """Accept a filing to the docket, as the registry.

    Raises NotFound, Forbidden for others, and Conflict for a filing that is not pending.
    """
    return _decide(db, actor, now, case_id, filing_id, DocketDecision("accepted", body.note))


def return_(
    db: GatedSession, actor: Actor, now: datetime, case_id: UUID, filing_id: UUID, body: ReturnIn
) -> tuple[UUID, UUID]:
    """Return a filing, as the registry, to the side that made it, which may correct it and resubmit it.

    Raises what `accept` raises.
    """
    return _decide(db, actor, now, case_id, filing_id, DocketDecision("returned", body.note, body.reasons))


def _decide(
    db: GatedSession, actor: Actor, now: datetime, case_id: UUID, filing_id: UUID, decision: DocketDecision
) -> tuple[UUID, UUID]:
    case = lock_case(db, actor, case_id)
    filing = filing_in(db, case, filing_id)
    if not actor.is_staff:
        raise Forbidden("Only the registry may accept or return a filing.", "not-your-capacity")
    if filing.withdrawn_at is not None:
        raise Conflict("The filing is withdrawn: there is nothing to decide on.", "filing-state", state="withdrawn")
    if filing.docketing != "pending":
        detail = (
            f"The filing is {filing.docketing or 'not submitted'}: only a pending filing can be accepted or returned."
        )
        raise Conflict(detail, "docketing-state", docketing=filing.docketing)
    content = contents.write(db, case.id, filing.audience_id, {"note": decision.note}) if decision.note else None
    filing.docketing, filing.decided_at, filing.reasons = decision.docketing, now, list(decision.reasons)
    filing.decision_id = content.id if content else None
    subject = Subject(case_id, filing.audience_id, filing.audience_name)
    act = Act(decision.docketing, now, author_of(actor, "registry"), subject)
    payload = {
        "filing_id": str(filing.id),
        "docket_number": filing.docket_number,
        "reasons": list(decision.reasons),
    }
    ledger.record(db, act, f"filing-{decision.docketing}", payload, content=content)
    return (case_id, filing_id)


def filing_in(db: GatedSession, case: Case, filing_id: UUID) -> Filing:
    """Return a filing of a locked case, as it is now; raises NotFound."""
    wanted = (Filing.case_id == case.id, Filing.id == filing_id, Filing.discarded_at.is_(None))
    statement = select(Filing).where(*wanted)
    filing = db.execute(statement, execution_options={"populate_existing": True}).scalar_one_or_none()
    if filing is None:
        raise NotFound
    return filing
