"""The settlement: drafts of one text or several, one frozen by its hash, signed by every party in a capacity."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, update

from app.core.access import service as access
from app.core.access.actors import Actor
from app.core.access.session import GatedSession
from app.core.contents import service as contents
from app.core.db import AnyRow, new_id
from app.core.errors import Conflict, Forbidden, NotFound, invalid
from app.core.ledger import service as ledger
from app.core.ledger.acts import Act, Author, Subject, author_of
from app.core.paging import Page, Sort, listed
from app.core.tables.cases import Case
from app.core.tables.parties import Party
from app.core.tables.people import User
from app.core.tables.settlements import Draft, Signature
from app.proceedings.cases import paper_acts
from app.proceedings.cases.locking import circle_of, lock_case, require_case, view_of
from app.proceedings.documents import service as documents
from app.proceedings.settlements.schemas import (
    DraftIn,
    DraftList,
    DraftOut,
    FreezeIn,
    SignatureIn,
    SignatureList,
    SignatureOut,
    TextOut,
)
from app.proceedings.steps import consequences
from app.proceedings.steps.service import Through, check_step, take_step_through
from app.proceedings.texts.hashes import AUTHENTIC, clauses_hash
from app.proceedings.texts.service import WholeText, text_of

PHASES = ("sessions", "settlement")
# Vienna Convention on the Law of Treaties, article 7(2): these offices need no full powers.
OFFICES = ("head-of-state", "head-of-government", "foreign-minister")
_DRAFT = (
    Draft.id,
    Draft.version,
    Draft.replaces_id,
    Draft.language,
    Draft.audience_name,
    Draft.party_ids,
    Draft.author_id,
    Draft.settles,
    Draft.state,
    Draft.content_id,
    Draft.drafted_at,
    Draft.frozen_at,
)


def list_drafts(db: GatedSession, actor: Actor, now: datetime, case_id: UUID, page: Page) -> DraftList:
    """The drafts that the actor may know of; NotFound if the case is not the actor's to see."""
    require_case(db, case_id)
    statement = select(*_DRAFT).where(Draft.case_id == case_id)
    found = listed(db, statement, page, Sort(Draft.drafted_at, Draft.id, datetime))
    return DraftList(items=_drafts_out(db, case_id, found.rows), next=found.next, count=found.count)


def read_draft(db: GatedSession, actor: Actor, now: datetime, case_id: UUID, draft_id: UUID) -> DraftOut:
    """One draft; NotFound if there is none that the actor may know of."""
    row = db.execute(select(*_DRAFT).where(Draft.case_id == case_id, Draft.id == draft_id)).one_or_none()
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
            texts=[TextOut(**one, sha256=clauses_hash(one)) for one in bodies[row.content_id].get("texts", ())],
            documents=enclosed.get(row.id, []),
            prevailing_language=bodies[row.content_id].get("prevailing_language"),
            audience=row.audience_name,
            party_ids=row.party_ids,
            author_id=row.author_id,
            settles=row.settles,
            state=row.state,
            sha256=WholeText(row.language, bodies[row.content_id], enclosed.get(row.id, [])).sha256,
            drafted_at=row.drafted_at,
            frozen_at=row.frozen_at,
        )
        for row in rows
    ]


def draft(db: GatedSession, actor: Actor, now: datetime, case_id: UUID, given: DraftIn) -> tuple[UUID, UUID]:
    """Put a draft before an audience, for a mediator or a party.

    Raises Forbidden for others, Conflict outside the phases of sessions and settlement, and Invalid for an audience or
    an earlier version that do not fit.
    """
    case = lock_case(db, actor, case_id)
    known = circle_of(db, view_of(case))
    if not (known.is_mediator(actor) or known.parties_of(actor)):
        raise Forbidden("Mediators and parties draft the settlement.", "not-your-capacity")
    parties = frozenset(given.party_ids)
    access.check_audience(db, actor, case_id, given.audience, parties)
    audience_id = access.audience(db, case_id, given.audience, parties)
    version = _next_version(db, case_id, audience_id, given)
    _check_phase(case)
    # What is not given is left out: a text in clauses alone is written as it always was.
    body = {"title": given.title, "clauses": [clause.model_dump() for clause in given.clauses]}
    if given.texts:
        body["texts"] = [text.model_dump() for text in given.texts]
    if given.prevailing_language is not None:
        body["prevailing_language"] = given.prevailing_language
    written = contents.write(db, case_id, audience_id, body)
    row = Draft(
        id=new_id(db),
        case_id=case_id,
        audience_id=audience_id,
        version=version,
        replaces_id=given.replaces,
        language=given.language,
        audience_name=given.audience,
        party_ids=sorted(str(party) for party in parties),
        author_id=actor.id,
        settles=given.settles,
        state="draft",
        content_id=written.id,
        drafted_at=now,
    )
    db.add(row)
    held = known.holdings(actor)[0]
    by = author_of(actor, held.capacity, held.party_id)
    _record(db, now, row, "text-drafted", "draft", by, content=written)
    return (case_id, row.id)


