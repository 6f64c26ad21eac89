"""Seeds a registry with many cases: one case made through the API, and as many copies of it as are wanted.

Python makes what is encrypted; SQL makes the rows that belong to it: each statement makes one row of every copy. The
copies are made for reading: their hashes form no chain, so their ledger cannot be verified.
"""

import hashlib
import json
import os
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import SecretStr
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.engine import make_url
from starlette.testclient import TestClient

from app.core.clock import system_clock
from app.core.contents.keys import master_key
from app.core.db import Base, sqlite
from app.core.ledger import service as ledger
from app.core.ledger.acts import OPERATOR
from app.core.sealer import Sealer
from app.institution.people import service as people
from app.institution.people.institution import InstitutionIn, found_institution
from app.institution.people.schemas import TokenIn, UserIn
from app.institution.people.tokens import write_token
from app.main import create_app
from app.operations.migrating import migrate
from app.rules.loader import library
from app.settings import Settings
from tests.request_bodies import REQUESTS

# How many cases a party's agent, a second one and the mediator have, in a registry that is large enough.
AGENTS, SECOND_AGENTS, MEDIATORS = 200, 20_000, 500
OTHERS = 100
EVENTS = 20
# No case is under these rules, so a filter by them matches none.
UNUSED = "icc-2014"
SUMMARY = "The flow has fallen below the agreed third."
_OWN_TABLES = ("audiences", "audience_readers", "parties", "capacities")
_BATCH = 5_000
# From this many copies on, it is faster to make the indexes afterwards.
_MANY = 20_000
Row = dict[str, Any]


@dataclass
class Seeded:
    """Tokens of four readers, by their name, and ids of what the requests ask for."""

    tokens: dict[str, str]
    mine: list[str]
    lodged: list[str]
    not_mine: str
    party: str
    mediator: str


class Copy(NamedTuple):
    """The copy of a number: whose it is, when it was opened, and whether it is mediated and busy."""

    number: int
    case_id: UUID
    owner_id: UUID
    opened_at: datetime
    mediated: bool
    busy: bool


def fresh(id: UUID, number: int) -> UUID:
    """The id that takes the place of a template's id in the copy with this number."""
    return UUID(_digest(id.hex, number))


def _digest(hexadecimal: str, number: int) -> str:
    return hashlib.md5(f"{hexadecimal}/{number}".encode(), usedforsecurity=False).hexdigest()


