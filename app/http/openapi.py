"""What the OpenAPI document says of every operation beyond its own types."""

from typing import Any

from app.access.scopes import NEEDED, SCOPES
from app.http.examples import answer_example, request_example
from app.values import Out
from app.webhooks.described import described

_SAYS = {
    401: "No token, or none that is valid now",
    403: "Yours to see, not yours to do",
    404: "Not there, or not yours to see",
    409: "Not possible now: the rules refuse it, with their reasons, or it exists already",
    412: "What you read has changed since",
    422: "The request is not valid",
    428: "Send `If-Match`",
}


class FieldErrorOut(Out):
    """One fault of a request."""

    pointer: str
    code: str
    message: str


class ProblemOut(Out):
    """A problem document (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    request_id: str
    errors: list[FieldErrorOut] | None = None


_SCHEMA = {"$ref": "#/components/schemas/ProblemOut"}
_ALWAYS = (413, 415, 429, 500, 503)
_SAYS |= {
    413: "The body is too large",
    415: "The body is not JSON",
    416: "The range is not in the file",
    410: "The cursor was given out before the registry was restored from a backup",
    429: "More requests than are served to one address or one person",
    500: "A fault of ours",
    503: "The database cannot be reached just now",
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The failures of an operation, as its `responses`."""
    return {
        status: {"description": _SAYS[status], "content": {"application/problem+json": {"schema": _SCHEMA}}}
        for status in (*statuses, *_ALWAYS)
    }


class GrantRefusalOut(Out):
    """Why no token was given (RFC 6749, section 5.2)."""

    error: str
    error_description: str


def grant_refusals() -> dict[int | str, dict[str, Any]]:
    """The failures of the token endpoint, in OAuth's own words, as its `responses`."""
    says = {400: "The request is not one that gets a token", 401: "No client is shown, or none that is valid now"}
    schema = {"application/json": {"schema": {"$ref": "#/components/schemas/GrantRefusalOut"}}}
    ours = {status: problem for status, problem in problems().items() if status != 415}
    return ours | {status: {"description": description, "content": schema} for status, description in says.items()}


_RECEIPT = "Where the act stands in the ledger: `stream=…, seq=…, hash=…`, for `accord ledger verify --against`"
_HEADERS: dict[str, str] = {
    "ETag": "The version of what is served to you: send it as `If-Match` or `If-None-Match`",
    "Accord-Receipt": _RECEIPT,
    "Idempotency-Replayed": "`true` where the key's first request is answered once more",
    "Link": "The next page, with `rel=next`",
}


SVG: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The drawing, with a title and a description in words",
        "content": {"image/svg+xml": {"schema": {"type": "string"}}},
    }
}

PDF: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The same as a PDF for people, which carries the signed file as an attachment",
        "content": {"application/pdf": {"schema": {"type": "string", "format": "binary"}}},
    }
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
        reasons.append(f"{_SAYS[410]} (`gone`)")
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
