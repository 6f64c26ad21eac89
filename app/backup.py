"""Backups: every row of a registry in one file, taken while it is served, and brought back into an empty one.

The file is a ZIP archive: `manifest.json`, and for each table a file with one JSON object on each line. It holds what
the database holds: what people wrote stays sealed, and the master key is not in it.
"""

import base64
import hashlib
import json
import os
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from alembic import command
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, Table, TableClause, column, create_engine, func, inspect, select, update
from sqlalchemy import table as table_of
from sqlalchemy.engine import make_url
from sqlalchemy.types import Date, LargeBinary, Uuid

from app.access.models import Institution
from app.cases.models import ReferenceNumber
from app.db import Base, UtcDateTime, sqlite
from app.documents.models import KEPT, Document
from app.documents.storage import Missing, Storage
from app.errors import Misconfigured
from app.migrating import configuration, head, is_at_head, make_private_file
from app.notices.outgoing import stand_down
from app.settings import Settings
from app.webhooks.outbox import pause_all

FORMAT = 1
MANIFEST, OBJECTS = "manifest.json", "objects/"
_PART = 1024 * 1024
_ROWS = 500
# References that may have been given after a backup are not given again: the next one begins a new thousand.
_GAP = 1000


@dataclass(frozen=True, slots=True)
class Taken:
    """What a backup holds."""

    rows: int
    tables: int
    revision: str


def back_up(settings: Settings, path: Path, now: datetime) -> Taken:
    """Write a consistent backup to a new file that only its owner may read, while the registry is served.

    Raises Misconfigured if the file exists, or if the database is not at this release's tables.
    """
    if path.exists():
        raise Misconfigured(f"{path} exists already; a backup is written to a new file.")
    unfinished = path.with_name(f".{path.name}.unfinished")
    try:
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file, _snapshot(settings, path.parent) as connection:
            if not is_at_head(connection):
                raise Misconfigured("The database is not at this release's tables: run 'accord migrate' first.")
            taken = _write(connection, file, now, Storage(settings))
            file.flush()
            os.fsync(file.fileno())
        unfinished.rename(path)
    finally:
        unfinished.unlink(missing_ok=True)
    return taken


@contextmanager
def _snapshot(settings: Settings, folder: Path) -> Iterator[Connection]:
    """One state of the whole database: SQLite's own backup of it, or a repeatable snapshot of PostgreSQL."""
    if not settings.is_sqlite:
        engine = create_engine(settings.database_url, isolation_level="REPEATABLE READ")
        with _connected(engine) as connection:
            yield connection
        return
    with tempfile.TemporaryDirectory(prefix=".accord-backup-", dir=folder) as place:
        copy = Path(place) / "copy.db"
        os.close(os.open(copy, os.O_CREAT | os.O_WRONLY, 0o600))
        source, target = sqlite.connect(make_url(settings.database_url).database), sqlite.connect(copy)
        try:
            source.backup(target)
        finally:
            source.close()
            target.close()
        with _connected(create_engine(f"sqlite:///{copy}", module=sqlite)) as connection:
            yield connection


@contextmanager
def _connected(engine: Engine) -> Iterator[Connection]:
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


def _write(connection: Connection, file: Any, now: datetime, storage: Storage) -> Taken:
    tables: dict[str, Any] = {}
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for table in Base.metadata.sorted_tables:
            tables[table.name] = _write_table(connection, archive, table)
        objects = _write_objects(connection, archive, storage)
        revision = head() or ""
        manifest = {
            "format": FORMAT,
            "taken_at": now.isoformat().replace("+00:00", "Z"),
            "revision": revision,
            "institution": connection.execute(select(Institution.name)).scalar(),
            "tables": tables,
            "objects": objects,
        }
        archive.writestr(MANIFEST, json.dumps(manifest, indent=2))
    return Taken(sum(one["rows"] for one in tables.values()), len(tables), revision)


def _write_table(connection: Connection, archive: zipfile.ZipFile, table: Table) -> dict[str, Any]:
    digest, rows = hashlib.sha256(), 0
    found = connection.execution_options(yield_per=_ROWS).execute(select(table))
    with archive.open(_entry(table.name), "w", force_zip64=True) as entry:
        for row in found.mappings():
            line = json.dumps({name: _told(value) for name, value in row.items()}, ensure_ascii=False).encode() + b"\n"
            entry.write(line)
            digest.update(line)
            rows += 1
    return {"rows": rows, "sha256": digest.hexdigest()}


