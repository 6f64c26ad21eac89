"""Referrals as courts, the registry and the participants of the case read them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from app.core.access.actors import Actor
from app.core.access.session import GatedSession, as_system
from app.core.contents import service as contents
from app.core.db import AnyRow
from app.core.errors import NotFound
from app.core.paging import Page, Sort, listed
from app.core.sealer import NO_KEY
from app.core.tables.cases import Case
from app.core.tables.contents import DataKey
from app.core.tables.courts import Court, CourtPaper, Referral
from app.core.tables.sessions import Meeting
from app.core.values import MOST_SHOWN
from app.integration.courts.case_progress import all_share
from app.integration.courts.court_papers import STANDING
from app.integration.courts.named_representatives import proposed
from app.integration.courts.referral_schemas import (
    AnswerOut,
    PaperOut,
    ReferralInCase,
    ReferralList,
    ReferralOut,
    ReportOut,
    SessionDates,
    Suspension,
)
from app.proceedings.cases.lock import require_case
from app.proceedings.filings.schemas import FilingList
from app.proceedings.filings.service import list_in_audiences

_COLUMNS = (
    Referral.id,
    Referral.court_id,
    Court.name.label("court"),
    Referral.external_id,
    Referral.state,
    Referral.earlier_referral_id,
    Referral.return_on,
    Referral.content_id,
    Referral.answer_id,
    Referral.report_id,
    Referral.case_id,
    Referral.phase,
    Referral.suspensions,
    Referral.dates_shared_by,
    Referral.received_at,
    Referral.updated_at,
)
# Audiences of the case that the court reads in addition to the referral.
SHOWN = ("court", "public")
_OF_REFERRAL = ("case_number", "title", "category", "parties", "order", "subjects", "languages", "seat")
_OF_CASE = ("external_id", "case_number", "title", "parties", "order", "return_on", "subjects", "languages")


@dataclass(frozen=True, slots=True)
class ReferralFilter:
    """Which referrals to list; None accepts any."""

    state: str | None = None
    external_id: str | None = None
    updated_since: datetime | None = None


def list_referrals(db: GatedSession, actor: Actor, now: datetime, page: Page, only: ReferralFilter) -> ReferralList:
    """List the referrals that the actor may read, newest first."""
    statement = select(*_COLUMNS).join(Court, Court.id == Referral.court_id)
    # Leave out referrals whose key was destroyed: they cannot be read.
    statement = statement.join(DataKey, DataKey.case_id == Referral.id).where(DataKey.wrapped != NO_KEY)
    if not actor.is_the_institutions:
        # An actor without a court has an id under which no referral exists.
        statement = statement.where(Referral.court_id == (actor.court_id or actor.id))
    for column, value in ((Referral.state, only.state), (Referral.external_id, only.external_id)):
        if value is not None:
            statement = statement.where(column == value)
    if only.updated_since is not None:
        statement = statement.where(Referral.updated_at >= only.updated_since)
    listing = listed(db, statement, page, Sort(Referral.received_at, Referral.id, datetime, newest_first=True))
    items = [item.model_copy(update={"parties": item.parties[:MOST_SHOWN]}) for item in _out(db, listing.rows)]
    return ReferralList(items=items, next=listing.next, count=listing.count)


def read_referral(db: GatedSession, actor: Actor, now: datetime, referral_id: UUID) -> ReferralOut:
    """Read one referral; NotFound if it does not exist or the actor may not read it."""
    return _out(db, [_row(db, referral_id)])[0]


def _row(db: GatedSession, referral_id: UUID) -> AnyRow:
    statement = select(*_COLUMNS).join(Court, Court.id == Referral.court_id).where(Referral.id == referral_id)
    row = db.execute(statement).one_or_none()
    if row is None:
        raise NotFound
    return row


def _out(db: GatedSession, rows: Sequence[AnyRow]) -> list[ReferralOut]:
    ids = [id for row in rows for id in (row.content_id, row.answer_id, row.report_id) if id is not None]
    bodies = contents.read_many(db, ids)
    references = _references(db, [row.case_id for row in rows if row.case_id is not None])
    return [_referral(db, row, bodies, references) for row in rows]


def _referral(
    db: GatedSession, row: AnyRow, bodies: dict[UUID, Any], references: dict[UUID, str | None]
) -> ReferralOut:
    sent = bodies[row.content_id]
    own = ("id", "court_id", "court", "external_id", "state", "return_on", "case_id", "phase", "received_at")
    return ReferralOut(
        **{name: getattr(row, name) for name in (*own, "updated_at", "earlier_referral_id")},
        **{name: sent[name] for name in _OF_REFERRAL},
        **_external(sent),
        party_count=len(sent["parties"]),
        order_file=sent.get("order_file"),
        answer=AnswerOut.model_validate(bodies[row.answer_id]) if row.answer_id else None,
        reference=references.get(row.case_id),
        sessions=_sessions(db, row),
        suspensions=[Suspension.model_validate(suspension) for suspension in row.suspensions],
        report=ReportOut.model_validate(bodies[row.report_id]) if row.report_id else None,
    )


def _external(sent: dict[str, Any]) -> dict[str, Any]:
    return {"external": json.loads(sent["external"]), "external_text": sent["external"]}


def _references(db: GatedSession, case_ids: Sequence[UUID]) -> dict[UUID, str | None]:
    """References of the cases, read as the system because a court does not see the cases."""
    if not case_ids:
        return {}
    with as_system(db):
        rows = db.execute(select(Case.id, Case.reference).where(Case.id.in_(case_ids))).all()
    return {row.id: row.reference for row in rows}


def _sessions(db: GatedSession, row: AnyRow) -> list[SessionDates] | None:
    """Dates of the joint sessions, if every party shares them with the court."""
    if row.case_id is None or not all_share(db, row.case_id, row.dates_shared_by):
        return None
    columns = (Meeting.starts_at, Meeting.ends_at, Meeting.state)
    joint = (Meeting.case_id == row.case_id, Meeting.kind == "joint", Meeting.audience_name == "participants")
    with as_system(db):
        rows = db.execute(select(*columns).where(*joint).order_by(Meeting.starts_at, Meeting.id)).all()
    return [SessionDates.model_validate(session) for session in rows]


def list_filings(db: GatedSession, actor: Actor, now: datetime, referral_id: UUID, page: Page) -> FilingList:
    """List the case's filings for the court and for the public; NotFound if the actor may not read the referral."""
    return list_in_audiences(db, _row(db, referral_id).case_id, SHOWN, page)


