"""`make bench` measures what its page says: a seeded registry, a bare route, and the service without the gate."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from app.main import create_app
from app.settings import Settings
from benchmarks.bare import add_bare_route
from benchmarks.report import BEGIN, END, ENGINES
from benchmarks.requests import BY_TWO, COMPARED, READERS, Filter, filters
from benchmarks.seeding import EVENTS, seed
from tests.house.source import ROOT

pytestmark = pytest.mark.slow
CASES = 60
# What a registry this small need not have under two filters at once, or lately.
UNLIKELY = {
    "`due_before` and `category`",
    "`phase` and `procedure`",
    "`phase` and `due_before`",
    "`procedure` and `q`",
    "`phase` and `q`",
}


def test_the_seeded_readers_read_their_cases_and_the_bare_route_answers_like_the_service(
    without_tables: Settings,
) -> None:
    settings = without_tables
    seeded = seed(settings, CASES, busy=5)
    app = create_app(settings)
    close = add_bare_route(app, settings)
    bearers = {reader: {"authorization": f"Bearer {token}"} for reader, token in seeded.tokens.items()}
    with TestClient(app) as client:

        def read(path: str, reader: str = "registrar") -> Any:
            answer = client.get(path, headers=bearers[reader])
            assert answer.status_code == 200, (path, answer.text)
            return answer.json()

        listed = {reader: read("/v1/cases?limit=200", reader)["items"] for reader in READERS}
        # The case that was copied is the agent's, too.
        assert {reader: len(cases) for reader, cases in listed.items()} == {
            "registrar": CASES + 1,
            "agent": CASES // 5 + 1,
            "second agent": CASES // 5,
            "mediator": 5,
        }
        assert {case["phase"] for case in listed["registrar"][-(CASES // 50) :]} == {"closed"}
        assert len(read(f"/v1/cases/{seeded.mine[0]}/events", "registrar")["items"]) < EVENTS
        assert len(read(f"/v1/cases/{seeded.mine[-1]}/events", "agent")["items"]) == EVENTS
        for case in listed["registrar"]:
            whole = read(f"/v1/cases/{case['id']}")
            assert read(f"/bare/{case['id']}") == whole
        for reader in READERS:
            assert read("/v1/events", reader)["items"], reader
            assert read("/v1/me/desk", reader)["news"], reader
        found = {each.name: len(read(target(each), "registrar")["items"]) for each in filters(seeded)}
    close()
    app.state.seams.database.dispose()
    assert {name for name in found if name.endswith("no case") and found[name]} == set()
    # One case of a hundred has the word.
    assert {name for name in found if "no case" not in name and not found[name]} <= UNLIKELY


def target(asked: Filter) -> str:
    """The path and query of its request."""
    return asked.request("").split(b" ", 2)[1].decode()


def test_a_short_run_measures_everything_next_to_another_checkout(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text((ROOT / "docs" / "performance.md").read_text(encoding="utf-8"), encoding="utf-8")
    environment = os.environ | {"BENCH_CASES": str(CASES), "BENCH_SECONDS": "0.1", "BENCH_PAGE": str(page)}
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks"]
    done = subprocess.run(
        command, env=environment | {"BENCH_AGAINST": str(ROOT)}, cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    figures = page.read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0]
    measured = set(re.findall(r"^\| (\w+) \| 60 \| ([^|]+) \|", figures, re.MULTILINE))
    wanted = {(engine, f"{name}{how}") for engine in ENGINES for each in COMPARED for name, how in each}
    # SQLite has one process.
    assert wanted - measured == {("SQLite", name) for engine, name in wanted if name.endswith(BY_TWO)}
    assert figures.count("Pages of 50 under a filter") == len(ENGINES)
