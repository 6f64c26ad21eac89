"""Uploads that are cut off, also by `kill -9`: acknowledged uploads are whole, unfinished uploads stay invisible.

`ACCORD_TEST_ROUNDS` is the number of kills, `ACCORD_TEST_UPLOAD_MIB` the size of the file that the service stores and
returns while its memory is measured.
"""

import hashlib
import os
import random
import re
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from app.settings import Settings
from tests.installation import Json
from tests.pdfs import pdf
from tests.processes import Served, served
from tests.uploads import S3, Desk, check, desk_today, empty_bucket, sweep

ROUNDS = int(os.environ.get("ACCORD_TEST_ROUNDS", "4"))
MIB = int(os.environ.get("ACCORD_TEST_UPLOAD_MIB", "64"))
UPLOADERS = 8
# The limit of the whole process's peak memory, in MiB, however large the file.
MOST_MEMORY = 200
BLOCK = b"".join(b"%015d\n" % number for number in range(65_536))


@pytest.fixture(params=["folder", "bucket"])
def kept(request: pytest.FixtureRequest, durable: Settings, tmp_path: Path) -> Settings:
    """A durable registry with each kind of storage."""
    limits = {"documents_per_filing": 10_000, "document_limit": 4 * 1024**3}
    if request.param == "folder":
        return durable.model_copy(update={"storage": str(tmp_path / "documents"), **limits})
    url = request.getfixturevalue("bucket_server")
    empty_bucket(url, "slow")
    bucket = {"storage": "s3://slow/documents", "storage_endpoint": url, **S3, **limits}
    return Settings(**{**durable.model_dump(), **bucket})


def surroundings(settings: Settings) -> dict[str, str]:
    """The environment that gives a process the settings of the storage."""
    names = (
        "storage",
        "storage_endpoint",
        "storage_region",
        "storage_key_id",
        "documents_per_filing",
        "document_limit",
    )
    variables = {f"ACCORD_{name.upper()}": getattr(settings, name) for name in names}
    secret = settings.storage_secret.get_secret_value() if settings.storage_secret else None
    variables["ACCORD_STORAGE_SECRET"] = secret
    return {name: str(value) for name, value in variables.items() if value is not None}


@dataclass
class Upload:
    """An upload: its content, the number of bytes after which it is cut off, and its result."""

    name: str
    content: bytes
    cut: int | None
    id: str | None = None
    status: int | None = None

    @property
    def sha256(self) -> str:
        """The SHA-256 of the content."""
        return hashlib.sha256(self.content).hexdigest()


@dataclass
class Log:
    """Every upload that was begun, recorded outside the service."""

    uploads: list[Upload] = field(default_factory=list)


def head_of(desk: Desk, upload: Upload, host: str) -> bytes:
    """The head of an upload's request."""
    return (
        f"POST {desk.path} HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {desk.dispute.requesting.token}\r\n"
        f"content-type: application/pdf\r\ncontent-disposition: attachment; filename={upload.name}\r\n"
        f"content-length: {len(upload.content)}\r\nconnection: close\r\n\r\n"
    ).encode()


def sent(desk: Desk, service: Served, upload: Upload) -> None:
    """Send an upload as far as it goes, with a client that shares no code with the service."""
    place = urlsplit(service.base_url)
    whole = head_of(desk, upload, place.netloc) + upload.content
    until = len(whole) - (len(upload.content) - upload.cut) if upload.cut is not None else len(whole)
    try:
        with socket.create_connection((place.hostname, place.port), timeout=60) as line:
            for start in range(0, until, 100_000):
                line.sendall(whole[start : min(start + 100_000, until)])
            if upload.cut is not None:
                return
            answer = b""
            while part := line.recv(65_536):
                answer += part
    except OSError:
        return
    match = re.match(rb"HTTP/1.1 (\d+) ", answer)
    upload.status = int(match[1]) if match else None
    id = re.search(rb'"id":"([0-9a-f-]{36})"', answer)
    if upload.status == 201 and id:
        upload.id = id[1].decode()


def upload_until(stop: threading.Event, desk: Desk, service: Served, log: Log, name: str, seed: int) -> None:
    """One client: upload after upload, some of them cut off at any byte, until it is stopped."""
    chance = random.Random(seed)  # noqa: S311
    for number in range(10_000):
        if stop.is_set() or service.process.poll() is not None:
            return
        # Above eight MiB an object is stored in parts.
        size = chance.choice([200, 65_536, 300_000, 1_000_000, 12_000_000])
        content = pdf(size, f"{name}-{number}".encode())
        cut = chance.randrange(len(content)) if chance.random() < 0.5 else None
        upload = Upload(f"{name}-{number}.pdf", content, cut)
        log.uploads.append(upload)
        sent(desk, service, upload)


