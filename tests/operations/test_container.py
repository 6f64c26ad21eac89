"""The Dockerfile's steps, run in a clean folder because no image can be built here, and the services of compose."""

import json
import os
import re
import shutil
import subprocess
import time
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from app.settings import Settings
from tests.processes import free_port

ROOT = Path(__file__).parents[2]


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's instructions, with continued lines joined."""
    text = re.sub(r"\\\n\s*", " ", (ROOT / "Dockerfile").read_text(encoding="utf-8"))
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(line.split(None, 1)[0], line.split(None, 1)[1]) for line in lines]


@pytest.mark.slow
def test_the_steps_of_the_image_make_a_service_that_passes_its_health_check(tmp_path: Path) -> None:
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


def test_the_image_runs_as_an_unprivileged_user_and_has_a_health_check() -> None:
    lines = instructions()
    assert ("USER", "10001") in lines
    assert [word for word, _rest in lines].count("FROM") == 2
    assert any(word == "HEALTHCHECK" for word, _rest in lines)


def composed() -> dict[str, Any]:
    """The contents of compose.yaml."""
    return dict(yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8")))


def test_compose_starts_database_migration_service_and_worker_in_this_order() -> None:
    services = composed()["services"]
    assert set(services) == {"database", "migrate", "service", "worker"}
    assert services["migrate"]["command"] == ["accord", "migrate"]
    assert services["worker"]["command"] == ["accord", "worker"]
    assert services["service"]["command"][-2:] == ["--workers", "2"]
    assert services["service"]["environment"]["ACCORD_RUN_WORKER"] == "false"
    assert services["migrate"]["depends_on"] == {"database": {"condition": "service_healthy"}}
    for name in ("service", "worker"):
        assert services[name]["depends_on"] == {"migrate": {"condition": "service_completed_successfully"}}
    restarts = {name: service["restart"] for name, service in services.items()}
    assert restarts == dict.fromkeys(("database", "service", "worker"), "unless-stopped") | {"migrate": "no"}


def test_the_containers_have_few_privileges_and_listen_on_this_machine_only() -> None:
    compose = composed()
    services = compose["services"]
    for name in ("migrate", "service", "worker"):
        container = services[name]
        assert (container["read_only"], container["cap_drop"]) == (True, ["ALL"])
        assert container["security_opt"] == ["no-new-privileges:true"]
        assert container["volumes"] == ["documents:/var/lib/accord"]
    assert [name for name, container in services.items() if "ports" in container] == ["service"]
    assert all(port.startswith("127.0.0.1:") for port in services["service"]["ports"])
    assert set(compose["volumes"]) == {"documents", "database"}
    assert all("max-size" in service["logging"]["options"] for service in services.values())
    # Longer than the service takes to finish the requests it has accepted.
    for name in ("service", "worker"):
        assert int(services[name]["stop_grace_period"].removesuffix("s")) > 25


def test_compose_contains_no_secret_and_does_not_start_without_one() -> None:
    secrets = ("ACCORD_MASTER_KEY", "POSTGRES_PASSWORD")
    for service in composed()["services"].values():
        for name, value in service["environment"].items():
            if any(secret in f"{name} {value}" for secret in secrets):
                assert "${" in value, name
                assert ":?put " in value, name


def test_the_service_trusts_only_the_proxy_in_front_of_it() -> None:
    compose = composed()
    network = compose["networks"]["default"]["ipam"]["config"][0]
    assert ip_address(network["gateway"]) in ip_network(network["subnet"])
    for name in ("migrate", "service", "worker"):
        trusted = compose["services"][name]["environment"]["FORWARDED_ALLOW_IPS"]
        assert trusted == f"${{FORWARDED_ALLOW_IPS:-{network['gateway']}}}"


@pytest.mark.parametrize("name", ["service", "worker"])
def test_every_setting_in_compose_is_a_setting_of_the_service(name: str) -> None:
    variables = {service for service in composed()["services"][name]["environment"] if service.startswith("ACCORD_")}
    assert {variable.removeprefix("ACCORD_").lower() for variable in variables} <= set(Settings.model_fields)
