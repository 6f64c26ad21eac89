"""Certificates, as lists show them. Each is read as a signed file."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import Field

from app.core.values import Listed, Out


class CertificateOut(Out):
    """A certificate of how a case ended."""

    id: UUID = Field(description="The id of the certificate.")
    kind: Literal["settlement", "non-settlement"] = Field(description="Whether it certifies a settlement or none.")
    key_id: UUID = Field(description="The key that signed it.")
    issued_at: datetime = Field(description="When it was issued.")


class CertificateList(Listed[CertificateOut]):
    """A page of certificates, in the order of issue."""
