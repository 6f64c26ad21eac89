"""The type checker compares what a route sends through the hop with what the command and its answer take."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.source import ROOT

ROUTE = '''
"""A route."""

from datetime import datetime
from uuid import UUID

from app.core.access.actors import Actor
from app.core.access.session import GatedSession
from app.core.http.work import Work, act
from app.core.values import Out


class Item(Out):
    """What is read."""


def change(db: GatedSession, actor: Actor, now: datetime, case_id: UUID, name: str) -> tuple[UUID, UUID]:
    """Change an item."""
    return case_id, case_id


def read(db: GatedSession, actor: Actor, now: datetime, case_id: UUID, item_id: UUID) -> Item:
    """Read an item."""
    return Item()


def read_case(db: GatedSession, actor: Actor, now: datetime, case_id: UUID) -> Item:
    """Read a case."""
    return Item()


def lock(db: GatedSession, actor: Actor, case_id: UUID, item_id: UUID) -> None:
    """Lock an item."""


def lock_by_name(db: GatedSession, actor: Actor, name: str) -> None:
    """Lock an item by its name."""


async def route(work: Work, case_id: UUID) -> Item:
    """Change an item."""
    return await work.write(CALL)
'''
RIGHT = 'act(change, case_id, "name"), answer=read, item=(case_id, case_id), lock=lock'
WRONG = {
    "swapped arguments": 'act(change, "name", case_id), answer=read',
    "a missing argument": "act(change, case_id), answer=read",
    "a superfluous argument": 'act(change, case_id, "name", 1), answer=read',
    "an unknown keyword": 'act(change, case_id, "name", note="x"), answer=read',
    "an answer that takes fewer ids": 'act(change, case_id, "name"), answer=read_case',
    "an item with fewer ids": 'act(change, case_id, "name"), answer=read, item=(case_id,)',
    "an item with other ids": 'act(change, case_id, "name"), answer=read, item=(case_id, "name")',
    "a lock of something else": 'act(change, case_id, "name"), answer=read, item=(case_id, case_id), lock=lock_by_name',
    "a command that is not bound": "change, answer=read",
}


@pytest.fixture
def verdicts(tmp_path: Path) -> dict[str, str]:
    """What the type checker says of each route, by its name."""
    calls = {"the right call": RIGHT, **WRONG}
    files = {name: tmp_path / f"route_{number}.py" for number, name in enumerate(calls)}
    for name, file in files.items():
        file.write_text(ROUTE.replace("CALL", calls[name]), encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "mypy",
        "--strict",
        "--config-file",
        str(ROOT / "pyproject.toml"),
        *map(str, files.values()),
    ]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout
    return {name: "\n".join(line for line in said.splitlines() if _is_of(line, file)) for name, file in files.items()}


def _is_of(line: str, file: Path) -> bool:
    return file.name in line and ": error:" in line


def test_wrong_calls_are_refused_and_the_right_one_is_not(verdicts: dict[str, str]) -> None:
    # One test, because each process of a parallel run would start the type checker for its own share of them.
    assert verdicts["the right call"] == ""
    assert [fault for fault in WRONG if not verdicts[fault]] == []
