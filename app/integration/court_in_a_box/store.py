"""What the court knows: the referrals that it sent and how they stood last, and the events that came."""

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
# The place in the order of arrival is that of the first time; later copies are counted and change nothing.
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
    """A referral of the court: what it sent, and what it last saw of it at Accord, if anything yet."""

    external_id: str
    sent: Json
    id: str | None
    seen: Json | None


@dataclass(frozen=True, slots=True)
class Heard:
    """An event that came, with its place in the order of arrival by each way, and how often a webhook brought it."""

    id: str
    type: str
    stream: str
    seq: int
    by_feed: int | None
    by_webhook: int | None
    webhooks: int


class Store:
    """The court's own small database, in a file or (`:memory:`) for as long as it runs."""

    def __init__(self, path: str) -> None:
        # Every statement is a transaction of its own.
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._lock = threading.RLock()
        self._db.executescript(_TABLES)

    def close(self) -> None:
        """Close it."""
        with self._lock:
            self._db.close()

    def _do(self, statement: str, *given: Any) -> list[Any]:
        with self._lock:
            return self._db.execute(statement, given).fetchall()

    # Referrals

    def write(self, external_id: str, sent: Json) -> None:
        """Write down a referral before it is sent, so that a crash does not lose it."""
        self._do("INSERT INTO referrals (external_id, sent) VALUES (?, ?)", external_id, json.dumps(sent))

    def see(self, referral: Json) -> None:
        """Note how a referral of ours stands, unless we know something newer."""
        with self._lock:
            known = [one for one in self.referrals() if one.external_id == referral["external_id"]]
            if known and known[0].seen and _changed_at(known[0].seen) > _changed_at(referral):
                return
            values = (referral["id"], json.dumps(referral), referral["external_id"])
            self._do("UPDATE referrals SET id = ?, seen = ? WHERE external_id = ?", *values)

    def referrals(self) -> list[SentReferral]:
        """All of them, in the order in which they were written."""
        rows = self._do("SELECT external_id, sent, id, seen FROM referrals ORDER BY number")
        return [
            SentReferral(name, json.loads(sent), id, json.loads(seen) if seen else None)
            for name, sent, id, seen in rows
        ]

    # Events

    def keep(self, event: Json, way: Way) -> None:
        """Keep an event; one that is known already is the same event once more."""
        data = event["data"]
        about = data["about"].get("referral_id")
        self._do(_KEEP[way], event["id"], event["type"], data["stream"], data["seq"], about)

    def forget(self, event_id: str) -> None:
        """Lose an event, as courts do."""
        self._do("DELETE FROM events WHERE id = ?", event_id)

    def events(self) -> list[Heard]:
        """All that came."""
        columns = "id, type, stream, seq, by_feed, by_webhook, webhooks"
        return [Heard(*row) for row in self._do(f"SELECT {columns} FROM events ORDER BY stream, seq")]  # noqa: S608

    def to_look_at(self) -> list[tuple[str, list[str]]]:
        """The referrals of which something was heard since the court looked, each with the events that say so."""
        rows = self._do("SELECT referral_id, id FROM events WHERE NOT looked_at AND referral_id IS NOT NULL")
        found: dict[str, list[str]] = {}
        for referral_id, event_id in rows:
            found.setdefault(referral_id, []).append(event_id)
        return list(found.items())

    def looked(self, event_ids: Sequence[str]) -> None:
        """Note that the court has looked at what some events were about."""
        for id in event_ids:
            self._do("UPDATE events SET looked_at = 1 WHERE id = ?", id)

    # Whatever else is to outlive a crash

    def note(self, name: str) -> Any:
        """What was noted under a name; None if nothing was."""
        rows = self._do("SELECT value FROM notes WHERE name = ?", name)
        return json.loads(rows[0][0]) if rows else None

    def set_note(self, name: str, value: Any) -> None:
        """Note something."""
        given = (name, json.dumps(value))
        self._do("INSERT INTO notes VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value", *given)


def _changed_at(referral: Json) -> datetime:
    return datetime.fromisoformat(referral["updated_at"])
