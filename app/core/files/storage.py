"""Where the sealed bytes lie: a folder, or a bucket of any store that speaks S3, by one setting."""

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
from app.settings import Settings

# The parts in which a large object goes out: S3 takes 10,000 of them and none below 5 MiB, so 80 GB at most.
PART = 8 * 1024 * 1024
_PARTS_AT_ONCE = 2
_AT_ONCE = 8


class StorageUnavailable(Unavailable):
    """The storage of documents cannot be reached, or does not take what it is given."""

    code = "storage-unavailable"

    def __init__(self) -> None:
        Problem.__init__(self, "The service cannot reach its storage of documents just now. Nothing was changed.")


class Missing(Exception):
    """There is no object under this key."""


@dataclass(frozen=True, slots=True)
class Stored:
    """An object as the storage lists it."""

    key: str
    size: int
    modified_at: datetime


@contextmanager
def _told_plainly() -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as problem:
        raise Missing from problem
    except (BaseError, OSError) as problem:
        raise StorageUnavailable from problem


class Storage:
    """The objects of one installation; nothing is opened before it is needed."""

    def __init__(self, settings: Settings) -> None:
        self.place = settings.storage or _beside_the_database(settings)
        self._settings = settings
        self.threads = anyio.CapacityLimiter(_AT_ONCE)
        if "://" in self.place and urlsplit(self.place).scheme != "s3":
            raise Misconfigured("ACCORD_STORAGE must be a folder or s3://BUCKET/PREFIX.")

    @property
    def folder(self) -> Path | None:
        """The folder, where it is one."""
        return None if self.place.startswith("s3://") else Path(self.place)

    @cached_property
    def _store(self) -> Any:
        if (folder := self.folder) is not None:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            return LocalStore(folder)
        bucket, given = urlsplit(self.place), self._settings
        options = {
            "endpoint": given.storage_endpoint,
            "region": given.storage_region,
            "access_key_id": given.storage_key_id,
            "secret_access_key": given.storage_secret.get_secret_value() if given.storage_secret else None,
        }
        plain = (given.storage_endpoint or "").startswith("http://")
        return S3Store(
            bucket.netloc,
            prefix=bucket.path.strip("/") or None,
            client_options={"allow_http": plain},
            **{name: value for name, value in options.items() if value is not None},  # type: ignore[arg-type]
        )

    async def put(self, key: str, chunks: AsyncIterator[bytes]) -> None:
        """Write an object whole, or not at all; it is on the disk when this ends.

        Raises StorageUnavailable if that fails, and whatever the chunks raise: then nothing is there.
        """
        with _told_plainly():
            writer = obstore.open_writer_async(self._store, key, buffer_size=PART, max_concurrency=_PARTS_AT_ONCE)
        # Not as a context: that would complete what was broken off. What is let go of is never seen.
        async for chunk in chunks:
            if chunk:
                with _told_plainly():
                    await writer.write(chunk)
        with _told_plainly():
            await writer.close()
            await self.in_thread(lambda: self._settle(key))

    def put_now(self, key: str, chunks: Iterable[bytes]) -> None:
        """Write an object from a thread, as it is (for a restore); StorageUnavailable if that fails."""
        with _told_plainly():
            writer = obstore.open_writer(self._store, key, buffer_size=PART, max_concurrency=_PARTS_AT_ONCE)
            for chunk in chunks:
                writer.write(chunk)
            writer.close()
            self._settle(key)

    def _settle(self, key: str) -> None:
        """Make sure that a power cut does not take away what a folder was given."""
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
        """The bytes of an object from `start` up to `end`, from a thread; Missing if there is no such object."""
        with _told_plainly():
            return bytes(obstore.get_range(self._store, key, start=start, end=end)) if end > start else b""

    async def read(self, key: str, start: int, end: int) -> bytes:
        """The same, in a coroutine."""
        with _told_plainly():
            return bytes(await obstore.get_range_async(self._store, key, start=start, end=end)) if end > start else b""

    def size_now(self, key: str) -> int:
        """How many bytes an object has; Missing if there is none."""
        with _told_plainly():
            return int(obstore.head(self._store, key)["size"])

    async def size(self, key: str) -> int:
        """The same, in a coroutine."""
        with _told_plainly():
            return int((await obstore.head_async(self._store, key))["size"])

    def bytes_of(self, key: str) -> Iterator[bytes]:
        """An object as it is, in parts (for a backup); Missing if there is none."""
        size = self.size_now(key)
        for start in range(0, size, PART):
            yield self.read_now(key, start, min(start + PART, size))

    def delete_now(self, key: str) -> None:
        """Remove an object, if it is there."""
        with suppress(Missing), _told_plainly():
            obstore.delete(self._store, key)

    def objects(self) -> Iterator[Stored]:
        """Every object that there is, whole ones only; StorageUnavailable if it cannot be asked."""
        if self.folder is not None and not self.folder.exists():
            return
        with _told_plainly():
            for part in obstore.list(self._store):
                for found in part:
                    yield Stored(found["path"], found["size"], found["last_modified"].astimezone(UTC))

    def remove_leftovers(self, before: datetime) -> int:
        """Remove what cut-off uploads left in a folder before that instant; how many there were.

        In a bucket the unfinished parts of an upload are never seen; a rule of the bucket ends them.
        """
        removed = 0
        for path in self.folder.rglob("*#*") if self.folder is not None else ():
            if path.is_file() and datetime.fromtimestamp(path.stat().st_mtime, UTC) < before:
                path.unlink(missing_ok=True)
                removed += 1
        return removed

    def check(self) -> None:
        """StorageUnavailable if the storage cannot be asked."""
        with suppress(Missing), _told_plainly():
            obstore.head(self._store, "readiness")

    async def in_thread(self, act: Callable[[], Any]) -> Any:
        """What `act` gives, run where it may wait for the storage."""
        return await anyio.to_thread.run_sync(act, limiter=self.threads)


def _beside_the_database(settings: Settings) -> str:
    database = make_url(settings.database_url).database
    beside = settings.is_sqlite and database and database != ":memory:"
    return f"{database}.documents" if beside else "documents"
