"""`make bench`: measures the service, and writes tables and a plot to docs/performance.md.

Settings, as variables of the environment: BENCH_CASES and BENCH_SQLITE_CASES are the sizes of the registries,
BENCH_SECONDS the time for each figure, BENCH_BUSY how many cases have events, BENCH_AGAINST the path of another
checkout to compare with, and BENCH_PAGE another page than docs/performance.md.
"""

import asyncio
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import SecretStr
from sqlalchemy import create_engine, text

from app.core.db import sqlite
from app.settings import Settings
from benchmarks.processes import KEY, OURS, Backends, Checkout, Service, other_checkout, processor_time, served
from benchmarks.report import Figure, Filtered, Results, write
from benchmarks.requests import (
    BEFORE,
    BY_TWO,
    COMPARED,
    READERS,
    STEP,
    UNGATED,
    NextRequest,
    filters,
    head,
    operations,
)
from benchmarks.seeding import Seeded
from tests.postgresql_server import new_database, server_url

SQLITE, POSTGRESQL = "SQLite", "PostgreSQL"
CLIENTS = (1, 16)
# Compared operations are measured alternately in this many short turns, because a machine's speed varies over time.
TURNS = 4
# Of each filter at least so many requests are measured, for this part of the time of a figure.
FEWEST, PART_OF_A_FILTER = 5, 0.1


@dataclass(frozen=True)
class Options:
    """What is measured, and for how long."""

    sizes: dict[str, list[int]]
    seconds: float
    busy: int
    against: str | None


def options() -> Options:
    """The options, from the environment."""
    given = os.environ.get("BENCH_CASES")
    sizes = {
        POSTGRESQL: _numbers(given or "1000,100000,1000000"),
        SQLITE: _numbers(os.environ.get("BENCH_SQLITE_CASES") or given or "1000,100000"),
    }
    seconds, busy = float(os.environ.get("BENCH_SECONDS", "4")), int(os.environ.get("BENCH_BUSY", "100000"))
    return Options(sizes, seconds, busy, os.environ.get("BENCH_AGAINST") or None)


def _numbers(listed: str) -> list[int]:
    return [int(number) for number in listed.split(",")]


class Refused(Exception):
    """The service did not answer a request with success."""


async def one_client(port: int, next_request: NextRequest, until: float, took: list[float]) -> None:
    """Send requests on one connection until the time is up or no request is left; append seconds to `took`."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        while time.perf_counter() < until and (request := next_request()):
            took.append(await one_request(reader, writer, request))
    finally:
        writer.close()


async def one_request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> float:
    """Send a request and read its answer; return the seconds. Raises Refused."""
    began = time.perf_counter()
    writer.write(request)
    answer = await reader.readuntil(b"\r\n\r\n")
    if answer[9:10] != b"2":
        raise Refused(f"{request.splitlines()[0]!r} was answered by {answer.splitlines()[0]!r}")
    length = int(answer.lower().split(b"content-length: ", 1)[1].split(b"\r\n", 1)[0])
    await reader.readexactly(length)
    return time.perf_counter() - began


@dataclass
class Measured:
    """One operation of one service: its next request, the seconds of each so far, and the totals."""

    operation: str
    service: Service
    backends: Backends
    next_request: NextRequest
    took: list[float] = field(default_factory=list)
    lasted: float = 0.0
    in_service: float = 0.0
    in_database: float | None = 0.0

    async def turn(self, clients: int, seconds: float) -> None:
        """Send requests with so many clients for this time."""
        backends, service = self.backends.times(), processor_time(self.service.pids)
        began = time.perf_counter()
        sending = (
            one_client(self.service.port, self.next_request, began + seconds, self.took) for _client in range(clients)
        )
        await asyncio.gather(*sending)
        self.lasted += time.perf_counter() - began
        self.in_service += processor_time(self.service.pids) - service
        of_database = self.backends.since(backends)
        self.in_database = None if of_database is None or self.in_database is None else self.in_database + of_database

    def forget(self) -> None:
        """Forget what was measured so far, which only warmed up the service."""
        self.took, self.lasted, self.in_service, self.in_database = [], 0.0, 0.0, 0.0

    def figure(self, engine: str, cases: int, clients: int) -> Figure:
        """Summarise the measurements."""
        ordered, number = sorted(self.took), len(self.took)
        return Figure(
            engine=engine,
            cases=cases,
            operation=self.operation,
            clients=clients,
            per_second=number / self.lasted,
            p50=statistics.median(ordered) * 1000,
            p99=ordered[int(number * 0.99)] * 1000,
            service=self.in_service / number * 1000,
            database=None if self.in_database is None else self.in_database / number * 1000,
        )


@dataclass
class Variant:
    """A variant of the service that runs: its requests, and the database in which it works."""

    service: Service
    requests: dict[str, NextRequest]
    backends: Backends


@dataclass(frozen=True)
class Place:
    """An empty database for each checkout that needs its own."""

    engine: str
    cases: int
    folder: Path

    @contextmanager
    def database(self, name: str) -> Iterator[Settings]:
        """An empty database, removed afterwards."""
        if self.engine == SQLITE:
            yield _settings(f"sqlite:///{self.folder}/{name}.db")
            return
        with new_database("accord_bench", durable=True) as url:
            yield _settings(url.render_as_string(hide_password=False))


def _settings(url: str) -> Settings:
    return Settings(database_url=url, master_key=SecretStr(KEY))


def run(place: Place, wanted: Options, other: Checkout | None, results: Results) -> None:
    """Seed, serve and measure one size on one engine."""
    with ExitStack() as stack:
        settings = stack.enter_context(place.database("ours"))
        seeded = _seeded(OURS, settings, place, wanted)
        backends = Backends(settings)
        stack.callback(backends.close)
        requests = operations(seeded)
        variants = {
            "": Variant(stack.enter_context(served(settings)), requests, backends),
            UNGATED: Variant(stack.enter_context(served(settings, ungated=True)), requests, backends),
        }
        if place.engine == POSTGRESQL:
            variants[BY_TWO] = Variant(stack.enter_context(served(settings, 2)), requests, backends)
        if other is not None:
            variants[BEFORE] = _other(stack, place, wanted, other, variants[""], settings)
        check_gate(seeded, variants)
        for compared in COMPARED:
            measure([(operation, how) for operation, how in compared if how in variants], variants, place, results)
        results.filtered += measure_filters(variants[""].service.port, seeded, place, wanted)


def _seeded(checkout: Checkout, settings: Settings, place: Place, wanted: Options) -> Seeded:
    began = time.perf_counter()
    seeded = checkout.seed(settings.database_url, place.cases, min(wanted.busy, place.cases))
    print(f"{place.engine}, {place.cases:,} cases: seeded in {time.perf_counter() - began:.0f} s", flush=True)
    return seeded


def _other(
    stack: ExitStack, place: Place, wanted: Options, other: Checkout, ours: Variant, settings: Settings
) -> Variant:
    """The service of the other checkout: on the same database if it has the same tables, else on one of its own."""
    if other.head() == OURS.head():
        return Variant(stack.enter_context(served(settings, checkout=other)), ours.requests, ours.backends)
    settings = stack.enter_context(place.database("other"))
    seeded = _seeded(other, settings, place, wanted)
    backends = Backends(settings)
    stack.callback(backends.close)
    return Variant(stack.enter_context(served(settings, checkout=other)), operations(seeded), backends)


def check_gate(seeded: Seeded, variants: dict[str, Variant]) -> None:
    """Check that the agent reads another's case without the gate, and does not with it; raises RuntimeError if not."""
    request = head("GET", f"/v1/cases/{seeded.not_mine}", seeded.tokens["agent"])
    for how in ("", UNGATED):
        try:
            asyncio.run(_sent(variants[how].service.port, [request]))
            reads = True
        except Refused:
            reads = False
        if reads != (how == UNGATED):
            raise RuntimeError("the gate is not there" if reads else "the gate was not removed")


