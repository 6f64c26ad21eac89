"""What is earlier, opened to a representative who replaces others who have ended."""

from datetime import datetime
from uuid import UUID

from app.core.access import capacities
from app.core.access.actors import Actor
from app.core.access.circle import Circle
from app.core.access.session import GatedSession
from app.core.contents import service as contents
from app.core.errors import Conflict, Forbidden, invalid
from app.core.ledger import service as ledger
from app.core.ledger.acts import Act, Subject
from app.core.tables.capacities import Capacity
from app.core.tables.cases import Case
from app.proceedings.parties.representatives import RepresentativePath, lock_representative
from app.proceedings.parties.schemas import OpeningIn
from app.proceedings.parties.service import author_for, check_open


def open_earlier(
    db: GatedSession, actor: Actor, now: datetime, path: RepresentativePath, body: OpeningIn
) -> tuple[UUID, UUID, UUID]:
    """Open what is earlier to a representative: an agent who reads it does so alone, the registry by two people.

    Raises NotFound, Forbidden for others, Invalid for a proposal of the registry without a reason, and Conflict in a
    closed case, for somebody who reads it already or no longer acts, for an agent who does not read it, for the
    registry while the party has an agent who does, and for the person of the registry who proposed it.
    """
    case, circle, representative = lock_representative(db, actor, path)
    agents = circle.agents_of(path.party_id)
    own = [held.generation for held in agents if held.user_id == actor.id]
    if not own and not actor.is_staff:
        detail = "Only the party's agents may do this, or the registry where none of them reads what is earlier."
        raise Forbidden(detail, "not-your-capacity")
    check_open(case)
    first = min(own) if own else 0
    if representative.generation <= first:
        raise Conflict("There is nothing earlier that you could open to this person.", "nothing-to-open")
    act = Act("open-earlier", now, author_for(actor, circle, path.party_id), _of_case(case))
    if actor.is_staff and not _is_agreed(circle, actor, path.party_id, representative, body):
        representative.opening_proposed_by = actor.id
        _record(db, act, representative, body, "earlier-items-proposed")
        return path.ids
    representative.opening_proposed_by = None
    _record(db, act, representative, body, "earlier-items-opened")
    db.flush()
    representative.generation = first
    capacities.open_earlier(db, case.id, representative.id, first)
    return path.ids


def _of_case(case: Case) -> Subject:
    """All who may see the case see what was opened to whom."""
    return Subject(case.id, case.audience_id, "case")


def _is_agreed(circle: Circle, actor: Actor, party_id: UUID, representative: Capacity, body: OpeningIn) -> bool:
    """Whether the actor is the second person of the registry; raises Conflict where the registry may not open it."""
    agents = circle.agents_of(party_id)
    if any(held.generation < representative.generation for held in agents):
        detail = "The party still has an agent who reads what is earlier: only that agent may open it."
        raise Conflict(detail, "party-represented")
    if representative.opening_proposed_by == actor.id:
        raise Conflict("You proposed this. A second person of the registry must agree.", "second-person")
    if representative.opening_proposed_by is None and body.reason is None:
        raise invalid("/reason", "missing", "State why what is earlier is to be opened: all sides read the reason.")
    return representative.opening_proposed_by is not None


def _record(db: GatedSession, act: Act, representative: Capacity, body: OpeningIn, kind: str) -> None:
    reason = None
    if body.reason is not None:
        reason = contents.write(db, representative.case_id, representative.audience_id, {"reason": body.reason})
    payload = {
        "representative_id": str(representative.id),
        "party_id": str(representative.party_id),
        "generation": representative.generation,
    }
    ledger.record(db, act, kind, payload, content=reason)
