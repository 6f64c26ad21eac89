"""Errors as RFC 9457 problem documents; only this module knows their status numbers."""

import json
import re
from collections.abc import Iterable
from itertools import islice
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from app.core import errors
from app.core.errors import FieldError, GrantRefused, Invalid, NotFound, Problem
from app.core.files.storage import Missing
from app.core.http.methods import allowed

STATUS: dict[type[Problem], int] = {
    errors.WeakTag: 400,
    errors.Unauthenticated: 401,
    errors.Forbidden: 403,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.KeyInProgress: 409,
    errors.PreconditionFailed: 412,
    errors.Gone: 410,
    errors.TooLarge: 413,
    errors.UnsupportedMediaType: 415,
    errors.Unsatisfiable: 416,
    errors.Invalid: 422,
    errors.KeyReused: 422,
    errors.PreconditionRequired: 428,
    errors.TooManyRequests: 429,
    errors.Unavailable: 503,
}
_OF_STATUS = {
    404: ("not-found", "Not found", "This does not exist, or you may not see it."),
    405: (
        "method-not-allowed",
        "Method not allowed",
        "This resource does not have this method. Use one of those that 'Allow' lists.",
    ),
    406: ("not-acceptable", "Not acceptable", "Accept JSON: the answer has no other form."),
    413: ("too-large", "The body is too large", "The body is larger than the service accepts. Send a smaller one."),
    500: ("internal", "Something went wrong here", "The service has a fault, which was logged. Nothing was changed."),
}
_MOST_ERRORS = 100
_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}", re.ASCII)
# Replace messages of pydantic that would repeat the input, or that are less plain.
_MESSAGES = {
    "missing": ("missing", "This field is required."),
    "extra_forbidden": ("unknown-field", "This object has an unknown field. Remove it."),
    "uuid_parsing": ("uuid", "Give a UUID."),
    "uuid_type": ("uuid", "Give a UUID."),
    "json_invalid": ("json", "The body is not valid JSON. Correct its syntax."),
    "model_attributes_type": ("object", "Give a JSON object."),
    "int_parsing": ("integer", "Give a whole number."),
    "date_from_datetime_parsing": ("date-from-datetime-parsing", "Give a day of the calendar, such as 2027-03-08."),
    "date_from_datetime_inexact": ("date-from-datetime-inexact", "Give a day without a time, such as 2027-03-08."),
    "literal_error": ("literal-error", "Choose one of: {expected}."),
    "string_too_short": ("string-too-short", "Give at least {min_length} character{s}."),
    "string_too_long": ("string-too-long", "Give at most {max_length} character{s}."),
    "too_short": ("too-short", "Give at least {min_length} item{s}."),
    "too_long": ("too-long", "Give at most {max_length} item{s}."),
    "greater_than_equal": ("greater-than-equal", "Give {ge} or more."),
    "less_than_equal": ("less-than-equal", "Give {le} or less."),
}


def problem_response(
    request: Request, status: int, code: str, title: str, detail: str, headers: dict[str, str], **members: Any
) -> Response:
    """A problem document with its headers."""
    request_id = request.scope.get("accord.request_id", "")
    request.scope["accord.code"] = code
    document = {
        "type": f"urn:accord:problem:{code}",
        "title": title,
        "status": status,
        "detail": detail,
        "code": code,
        "request_id": request_id,
        **members,
    }
    return Response(
        json.dumps(document, ensure_ascii=False),
        status,
        {"content-language": "en", **headers},
        "application/problem+json",
    )


def render(request: Request, problem: Problem) -> Response:
    """The problem document of a domain error."""
    members = dict(problem.members)
    if isinstance(problem, Invalid):
        members["errors"] = [
            {"pointer": fault.pointer, "code": fault.code, "message": fault.message}
            for fault in problem.errors[:_MOST_ERRORS]
        ]
    headers = {}
    if isinstance(problem, errors.Unauthenticated):
        headers["www-authenticate"] = 'Bearer realm="accord"'
    if isinstance(problem, errors.InsufficientScope):
        headers["www-authenticate"] = f'Bearer realm="accord", error="insufficient_scope", scope="{problem.scope}"'
    if isinstance(problem, errors.KeyInProgress | errors.Unavailable):
        headers["retry-after"] = "1"
    if isinstance(problem, errors.Unsatisfiable):
        headers["content-range"] = f"bytes */{problem.size}"
    if isinstance(problem, errors.TooManyRequests):
        headers["retry-after"] = str(problem.retry_after)
    return problem_response(request, _status(problem), problem.code, problem.title, problem.detail, headers, **members)


