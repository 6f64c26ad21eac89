"""Sessions: scheduled in the zone of the seat, and held."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select

from app.core.access import service as access
from app.core.access.actors import Actor
from app.core.access.session import GatedSession
from app.core.contents import service as contents
from app.core.db import AnyRow, new_id
from app.core.errors import Conflict, FieldError, Forbidden, Invalid, NotFound, invalid
from app.core.ledger import service as ledger
from app.core.ledger.acts import Act, Author, Subject, author_of
from app.core.paging import Page, Sort, listed
from app.core.tables.cases import Case
from app.core.tables.sessions import Meeting
from app.proceedings.cases.locking import circle_of, lock_case, require_case, view_of
from app.proceedings.cases.paper_acts import Counted, day_faults, zone_of
from app.proceedings.sessions.schemas import HoldIn, PutOffIn, SessionIn, SessionList, SessionOut
from app.proceedings.steps.service import Through, take_step_through
from app.rules.terms import LocalTimeFault, at_seat, day_at

PHASES = ("sessions", "settlement")
_COLUMNS = (
    Meeting.id,
    Meeting.kind,
    Meeting.state,
    Meeting.audience_name.label("audience"),
    Meeting.party_ids,
    Meeting.content_id,
    Meeting.attendance_id,
    Meeting.reason_id,
    Meeting.starts_at,
    Meeting.ends_at,
    Meeting.time_zone,
    Meeting.held_on,
)


def list_sessions(db: GatedSession, actor: Actor, now: datetime, case_id: UUID, page: Page) -> SessionList:
    """The sessions of a case that the actor may know of; NotFound if the case is not the actor's to see."""
    require_case(db, case_id)
    statement = select(*_COLUMNS).where(Meeting.case_id == case_id)
    found = listed(db, statement, page, Sort(Meeting.starts_at, Meeting.id, datetime))
    return SessionList(items=_out(db, found.rows), next=found.next, count=found.count)


def read_session(db: GatedSession, actor: Actor, now: datetime, case_id: UUID, session_id: UUID) -> SessionOut:
    """One session; NotFound if there is none that the actor may know of."""
    mine = (Meeting.case_id == case_id, Meeting.id == session_id)
    row = db.execute(select(*_COLUMNS).where(*mine)).one_or_none()
    if row is None:
        raise NotFound
    return _out(db, [row])[0]


def _out(db: GatedSession, rows: Sequence[AnyRow]) -> list[SessionOut]:
    ids = [id for row in rows for id in (row.content_id, row.attendance_id, row.reason_id) if id is not None]
    bodies = contents.read_many(db, ids)
    return [
        SessionOut(
            id=row.id,
            kind=row.kind,
            title=bodies[row.content_id]["title"],
            state=row.state,
            audience=row.audience,
            party_ids=row.party_ids,
            place=bodies[row.content_id]["place"],
            starts_at=row.starts_at,
            ends_at=row.ends_at,
            time_zone=row.time_zone,
            starts_local=_local(row.starts_at, row.time_zone),
            ends_local=_local(row.ends_at, row.time_zone),
            held_on=row.held_on,
            attendance=bodies[row.attendance_id]["attendance"] if row.attendance_id else None,
            reason=bodies[row.reason_id]["reason"] if row.reason_id else None,
        )
        for row in rows
    ]


def _local(instant: datetime, zone: str) -> str:
    return instant.astimezone(ZoneInfo(zone)).isoformat()


def schedule(db: GatedSession, actor: Actor, now: datetime, case_id: UUID, given: SessionIn) -> tuple[UUID, UUID]:
    """Schedule a session: the mediator any, the registry joint ones.

    Raises Forbidden for others, Conflict outside the phases of sessions and settlement, and Invalid for an audience
    that does not fit the kind, or times that do not exist at the seat.
    """
    case = lock_case(db, actor, case_id)
    capacity = _scheduler(db, actor, case, given.kind)
    starts_at, ends_at = _times(case, given)
    if (given.kind == "joint") != (given.audience == "participants") or given.audience not in (
        "participants",
        "caucus",
    ):
        fits = "A joint session lies among the 'participants', a caucus in a 'caucus'."
        raise invalid("/audience", "audience-kind", fits)
    parties = frozenset(given.party_ids)
    access.check_audience(db, actor, case_id, given.audience, parties)
    if case.phase not in PHASES:
        raise Conflict(
            "Sessions are scheduled once the case has its mediator, until it closes.",
            "step-not-open",
            stage=case.stage,
            rule_set=case.procedure,
            article=None,
            reasons=[],
        )
    audience_id = access.audience(db, case_id, given.audience, parties)
    written = contents.write(db, case_id, audience_id, {"title": given.title, "place": given.place})
    meeting = Meeting(
        id=new_id(db),
        case_id=case_id,
        audience_id=audience_id,
        kind=given.kind,
        state="scheduled",
        audience_name=given.audience,
        party_ids=sorted(str(party) for party in parties),
        content_id=written.id,
        starts_at=starts_at,
        ends_at=ends_at,
        time_zone=case.seat_time_zone,
        scheduled_at=now,
    )
    db.add(meeting)
    _record(db, now, meeting, "session-scheduled", "schedule", author_of(actor, capacity), written)
    return (case_id, meeting.id)


def _scheduler(db: GatedSession, actor: Actor, case: Case, kind: str) -> str:
    if circle_of(db, view_of(case)).is_mediator(actor):
        return "mediator"
    if actor.is_staff and kind == "joint":
        return "registry"
    raise Forbidden("The mediator schedules sessions; the registry joint ones too.", "not-your-capacity")


