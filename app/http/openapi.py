"""What the OpenAPI document says of every operation beyond its own types."""

from typing import Any

from app.values import Out

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
_ALWAYS = (413, 415, 500, 503)
_SAYS |= {
    413: "The body is too large",
    415: "The body is not JSON",
    500: "A fault of ours",
    503: "The database cannot be reached just now",
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The failures of an operation, as its `responses`."""
    return {
        status: {"description": _SAYS[status], "content": {"application/problem+json": {"schema": _SCHEMA}}}
        for status in (*statuses, *_ALWAYS)
    }