async def _sent(port: int, requests: list[bytes]) -> list[float]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        return [await one_request(reader, writer, request) for request in requests]
    finally:
        writer.close()


def measure(compared: list[tuple[str, str]], variants: dict[str, Variant], place: Place, results: Results) -> None:
    """Measure operations in turn, with one client and with several."""
    for clients in CLIENTS:
        group = [
            Measured(
                f"{operation}{how}", variants[how].service, variants[how].backends, variants[how].requests[operation]
            )
            for operation, how in compared
        ]
        for measured in group:
            if not measured.operation.startswith(STEP):
                asyncio.run(measured.turn(1, results.seconds / 20))
                measured.forget()
        for _turn in range(TURNS):
            for measured in group:
                asyncio.run(measured.turn(clients, results.seconds / TURNS))
        for measured in group:
            # Where all the steps were taken earlier, there is nothing to tell.
            if measured.took:
                figure = measured.figure(place.engine, place.cases, clients)
                print(f"  {figure.line()}", flush=True)
                results.figures.append(figure)


def measure_filters(port: int, seeded: Seeded, place: Place, wanted: Options) -> list[Filtered]:
    """The median times of a page under each filter, for each reader, from one client."""
    found = []
    for reader in READERS:
        for each in filters(seeded):
            request = each.request(seeded.tokens[reader])
            took: list[float] = []
            asyncio.run(_sent(port, [request]))
            until = time.perf_counter() + wanted.seconds * PART_OF_A_FILTER
            while len(took) < FEWEST or time.perf_counter() < until:
                took += asyncio.run(_sent(port, [request] * FEWEST))
            found.append(Filtered(place.engine, place.cases, reader, each.name, statistics.median(took) * 1000))
    return found


def everything(wanted: Options) -> Results:
    """Measure both engines at each size."""
    results = Results(wanted.seconds, machine())
    with ExitStack() as stack:
        other = stack.enter_context(other_checkout(wanted.against)) if wanted.against else None
        for engine in (SQLITE, POSTGRESQL):
            for cases in wanted.sizes[engine]:
                with tempfile.TemporaryDirectory() as folder:
                    run(Place(engine, cases, Path(folder)), wanted, other, results)
    return results


def machine() -> str:
    """Describe the machine and the versions."""
    engine = create_engine(server_url())
    with engine.connect() as connection:
        postgresql = connection.execute(text("SHOW server_version")).scalar_one().split()[0]
    engine.dispose()
    return (
        f"{os.cpu_count()} cores ({platform.machine()}), Python {platform.python_version()}, "
        f"PostgreSQL {postgresql}, SQLite {sqlite.sqlite_version}"
    )


if __name__ == "__main__":
    write(everything(options()), os.environ.get("BENCH_PAGE"))
