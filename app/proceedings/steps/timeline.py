"""The timeline of a case, which lists past events and coming deadlines, and the diagram of its procedure."""

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
from app.proceedings.cases.lock import require_case
from app.proceedings.deadlines.service import state_of
from app.proceedings.events.service import list_events
from app.rules.loader import library


class TimelineItem(Out):
    """A past event or a coming deadline; only a deadline has a day at the seat, `on`."""

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
    """A page of the events of a case, in their order; the last page ends with the deadlines that still run."""


def read_timeline(db: GatedSession, actor: Actor, now: datetime, case_id: UUID, page: Page) -> Timeline:
    """The past events and coming deadlines of a case; NotFound if the actor may not see it."""
    events = list_events(db, actor, now, case_id, page)
    items = [
        TimelineItem(
            kind="event",
            id=event.id,
            at=event.at,
            on=None,
            what=event.type,
            act=event.act,
            article=event.article,
            actor=event.actor,
            state=None,
            explanation=None,
        )
        for event in events.items
    ]
    coming = _running_deadlines(db, now, case_id) if events.next is None else []
    return Timeline(items=[*items, *coming], next=events.next, count=events.count)


def _running_deadlines(db: GatedSession, now: datetime, case_id: UUID) -> list[TimelineItem]:
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
    running = select(*columns).where(Deadline.case_id == case_id, Deadline.state == "running")
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
        for row in db.execute(running.order_by(Deadline.due_at, Deadline.id)).all()
    ]


def draw_case(db: GatedSession, actor: Actor, now: datetime, case_id: UUID) -> Picture:
    """The rule set of a case as a diagram that marks its stages so far; NotFound if the actor may not see the case."""
    require_case(db, case_id)
    row = db.execute(select(Case.procedure, Case.stage).where(Case.id == case_id)).one_or_none()
    if row is None:
        raise NotFound
    taken = select(StepTaken.stage).where(StepTaken.case_id == case_id).order_by(StepTaken.taken_at, StepTaken.id)
    earlier = dict.fromkeys(db.execute(taken).scalars())
    way = [*(stage for stage in earlier if stage != row.stage), row.stage]
    return Picture(svg=draw(library()[row.procedure], at=row.stage, way=way))
