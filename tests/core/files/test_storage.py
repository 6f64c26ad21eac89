"""The document storage: sealed, compared with the database, swept, scanned, and its loss reported."""

import random
import shutil
import socket
import socketserver
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from app.core.files import storage as storage_module
from app.core.ledger import service as ledger
from app.core.sealer import NO_KEY
from app.core.tables.contents import DataKey
from app.proceedings.documents import virus_scan
from tests.pdfs import PDF, pdf
from tests.processes import free_port
from tests.story import Dispute
from tests.uploads import Desk, check, content_of, desk_of, settings_of_storage, sweep

__all__ = ["settings_of_storage"]


def test_canaries_are_not_readable_in_the_storage_or_the_database(desk: Desk, upload_folder: Path) -> None:
    word, name = b"margayword", "margayname.txt"
    document = desk.document(word * 10_000, name=name, media_type="text/plain")
    desk.submit()
    storage = desk.dispute.house.app.state.seams.storage
    lying = b"".join(b"".join(storage.bytes_of(stored.key)) + stored.key.encode() for stored in storage.objects())
    lying += b"".join(path.read_bytes() for path in upload_folder.rglob("*") if path.is_file())
    assert len(lying) > document["size"]
    settings = desk.dispute.house.settings
    if settings.is_sqlite:
        file = Path(settings.database_url.removeprefix("sqlite:///"))
        lying += b"".join(path.read_bytes() for path in file.parent.iterdir() if path.is_file())
    assert b"margay" not in lying
    assert document["id"].encode() not in lying or settings.is_sqlite


def test_the_sweeper_removes_unreferenced_objects_older_than_a_day(desk: Desk) -> None:
    kept, removed = desk.document(), desk.document(pdf(900))
    desk.dispute.requesting.post(f"/v1/documents/{removed['id']}/remove").expect(204)
    storage = desk.dispute.house.app.state.seams.storage
    storage.put_now("zz/nobodys", [b"x" * 100])
    assert len(list(storage.objects())) == 3
    assert sweep(desk, timedelta(hours=23)) == 0
    assert check(desk, timedelta(hours=25)) == [("unreferenced", None)] * 2
    assert sweep(desk, timedelta(hours=25)) == 2
    assert sweep(desk, timedelta(hours=25)) == 0
    assert len(list(storage.objects())) == 1
    assert check(desk, timedelta(hours=25)) == []
    assert content_of(desk.dispute.requesting, kept).response.content == PDF


def test_a_flipped_bit_in_any_object_is_detected(desk: Desk) -> None:
    documents = [desk.document(pdf(size), name=f"{size}.pdf") for size in (500, 65_536, 200_000)]
    storage = desk.dispute.house.app.state.seams.storage
    assert check(desk) == []
    objects = {stored.key: b"".join(storage.bytes_of(stored.key)) for stored in storage.objects()}
    assert len(objects) == 3
    changed = random.Random(7)  # noqa: S311
    for key, sealed in objects.items():
        places = [0, 5, 40, 48, len(sealed) - 1, *(changed.randrange(len(sealed)) for _ in range(3))]
        id = None
        for place in places:
            flipped = bytearray(sealed)
            flipped[place] ^= 1 << changed.randrange(8)
            storage.put_now(key, [bytes(flipped)])
            ((kind, id),) = check(desk)
            assert kind == "altered"
        # A client gets an error or a shortened body, never other bytes than the filed ones.
        document = next(document for document in documents if document["id"] == id)
        broken = partial(content_of, desk.dispute.requesting, document)
        if document["size"] < 1024 * 1024:
            broken().expect(500)
        for other in (sealed[:-1], sealed + b"x", sealed[:48], next(iter(objects.values()))[::-1], b""):
            storage.put_now(key, [other])
            assert check(desk) == [("altered", id)]
        storage.delete_now(key)
        assert check(desk) == [("missing", id)]
        broken().expect(500)
        storage.put_now(key, [sealed])
    first_object, other = list(objects)[:2]
    storage.put_now(first_object, [objects[other]])
    storage.put_now(other, [objects[first_object]])
    assert [kind for kind, _id in check(desk)] == ["altered", "altered"]


def test_a_lost_storage_is_reported_plainly_and_changes_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    document = desk.document()
    seams = desk.dispute.house.app.state.seams

    class Broken:
        """A storage whose store is gone."""

        def __getattr__(self, name: str) -> Any:
            raise OSError("gone")

    class Lost:
        """The missing store."""

    monkeypatch.setitem(vars(seams.storage), "_store", Lost())
    monkeypatch.setattr(storage_module, "obstore", Broken())
    desk.send(pdf(900)).expect(503, "storage-unavailable")
    content_of(desk.dispute.requesting, document).expect(503, "storage-unavailable")
    monkeypatch.undo()
    assert desk.dispute.requesting.get(desk.path).expect(200)["items"] == [document]


def destroy_keys(desk: Desk) -> None:
    """Destroy the key of every case."""
    seams = desk.dispute.house.app.state.seams
    with seams.database.write(seams.entropy("destroy")) as db:
        db.execute(update(DataKey).values(wrapped=NO_KEY))


