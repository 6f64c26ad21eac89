"""Parties of a case: listed, read, and added."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, String, cast, exists, func, literal, not_, select

from app.core.access import service as access
from app.core.access.actors import Actor
from app.core.access.circle import Circle
from app.core.access.criteria import left_at
from app.core.access.policy import REPRESENTATIVES, PartyView
from app.core.access.session import GatedSession
from app.core.db import new_id
from app.core.errors import Conflict, Forbidden, NotFound, invalid
from app.core.ledger import service as ledger
from app.core.ledger.acts import Act, Author, Subject, author_of
from app.core.paging import Page, Sort, listed
from app.core.tables.capacities import Capacity
from app.core.tables.cases import Case
from app.core.tables.members import Member
from app.core.tables.parties import Party
from app.core.tables.settlements import Draft, Signature
from app.core.values import MOST_PARTIES
from app.proceedings.cases.circle import act_subject, begin_generation, circle_of, view_of
from app.proceedings.cases.lock import lock_case, require_case
from app.proceedings.cases.queries import is_represented
from app.proceedings.cases.schemas import ActingIn
from app.proceedings.cases.search import search_text
from app.proceedings.parties.schemas import AddedPartyIn, PartyFilters, PartyList, PartyOut
from app.rules.loader import library
from app.rules.model import WITHDRAWN

_COLUMNS = (
    Party.number,
    Party.id,
    Party.side,
    Party.kind,
    Party.name,
    Party.member_id,
    Party.participation,
    Party.calendar,
    is_represented().label("represented"),
)


def list_parties(
    db: GatedSession, actor: Actor, now: datetime, case_id: UUID, page: Page, filters: PartyFilters
) -> PartyList:
    """Return a page of a case's parties that match all filters; raises NotFound if the actor may not see the case."""
    require_case(db, case_id)
    statement = select(*_COLUMNS).where(Party.case_id == case_id, *_conditions(actor, case_id, filters))
    listing = listed(db, statement, page, Sort(Party.number, Party.id, int))
    return PartyList(
        items=[PartyOut.model_validate(row) for row in listing.rows], next=listing.next, count=listing.count
    )


def _conditions(actor: Actor, case_id: UUID, filters: PartyFilters) -> Iterable[ColumnElement[bool]]:
    if filters.side is not None:
        yield Party.side == filters.side
    if filters.signed is not None:
        # Nobody has signed, or has still to sign, where no text is frozen; and no party that has withdrawn.
        yield exists(select(Draft.id).where(Draft.case_id == case_id, Draft.state == "frozen"))
        yield Party.participation != WITHDRAWN
    if filters.signed is not None or filters.awaited is not None:
        # A party that has left does not learn for whom the case waits, and who has signed.
        yield exists(select(Case.id).where(Case.id == case_id, left_at(Case).is_(None)))
    conditions = {
        "represented": is_represented(),
        "mine": _represented_by(actor),
        "awaited": _awaited(case_id),
        "signed": _has_signed(case_id),
    }
    for name, condition in conditions.items():
        wanted = getattr(filters, name)
        if wanted is not None:
            yield condition if wanted else not_(condition)


def _represented_by(actor: Actor) -> ColumnElement[bool]:
    held = (Capacity.user_id == actor.id, Capacity.role.in_(REPRESENTATIVES), Capacity.ended_at.is_(None))
    own = (Capacity.case_id == Party.case_id, Capacity.party_id == Party.id, Capacity.pending.is_(False))
    return exists(select(Capacity.id).where(*own, *held))


def _awaited(case_id: UUID) -> ColumnElement[bool]:
    # The words of `awaits` have ids without hyphens, as SQLite writes them; PostgreSQL writes hyphens.
    word = func.replace(cast(Party.id, String), "-", "")
    waits = Case.awaits.like(literal("% ").concat(word).concat(" %"))
    return exists(select(Case.id).where(Case.id == case_id, waits))


def _has_signed(case_id: UUID) -> ColumnElement[bool]:
    standing = (Signature.party_id == Party.id, Signature.voided_at.is_(None))
    frozen = (Draft.case_id == case_id, Draft.state == "frozen")
    return exists(select(Signature.id).join(Draft, Draft.id == Signature.draft_id).where(*standing, *frozen))


