"""Faults of the machine, such as a clock that is set back or a full disk: nothing is lost, doubled or half written."""

import os
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import event, select, text
from sqlalchemy.exc import DBAPIError

from app.core.access.session import as_system
from app.core.db import _has_refused, is_postgresql, sqlite
from app.core.http import threads
from app.core.tables.documents import Document
from app.operations.migrating import migrate
from app.settings import Settings
from tests.disks import fill, small_disk
from tests.installation import TEST_SETTINGS, House, Json, outside
from tests.lists import walk_pages
from tests.pdfs import pdf
from tests.postgresql_server import EmbeddedServer
from tests.processes import accord
from tests.story import Dispute, request
from tests.uploads import desk_of


def test_a_clock_that_is_set_back_an_hour_breaks_neither_lists_nor_chains(house: House, dispute: Dispute) -> None:
    dispute.mediating()
    path = f"{dispute.path}/filings"
    before = [dispute.filing(dispute.requesting, "participants")["id"] for _filing in range(3)]
    seq = dispute.read()["seq"]
    cursor = dispute.requesting.get(f"{path}?limit=2").expect(200)["next"]
    key = {"idempotency_key": "once"}
    body = {"kind": "notice", "title": "x", "text": "x", "audience": "participants"}
    first = dispute.requesting.post(path, body, **key).expect(201)
    house.clock.pass_by(hours=-1)
    assert dispute.requesting.post(path, body, **key).expect(201)["id"] == first["id"]
    after = [dispute.filing(dispute.requesting, "participants")["id"] for _filing in range(3)]
    listed = walk_pages(dispute.requesting, path, 1)
    assert sorted(listed) == sorted([*before, *after, first["id"]])
    assert dispute.requesting.get(f"{path}?after={cursor}").expect(200)["items"]
    dispute.frozen()
    assert dispute.read()["seq"] > seq
    events = dispute.events()
    for stream in {written["stream"] for written in events}:
        seqs = [written["seq"] for written in events if written["stream"] == stream]
        assert seqs == sorted(seqs)
    verified = accord(house.settings, "ledger", "verify")
    assert "every chain holds" in verified.stdout, verified.stdout


def test_damaged_bytes_have_a_code_of_their_own_in_every_answer_that_needs_them(dispute: Dispute) -> None:
    dispute.mediating()
    desk = desk_of(dispute)
    damaged, missing = desk.document(), desk.document(pdf(900), name="other.pdf")
    desk.submit()
    filing = desk.path.removesuffix("/documents")
    dispute.frozen()
    session = dispute.session()
    # Filing and receipt, text, and session have a content each; documents have bytes in the storage besides.
    paths = [filing, f"{dispute.path}/filings", f"{filing}/receipt", f"{filing}/receipt.pdf", desk.path]
    paths += [f"{dispute.path}/{part}" for part in ("settlement/drafts", f"sessions/{session['id']}")]
    assert {dispute.requesting.get(path).status for path in paths} == {200}
    with stored(dispute.house, damaged) as object_key:
        storage = dispute.house.app.state.seams.storage
        path = Path(str(dispute.house.settings.storage)) / object_key
        path.write_bytes(path.read_bytes()[:-1] + b"x")
        for headers in ({}, {"range": "bytes=0-9"}):
            dispute.requesting.get(f"/v1/documents/{damaged['id']}/content", **headers).expect(500, "damaged")
        path.write_bytes(b"")
        dispute.requesting.get(f"/v1/documents/{damaged['id']}/content").expect(500, "damaged")
    with stored(dispute.house, missing) as object_key:
        storage.delete_now(object_key)
        dispute.requesting.get(f"/v1/documents/{missing['id']}/content").expect(500, "damaged")
    assert {dispute.requesting.get(path).status for path in paths} == {200}
    for change in ("substr(body, 1, 20)", "substr(body, 1, length(body) - 1)"):
        with dispute.house.database.write(os.urandom) as db, as_system(db):
            db.execute(text(f"UPDATE contents SET body = {change}"), execution_options={"as_system": True})
        for damaged_path in paths:
            answer = dispute.requesting.get(damaged_path).expect(500, "damaged")
            assert answer["title"] == "What is stored of this is damaged"
        dispute.requesting.post(f"{filing}/submit").expect(409, "filing-state")
        body = {"kind": "notice", "title": "x", "text": "x", "audience": "participants"}
        dispute.requesting.post(f"{dispute.path}/filings", body).expect(201)


