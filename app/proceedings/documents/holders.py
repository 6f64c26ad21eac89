"""What documents are brought to, a filing or a draft of a settlement: who may bring them there, and until when."""

from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import ColumnElement, select

from app.core.access.actors import Actor
from app.core.access.circle import Circle
from app.core.access.policy import REPRESENTATIVES
from app.core.access.session import GatedSession
from app.core.db import AnyRow
from app.core.errors import Conflict, Forbidden, NotFound, invalid
from app.core.tables.cases import Case
from app.core.tables.documents import KEPT, Document
from app.core.tables.filings import Filing
from app.core.tables.settlements import Draft
from app.proceedings.documents.schemas import OF_A_TEXT, OF_ANOTHER, About

_FILING = (
    Filing.id,
    Filing.audience_id,
    Filing.state,
    Filing.author_id,
    Filing.author_party_id,
    Filing.received_via,
    Filing.joined_by,
)
_DRAFT = (Draft.id, Draft.audience_id, Draft.state, Draft.author_id)


@dataclass(frozen=True, slots=True)
class Holder:
    """A filing, or a draft of a settlement, of a case."""

    kind: Literal["filing", "draft"]
    case_id: UUID
    id: UUID

    @property
    def theirs(self) -> tuple[ColumnElement[bool], ...]:
        """What its documents are found by, those that were removed among them."""
        if self.kind == "filing":
            return (Document.filing_id == self.id,)
        # The case has an index, and its drafts have few documents.
        return (Document.case_id == self.case_id, Document.draft_id == self.id)


def holder_of(document: Document | AnyRow) -> Holder:
    """What a document belongs to; it is always one of the two."""
    if document.filing_id is not None:
        return Holder("filing", document.case_id, document.filing_id)
    draft_id: Any = document.draft_id
    return Holder("draft", document.case_id, draft_id)


def find(db: GatedSession, holder: Holder) -> AnyRow:
    """The filing or the draft; NotFound if there is none that the actor may know of."""
    if holder.kind == "filing":
        statement = select(*_FILING).where(Filing.case_id == holder.case_id, Filing.id == holder.id)
    else:
        statement = select(*_DRAFT).where(Draft.case_id == holder.case_id, Draft.id == holder.id)
    row = db.execute(statement).one_or_none()
    if row is None:
        raise NotFound
    return row


def may_write(actor: Actor, case: Case | AnyRow, known: Circle, holder: Holder, row: AnyRow) -> UUID | None:
    """The party in whose name the actor brings documents or takes them away, if it is one.

    Raises Forbidden for another side, and Conflict for what is no draft any more, or once the case is closed.
    """
    party_id = _writes_filing(actor, known, row) if holder.kind == "filing" else _writes_draft(actor, known, row)
    if row.state != "draft" and holder.kind == "filing":
        raise Conflict("This filing is submitted already.", "filing-state", state=row.state)
    if row.state != "draft":
        detail = "This text was frozen: nothing of it changes any more. Put another draft before the audience."
        raise Conflict(detail, "draft-state", state=row.state)
    if case.closed_at is not None:
        raise Conflict("The case is closed.", "step-not-open", stage="closed", reasons=[])
    return party_id


def _writes_filing(actor: Actor, known: Circle, filing: AnyRow) -> UUID | None:
    author: UUID | None = filing.author_party_id
    mine = known.parties_of(actor)
    joint = {UUID(one["party_id"]): one["joined_at"] is not None for one in filing.joined_by}
    if filing.received_via is not None:
        allowed = actor.is_staff
    elif author is None:
        # A draft of the mediators or the registry is seen by themselves alone.
        allowed = filing.state == "draft" or filing.author_id == actor.id
    elif author in mine:
        allowed = True
    elif joined := sorted(party for party, has_joined in joint.items() if has_joined and party in mine):
        return joined[0]
    elif filing.state == "draft" and not mine.isdisjoint(joint):
        raise Forbidden("Join the filing first: who files jointly brings documents to it.", "not-your-capacity")
    else:
        allowed = False
    if not allowed:
        raise Forbidden("The side that drafts a filing brings its documents.", "not-your-capacity")
    return author


def _writes_draft(actor: Actor, known: Circle, draft: AnyRow) -> UUID | None:
    """A text is its author's side's: of whoever represents the author's party, or of the mediators."""
    held = [one for one in known.capacities if one.user_id == draft.author_id]
    if known.is_mediator(actor) and any(one.role == "mediator" for one in held):
        return None
    theirs = {one.party_id for one in held if one.role in REPRESENTATIVES and one.party_id is not None}
    ours = sorted(theirs & known.parties_of(actor))
    if not ours:
        raise Forbidden("The side that drafted a text brings its documents.", "not-your-capacity")
    return ours[0]


def check_references(db: GatedSession, holder: Holder, about: About) -> int:
    """The version that a document will be; Invalid if what it refers to is not there, or missing."""
    if holder.kind == "draft":
        _check_text(about)
    elif (about.relation in OF_ANOTHER) != (about.related_id is not None):
        needs = f"{', '.join(sorted(OF_ANOTHER))} name the document that they are of; the others name none."
        raise invalid("query/related_id", "related-document", needs)
    version = 1
    for place, id in (("related_id", about.related_id), ("replaces_id", about.replaces_id)):
        if id is None:
            continue
        there = (Document.case_id == holder.case_id, Document.id == id, Document.state.in_(KEPT))
        found = db.execute(select(Document.version, Document.draft_id).where(*there)).one_or_none()
        if found is None:
            raise invalid(f"query/{place}", "unknown-document", "Name a document of this case by its id.")
        if holder.kind == "draft":
            _check_place(place, found.draft_id == holder.id)
        version = found.version + 1 if place == "replaces_id" else version
    return version


def _check_text(about: About) -> None:
    if about.language is None:
        raise invalid("query/language", "language", "Say in which language the text is: '?language=fr'.")
    if about.relation not in OF_A_TEXT:
        raise invalid("query/relation", "text-relation", f"A settlement's text is one of: {', '.join(OF_A_TEXT)}.")
    if about.related_id is not None and about.relation not in OF_ANOTHER:
        detail = f"Only {', '.join(one for one in OF_A_TEXT if one in OF_ANOTHER)} may name another document."
        raise invalid("query/related_id", "related-document", detail)


def _check_place(place: str, is_of_this_draft: bool) -> None:
    """What is signed together refers to itself alone, and holds no two versions of a text."""
    if place == "related_id" and not is_of_this_draft:
        detail = "Name a document of this very draft, or none if it is of the clauses."
        raise invalid("query/related_id", "unknown-document", detail)
    if place == "replaces_id" and is_of_this_draft:
        detail = "Remove the document that it replaces and upload this one: a draft holds one version of each."
        raise invalid("query/replaces_id", "same-draft", detail)
