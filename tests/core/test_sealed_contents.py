"""People's texts are unreadable wherever an operator stores them: a search for canaries finds none."""

import base64
import io
import shutil
import socket
import sqlite3
import subprocess
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from sqlalchemy import make_url, text

from app.core.db import Base
from app.settings import Settings
from tests.canaries import WORDS, plant
from tests.installation import House, Person, straight_to
from tests.pdfs import pdf
from tests.processes import Served, accord, served
from tests.story import Dispute
from tests.uploads import Desk, desk_of, digest_of, fault


def test_authorised_readers_read_the_canaries(house: House) -> None:
    dispute = plant(house)
    read = "".join(
        dispute.mediator.get(dispute.path + path).response.text
        for path in (
            "",
            "/appointments",
            "/filings",
            "/sessions",
            "/settlement/drafts",
            "/consents",
            "/events?limit=200",
        )
    )
    # Only the side itself and the registry read powers.
    hidden_from_mediators = {WORDS["powers"]}
    assert {word for word in WORDS.values() if word not in read} == hidden_from_mediators


def test_no_canary_is_readable_in_the_database(house: House, settings: Settings) -> None:
    plant(house)
    haystack = everything_in(settings)
    assert b"Sharing of the waters of the Serin" in haystack, "what stays in clear is found, so the search works"
    assert [word for word in WORDS.values() if word.encode() in haystack] == []


def everything_in(settings: Settings) -> bytes:
    """The raw SQLite file with its journal, or every row of every table of PostgreSQL."""
    engine = straight_to(settings)
    if settings.is_sqlite:
        path = Path(str(engine.url.database))
        with sqlite3.connect(path) as connection:
            connection.execute("SELECT 1")
        return b"".join(file.read_bytes() for file in sorted(path.parent.rglob("registry.db*")) if file.is_file())
    with engine.connect() as connection:
        rows = [
            repr([bytes(value) if isinstance(value, memoryview) else value for value in row])
            for table in Base.metadata.tables
            for row in connection.execute(text(f"SELECT * FROM {table}"))
        ]
    engine.dispose()
    return "\n".join(rows).encode()


# A part of every canary below.
MARK = b"quetzal"
MIB = 1024 * 1024


