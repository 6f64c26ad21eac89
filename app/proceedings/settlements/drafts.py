"""Drafts of the settlement, in one language or several, of which one is frozen by its hash to be signed."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, update

from app.core.access import service as access
from app.core.access.actors import Actor
from app.core.access.criteria import left_at
from app.core.access.session import GatedSession, as_system
from app.core.contents import service as contents
from app.core.db import AnyRow, new_id
from app.core.errors import Conflict, Forbidden, Invalid, NotFound, invalid
from app.core.ledger import service as ledger
from app.core.ledger.acts import Act, Subject, author_of
from app.core.paging import Page, Sort, listed
from app.core.tables.audiences import Audience
from app.core.tables.cases import Case
from app.core.tables.settlements import Draft, Signature
from app.proceedings.cases.circle import circle_of, view_of
from app.proceedings.cases.lock import lock_case, require_case
from app.proceedings.cases.refusals import refused_by_practice
from app.proceedings.cases.schemas import ActingIn
from app.proceedings.documents import service as documents
from app.proceedings.documents.holders import Holder
from app.proceedings.settlements.schemas import DraftIn, DraftList, DraftOut, FreezeIn, TextOut
from app.proceedings.steps.apply import apply_step
from app.proceedings.steps.service import Attempt, judge_step
from app.proceedings.texts.hashes import AUTHENTIC, clauses_hash
from app.proceedings.texts.service import WholeText, text_of

PHASES = ("sessions", "settlement")
_COLUMNS = (
    Draft.id,
    Draft.version,
    Draft.replaces_id,
    Draft.language,
    Draft.audience_name,
    Draft.party_ids,
    Draft.author_id,
    Draft.author_party_id,
    Draft.settles,
    Draft.state,
    Draft.content_id,
    Draft.drafted_at,
    Draft.shared_at,
    Draft.frozen_at,
    Draft.superseded_at,
    left_at(Draft),
)


def list_drafts(db: GatedSession, actor: Actor, now: datetime, case_id: UUID, page: Page) -> DraftList:
    """The drafts that the actor may know of; NotFound if the case is not the actor's to see."""
    require_case(db, case_id)
    statement = select(*_COLUMNS).where(Draft.case_id == case_id)
    drafts = listed(db, statement, page, Sort(Draft.drafted_at, Draft.id, datetime))
    return DraftList(items=_drafts_out(db, case_id, drafts.rows), next=drafts.next, count=drafts.count)


def read_draft(db: GatedSession, actor: Actor, now: datetime, case_id: UUID, draft_id: UUID) -> DraftOut:
    """One draft; NotFound if the actor may not know of it."""
    row = db.execute(select(*_COLUMNS).where(Draft.case_id == case_id, Draft.id == draft_id)).one_or_none()
    if row is None:
        raise NotFound
    return _drafts_out(db, case_id, [row])[0]


def _drafts_out(db: GatedSession, case_id: UUID, rows: Sequence[AnyRow]) -> list[DraftOut]:
    files = documents.rows_of_drafts(db, case_id, [row.id for row in rows])
    bodies = contents.read_many(db, [row.content_id for row in (*rows, *files)])
    enclosed = documents.enclosed(files, bodies)
    return [
        DraftOut(
            id=row.id,
            version=row.version,
            replaces=row.replaces_id,
            title=bodies[row.content_id]["title"],
            language=row.language,
            clauses=bodies[row.content_id]["clauses"],
            texts=[TextOut(**text, sha256=clauses_hash(text)) for text in bodies[row.content_id].get("texts", ())],
            documents=enclosed.get(row.id, []),
            prevailing_language=bodies[row.content_id].get("prevailing_language"),
            audience=row.audience_name,
            party_ids=row.party_ids,
            author_id=row.author_id,
            author_party_id=row.author_party_id,
            settles=row.settles,
            state=_state_of(row),
            sha256=WholeText(row.language, bodies[row.content_id], enclosed.get(row.id, [])).sha256,
            drafted_at=row.drafted_at,
            shared_at=row.shared_at,
            frozen_at=row.frozen_at if _is_seen(row, row.frozen_at) else None,
        )
        for row in rows
    ]


def _is_seen(row: AnyRow, at: datetime | None) -> bool:
    """Whether what happened to a draft at an instant is for its reader, whose party may have left before."""
    return at is not None and (row.left_at is None or at <= row.left_at)


