"""Verifies the chains: recomputes every event, and compares every commitment with its content."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, func, select, tuple_
from sqlalchemy.orm import aliased

from app.core.access.session import GatedSession, as_system
from app.core.contents import service as contents
from app.core.db import AnyRow, random_bytes
from app.core.ledger.service import hash_of
from app.core.tables.contents import Content
from app.core.tables.events import Event


@dataclass(frozen=True, slots=True)
class Receipt:
    """A receipt for an event: its stream, its number in the stream, and its hash."""

    stream: UUID
    seq: int
    hash: bytes

    def __str__(self) -> str:
        """The receipt in the form of the `Accord-Receipt` header."""
        return f"stream={self.stream}, seq={self.seq}, hash={self.hash.hex()}"


def parse_receipt(text: str) -> Receipt:
    """Parse a receipt; raises ValueError if the text is not one."""
    match = _RECEIPT.fullmatch(text.strip())
    if match is None:
        raise ValueError("a receipt has the form: stream=…, seq=…, hash=…")
    return Receipt(UUID(match[1]), int(match[2]), bytes.fromhex(match[3]))


@dataclass(frozen=True, slots=True)
class ChainFault:
    """The first entry of a stream that does not verify, and why."""

    stream: UUID
    seq: int
    event_id: UUID | None
    why: str


@dataclass(frozen=True, slots=True)
class Verification:
    """The result of the verification of every stream."""

    streams: int
    events: int
    faults: tuple[ChainFault, ...]
    heads: tuple[Receipt, ...]


def verify(db: GatedSession, receipts: Iterable[Receipt] = ()) -> Verification:
    """Recompute every stream and compare each commitment with its content; reports the first fault of each stream.

    An earlier receipt shows what the chains alone cannot: a tail that was cut off, or a stream that was rewritten.
    """
    return _verified(db, _entries(db), {(receipt.stream, receipt.seq): receipt for receipt in receipts})


def verify_part(db: GatedSession, most: int) -> tuple[Verification, int]:
    """Verify the ledger if it has at most so many events, else that many from a random one on; and count all events.

    Repeated, it reaches every part of a ledger that is too long to verify at once.
    """
    with as_system(db):
        bounds = select(func.count(), func.min(Event.position), func.max(Event.position)).select_from(Event)
        length, first, last = db.execute(bounds).one()
        if length <= most:
            return verify(db), length
        # Positions have gaps where transactions were rolled back.
        somewhere = first + int.from_bytes(random_bytes(db, 8), "big") % (last - first + 1)
        place = select(Event.audience_id, Event.seq).where(Event.position >= somewhere)
        start = db.execute(place.order_by(Event.position).limit(1)).one()
    return _verified(db, _entries_from(db, start, most), {}, begins_within=True), length


def _verified(
    db: GatedSession,
    entries: Iterable[AnyRow],
    awaited: dict[tuple[UUID, int], Receipt],
    *,
    begins_within: bool = False,
) -> Verification:
    """Verify entries in their order; the first is trusted to follow what is before it if they begin within a stream."""
    faults: list[ChainFault] = []
    heads: dict[UUID, Receipt] = {}
    count, seq, previous = 0, 0, None
    stream = None
    for row in entries:
        if row.audience_id != stream:
            stream, seq, previous = row.audience_id, 0, None
            if begins_within and count == 0:
                seq, previous = row.seq - 1, row.previous_hash
        count += 1
        heads[row.audience_id] = Receipt(row.audience_id, row.seq, row.hash)
        receipt = awaited.pop((row.audience_id, row.seq), None)
        if faults and faults[-1].stream == stream:
            continue
        why = _fault(db, row, seq + 1, previous)
        if why is None and receipt is not None and receipt.hash != row.hash:
            why = "it is not the entry of the receipt: the stream was rewritten"
        if why is not None:
            faults.append(ChainFault(row.audience_id, row.seq, row.id, why))
        seq, previous = row.seq, row.hash
    faults += [
        ChainFault(missing.stream, missing.seq, None, "the entry of the receipt is missing")
        for missing in awaited.values()
    ]
    return Verification(len(heads), count, tuple(faults), tuple(heads.values()))


def _entries(db: GatedSession, *where: ColumnElement[bool], most: int | None = None) -> Iterator[AnyRow]:
    content = aliased(Content)
    columns = [column for column in Event.__table__.columns if column.name != "position"]
    statement = (
        select(
            *(getattr(Event, column.name) for column in columns),
            content.body,
        )
        .outerjoin(content, content.id == Event.content_id)
        .where(*where)
        .order_by(Event.audience_id, Event.seq)
        .limit(most)
    )
    with as_system(db):
        yield from db.execute(statement, execution_options={"yield_per": 500})


def _entries_from(db: GatedSession, start: AnyRow, most: int) -> Iterator[AnyRow]:
    """So many entries from one on; after the last the first follows. Each cursor is read to its end."""
    here, place = tuple_(start.audience_id, start.seq), tuple_(Event.audience_id, Event.seq)
    left = most
    for entry in _entries(db, place >= here, most=most):
        left -= 1
        yield entry
    if left:
        yield from _entries(db, place < here, most=left)


def _fault(db: GatedSession, row: AnyRow, seq: int, previous: bytes | None) -> str | None:
    if row.seq != seq:
        return f"entry {seq} is missing"
    if row.previous_hash != previous:
        return "it does not follow the entry before it"
    if hash_of(row) != row.hash:
        return "its content does not match its hash"
    if row.commitment is not None and row.body is not None:
        is_proved = contents.proves(db, row.case_id, row.content_id, row.body, row.commitment)
        return None if is_proved else "its sealed content does not match its commitment"
    return None


_RECEIPT = re.compile(r"stream=([0-9a-f-]{36}), seq=([1-9][0-9]{0,18}), hash=([0-9a-f]{64})")
