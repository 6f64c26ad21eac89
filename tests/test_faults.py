"""The machine misbehaves: its clock goes back, its disk is full; nothing is lost, doubled or half there."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from app.db import sqlite
from app.settings import Settings
from tests.conftest import OF_TESTS
from tests.http.test_lists import walk
from tests.institution import House
from tests.processes import accord
from tests.story import Dispute


def test_a_clock_that_is_set_back_an_hour_breaks_neither_lists_nor_chains(house: House, dispute: Dispute) -> None:
    dispute.mediating()
    path = f"{dispute.path}/filings"
    before = [dispute.filing(dispute.requesting, "participants")["id"] for _filing in range(3)]
    seq = dispute.read()["seq"]
    cursor = dispute.requesting.get(f"{path}?limit=2").expect(200)["next"]
    key = {"idempotency_key": "once"}
    given = {"kind": "notice", "title": "x", "text": "x", "audience": "participants"}
    first = dispute.requesting.post(path, given, **key).expect(201)
    house.clock.pass_by(hours=-1)
    assert dispute.requesting.post(path, given, **key).expect(201)["id"] == first["id"]
    after = [dispute.filing(dispute.requesting, "participants")["id"] for _filing in range(3)]
    listed = walk(dispute.requesting, path, 1)
    assert sorted(listed) == sorted([*before, *after, first["id"]])
    assert dispute.requesting.get(f"{path}?after={cursor}").expect(200)["items"]
    dispute.frozen()
    assert dispute.read()["seq"] > seq
    events = dispute.requesting.get(f"{dispute.path}/events?limit=200").expect(200)["items"]
    for stream in {one["stream"] for one in events}:
        assert [one["seq"] for one in events if one["stream"] == stream] == sorted(
            one["seq"] for one in events if one["stream"] == stream
        )
    verified = accord(house.settings, "ledger", "verify")
    assert "every chain holds" in verified.stdout, verified.stdout


@contextmanager
def full_disk(house: House) -> Iterator[None]:
    """SQLite finds no room for another page; what it says is what it says on a full disk."""
    engine = house.database.engine

    def no_room(connection: Any, _record: Any, _proxy: Any) -> None:
        connection.execute("PRAGMA max_page_count = 1")

    def room(connection: Any, _record: Any, _proxy: Any) -> None:
        connection.execute("PRAGMA max_page_count = 1073741823")

    event.listen(engine, "checkout", no_room)
    try:
        yield
    finally:
        event.remove(engine, "checkout", no_room)
        event.listen(engine, "checkout", room)
        house.admin.get("/v1/me").expect(200)


@pytest.mark.parametrize("_engine", ["sqlite"])
def test_on_a_full_disk_reads_go_on_and_writes_are_refused_whole(
    sqlite_template: Path, tmp_path: Path, _engine: str
) -> None:
    path = tmp_path / "registry.db"
    with closing(sqlite.connect(sqlite_template)) as source, closing(sqlite.connect(path)) as target:
        source.backup(target)
    settings = Settings(database_url=f"sqlite:///{path}", **OF_TESTS)
    with House.open(settings) as house:
        dispute = Dispute(house)
        dispute.mediating()
        before = dispute.requesting.get(f"{dispute.path}/events?limit=200").expect(200)
        big = {"kind": "notice", "title": "x", "text": "x" * 90_000, "audience": "participants"}
        with full_disk(house):
            refused = dispute.requesting.post(f"{dispute.path}/filings", big)
            refused.expect(503, "unavailable")
            assert refused.headers["retry-after"]
            assert dispute.requesting.get(f"{dispute.path}/events?limit=200").expect(200) == before
            dispute.requesting.get(f"{dispute.path}/filings").expect(200)
            assert house.client.get("/livez").status_code == 200
        assert dispute.requesting.get(f"{dispute.path}/filings").expect(200)["items"] == []
        dispute.requesting.post(f"{dispute.path}/filings", big).expect(201)
    assert "every chain holds" in accord(settings, "ledger", "verify").stdout
