"""A kept generator makes a typed client from the OpenAPI document, which compiles and reads a case."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from app.cli import _document
from tests.installation import House, Person
from tests.story import Dispute

SOURCE = Path(__file__).parents[1] / "typescript"


def run(folder: Path, *command: str) -> str:
    """What a command prints; it must end well."""
    program = shutil.which(command[0])
    assert program, f"{command[0]} is not there: this test needs Node 20 or newer with npm (Debian: nodejs and npm)"
    done = subprocess.run([program, *command[1:]], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which the client was made from the document and compiled, by the versions of the lock."""
    folder = tmp_path_factory.mktemp("client") / "typescript"
    shutil.copytree(SOURCE, folder, ignore=shutil.ignore_patterns("node_modules"))
    (folder / "openapi.json").write_text(json.dumps(_document()))
    run(folder, "npm", "ci", "--ignore-scripts")
    run(folder, "npm", "run", "generate")
    run(folder, "npm", "run", "compile")
    return folder


def reading(folder: Path, house: House, person: Person, case_id: str) -> list[str]:
    """The command that reads a case as somebody."""
    return ["node", str(folder / "compiled" / "read-a-case.js"), house.base_url, person.token, case_id]


@pytest.mark.slow
def test_a_client_made_from_the_document_compiles_and_reads_a_case(
    compiled: Path, served: House, dispute: Dispute
) -> None:
    dispute.invited()
    told = json.loads(run(compiled, *reading(compiled, served, dispute.requesting, dispute.case["id"])))
    case = dispute.requesting.get(dispute.path).expect(200)
    assert told == {"title": case["title"], "stage": "invited", "steps": ["lodge", "invite"], "file": 8}
    stranger = served.person("Stan Ranger")
    with pytest.raises(AssertionError, match="not-found"):
        run(compiled, *reading(compiled, served, stranger, dispute.case["id"]))
