"""Every operation of the OpenAPI document."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from app.cli import _document
from tests.installation import Answer, Json, Person
from tests.request_bodies import REQUESTS

DOCUMENT = _document()
NOBODYS = "00000000-0000-4000-8000-00000000dead"


@dataclass(frozen=True)
class Operation:
    """One operation of the document."""

    id: str
    method: str
    path: str
    statuses: frozenset[int]
    body: str | None
    has_ids: bool
    needs_body: bool

    def send(self, person: Person, path: str | None = None, **request: Any) -> Answer:
        """Send the operation; without a path, to an item that does not exist."""
        return person.send(self.method, path or f"{self.at(NOBODYS)}?{NEEDED_QUERY.get(self.id, '')}", **request)

    def at(self, id: str) -> str:
        """The operation's path with the same id for each of its parameters."""
        return re.sub(r"\{(\w+)\}", lambda name: "lodge" if name[1] == "step" else id, self.path)

    @property
    def example(self) -> Json | None:
        """The example of the operation's body."""
        return REQUESTS[self.body] if self.body else None


def _operations() -> Iterator[Operation]:
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            schema = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
            names = re.findall(r"schemas/(\w+)", str(schema))
            statuses = frozenset(int(status) for status in operation["responses"])
            if path.startswith("/v1/"):
                yield Operation(
                    operation["operationId"],
                    method.upper(),
                    path,
                    statuses,
                    names[0] if names else None,
                    "{" in path,
                    bool(operation.get("requestBody", {}).get("required")),
                )


EVERY = {operation.id: operation for operation in _operations()}
# Their bodies are files, not JSON: the tests of documents and of settlement texts show how they are
# judged, and in which order.
FILES = ("uploadDocument", "uploadText", "uploadOrder")
# It needs no token: the tests of accounts show how it is judged.
OPEN = ("activateAccount",)
OPERATIONS = {id: operation for id, operation in EVERY.items() if id not in (*FILES, *OPEN)}
# A simulation takes a body and changes nothing.
ASKED = ("simulateProcedure",)
ACTS = {id: one for id, one in OPERATIONS.items() if one.method != "GET" and id not in ASKED}


# The query that an operation needs.
NEEDED_QUERY = {"previewClosure": "from_on=2026-12-24&until_on=2026-12-31"}


def query_parameters() -> Iterator[tuple[Operation, str, Any]]:
    """Every query parameter of every operation, with its schema."""
    for path, methods in DOCUMENT["paths"].items():
        for described in methods.values():
            for parameter in described.get("parameters", []):
                if "$ref" in parameter:
                    parameter = DOCUMENT["components"]["parameters"][parameter["$ref"].rpartition("/")[2]]
                if parameter["in"] == "query":
                    assert EVERY[described["operationId"]].path == path
                    yield EVERY[described["operationId"]], parameter["name"], parameter["schema"]
