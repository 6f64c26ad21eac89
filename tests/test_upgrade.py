"""A registry with cases in it is upgraded from every earlier revision, and nothing that it said changes.

`tests/upgrades` holds the demo's world as each earlier revision kept it, in the form of a backup: when the tables
change, `accord backup` of the release before adds one.
"""

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect, text

from app.migrating import configuration, head
from app.settings import Settings
from tests.processes import accord

KEPT = Path(__file__).parent / "upgrades"
EARLIER = sorted(path.stem for path in KEPT.glob("*.zip"))


def rows_of(revision: str, table: str) -> list[dict[str, Any]]:
    """What an earlier revision kept in a table."""
    with zipfile.ZipFile(KEPT / f"{revision}.zip") as archive:
        return [json.loads(line) for line in archive.read(f"tables/{table}.jsonl").splitlines()]


def test_every_earlier_revision_is_held() -> None:
    revisions = {one.revision for one in ScriptDirectory.from_config(configuration()).walk_revisions()}
    assert set(EARLIER) == revisions - {head()}


@pytest.mark.slow
@pytest.mark.parametrize("revision", EARLIER)
def test_a_registry_of_an_earlier_revision_is_brought_to_this_one_and_its_ledger_holds(
    without_tables: Settings, revision: str
) -> None:
    done = accord(without_tables, "restore", str(KEPT / f"{revision}.zip"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "every chain holds" in done.stdout
    engine = create_engine(without_tables.database_url)
    with engine.connect() as connection:
        hashes = {bytes(one) for one in connection.execute(text("SELECT hash FROM events")).scalars()}
        awaits = connection.execute(text("SELECT waiting_for, awaits FROM cases")).all()
        columns = {
            table: {one["name"] for one in inspect(connection).get_columns(table)} for table in ("cases", "users")
        }
    engine.dispose()
    assert len(hashes) >= len(rows_of(revision, "events"))
    for waiting_for, words in awaits:
        waiting = json.loads(waiting_for) if isinstance(waiting_for, str) else waiting_for
        assert all(f" {one['capacity']} " in words for one in waiting)
    assert {"ground", "earlier_case_id"} <= columns["cases"]
    assert {"awaits_approval", "disabled_at"} <= columns["users"]
    again = accord(without_tables, "migrate")
    assert again.returncode == 0, again.stderr
    assert "every chain holds" in accord(without_tables, "ledger", "verify").stdout
    assert accord(without_tables, "check").returncode == 0


@pytest.mark.slow
@pytest.mark.parametrize("revision", EARLIER)
def test_a_migration_only_adds(without_tables: Settings, revision: str) -> None:
    """So that the release before goes on working on the new tables: what it knows is there, and needs nothing new."""
    accord(without_tables, "restore", str(KEPT / f"{revision}.zip"))
    engine = create_engine(without_tables.database_url)
    with engine.connect() as connection:
        found = inspect(connection)
        with zipfile.ZipFile(KEPT / f"{revision}.zip") as archive:
            tables = json.loads(archive.read("manifest.json"))["tables"]
        for table in tables:
            columns = {one["name"]: one for one in found.get_columns(table)}
            for row in rows_of(revision, table)[:1]:
                assert set(row) <= set(columns), table
                for name in set(columns) - set(row):
                    column = columns[name]
                    assert column["nullable"] or column["default"] is not None, (table, name)
    engine.dispose()