def _next_version(db: GatedSession, case_id: UUID, audience_id: UUID, given: DraftIn) -> int:
    if given.replaces is None:
        return 1
    earlier = db.execute(
        select(Draft.version, Draft.audience_id).where(Draft.case_id == case_id, Draft.id == given.replaces)
    ).one_or_none()
    if earlier is None or earlier.audience_id != audience_id:
        detail = "Name a draft of this case that lies in the same audience, or leave 'replaces' out."
        raise invalid("/replaces", "unknown-draft", detail)
    version: int = earlier.version
    return version + 1


def _check_phase(case: Case) -> None:
    if case.phase not in PHASES:
        raise _conflict(case, "step-not-open", "Texts are drafted while the case is in mediation, until it closes.")


def _conflict(case: Case, code: str, detail: str, reason: str | None = None, cure: str | None = None) -> Conflict:
    """A refusal by the registry's own practice, in the shape of one by the rules."""
    reasons = [
        {
            "code": reason or code,
            "detail": detail,
            "article": None,
            "source": None,
            "standing": "institution",
            "cure": cure,
        }
    ]
    return Conflict(detail, code, stage=case.stage, rule_set=case.procedure, article=None, reasons=reasons)


def _record(
    db: GatedSession,
    now: datetime,
    row: Draft,
    kind: str,
    act: str,
    by: Author,
    content: contents.Written | None = None,
    **more: str,
) -> None:
    payload = {
        "draft_id": str(row.id),
        "version": row.version,
        "language": row.language,
        "state": row.state,
        "settles": row.settles,
        **more,
    }
    subject = Subject(row.case_id, row.audience_id, row.audience_name)
    ledger.record(db, Act(act, now, by, subject), kind, payload, content=content)


def freeze(
    db: GatedSession, actor: Actor, now: datetime, case_id: UUID, draft_id: UUID, given: FreezeIn
) -> tuple[UUID, UUID]:
    """Freeze a draft as the text to sign, by the hash of what was read; earlier signatures are void.

    Raises NotFound, Forbidden or Conflict as the step `freeze-text` does, and Conflict for another hash, a draft that
    not all participants know, one that is frozen already or that has no text, and while a document of it is not free.
    """
    case = lock_case(db, actor, case_id)
    row = _draft_row(db, case_id, draft_id)
    check_step(db, actor, now, case, Through("freeze-text", draft_id))
    if row.state == "frozen":
        raise _conflict(case, "need-not-met", "This text is frozen already.", "already-frozen")
    if row.audience_name != "participants" or not _all_know(db, case, row):
        cure = "Put the same text before the participants as a new draft, and freeze that one."
        raise _conflict(case, "need-not-met", "Not every participant knows this draft.", "draft-to-participants", cure)
    text = text_of(db, row)
    _check_whole(case, text)
    if text.sha256 != given.sha256:
        cure = "Read the draft again and send the hash that it shows."
        raise _conflict(case, "need-not-met", "The hash is not that of this draft.", "text-differs", cure)
    _void_frozen(db, now, case_id)
    row.state, row.frozen_at = "frozen", now
    take_step_through(db, actor, now, case, Through("freeze-text", draft_id))
    _record(db, now, row, "text-frozen", "freeze", author_of(actor, "mediator"), sha256=given.sha256)
    return (case_id, row.id)