def _state_of(row: AnyRow) -> str:
    """The state of a draft as its reader may know it."""
    if row.state == "superseded" and (row.superseded_at is None or _is_seen(row, row.superseded_at)):
        return "superseded"
    return "frozen" if _is_seen(row, row.frozen_at) else "draft"


def draft(db: GatedSession, actor: Actor, now: datetime, case_id: UUID, request: DraftIn) -> tuple[UUID, UUID]:
    """Put a draft before an audience, for a mediator or a party.

    Raises Forbidden for others, PartyNotNamed for somebody who represents several parties and does not say for which
    they draft, Conflict outside the phases of sessions and settlement, and Invalid for an audience or
    an earlier version that does not fit.
    """
    case = lock_case(db, actor, case_id)
    circle = circle_of(db, view_of(case))
    if not (circle.is_mediator(actor) or circle.parties_of(actor)):
        raise Forbidden("Only the mediators and the parties may draft the settlement.", "not-your-capacity")
    party_id = circle.acting_party(actor, request.acting_for, request.party_ids)
    parties = frozenset(request.party_ids)
    access.check_audience(db, actor, case_id, request.audience, parties)
    earlier = _earlier(db, case_id, request)
    audience_id = _audience_of(db, actor, case, party_id, request, earlier)
    if earlier is not None and earlier.audience_id != audience_id:
        raise _unknown_draft()
    _check_phase(case)
    # Members that the request leaves out are not written: the hash of a text in clauses alone depends on it.
    body = {"title": request.title, "clauses": [clause.model_dump() for clause in request.clauses]}
    if request.texts:
        body["texts"] = [text.model_dump() for text in request.texts]
    if request.prevailing_language is not None:
        body["prevailing_language"] = request.prevailing_language
    written = contents.write(db, case_id, audience_id, body)
    row = Draft(
        id=new_id(db),
        case_id=case_id,
        audience_id=audience_id,
        version=1 if earlier is None else earlier.version + 1,
        replaces_id=request.replaces,
        language=request.language,
        audience_name=request.audience,
        party_ids=sorted(str(party) for party in parties),
        author_id=actor.id,
        author_party_id=party_id,
        settles=request.settles,
        state="draft",
        content_id=written.id,
        drafted_at=now,
        shared_at=now if _is_shared(party_id, request, earlier) else None,
    )
    db.add(row)
    author = author_of(actor, circle.capacity(actor, party_id), party_id)
    act = Act("draft", now, author, _subject(row))
    _supersede_replaced(db, act, row)
    ledger.record(db, act, "text-drafted", _payload(row), content=written)
    return (case_id, row.id)


def _supersede_replaced(db: GatedSession, act: Act, row: Draft) -> None:
    """Supersede the draft that a new one replaces; a frozen text stands until another one is frozen."""
    if row.replaces_id is None:
        return
    earlier = update(Draft).where(Draft.id == row.replaces_id, Draft.state == "draft")
    earlier = earlier.values(state="superseded", superseded_at=act.at)
    if db.execute(earlier.returning(Draft.id).execution_options(synchronize_session=False)).first() is not None:
        payload = {"draft_id": str(row.replaces_id), "state": "superseded", "replacement_id": str(row.id)}
        ledger.record(db, act, "text-superseded", payload)


def _earlier(db: GatedSession, case_id: UUID, request: DraftIn) -> AnyRow | None:
    """The draft that a new one replaces; Invalid for one that the actor does not know."""
    if request.replaces is None:
        return None
    columns = select(Draft.version, Draft.audience_id, Draft.audience_name, Draft.shared_at)
    earlier = db.execute(columns.where(Draft.case_id == case_id, Draft.id == request.replaces)).one_or_none()
    if earlier is None or earlier.audience_name != request.audience:
        raise _unknown_draft()
    return earlier


def _unknown_draft() -> Invalid:
    detail = "Name a draft of this case that has the same audience, or leave 'replaces' out."
    return invalid("/replaces", "unknown-draft", detail)


def _is_shared(party_id: UUID | None, request: DraftIn, earlier: AnyRow | None) -> bool:
    """Whether a draft for sides alone is read by all of them at once: one for several, or the next of a shared one."""
    if request.audience != "party":
        return False
    return set(request.party_ids) != {party_id} or (earlier is not None and earlier.shared_at is not None)


