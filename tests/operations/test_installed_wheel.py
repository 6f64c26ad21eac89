"""A wheel that is built from the checkout and installed without it runs, by the server that the settings name."""

import asyncio
import os
import subprocess
import sys
import sysconfig
import time
import venv
from pathlib import Path
from typing import Any, cast

import fastapi
import httpx
import pytest
import uvloop

from app.operations.server import configured
from app.settings import Settings
from tests.processes import ROOT, free_port


def installed(tmp_path: Path) -> Path:
    """The folder of the commands of an environment with the wheel, and with the packages of this one."""
    run(tmp_path, sys.executable, "-c", f"import hatchling.build as b; b.build_wheel({str(tmp_path)!r})", cwd=ROOT)
    (wheel,) = tmp_path.glob("*.whl")
    environment = tmp_path / "environment"
    venv.create(environment, with_pip=False)
    paths = {"base": str(environment), "platbase": str(environment)}
    packages = Path(sysconfig.get_path("purelib", vars=paths))
    # The packages that the wheel needs. What is installed there in place, the checkout, does not count.
    (packages / "needed.pth").write_text(f"{Path(fastapi.__file__).parents[1]}\n", encoding="utf-8")
    python = environment / "bin" / "python"
    options = ("--quiet", "--no-deps", "--no-index", "--ignore-installed", "--disable-pip-version-check")
    run(tmp_path, sys.executable, "-m", "pip", "--python", str(python), "install", *options, str(wheel))
    return environment / "bin"


def run(home: Path, *command: str, cwd: Path | None = None) -> str:
    """Run a command outside the checkout; fails if it does."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    done = subprocess.run(command, cwd=cwd or home, env=kept, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (command, done.stdout[-2000:], done.stderr[-4000:])
    return done.stdout


@pytest.mark.slow
def test_an_installed_wheel_plays_the_demo_migrates_and_serves(tmp_path: Path) -> None:
    commands, home = installed(tmp_path), tmp_path / "home"
    home.mkdir()
    where = run(home, str(commands / "python"), "-c", "import app; print(app.__file__)")
    assert Path(where.strip()).is_relative_to(tmp_path)
    accord = str(commands / "accord")
    assert "settled" in run(home, accord, "demo", "--no-serve").lower()
    run(home, accord, "migrate")
    port = str(free_port())
    with subprocess.Popen(
        [accord, "serve", "--port", port], cwd=home, env={"PATH": os.environ["PATH"]}, stderr=subprocess.DEVNULL
    ) as process:
        try:
            assert ready(port)
        finally:
            process.terminate()
            process.wait(30)


def ready(port: str) -> bool:
    """Whether the service is ready within half a minute."""
    for _attempt in range(100):
        try:
            return bool(httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=5).json()["status"] == "ready")
        except httpx.TransportError:
            time.sleep(0.3)
    return False


def test_the_loop_and_the_parser_are_those_that_the_settings_name_whatever_is_installed() -> None:
    async def application(_scope: Any, _receive: Any, _send: Any) -> None:
        raise AssertionError("no request is sent")

    for http_server, loop, connection in (
        ("httptools", uvloop.Loop, "HttpToolsConnection"),
        ("h11", asyncio.SelectorEventLoop, "H11Connection"),
    ):
        config = configured(application, Settings(http_server=cast(Any, http_server)))
        factory: Any = config.get_loop_factory()
        made = factory()
        made.close()
        assert isinstance(made, loop)
        config.load()
        assert config.http_protocol_class.__name__ == connection
