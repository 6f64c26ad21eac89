"""Who read a confidential document: noted before its bytes go out, and told to the side that it protects."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import insert, select

from app.core.access import service as access
from app.core.access.actors import Actor
from app.core.access.gate import KNOWN_TO_PARTICIPANTS
from app.core.access.policy import AudienceView
from app.core.access.session import GatedSession, as_system
from app.core.db import new_id
from app.core.errors import NotFound
from app.core.paging import Page, Sort, listed
from app.core.tables.audiences import Audience
from app.core.tables.documents import Document, DocumentAccess
from app.core.tables.people import User
from app.proceedings.cases.locking import circle_of, lock_case, require_case, view_of
from app.proceedings.documents.schemas import AccessList, AccessOut

_COLUMNS = tuple(getattr(DocumentAccess, name) for name in AccessOut.model_fields if name != "name")


def list_accesses(db: GatedSession, actor: Actor, now: datetime, case_id: UUID, page: Page) -> AccessList:
    """The reads of what one's own side filed in confidence; NotFound if the case is not the actor's to see."""
    require_case(db, case_id)
    statement = select(*_COLUMNS, User.name).join(User, User.id == DocumentAccess.user_id)
    rows = statement.where(DocumentAccess.case_id == case_id)
    found = listed(db, rows, page, Sort(DocumentAccess.read_at, DocumentAccess.id, datetime, newest_first=True))
    return AccessList(items=[AccessOut.model_validate(row) for row in found.rows], next=found.next, count=found.count)


def note_access(db: GatedSession, actor: Actor, now: datetime, document_id: UUID, start: int, end: int) -> None:
    """Note that somebody is about to read the bytes from `start` up to `end` of a document.

    Its author's own reads are not noted, nor those of what every participant knows. NotFound if it is not there.
    """
    columns = (Document.case_id, Document.audience_id, Document.author_id, Document.author_party_id, Audience.name)
    statement = select(*columns).join(Audience, Audience.id == Document.audience_id)
    document = db.execute(statement.where(Document.id == document_id)).one_or_none()
    if document is None:
        raise NotFound
    if document.author_id == actor.id or document.name in KNOWN_TO_PARTICIPANTS:
        return
    known = circle_of(db, view_of(lock_case(db, actor, document.case_id)))
    view = next(view for view in known.audiences if view.id == document.audience_id)
    audience_id = access.audience(db, document.case_id, *_protected(view, document.author_party_id))
    # The reader is not of the side that learns of it.
    with as_system(db):
        row = {"document_id": document_id, "user_id": actor.id, "read_at": now, "bytes_from": start, "bytes_until": end}
        where = {"id": new_id(db), "case_id": document.case_id, "audience_id": audience_id}
        db.execute(insert(DocumentAccess).values(**where, **row))


def _protected(view: AudienceView, author_party_id: UUID | None) -> tuple[str, frozenset[UUID]]:
    """The audience of the side whose confidence it is: its parties', the mediators' or the registry's own."""
    if view.party_ids:
        return "party", view.party_ids
    if author_party_id is not None:
        return "party", frozenset({author_party_id})
    return ("registry" if view.name == "registry" else "mediators"), frozenset()
