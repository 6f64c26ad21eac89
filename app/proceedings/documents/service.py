"""Documents of filings and settlements: taken while these are drafts, moved with them, read by those who read them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select, update

from app.core.access.actors import Actor
from app.core.access.circle import Circle
from app.core.access.session import GatedSession
from app.core.contents import service as contents
from app.core.db import AnyRow, new_id
from app.core.errors import Conflict, NotFound
from app.core.files.downloads import StoredFile
from app.core.files.sealing import Key
from app.core.files.uploads import Arrived
from app.core.ledger import service as ledger
from app.core.ledger.acts import Act, Subject, author_of
from app.core.paging import Page, Sort, listed
from app.core.tables.cases import Case
from app.core.tables.contents import Content, DataKey
from app.core.tables.documents import KEPT, Document
from app.proceedings.cases.locking import VIEWED, circle_of, lock_case, view_of
from app.proceedings.documents.holders import Holder, check_references, find, holder_of, may_write
from app.proceedings.documents.schemas import About, DocumentList, DocumentOut, EnclosureOut

_HIDDEN = {"name", "sha256"}
_COLUMNS = tuple(getattr(Document, name) for name in DocumentOut.model_fields if name not in _HIDDEN)
_ALL = (*_COLUMNS, Document.sha256, Document.content_id)
_CASE = (*VIEWED, Case.closed_at)


@dataclass(frozen=True, slots=True)
class Ticket:
    """Leave to bring a document: the id that it will have, the key that seals it, and where it will lie."""

    holder: Holder
    key: Key
    object_key: str


def list_documents(db: GatedSession, actor: Actor, now: datetime, holder: Holder, page: Page) -> DocumentList:
    """The documents of a filing or a draft; NotFound if that is not the actor's to see."""
    find(db, holder)
    statement = select(*_ALL).where(*holder.theirs, Document.state.in_(KEPT))
    found = listed(db, statement, page, Sort(Document.number, Document.id, int))
    return DocumentList(items=_out(db, found.rows), next=found.next, count=found.count)


def read_document(db: GatedSession, actor: Actor, now: datetime, document_id: UUID) -> DocumentOut:
    """One document; NotFound if there is none that the actor may know of."""
    return _out(db, [_row(db, document_id)])[0]


def rows_of(db: GatedSession, filing_ids: Sequence[UUID]) -> Sequence[AnyRow]:
    """The documents of some filings that the actor may know of, in the order of their numbers, in one statement.

    Their names lie in the contents that they name; `enclosed` brings both together.
    """
    theirs = (Document.filing_id.in_(filing_ids), Document.state.in_(KEPT))
    return db.execute(select(*_ALL).where(*theirs).order_by(Document.number)).all() if filing_ids else ()


def rows_of_drafts(db: GatedSession, case_id: UUID, draft_ids: Sequence[UUID]) -> Sequence[AnyRow]:
    """The same of some drafts of a case's settlement."""
    theirs = (Document.case_id == case_id, Document.draft_id.in_(draft_ids), Document.state.in_(KEPT))
    return db.execute(select(*_ALL).where(*theirs).order_by(Document.number)).all() if draft_ids else ()


def enclosed(rows: Sequence[AnyRow], bodies: dict[UUID, contents.Body]) -> dict[UUID, list[EnclosureOut]]:
    """Documents as what they belong to lists them, by its id; `bodies` are the contents that hold their names."""
    found: dict[UUID, list[EnclosureOut]] = {}
    names = set(EnclosureOut.model_fields) - _HIDDEN
    for row in rows:
        told = {name: getattr(row, name) for name in names}
        one = EnclosureOut(name=bodies[row.content_id]["name"], sha256=row.sha256.hex(), **told)
        found.setdefault(holder_of(row).id, []).append(one)
    return found


