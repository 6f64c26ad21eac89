"""The service and its commands in their own processes, as an operator runs them."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from app.settings import PREFIX, Settings
from tests.installation import MASTER_KEY

ROOT = Path(__file__).parent.parent


def free_port() -> int:
    """A port of the loopback address on which no process listens now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def forget_settings() -> None:
    """Drop the settings of a registry that the same terminal serves; `ACCORD_TEST_…` are for the tests."""
    for name in list(os.environ):
        if name.upper().startswith(PREFIX) and not name.upper().startswith(f"{PREFIX}TEST_"):
            del os.environ[name]


def environment(settings: Settings, **more: str) -> dict[str, str]:
    """The environment of a command on that database, without rate limits."""
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "1",
        "ACCORD_DATABASE_URL": settings.database_url,
        "ACCORD_MASTER_KEY": MASTER_KEY.get_secret_value(),
        "ACCORD_ANONYMOUS_PER_MINUTE": "0",
        "ACCORD_WRITES_PER_MINUTE": "0",
        "ACCORD_HTTP_SERVER": settings.http_server,
        # Without it, a service on PostgreSQL makes its folder in the checkout.
        **({"ACCORD_STORAGE": settings.storage} if settings.storage else {}),
        **more,
    }


def accord(settings: Settings, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run a command; gives what it prints and its exit code."""
    command = [sys.executable, "-m", "app", *words]
    return subprocess.run(command, env=environment(settings, **more), capture_output=True, text=True, check=False)


@dataclass
class Served:
    """A command that runs in its own process group: the service or the worker."""

    process: "subprocess.Popen[bytes]"
    base_url: str = ""
    port: int = 0

    def kill(self) -> None:
        """Kill it, as a power cut would."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@contextmanager
def running(settings: Settings, *words: str, log: str | Path = os.devnull, **more: str) -> Iterator[Served]:
    """A command that runs until the block ends; its output goes into `log`."""
    command = [sys.executable, "-m", "app", *words]
    with open(log, "ab") as output:
        process = subprocess.Popen(
            command, env=environment(settings, **more), start_new_session=True, stdout=output, stderr=output
        )
    started = Served(process)
    try:
        yield started
    finally:
        started.kill()


@contextmanager
def served(settings: Settings, *words: str, log: str | Path = os.devnull, **more: str) -> Iterator[Served]:
    """The service on a free port, once it answers."""
    port = free_port()
    with running(settings, "serve", "--port", str(port), *words, log=log, **more) as service:
        service.port, service.base_url = port, f"http://127.0.0.1:{port}"
        for _attempt in range(300):
            try:
                httpx.get(f"{service.base_url}/livez", timeout=5)
                break
            except httpx.TransportError:
                assert service.process.poll() is None, "the service did not start"
                time.sleep(0.1)
        yield service