@contextmanager
def stored(house: House, document: Json) -> Iterator[str]:
    """The key of the stored bytes of a document."""
    with house.database.read(os.urandom) as db, as_system(db):
        yield db.execute(select(Document.object_key).where(Document.id == UUID(document["id"]))).scalar_one()


@contextmanager
def full_disk(house: House, folder: Path, mounted: bool) -> Iterator[None]:
    """No room on the disk of the registry: a small disk is filled, or SQLite gets no more pages."""
    if mounted:
        filler = fill(folder)
        try:
            yield
        finally:
            filler.unlink()
        return
    engine = house.database.engine

    def limited(pages: int) -> None:
        def limit(connection: Any, _record: Any, _proxy: Any) -> None:
            connection.execute(f"PRAGMA max_page_count = {pages}")

        event.listen(engine, "checkout", limit)

    limited(1)
    try:
        yield
    finally:
        limited(1_073_741_823)


def on_a_full_disk_reads_go_on_and_writes_are_refused_whole(settings: Settings, folder: Path, mounted: bool) -> None:
    """Fill the disk of the registry during a case, write until a write is refused, and make room again."""
    with House.open(settings) as house:
        dispute = Dispute(house)
        dispute.mediating()
        before = dispute.requesting.get(f"{dispute.path}/events?limit=200").expect(200)
        big = {"kind": "notice", "title": "x", "text": "x" * 90_000, "audience": "participants"}
        written = 0
        with full_disk(house, folder, mounted):
            # Writes that still fit are accepted; the first that does not fit is refused.
            answer = dispute.requesting.post(f"{dispute.path}/filings", big)
            while answer.status == 201 and written < 100:
                written += 1
                answer = dispute.requesting.post(f"{dispute.path}/filings", big)
            answer.expect(503, "unavailable")
            assert answer.headers["retry-after"]
            dispute.requesting.get(f"{dispute.path}/events?limit=200").expect(200)
            listed = dispute.requesting.get(f"{dispute.path}/filings?count=true").expect(200)
            assert listed["count"]["total"] == written
            assert house.client.get("/livez").status_code == 200
        dispute.requesting.post(f"{dispute.path}/filings", big).expect(201)
        after = dispute.events()
        assert len(after) == len(before["items"]) + written + 1
        assert "every chain holds" in accord(settings, "ledger", "verify").stdout
        house.database.dispose()


@pytest.mark.parametrize("_engine", ["sqlite"])
def test_on_a_full_disk_reads_go_on_and_writes_are_refused_whole(
    sqlite_template: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], _engine: str
) -> None:
    folder = tmp_path / "disk"
    with small_disk(folder, megabytes=6) as mounted:
        if not mounted:
            with capsys.disabled():
                print("\nNo disk could be mounted here: SQLite is made to report a full disk instead.")  # noqa: T201
        path = folder / "registry.db"
        with closing(sqlite.connect(sqlite_template)) as source, closing(sqlite.connect(path)) as target:
            source.backup(target)
        settings = Settings(database_url=f"sqlite:///{path}", **TEST_SETTINGS)
        on_a_full_disk_reads_go_on_and_writes_are_refused_whole(settings, folder, mounted)


@pytest.mark.slow
@pytest.mark.parametrize("_engine", ["postgresql"])
def test_on_the_full_disk_of_a_server_reads_go_on_and_writes_are_refused_whole(
    capsys: pytest.CaptureFixture[str], _engine: str
) -> None:
    with tempfile.TemporaryDirectory(prefix="accord-disk-") as place:
        # The server's user must be able to enter the folder.
        Path(place).chmod(0o711)
        folder = Path(place) / "disk"
        with small_disk(folder, megabytes=96) as mounted:
            if not mounted:
                with capsys.disabled():
                    print("\nNo disk could be mounted here: PostgreSQL is not tried on a full one.")  # noqa: T201
                return
            server = EmbeddedServer(folder)
            try:
                settings = Settings(database_url=server.url.render_as_string(hide_password=False), **TEST_SETTINGS)
                migrate(settings)
                on_a_full_disk_reads_go_on_and_writes_are_refused_whole(settings, folder, mounted)
            finally:
                server.stop()


