"""People and their tokens, in requests and answers."""

from datetime import date, datetime
from typing import Annotated, Literal, get_args
from uuid import UUID

from pydantic import Field
from typing_extensions import TypeAliasType

from app.core.access.policy import REPRESENTATIVES
from app.core.values import Email, In, Instant, Line, Listed, Out, one_of

ROLES = Literal["admin", "registrar", "user"]
Role = TypeAliasType(
    "Role",
    Annotated[
        str,
        one_of(
            get_args(ROLES),
            "A person's role in the institution. `admin`: manages accounts, members, courts and programs. "
            "`registrar`: works in the registry. `user`: everybody else.",
        ),
    ],
)
HeldCapacity = TypeAliasType(
    "HeldCapacity",
    Annotated[str, one_of((*REPRESENTATIVES, "mediator", "candidate", "observer"), "What a person is in a case.")],
)


class UserIn(In):
    """A person who is to have an account."""

    name: Line = Field(description="The person's name.")
    email: Email = Field(description="The person's e-mail address, which no other account has.")
    role: ROLES = Field(
        description="The person's role in the institution. What people may do in a case depends on what they are there."
    )


class UserOut(Out):
    """A person with an account."""

    id: UUID = Field(description="The id of the person.")
    name: str = Field(description="The person's name.")
    email: str = Field(description="The person's e-mail address.")
    role: Role = Field(description="The person's role in the institution.")
    active: bool = Field(description="Whether the account can be used.")
    awaits_approval: bool = Field(
        description="Whether the person was invited into a case and the registry has still to approve that, or was "
        "proposed for the staff and a second person has."
    )
    proposed_by_id: UUID | None = Field(
        description="The administrator who proposed the person as administrator or registrar, while a second person "
        "has still to approve; otherwise null."
    )
    created_at: datetime = Field(description="When the account was made.")
    disabled_at: datetime | None = Field(description="When the account was ended; null if it was not.")
    undeliverable_since: date | None = Field(
        description="The day since which mail to the address comes back; null if it does not."
    )


class UserList(Listed[UserOut]):
    """A page of people, in the order in which their accounts were made."""


class UserChange(In):
    """A correction of an account. Fields that you leave out stay as they are."""

    name: Line | None = Field(None, description="The person's name.")
    email: Email | None = Field(None, description="The person's e-mail address, which no other account has.")


class CorrectionOut(Out):
    """A correction of the name or the address of an account."""

    id: UUID = Field(description="The id of the correction.")
    corrected_by_id: UUID = Field(description="The administrator who made the correction.")
    corrected_at: datetime = Field(description="When it was made.")
    old_name: str = Field(description="The name before.")
    new_name: str = Field(description="The name after it.")
    old_email: str = Field(description="The e-mail address before.")
    new_email: str = Field(description="The e-mail address after it.")


class CorrectionList(Listed[CorrectionOut]):
    """A page of the corrections of an account, in the order in which they were made."""


class ActivationIn(In):
    """A one-time link that the holder of an account uses up."""

    secret: Line = Field(description="The secret of the link, from the mail or from the operator.")
    label: Line = Field("first token", description="What the token is for, so that you recognise it in the list.")


class TokenIn(In):
    """A token to be made."""

    user_id: UUID | None = Field(
        None, description="The person whose token it will be: you. Nobody makes a token for somebody else."
    )
    label: Line = Field(description="What the token is for, so that you recognise it in the list.")
    expires_at: Instant | None = Field(
        None, description="Until when the token is valid, at most 400 days from now; 90 days from now if left out."
    )


class RotationIn(In):
    """Until when the new token is to be valid."""

    expires_at: Instant | None = Field(
        None, description="Until when the token is valid, at most 400 days from now; 90 days from now if left out."
    )


class TokenOut(Out):
    """A token, without its secret."""

    id: UUID = Field(description="The id of the token.")
    user_id: UUID = Field(description="The person whose token it is.")
    label: str = Field(description="What the token is for.")
    created_at: datetime = Field(description="When the token was made.")
    expires_at: datetime = Field(description="Until when the token is valid.")
    revoked_at: datetime | None = Field(description="When the token was revoked; null if it was not.")


class TokenMinted(TokenOut):
    """A new token with its secret, which is shown only in this answer."""

    token: str = Field(description="The secret, to be sent as `Authorization: Bearer …`. It is shown only here.")


class TokenList(Listed[TokenOut]):
    """A page of your own tokens, in the order in which they were made."""


class CapacityOut(Out):
    """What you are in one case."""

    capacity: HeldCapacity = Field(description="What you are.")
    case_id: UUID | None = Field(description="The case; null for a candidate, who may not see it yet.")
    party_id: UUID | None = Field(description="The party for which you act; null if for none.")
    appointment_id: UUID | None = Field(
        description="The appointment of a mediator or candidate; null for everybody else."
    )
    since: datetime = Field(description="Since when you are that.")


class MeOut(Out):
    """Who you are, and what you are in which case."""

    id: UUID = Field(description="Your id.")
    name: str = Field(description="Your name.")
    email: str = Field(description="Your e-mail address.")
    role: Role = Field(description="Your role in the institution.")
    capacities: list[CapacityOut] = Field(description="What you are in which case, the newest first.")
    more: bool = Field(description="Whether you have more capacities than are shown.")
