"""Alembic's way in: the connection is given by `app.migrating` or by a test; from the command line, by the settings."""

from typing import Any

from alembic import context
from sqlalchemy import Column, Connection, create_engine

import app.core.tables.every  # noqa: F401 - every table must be known
from app.core.db import Base
from app.settings import Settings


def run(connection: Connection) -> None:
    """Run what Alembic was asked for on this connection."""

    def described(item: Any, name: str | None, kind: str, _reflected: bool, _compared: Any) -> bool:
        # SQLite does not tell the direction of an index's columns, so one with directions would always seem changed.
        if kind != "index" or connection.dialect.name != "sqlite":
            return True
        indexes = [index for table in Base.metadata.tables.values() for index in table.indexes]
        own = next((index for index in indexes if index.name == name), None)
        return own is None or all(isinstance(expression, Column) for expression in own.expressions)

    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        include_object=described,
        compare_type=True,
        render_as_batch=False,
    )
    with context.begin_transaction():
        context.run_migrations()


given: Connection | None = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    engine = create_engine(Settings().database_url)
    with engine.begin() as connection:
        run(connection)