def _audience_of(
    db: GatedSession, actor: Actor, case: Case, party_id: UUID | None, request: DraftIn, earlier: AnyRow | None
) -> UUID:
    """The audience of a new draft: for the author's own side, the author alone until the draft is shared."""
    parties = frozenset(request.party_ids)
    if request.audience != "party" or party_id is None:
        return access.audience(db, case.id, request.audience, parties)
    if not _is_shared(party_id, request, earlier):
        return access.private_drafts_of(db, case.id, party_id, actor.id)
    if earlier is not None:
        # A version of a shared text has the readers of that text, although another person may write it.
        views = circle_of(db, view_of(case)).audiences
        now = (view for view in views if view.generation == case.generation and view.party_ids == parties)
        if any(view.id == earlier.audience_id and not view.private for view in now):
            return UUID(str(earlier.audience_id))
        raise _unknown_draft()
    return access.shared_drafts_of(db, case.id, parties, actor.id)


def share(
    db: GatedSession, actor: Actor, now: datetime, case_id: UUID, draft_id: UUID, body: ActingIn
) -> tuple[UUID, UUID]:
    """Share a draft for one side, with its documents, with everybody who acts for its party now.

    Raises NotFound for a draft of somebody else, Forbidden for another side, PartyNotNamed for an `acting_for` that is
    not the party whose draft it is, and Conflict for a draft that its readers share already or that is superseded, and
    outside the phases of sessions and settlement.
    """
    case = lock_case(db, actor, case_id)
    row, circle = _draft_row(db, case_id, draft_id), circle_of(db, view_of(case))
    party_id = row.author_party_id
    is_own = row.author_id == actor.id if party_id is None else party_id in circle.parties_of(actor)
    if not is_own:
        raise Forbidden("Only the side that drafted a text may share it.", "not-your-capacity")
    if party_id is None or row.audience_name != "party" or row.shared_at is not None:
        raise Conflict("The readers that this draft names read it already.", "already-shared")
    circle.acting_party(actor, body.acting_for, [party_id])
    _check_phase(case)
    if row.state != "draft":
        detail = f"This text is {row.state}: share the version that replaces it."
        raise Conflict(detail, "draft-state", state=row.state)
    audience_id = access.shared_drafts_of(db, case_id, frozenset({party_id}), actor.id)
    row.audience_id, row.shared_at = audience_id, now
    # The versions before it stay the author's: neither an id nor a number may tell of them.
    row.version, row.replaces_id = 1, None
    contents.move(db, row.content_id, audience_id)
    db.flush()
    documents.share(db, Holder("draft", case_id, draft_id), audience_id)
    act = Act("share", now, author_of(actor, circle.capacity(actor, party_id), party_id), _subject(row))
    ledger.record(db, act, "text-shared", _payload(row), content=contents.committed(db, row.content_id))
    return (case_id, draft_id)


def _check_phase(case: Case) -> None:
    if case.phase not in PHASES:
        detail = "A text can be drafted only while the case is in mediation."
        raise refused_by_practice(case, "step-not-open", detail)


def _subject(row: Draft) -> Subject:
    return Subject(row.case_id, row.audience_id, row.audience_name)


def _payload(row: Draft) -> dict[str, Any]:
    return {
        "draft_id": str(row.id),
        "version": row.version,
        "language": row.language,
        "state": row.state,
        "settles": row.settles,
    }


