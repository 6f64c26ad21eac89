"""Joint filings: parties join the draft of another party, or withdraw from it, until it is submitted."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.core.access.actors import Actor
from app.core.access.circle import Circle
from app.core.access.session import GatedSession
from app.core.errors import Conflict, Forbidden
from app.core.ledger import service as ledger
from app.core.ledger.acts import Act, Subject, author_of
from app.core.tables.cases import Case
from app.core.tables.filings import Filing
from app.proceedings.cases import paper_acts
from app.proceedings.cases.circle import circle_of, view_of
from app.proceedings.cases.lock import lock_case
from app.proceedings.cases.schemas import ActingIn
from app.proceedings.filings.docket import filing_in


@dataclass(frozen=True, slots=True)
class Joinder:
    """A party's part in a joint filing that is a draft, and whether the party has joined."""

    case: Case
    filing: Filing
    party_id: UUID
    has_joined: bool


def join(
    db: GatedSession, actor: Actor, now: datetime, case_id: UUID, filing_id: UUID, body: ActingIn
) -> tuple[UUID, UUID]:
    """Join, for a party, a draft of another party that names it; the filing can be submitted once all have joined.

    A party that has joined may bring documents too. Raises NotFound, Forbidden for somebody who represents no party
    that the filing names, and Conflict if the party has joined already, one of the parties has withdrawn from the case,
    or the filing is submitted.
    """
    joinder = _joinder(db, actor, case_id, filing_id, body)
    if joinder.has_joined:
        raise Conflict("Your side has already joined this filing.", "already-joined")
    _set_joined(joinder, now)
    ledger.record(db, _act(db, actor, now, joinder, "join"), "filing-joined", _payload(joinder))
    return (case_id, filing_id)


def withdraw_joinder(
    db: GatedSession, actor: Actor, now: datetime, case_id: UUID, filing_id: UUID, body: ActingIn
) -> tuple[UUID, UUID]:
    """Withdraw, for a party that has joined a draft; the filing can be submitted only once all have joined again.

    Raises NotFound, Forbidden for somebody who represents no party that the filing names, and Conflict if the party has
    not joined, one of the parties has withdrawn from the case, or the filing is submitted.
    """
    joinder = _joinder(db, actor, case_id, filing_id, body)
    if not joinder.has_joined:
        raise Conflict("Your side has not joined this filing, so it cannot withdraw from it.", "not-joined")
    _set_joined(joinder, None)
    ledger.record(db, _act(db, actor, now, joinder, "withdraw-joinder"), "filing-joinder-withdrawn", _payload(joinder))
    return (case_id, filing_id)


def _joinder(db: GatedSession, actor: Actor, case_id: UUID, filing_id: UUID, body: ActingIn) -> Joinder:
    """Lock the case and return the part of the actor's party in the filing."""
    case = lock_case(db, actor, case_id)
    filing = filing_in(db, case, filing_id)
    circle = circle_of(db, view_of(case))
    joined_at = {UUID(entry["party_id"]): entry["joined_at"] for entry in filing.joined_by}
    if circle.parties_of(actor).isdisjoint(joined_at):
        raise Forbidden("Only the parties that 'joint' names may join or withdraw.", "not-your-capacity")
    party_id = circle.acting_party(actor, body.acting_for, joined_at)
    if party_id is None or party_id not in joined_at:
        raise Forbidden("Only the parties that 'joint' names may join or withdraw.", "not-your-capacity")
    if filing.state != "draft":
        raise Conflict(
            "This filing is already submitted: parties can no longer join it or withdraw from it.",
            "filing-state",
            state=filing.state,
        )
    check_all_there(circle, actor, filing)
    return Joinder(case, filing, party_id, joined_at[party_id] is not None)


def _set_joined(joinder: Joinder, joined_at: datetime | None) -> None:
    party_id = str(joinder.party_id)
    changed = {"party_id": party_id, "joined_at": joined_at.isoformat() if joined_at else None}
    entries = joinder.filing.joined_by
    # A new list: a change inside the present one would not be written.
    joinder.filing.joined_by = [changed if entry["party_id"] == party_id else entry for entry in entries]


def _act(db: GatedSession, actor: Actor, now: datetime, joinder: Joinder, name: str) -> Act:
    holding = paper_acts.holding_of(db, joinder.case, joinder.party_id)
    author = author_of(actor, holding.capacity, holding.party_id)
    return Act(name, now, author, Subject(joinder.case.id, joinder.filing.audience_id, "party"))


def _payload(joinder: Joinder) -> dict[str, str]:
    return {"filing_id": str(joinder.filing.id), "party_id": str(joinder.party_id)}


def check_all_there(circle: Circle, actor: Actor, filing: Filing) -> None:
    """Raise Conflict for a joint draft of a party that has withdrawn, which goes on reading it as it was.

    Nothing is said to the party that has withdrawn: the gate refuses what it writes.
    """
    jointly = {entry["party_id"] for entry in filing.joined_by} | {str(filing.author_party_id)}
    gone = [str(party.id) for party in circle.parties if party.left_at is not None and str(party.id) in jointly]
    if filing.joined_by and gone and (filing.audience_id, actor.id) not in circle.limits():
        detail = "A party of this joint draft has withdrawn from the case. Discard it, and draft another one."
        raise Conflict(detail, "party-withdrawn", party_ids=gone)


def check_all_joined(filing: Filing) -> None:
    """Raise Conflict while a party that is to file jointly has not joined."""
    lacking = [entry["party_id"] for entry in filing.joined_by if entry["joined_at"] is None]
    if lacking:
        raise Conflict("Every party that 'joint' names must join first.", "joint-lacking", lacking=lacking)
