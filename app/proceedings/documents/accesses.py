"""Accesses to confidential documents: noted before the bytes are sent, and shown to the filing side."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import insert, select

from app.core.access import service as access
from app.core.access.actors import Actor
from app.core.access.criteria import KNOWN_TO_PARTICIPANTS
from app.core.access.policy import AudienceView
from app.core.access.session import GatedSession, as_system
from app.core.db import new_id
from app.core.errors import NotFound
from app.core.paging import Page, Sort, listed
from app.core.tables.audiences import Audience
from app.core.tables.documents import Document, DocumentAccess
from app.core.tables.people import User
from app.proceedings.cases.circle import circle_of, view_of
from app.proceedings.cases.lock import lock_case, require_case
from app.proceedings.documents.schemas import AccessList, AccessOut

_COLUMNS = tuple(getattr(DocumentAccess, name) for name in AccessOut.model_fields if name != "name")


def list_accesses(db: GatedSession, actor: Actor, now: datetime, case_id: UUID, page: Page) -> AccessList:
    """Return a page of the reads of what the actor's side filed in confidence.

    Raises NotFound if the actor may not see the case.
    """
    require_case(db, case_id)
    statement = select(*_COLUMNS, User.name).join(User, User.id == DocumentAccess.user_id)
    rows = statement.where(DocumentAccess.case_id == case_id)
    listing = listed(db, rows, page, Sort(DocumentAccess.read_at, DocumentAccess.id, datetime, newest_first=True))
    items = [AccessOut.model_validate(row) for row in listing.rows]
    return AccessList(items=items, next=listing.next, count=listing.count)


def note_access(db: GatedSession, actor: Actor, now: datetime, document_id: UUID, start: int, end: int) -> None:
    """Note that the actor is about to read the bytes of a document from `start` up to, not including, `end`.

    Reads by its author, and of documents that all participants know, are not noted. Raises NotFound.
    """
    columns = (
        Document.case_id,
        Document.audience_id,
        Document.author_id,
        Document.author_party_id,
        Audience.name.label("audience"),
    )
    statement = select(*columns).join(Audience, Audience.id == Document.audience_id)
    document = db.execute(statement.where(Document.id == document_id)).one_or_none()
    if document is None:
        raise NotFound
    if document.author_id == actor.id or document.audience in KNOWN_TO_PARTICIPANTS:
        return
    circle = circle_of(db, view_of(lock_case(db, actor, document.case_id)))
    audience = next(audience for audience in circle.audiences if audience.id == document.audience_id)
    # Of the document's own generation: who came after the document must not learn of it from its reads.
    name, party_ids = _protected_side(audience, document.author_party_id)
    audience_id = access.audience(db, document.case_id, name, party_ids, generation=audience.generation)
    # The reader does not belong to the side that may see the access.
    with as_system(db):
        values = {
            "id": new_id(db),
            "case_id": document.case_id,
            "audience_id": audience_id,
            "document_id": document_id,
            "user_id": actor.id,
            "read_at": now,
            "bytes_from": start,
            "bytes_until": end,
        }
        db.execute(insert(DocumentAccess).values(**values))


def _protected_side(audience: AudienceView, author_party_id: UUID | None) -> tuple[str, frozenset[UUID]]:
    """The name and the parties of the audience of the side that a confidential document protects."""
    if audience.party_ids:
        return "party", audience.party_ids
    if author_party_id is not None:
        return "party", frozenset({author_party_id})
    return ("registry" if audience.name == "registry" else "mediators"), frozenset()
