"""A registry with cases is upgraded from every earlier revision, and its contents do not change.

`tests/upgrades` has the demo as each earlier revision held it, in a backup: before the tables change,
`make upgrade-sample` adds one.
"""

import json
import re
import zipfile
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, column, event, inspect, table, text

import app.core.tables.every  # noqa: F401 - every table must be known
from app.core.db import Base
from app.core.errors import Misconfigured
from app.operations import migrating
from app.operations.backup_format import read_value
from app.operations.migrating import configuration, head
from app.settings import Settings
from tests.installation import straight_to
from tests.processes import accord
from tests.upgrade_sample import SAMPLES, keep_sample

EARLIER = sorted(path.stem for path in SAMPLES.glob("*.zip"))
# The newest on both engines, and those before it in turn: with each on both they would take minutes.
ON_ENGINES = [
    (EARLIER[-1], "sqlite"),
    *((each, ("postgresql", "sqlite")[place % 2]) for place, each in enumerate(EARLIER[::-1])),
]


def rows_of(revision: str, table: str) -> list[dict[str, Any]]:
    """What an earlier revision kept in a table."""
    with zipfile.ZipFile(SAMPLES / f"{revision}.zip") as archive:
        return [json.loads(line) for line in archive.read(f"tables/{table}.jsonl").splitlines()]


def what_it_lost_or_needs(connection: Connection, revision: str) -> list[tuple[str, str]]:
    """What an earlier revision knew and is gone, or would need of that release, which does not know it."""
    inspector, faults = inspect(connection), []
    with zipfile.ZipFile(SAMPLES / f"{revision}.zip") as archive:
        tables = json.loads(archive.read("manifest.json"))["tables"]
    for name in tables:
        columns = {column["name"]: column for column in inspector.get_columns(name)}
        for row in rows_of(revision, name)[:1]:
            faults += [(name, gone) for gone in set(row) - set(columns)]
            added = [columns[column] for column in set(columns) - set(row)]
            faults += [(name, new["name"]) for new in added if not new["nullable"] and new["default"] is None]
    return faults


def test_every_earlier_revision_has_a_backup() -> None:
    revisions = {revision.revision for revision in ScriptDirectory.from_config(configuration()).walk_revisions()}
    assert set(EARLIER) == revisions - {head()}


