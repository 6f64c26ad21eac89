"""A case in time: what was done, and what is due, in one list."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from app.core.access.actors import Actor
from app.core.access.session import GatedSession
from app.core.errors import NotFound
from app.core.paging import Page
from app.core.tables.cases import Case, StepTaken
from app.core.tables.deadlines import Deadline
from app.core.values import Listed, Out, Picture
from app.institution.procedures.diagram.svg import draw
from app.proceedings.cases.locking import require_case
from app.proceedings.deadlines.service import state_of
from app.proceedings.events.service import list_events
from app.rules.loader import library


class TimelineItem(Out):
    """An event that is past, or a deadline that is to come; `on` is the day at the seat for a deadline only."""

    kind: str
    id: UUID
    at: datetime
    on: date | None
    what: str
    act: str
    article: str | None
    actor: dict[str, Any] | None
    state: str | None
    explanation: list[str] | None


class Timeline(Listed[TimelineItem]):
    """A page of what was done in a case, in its order; the last page ends with the deadlines that still run."""


def read_timeline(db: GatedSession, actor: Actor, now: datetime, case_id: UUID, page: Page) -> Timeline:
    """Past events and coming deadlines of a case; NotFound if it is not the actor's to see."""
    events = list_events(db, actor, now, case_id, page)
    items = [
        TimelineItem(
            kind="event",
            id=one.id,
            at=one.at,
            on=None,
            what=one.type,
            act=one.act,
            article=one.article,
            actor=one.actor,
            state=None,
            explanation=None,
        )
        for one in events.items
    ]
    coming = _coming(db, now, case_id) if events.next is None else []
    return Timeline(items=[*items, *coming], next=events.next, count=events.count)


def _coming(db: GatedSession, now: datetime, case_id: UUID) -> list[TimelineItem]:
    columns = (
        Deadline.id,
        Deadline.term,
        Deadline.trigger_step,
        Deadline.article,
        Deadline.due_on,
        Deadline.due_at,
        Deadline.state,
        Deadline.suspended_on,
        Deadline.ended_as,
        Deadline.explanation,
    )
    runs = select(*columns).where(Deadline.case_id == case_id, Deadline.state == "running")
    return [
        TimelineItem(
            kind="deadline",
            id=row.id,
            at=row.due_at,
            on=row.due_on,
            what=row.term,
            act=row.trigger_step,
            article=row.article,
            actor=None,
            state=state_of(row, now),
            explanation=row.explanation,
        )
        for row in db.execute(runs.order_by(Deadline.due_at, Deadline.id)).all()
    ]


def draw_case(db: GatedSession, actor: Actor, now: datetime, case_id: UUID) -> Picture:
    """The rule set of a case, with where it stands and the way it came; NotFound if it is not the actor's to see."""
    require_case(db, case_id)
    row = db.execute(select(Case.procedure, Case.stage).where(Case.id == case_id)).one_or_none()
    if row is None:
        raise NotFound
    taken = select(StepTaken.stage).where(StepTaken.case_id == case_id).order_by(StepTaken.taken_at, StepTaken.id)
    came = list(dict.fromkeys(db.execute(taken).scalars()))
    way = [*(stage for stage in came if stage != row.stage), row.stage]
    return Picture(svg=draw(library()[row.procedure], at=row.stage, way=way))
