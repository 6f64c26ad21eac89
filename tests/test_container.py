"""The Dockerfile's steps, carried out in a clean folder, since no image can be built here; and what compose starts."""

import json
import os
import re
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.docs.consoles import free_port

ROOT = Path(__file__).parent.parent


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's instructions, continued lines made one."""
    text = re.sub(r"\\\n\s*", " ", (ROOT / "Dockerfile").read_text(encoding="utf-8"))
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(line.split(None, 1)[0], line.split(None, 1)[1]) for line in lines]


@pytest.mark.slow
def test_the_steps_of_the_image_make_a_service_that_its_health_check_finds_well(tmp_path: Path) -> None:
    image, home = tmp_path / "srv", tmp_path / "var"
    home.mkdir()
    (image / "accord").mkdir(parents=True)
    kept = ("PATH", "HOME", "PIP_", "SSL_CERT", "REQUESTS_CA", "https_proxy", "http_proxy")
    environment = {name: value for name, value in os.environ.items() if name.startswith(kept)}

    def here(command: str) -> str:
        return command.replace("/srv/", f"{image}/").replace("python -m venv", "python3 -m venv")

    stage, commands = 0, {}
    for word, rest in instructions():
        stage += word == "FROM"
        if word in ("CMD", "HEALTHCHECK"):
            commands[word] = json.loads(rest[rest.index("[") :])
        if stage == 1 and word == "COPY":
            *sources, target = rest.split()
            for source in sources:
                place = image / "accord" / (target if target != "./" else source)
                copy = shutil.copytree if (ROOT / source).is_dir() else shutil.copy
                copy(ROOT / source, place)
        if stage == 1 and word == "RUN":
            done = subprocess.run(
                ["sh", "-c", here(rest)],
                cwd=image / "accord",
                env=environment,
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, (rest, done.stderr[-2000:])
    port = str(free_port())
    command = [word.replace("8000", port) for word in commands["CMD"]]
    command[command.index("--host") + 1] = "127.0.0.1"
    served = {**environment, "PATH": f"{image}/venv/bin:{os.environ['PATH']}", "ACCORD_MIGRATE_ON_START": "true"}
    with subprocess.Popen(
        command, cwd=home, env=served, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    ) as process:
        check = [word.replace("8000", port) for word in commands["HEALTHCHECK"]]
        for _attempt in range(100):
            if subprocess.run(check, env=served, capture_output=True, check=False).returncode == 0:
                break
            time.sleep(0.2)
        assert httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=10).json()["status"] == "ready"
        process.terminate()
        assert process.wait(25) in (0, -15)


def test_the_image_runs_as_nobody_special_and_checks_its_health() -> None:
    found = instructions()
    assert ("USER", "10001") in found
    assert [word for word, _rest in found].count("FROM") == 2
    assert any(word == "HEALTHCHECK" for word, _rest in found)


def test_compose_starts_database_migration_service_and_worker() -> None:
    compose: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
    services = compose["services"]
    assert set(services) == {"database", "migrate", "service", "worker"}
    assert services["migrate"]["command"] == ["accord", "migrate"]
    assert services["service"]["command"][-2:] == ["--workers", "2"]
    assert services["service"]["environment"]["ACCORD_RUN_WORKER"] == "false"
    for name in ("service", "worker"):
        assert services[name]["depends_on"] == {"migrate": {"condition": "service_completed_successfully"}}
        assert services[name]["cap_drop"] == ["ALL"]
