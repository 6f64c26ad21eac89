"""Bringing a database to the tables of this release, and seeing whether it is there."""

import os
from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from app.core.db import sqlite
from app.core.errors import Misconfigured
from app.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
# Two processes that start together: the second waits for the first and then finds nothing to do.
_MIGRATION_LOCK = 4_702_111_234_474_984
# Seconds for which a migration waits for a table.
_PATIENCE = 5
_LOCK_NOT_AVAILABLE = "55P03"


def configuration(connection: Connection | None = None) -> Config:
    """Alembic's configuration, on a connection."""
    config = Config(ROOT / "alembic.ini")
    config.attributes["connection"] = connection
    return config


@cache
def head() -> str | None:
    """The newest migration of this release."""
    return ScriptDirectory.from_config(configuration()).get_current_head()


def is_at_head(connection: Connection) -> bool:
    """Whether the database has the tables of this release."""
    return MigrationContext.configure(connection).get_current_revision() == head()


def is_ahead(connection: Connection) -> bool:
    """Whether a later release migrated the database: its newest migration is none that this one knows."""
    current = MigrationContext.configure(connection).get_current_revision()
    return current is not None and current not in _known()


def has_tables(connection: Connection) -> bool:
    """Whether this release can work on the database: migrations only add, so it can on a later release's tables too."""
    return is_at_head(connection) or is_ahead(connection)


@cache
def _known() -> frozenset[str]:
    return frozenset(one.revision for one in ScriptDirectory.from_config(configuration()).walk_revisions())


def migrate(settings: Settings) -> None:
    """Bring the database to the newest migration, in one transaction; one of a later release is left as it is.

    Raises Misconfigured if the database cannot be reached, its file not be made, or a table not be had.
    """
    make_private_file(settings)
    # By the same SQLite as the service, which may hold the file open.
    engine = create_engine(settings.database_url, **({"module": sqlite} if settings.is_sqlite else {}))
    try:
        with engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _MIGRATION_LOCK})
                # Behind a migration that waits for a table everybody waits who only wants to read it.
                connection.execute(text(f"SET LOCAL lock_timeout = '{_PATIENCE}s'"))
            if not is_ahead(connection):
                command.upgrade(configuration(connection), "head")
    except DBAPIError as problem:
        if getattr(problem.orig, "sqlstate", None) == _LOCK_NOT_AVAILABLE:
            raise Misconfigured(
                "A transaction holds a table that is to change. Nothing was done: try again."
            ) from problem
        # What comes later is a fault of a migration, whose place must be seen.
        if not problem.connection_invalidated and problem.statement is not None:
            raise
        raise Misconfigured(f"The database {unreachable(settings, problem)}") from problem
    finally:
        engine.dispose()


def unreachable(settings: Settings, problem: DBAPIError | None) -> str:
    """That the database cannot be reached, where it should be (without a password), and what the driver says of it."""
    where = make_url(settings.database_url).render_as_string(hide_password=True)
    # No statement was sent, so there is nothing of anybody's in the driver's words.
    why = " ".join(str(problem.orig).split()) if problem is not None and problem.statement is None else ""
    return f"cannot be reached at {where}{': ' if why else ''}{why}"


def make_private_file(settings: Settings) -> None:
    """Make a SQLite file that only its owner may read; its journals take after it.

    Raises Misconfigured if that cannot be.
    """
    path = make_url(settings.database_url).database
    if settings.is_sqlite and path and not Path(path).exists():
        try:
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        except FileExistsError:
            # Another process made it meanwhile.
            return
        except OSError as problem:
            raise Misconfigured(f"The database {path} cannot be made: {problem.strerror}.") from problem
