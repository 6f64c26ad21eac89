"""The registries of this worker, one on each engine, brought back for each test to a moment that was kept."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import closing, contextmanager
from copy import copy
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event, text
from starlette.testclient import TestClient

import app.core.tables.every  # noqa: F401 - every table must be known before they are emptied
from app.core.db import Base, sqlite
from app.settings import Settings
from tests.installation import House, served_in_process
from tests.story import Dispute

EMPTY, FOUNDED, MET = "empty", "founded", "met"


class Registry(ABC):
    """A registry of which moments are kept, so that what many tests begin with is acted out once.

    Its service stays open from test to test, with its connections.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.known: dict[str, Any] = {}
        self.client: TestClient | None = None

    @abstractmethod
    def keep(self, moment: str) -> None:
        """Keep all that is in the registry now."""

    @abstractmethod
    def bring_back(self, moment: str) -> None:
        """Make the registry what it was then."""

    @contextmanager
    def at_work(self) -> Iterator["Registry"]:
        """Until the end, when its service is closed."""
        try:
            yield self
        finally:
            if self.client is not None:
                self.client.__exit__()

    def house(self) -> House:
        """The institution on the day of its founding."""
        if FOUNDED not in self.known:
            self.bring_back(EMPTY)
            self.client = served_in_process(self.settings)
            self.prepare(self.client.app.state.seams.database.engine)  # type: ignore[attr-defined]
            self.client.__enter__()
            self.known[FOUNDED] = House.founded(self.settings, self.client)
            self.keep(FOUNDED)
        self.bring_back(FOUNDED)
        first: House = self.known[FOUNDED]
        return first.again()

    def is_fresh(self, house: House) -> bool:
        """Whether it is this registry's house, on the day of its founding."""
        first: House | None = self.known.get(FOUNDED)
        known = first and (first.app, first.requests, first.clock)
        return (house.app, house.requests, house.clock) == known

    def dispute(self, house: House) -> Dispute:
        """The people of a dispute in a house that is fresh."""
        if MET not in self.known:
            met = Dispute(house)
            # What the test does from here on is not of that moment.
            met.house = copy(house)
            self.known[MET] = met
            self.keep(MET)
        else:
            self.bring_back(MET)
        known: Dispute = self.known[MET]
        return known.again(house)

    @abstractmethod
    def prepare(self, engine: Engine) -> None:
        """Make the service wait for no disk."""


class SqliteRegistry(Registry):
    """A file, and a copy of it for each moment."""

    def __init__(self, settings: Settings, path: Path, empty: Path) -> None:
        super().__init__(settings)
        self.path, self.copies = path, {EMPTY: empty}

    def keep(self, moment: str) -> None:
        """Keep all that is in the registry now."""
        self.copies[moment] = self.path.with_name(f"{moment}.db")
        _copy(self.path, self.copies[moment])

    def bring_back(self, moment: str) -> None:
        """Make the registry what it was then."""
        if self.client is not None:
            # A test may have brought another SQLite, which ends the locks of this one when it closes the file.
            self.client.app.state.seams.database.dispose()  # type: ignore[attr-defined]
        _copy(self.copies[moment], self.path)

    def prepare(self, engine: Engine) -> None:
        """Make the service wait for no disk, as the tests' PostgreSQL databases do not."""
        event.listen(engine, "connect", lambda connection, _record: connection.execute("PRAGMA synchronous=OFF"))


def _copy(source: Path, target: Path) -> None:
    with closing(sqlite.connect(source)) as one, closing(sqlite.connect(target)) as other:
        other.execute("PRAGMA synchronous=OFF")
        one.backup(other)


class PostgresqlRegistry(Registry):
    """A database, with the rows of each moment in a schema of that name."""

    def __init__(self, settings: Settings, sweeper: Engine) -> None:
        super().__init__(settings)
        self.sweeper = sweeper
        self.filled: dict[str, list[str]] = {EMPTY: []}

    def keep(self, moment: str) -> None:
        """Keep all that is in the registry now."""
        with self.sweeper.begin() as connection:
            names = [table.name for table in Base.metadata.sorted_tables]
            filled = [name for name in names if connection.scalar(text(f"SELECT EXISTS (SELECT FROM {name})"))]
            kept = [f"CREATE TABLE {moment}.{name} AS TABLE {name}" for name in filled]
            connection.exec_driver_sql("; ".join([f"CREATE SCHEMA {moment}", *kept]))
        self.filled[moment] = filled

    def bring_back(self, moment: str) -> None:
        """Make the registry what it was then."""
        with self.sweeper.begin() as connection:
            filled = [f"INSERT INTO {name} SELECT * FROM {moment}.{name}" for name in self.filled[moment]]
            connection.exec_driver_sql("; ".join([*EMPTYING, *filled]))

    def prepare(self, engine: Engine) -> None:
        """Nothing: the database was told when it was made."""


# The service itself never does this.
EMPTYING = [
    "ALTER TABLE events DISABLE TRIGGER USER",
    *(f"DELETE FROM {table.name}" for table in reversed(Base.metadata.sorted_tables)),
    "ALTER TABLE events ENABLE TRIGGER USER",
]