def freeze(
    db: GatedSession, actor: Actor, now: datetime, case_id: UUID, draft_id: UUID, request: FreezeIn
) -> tuple[UUID, UUID]:
    """Freeze a draft as the text to sign, by the hash of what was read; earlier signatures are void.

    Raises NotFound, Forbidden or Conflict as the step `freeze-text` does, and Conflict for another hash, a draft that
    not all participants know, one that is frozen already or has no text, and one with a document still in quarantine.
    """
    case = lock_case(db, actor, case_id)
    row = _draft_row(db, case_id, draft_id)
    judged = judge_step(db, actor, now, case, Attempt("freeze-text", draft_id))
    if row.state == "frozen":
        raise _not_freezable(case, "already-frozen", "This text is frozen already.")
    if row.audience_name != "participants" or not _all_know(db, case, row):
        cure = "Put the same text before the participants as a new draft, and freeze that one."
        raise _not_freezable(
            case,
            "draft-to-participants",
            "Not every participant may read this draft, or a party that withdrew may.",
            cure,
        )
    text = text_of(db, row)
    _check_whole(case, text)
    if text.sha256 != request.sha256:
        cure = "Read the draft again and send the hash that it shows."
        raise _not_freezable(case, "text-differs", "The hash is not that of this draft.", cure)
    act = Act("freeze", now, author_of(actor, "mediator"), _subject(row))
    _void_frozen(db, act, case_id)
    row.state, row.frozen_at = "frozen", now
    apply_step(db, now, case, judged)
    payload = _payload(row) | {"sha256": request.sha256}
    ledger.record(db, act, "text-frozen", payload)
    return (case_id, row.id)


def _not_freezable(case: Case, reason: str, detail: str, cure: str | None = None) -> Conflict:
    return refused_by_practice(case, "need-not-met", detail, reason, cure)


def _check_whole(case: Case, text: WholeText) -> None:
    """Conflict unless every document was scanned, and there is an authentic text, also in the prevailing language."""
    authentic = {part["language"] for part in text.texts if part["relation"] in AUTHENTIC}
    if not authentic:
        cure = "Draft it with clauses, or upload its text as a document that is 'authentic-text' or 'original'."
        raise _not_freezable(case, "text-lacking", "This draft has no text yet.", cure)
    if waiting := [document for document in text.documents if document.state != "stored"]:
        detail = f"Document {waiting[0].id} of this draft is in quarantine until it has been scanned."
        raise _not_freezable(case, "document-quarantined", detail, "Wait, then read the draft again.")
    if text.prevailing_language not in (None, *authentic):
        detail = "The draft has no authentic text in its prevailing language."
        cure = "Upload the text in that language, or make a new draft with another 'prevailing_language'."
        raise _not_freezable(case, "text-lacking", detail, cure)


def _all_know(db: GatedSession, case: Case, row: Draft) -> bool:
    """Whether all participants of today may read the draft, those who joined later too, and nobody who withdrew."""
    today = access.audience(db, case.id, "participants")
    readers = circle_of(db, view_of(case)).readers()
    return readers[today] == readers[row.audience_id]


def _draft_row(db: GatedSession, case_id: UUID, draft_id: UUID) -> Draft:
    row = db.execute(select(Draft).where(Draft.case_id == case_id, Draft.id == draft_id)).scalar_one_or_none()
    if row is None:
        raise NotFound
    return row


def _void_frozen(db: GatedSession, act: Act, case_id: UUID) -> None:
    """Supersede the text that was frozen before, and void the signatures under it, each with its own event.

    A mediator who came later need not see what they supersede.
    """
    of_audience = (Audience.id.label("audience_id"), Audience.name.label("audience"))
    texts = select(Draft.id, *of_audience).join(Audience, Audience.id == Draft.audience_id)
    signed = (Signature.id, Signature.draft_id, Signature.party_id)
    signatures = select(*signed, *of_audience).join(Audience, Audience.id == Signature.audience_id)
    standing = (Signature.case_id == case_id, Signature.voided_at.is_(None))
    with as_system(db):
        superseded = db.execute(texts.where(Draft.case_id == case_id, Draft.state == "frozen")).all()
        voided = db.execute(signatures.where(*standing).order_by(Signature.signed_at, Signature.id)).all()
        for statement in (
            update(Draft)
            .where(Draft.id.in_([row.id for row in superseded]))
            .values(state="superseded", superseded_at=act.at),
            update(Signature).where(Signature.id.in_([row.id for row in voided])).values(voided_at=act.at),
        ):
            db.execute(statement.execution_options(synchronize_session=False))
    for row in superseded:
        within = act.within(Subject(case_id, row.audience_id, row.audience))
        ledger.record(db, within, "text-superseded", {"draft_id": str(row.id), "state": "superseded"})
    for signature in voided:
        ids = {"signature_id": signature.id, "draft_id": signature.draft_id, "party_id": signature.party_id}
        within = act.within(Subject(case_id, signature.audience_id, signature.audience))
        ledger.record(db, within, "signature-voided", {name: str(id) for name, id in ids.items()})
