"""Documents of filings and of settlement drafts: uploaded to drafts, moved with them, and read by their readers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select, update

from app.core.access.actors import Actor
from app.core.access.circle import Circle
from app.core.access.criteria import left_at
from app.core.access.session import GatedSession
from app.core.contents import service as contents
from app.core.db import AnyRow, new_id
from app.core.errors import Conflict, NotFound
from app.core.files.downloads import StoredFile
from app.core.files.sealing import Key
from app.core.files.uploads import Arrived
from app.core.ledger import service as ledger
from app.core.ledger.acts import Act, Author, Subject, author_of
from app.core.paging import Page, Sort, listed
from app.core.tables.cases import Case
from app.core.tables.contents import Content, DataKey
from app.core.tables.documents import KEPT, Document
from app.core.tables.filings import Filing
from app.proceedings.cases.circle import VIEWED, circle_of, view_of
from app.proceedings.cases.lock import lock_case
from app.proceedings.cases.schemas import ActingIn
from app.proceedings.documents.holders import Holder, holder_of, party_writing, read_holder
from app.proceedings.documents.references import RELATED_ID, REPLACES_ID, check_references, versions_of
from app.proceedings.documents.schemas import About, DocumentList, DocumentOut, EnclosureOut, WithdrawalOut

# What an answer takes from elsewhere than a column of the same name and type.
_HIDDEN = {"name", "sha256", "version", "withdrawn_at", "withdrawal"}
_REFERENCES = {"related_id": RELATED_ID, "replaces_id": REPLACES_ID}
_COLUMNS = (
    *(_REFERENCES.get(name, getattr(Document, name)) for name in DocumentOut.model_fields if name not in _HIDDEN),
    Document.sha256,
    Document.content_id,
    Document.withdrawn_at,
    Document.withdrawal_id,
    left_at(Document),
)
_CASE = (*VIEWED, Case.closed_at)


@dataclass(frozen=True, slots=True)
class Intake:
    """How an installation takes documents: how many a filing or a draft may have, and whether they are scanned."""

    limit: int
    scans: bool


@dataclass(frozen=True, slots=True)
class DocumentTicket:
    """A permission to upload a document, with the key that seals it and the key under which the storage keeps it."""

    holder: Holder
    about: About
    key: Key
    object_key: str


def list_documents(db: GatedSession, actor: Actor, now: datetime, holder: Holder, page: Page) -> DocumentList:
    """Return a page of the documents of a filing or a draft; raises NotFound if the actor may not see that."""
    read_holder(db, holder)
    statement = select(*_COLUMNS).where(*holder.owns, Document.state.in_(KEPT))
    listing = listed(db, statement, page, Sort(Document.number, Document.id, int))
    return DocumentList(items=_out(db, listing.rows), next=listing.next, count=listing.count)


def read_document(db: GatedSession, actor: Actor, now: datetime, document_id: UUID) -> DocumentOut:
    """Return one document; raises NotFound if the actor may not know of it."""
    return _out(db, [_row(db, document_id)])[0]


def rows_of(db: GatedSession, filing_ids: Sequence[UUID]) -> Sequence[AnyRow]:
    """Return the documents of these filings that the actor may know of, by number, with one statement.

    Their names are in the contents that they name; `enclosed` combines both.
    """
    kept = (Document.filing_id.in_(filing_ids), Document.state.in_(KEPT))
    return db.execute(select(*_COLUMNS).where(*kept).order_by(Document.number)).all() if filing_ids else ()


def rows_of_drafts(db: GatedSession, case_id: UUID, draft_ids: Sequence[UUID]) -> Sequence[AnyRow]:
    """Return the documents of these drafts of a case's settlement, as `rows_of` does for filings."""
    kept = (Document.case_id == case_id, Document.draft_id.in_(draft_ids), Document.state.in_(KEPT))
    return db.execute(select(*_COLUMNS).where(*kept).order_by(Document.number)).all() if draft_ids else ()


def enclosed(rows: Sequence[AnyRow], bodies: dict[UUID, contents.Body]) -> dict[UUID, list[EnclosureOut]]:
    """Return documents by the id of their filing or draft; `bodies` are the contents that hold their names."""
    enclosures: dict[UUID, list[EnclosureOut]] = {}
    names = set(EnclosureOut.model_fields) - _HIDDEN
    for row in rows:
        enclosure = EnclosureOut(
            name=bodies[row.content_id]["name"],
            sha256=row.sha256.hex(),
            **{name: getattr(row, name) for name in names},
        )
        enclosures.setdefault(holder_of(row).id, []).append(enclosure)
    return enclosures


