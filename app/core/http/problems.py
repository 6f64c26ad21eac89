"""The responses that operations declare: problems, refusals of the token endpoint, drawings and PDFs."""

from typing import Any

from app.core.values import Out

DESCRIPTIONS = {
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
DESCRIPTIONS |= {
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
        status: {"description": DESCRIPTIONS[status], "content": {"application/problem+json": {"schema": _SCHEMA}}}
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
