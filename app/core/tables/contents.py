"""Sealed contents and the wrapped keys that open them."""

from uuid import UUID

from sqlalchemy import LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base
from app.core.tables.audiences import Confidential


class Content(Confidential, Base):
    """The prose of one item: a small JSON sealed together with the salt that hides it behind its commitment."""

    __tablename__ = "contents"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    case_id: Mapped[UUID] = mapped_column(index=True)
    body: Mapped[bytes] = mapped_column(LargeBinary)


class DataKey(Base):
    """The key of one case's contents, or of one referral's, wrapped by the master key (RFC 3394)."""

    __tablename__ = "data_keys"
    # No foreign key: a referral has contents before there is a case, and keeps them if there will be none.
    case_id: Mapped[UUID] = mapped_column(primary_key=True)
    wrapped: Mapped[bytes] = mapped_column(LargeBinary(40))
