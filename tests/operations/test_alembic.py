"""Alembic from the shell: `upgrade` takes the lock and the time-outs of `accord migrate`; `revision` writes one."""

import os
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from string import ascii_lowercase

import pytest
from alembic import command
from alembic.config import Config
from alembic.config import main as alembic
from sqlalchemy import Engine, inspect, text
from sqlalchemy.engine import make_url

from app.core.errors import Misconfigured
from app.operations import migrating
from app.operations.migrating import configuration, exclusive_connection, is_at_head, migrate
from app.settings import Settings
from tests.installation import straight_to
from tests.processes import ROOT, environment

FIRST = "20261125"
LATER = "20991231"
HOLDS_A_TABLE = "Another transaction holds a table that must change. Nothing was changed"


@pytest.fixture(autouse=True)
def as_in_a_shell(without_tables: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the environment of the database without tables, and wait a second instead of five."""
    for name in [name for name in os.environ if name.startswith("ACCORD_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("ACCORD_DATABASE_URL", without_tables.database_url)
    monkeypatch.setattr(migrating, "_LOCK_SECONDS", 1)


def in_shell(*words: str) -> None:
    """Run the `alembic` command in this process."""
    alembic(["--config", str(ROOT / "alembic.ini"), *words])


def in_shell_of_its_own(settings: Settings, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the `alembic` command in a process of its own."""
    command_line = [sys.executable, "-m", "alembic", *words]
    return subprocess.run(
        command_line, cwd=ROOT, env=environment(settings), capture_output=True, text=True, check=False
    )


@pytest.fixture
def engine(without_tables: Settings) -> Iterator[Engine]:
    """An engine on the database as the first migration leaves it."""
    made = straight_to(without_tables)
    with made.begin() as connection:
        command.upgrade(configuration(connection), FIRST)
    yield made
    made.dispose()


def test_it_makes_the_tables_and_a_private_file(without_tables: Settings) -> None:
    done = in_shell_of_its_own(without_tables, "upgrade", "head")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    engine = straight_to(without_tables)
    with engine.connect() as connection:
        assert is_at_head(connection)
    engine.dispose()
    if without_tables.is_sqlite:
        assert stat.S_IMODE(Path(make_url(without_tables.database_url).database or "").stat().st_mode) == 0o600


def test_it_waits_for_a_migration_under_way(
    without_tables: Settings, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrating, "_LOCK_SECONDS", 30)
    second = threading.Thread(target=in_shell, args=("upgrade", "head"))
    with exclusive_connection(without_tables) as first:
        second.start()
        second.join(1.5)
        assert second.is_alive()
        assert not inspect(first).has_table("webhooks")
    second.join(60)
    assert not second.is_alive()
    with engine.connect() as connection:
        assert is_at_head(connection)


def test_it_gives_up_on_a_table_that_is_held(
    without_tables: Settings, engine: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    with engine.connect() as reader:
        if without_tables.is_sqlite:
            reader.exec_driver_sql("BEGIN")
        reader.execute(text("SELECT count(*) FROM cases"))
        with pytest.raises(SystemExit) as ended:
            in_shell("upgrade", "head")
        assert ended.value.code != 0
        assert HOLDS_A_TABLE in " ".join(capsys.readouterr().out.split())
        with pytest.raises(Misconfigured, match=HOLDS_A_TABLE):
            migrate(without_tables)
        assert not inspect(reader).has_table("webhooks")
    in_shell("upgrade", "head")
    with engine.connect() as connection:
        assert is_at_head(connection)


def test_it_leaves_a_later_database_alone(without_tables: Settings, engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :later"), {"later": LATER})
    done = in_shell_of_its_own(without_tables, "upgrade", "head")
    assert (done.returncode, "later release's tables" in done.stdout) == (0, True)
    migrate(without_tables)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one() == LATER
        assert not inspect(connection).has_table("webhooks")


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("secret", "ACCORD_DATABASE_URL: must be sqlite:///FILE or"),
        ("postgresql+psycopg://me:secret@127.0.0.1:1/none", "cannot be reached at postgresql+psycopg://me:***@"),
        ("sqlite:////none/there.db", "cannot be made: No such file or directory"),
    ],
)
def test_it_says_in_a_sentence_what_is_wrong(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], url: str, says: str
) -> None:
    monkeypatch.setenv("ACCORD_DATABASE_URL", url)
    with pytest.raises(SystemExit):
        in_shell("upgrade", "head")
    said = " ".join("".join(capsys.readouterr()).split())
    assert says in said
    assert "secret" not in said


def test_a_new_migration_is_named_by_its_day_and_a_free_letter(without_tables: Settings, tmp_path: Path) -> None:
    migrate(without_tables)
    engine = straight_to(without_tables)
    with engine.begin() as connection:
        config = Config(ROOT / "alembic.ini")
        config.attributes["connection"] = connection
        config.set_main_option("version_locations", f"{ROOT / 'migrations' / 'versions'}{os.pathsep}{tmp_path}")
        day = f"{datetime.now(UTC):%Y%m%d}"
        taken = {path.name.partition("_")[0] for path in (ROOT / "migrations" / "versions").glob(f"{day}*.py")}
        free = [
            name for name in (day, *(day + letter for letter in ascii_lowercase[1:])) if name > max(taken, default="")
        ]
        for _ in range(2):
            command.revision(config, "note something", version_path=str(tmp_path))
    engine.dispose()
    assert sorted(path.name.partition("_")[0] for path in tmp_path.glob("*.py")) == free[:2]


def test_a_new_migration_is_named_as_its_author_says_and_needs_nothing_of_the_application(
    without_tables: Settings, tmp_path: Path
) -> None:
    migrate(without_tables)
    engine = straight_to(without_tables)
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE rectifications"))
        config = Config(ROOT / "alembic.ini")
        config.attributes["connection"] = connection
        config.set_main_option("version_locations", f"{ROOT / 'migrations' / 'versions'}{os.pathsep}{tmp_path}")
        command.revision(
            config, "keep rectifications", autogenerate=True, rev_id="20991231", version_path=str(tmp_path)
        )
    engine.dispose()
    written = (tmp_path / "20991231_keep_rectifications.py").read_text(encoding="utf-8")
    assert written.startswith('"""Keep rectifications."""')
    assert 'down_revision: str | None = "' in written
    assert 'sa.Column("rectified_at", sa.DateTime(timezone=True), nullable=False)' in written
    assert "app." not in written