def move(db: GatedSession, filing_id: UUID, audience_id: UUID) -> None:
    """Let a filing's documents, and their names, be known to another audience; who reads them now must be the actor.

    What was removed stays where it was.
    """
    db.flush()
    theirs = (Document.filing_id == filing_id, Document.state.in_(KEPT))
    rows = db.execute(select(Document.id, Document.content_id).where(*theirs)).all()
    for table, ids in ((Document, [row.id for row in rows]), (Content, [row.content_id for row in rows])):
        moved = update(table).where(table.id.in_(ids)).values(audience_id=audience_id)
        db.execute(moved.execution_options(synchronize_session=False))


def _row(db: GatedSession, document_id: UUID, *more: object) -> AnyRow:
    kept = (Document.id == document_id, Document.state.in_(KEPT))
    row = db.execute(select(*_ALL, Document.object_key).where(*kept)).one_or_none()
    if row is None:
        raise NotFound
    return row


def _out(db: GatedSession, rows: Sequence[AnyRow]) -> list[DocumentOut]:
    bodies = contents.read_many(db, [row.content_id for row in rows])
    names = set(DocumentOut.model_fields) - _HIDDEN
    return [
        DocumentOut(
            name=bodies[row.content_id]["name"],
            sha256=row.sha256.hex(),
            **{name: getattr(row, name) for name in names},
        )
        for row in rows
    ]


def may_upload(db: GatedSession, actor: Actor, now: datetime, holder: Holder, about: About, most: int) -> Ticket:
    """Leave to bring one more document to a draft; judged again once the bytes lie.

    Raises NotFound for a draft of another side, Forbidden for who did not draft it, Conflict once it is submitted or
    frozen, the case closed, or where it has `most` documents already, Invalid if what it refers to is not there.
    """
    case = db.execute(select(*_CASE).where(Case.id == holder.case_id)).one_or_none()
    if case is None:
        raise NotFound
    may_write(actor, case, circle_of(db, view_of(case)), holder, find(db, holder))
    _check_room(db, holder, most)
    check_references(db, holder, about)
    return Ticket(holder, Key(data_key(db, holder.case_id), new_id(db)), _new_object_key(db))


def _new_object_key(db: GatedSession) -> str:
    # Another random number than the document's: who sees the storage learns no ids.
    name = new_id(db).hex
    return f"{name[:2]}/{name}"


def data_key(db: GatedSession, case_id: UUID) -> bytes:
    """The key of a case's contents; Destroyed if it was, Misconfigured if the master key does not open it."""
    wrapped = db.execute(select(DataKey.wrapped).where(DataKey.case_id == case_id)).scalar_one()
    sealer = db.sealer
    return sealer.unwrap(wrapped)


def _check_room(db: GatedSession, holder: Holder, most: int) -> None:
    kept = select(Document.id).where(*holder.theirs, Document.state.in_(KEPT))
    if len(db.execute(kept.limit(most)).all()) >= most:
        raise Conflict(f"At most {most} documents are taken here.", "documents-full", most=most)


def store(
    db: GatedSession,
    actor: Actor,
    now: datetime,
    ticket: Ticket,
    arrived: Arrived,
    about: About,
    most: int,
    scans: bool,
) -> tuple[UUID]:
    """Enter a document whose bytes lie already; the same file under the same name is the one that is there.

    Raises what `may_upload` raises: all of it may have changed meanwhile.
    """
    holder = ticket.holder
    case = lock_case(db, actor, holder.case_id)
    draft, known = find(db, holder), circle_of(db, view_of(case))
    party_id = may_write(actor, case, known, holder, draft)
    if (same := _same(db, holder, arrived, about)) is not None:
        return (same,)
    _check_room(db, holder, most)
    version = check_references(db, holder, about)
    file = {"media_type": arrived.file.kind.media_type, "size": arrived.size}
    body = {"name": arrived.file.name, "sha256": arrived.sha256.hex(), **file}
    written = contents.write(db, holder.case_id, draft.audience_id, body)
    numbers = db.execute(select(func.max(Document.number)).where(*holder.theirs)).scalar()
    row = Document(
        id=arrived.id,
        case_id=holder.case_id,
        audience_id=draft.audience_id,
        filing_id=holder.id if holder.kind == "filing" else None,
        draft_id=holder.id if holder.kind == "draft" else None,
        number=(numbers or 0) + 1,
        author_id=actor.id,
        author_party_id=party_id,
        content_id=written.id,
        sha256=arrived.sha256,
        version=version,
        state="quarantined" if scans else "stored",
        object_key=arrived.object_key,
        stored_at=now,
        **file,
        **about.model_dump(),
    )
    db.add(row)
    db.flush()
    _record(db, now, actor, known, row, "document-stored", "upload", written)
    return (row.id,)


