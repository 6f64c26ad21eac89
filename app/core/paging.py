"""Keyset paging, with opaque cursors that cannot be forged, read, or used by another person or for another list."""

import base64
import binascii
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeVar
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
Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Page:
    """The requested part of a list: how many items, after which cursor, and whether with the total."""

    limit: int = DEFAULT_LIMIT
    after: str | None = None
    count: bool = False


@dataclass(frozen=True, slots=True)
class Slice:
    """A page of a list: its rows, the cursor of the next page, and the total if it was requested."""

    rows: Sequence[AnyRow]
    next: str | None
    count: Total | None


class Cursors:
    """The institution's cursor cipher and epoch, read from the database on first use."""

    def __init__(self) -> None:
        self._kept: tuple[AESSIV, int] | None = None

    def cipher(self, db: DatabaseSession) -> tuple[AESSIV, int]:
        """The cipher, whose key stays when the master key changes, and the epoch, which grows with each restore."""
        if self._kept is None:
            row = db.execute(select(Institution.cursor_key, Institution.epoch)).one()
            self._kept = AESSIV(row.cursor_key), row.epoch
        return self._kept


@dataclass(frozen=True, slots=True)
class Walk:
    """A reader and a route, to which a cursor is bound."""

    cursors: Cursors
    principal_id: UUID
    path: str

    def encode(self, db: DatabaseSession, order: int, id: UUID) -> str:
        """The cursor of a position: always the same, of fixed length, and unreadable to the caller."""
        plain = order.to_bytes(8, "big", signed=True) + id.bytes
        cipher, epoch = self.cursors.cipher(db)
        sealed = cipher.encrypt(plain, self._bound(epoch))
        return base64.urlsafe_b64encode(sealed).decode().rstrip("=")

    def decode(self, db: DatabaseSession, cursor: str) -> tuple[int, UUID]:
        """The position of a cursor.

        Raises Invalid for a cursor of another reader or route, and Gone for one that was issued before the registry was
        restored from a backup.
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
        position = int.from_bytes(plain[:8], "big", signed=True), UUID(bytes=plain[8:])
        # Base64 tolerates padding and foreign characters, but a cursor has one spelling.
        if self.encode(db, *position) != cursor:
            raise _refused()
        return position

    def _opened(self, cipher: AESSIV, sealed: bytes, epoch: int) -> bytes | None:
        try:
            return cipher.decrypt(sealed, self._bound(epoch))
        except InvalidTag:
            return None

    def _bound(self, epoch: int) -> list[bytes]:
        bound = [self.principal_id.bytes, self.path.encode()]
        return [*bound, epoch.to_bytes(4, "big")] if epoch else bound


def restored_since() -> Gone:
    """The error for a cursor whose position a restored registry does not have."""
    return Gone("This cursor was issued before the registry was restored. Start again without 'after'.")


def _refused() -> Exception:
    return invalid(
        "query/after", "cursor", "This cursor is not from this list, or not yours. Start again without 'after'."
    )


def as_number(order: Order) -> int:
    """The sort key as a whole number: microseconds since 1970, the ordinal of the day, or itself."""
    if isinstance(order, datetime):
        return (order - _EPOCH) // timedelta(microseconds=1)
    return order.toordinal() if isinstance(order, date) else order


def _as_order(number: int, like: type[Order]) -> Order:
    if like is datetime:
        return _EPOCH + timedelta(microseconds=number)
    return date.fromordinal(number) if like is date else number


class PagedSession(DatabaseSession):
    """A session with the reader and route of its cursors; `walk` is set before a list is read."""

    walk: Walk


@dataclass(frozen=True, slots=True)
class Sort:
    """The order of a list: by a column with values of type `like`, then by id."""

    column: Any
    id: Any
    like: type[Order]
    newest_first: bool = False


def listed(db: PagedSession, statement: AnySelect, page: Page, sort: Sort) -> Slice:
    """Read a page of an ordered list; the statement selects the columns that it is ordered by."""
    rows = db.execute(_seek(db, statement, page, sort)).all()
    count = counted(db, statement, sort.id) if page.count else None
    if len(rows) <= page.limit:
        return Slice(rows, None, count)
    last = rows[page.limit - 1]
    cursor = db.walk.encode(db, as_number(getattr(last, sort.column.key)), getattr(last, sort.id.key))
    return Slice(rows[: page.limit], cursor, count)


def listed_in_memory(
    db: PagedSession, items: Sequence[Item], page: Page, key: Callable[[Item], str]
) -> tuple[list[Item], str | None, Total | None]:
    """A page of a short list that is no table, in its order: the items, the cursor of the next page, and the total.

    By `key` the pages continue after the same item when others have come before it.
    """
    begin = 0
    if page.after is not None:
        begin, last = db.walk.decode(db, page.after)
        places = [number for number, item in enumerate(items, 1) if _id_of(key(item)) == last]
        # Two items may have one key.
        begin = begin if begin in places or not places else places[0]
    shown, end = list(items[begin : begin + page.limit]), begin + page.limit
    following = db.walk.encode(db, end, _id_of(key(shown[-1]))) if end < len(items) else None
    total = Total(total=min(len(items), MOST_COUNTED), capped=len(items) > MOST_COUNTED) if page.count else None
    return shown, following, total


def _id_of(key: str) -> UUID:
    """An id for an item that has none."""
    return UUID(bytes=hashlib.sha256(key.encode()).digest()[:16])


def counted(db: DatabaseSession, statement: AnySelect, id: Any) -> Total:
    """The number of rows of a list that the reader may see, counted up to MOST_COUNTED."""
    ids = statement.with_only_columns(id, maintain_column_froms=True).order_by(None).limit(MOST_COUNTED + 1)
    rows = len(db.execute(ids).all())
    return Total(total=min(rows, MOST_COUNTED), capped=rows > MOST_COUNTED)


def _seek(db: PagedSession, statement: AnySelect, page: Page, sort: Sort) -> AnySelect:
    """The statement after the page's cursor, ordered, with one row more than the page has."""
    if page.after is not None:
        number, last = db.walk.decode(db, page.after)
        position = tuple_(_as_order(number, sort.like), last, types=[sort.column.type, sort.id.type])
        row = tuple_(sort.column, sort.id)
        statement = statement.where(row < position if sort.newest_first else row > position)
    columns = (sort.column, sort.id)
    ordered = [column.desc() if sort.newest_first else column.asc() for column in columns]
    return statement.order_by(*ordered).limit(page.limit + 1)
