"""Sealed contents, and the wrapped data keys that open them."""

from uuid import UUID

from sqlalchemy import LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base
from app.core.tables.audiences import Confidential


class Content(Confidential, Base):
    """What people wrote in an item: a small JSON document, sealed together with the salt of its commitment."""

    __tablename__ = "contents"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    case_id: Mapped[UUID] = mapped_column(index=True)
    body: Mapped[bytes] = mapped_column(LargeBinary)


class DataKey(Base):
    """The key of the contents of a case or of a referral, wrapped by the master key (RFC 3394)."""

    __tablename__ = "data_keys"
    # No foreign key: a referral has contents before its case exists, and even if none is opened.
    case_id: Mapped[UUID] = mapped_column(primary_key=True)
    wrapped: Mapped[bytes] = mapped_column(LargeBinary(40))
