"""The only writer of events, the seal at the end of a transaction, and the proof of the chains."""

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import rfc8785
from sqlalchemy import BigInteger, bindparam, func, insert, select, text
from sqlalchemy.orm import Session, aliased

from app.core.access.gate import as_system, insert_rows, read_locked
from app.core.access.service import CLOCK, Actor
from app.core.contents import service as contents
from app.core.db import AnyRow, Base, is_postgresql, new_id, together
from app.core.ledger import catalogue
from app.core.ledger import service as ledger
from app.core.tables.audiences import Audience, AudienceReader
from app.core.tables.contents import Content
from app.core.tables.events import Event, FeedEntry

# Audiences whose events move a case's `seq` and `updated_at`.
WIDE = ("case", "appointment", "participants", "court", "public")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Any constant will do, as long as nothing else in the database takes the same advisory lock.
_SEAL_LOCK = 4_702_111_234_474_983


@dataclass(slots=True)
class Note:
    """An event that is noted but not sealed yet."""

    id: UUID
    case_id: UUID | None
    audience_id: UUID
    audience: str
    type: str
    act: str
    article: str | None
    actor: dict[str, Any]
    at: datetime
    payload: dict[str, Any]
    content: contents.Written | None
    seq: int = 0
    previous_hash: bytes | None = None
    hash: bytes = b""

    @property
    def commitment(self) -> bytes | None:
        """What proves the sealed content of the act, if it has any."""
        return self.content.commitment if self.content else None


@dataclass(frozen=True, slots=True)
class Subject:
    """Where an event belongs: the case (or None for the installation), the audience and its name."""

    case_id: UUID | None
    audience_id: UUID
    audience: str


def record(
    db: Session,
    now: datetime,
    subject: Subject,
    kind: str,
    act: str,
    actor: dict[str, Any],
    payload: dict[str, Any],
    article: str | None = None,
    content: contents.Written | None = None,
) -> None:
    """Note an event; it takes its place in its audience's stream when the transaction is sealed.

    Raises Uncatalogued for a type that the catalogue does not know.
    """
    catalogue.check(kind)
    noted(db).append(
        Note(
            new_id(db),
            subject.case_id,
            subject.audience_id,
            subject.audience,
            kind,
            act,
            article,
            actor,
            now,
            payload,
            content,
        )
    )


def noted(db: Session) -> list[Note]:
    """The events noted in this transaction, in their order."""
    notes: list[Note] = db.info.setdefault("notes", [])
    return notes


def actor_of(actor: Actor, capacity: str, party_id: UUID | None = None) -> dict[str, Any]:
    """A person as an event names them: by id, in which capacity, for which party; the clock has no id."""
    person = None if actor is CLOCK else str(actor.id)
    return {"id": person, "capacity": capacity, "party_id": str(party_id) if party_id else None}


def seal(db: Session) -> list[Note]:
    """Chain and write what was noted, as the last thing before the commit."""
    notes = noted(db)
    if not notes:
        return []
    with as_system(db):
        # From here to the commit one transaction at a time: positions become visible in their order.
        position, heads = _heads(db, {note.audience_id for note in notes})
        rows = []
        for note in notes:
            note.seq, note.previous_hash = heads.get(note.audience_id, (0, None))
            note.seq += 1
            note.hash = _hash(note)
            heads[note.audience_id] = (note.seq, note.hash)
            position += 1
            rows.append(_row(note, position))
        with together(db):
            insert_rows(db, Event, rows)
            db.execute(_FEED, {"sealed_from": rows[0]["position"]})
    return notes


def _feed_statement() -> Any:
    """What was sealed just now into the feeds of those who may read it now; made once."""
    since = Event.position >= bindparam("sealed_from", type_=BigInteger())
    readers = select(AudienceReader.principal_id, Event.position).join(
        Event, Event.audience_id == AudienceReader.audience_id
    )
    # The table and not the class: the ORM would look for rows in the values.
    return insert(Base.metadata.tables[FeedEntry.__tablename__]).from_select(
        ["principal_id", "position"], readers.where(since)
    )


_FEED = _feed_statement()


