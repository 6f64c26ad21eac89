"""Virus scans with clamd, if the operator runs it: a document is quarantined until the scan finds it clean."""

import logging
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import select, update

from app.core.access.session import GatedSession, as_system
from app.core.errors import Altered
from app.core.files.sealing import READ_AT_ONCE, SEGMENT, Key, reader
from app.core.files.storage import Missing, Storage
from app.core.ledger import service as ledger
from app.core.ledger.acts import BY_CLOCK, Act, Subject
from app.core.sealer import NO_KEY
from app.core.tables.audiences import Audience
from app.core.tables.contents import DataKey
from app.core.tables.documents import Document
from app.proceedings.documents.holders import holder_of

log = logging.getLogger("accord.documents")
Verdict = Literal["clean", "infected", "unknown"]
# The state of a document after each verdict.
_AFTER: dict[Verdict, str] = {"clean": "stored", "infected": "refused", "unknown": "quarantined"}
# The act and the event of a verdict that ends the wait.
_RECORDED = {"clean": ("release", "document-released"), "infected": ("refuse", "document-refused")}
# How many documents one scan takes, and how long it waits for clamd at each call.
AT_ONCE, _SECONDS = 20, 120.0


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A document that waits for its scan; `size` (bytes) is that of the plain file."""

    id: UUID
    object_key: str
    size: int
    key: Key


def waiting(db: GatedSession) -> list[Quarantined]:
    """Return up to `AT_ONCE` quarantined documents: first those never scanned, then those scanned longest ago.

    A document whose data key is destroyed is left out, and stays quarantined.
    """
    columns = (Document.id, Document.object_key, Document.size, DataKey.wrapped)
    statement = select(*columns).join(DataKey, DataKey.case_id == Document.case_id)
    waits = (Document.state == "quarantined", DataKey.wrapped != NO_KEY)
    longest_first = (Document.scanned_at.asc().nulls_first(), Document.stored_at, Document.id)
    with as_system(db):
        rows = db.execute(statement.where(*waits).order_by(*longest_first).limit(AT_ONCE)).all()
    sealer = db.sealer
    return [Quarantined(row.id, row.object_key, row.size, Key(sealer.unwrap(row.wrapped), row.id)) for row in rows]


def scan(storage: Storage, document: Quarantined, address: str) -> Verdict:
    """Have clamd at `address` (`tcp://HOST:PORT` or `unix:///PATH`) scan a document; needs no database connection.

    Returns `unknown` if clamd cannot be reached or gives no verdict; the document then stays quarantined.
    """
    try:
        sealed_size = storage.size_now(document.object_key)
        fetch = lambda start, end: storage.read_now(document.object_key, start, end)  # noqa: E731
        with reader(document.key, document.size, sealed_size, fetch) as file, _connected(address) as clamd:
            clamd.sendall(b"zINSTREAM\0")
            while part := file.read(READ_AT_ONCE * SEGMENT):
                clamd.sendall(struct.pack(">I", len(part)) + part)
            clamd.sendall(struct.pack(">I", 0))
            answer = _answer(clamd)
    except (OSError, Missing, Altered) as problem:
        log.warning("document %s could not be scanned: %s", document.id, type(problem).__name__)
        return "unknown"
    if answer == "stream: OK":
        return "clean"
    if answer.endswith(" FOUND"):
        return "infected"
    log.warning("document %s could not be scanned: clamd gave no verdict", document.id)
    return "unknown"


@contextmanager
def _connected(address: str) -> Iterator[socket.socket]:
    scheme, _, location = address.partition("://")
    if scheme == "unix":
        clamd = socket.socket(socket.AF_UNIX)
        clamd.settimeout(_SECONDS)
        with clamd:
            clamd.connect(location)
            yield clamd
        return
    host, _, port = location.rpartition(":")
    with socket.create_connection((host.strip("[]"), int(port)), timeout=_SECONDS) as clamd:
        yield clamd


def _answer(clamd: socket.socket) -> str:
    answer = b""
    while not answer.endswith(b"\0") and len(answer) < 1000 and (part := clamd.recv(1000)):
        answer += part
    return answer.rstrip(b"\0\n").decode("ascii", "replace")


def judge(db: GatedSession, now: datetime, document_id: UUID, verdict: Verdict) -> int:
    """Release, refuse or keep a quarantined document; return 1 if it no longer waits for a scan, else 0."""
    columns = (
        Document.case_id,
        Document.audience_id,
        Document.filing_id,
        Document.draft_id,
        Document.number,
        Audience.name.label("audience"),
    )
    waits = (Document.id == document_id, Document.state == "quarantined")
    with as_system(db):
        statement = select(*columns).join(Audience, Audience.id == Document.audience_id).where(*waits)
        row = db.execute(statement.with_for_update(of=Document, skip_locked=True)).one_or_none()
        if row is None:
            return 0
        changed = update(Document).where(*waits).values(state=_AFTER[verdict], scanned_at=now)
        db.execute(changed.execution_options(synchronize_session=False))
    if verdict in _RECORDED:
        name, kind = _RECORDED[verdict]
        act = Act(name, now, BY_CLOCK, Subject(row.case_id, row.audience_id, row.audience))
        holder = holder_of(row)
        payload = {"document_id": str(document_id), f"{holder.kind}_id": str(holder.id), "number": row.number}
        ledger.record(db, act, kind, payload)
    return int(verdict != "unknown")
