"""Running the service in this process."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI
from sqlalchemy.engine import make_url

from app.errors import Misconfigured
from app.settings import Settings


@contextmanager
def only_process(settings: Settings) -> Iterator[None]:
    """Hold the SQLite file for this process alone; Misconfigured if another one serves it."""
    if not settings.is_sqlite:
        yield
        return
    descriptor = os.open(f"{make_url(settings.database_url).database}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as problem:
            raise Misconfigured(
                "Another process serves this SQLite file. One process may; for several, use PostgreSQL."
            ) from problem
        yield
    finally:
        os.close(descriptor)


def serve(app: FastAPI, host: str, port: int) -> None:
    """Serve the app until a signal ends it."""
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=20,
    )
    uvicorn.Server(config).run()
