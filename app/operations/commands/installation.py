"""The installation on which a command works: opens its database, and acts on it in one sealed transaction."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import typer
from sqlalchemy.engine import make_url

from app.core.access.gate import guard
from app.core.access.session import GatedSession
from app.core.contents.keys import master_key
from app.core.db import Database
from app.core.errors import Misconfigured, Unavailable
from app.core.ledger import service as ledger
from app.core.sealer import Sealer
from app.operations.health import no_database, require_key, rule_sets_in_use
from app.operations.migrating import has_tables
from app.settings import Settings

Answer = TypeVar("Answer")
_BEHIND = "The database is not at this release's tables: run 'accord migrate' first."


def warn(message: str) -> None:
    """Print a message to the error output."""
    typer.echo(message, err=True)


def open_database(settings: Settings) -> Database[GatedSession]:
    """Open the database; Misconfigured for a missing SQLite file: a mistyped path must not create an empty one."""
    path = make_url(settings.database_url).database
    if settings.is_sqlite and not Path(path or "").exists():
        raise Misconfigured(no_database(path))
    return Database(settings, guard, GatedSession)


def in_transaction(settings: Settings, act: Callable[[GatedSession], Answer]) -> Answer:
    """Act for the installation in one sealed transaction; Misconfigured unless its tables are this release's.

    It goes straight to the database, past a pooler.
    """
    database = open_database(settings.direct())

    def sealed(db: GatedSession) -> Answer:
        db.sealer = Sealer(master_key(settings, os.urandom, warn))
        answer = act(db)
        ledger.seal(db)
        return answer

    try:
        with database.read(os.urandom) as db:
            if not has_tables(db.connection()):
                raise Misconfigured(_BEHIND)
        return database.in_transaction(sealed, os.urandom)
    finally:
        database.dispose()


def require_ready(settings: Settings) -> None:
    """Raise Misconfigured unless tables, rule sets and master key are the ones that the service needs.

    A database that is unreachable passes: the service waits for it.
    """
    database = open_database(settings)
    try:
        with database.read(os.urandom) as db:
            if not has_tables(db.connection()):
                raise Misconfigured(_BEHIND)
            rule_sets_in_use(db)
            require_key(db, settings)
    except Unavailable:
        return
    finally:
        database.dispose()
