"""A kept generator makes a Python client from the OpenAPI document, which uploads a document.

The generator has its own lock, because it does not work with the newer typer of the development lock.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from app.cli import _document
from tests.installation import House
from tests.pdfs import PDF
from tests.story import Dispute

SOURCE = Path(__file__).parents[1] / "python_client"


def run(folder: Path, *command: str | Path) -> str:
    """What a command prints; it must end well."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which the client was made from the document, by the versions of the lock."""
    folder = tmp_path_factory.mktemp("client")
    (folder / "openapi.json").write_text(json.dumps(_document()))
    run(folder, sys.executable, "-m", "venv", folder / "venv")
    python = folder / "venv" / "bin" / "python"
    run(
        folder,
        python,
        "-m",
        "pip",
        "--quiet",
        "install",
        "--require-hashes",
        "--requirement",
        SOURCE / "requirements.lock",
    )
    generate = ("generate", "--path", "openapi.json", "--meta", "none", "--output-path", "accord_client")
    run(folder, folder / "venv" / "bin" / "openapi-python-client", *generate)
    (folder / "upload_a_document.py").write_text((SOURCE / "upload_a_document.py").read_text())
    (folder / "memorial.pdf").write_bytes(PDF)
    return folder


@pytest.mark.slow
def test_a_client_made_from_the_document_keeps_every_operation_and_uploads_a_document(
    generated: Path, served: House, dispute: Dispute
) -> None:
    paths = _document()["paths"]
    made = {path.stem.replace("_", "") for path in (generated / "accord_client" / "api").glob("*/*.py")}
    missing = {
        operation["operationId"]
        for item in paths.values()
        for operation in item.values()
        if operation["operationId"].lower() not in made
    }
    assert not missing
    dispute.lodged()
    given = {"kind": "evidence", "title": "Memorial", "text": "See the file.", "audience": "participants"}
    filing = dispute.requesting.post(f"{dispute.path}/filings", given).expect(201)
    program = (generated / "venv" / "bin" / "python", "upload_a_document.py", served.base_url)
    told = json.loads(run(generated, *program, dispute.requesting.token, dispute.case["id"], filing["id"]))
    assert told == {
        "name": "memorial.pdf",
        "media_type": "application/pdf",
        "state": "stored",
        "listed": ["memorial.pdf"],
        "uploads": ["upload_document", "upload_text", "upload_order"],
    }
