"""The processes that are measured: services of this checkout or of another one, and the time of a processor they take."""

import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy.engine import make_url

from app.settings import Settings
from benchmarks.seeding import Seeded
from benchmarks.service import BARE, OPEN, STARTED

ROOT = Path(__file__).resolve().parent.parent
KEY = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Checkout:
    """A folder from which `app` and `migrations` are taken, and the interpreter that has what they need."""

    folder: Path
    python: str

    def run(self, *arguments: str, **more: Any) -> str:
        """What a module prints."""
        command = [self.python, "-W", "ignore", *arguments]
        done = subprocess.run(
            command, cwd=self.folder, env=self.environment(**more), stdout=subprocess.PIPE, check=True
        )
        return done.stdout.decode()

    def environment(self, **more: str) -> dict[str, str]:
        """The environment of its processes."""
        return {"PATH": os.environ["PATH"], "PYTHONPATH": str(self.folder), "ACCORD_MASTER_KEY": KEY, **more}

    def head(self) -> str:
        """Its newest migration."""
        return self.run("-c", "from app.operations.migrating import head; print(head())").strip()

    def seed(self, url: str, cases: int, busy: int) -> Seeded:
        """Make a registry in an empty database."""
        return Seeded(**json.loads(self.run("-m", "benchmarks.seeding", url, str(cases), str(busy))))


OURS = Checkout(ROOT, sys.executable)


@contextmanager
def other_checkout(path: str) -> Iterator[Checkout]:
    """Another checkout, under the benchmarks of this one: they are linked into one folder."""
    other = Path(path).resolve()
    if not (other / "app").is_dir():
        raise SystemExit(f"BENCH_AGAINST names {path}, which is no checkout of this project.")
    own = other / ".venv" / "bin" / "python"
    with tempfile.TemporaryDirectory() as folder:
        for name, origin in (("app", other), ("migrations", other), ("benchmarks", ROOT), ("tests", ROOT)):
            (Path(folder) / name).symlink_to(origin / name)
        yield Checkout(Path(folder), str(own) if own.exists() else sys.executable)


@dataclass
class Service:
    """A running service: its port, and the ids of its processes."""

    port: int
    pids: list[int] = field(default_factory=list)


@contextmanager
def served(
    settings: Settings, processes: int = 1, *, checkout: Checkout = OURS, ungated: bool = False
) -> Iterator[Service]:
    """Run the benchmark's service in one or several processes on one socket."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen(128)
    environment = checkout.environment(
        ACCORD_DATABASE_URL=settings.database_url, ACCORD_ANONYMOUS_PER_MINUTE="0", ACCORD_WRITES_PER_MINUTE="0"
    )
    if ungated:
        environment[OPEN] = "1"
    elif checkout is OURS:
        environment[BARE] = "1"
    number = listening.fileno()
    command = [checkout.python, "-W", "ignore", "-m", "benchmarks.service", str(number)]
    running = [
        subprocess.Popen(
            command, env=environment, cwd=checkout.folder, pass_fds=[number], stdout=subprocess.PIPE, text=True
        )
        for _process in range(processes)
    ]
    service = Service(int(listening.getsockname()[1]), [process.pid for process in running])
    try:
        _wait_for(running)
        yield service
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.wait(30)
        listening.close()


def _wait_for(running: list[subprocess.Popen[str]]) -> None:
    """Wait until each process serves; raises RuntimeError if one ends before."""
    for process in running:
        assert process.stdout is not None
        if process.stdout.readline().strip() != STARTED:
            raise RuntimeError("a service did not start")


def processor_time(pids: Iterable[int]) -> float:
    """The seconds of a processor that processes have taken; those that have ended count nothing."""
    ticks = 0
    for pid in pids:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        except OSError:
            continue
        ticks += int(fields[11]) + int(fields[12])
    return ticks / _TICKS


class Backends:
    """The processes of PostgreSQL that work for one database; none of them where it runs on another machine."""

    def __init__(self, settings: Settings) -> None:
        self._connection: Any = None
        if not settings.is_sqlite and Path("/proc/self/stat").exists():
            options: Any = make_url(settings.database_url).translate_connect_args(username="user", database="dbname")
            self._connection = psycopg.connect(**options, autocommit=True)

    def times(self) -> dict[int, float]:
        """What each process has taken so far."""
        if self._connection is None:
            return {}
        asked = (
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend'"
            " AND pid <> pg_backend_pid()"
        )
        return {pid: processor_time([pid]) for (pid,) in self._connection.execute(asked) if _is_postgresql(pid)}

    def since(self, before: dict[int, float]) -> float | None:
        """The seconds that they have taken since; None if they cannot be seen."""
        now = self.times()
        return sum(taken - before.get(pid, 0.0) for pid, taken in now.items()) if now else None

    def close(self) -> None:
        """Close the connection that asks."""
        if self._connection is not None:
            self._connection.close()


def _is_postgresql(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").startswith("postgres")
    except OSError:
        return False
