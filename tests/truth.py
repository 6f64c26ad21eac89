"""Whose each id, hash, instant, number and word of a registry is, read from its tables past the service."""

import base64
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select

import app.core.tables.every  # noqa: F401 - every table must be known
from app.core.access.gate import gated_tables
from app.core.access.session import as_system
from app.core.contents import service as contents
from app.core.db import Base
from app.core.tables.audiences import ANYONE, INTEGRATIONS, STAFF
from app.core.tables.contents import Content
from tests.installation import House, Person, straight_to

SEAT = ZoneInfo("Asia/Hong_Kong")
# What every signed-in person may know.
OF_ALL = {"members", "mediators", "courts", "closures", "institution", "signing_keys"}
# Kept by an administrator for others.
OF_ADMINISTRATORS = {"tokens", "clients", "client_secrets", "users"}
# Smaller numbers stand for too many things; the world's files have sizes of their own above it.
SMALL = 10_000

_ID = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", re.IGNORECASE)
_HASH = re.compile(r"\b[0-9a-f]{64}\b|(?<![\w+/=])[\w+/-]{43}=")
_INSTANT = re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)?")
_DAY = re.compile(r"\b\d{4}-\d\d-\d\d\b(?!T)")
_NUMBER = re.compile(r"(?<![\w.+-])(?<!\d:)\d{3,18}(?![\w.:-])")
_WORD = re.compile(r"\w*quetzal\w*")


@dataclass(frozen=True, slots=True)
class Value:
    """A value in an answer: its kind, and what it is."""

    kind: str
    value: Any


def values_in(text: str) -> Iterator[Value]:
    """Every id, hash, instant, day, number and planted word in a text, by its shape."""
    for match in _ID.finditer(text):
        yield Value("id", UUID(match[0]))
    for match in _HASH.finditer(text):
        yield Value("hash", _bytes_of(match[0]))
    for match in _INSTANT.finditer(text):
        instant = datetime.fromisoformat(match[0])
        yield Value("instant", (instant if instant.tzinfo else instant.replace(tzinfo=SEAT)).astimezone(UTC))
    for match in _DAY.finditer(text):
        yield Value("day", date.fromisoformat(match[0]))
    for match in _NUMBER.finditer(_INSTANT.sub("", _ID.sub("", text))):
        yield Value("number", int(match[0]))
    for match in _WORD.finditer(text):
        yield Value("word", match[0])


def _bytes_of(text: str) -> bytes:
    return bytes.fromhex(text) if len(text) == 64 else base64.b64decode(text.replace("-", "+").replace("_", "/"))


@dataclass
class Occurrence:
    """A row in which a value occurs."""

    table: str
    row: dict[str, Any]


