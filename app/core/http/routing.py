"""Routes that parse strictly, and that report faults of a request only to callers they have identified."""

import json
import math
import re
from collections.abc import Callable, Coroutine
from decimal import Decimal
from typing import Any, get_args, get_origin
from urllib.parse import parse_qsl

from fastapi.dependencies.utils import get_flat_params
from fastapi.exceptions import RequestValidationError
from fastapi.params import Query
from fastapi.routing import APIRoute
from pydantic_core import PydanticCustomError
from starlette.requests import Request
from starlette.responses import Response

from app.core.errors import Invalid, Problem, TooLarge, UnsupportedMediaType, invalid
from app.core.http.app_state import limits_of
from app.core.http.identity import identify
from app.core.http.limits import COUNTED, WRITER
from app.core.values import clean

_JSON = re.compile(r"application/([\w.+-]+\+)?json\s*(;\s*charset=\"?utf-8\"?\s*)?", re.IGNORECASE)
# Larger bodies are parsed only after authentication.
_MOST_UNAUTHENTICATED = 65_536
_DEEPEST = 64
_MOST_DIGITS = 64
# Without these bounds a body of one megabyte can take the process seconds: each unknown field is an error of its own.
MOST_VALUES = 20_000
MOST_MEMBERS = 500
# A body with that many values has at most two strings for each, and closes what it opens.
_MOST_MARKS = 5 * MOST_VALUES
# A string (even if it does not end), or a bracket or comma outside strings. The quantifiers are possessive: with
# backtracking, a body of escaped quotes would keep the process busy for an hour.
_MARKS = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[{\]},]', re.DOTALL)
Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class StrictRequest(Request):
    """A request whose body was parsed by this module."""

    parsed: Any = None

    async def json(self) -> Any:
        """The parsed body."""
        return self.parsed


class Route(APIRoute):
    """A route that identifies the caller before it reports faults of the request."""

    reads_body = True
    is_open = False

    def get_route_handler(self) -> Handler:
        """The handler, with the checks of query and body around it."""
        handle = super().get_route_handler()
        parameters = {
            parameter.alias: _takes_list(parameter.field_info.annotation)
            for parameter in get_flat_params(self.dependant)
            if isinstance(parameter.field_info, Query)
        }
        takes_body, reads_body, is_open = self.body_field is not None, self.reads_body, self.is_open

        async def strictly(plain: Request) -> Response:
            request = StrictRequest(plain.scope, plain.receive)
            raw = await request.body() if reads_body else b""
            if len(raw) > _MOST_UNAUTHENTICATED:
                if is_open:
                    raise TooLarge(_MOST_UNAUTHENTICATED)
                request.scope[WRITER] = (await identify(request)).id
                limits_of(request).check_write(request.scope[WRITER])
            try:
                _check_query(request, parameters)
                if raw:
                    request.parsed = _body(request, raw, takes_body)
                return await handle(request)
            except (RequestValidationError, Invalid, UnsupportedMediaType):
                if is_open:
                    raise
                actor = await identify(request)
                if request.method != "GET" and not request.scope.get(COUNTED):
                    request.scope[WRITER] = actor.id
                    limits_of(request).count_refused_write(actor.id)
                raise

        return strictly


class UploadRoute(Route):
    """The same for a route whose body is a file, which is read as it arrives."""

    reads_body = False


class OpenRoute(Route):
    """The same for a route that needs no token, and reports faults to everybody."""

    is_open = True


def _takes_list(annotation: Any) -> bool:
    """Whether a parameter has a list as its value, so that it may be repeated."""
    return get_origin(annotation) is list or any(_takes_list(part) for part in get_args(annotation))


def _check_query(request: Request, parameters: dict[str, bool]) -> None:
    """Refuse unknown and repeated parameters, and text that no field of a body may have, whatever the route does."""
    pairs = _query_pairs(request.scope["query_string"])
    names = [name for name, _value in pairs]
    if not parameters.keys() >= set(names):
        allowed = ", ".join(sorted(parameters)) or "none"
        raise invalid("query", "unknown-parameter", f"Remove unknown query parameters. Known parameters: {allowed}.")
    for name, takes_list in parameters.items():
        if not takes_list and names.count(name) > 1:
            raise invalid(f"query/{name}", "repeated-parameter", "Send this parameter only once.")
    for name, value in pairs:
        try:
            clean(value)
        except PydanticCustomError as fault:
            raise invalid(f"query/{name}", fault.type, fault.message()) from fault


def _query_pairs(query: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(query.decode("ascii"), keep_blank_values=True, errors="strict")
    except UnicodeDecodeError as fault:
        raise invalid(
            "query", "query-encoding", "Encode the query as UTF-8, with a percent sign before each byte in hexadecimal."
        ) from fault


def _body(request: Request, raw: bytes, takes_body: bool) -> Any:
    if not _JSON.fullmatch(request.headers.get("content-type", "")):
        raise UnsupportedMediaType
    parsed = parse(raw)
    if not takes_body and parsed != {}:
        raise invalid("", "unknown-field", "This operation takes no body. Send none, or an empty object.")
    return parsed


def parse(raw: bytes) -> Any:
    """Parse a JSON body; raises Invalid unless it is UTF-8, without duplicate keys or NaN, and not too deep."""
    try:
        text = raw.decode("utf-8")
        _check_size(text)
        return json.loads(
            text, object_pairs_hook=_distinct, parse_constant=_no_constant, parse_int=_bounded, parse_float=_exact
        )
    except Problem:
        raise
    except ValueError as problem:
        raise invalid("", "json", "The body is not valid JSON. Correct its syntax.") from problem


def _check_size(text: str) -> None:
    """Refuse a body with too many values or levels, at the first that is too much and before anything is built."""
    depth = values = 0
    for marks, match in enumerate(_MARKS.finditer(text)):
        mark = match[0]
        if mark in "[{":
            depth += 1
            values += 1
            if depth > _DEEPEST:
                raise invalid("", "json-depth", f"Nest the body at most {_DEEPEST} levels deep.")
        elif mark in "]}":
            depth -= 1
        elif mark == ",":
            values += 1
        if values > MOST_VALUES or marks > _MOST_MARKS:
            raise invalid("", "json-values", f"Send at most {MOST_VALUES} values in one body.")


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(pairs) > MOST_MEMBERS:
        raise invalid("", "json-members", f"Send at most {MOST_MEMBERS} fields in one object.")
    merged = dict(pairs)
    if len(merged) != len(pairs):
        raise invalid("", "json-duplicate", "An object has the same key twice. Send each key once.")
    return merged


def _no_constant(_text: str) -> Any:
    raise invalid("", "json-number", "JSON does not allow NaN or infinities. Send a number or null.")


def _bounded(text: str) -> int:
    if len(text) > _MOST_DIGITS:
        raise invalid("", "json-number", f"A number has more than {_MOST_DIGITS} digits. Send a shorter one.")
    return int(text)


def _exact(text: str) -> float:
    """A number with a fraction or an exponent; raises Invalid if a binary number cannot hold it exactly."""
    number = float(text) if len(text) <= _MOST_DIGITS else math.inf
    if repr(number) == text:
        return number
    if not math.isfinite(number) or Decimal(text) != Decimal(repr(number)):
        raise invalid("", "json-number", "A number cannot be stored exactly. Send it as a string.")
    return number
