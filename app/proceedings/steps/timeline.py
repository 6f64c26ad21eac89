"""The timeline of a case, which lists past events and coming deadlines, and the diagram of its procedure."""

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field
from sqlalchemy import select
from typing_extensions import TypeAliasType

from app.core.access.actors import Actor
from app.core.access.session import GatedSession
from app.core.errors import NotFound
from app.core.paging import Page
from app.core.tables.cases import Case, StepTaken
from app.core.tables.deadlines import Deadline
from app.core.values import Listed, Out, Picture, one_of
from app.institution.procedures.diagram.svg import draw
from app.institution.procedures.schemas import DeadlineState
from app.proceedings.cases.lock import require_case
from app.proceedings.deadlines.service import state_of
from app.proceedings.events.service import list_events
from app.rules.loader import library

EVENT, DEADLINE = "event", "deadline"
TimelineKind = TypeAliasType(
    "TimelineKind", Annotated[str, one_of((EVENT, DEADLINE), "A past event, or a deadline to come.")]
)


class TimelineItem(Out):
    """A past event or a coming deadline; `at` says when an act was recorded, `on` on which day a step counts."""

    kind: TimelineKind = Field(description="Whether it is an event or a deadline.")
    id: UUID = Field(description="The id of the event or the deadline.")
    at: datetime | None = Field(
        description="When the act was done, or when the last day of the deadline ends; null while it is suspended."
    )
    on: date | None = Field(
        description="The last day of the deadline, or the day on which a step counts; null for any other event."
    )
    what: str = Field(description="The type of event, or the term of the deadline.")
    act: str = Field(description="The act, or the step that started the deadline.")
    article: str | None = Field(description="The article on which it rests; null if it rests on none.")
    actor: dict[str, Any] | None = Field(
        description="Who acted: `id`, `capacity` and `party_id`, as in `FeedActorOut`; null for a deadline."
    )
    state: DeadlineState | None = Field(description="Whether the deadline runs; null for an event.")
    explanation: list[str] | None = Field(
        description="How the last day of the deadline was computed, line by line; null for an event."
    )


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
            on=event.payload.get("on") if event.type == "step-taken" else None,
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
            at=None if row.suspended_on else row.due_at,
            on=None if row.suspended_on else row.due_on,
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
