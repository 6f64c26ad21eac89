"""Lock that lets one process at a time serve a SQLite file."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.engine import make_url

from app.core.errors import Misconfigured
from app.settings import Settings


@contextmanager
def only_process(settings: Settings) -> Iterator[None]:
    """Lock the SQLite file for this process; Misconfigured if another process serves it."""
    if not settings.is_sqlite:
        yield
        return
    path = f"{make_url(settings.database_url).database}.lock"
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as problem:
        raise Misconfigured(f"{path} cannot be opened: {problem.strerror}.") from problem
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as problem:
            raise Misconfigured(
                "Another process serves this SQLite file: stop it first. Several processes need PostgreSQL."
            ) from problem
        yield
    finally:
        os.close(descriptor)
