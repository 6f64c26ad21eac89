"""Readers who wait for news: they hold no thread, and one task of the process looks for all of them."""

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
_everybody: WeakSet["Waiting"] = WeakSet()


@dataclass(eq=False, slots=True)
class Reader:
    """Somebody who waits, under some principals, until there is something to read."""

    principals: frozenset[UUID] = frozenset()
    woken: asyncio.Event = field(default_factory=asyncio.Event)


class Waiting:
    """Those who wait in this process, and the task that looks while there are any."""

    def __init__(self, database: Database[GatedSession]) -> None:
        self._database = database
        self._readers: set[Reader] = set()
        self._looking: asyncio.Task[None] | None = None
        self.stopping = False
        _everybody.add(self)

    @contextmanager
    def reader(self) -> Iterator[Reader]:
        """Somebody who is told from now on; enter before the first reading, so that nothing falls in between."""
        mine = Reader()
        self._readers.add(mine)
        try:
            yield mine
        finally:
            self._readers.discard(mine)

    async def until_news(self, mine: Reader, seconds: float) -> None:
        """Wait until there may be something for this reader, or for that many seconds, or until the process stops."""
        if self.stopping:
            return
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())
        try:
            await asyncio.wait_for(mine.woken.wait(), seconds)
        except TimeoutError:
            return
        mine.woken.clear()

    def stop(self) -> None:
        """Let nobody wait any more."""
        self.stopping = True
        for reader in self._readers:
            reader.woken.set()

    async def _look(self) -> None:
        position: int | None = None
        while self._readers and not self.stopping:
            try:
                news = await anyio.to_thread.run_sync(self._news, position, limiter=self._database.threads)
            except Problem:
                # The database is lost: whoever waits reads, and is told so.
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
    """Let nobody wait any more in this process, which is about to end."""
    for one in _everybody:
        one.stop()
