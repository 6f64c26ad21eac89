"""The `accord` command: its effects, and its messages when it fails."""

import io
import json
import os
import pty
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, redirect_stderr, redirect_stdout, suppress
from pathlib import Path

import httpx
import pytest

from app.cli import main
from app.core.db import sqlite
from app.settings import Settings
from tests.installation import MASTER_KEY
from tests.postgresql_server import new_database
from tests.processes import environment as environment_of

Run = Callable[..., subprocess.CompletedProcess[str]]
ROOT = Path(__file__).parents[2]


def surroundings(folder: Path, url: str | None) -> dict[str, str]:
    """The environment of a command in that folder, on that database."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "HOME": str(folder)}
    if url is not None:
        environment["ACCORD_DATABASE_URL"] = url
    if url is not None and not url.startswith("sqlite"):
        environment["ACCORD_MASTER_KEY"] = MASTER_KEY.get_secret_value()
    return environment


def accord_in(folder: Path, *words: str, url: str | None, check: bool) -> subprocess.CompletedProcess[str]:
    """Run the command in this process, which imports nothing again, as if it were its own process."""
    stdout, stderr, code = io.StringIO(), io.StringIO(), 0
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(stdout), redirect_stderr(stderr):
        patch.chdir(folder)
        for name in [name for name in os.environ if name.startswith("ACCORD_")]:
            patch.delenv(name)
        for name, value in surroundings(folder, url).items():
            patch.setenv(name, value)
        patch.setattr(sys, "argv", ["accord", *words])
        try:
            main()
        except SystemExit as end:
            code = int(end.code or 0)
    done = subprocess.CompletedProcess([*words], code, stdout.getvalue(), stderr.getvalue())
    assert not check or code == 0, done.stdout + done.stderr
    return done


@pytest.fixture
def accord(tmp_path: Path) -> Run:
    """A function that runs the command in an empty folder; `url` is the database, `check` whether it must succeed."""

    def run(*words: str, url: str | None = None, check: bool = True) -> subprocess.CompletedProcess[str]:
        return accord_in(tmp_path, *words, url=url, check=check)

    return run


@pytest.fixture
def process(tmp_path: Path) -> Run:
    """A function that runs the command in its own process, as people do."""

    def run(*words: str, url: str | None = None, check: bool = True) -> subprocess.CompletedProcess[str]:
        command, environment = [sys.executable, "-m", "app", *words], surroundings(tmp_path, url)
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert not check or done.returncode == 0, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done

    return run


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which the demo was played once."""
    folder = tmp_path_factory.mktemp("story")
    accord_in(folder, "demo", "--no-serve", "--database-url", "sqlite:///demo.db", url=None, check=True)
    return folder


@pytest.fixture
def played(story: Path, tmp_path: Path) -> str:
    """The URL of a registry in the empty folder on which the demo was played."""
    shutil.copytree(story, tmp_path, dirs_exist_ok=True)
    return "sqlite:///demo.db"


@pytest.fixture
def empty() -> Iterator[str]:
    """A PostgreSQL database without tables."""
    with new_database("accord_command") as url:
        yield url.render_as_string(hide_password=False)


def test_an_api_client_is_registered_and_its_secret_is_printed_once(accord: Run) -> None:
    url = "sqlite:///clients.db"
    accord("migrate", url=url)
    refused = accord("client", "add", "Sync", "--scope", "events.read", url=url, check=False)
    assert "no institution yet" in refused.stderr
    founds = ("--role", "admin", "--institution", "Institute", "--time-zone", "UTC")
    accord("user", "add", "Ada Min", "ada@example.org", *founds, url=url)
    shown = accord("client", "add", "Sync", "--scope", "events.read", "--scope", "webhooks.manage", url=url).stdout
    assert [line.partition("=")[0] for line in shown.splitlines()] == ["client_id", "client_secret"]
    links = [accord("user", "link", "ADA@example.org", url=url).stdout.strip() for _time in range(2)]
    assert all(link.startswith("accord_link.") for link in links)
    assert links[0] != links[1]
    assert "no account" in accord("user", "link", "nobody@example.org", url=url, check=False).stderr
    wrong = accord("client", "add", "Sync", "--scope", "everything", url=url, check=False)
    assert wrong.returncode == 1
    assert "referrals.write" in wrong.stderr
    assert "every chain holds" in accord("ledger", "verify", url=url).stdout


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_the_demo_plays_the_dispute_to_its_signed_end_and_can_be_played_again(
    accord: Run, process: Run, tmp_path: Path, request: pytest.FixtureRequest, engine: str
) -> None:
    where = request.getfixturevalue("empty") if engine == "postgresql" else "sqlite:///demo.db"
    words = ("demo", "--no-serve", "--database-url", where, "--credentials", "c.json")
    printed = process(*words).stdout
    assert "\x1b" not in printed
    for line in (
        "refused: A declaration of Republic of Tarvand excludes the subject territorial-sovereignty",
        "refused: The dispute involves Confederation of Soli, whose prior consent is not confirmed.",
        "Tomas Herrera declines",
        "-0001 is settled [Convention, articles 40 and 41, secondary]",
        "the case waits for his declaration",
        "Tarvand drafts a memorandum",
        "with the power station blacked out on the map",
    ):
        assert line in printed, printed
    credentials = json.loads((tmp_path / "c.json").read_text())
    assert stat.S_IMODE((tmp_path / "c.json").stat().st_mode) == 0o600
    assert set(credentials) == {"base_url", "tokens", "clients", "cases"}
    assert set(credentials["tokens"]) == {
        "admin",
        "registrar",
        "mediator",
        "other_mediator",
        "requesting_agent",
        "responding_agent",
        "stranger",
        "court",
    }
    assert set(credentials["clients"]["court"]) == {"client_id", "client_secret"}
    assert set(credentials["cases"]) == {"settled", "open"}
    again = accord(*words)
    assert json.loads((tmp_path / "c.json").read_text())["cases"] != credentials["cases"]
    assert len(again.stdout.splitlines()) == len(printed.splitlines())


