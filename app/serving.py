"""Running the service in this process."""

import fcntl
import os
import socket
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


def bound(host: str, port: int) -> socket.socket:
    """A socket that listens there from now on; Misconfigured if it cannot."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as problem:
        listening.close()
        raise Misconfigured(f"Cannot listen on {host}, port {port}: {problem.strerror}.") from problem
    return listening


def serve(app: FastAPI, listening: socket.socket) -> None:
    """Serve the app on a bound socket until a signal ends it."""
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, server_header=False, timeout_graceful_shutdown=20
    )
    uvicorn.Server(config).run(sockets=[listening])
