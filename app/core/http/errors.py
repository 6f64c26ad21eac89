"""Failures as RFC 9457 problem documents; the only place that knows status numbers."""

import json
from collections.abc import Iterable
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from app.core import errors
from app.core.errors import FieldError, GrantRefused, Invalid, NotFound, Problem

STATUS: dict[type[Problem], int] = {
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
    404: ("not-found", "Not found", "There is nothing here that you can see."),
    405: ("method-not-allowed", "Method not allowed", "This resource has no such method; 'Allow' lists those it has."),
    406: ("not-acceptable", "Not acceptable", "The answer is JSON."),
    413: ("too-large", "The body is too large", "The body is larger than the service reads."),
    500: ("internal", "Something went wrong here", "The fault is ours and was recorded. Nothing was changed."),
}
_MOST_ERRORS = 100
# Sentences for what pydantic would say with a piece of the input in it, or less plainly.
_MESSAGES = {
    "missing": ("missing", "This is needed."),
    "extra_forbidden": ("unknown-field", "There is a field here that is not known."),
    "uuid_parsing": ("uuid", "A UUID is needed."),
    "uuid_type": ("uuid", "A UUID is needed."),
    "json_invalid": ("json", "The body is not valid JSON."),
    "model_attributes_type": ("object", "A JSON object is needed."),
    "int_parsing": ("integer", "A whole number is needed."),
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
    """Any domain problem as the caller sees it."""
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


# RFC 6749, section 5.2: who the client is was not shown, or the request is wrong in another way.
_NO_CLIENT, _WRONG_REQUEST = 401, 400
NOT_STORED = {"cache-control": "no-store", "pragma": "no-cache"}


def refusal_of_grant(request: Request, refused: GrantRefused) -> Response:
    """No token, in the words of OAuth and not as a problem document: that is what its clients read."""
    headers = dict(NOT_STORED)
    status = _WRONG_REQUEST
    if refused.error == "invalid_client":
        status, headers["www-authenticate"] = _NO_CLIENT, 'Basic realm="accord"'
    request.scope["accord.code"] = refused.error.replace("_", "-")
    body = {"error": refused.error, "error_description": refused.detail}
    return Response(json.dumps(body), status, headers, "application/json")


def _status(problem: Problem) -> int:
    return next(STATUS[kind] for kind in type(problem).__mro__ if kind in STATUS)


def field_errors(found: Iterable[Any]) -> list[FieldError]:
    """Validation's findings as field errors, in the order of the fields, without a word of the input."""
    return [_field_error(finding) for finding in found]


def _field_error(finding: Any) -> FieldError:
    place, *path = finding["loc"]
    if finding["type"] == "extra_forbidden":
        path = path[:-1]
    code, message = _MESSAGES.get(finding["type"], (str(finding["type"]).replace("_", "-"), str(finding["msg"])))
    if place == "body":
        pointer = "" if finding["type"] == "json_invalid" else "".join(f"/{part}" for part in path)
    else:
        pointer = "/".join([place, *(str(part) for part in path)])
    return FieldError(pointer, code, message)


def install(app: FastAPI) -> None:
    """Answer every failure of the app with a problem document."""

    @app.exception_handler(Problem)
    async def known(request: Request, problem: Problem) -> Response:
        return render(request, problem)

    @app.exception_handler(GrantRefused)
    async def no_grant(request: Request, refused: GrantRefused) -> Response:
        return refusal_of_grant(request, refused)

    @app.exception_handler(RequestValidationError)
    async def not_valid(request: Request, problem: RequestValidationError) -> Response:
        found = problem.errors()
        if all(finding["loc"][0] == "path" for finding in found):
            return render(request, NotFound())
        return render(request, Invalid(*field_errors(item for item in found if item["loc"][0] != "path")))

    @app.exception_handler(HTTPException)
    async def of_the_frame(request: Request, problem: HTTPException) -> Response:
        code, title, detail = _OF_STATUS.get(problem.status_code, ("problem", "Not possible", "It cannot be done."))
        headers = {name.lower(): value for name, value in (problem.headers or {}).items()}
        return problem_response(request, problem.status_code, code, title, detail, headers)


def unexpected(request: Request) -> Response:
    """The answer to a fault of ours."""
    code, title, detail = _OF_STATUS[500]
    return problem_response(request, 500, code, title, detail, {})
