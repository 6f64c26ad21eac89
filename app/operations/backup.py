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
from typing import IO, Any
from uuid import UUID
from zoneinfo import ZoneInfo

from alembic import command
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import (
    Connection,
    Engine,
    Table,
    TableClause,
    column,
    create_engine,
    delete,
    func,
    insert,
    inspect,
    select,
    update,
)
from sqlalchemy import table as table_of
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError
from sqlalchemy.types import Date, LargeBinary, Uuid

from app.core.db import Base, UtcDateTime, sqlite
from app.core.errors import Misconfigured
from app.core.files.archives import DAMAGE
from app.core.files.storage import Missing, Storage
from app.core.tables.cases import ReferenceNumber
from app.core.tables.institution import Institution
from app.integration.notices.mail_queue import stand_down
from app.integration.webhooks.backlog import pause_all
from app.operations.migrating import configuration, head, is_at_head, make_private_file
from app.proceedings.documents.inventory import NAMING
from app.settings import Settings

FORMAT = 1
MANIFEST, OBJECTS = "manifest.json", "objects/"
_PART = 1024 * 1024
_ROWS = 500
# References that may have been given after a backup are not given again: the next one begins a new thousand.
_GAP = 1000
# What a file that is none, lacks an entry, or holds altered rows raises while it is read.
_DAMAGE = (*DAMAGE, KeyError, DataError, IntegrityError)


@dataclass(frozen=True, slots=True)
class BackupTaken:
    """What a backup holds."""

    rows: int
    tables: int
    revision: str


def back_up(settings: Settings, path: Path, now: datetime) -> BackupTaken:
    """Write a consistent backup to a new file that only its owner may read, while the registry is served.

    Raises Misconfigured if the file exists or cannot be written, or if the database is not at this release's tables.
    """
    if path.exists():
        raise Misconfigured(f"{path} exists already; a backup is written to a new file.")
    with (
        _told_plainly(f"The backup {path} cannot be written"),
        _new_file(path) as file,
        _snapshot(settings, path.parent) as connection,
    ):
        if not is_at_head(connection):
            raise Misconfigured("The database is not at this release's tables: run 'accord migrate' first.")
        return _write(connection, file, now, Storage(settings))


@contextmanager
def _new_file(path: Path) -> Iterator[IO[bytes]]:
    """A file that bears its name only once all of it is on the disk."""
    descriptor, unfinished = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".unfinished", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        Path(unfinished).rename(path)
        folder = os.open(path.parent, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)
    finally:
        Path(unfinished).unlink(missing_ok=True)


@contextmanager
def _told_plainly(what: str) -> Iterator[None]:
    """Say why the disk or the database did not do it, without values."""
    try:
        yield
    except OSError as problem:
        raise Misconfigured(f"{what}: {problem.strerror or type(problem).__name__}.") from problem
    except (sqlite.Error, DBAPIError) as problem:
        reason = str(getattr(problem, "orig", problem)).splitlines()[0]
        raise Misconfigured(f"{what}: {reason.removesuffix('.')}.") from problem


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


def _write(connection: Connection, file: Any, now: datetime, storage: Storage) -> BackupTaken:
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
    return BackupTaken(sum(one["rows"] for one in tables.values()), len(tables), revision)


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
    """Add the files that the snapshot names, sealed as they lie; how many. Sealed bytes do not get smaller.

    Misconfigured for one that is not there.
    """
    keys = sorted(key for naming in NAMING for key in connection.execute(naming).scalars())
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


def _keys(archive: zipfile.ZipFile) -> list[str]:
    """The documents of a backup."""
    return [name.removeprefix(OBJECTS) for name in archive.namelist() if name.startswith(OBJECTS)]


def _read_objects(archive: zipfile.ZipFile, storage: Storage) -> int:
    """Put the documents of a backup back where they lay; how many."""
    keys = _keys(archive)
    for key in keys:
        with archive.open(f"{OBJECTS}{key}") as entry:
            storage.put_now(key, iter(lambda: entry.read(_PART), b""))
    return len(keys)


def _must_be_its_own(storage: Storage, keys: list[str]) -> None:
    """Misconfigured if the storage holds what the backup does not: what no row names is swept in a day."""
    if {found.key for found in storage.objects()} - set(keys):
        raise Misconfigured(
            f"The storage {storage.place} holds documents that are not in the backup, and that a registry restored "
            "there would take away. Give it a storage of its own: ACCORD_STORAGE."
        )


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


def restore(
    settings: Settings, path: Path, last_reference: str | None, opens: Callable[[bytes], object], now: datetime
) -> Restored:
    """Bring a backup back into an empty installation, wholly or not at all.

    A new epoch begins: cursors that were given out before are gone, and no reference is given twice. `opens` raises
    Misconfigured if the master key is not the one that sealed the backup. Raises Misconfigured for a database that is
    not empty, for a storage that is another registry's, and for a file that is no backup, is damaged, or was made by a
    newer release.
    """
    storage = Storage(settings)
    with (
        _told_plainly("The backup cannot be restored"),
        _archive(path) as (archive, manifest),
        _place(settings) as url,
        _connected(create_engine(url)) as connection,
        connection.begin(),
    ):
        _make_tables(connection, str(manifest["revision"]))
        _must_be_its_own(storage, _keys(archive))
        # In the order of the release that wrote them, whose tables had other foreign keys than this one's.
        rows = sum(
            _read_table(connection, archive, Base.metadata.tables[name], written, opens)
            for name, written in manifest["tables"].items()
        )
        # Before the rows stand: a document without its bytes would be a lost one, bytes without a row are swept.
        if _read_objects(archive, storage) != manifest.get("objects", 0):
            raise Misconfigured("The backup is damaged: documents are missing from it.")
        command.upgrade(configuration(connection), "head")
        epoch = _begin_epoch(connection)
        # A copy that is restored to be looked at, or beside the original, calls nobody.
        connection.execute(pause_all())
        for statement in stand_down():
            connection.execute(statement)
        references = _skip_references(connection, last_reference, datetime.fromisoformat(manifest["taken_at"]), now)
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
        with path.open("rb") as file, zipfile.ZipFile(file) as archive:
            manifest = json.loads(archive.read(MANIFEST))
            if manifest["format"] != FORMAT:
                raise Misconfigured(f"{path} is a backup in a format that this release does not read.")
            yield archive, manifest
    except FileNotFoundError as problem:
        if problem.filename != str(path):
            raise
        raise Misconfigured(f"There is no file {path}.") from problem
    except _DAMAGE as problem:
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


def _skip_references(
    connection: Connection, last_reference: str | None, taken_at: datetime, now: datetime
) -> tuple[str, ...]:
    """Go on behind every reference that may have been given after the backup was taken, in later years too."""
    zone = connection.execute(select(Institution.time_zone)).scalar()
    if zone is None:
        return ()
    from_year, to_year = (instant.astimezone(ZoneInfo(zone)).year for instant in (taken_at, now))
    found = {row.year: row.last for row in connection.execute(select(ReferenceNumber.year, ReferenceNumber.last))}
    given: tuple[int, int] | None = None
    if last_reference:
        given = int(last_reference[:4]), int(last_reference[5:])
        to_year = max(from_year, given[0])
    reached = []
    for year in range(from_year, to_year + 1):
        last = found.get(year, 0)
        to = max(last, given[1]) if given and year == given[0] else (last // _GAP + 1) * _GAP
        connection.execute(delete(ReferenceNumber).where(ReferenceNumber.year == year))
        connection.execute(insert(ReferenceNumber).values(year=year, last=to))
        reached.append(f"{year}-{to:04d}")
    return tuple(reached)