@pytest.mark.slow
@pytest.mark.parametrize("_engine", ["sqlite"])
def test_a_database_locked_by_another_program_is_reported_as_busy_and_then_served_again(
    sqlite_template: Path, tmp_path: Path, _engine: str
) -> None:
    path = tmp_path / "registry.db"
    with closing(sqlite.connect(sqlite_template)) as source, closing(sqlite.connect(path)) as target:
        source.backup(target)
    with House.open(Settings(database_url=f"sqlite:///{path}", **TEST_SETTINGS)) as house:
        dispute = Dispute(house)
        dispute.lodged()
        with closing(sqlite.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            dispute.step(dispute.registrar, "invite", {}).expect(503, "unavailable")
            dispute.requesting.get(dispute.path).expect(200)
            other.execute("ROLLBACK")
        dispute.step(dispute.registrar, "invite", {}).expect(200)
        house.database.dispose()


def test_a_request_that_waits_too_long_is_refused_with_503_and_a_request_in_progress_is_finished(
    served: House, dispute: Dispute, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threads, "SECONDS_IN_LINE", 0.3)
    at_work = int(served.database.writer.total_tokens)
    filers = [dispute.requesting] * (at_work + 2)
    with outside(served, *filers) as people, ThreadPoolExecutor(len(people)) as pool:
        with served.database.write(os.urandom) as holding:
            # From here on SQLite refuses all other writers; on PostgreSQL a lock does the same.
            holding.connection()
            if is_postgresql(holding):
                holding.execute(text("LOCK TABLE users IN ACCESS EXCLUSIVE MODE"))
            sent = [pool.submit(person.post, "/v1/cases", request()) for person in people]
            late = [future.result() for future in islice(as_completed(sent, timeout=8), 2)]
        for answer in late:
            answer.expect(503, "unavailable")
            assert answer.headers["retry-after"]
        assert sorted(pending.result().status for pending in sent) == [201] * at_work + [503] * 2
    assert len(dispute.requesting.get("/v1/cases").expect(200)["items"]) == at_work


def lost_at_commit(house: House, monkeypatch: pytest.MonkeyPatch, *, after: bool) -> None:
    """The next commit of the service gets no answer; it had arrived or, without `after`, had not."""
    dialect = house.database.engine.dialect
    commit = dialect.do_commit

    def lost(connection: Any) -> None:
        monkeypatch.setattr(dialect, "do_commit", commit)
        if after:
            commit(connection)
        else:
            connection.rollback()
        if house.settings.is_sqlite:
            problem = sqlite.OperationalError("disk I/O error")
            problem.sqlite_errorname = "SQLITE_IOERR_FSYNC"
            raise problem
        raise psycopg.OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(dialect, "do_commit", lost)


@pytest.mark.parametrize("after", [True, False], ids=["it was made", "it was not made"])
def test_a_commit_without_an_answer_is_reported_as_unknown_and_repeated_once_under_its_key(
    house: House, dispute: Dispute, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    dispute.lodged()
    path, body = f"{dispute.path}/filings", {"kind": "notice", "title": "x", "text": "x", "audience": "participants"}
    lost_at_commit(house, monkeypatch, after=after)
    answer = dispute.requesting.post(path, body, idempotency_key="once")
    problem = answer.expect(503, "outcome-unknown")
    assert "Nothing was changed" not in answer.response.text
    assert "Idempotency-Key" in problem["detail"]
    assert answer.headers["retry-after"]
    repeated = dispute.requesting.post(path, body, idempotency_key="once")
    filing = repeated.expect(201)
    assert ("idempotency-replayed" in repeated.headers) == after
    assert [item["id"] for item in dispute.requesting.get(path).expect(200)["items"]] == [filing["id"]]


def test_a_database_that_is_lost_before_the_commit_has_changed_nothing(
    house: House, dispute: Dispute, monkeypatch: pytest.MonkeyPatch
) -> None:
    dispute.lodged()

    def lost(*_anything: Any) -> None:
        kind = sqlite.OperationalError if house.settings.is_sqlite else psycopg.OperationalError
        raise kind("lost")

    path, body = f"{dispute.path}/filings", {"kind": "notice", "title": "x", "text": "x", "audience": "participants"}
    with monkeypatch.context() as patched:
        patched.setattr(house.database.engine.dialect, "do_execute", lost)
        answer = dispute.requesting.post(path, body)
    answer.expect(503, "unavailable")
    assert dispute.requesting.get(path).expect(200)["items"] == []


@pytest.mark.parametrize("_engine", ["postgresql"])
def test_errors_that_the_database_answers_to_a_commit_say_that_nothing_was_changed(_engine: str) -> None:
    def refused(state: str | None) -> bool:
        problem = psycopg.OperationalError("x")
        problem.sqlstate = state
        return _has_refused(DBAPIError("COMMIT", None, problem))

    assert all(refused(state) for state in ("40001", "40P01", "53100", "57014", "23505"))
    assert not any(refused(state) for state in (None, "57P01", "57P02", "08006", "40003"))