@dataclass
class Truth:
    """All rows of a registry, and who may know of each."""

    readers: dict[UUID, set[UUID]] = field(default_factory=lambda: defaultdict(set))
    rows_by_id: dict[UUID, Occurrence] = field(default_factory=dict)
    # The rows that contain a value in any column.
    rows_with: dict[Value, list[Occurrence]] = field(default_factory=lambda: defaultdict(list))
    events_at: dict[Any, list[Occurrence]] = field(default_factory=lambda: defaultdict(list))
    audiences_of_word: dict[str, set[UUID]] = field(default_factory=lambda: defaultdict(set))

    def knows(self, reader: "Reader", value: Value) -> bool:
        """Whether a value is the reader's to know."""
        match value.kind:
            case "id":
                return self._knows_id(reader, value.value)
            case "word":
                of = self.audiences_of_word.get(value.value)
                return of is None or any(self._is_of(reader, audience) for audience in of)
            case "number" if value.value < SMALL:
                return True
            case "instant" | "day" if events := self.events_at.get(value.value):
                # Acts happen at instants and on days of their own: somebody who knows of no act then knows of none.
                return self._knows_any(reader, (*events, *self._with(value, value.kind == "day")))
        rows = self.rows_with.get(value)
        return not rows or self._knows_any(reader, rows)

    def _with(self, value: Value, also: bool) -> list[Occurrence]:
        return self.rows_with.get(value, []) if also else []

    def _knows_id(self, reader: "Reader", id: UUID) -> bool:
        row = self.rows_by_id.get(id)
        if row is None:
            return id in reader.principals or id in (STAFF, ANYONE, INTEGRATIONS)
        if row.table in gated_tables():
            return self._knows_row(reader, row) or self._knows_any(reader, self._in_the_other_name(row))
        return self._knows_row(reader, row) or self._knows_any(reader, self.rows_with[Value("id", id)])

    def _in_the_other_name(self, row: Occurrence) -> list[Occurrence]:
        """The referral of a case, or the case of a referral: the court and the parties know the ids of both.

        Of a document that was withdrawn it is the filing, whose readers learn that it was.
        """
        withdrawn = row.row.get("filing_id") if row.row.get("withdrawn_at") else None
        others = {"cases": row.row.get("referral_id"), "referrals": row.row.get("case_id"), "documents": withdrawn}
        other = others.get(row.table)
        return [self.rows_by_id[other]] if other in self.rows_by_id else []

    def _knows_any(self, reader: "Reader", rows: Iterable[Occurrence]) -> bool:
        return any(self._knows_row(reader, row) for row in rows)

    def _knows_row(self, reader: "Reader", of: Occurrence) -> bool:
        row = of.row
        if of.table == "audiences":
            return self._is_of(reader, row["id"])
        if "audience_id" in row and of.table != "audience_readers":
            return self._is_of(reader, row["audience_id"])
        if of.table in OF_ALL or (of.table in OF_ADMINISTRATORS and reader.role in ("admin", "registrar")):
            return True
        if of.table == "notices" and reader.role in ("admin", "registrar"):
            return True
        owners = {row.get(name) for name in ("id", "user_id", "owner_id")} if of.table != "feed_entries" else set()
        if of.table in ("webhook_deliveries", "webhook_secrets"):
            owners = (
                {self.rows_by_id[row["webhook_id"]].row["owner_id"]} if row["webhook_id"] in self.rows_by_id else set()
            )
        return not owners.isdisjoint(reader.principals)

    def _is_of(self, reader: "Reader", audience_id: UUID) -> bool:
        return not self.readers[audience_id].isdisjoint(reader.principals)


@dataclass(frozen=True)
class Reader:
    """Somebody who reads: the ids under which they do, and their role in the institution."""

    name: str
    principals: frozenset[UUID]
    role: str = "user"


def reader_of(person: Person, role: str = "user", *bound_to: UUID) -> Reader:
    """A person as a reader; a client also reads under what it is bound to."""
    staff = {STAFF} if role == "registrar" else set()
    return Reader(person.name, frozenset({UUID(person.id), ANYONE, *staff, *bound_to}), role)


def truth_of(house: House) -> Truth:
    """Read every row of the registry."""
    truth, bodies = Truth(), _bodies_of(house)
    engine = straight_to(house.settings)
    with engine.connect() as connection:
        for name, table in Base.metadata.tables.items():
            for row in connection.execute(select(table)).mappings():
                _enter(truth, name, dict(row), bodies)
    engine.dispose()
    return truth


def _enter(truth: Truth, table: str, row: dict[str, Any], bodies: dict[UUID, Any]) -> None:
    occurrence = Occurrence(table, row)
    if table == "audience_readers":
        truth.readers[row["audience_id"]].add(row["principal_id"])
        return
    if isinstance(row.get("id"), UUID):
        truth.rows_by_id[row["id"]] = occurrence
    if table == "contents":
        text = json.dumps(bodies.get(row["id"]), ensure_ascii=False)
        for word in _WORD.findall(text):
            truth.audiences_of_word[word].add(row["audience_id"])
        for value in values_in(text):
            truth.rows_with[value].append(occurrence)
    if table == "events":
        truth.events_at[row["at"]].append(occurrence)
        truth.events_at[row["at"].astimezone(SEAT).date()].append(occurrence)
    for column in row.values():
        for value in _values_of(column):
            truth.rows_with[value].append(occurrence)


def _values_of(column: Any) -> Iterator[Value]:
    match column:
        case bool():
            return
        case UUID():
            yield Value("id", column)
        case bytes() if len(column) == 32:
            yield Value("hash", column)
        case datetime():
            yield Value("instant", column)
        case date():
            yield Value("day", column)
        case int():
            yield Value("number", column)
        case dict() | list():
            yield from values_in(json.dumps(column))


def _bodies_of(house: House) -> dict[UUID, Any]:
    """What people wrote, opened, as far as its key is kept."""
    seams = house.app.state.seams
    with house.database.read(seams.entropy("truth")) as db, as_system(db):
        db.sealer = seams.sealer
        ids = list(db.execute(select(Content.id)).scalars())
        return {id: opened.body for id, opened in contents.openings_left(db, ids).items()}