def _check_whole(case: Case, text: WholeText) -> None:
    """Refuse to freeze what has no authentic text, waits to be scanned, or lacks the language that is to prevail."""
    authentic = {one["language"] for one in text.texts if one["relation"] in AUTHENTIC}
    if not authentic:
        cure = "Draft it with clauses, or upload its text as a document that is 'authentic-text' or 'original'."
        raise _conflict(case, "need-not-met", "This draft has no text yet.", "text-lacking", cure)
    if waiting := [one for one in text.documents if one.state != "stored"]:
        detail = f"A document of this draft is quarantined until it was scanned: {waiting[0].id}."
        raise _conflict(case, "need-not-met", detail, "document-quarantined", "Wait, then read the draft again.")
    if text.prevailing_language not in (None, *authentic):
        cure = "Upload the text in that language, or draft anew with another 'prevailing_language'."
        raise _conflict(case, "need-not-met", "No text is in the language that is to prevail.", "text-lacking", cure)


def _all_know(db: GatedSession, case: Case, row: Draft) -> bool:
    """Whether everybody who may see the case, newcomers too, may read the draft."""
    readers = circle_of(db, view_of(case)).readers()
    return readers[case.audience_id] <= readers[row.audience_id]


def _draft_row(db: GatedSession, case_id: UUID, draft_id: UUID) -> Draft:
    row = db.execute(select(Draft).where(Draft.case_id == case_id, Draft.id == draft_id)).scalar_one_or_none()
    if row is None:
        raise NotFound
    return row


def _void_frozen(db: GatedSession, now: datetime, case_id: UUID) -> None:
    frozen = update(Draft).where(Draft.case_id == case_id, Draft.state == "frozen").values(state="superseded")
    given = update(Signature).where(Signature.case_id == case_id, Signature.voided_at.is_(None)).values(voided_at=now)
    for statement in (frozen, given):
        db.execute(statement.execution_options(synchronize_session=False))


_SIGNATURE = (
    Signature.id,
    Signature.draft_id,
    Signature.sha256,
    Signature.party_id,
    Signature.signer_id,
    User.name.label("signer_name"),
    Signature.capacity,
    Signature.signed_at,
    Signature.received_via,
    Signature.content_id,
    Signature.voided_at,
)


def list_signatures(db: GatedSession, actor: Actor, now: datetime, case_id: UUID, page: Page) -> SignatureList:
    """The signatures given in a case; NotFound if the case is not the actor's to see."""
    require_case(db, case_id)
    statement = select(*_SIGNATURE).join(User, User.id == Signature.signer_id).where(Signature.case_id == case_id)
    found = listed(db, statement, page, Sort(Signature.signed_at, Signature.id, datetime))
    return SignatureList(items=_signatures_out(db, case_id, found.rows), next=found.next, count=found.count)


def read_signature(db: GatedSession, actor: Actor, now: datetime, case_id: UUID, signature_id: UUID) -> SignatureOut:
    """One signature; NotFound if there is none that the actor may know of."""
    mine = (Signature.case_id == case_id, Signature.id == signature_id)
    row = db.execute(select(*_SIGNATURE).join(User, User.id == Signature.signer_id).where(*mine)).one_or_none()
    if row is None:
        raise NotFound
    return _signatures_out(db, case_id, [row])[0]


def _signatures_out(db: GatedSession, case_id: UUID, rows: Sequence[AnyRow]) -> list[SignatureOut]:
    if not rows:
        return []
    parties = list(db.execute(select(Party.id).where(Party.case_id == case_id).order_by(Party.number)).scalars())
    signed = db.execute(
        select(Signature.draft_id, Signature.party_id).where(
            Signature.case_id == case_id, Signature.voided_at.is_(None)
        )
    ).all()
    signers = contents.read_many(db, [row.content_id for row in rows if row.content_id is not None])
    names = set(SignatureOut.model_fields) - {"sha256", "remaining", "signer_id", "signer_name"}
    return [
        SignatureOut(
            sha256=row.sha256.hex(),
            signer_id=None if row.content_id else row.signer_id,
            signer_name=signers[row.content_id]["name"] if row.content_id else row.signer_name,
            remaining=[party for party in parties if (row.draft_id, party) not in {tuple(one) for one in signed}],
            **{name: getattr(row, name) for name in names},
        )
        for row in rows
    ]