def killed_while_uploading(settings: Settings, desk: Desk, log: Log, round_: int) -> None:
    """Kill the service while eight clients upload."""
    stop, before = threading.Event(), len(log.uploads)
    with served(settings, **surroundings(settings)) as service, ThreadPoolExecutor(UPLOADERS) as pool:
        clients = [
            pool.submit(upload_until, stop, desk, service, log, f"{round_}-{number}", round_ * 100 + number)
            for number in range(UPLOADERS)
        ]
        while len(log.uploads) < before + 2 * UPLOADERS:
            time.sleep(0.01)
        time.sleep(random.uniform(0.3, 2))  # noqa: S311 - any moment will do
        service.kill()
        stop.set()
        for client in clients:
            client.result(60)


def check_whole(settings: Settings, desk: Desk, log: Log) -> int:
    """Check that acknowledged uploads exist whole and that no other exists; gives the number of documents."""
    with served(settings, **surroundings(settings)) as service:
        bearer = {"authorization": f"Bearer {desk.dispute.requesting.token}"}
        with httpx.Client(base_url=service.base_url, headers=bearer, timeout=60) as client:
            seen: dict[str, Json] = {}
            path = f"{desk.path}?limit=200"
            while True:
                page = client.get(path).json()
                seen |= {item["id"]: item for item in page["items"]}
                if page["next"] is None:
                    break
                path = f"{desk.path}?limit=200&after={page['next']}"
            sent_whole = {upload.name: upload for upload in log.uploads if upload.cut is None}
            lost = [upload.name for upload in sent_whole.values() if upload.id and upload.id not in seen]
            assert not lost, f"acknowledged and lost: {lost}"
            for document in seen.values():
                upload = sent_whole.get(document["name"])
                assert upload is not None, f"{document['name']} was cut off and is seen"
                assert document["sha256"] == upload.sha256
                assert upload.id in (None, document["id"])
                content = client.get(f"/v1/documents/{document['id']}/content").content
                assert content == upload.content
    return len(seen)


@pytest.mark.slow
def test_acknowledged_uploads_are_whole_and_unfinished_uploads_stay_invisible(kept: Settings) -> None:
    log, began, seen = Log(), time.monotonic(), 0
    with desk_today(kept) as desk:
        for round_ in range(ROUNDS):
            killed_while_uploading(kept, desk, log, round_)
            seen = check_whole(kept, desk, log)
        refused = {upload.status for upload in log.uploads if upload.status not in (None, 201)}
        assert not refused, refused
        acknowledged = [upload for upload in log.uploads if upload.id]
        assert acknowledged
        storage = desk.dispute.house.app.state.seams.storage
        lying = len(list(storage.objects()))
        swept = sweep(desk, timedelta(hours=25))
        assert check(desk, timedelta(hours=25)) == []
        assert len(list(storage.objects())) == seen
        if storage.folder is not None:
            assert len([path for path in storage.folder.rglob("*") if path.is_file()]) == seen
    cut = sum(upload.cut is not None for upload in log.uploads)
    print(  # noqa: T201 - the figures of the run
        f"{ROUNDS} kills: {len(log.uploads)} uploads, {cut} cut off, {len(acknowledged)} acknowledged, {seen} seen and "
        f"whole, {lying} objects, {swept} swept; {time.monotonic() - began:.0f} s"
    )


def highest_memory(service: Served) -> int:
    """The peak memory of the process, in MiB."""
    status = Path(f"/proc/{service.process.pid}/status").read_text(encoding="ascii")
    match = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert match is not None
    return int(match[1]) // 1024


def large(hashed: "hashlib._Hash") -> Iterator[bytes]:
    """A PDF of so many MiB, hashed while it is sent."""
    for number in range(MIB):
        block = b"%PDF-1.7\n" + BLOCK[9:] if number == 0 else BLOCK
        block = BLOCK[:-6] + b"%%EOF\n" if number == MIB - 1 else block
        hashed.update(block)
        yield block


