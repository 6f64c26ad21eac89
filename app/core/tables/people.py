"""People with accounts, and their tokens."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, false, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base


class User(Base):
    """A person with an account; `email_key` is the form of the address for comparison."""

    __tablename__ = "users"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(300))
    email: Mapped[str] = mapped_column(String(320))
    email_key: Mapped[str] = mapped_column(String(320), unique=True)
    role: Mapped[str] = mapped_column(String(16))
    active: Mapped[bool]
    awaits_approval: Mapped[bool] = mapped_column(server_default=false())
    disabled_at: Mapped[datetime | None]
    looked_at: Mapped[datetime | None]
    undeliverable_since: Mapped[date | None]
    created_at: Mapped[datetime]
    __table_args__ = (
        CheckConstraint("role IN ('admin', 'registrar', 'user')", name="role"),
        Index("ix_users_created_at_id", "created_at", "id"),
    )


class Token(Base):
    """A bearer token, of which only the SHA-256 is stored."""

    __tablename__ = "tokens"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    sha256: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    label: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    __table_args__ = (
        Index("ix_tokens_user_id_created_at_id", "user_id", "created_at", "id"),
        Index(
            "ix_tokens_valid_expires_at",
            "expires_at",
            sqlite_where=text("revoked_at IS NULL"),
            postgresql_where=text("revoked_at IS NULL"),
        ),
    )
