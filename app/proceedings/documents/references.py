"""References of documents to others: made within one audience, and shown to those who may read both documents."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import aliased

from app.core.access.session import GatedSession
from app.core.db import AnyRow
from app.core.errors import invalid
from app.core.tables.documents import KEPT, Document
from app.proceedings.documents.holders import Holder, holder_of, read_holder
from app.proceedings.documents.schemas import OF_A_TEXT, OF_ANOTHER, About

_REFERRED = aliased(Document)


def _readable(reference: Any) -> Any:
    # The gate filters this selection too.
    kept = (_REFERRED.id == reference, _REFERRED.state.in_(KEPT))
    return select(_REFERRED.id).where(*kept).correlate(Document).scalar_subquery()


# The references of a document, each null for those who cannot read the document to which it refers.
RELATED_ID = _readable(Document.related_id).label("related_id")
REPLACES_ID = _readable(Document.replaces_id).label("replaces_id")


def versions_of(db: GatedSession, rows: Sequence[AnyRow]) -> dict[UUID, int]:
    """Return the version of each document by its id, counted among the versions that the actor can read."""
    earlier = {row.id: row.replaces_id for row in rows}
    while missing := {id for id in earlier.values() if id is not None} - earlier.keys():
        chain = db.execute(select(Document.id, REPLACES_ID).where(Document.id.in_(missing))).all()
        earlier |= {row.id: row.replaces_id for row in chain}
    return {row.id: _length(earlier, row.id) for row in rows}


def _length(earlier: dict[UUID, UUID | None], document_id: UUID) -> int:
    length, previous = 1, earlier[document_id]
    while previous is not None:
        length, previous = length + 1, earlier[previous]
    return length


def check_references(db: GatedSession, holder: Holder, about: About) -> int:
    """Return the version that a new document will have.

    Raises Invalid for a reference that is missing, that the relation excludes, or to a document that is not there or
    that is for another audience. A redaction may also name a document of the filing that its own filing redacts.
    """
    if holder.kind == "draft":
        _check_text(about)
    elif (about.relation in OF_ANOTHER) != (about.related_id is not None):
        detail = f"Send 'related_id' with the relations {', '.join(sorted(OF_ANOTHER))}; leave it out with others."
        raise invalid("query/related_id", "related-document", detail)
    version = 1
    for field, document_id in (("related_id", about.related_id), ("replaces_id", about.replaces_id)):
        if document_id is None:
            continue
        document = _referred(db, holder, document_id)
        is_redaction = field == "related_id" and about.relation == "redaction-of"
        if document is None or not _may_refer(db, holder, document, is_redaction):
            detail = "Name a document of this case that has the same audience, by its id."
            raise invalid(f"query/{field}", "unknown-document", detail)
        if holder.kind == "draft":
            _check_draft_reference(field, document.draft_id == holder.id)
        version = versions_of(db, [document])[document_id] + 1 if field == "replaces_id" else version
    return version


def _referred(db: GatedSession, holder: Holder, document_id: UUID) -> AnyRow | None:
    columns = (Document.id, Document.case_id, Document.filing_id, Document.draft_id, REPLACES_ID)
    kept = (Document.case_id == holder.case_id, Document.id == document_id, Document.state.in_(KEPT))
    return db.execute(select(*columns).where(*kept)).one_or_none()


def _may_refer(db: GatedSession, holder: Holder, document: AnyRow, is_redaction: bool) -> bool:
    """Whether both are for one audience, that of a draft being the one to which it will be submitted.

    A redaction tells of the complete version by itself, and its reference is null for those who cannot read that one.
    """
    other = holder_of(document)
    if other == holder:
        return True
    own, others = read_holder(db, holder), read_holder(db, other)
    if is_redaction and holder.kind == other.kind == "filing" and own.redacts_id == other.id:
        return True
    return (own.audience_name, own.party_ids) == (others.audience_name, others.party_ids)


def _check_text(about: About) -> None:
    if about.language is None:
        raise invalid("query/language", "language", "Name the language of the text, as in '?language=fr'.")
    if about.relation not in OF_A_TEXT:
        detail = f"Choose a relation that the text of a settlement can have: {', '.join(OF_A_TEXT)}."
        raise invalid("query/relation", "text-relation", detail)
    if about.related_id is not None and about.relation not in OF_ANOTHER:
        relations = " and ".join(relation for relation in OF_A_TEXT if relation in OF_ANOTHER)
        detail = f"With the text of a settlement, send 'related_id' only for the relations {relations}."
        raise invalid("query/related_id", "related-document", detail)


def _check_draft_reference(field: str, is_of_this_draft: bool) -> None:
    """Refuse references out of the draft, since it is signed as a whole, and two versions of a text in one draft."""
    if field == "related_id" and not is_of_this_draft:
        detail = "Name a document of the same draft, or leave 'related_id' out if the document refers to the clauses."
        raise invalid("query/related_id", "unknown-document", detail)
    if field == "replaces_id" and is_of_this_draft:
        detail = "A draft holds one version of each document. Remove the old version and upload the new one."
        raise invalid("query/replaces_id", "same-draft", detail)