def test_destroying_a_key_ends_its_documents_and_leaves_the_ledger_intact(desk: Desk) -> None:
    document, dispute = desk.document(), desk.dispute
    desk.submit()
    destroy_keys(desk)
    filing = desk.path.removesuffix("/documents")
    document_path = f"/v1/documents/{document['id']}"
    for path in (
        document_path,
        f"{document_path}/content",
        desk.path,
        filing,
        f"{filing}/receipt",
        f"{filing}/receipt.pdf",
        dispute.path,
    ):
        dispute.requesting.get(path).expect(410, "destroyed")
    assert check(desk) == []


def test_unreadable_documents_do_not_keep_others_from_the_scanner(
    desk: Desk, clamd: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = desk.dispute.house.app.state.seams.database
    monkeypatch.setattr(database, "settings", database.settings.model_copy(update={"clamd": clamd}))
    monkeypatch.setattr(virus_scan, "AT_ONCE", 1)
    desk.document()
    destroy_keys(desk)
    other = Dispute(desk.dispute.house, " II")
    other.mediating()
    waiting = desk_of(other)
    waiting.document(pdf(200_000), name="huge.pdf")
    desk.dispute.house.clock.pass_by(minutes=1)
    waiting.document()
    # Documents that the scanner refuses are tried again after the others.
    assert [scan(desk, clamd) for _round in range(3)] == [["unknown"], ["clean"], ["unknown"]]


class Clamd(socketserver.StreamRequestHandler):
    """A scanner that speaks clamd's protocol and finds one word."""

    def handle(self) -> None:
        """Scan one stream."""
        assert self.rfile.read(10) == b"zINSTREAM\0"
        content = b""
        while length := int.from_bytes(self.rfile.read(4), "big"):
            content += self.rfile.read(length)
        verdict = b"Eicar FOUND" if b"EICAR" in content else b"OK"
        too_large = len(content) > 100 * 1024
        self.wfile.write(b"INSTREAM size limit exceeded. ERROR\0" if too_large else b"stream: " + verdict + b"\0")


# The real clamd is tested too if it is on the path; its only signature is the one that it gets here.
CLAMD = ["clamd"] if shutil.which("clamd") else []


@pytest.fixture(params=["spoken", *(pytest.param(one, marks=pytest.mark.slow) for one in CLAMD)])
def clamd(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a scanner that finds one word and accepts up to 100 KiB: clamd, or a server with its protocol."""
    if request.param == "clamd":
        with real_clamd(tmp_path) as address:
            yield address
        return
    with socketserver.TCPServer(("127.0.0.1", 0), Clamd) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"tcp://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@contextmanager
def real_clamd(folder: Path) -> Iterator[str]:
    """The real clamd in the foreground, until the test ends."""
    (folder / "signatures").mkdir()
    (folder / "signatures" / "test.ndb").write_text(f"Accord.Test:0:*:{b'EICAR'.hex()}\n", encoding="ascii")
    port, configuration = free_port(), folder / "clamd.conf"
    directives = {
        "DatabaseDirectory": folder / "signatures",
        "TCPAddr": "127.0.0.1",
        "TCPSocket": port,
        "Foreground": "yes",
        "StreamMaxLength": "100K",
    }
    configuration.write_text("".join(f"{name} {value}\n" for name, value in directives.items()), encoding="utf-8")
    with subprocess.Popen(["clamd", "--config-file", str(configuration)], stdout=subprocess.DEVNULL) as process:
        for _attempt in range(100):
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            assert process.poll() is None, "clamd did not start"
            time.sleep(0.1)
        yield f"tcp://127.0.0.1:{port}"
        process.terminate()


def scan(desk: Desk, address: str) -> list[str]:
    """One round of the worker."""
    seams = desk.dispute.house.app.state.seams
    with seams.database.read(seams.entropy("scan")) as db:
        db.sealer = seams.sealer
        waiting = virus_scan.waiting(db)
    verdicts: list[str] = []
    for document in waiting:
        verdict = virus_scan.scan(seams.storage, document, address)
        verdicts.append(verdict)
        with seams.database.write(seams.entropy(f"judge {document.id}")) as db:
            virus_scan.judge(db, desk.dispute.house.clock.now, document.id, verdict)
            ledger.seal(db)
    return verdicts


def test_a_document_is_quarantined_until_it_is_found_clean(
    desk: Desk, clamd: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = desk.dispute.house.app.state.seams.database
    monkeypatch.setattr(database, "settings", database.settings.model_copy(update={"clamd": clamd}))
    clean, infected, huge = (
        desk.document(pdf(size, word)) for size, word in ((900, b"x"), (900, b"EICAR"), (200_000, b"x"))
    )
    person = desk.dispute.requesting
    assert {one["state"] for one in (clean, infected, huge)} == {"quarantined"}
    content_of(person, clean).expect(409, "document-quarantined")
    assert scan(desk, "tcp://127.0.0.1:1") == ["unknown"] * 3
    assert sorted(scan(desk, clamd)) == ["clean", "infected", "unknown"]
    assert content_of(person, clean).response.content == pdf(900)
    assert person.get(f"/v1/documents/{clean['id']}").expect(200)["state"] == "stored"
    content_of(person, infected).expect(404)
    content_of(person, huge).expect(409, "document-quarantined")
    assert [document["number"] for document in person.get(desk.path).expect(200)["items"]] == [1, 3]
    assert sweep(desk, timedelta(hours=25)) == 1
