"""Which rows each transaction changed, compared with the items that its events name."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest

from app.core.access.session import GatedSession
from app.core.db import Base, Database, Entropy
from app.core.ledger.catalogue import TYPES
from app.core.tables.events import Note

Row = dict[str, Any]
State = dict[tuple[str, str], Row]


@dataclass(frozen=True, order=True)
class Unnamed:
    """A row that a transaction changed and that none of its events names; `columns` are empty for a new row."""

    table: str
    columns: tuple[str, ...]
    types: tuple[str, ...]


# Tables whose rows are no items: nothing in the API has their id.
NO_ITEMS = {
    "access_tokens": "tokens of fifteen minutes: an act with one is recorded, and not the token",
    "accesses": "readings of documents, which are no acts",
    "activations": "one-time links, which only their mail names",
    "audience_readers": "follow from the other rows",
    "audiences": "follow from the other rows",
    "contents": "the sealed part of another row",
    "court_papers": "the papers of a referral, which no answer names by an id",
    "data_keys": "the key of a case",
    "events": "the events themselves",
    "feed_entries": "follow from events and readers",
    "idempotency_records": "the memory of keys",
    "institution": "one row, without an address of its own",
    "notice_choices": "what somebody wants to be mailed, which is private",
    "notice_marks": "the place of the mail in a feed",
    "notices": "mails, which are no acts",
    "reference_numbers": "the last number of a year",
    "webhook_deliveries": "follow from events and subscriptions",
}
# Columns whose change alone needs no event.
MARKS = {
    ("cases", "awaits"): "follows from the case",
    ("cases", "next_due_on"): "follows from the terms",
    ("cases", "seq"): "counts the events",
    ("cases", "updated_at"): "dates the last event",
    ("cases", "waiting_for"): "follows from the case",
    ("client_secrets", "used_at"): "a use of the secret, which is no act",
    ("signing_keys", "wrapped"): "the same key under another master key",
    ("documents", "scanned_at"): "a scan, of which only the verdict is an event",
    ("users", "email_key"): "a new account takes the address of one that was disabled before",
    ("users", "looked_at"): "a look at the desk, which is no act",
    ("users", "undeliverable_since"): "follows from the mail that came back",
    ("webhook_secrets", "wrapped"): "the same secret under another master key",
    ("webhooks", "position"): "the place of a subscription in its feed",
    ("webhooks", "last_event_id"): "the place of a subscription in its feed",
    ("webhooks", "replay_last_id"): "a replay, which its owner sees in the list of deliveries",
    ("webhooks", "replay_until"): "a replay, which its owner sees in the list of deliveries",
    ("webhooks", "failing"): "the state of the deliveries",
    ("webhooks", "held_until"): "the state of the deliveries",
}
# Rows that an event names by the item to which they belong: the columns with its id.
PARTS = {
    # The receipt of a filing, which is read at the address of the filing.
    "certificates": ("filing_id",),
    # The capacity of a candidate or mediator.
    "capacities": ("appointment_id",),
    # A closure that leaves the term as it is leaves a line in its list.
    "deadline_changes": ("deadline_id", "closure_id"),
    "order_files": ("referral_id",),
    "steps_taken": ("case_id",),
    "webhook_secrets": ("webhook_id",),
}
# What a new case has from its beginning, and what ends with it while it is a draft: the event names the case.
OF_A_CASE = ("capacities", "parties", "third_states")
# Documents go with their filing or text to its readers, and are removed with a filing.
WITH_HOLDER = {
    "filing-submitted": {"audience_id", "author_id", "number", "stored_at"},
    "filing-shared": {"audience_id"},
    "text-shared": {"audience_id"},
    "filing-discarded": {"state"},
}


# Items that the readers of an event know although they do not read them there: the court and the participants know the
# ids of a referral and of its case, those who could read a document learn that it was withdrawn, and administrators
# learn the id of a case whose key the operator destroyed, although they see no case.
KNOWN = {
    *((kind, table) for kind in TYPES if kind.startswith(("referral-", "return-")) for table in ("cases", "referrals")),
    ("session-dates-agreed", "referrals"),
    ("document-withdrawn", "documents"),
    ("case-key-destroyed", "cases"),
}


def state_of(db: GatedSession) -> State:
    """Every row of every item, read past the gate."""
    db.flush()
    driver: Any = db.connection().connection.driver_connection
    state: State = {}
    for table in Base.metadata.sorted_tables:
        if table.name not in NO_ITEMS:
            cursor = driver.execute(f"SELECT * FROM {table.name}")
            names = [column[0] for column in cursor.description]
            for values in cursor.fetchall():
                row = dict(zip(names, values, strict=True))
                state[table.name, str(UUID(str(row["id"])))] = row
    return state


def named_by(note: Note) -> set[str]:
    """The ids that an event shows: each by its name, or several in a list."""
    payload = note.payload
    each = {str(payload[name]) for name in TYPES[note.type].ids if payload.get(name)}
    listed = {id for name in payload if name.endswith("_ids") for id in payload[name]}
    return each | listed


def unnamed(before: State, after: State, notes: list[Note]) -> set[Unnamed]:
    """What changed between two states without an event that names it."""
    named = {id for note in notes for id in named_by(note)} | {str(note.case_id) for note in notes}
    types = {note.type for note in notes}
    found = set()
    for table, id in before.keys() | after.keys():
        old, new = before.get((table, id), {}), after.get((table, id), {})
        changed = {name for name in old.keys() & new.keys() if old[name] != new[name] and (table, name) not in MARKS}
        is_named = id in named or _is_part(table, new or old, changed, named, types)
        if (changed or not old or not new) and not is_named:
            found.add(Unnamed(table, tuple(sorted(changed)), tuple(sorted(types))))
    return found


def _is_part(table: str, row: Row, changed: set[str], named: set[str], types: set[str]) -> bool:
    """Whether an event names the item of which the row is a part."""
    columns = PARTS.get(table, ())
    if table == "documents" and any(changed and changed <= WITH_HOLDER.get(kind, set()) for kind in types):
        columns = ("filing_id", "draft_id")
    if table in OF_A_CASE and ("case-discarded" in types if changed else "case-opened" in types):
        columns = (*columns, "case_id")
    return any(row[column] is not None and str(UUID(str(row[column]))) in named for column in columns)


@dataclass(frozen=True, order=True)
class Hidden:
    """An item that an event names and that some of its readers cannot read."""

    type: str
    audience: str
    table: str


def hidden(db: GatedSession, after: State, notes: list[Note]) -> set[Hidden]:
    """The items that the events name to people who do not read them."""
    readers: dict[str, set[str]] = {}
    driver: Any = db.connection().connection.driver_connection
    for audience_id, principal_id in driver.execute("SELECT audience_id, principal_id FROM audience_readers"):
        readers.setdefault(str(UUID(str(audience_id))), set()).add(str(principal_id))
    items = {
        id: (table, str(UUID(str(row["audience_id"])))) for (table, id), row in after.items() if row.get("audience_id")
    }
    return {
        Hidden(note.type, note.audience, items[id][0])
        for note in notes
        for id in named_by(note) & items.keys()
        if not readers.get(str(note.audience_id), set()) <= readers.get(items[id][1], set())
        and (note.type, items[id][0]) not in KNOWN
    }


@dataclass
class Watch:
    """What was seen of the transactions while they were watched."""

    unnamed: set[Unnamed] = field(default_factory=set)
    hidden: set[Hidden] = field(default_factory=set)
    types: set[str] = field(default_factory=set)


@contextmanager
def watching() -> Iterator[Watch]:
    """Watch every transaction of this process that writes."""
    watch, write = Watch(), Database.write

    @contextmanager
    def watched(self: Database[GatedSession], entropy: Entropy) -> Iterator[GatedSession]:
        with write(self, entropy) as db:
            before = state_of(db)
            yield db
            after = state_of(db)
            watch.unnamed |= unnamed(before, after, db.notes)
            watch.hidden |= hidden(db, after, db.notes)
            watch.types |= {note.type for note in db.notes}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Database, "write", watched)
        yield watch


@contextmanager
def watching_on_request() -> Iterator[Watch]:
    """The same in every test if `ACCORD_TEST_CHANGES` is set, which takes twice the time; otherwise see nothing."""
    with watching() if os.environ.get("ACCORD_TEST_CHANGES") else nullcontext(Watch()) as watch:
        yield watch
