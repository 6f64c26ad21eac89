"""A backup is taken while people work and restored elsewhere: whole, verified, and with a new epoch."""

import json
import os
import struct
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from app.core.db import Base
from app.core.errors import Misconfigured
from app.main import create_app
from app.operations.backup import back_up
from app.operations.migrating import migrate
from app.operations.restore import restore
from app.proceedings.documents.inventory import NAMING
from app.settings import Settings
from tests.courts import court, program
from tests.disks import fill, small_disk
from tests.installation import TEST_SETTINGS, House, Person, straight_to
from tests.pdfs import PDF
from tests.processes import accord, running, served
from tests.registries import database_without_tables
from tests.request_bodies import REQUESTS
from tests.story import Dispute


@pytest.fixture(params=["same engine", pytest.param("other engine", marks=pytest.mark.slow)])
def elsewhere(house: House, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Settings]:
    """The settings of a database without tables: on the engine of the registry, or on the other one."""
    on_sqlite = house.settings.is_sqlite is (request.param == "same engine")
    with database_without_tables("sqlite" if on_sqlite else "postgresql", tmp_path) as settings:
        yield settings


def reopened(settings: Settings, people: list[Person]) -> Any:
    """The restored registry, with the same people."""

    app = create_app(settings)
    client = TestClient(app, base_url="http://accord.test", raise_server_exceptions=False)
    return client, [Person(person.name, person.id, person.token, client, person.next_request_id) for person in people]


