"""A database of each kind for every test of behaviour, made by Alembic, and a house in which people mediate."""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from pydantic import SecretStr
from sqlalchemy import Engine, create_engine

from app.operations.migrating import migrate
from app.settings import PREFIX, Settings
from tests.installation import House
from tests.registries import EMPTY, EMPTYING, PostgresqlRegistry, Registry, SqliteRegistry
from tests.server import SETTING, NoServer, OwnServer, is_needed, new_database
from tests.story import Dispute

MASTER_KEY = SecretStr("MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=")


# Tests send in seconds what people send in days.
OF_TESTS: dict[str, Any] = {"master_key": MASTER_KEY, "anonymous_per_minute": 0, "writes_per_minute": 0}
_OWN_SERVER = pytest.StashKey[OwnServer]()


def pytest_configure(config: pytest.Config) -> None:
    """Bring a PostgreSQL server where there is none: one for the whole run, made by whoever leads the workers."""
    forget_settings()
    is_worker = hasattr(config, "workerinput")
    if not is_worker and is_needed():
        try:
            config.stash[_OWN_SERVER] = OwnServer()
        except NoServer as problem:
            raise pytest.UsageError(f"There is no PostgreSQL server for the tests: {problem}.") from problem
        os.environ[SETTING] = config.stash[_OWN_SERVER].url.render_as_string(hide_password=False)


def forget_settings() -> None:
    """Drop the settings of a registry that the same terminal serves; `ACCORD_TEST_…` are for the tests."""
    for name in list(os.environ):
        if name.upper().startswith(PREFIX) and not name.upper().startswith(f"{PREFIX}TEST_"):
            del os.environ[name]


def pytest_unconfigure(config: pytest.Config) -> None:
    """Take the server away again."""
    if _OWN_SERVER in config.stash:
        config.stash[_OWN_SERVER].stop()


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
def documents_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which this worker's documents lie."""
    return tmp_path_factory.mktemp("documents")


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """An empty registry of this worker's own on the PostgreSQL server; without a server the tests fail."""
    with new_database("accord_test") as url:
        written = url.render_as_string(hide_password=False)
        migrate(Settings(database_url=written))
        yield written


@pytest.fixture(scope="session")
def postgresql_sweeper(postgresql_url: str) -> Iterator[Engine]:
    """A connection that may empty the tables, which the service itself never does."""
    engine = create_engine(postgresql_url)
    yield engine
    engine.dispose()


def _empty(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql("; ".join(EMPTYING))


@pytest.fixture(scope="session")
def sqlite_registry(sqlite_template: Path, sqlite_file: Path, documents_folder: Path) -> Iterator[Registry]:
    """The registry of this worker in a SQLite file."""
    settings = Settings(database_url=f"sqlite:///{sqlite_file}", storage=str(documents_folder), **OF_TESTS)
    with SqliteRegistry(settings, sqlite_file, sqlite_template).at_work() as registry:
        yield registry


@pytest.fixture(scope="session")
def postgresql_registry(postgresql_url: str, postgresql_sweeper: Engine, documents_folder: Path) -> Iterator[Registry]:
    """The registry of this worker on the PostgreSQL server."""
    settings = Settings(database_url=postgresql_url, storage=str(documents_folder), **OF_TESTS)
    with PostgresqlRegistry(settings, postgresql_sweeper).at_work() as registry:
        yield registry


@pytest.fixture(params=["sqlite", "postgresql"])
def registry(request: pytest.FixtureRequest) -> Registry:
    """A registry that was used before, once on each engine."""
    known: Registry = request.getfixturevalue(f"{request.param}_registry")
    return known


Fresh = Callable[[], Settings]


@pytest.fixture
def fresh(registry: Registry) -> Fresh:
    """Gives the settings of an empty registry, each time it is called."""

    def emptied() -> Settings:
        registry.bring_back(EMPTY)
        return registry.settings

    return emptied


@pytest.fixture
def settings(fresh: Fresh) -> Settings:
    """The settings of an empty registry."""
    return fresh()


@pytest.fixture
def house(registry: Registry, settings: Settings) -> Iterator[House]:
    """An institution with its people, served in this process."""
    # A module may have settings of its own, and so a service of its own.
    with nullcontext(registry.house()) if settings == registry.settings else House.open(settings) as opened:
        yield opened
        assert opened.unlisted() == set(), "enter these ids in app/core/ledger/catalogue.py"
        assert opened.planted or opened.misread() == [], "readers are others than the policy says"


@pytest.fixture
def served(house: House) -> Iterator[House]:
    """The house, served on a loopback port by a real server, as outside clients find it."""
    config = uvicorn.Config(house.app, host="127.0.0.1", port=0, log_level="error", lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        thread.join(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    house.base_url = f"http://127.0.0.1:{port}"
    yield house
    server.should_exit = True
    thread.join()


@pytest.fixture
def dispute(house: House, registry: Registry) -> Dispute:
    """The dispute about the waters of a river, before anything is opened."""
    # Where something was done in this house already, bringing back a moment would undo it.
    return registry.dispute(house) if registry.is_fresh(house) else Dispute(house)


@pytest.fixture(params=["sqlite", "postgresql"])
def durable(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Settings]:
    """An empty registry that waits for the disk at each commit, as it does in service."""
    if request.param == "sqlite":
        settings = Settings(database_url=f"sqlite:///{tmp_path / 'registry.db'}", **OF_TESTS)
        migrate(settings)
        yield settings
        return
    yield request.getfixturevalue("postgresql_durable")


@pytest.fixture
def postgresql_durable_empty() -> Iterator[Settings]:
    """A PostgreSQL database without a table that waits for its disk."""
    with new_database("accord_durable", durable=True) as url:
        yield Settings(database_url=url.render_as_string(hide_password=False), **OF_TESTS)


@pytest.fixture
def postgresql_durable(postgresql_durable_empty: Settings) -> Settings:
    """An empty registry on PostgreSQL that waits for its disk."""
    migrate(postgresql_durable_empty)
    return postgresql_durable_empty


@pytest.fixture(params=["sqlite", "postgresql"])
def without_tables(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Settings]:
    """The settings of a database in which nothing is yet, once on each engine."""
    if request.param == "sqlite":
        yield Settings(database_url=f"sqlite:///{tmp_path / 'elsewhere.db'}", **OF_TESTS)
        return
    with new_database("accord_elsewhere") as url:
        yield Settings(database_url=url.render_as_string(hide_password=False), **OF_TESTS)
