"""A person's desk: what waits for them in all their cases, what is due, their next sessions, and news."""

from datetime import datetime
from typing import Any

from sqlalchemy import func, literal_column, or_, select, update
from sqlalchemy.orm import aliased

from app.core.access.actors import Actor
from app.core.access.capacities import my_parts
from app.core.access.criteria import left_at
from app.core.access.policy import REPRESENTATIVES
from app.core.access.session import GatedSession
from app.core.db import AnyRow
from app.core.tables.cases import Case
from app.core.tables.events import Event
from app.core.tables.mediators import Appointment, Mediator
from app.core.tables.people import User
from app.core.tables.sessions import Meeting
from app.proceedings.cases.filters import awaiting_me, of_own_cases
from app.proceedings.deadlines.schemas import DeadlineCase
from app.proceedings.deadlines.service import next_deadlines
from app.proceedings.desk.schemas import DeskOut, NewsItem, NominationItem, SessionItem, WaitingItem

# How many items each part of the desk shows at most; the lists show all.
MOST = 50


def read_desk(db: GatedSession, actor: Actor, now: datetime) -> DeskOut:
    """Return what waits for the actor, what is due, the next sessions, and the acts of others since the last look."""
    looked_at = db.execute(select(User.looked_at).where(User.id == actor.id)).scalar()
    parts: dict[str, list[Any]] = {
        "waiting": _waiting(db, actor),
        "due": next_deadlines(db, actor, now, MOST + 1),
        "sessions": _sessions(db, actor, now),
        "nominations": _nominations(db, actor),
        "news": _news(db, actor, looked_at),
    }
    more = [part for part, items in parts.items() if len(items) > MOST]
    return DeskOut(looked_at=looked_at, more=more, **{part: items[:MOST] for part, items in parts.items()})


def look(db: GatedSession, actor: Actor, now: datetime) -> tuple[()]:
    """Note that the actor has looked: what is on the desk now is not shown as new next time."""
    looked = update(User).where(User.id == actor.id).values(looked_at=now)
    db.execute(looked.execution_options(synchronize_session=False))
    return ()


def _case(row: AnyRow) -> DeadlineCase:
    return DeadlineCase(id=row.case_id, reference=row.reference, title=row.title)


_OF_CASE = (Case.id.label("case_id"), Case.reference, Case.title)


def _waiting(db: GatedSession, actor: Actor) -> list[WaitingItem]:
    waiting = of_own_cases(select(*_OF_CASE, Case.waiting_for, Case.next_due_on).where(awaiting_me(actor)), actor)
    # Cases with a day, then those without: both parts are in the order of an index.
    dated = waiting.where(Case.next_due_on.is_not(None)).order_by(Case.next_due_on, Case.opened_at, Case.id)
    undated = waiting.where(Case.next_due_on.is_(None)).order_by(Case.opened_at, Case.id)
    rows = list(db.execute(dated.limit(MOST + 1)))
    rows += db.execute(undated.limit(MOST + 1 - len(rows))) if len(rows) <= MOST else ()
    parts = my_parts(db, actor, [row.case_id for row in rows])
    return [_waiting_item(row, entry) for row in rows for entry in row.waiting_for if is_mine(actor, parts, row, entry)]


def is_mine(actor: Actor, parts: set[tuple[Any, str, Any]], row: AnyRow, entry: dict[str, Any]) -> bool:
    """Whether a case waits for the actor with this entry of its `waiting_for`.

    The parts are the actor's, as case, role and party.
    """
    if actor.is_staff:
        return entry["capacity"] in ("registry", "appointing-authority")
    if entry["party_id"] is None or entry["capacity"] == "registry":
        return (row.case_id, entry["capacity"], None) in parts
    return any((row.case_id, role, entry["party_id"]) in parts for role in REPRESENTATIVES)


def _waiting_item(row: AnyRow, entry: dict[str, Any]) -> WaitingItem:
    return WaitingItem(
        case=_case(row),
        capacity=entry["capacity"],
        party_id=entry["party_id"],
        step=entry["for"],
        since=entry["since"],
        due_on=entry["due_on"],
        article=entry["article"],
    )


def _sessions(db: GatedSession, actor: Actor, now: datetime) -> list[SessionItem]:
    columns = (Meeting.id, Meeting.kind, Meeting.starts_at, Meeting.ends_at, Meeting.time_zone)
    # A literal, as in the condition of the partial index: with a parameter the index is not used.
    coming = (Meeting.state == literal_column("'scheduled'"), Meeting.ends_at >= now, left_at(Meeting).is_(None))
    statement = of_own_cases(select(*columns, *_OF_CASE).join(Case, Case.id == Meeting.case_id).where(*coming), actor)
    rows = db.execute(statement.order_by(Meeting.starts_at, Meeting.id).limit(MOST + 1)).all()
    return [
        SessionItem(case=_case(row), **{column.key: getattr(row, column.key) for column in columns}) for row in rows
    ]


def _nominations(db: GatedSession, actor: Actor) -> list[NominationItem]:
    columns = (Appointment.id, Appointment.state, Appointment.proposed_at)
    pending = (Mediator.user_id == actor.id, Appointment.state.in_(("proposed", "declared")))
    statement = select(*columns).join(Mediator, Mediator.id == Appointment.mediator_id).where(*pending)
    rows = db.execute(statement.order_by(Appointment.proposed_at, Appointment.id).limit(MOST + 1)).all()
    return [NominationItem.model_validate(row) for row in rows]


def _news(db: GatedSession, actor: Actor, since: datetime | None) -> list[NewsItem]:
    columns = (Event.id, Event.type, Event.act, Event.at, Event.article, Event.actor)
    statement = of_own_cases(select(*columns, *_OF_CASE).join(Case, Case.id == Event.case_id), actor)
    if since is not None:
        # The last event that is not new is searched from the end, so that the statement does not read all old events.
        earlier = aliased(Event)
        last_known = select(earlier.position).where(earlier.at <= since).order_by(earlier.position.desc()).limit(1)
        statement = statement.where(Event.position > func.coalesce(last_known.scalar_subquery(), 0), Event.at > since)
    # An act of the clock has no id.
    author_id = Event.actor["id"].as_string()
    statement = statement.where(or_(author_id.is_(None), author_id != str(actor.id)))
    rows = db.execute(statement.order_by(Event.position.desc()).limit(MOST + 1)).all()
    return [NewsItem(case=_case(row), **{column.key: getattr(row, column.key) for column in columns}) for row in rows]