def test_the_demo_does_not_touch_files_that_it_did_not_create(accord: Run, tmp_path: Path) -> None:
    with closing(sqlite.connect(tmp_path / "other.db")) as connection, connection:
        connection.execute("CREATE TABLE accounts (id)")
    refused = accord("demo", "--no-serve", "--database-url", "sqlite:///other.db", check=False)
    assert (refused.returncode, "did not make" in refused.stderr) == (1, True)
    accord("migrate", url="sqlite:///real.db")
    accord(*FOUND, url="sqlite:///real.db")
    refused = accord("demo", "--no-serve", "--database-url", "sqlite:///real.db", check=False)
    assert (refused.returncode, "did not make" in refused.stderr) == (1, True)
    assert "every chain holds" in accord("ledger", "verify", url="sqlite:///real.db").stdout


FOUND = (
    "user",
    "add",
    "Ada Min",
    "ada@example.org",
    "--role",
    "admin",
    "--institution",
    "River Commission",
    "--time-zone",
    "Europe/Vienna",
)


def test_an_institution_is_founded_with_its_first_administrator(accord: Run, process: Run, tmp_path: Path) -> None:
    url = "sqlite:///registry.db"
    refused = process(*FOUND, url=url, check=False)
    assert (refused.returncode, "accord migrate" in refused.stderr) == (1, True)
    assert not (tmp_path / "registry.db").exists()
    accord("migrate", url=url)
    accord("migrate", url=url)
    assert stat.S_IMODE((tmp_path / "registry.db").stat().st_mode) == 0o600
    refused = accord("user", "add", "x", "x@example.org", url=url, check=False)
    assert (refused.returncode, "no institution" in refused.stderr) == (1, True)
    assert "Made a master key in registry.db.key" in refused.stderr
    refused = accord("user", "add", "x", "x@example.org", *FOUND[6:], url=url, check=False)
    assert (refused.returncode, "--role admin" in refused.stderr) == (1, True)
    accord(*FOUND, url=url)
    assert stat.S_IMODE((tmp_path / "registry.db.key").stat().st_mode) == 0o600
    assert accord(*FOUND, url=url, check=False).returncode == 1
    token = accord("token", "issue", "ADA@example.org", url=url).stdout.strip()
    assert len(token) > 43
    refused = accord("token", "issue", "nobody@example.org", url=url, check=False)
    assert (refused.returncode, "account" in refused.stderr) == (1, True)
    assert "every chain holds" in accord("ledger", "verify", url=url).stdout
    assert accord("check", url=url).returncode == 0


def test_a_wrong_or_missing_key_is_reported_in_a_sentence(accord: Run, played: str, tmp_path: Path) -> None:
    (tmp_path / "demo.db.key").write_text(MASTER_KEY.get_secret_value())
    checked = accord("check", url=played, check=False)
    assert (checked.returncode, "does not open" in checked.stdout) == (1, True)
    (tmp_path / "demo.db.key").write_text("not a key")
    checked = accord("check", url=played, check=False)
    assert (checked.returncode, "base64" in checked.stdout) == (1, True)


def test_a_wrong_setting_is_reported_by_its_name_and_without_its_value(accord: Run) -> None:
    for url in ("secret", "sqlite://", "postgresql://me:secret@127.0.0.1/x"):
        for words in (("check",), ("serve",), ("migrate",)):
            refused = accord(*words, url=url, check=False)
            printed = refused.stdout + refused.stderr
            assert (refused.returncode, "ACCORD_DATABASE_URL: must be sqlite:///FILE or" in printed) == (1, True), (
                printed
            )
            assert "secret" not in printed


def test_a_missing_database_is_named_without_its_password_and_not_created(accord: Run, tmp_path: Path) -> None:
    refused = accord("serve", url="sqlite:///mistyped.db", check=False)
    assert (refused.returncode, "run 'accord migrate' first" in refused.stderr) == (1, True)
    assert "or set ACCORD_DATABASE_URL if yours is elsewhere" in refused.stderr
    (tmp_path / "empty.db").touch()
    refused = accord("serve", url="sqlite:///empty.db", check=False)
    assert (refused.returncode, "not at this release's tables" in refused.stderr) == (1, True)
    refused = accord("migrate", url="sqlite:///none/there.db", check=False)
    assert (refused.returncode, "No such file or directory" in refused.stderr) == (1, True)
    refused = accord("migrate", url="postgresql+psycopg://me:secret@127.0.0.1:1/none", check=False)
    assert (refused.returncode, "me:***@127.0.0.1:1/none" in refused.stderr) == (1, True)
    assert "secret" not in refused.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty.db", "empty.db.lock"]


