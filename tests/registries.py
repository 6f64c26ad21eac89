"""The registries of this worker, one on each engine, restored for each test to a moment that was saved."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from copy import copy, deepcopy
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Engine, event, text
from starlette.testclient import TestClient

import app.core.tables.every  # noqa: F401 - every table must be known before they are emptied
from app.core.db import Base, sqlite
from app.settings import Settings
from tests.installation import TEST_SETTINGS, House, served_in_process
from tests.postgresql_server import new_database
from tests.story import Dispute

EMPTY, FOUNDED = "empty", "founded"
EmptyRegistry = Callable[[], Settings]
Made = TypeVar("Made")


class Registry(ABC):
    """A registry whose moments are saved, so that a beginning that many tests share is played once.

    A moment is restored only in a house that is where the moment began: with no request and no time since. Its service
    stays open from test to test, with its connections.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.saved: dict[str, tuple[House, object]] = {}
        # What tests made once and use without the registry.
        self.lasting: dict[str, Any] = {}
        self.client: TestClient | None = None

    @abstractmethod
    def save(self, moment: str) -> None:
        """Save the content of the registry under the name of a moment."""

    @abstractmethod
    def restore(self, moment: str) -> None:
        """Restore the content that was saved under this name."""

    @contextmanager
    def at_work(self) -> Iterator["Registry"]:
        """Use the registry, and close its service at the end."""
        try:
            yield self
        finally:
            if self.client is not None:
                self.client.__exit__()

    def house(self) -> House:
        """The institution on the day of its founding."""
        if FOUNDED not in self.saved:
            self.restore(EMPTY)
            self.client = served_in_process(self.settings)
            self.prepare(self.client.app.state.seams.database.engine)  # type: ignore[attr-defined]
            self.client.__enter__()
            self.saved[FOUNDED] = House.founded(self.settings, self.client), None
            self.save(FOUNDED)
        self.restore(FOUNDED)
        house = self.saved[FOUNDED][0].for_next_test()
        house.stay_at(FOUNDED)
        return house

    def moment(self, house: House, name: str, play: Callable[[], Made]) -> Made:
        """What `play` makes in the house: played for the first test that asks, restored for those after it."""
        beginning = house.moment()
        if beginning is None:
            return play()
        moment = f"{beginning}_{name}"
        if moment not in self.saved:
            made = play()
            first = copy(house)
            first.clock = copy(house.clock)
            self.saved[moment] = first, self._brought(made, house, first)
            self.save(moment)
        else:
            self.restore(moment)
            first, kept = self.saved[moment]
            house.requests, house.clock.now = first.requests, first.clock.now
            made = self._brought(kept, first, house)  # type: ignore[assignment]
        house.stay_at(moment)
        return made

    def return_to(self, house: House, moment: str) -> None:
        """Restore a saved moment in a house that began there, and that has left it."""
        self.restore(moment)
        first, _made = self.saved[moment]
        house.requests, house.clock.now = first.requests, first.clock.now
        house.stay_at(moment)

    def dispute(self, house: House) -> Dispute:
        """The people of the dispute about the waters of a river, whose beginnings are moments of this registry."""
        dispute = self.moment(house, "met", lambda: Dispute(house))
        dispute.moments = self
        return dispute

    def _brought(self, made: Made, from_house: House, to_house: House) -> Made:
        """A copy of what was made in one house, whose people belong to another."""
        kept = {id(each): each for each in (self, from_house.client)}
        moved = {id(from_house): to_house, id(from_house.clock): to_house.clock}
        people = {id(from_house.admin): to_house.admin, id(from_house.registrar): to_house.registrar}
        return deepcopy(made, {**kept, **moved, **people})

    @abstractmethod
    def prepare(self, engine: Engine) -> None:
        """Stop the service from waiting for the disk."""


class SqliteRegistry(Registry):
    """A SQLite file, with a copy of it for each moment."""

    def __init__(self, settings: Settings, path: Path, empty: Path) -> None:
        super().__init__(settings)
        self.path, self.copies = path, {EMPTY: empty}

    def save(self, moment: str) -> None:
        """Save the content of the registry under the name of a moment."""
        self.copies[moment] = self.path.with_name(f"{moment}.db")
        _copy(self.path, self.copies[moment])

    def restore(self, moment: str) -> None:
        """Restore the content that was saved under this name."""
        if self.client is not None:
            # Another SQLite library, opened by a test, releases the locks of this one when it closes the file.
            self.client.app.state.seams.database.dispose()  # type: ignore[attr-defined]
        _copy(self.copies[moment], self.path)

    def prepare(self, engine: Engine) -> None:
        """Stop the service from waiting for the disk, as on the tests' PostgreSQL databases."""
        event.listen(engine, "connect", lambda connection, _record: connection.execute("PRAGMA synchronous=OFF"))


def _copy(source: Path, target: Path) -> None:
    with closing(sqlite.connect(source)) as original, closing(sqlite.connect(target)) as copied:
        copied.execute("PRAGMA synchronous=OFF")
        original.backup(copied)


class PostgresqlRegistry(Registry):
    """A PostgreSQL database, with the rows of each moment in a schema of that name."""

    def __init__(self, settings: Settings, sweeper: Engine) -> None:
        super().__init__(settings)
        self.sweeper = sweeper
        self.filled: dict[str, list[str]] = {EMPTY: []}

    def save(self, moment: str) -> None:
        """Save the content of the registry under the name of a moment."""
        with self.sweeper.begin() as connection:
            names = [table.name for table in Base.metadata.sorted_tables]
            filled = [name for name in names if connection.scalar(text(f"SELECT EXISTS (SELECT FROM {name})"))]
            copies = [f"CREATE TABLE {moment}.{name} AS TABLE {name}" for name in filled]
            connection.exec_driver_sql("; ".join([f"CREATE SCHEMA {moment}", *copies]))
        self.filled[moment] = filled

    def restore(self, moment: str) -> None:
        """Restore the content that was saved under this name."""
        with self.sweeper.begin() as connection:
            filled = [f"INSERT INTO {name} SELECT * FROM {moment}.{name}" for name in self.filled[moment]]
            connection.exec_driver_sql("; ".join([*_DELETIONS, *filled]))

    def prepare(self, engine: Engine) -> None:
        """Do nothing: the database was created with this setting."""


def empty_tables(engine: Engine) -> None:
    """Delete every row of a PostgreSQL database, the protected events included."""
    with engine.begin() as connection:
        connection.exec_driver_sql("; ".join(_DELETIONS))


_DELETIONS = [
    "ALTER TABLE events DISABLE TRIGGER USER",
    *(f"DELETE FROM {table.name}" for table in reversed(Base.metadata.sorted_tables)),
    "ALTER TABLE events ENABLE TRIGGER USER",
]


@contextmanager
def database_without_tables(engine: str, folder: Path) -> Iterator[Settings]:
    """The settings of a database without tables on this engine; a SQLite file is made in the folder."""
    if engine == "sqlite":
        yield Settings(database_url=f"sqlite:///{folder / 'elsewhere.db'}", **TEST_SETTINGS)
        return
    with new_database("accord_elsewhere") as url:
        storage = str(folder / "elsewhere.documents")
        yield Settings(database_url=url.render_as_string(hide_password=False), storage=storage, **TEST_SETTINGS)
