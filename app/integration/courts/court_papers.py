"""Papers that pass between a court and the registry, filed in the case for its participants to read."""

from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from app.core.access.session import GatedSession, as_system
from app.core.contents import service as contents
from app.core.db import AnyRow, new_id
from app.core.ledger import service as ledger
from app.core.ledger.acts import Act, Subject
from app.core.tables.cases import Case
from app.core.tables.courts import CourtPaper, Referral

_EVENTS = {
    "received": "referral-accepted",
    "amended": "referral-amended",
    "extended": "return-date-extended",
    "withdrawn": "referral-withdrawn",
    "reported": "referral-reported",
}


def referral_subject(audience_id: UUID) -> Subject:
    """The stream of a referral, which the court, the staff and the institution's programs read."""
    return Subject(None, audience_id, "court")


def referral_payload(referral: Referral | AnyRow, **more: Any) -> dict[str, Any]:
    """Payload of an event about a referral: its id, its court's id, and more."""
    return {"referral_id": str(referral.id), "court_id": str(referral.court_id), **more}


def file_paper(
    db: GatedSession, act: Act, case: Case | AnyRow, kind: str, body: dict[str, Any], payload: dict[str, Any]
) -> None:
    """File a paper of this kind in the case and record the act for its participants.

    Writes as the system, because a court does not see the case.
    """
    with as_system(db):
        written = contents.write(db, case.id, case.audience_id, body)
        last = db.execute(select(func.max(CourtPaper.number)).where(CourtPaper.case_id == case.id)).scalar()
        paper = {"case_id": case.id, "audience_id": case.audience_id, "content_id": written.id, "at": act.at}
        db.add(CourtPaper(id=new_id(db), number=(last or 0) + 1, kind=kind, **paper))
    in_case = act.within(Subject(case.id, case.audience_id, "case"))
    ledger.record(db, in_case, _EVENTS[kind], payload, content=written)
