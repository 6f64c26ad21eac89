"""`make bench`: measures the service and writes a table and a plot to docs/performance.md."""

import asyncio
import json
import os
import platform
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from pydantic import SecretStr
from sqlalchemy import create_engine, event, text

from app.core.access.authentication import authenticate
from app.core.access.gate import guard
from app.core.access.session import GatedSession, read_under
from app.core.db import Database, sqlite
from app.core.paging import Cursors, Page, Walk
from app.proceedings.cases import queries
from app.proceedings.cases.schemas import CaseFilters
from app.settings import Settings
from benchmarks.seeding import Seeded, seed
from benchmarks.service import OPEN
from tests.postgresql_server import new_database
from tests.request_bodies import REQUESTS

ROOT = Path(__file__).resolve().parent.parent
KEY = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
SIZES = [int(size) for size in os.environ.get("BENCH_CASES", "1000,100000").split(",")]
SECONDS = float(os.environ.get("BENCH_SECONDS", "4"))
CLIENTS = (1, 16)
# Compared operations are measured alternately in this many short turns, because a machine's speed varies over time.
TURNS = 4
UNGATED, BY_TWO = ", without the gate", ", two processes"


@dataclass
class Figure:
    """Result of one operation: requests per second, and latencies in milliseconds."""

    engine: str
    cases: int
    operation: str
    clients: int
    per_second: float
    p50: float
    p99: float


def head(method: str, path: str, token: str, body: bytes = b"") -> bytes:
    """Build a request as bytes once, so that the client uses little time."""
    kind = f"content-type: application/json\r\ncontent-length: {len(body)}\r\n" if body else ""
    return f"{method} {path} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {token}\r\n{kind}\r\n".encode() + body