def read_party(db: GatedSession, actor: Actor, now: datetime, case_id: UUID, party_id: UUID) -> PartyOut:
    """Return one party; raises NotFound if the actor may not see the case, or it has no such party."""
    row = db.execute(select(*_COLUMNS).where(Party.case_id == case_id, Party.id == party_id)).one_or_none()
    if row is None:
        raise NotFound
    return PartyOut.model_validate(row)


def add_party(db: GatedSession, actor: Actor, now: datetime, case_id: UUID, body: AddedPartyIn) -> tuple[UUID, UUID]:
    """Add a party, as the filer of a request that is not lodged, or as the registry once it is.

    A party that is added after service reads only what is written from then on. Raises Forbidden for others, Conflict
    in a closed case or one with as many parties as a case may have, and Invalid for an unknown member.
    """
    case = lock_case(db, actor, case_id)
    circle = circle_of(db, view_of(case))
    author = _adding_author(actor, case, circle, body)
    check_member(db, body.member_id)
    check_open(case)
    if len(circle.parties) >= MOST_PARTIES:
        detail = f"The case has {MOST_PARTIES} parties, the most that a case may have: no further party can be added."
        raise Conflict(detail, "too-many-parties")
    last_number = db.execute(select(func.max(Party.number)).where(Party.case_id == case_id)).scalar_one()
    is_served = case.served_at is not None
    party = Party(
        id=new_id(db),
        case_id=case_id,
        audience_id=case.audience_id,
        number=last_number + 1,
        participation="appearing",
        generation=begin_generation(db, case) if is_served else case.generation,
        **body.model_dump(exclude=set(ActingIn.model_fields)),
    )
    db.add(party)
    names = db.execute(select(Party.name).where(Party.case_id == case_id).order_by(Party.number)).scalars().all()
    case.search = search_text(case.title, names)
    # Beginning a generation has replaced the circle.
    circle = access.known_circle(db, case_id)
    parties = (*circle.parties, PartyView(party.id, party.side, party.generation, party.name))
    access.bring_into_line(db, view_of(case), parties=parties)
    subject = Subject(case_id, case.audience_id, "case") if case.lodged_at else act_subject(db, case)
    payload = {"party_id": str(party.id), "side": party.side, "kind": party.kind}
    ledger.record(db, Act("add", now, author, subject), "party-added", payload)
    return (case_id, party.id)


def _adding_author(actor: Actor, case: Case, circle: Circle, body: ActingIn) -> Author:
    if case.lodged_at is None:
        # Only the filer's side sees a request before it is lodged.
        return author_of(actor, "requesting-party", circle.acting_party(actor, body.acting_for))
    if actor.is_staff:
        return author_of(actor, "registry")
    raise Forbidden("Only the registry may add a party once the request is lodged.")


def check_member(db: GatedSession, member_id: UUID | None) -> None:
    """Raise Invalid if the named member is not a member of the institution."""
    if member_id is None:
        return
    if db.execute(select(Member.id).where(Member.id == member_id)).first() is None:
        raise invalid("/member_id", "unknown-member", "Name a member of the institution by its id.")


def check_open(case: Case) -> None:
    """Raise Conflict if the case is closed."""
    if library()[case.procedure].stage(case.stage).final:
        raise Conflict(
            "The case is closed: this can no longer be done in it.",
            "step-not-open",
            stage=case.stage,
            rule_set=case.procedure,
        )


def side_of(circle: Circle, party_id: UUID) -> str:
    """Return the capacity in which a party's representatives act: `requesting-party` or `responding-party`."""
    side = next(party.side for party in circle.parties if party.id == party_id)
    return "requesting-party" if side == "requesting" else "responding-party"


def party_or_registry(db: GatedSession, actor: Actor, case: Case, body: ActingIn, refusal: str) -> Author:
    """Return the actor as an author who acts for a party or for the registry.

    Raises Forbidden with the refusal for others, and PartyNotNamed for somebody who represents several parties and does
    not say for which they act.
    """
    circle = circle_of(db, view_of(case))
    party_id = circle.acting_party(actor, body.acting_for)
    if actor.is_staff:
        return author_of(actor, "registry")
    if party_id is None:
        raise Forbidden(refusal)
    return author_of(actor, side_of(circle, party_id), party_id)


def author_for(actor: Actor, circle: Circle, party_id: UUID) -> Author:
    """The actor as the author of an act that concerns a party's representatives."""
    if actor.is_staff:
        return author_of(actor, "registry")
    return author_of(actor, side_of(circle, party_id), party_id)