@pytest.mark.parametrize("_engine", ["sqlite"])
def test_a_sample_holds_what_the_present_tables_hold(tmp_path: Path, _engine: str) -> None:
    sample = keep_sample(tmp_path)
    assert sample.stem == head()
    with zipfile.ZipFile(sample) as archive:
        tables = json.loads(archive.read("manifest.json"))["tables"]
    assert set(tables) == set(Base.metadata.tables)
    assert tables["cases"]["rows"] == 2
    with pytest.raises(Misconfigured, match="exists already"):
        keep_sample(tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize(("revision", "without_tables"), ON_ENGINES, indirect=["without_tables"])
def test_a_registry_of_an_earlier_revision_is_upgraded_and_its_ledger_verifies(
    without_tables: Settings, tmp_path: Path, revision: str
) -> None:
    done = accord(
        without_tables, "restore", str(SAMPLES / f"{revision}.zip"), ACCORD_STORAGE=str(tmp_path / "documents")
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "every chain holds" in done.stdout
    engine = straight_to(without_tables)
    with engine.connect() as connection:
        hashes = {bytes(event) for event in connection.execute(text("SELECT hash FROM events")).scalars()}
        awaits = connection.execute(text("SELECT waiting_for, awaits FROM cases")).all()
        columns = {
            name: {column["name"] for column in inspect(connection).get_columns(name)} for name in ("cases", "users")
        }
        # So that the previous release keeps working on the new tables.
        assert what_it_lost_or_needs(connection, revision) == []
    engine.dispose()
    assert len(hashes) >= len(rows_of(revision, "events"))
    for waiting_for, words in awaits:
        waiting = json.loads(waiting_for) if isinstance(waiting_for, str) else waiting_for
        assert all(f" {entry['capacity']} " in words for entry in waiting)
    assert {"ground", "earlier_case_id"} <= columns["cases"]
    assert {"awaits_approval", "disabled_at"} <= columns["users"]
    again = accord(without_tables, "migrate")
    assert again.returncode == 0, again.stderr
    assert "every chain holds" in accord(without_tables, "ledger", "verify").stdout
    assert accord(without_tables, "check", ACCORD_STORAGE=str(tmp_path / "documents")).returncode == 0


@pytest.mark.slow
@pytest.mark.parametrize(("revision", "without_tables"), ON_ENGINES, indirect=["without_tables"])
def test_the_tables_of_this_release_accept_the_writes_of_an_earlier_one(
    without_tables: Settings, revision: str
) -> None:
    """The previous release keeps working during a rollout: it writes rows with its own columns only."""
    accord(without_tables, "migrate")
    engine = straight_to(without_tables)
    with zipfile.ZipFile(SAMPLES / f"{revision}.zip") as archive:
        tables = set(json.loads(archive.read("manifest.json"))["tables"])
    written = 0
    with engine.begin() as connection:
        for tables_of_both in [table for table in Base.metadata.sorted_tables if table.name in tables]:
            rows = [
                {name: read_value(tables_of_both, name, value) for name, value in row.items()}
                for row in rows_of(revision, tables_of_both.name)
            ]
            if rows:
                # Not the model's table, which would fill in columns that the earlier release does not know.
                earlier = table(tables_of_both.name, *(column(name, tables_of_both.c[name].type) for name in rows[0]))
                connection.execute(earlier.insert(), rows)
            written += len(rows)
    engine.dispose()
    assert written > 100
    assert "every chain holds" in accord(without_tables, "ledger", "verify").stdout


# Short while tables are small, before the first release. From then on an index is created CONCURRENTLY in a
# transaction of its own, and a constraint added NOT VALID.
LOCKING = {
    "20261125b": {"meetings", "appointments", "deadlines"},
    "20261125d": {"deadlines", "tokens"},
    "20261128b": {"data_keys", "cases"},
    "20261128e": {"deadlines", "meetings", "appointments"},
    "20261130": {"cases", "parties"},
    "20261130b": {"audiences", "notices"},
    # The log of deliveries keeps 30 days; dropping the constraint itself takes no time.
    "20261130f": {"webhook_deliveries"},
    "20261130g": {"deadline_changes"},
    # Drafts that are not submitted, and drafts of settlements, are few.
    "20261130l": {"filings", "settlement_drafts"},
    # Before the first release; indexing 200,000 cases took 85 seconds on a busy machine.
    "20261130n": {"cases"},
}
_CHANGES = re.compile(
    r"(ALTER TABLE|CREATE (?:UNIQUE )?INDEX \S+ ON|DROP TABLE|TRUNCATE|UPDATE|DELETE FROM) (\w+) ?(.*)"
)


def is_long(change: str, rest: str) -> bool:
    """Whether a change of a table reads or writes all of it under a lock, or removes something."""
    adds = change == "ALTER TABLE" and rest.startswith("ADD COLUMN") and "REFERENCES" not in rest
    return not (adds and ("NOT NULL" not in rest or "DEFAULT" in rest) and "now()" not in rest)


@pytest.mark.parametrize("_engine", ["postgresql"])
def test_migrations_add_columns_and_tables_and_lock_no_table_for_long(
    postgresql_durable_empty: Settings, _engine: str
) -> None:
    engine = straight_to(postgresql_durable_empty)
    statements: list[str] = []
    event.listen(
        engine, "before_cursor_execute", lambda _c, _cursor, sql, *_more: statements.append(" ".join(sql.split()))
    )
    changes: dict[str, set[str]] = {}
    for revision in reversed(list(ScriptDirectory.from_config(configuration()).walk_revisions())):
        with engine.begin() as connection:
            present = set(inspect(connection).get_table_names()) - {"alembic_version"}
            statements.clear()
            command.upgrade(configuration(connection), revision.revision)
            done = [match for match in map(_CHANGES.match, statements) if match and match[2] in present]
        long = {match[2] for match in done if is_long(match[1], match[3])}
        changes |= {revision.revision: long} if long else {}
    engine.dispose()
    assert changes == LOCKING


@pytest.mark.parametrize("_engine", ["postgresql"])
def test_a_migration_that_cannot_lock_a_table_gives_up_and_blocks_nobody(
    postgresql_durable_empty: Settings, monkeypatch: pytest.MonkeyPatch, _engine: str
) -> None:
    settings = postgresql_durable_empty
    monkeypatch.setattr(migrating, "_LOCK_SECONDS", 1)
    engine = straight_to(settings)
    with engine.begin() as connection:
        command.upgrade(configuration(connection), "20261125")
    with engine.connect() as reads:
        reads.execute(text("SELECT count(*) FROM cases"))
        with pytest.raises(Misconfigured, match="try again"):
            migrating.migrate(settings)
        with engine.connect() as other:
            assert other.execute(text("SELECT count(*) FROM cases")).scalar_one() == 0
    migrating.migrate(settings)
    with engine.connect() as connection:
        assert migrating.is_at_head(connection)
    engine.dispose()