def submit(db: GatedSession, actor: Actor, now: datetime, filing: Filing) -> None:
    """Move the documents of a filing that the actor submits, with their names, to the audience of the filing.

    The actor must be able to read them now. Removed documents stay where they are. The others are numbered from 1,
    since a gap would tell of the removed ones. From now on they are stored at the instant of the submission by the
    person who submits: who uploaded each of them, and when, stays in the events of the side that drafted.
    """
    filing_id, audience_id = filing.id, filing.audience_id
    db.flush()
    kept = (Document.filing_id == filing_id, Document.state.in_(KEPT))
    columns = (Document.id, Document.content_id, Document.number)
    rows = db.execute(select(*columns).where(*kept).order_by(Document.number)).all()
    for number, row in enumerate(rows, 1):
        if row.number != number:
            renumbered = update(Document).where(Document.id == row.id).values(number=number)
            db.execute(renumbered.execution_options(synchronize_session=False))
    brought = {"stored_at": now, "author_id": actor.id}
    for moved in (
        update(Document).where(Document.id.in_([row.id for row in rows])).values(audience_id=audience_id, **brought),
        update(Content).where(Content.id.in_([row.content_id for row in rows])).values(audience_id=audience_id),
    ):
        db.execute(moved.execution_options(synchronize_session=False))


def share(db: GatedSession, holder: Holder, audience_id: UUID) -> None:
    """Move the documents of a draft that its author shares, with their names, to the audience of the draft."""
    rows = db.execute(select(Document.id, Document.content_id).where(*holder.owns, Document.state.in_(KEPT))).all()
    for moved in (
        update(Document).where(Document.id.in_([row.id for row in rows])).values(audience_id=audience_id),
        update(Content).where(Content.id.in_([row.content_id for row in rows])).values(audience_id=audience_id),
    ):
        db.execute(moved.execution_options(synchronize_session=False))


def _row(db: GatedSession, document_id: UUID) -> AnyRow:
    kept = (Document.id == document_id, Document.state.in_(KEPT))
    row = db.execute(select(*_COLUMNS, Document.object_key).where(*kept)).one_or_none()
    if row is None:
        raise NotFound
    return row


def _out(db: GatedSession, rows: Sequence[AnyRow]) -> list[DocumentOut]:
    # A party that has left goes on reading what it had joined, as it was.
    withdrawn = [row for row in rows if row.withdrawn_at and not (row.left_at and row.withdrawn_at > row.left_at)]
    withdrawals = [row.withdrawal_id for row in withdrawn]
    bodies = contents.read_many(db, [*(row.content_id for row in rows), *withdrawals])
    versions = versions_of(db, rows)
    names = set(DocumentOut.model_fields) - _HIDDEN
    return [
        DocumentOut(
            name=bodies[row.content_id]["name"],
            sha256=row.sha256.hex(),
            version=versions[row.id],
            withdrawn_at=row.withdrawn_at if row.withdrawal_id in bodies else None,
            withdrawal=WithdrawalOut.model_validate(bodies[row.withdrawal_id]) if row.withdrawal_id in bodies else None,
            **{name: getattr(row, name) for name in names},
        )
        for row in rows
    ]


def may_upload(
    db: GatedSession, actor: Actor, now: datetime, holder: Holder, about: About, intake: Intake
) -> DocumentTicket:
    """Permit the upload of one more document to a draft; `store` checks the same again once the bytes are stored.

    Raises NotFound for a draft that the actor may not see, Forbidden for another side, Conflict once it is submitted or
    frozen, the case is closed or the draft is full, and Invalid for a reference to a document that it cannot refer to.
    """
    case = db.execute(select(*_CASE).where(Case.id == holder.case_id)).one_or_none()
    if case is None:
        raise NotFound
    party_writing(actor, case, circle_of(db, view_of(case)), holder, read_holder(db, holder), about.acting_for)
    _check_room(db, holder, intake.limit)
    check_references(db, holder, about)
    key = Key(data_key(db, holder.case_id), new_id(db))
    return DocumentTicket(holder, about, key, _new_object_key(db))


def _new_object_key(db: GatedSession) -> str:
    # Not the document's own id: readers of the storage must not learn ids.
    name = new_id(db).hex
    return f"{name[:2]}/{name}"


def data_key(db: GatedSession, case_id: UUID) -> bytes:
    """Return the key of a case's contents.

    Raises Destroyed if the key was destroyed, and Misconfigured if the master key does not open it.
    """
    wrapped = db.execute(select(DataKey.wrapped).where(DataKey.case_id == case_id)).scalar_one()
    return db.sealer.unwrap(wrapped)


def _check_room(db: GatedSession, holder: Holder, limit: int) -> None:
    kept = select(Document.id).where(*holder.owns, Document.state.in_(KEPT))
    if len(db.execute(kept.limit(limit)).all()) >= limit:
        detail = f"At most {limit} documents are possible here. Remove one first."
        raise Conflict(detail, "documents-full", most=limit)