@pytest.mark.slow
def test_a_large_document_needs_no_more_memory_than_a_small_one(kept: Settings) -> None:
    with desk_today(kept) as desk:
        dispute = desk.dispute
    bearer = {"authorization": f"Bearer {dispute.requesting.token}"}
    head = {"content-type": "application/pdf", "content-disposition": "attachment; filename=large.pdf"}
    with (
        served(kept, **surroundings(kept)) as service,
        httpx.Client(base_url=service.base_url, headers=bearer, timeout=900) as client,
    ):
        before, began = highest_memory(service), time.monotonic()
        hashed = hashlib.sha256()
        answer = client.post(desk.path, content=large(hashed), headers=head)
        assert answer.status_code == 201, answer.text
        document = answer.json()
        assert (document["size"], document["sha256"]) == (MIB * len(BLOCK), hashed.hexdigest())
        uploaded, up = highest_memory(service), time.monotonic() - began
        came, began = hashlib.sha256(), time.monotonic()
        with client.stream("GET", f"/v1/documents/{document['id']}/content") as content:
            for part in content.iter_bytes(1024 * 1024):
                came.update(part)
        down = time.monotonic() - began
        assert came.hexdigest() == hashed.hexdigest()
        downloaded = highest_memory(service)
    print(  # noqa: T201 - the figures of the run
        f"{MIB} MiB: {before} MiB of memory before, {uploaded} after the upload ({MIB / up:.0f} MiB/s), "
        f"{downloaded} after the download ({MIB / down:.0f} MiB/s)"
    )
    assert downloaded < MOST_MEMORY


@pytest.mark.slow
def test_a_transfer_holds_no_database_connection_and_no_transaction(kept: Settings) -> None:
    with desk_today(kept) as desk:
        dispute = desk.dispute
    bearer = {"authorization": f"Bearer {dispute.requesting.token}"}
    content = pdf(500_000)
    with served(kept, ACCORD_POOL_SIZE="2", **surroundings(kept)) as service:
        place = urlsplit(service.base_url)
        lines = [socket.create_connection((place.hostname, place.port), timeout=60) for _ in range(20)]
        for number, line in enumerate(lines):
            upload = Upload(f"{number}.pdf", content, None)
            line.sendall(head_of(desk, upload, place.netloc) + content[:200_000])
        time.sleep(1)
        with httpx.Client(base_url=service.base_url, headers=bearer, timeout=5) as client:
            # Twenty transfers are in progress, ten times as many as there are connections.
            assert client.get(dispute.path).status_code == 200
            notice = {"kind": "notice", "title": "x", "text": "x", "audience": "participants"}
            assert client.post(f"{dispute.path}/filings", json=notice).status_code == 201
        for line in lines:
            line.sendall(content[200_000:])
        answers = [b"".join(iter(lambda line=line: line.recv(65_536), b"")) for line in lines]  # type: ignore[misc]
        for line in lines:
            line.close()
        assert [answer[9:12] for answer in answers] == [b"201"] * 20


@pytest.mark.slow
def test_an_upload_above_the_limit_is_refused(kept: Settings) -> None:
    limited = kept.model_copy(update={"document_limit": 1_000_000})
    with desk_today(limited) as desk:
        dispute = desk.dispute
    with served(limited, **surroundings(limited)) as service:
        for content in (pdf(1_000_001), pdf(20_000_000)):
            for path in (desk.path, desk.path.replace(desk.draft["id"], "00000000-0000-4000-8000-00000000dead")):
                there = Desk(dispute, {"id": path.split("/")[-2]})
                upload = Upload("large.pdf", content, None)
                sent(there, service, upload)
                assert upload.status == 413
        upload = Upload("a.pdf", b"<html>" + pdf(900_000), None)
        sent(desk, service, upload)
        assert upload.status == 422


@pytest.mark.slow
def test_changes_during_an_upload_are_judged_again_at_its_end(kept: Settings) -> None:
    with desk_today(kept) as desk:
        storage = desk.dispute.house.app.state.seams.storage
        content = pdf(500_000)
        with served(kept, **surroundings(kept)) as service:
            place = urlsplit(service.base_url)
            with socket.create_connection((place.hostname, place.port), timeout=60) as line:
                line.sendall(head_of(desk, Upload("late.pdf", content, None), place.netloc) + content[:200_000])
                time.sleep(1)
                desk.submit()
                line.sendall(content[200_000:])
                answer = b"".join(iter(lambda: line.recv(65_536), b""))
        assert answer[9:12] == b"409"
        assert b"filing-state" in answer
        assert list(storage.objects()) == []


@pytest.mark.slow
def test_a_slow_upload_succeeds_and_one_that_only_drips_is_dropped(kept: Settings) -> None:
    with desk_today(kept) as desk:
        content = pdf(60_000)
    with served(kept, ACCORD_REQUEST_TIMEOUT="1", **surroundings(kept)) as service:
        place = urlsplit(service.base_url)
        for step, status in ((5_000, b"201"), (500, b"")):
            with socket.create_connection((place.hostname, place.port), timeout=60) as line:
                line.sendall(head_of(desk, Upload(f"{step}.pdf", content, None), place.netloc))
                answer = b""
                try:
                    for start in range(0, len(content), step):
                        line.sendall(content[start : start + step])
                        time.sleep(0.3)
                    answer = b"".join(iter(lambda line=line: line.recv(65_536), b""))  # type: ignore[misc]
                except OSError:
                    pass
            assert answer[9:12] == status
