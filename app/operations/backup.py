"""Writes a backup: every row and document of a registry in one file, while the registry is served."""

import hashlib
import json
import os
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from sqlalchemy import (
    Connection,
    Table,
    create_engine,
    select,
)
from sqlalchemy.engine import make_url

from app.core.db import Base, bare_engine, sqlite
from app.core.errors import Misconfigured
from app.core.files.storage import Missing, Storage
from app.core.tables.institution import Institution
from app.operations.backup_format import (
    FORMAT,
    MANIFEST,
    OBJECTS,
    ROWS_AT_ONCE,
    connected,
    entry_of,
    explained,
    written_value,
)
from app.operations.migrating import head, is_at_head
from app.proceedings.documents.inventory import NAMING
from app.settings import Settings


@dataclass(frozen=True, slots=True)
class BackupTaken:
    """Size of a backup, and the revision of its tables."""

    rows: int
    tables: int
    revision: str


def back_up(settings: Settings, path: Path, now: datetime) -> BackupTaken:
    """Write a consistent backup to a new file that only its owner may read, while the registry is served.

    Raises Misconfigured if the file exists or cannot be written, or if the database is not at this release's tables.
    """
    if path.exists():
        raise Misconfigured(f"{path} exists already: name a new file for the backup.")
    with (
        explained(f"The backup {path} cannot be written"),
        _new_file(path) as file,
        _snapshot(settings, path.parent) as connection,
    ):
        if not is_at_head(connection):
            raise Misconfigured("The database is not at this release's tables: run 'accord migrate' first.")
        return _write(connection, file, now, Storage(settings))


@contextmanager
def _new_file(path: Path) -> Iterator[IO[bytes]]:
    """Write a file that gets its name only when it is complete on disk."""
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
def _snapshot(settings: Settings, folder: Path) -> Iterator[Connection]:
    """Read one consistent state of the database: a copy by SQLite's own backup, or a snapshot of PostgreSQL."""
    if not settings.is_sqlite:
        engine = bare_engine(settings.database_url, isolation_level="REPEATABLE READ")
        with connected(engine) as connection:
            yield connection
        return
    with tempfile.TemporaryDirectory(prefix=".accord-backup-", dir=folder) as copies:
        copy = Path(copies) / "copy.db"
        os.close(os.open(copy, os.O_CREAT | os.O_WRONLY, 0o600))
        source, target = sqlite.connect(make_url(settings.database_url).database), sqlite.connect(copy)
        try:
            source.backup(target)
        finally:
            source.close()
            target.close()
        with connected(create_engine(f"sqlite:///{copy}", module=sqlite)) as connection:
            yield connection


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
    return BackupTaken(sum(table["rows"] for table in tables.values()), len(tables), revision)


def _write_table(connection: Connection, archive: zipfile.ZipFile, table: Table) -> dict[str, Any]:
    digest, rows = hashlib.sha256(), 0
    result = connection.execution_options(yield_per=ROWS_AT_ONCE).execute(select(table))
    with archive.open(entry_of(table.name), "w", force_zip64=True) as entry:
        for row in result.mappings():
            line = (
                json.dumps({name: written_value(value) for name, value in row.items()}, ensure_ascii=False).encode()
                + b"\n"
            )
            entry.write(line)
            digest.update(line)
            rows += 1
    return {"rows": rows, "sha256": digest.hexdigest()}


def _write_objects(connection: Connection, archive: zipfile.ZipFile, storage: Storage) -> int:
    """Add the documents that the snapshot refers to, sealed and uncompressed; return how many.

    Raises Misconfigured for a missing document.
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
                    "A document is missing from the storage. It may have been removed during the backup: try again, "
                    "or run 'accord check --storage'."
                ) from problem
    return len(keys)