# RFC 6749, section 5.2: the client is not authenticated, or the request is wrong in another way.
_NO_CLIENT, _WRONG_REQUEST = 401, 400
NOT_STORED = {"cache-control": "no-store", "pragma": "no-cache"}


def refusal_of_grant(request: Request, refused: GrantRefused) -> Response:
    """The refusal of a token in the form of OAuth, which its clients read, instead of a problem document."""
    headers = dict(NOT_STORED)
    status = _WRONG_REQUEST
    if refused.error == "invalid_client":
        status, headers["www-authenticate"] = _NO_CLIENT, 'Basic realm="accord"'
    request.scope["accord.code"] = refused.error.replace("_", "-")
    body = {"error": refused.error, "error_description": refused.detail}
    return Response(json.dumps(body), status, headers, "application/json")


def _status(problem: Problem) -> int:
    return next(STATUS[kind] for kind in type(problem).__mro__ if kind in STATUS)


def field_errors(faults: Iterable[Any]) -> list[FieldError]:
    """The faults of pydantic as field errors, in the order of the fields, without the input."""
    return [_field_error(fault) for fault in faults]


def _field_error(fault: Any) -> FieldError:
    source, *path = fault["loc"]
    if fault["type"] == "extra_forbidden":
        # The name is the client's own and tells it what to remove; what is no plain name may be anything.
        path = path if _PLAIN_NAME.fullmatch(str(path[-1])) else path[:-1]
    code, message = _said(fault)
    if source == "body":
        pointer = "" if fault["type"] == "json_invalid" else "".join(f"/{part}" for part in path)
    else:
        pointer = "/".join([source, *(str(part) for part in path)])
    return FieldError(pointer, code, message)


def _said(fault: Any) -> tuple[str, str]:
    """The code of a fault of pydantic, and what to do about it."""
    kind = str(fault["type"])
    if kind not in _MESSAGES:
        return kind.replace("_", "-"), str(fault["msg"])
    code, message = _MESSAGES[kind]
    limits = fault.get("ctx", {})
    one = 1 in (limits.get("min_length"), limits.get("max_length"))
    return code, message.format_map({**limits, "expected": _listed(limits), "s": "" if one else "s"})


def _listed(limits: dict[str, Any]) -> str:
    return str(limits.get("expected", "")).replace("' or '", "', '").replace("'", "")


def install(app: FastAPI) -> None:
    """Answer every error of the app with a problem document."""

    @app.exception_handler(Problem)
    async def domain_error(request: Request, problem: Problem) -> Response:
        return render(request, problem)

    @app.exception_handler(GrantRefused)
    async def refused_grant(request: Request, refused: GrantRefused) -> Response:
        return refusal_of_grant(request, refused)

    @app.exception_handler(RequestValidationError)
    async def invalid_request(request: Request, problem: RequestValidationError) -> Response:
        faults = problem.errors()
        if all(fault["loc"][0] == "path" for fault in faults):
            return render(request, NotFound())
        shown = islice((fault for fault in faults if fault["loc"][0] != "path"), _MOST_ERRORS)
        return render(request, Invalid(*field_errors(shown)))

    @app.exception_handler(HTTPException)
    async def framework_error(request: Request, problem: HTTPException) -> Response:
        code, title, detail = _OF_STATUS.get(problem.status_code, ("problem", "Not possible", "The request failed."))
        headers = {name.lower(): value for name, value in (problem.headers or {}).items()}
        if problem.status_code == 405:
            headers["allow"] = allowed(request)
        return problem_response(request, problem.status_code, code, title, detail, headers)


_DAMAGED = (
    "damaged",
    "What is stored of this is damaged",
    "The stored bytes are not those that were written, or are missing. Ask the operator to restore them.",
)


def unexpected(request: Request, fault: Exception) -> Response:
    """The answer after an unexpected error; stored bytes that are damaged have a code of their own."""
    code, title, detail = _DAMAGED if isinstance(fault, errors.Altered | Missing) else _OF_STATUS[500]
    return problem_response(request, 500, code, title, detail, {})


def late_request(request_id: str) -> bytes:
    """The whole answer to a request that did not arrive in time; its id is empty if not even its head arrived."""
    problem = {
        "type": "urn:accord:problem:request-timeout",
        "title": "The request did not arrive in time",
        "status": 408,
        "detail": "Send the whole request at once. Nothing was changed.",
        "code": "request-timeout",
        "request_id": request_id,
    }
    body = json.dumps(problem)
    return (
        "HTTP/1.1 408 Request Timeout\r\ncontent-type: application/problem+json\r\n"
        f"content-length: {len(body)}\r\nconnection: close\r\n\r\n{body}"
    ).encode()
