"""Documents of filings: taken while the filing is a draft, moved with it, and read by those who read it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from app.access.service import Actor, Circle
from app.cases.locking import circle_of, lock_case, view_of
from app.cases.models import Case
from app.contents import service as contents
from app.contents.models import Content, DataKey
from app.contents.service import Sealer
from app.db import AnyRow, new_id
from app.documents.arriving import Arrived
from app.documents.models import Document
from app.documents.schemas import OF_ANOTHER, About, DocumentList, DocumentOut
from app.documents.sealing import Key
from app.errors import Conflict, Forbidden, Gone, NotFound, invalid
from app.filings.models import Filing
from app.ledger import service as ledger
from app.paging import Page, listed

KEPT = ("stored", "quarantined")
_HIDDEN = {"name", "sha256"}
_COLUMNS = tuple(getattr(Document, name) for name in DocumentOut.model_fields if name not in _HIDDEN)
_ALL = (*_COLUMNS, Document.sha256, Document.content_id)
_CASE = (Case.id, Case.audience_id, Case.opened_at, Case.lodged_at, Case.served_at, Case.generation, Case.closed_at)


@dataclass(frozen=True, slots=True)
class Ticket:
    """Leave to bring a document to a filing: the id that it will have, the key that seals it, and where it will lie."""

    case_id: UUID
    filing_id: UUID
    key: Key
    object_key: str


@dataclass(frozen=True, slots=True)
class Leaf:
    """A document that may be handed out, with all that is needed to do so."""

    id: UUID
    name: str
    media_type: str
    size: int
    sha256: bytes
    object_key: str
    key: Key


def list_documents(
    db: Session, actor: Actor, now: datetime, case_id: UUID, filing_id: UUID, page: Page
) -> DocumentList:
    """The documents of a filing; NotFound if the filing is not the actor's to see."""
    _filing(db, case_id, filing_id)
    statement = select(*_ALL).where(Document.filing_id == filing_id, Document.state.in_(KEPT))
    found = listed(db, statement, page, Document.number, Document.id, int)
    return DocumentList(items=_out(db, found.rows), next=found.next, count=found.count)


def read_document(db: Session, actor: Actor, now: datetime, document_id: UUID) -> DocumentOut:
    """One document; NotFound if there is none that the actor may know of."""
    return _out(db, [_row(db, document_id)])[0]


def documents_of(db: Session, filing_ids: Sequence[UUID]) -> dict[UUID, list[DocumentOut]]:
    """The documents of some filings that the actor may know of, in the order of their numbers, in two statements."""
    found: dict[UUID, list[DocumentOut]] = {id: [] for id in filing_ids}
    if not filing_ids:
        return found
    theirs = (Document.filing_id.in_(filing_ids), Document.state.in_(KEPT))
    rows = db.execute(select(*_ALL).where(*theirs).order_by(Document.number)).all()
    for document in _out(db, rows):
        if document.filing_id is not None:
            found[document.filing_id].append(document)
    return found


def move(db: Session, filing_id: UUID, audience_id: UUID) -> None:
    """Let a filing's documents, and their names, be known to another audience; who reads them now must be the actor.

    What was removed stays where it was.
    """
    db.flush()
    theirs = (Document.filing_id == filing_id, Document.state.in_(KEPT))
    rows = db.execute(select(Document.id, Document.content_id).where(*theirs)).all()
    for table, ids in ((Document, [row.id for row in rows]), (Content, [row.content_id for row in rows])):
        moved = update(table).where(table.id.in_(ids)).values(audience_id=audience_id)
        db.execute(moved.execution_options(synchronize_session=False))


def _row(db: Session, document_id: UUID, *more: object) -> AnyRow:
    kept = (Document.id == document_id, Document.state.in_(KEPT))
    row = db.execute(select(*_ALL, Document.object_key).where(*kept)).one_or_none()
    if row is None:
        raise NotFound
    return row


def _out(db: Session, rows: Sequence[AnyRow]) -> list[DocumentOut]:
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


