"""Drafts of filings: their author's alone until shared with the side, changed or discarded until submitted."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import update

from app.core.access import service as access
from app.core.access.actors import Actor
from app.core.access.session import GatedSession
from app.core.contents import service as contents
from app.core.errors import Conflict, Forbidden
from app.core.ledger import service as ledger
from app.core.ledger.acts import Act, Subject
from app.core.tables.cases import Case
from app.core.tables.documents import KEPT, Document
from app.core.tables.filings import Filing
from app.proceedings.cases.circle import circle_of, view_of
from app.proceedings.cases.lock import lock_case
from app.proceedings.cases.schemas import ActingIn
from app.proceedings.documents import service as documents
from app.proceedings.documents.holders import Holder
from app.proceedings.filings import docket, joinders
from app.proceedings.filings.schemas import FilingAmendment, FilingIn
from app.proceedings.filings.service import author_of_filing, check_open, may_submit


def amend(
    db: GatedSession, actor: Actor, now: datetime, case_id: UUID, filing_id: UUID, body: FilingAmendment
) -> tuple[UUID, UUID]:
    """Change a draft; parties that had joined it join again, since they joined another text.

    Raises NotFound, Forbidden for another side or an audience that does not include the author, Invalid for an audience
    that the filing cannot have, and Conflict once it is submitted, or for a joint one of which a party has withdrawn.
    """
    case = lock_case(db, actor, case_id)
    filing = _own_draft(db, actor, case, filing_id, body.acting_for)
    before = contents.read_one(db, filing.content_id)
    merged = FilingIn.model_validate(
        {
            "kind": filing.kind,
            "title": before["title"],
            "text": before["text"],
            "audience": filing.audience_name,
            "party_ids": filing.party_ids,
            "joint_with": [entry["party_id"] for entry in filing.joined_by],
            "resubmits_id": filing.resubmits_id,
            "redacts_id": filing.redacts_id,
            **body.model_dump(include=body.changed),
        }
    )
    access.check_audience(db, actor, case_id, merged.audience, frozenset(merged.party_ids))
    docket.check_draft(db, actor, case, merged, filing.author_party_id)
    _check_draft(filing)
    joinders.check_all_there(access.known_circle(db, case_id), actor, filing)
    prose = {**before, "title": merged.title, "text": merged.text}
    content = contents.write(db, case_id, filing.audience_id, prose)
    filing.kind, filing.content_id, filing.audience_name = merged.kind, content.id, merged.audience
    filing.party_ids = sorted(str(party) for party in merged.party_ids)
    filing.joined_by = [{**entry, "joined_at": None} for entry in filing.joined_by]
    payload = {"filing_id": str(filing.id), "kind": filing.kind, "changed": sorted(body.changed)}
    ledger.record(db, _act(db, actor, now, case, filing, "amend"), "filing-amended", payload, content=content)
    return (case_id, filing_id)


def discard(db: GatedSession, actor: Actor, now: datetime, case_id: UUID, filing_id: UUID) -> tuple[UUID, UUID]:
    """Discard a draft with its documents, whose bytes the worker deletes later.

    Raises NotFound, Forbidden for another side, and Conflict once it is submitted.
    """
    case = lock_case(db, actor, case_id)
    filing = _own_draft(db, actor, case, filing_id, None)
    _check_draft(filing)
    filing.discarded_at = now
    removed = update(Document).where(Document.filing_id == filing_id, Document.state.in_(KEPT))
    db.execute(removed.values(state="removed").execution_options(synchronize_session=False))
    payload = {"filing_id": str(filing.id), "kind": filing.kind}
    ledger.record(db, _act(db, actor, now, case, filing, "discard"), "filing-discarded", payload)
    return (case_id, filing_id)


def share(
    db: GatedSession, actor: Actor, now: datetime, case_id: UUID, filing_id: UUID, body: ActingIn
) -> tuple[UUID, UUID]:
    """Share a draft with everybody who acts for its party now; from then on they change, discard or submit it as well.

    What its author wrote in it before stays the author's alone. Raises NotFound for a draft of somebody else, Forbidden
    for another side, PartyNotNamed for an `acting_for` that is not the party whose draft it is, and Conflict for a
    draft that is shared already, a filing that is submitted, and in a closed case.
    """
    case = lock_case(db, actor, case_id)
    filing = _own_draft(db, actor, case, filing_id, body.acting_for)
    _check_draft(filing)
    check_open(case)
    party_id = filing.author_party_id
    if party_id is None or filing.received_via is not None or filing.shared_at is not None:
        raise Conflict("Your side reads this draft already.", "already-shared")
    audience_id = access.shared_drafts_of(db, case_id, frozenset({party_id}), actor.id)
    filing.audience_id, filing.shared_at = audience_id, now
    contents.move(db, filing.content_id, audience_id)
    db.flush()
    documents.share(db, Holder("filing", case_id, filing_id), audience_id)
    content = contents.committed(db, filing.content_id)
    payload = {"filing_id": str(filing.id), "kind": filing.kind}
    ledger.record(db, _act(db, actor, now, case, filing, "share"), "filing-shared", payload, content=content)
    return (case_id, filing_id)


def _own_draft(db: GatedSession, actor: Actor, case: Case, filing_id: UUID, acting_for: UUID | None) -> Filing:
    filing = docket.filing_in(db, case, filing_id)
    circle = circle_of(db, view_of(case))
    if not may_submit(circle, actor, filing):
        raise Forbidden("Only the side that drafted a filing may change or discard it.", "not-your-capacity")
    named = [filing.author_party_id] if filing.author_party_id else []
    circle.acting_party(actor, acting_for, named)
    return filing


def _check_draft(filing: Filing) -> None:
    if filing.state != "draft":
        detail = "This filing is already submitted: file a corrected one, or withdraw its documents."
        raise Conflict(detail, "filing-state", state=filing.state)


def _act(db: GatedSession, actor: Actor, now: datetime, case: Case, filing: Filing, name: str) -> Act:
    audience = next(view for view in circle_of(db, view_of(case)).audiences if view.id == filing.audience_id)
    author = author_of_filing(db, actor, case, filing)
    return Act(name, now, author, Subject(case.id, audience.id, audience.name))