def seed(settings: Settings, cases: int, busy: int) -> Seeded:
    """Make a registry with this many cases, of which so many are busy."""
    migrate(settings)
    app = create_app(settings)
    accounts = app.state.seams.database.in_transaction(_founded, os.urandom)
    with TestClient(app) as client:
        case_id = _lodged(client, accounts["agent"][1])
    app.state.seams.database.dispose()
    engine = create_engine(settings.database_url)
    with engine.connect() as connection:
        template = _template(connection, UUID(case_id))
    engine.dispose()
    plan = _Plan(template, {name: id for name, (id, _token) in accounts.items()}, cases, busy)
    load = _LoadIntoSqlite if settings.is_sqlite else _LoadIntoPostgresql
    with load(settings.database_url, template).opened(cases) as loading:
        sealer = Sealer(master_key(settings, os.urandom, lambda _line: None))
        for batch in plan.batches():
            loading.add(_rows_of(template, batch, plan, sealer))
        for statement in _multiplied(template, plan, loading):
            loading.execute(statement)
    mine = [copy for copy in plan.copies() if copy.owner_id == plan.accounts["agent"]]
    others = next(copy for copy in plan.copies() if copy.owner_id != plan.accounts["agent"] and not copy.mediated)
    lodged = [fresh(template.case_id, number) for number in range(plan.lodged_from, cases)]
    return Seeded(
        tokens={name: accounts[name][1] for name in ("registrar", "agent", "second agent", "mediator")},
        mine=[str(copy.case_id) for copy in mine],
        lodged=[str(id) for id in lodged[:_BATCH]],
        not_mine=str(others.case_id),
        party=str(fresh(template.parties[0], mine[len(mine) // 2].number)),
        mediator=str(plan.accounts["mediator"]),
    )


def _founded(db: Any) -> dict[str, tuple[UUID, str]]:
    now = system_clock()
    found_institution(db, now, InstitutionIn(name="Benchmark", time_zone="UTC"))
    roles = {"admin": "admin", "registrar": "registrar", "agent": "user", "second agent": "user", "mediator": "user"}
    roles |= {f"other {number}": "user" for number in range(OTHERS)}
    accounts = {}
    for name, role in roles.items():
        user = UserIn(name=name, email=f"{name.replace(' ', '-')}@example.org", role=role)  # type: ignore[arg-type]
        user_id = people.write_user(db, now, user, OPERATOR)
        db.flush()
        token_id = write_token(db, now, TokenIn(user_id=user_id, label="b"), user_id, OPERATOR)
        accounts[name] = (user_id, db.secrets[token_id])
    ledger.seal(db)
    return accounts


def opening() -> Row:
    """The body of a request that opens a case."""
    parties = [{**party, "member_id": None} for party in REQUESTS["CaseIn"]["parties"]]
    return {**REQUESTS["CaseIn"], "parties": parties}


def _lodged(client: TestClient, token: str) -> str:
    bearer = {"authorization": f"Bearer {token}"}
    case_id = client.post("/v1/cases", json=opening(), headers=bearer).json()["id"]
    step = client.post(f"/v1/cases/{case_id}/steps/lodge", json=REQUESTS["StepIn"], headers=bearer)
    assert step.status_code == 200, step.text
    return str(case_id)


@dataclass
class _Template:
    """The rows of the case that is copied, by table, and its ids, which are others in each copy."""

    case_id: UUID
    filer: UUID
    rows: dict[str, list[Row]]
    ids: set[UUID]
    last_position: int

    @property
    def case(self) -> Row:
        return self.rows["cases"][0]

    @property
    def parties(self) -> list[UUID]:
        return [row["id"] for row in sorted(self.rows["parties"], key=lambda row: int(row["number"]))]

    def audience(self, name: str) -> UUID:
        """The audience of this name."""
        return next(UUID(str(row["id"])) for row in self.rows["audiences"] if row["name"] == name)


def _template(connection: Connection, case_id: UUID) -> _Template:
    rows: dict[str, list[Row]] = {}
    for name in ("cases", *_OWN_TABLES, "events"):
        table = Base.metadata.tables[name]
        column = table.c.id if name == "cases" else table.c.case_id
        statement = table.select().where(column == case_id)
        if name == "events":
            statement = statement.order_by(table.c.position)
        rows[name] = [dict(row) for row in connection.execute(statement).mappings()]
    for row in rows["capacities"]:
        row["powers_id"] = None
    (case,) = rows["cases"]
    ids = {row["id"] for name in ("cases", "audiences", "parties", "capacities", "events") for row in rows[name]}
    (filer,) = {row["user_id"] for row in rows["capacities"]}
    last = connection.execute(text("SELECT max(position) FROM events")).scalar_one()
    return _Template(case_id, filer, rows, ids | {case["content_id"]}, last)


class _Plan:
    """What each copy is: whose, at which stage, and since when. The oldest are closed, and the newest are lodged."""

    def __init__(self, template: _Template, accounts: dict[str, UUID], cases: int, busy: int) -> None:
        self.template, self.accounts, self.cases, self.busy = template, accounts, cases, busy
        self.now = datetime.now(UTC)
        self.start = self.now - timedelta(days=1, minutes=cases)
        self.closed_until = cases // 50
        self.lodged_from = cases - max(cases // 50, min(_BATCH, cases // 2))
        self.owners = {
            "agent": _every(cases, AGENTS),
            "second agent": _every(cases, SECOND_AGENTS),
        }
        # Not of the closed and the lodged ones.
        self.mediated_every = _every(self.lodged_from - self.closed_until, MEDIATORS)
        self.going = [
            (name, category, stage.name, stage.phase)
            for name, rules in sorted(library().items())
            for category in rules.categories
            for stage in rules.stages
            if name != UNUSED and stage.phase != "closed" and stage.name not in ("draft", "lodged")
        ]

    def copy(self, number: int) -> Copy:
        """The copy of a number."""
        owner = next((name for place, (name, every) in enumerate(self.owners.items()) if number % every == place), None)
        mediated = self.closed_until <= number < self.lodged_from and number % self.mediated_every == 0
        return Copy(
            number=number,
            case_id=fresh(self.template.case_id, number),
            owner_id=self.accounts[owner or f"other {number % OTHERS}"],
            opened_at=self.start + timedelta(minutes=number),
            mediated=mediated,
            busy=mediated or owner is not None or number >= self.cases - self.busy,
        )

    def copies(self) -> Iterator[Copy]:
        """All copies, the oldest first."""
        return map(self.copy, range(self.cases))

    def batches(self) -> Iterator[list[Copy]]:
        """All copies, some thousand at a time."""
        for first in range(0, self.cases, _BATCH):
            yield [self.copy(number) for number in range(first, min(first + _BATCH, self.cases))]

    def state(self, copy: Copy) -> Row:
        """The columns of a case that differ from those of the template, which is lodged and waits for the registry."""
        number = copy.number
        if number >= self.lodged_from:
            return {"updated_at": copy.opened_at}
        spread = number * 2_654_435_761 % 2**32 / 2**32
        changed = copy.opened_at + (self.now - copy.opened_at) * spread
        state: Row = {"reference": f"{copy.opened_at.year}-{1_000_000 + number}", "updated_at": changed}
        if number < self.closed_until:
            ended = {"phase": "closed", "stage": "closed", "outcome": "settled", "closed_at": changed}
            return state | ended | {"waiting_for": [], "awaits": ""}
        state["procedure"], state["category"], state["stage"], state["phase"] = self.going[number % len(self.going)]
        if copy.mediated:
            state |= {"procedure": "iomed-state-2025", "category": "state-state", "stage": "mediating"}
            state["phase"] = "sessions"
        state["next_due_on"] = (self.now + timedelta(days=number * 37 % 300)).date() if number % 5 < 3 else None
        return state | self._awaited(copy, state["next_due_on"])

    def _awaited(self, copy: Copy, due_on: date | None) -> Row:
        """For whom the case waits: its mediator, the requesting party, or nobody."""
        party = fresh(self.template.parties[0], copy.number)
        entry = {"since": copy.opened_at.isoformat(), "due_on": due_on and due_on.isoformat(), "article": None}
        if copy.mediated:
            entry |= {"capacity": "mediator", "party_id": None, "for": "settle", "need": "text-frozen"}
            return {"waiting_for": [entry], "awaits": " mediator "}
        if copy.number % 3:
            return {"waiting_for": [], "awaits": ""}
        entry |= {"capacity": "requesting-party", "party_id": str(party), "for": "confirm-mediator"}
        entry["need"] = "accepted-by-all-parties"
        return {"waiting_for": [entry], "awaits": f" requesting-party {party.hex} "}


def _every(cases: int, wanted: int) -> int:
    """Of every how many cases one is somebody's, who should have so many and has at most a fifth."""
    return max(1, cases // max(1, min(wanted, cases // 5)))


def _words(number: int) -> list[str]:
    """Words that half of the cases have, a tenth, a hundredth, a thousandth, and one in twenty thousand."""
    frequencies = {"alder": 2, "birch": 10, "cedar": 100, "damson": 1_000, "elm-tree": 20_000}
    return [word for word, every in frequencies.items() if number % every == 0]


def _rows_of(template: _Template, copies: Sequence[Copy], plan: _Plan, sealer: Sealer) -> dict[str, list[Row]]:
    """The rows that Python makes: cases, which differ, and what is encrypted."""
    case, plain = template.case, json.dumps({"instruments": [], "summary": SUMMARY}, separators=(",", ":")).encode()
    title = str(case["title"])
    rows: dict[str, list[Row]] = {name: [] for name in ("cases", "contents", "data_keys", "bench_copies")}
    for copy in copies:
        key, nonce, content_id = os.urandom(32), os.urandom(12), fresh(case["content_id"], copy.number)
        audience_id = fresh(case["audience_id"], copy.number)
        own_title = " ".join([title, str(copy.case_id), *_words(copy.number)])
        own = {"id": copy.case_id, "audience_id": audience_id, "content_id": content_id, "title": own_title}
        own["search"] = str(case["search"]).replace(title.lower(), own_title.lower(), 1)
        dates = {"opened_at": copy.opened_at, "lodged_at": copy.opened_at}
        rows["cases"].append(case | own | dates | plan.state(copy))
        body = nonce + AESGCM(key).encrypt(nonce, os.urandom(32) + plain, content_id.bytes)
        content = {"id": content_id, "case_id": copy.case_id, "audience_id": audience_id, "body": body}
        rows["contents"].append(content)
        rows["data_keys"].append({"case_id": copy.case_id, "wrapped": sealer.wrap(key)})
        rows["bench_copies"].append(copy._asdict())
    return rows


class _Load:
    """A connection of the driver into which much is loaded, and how SQL says a value of the template."""

    def __init__(self, url: str, template: _Template) -> None:
        self.url, self.template = make_url(url), template
        ids = [re.escape(str(id)) for id in (*template.ids, template.filer)]
        self._ids = re.compile(f"({'|'.join(ids)})")

    @contextmanager
    def opened(self, cases: int) -> Iterator[Any]:
        """Open the connection without checks that cost time, and end with the indexes and the statistics."""
        raise NotImplementedError

    def execute(self, statement: str) -> None:
        """Run a statement."""
        self.connection.execute(statement)

    connection: Any
    owner_text = fresh_text = fresh_hash = later = ""

    def said(self, value: Any, column: str = "") -> str:
        """The SQL of a value in a copy: ids of the template are others, and instants the one of the opening."""
        if value is None:
            return "NULL"
        if isinstance(value, bool):
            return str(value)
        if isinstance(value, int):
            return str(value)
        if isinstance(value, datetime):
            return "c.opened_at"
        if isinstance(value, UUID):
            if value == self.template.filer:
                return "c.owner_id"
            return self.fresh_id(value) if value in self.template.ids else self.id(value)
        if isinstance(value, bytes):
            return self.fresh_hash.format(value.hex()[:32])
        if isinstance(value, dict | list):
            return self.as_json(" || ".join(self._parts(json.dumps(value))))
        return _quoted(str(value))

    def _parts(self, plain: str) -> Iterator[str]:
        for number, part in enumerate(self._ids.split(plain)):
            if number % 2 == 0:
                yield _quoted(part)
            elif UUID(part) == self.template.filer:
                yield self.owner_text
            else:
                yield self.fresh_text.format(UUID(part).hex)

    def fresh_id(self, id: UUID) -> str:
        raise NotImplementedError

    def id(self, id: UUID) -> str:
        raise NotImplementedError

    def as_json(self, expression: str) -> str:
        raise NotImplementedError


class _LoadIntoPostgresql(_Load):
    owner_text = "c.owner_id::text"
    fresh_text = "md5('{}/' || c.number)::uuid::text"
    fresh_hash = "sha256(convert_to('{}/' || c.number, 'UTF8'))"
    later = "c.opened_at + interval '{} minutes'"

    @contextmanager
    def opened(self, cases: int) -> Iterator["_LoadIntoPostgresql"]:
        options: Any = self.url.translate_connect_args(username="user", database="dbname")
        with psycopg.connect(**options, autocommit=True) as self.connection:
            for setting in ("synchronous_commit = off", "maintenance_work_mem = '512MB'", "work_mem = '256MB'"):
                self.execute(f"SET {setting}")
            # Foreign keys need not be checked row by row; only an administrator may leave it out.
            if self.connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone()[0]:
                self.execute("SET session_replication_role = replica")
            self.execute(
                "CREATE UNLOGGED TABLE bench_copies (number bigint, case_id uuid, owner_id uuid,"
                " opened_at timestamptz, mediated boolean, busy boolean)"
            )
            indexes = self._indexes() if cases >= _MANY else {}
            for name in indexes:
                self.execute(f'DROP INDEX "{name}"')
            yield self
            for definition in indexes.values():
                self.execute(definition)
            self.execute("DROP TABLE bench_copies")
            self.execute("VACUUM ANALYZE")
            # Otherwise the writing of so much would go on while the service is measured.
            if (
                cases >= _MANY
                and self.connection.execute("SELECT pg_has_role('pg_checkpoint', 'member')").fetchone()[0]
            ):
                self.execute("CHECKPOINT")

    def _indexes(self) -> dict[str, str]:
        """The indexes that no constraint needs, with their definitions."""
        names = ["cases", "contents", "data_keys", "events", "feed_entries", *_OWN_TABLES]
        found = self.connection.execute(
            "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename = ANY(%s)"
            " AND NOT EXISTS (SELECT FROM pg_constraint WHERE conname = indexname)",
            [names],
        )
        return dict(found.fetchall())

    def add(self, rows: dict[str, list[Row]]) -> None:
        """Add rows to several tables."""
        for name, of_table in rows.items():
            columns = list(of_table[0])
            listed = ", ".join(f'"{column}"' for column in columns)
            with self.connection.cursor().copy(f"COPY {name} ({listed}) FROM STDIN") as copying:
                for row in of_table:
                    copying.write_row([_as_text(row[column]) for column in columns])

    def fresh_id(self, id: UUID) -> str:
        return f"md5('{id.hex}/' || c.number)::uuid"

    def id(self, id: UUID) -> str:
        return f"'{id}'::uuid"

    def as_json(self, expression: str) -> str:
        return f"({expression})::jsonb"


def _as_text(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, dict | list) else value


class _LoadIntoSqlite(_Load):
    owner_text = "hyphenated(c.owner_id)"
    fresh_text = "hyphenated(fresh('{}', c.number))"
    fresh_hash = "fresh_hash('{}', c.number)"
    later = "strftime('%Y-%m-%d %H:%M:%f', c.opened_at, '+{} minutes') || '000'"

    @contextmanager
    def opened(self, cases: int) -> Iterator["_LoadIntoSqlite"]:
        self.connection = sqlite.connect(self.url.database, isolation_level=None)
        try:
            for pragma in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -1000000", "temp_store = MEMORY"):
                self.execute(f"PRAGMA {pragma}")
            functions = {"fresh": _digest, "fresh_hash": _hash_of}
            for name, function in functions.items():
                self.connection.create_function(name, 2, function, deterministic=True)
            self.connection.create_function("hyphenated", 1, _hyphenated, deterministic=True)
            self.execute("BEGIN")
            self.execute("CREATE TABLE bench_copies (number, case_id, owner_id, opened_at, mediated, busy)")
            indexes = self._indexes() if cases >= _MANY else {}
            for name in indexes:
                self.execute(f'DROP INDEX "{name}"')
            yield self
            for definition in indexes.values():
                self.execute(definition)
            self.execute("DROP TABLE bench_copies")
            self.execute("COMMIT")
            self.execute("ANALYZE")
        finally:
            self.connection.close()

    def _indexes(self) -> dict[str, str]:
        """The indexes that no constraint needs, with their definitions."""
        names = ("cases", "contents", "data_keys", "events", "feed_entries", *_OWN_TABLES)
        found = self.connection.execute("SELECT tbl_name, name, sql FROM sqlite_master WHERE type = 'index'")
        return {name: sql for table, name, sql in found.fetchall() if sql and table in names}

    def add(self, rows: dict[str, list[Row]]) -> None:
        """Add rows to several tables."""
        for name, of_table in rows.items():
            columns = list(of_table[0])
            listed, places = ", ".join(f'"{column}"' for column in columns), ", ".join("?" * len(columns))
            values = [[_as_sqlite(row[column]) for column in columns] for row in of_table]
            self.connection.executemany(f"INSERT INTO {name} ({listed}) VALUES ({places})", values)

    def fresh_id(self, id: UUID) -> str:
        return f"fresh('{id.hex}', c.number)"

    def id(self, id: UUID) -> str:
        return f"'{id.hex}'"

    def as_json(self, expression: str) -> str:
        return expression


def _hyphenated(id: str) -> str:
    return f"{id[:8]}-{id[8:12]}-{id[12:16]}-{id[16:20]}-{id[20:]}"


def _hash_of(hexadecimal: str, number: int) -> bytes:
    return hashlib.sha256(f"{hexadecimal}/{number}".encode()).digest()


def _as_sqlite(value: Any) -> Any:
    """A value as SQLAlchemy stores it in SQLite."""
    if isinstance(value, UUID):
        return value.hex
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")
    if isinstance(value, date):
        return value.isoformat()
    return _as_text(value)


def _quoted(plain: str) -> str:
    return "'" + plain.replace("'", "''") + "'"


def _multiplied(template: _Template, plan: _Plan, load: _Load) -> Iterator[str]:
    """The statements that make one row of every copy each: audiences and people, then events and their feeds."""
    for name in _OWN_TABLES:
        for row in template.rows[name]:
            yield _insert(name, {column: load.said(value, column) for column, value in row.items()})
    mediator = plan.accounts["mediator"]
    heard = {template.audience("case"), template.audience("participants")}
    for row in template.rows["audience_readers"]:
        if row["audience_id"] in heard and row["principal_id"] == template.filer:
            said = {column: load.said(value) for column, value in row.items()}
            yield _insert("audience_readers", said | {"principal_id": load.id(mediator)}, "c.mediated")
    said = {column: load.said(value) for column, value in template.rows["capacities"][0].items()}
    office = {"id": load.fresh_id(mediator), "user_id": load.id(mediator), "role": "'mediator'", "party_id": "NULL"}
    office |= {"appointment_id": load.fresh_id(mediator), "powers_kind": "NULL"}
    yield _insert("capacities", said | office, "c.mediated")
    yield from _events(template, load, heard, plan.accounts)


def _events(template: _Template, load: _Load, heard: set[UUID], accounts: dict[str, UUID]) -> Iterator[str]:
    """The statements that make the events of the busy copies, which repeat those of the template, and their feeds."""
    seq: dict[UUID, int] = {}
    own, mediator = template.rows["events"], load.id(accounts["mediator"])
    registrar = {"id": str(accounts["registrar"]), "capacity": "registry", "party_id": None}
    for place in range(EVENTS):
        event = own[place % len(own)]
        if place % 2:
            # The desk shows the acts of others.
            event = event | {"actor": registrar}
        stream = event["audience_id"]
        seq[stream] = seq.get(stream, 0) + 1
        said = {column: load.said(value, column) for column, value in event.items()}
        position = f"{template.last_position + 1 + place} + c.number * {EVENTS}"
        seed_of_id = hashlib.md5(f"event {place}".encode(), usedforsecurity=False).hexdigest()
        said |= {
            "position": position,
            "id": load.fresh_id(UUID(seed_of_id)),
            "seq": str(seq[stream]),
            "at": load.later.format(place),
            # Only what the case itself shows was written again for the copies.
            "content_id": said["content_id"] if event["content_id"] == template.case["content_id"] else "NULL",
            "hash": load.fresh_hash.format(seed_of_id),
        }
        yield _insert("events", said, "c.busy")
        for reader in template.rows["audience_readers"]:
            if reader["audience_id"] == stream:
                entry = {"principal_id": load.said(reader["principal_id"]), "position": position}
                yield _insert("feed_entries", entry, "c.busy")
        if stream in heard:
            yield _insert("feed_entries", {"principal_id": mediator, "position": position}, "c.mediated")


def _insert(table: str, said: dict[str, str], condition: str = "true") -> str:
    columns = ", ".join(f'"{column}"' for column in said)
    return f"INSERT INTO {table} ({columns}) SELECT {', '.join(said.values())} FROM bench_copies AS c WHERE {condition}"


if __name__ == "__main__":
    # The master key comes from the environment, like that of the service.
    url, key, number, lively = sys.argv[1], os.environ["ACCORD_MASTER_KEY"], int(sys.argv[2]), int(sys.argv[3])
    seeded = seed(Settings(database_url=url, master_key=SecretStr(key)), number, lively)
    json.dump(asdict(seeded), sys.stdout)
