"""The desk, as answers show it."""

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from app.core.values import Out, one_of
from app.institution.procedures.schemas import Capacity
from app.proceedings.deadlines.schemas import CaseDeadlineOut, DeadlineCase


class WaitingItem(Out):
    """A case that waits for you."""

    case: DeadlineCase = Field(description="The case.")
    capacity: Capacity = Field(description="The capacity in which it waits for you.")
    party_id: UUID | None = Field(description="The party for which you act; null if for none.")
    step: str = Field(description="The step for which it waits, by its name.")
    since: datetime = Field(description="Since when it waits.")
    due_on: date | None = Field(description="The day by which the step is due; null if no term runs.")
    article: str | None = Field(description="The article of the step; null for the registry's own practice.")


class SessionItem(Out):
    """A session to come."""

    id: UUID = Field(description="The id of the session.")
    case: DeadlineCase = Field(description="The case.")
    kind: Annotated[str, one_of(("joint", "caucus"), "Whether it is a joint session or a caucus.")]
    starts_at: datetime = Field(description="When it begins.")
    ends_at: datetime = Field(description="When it ends.")
    time_zone: str = Field(description="The time zone at the seat, by its IANA name.")


class NominationItem(Out):
    """An appointment for which you are nominated."""

    id: UUID = Field(description="The id of the appointment.")
    state: Annotated[
        str,
        one_of(
            ("proposed", "declared"),
            "`proposed`: it waits for your declaration. `declared`: it waits for the others.",
        ),
    ]
    proposed_at: datetime = Field(description="When you were nominated.")


class NewsItem(Out):
    """An event in one of your cases since you last looked."""

    id: UUID = Field(description="The id of the event.")
    case: DeadlineCase = Field(description="The case.")
    type: str = Field(description="The type of event, such as `step-taken`, as the types stand under `webhooks`.")
    act: str = Field(description="The act: the name of a step of the rules, or another act of the registry.")
    at: datetime = Field(description="When the act was done.")
    article: str | None = Field(description="The article under which the act was done; null if it rests on none.")
    actor: dict[str, Any] = Field(description="Who acted: `id`, `capacity` and `party_id`, as in `FeedActorOut`.")


class DeskOut(Out):
    """Your desk: what waits for you, what is due, and what is new."""

    looked_at: datetime | None = Field(description="When you last looked (`clearDesk`); null if you never did.")
    waiting: list[WaitingItem] = Field(description="The cases that wait for you.")
    due: list[CaseDeadlineOut] = Field(description="The deadlines that come next.")
    sessions: list[SessionItem] = Field(description="The sessions to come.")
    nominations: list[NominationItem] = Field(description="The appointments for which you are nominated.")
    news: list[NewsItem] = Field(description="What happened since you last looked, the newest first.")
    more: list[str] = Field(
        description="The parts of the desk that are cut short, by the names of their fields; the lists have them whole."
    )