def _filing(db: Session, case_id: UUID, filing_id: UUID) -> AnyRow:
    columns = (Filing.id, Filing.audience_id, Filing.state, Filing.author_id, Filing.author_party_id)
    statement = select(*columns, Filing.received_via).where(Filing.case_id == case_id, Filing.id == filing_id)
    filing = db.execute(statement).one_or_none()
    if filing is None:
        raise NotFound
    return filing


def may_upload(
    db: Session, actor: Actor, now: datetime, case_id: UUID, filing_id: UUID, about: About, most: int
) -> Ticket:
    """Leave to bring one more document to a draft; judged again once the bytes lie.

    Raises NotFound for a draft of another side, Forbidden for who did not draft the filing, Conflict once it is
    submitted, the case closed, or where it has `most` documents already, Invalid if what it refers to is not there.
    """
    case = db.execute(select(*_CASE).where(Case.id == case_id)).one_or_none()
    if case is None:
        raise NotFound
    filing = _filing(db, case_id, filing_id)
    _check_may_write(actor, case, circle_of(db, view_of(case)), filing)
    _check_room(db, filing_id, most)
    _check_references(db, case_id, about)
    return Ticket(case_id, filing_id, Key(data_key(db, case_id), new_id(db)), _new_object_key(db))


def _new_object_key(db: Session) -> str:
    # Another random number than the document's: who sees the storage learns no ids.
    name = new_id(db).hex
    return f"{name[:2]}/{name}"


def data_key(db: Session, case_id: UUID) -> bytes:
    """The key of a case's contents; Gone if it was destroyed, Misconfigured if the master key does not open it."""
    wrapped = db.execute(select(DataKey.wrapped).where(DataKey.case_id == case_id)).scalar_one_or_none()
    if wrapped is None:
        raise Gone("The key of this case was destroyed: its documents can be read no more.", "key-destroyed")
    sealer: Sealer = db.info["sealer"]
    return sealer.unwrap(wrapped)


def _check_may_write(actor: Actor, case: Case | AnyRow, known: Circle, filing: AnyRow) -> None:
    if not _is_of_its_side(actor, known, filing):
        raise Forbidden("The side that drafts a filing brings its documents.", "not-your-capacity")
    if filing.state != "draft":
        raise Conflict("This filing is submitted already.", "filing-state", state=filing.state)
    if case.closed_at is not None:
        raise Conflict("The case is closed.", "step-not-open", stage="closed", reasons=[])


def _is_of_its_side(actor: Actor, known: Circle, filing: AnyRow) -> bool:
    if filing.received_via is not None:
        return actor.is_staff
    if filing.author_party_id is not None:
        return filing.author_party_id in known.parties_of(actor)
    # A draft of the mediators or the registry is seen by themselves alone.
    return bool(filing.state == "draft" or filing.author_id == actor.id)


def _check_room(db: Session, filing_id: UUID, most: int) -> None:
    kept = (Document.filing_id == filing_id, Document.state.in_(KEPT))
    if len(db.execute(select(Document.id).where(*kept).limit(most)).all()) >= most:
        raise Conflict(f"A filing has at most {most} documents.", "documents-full", most=most)


def _check_references(db: Session, case_id: UUID, about: About) -> int:
    """The version that the document will be; Invalid if what it refers to is not there, or missing."""
    if (about.relation in OF_ANOTHER) != (about.related_id is not None):
        needs = f"{', '.join(sorted(OF_ANOTHER))} name the document that they are of; the others name none."
        raise invalid("query/related_id", "related-document", needs)
    version = 1
    for place, id in (("related_id", about.related_id), ("replaces_id", about.replaces_id)):
        if id is None:
            continue
        there = (Document.case_id == case_id, Document.id == id, Document.state.in_(KEPT))
        found = db.execute(select(Document.version).where(*there)).one_or_none()
        if found is None:
            raise invalid(f"query/{place}", "unknown-document", "Name a document of this case by its id.")
        version = found.version + 1 if place == "replaces_id" else version
    return version


