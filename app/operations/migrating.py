"""Migrates a database to the tables of this release, and says whether it has them."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from app.core.db import LOCK_NOT_AVAILABLE, bare_engine, set_on_role, sqlite, sqlstate
from app.core.errors import Misconfigured
from app.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
# In a wheel the migrations are in the package, in a checkout next to it.
_PLACES = (ROOT / "app" / "migrations", ROOT / "migrations")
MIGRATIONS = next((folder for folder in _PLACES if folder.is_dir()), ROOT)
# Of two processes that start together, the second waits for the first and then has nothing to do.
_MIGRATION_LOCK = 4_702_111_234_474_984
# How long a migration waits for a table, or for a SQLite file.
_LOCK_SECONDS = 5


def configuration(connection: Connection | None = None) -> Config:
    """Alembic's configuration; with a connection, its commands run on that one."""
    config = Config()
    # A percent sign begins a substitution there.
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
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
    """Whether a later release migrated the database: this release does not know its newest migration."""
    current = MigrationContext.configure(connection).get_current_revision()
    return current is not None and current not in _known()


def has_tables(connection: Connection) -> bool:
    """Whether this release can work on the database; migrations only add, so a later release's tables will do."""
    return is_at_head(connection) or is_ahead(connection)


@cache
def _known() -> frozenset[str]:
    return frozenset(script.revision for script in ScriptDirectory.from_config(configuration()).walk_revisions())


def migrate(settings: Settings) -> None:
    """Bring the database to the newest migration, in one transaction; leave one of a later release as it is.

    Where a pooler is used, its role gets the settings of the service's sessions. Raises Misconfigured as
    `exclusive_connection` does, and if that role cannot be changed.
    """
    with exclusive_connection(settings) as connection:
        if settings.pooler_url is not None:
            set_on_role(connection, make_url(settings.pooler_url).username or "")
        if not is_ahead(connection):
            command.upgrade(configuration(connection), "head")


@contextmanager
def exclusive_connection(settings: Settings) -> Iterator[Connection]:
    """Open the transaction in which the tables may change: a second one waits until the first has ended.

    A SQLite file that does not exist is made, readable by its owner alone. Raises Misconfigured if the database cannot
    be reached, if its file cannot be made, or if another transaction holds a table or the SQLite file for too long.
    """
    make_private_file(settings)
    engine = _engine(settings)
    try:
        with engine.begin() as connection:
            _take_lock(connection)
            yield connection
    except DBAPIError as problem:
        if _is_locked_out(problem):
            raise Misconfigured(
                "Another transaction holds a table that must change. Nothing was changed: end it, then try again."
            ) from problem
        # A later failure is a fault of a migration, and its place must be seen.
        if not problem.connection_invalidated and problem.statement is not None:
            raise
        raise Misconfigured(f"The database {unreachable(settings.database_url, problem)}") from problem
    finally:
        engine.dispose()


def _engine(settings: Settings) -> Engine:
    if not settings.is_sqlite:
        return bare_engine(settings.database_url)
    # The library of the service, which may have the file open: closing it by another would end the service's locks.
    # Without an isolation level the driver begins no transaction of its own, so `BEGIN IMMEDIATE` can begin it.
    return create_engine(
        settings.database_url, module=sqlite, connect_args={"timeout": _LOCK_SECONDS, "isolation_level": None}
    )


def _take_lock(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        return
    connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _MIGRATION_LOCK})
    # Every reader of a table queues behind a migration that waits for it.
    connection.execute(text(f"SET LOCAL lock_timeout = '{_LOCK_SECONDS}s'"))


def _is_locked_out(problem: DBAPIError) -> bool:
    reason = getattr(problem.orig, "sqlite_errorname", "")
    return sqlstate(problem) == LOCK_NOT_AVAILABLE or reason.startswith("SQLITE_BUSY")


def unreachable(url: str, problem: DBAPIError | None) -> str:
    """Describe a database that cannot be reached: its address without the password, and the driver's reason."""
    where = make_url(url).render_as_string(hide_password=True)
    # Before any statement is sent, the driver's message holds no values.
    why = " ".join(str(problem.orig).split()) if problem is not None and problem.statement is None else ""
    return f"cannot be reached at {where}{': ' if why else ''}{why}"


def make_private_file(settings: Settings) -> None:
    """Make a missing SQLite file that only its owner may read; its journals inherit the mode.

    Raises Misconfigured if the file cannot be made.
    """
    path = make_url(settings.database_url).database
    if settings.is_sqlite and path and not Path(path).exists():
        try:
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        except FileExistsError:
            # Another process has just made it.
            return
        except OSError as problem:
            raise Misconfigured(f"The database {path} cannot be made: {problem.strerror}.") from problem