def read_in_case(db: GatedSession, actor: Actor, now: datetime, case_id: UUID) -> ReferralInCase:
    """Read what the court sent about a case; NotFound if no court referred it or the actor may not read the case."""
    require_case(db, case_id)
    columns = (CourtPaper.kind, CourtPaper.content_id, CourtPaper.at)
    papers = select(*columns).where(CourtPaper.case_id == case_id).order_by(CourtPaper.number)
    rows = db.execute(papers).all()
    if not rows:
        raise NotFound
    last = {row.kind: row for row in rows}
    sent_in = next(row for row in reversed(rows) if row.kind != "reported")
    reported = last.get("reported")
    bodies = contents.read_many(db, [sent_in.content_id, *([reported.content_id] if reported else [])])
    sent = bodies[sent_in.content_id]["sent"]
    with as_system(db):
        own = select(Referral.id, Referral.court_id, Referral.dates_shared_by)
        referral = db.execute(own.where(Referral.case_id == case_id)).one()
    return ReferralInCase(
        **{name: sent[name] for name in _OF_CASE},
        **_external(sent),
        order_file=sent.get("order_file"),
        proposed_representatives=proposed(db, actor, case_id, sent),
        court=sent["court"],
        referral_id=referral.id,
        court_id=referral.court_id,
        withdrawn_at=last["withdrawn"].at if "withdrawn" in last else None,
        dates_shared_by=referral.dates_shared_by,
        report=ReportOut.model_validate(bodies[reported.content_id]["report"]) if reported else None,
        papers=_papers(rows),
    )


def _papers(rows: Sequence[AnyRow]) -> list[PaperOut]:
    """The papers in their order; one that was served again, as it then stood, is shown once."""
    shown: list[PaperOut] = []
    for row in rows:
        if row.kind not in STANDING or all(paper.kind != row.kind for paper in shown):
            shown.append(PaperOut(kind=row.kind, at=row.at))
    return shown
