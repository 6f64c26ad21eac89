"""Signatures under the frozen text of the settlement, for every party, each in a capacity and on powers to sign."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from app.core.access import service as access
from app.core.access.actors import Actor
from app.core.access.circle import Circle
from app.core.access.criteria import left_at
from app.core.access.session import GatedSession
from app.core.contents import service as contents
from app.core.db import AnyRow, new_id
from app.core.errors import Forbidden, NotFound, invalid
from app.core.ledger import service as ledger
from app.core.ledger.acts import Act, Author, Subject
from app.core.paging import Page, Sort, listed
from app.core.tables.cases import Case
from app.core.tables.parties import Party
from app.core.tables.people import User
from app.core.tables.settlements import Draft, Signature
from app.core.values import MOST_SHOWN
from app.proceedings.cases import paper_acts
from app.proceedings.cases.circle import circle_of, view_of
from app.proceedings.cases.lock import lock_case, require_case
from app.proceedings.cases.refusals import refused_by_practice
from app.proceedings.settlements.schemas import SignatureIn, SignatureList, SignatureOut
from app.proceedings.settlements.signers import claim_of, on_record, powers_for, with_office
from app.proceedings.steps.apply import Judged, apply_step
from app.proceedings.steps.consents_and_powers import PartyPowers, write_powers
from app.proceedings.steps.service import Attempt, judge_step
from app.proceedings.texts.service import text_of
from app.rules.model import WITHDRAWN

_COLUMNS = (
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
    left_at(Signature),
)


def list_signatures(db: GatedSession, actor: Actor, now: datetime, case_id: UUID, page: Page) -> SignatureList:
    """The signatures given in a case; NotFound if the case is not the actor's to see."""
    require_case(db, case_id)
    statement = select(*_COLUMNS).join(User, User.id == Signature.signer_id).where(Signature.case_id == case_id)
    signatures = listed(db, statement, page, Sort(Signature.signed_at, Signature.id, datetime))
    items = _signatures_out(db, case_id, signatures.rows)
    return SignatureList(items=items, next=signatures.next, count=signatures.count)


def read_signature(db: GatedSession, actor: Actor, now: datetime, case_id: UUID, signature_id: UUID) -> SignatureOut:
    """One signature; NotFound if the actor may not know of it."""
    statement = select(*_COLUMNS).join(User, User.id == Signature.signer_id)
    row = db.execute(statement.where(Signature.case_id == case_id, Signature.id == signature_id)).one_or_none()
    if row is None:
        raise NotFound
    return _signatures_out(db, case_id, [row])[0]


def _signatures_out(db: GatedSession, case_id: UUID, rows: Sequence[AnyRow]) -> list[SignatureOut]:
    if not rows:
        return []
    remaining = _remaining(db, case_id, {row.draft_id for row in rows})
    on_paper = contents.read_many(db, [row.content_id for row in rows if row.content_id is not None])
    names = set(SignatureOut.model_fields) - {
        "sha256",
        "remaining",
        "remaining_count",
        "signer_id",
        "signer_name",
        "voided_at",
    }
    return [
        SignatureOut(
            sha256=row.sha256.hex(),
            signer_id=None if row.content_id else row.signer_id,
            signer_name=on_paper[row.content_id]["name"] if row.content_id else row.signer_name,
            remaining=remaining[row.draft_id][:MOST_SHOWN],
            remaining_count=len(remaining[row.draft_id]),
            voided_at=_voided_at(row),
            **{name: getattr(row, name) for name in names},
        )
        for row in rows
    ]


def _voided_at(row: AnyRow) -> datetime | None:
    """When a signature became void, as its reader may know it, whose party may have left before."""
    return None if row.left_at and row.voided_at and row.voided_at > row.left_at else row.voided_at


def _remaining(db: GatedSession, case_id: UUID, draft_ids: Collection[UUID]) -> dict[UUID, list[UUID]]:
    """The parties that take part and have not signed each of these texts, in their order."""
    taking_part = (Party.case_id == case_id, Party.participation != WITHDRAWN)
    parties = list(db.execute(select(Party.id).where(*taking_part).order_by(Party.number)).scalars())
    given = select(Signature.draft_id, Signature.party_id, Signature.voided_at, left_at(Signature))
    signatures = db.execute(given.where(Signature.case_id == case_id))
    signed = {(row.draft_id, row.party_id) for row in signatures if _voided_at(row) is None}
    return {
        draft_id: [party_id for party_id in parties if (draft_id, party_id) not in signed] for draft_id in draft_ids
    }


