"""Keyset paging: opaque cursors that cannot be forged, read, or carried to another person or list."""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from sqlalchemy import select, tuple_

from app.core.db import AnyRow, AnySelect, DatabaseSession
from app.core.errors import Gone, invalid
from app.core.tables.institution import Institution
from app.core.values import Total

DEFAULT_LIMIT, MOST = 50, 200
MOST_COUNTED = 1_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Order = datetime | date | int


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of a list is asked for: how many, after which cursor, and whether with the total."""

    limit: int = DEFAULT_LIMIT
    after: str | None = None
    count: bool = False


@dataclass(frozen=True, slots=True)
class Slice:
    """A page as it was found: its rows, the cursor of the next page, and the total if it was asked for."""

    rows: Sequence[AnyRow]
    next: str | None
    count: Total | None


class Cursors:
    """The institution's cursor cipher and epoch, read from the database when they are first needed."""

    def __init__(self) -> None:
        self._kept: tuple[AESSIV, int] | None = None

    def cipher(self, db: DatabaseSession) -> tuple[AESSIV, int]:
        """The cipher, whose key does not change when the master key does, and the epoch that a restoration began."""
        if self._kept is None:
            row = db.execute(select(Institution.cursor_key, Institution.epoch)).one()
            self._kept = AESSIV(row.cursor_key), row.epoch
        return self._kept


@dataclass(frozen=True, slots=True)
class Walk:
    """One reader on one route: what a cursor is bound to."""

    cursors: Cursors
    principal_id: UUID
    path: str

    def encode(self, db: DatabaseSession, order: int, id: UUID) -> str:
        """A cursor: the same for the same place, of one length, without meaning to its bearer."""
        plain = order.to_bytes(8, "big", signed=True) + id.bytes
        cipher, epoch = self.cursors.cipher(db)
        sealed = cipher.encrypt(plain, self._bound(epoch))
        return base64.urlsafe_b64encode(sealed).decode().rstrip("=")

    def decode(self, db: DatabaseSession, cursor: str) -> tuple[int, UUID]:
        """The place that a cursor names; Invalid unless it was made for this reader and route.

        Raises Gone for one that was made before the registry was restored from a backup.
        """
        cipher, epoch = self.cursors.cipher(db)
        try:
            sealed = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
            plain = self._opened(cipher, sealed, epoch)
        except (binascii.Error, ValueError) as problem:
            raise _refused() from problem
        if plain is None:
            if any(self._opened(cipher, sealed, earlier) for earlier in range(epoch)):
                raise restored_since()
            raise _refused()
        place = int.from_bytes(plain[:8], "big", signed=True), UUID(bytes=plain[8:])
        # Base64 forgives padding and strange characters; a cursor has one spelling.
        if self.encode(db, *place) != cursor:
            raise _refused()
        return place

    def _opened(self, cipher: AESSIV, sealed: bytes, epoch: int) -> bytes | None:
        try:
            return cipher.decrypt(sealed, self._bound(epoch))
        except InvalidTag:
            return None

    def _bound(self, epoch: int) -> list[bytes]:
        bound = [self.principal_id.bytes, self.path.encode()]
        return [*bound, epoch.to_bytes(4, "big")] if epoch else bound


def restored_since() -> Gone:
    """The answer to a cursor that names a place which a restored registry does not have."""
    return Gone("This cursor is of the time before the registry was restored. Begin without 'after'.")


def _refused() -> Exception:
    return invalid("query/after", "cursor", "This cursor is not one that this list gave you. Begin without 'after'.")


def as_number(order: Order) -> int:
    """What a list is ordered by, as a whole number: microseconds since 1970, the day's number, or itself."""
    if isinstance(order, datetime):
        return (order - _EPOCH) // timedelta(microseconds=1)
    return order.toordinal() if isinstance(order, date) else order


def _as_order(number: int, like: type[Order]) -> Order:
    if like is datetime:
        return _EPOCH + timedelta(microseconds=number)
    return date.fromordinal(number) if like is date else number


class PagedSession(DatabaseSession):
    """A session that knows to which reader and route its cursors are bound; `walk` is set before a list is read."""

    walk: Walk


@dataclass(frozen=True, slots=True)
class Sort:
    """How a list is ordered: by a column whose values are of type `like`, then by id."""

    column: Any
    id: Any
    like: type[Order]
    newest_first: bool = False


def listed(db: PagedSession, statement: AnySelect, page: Page, sort: Sort) -> Slice:
    """The page of an ordered list; the statement's rows hold the columns of its order."""
    rows = db.execute(_seek(db, statement, page, sort)).all()
    count = counted(db, statement, sort.id) if page.count else None
    if len(rows) <= page.limit:
        return Slice(rows, None, count)
    last = rows[page.limit - 1]
    cursor = db.walk.encode(db, as_number(getattr(last, sort.column.key)), getattr(last, sort.id.key))
    return Slice(rows[: page.limit], cursor, count)


def counted(db: DatabaseSession, statement: AnySelect, id: Any) -> Total:
    """How many rows the reader may see of a list; it counts no further than to a cap."""
    ids = statement.with_only_columns(id, maintain_column_froms=True).order_by(None).limit(MOST_COUNTED + 1)
    found = len(db.execute(ids).all())
    return Total(total=min(found, MOST_COUNTED), capped=found > MOST_COUNTED)


def _seek(db: PagedSession, statement: AnySelect, page: Page, sort: Sort) -> AnySelect:
    """The statement from the page's cursor on, ordered, with one row more than the page holds."""
    if page.after is not None:
        number, last = db.walk.decode(db, page.after)
        place = tuple_(_as_order(number, sort.like), last, types=[sort.column.type, sort.id.type])
        here = tuple_(sort.column, sort.id)
        statement = statement.where(here < place if sort.newest_first else here > place)
    columns = (sort.column, sort.id)
    ordered = [column.desc() if sort.newest_first else column.asc() for column in columns]
    return statement.order_by(*ordered).limit(page.limit + 1)
