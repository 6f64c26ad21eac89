"""What surrounds every request: its id, the headers of every answer, and the answer to a fault of ours."""

import logging
import re
from uuid import uuid4

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.errors import TooLarge
from app.http.errors import render, unexpected

log = logging.getLogger("accord.http")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"private, no-cache"),
    (b"referrer-policy", b"no-referrer"),
)


class Surroundings:
    """Gives each request an id (the caller's if it is plain), bounds its body, and answers unexpected failures."""

    def __init__(self, app: ASGIApp, body_limit: int) -> None:
        self.app = app
        self.body_limit = body_limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request = Request(scope)
        given = request.headers.get("x-request-id", "")
        request_id = given if _REQUEST_ID.fullmatch(given) else str(uuid4())
        scope["accord.request_id"] = request_id
        started = False

        async def with_headers(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                present = {name for name, _value in message["headers"]}
                added = [pair for pair in _HEADERS if pair[0] not in present]
                message["headers"] = [*message["headers"], *added, (b"x-request-id", request_id.encode())]
            await send(message)

        try:
            if _declared_length(request) > self.body_limit:
                await render(request, TooLarge(self.body_limit))(scope, receive, with_headers)
                return
            await self.app(scope, _bounded(receive, self.body_limit), with_headers)
        except Exception:
            log.exception("request %s failed", request_id)
            if started:
                raise
            await unexpected(request)(scope, receive, with_headers)


def _declared_length(request: Request) -> int:
    declared = request.headers.get("content-length", "")
    return int(declared) if declared.isascii() and declared.isdigit() and len(declared) < 20 else 0


def _bounded(receive: Receive, limit: int) -> Receive:
    """The same body, but TooLarge as soon as more of it comes than may be, whatever length was declared."""
    received = 0

    async def bounded() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > limit:
            raise TooLarge(limit)
        return message

    return bounded
