"""docs/operate.md is followed on PostgreSQL; its settings, commands, figures and units are those of the service."""

import re
import shlex
from collections.abc import Iterator
from configparser import ConfigParser
from pathlib import Path

import pytest
import typer
from typer.core import TyperGroup

from app.cli import cli
from app.core.http import metrics
from app.settings import PREFIX, Settings
from tests.docs.consoles import commands, fenced, followed
from tests.docs.settings_table import PAGE, TABLE, table
from tests.postgresql_server import new_database

SYSTEMD = "Run it: systemd"
# Read by the server that serves, and not by Accord's settings.
OF_THE_SERVER = "FORWARDED_ALLOW_IPS"


@pytest.fixture
def empty_postgresql() -> Iterator[str]:
    """The address of a PostgreSQL database in which there is nothing yet, dropped afterwards."""
    with new_database("accord_docs") as url:
        yield url.render_as_string(hide_password=False)


@pytest.mark.slow
def test_an_installation_is_run_by_the_commands_of_the_page(empty_postgresql: str, tmp_path: Path) -> None:
    written = [command for command in commands(PAGE) if not command.text.startswith("docker")]
    faults = followed(written, tmp_path, port="8000", ACCORD_DATABASE_URL=empty_postgresql)
    assert not faults, "\n\n".join(faults)


def test_the_table_of_settings_is_the_one_of_the_service() -> None:
    (kept,) = TABLE.findall(PAGE.read_text(encoding="utf-8"))
    assert kept == table(), "run 'python -m tests.docs.settings_table' and commit the result"


def test_every_setting_that_the_page_names_is_one_of_the_service() -> None:
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    assert set(re.findall(rf"\b{PREFIX}\w+", PAGE.read_text(encoding="utf-8"))) - known == set()


def test_every_figure_that_the_page_names_is_one_of_the_service() -> None:
    kept = metrics.Kept(None, 0, 0.0, {})
    served = metrics.exposition(lambda: kept).decode() + "accord_worker_last_round_timestamp_seconds"
    named = set(re.findall(r"\baccord_[a-z_]+", PAGE.read_text(encoding="utf-8")))
    assert [name for name in sorted(named) if name.removesuffix("_total") not in served] == []


def test_the_page_lists_every_command() -> None:
    page = PAGE.read_text(encoding="utf-8").partition("## Commands")[2]
    group = typer.main.get_command(cli)
    assert isinstance(group, TyperGroup)
    for name, command in group.commands.items():
        assert re.search(rf"`(accord )?{name}\b", page), name
        for inner in command.commands if isinstance(command, TyperGroup) else ():
            assert re.search(rf"`(accord {name} )?{inner}\b", page), f"{name} {inner}"


def test_the_units_start_existing_commands_with_existing_settings() -> None:
    blocks = ["\n".join(block.lines) for block in fenced(PAGE) if block.heading == SYSTEMD]
    environment, unit, worker = blocks
    names = {line.partition("=")[0] for line in environment.splitlines()}
    assert names - {f"{PREFIX}{name.upper()}" for name in Settings.model_fields} == {OF_THE_SERVER}
    parsed = ConfigParser(interpolation=None)
    parsed.optionxform = str  # type: ignore[assignment,method-assign]
    parsed.read_string(unit)
    service = parsed["Service"]
    for started in (service["ExecStart"], service["ExecStartPre"], worker.partition("=")[2]):
        program, *words = shlex.split(started)
        assert program == f"{service['WorkingDirectory']}/.venv/bin/accord"
        group = typer.main.get_command(cli)
        assert isinstance(group, TyperGroup)
        group.commands[words[0]].make_context(words[0], words[1:])
