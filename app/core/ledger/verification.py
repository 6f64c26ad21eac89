"""The proof of the chains: every event recomputed, every commitment compared."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import aliased

from app.core.access.session import GatedSession, as_system
from app.core.contents import service as contents
from app.core.db import AnyRow
from app.core.ledger.service import hash_of
from app.core.tables.contents import Content
from app.core.tables.events import Event


@dataclass(frozen=True, slots=True)
class Receipt:
    """An entry as it was acknowledged to somebody: its stream, its number there, and its hash."""

    stream: UUID
    seq: int
    hash: bytes

    def __str__(self) -> str:
        """The receipt as the header of an act carries it."""
        return f"stream={self.stream}, seq={self.seq}, hash={self.hash.hex()}"


def parse_receipt(text: str) -> Receipt:
    """A receipt from the words in which it was given; ValueError if they are not one."""
    found = _RECEIPT.fullmatch(text.strip())
    if found is None:
        raise ValueError("a receipt reads: stream=…, seq=…, hash=…")
    return Receipt(UUID(found[1]), int(found[2]), bytes.fromhex(found[3]))


@dataclass(frozen=True, slots=True)
class Fault:
    """The first entry of a stream that does not hold, and why."""

    stream: UUID
    seq: int
    event_id: UUID | None
    why: str


@dataclass(frozen=True, slots=True)
class Verification:
    """What a walk over every stream found."""

    streams: int
    events: int
    faults: tuple[Fault, ...]
    heads: tuple[Receipt, ...]


def verify(db: GatedSession, receipts: Iterable[Receipt] = ()) -> Verification:
    """Recompute every stream and hold each commitment against its content; the first fault of each stream is named.

    A receipt that was given earlier shows what the chains alone cannot: a tail cut off, or a stream written anew.
    """
    faults: list[Fault] = []
    heads: dict[UUID, Receipt] = {}
    awaited = {(receipt.stream, receipt.seq): receipt for receipt in receipts}
    count, seq, previous = 0, 0, None
    stream = None
    for row in _entries(db):
        if row.audience_id != stream:
            stream, seq, previous = row.audience_id, 0, None
        count += 1
        heads[row.audience_id] = Receipt(row.audience_id, row.seq, row.hash)
        given = awaited.pop((row.audience_id, row.seq), None)
        if faults and faults[-1].stream == stream:
            continue
        why = _fault(db, row, seq + 1, previous)
        if why is None and given is not None and given.hash != row.hash:
            why = "it is not the entry for which the receipt was given: the stream was written anew"
        if why is not None:
            faults.append(Fault(row.audience_id, row.seq, row.id, why))
        seq, previous = row.seq, row.hash
    faults += [
        Fault(receipt.stream, receipt.seq, None, "the entry for which the receipt was given is not there")
        for receipt in awaited.values()
    ]
    return Verification(len(heads), count, tuple(faults), tuple(heads.values()))


def _entries(db: GatedSession) -> Iterator[AnyRow]:
    content = aliased(Content)
    columns = [column for column in Event.__table__.columns if column.name != "position"]
    statement = (
        select(
            *(getattr(Event, column.name) for column in columns),
            content.body,
        )
        .outerjoin(content, content.id == Event.content_id)
        .order_by(Event.audience_id, Event.seq)
    )
    with as_system(db):
        yield from db.execute(statement, execution_options={"yield_per": 500})


def _fault(db: GatedSession, row: AnyRow, seq: int, previous: bytes | None) -> str | None:
    if row.seq != seq:
        return f"entry {seq} is missing"
    if row.previous_hash != previous:
        return "it does not follow from the entry before it"
    if hash_of(row) != row.hash:
        return "its content is not what its hash was made of"
    if row.commitment is not None and row.body is not None:
        held = contents.proves(db, row.case_id, row.content_id, row.body, row.commitment)
        return None if held else "the sealed content is not the one that was committed to"
    return None


_RECEIPT = re.compile(r"stream=([0-9a-f-]{36}), seq=([1-9][0-9]{0,18}), hash=([0-9a-f]{64})")
