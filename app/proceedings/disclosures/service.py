"""Disclosures: the parties that an earlier stream protects open it to participants who came later."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from app.core.access import service as access
from app.core.access.actors import Actor
from app.core.access.circle import Circle
from app.core.access.policy import OF_PARTIES, AudienceView, PartyView
from app.core.access.session import GatedSession
from app.core.db import AnyRow, new_id
from app.core.errors import Conflict, Forbidden, NotFound, invalid
from app.core.ledger import service as ledger
from app.core.ledger.acts import Act, Author, Subject, author_of
from app.core.paging import Page, Sort, listed
from app.core.tables.audiences import Audience
from app.core.tables.cases import Case
from app.core.tables.disclosures import Disclosure
from app.core.tables.parties import Party
from app.proceedings.cases.circle import circle_of, view_of
from app.proceedings.cases.lock import lock_case, require_case
from app.proceedings.cases.schemas import ActingIn
from app.proceedings.disclosures.schemas import DisclosureIn, DisclosureList, DisclosureOut

# A stream of all participants protects every party that could read it.
OF_ALL = ("participants", "court", "public")
_COLUMNS = (
    Disclosure.id,
    Disclosure.audience_id.label("stream"),
    Audience.name.label("audience"),
    Audience.party_ids,
    Audience.generation,
    Disclosure.agreed_by,
    Disclosure.proposed_at,
    Disclosure.opened_at,
)


def list_disclosures(db: GatedSession, actor: Actor, now: datetime, case_id: UUID, page: Page) -> DisclosureList:
    """Return a page of the disclosures that the actor may know of.

    Raises NotFound if the actor may not see the case.
    """
    require_case(db, case_id)
    statement = _disclosures(case_id)
    listing = listed(db, statement, page, Sort(Disclosure.proposed_at, Disclosure.id, datetime))
    return DisclosureList(items=_out(db, case_id, listing.rows), next=listing.next, count=listing.count)


def read_disclosure(db: GatedSession, actor: Actor, now: datetime, case_id: UUID, disclosure_id: UUID) -> DisclosureOut:
    """Return one disclosure; raises NotFound if the actor may not know of it."""
    row = db.execute(_disclosures(case_id).where(Disclosure.id == disclosure_id)).one_or_none()
    if row is None:
        raise NotFound
    return _out(db, case_id, [row])[0]


def _disclosures(case_id: UUID) -> Any:
    statement = select(*_COLUMNS).join(Audience, Audience.id == Disclosure.audience_id)
    return statement.where(Disclosure.case_id == case_id)


def _out(db: GatedSession, case_id: UUID, rows: Sequence[AnyRow]) -> list[DisclosureOut]:
    if not rows:
        return []
    parties = db.execute(
        select(Party.id, Party.generation, Party.reads_until, Party.earlier)
        .where(Party.case_id == case_id)
        .order_by(Party.number)
    ).all()
    disclosures = []
    for row in rows:
        named = {UUID(id) for id in row.party_ids}
        protected = [party.id for party in parties if (party.id in named if named else _took_part(party, row))]
        disclosures.append(
            DisclosureOut(
                state="opened" if row.opened_at else "proposed",
                remaining=[party_id for party_id in protected if str(party_id) not in row.agreed_by],
                **{name: getattr(row, name) for name in set(DisclosureOut.model_fields) - {"state", "remaining"}},
            )
        )
    return disclosures


def propose(db: GatedSession, actor: Actor, now: datetime, case_id: UUID, body: DisclosureIn) -> tuple[UUID, UUID]:
    """Propose, for a party that an earlier stream protects, to open it to later participants; the party thereby agrees.

    Raises Invalid for a stream that the actor does not read, Forbidden for anybody but an agent of such a party, and
    Conflict if there is no later participant or the opening is proposed already.
    """
    case = lock_case(db, actor, case_id)
    circle = circle_of(db, view_of(case))
    audience = next((audience for audience in circle.audiences if audience.id == body.stream), None)
    if audience is None or not access.reads(db, actor, case_id, audience.id):
        raise invalid("/stream", "unknown-stream", "Name a stream of this case that you read, as its events show it.")
    author = _agent_of_protected(circle, actor, audience, body)
    if audience.since is None or audience.since >= case.generation:
        raise Conflict("There is no later participant to open this stream to.", "nothing-to-open")
    pending = (Disclosure.case_id == case_id, Disclosure.audience_id == audience.id, Disclosure.opened_at.is_(None))
    if db.execute(select(Disclosure.id).where(*pending)).first() is not None:
        raise Conflict("This is already proposed. Agree to it with POST …/disclosures/{id}/agree.", "exists")
    disclosure = Disclosure(
        id=new_id(db),
        case_id=case_id,
        audience_id=audience.id,
        generation=case.generation,
        agreed_by=[],
        proposed_at=now,
    )
    db.add(disclosure)
    _agree(db, Act("propose", now, author, _subject(case, audience)), case, disclosure, audience)
    return (case_id, disclosure.id)


def agree(
    db: GatedSession, actor: Actor, now: datetime, case_id: UUID, disclosure_id: UUID, body: ActingIn
) -> tuple[UUID, UUID]:
    """Agree, for a party that the stream protects; the agreement of the last such party opens the stream.

    Raises NotFound, Forbidden for anybody but an agent of such a party, and Conflict if the party has agreed already or
    the stream is open.
    """
    case = lock_case(db, actor, case_id)
    circle = circle_of(db, view_of(case))
    wanted = (Disclosure.case_id == case_id, Disclosure.id == disclosure_id)
    disclosure = db.execute(select(Disclosure).where(*wanted)).scalar_one_or_none()
    if disclosure is None:
        raise NotFound
    audience = next(audience for audience in circle.audiences if audience.id == disclosure.audience_id)
    author = _agent_of_protected(circle, actor, audience, body)
    if disclosure.opened_at is not None or str(author.party_id) in disclosure.agreed_by:
        raise Conflict("Your party has already agreed to this.", "already-agreed")
    _agree(db, Act("agree", now, author, _subject(case, audience)), case, disclosure, audience)
    return (case_id, disclosure.id)


def _subject(case: Case, audience: AudienceView) -> Subject:
    return Subject(case.id, audience.id, audience.name)


def protected_parties(circle: Circle, audience: AudienceView) -> frozenset[UUID]:
    """Return the parties that must all agree before an audience is opened; none where parties cannot open it."""
    if audience.name in OF_PARTIES:
        return audience.party_ids
    if audience.name in OF_ALL:
        return frozenset(party.id for party in circle.parties if _took_part(party, audience))
    return frozenset()


def _took_part(party: PartyView | AnyRow, audience: AudienceView | AnyRow) -> bool:
    """Whether a party had joined, and had not withdrawn, when an audience was made."""
    times = (*party.earlier, (party.generation, party.reads_until))
    return any(first <= audience.generation and (last is None or audience.generation <= last) for first, last in times)


def _agent_of_protected(circle: Circle, actor: Actor, audience: AudienceView, body: ActingIn) -> Author:
    """The actor as the agent of a party that the audience protects.

    Raises Forbidden for others, and PartyNotNamed for the agent of several such parties who does not say for which.
    """
    represented = {held.party_id for held in circle.held_by(actor) if held.role == "agent"}
    parties = [party_id for party_id in protected_parties(circle, audience) if party_id in represented]
    if not parties:
        detail = "Only the agents of the parties that this stream protects may open it."
        raise Forbidden(detail, "not-your-capacity")
    party_id = circle.acting_party(actor, body.acting_for, parties)
    return author_of(actor, circle.capacity(actor, party_id), party_id)


def _agree(db: GatedSession, act: Act, case: Case, disclosure: Disclosure, audience: AudienceView) -> None:
    """Add the agreement of the author's party, and open the audience if it is the last one needed."""
    disclosure.agreed_by = sorted([*disclosure.agreed_by, str(act.author.party_id)])
    protected = protected_parties(access.known_circle(db, case.id), audience)
    is_complete = {str(party_id) for party_id in protected} <= set(disclosure.agreed_by)
    if is_complete:
        disclosure.opened_at, disclosure.generation = act.at, case.generation
    db.flush()
    if is_complete:
        access.open_audience(db, view_of(case), audience.id)
    payload = {
        "disclosure_id": str(disclosure.id),
        "agreed_by": disclosure.agreed_by,
        "generation": disclosure.generation,
        "opened": is_complete,
    }
    change = "opened" if is_complete else "proposed" if act.name == "propose" else "agreed"
    ledger.record(db, act, f"disclosure-{change}", payload)
