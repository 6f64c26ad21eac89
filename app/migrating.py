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

from app.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
# Two processes that start together: the second waits for the first and then finds nothing to do.
_MIGRATION_LOCK = 4_702_111_234_474_984


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


def migrate(settings: Settings) -> None:
    """Bring the database to the newest migration, in one transaction."""
    make_private_file(settings)
    engine = create_engine(settings.database_url)
    try:
        with engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _MIGRATION_LOCK})
            command.upgrade(configuration(connection), "head")
    finally:
        engine.dispose()


def make_private_file(settings: Settings) -> None:
    """Make a SQLite file that only its owner may read; its journals take after it."""
    path = make_url(settings.database_url).database
    if settings.is_sqlite and path and not Path(path).exists():
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