def sign(db: GatedSession, actor: Actor, now: datetime, case_id: UUID, given: SignatureIn) -> tuple[UUID, UUID]:
    """Sign the frozen text for a party; the last signature that is needed closes the case as settled.

    One that was given on paper the registry enters, on behalf of the party.
    Raises Forbidden for somebody who does not act for the party, Conflict as the step `sign` does, for another text
    than the frozen one, or without powers to sign, and Invalid for a party or a draft that the case does not know.
    """
    case = lock_case(db, actor, case_id)
    known = circle_of(db, view_of(case))
    party = db.execute(select(Party.id, Party.kind).where(Party.case_id == case_id, Party.id == given.party_id)).first()
    if party is None:
        raise invalid("/party_id", "unknown-party", "Name a party of this case by its id.")
    if given.on_behalf_of is None or not actor.is_staff:
        check_step(db, actor, now, case, Through("sign", party.id))
    counted = paper_acts.judge(db, actor, now, case, given)
    if (given.on_behalf_of is None) != (given.signer is None) or given.on_behalf_of not in (None, party.id):
        detail = "For a signature given on paper name the party in 'on_behalf_of' and 'party_id', and who signed."
        raise invalid("/signer", "signer", detail)
    check_step(db, actor, now, case, Through("sign", party.id, counted))
    row = _frozen_text(db, case, given)
    held = [one.powers_kind for one in known.held_by(actor) if one.party_id == party.id]
    powers = _powers_of(case, [given.signer.powers.kind] if given.signer else held, party, given.capacity)
    by = paper_acts.author(db, actor, case, counted, paper_acts.holding_of(db, case, party.id))
    written = None
    if given.signer is not None:
        consequences.write_powers(db, now, case_id, party.id, given.signer.powers, None, by)
        told = {"name": given.signer.name, "powers": powers} | ({"reason": given.reason} if given.reason else {})
        written = contents.write(db, case_id, row.audience_id, told)
    signature = Signature(
        id=new_id(db),
        case_id=case_id,
        audience_id=row.audience_id,
        draft_id=row.id,
        sha256=bytes.fromhex(given.sha256),
        party_id=party.id,
        signer_id=actor.id,
        capacity=given.capacity,
        signed_at=counted.received_at or now,
        received_via=counted.received_via,
        content_id=written.id if written else None,
    )
    db.add(signature)
    decision = take_step_through(db, actor, now, case, Through("sign", party.id, counted))
    payload = {
        "signature_id": str(signature.id),
        "draft_id": str(row.id),
        "sha256": given.sha256,
        "party_id": str(party.id),
        "capacity": given.capacity,
        "powers": powers,
        "completes": decision.completes,
        **counted.payload(),
    }
    subject = Subject(case_id, row.audience_id, row.audience_name)
    ledger.record(db, Act("sign", now, by, subject), "text-signed", payload, decision.step.citation.article, written)
    return (case_id, signature.id)


def _frozen_text(db: GatedSession, case: Case, given: SignatureIn) -> Draft:
    """The text that is signed; Invalid for one that is not in the case, Conflict for another than the frozen one."""
    mine = (Draft.case_id == case.id, Draft.id == given.draft_id)
    row = db.execute(select(Draft).where(*mine)).scalar_one_or_none()
    if row is None:
        raise invalid("/draft_id", "unknown-draft", "Name the frozen text of this case by its id.")
    if row.state != "frozen" or text_of(db, row).sha256 != given.sha256:
        cure = "Read the frozen text under /settlement/drafts and sign by its id and hash."
        raise _conflict(case, "need-not-met", "This is not the text that is frozen.", "text-differs", cure)
    return row


def _powers_of(case: Case, held: Sequence[str | None], party: AnyRow, capacity: str) -> str:
    """The kind of powers on which a signature rests, full powers, or for a private party any mandate; else Conflict.

    Who signs by office needs no full powers (Vienna Convention on the Law of Treaties, article 7(2)), but the registry
    has recorded the office.
    """
    enough = {"full-powers"} | ({"ex-officio"} if capacity in OFFICES else set())
    if party.kind not in ("state", "organisation"):
        enough |= {"mandate", "ex-officio"}
    sufficient = sorted(kind for kind in held if kind in enough)
    if not sufficient:
        detail = "No powers to sign for this party in this capacity are on record."
        cure = "Have a representative with full powers sign, or one whose office needs none."
        raise _conflict(case, "need-not-met", detail, "powers-on-record", cure)
    return sufficient[0]
