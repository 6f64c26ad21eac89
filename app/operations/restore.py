"""Restores a backup into an empty installation."""

import hashlib
import json
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from alembic import command
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import (
    Connection,
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
from sqlalchemy.exc import DataError, IntegrityError

from app.core.db import Base, bare_engine
from app.core.errors import Misconfigured
from app.core.files.archives import DAMAGE
from app.core.files.storage import Storage
from app.core.tables.cases import ReferenceNumber
from app.core.tables.institution import Institution
from app.integration.notices.mail_queue import stand_down
from app.integration.webhooks.backlog import pause_all
from app.operations.backup_format import (
    FORMAT,
    MANIFEST,
    OBJECTS,
    ROWS_AT_ONCE,
    connected,
    entry_of,
    explained,
    read_value,
)
from app.operations.migrating import configuration, head, is_at_head, make_private_file
from app.settings import Settings

_PART = 1024 * 1024
# References may have been assigned after the backup: the next one starts a new thousand, so that none repeats.
_GAP = 1000
# Raised while reading a file that is not a backup, lacks an entry or has altered rows.
_DAMAGE = (*DAMAGE, KeyError, DataError, IntegrityError)


def _keys(archive: zipfile.ZipFile) -> list[str]:
    """Storage keys of the documents in a backup."""
    return [name.removeprefix(OBJECTS) for name in archive.namelist() if name.startswith(OBJECTS)]


def _read_objects(archive: zipfile.ZipFile, storage: Storage) -> int:
    """Store the documents of a backup under their keys; return how many."""
    keys = _keys(archive)
    for key in keys:
        with archive.open(f"{OBJECTS}{key}") as entry:
            storage.put_now(key, iter(lambda: entry.read(_PART), b""))
    return len(keys)


def _require_own_storage(storage: Storage, keys: list[str]) -> None:
    """Raise Misconfigured if the storage has documents that are not in the backup: the worker would remove them."""
    if {stored.key for stored in storage.objects()} - set(keys):
        raise Misconfigured(
            f"The storage {storage.place} contains documents that are not in the backup; the restored registry would "
            "delete them. Set ACCORD_STORAGE to an empty storage."
        )


@dataclass(frozen=True, slots=True)
class Restored:
    """Result of a restore: time and size of the backup, the new epoch, and the references to continue after."""

    taken_at: str
    rows: int
    epoch: int
    last_references: tuple[str, ...]


def restore(
    settings: Settings, path: Path, last_reference: str | None, opens: Callable[[bytes], object], now: datetime
) -> Restored:
    """Restore a backup into an empty installation, completely or not at all.

    A new epoch begins: earlier cursors are no longer valid, and no reference is assigned twice. `opens` unwraps a key
    and raises Misconfigured if the master key did not seal the backup.

    Raises Misconfigured for a database that is not empty, a storage with other documents, and a file that is not a
    backup, is damaged, or was made by a newer release.
    """
    storage = Storage(settings)
    with (
        explained("The backup cannot be restored"),
        _archive(path) as (archive, manifest),
        _target(settings) as url,
        connected(bare_engine(url)) as connection,
        connection.begin(),
    ):
        _make_tables(connection, str(manifest["revision"]))
        _require_own_storage(storage, _keys(archive))
        # In the manifest's order: the tables of an earlier release may have had other foreign keys.
        rows = sum(
            _read_table(connection, archive, Base.metadata.tables[name], summary, opens)
            for name, summary in manifest["tables"].items()
        )
        # Before the rows are committed: bytes without a row are removed later, a row without bytes would be lost.
        if _read_objects(archive, storage) != manifest.get("objects", 0):
            raise Misconfigured("The backup is damaged: it lacks documents.")
        command.upgrade(configuration(connection), "head")
        epoch = _begin_epoch(connection)
        # A restored copy may run next to the original: it must not send webhooks or mail.
        connection.execute(pause_all())
        for statement in stand_down():
            connection.execute(statement)
        references = _skip_references(connection, last_reference, datetime.fromisoformat(manifest["taken_at"]), now)
    return Restored(str(manifest["taken_at"]), rows, epoch, references)


@contextmanager
def _target(settings: Settings) -> Iterator[str]:
    """URL to restore to: PostgreSQL, or a new SQLite file that replaces the old one when it is complete."""
    if not settings.is_sqlite:
        yield settings.database_url
        return
    path = Path(make_url(settings.database_url).database or "")
    if path.exists() and path.stat().st_size:
        with connected(create_engine(settings.database_url)) as connection:
            _require_empty(connection, head() or "")
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
                raise Misconfigured(
                    f"This release cannot read the format of {path}: restore it with the release that made it."
                )
            yield archive, manifest
    except FileNotFoundError as problem:
        if problem.filename != str(path):
            raise
        raise Misconfigured(f"There is no file {path}.") from problem
    except _DAMAGE as problem:
        raise Misconfigured(f"{path} is not a backup of a registry, or it is damaged.") from problem


def _make_tables(connection: Connection, revision: str) -> None:
    """Create the tables of the backup's revision in an empty database."""
    _require_empty(connection, revision)
    try:
        ScriptDirectory.from_config(configuration(connection)).get_revision(revision)
    except CommandError as problem:
        raise Misconfigured(
            "The backup was made by a newer release of Accord: restore it with that release."
        ) from problem
    command.upgrade(configuration(connection), revision)


def _require_empty(connection: Connection, revision: str) -> None:
    present = set(inspect(connection).get_table_names())
    if present and not (is_at_head(connection) and _is_empty(connection)):
        raise Misconfigured(
            "The database is not empty: name an empty database in ACCORD_DATABASE_URL to restore a backup."
        )
    if present and revision != head():
        raise Misconfigured("The backup is of an earlier release: restore it into a database without tables.")


def _is_empty(connection: Connection) -> bool:
    return connection.execute(select(func.count()).select_from(Institution.__table__)).scalar_one() == 0


def _read_table(
    connection: Connection,
    archive: zipfile.ZipFile,
    table: Table,
    summary: dict[str, Any],
    opens: Callable[[bytes], object],
) -> int:
    digest, batch, rows, opened = hashlib.sha256(), [], 0, False
    with archive.open(entry_of(table.name)) as entry:
        for line in entry:
            digest.update(line)
            row = {name: read_value(table, name, value) for name, value in json.loads(line).items()}
            if table.name == "data_keys" and row["wrapped"] and not opened:
                opens(row["wrapped"])
                opened = True
            batch.append(row)
            rows += 1
            if len(batch) == ROWS_AT_ONCE:
                connection.execute(_with_columns_of(table, batch[0]).insert(), batch)
                batch = []
    if batch:
        connection.execute(_with_columns_of(table, batch[0]).insert(), batch)
    if (rows, digest.hexdigest()) != (summary["rows"], summary["sha256"]):
        raise Misconfigured(f"The backup is damaged: the rows of '{table.name}' were altered.")
    return rows


def _with_columns_of(table: Table, row: dict[str, Any]) -> TableClause:
    """The table with only the columns of the backup: defaults of later columns must not be filled in."""
    return table_of(table.name, *(column(name, table.columns[name].type) for name in row))


def _begin_epoch(connection: Connection) -> int:
    connection.execute(update(Institution).values(epoch=Institution.epoch + 1))
    epoch: int = connection.execute(select(Institution.epoch)).scalar_one()
    return epoch


def _skip_references(
    connection: Connection, last_reference: str | None, taken_at: datetime, now: datetime
) -> tuple[str, ...]:
    """Continue after every reference that may have been assigned since the backup, in later years too."""
    zone = connection.execute(select(Institution.time_zone)).scalar()
    if zone is None:
        return ()
    from_year, to_year = (instant.astimezone(ZoneInfo(zone)).year for instant in (taken_at, now))
    last_of = {row.year: row.last for row in connection.execute(select(ReferenceNumber.year, ReferenceNumber.last))}
    named: tuple[int, int] | None = None
    if last_reference:
        named = int(last_reference[:4]), int(last_reference[5:])
        to_year = max(from_year, named[0])
    references = []
    for year in range(from_year, to_year + 1):
        last = last_of.get(year, 0)
        to = max(last, named[1]) if named and year == named[0] else (last // _GAP + 1) * _GAP
        connection.execute(delete(ReferenceNumber).where(ReferenceNumber.year == year))
        connection.execute(insert(ReferenceNumber).values(year=year, last=to))
        references.append(f"{year}-{to:04d}")
    return tuple(references)
