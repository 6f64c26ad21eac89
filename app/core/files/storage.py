"""The storage of sealed files: a folder, or a bucket of an S3-compatible store."""

import os
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import anyio
import anyio.to_thread
import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, S3Store
from sqlalchemy.engine import make_url

from app.core.errors import Misconfigured, Problem, Unavailable
from app.core.files.pdfs import AT_ONCE
from app.settings import Settings

# The size of the parts of a large object. S3 accepts 10,000 parts of at least 5 MiB, so objects have at most 80 GB.
PART = 8 * 1024 * 1024
_PARTS_AT_ONCE = 2
_AT_ONCE = 8


class StorageUnavailable(Unavailable):
    """The storage of documents cannot be reached, or refuses an object."""

    code = "storage-unavailable"

    def __init__(self) -> None:
        Problem.__init__(
            self, "The service cannot reach its storage of documents at the moment. Nothing was changed; try again."
        )


class Missing(Exception):
    """The storage has no object of this key."""


@dataclass(frozen=True, slots=True)
class Stored:
    """An object in the storage; its size is in bytes."""

    key: str
    size: int
    modified_at: datetime


@contextmanager
def _storage_errors() -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as problem:
        raise Missing from problem
    except (BaseError, OSError) as problem:
        raise StorageUnavailable from problem


class Storage:
    """The objects of an installation; the store is opened on first use."""

    def __init__(self, settings: Settings) -> None:
        self.place = settings.storage or _next_to_the_database(settings)
        self._settings = settings
        self.threads = anyio.CapacityLimiter(_AT_ONCE)
        self.pdf_processes = anyio.CapacityLimiter(AT_ONCE)
        if "://" in self.place and urlsplit(self.place).scheme != "s3":
            raise Misconfigured("ACCORD_STORAGE must be a folder or s3://BUCKET/PREFIX.")

    @property
    def folder(self) -> Path | None:
        """The folder; None for a bucket."""
        return None if self.place.startswith("s3://") else Path(self.place)

    @cached_property
    def _store(self) -> Any:
        if (folder := self.folder) is not None:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            return LocalStore(folder)
        bucket, settings = urlsplit(self.place), self._settings
        options = {
            "endpoint": settings.storage_endpoint,
            "region": settings.storage_region,
            "access_key_id": settings.storage_key_id,
            "secret_access_key": settings.storage_secret.get_secret_value() if settings.storage_secret else None,
        }
        plain = (settings.storage_endpoint or "").startswith("http://")
        return S3Store(
            bucket.netloc,
            prefix=bucket.path.strip("/") or None,
            client_options={"allow_http": plain},
            **{name: value for name, value in options.items() if value is not None},  # type: ignore[arg-type]
        )

    async def put(self, key: str, chunks: AsyncIterator[bytes]) -> None:
        """Write an object; it is on the disk when this returns.

        Raises StorageUnavailable if that fails, and whatever the chunks raise; then no object is written.
        """
        with _storage_errors():
            writer = obstore.open_writer_async(self._store, key, buffer_size=PART, max_concurrency=_PARTS_AT_ONCE)
        # As a context manager, the writer would complete an interrupted upload. An unfinished upload stays invisible.
        async for chunk in chunks:
            if chunk:
                with _storage_errors():
                    await writer.write(chunk)
        with _storage_errors():
            await writer.close()
            await self.in_thread(lambda: self._settle(key))

    def put_now(self, key: str, chunks: Iterable[bytes]) -> None:
        """Write an object from a thread, for a restore; raises StorageUnavailable if that fails."""
        with _storage_errors():
            writer = obstore.open_writer(self._store, key, buffer_size=PART, max_concurrency=_PARTS_AT_ONCE)
            for chunk in chunks:
                writer.write(chunk)
            writer.close()
            self._settle(key)

    def _settle(self, key: str) -> None:
        """Flush an object in a folder to the disk, so that it survives a power cut."""
        if self.folder is None:
            return
        file = self.folder / key
        for path in (file, file.parent, self.folder):
            descriptor = os.open(path, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

    def read_now(self, key: str, start: int, end: int) -> bytes:
        """The bytes of an object from `start` up to `end`, from a thread; raises Missing if there is no such object."""
        with _storage_errors():
            return bytes(obstore.get_range(self._store, key, start=start, end=end)) if end > start else b""

    async def read(self, key: str, start: int, end: int) -> bytes:
        """The same, in a coroutine."""
        with _storage_errors():
            return bytes(await obstore.get_range_async(self._store, key, start=start, end=end)) if end > start else b""

    def size_now(self, key: str) -> int:
        """The size of an object in bytes, from a thread; raises Missing if there is no such object."""
        with _storage_errors():
            return int(obstore.head(self._store, key)["size"])

    async def size(self, key: str) -> int:
        """The same, in a coroutine."""
        with _storage_errors():
            return int((await obstore.head_async(self._store, key))["size"])

    def bytes_of(self, key: str) -> Iterator[bytes]:
        """The sealed bytes of an object in parts, for a backup; raises Missing if there is no such object."""
        size = self.size_now(key)
        for start in range(0, size, PART):
            yield self.read_now(key, start, min(start + PART, size))

    def delete_now(self, key: str) -> None:
        """Delete an object, if it exists."""
        with suppress(Missing), _storage_errors():
            obstore.delete(self._store, key)

    def objects(self) -> Iterator[Stored]:
        """Every complete object; raises StorageUnavailable if the storage cannot be reached."""
        if self.folder is not None and not self.folder.exists():
            return
        with _storage_errors():
            for part in obstore.list(self._store):
                for item in part:
                    yield Stored(item["path"], item["size"], item["last_modified"].astimezone(UTC))

    def remove_leftovers(self, before: datetime) -> int:
        """Delete what interrupted uploads left in a folder before an instant, and return how many there were.

        In a bucket the parts of an unfinished upload are invisible; a lifecycle rule of the bucket deletes them.
        """
        removed = 0
        for path in self.folder.rglob("*#*") if self.folder is not None else ():
            if path.is_file() and datetime.fromtimestamp(path.stat().st_mtime, UTC) < before:
                path.unlink(missing_ok=True)
                removed += 1
        return removed

    def check(self) -> None:
        """Check that the storage answers; raises StorageUnavailable if it does not."""
        with suppress(Missing), _storage_errors():
            obstore.head(self._store, "readiness")

    async def in_thread(self, act: Callable[[], Any]) -> Any:
        """Run `act` in a thread that may wait for the storage, and return its result."""
        return await anyio.to_thread.run_sync(act, limiter=self.threads)


def _next_to_the_database(settings: Settings) -> str:
    database = make_url(settings.database_url).database
    has_file = settings.is_sqlite and database and database != ":memory:"
    return f"{database}.documents" if has_file else "documents"
