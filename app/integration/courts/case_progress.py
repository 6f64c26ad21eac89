"""After every act: what a court may learn of a case that it referred, and nothing else of it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, update

from app.core.access.actors import Actor
from app.core.access.session import GatedSession, as_system
from app.core.contents import service as contents
from app.core.db import AnyRow
from app.core.errors import Conflict, Forbidden, NotFound
from app.core.ledger import service as ledger
from app.core.ledger.acts import Act, Author, Subject, author_of
from app.core.tables.cases import Case
from app.core.tables.courts import Referral
from app.core.tables.events import Note
from app.core.tables.parties import Party
from app.core.tables.sessions import Meeting
from app.integration.courts.court_papers import lay_in, referral_subject
from app.proceedings.cases.locking import circle_of, lock_case, view_of
from app.proceedings.cases.paper_acts import zone_of
from app.rules.model import CLOSED, OPEN
from app.rules.terms import day_at

CLOCK = "stopped-clock"
SETTLED = {"settled": "whole", "partly-settled": "part"}
# What may be told of why a mediation ended: codes that say who came and went, and no view of anybody's (Uniform
# Mediation Act, section 7). The grounds of other rule sets are not told.
TOLD = (
    "party-declined",
    "party-did-not-attend",
    "party-left",
    "no-agreement",
    "return-date-passed",
    "withdrawn",
    "inadmissible",
    "declined",
    "lapsed",
)
_OF_SESSIONS = ("session-scheduled", "session-held", "session-adjourned", "session-cancelled")
_COLUMNS = (
    Referral.id,
    Referral.audience_id,
    Referral.court_id,
    Referral.phase,
    Referral.suspensions,
    Referral.dates_shared_by,
    Referral.report_id,
)


def follow(db: GatedSession, now: datetime) -> None:
    """Bring the referrals into line with the cases of which something was noted, and tell the courts."""
    moved: dict[UUID, list[Note]] = {}
    for note in db.notes:
        joint = note.audience == "participants" and note.payload.get("kind") == "joint"
        if note.case_id is not None and (note.type == "step-taken" or (note.type in _OF_SESSIONS and joint)):
            moved.setdefault(note.case_id, []).append(note)
    for case_id, notes in moved.items():
        # Whoever takes a step has locked the case.
        case = db.locked.get(case_id)
        if case is not None and case.referral_id is not None:
            _follow(db, now, case, notes)


def _follow(db: GatedSession, now: datetime, case: Case, notes: Sequence[Note]) -> None:
    with as_system(db):
        statement = select(*_COLUMNS).where(Referral.id == case.referral_id)
        referral = db.execute(statement.with_for_update(key_share=True, of=Referral)).one()
    by, act = Author.from_json(notes[-1].actor), notes[-1].act
    told: dict[str, Any] = {"referral_id": str(referral.id), "court_id": str(referral.court_id)}
    # Who acted is not the court's to know, only in which capacity.
    someone = Author(None, by.capacity)
    subject = referral_subject(referral.audience_id)
    values: dict[str, Any] = {}
    if case.phase != referral.phase:
        values["phase"] = case.phase
        more = {"phase": case.phase}
        ledger.record(db, Act("follow", now, someone, subject), "referral-stage-changed", {**told, **more})
    suspensions = _suspensions(referral.suspensions, notes, case)
    if suspensions != referral.suspensions:
        values["suspensions"] = suspensions
        more = {"clock": "stopped" if suspensions[-1]["until_at"] is None else "runs"}
        ledger.record(db, Act("follow", now, someone, subject), "referral-clock-changed", {**told, **more})
    if any(note.type in _OF_SESSIONS for note in notes) and all_share(db, case.id, referral.dates_shared_by):
        values["updated_at"] = now
        ledger.record(db, Act("follow", now, someone, subject), "referral-dates-changed", told)
    if case.closed_at is not None and referral.report_id is None:
        values["report_id"] = _report(db, now, case, referral, by, act, told)
        ledger.record(db, Act("report", now, someone, subject), "referral-reported", told)
    if values:
        _change(db, referral.id, {**values, "updated_at": now})


def _change(db: GatedSession, referral_id: UUID, values: dict[str, Any]) -> None:
    with as_system(db):
        row = update(Referral).where(Referral.id == referral_id).values(values)
        db.execute(row.execution_options(synchronize_session=False))


def _suspensions(kept: list[dict[str, Any]], notes: Sequence[Note], case: Case) -> list[dict[str, Any]]:
    """When the court's clock stood still, by the acts that stopped it and let it run; a closed case stops none."""
    found = [dict(one) for one in kept]

    def end(at: datetime) -> None:
        if found and found[-1]["until_at"] is None:
            found[-1]["until_at"] = at.isoformat()

    for note in notes:
        state = note.payload.get("tracks", {}).get(CLOCK)
        if state == OPEN and (not found or found[-1]["until_at"] is not None):
            found.append({"from_at": note.at.isoformat(), "until_at": None})
        elif state == CLOSED:
            end(note.at)
    if case.closed_at is not None:
        end(case.closed_at)
    return found


