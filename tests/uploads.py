"""Uploads under test: each kind of storage, a draft filing, and requests that upload documents to it."""

import base64
import hashlib
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from app.proceedings.documents import inventory
from app.settings import Settings
from tests.installation import Answer, House, Json, Person
from tests.pdfs import PDF
from tests.story import Dispute

S3: Json = {"storage_region": "us-east-1", "storage_key_id": "key", "storage_secret": "secret"}


@contextmanager
def bucket_server_running() -> Iterator[str]:
    """The address of a server that speaks S3's protocol."""
    # Moto and boto take two seconds to import, and only the slow tests need them.
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def empty_bucket(url: str, name: str) -> Any:
    """An empty bucket."""
    import boto3  # type: ignore[import-untyped]

    keys = {"aws_access_key_id": "key", "aws_secret_access_key": "secret", "region_name": "us-east-1"}
    bucket = boto3.resource("s3", endpoint_url=url, **keys).Bucket(name)
    bucket.create()
    bucket.objects.all().delete()
    return bucket


@pytest.fixture(params=["folder", pytest.param("bucket", marks=pytest.mark.slow)], name="settings")
def settings_of_storage(request: pytest.FixtureRequest, settings: Settings, upload_folder: Path) -> Settings:
    """The settings of an empty registry with an empty storage of each kind."""
    limits = {"document_limit": 3 * 1024 * 1024, "documents_per_filing": 5}
    if request.param == "folder":
        for file in [path for path in upload_folder.rglob("*") if path.is_file()]:
            file.unlink()
        return settings.model_copy(update={"storage": str(upload_folder), **limits})
    url = request.getfixturevalue("bucket_server")
    empty_bucket(url, "documents")
    bucket = {"storage": "s3://documents/of/tests", "storage_endpoint": url, **S3, **limits}
    return Settings(**{**settings.model_dump(), **bucket})


@dataclass
class Desk:
    """A dispute with a draft filing of the requesting side, and the requests that upload documents to it."""

    dispute: Dispute
    draft: Json

    @property
    def path(self) -> str:
        """The path of the documents of the draft."""
        return f"{self.dispute.path}/filings/{self.draft['id']}/documents"

    def send(
        self,
        content: bytes | Iterator[bytes] = PDF,
        name: str = "memorial.pdf",
        media_type: str = "application/pdf",
        *,
        query: str = "",
        person: Person | None = None,
        **headers: str,
    ) -> Answer:
        """Upload a document."""
        sent = {
            "content-type": media_type,
            "content-disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}",
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        return (person or self.dispute.requesting).send("POST", self.path + query, content=content, headers=sent)

    def document(self, content: bytes = PDF, **more: Any) -> Json:
        """An uploaded document."""
        return dict(self.send(content, **more).expect(201))

    def submit(self) -> None:
        """Submit the draft with its documents."""
        self.dispute.requesting.post(self.path.replace("/documents", "/submit")).expect(200)


def desk_of(dispute: Dispute, audience: str = "participants", *sides: str) -> Desk:
    """A new draft of the requesting side, for that audience."""
    parties = [dispute.party(side) for side in sides]
    body = {"kind": "statement", "title": "Memorial", "text": "x", "audience": audience, "party_ids": parties}
    return Desk(dispute, dispute.requesting.post(f"{dispute.path}/filings", body).expect(201))


@contextmanager
def desk_today(settings: Settings) -> Iterator[Desk]:
    """A draft filing in a lodged case of a registry founded at the present time."""
    with House.open_today(settings) as house:
        dispute = Dispute(house)
        dispute.lodged()
        yield desk_of(dispute)


def content_of(person: Person, document: Json, **headers: str) -> Answer:
    """The request of a person for a document's bytes."""
    return person.get(f"/v1/documents/{document['id']}/content", **headers)


def digest_of(content: bytes) -> str:
    """A digest in the form of the header."""
    return f"sha-256=:{base64.b64encode(hashlib.sha256(content).digest()).decode()}:"


def fault(answer: Answer) -> str:
    """The code of the only fault of a refused request."""
    return str(answer.expect(422, "invalid")["errors"][0]["code"])


def nothing_is_kept(desk: Desk) -> bool:
    """Whether no document is listed and the storage is empty."""
    listed = desk.dispute.requesting.get(desk.path).expect(200)["items"]
    return not listed and not list(desk.dispute.house.app.state.seams.storage.objects())


def check(desk: Desk, later: timedelta = timedelta(0)) -> list[tuple[str, str | None]]:
    """The differences between storage and database that `accord check --storage` reports."""
    seams = desk.dispute.house.app.state.seams
    with seams.database.read(seams.entropy("check")) as db:
        db.sealer = seams.sealer
        documents = inventory.expected(db)
    differences = inventory.compare(documents, seams.storage, datetime.now(UTC) + later)
    return sorted(
        (difference.kind, str(difference.document_id) if difference.document_id else None) for difference in differences
    )


def sweep(desk: Desk, later: timedelta) -> int:
    """Sweep the storage at a later time; gives the number of removed objects."""
    seams, now = desk.dispute.house.app.state.seams, datetime.now(UTC) + later
    old = inventory.old_objects(seams.storage, now)
    with seams.database.read(seams.entropy("sweep")) as db:
        named = inventory.referenced(db)
    return inventory.sweep(seams.storage, old, named, now)