def test_the_service_does_not_start_without_the_key_that_sealed_its_registry(accord: Run, tmp_path: Path) -> None:
    url = "sqlite:///registry.db"
    accord("migrate", url=url)
    accord(*FOUND, url=url)
    (tmp_path / "registry.db.key").unlink()
    refused = accord("serve", url=url, check=False)
    assert (refused.returncode, "put it back, in registry.db.key" in refused.stderr) == (1, True)
    assert not (tmp_path / "registry.db.key").exists()


def test_rule_sets_are_listed_and_shown_with_their_standing(accord: Run) -> None:
    assert "iomed-state-2025" in accord("procedures", "list").stdout
    shown = accord("procedures", "show", "iomed-state-2025").stdout
    assert "accept-invitation (responding-party): invited → consented" in shown
    assert "[Convention, articles 40 and 41; secondary]" in shown
    assert "No time limit of IOMed's rules could be verified" in shown
    refused = accord("procedures", "show", "none", check=False)
    assert (refused.returncode, "iomed-state-2025" in refused.stderr) == (1, True)


def test_the_ledger_is_compared_with_receipts_kept_earlier(accord: Run, played: str, tmp_path: Path) -> None:
    url = played
    accord("ledger", "verify", "--export", "heads.txt", url=url)
    heads = (tmp_path / "heads.txt").read_text().splitlines()
    assert "every chain holds" in accord("ledger", "verify", "--against", "heads.txt", url=url).stdout
    assert "every chain holds" in accord("ledger", "verify", "--against", heads[0], url=url).stdout
    with closing(sqlite.connect(tmp_path / "demo.db")) as connection, connection:
        connection.execute("DROP TRIGGER events_are_kept_from_delete")
        connection.execute("DELETE FROM events WHERE position = (SELECT max(position) FROM events)")
    assert "every chain holds" in accord("ledger", "verify", url=url).stdout
    result = accord("ledger", "verify", "--against", "heads.txt", url=url, check=False)
    assert (result.returncode, "the entry of the receipt is missing" in result.stdout) == (1, True)
    for wrong in ("nowhere.txt", "stream=1, seq=1, hash=2"):
        refused = accord("ledger", "verify", "--against", wrong, url=url, check=False)
        assert (refused.returncode, "receipt" in refused.stderr) == (1, True)


def test_an_edited_ledger_is_named_and_fails_the_command(accord: Run, played: str, tmp_path: Path) -> None:
    with closing(sqlite.connect(tmp_path / "demo.db")) as connection, connection:
        connection.execute("DROP TRIGGER events_are_kept_from_update")
        connection.execute("UPDATE events SET act = 'unlodge' WHERE act = 'lodge' AND type = 'step-taken'")
    result = accord("ledger", "verify", url=played, check=False)
    assert result.returncode == 1
    assert "its content does not match its hash" in result.stdout


def test_the_service_runs_until_it_is_stopped(settings: Settings) -> None:
    environment = environment_of(settings)
    command = [sys.executable, "-m", "app", "serve", "--port", "0"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            address = process.stdout.readline().split()[3].rstrip(";")
            assert httpx.get(f"{address}/livez", timeout=30).json() == {"status": "alive"}
            assert httpx.get(f"{address}/readyz", timeout=30).status_code == 200
            assert httpx.get(f"{address}/v1/me", timeout=30).status_code == 401
            if settings.is_sqlite:
                second = subprocess.run(
                    command, env=environment, capture_output=True, text=True, check=False, timeout=60
                )
                assert (second.returncode, "Another process serves" in second.stderr) == (1, True)
            process.terminate()
            assert process.wait(30) in (0, -15)
        finally:
            # Otherwise a failed test would wait for a service that nothing stops.
            process.kill()


@pytest.mark.parametrize(("terminal", "shown"), [("xterm-256color", True), ("dumb", False)])
def test_on_a_terminal_a_progress_bar_follows_the_story(tmp_path: Path, terminal: str, shown: bool) -> None:
    leader, follower = pty.openpty()
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "HOME": str(tmp_path), "TERM": terminal}
    command = [sys.executable, "-m", "app", "demo", "--no-serve"]
    printed = b""
    with subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=follower, stderr=follower) as process:
        os.close(follower)
        # Once nobody writes any more, reading a terminal raises an error instead of returning its end.
        with suppress(OSError):
            while part := os.read(leader, 65536):
                printed += part
    os.close(leader)
    assert process.returncode == 0, printed
    assert (b"Playing the story" in printed, b"47/47" in printed) == (shown, shown)
    assert (b"\x1b" in printed) == shown
    assert b"is settled [Convention, articles 40 and 41, secondary]" in printed
