"""The master key is rotated without touching sealed data, and a case's key is destroyed without breaking a chain."""

import base64
from pathlib import Path

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from app.main import create_app
from app.settings import Settings
from tests.installation import House, straight_to
from tests.processes import accord
from tests.story import Dispute

pytestmark = pytest.mark.slow
SECRET = "Below a quarter of the flow our pumps fall dry."


def test_a_new_key_is_printed_or_written_once_and_never_over_another(durable: Settings, tmp_path: Path) -> None:
    printed = accord(durable, "key", "new").stdout.strip()
    assert len(base64.b64decode(printed)) == 32
    out = tmp_path / "new.key"
    assert accord(durable, "key", "new", "--out", str(out)).returncode == 0
    assert out.stat().st_mode & 0o777 == 0o600
    again = accord(durable, "key", "new", "--out", str(out))
    assert again.returncode == 1
    assert "never written over" in again.stderr


def test_after_a_rotation_the_new_key_opens_everything_and_the_old_one_nothing(
    durable: Settings, tmp_path: Path
) -> None:
    with House.open(durable) as house:
        dispute = Dispute(house)
        dispute.mediating()
        filing = dispute.filing(dispute.requesting, "caucus", "requesting", text=SECRET)
        house.database.dispose()
    bodies = kept(durable, "SELECT body FROM contents ORDER BY id")
    out = tmp_path / "new.key"
    accord(durable, "key", "new", "--out", str(out))
    done = accord(durable, "key", "rotate", "--to", str(out))
    assert done.returncode == 0, done.stderr
    assert kept(durable, "SELECT body FROM contents ORDER BY id") == bodies
    old = accord(durable, "check")
    assert old.returncode == 1
    assert "master key" in old.stdout
    new = durable.model_copy(update={"master_key": None, "master_key_file": out})
    with_new = {"ACCORD_MASTER_KEY": "", "ACCORD_MASTER_KEY_FILE": str(out)}
    assert "every chain holds" in accord(durable, "ledger", "verify", **with_new).stdout
    assert accord(durable, "check", **with_new).returncode == 0
    with TestClient(create_app(new, clock=house.clock)) as client:
        bearer = {"authorization": f"Bearer {dispute.requesting.token}"}
        opened = client.get(f"{dispute.path}/filings/{filing['id']}", headers=bearer)
        assert opened.json()["text"] == SECRET


def kept(settings: Settings, statement: str) -> list[bytes]:
    """A column as it is stored in the database."""
    engine = straight_to(settings)
    with engine.connect() as connection:
        column = [bytes(value) for value in connection.execute(text(statement)).scalars()]
    engine.dispose()
    return column


def test_a_rotation_waits_until_the_service_has_stopped(durable: Settings, tmp_path: Path) -> None:
    out = tmp_path / "new.key"
    accord(durable, "key", "new", "--out", str(out))
    with House.open(durable) as house:
        Dispute(house).lodged()
        if durable.is_sqlite:
            house.database.dispose()
            return
        refused = accord(durable, "key", "rotate", "--to", str(out))
        assert refused.returncode == 1
        assert "stop it" in refused.stderr
        house.database.dispose()


def test_destroying_a_cases_key_ends_its_texts_and_its_chains_still_verify(durable: Settings, tmp_path: Path) -> None:
    with House.open(durable) as house:
        dispute = Dispute(house, " I")
        dispute.settled()
        other = Dispute(house, " II")
        other.lodged()
        house.clock.pass_by(days=1)
        refused = accord(durable, "key", "destroy", other.case["id"], "--yes")
        assert refused.returncode == 1
        assert "not closed" in refused.stderr
        assert accord(durable, "key", "destroy", dispute.case["id"]).returncode == 1
        done = accord(durable, "key", "destroy", dispute.case["id"], "--yes")
        assert done.returncode == 0, done.stderr
        # The running service finds the key destroyed as well.
        dispute.requesting.get(dispute.path).expect(410, "destroyed")
        dispute.requesting.get(f"{dispute.path}/filings").expect(200)
        events = dispute.events()
        assert [event["content"] for event in events] == [None] * len(events)
        assert any(event["commitment"] for event in events)
        assert all(event["destroyed"] == (event["commitment"] is not None) for event in events)
        assert not any(event["destroyed"] for event in other.events())
        assert dispute.requesting.get(f"{dispute.path}/events/{events[0]['id']}").expect(200) == events[0]
        listed = dispute.requesting.get("/v1/cases").expect(200)["items"]
        assert [item["outcome"] for item in listed] == ["settled"]
        other.read()
        assert "every chain holds" in accord(durable, "ledger", "verify").stdout
        assert accord(durable, "check").returncode == 0
        twice = accord(durable, "key", "destroy", dispute.case["id"], "--yes")
        assert "already" in twice.stderr
        backup = tmp_path / "backup.zip"
        assert accord(durable, "backup", "--out", str(backup)).returncode == 0
        house.database.dispose()
