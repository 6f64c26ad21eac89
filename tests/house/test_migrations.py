"""The migrations create exactly the tables that the models describe, on both engines."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine
from sqlalchemy.engine import URL, make_url

from tests.house.source import ROOT
from tests.postgresql_server import new_database


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[URL]:
    """The URL of a database without tables."""
    if request.param == "sqlite":
        yield make_url(f"sqlite:///{tmp_path / 'empty.db'}")
        return
    with new_database("accord_house") as url:
        yield url


def test_the_migrations_create_the_tables_that_the_models_describe(empty_database: URL) -> None:
    config = Config(ROOT / "alembic.ini")
    engine = create_engine(empty_database)
    try:
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            command.check(config)
            tables = connection.dialect.get_table_names(connection)
    finally:
        engine.dispose()
    assert "cases" in tables


def test_the_migrations_form_one_line() -> None:
    heads = ScriptDirectory.from_config(Config(ROOT / "alembic.ini")).get_heads()
    assert len(heads) == 1