def all_share(db: GatedSession, case_id: UUID, shared_by: list[str]) -> bool:
    """Whether every party that takes part lets the court know the dates of joint sessions."""
    if not shared_by:
        return False
    with as_system(db):
        mine = select(Party.id).where(Party.case_id == case_id, Party.participation != "withdrawn")
        return {str(id) for id in db.execute(mine).scalars()} <= set(shared_by)


def _report(
    db: GatedSession,
    now: datetime,
    case: Case,
    referral: AnyRow,
    by: Author,
    act: str,
    told: dict[str, Any],
) -> UUID:
    """Write the report of the outcome, for the court, and the same for the participants; its contents' id."""
    with as_system(db):
        held = (Meeting.case_id == case.id, Meeting.kind == "joint", Meeting.state == "held")
        joint = (*held, Meeting.audience_name == "participants", Meeting.attendance_id.is_not(None))
        ids = [id for id in db.execute(select(Meeting.attendance_id).where(*joint)).scalars() if id is not None]
        came = [one for body in contents.read_many(db, ids).values() for one in body["attendance"]]
        parties = select(Party.id, Party.side, Party.name).where(Party.case_id == case.id).order_by(Party.number)
        rows = db.execute(parties).all()
    there = {one["party_id"] for one in came}
    attendance = [{"side": row.side, "name": row.name, "attended": str(row.id) in there} for row in rows]
    settled = SETTLED.get(case.outcome or "", "none")
    reason = next((code for code in (case.ground, case.outcome) if code in TOLD), None)
    report = {
        "took_place": bool(ids) or settled != "none",
        "ended_on": day_at(now, zone_of(case)).isoformat(),
        "settled": settled,
        "reason": reason,
        "attendance": attendance,
        "reported_at": now.isoformat(),
    }
    with as_system(db):
        written = contents.write(db, referral.id, referral.audience_id, report)
    lay_in(db, now, case, "reported", {"report": report}, by, act, told)
    return written.id


def share_dates(db: GatedSession, actor: Actor, now: datetime, case_id: UUID) -> tuple[UUID]:
    """Let the court know the dates of joint sessions, for a party; they are told once every party does.

    Raises NotFound for a case that no court referred, Forbidden for others than the parties, and Conflict for a party
    that has agreed already.
    """
    case = lock_case(db, actor, case_id)
    if case.referral_id is None:
        raise NotFound
    mine = {str(one) for one in circle_of(db, view_of(case)).parties_of(actor)}
    if not mine:
        raise Forbidden("A party lets the court know the dates of sessions.", "not-your-capacity")
    with as_system(db):
        statement = select(*_COLUMNS).where(Referral.id == case.referral_id)
        referral = db.execute(statement.with_for_update(key_share=True, of=Referral)).one()
    if mine <= set(referral.dates_shared_by):
        raise Conflict("Your party has agreed already.", "already-agreed")
    shared_by = sorted({*referral.dates_shared_by, *mine})
    _change(db, referral.id, {"dates_shared_by": shared_by, "updated_at": now})
    holding = circle_of(db, view_of(case)).holdings(actor)[0]
    by = author_of(actor, holding.capacity, holding.party_id)
    payload = {"referral_id": str(referral.id), "party_id": str(holding.party_id)}
    subject = Subject(case.id, case.audience_id, "case")
    ledger.record(db, Act("share-dates", now, by, subject), "session-dates-agreed", payload)
    if all_share(db, case.id, shared_by):
        someone = Author(None, holding.capacity)
        told = {"referral_id": str(referral.id), "court_id": str(referral.court_id)}
        about = referral_subject(referral.audience_id)
        ledger.record(db, Act("share-dates", now, someone, about), "referral-dates-changed", told)
    return (case_id,)