@pytest.mark.parametrize("elsewhere", ["same engine", "other engine"], indirect=True)
def test_a_registry_is_restored_elsewhere_with_everything_in_it(
    house: House, dispute: Dispute, elsewhere: Settings, tmp_path: Path
) -> None:
    dispute.settled()
    cursor = dispute.requesting.get(f"{dispute.path}/events?limit=1").expect(200)["next"]
    paths = ["", "/events?limit=200", "/filings", "/settlement/signatures", "/deadlines", "/parties"]
    place = dispute.requesting.get("/v1/events?limit=1").expect(200)["next"]
    before = {path: dispute.requesting.get(f"{dispute.path}{path}").expect(200) for path in paths}
    file = tmp_path / "registry.zip"
    made = accord(house.settings, "backup", "--out", str(file))
    assert made.returncode == 0, made.stderr
    assert file.stat().st_mode & 0o777 == 0o600
    done = accord(elsewhere, "restore", str(file), ACCORD_STORAGE=str(tmp_path / "restored"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "every chain holds" in done.stdout
    assert "Epoch 1 begins" in done.stdout
    client, (requesting,) = reopened(elsewhere, [dispute.requesting])
    for path in paths:
        after = requesting.get(f"{dispute.path}{path}").expect(200)
        if isinstance(after, dict) and "next" in after:
            assert after["items"] == before[path]["items"], path
        else:
            assert after == before[path]
    requesting.get(f"{dispute.path}/events?limit=1&after={cursor}").expect(410, "gone")
    requesting.get(f"{dispute.path}/events?limit=1&after={cursor[:-1]}").expect(422)
    requesting.get(f"/v1/events?after={place}").expect(410, "gone")
    assert requesting.get("/v1/events?limit=1").expect(200)["items"]
    fresh = requesting.get(f"{dispute.path}/events?limit=1").expect(200)["next"]
    requesting.get(f"{dispute.path}/events?limit=1&after={fresh}").expect(200)
    client.app.state.seams.database.dispose()


@pytest.mark.parametrize("registry", ["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)], indirect=True)
@pytest.mark.parametrize(
    ("options", "following"), [((), "2026-1001"), (("--last-reference", "2026-0041"), "2026-0042")]
)
def test_a_restored_registry_gives_no_reference_twice(
    house: House, dispute: Dispute, elsewhere: Settings, tmp_path: Path, options: tuple[str, ...], following: str
) -> None:
    dispute.registered()
    file = tmp_path / "registry.zip"
    back_up(house.settings, file, house.clock.now)
    lost = Dispute(house, "b")
    assert lost.registered()["reference"] == "2026-0002"
    done = accord(elsewhere, "restore", str(file), *options, ACCORD_STORAGE=str(tmp_path / "restored"))
    assert done.returncode == 0, done.stderr
    engine = straight_to(elsewhere)
    with engine.connect() as connection:
        last = connection.execute(text("SELECT last FROM reference_numbers WHERE year = 2026")).scalar_one()
    engine.dispose()
    assert f"2026-{last + 1:04d}" == following


# On SQLite a writer waits for the copy; on PostgreSQL both go on.
@pytest.mark.parametrize("registry", [pytest.param("sqlite", marks=pytest.mark.slow), "postgresql"], indirect=True)
def test_a_backup_taken_during_writes_is_one_consistent_state(
    house: House, dispute: Dispute, elsewhere: Settings, tmp_path: Path
) -> None:
    dispute.mediating()
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            dispute.filing(dispute.requesting, "caucus", "requesting", text="x" * 2000)

    writing = threading.Thread(target=write)
    writing.start()
    try:
        files = [tmp_path / f"{number}.zip" for number in range(3)]
        for file in files:
            back_up(house.settings, file, house.clock.now)
    finally:
        stop.set()
        writing.join()
    done = accord(elsewhere, "restore", str(files[-1]), ACCORD_STORAGE=str(tmp_path / "restored"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "every chain holds" in done.stdout
    with zipfile.ZipFile(files[-1]) as archive:
        filings = [json.loads(line) for line in archive.read("tables/filings.jsonl").splitlines()]
        events = [json.loads(line) for line in archive.read("tables/events.jsonl").splitlines()]
    submitted = {event["payload"]["filing_id"] for event in events if event["type"] == "filing-submitted"}
    assert {filing["id"] for filing in filings if filing["state"] == "submitted"} == submitted


def test_a_backup_contains_neither_the_key_nor_readable_texts_nor_a_token(
    house: House, dispute: Dispute, tmp_path: Path
) -> None:
    dispute.mediating()
    dispute.filing(dispute.requesting, "caucus", "requesting", text="zebrafinch")
    file = tmp_path / "registry.zip"
    back_up(house.settings, file, house.clock.now)
    with zipfile.ZipFile(file) as archive:
        whole = b"".join(archive.read(name) for name in archive.namelist())
    key = TEST_SETTINGS["master_key"].get_secret_value().encode()
    for secret in (b"zebrafinch", key, dispute.requesting.token.encode()):
        assert secret not in whole


def restored(settings: Settings, file: Path, house: House, now: datetime, last: str | None = None) -> tuple[str, ...]:
    """Restore in this process at an instant; gives the references after which numbering continues."""
    return restore(settings, file, last, house.app.state.seams.sealer.unwrap, now).last_references


def kept(settings: Settings, tmp_path: Path) -> Settings:
    """The same settings with their own storage."""
    return settings.model_copy(update={"storage": str(tmp_path / "restored")})


@pytest.mark.parametrize("registry", ["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)], indirect=True)
@pytest.mark.parametrize(
    ("last", "years"),
    [
        (None, ("2026-1000", "2027-1000", "2028-1000")),
        ("2027-0042", ("2026-1000", "2027-0042")),
        ("2026-0007", ("2026-0007",)),
    ],
)
def test_a_restored_registry_gives_no_reference_of_a_later_year_twice(
    house: House, elsewhere: Settings, tmp_path: Path, last: str | None, years: tuple[str, ...]
) -> None:
    file, later = tmp_path / "registry.zip", house.clock.now.replace(year=2028)
    back_up(house.settings, file, house.clock.now)
    there = kept(elsewhere, tmp_path)
    assert restored(there, file, house, later, last) == years
    engine = straight_to(there)
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT year, last FROM reference_numbers ORDER BY year")).all()
    engine.dispose()
    assert tuple(f"{row.year}-{row.last:04d}" for row in rows) == years


def test_a_backup_contains_every_referenced_file_a_courts_order_included(
    house: House, elsewhere: Settings, tmp_path: Path
) -> None:
    named = {table.name for table in Base.metadata.sorted_tables if "object_key" in table.columns}
    assert named == {str(naming.get_final_froms()[0]) for naming in NAMING}
    holder = program(house, court(house))
    body = {**REQUESTS["ReferralIn"], "external_id": "HC-1", "return_on": "2026-06-30"}
    path = f"/v1/referrals/{holder.post('/v1/referrals', body).expect(201)['id']}/order"
    headers = {"content-type": "application/pdf", "content-disposition": 'attachment; filename="order.pdf"'}
    holder.send("POST", path, content=PDF, headers=headers).expect(200)
    file, there = tmp_path / "registry.zip", kept(elsewhere, tmp_path)
    back_up(house.settings, file, house.clock.now)
    restored(there, file, house, house.clock.now)
    client, (after,) = reopened(there, [house.registrar])
    assert after.get(path).response.content == PDF
    client.app.state.seams.database.dispose()


def test_a_restore_refuses_a_storage_that_another_registry_uses(
    house: House, elsewhere: Settings, tmp_path: Path
) -> None:
    file, there = tmp_path / "registry.zip", kept(elsewhere, tmp_path)
    back_up(house.settings, file, house.clock.now)
    theirs = tmp_path / "restored" / "0123"
    theirs.parent.mkdir()
    theirs.write_bytes(b"a document of theirs")
    with pytest.raises(Misconfigured, match="not in the backup"):
        restored(there, file, house, house.clock.now)
    theirs.unlink()
    restored(there, file, house, house.clock.now)


# The file is judged before the database is.
@pytest.mark.parametrize("registry", ["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)], indirect=True)
def test_a_backup_with_an_altered_byte_is_refused(
    house: House, dispute: Dispute, elsewhere: Settings, tmp_path: Path
) -> None:
    dispute.lodged()
    file, there = tmp_path / "registry.zip", kept(elsewhere, tmp_path)
    back_up(house.settings, file, house.clock.now)
    whole, altered = file.read_bytes(), tmp_path / "altered.zip"
    for name in ("tables/events.jsonl", "tables/contents.jsonl", "tables/users.jsonl", "manifest.json"):
        with zipfile.ZipFile(file) as archive:
            entry = archive.getinfo(name)
        lengths = struct.unpack("<HH", whole[entry.header_offset + 26 : entry.header_offset + 30])
        begins = entry.header_offset + 30 + sum(lengths)
        place = begins + entry.compress_size // 2
        altered.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        with pytest.raises(Misconfigured, match="damaged"):
            restored(there, altered, house, house.clock.now)
    restored(there, file, house, house.clock.now)


def test_a_backup_that_cannot_be_written_says_why_and_leaves_nothing(
    house: House, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(Misconfigured, match="cannot be written: No such file"):
        back_up(house.settings, tmp_path / "nowhere" / "registry.zip", house.clock.now)
    place = tmp_path / "disk"
    with small_disk(place, megabytes=1) as mounted:
        if not mounted:
            with capsys.disabled():
                print("\nNo disk could be mounted here: no backup is tried on a full one.")  # noqa: T201
            return
        fill(place)
        with pytest.raises(Misconfigured, match=r"cannot be written: (No space|database or disk is full)"):
            back_up(house.settings, place / "registry.zip", house.clock.now)
        assert [path.name for path in place.iterdir()] == ["filler"]


@pytest.mark.slow
def test_a_killed_restore_leaves_the_target_empty_and_can_be_repeated(
    house: House, dispute: Dispute, elsewhere: Settings, tmp_path: Path
) -> None:
    dispute.settled()
    file, there = tmp_path / "registry.zip", kept(elsewhere, tmp_path)
    back_up(house.settings, file, house.clock.now)
    more = {"ACCORD_STORAGE": str(tmp_path / "restored")}
    with running(there, "restore", str(file), **more) as restoring:
        engine = straight_to(there)
        begun = tmp_path / ".elsewhere.db.unfinished"
        while restoring.process.poll() is None:
            if there.is_sqlite and begun.exists() and begun.stat().st_size:
                break
            if not there.is_sqlite:
                with engine.connect() as connection:
                    busy = (
                        "SELECT count(*) FROM pg_stat_activity WHERE state LIKE '%in transaction%' AND datname = :name"
                    )
                    name = {"name": engine.url.database}
                    if connection.execute(text(busy), name).scalar_one():
                        break
            time.sleep(0.01)
        engine.dispose()
        assert restoring.process.poll() is None
        restoring.kill()
    assert accord(there, "check", **more).returncode == 1
    done = accord(there, "restore", str(file), **more)
    assert done.returncode == 0, done.stderr
    assert "every chain holds" in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("_engine", ["sqlite"])
def test_a_restore_is_refused_while_the_service_runs(house: House, tmp_path: Path, _engine: str) -> None:
    file, settings = (
        tmp_path / "registry.zip",
        Settings(database_url=f"sqlite:///{tmp_path / 'new.db'}", **TEST_SETTINGS),
    )
    back_up(house.settings, file, house.clock.now)
    migrate(settings)
    with served(settings):
        done = accord(settings, "restore", str(file))
        assert (done.returncode, "Another process serves" in done.stderr) == (1, True)
    assert accord(settings, "restore", str(file)).returncode == 0


@pytest.mark.slow
def test_a_backup_that_cannot_be_restored_is_refused_and_leaves_nothing(
    house: House, dispute: Dispute, elsewhere: Settings, tmp_path: Path
) -> None:
    dispute.lodged()
    file = tmp_path / "registry.zip"
    back_up(house.settings, file, house.clock.now)

    def refused(words: str, *arguments: str, settings: Settings = elsewhere) -> None:
        done = accord(settings, "restore", *arguments, ACCORD_STORAGE=str(tmp_path / "restored"))
        assert done.returncode == 1, done.stdout
        assert words in done.stderr
        assert "Traceback" not in done.stderr

    refused("not empty", str(file), settings=house.settings)
    refused("There is no file", str(tmp_path / "nothing.zip"))
    refused("a reference such as 2026-0042", str(file), "--last-reference", "42")
    damaged = tmp_path / "damaged.zip"
    damaged.write_bytes(file.read_bytes()[:-200])
    refused("damaged", str(damaged))
    for name, change in (("newer", {"revision": "20990101"}), ("format", {"format": 9})):
        other = tmp_path / f"{name}.zip"
        _changed(file, other, change)
        refused("newer release" if name == "newer" else "cannot read the format", str(other))
    altered = tmp_path / "altered.zip"
    _changed(file, altered, {}, drop="tables/consents.jsonl")
    refused("damaged", str(altered))
    exists = accord(house.settings, "backup", "--out", str(file))
    assert (exists.returncode, "exists already" in exists.stderr) == (1, True)
    # After all these refusals the target is still empty.
    done = accord(elsewhere, "restore", str(file), ACCORD_STORAGE=str(tmp_path / "restored"))
    assert done.returncode == 0, done.stderr


def _changed(source: Path, target: Path, change: dict[str, Any], drop: str | None = None) -> None:
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            held = old.read(name)
            if name == "manifest.json":
                held = json.dumps(json.loads(held) | change).encode()
            new.writestr(name, held[: len(held) // 2] if name == drop else held)


def test_a_backup_is_not_restored_under_another_master_key(house: House, dispute: Dispute, tmp_path: Path) -> None:
    dispute.lodged()
    file = tmp_path / "registry.zip"
    back_up(house.settings, file, house.clock.now)
    place = tmp_path / "elsewhere.db"
    (tmp_path / "elsewhere.db.key").write_text("A" * 43 + "=\n", encoding="utf-8")
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(Path(__file__).parents[2])}
    environment["ACCORD_DATABASE_URL"] = f"sqlite:///{place}"
    command = [sys.executable, "-m", "app", "restore", str(file)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, "does not open" in done.stderr) == (1, True)
    assert not place.exists()
