"""After every act: passes on to a court what it may learn of a case that it referred, and nothing more."""

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
from app.integration.courts.court_papers import file_paper, referral_payload, referral_subject, serve_papers
from app.proceedings.cases.circle import circle_of, view_of
from app.proceedings.cases.lock import lock_case
from app.proceedings.cases.paper_acts import zone_of
from app.proceedings.cases.schemas import ActingIn
from app.rules.days import day_at
from app.rules.loader import library
from app.rules.model import CLOSED, OPEN

CLOCK = "stopped-clock"
SETTLED = {"settled": "whole", "partly-settled": "part"}
# Reasons for the end of a mediation that a court may learn: codes that state who came and went, and nobody's opinion
# (Uniform Mediation Act, section 7). Grounds of other rule sets are not disclosed.
DISCLOSED_REASONS = (
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
_SESSION_EVENTS = ("session-scheduled", "session-held", "session-adjourned", "session-cancelled")
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
    """Update the referrals of the cases in which something was recorded, and inform their courts."""
    notes_of: dict[UUID, list[Note]] = {}
    for note in db.notes:
        joint = note.audience == "participants" and note.payload.get("kind") == "joint"
        if note.case_id is not None and (note.type == "step-taken" or (note.type in _SESSION_EVENTS and joint)):
            notes_of.setdefault(note.case_id, []).append(note)
    for case_id, notes in notes_of.items():
        # Every act that takes a step has locked its case.
        case = db.locked.get(case_id)
        if case is not None and case.referral_id is not None:
            _follow(db, now, case, notes)


def _follow(db: GatedSession, now: datetime, case: Case, notes: Sequence[Note]) -> None:
    referral = _lock_referral_of(db, case)
    author = Author.from_json(notes[-1].actor)
    payload = referral_payload(referral)
    # A court learns in which capacity somebody acted, and not who it was.
    follows = Act("follow", now, Author(None, author.capacity), referral_subject(referral.audience_id))
    values: dict[str, Any] = {}
    if any(entry.serves for note in notes for entry in library()[case.procedure].entries(note.act)):
        serve_papers(db, Act("serve", now, author, follows.subject), case, payload)
    if case.phase != referral.phase:
        values["phase"] = case.phase
        ledger.record(db, follows, "referral-stage-changed", {**payload, "phase": case.phase})
    suspensions = _suspensions(referral.suspensions, notes, case)
    if suspensions != referral.suspensions:
        values["suspensions"] = suspensions
        state = "stopped" if suspensions[-1]["until_at"] is None else "runs"
        ledger.record(db, follows, "referral-clock-changed", {**payload, "clock": state})
    if any(note.type in _SESSION_EVENTS for note in notes) and all_share(db, case.id, referral.dates_shared_by):
        values["updated_at"] = now
        ledger.record(db, follows, "referral-dates-changed", payload)
    if case.closed_at is not None and referral.report_id is None:
        closing = Act(notes[-1].act, now, author, follows.subject)
        values["report_id"] = _report(db, closing, case, referral)
        reports = Act("report", now, follows.author, follows.subject)
        ledger.record(db, reports, "referral-reported", payload)
    if values:
        _change(db, referral.id, {**values, "updated_at": now})


def _lock_referral_of(db: GatedSession, case: Case) -> AnyRow:
    with as_system(db):
        statement = select(*_COLUMNS).where(Referral.id == case.referral_id)
        return db.execute(statement.with_for_update(key_share=True, of=Referral)).one()


def _change(db: GatedSession, referral_id: UUID, values: dict[str, Any]) -> None:
    with as_system(db):
        changed = update(Referral).where(Referral.id == referral_id).values(values)
        db.execute(changed.execution_options(synchronize_session=False))


def _suspensions(kept: list[dict[str, Any]], notes: Sequence[Note], case: Case) -> list[dict[str, Any]]:
    """List the times in which the court's clock stood still; closing the case ends the last of them."""
    suspensions = [dict(suspension) for suspension in kept]

    def end(at: datetime) -> None:
        if suspensions and suspensions[-1]["until_at"] is None:
            suspensions[-1]["until_at"] = at.isoformat()

    for note in notes:
        state = note.payload.get("tracks", {}).get(CLOCK)
        if state == OPEN and (not suspensions or suspensions[-1]["until_at"] is not None):
            suspensions.append({"from_at": note.at.isoformat(), "until_at": None})
        elif state == CLOSED:
            end(note.at)
    if case.closed_at is not None:
        end(case.closed_at)
    return suspensions


def all_share(db: GatedSession, case_id: UUID, shared_by: list[str]) -> bool:
    """Whether every participating party shares the dates of joint sessions with the court."""
    if not shared_by:
        return False
    with as_system(db):
        participating = select(Party.id).where(Party.case_id == case_id, Party.participation != "withdrawn")
        return {str(id) for id in db.execute(participating).scalars()} <= set(shared_by)


def _report(db: GatedSession, act: Act, case: Case, referral: AnyRow) -> UUID:
    """Write the report of the outcome for the court, and file the same in the case; return its contents' id."""
    with as_system(db):
        held = (Meeting.case_id == case.id, Meeting.kind == "joint", Meeting.state == "held")
        joint = (*held, Meeting.audience_name == "participants", Meeting.attendance_id.is_not(None))
        ids = [id for id in db.execute(select(Meeting.attendance_id).where(*joint)).scalars() if id is not None]
        attended = [person for body in contents.read_many(db, ids).values() for person in body["attendance"]]
        parties = select(Party.id, Party.side, Party.name).where(Party.case_id == case.id).order_by(Party.number)
        rows = db.execute(parties).all()
    represented = {person["party_id"] for person in attended}
    attendance = [{"side": row.side, "name": row.name, "attended": str(row.id) in represented} for row in rows]
    settled = SETTLED.get(case.outcome or "", "none")
    reason = next((code for code in (case.ground, case.outcome) if code in DISCLOSED_REASONS), None)
    report = {
        "took_place": bool(ids) or settled != "none",
        "ended_on": day_at(act.at, zone_of(case)).isoformat(),
        "settled": settled,
        "reason": reason,
        "attendance": attendance,
        "reported_at": act.at.isoformat(),
    }
    with as_system(db):
        written = contents.write(db, referral.id, referral.audience_id, report)
    file_paper(db, act, case, "reported", {"report": report}, referral_payload(referral))
    return written.id


def share_dates(db: GatedSession, actor: Actor, now: datetime, case_id: UUID, body: ActingIn) -> tuple[UUID]:
    """Share the dates of joint sessions with the court, for a party; the court sees them once every party does.

    Raises NotFound for a case that no court referred, Forbidden unless the actor acts for a party, and Conflict for a
    party that already shares them.
    """
    case = lock_case(db, actor, case_id)
    if case.referral_id is None:
        raise NotFound
    circle = circle_of(db, view_of(case))
    party_id = circle.acting_party(actor, body.acting_for)
    if party_id is None:
        raise Forbidden("Only a party's representative may share session dates with the court.", "not-your-capacity")
    referral = _lock_referral_of(db, case)
    if str(party_id) in referral.dates_shared_by:
        raise Conflict("Your party already shares its session dates with the court.", "already-agreed")
    shared_by = sorted({*referral.dates_shared_by, str(party_id)})
    is_for_the_court = all_share(db, case.id, shared_by)
    # The choice of some parties must not show to the court: what it sees of its referral has not changed.
    seen_by_the_court = {"updated_at": now} if is_for_the_court else {}
    _change(db, referral.id, {"dates_shared_by": shared_by, **seen_by_the_court})
    author = author_of(actor, circle.capacity(actor, party_id), party_id)
    payload = {"referral_id": str(referral.id), "party_id": str(party_id)}
    shares = Act("share-dates", now, author, Subject(case.id, case.audience_id, "case"))
    ledger.record(db, shares, "session-dates-agreed", payload)
    if is_for_the_court:
        for_court = Act("share-dates", now, Author(None, author.capacity), referral_subject(referral.audience_id))
        ledger.record(db, for_court, "referral-dates-changed", referral_payload(referral))
    return (case_id,)