def spellings(word: bytes) -> list[bytes]:
    """The forms in which a word may appear in a file: plain, in hexadecimal, and in base64 at each offset."""
    forms = [word, word.hex().encode(), word.hex().upper().encode()]
    for shift in range(3):
        # Without the letters that share a group with the word's neighbours.
        letters = base64.b64encode(b"\0" * shift + word)
        forms.append(letters[-(-shift * 8 // 6) : (shift + len(word)) * 8 // 6])
    return forms


def found_in(lying: bytes, word: bytes = MARK) -> list[bytes]:
    """The bytes around each spelling of a word that appears in these bytes."""
    places = [lying.find(spelling) for spelling in spellings(word)]
    return [lying[max(0, place - 60) : place + 60] for place in places if place >= 0]


def in_folder(folder: Path) -> bytes:
    """Every file in a folder, with its path."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return b"".join(str(path.relative_to(folder)).encode() + path.read_bytes() for path in files)


def unzipped(content: bytes) -> bytes:
    """An archive's members, with their names."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return b"".join(name.encode() + archive.read(name) for name in archive.namelist())


def dump(settings: Settings) -> bytes:
    """The dump of the database's own tool, or every row of every table where the tool is not installed."""
    if settings.is_sqlite:
        with sqlite3.connect(make_url(settings.database_url).database or "") as connection:
            return "\n".join(connection.iterdump()).encode()
    url = make_url(settings.database_url).set(drivername="postgresql").render_as_string(hide_password=False)
    if shutil.which("pg_dump"):
        dumped = subprocess.run(["pg_dump", url], capture_output=True, check=False)
        if dumped.returncode == 0:
            return dumped.stdout
    return everything_in(settings)


@contextmanager
def at(service: Served, person: Person) -> Iterator[Person]:
    """The same person, as a client of that service."""
    with httpx.Client(base_url=service.base_url, timeout=60) as client:
        yield Person(person.name, person.id, person.token, client, str)


@contextmanager
def begun(desk: Desk, service: Served, folder: Path) -> Iterator[socket.socket]:
    """An upload of which more than half has arrived in the folder and which does not continue."""
    content = pdf(20 * MIB, b"cutoffquetzal")
    place = urlsplit(service.base_url)
    head = (
        f"POST {desk.path} HTTP/1.1\r\nhost: {place.netloc}\r\n"
        f"authorization: Bearer {desk.dispute.requesting.token}\r\n"
        "content-type: application/pdf\r\ncontent-disposition: attachment; filename=cutnamequetzal.pdf\r\n"
        f"content-length: {len(content)}\r\n\r\n"
    )
    before = set(folder.rglob("*#*"))
    with socket.create_connection((place.hostname, place.port), timeout=60) as line:
        line.sendall(head.encode() + content[: 18 * MIB])
        while not any(path.stat().st_size >= 8 * MIB for path in set(folder.rglob("*#*")) - before):
            time.sleep(0.05)
        yield line


@pytest.mark.slow
def test_no_canary_is_readable_in_storage_database_backup_dump_log_or_temporary_folder(
    durable: Settings, tmp_path: Path
) -> None:
    kept = durable.model_copy(update={"storage": str(tmp_path / "documents")})
    temporary, log, folder = tmp_path / "temporary", tmp_path / "service.log", tmp_path / "documents"
    temporary.mkdir()
    surroundings = {"TMPDIR": str(temporary), "ACCORD_STORAGE": str(folder)}
    with House.open_today(kept) as house:
        dispute = Dispute(house)
        dispute.mediating()
        house.database.dispose()
    with (
        served(kept, log=log, **surroundings) as service,
        at(service, dispute.requesting) as dispute.requesting,
        at(service, dispute.mediator) as dispute.mediator,
    ):
        digest = filed_and_refused(dispute, folder)
        assert not found_in(in_folder(tmp_path))
        with begun(desk_of(dispute), service, folder):
            assert not found_in(in_folder(tmp_path)), "while an upload is under way"
        with begun(desk_of(dispute), service, folder):
            service.kill()
        assert not found_in(in_folder(tmp_path)), "after the service was killed"
    taken = accord(kept, "backup", "--out", str(tmp_path / "backup.zip"), **surroundings)
    assert taken.returncode == 0, taken.stderr
    looked = accord(kept, "check", "--storage", **surroundings)
    assert "documents: altered" in looked.stdout
    lying = {
        "folder": in_folder(tmp_path),
        "backup": unzipped((tmp_path / "backup.zip").read_bytes()),
        "dump": dump(kept),
        "output": (taken.stdout + taken.stderr + looked.stdout + looked.stderr).encode(),
    }
    assert {where: matches for where, content in lying.items() if (matches := found_in(content))} == {}
    # A word in clear is found, which shows that the search works: in each place, in each spelling.
    for where in ("backup", "dump", *(["folder"] if kept.is_sqlite else [])):
        assert found_in(lying[where], dispute.case["title"].encode()), where
        assert found_in(lying[where], digest), where
    for line in (b"downloadDocument", b"app.core.errors.Altered"):
        assert line in log.read_bytes()
    assert sum(path.stat().st_size for path in folder.rglob("*#*")) >= 8 * MIB


def filed_and_refused(dispute: Dispute, folder: Path) -> bytes:
    """Canaries in everything that can be filed and in refused requests; gives the digest of a filed document."""
    person, title = dispute.requesting, {"title": "titlequetzal", "text": "textquetzal"}
    filed = []
    for audience, sides in (("participants", ()), ("caucus", ("requesting",))):
        desk = desk_of(dispute, audience, *sides)
        parties = [dispute.party(side) for side in sides]
        body = {"kind": "statement", "audience": audience, "party_ids": parties, **title}
        desk.draft = person.post(f"{dispute.path}/filings", body).expect(201)
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as written:
            written.writestr("membernamequetzal.txt", b"memberquetzal")
        filed += [
            desk.document(pdf(9 * MIB, b"documentquetzal"), name="namequetzal.pdf"),
            desk.document(b"plainquetzal", name="quetzal.txt", media_type="text/plain"),
            desk.document(archive.getvalue(), name="archivequetzal.zip", media_type="application/zip"),
        ]
        refused(desk, archive.getvalue())
        desk.submit()
        for reader in (person, dispute.mediator):
            path = desk.path.replace("/documents", "/receipt")
            for ending in ("", ".pdf"):
                assert reader.get(path + ending).status == 200
            for document in filed[-3:]:
                assert reader.get(f"/v1/documents/{document['id']}/content").status == 200
    dispute.draft(dispute.mediator, title="drafttitlequetzal", clauses=[{"number": "1", "text": "clausequetzal"}])
    # An altered object is an internal error, which the log reports.
    small = min((path for path in folder.rglob("*") if path.is_file()), key=lambda path: path.stat().st_size)
    small.write_bytes(small.read_bytes()[:-1] + b"x")
    answers = {person.get(f"/v1/documents/{document['id']}/content").status for document in filed}
    assert answers == {200, 500}
    return bytes.fromhex(filed[0]["sha256"])


def refused(desk: Desk, archive: bytes) -> None:
    """Refused uploads and requests, each with a canary in it."""
    nested = io.BytesIO()
    with zipfile.ZipFile(nested, "w") as written:
        written.writestr("innerquetzal.zip", archive)
    page = b"<!doctype html>htmlquetzal"
    assert fault(desk.send(page, name="pagequetzal.pdf")) == "type-content"
    assert fault(desk.send(pdf(9 * MIB, b"digestquetzal"), repr_digest=digest_of(b"other"))) == "digest-mismatch"
    assert (
        fault(desk.send(nested.getvalue(), name="nestedquetzal.zip", media_type="application/zip")) == "archive-nested"
    )
    assert fault(desk.send(name="../pathquetzal.pdf")) == "name-path"
    bad = {"kind": "statement", "title": "badtitlequetzal\u202e", "text": "badtextquetzal", "fieldquetzal": "x"}
    desk.dispute.requesting.post(f"{desk.dispute.path}/filings", bad).expect(422)
