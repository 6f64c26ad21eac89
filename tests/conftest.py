"""A database of each kind for every test of behaviour, made by Alembic, and a house in which people mediate."""

import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.engine import make_url

import app.models  # noqa: F401 - every table must be known before they are emptied
from app.db import Base, sqlite
from app.migrating import migrate
from app.settings import Settings
from tests.institution import House
from tests.story import Dispute

SERVER = os.environ.get("TEST_DATABASE_URL", "postgresql+psycopg://postgres@127.0.0.1:5432/postgres")
MASTER_KEY = SecretStr("MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=")


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty registry in a SQLite file, to be copied."""
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    migrate(Settings(database_url=f"sqlite:///{path}"))
    return path


@pytest.fixture(scope="session")
def sqlite_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of this worker's registry, filled from the template for each test."""
    return tmp_path_factory.mktemp("registry") / "registry.db"


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """An empty registry of this worker's own on the PostgreSQL server; without a server the tests fail."""
    server = make_url(SERVER).set(drivername="postgresql+psycopg")
    name = f"accord_test_{secrets.token_hex(6)}"
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
        # The tests do not pull the plug of the database server, so they need not wait for its disk.
        connection.execute(text(f"ALTER DATABASE {name} SET synchronous_commit = off"))
    url = server.set(database=name).render_as_string(hide_password=False)
    try:
        migrate(Settings(database_url=url))
        yield url
    finally:
        with engine.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        engine.dispose()


@pytest.fixture(scope="session")
def postgresql_sweeper(postgresql_url: str) -> Iterator[Engine]:
    """A connection that may empty the tables, which the service itself never does."""
    engine = create_engine(postgresql_url)
    yield engine
    engine.dispose()


def _empty(engine: Engine) -> None:
    tables = [table.name for table in reversed(Base.metadata.sorted_tables)]
    statements = [
        "ALTER TABLE events DISABLE TRIGGER USER",
        *(f"DELETE FROM {name}" for name in tables),
        "ALTER TABLE events ENABLE TRIGGER USER",
    ]
    with engine.begin() as connection:
        connection.exec_driver_sql("; ".join(statements))


Fresh = Callable[[], Settings]


@pytest.fixture(params=["sqlite", "postgresql"])
def fresh(request: pytest.FixtureRequest) -> Iterator[Fresh]:
    """Gives the settings of an empty registry, each time it is called, once on each engine."""
    if request.param == "sqlite":
        template, path = request.getfixturevalue("sqlite_template"), request.getfixturevalue("sqlite_file")

        def copied() -> Settings:
            with closing(sqlite.connect(template)) as source, closing(sqlite.connect(path)) as target:
                source.backup(target)
            return Settings(database_url=f"sqlite:///{path}", master_key=MASTER_KEY)

        yield copied
        return
    url, sweeper = request.getfixturevalue("postgresql_url"), request.getfixturevalue("postgresql_sweeper")

    def emptied() -> Settings:
        _empty(sweeper)
        return Settings(database_url=url, master_key=MASTER_KEY)

    yield emptied


@pytest.fixture
def settings(fresh: Fresh) -> Settings:
    """The settings of an empty registry."""
    return fresh()


@pytest.fixture
def house(settings: Settings) -> Iterator[House]:
    """An institution with its people, served in this process."""
    with House.open(settings) as opened:
        yield opened


@pytest.fixture
def dispute(house: House) -> Dispute:
    """The dispute about the waters of a river, before anything is opened."""
    return Dispute(house)
