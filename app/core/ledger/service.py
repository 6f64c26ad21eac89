"""Records events, and seals them: at the end of a transaction they get their positions and hashes."""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import rfc8785
from sqlalchemy import BigInteger, bindparam, func, insert, or_, select, text

from app.core.access.gate import insert_rows, read_locked
from app.core.access.session import GatedSession, as_system
from app.core.contents import service as contents
from app.core.db import AnyRow, Base, is_postgresql, new_id, together
from app.core.ledger import catalogue
from app.core.ledger.acts import Act
from app.core.tables.audiences import AudienceReader
from app.core.tables.events import Event, FeedEntry, Note

# Events of these audiences change the `seq` and `updated_at` of a case.
WIDE = ("case", "appointment", "participants", "court", "public")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# An arbitrary constant, which nothing else in the database may use as an advisory lock.
_SEAL_LOCK = 4_702_111_234_474_983


def record(
    db: GatedSession,
    act: Act,
    kind: str,
    payload: dict[str, Any],
    article: str | None = None,
    content: contents.Written | None = None,
) -> None:
    """Record an event of a kind; it gets its place in its stream when the transaction is sealed.

    Raises Uncatalogued for a kind that is not in the catalogue.
    """
    catalogue.check(kind)
    subject = act.subject
    db.notes.append(
        Note(
            id=new_id(db),
            case_id=subject.case_id,
            audience_id=subject.audience_id,
            audience=subject.audience,
            type=kind,
            act=act.name,
            article=article,
            actor=act.author.as_json(),
            at=act.at,
            payload=payload,
            content_id=content.id if content else None,
            commitment=content.commitment if content else None,
        )
    )


def seal(db: GatedSession) -> list[Note]:
    """Chain and write the recorded events, as the last act before the commit."""
    notes = db.notes
    if not notes:
        return []
    with as_system(db):
        # From here to the commit there is one transaction at a time, so that positions become visible in order.
        position, heads = _heads(db, {note.audience_id for note in notes})
        rows = []
        for note in notes:
            note.seq, note.previous_hash = heads.get(note.audience_id, (0, None))
            note.seq += 1
            note.hash = hash_of(note)
            heads[note.audience_id] = (note.seq, note.hash)
            position += 1
            rows.append(_row(note, position))
        with together(db):
            insert_rows(db, Event, rows)
            db.execute(_FEED, {"sealed_from": rows[0]["position"]})
    return notes


def _feed_statement() -> Any:
    """The statement that puts new events into the feeds of their readers."""
    since = Event.position >= bindparam("sealed_from", type_=BigInteger())
    readers = select(AudienceReader.principal_id, Event.position).join(
        Event, Event.audience_id == AudienceReader.audience_id
    )
    # A party that has left reads no later event of what it knew, except of the case itself (which has `opened_at`).
    reads_on = or_(
        AudienceReader.until.is_(None),
        AudienceReader.opened_at.is_not(None),
        AudienceReader.until >= Event.at,
        Event.type.in_(Event.READ_BY_LEAVERS),
    )
    # The table instead of the class: for a class, the ORM would look for rows in the values.
    return insert(Base.metadata.tables[FeedEntry.__tablename__]).from_select(
        ["principal_id", "position"], readers.where(since, reads_on)
    )


_FEED = _feed_statement()


def _heads_statement() -> Any:
    """The statement of the last position of all events, with the last number and hash of each of some streams."""
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


def _heads(db: GatedSession, streams: set[UUID]) -> tuple[int, dict[UUID, tuple[int, bytes | None]]]:
    """The last position of all events, and the last number and hash of each stream."""
    values = {"streams": list(streams)}
    # SQLite has a single writer, so it needs no lock.
    rows = read_locked(db, _SEAL_LOCK, _HEADS, values) if is_postgresql(db) else db.execute(_HEADS, values).all()
    return rows[0][0], {stream: (seq, last) for _position, stream, seq, last in rows if stream is not None}


def microseconds(instant: datetime) -> int:
    """An instant in whole microseconds since 1970, the form that is hashed."""
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
        "content_id": note.content_id,
        "commitment": note.commitment,
        "previous_hash": note.previous_hash,
        "hash": note.hash,
    }


def hash_of(entry: Note | AnyRow) -> bytes:
    """The SHA-256 of an event's canonical form (RFC 8785): ids as text, the instant in microseconds, bytes in hex."""
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
        "commitment": entry.commitment.hex() if entry.commitment else None,
        "previous_hash": entry.previous_hash.hex() if entry.previous_hash else None,
    }
    return hashlib.sha256(rfc8785.dumps(document)).digest()