def store(
    db: GatedSession, actor: Actor, now: datetime, ticket: DocumentTicket, arrived: Arrived, intake: Intake
) -> tuple[UUID]:
    """Enter a document whose bytes are stored; if the same file is there under the same name, return that one.

    Raises what `may_upload` raises, because all of it may have changed meanwhile.
    """
    holder, about = ticket.holder, ticket.about
    case = lock_case(db, actor, holder.case_id)
    draft, circle = read_holder(db, holder), circle_of(db, view_of(case))
    party_id = party_writing(actor, case, circle, holder, draft, about.acting_for)
    if (same_id := _same(db, holder, arrived, about)) is not None:
        return (same_id,)
    _check_room(db, holder, intake.limit)
    version = check_references(db, holder, about)
    file = {"media_type": arrived.file.kind.media_type, "size": arrived.size}
    body = {"name": arrived.file.name, "sha256": arrived.sha256.hex(), **file}
    content = contents.write(db, holder.case_id, draft.audience_id, body)
    last_number = db.execute(select(func.max(Document.number)).where(*holder.owns)).scalar()
    document = Document(
        id=arrived.id,
        case_id=holder.case_id,
        audience_id=draft.audience_id,
        filing_id=holder.id if holder.kind == "filing" else None,
        draft_id=holder.id if holder.kind == "draft" else None,
        number=(last_number or 0) + 1,
        author_id=actor.id,
        author_party_id=party_id,
        content_id=content.id,
        sha256=arrived.sha256,
        version=version,
        state="quarantined" if intake.scans else "stored",
        object_key=arrived.object_key,
        stored_at=now,
        **file,
        **about.model_dump(exclude={"acting_for"}),
    )
    db.add(document)
    db.flush()
    author = author_of(actor, circle.capacity(actor, party_id), party_id)
    _record(db, _act_on(document, "upload", now, author, circle), document, "document-stored", content)
    return (document.id,)


def _same(db: GatedSession, holder: Holder, arrived: Arrived, about: About) -> UUID | None:
    """The document of the same name and bytes; in a draft of a settlement also of the same language and relation."""
    alike = [*holder.owns, Document.sha256 == arrived.sha256, Document.size == arrived.size]
    if holder.kind == "draft":
        # One file may hold the text in two languages.
        alike += [Document.language == about.language, Document.relation == about.relation]
    rows = db.execute(select(*_COLUMNS).where(*alike, Document.state.in_(KEPT))).all()
    return next((document.id for document in _out(db, rows) if document.name == arrived.file.name), None)


def _act_on(document: Document, name: str, now: datetime, author: Author, circle: Circle) -> Act:
    audience = next(audience for audience in circle.audiences if audience.id == document.audience_id)
    return Act(name, now, author, Subject(document.case_id, audience.id, audience.name))


def _record(db: GatedSession, act: Act, document: Document, kind: str, content: contents.Written | None = None) -> None:
    holder = holder_of(document)
    # The digest is in the contents, behind their salt: in the payload it would let anybody test a guess.
    payload = {"document_id": str(document.id), f"{holder.kind}_id": str(holder.id), "number": document.number}
    ledger.record(db, act, kind, payload, content=content)


def remove(db: GatedSession, actor: Actor, now: datetime, document_id: UUID, body: ActingIn) -> tuple[UUID]:
    """Remove a document from a draft; the worker deletes its bytes later.

    Raises NotFound, Forbidden for another side, and Conflict once the draft is submitted or frozen, the case is closed,
    or while another document of a settlement's draft is a translation of this one or an annex to it.
    """
    row = _row(db, document_id)
    case = lock_case(db, actor, row.case_id)
    # Read again: it may have been removed while this waited for the lock.
    kept = (Document.id == document_id, Document.state.in_(KEPT))
    document = db.execute(select(Document).where(*kept)).scalar_one_or_none()
    if document is None:
        raise NotFound
    holder, circle = holder_of(document), circle_of(db, view_of(case))
    party_id = party_writing(actor, case, circle, holder, read_holder(db, holder), body.acting_for)
    if holder.kind == "draft":
        _check_unrelated(db, holder, document_id)
    document.state = "removed"
    author = author_of(actor, circle.capacity(actor, party_id), party_id)
    _record(db, _act_on(document, "remove", now, author, circle), document, "document-removed")
    return (document_id,)


def _check_unrelated(db: GatedSession, holder: Holder, document_id: UUID) -> None:
    related = (*holder.owns, Document.related_id == document_id, Document.state.in_(KEPT))
    if db.execute(select(Document.id).where(*related).limit(1)).first() is not None:
        detail = "The draft has a translation of this document or an annex to it. Remove that first."
        raise Conflict(detail, "document-related")


def leaf(db: GatedSession, actor: Actor, now: datetime, document_id: UUID) -> StoredFile:
    """Return what a download of a document needs.

    Raises NotFound if there is no document that the actor may know of, and Conflict while it is quarantined.
    """
    row = _row(db, document_id)
    if row.state != "stored":
        raise Conflict("The document is quarantined until it is scanned. Try again later.", "document-quarantined")
    name = contents.read_one(db, row.content_id)["name"]
    key = Key(data_key(db, row.case_id), document_id)
    return StoredFile(document_id, name, row.media_type, row.size, row.sha256, row.object_key, key)
