"""People with accounts, and their tokens."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, false, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base


class User(Base):
    """A person with an account; `email_key` is the form of the address for comparison.

    `proposed_by_id` is the administrator who proposed the person for the institution's staff, until a second person
    approves; `invited` people were invited into a case and did not get their account from the institution;
    `address_by_id` is who last corrected the address.
    """

    __tablename__ = "users"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(300))
    email: Mapped[str] = mapped_column(String(320))
    email_key: Mapped[str] = mapped_column(String(320), unique=True)
    role: Mapped[str] = mapped_column(String(16))
    active: Mapped[bool]
    awaits_approval: Mapped[bool] = mapped_column(server_default=false())
    proposed_by_id: Mapped[UUID | None]
    invited: Mapped[bool] = mapped_column(server_default=false())
    address_by_id: Mapped[UUID | None]
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


class Activation(Base):
    """A one-time link with which its holder gets a token, of which only the SHA-256 is stored."""

    __tablename__ = "activations"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), index=True)
    sha256: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    voided_at: Mapped[datetime | None]


class Correction(Base):
    """The name and the address of an account before a correction, and after it."""

    __tablename__ = "corrections"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    corrected_by_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    corrected_at: Mapped[datetime]
    old_name: Mapped[str] = mapped_column(String(300))
    new_name: Mapped[str] = mapped_column(String(300))
    old_email: Mapped[str] = mapped_column(String(320))
    new_email: Mapped[str] = mapped_column(String(320))
    __table_args__ = (Index("ix_corrections_user_id_corrected_at_id", "user_id", "corrected_at", "id"),)
