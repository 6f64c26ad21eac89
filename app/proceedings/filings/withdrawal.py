"""Withdrawal of a filing that was made by mistake: at once, only its own side reads its title, text and documents.

That it was filed, when, by whom, under which number and how the registry decided stays with those who know of it. The
commitment to its text stays in the ledger: with it, its side can prove later what it had filed.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select, update

from app.core.access.actors import Actor
from app.core.access.circle import Circle
from app.core.access.criteria import KNOWN_TO_PARTICIPANTS
from app.core.access.policy import AudienceView, CapacityView, readers_of
from app.core.access.session import GatedSession, as_system
from app.core.contents import service as contents
from app.core.errors import Conflict
from app.core.ledger import service as ledger
from app.core.ledger.acts import Act, Subject, author_of
from app.core.tables.audiences import STAFF
from app.core.tables.capacities import Capacity
from app.core.tables.certificates import Certificate
from app.core.tables.contents import Content
from app.core.tables.documents import KEPT, Document
from app.core.tables.filings import Filing
from app.core.tables.people import User
from app.proceedings.cases.circle import circle_of, view_of
from app.proceedings.cases.lock import lock_case
from app.proceedings.documents.schemas import WithdrawalIn
from app.proceedings.documents.withdrawal import own_side, seal_document, withdrawing_party
from app.proceedings.filings.docket import filing_in


def withdraw(
    db: GatedSession, actor: Actor, now: datetime, case_id: UUID, filing_id: UUID, body: WithdrawalIn
) -> tuple[UUID, UUID]:
    """Withdraw a submitted filing with its documents and its receipt, as the side that filed it.

    Raises NotFound, Forbidden for another side, and Conflict for a draft and for a filing that is withdrawn already.
    """
    case = lock_case(db, actor, case_id)
    filing = filing_in(db, case, filing_id)
    circle = circle_of(db, view_of(case))
    party_id = withdrawing_party(circle, actor, filing, body.acting_for)
    if filing.state != "submitted":
        detail = "Only a submitted filing can be withdrawn. Discard the draft instead."
        raise Conflict(detail, "filing-state", state=filing.state)
    if filing.withdrawn_at is not None:
        raise Conflict("This filing is withdrawn already.", "filing-state", state="withdrawn")
    earlier = next(view for view in circle.audiences if view.id == filing.audience_id)
    own = own_side(db, actor, filing, earlier)
    author = author_of(actor, circle.capacity(actor, party_id), party_id)
    withdrawal = {"reason": body.reason, "could_read": _who_could_read(db, circle, filing, earlier)}
    written = contents.write(db, case_id, own.audience_id, withdrawal)
    # By a statement, since a party that has left may withdraw what it filed where it writes nothing more.
    row = update(Filing).where(Filing.id == filing_id).values(withdrawn_at=now, withdrawal_id=written.id)
    db.execute(row.execution_options(synchronize_session=False))
    _seal(db, filing, own.audience_id)
    act = Act("withdraw-filing", now, author, own)
    # Others learn of the filing alone: they can read none of its documents.
    for document in _documents(db, filing_id):
        seal_document(db, Act("withdraw-document", now, author, own), document, earlier, body.reason)
    payload: dict[str, Any] = {"filing_id": str(filing_id), "kind": filing.kind}
    if filing.docket_number is not None:
        payload["docket_number"] = filing.docket_number
    if earlier.id != own.audience_id:
        ledger.record(db, act.within(Subject(case_id, earlier.id, earlier.name)), "filing-withdrawn", payload)
    ledger.record(db, act, "filing-withdrawn", payload, content=written)
    return (case_id, filing_id)


def _seal(db: GatedSession, filing: Filing, audience_id: UUID) -> None:
    """Move the text of a filing, and its receipt, which names title and documents, to the audience of its own side."""
    receipt = select(Certificate.content_id).where(Certificate.filing_id == filing.id)
    sealed = [filing.content_id, *db.execute(receipt).scalars()]
    for moved in (
        update(Content).where(Content.id.in_(sealed)).values(audience_id=audience_id),
        update(Certificate).where(Certificate.filing_id == filing.id).values(audience_id=audience_id),
    ):
        db.execute(moved.execution_options(synchronize_session=False))


def _documents(db: GatedSession, filing_id: UUID) -> list[Document]:
    """The documents of a filing that are not withdrawn, in the order of their numbers."""
    kept = (Document.filing_id == filing_id, Document.state.in_(KEPT), Document.withdrawn_at.is_(None))
    return list(db.execute(select(Document).where(*kept).order_by(Document.number)).scalars())


def _who_could_read(
    db: GatedSession, circle: Circle, filing: Filing, earlier: AudienceView
) -> list[dict[str, Any]] | None:
    """The people of other sides who could read a confidential filing since it was submitted; None if all could.

    Readings of a text are not noted, since lists and events have it too. Somebody who has left since could read it.
    """
    if earlier.name in KNOWN_TO_PARTICIPANTS:
        return None
    columns = (Capacity.id, Capacity.user_id, Capacity.role, Capacity.party_id, Capacity.generation, User.name)
    was_there = or_(Capacity.ended_at.is_(None), Capacity.ended_at > filing.listed_at)
    with as_system(db):
        people = select(*columns).join(User, User.id == Capacity.user_id).where(Capacity.case_id == filing.case_id)
        rows = db.execute(people.where(was_there, Capacity.pending.is_(False)).order_by(User.name, Capacity.id)).all()
    held = [CapacityView(row.id, row.user_id, row.role, row.party_id, row.generation) for row in rows]
    readers = readers_of(circle.case, circle.parties, held, (earlier,))[earlier.id]
    own_parties = {filing.author_party_id, *(UUID(entry["party_id"]) for entry in filing.joined_by)}
    own = {row.user_id for row in rows if row.party_id in own_parties and row.party_id is not None}
    others = {row.user_id: row for row in rows if row.user_id in readers - own - {filing.author_id}}
    named = [{"user_id": str(row.user_id), "name": row.name, "capacity": row.role} for row in others.values()]
    registry = [{"user_id": None, "name": None, "capacity": "registry"}] if STAFF in readers else []
    return [*named, *registry]