def _write_objects(connection: Connection, archive: zipfile.ZipFile, storage: Storage) -> int:
    """Add the documents that the snapshot knows, sealed as they lie; how many. Sealed bytes do not get smaller.

    Misconfigured for one that is not there.
    """
    known = select(Document.__table__.c.object_key).where(Document.__table__.c.state.in_(KEPT))
    keys = sorted(connection.execute(known).scalars())
    for key in keys:
        name = zipfile.ZipInfo(f"{OBJECTS}{key}")
        with archive.open(name, "w", force_zip64=True) as entry:
            try:
                for part in storage.bytes_of(key):
                    entry.write(part)
            except Missing as problem:
                raise Misconfigured(
                    "A document is not in the storage. It may have been removed meanwhile: try again, or see what "
                    "'accord check --storage' says."
                ) from problem
    return len(keys)


def _read_objects(archive: zipfile.ZipFile, storage: Storage) -> int:
    """Put the documents of a backup back where they lay; how many."""
    names = [name for name in archive.namelist() if name.startswith(OBJECTS)]
    for name in names:
        with archive.open(name) as entry:
            storage.put_now(name.removeprefix(OBJECTS), iter(lambda: entry.read(_PART), b""))
    return len(names)


def _entry(name: str) -> str:
    return f"tables/{name}.jsonl"


def _told(value: Any) -> Any:
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    return base64.b64encode(value).decode() if isinstance(value, bytes | memoryview) else value


@dataclass(frozen=True, slots=True)
class Restored:
    """What was brought back: when it had been taken, and from which reference on numbers are given."""

    taken_at: str
    rows: int
    epoch: int
    last_references: tuple[str, ...]


def restore(settings: Settings, path: Path, last_reference: str | None, opens: Callable[[bytes], object]) -> Restored:
    """Bring a backup back into an empty installation, wholly or not at all.

    A new epoch begins: cursors that were given out before are gone, and no reference is given twice. `opens` raises
    Misconfigured if the master key is not the one that sealed the backup. Raises Misconfigured for a database that is
    not empty and for a file that is no backup, is damaged, or was made by a newer release.
    """
    with (
        _archive(path) as (archive, manifest),
        _place(settings) as url,
        _connected(create_engine(url)) as connection,
        connection.begin(),
    ):
        _make_tables(connection, str(manifest["revision"]))
        # In the order of the release that wrote them, whose tables had other foreign keys than this one's.
        rows = sum(
            _read_table(connection, archive, Base.metadata.tables[name], written, opens)
            for name, written in manifest["tables"].items()
        )
        # Before the rows stand: a document without its bytes would be a lost one, bytes without a row are swept.
        if _read_objects(archive, Storage(settings)) != manifest.get("objects", 0):
            raise Misconfigured("The backup is damaged: documents are missing from it.")
        command.upgrade(configuration(connection), "head")
        epoch = _begin_epoch(connection)
        # A copy that is restored to be looked at, or beside the original, calls nobody.
        connection.execute(pause_all())
        for statement in stand_down():
            connection.execute(statement)
        references = _skip_references(connection, last_reference)
    return Restored(str(manifest["taken_at"]), rows, epoch, references)


@contextmanager
def _place(settings: Settings) -> Iterator[str]:
    """Where the rows go: PostgreSQL, or a file that takes the place of SQLite's once all of it is there."""
    if not settings.is_sqlite:
        yield settings.database_url
        return
    path = Path(make_url(settings.database_url).database or "")
    if path.exists() and path.stat().st_size:
        with _connected(create_engine(settings.database_url)) as connection:
            _must_be_empty(connection, head() or "")
    unfinished = path.with_name(f".{path.name}.unfinished")
    unfinished.unlink(missing_ok=True)
    url = f"sqlite:///{unfinished}"
    try:
        make_private_file(Settings(database_url=url))
        yield url
        for journal in ("-wal", "-shm"):
            path.with_name(path.name + journal).unlink(missing_ok=True)
        unfinished.rename(path)
    finally:
        unfinished.unlink(missing_ok=True)


