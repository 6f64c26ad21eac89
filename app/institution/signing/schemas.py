"""Keys and signed files as they go out."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from app.core.values import Listed, Out


class SigningKeyOut(Out):
    """A key of the institution; `public_key` is base64url. What a retired one signed stays good."""

    id: UUID
    algorithm: Literal["Ed25519"]
    public_key: str
    made_at: datetime
    retired_at: datetime | None


class SigningKeyList(Listed[SigningKeyOut]):
    """A page of the institution's keys, the oldest first."""


class KeyOut(Out):
    """The key by which a file was signed; `public_key` is base64url."""

    id: UUID
    algorithm: Literal["Ed25519"]
    public_key: str


class SignedOut(Out):
    """A signed file: `signature` (base64url) is over the canonical form (RFC 8785) of `body`."""

    accord: Literal["certificate/1"]
    body: dict[str, Any]
    key: KeyOut
    signature: str
