"""A database that hangs: nothing waits for it without a bound, and the service goes on once it answers again."""

import select
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

import pytest
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError

from app.core import db, postgresql
from app.operations import readiness
from app.settings import Settings
from tests.installation import House
from tests.registries import EMPTY, Registry
from tests.story import request


@dataclass
class Wire:
    """The way to a PostgreSQL server; while it hangs, connections are open and nothing passes, as with SIGSTOP."""

    server: tuple[str, int]
    listening: socket.socket
    passes: threading.Event = field(default_factory=threading.Event)
    stops: bool = False

    def run(self) -> None:
        """Pass on what arrives, until the end of the test."""
        pairs: dict[socket.socket, socket.socket] = {}
        while not self.stops:
            if not self.passes.wait(0.05):
                continue
            for ready in select.select([self.listening, *pairs], [], [], 0.02)[0]:
                if ready is self.listening:
                    client, server = self.listening.accept()[0], socket.create_connection(self.server)
                    pairs |= {client: server, server: client}
                    continue
                other = pairs.get(ready)
                if other is None:
                    continue
                with suppress(OSError):
                    if data := ready.recv(65_536):
                        other.sendall(data)
                        continue
                for end in (ready, other):
                    pairs.pop(end, None)
                    end.close()
        for end in pairs:
            end.close()


@pytest.fixture
def wire(postgresql_registry: Registry) -> Iterator[tuple[Settings, Wire]]:
    """An empty registry on PostgreSQL behind a wire. (SQLite has no server that could hang.)"""
    postgresql_registry.restore(EMPTY)
    settings = postgresql_registry.settings
    url = make_url(settings.database_url)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        between = Wire((url.host or "127.0.0.1", url.port or 5432), listening)
        between.passes.set()
        thread = threading.Thread(target=between.run, daemon=True)
        thread.start()
        behind = url.set(host="127.0.0.1", port=listening.getsockname()[1])
        yield (
            settings.model_copy(update={"database_url": behind.render_as_string(hide_password=False)}),
            between,
        )
        between.stops = True
        thread.join(5)


def test_the_service_answers_while_its_database_hangs_and_recovers(
    wire: tuple[Settings, Wire], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, between = wire
    # Shorter than in service, so that the test is.
    monkeypatch.setattr(postgresql, "SECONDS_TO_PING", 1.0)
    monkeypatch.setattr(db, "SECONDS_TO_CONNECT", 2)
    with House.open(settings) as house:
        person = house.person("Olga Strand")
        assert house.client.get("/readyz").status_code == 200
        between.passes.clear()
        for _attempt in range(2):
            began = time.monotonic()
            hung = house.client.get("/readyz")
            assert (hung.status_code, hung.json()["checks"]["database"]) in (
                (503, "does not answer"),
                (503, "cannot be reached"),
            )
            assert time.monotonic() - began < 3
        assert house.client.get("/livez").status_code == 200
        for method, body in (("GET", None), ("POST", request())):
            began = time.monotonic()
            person.send(method, "/v1/cases", json=body).expect(503, "unavailable")
            assert time.monotonic() - began < 8
        between.passes.set()
        person.get("/v1/me").expect(200)
        assert house.client.get("/readyz").status_code == 200
        assert person.get("/v1/cases").expect(200)["items"] == []


def test_a_statement_that_is_not_answered_ends_with_its_connection(
    wire: tuple[Settings, Wire], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, between = wire
    monkeypatch.setattr(postgresql, "SECONDS_TO_ANSWER", 1.0)
    with House.open(settings) as house, house.database.engine.connect() as connection:
        between.passes.clear()
        began = time.monotonic()
        with pytest.raises(OperationalError) as failed:
            connection.exec_driver_sql("SELECT 1")
        assert time.monotonic() - began < 3
        assert failed.value.connection_invalidated
        between.passes.set()


def test_the_bounds_are_those_that_the_documents_name() -> None:
    assert readiness.SECONDS_TO_LOOK < 3
    assert postgresql.SECONDS_OF_A_STATEMENT < postgresql.SECONDS_TO_ANSWER < 20
    assert Settings().pool_size >= 2
