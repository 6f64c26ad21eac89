"""Keys and signed files, as answers show them."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from app.core.values import Listed, Out


class SigningKeyOut(Out):
    """A signing key of the institution. Signatures by a retired key stay valid."""

    id: UUID = Field(description="The id of the key.")
    algorithm: Literal["Ed25519"] = Field(description="The signature algorithm.")
    public_key: str = Field(description="The public key: 32 bytes in base64url.")
    made_at: datetime = Field(description="When the key was made.")
    retired_at: datetime | None = Field(description="Since when the key signs no more; null if it is in use.")


class SigningKeyList(Listed[SigningKeyOut]):
    """A page of the institution's keys, the oldest first."""


class KeyOut(Out):
    """The key that signed a file."""

    id: UUID = Field(description="The id of the key, as `listSigningKeys` shows it.")
    algorithm: Literal["Ed25519"] = Field(description="The signature algorithm.")
    public_key: str = Field(description="The public key: 32 bytes in base64url.")


class SignedOut(Out):
    """A signed file, which can be verified without the service (docs/verify.md)."""

    accord: Literal["certificate/1"] = Field(description="The format of the file.")
    body: dict[str, Any] = Field(
        description="What the institution certifies. `kind` says which: `receipt`, `settlement` or `non-settlement`."
    )
    key: KeyOut = Field(description="The key that signed the file.")
    signature: str = Field(
        description="The signature of the canonical form (RFC 8785) of `body`: 64 bytes in base64url."
    )
