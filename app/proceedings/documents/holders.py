"""The holders of documents, filings and drafts of settlements: who may write to them, and until when."""

from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import ColumnElement, select

from app.core.access.actors import Actor
from app.core.access.circle import Circle
from app.core.access.policy import REPRESENTATIVES
from app.core.access.session import GatedSession
from app.core.db import AnyRow
from app.core.errors import Conflict, Forbidden, NotFound
from app.core.tables.cases import Case
from app.core.tables.documents import Document
from app.core.tables.filings import Filing
from app.core.tables.settlements import Draft

_FILING = (
    Filing.id,
    Filing.audience_id,
    Filing.state,
    Filing.author_id,
    Filing.author_party_id,
    Filing.received_via,
    Filing.joined_by,
    Filing.audience_name,
    Filing.party_ids,
    Filing.redacts_id,
)
_DRAFT = (
    Draft.id,
    Draft.audience_id,
    Draft.state,
    Draft.author_id,
    Draft.author_party_id,
    Draft.audience_name,
    Draft.party_ids,
)


@dataclass(frozen=True, slots=True)
class Holder:
    """A filing, or a draft of a settlement, of a case."""

    kind: Literal["filing", "draft"]
    case_id: UUID
    id: UUID

    @property
    def owns(self) -> tuple[ColumnElement[bool], ...]:
        """The conditions by which its documents are found, including those that were removed."""
        if self.kind == "filing":
            return (Document.filing_id == self.id,)
        # Documents have an index by case and none by draft, and a case has few drafts.
        return (Document.case_id == self.case_id, Document.draft_id == self.id)


def holder_of(document: Document | AnyRow) -> Holder:
    """Return the filing or the draft that a document belongs to."""
    if document.filing_id is not None:
        return Holder("filing", document.case_id, document.filing_id)
    draft_id: Any = document.draft_id
    return Holder("draft", document.case_id, draft_id)


def read_holder(db: GatedSession, holder: Holder) -> AnyRow:
    """Return the row of the filing or the draft; raises NotFound if the actor may not know of it."""
    if holder.kind == "filing":
        wanted = (Filing.case_id == holder.case_id, Filing.id == holder.id, Filing.discarded_at.is_(None))
        statement = select(*_FILING).where(*wanted)
    else:
        statement = select(*_DRAFT).where(Draft.case_id == holder.case_id, Draft.id == holder.id)
    row = db.execute(statement).one_or_none()
    if row is None:
        raise NotFound
    return row


def party_writing(
    actor: Actor, case: Case | AnyRow, circle: Circle, holder: Holder, row: AnyRow, acting_for: UUID | None
) -> UUID | None:
    """Return the party in whose name the actor may add and remove documents; None for mediators and the registry.

    Raises Forbidden for another side, PartyNotNamed for somebody who represents several parties that may and does not
    say for which they act, and Conflict once the filing is submitted, the draft is frozen, the case is closed, or a
    party that has withdrawn reads the draft as it was.
    """
    if holder.kind == "filing":
        party_id = _party_writing_filing(actor, circle, row, acting_for)
    else:
        party_id = _party_writing_draft(actor, circle, row, acting_for)
    if row.state != "draft" and holder.kind == "filing":
        detail = "This filing is already submitted: its documents can no longer change."
        raise Conflict(detail, "filing-state", state=row.state)
    if row.state != "draft":
        detail = f"This text is {row.state} and cannot be changed. Write another draft."
        raise Conflict(detail, "draft-state", state=row.state)
    if case.closed_at is not None:
        detail = "The case is closed: its documents can no longer change."
        raise Conflict(detail, "step-not-open", stage="closed", reasons=[])
    if circle.has_leavers(row.audience_id, actor):
        # Their copy may not change by a removal; and it can neither be submitted nor frozen any more.
        detail = "A party that reads this draft has withdrawn from the case. Write another draft."
        raise Conflict(detail, "party-withdrawn")
    return party_id


def _party_writing_filing(actor: Actor, circle: Circle, filing: AnyRow, acting_for: UUID | None) -> UUID | None:
    author_party_id: UUID | None = filing.author_party_id
    represented = circle.parties_of(actor)
    has_joined = {UUID(entry["party_id"]): entry["joined_at"] is not None for entry in filing.joined_by}
    if filing.received_via is not None:
        is_allowed = actor.is_staff
    elif author_party_id is None:
        # A draft of the mediators or the registry is seen by themselves alone.
        is_allowed = filing.state == "draft" or filing.author_id == actor.id
    elif joined := [id for id in represented if id == author_party_id or has_joined.get(id)]:
        return circle.acting_party(actor, acting_for, joined)
    elif filing.state == "draft" and not represented.isdisjoint(has_joined):
        detail = "Only parties that have joined a joint filing may add documents to it. Join it first."
        raise Forbidden(detail, "not-your-capacity")
    else:
        is_allowed = False
    if not is_allowed:
        detail = "Only the side that drafts a filing may add or remove its documents."
        raise Forbidden(detail, "not-your-capacity")
    circle.acting_party(actor, acting_for)
    return author_party_id


def _party_writing_draft(actor: Actor, circle: Circle, draft: AnyRow, acting_for: UUID | None) -> UUID | None:
    """A text belongs to all who represent the party for which it was written, or to the mediators.

    Drafts of earlier releases do not say for which party: they belong to the only party that their author represents,
    and to the author alone where there are several.
    """
    own = circle.parties_of(actor)
    of_author = [held for held in circle.capacities if held.user_id == draft.author_id]
    if draft.author_party_id is not None:
        shared = own & {draft.author_party_id}
    elif any(held.role == "mediator" for held in of_author):
        if circle.is_mediator(actor):
            return None
        shared = frozenset()
    else:
        of_parties = {held.party_id for held in of_author if held.role in REPRESENTATIVES}
        shared = own & of_parties if len(of_parties) == 1 or actor.id == draft.author_id else frozenset()
    if not shared:
        detail = "Only the side that drafted a text may add or remove its documents."
        raise Forbidden(detail, "not-your-capacity")
    return circle.acting_party(actor, acting_for, shared)
