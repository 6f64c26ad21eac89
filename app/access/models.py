"""People, their tokens and capacities; audiences and who reads them."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, Json

AUDIENCES = (
    "public",
    "court",
    "participants",
    "caucus",
    "party-registry",
    "mediators-registry",
    "party",
    "mediators",
    "registry",
    "case",
    "appointment",
)
# The groups under which several people, or programs of the institution, read; they are principals like a person.
STAFF = UUID("00000000-0000-4000-8000-000000000001")
ANYONE = UUID("00000000-0000-4000-8000-000000000002")
INTEGRATIONS = UUID("00000000-0000-4000-8000-000000000004")
# Who takes the steps that time takes; a principal of no person.
CLOCK_ID = UUID("00000000-0000-4000-8000-000000000003")


class Institution(Base):
    """The one institution that this installation serves, and the key of its cursors.

    `epoch` counts how often the registry was restored from a backup; `worked_at` is when the worker was last here.
    """

    __tablename__ = "institution"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(300))
    time_zone: Mapped[str] = mapped_column(String(64))
    calendar: Mapped[str | None] = mapped_column(String(16))
    cursor_key: Mapped[bytes] = mapped_column(LargeBinary(64))
    epoch: Mapped[int] = mapped_column(server_default="0")
    worked_at: Mapped[datetime | None]
    only: Mapped[bool] = mapped_column(default=True, unique=True)
    created_at: Mapped[datetime]


class User(Base):
    """A person with an account; `email_key` is the address as it is compared."""

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
    """A bearer token, of which only the SHA-256 is kept."""

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


class Audience(Base):
    """A set of people who may know of things; its `key` is unique in the case (or in the installation).

    `open_to` is the generation up to which newcomers read it, where those whom it protects have opened it to them.
    """

    __tablename__ = "audiences"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    # No foreign key: a case needs its own audience before it can be written itself.
    case_id: Mapped[UUID | None]
    key: Mapped[str] = mapped_column(String(400))
    name: Mapped[str] = mapped_column(String(24))
    party_ids: Mapped[list[str]] = mapped_column(Json)
    person_id: Mapped[UUID | None]
    generation: Mapped[int]
    open_to: Mapped[int | None]
    __table_args__ = (
        UniqueConstraint("case_id", "key"),
        Index(
            "uq_audiences_installation_key",
            "key",
            unique=True,
            sqlite_where=text("case_id IS NULL"),
            postgresql_where=text("case_id IS NULL"),
        ),
        CheckConstraint(f"name IN {AUDIENCES}", name="name"),
    )


class AudienceReader(Base):
    """One principal who may know what an audience holds. Only `access.service` writes here; the gate reads."""

    __tablename__ = "audience_readers"
    audience_id: Mapped[UUID] = mapped_column(ForeignKey("audiences.id"), primary_key=True)
    principal_id: Mapped[UUID] = mapped_column(primary_key=True)
    case_id: Mapped[UUID | None]
    # Only for audiences named `case`: the list of cases walks a reader's own rows in this order.
    opened_at: Mapped[datetime | None]
    __table_args__ = (
        Index(
            "ix_audience_readers_walk",
            "principal_id",
            text("opened_at DESC"),
            text("audience_id DESC"),
            sqlite_where=text("opened_at IS NOT NULL"),
            postgresql_where=text("opened_at IS NOT NULL"),
        ),
        Index("ix_audience_readers_case_id", "case_id"),
    )


class Confidential:
    """A row that belongs to an audience: who is not in it finds nothing."""

    audience_id: Mapped[UUID] = mapped_column(ForeignKey("audiences.id"), index=True)


class Capacity(Confidential, Base):
    """What a person is in one case, from `admitted_at` until `ended_at`; `powers_id` names sealed contents.

    It is `pending`, and gives nothing, until the account of somebody who was invited is approved.
    """

    __tablename__ = "capacities"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    case_id: Mapped[UUID] = mapped_column(index=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), index=True)
    role: Mapped[str] = mapped_column(String(16))
    party_id: Mapped[UUID | None]
    appointment_id: Mapped[UUID | None]
    generation: Mapped[int]
    powers_kind: Mapped[str | None] = mapped_column(String(24))
    powers_id: Mapped[UUID | None]
    pending: Mapped[bool] = mapped_column(server_default=false())
    admitted_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
