"""Papers that pass between a court and the registry, filed in the case for its participants to read."""

from dataclasses import replace
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
from app.proceedings.cases.request_versions import history_subject

_EVENTS = {
    "received": "referral-accepted",
    "amended": "referral-amended",
    "extended": "return-date-extended",
    "withdrawn": "referral-withdrawn",
    "reported": "referral-reported",
}

# Papers that everybody must know of once the request is served: that the court referred it, and that it withdrew it.
STANDING = ("received", "withdrawn")


def referral_subject(audience_id: UUID) -> Subject:
    """The stream of a referral, which the court, the staff and the institution's programs read."""
    return Subject(None, audience_id, "court")


def referral_payload(referral: Referral | AnyRow, **more: Any) -> dict[str, Any]:
    """Payload of an event about a referral: its id, its court's id, and more."""
    return {"referral_id": str(referral.id), "court_id": str(referral.court_id), **more}


def file_paper(
    db: GatedSession, act: Act, case: Case | AnyRow, kind: str, body: dict[str, Any], payload: dict[str, Any]
) -> None:
    """File a paper of this kind in the case and record the act for those who may read it.

    Before service these are the requesting side and the registry. Writes as the system, because a court does not see
    the case.
    """
    in_case = act.within(history_subject(db, case))
    written = _write_paper(db, case, in_case, kind, body)
    ledger.record(db, in_case, _EVENTS[kind], payload, content=written)


def _write_paper(db: GatedSession, case: Case | AnyRow, act: Act, kind: str, body: dict[str, Any]) -> contents.Written:
    audience_id = act.subject.audience_id
    with as_system(db):
        written = contents.write(db, case.id, audience_id, body)
        last = db.execute(select(func.max(CourtPaper.number)).where(CourtPaper.case_id == case.id)).scalar()
        paper = {"case_id": case.id, "audience_id": audience_id, "content_id": written.id, "at": act.at}
        db.add(CourtPaper(id=new_id(db), number=(last or 0) + 1, kind=kind, **paper))
    return written


def serve_papers(db: GatedSession, act: Act, case: Case, payload: dict[str, Any]) -> None:
    """File the referral as it stands for everybody who sees the case, when its request is served.

    What the court sent before, and has changed since, stays with the requesting side and the registry.
    """
    served = act.within(Subject(case.id, case.audience_id, "case"))
    papers = select(CourtPaper.kind, CourtPaper.content_id, CourtPaper.at, CourtPaper.audience_id)
    with as_system(db):
        rows = db.execute(papers.where(CourtPaper.case_id == case.id).order_by(CourtPaper.number)).all()
        if not rows or any(row.audience_id == case.audience_id for row in rows):
            return
        standing = contents.read_one(db, rows[-1].content_id)
    for row in rows:
        if row.kind in STANDING:
            written = _write_paper(db, case, replace(served, at=row.at), row.kind, standing)
            ledger.record(db, served, "referral-served", payload, content=written)
