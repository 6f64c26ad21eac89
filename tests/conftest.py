"""A registry on each database engine for every test of behaviour, built by Alembic, and an institution in it."""

import gc

# The objects made by the imports are never freed. Garbage collection among them takes a quarter of the start, and a
# tenth of the tests' time after it.
gc.disable()

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine

from app.operations.migrating import migrate
from app.settings import Settings
from tests.changes import watching, watching_on_request
from tests.confidences import types_without_twin
from tests.installation import TEST_SETTINGS, House
from tests.postgresql_server import SETTING, EmbeddedServer, NoServer, is_needed, new_database
from tests.processes import forget_settings
from tests.registries import (
    EMPTY,
    EmptyRegistry,
    PostgresqlRegistry,
    Registry,
    SqliteRegistry,
    database_without_tables,
)
from tests.story import Dispute
from tests.uploads import Desk, bucket_server_running, desk_of

_EMBEDDED_SERVER = pytest.StashKey[EmbeddedServer]()


def pytest_configure(config: pytest.Config) -> None:
    """Start a PostgreSQL server if the machine has none; the process that leads the workers starts it for all."""
    forget_settings()
    is_worker = hasattr(config, "workerinput")
    if not is_worker and is_needed():
        try:
            config.stash[_EMBEDDED_SERVER] = EmbeddedServer()
        except NoServer as problem:
            raise pytest.UsageError(f"There is no PostgreSQL server for the tests: {problem}.") from problem
        os.environ[SETTING] = config.stash[_EMBEDDED_SERVER].url.render_as_string(hide_password=False)


def pytest_collection_finish() -> None:
    """Leave what the imports and the collection made out of garbage collection, and run that less often."""
    gc.freeze()
    gc.set_threshold(20_000, 20, 100)
    gc.enable()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop that server."""
    if _EMBEDDED_SERVER in config.stash:
        config.stash[_EMBEDDED_SERVER].stop()


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Spare a run without hypothesis the second in which its plugin would import it for an empty summary."""
    plugins = session.config.pluginmanager
    # The process that leads workers imports no tests, but sums up theirs.
    if "hypothesis" not in sys.modules and not plugins.hasplugin("dsession"):
        plugins.unregister(name="hypothesispytest")


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty registry in a SQLite file, from which the others are copied."""
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    migrate(Settings(database_url=f"sqlite:///{path}"))
    return path


@pytest.fixture(scope="session")
def sqlite_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of this worker's registry, filled from the template for each test."""
    return tmp_path_factory.mktemp("registry") / "registry.db"


@pytest.fixture(scope="session")
def documents_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that stores this worker's documents."""
    return tmp_path_factory.mktemp("documents")


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """An empty registry for this worker on the PostgreSQL server; without a server the tests fail."""
    with new_database("accord_test") as url:
        database_url = url.render_as_string(hide_password=False)
        migrate(Settings(database_url=database_url))
        yield database_url


@pytest.fixture(scope="session")
def postgresql_sweeper(postgresql_url: str) -> Iterator[Engine]:
    """An engine with which tests empty the tables, which the service itself never does."""
    engine = create_engine(postgresql_url)
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def sqlite_registry(sqlite_template: Path, sqlite_file: Path, documents_folder: Path) -> Iterator[Registry]:
    """The registry of this worker in a SQLite file."""
    settings = Settings(database_url=f"sqlite:///{sqlite_file}", storage=str(documents_folder), **TEST_SETTINGS)
    with SqliteRegistry(settings, sqlite_file, sqlite_template).at_work() as registry:
        yield registry


@pytest.fixture(scope="session")
def postgresql_registry(postgresql_url: str, postgresql_sweeper: Engine, documents_folder: Path) -> Iterator[Registry]:
    """The registry of this worker on the PostgreSQL server."""
    settings = Settings(database_url=postgresql_url, storage=str(documents_folder), **TEST_SETTINGS)
    with PostgresqlRegistry(settings, postgresql_sweeper).at_work() as registry:
        yield registry


