"""The institution that an installation serves."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base


class Institution(Base):
    """The institution (the table has one row), with the key of its cursors.

    `epoch` counts the restores of the registry from a backup; `worked_at` is the instant of the worker's last round.
    Which mail did not arrive is published for the days before `notices_published_on`.
    """

    __tablename__ = "institution"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(300))
    time_zone: Mapped[str] = mapped_column(String(64))
    calendar: Mapped[str | None] = mapped_column(String(16))
    cursor_key: Mapped[bytes] = mapped_column(LargeBinary(64))
    epoch: Mapped[int] = mapped_column(server_default="0")
    worked_at: Mapped[datetime | None]
    notices_published_on: Mapped[date | None]
    only: Mapped[bool] = mapped_column(default=True, unique=True)
    created_at: Mapped[datetime]
