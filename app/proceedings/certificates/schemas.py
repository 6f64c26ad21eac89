"""Certificates as lists show them; each is read as a signed file."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from app.core.values import Listed, Out


class CertificateOut(Out):
    """A certificate of how a case ended, and the key that signed it."""

    id: UUID
    kind: Literal["settlement", "non-settlement"]
    key_id: UUID
    issued_at: datetime


class CertificateList(Listed[CertificateOut]):
    """A page of certificates, in the order of issue."""
