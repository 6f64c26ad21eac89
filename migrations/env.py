"""Runs Alembic's commands: on the connection of its caller, or from the shell on the database of the settings."""

import re
from datetime import UTC, datetime
from typing import Any, Literal

from alembic import command, context
from alembic.autogenerate.api import AutogenContext
from alembic.operations import MigrationScript
from alembic.runtime.migration import MigrationContext
from alembic.util import CommandError
from pydantic import ValidationError
from sqlalchemy import Column, Connection

import app.core.tables.every  # noqa: F401 - every table must be known
from app.core.db import Base, UtcDateTime
from app.core.errors import Misconfigured
from app.operations.migrating import exclusive_connection, is_ahead
from app.settings import Settings, faults_in_settings


def run(connection: Connection) -> None:
    """Run Alembic's command on this connection."""

    def is_compared(item: Any, name: str | None, kind: str, _reflected: bool, _compared: Any) -> bool:
        # SQLite's index of words is a virtual table, whose parts look like tables.
        if kind == "table" and str(name).startswith("case_search"):
            return False
        # SQLite does not report the direction of an index's columns, so such an index would always seem changed.
        if kind != "index" or connection.dialect.name != "sqlite":
            return True
        indexes = [index for table in Base.metadata.tables.values() for index in table.indexes]
        own = next((index for index in indexes if index.name == name), None)
        return own is None or all(isinstance(expression, Column) for expression in own.expressions)

    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        include_object=is_compared,
        compare_type=True,
        render_as_batch=False,
        render_item=_written,
        process_revision_directives=_name_by_its_day,
    )
    with context.begin_transaction():
        context.run_migrations()


def _written(kind: str, item: Any, _context: AutogenContext) -> str | Literal[False]:
    """Write SQLAlchemy's own type for ours: a migration must not change when the application does."""
    return "sa.DateTime(timezone=True)" if kind == "type" and isinstance(item, UtcDateTime) else False


def _name_by_its_day(_context: MigrationContext, _revision: Any, scripts: list[MigrationScript]) -> None:
    """Name a new migration by its day, with a letter from the second one of a day on, unless `--rev-id` names it."""
    (script,) = scripts
    # Alembic draws these twelve digits where none was given.
    if re.fullmatch("[0-9a-f]{12}", script.rev_id or ""):
        day = f"{datetime.now(UTC):%Y%m%d}"
        names = {each.revision for each in context.script.walk_revisions() if each.revision.startswith(day)}
        script.rev_id = day + chr(ord(max(names)[len(day) :] or "a") + 1) if names else day


def run_from_shell() -> None:
    """Run Alembic's command on the database of the settings, under the lock and time-outs of `accord migrate`.

    Raises CommandError if the settings are wrong, if the database cannot be reached, or if it stays locked.
    """
    try:
        with exclusive_connection(Settings()) as connection:
            if _is_upgrade() and is_ahead(connection):
                context.config.print_stdout(
                    "The database is at a later release's tables, which include this one's: nothing was changed."
                )
            else:
                run(connection)
    except ValidationError as problem:
        raise CommandError(faults_in_settings(problem)) from problem
    except Misconfigured as problem:
        raise CommandError(str(problem)) from problem


def _is_upgrade() -> bool:
    options = context.config.cmd_opts
    return options is not None and options.cmd[0] is command.upgrade


callers_connection: Connection | None = context.config.attributes.get("connection")
if callers_connection is None:
    run_from_shell()
else:
    run(callers_connection)
