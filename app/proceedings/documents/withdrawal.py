"""Withdrawal of a document that was filed by mistake: at once, only the side that filed it can read it."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update

from app.core.access import service as access
from app.core.access.actors import Actor
from app.core.access.circle import Circle
from app.core.access.criteria import KNOWN_TO_PARTICIPANTS
from app.core.access.policy import AudienceView
from app.core.access.session import GatedSession
from app.core.contents import service as contents
from app.core.errors import Conflict, Forbidden, NotFound
from app.core.ledger import service as ledger
from app.core.ledger.acts import Act, Subject, author_of
from app.core.tables.contents import Content
from app.core.tables.documents import KEPT, Document, DocumentAccess
from app.core.tables.filings import Filing
from app.core.tables.people import User
from app.proceedings.cases.circle import circle_of, view_of
from app.proceedings.cases.lock import lock_case
from app.proceedings.documents.schemas import WithdrawalIn


def withdraw(db: GatedSession, actor: Actor, now: datetime, document_id: UUID, body: WithdrawalIn) -> tuple[UUID]:
    """Withdraw a document of a submitted filing, as the side that filed it, with the list of those who had read it.

    Its readers learn that it was withdrawn and can no longer read it. Raises NotFound, Forbidden for another side, and
    Conflict for a document of a draft or of a settlement's text, and for one that is withdrawn already.
    """
    case_id = db.execute(select(Document.case_id).where(Document.id == document_id)).scalar_one_or_none()
    if case_id is None:
        raise NotFound
    case = lock_case(db, actor, case_id)
    # Read again: it may have been removed or withdrawn while this waited for the lock.
    kept = (Document.id == document_id, Document.state.in_(KEPT))
    document = db.execute(select(Document).where(*kept)).scalar_one_or_none()
    if document is None:
        raise NotFound
    filing = _filing(db, document)
    circle = circle_of(db, view_of(case))
    party_id = withdrawing_party(circle, actor, filing or document, body.acting_for)
    if filing is None or filing.state != "submitted":
        detail = "Only a document of a submitted filing can be withdrawn. Remove it from the draft instead."
        raise Conflict(detail, "document-state", state=document.state)
    if document.withdrawn_at is not None:
        raise Conflict("This document is withdrawn already. Nothing was changed.", "document-state", state="withdrawn")
    earlier = next(view for view in circle.audiences if view.id == document.audience_id)
    author = author_of(actor, circle.capacity(actor, party_id), party_id)
    own = own_side(db, actor, filing, earlier)
    act = Act("withdraw-document", now, author, own)
    if earlier.id != own.audience_id:
        others = act.within(Subject(case.id, earlier.id, earlier.name))
        ledger.record(db, others, "document-withdrawn", _payload(document))
    seal_document(db, act, document, earlier, body.reason)
    return (document_id,)


def seal_document(db: GatedSession, act: Act, document: Document, earlier: AudienceView, reason: str | None) -> None:
    """Seal a document of a submitted filing, with its name, for its own side, which is the subject of the act."""
    own = act.subject
    withdrawal = {"reason": reason, "read_by": _readers(db, document, earlier)}
    written = contents.write(db, document.case_id, own.audience_id, withdrawal)
    document.withdrawn_at, document.withdrawal_id = act.at, written.id
    document.audience_id = own.audience_id
    named = update(Content).where(Content.id == document.content_id).values(audience_id=own.audience_id)
    db.execute(named.execution_options(synchronize_session=False))
    ledger.record(db, act, "document-withdrawn", _payload(document), content=written)


def _payload(document: Document) -> dict[str, Any]:
    return {"document_id": str(document.id), "filing_id": str(document.filing_id), "number": document.number}


def _filing(db: GatedSession, document: Document) -> Filing | None:
    if document.filing_id is None:
        return None
    return db.execute(select(Filing).where(Filing.id == document.filing_id)).scalar_one_or_none()


def withdrawing_party(circle: Circle, actor: Actor, filed: Filing | Document, acting_for: UUID | None) -> UUID | None:
    """The party for which the actor withdraws: the one that filed, or one that joined; None for other authors.

    Raises Forbidden for everybody else, and PartyNotNamed for somebody who acts for several of these parties.
    """
    if filed.author_party_id is not None:
        joined = [UUID(entry["party_id"]) for entry in filed.joined_by] if isinstance(filed, Filing) else []
        if own := circle.parties_of(actor) & {filed.author_party_id, *joined}:
            return circle.acting_party(actor, acting_for, own)
        is_allowed = False
    else:
        is_allowed = filed.author_id == actor.id
    if not is_allowed:
        raise Forbidden("Only the side that filed something may withdraw it.", "not-your-capacity")
    circle.acting_party(actor, acting_for)
    return None


def own_side(db: GatedSession, actor: Actor, filing: Filing, earlier: AudienceView) -> Subject:
    """The stream of the side that filed: of its parties, or of the mediators or the registry.

    It is of the generations that could read what was filed: a withdrawal opens nothing to those who came since.
    """
    case_id, since = filing.case_id, earlier.since
    if filing.author_party_id is not None:
        parties = frozenset({filing.author_party_id, *(UUID(entry["party_id"]) for entry in filing.joined_by)})
        return Subject(case_id, access.audience(db, case_id, "party", parties, generation=since), "party")
    name = "registry" if actor.is_staff else "mediators"
    return Subject(case_id, access.audience(db, case_id, name, generation=since), name)


def _readers(db: GatedSession, document: Document, audience: AudienceView) -> list[dict[str, Any]] | None:
    """Those who had read a confidential document; None where reads were not noted, since all participants could."""
    if audience.name in KNOWN_TO_PARTICIPANTS:
        return None
    first = func.min(DocumentAccess.read_at).label("first_read_at")
    reads = select(DocumentAccess.user_id, User.name, first).join(User, User.id == DocumentAccess.user_id)
    rows = db.execute(
        reads.where(DocumentAccess.document_id == document.id)
        .group_by(DocumentAccess.user_id, User.name)
        .order_by(first, DocumentAccess.user_id)
    )
    return [
        {"user_id": str(row.user_id), "name": row.name, "first_read_at": row.first_read_at.isoformat()} for row in rows
    ]