def _heads_statement() -> Any:
    """The last position of all, beside the last number and hash of each of some streams; made once."""
    streams: Any = bindparam("streams", expanding=True)
    last = select(Event.audience_id, func.max(Event.seq).label("seq")).where(Event.audience_id.in_(streams))
    last_of = last.group_by(Event.audience_id).subquery()
    greatest = select(func.coalesce(func.max(Event.position), 0).label("position")).subquery()
    same = (Event.audience_id == last_of.c.audience_id) & (Event.seq == last_of.c.seq)
    heads = select(Event.audience_id, Event.seq, Event.hash).join(last_of, same).subquery()
    return select(greatest.c.position, heads.c.audience_id, heads.c.seq, heads.c.hash).select_from(
        greatest.outerjoin(heads, text("1 = 1"))
    )


_HEADS = _heads_statement()


def _heads(db: Session, streams: set[UUID]) -> tuple[int, dict[UUID, tuple[int, bytes | None]]]:
    """The last position of all, and the last number and hash of each stream."""
    given = {"streams": list(streams)}
    # SQLite has one writer anyway.
    rows = read_locked(db, _SEAL_LOCK, _HEADS, given) if is_postgresql(db) else db.execute(_HEADS, given).all()
    return rows[0][0], {stream: (seq, last) for _position, stream, seq, last in rows if stream is not None}


def microseconds(instant: datetime) -> int:
    """An instant as whole microseconds since 1970, as it is hashed."""
    return (instant - _EPOCH) // timedelta(microseconds=1)


def _row(note: Note, position: int) -> dict[str, Any]:
    return {
        "position": position,
        "id": note.id,
        "audience_id": note.audience_id,
        "case_id": note.case_id,
        "seq": note.seq,
        "type": note.type,
        "act": note.act,
        "article": note.article,
        "actor": note.actor,
        "at": note.at,
        "payload": note.payload,
        "content_id": note.content.id if note.content else None,
        "commitment": note.commitment,
        "previous_hash": note.previous_hash,
        "hash": note.hash,
    }


def _hash(entry: Note | AnyRow) -> bytes:
    """SHA-256 of an entry's canonical form (RFC 8785): ids as text, the instant in microseconds, bytes in hex."""
    committed = entry.commitment
    document = {
        "id": str(entry.id),
        "stream": str(entry.audience_id),
        "seq": entry.seq,
        "case_id": str(entry.case_id) if entry.case_id else None,
        "type": entry.type,
        "act": entry.act,
        "article": entry.article,
        "actor": entry.actor,
        "at": microseconds(entry.at),
        "payload": entry.payload,
        "commitment": committed.hex() if committed else None,
        "previous_hash": entry.previous_hash.hex() if entry.previous_hash else None,
    }
    return hashlib.sha256(rfc8785.dumps(document)).digest()


@dataclass(frozen=True, slots=True)
class Receipt:
    """An entry as it was acknowledged to somebody: its stream, its number there, and its hash."""

    stream: UUID
    seq: int
    hash: bytes

    def __str__(self) -> str:
        """The receipt as the header of an act carries it."""
        return f"stream={self.stream}, seq={self.seq}, hash={self.hash.hex()}"


_RECEIPT = re.compile(r"stream=([0-9a-f-]{36}), seq=([1-9][0-9]{0,18}), hash=([0-9a-f]{64})")


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


def verify(db: Session, receipts: Iterable[Receipt] = ()) -> Verification:
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


def _entries(db: Session) -> Iterator[AnyRow]:
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


def _fault(db: Session, row: AnyRow, seq: int, previous: bytes | None) -> str | None:
    if row.seq != seq:
        return f"entry {seq} is missing"
    if row.previous_hash != previous:
        return "it does not follow from the entry before it"
    if _hash(row) != row.hash:
        return "its content is not what its hash was made of"
    if row.commitment is not None and row.body is not None:
        held = contents.proves(db, row.case_id, row.content_id, row.body, row.commitment)
        return None if held else "the sealed content is not the one that was committed to"
    return None


# Whose acts on the command line are recorded: nobody's account, but the operator's hand.
OPERATOR = {"id": None, "capacity": "operator", "party_id": None}


def installation_subject(db: Session, name: str) -> ledger.Subject:
    """The stream of the installation that everybody (`public`) or its own people (`registry`) may read."""
    with as_system(db):
        mine = (Audience.case_id.is_(None), Audience.name == name)
        return ledger.Subject(None, db.execute(select(Audience.id).where(*mine)).scalar_one(), name)
