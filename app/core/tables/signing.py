"""The signing keys of the institution."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base


class SigningKey(Base):
    """An Ed25519 key of the institution, its private half (32 bytes) wrapped by the master key (RFC 3394).

    The newest key that is not retired signs; the signatures of a retired key stay valid.
    """

    __tablename__ = "signing_keys"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    public_key: Mapped[bytes] = mapped_column(LargeBinary(32))
    wrapped: Mapped[bytes] = mapped_column(LargeBinary(40))
    made_at: Mapped[datetime]
    retired_at: Mapped[datetime | None]
