"""Opening what was written before somebody came: an act of those whom it protects, and of nobody else."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from app.core.access import service as access
from app.core.access.actors import Actor
from app.core.access.circle import Circle
from app.core.access.policy import OF_PARTIES, AudienceView
from app.core.access.session import GatedSession
from app.core.db import AnyRow, new_id
from app.core.errors import Conflict, Forbidden, NotFound, invalid
from app.core.ledger import service as ledger
from app.core.ledger.acts import Act, Subject, author_of
from app.core.paging import Page, Sort, listed
from app.core.tables.audiences import Audience
from app.core.tables.cases import Case
from app.core.tables.disclosures import Disclosure
from app.core.tables.parties import Party
from app.proceedings.cases.locking import circle_of, lock_case, require_case, view_of
from app.proceedings.disclosures.schemas import DisclosureIn, DisclosureList, DisclosureOut

# What is written among all participants protects every party that could read it.
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
    """The disclosures of a case that the actor may know of; NotFound if the case is not the actor's to see."""
    require_case(db, case_id)
    statement = _disclosures(case_id)
    found = listed(db, statement, page, Sort(Disclosure.proposed_at, Disclosure.id, datetime))
    return DisclosureList(items=_out(db, case_id, found.rows), next=found.next, count=found.count)


def read_disclosure(db: GatedSession, actor: Actor, now: datetime, case_id: UUID, disclosure_id: UUID) -> DisclosureOut:
    """One disclosure; NotFound if there is none that the actor may know of."""
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
        select(Party.id, Party.generation).where(Party.case_id == case_id).order_by(Party.number)
    ).all()
    found = []
    for row in rows:
        named = {UUID(id) for id in row.party_ids}
        asked = [one.id for one in parties if (one.id in named if named else one.generation <= row.generation)]
        found.append(
            DisclosureOut(
                state="opened" if row.opened_at else "proposed",
                remaining=[id for id in asked if str(id) not in row.agreed_by],
                **{name: getattr(row, name) for name in set(DisclosureOut.model_fields) - {"state", "remaining"}},
            )
        )
    return found


def propose(db: GatedSession, actor: Actor, now: datetime, case_id: UUID, given: DisclosureIn) -> tuple[UUID, UUID]:
    """Propose, for a party whom an earlier stream protects, to open it to those who came later; one's own act agrees.

    Raises Invalid for a stream that the actor does not read, Forbidden for others than an agent of such a party, and
    Conflict where nobody came later or it is proposed already.
    """
    case = lock_case(db, actor, case_id)
    known = circle_of(db, view_of(case))
    view = next((one for one in known.audiences if one.id == given.stream), None)
    if view is None or not access.reads(db, actor, case_id, view.id):
        raise invalid("/stream", "unknown-stream", "Name a stream of this case that you read, as its events show it.")
    party_id = _agent_for(known, actor, view)
    if view.since is None or view.since >= case.generation:
        raise Conflict("Nobody has come to the case who does not read this already.", "nothing-to-open")
    pending = (Disclosure.case_id == case_id, Disclosure.audience_id == view.id, Disclosure.opened_at.is_(None))
    if db.execute(select(Disclosure.id).where(*pending)).first() is not None:
        raise Conflict("This is proposed already: agree to it through …/disclosures/{id}/agree.", "exists")
    row = Disclosure(
        id=new_id(db),
        case_id=case_id,
        audience_id=view.id,
        generation=case.generation,
        agreed_by=[],
        proposed_at=now,
    )
    db.add(row)
    _agree(db, actor, now, case, known, view, row, party_id, "propose")
    return (case_id, row.id)


def agree(db: GatedSession, actor: Actor, now: datetime, case_id: UUID, disclosure_id: UUID) -> tuple[UUID, UUID]:
    """Agree, for a party whom the stream protects; the last one that is needed opens it.

    Raises NotFound, Forbidden for others than an agent of such a party, and Conflict if it is open or agreed already.
    """
    case = lock_case(db, actor, case_id)
    known = circle_of(db, view_of(case))
    mine = (Disclosure.case_id == case_id, Disclosure.id == disclosure_id)
    row = db.execute(select(Disclosure).where(*mine)).scalar_one_or_none()
    if row is None:
        raise NotFound
    view = next(one for one in known.audiences if one.id == row.audience_id)
    party_id = _agent_for(known, actor, view)
    if row.opened_at is not None or str(party_id) in row.agreed_by:
        raise Conflict("Your party has agreed to this already.", "already-agreed")
    _agree(db, actor, now, case, known, view, row, party_id, "agree")
    return (case_id, row.id)


def protected(known: Circle, view: AudienceView) -> frozenset[UUID]:
    """The parties without whom an audience is not opened to others; none where it is not for parties to open."""
    if view.name in OF_PARTIES:
        return view.party_ids
    if view.name in OF_ALL:
        return frozenset(party.id for party in known.parties if party.generation <= view.generation)
    return frozenset()


def _agent_for(known: Circle, actor: Actor, view: AudienceView) -> UUID:
    agents = {held.party_id for held in known.held_by(actor) if held.role == "agent"}
    mine = sorted(party_id for party_id in protected(known, view) if party_id in agents)
    if not mine:
        raise Forbidden("An agent of a party whom these items protect opens them.", "not-your-capacity")
    return mine[0]


def _agree(
    db: GatedSession,
    actor: Actor,
    now: datetime,
    case: Case,
    known: Circle,
    view: AudienceView,
    row: Disclosure,
    party_id: UUID,
    act: str,
) -> None:
    row.agreed_by = sorted([*row.agreed_by, str(party_id)])
    complete = {str(party) for party in protected(known, view)} <= set(row.agreed_by)
    if complete:
        row.opened_at, row.generation = now, case.generation
    db.flush()
    if complete:
        access.open_audience(db, view_of(case), view.id)
    held = next(one for one in known.holdings(actor) if one.party_id == party_id)
    payload = {
        "disclosure_id": str(row.id),
        "agreed_by": row.agreed_by,
        "generation": row.generation,
        "opened": complete,
    }
    kind = "disclosure-opened" if complete else f"disclosure-{'proposed' if act == 'propose' else 'agreed'}"
    subject = Subject(case.id, view.id, view.name)
    ledger.record(db, Act(act, now, author_of(actor, held.capacity, party_id), subject), kind, payload)