async def one_client(port: int, next_request: Callable[[], bytes], until: float, took: list[float]) -> None:
    """Send requests on one connection until the time is up or no request is left; append seconds to `took`."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while time.perf_counter() < until and (request := next_request()):
        began = time.perf_counter()
        writer.write(request)
        answer = await reader.readuntil(b"\r\n\r\n")
        assert answer[9:10] == b"2", answer[:300]
        length = int(answer.lower().split(b"content-length: ", 1)[1].split(b"\r\n", 1)[0])
        await reader.readexactly(length)
        took.append(time.perf_counter() - began)
    writer.close()


@dataclass
class Measured:
    """One operation of one service: its next request, the seconds of each so far, and the total."""

    operation: str
    port: int
    next_request: Callable[[], bytes]
    took: list[float] = field(default_factory=list)
    lasted: float = 0.0

    async def turn(self, clients: int, seconds: float) -> None:
        """Send requests with so many clients for this time."""
        began = time.perf_counter()
        sending = (one_client(self.port, self.next_request, began + seconds, self.took) for _client in range(clients))
        await asyncio.gather(*sending)
        self.lasted += time.perf_counter() - began

    def figure(self, engine: str, cases: int, clients: int) -> Figure:
        """Summarise the measurements."""
        ordered = sorted(self.took)
        median, slow = statistics.median(ordered) * 1000, ordered[int(len(ordered) * 0.99)] * 1000
        return Figure(engine, cases, self.operation, clients, len(ordered) / self.lasted, median, slow)


@contextmanager
def served(settings: Settings, processes: int = 1, *, ungated: bool = False) -> Iterator[int]:
    """Run the benchmark's service in one or several processes on one socket; yield its port."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "ACCORD_DATABASE_URL": settings.database_url,
        "ACCORD_MASTER_KEY": KEY,
        "ACCORD_ANONYMOUS_PER_MINUTE": "0",
        "ACCORD_WRITES_PER_MINUTE": "0",
        **({OPEN: "1"} if ungated else {}),
    }
    number = listening.fileno()
    command = [sys.executable, "-m", "benchmarks.service", str(number)]
    running = [subprocess.Popen(command, env=environment, cwd=ROOT, pass_fds=[number]) for _process in range(processes)]
    port = int(listening.getsockname()[1])
    try:
        for _attempt in range(200):
            try:
                with socket.create_connection(("127.0.0.1", port), timeout=1) as probe:
                    probe.sendall(b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\n")
                    if probe.recv(1):
                        break
            except OSError:
                time.sleep(0.1)
        yield port
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.wait(30)
        listening.close()


# Operations and the variant of the service; those of one line are measured alternately.
COMPARED = [
    [("bare read", ""), ("read a case", ""), ("read a case", UNGATED)],
    [("list 50 of one's own", ""), ("list 50 of one's own", UNGATED)],
    [("list 50, registrar", "")],
    [("create a case", ""), ("create a case", BY_TWO)],
    [("take a step", "")],
]


def operations(seeded: Seeded) -> dict[str, Callable[[], bytes]]:
    """Functions that make the next request of each operation."""
    case = seeded.mine[0]
    steps = (
        head("POST", f"/v1/cases/{id}/steps/invite", seeded.registrar, b"{}") for id in seeded.others + seeded.mine
    )
    opening = json.dumps(
        {**REQUESTS["CaseIn"], "parties": [{**party, "member_id": None} for party in REQUESTS["CaseIn"]["parties"]]}
    ).encode()
    return {
        "bare read": lambda: head("GET", f"/bare/{case}", seeded.agent),
        "read a case": lambda: head("GET", f"/v1/cases/{case}", seeded.agent),
        "list 50 of one's own": lambda: head("GET", "/v1/cases", seeded.agent),
        "list 50, registrar": lambda: head("GET", "/v1/cases", seeded.registrar),
        "create a case": lambda: head("POST", "/v1/cases", seeded.agent, opening),
        "take a step": lambda: next(steps, b""),
    }


def run(engine: str, settings: Settings, cases: int) -> tuple[list[Figure], list[str]]:
    """Seed, serve and measure; return the figures and the query plans of the lists."""
    began = time.perf_counter()
    seeded = seed(settings, cases)
    print(f"{engine}, {cases} cases: seeded in {time.perf_counter() - began:.0f} s", flush=True)
    figures = []
    requests = operations(seeded)
    with ExitStack() as services:
        ports = {
            "": services.enter_context(served(settings)),
            UNGATED: services.enter_context(served(settings, ungated=True)),
        }
        if not settings.is_sqlite:
            ports[BY_TWO] = services.enter_context(served(settings, processes=2))
        for compared in COMPARED:
            for clients in CLIENTS:
                group = [
                    Measured(f"{operation}{how}", ports[how], requests[operation])
                    for operation, how in compared
                    if how in ports
                ]
                for _turn in range(TURNS):
                    for measured in group:
                        asyncio.run(measured.turn(clients, SECONDS / TURNS))
                for measured in group:
                    figure = measured.figure(engine, cases, clients)
                    result = f"{figure.per_second:8.0f}/s  p99 {figure.p99:.1f} ms"
                    print(f"  {measured.operation:<38} {clients:>2} clients {result}", flush=True)
                    figures.append(figure)
    return figures, explained(settings, seeded)


def explained(settings: Settings, seeded: Seeded) -> list[str]:
    """Query plans of a page of cases, for a party's agent and for a registrar."""
    database = Database(settings, guard, GatedSession)
    statements: list[tuple[str, object]] = []

    def note(_connection: object, _cursor: object, sql: str, values: object, *_rest: object) -> None:
        if "FROM cases JOIN audience_readers" in " ".join(sql.split()):
            statements.append((sql, values))

    event.listen(database.engine, "before_cursor_execute", note)
    now = datetime.now(UTC)
    for token in (seeded.agent, seeded.registrar):
        with database.read(os.urandom) as db:
            actor = authenticate(db, token, now)
        with database.read(os.urandom) as db:
            db.walk = Walk(Cursors(), actor.id, "/v1/cases")
            read_under(db, actor.principals)
            queries.list_cases(db, actor, now, Page(), CaseFilters())
    event.remove(database.engine, "before_cursor_execute", note)
    plans = []
    explain = "EXPLAIN QUERY PLAN " if settings.is_sqlite else "EXPLAIN "
    # On a connection of the service, whose settings influence the plan.
    with database.engine.connect() as connection:
        for sql, values in statements:
            rows = connection.exec_driver_sql(explain + sql, values).all()  # type: ignore[arg-type]
            plans.append("\n".join(str(row[-1]) for row in rows))
    database.dispose()
    return plans


def everything() -> tuple[list[Figure], dict[str, list[str]]]:
    """Measure both engines at each size."""
    figures: list[Figure] = []
    plans: dict[str, list[str]] = {}
    for cases in SIZES:
        with tempfile.TemporaryDirectory() as folder:
            settings = Settings(database_url=f"sqlite:///{folder}/bench.db", master_key=SecretStr(KEY))
            measured, plan = run("SQLite", settings, cases)
            figures += measured
            plans[f"SQLite, {cases:,} cases"] = plan
        with new_database("accord_bench", durable=True) as url:
            settings = Settings(database_url=url.render_as_string(hide_password=False), master_key=SecretStr(KEY))
            measured, plan = run("PostgreSQL", settings, cases)
            figures += measured
            plans[f"PostgreSQL, {cases:,} cases"] = plan
    return figures, plans


def machine() -> str:
    """Describe the machine and the versions."""
    engine = create_engine("postgresql+psycopg://postgres@127.0.0.1:5432/postgres")
    try:
        with engine.connect() as connection:
            postgresql = connection.execute(text("SHOW server_version")).scalar_one().split()[0]
    except Exception:
        postgresql = "of its own"
    cores = os.cpu_count()
    return (
        f"{cores} cores ({platform.machine()}), Python {platform.python_version()}, "
        f"PostgreSQL {postgresql}, SQLite {sqlite.sqlite_version}"
    )


if __name__ == "__main__":
    from benchmarks.report import write

    write(*everything(), machine())
