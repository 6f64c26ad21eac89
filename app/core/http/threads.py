"""The threads in which requests use the database."""

import time
from collections.abc import Callable
from typing import TypeVar

import anyio
import anyio.to_thread

from app.core.db import Collision
from app.core.errors import Unavailable
from app.core.http.metrics import POOL_WAIT

# The longest wait for a thread: without a limit, requests would wait for ever once the database hangs.
SECONDS_IN_LINE = 10.0
Returned = TypeVar("Returned")


async def in_thread(query: Callable[[], Returned], limiter: anyio.CapacityLimiter) -> Returned:
    """Run a query or act in a thread; raises Unavailable if no thread is free in time, or after a collision."""
    queued_at = time.perf_counter()

    def run() -> Returned:
        POOL_WAIT.observe(time.perf_counter() - queued_at)
        try:
            return query()
        except Collision as collision:
            raise Unavailable from collision

    # Only the wait for a thread can time out: what has begun is shielded and completes.
    with anyio.move_on_after(SECONDS_IN_LINE):
        return await anyio.to_thread.run_sync(run, limiter=limiter)
    raise Unavailable