def sign(db: GatedSession, actor: Actor, now: datetime, case_id: UUID, request: SignatureIn) -> tuple[UUID, UUID]:
    """Sign the frozen text for a party; the last signature that is needed closes the case as settled.

    The registry enters, on behalf of the party, a signature that was given on paper.
    Raises Forbidden for a person who does not act for the party, Conflict as the step `sign` does, for another text
    than the frozen one, or in a capacity or on powers that are not on record, and Invalid for a party or a draft that
    the case does not know, or a capacity that such a party does not have.
    """
    case = lock_case(db, actor, case_id)
    party = db.execute(
        select(Party.id, Party.kind).where(Party.case_id == case_id, Party.id == request.party_id)
    ).first()
    if party is None:
        raise invalid("/party_id", "unknown-party", "Name a party of this case by its id.")
    _check_acts_for(circle_of(db, view_of(case)), actor, party.id)
    judged = _judge(db, actor, now, case, request)
    if request.signer is not None:
        paper_acts.check_given(case, request.signer.powers.issued_on, now, "/signer/powers/issued_on")
    claim_of(party.kind, request.capacity)
    text = _frozen_text(db, case, request)
    powers = powers_for(case, party.kind, request.capacity, on_record(db, actor, case, request))
    author = paper_acts.author(actor, judged.counted, paper_acts.holding_of(db, case, party.id))
    audience_id = _of_participants(db, case, text)
    on_paper = _write_signer(db, now, author, Subject(case_id, audience_id, text.audience_name), request, powers)
    signature = Signature(
        id=new_id(db),
        case_id=case_id,
        audience_id=audience_id,
        draft_id=text.id,
        sha256=bytes.fromhex(request.sha256),
        party_id=party.id,
        signer_id=actor.id,
        capacity=request.capacity,
        signed_at=judged.counted.received_at or now,
        received_via=judged.counted.received_via,
        content_id=on_paper.id if on_paper else None,
    )
    db.add(signature)
    apply_step(db, now, case, judged)
    payload = {
        "signature_id": str(signature.id),
        "draft_id": str(text.id),
        "sha256": request.sha256,
        "party_id": str(party.id),
        "capacity": request.capacity,
        "powers": powers,
        "completes": judged.decision.completes,
        **judged.counted.payload(),
    }
    act = Act("sign", now, author, Subject(case_id, audience_id, text.audience_name), judged.counted.on)
    ledger.record(db, act, "text-signed", payload, judged.decision.step.citation.article, on_paper)
    return (case_id, signature.id)


def _check_acts_for(circle: Circle, actor: Actor, party_id: UUID) -> None:
    """Raise Forbidden for somebody who acts for other parties than the one for which they would sign."""
    own = circle.parties_of(actor)
    if own and party_id not in own:
        names = " and ".join(party.name for party in circle.parties if party.id in own)
        detail = f"You do not act for the party that 'party_id' names: you sign for {names}."
        raise Forbidden(detail, "not-your-capacity")


def _judge(db: GatedSession, actor: Actor, now: datetime, case: Case, request: SignatureIn) -> Judged:
    """The step `sign`, judged on the day on which the signature counts.

    A person who signs learns first whether they may sign now; the registry, which enters an act of a party, learns
    first whether it has entered that act well. Raises what `judge_step` and `paper_acts.judge` raise, and Invalid
    unless the signer is named for a signature on paper, and only for one.
    """
    entered = request.on_behalf_of is not None and actor.is_staff
    judged = (
        None
        if entered
        else judge_step(db, actor, now, case, Attempt("sign", request.party_id, acting_for=request.acting_for))
    )
    counted = paper_acts.judge(db, actor, now, case, request)
    names_signer = request.signer is not None
    if names_signer != (request.on_behalf_of is not None) or request.on_behalf_of not in (None, request.party_id):
        detail = "For a signature given on paper, name the party in 'on_behalf_of' and 'party_id', and its signer."
        raise invalid("/signer", "signer", detail)
    return judged or judge_step(db, actor, now, case, Attempt("sign", request.party_id, counted, request.acting_for))


def _frozen_text(db: GatedSession, case: Case, request: SignatureIn) -> Draft:
    """The text to sign; Invalid for a draft that the case does not know, Conflict for another than the frozen one."""
    statement = select(Draft).where(Draft.case_id == case.id, Draft.id == request.draft_id)
    row = db.execute(statement).scalar_one_or_none()
    if row is None:
        raise invalid("/draft_id", "unknown-draft", "Name the frozen text of this case by its id.")
    if row.state != "frozen" or text_of(db, row).sha256 != request.sha256:
        cure = "Read the frozen text under /settlement/drafts and sign by its id and hash."
        raise refused_by_practice(case, "need-not-met", "This is not the frozen text.", "text-differs", cure)
    return row


def _of_participants(db: GatedSession, case: Case, text: Draft) -> UUID:
    """The audience of a signature: that of the text, unless a party that has withdrawn still reads the text."""
    has_left = any(party.reads_until is not None for party in circle_of(db, view_of(case)).parties)
    return access.audience(db, case.id, text.audience_name) if has_left else text.audience_id


def _write_signer(
    db: GatedSession, now: datetime, author: Author, subject: Subject, request: SignatureIn, powers: str
) -> contents.Written | None:
    """Seal who signed on paper and on which powers, and record those powers; None for a signature in person."""
    if request.signer is None or subject.case_id is None:
        return None
    recorded = with_office(request.signer.powers, request.capacity)
    write_powers(db, now, author, subject.case_id, PartyPowers(request.party_id, None, recorded))
    body = {"name": request.signer.name, "powers": powers}
    if request.reason:
        body["reason"] = request.reason
    return contents.write(db, subject.case_id, subject.audience_id, body)