@pytest.fixture(params=["sqlite", "postgresql"])
def registry(request: pytest.FixtureRequest) -> Registry:
    """This worker's registry on each engine; an earlier test may have left rows in it."""
    registry: Registry = request.getfixturevalue(f"{request.param}_registry")
    return registry


@pytest.fixture
def empty_registry(registry: Registry) -> EmptyRegistry:
    """A function that empties the registry and gives its settings."""

    def emptied() -> Settings:
        registry.restore(EMPTY)
        return registry.settings

    return emptied


@pytest.fixture
def settings(empty_registry: EmptyRegistry) -> Settings:
    """The settings of an empty registry."""
    return empty_registry()


@pytest.fixture
def house(registry: Registry, settings: Settings) -> Iterator[House]:
    """An institution with its people, served in this process."""
    # A module that overrides the settings gets its own service.
    with (
        watching_on_request() as watch,
        nullcontext(registry.house()) if settings == registry.settings else House.open(settings) as opened,
    ):
        yield opened
        assert opened.has_planted_rows or watch.unnamed == set(), "an event of the act must name these items"
        assert opened.has_planted_rows or watch.hidden == set(), "not every reader of these events reads what they name"
        assert opened.unlisted_ids() == set(), "enter these ids in app/core/ledger/catalogue.py"
        assert opened.has_planted_readers or opened.wrong_readers() == [], "the stored readers differ from the policy"
        assert types_without_twin(opened) == set(), "add acts to ACTS in tests/confidences.py, and these to CONFIDED"
        assert opened.awaited_in_vain() == [], "a case waits for somebody who is not there"


@pytest.fixture
def watched(house: House) -> Iterator[None]:
    """Every act of the test, whose events have to name each item that it changed."""
    with watching() as watch:
        yield
    assert watch.unnamed == set(), "an event of the act must name these items"
    assert watch.hidden == set(), "not every reader of these events reads what they name"


@pytest.fixture
def served(house: House) -> Iterator[House]:
    """The house, served on a loopback port, as outside clients reach it."""
    import uvicorn

    from app.operations.server import configured

    config = configured(house.app, Settings(), host="127.0.0.1", port=0, lifespan="off")
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
    """The people of the dispute about the waters of a river, before a case is opened."""
    return registry.dispute(house)


@pytest.fixture
def desk(dispute: Dispute) -> Desk:
    """A draft filing in a case that has a mediator."""
    dispute.mediating()
    return desk_of(dispute)


@pytest.fixture(scope="session")
def upload_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for uploaded documents; `settings_of_storage` empties it for each test."""
    return tmp_path_factory.mktemp("uploads")


@pytest.fixture(scope="session")
def bucket_server() -> Iterator[str]:
    """The address of a server that speaks S3's protocol."""
    with bucket_server_running() as address:
        yield address


@pytest.fixture(params=["sqlite", "postgresql"])
def durable(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Settings]:
    """An empty registry that waits for the disk at each commit, as in production."""
    if request.param == "sqlite":
        settings = Settings(database_url=f"sqlite:///{tmp_path / 'registry.db'}", **TEST_SETTINGS)
        migrate(settings)
        yield settings
        return
    yield request.getfixturevalue("postgresql_durable")


@pytest.fixture
def postgresql_durable_empty(tmp_path: Path) -> Iterator[Settings]:
    """A PostgreSQL database without tables that waits for its disk."""
    with new_database("accord_durable", durable=True) as url:
        database_url, storage = url.render_as_string(hide_password=False), str(tmp_path / "durable.documents")
        yield Settings(database_url=database_url, storage=storage, **TEST_SETTINGS)


@pytest.fixture
def postgresql_durable(postgresql_durable_empty: Settings) -> Settings:
    """An empty registry on PostgreSQL that waits for its disk."""
    migrate(postgresql_durable_empty)
    return postgresql_durable_empty


@pytest.fixture(params=["sqlite", "postgresql"])
def without_tables(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Settings]:
    """The settings of a database without tables, on each engine."""
    with database_without_tables(request.param, tmp_path) as settings:
        yield settings
