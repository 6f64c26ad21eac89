"""Subscriptions and deliveries as they are sent and shown."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from app.core.ledger.catalogue import TYPES
from app.core.values import Code, In, Line, Listed, Out

TEST_TYPE = "webhook-tested"


def _known(names: list[str]) -> list[str]:
    if len(names) != len(set(names)):
        raise PydanticCustomError("repeated", "Name each only once.")
    if set(names) - set(TYPES):
        raise PydanticCustomError("unknown-type", "The OpenAPI document lists the types of events under `webhooks`.")
    return sorted(names)


Types = Annotated[list[Code], Field(max_length=200), AfterValidator(_known)]
Url = Annotated[Line, Field(max_length=2000)]
DeliveryState = Literal["pending", "delivered", "failed", "skipped"]


class WebhookIn(In):
    """Where events are to be sent: those of some types (of all if none is named), of one case or of all."""

    url: Url
    types: Types = []
    case_id: UUID | None = None
    description: Line | None = None


class WebhookChange(In):
    """What of a subscription is to read otherwise; fields left out stay as they are."""

    url: Url | None = None
    types: Types | None = None
    case_id: UUID | None = None
    description: Line | None = None
    state: Literal["active", "paused"] | None = None

    @model_validator(mode="after")
    def says_something(self) -> "WebhookChange":
        """Refuse a change that changes nothing, or that takes away what a subscription must have."""
        if not self.model_fields_set:
            raise PydanticCustomError("empty", "Name at least one field to change.")
        if any(getattr(self, name) is None for name in self.model_fields_set & {"url", "types", "state"}):
            raise PydanticCustomError("null", "Only `case_id` and `description` can be empty.")
        return self


class WebhookSecretOut(Out):
    """A secret that signs, without the secret itself; one that was replaced signs until it expires."""

    id: UUID
    created_at: datetime
    expires_at: datetime | None


class WebhookOut(Out):
    """A subscription; `reason` says why it is paused or disabled if its owner did not do it."""

    id: UUID
    url: str
    types: list[str]
    case_id: UUID | None
    description: str | None
    state: Literal["active", "paused", "disabled"]
    reason: Literal["gone", "owner-ended", "restored"] | None
    replaying: bool
    created_at: datetime
    secrets: list[WebhookSecretOut]


class WebhookMinted(WebhookOut):
    """A subscription with its newest secret, which is shown this once."""

    secret: str


class WebhookList(Listed[WebhookOut]):
    """A page of subscriptions, in the order in which they were made."""


class ReplayIn(In):
    """Which part of your feed is to be sent again.

    It begins behind the event `after`, or at the beginning, and ends with the event `until`, or where the subscription
    stands now.
    """

    after: UUID | None = None
    until: UUID | None = None


class AttemptOut(Out):
    """One attempt: the status of the answer, or the code of what went wrong, and the beginning of the answer's body."""

    at: datetime
    status: int | None
    error: str | None
    duration_ms: int
    body: str | None


class DeliveryOut(Out):
    """One event on its way to one receiver; `event_id` is the `webhook-id` of every attempt."""

    id: UUID
    webhook_id: UUID
    event_id: UUID
    type: str
    state: DeliveryState
    reason: str | None
    next_attempt_at: datetime | None
    attempts: list[AttemptOut]
    created_at: datetime
    settled_at: datetime | None


class DeliveryList(Listed[DeliveryOut]):
    """A page of deliveries, the newest first."""


class TestDataOut(Out):
    """What a test event is about."""

    webhook_id: UUID


class TestEventOut(Out):
    """An event that a subscription's owner asked for; it stands in no ledger and in no feed."""

    specversion: Literal["1.0"] = "1.0"
    id: UUID
    source: str
    type: Literal["webhook-tested"] = "webhook-tested"
    time: datetime
    datacontenttype: Literal["application/json"] = "application/json"
    data: TestDataOut
