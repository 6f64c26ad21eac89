"""The OpenAPI document: what it says about every operation beyond the operation's own types."""

from typing import Any

from app.core.access.scopes import NEEDED, SCOPES
from app.core.http.problems import DESCRIPTIONS, GrantRefusalOut, ProblemOut, problems
from app.integration.description.examples import answer_example, request_example
from app.integration.description.webhooks import described

TAGS = {
    "procedures": "Rules of procedure: stages, steps and terms with their articles",
    "members": "Members of the institution and what their declarations exclude",
    "mediators": "The roster of mediators",
    "cases": "Cases, and the steps of their procedure",
    "parties": "Parties, their representatives, third States and consents",
    "appointments": "A mediator's way into a case",
    "sessions": "Joint sessions and caucuses",
    "filings": "Formal submissions, each to one audience",
    "documents": "Files of filings and settlements, streamed in and out and sealed where they lie",
    "disclosures": "Earlier items opened to those who came later, by those whom they protect",
    "settlement": "Drafts, the frozen text and signatures",
    "certificates": "Receipts and certificates that the institution signed, and the keys to check them by",
    "deadlines": "Deadlines that explain themselves",
    "service": "Service of the request on each responding party, with attempts and proof",
    "closures": "Days on which the institution or a place rests beyond its calendar",
    "events": "What was done, chained so that it can be proved",
    "desk": "What waits for you, what is due, and what is new",
    "people": "Who you are, accounts and tokens",
    "notices": "What you are told by mail, and which mail came back",
    "courts": "Courts that refer cases",
    "referrals": "Cases that courts refer, and what becomes of them",
    "clients": "Programs of courts and of the institution, and how they get tokens",
    "webhooks": "Events sent to your own receivers, signed, and what became of each",
    "operation": "Whether the service is well",
}

_RECEIPT = "Where the act stands in the ledger: `stream=…, seq=…, hash=…`, for `accord ledger verify --against`"
_HEADERS: dict[str, str] = {
    "ETag": "The version of what is served to you: send it as `If-Match` or `If-None-Match`",
    "Accord-Receipt": _RECEIPT,
    "Idempotency-Replayed": "`true` where the key's first request is answered once more",
    "Link": "The next page, with `rel=next`",
}


def complete(document: dict[str, Any]) -> None:
    """Say of every operation what holds for all of them: who may call it, headers, and an example of each body."""
    schemas = document["components"]["schemas"]
    schemas["ProblemOut"] = ProblemOut.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas |= schemas["ProblemOut"].pop("$defs", {})
    schemas["GrantRefusalOut"] = GrantRefusalOut.model_json_schema()
    flow = {"tokenUrl": "/oauth/token", "scopes": SCOPES}
    document["components"]["securitySchemes"] = {
        "token": {"type": "http", "scheme": "bearer", "description": "The token of a person"},
        "client": {
            "type": "oauth2",
            "description": "The token of a program, which needs the scope that is named",
            "flows": {"clientCredentials": flow},
        },
    }
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            ours = path.startswith("/v1/")
            operation["security"] = _security(operation["operationId"]) if ours else []
            if ours:
                _say_gone(path, operation)
                _say_headers(method, operation)
                # Whatever a person may do, a program may lack the scope for.
                operation["responses"].setdefault("403", problems(403)[403])
            _give_examples(operation, schemas)
    document["webhooks"], components = described()
    for kind, named in components.items():
        document["components"].setdefault(kind, {}).update(named)


def _security(operation_id: str) -> list[dict[str, list[str]]]:
    """Who may call an operation: people, and programs where there is a scope for it."""
    scope = NEEDED.get(operation_id)
    return [{"token": []}, *([{"client": [scope]}] if scope else [])]


# Below these lies what people write in a case, which may be destroyed with the case's key.
_OF_A_CASE = ("/v1/cases/{", "/v1/appointments/{", "/v1/documents/{")
_DESTROYED = "What people wrote in the case was destroyed with its key (`destroyed`)"


def _say_gone(path: str, operation: dict[str, Any]) -> None:
    reasons = [_DESTROYED] if path.startswith(_OF_A_CASE) else []
    if any(parameter["name"] == "after" for parameter in operation.get("parameters", ())):
        reasons.append(f"{DESCRIPTIONS[410]} (`gone`)")
    if reasons:
        operation["responses"]["410"] = {**problems(410)[410], "description": "; ".join(reasons)}


def _say_headers(method: str, operation: dict[str, Any]) -> None:
    responses = operation["responses"]
    names = ["ETag"] if method == "get" else ["ETag", "Accord-Receipt", "Idempotency-Replayed"]
    if any(parameter["name"] == "after" for parameter in operation.get("parameters", ())):
        names.append("Link")
    for status, response in responses.items():
        if status in ("200", "201"):
            response["headers"] = {
                name: {"description": _HEADERS[name], "schema": {"type": "string"}} for name in names
            }
    if method == "get":
        responses["304"] = {"description": "What you have is still what you would be served"}
        operation["parameters"] = [*operation.get("parameters", ()), _IF_NONE_MATCH]


_IF_NONE_MATCH = {
    "name": "If-None-Match",
    "in": "header",
    "required": False,
    "description": "The ETag of what you have; if nothing has changed the answer is 304",
    "schema": {"type": "string"},
}


def _give_examples(operation: dict[str, Any], schemas: dict[str, Any]) -> None:
    if "requestBody" in operation:
        body = operation["requestBody"]["content"].get("application/json")
        if body is not None:
            body["example"] = request_example(body["schema"])
    for status, response in operation["responses"].items():
        media = response.get("content", {}).get("application/json")
        if status < "300" and media is not None:
            media["example"] = answer_example(media["schema"], schemas)