@contextmanager
def _archive(path: Path) -> Iterator[tuple[zipfile.ZipFile, dict[str, Any]]]:
    try:
        with zipfile.ZipFile(path) as archive:
            manifest = json.loads(archive.read(MANIFEST))
            if manifest["format"] != FORMAT:
                raise Misconfigured(f"{path} is a backup in a format that this release does not read.")
            yield archive, manifest
    except FileNotFoundError as problem:
        raise Misconfigured(f"There is no file {path}.") from problem
    except (zipfile.BadZipFile, KeyError, ValueError, OSError) as problem:
        raise Misconfigured(f"{path} is no backup of a registry, or it is damaged.") from problem


def _make_tables(connection: Connection, revision: str) -> None:
    """Bring an empty database to the tables that the backup was made of."""
    _must_be_empty(connection, revision)
    try:
        ScriptDirectory.from_config(configuration(connection)).get_revision(revision)
    except CommandError as problem:
        raise Misconfigured("The backup was made by a newer release of Accord. Restore it with that one.") from problem
    command.upgrade(configuration(connection), revision)


def _must_be_empty(connection: Connection, revision: str) -> None:
    present = set(inspect(connection).get_table_names())
    if present and not (is_at_head(connection) and _is_empty(connection)):
        raise Misconfigured("The database is not empty. A backup is restored into an empty one, and into no other.")
    if present and revision != head():
        raise Misconfigured("The backup is of an earlier release: name a database without tables to restore it.")


def _is_empty(connection: Connection) -> bool:
    return connection.execute(select(func.count()).select_from(Institution.__table__)).scalar_one() == 0


def _read_table(
    connection: Connection,
    archive: zipfile.ZipFile,
    table: Table,
    told: dict[str, Any],
    opens: Callable[[bytes], object],
) -> int:
    digest, batch, rows, opened = hashlib.sha256(), [], 0, False
    with archive.open(_entry(table.name)) as entry:
        for line in entry:
            digest.update(line)
            row = {name: read_value(table, name, value) for name, value in json.loads(line).items()}
            if table.name == "data_keys" and row["wrapped"] and not opened:
                opens(row["wrapped"])
                opened = True
            batch.append(row)
            rows += 1
            if len(batch) == _ROWS:
                connection.execute(_as_it_was(table, batch[0]).insert(), batch)
                batch = []
    if batch:
        connection.execute(_as_it_was(table, batch[0]).insert(), batch)
    if (rows, digest.hexdigest()) != (told["rows"], told["sha256"]):
        raise Misconfigured(f"The backup is damaged: '{table.name}' is not what was written.")
    return rows


def _as_it_was(known: Table, row: dict[str, Any]) -> TableClause:
    """The table with the columns of the backup alone: this release's would fill in what that one did not know."""
    return table_of(known.name, *(column(name, known.columns[name].type) for name in row))


def read_value(table: Table, name: str, value: Any) -> Any:
    """A value of a backup as the column of that name takes it."""
    kind = table.columns[name].type
    if value is None:
        return None
    if isinstance(kind, Uuid):
        return UUID(value)
    if isinstance(kind, UtcDateTime):
        return datetime.fromisoformat(value)
    if isinstance(kind, Date):
        return date.fromisoformat(value)
    return base64.b64decode(value) if isinstance(kind, LargeBinary) else value


def _begin_epoch(connection: Connection) -> int:
    connection.execute(update(Institution).values(epoch=Institution.epoch + 1))
    epoch: int = connection.execute(select(Institution.epoch)).scalar_one()
    return epoch


def _skip_references(connection: Connection, last_reference: str | None) -> tuple[str, ...]:
    """Go on behind every reference that may have been given after the backup was taken."""
    given = {int(last_reference[:4]): int(last_reference[5:])} if last_reference else {}
    found = connection.execute(select(ReferenceNumber.year, ReferenceNumber.last)).all()
    reached = []
    for year, last in found:
        to = max(last, given[year]) if year in given else (last // _GAP + 1) * _GAP
        connection.execute(update(ReferenceNumber).where(ReferenceNumber.year == year).values(last=to))
        reached.append(f"{year}-{to:04d}")
    return tuple(reached)
