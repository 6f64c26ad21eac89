"""Receipts of filings: what was received, from whom, at which instant, and whether it was in time."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypedDict
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import or_, select

from app.core.access import service as access
from app.core.access.session import GatedSession
from app.core.contents import service as contents
from app.core.ledger.acts import Author
from app.core.tables.cases import Case
from app.core.tables.deadlines import Deadline
from app.core.tables.filings import Filing
from app.core.tables.parties import Party
from app.core.tables.people import User
from app.proceedings.cases.paper_acts import holding_of, zone_of
from app.proceedings.certificates import service
from app.proceedings.certificates.service import Issued, Statement, instant
from app.rules.engine import acts_as
from app.rules.loader import library

# Wider audiences need not know which terms run: the receipt of a filing for them is for the participants.
WIDER = ("court", "public")
# Filings of this kind answer a term; any other kind is in time or late for none.
ANSWER = "response"


class Enclosed(TypedDict):
    """A document as a receipt names it; `size` in bytes, `sha256` in hexadecimal, both of the plain file."""

    name: str
    size: int
    sha256: str
    media_type: str


def issue(
    db: GatedSession,
    now: datetime,
    case: Case,
    filing: Filing,
    author: Author,
    documents: Sequence[Enclosed] = (),
) -> Issued:
    """Sign the receipt of a filing that its author has just submitted, for the audience of the filing.

    Raises Misconfigured if the institution's key cannot be opened.
    """
    audience_id = filing.audience_id
    if filing.audience_name in WIDER:
        audience_id = access.audience(db, case.id, "participants")
    terms = _terms(db, case, filing, audience_id)
    members = {
        "filing": {
            "id": str(filing.id),
            "kind": filing.kind,
            "title": contents.read_one(db, filing.content_id)["title"],
            "audience": filing.audience_name,
            "docket_number": filing.docket_number,
            "resubmits_id": _resubmits(db, filing, audience_id),
        },
        "by": _by(db, filing, author),
        **_received(case, filing),
        "in_time": all(term["in_time"] for term in terms) if terms else None,
        "terms": terms,
        "documents": [dict(document) for document in documents],
    }
    return service.issue(db, now, case, audience_id, Statement("receipt", members, filing.id))


def _resubmits(db: GatedSession, filing: Filing, audience_id: UUID) -> str | None:
    """The returned filing that this one corrects, if every reader of the receipt may know of it."""
    # The receipt of a filing for a wider audience has some of that audience's readers.
    known = Filing.audience_id.in_((audience_id, filing.audience_id))
    returned = select(Filing.id).where(Filing.id == filing.resubmits_id, known)
    known_id = db.execute(returned).scalar_one_or_none() if filing.resubmits_id else None
    return str(known_id) if known_id else None


def _received(case: Case, filing: Filing) -> dict[str, Any]:
    """When the filing was received: in UTC, in local time at the seat, and the day on which it counts.

    A filing that corrects a returned one may be deemed received with that one: it was submitted later.
    """
    if filing.received_at is None or filing.effective_on is None:
        raise ValueError("only a filing that was submitted has a receipt")
    seat = ZoneInfo(case.seat_time_zone)
    return {
        "received_at": instant(filing.received_at),
        "received_via": filing.received_via,
        "submitted_at": instant(filing.listed_at),
        "seat": {
            "place": case.seat_place,
            "time_zone": seat.key,
            "received_local": filing.received_at.astimezone(seat).isoformat(),
            "submitted_local": filing.listed_at.astimezone(seat).isoformat(),
        },
        "effective_on": filing.effective_on.isoformat(),
        "days_counted_in": zone_of(case).key,
    }


def _by(db: GatedSession, filing: Filing, author: Author) -> dict[str, Any]:
    """Who filed, in which capacity and for which party, and the parties that joined the filing."""
    name = db.execute(select(User.name).where(User.id == author.id)).scalar_one_or_none() if author.id else None
    party = None
    if filing.author_party_id is not None:
        named = select(Party.name).where(Party.case_id == filing.case_id, Party.id == filing.author_party_id)
        party = {"id": str(filing.author_party_id), "name": db.execute(named).scalar_one()}
    ids = [UUID(joining["party_id"]) for joining in filing.joined_by]
    joined = select(Party.id, Party.name).where(Party.case_id == filing.case_id, Party.id.in_(ids))
    others = [{"id": str(row.id), "name": row.name} for row in db.execute(joined.order_by(Party.number))]
    return {"name": name, "capacity": author.capacity, "party": party, "joined_by": others}


def _terms(db: GatedSession, case: Case, filing: Filing, audience_id: UUID) -> list[dict[str, Any]]:
    """The running terms that the filing answers, of which every reader of the receipt may know."""
    answered = _answered(db, case, filing)
    if not answered:
        return []
    whose = (Deadline.party_id.is_(None), Deadline.party_id == filing.author_party_id)
    columns = (Deadline.term, Deadline.article, Deadline.due_on, Deadline.suspended_on)
    running = select(*columns).where(
        Deadline.case_id == case.id,
        Deadline.state == "running",
        Deadline.term.in_(answered),
        Deadline.audience_id.in_(service.known_to_all(db, case.id, audience_id)),
        or_(*whose),
    )
    return [
        {
            "term": row.term,
            "article": row.article,
            "due_on": None if row.suspended_on else row.due_on.isoformat(),
            "suspended": row.suspended_on is not None,
            "in_time": row.suspended_on is not None or filing.effective_on <= row.due_on,
        }
        for row in db.execute(running.order_by(Deadline.due_on, Deadline.id))
    ]


def _answered(db: GatedSession, case: Case, filing: Filing) -> set[str]:
    """The names of the terms that the filing answers: of a party's response, those that a step of the party ends."""
    if filing.kind != ANSWER or filing.author_party_id is None:
        return set()
    capacity = holding_of(db, case, filing.author_party_id).capacity
    return {
        term
        for step in library()[case.procedure].steps
        if case.stage in step.origin and acts_as((*step.by, *([step.each] if step.each else [])), capacity)
        for term in step.ends
    }