def _same(db: GatedSession, holder: Holder, arrived: Arrived, about: About) -> UUID | None:
    alike = [*holder.theirs, Document.sha256 == arrived.sha256, Document.size == arrived.size]
    if holder.kind == "draft":
        # One file may hold the text in two languages side by side.
        alike += [Document.language == about.language, Document.relation == about.relation]
    rows = db.execute(select(*_ALL).where(*alike, Document.state.in_(KEPT))).all()
    return next((one.id for one in _out(db, rows) if one.name == arrived.file.name), None)


def _record(
    db: GatedSession,
    now: datetime,
    actor: Actor,
    known: Circle,
    row: Document,
    kind: str,
    act: str,
    content: contents.Written | None,
) -> None:
    name = next(view.name for view in known.audiences if view.id == row.audience_id)
    subject = Subject(row.case_id, row.audience_id, name)
    # Its digest is in the contents, behind their salt: here it would let anybody test a guess.
    holder = holder_of(row)
    payload = {"document_id": str(row.id), f"{holder.kind}_id": str(holder.id), "number": row.number}
    held = known.holdings(actor)[0]
    by = author_of(actor, held.capacity, row.author_party_id)
    ledger.record(db, Act(act, now, by, subject), kind, payload, content=content)


def remove(db: GatedSession, actor: Actor, now: datetime, document_id: UUID) -> tuple[UUID]:
    """Take a document out of a draft; its bytes are swept later.

    Raises NotFound for what is not there, Forbidden for another side, and Conflict once that is submitted or frozen, or
    while another document of a settlement's texts is a translation of this one or an annex to it.
    """
    found = _row(db, document_id)
    case = lock_case(db, actor, found.case_id)
    kept = (Document.id == document_id, Document.state.in_(KEPT))
    row = db.execute(select(Document).where(*kept)).scalar_one_or_none()
    if row is None:
        raise NotFound
    holder, known = holder_of(row), circle_of(db, view_of(case))
    may_write(actor, case, known, holder, find(db, holder))
    if holder.kind == "draft":
        _check_unrelated(db, holder, document_id)
    row.state = "removed"
    _record(db, now, actor, known, row, "document-removed", "remove", None)
    return (document_id,)


def _check_unrelated(db: GatedSession, holder: Holder, document_id: UUID) -> None:
    of_it = (*holder.theirs, Document.related_id == document_id, Document.state.in_(KEPT))
    if db.execute(select(Document.id).where(*of_it).limit(1)).first() is not None:
        detail = "A translation of this document, or an annex to it, is in the draft: remove that first."
        raise Conflict(detail, "document-related")


def leaf(db: GatedSession, actor: Actor, now: datetime, document_id: UUID) -> StoredFile:
    """What is needed to hand out a document.

    Raises NotFound if there is none that the actor may know of, and Conflict while it is quarantined.
    """
    row = _row(db, document_id)
    if row.state != "stored":
        raise Conflict("The document is quarantined until it was scanned.", "document-quarantined")
    name = contents.read_one(db, row.content_id)["name"]
    key = Key(data_key(db, row.case_id), document_id)
    return StoredFile(document_id, name, row.media_type, row.size, row.sha256, row.object_key, key)
