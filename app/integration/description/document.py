"""The OpenAPI document: what it says of every operation besides the operation's own types."""

from pathlib import Path
from typing import Any

from app.core.access.scopes import NEEDED, OPEN, SCOPES
from app.core.http.problems import GrantRefusalOut, ProblemOut, problems
from app.integration.description.components import IF_NONE_MATCH, PATHS, gone, reference, share, untitle
from app.integration.description.examples import give_examples
from app.integration.description.webhooks import described

CONVENTIONS = (Path(__file__).parent / "conventions.md").read_text(encoding="utf-8")
TAGS = {
    "procedures": "Rules of procedure: stages, steps and terms with their articles.",
    "members": "Members of the institution, and the subjects that their declarations exclude.",
    "mediators": "The roster of mediators.",
    "cases": "Cases, and the steps of their procedure.",
    "parties": "Parties, their representatives, third States and consents.",
    "appointments": "The appointment of mediators, from the nomination on.",
    "sessions": "Joint sessions and caucuses.",
    "filings": "Formal submissions, each to one audience.",
    "documents": "The files of filings and settlement texts.",
    "disclosures": "Earlier items that are opened to those who came later.",
    "settlement": "Drafts of the settlement, the frozen text and signatures.",
    "certificates": "Receipts and certificates that the institution signed, and the keys to verify them.",
    "deadlines": "Deadlines, each with an explanation of its day.",
    "service": "Service of the request on each responding party, with attempts and proof.",
    "closures": "Days on which the institution or a place rests in addition to its calendar.",
    "events": "What was done, in a chain that proves it.",
    "desk": "What waits for you, what is due, and what is new.",
    "people": "Who you are, accounts and tokens.",
    "notices": "Which mail you get, and which mail came back.",
    "courts": "Courts that refer cases.",
    "referrals": "Cases that courts refer, and what becomes of them.",
    "clients": "Programs of courts and of the institution, and how they get tokens.",
    "webhooks": "Events that are sent to your own receivers, and their deliveries.",
    "operation": "Whether the service works.",
}
_OF_FASTAPI = "Successful Response"
_SUCCESSES = {"200": "Success.", "201": "Created."}
# Operations of the API that need no token.
WITHOUT_TOKEN = ("activateAccount",)
# Below these are things that people wrote in a case, which can be destroyed with the case's key.
_OF_A_CASE = ("/v1/cases/{", "/v1/appointments/{", "/v1/documents/{")


def complete(document: dict[str, Any]) -> None:
    """Add to the document what FastAPI does not know.

    That is who may call an operation, what holds for all operations, the recorded examples, and the webhooks.
    """
    document["info"]["description"] = CONVENTIONS
    schemas = document["components"]["schemas"]
    schemas["ProblemOut"] = ProblemOut.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas |= schemas["ProblemOut"].pop("$defs", {})
    schemas["GrantRefusalOut"] = GrantRefusalOut.model_json_schema()
    flow = {"tokenUrl": "/oauth/token", "scopes": SCOPES}
    document["components"]["securitySchemes"] = {
        "token": {"type": "http", "scheme": "bearer", "description": "The token of a person."},
        "client": {
            "type": "oauth2",
            "description": "The token of a program, which needs the named scope.",
            "flows": {"clientCredentials": flow},
        },
    }
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            _complete(path, method, operation)
    document["webhooks"], components = described()
    for kind, named in components.items():
        document["components"].setdefault(kind, {}).update(named)
    untitle(document)
    share(document)


def _complete(path: str, method: str, operation: dict[str, Any]) -> None:
    # The first paragraph of a route's docstring is its summary.
    summary, _blank, more = operation.pop("description", operation["summary"]).partition("\n\n")
    operation["summary"] = " ".join(summary.split())
    if more:
        operation["description"] = " ".join(more.split())
    for status, response in operation["responses"].items():
        if response["description"] == _OF_FASTAPI:
            response["description"] = _SUCCESSES[status]
    for parameter in operation.get("parameters", ()):
        if parameter["in"] == "path":
            parameter["description"] = PATHS[parameter["name"]]
    give_examples(operation)
    ours = path.startswith("/v1/")
    needs_token = ours and operation["operationId"] not in WITHOUT_TOKEN
    operation["security"] = _security(operation["operationId"]) if needs_token else []
    if needs_token:
        _say_gone(path, operation)
        _say_headers(method, operation)
        # Every operation, even one that is open to all people, refuses a program without its scope.
        operation["responses"].setdefault("403", problems(403)[403])
    operation["responses"] = dict(sorted(operation["responses"].items()))


def _security(operation_id: str) -> list[dict[str, list[str]]]:
    """Who may call an operation: people, and programs if there is a scope for it or it is open to all of them."""
    scope = NEEDED.get(operation_id)
    scopes = [] if scope is None else [scope]
    return [{"token": []}, *([{"client": scopes}] if scope or operation_id in OPEN else [])]


def _has_cursor(operation: dict[str, Any]) -> bool:
    return any(parameter["name"] == "after" for parameter in operation.get("parameters", ()))


def _say_gone(path: str, operation: dict[str, Any]) -> None:
    destroyed, restored = path.startswith(_OF_A_CASE), _has_cursor(operation)
    if destroyed or restored:
        operation["responses"]["410"] = gone(destroyed, restored)


def _say_headers(method: str, operation: dict[str, Any]) -> None:
    names = (
        ["ETag"]
        if method == "get"
        else [
            "ETag",
            "Accord-Receipt",
            "Idempotency-Replayed",
            "RateLimit",
            "RateLimit-Policy",
        ]
    )
    if _has_cursor(operation):
        names.append("Link")
    for status, response in operation["responses"].items():
        if status in ("200", "201"):
            response["headers"] = {name: reference("headers", name) for name in names}
    if method == "get":
        operation["responses"]["304"] = reference("responses", "NotModified")
        operation["parameters"] = [*operation.get("parameters", ()), IF_NONE_MATCH]
