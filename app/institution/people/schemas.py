"""People and tokens as they come in and go out."""

from datetime import date, datetime
from typing import Literal
from uuid import UUID

from app.core.values import Email, In, Instant, Line, Listed, Out


class UserIn(In):
    """A person who is to have an account."""

    name: Line
    email: Email
    role: Literal["admin", "registrar", "user"]


class UserOut(Out):
    """A person with an account; one who was invited into a case waits for its approval.

    `undeliverable_since` is the day since which mail to the address comes back.
    """

    id: UUID
    name: str
    email: str
    role: str
    active: bool
    awaits_approval: bool
    created_at: datetime
    disabled_at: datetime | None
    undeliverable_since: date | None


class UserList(Listed[UserOut]):
    """A page of people, in the order in which they came."""


class TokenIn(In):
    """A token to be made: one's own, or for an administrator anybody's."""

    user_id: UUID | None = None
    label: Line
    expires_at: Instant | None = None


class RotationIn(In):
    """Until when the new token is to be valid."""

    expires_at: Instant | None = None


class TokenOut(Out):
    """A token, without its secret."""

    id: UUID
    user_id: UUID
    label: str
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None


class TokenMinted(TokenOut):
    """A new token with its secret, which is shown this once."""

    token: str


class TokenList(Listed[TokenOut]):
    """A page of one's own tokens, in the order in which they were made."""


class CapacityOut(Out):
    """What I am in one case; a candidate is told of the appointment and not of the case."""

    capacity: str
    case_id: UUID | None
    party_id: UUID | None
    appointment_id: UUID | None
    since: datetime


class MeOut(Out):
    """Who I am, and what I am in which case, the newest first; `more` says that not all are shown."""

    id: UUID
    name: str
    email: str
    role: str
    capacities: list[CapacityOut]
    more: bool
