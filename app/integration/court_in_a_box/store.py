"""The court's own database: the referrals it sent, their last known state, and the events it received."""

import json
import sqlite3
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from app.integration.client import Json

Way = Literal["feed", "webhook"]
_TABLES = """
CREATE TABLE IF NOT EXISTS referrals (
    number INTEGER PRIMARY KEY, external_id TEXT NOT NULL UNIQUE, sent TEXT NOT NULL, id TEXT, seen TEXT
);
CREATE TABLE IF NOT EXISTS events (
    id TEXT PRIMARY KEY, type TEXT NOT NULL, stream TEXT NOT NULL, seq INTEGER NOT NULL, referral_id TEXT,
    by_feed INTEGER, by_webhook INTEGER, webhooks INTEGER NOT NULL DEFAULT 0, looked_at INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS notes (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""
# The first arrival determines the position; later copies are counted and change nothing.
_KEEP = {
    "feed": """
INSERT INTO events (id, type, stream, seq, referral_id, by_feed)
VALUES (?, ?, ?, ?, ?, (SELECT coalesce(max(by_feed), 0) + 1 FROM events))
ON CONFLICT (id) DO UPDATE SET by_feed = coalesce(by_feed, excluded.by_feed)
""",
    "webhook": """
INSERT INTO events (id, type, stream, seq, referral_id, by_webhook, webhooks)
VALUES (?, ?, ?, ?, ?, (SELECT coalesce(max(by_webhook), 0) + 1 FROM events), 1)
ON CONFLICT (id) DO UPDATE SET by_webhook = coalesce(by_webhook, excluded.by_webhook), webhooks = webhooks + 1
""",
}


@dataclass(frozen=True, slots=True)
class SentReferral:
    """A referral as the court sent it, and as it last read it from Accord; None before the first answer."""

    external_id: str
    sent: Json
    id: str | None
    seen: Json | None


@dataclass(frozen=True, slots=True)
class ReceivedEvent:
    """A received event: its position by feed and by webhook, and how often webhooks delivered it."""

    id: str
    type: str
    stream: str
    seq: int
    by_feed: int | None
    by_webhook: int | None
    webhooks: int


class Store:
    """The court's SQLite database, in a file or (`:memory:`) for as long as the court runs."""

    def __init__(self, path: str) -> None:
        # Autocommit: every statement is its own transaction.
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._lock = threading.RLock()
        self._db.executescript(_TABLES)

    def close(self) -> None:
        """Close the database."""
        with self._lock:
            self._db.close()

    def _do(self, statement: str, *values: Any) -> list[Any]:
        with self._lock:
            return self._db.execute(statement, values).fetchall()

    # Referrals

    def write(self, external_id: str, sent: Json) -> None:
        """Store a referral before it is sent, so that a crash does not lose it."""
        self._do("INSERT INTO referrals (external_id, sent) VALUES (?, ?)", external_id, json.dumps(sent))

    def see(self, referral: Json) -> None:
        """Store the state of a referral, unless a newer one is stored."""
        with self._lock:
            stored = [sent for sent in self.referrals() if sent.external_id == referral["external_id"]]
            if stored and stored[0].seen and _changed_at(stored[0].seen) > _changed_at(referral):
                return
            values = (referral["id"], json.dumps(referral), referral["external_id"])
            self._do("UPDATE referrals SET id = ?, seen = ? WHERE external_id = ?", *values)

    def referrals(self) -> list[SentReferral]:
        """All referrals, in the order in which they were stored."""
        rows = self._do("SELECT external_id, sent, id, seen FROM referrals ORDER BY number")
        return [
            SentReferral(name, json.loads(sent), id, json.loads(seen) if seen else None)
            for name, sent, id, seen in rows
        ]

    # Events

    def keep(self, event: Json, way: Way) -> None:
        """Store an event; a copy of a known event is only counted."""
        data = event["data"]
        about = data["about"].get("referral_id")
        self._do(_KEEP[way], event["id"], event["type"], data["stream"], data["seq"], about)

    def forget(self, event_id: str) -> None:
        """Delete an event, to simulate its loss."""
        self._do("DELETE FROM events WHERE id = ?", event_id)

    def events(self) -> list[ReceivedEvent]:
        """All received events, by stream."""
        columns = "id, type, stream, seq, by_feed, by_webhook, webhooks"
        return [ReceivedEvent(*row) for row in self._do(f"SELECT {columns} FROM events ORDER BY stream, seq")]  # noqa: S608

    def to_look_at(self) -> list[tuple[str, list[str]]]:
        """Referrals with events since the court last read them, each with the ids of those events."""
        rows = self._do("SELECT referral_id, id FROM events WHERE NOT looked_at AND referral_id IS NOT NULL")
        event_ids: dict[str, list[str]] = {}
        for referral_id, event_id in rows:
            event_ids.setdefault(referral_id, []).append(event_id)
        return list(event_ids.items())

    def looked(self, event_ids: Sequence[str]) -> None:
        """Mark events as dealt with: the court has read their referrals."""
        for id in event_ids:
            self._do("UPDATE events SET looked_at = 1 WHERE id = ?", id)

    # Other values that must survive a crash

    def note(self, name: str) -> Any:
        """A stored value by its name, or None."""
        rows = self._do("SELECT value FROM notes WHERE name = ?", name)
        return json.loads(rows[0][0]) if rows else None

    def set_note(self, name: str, value: Any) -> None:
        """Store a value under a name."""
        row = (name, json.dumps(value))
        self._do("INSERT INTO notes VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value", *row)


def _changed_at(referral: Json) -> datetime:
    return datetime.fromisoformat(referral["updated_at"])
