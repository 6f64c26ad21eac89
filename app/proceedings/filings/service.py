"""Filings: drafted for the author's own side, then submitted to the audience that they name."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import aliased

from app.core.access import service as access
from app.core.access.actors import Actor
from app.core.access.circle import Circle
from app.core.access.criteria import left_at
from app.core.access.session import GatedSession
from app.core.contents import service as contents
from app.core.db import AnyRow, new_id
from app.core.errors import Conflict, Forbidden, NotFound
from app.core.ledger import service as ledger
from app.core.ledger.acts import Act, Author, Subject, author_of
from app.core.paging import Page, Sort, listed
from app.core.tables.cases import Case
from app.core.tables.filings import Filing
from app.proceedings.cases import paper_acts
from app.proceedings.cases.circle import circle_of, view_of
from app.proceedings.cases.lock import lock_case, require_case
from app.proceedings.cases.schemas import ActingIn
from app.proceedings.certificates import receipts
from app.proceedings.certificates.service import instant
from app.proceedings.documents import service as documents
from app.proceedings.filings import docket, joinders
from app.proceedings.filings.schemas import FilingIn, FilingList, FilingOut, FilingWithdrawalOut
from app.rules.days import day_at

# A reader may not know of the sealed or the returned filing. The gate filters these selections too.
_SEALED, _RETURNED = aliased(Filing), aliased(Filing)
_SEALED_ID = select(_SEALED.id).where(_SEALED.id == Filing.redacts_id).scalar_subquery()
_RETURNED_ID = select(_RETURNED.id).where(_RETURNED.id == Filing.resubmits_id).scalar_subquery()
_COLUMNS = (
    Filing.id,
    Filing.kind,
    Filing.state,
    Filing.audience_name.label("audience"),
    Filing.party_ids,
    Filing.author_id,
    Filing.author_party_id,
    Filing.content_id,
    Filing.listed_at,
    Filing.shared_at,
    Filing.received_at,
    Filing.received_via,
    Filing.entered_at,
    Filing.effective_on,
    Filing.audience_id.label("stream"),
    Filing.docket_number,
    Filing.docketing,
    Filing.decided_at,
    Filing.reasons,
    Filing.decision_id,
    _RETURNED_ID.label("resubmits_id"),
    _SEALED_ID.label("redacts_id"),
    Filing.joined_by.label("joint"),
    Filing.withdrawn_at,
    Filing.withdrawal_id,
    left_at(Filing),
)
# A withdrawn filing shows neither to other sides.
_SEALED_BODY = {"title": None, "text": None}


def list_filings(db: GatedSession, actor: Actor, now: datetime, case_id: UUID, page: Page) -> FilingList:
    """Return a page of the filings that the actor may know of; raises NotFound if the actor may not see the case."""
    require_case(db, case_id)
    statement = select(*_COLUMNS).where(Filing.case_id == case_id, Filing.discarded_at.is_(None))
    listing = listed(db, statement, page, Sort(Filing.listed_at, Filing.id, datetime))
    return FilingList(items=_out(db, listing.rows), next=listing.next, count=listing.count)


def list_in_audiences(db: GatedSession, case_id: UUID | None, audiences: Sequence[str], page: Page) -> FilingList:
    """Return a page of the filings that were submitted to one of these audiences, and that the actor may know of."""
    shown = (Filing.case_id == case_id, Filing.audience_name.in_(audiences), Filing.state == "submitted")
    listing = listed(db, select(*_COLUMNS).where(*shown), page, Sort(Filing.listed_at, Filing.id, datetime))
    return FilingList(items=_out(db, listing.rows), next=listing.next, count=listing.count)


def read_filing(db: GatedSession, actor: Actor, now: datetime, case_id: UUID, filing_id: UUID) -> FilingOut:
    """Return one filing; raises NotFound if the actor may not know of it."""
    wanted = (Filing.case_id == case_id, Filing.id == filing_id, Filing.discarded_at.is_(None))
    row = db.execute(select(*_COLUMNS).where(*wanted)).one_or_none()
    if row is None:
        raise NotFound
    return _out(db, [row])[0]


def _out(db: GatedSession, rows: Sequence[AnyRow]) -> list[FilingOut]:
    files = documents.rows_of(db, [row.id for row in rows])
    ids = [id for row in rows for id in (row.content_id, row.decision_id, row.withdrawal_id) if id is not None]
    bodies = contents.read_many(db, [*ids, *(file.content_id for file in files)])
    enclosures = documents.enclosed(files, bodies)
    names = set(FilingOut.model_fields) - {"title", "text", "reason", "note", "documents", "withdrawal"}
    return [
        FilingOut.model_validate(
            {
                **(_SEALED_BODY if row.withdrawn_at and row.content_id not in bodies else bodies[row.content_id]),
                "withdrawal": _withdrawal(bodies.get(row.withdrawal_id)),
                "note": bodies[row.decision_id]["note"] if row.decision_id else None,
                "documents": enclosures.get(row.id, []),
                **{name: getattr(row, name) for name in names},
                **_as_left(row, bodies),
            }
        )
        for row in rows
    ]


def _withdrawal(body: contents.Body | None) -> FilingWithdrawalOut | None:
    return None if body is None else FilingWithdrawalOut.model_validate(body)


def _as_left(row: AnyRow, bodies: dict[UUID, contents.Body]) -> dict[str, Any]:
    """What a filing shows otherwise to a party that has left: no later decision, and no number of a later twin.

    That others withdrew its text shows also later, since the text is gone.
    """
    if row.left_at is None:
        return {}
    shown: dict[str, Any] = {}
    if row.withdrawn_at and row.withdrawn_at > row.left_at and row.joint and row.content_id in bodies:
        # It goes on reading what it had joined, as it was.
        shown = {"withdrawn_at": None, "withdrawal": None}
    if row.docketing is None:
        return shown | {"docket_number": None}
    is_later = row.decided_at is not None and row.decided_at > row.left_at
    if is_later:
        shown |= {"docketing": "pending", "decided_at": None, "reasons": [], "note": None}
    return shown


def draft(db: GatedSession, actor: Actor, now: datetime, case_id: UUID, body: FilingIn) -> tuple[UUID, UUID]:
    """Draft a filing, which its author alone sees until it is shared; the registry drafts what a party sent on paper.

    Raises Forbidden for an audience that does not include the author, Invalid for one that filings cannot have, and
    Conflict before the request is lodged or once the case is closed.
    """
    case = lock_case(db, actor, case_id)
    parties = frozenset(body.party_ids)
    access.check_audience(db, actor, case_id, body.audience, parties)
    subject, party_id = _own_side(db, actor, case, body)
    docket.check_draft(db, actor, case, body, party_id)
    check_open(case)
    counted = paper_acts.judge(db, actor, now, case, body, since=_lodged_on(case))
    prose = {"title": body.title, "text": body.text} | ({"reason": body.reason} if body.reason else {})
    content = contents.write(db, case_id, subject.audience_id, prose)
    filing = Filing(
        id=new_id(db),
        case_id=case_id,
        audience_id=subject.audience_id,
        kind=body.kind,
        state="draft",
        audience_name=body.audience,
        party_ids=sorted(str(party) for party in parties),
        author_id=actor.id,
        author_party_id=counted.party_id or party_id,
        content_id=content.id,
        listed_at=now,
        received_at=(counted.received_at or now) if counted.received_via else None,
        received_via=counted.received_via,
        entered_at=now if counted.received_via else None,
        effective_on=counted.on if counted.received_via else None,
        resubmits_id=body.resubmits_id,
        redacts_id=body.redacts_id,
        joined_by=[{"party_id": str(party), "joined_at": None} for party in body.joint_with],
        shared_at=now if body.joint_with else None,
    )
    db.add(filing)
    _record(
        db, Act("draft", now, author_of_filing(db, actor, case, filing), subject), filing, "filing-drafted", content
    )
    return (case_id, filing.id)


def _lodged_on(case: Case) -> date | None:
    return day_at(case.lodged_at, paper_acts.zone_of(case)) if case.lodged_at else None


def check_open(case: Case) -> None:
    """Raise Conflict before the request is lodged and once the case is closed."""
    if case.lodged_at is None or case.closed_at is not None:
        raise Conflict(
            "Filings are possible from the lodging of the request until the case closes.",
            "step-not-open",
            stage=case.stage,
            rule_set=case.procedure,
            article=None,
            reasons=[],
        )


def _own_side(db: GatedSession, actor: Actor, case: Case, body: FilingIn) -> tuple[Subject, UUID | None]:
    """Return the audience of an author's drafts, and the party in whose name the author files.

    A draft for a party is its author's alone until it is shared; a joint one is shared at once by naming the parties
    that file with it. Once their author has left, those who come later do not see shared drafts. Other drafts are seen
    by the mediators or the registry alone. Raises PartyNotNamed for an author who represents several parties and does
    not say for which.
    """
    circle = circle_of(db, view_of(case))
    party_id = circle.acting_party(actor, body.acting_for, body.party_ids)
    if party_id is not None:
        if not body.joint_with:
            return Subject(case.id, access.private_drafts_of(db, case.id, party_id, actor.id), "party"), party_id
        # Naming the others shares the draft with them: they must read it to join.
        audience_id = access.shared_drafts_of(db, case.id, frozenset({party_id, *body.joint_with}), actor.id)
        return Subject(case.id, audience_id, "party"), party_id
    if circle.is_mediator(actor):
        return Subject(case.id, access.audience(db, case.id, "mediators"), "mediators"), None
    if actor.is_staff:
        return Subject(case.id, access.audience(db, case.id, "registry"), "registry"), None
    raise Forbidden("Only parties, mediators and the registry may file.", "not-your-capacity")


def author_of_filing(db: GatedSession, actor: Actor, case: Case, filing: Filing) -> Author:
    """The actor as the author of a filing that their side drafted."""
    capacity = circle_of(db, view_of(case)).capacity(actor, filing.author_party_id)
    return author_of(actor, capacity, filing.author_party_id)


def _record(db: GatedSession, act: Act, filing: Filing, kind: str, content: contents.Written | None) -> None:
    payload: dict[str, Any] = {
        "filing_id": str(filing.id),
        "kind": filing.kind,
        "state": filing.state,
        "effective_on": filing.effective_on.isoformat() if filing.effective_on else None,
    }
    if filing.docket_number is not None:
        payload["docket_number"] = filing.docket_number
    if filing.received_via is None and filing.received_at is not None and filing.received_at < act.at:
        # The event has the real instant, and this is the deemed one.
        payload["received_at"] = instant(filing.received_at)
    if filing.received_via is not None:
        paper = paper_acts.Counted(act.at.date(), filing.author_party_id, filing.received_at, filing.received_via)
        payload |= paper.payload()
    ledger.record(db, act, kind, payload, content=content)


def submit(
    db: GatedSession, actor: Actor, now: datetime, case_id: UUID, filing_id: UUID, body: ActingIn
) -> tuple[UUID, UUID]:
    """Submit a draft to the audience that it names, and fix the instant of its receipt and the day at the seat.

    Raises NotFound, Forbidden for another side or if the audience no longer includes the author, PartyNotNamed for an
    `acting_for` that is not the party whose draft it is, and Conflict for a filing that is submitted already or that
    not every party has joined, where one of them has withdrawn, or in a closed case.
    """
    case = lock_case(db, actor, case_id)
    filing = docket.filing_in(db, case, filing_id)
    circle = circle_of(db, view_of(case))
    if not may_submit(circle, actor, filing):
        raise Forbidden("Only the side that drafted a filing may submit it.", "not-your-capacity")
    circle.acting_party(actor, body.acting_for, [filing.author_party_id] if filing.author_party_id else [])
    if filing.state != "draft":
        detail = (
            f"This filing is {filing.state}: only a draft can be submitted. File another one if there is more to say."
        )
        raise Conflict(detail, "filing-state", state=filing.state)
    check_open(case)
    joinders.check_all_there(circle, actor, filing)
    joinders.check_all_joined(filing)
    parties = frozenset(UUID(party) for party in filing.party_ids)
    audience_id = access.writable_audience(db, actor, case_id, filing.audience_name, parties)
    filing.state, filing.audience_id = "submitted", audience_id
    _forget_drafting(filing, actor, now)
    if filing.received_via is None:
        filing.received_at, filing.effective_on = docket.received(db, now, case, filing)
    author = author_of_filing(db, actor, case, filing)
    docket.enter(db, now, case, filing, author)
    contents.move(db, filing.content_id, audience_id)
    documents.submit(db, actor, now, filing)
    content = contents.committed(db, filing.content_id)
    subject = Subject(case_id, audience_id, filing.audience_name)
    _record(db, Act("submit", now, author, subject), filing, "filing-submitted", content)
    receipts.issue(db, now, case, filing, author, _enclosures(db, filing.id))
    return (case_id, filing.id)


def _forget_drafting(filing: Filing, actor: Actor, now: datetime) -> None:
    """Date what a filing says of its drafting by its submission: that is when others may begin to know of it.

    Who drafted it, and when each party joined, stays in the events of the side that drafted.
    """
    filing.listed_at, filing.author_id, filing.shared_at = now, actor.id, None
    filing.joined_by = [{**entry, "joined_at": now.isoformat()} for entry in filing.joined_by]


def _enclosures(db: GatedSession, filing_id: UUID) -> list[receipts.Enclosed]:
    """The documents of a filing as its receipt lists them."""
    files = documents.rows_of(db, [filing_id])
    bodies = contents.read_many(db, [file.content_id for file in files])
    return [
        {"name": file.name, "size": file.size, "sha256": file.sha256, "media_type": file.media_type}
        for file in documents.enclosed(files, bodies).get(filing_id, [])
    ]


def may_submit(circle: Circle, actor: Actor, filing: Filing) -> bool:
    """Whether the actor belongs to the side that drafted a filing."""
    if filing.received_via is not None:
        return actor.is_staff
    if filing.author_party_id is not None:
        return filing.author_party_id in circle.parties_of(actor)
    # A draft of the mediators or the registry is seen by themselves alone.
    return filing.state == "draft" or filing.author_id == actor.id
