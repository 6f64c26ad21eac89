"""Whether the service can answer requests: its database, tables, master key and storage, looked at in bounded time."""

import asyncio

import anyio
import anyio.to_thread

from app.core.access.session import GatedSession
from app.core.contents.service import check_key
from app.core.db import WrongSession
from app.core.errors import Misconfigured, Problem
from app.core.seams import Seams
from app.integration.webhooks.backlog import backlog
from app.operations.migrating import has_tables

# Probes give up after a few seconds, and take silence for a dead process.
SECONDS_TO_LOOK = 2.5
# Seconds that events wait at most where a worker runs.
LATE = 60
CHECKS = ("database", "migrations", "key", "storage")


class Readiness:
    """Looks at one service, once at a time, and gives the same findings to all requests that come meanwhile.

    The requests that ask need no token, so together they may occupy one thread and one connection at most.
    """

    def __init__(self, seams: Seams) -> None:
        self.seams = seams
        self._threads = anyio.CapacityLimiter(1)
        self._look: asyncio.Task[dict[str, str]] | None = None

    async def findings(self) -> dict[str, str]:
        """What was found of each check; after SECONDS_TO_LOOK that nothing answered."""
        if self._look is None or self._look.done():
            self._look = asyncio.create_task(anyio.to_thread.run_sync(look, self.seams, limiter=self._threads))
        done, _waiting = await asyncio.wait({self._look}, timeout=SECONDS_TO_LOOK)
        return self._look.result() if done else dict.fromkeys(CHECKS, "unknown") | {"database": "does not answer"}


def look(seams: Seams) -> dict[str, str]:
    """Look at everything that answering a request takes."""
    checks = dict.fromkeys(CHECKS, "ok") | {"storage": _storage_state(seams)}
    try:
        with seams.database.read(seams.entropy("readiness")) as db:
            if not has_tables(db.connection()):
                return checks | {"migrations": "not at head: run 'accord migrate'", "key": "unknown"}
            db.sealer = seams.sealer
            check_key(db)
            checks["outbox"] = _outbox_state(db, seams)
    except Misconfigured:
        checks["key"] = "not the one that sealed this registry"
    except WrongSession:
        checks = dict.fromkeys(checks, "unknown") | {"database": "its sessions lack settings: run 'accord migrate'"}
    except Problem:
        checks = dict.fromkeys(checks, "unknown") | {"database": "cannot be reached"}
    return checks


def _outbox_state(db: GatedSession, seams: Seams) -> str:
    lag = backlog(db, seams.clock(), 1).lag
    return "ok" if lag < LATE else f"late by {lag:.0f} seconds: check that a worker runs"


def _storage_state(seams: Seams) -> str:
    try:
        seams.storage.check()
    except Problem:
        return "cannot be reached"
    return "ok"