def _times(case: Case, given: SessionIn) -> tuple[datetime, datetime]:
    """Both times as instants; Invalid if one does not exist at the seat, or the end does not follow the beginning."""
    zone, found, faults = ZoneInfo(case.seat_time_zone), [], []
    for name in ("starts_at", "ends_at"):
        time: datetime = getattr(given, name)
        try:
            found.append(time.astimezone(UTC) if time.tzinfo else at_seat(time, zone))
        except LocalTimeFault as fault:
            faults.append(FieldError(f"/{name}", "local-time", str(fault)))
    if faults:
        raise Invalid(*faults)
    if found[1] <= found[0]:
        raise invalid("/ends_at", "order", "A session ends after it begins.")
    return found[0], found[1]


def _record(
    db: GatedSession,
    now: datetime,
    meeting: Meeting,
    kind: str,
    act: str,
    by: Author,
    content: contents.Written | None,
) -> None:
    payload = {
        "session_id": str(meeting.id),
        "kind": meeting.kind,
        "state": meeting.state,
        "starts_at": meeting.starts_at.isoformat(),
        "ends_at": meeting.ends_at.isoformat(),
    }
    subject = Subject(meeting.case_id, meeting.audience_id, meeting.audience_name)
    ledger.record(db, Act(act, now, by, subject), kind, payload, content=content)


def hold(
    db: GatedSession, actor: Actor, now: datetime, case_id: UUID, session_id: UUID, given: HoldIn
) -> tuple[UUID, UUID]:
    """Record that a session was held and who attended; a joint one takes the step `hold-session`.

    Raises NotFound, Forbidden for others than the mediator, Invalid for parties unknown to the case, and Conflict for
    a session that is not scheduled any more.
    """
    case = lock_case(db, actor, case_id)
    meeting = _meeting(db, case_id, session_id)
    known = circle_of(db, view_of(case))
    if not known.is_mediator(actor):
        raise Forbidden("The mediator records that a session was held.", "not-your-capacity")
    on = _held_on(case, meeting, now, given)
    parties = {party.id for party in known.parties}
    faults = [
        FieldError(f"/attendance/{number}/party_id", "unknown-party", "Name a party of this case by its id.")
        for number, one in enumerate(given.attendance)
        if one.party_id is not None and one.party_id not in parties
    ]
    if faults:
        raise Invalid(*faults)
    _expect_scheduled(meeting)
    attendance: dict[str, Any] = {"attendance": [one.model_dump(mode="json") for one in given.attendance]}
    if given.reason is not None:
        attendance["reason"] = given.reason
    written = contents.write(db, case_id, meeting.audience_id, attendance)
    meeting.state, meeting.held_on, meeting.attendance_id = "held", on, written.id
    if meeting.kind == "joint":
        take_step_through(db, actor, now, case, Through("hold-session", meeting.id, Counted(on)))
    _record(db, now, meeting, "session-held", "hold", author_of(actor, "mediator"), written)
    return (case_id, meeting.id)


def _meeting(db: GatedSession, case_id: UUID, session_id: UUID) -> Meeting:
    statement = select(Meeting).where(Meeting.case_id == case_id, Meeting.id == session_id)
    meeting = db.execute(statement).scalar_one_or_none()
    if meeting is None:
        raise NotFound
    return meeting


def _expect_scheduled(meeting: Meeting) -> None:
    if meeting.state != "scheduled":
        raise Conflict(f"The session is {meeting.state}.", "session-state", state=meeting.state)


def _held_on(case: Case, meeting: Meeting, now: datetime, given: HoldIn) -> date:
    """The day on which a session was held: today, or an earlier one from its scheduled beginning on."""
    today = day_at(now, zone_of(case))
    on = given.on or today
    faults = day_faults(today, on, given.reason)
    if not faults and on < min(today, day_at(meeting.starts_at, zone_of(case))):
        faults = [FieldError("/on", "before-session", "The session had not begun on that day.")]
    if faults:
        raise Invalid(*faults)
    return on


def adjourn(
    db: GatedSession, actor: Actor, now: datetime, case_id: UUID, session_id: UUID, given: PutOffIn
) -> tuple[UUID, UUID]:
    """Break a session off, to be taken up at another time, which is scheduled anew.

    Raises NotFound, Forbidden for who may not schedule such a session, and Conflict for one that is not scheduled.
    """
    return _put_off(db, actor, now, case_id, session_id, given, "adjourn", "adjourned")


def cancel(
    db: GatedSession, actor: Actor, now: datetime, case_id: UUID, session_id: UUID, given: PutOffIn
) -> tuple[UUID, UUID]:
    """Cancel a session that will not take place.

    Raises NotFound, Forbidden for who may not schedule such a session, and Conflict for one that is not scheduled.
    """
    return _put_off(db, actor, now, case_id, session_id, given, "cancel", "cancelled")


def _put_off(
    db: GatedSession,
    actor: Actor,
    now: datetime,
    case_id: UUID,
    session_id: UUID,
    given: PutOffIn,
    act: str,
    state: str,
) -> tuple[UUID, UUID]:
    case = lock_case(db, actor, case_id)
    meeting = _meeting(db, case_id, session_id)
    capacity = _scheduler(db, actor, case, meeting.kind)
    _expect_scheduled(meeting)
    written = contents.write(db, case_id, meeting.audience_id, {"reason": given.reason})
    meeting.state, meeting.reason_id = state, written.id
    _record(db, now, meeting, f"session-{state}", act, author_of(actor, capacity), written)
    return (case_id, meeting.id)
