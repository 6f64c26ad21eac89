"""The service in processes of its own, as an operator runs it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from app.settings import Settings
from tests.conftest import MASTER_KEY
from tests.docs.consoles import free_port

ROOT = Path(__file__).parent.parent


def surroundings(settings: Settings, **more: str) -> dict[str, str]:
    """The environment of a command on that database, without limits of requests."""
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "1",
        "ACCORD_DATABASE_URL": settings.database_url,
        "ACCORD_MASTER_KEY": MASTER_KEY.get_secret_value(),
        "ACCORD_ANONYMOUS_PER_MINUTE": "0",
        "ACCORD_WRITES_PER_MINUTE": "0",
        **more,
    }


def accord(settings: Settings, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    """What a command prints, and its exit code."""
    command = [sys.executable, "-m", "app", *words]
    return subprocess.run(command, env=surroundings(settings, **more), capture_output=True, text=True, check=False)


@dataclass
class Served:
    """A service, or a worker, in its own process group."""

    process: "subprocess.Popen[bytes]"
    base_url: str = ""
    port: int = 0

    def kill(self) -> None:
        """End it as a power cut would."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@contextmanager
def running(settings: Settings, *words: str, log: str | Path = os.devnull, **more: str) -> Iterator[Served]:
    """A command that runs until the test is through; what it says goes into `log`."""
    command = [sys.executable, "-m", "app", *words]
    with open(log, "ab") as said:
        process = subprocess.Popen(
            command, env=surroundings(settings, **more), start_new_session=True, stdout=said, stderr=said
        )
    one = Served(process)
    try:
        yield one
    finally:
        one.kill()


@contextmanager
def served(settings: Settings, *words: str, log: str | Path = os.devnull, **more: str) -> Iterator[Served]:
    """The service, once it answers."""
    port = free_port()
    with running(settings, "serve", "--port", str(port), *words, log=log, **more) as one:
        one.port, one.base_url = port, f"http://127.0.0.1:{port}"
        for _attempt in range(300):
            try:
                httpx.get(f"{one.base_url}/livez", timeout=5)
                break
            except httpx.TransportError:
                assert one.process.poll() is None, "the service did not start"
                time.sleep(0.1)
        yield one
