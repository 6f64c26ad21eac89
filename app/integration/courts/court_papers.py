"""What passes between a court and the registry, laid into the case, where its participants read it."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from app.core.access.session import GatedSession, as_system
from app.core.contents import service as contents
from app.core.db import AnyRow, new_id
from app.core.ledger import service as ledger
from app.core.ledger.acts import Act, Author, Subject
from app.core.tables.cases import Case
from app.core.tables.courts import CourtPaper


def referral_subject(audience_id: UUID) -> Subject:
    """The stream of a referral, which the court, the staff and the institution's programs read."""
    return Subject(None, audience_id, "court")


def lay_in(
    db: GatedSession,
    now: datetime,
    case: Case | AnyRow,
    kind: str,
    body: dict[str, Any],
    by: Author,
    act: str,
    payload: dict[str, Any],
) -> None:
    """Lay a paper into the case and tell its participants, whoever acts: a court does not see the case."""
    with as_system(db):
        written = contents.write(db, case.id, case.audience_id, body)
        last = db.execute(select(func.max(CourtPaper.number)).where(CourtPaper.case_id == case.id)).scalar()
        paper = {"case_id": case.id, "audience_id": case.audience_id, "content_id": written.id, "at": now}
        db.add(CourtPaper(id=new_id(db), number=(last or 0) + 1, kind=kind, **paper))
    subject = Subject(case.id, case.audience_id, "case")
    ledger.record(db, Act(act, now, by, subject), _TOLD_AS[kind], payload, content=written)


_TOLD_AS = {
    "received": "referral-accepted",
    "amended": "referral-amended",
    "extended": "return-date-extended",
    "withdrawn": "referral-withdrawn",
    "reported": "referral-reported",
}
