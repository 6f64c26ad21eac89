"""A clock that runs fast, shared by several processes, and a program that sends webhooks by it until it is killed."""

import os
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from app.integration.webhooks import outbox
from app.main import create_app, system_entropy
from app.operations.background.webhook_sender import WebhookSender
from app.settings import Settings
from tests.installation import Clock
from tests.processes import ROOT, environment
from tests.receivers import LOOPBACK


class Scaled(Clock):
    """A clock that runs `scale` times as fast as the machine's, from an instant that processes share."""

    def __init__(self, scale: float, began: datetime, at: float) -> None:
        self.scale = scale
        self.began = began
        self.at = at

    def __call__(self) -> datetime:
        """The present instant."""
        return self.began + timedelta(seconds=(time.monotonic() - self.at) * self.scale)

    @property
    def now(self) -> datetime:  # type: ignore[override]
        """The present instant."""
        return self()

    def seconds(self, instant: datetime) -> float:
        """The machine's monotonic seconds at an instant of this clock."""
        return self.at + (instant - self.began).total_seconds() / self.scale


def start(settings: Settings, clock: Scaled, folder: Path) -> "subprocess.Popen[bytes]":
    """Start a sender in its own process, by that clock."""
    words = [str(clock.scale), clock.began.isoformat(), str(clock.at)]
    variables = environment(settings, ACCORD_WEBHOOK_ALLOWED=LOOPBACK, ACCORD_STORAGE=str(settings.storage))
    with (folder / "sender.log").open("ab") as log:
        command = [sys.executable, "-m", "tests.fast_sender", *words]
        return subprocess.Popen(
            command, cwd=ROOT, env=variables, start_new_session=True, stdout=log, stderr=log, stdin=subprocess.DEVNULL
        )


def came_up(folder: Path) -> list[float]:
    """The machine's monotonic seconds at which each process was ready."""
    lines = (folder / "sender.log").read_text(encoding="utf-8").splitlines()
    return [float(line.removeprefix("up ")) for line in lines if line.startswith("up ")]


def kill(process: "subprocess.Popen[bytes]") -> None:
    """Kill it, as a power cut would."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def main() -> None:
    """Send until killed, or until the parent process has ended."""
    parent, stop = os.getppid(), threading.Event()
    scale, began, at = sys.argv[1:]
    clock = Scaled(float(scale), datetime.fromisoformat(began).astimezone(UTC), float(at))
    # A lease covers the time that a killed process takes to restart, which the fast clock does not shorten.
    outbox.LEASE *= clock.scale
    seams = create_app(Settings(), clock).state.seams
    print(f"up {time.monotonic()}", flush=True)  # noqa: T201 - the test reads when
    threading.Thread(target=WebhookSender(seams, lambda: system_entropy("")).run, args=(stop,), daemon=True).start()
    while os.getppid() == parent:
        time.sleep(0.2)


if __name__ == "__main__":
    main()