def store(
    db: Session, actor: Actor, now: datetime, ticket: Ticket, arrived: Arrived, about: About, most: int, scans: bool
) -> tuple[UUID]:
    """Enter a document whose bytes lie already; the same file under the same name is the one that is there.

    Raises what `may_upload` raises: all of it may have changed meanwhile.
    """
    case = lock_case(db, actor, ticket.case_id)
    filing = _filing(db, ticket.case_id, ticket.filing_id)
    known = circle_of(db, view_of(case))
    _check_may_write(actor, case, known, filing)
    if (same := _same(db, ticket.filing_id, arrived)) is not None:
        return (same,)
    _check_room(db, ticket.filing_id, most)
    version = _check_references(db, ticket.case_id, about)
    file = {"media_type": arrived.file.kind.media_type, "size": arrived.size}
    body = {"name": arrived.file.name, "sha256": arrived.sha256.hex(), **file}
    written = contents.write(db, ticket.case_id, filing.audience_id, body)
    numbers = db.execute(select(func.max(Document.number)).where(Document.filing_id == filing.id)).scalar()
    row = Document(
        id=arrived.id,
        case_id=ticket.case_id,
        audience_id=filing.audience_id,
        filing_id=filing.id,
        draft_id=None,
        number=(numbers or 0) + 1,
        author_id=actor.id,
        author_party_id=filing.author_party_id,
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


def _same(db: Session, filing_id: UUID, arrived: Arrived) -> UUID | None:
    alike = (Document.filing_id == filing_id, Document.sha256 == arrived.sha256, Document.size == arrived.size)
    rows = db.execute(select(*_ALL).where(*alike, Document.state.in_(KEPT))).all()
    return next((one.id for one in _out(db, rows) if one.name == arrived.file.name), None)


def _record(
    db: Session,
    now: datetime,
    actor: Actor,
    known: Circle,
    row: Document,
    kind: str,
    act: str,
    content: contents.Written | None,
) -> None:
    name = next(view.name for view in known.audiences if view.id == row.audience_id)
    subject = ledger.Subject(row.case_id, row.audience_id, name)
    # Its digest is in the contents, behind their salt: here it would let anybody test a guess.
    payload = {"document_id": str(row.id), "filing_id": str(row.filing_id), "number": row.number}
    held = known.holdings(actor)[0]
    by = ledger.actor_of(actor, held.capacity, row.author_party_id)
    ledger.record(db, now, subject, kind, act, by, payload, content=content)


def remove(db: Session, actor: Actor, now: datetime, document_id: UUID) -> tuple[UUID]:
    """Take a document out of a draft; its bytes are swept later.

    Raises NotFound for what is not there, Forbidden for another side, and Conflict once the filing is submitted.
    """
    found = _row(db, document_id)
    case = lock_case(db, actor, found.case_id)
    kept = (Document.id == document_id, Document.state.in_(KEPT))
    row = db.execute(select(Document).where(*kept)).scalar_one_or_none()
    if row is None or row.filing_id is None:
        raise NotFound
    known = circle_of(db, view_of(case))
    _check_may_write(actor, case, known, _filing(db, row.case_id, row.filing_id))
    row.state = "removed"
    _record(db, now, actor, known, row, "document-removed", "remove", None)
    return (document_id,)


def leaf(db: Session, actor: Actor, now: datetime, document_id: UUID) -> Leaf:
    """What is needed to hand out a document.

    Raises NotFound if there is none that the actor may know of, and Conflict while it is quarantined.
    """
    row = _row(db, document_id)
    if row.state != "stored":
        raise Conflict("The document is quarantined until it was scanned.", "document-quarantined")
    name = contents.read_one(db, row.content_id)["name"]
    key = Key(data_key(db, row.case_id), document_id)
    return Leaf(document_id, name, row.media_type, row.size, row.sha256, row.object_key, key)
