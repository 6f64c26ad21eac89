"""Readers who wait for news. They hold no thread; one task of the process looks for news for all of them."""

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from uuid import UUID
from weakref import WeakSet

import anyio.to_thread

from app.core.access.session import GatedSession
from app.core.db import Database
from app.core.errors import Problem
from app.core.ledger import feed

SECONDS_BETWEEN_LOOKS = 0.3
_rooms: WeakSet["WaitingRoom"] = WeakSet()


@dataclass(eq=False, slots=True)
class WaitingReader:
    """A reader who waits, under their principals, for something to read."""

    principals: frozenset[UUID] = frozenset()
    woken: asyncio.Event = field(default_factory=asyncio.Event)


class WaitingRoom:
    """The readers who wait in this process, and the task that looks for news while there are any."""

    def __init__(self, database: Database[GatedSession]) -> None:
        self._database = database
        self._readers: set[WaitingReader] = set()
        self._looking: asyncio.Task[None] | None = None
        self.stopping = False
        _rooms.add(self)

    @contextmanager
    def reader(self) -> Iterator[WaitingReader]:
        """A reader who is woken by news; enter before the first reading, so that no news is missed."""
        reader = WaitingReader()
        self._readers.add(reader)
        try:
            yield reader
        finally:
            self._readers.discard(reader)

    async def until_news(self, reader: WaitingReader, seconds: float) -> None:
        """Wait until there may be news for the reader, for at most that many seconds, or until the process stops."""
        if self.stopping:
            return
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())
        try:
            await asyncio.wait_for(reader.woken.wait(), seconds)
        except TimeoutError:
            return
        reader.woken.clear()

    def stop(self) -> None:
        """Wake every reader, and let none wait any more."""
        self.stopping = True
        for reader in self._readers:
            reader.woken.set()

    async def _look(self) -> None:
        position: int | None = None
        while self._readers and not self.stopping:
            try:
                news = await anyio.to_thread.run_sync(self._news, position, limiter=self._database.threads)
            except Problem:
                # The database is lost: wake every reader, so that each reads and is answered with the problem.
                news = None
            position = None if news is None else news.position
            for reader in self._readers:
                if news is None or news.concerns(reader.principals):
                    reader.woken.set()
            await asyncio.sleep(SECONDS_BETWEEN_LOOKS)

    def _news(self, position: int | None) -> feed.News:
        with self._database.read(os.urandom) as db:
            return feed.news_since(db, position)


def stop_waiting() -> None:
    """Let no reader wait any more in this process, which is about to end."""
    for room in _rooms:
        room.stop()
