"""Subscriptions to events and their deliveries, in requests and answers."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from app.core.ledger.catalogue import TYPES
from app.core.values import Code, In, Line, Listed, Out, changes_something

TEST_TYPE = "webhook-tested"


def _known(names: list[str]) -> list[str]:
    if len(names) != len(set(names)):
        raise PydanticCustomError("repeated", "Name each type of event only once.")
    if set(names) - set(TYPES):
        raise PydanticCustomError(
            "unknown-type",
            "A type of event does not exist. Use the types that the OpenAPI document lists under `webhooks`.",
        )
    return sorted(names)


Types = Annotated[list[Code], Field(max_length=200), AfterValidator(_known)]
Url = Annotated[Line, Field(max_length=2000)]
DeliveryState = Literal["pending", "delivered", "failed", "skipped"]


class WebhookIn(In):
    """A subscription to events."""

    url: Url = Field(description="The address to which events are sent, by https on port 443 or 8443.")
    types: Types = Field([], description="The types of events to send, as they stand under `webhooks`; all if empty.")
    case_id: UUID | None = Field(
        None, description="The case whose events are sent; those of all your cases if left out."
    )
    description: Line | None = Field(None, description="What the subscription is for.")


class WebhookChange(In):
    """A change of a subscription. Fields that you leave out stay as they are."""

    url: Url | None = Field(None, description="The address to which events are sent.")
    types: Types | None = Field(None, description="The types of events to send; all if empty.")
    case_id: UUID | None = Field(None, description="The case whose events are sent; null for those of all your cases.")
    description: Line | None = Field(None, description="What the subscription is for.")
    state: Literal["active", "paused"] | None = Field(
        None, description="`paused`: nothing is sent. `active`: sending goes on from where it stopped."
    )

    @model_validator(mode="after")
    def says_something(self) -> "WebhookChange":
        """Refuse a change without any field, and null for a field that a subscription must have."""
        return changes_something(self, nullable=("case_id", "description"))


class WebhookSecretOut(Out):
    """A secret that signs deliveries, without the secret itself."""

    id: UUID = Field(description="The id of the secret.")
    created_at: datetime = Field(description="When the secret was made.")
    expires_at: datetime | None = Field(
        description="Until when a replaced secret signs together with the newer one; null for the newest."
    )


class WebhookOut(Out):
    """A subscription to events."""

    id: UUID = Field(description="The id of the subscription.")
    url: str = Field(description="The address to which events are sent.")
    types: list[str] = Field(description="The types of events that are sent; all if empty.")
    case_id: UUID | None = Field(description="The case whose events are sent; null for those of all your cases.")
    description: str | None = Field(description="What the subscription is for; null if nobody said.")
    state: Literal["active", "paused", "disabled"] = Field(
        description="`active`: events are sent. `paused`: they wait. `disabled`: the subscription has ended."
    )
    reason: Literal["gone", "owner-ended", "restored"] | None = Field(
        description="Why it is paused or disabled if its owner did not do it. `gone`: the receiver answered 410. "
        "`owner-ended`: its owner's access ended. `restored`: the registry was restored from a backup."
    )
    replaying: bool = Field(description="Whether a part of your feed is being sent again.")
    created_at: datetime = Field(description="When the subscription was made.")
    secrets: list[WebhookSecretOut] = Field(description="The secrets that sign deliveries at present.")


class WebhookMinted(WebhookOut):
    """A subscription with its newest secret, which is shown only in this answer."""

    secret: str = Field(description="The secret, `whsec_…` (Standard Webhooks). It is shown only here.")


class WebhookList(Listed[WebhookOut]):
    """A page of subscriptions, in the order in which they were made."""


class ReplayIn(In):
    """The part of your feed that is to be sent again."""

    after: UUID | None = Field(None, description="The event after which it begins; the beginning if left out.")
    until: UUID | None = Field(
        None, description="The event with which it ends; the event that the subscription has reached if left out."
    )


class AttemptOut(Out):
    """One attempt to send an event."""

    number: int | None = Field(
        None,
        description="The number of the attempt in its round, from 1, as in its header `webhook-attempt`; null for "
        "attempts before it was kept.",
    )
    at: datetime = Field(description="When the attempt was made.")
    status: int | None = Field(description="The HTTP status of the receiver's answer; null if there was none.")
    error: str | None = Field(
        description="What went wrong, in a code such as `timed-out` or `refused`; null if the receiver took the event."
    )
    duration_ms: int = Field(description="How long the attempt took, in milliseconds.")
    body: str | None = Field(description="The first 1,024 bytes of the answer's body as text; null if there was none.")


class DeliveryOut(Out):
    """One event on its way to one receiver."""

    id: UUID = Field(description="The id of the delivery; a replay of the event is another delivery.")
    webhook_id: UUID = Field(description="The subscription.")
    event_id: UUID = Field(description="The event, whose id is the header `webhook-id` of every attempt.")
    type: str = Field(description="The type of event.")
    state: DeliveryState = Field(
        description="`pending`: it is still to be sent. `delivered`: the receiver took it. `failed`: it was given up. "
        "`skipped`: you may no longer read the event."
    )
    reason: str | None = Field(
        description="Why it failed or was skipped, in a code: `given-up`, `gone` or `access-ended`; otherwise null."
    )
    next_attempt_at: datetime | None = Field(description="When the next attempt is due; null if there will be none.")
    attempts: list[AttemptOut] = Field(description="The last 20 attempts, the oldest first.")
    created_at: datetime = Field(description="When the event was put in line.")
    settled_at: datetime | None = Field(description="When it was delivered, given up or skipped; null while pending.")


class DeliveryList(Listed[DeliveryOut]):
    """A page of deliveries, the newest first."""


class TestDataOut(Out):
    """What a test event is about."""

    webhook_id: UUID = Field(description="The subscription that is tested.")


class TestEventOut(Out):
    """An event by which the owner of a subscription tests it. It is not in the ledger or in any feed."""

    specversion: Literal["1.0"] = Field("1.0", description="The version of CloudEvents.")
    id: UUID = Field(description="The event's id.")
    source: str = Field(description="The path of the subscription.")
    type: Literal["webhook-tested"] = Field("webhook-tested", description="The type of event.")
    time: datetime = Field(description="When the test was asked for.")
    datacontenttype: Literal["application/json"] = Field("application/json", description="The media type of `data`.")
    data: TestDataOut = Field(description="What the event is about.")
