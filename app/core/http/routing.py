"""The routes of the API: strict about what they are sent, and silent about it to strangers."""

import json
import math
import re
from collections.abc import Callable, Coroutine
from decimal import Decimal
from typing import Any

from fastapi.dependencies.utils import get_flat_params
from fastapi.exceptions import RequestValidationError
from fastapi.params import Query
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from app.core.errors import Invalid, Problem, UnsupportedMediaType, invalid
from app.core.http.work import identify

_JSON = re.compile(r"application/([\w.+-]+\+)?json\s*(;\s*charset=\"?utf-8\"?\s*)?", re.IGNORECASE)
# Who sends more than this is asked who they are before anything is made of it.
_UNASKED = 65_536
_DEEPEST = 64
_MOST_DIGITS = 64
# A string, or what is one until the end, and each bracket outside of one. Nothing is looked at twice: a body of
# escaped quotes would otherwise keep the whole process busy for an hour.
_MARKS = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[{\]}]', re.DOTALL)
Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class StrictRequest(Request):
    """A request whose body was parsed by this module."""

    parsed: Any = None

    async def json(self) -> Any:
        """The body, as it was parsed."""
        return self.parsed


class Route(APIRoute):
    """A route that learns who asks before it says what is wrong with the request."""

    reads_body = True

    def get_route_handler(self) -> Handler:
        """The handler with the checks around it."""
        handle = super().get_route_handler()
        known = {
            parameter.alias for parameter in get_flat_params(self.dependant) if isinstance(parameter.field_info, Query)
        }
        takes_body, reads_body = self.body_field is not None, self.reads_body

        async def strictly(given: Request) -> Response:
            request = StrictRequest(given.scope, given.receive)
            raw = await request.body() if reads_body else b""
            if len(raw) > _UNASKED:
                await identify(request)
            try:
                _check_query(request, known)
                if raw:
                    request.parsed = _body(request, raw, takes_body)
                return await handle(request)
            except (RequestValidationError, Invalid, UnsupportedMediaType):
                await identify(request)
                raise

        return strictly


class UploadRoute(Route):
    """The same for a route that takes a file: its body is not JSON, and is read as it comes."""

    reads_body = False


def _check_query(request: Request, known: set[str]) -> None:
    if set(request.query_params) - known:
        names = ", ".join(sorted(known)) or "none"
        raise invalid("query", "unknown-parameter", f"There is a query parameter that is not known. Known: {names}.")


def _body(request: Request, raw: bytes, wanted: bool) -> Any:
    if not _JSON.fullmatch(request.headers.get("content-type", "")):
        raise UnsupportedMediaType
    parsed = parse(raw)
    if not wanted and parsed != {}:
        raise invalid("", "unknown-field", "This act takes no body.")
    return parsed


def parse(raw: bytes) -> Any:
    """A JSON body, strictly: UTF-8, no duplicate keys, no NaN, no endless digits, bounded depth; Invalid otherwise."""
    try:
        text = raw.decode("utf-8")
        if _depth(text) > _DEEPEST:
            raise invalid("", "json-depth", f"The body is nested deeper than {_DEEPEST} levels.")
        return json.loads(
            text, object_pairs_hook=_distinct, parse_constant=_no_constant, parse_int=_bounded, parse_float=_held
        )
    except Problem:
        raise
    except ValueError as problem:
        raise invalid("", "json", "The body is not valid JSON.") from problem


def _depth(text: str) -> int:
    depth = deepest = 0
    for mark in _MARKS.findall(text):
        if mark in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif mark in "]}":
            depth -= 1
    return deepest


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise invalid("", "json-duplicate", "An object has the same key twice.")
    return found


def _no_constant(_text: str) -> Any:
    raise invalid("", "json-number", "NaN and infinities are no JSON numbers.")


def _bounded(text: str) -> int:
    if len(text) > _MOST_DIGITS:
        raise invalid("", "json-number", f"A number has more than {_MOST_DIGITS} digits.")
    return int(text)


def _held(text: str) -> float:
    """A number with a fraction or an exponent, if it is kept as it came: a binary one holds some 15 digits."""
    number = float(text) if len(text) <= _MOST_DIGITS else math.inf
    if repr(number) == text:
        return number
    if not math.isfinite(number) or Decimal(text) != Decimal(repr(number)):
        raise invalid("", "json-number", "A number cannot be kept exactly: send it as a text.")
    return number
