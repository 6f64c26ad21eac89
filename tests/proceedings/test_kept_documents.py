"""Documents are backed up, restored and checked with the rest, and unreferenced objects are swept."""

import os
from pathlib import Path

import pytest

from app.core.files.storage import Storage
from app.settings import Settings
from tests.background import worker
from tests.installation import House, Json
from tests.pdfs import PDF
from tests.processes import accord
from tests.story import Dispute
from tests.uploads import content_of, desk_of


@pytest.fixture
def kept(tmp_path: Path, settings: Settings) -> Settings:
    """The registry's settings with its own storage folder."""
    return settings.model_copy(update={"storage": str(tmp_path / "documents")})


def environment(settings: Settings) -> dict[str, str]:
    """The environment that tells a command where the documents are."""
    return {"ACCORD_STORAGE": str(settings.storage)}


def filed(house: House) -> tuple[Dispute, Json]:
    """A submitted filing with a document: the case and the document."""
    dispute = Dispute(house)
    dispute.mediating()
    desk = desk_of(dispute)
    document = desk.document(name="gauge.pdf")
    desk.submit()
    return dispute, document


def test_a_backup_restores_documents_whole(kept: Settings, tmp_path: Path) -> None:
    with House.open(kept) as house:
        dispute, document = filed(house)
        assert content_of(dispute.responding, document).response.content == PDF
        receipt = dispute.requesting.get(f"{dispute.path}/filings/{document['filing_id']}/receipt").expect(200)
        assert [document["name"] for document in receipt["body"]["documents"]] == ["gauge.pdf"]
        path = tmp_path / "backup.zip"
        taken = accord(kept, "backup", "--out", str(path), **environment(kept))
        assert taken.returncode == 0, taken.stderr
        house.database.dispose()
    elsewhere = Settings(database_url=f"sqlite:///{tmp_path / 'again.db'}", master_key=kept.master_key)
    there = {"ACCORD_STORAGE": str(tmp_path / "again")}
    done = accord(elsewhere, "restore", str(path), **there)
    assert done.returncode == 0, done.stdout + done.stderr
    checked = accord(elsewhere, "check", "--storage", **there)
    assert "documents: 1 documents, each complete and as uploaded" in checked.stdout
    assert checked.returncode == 0, checked.stdout


# The storage is the same for both engines.
@pytest.mark.parametrize("registry", ["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)], indirect=True)
@pytest.mark.parametrize("fault", ["missing", "altered"])
def test_the_check_names_missing_and_altered_documents(kept: Settings, fault: str) -> None:
    with House.open(kept) as house:
        _dispute, document = filed(house)
        house.database.dispose()
    (path,) = [path for path in Path(str(kept.storage)).rglob("*") if path.is_file()]
    if fault == "missing":
        path.unlink()
    else:
        sealed = bytearray(path.read_bytes())
        sealed[-1] ^= 1
        path.write_bytes(sealed)
    checked = accord(kept, "check", "--storage", **environment(kept))
    assert checked.returncode == 1
    assert f"documents: {fault}: document {document['id']}" in checked.stdout
    if fault == "missing":
        refused = accord(kept, "backup", "--out", f"{kept.storage}.zip", **environment(kept))
        assert "missing from the storage" in refused.stderr


def test_only_unreferenced_objects_are_swept_and_only_after_a_day(kept: Settings) -> None:
    with House.open(kept) as house:
        dispute, document = filed(house)
        storage = Storage(kept)
        storage.put_now("orphan", iter([b"left by an upload that was cut off"]))
        assert worker(house).sweep() == 0
        for path in Path(str(kept.storage)).rglob("*"):
            if path.is_file():
                os.utime(path, (0, 0))
        assert worker(house).sweep() == 1
        assert content_of(dispute.responding, document).response.content == PDF
