"""Audiences, their readers, and the mixin of confidential tables."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, Json

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
    "person",
)

# Principals like people, under which several people, or API clients of the institution, read.
STAFF = UUID("00000000-0000-4000-8000-000000000001")
ANYONE = UUID("00000000-0000-4000-8000-000000000002")
INTEGRATIONS = UUID("00000000-0000-4000-8000-000000000004")
# The actor of the steps that time takes; no person reads under it.
CLOCK_ID = UUID("00000000-0000-4000-8000-000000000003")


class Audience(Base):
    """The people who may know of certain rows; its `key` is unique in the case (or in the installation).

    `open_to` is the last generation of newcomers that reads it, once those whom it protects have opened it to them.
    The drafts of a person (`person_id`) are in audiences of the name `party`. The `private` one is read by that person
    alone. What is shared is read by the side; once the person no longer acts for the party, only `kept_for` read it,
    the people who acted for it too.
    """

    __tablename__ = "audiences"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    # No foreign key: the audience of a case is written before the case.
    case_id: Mapped[UUID | None]
    key: Mapped[str] = mapped_column(String(400))
    name: Mapped[str] = mapped_column(String(24))
    party_ids: Mapped[list[str]] = mapped_column(Json)
    person_id: Mapped[UUID | None]
    generation: Mapped[int]
    open_to: Mapped[int | None]
    kept_for: Mapped[list[Any] | None] = mapped_column(Json)
    private: Mapped[bool] = mapped_column(server_default=false())
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
    """A principal who belongs to an audience. Only `access.service` writes these rows; the gate reads them.

    `until` is the last instant of which somebody reads who acts only for parties that have left.
    """

    __tablename__ = "audience_readers"
    audience_id: Mapped[UUID] = mapped_column(ForeignKey("audiences.id"), primary_key=True)
    principal_id: Mapped[UUID] = mapped_column(primary_key=True)
    case_id: Mapped[UUID | None]
    # Set only for audiences named `case`: the list of cases reads a reader's rows in this order.
    opened_at: Mapped[datetime | None]
    until: Mapped[datetime | None]
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
    """A row of an audience: it does not exist for anybody outside that audience.

    Tables with `WRITTEN_AT`, the column of the instant of writing, do not show a party that has left what was written
    later; of those with `READ_BY_LEAVERS` it goes on reading the rows of these types. It writes only the rows of tables
    that are `WRITTEN_BY_LEAVERS` where it reads to an end.
    """

    WRITTEN_AT: ClassVar[str | None] = None
    READ_BY_LEAVERS: ClassVar[tuple[str, ...]] = ()
    WRITTEN_BY_LEAVERS: ClassVar[bool] = False

    audience_id: Mapped[UUID] = mapped_column(ForeignKey("audiences.id"), index=True)
