"""The responses that operations declare: problems, refusals of the token endpoint, drawings and PDFs."""

from typing import Annotated, Any

from pydantic import Field

from app.core.values import Out, one_of

DESCRIPTIONS = {
    400: "The tag in `If-Match` is weak or not quoted (`weak-tag`).",
    401: "The request has no token, or a token that is not valid now.",
    403: "You may see this, but you may not do this to it.",
    404: "This does not exist, or you may not see it.",
    409: "This is not possible now: the rules refuse it, with their reasons, or it exists already.",
    410: "The cursor was given out before the registry was restored from a backup.",
    412: "What you read has changed since.",
    413: "The body is too large.",
    415: "The body is not of a media type that the operation takes.",
    416: "The range is outside of the file.",
    422: "The request is not valid. `errors` says what to correct.",
    428: "The request needs `If-Match`.",
    429: "Too many requests from one address, or too many writes by one person. `Retry-After` says when to go on.",
    500: "The service failed. Nothing was changed.",
    503: "The service cannot reach its database at present. Nothing was changed, unless the code is `outcome-unknown`.",
}
# The name of each among the components of the OpenAPI document.
NAMES = {
    400: "WeakTag",
    401: "Unauthenticated",
    403: "Forbidden",
    404: "NotFound",
    409: "Conflict",
    410: "Gone",
    412: "PreconditionFailed",
    413: "TooLarge",
    415: "UnsupportedMediaType",
    416: "RangeNotSatisfiable",
    422: "Invalid",
    428: "PreconditionRequired",
    429: "TooManyRequests",
    500: "InternalError",
    503: "Unavailable",
}


class FieldErrorOut(Out):
    """One fault of a request."""

    pointer: str = Field(
        description="Where the fault is: a JSON pointer into the body, or `query/NAME` or `header/NAME`; empty for the "
        "body as a whole."
    )
    code: str = Field(description="A stable code of the fault.")
    message: str = Field(description="What is wrong and what to do, in a sentence.")


class ProblemOut(Out):
    """A problem document (RFC 9457). A refusal by the rules of procedure also has `stage` and `reasons`."""

    type: str = Field(description="A URN that ends with the code.")
    title: str = Field(description="The kind of problem, in a few words.")
    status: int = Field(description="The HTTP status.")
    detail: str = Field(description="What is wrong and what to do, in a sentence.")
    code: str = Field(description="A stable code, by which programs tell problems apart.")
    request_id: str = Field(description="The id of the request, as in the service's log.")
    errors: list[FieldErrorOut] | None = Field(None, description="The faults of a request that is not valid.")


_SCHEMA = {"$ref": "#/components/schemas/ProblemOut"}
_ALWAYS = (413, 415, 429, 500, 503)


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The failures of an operation, as its `responses`; what can answer 412 can refuse the form of the tag too."""
    form = (400,) if 412 in statuses else ()
    return {
        status: {"description": DESCRIPTIONS[status], "content": {"application/problem+json": {"schema": _SCHEMA}}}
        for status in (*form, *statuses, *_ALWAYS)
    }


class GrantRefusalOut(Out):
    """Why no token was given (RFC 6749, section 5.2)."""

    error: Annotated[
        str,
        one_of(
            ("invalid_request", "invalid_client", "invalid_scope", "invalid_target", "unsupported_grant_type"),
            "The error code of OAuth.",
        ),
    ]
    error_description: str = Field(description="What is wrong and what to do, in a sentence.")


def grant_refusals() -> dict[int | str, dict[str, Any]]:
    """The failures of the token endpoint, in OAuth's own words, as its `responses`."""
    says = {400: "The request does not ask for a token as it should.", 401: "The client's id or secret is not valid."}
    schema = {"application/json": {"schema": {"$ref": "#/components/schemas/GrantRefusalOut"}}}
    ours = {status: problem for status, problem in problems().items() if status != 415}
    return ours | {status: {"description": description, "content": schema} for status, description in says.items()}


SVG: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The drawing, with a title and a description in words.",
        "content": {"image/svg+xml": {"schema": {"type": "string"}}},
    }
}

PDF: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The PDF, for people. It carries the signed file as an attachment.",
        "content": {"application/pdf": {"schema": {"type": "string", "format": "binary"}}},
    }
}
