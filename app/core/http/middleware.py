"""The middleware of every request: its id, limits, response headers, log line and metrics."""

import logging
import re
import time
from uuid import UUID, uuid4

import anyio
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.core.errors import Problem, TooLarge
from app.core.http.errors import render, unexpected
from app.core.http.limits import WRITER, Limits
from app.core.http.methods import is_head, method_of, scope_of, without_body
from app.core.http.metrics import REFUSALS, REQUESTS, SECONDS
from app.core.http.valid_tokens import check_address

log = logging.getLogger("accord.http")
requests = logging.getLogger("accord.requests")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"cache-control", b"private, no-cache"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
# The pages at /docs load their own scripts; every other answer is data and may load nothing.
_DATA_ONLY = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")
_PAGES = "/docs"
# Operations whose body is a file: they have a separate limit, and are read as they arrive.
_UPLOAD = re.compile(r"/v1/cases/[^/]+/(?:filings|settlement/drafts)/[^/]+/documents|/v1/referrals/[^/]+/order")
# Seconds for which the rest of a refused file is still read.
_LINGER = 20.0
# Probes must be answered during an attack too. (The metrics need a token.)
_WATCHED = frozenset(("/livez", "/readyz"))
# This operation authenticates the client itself.
_GRANT, _GRANT_PATH = "grantToken", "/oauth/token"
# In the scope of a request: the actor, once identified.
ACTOR = "accord.actor"
# Methods of which each request counts as a write, also if it is refused.
WRITES = frozenset(("POST", "PUT", "PATCH", "DELETE"))
_UNCOUNTED = (*_WATCHED, _GRANT_PATH)


class Surroundings:
    """Gives each request an id (the caller's, if it is plain), applies limits, and answers unexpected errors."""

    def __init__(self, app: ASGIApp, body_limit: int, upload_limit: int, limits: Limits) -> None:
        self.app = app
        self.body_limit = body_limit
        self.upload_limit = upload_limit
        self.limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        scope = scope_of(scope)
        request = Request(scope)
        if is_head(request):
            send = without_body(send)
        sent_id = request.headers.get("x-request-id", "")
        request_id = sent_id if _REQUEST_ID.fullmatch(sent_id) else str(uuid4())
        scope["accord.request_id"] = request_id
        began, status = time.perf_counter(), 0
        added = _HEADERS if scope["path"].startswith(_PAGES) else (*_HEADERS, _DATA_ONLY)

        async def with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                present = {name for name, _value in message["headers"]}
                more = [pair for pair in (*added, *self._rate(request, status)) if pair[0] not in present]
                message["headers"] = [*message["headers"], *more, (b"x-request-id", request_id.encode())]
            await send(message)

        try:
            await self._serve(request, scope, receive, with_headers)
        except ClientDisconnect:
            log.info("the sender of request %s disconnected", request_id)
        except Exception as fault:
            log.exception("request %s failed", request_id)
            if status:
                raise
            await unexpected(request, fault)(scope, receive, with_headers)
        finally:
            self._count(request, status, time.perf_counter() - began)

    async def _serve(self, request: Request, scope: Scope, receive: Receive, send: Send) -> None:
        limit = self.body_limit
        if is_upload(scope):
            limit = self.upload_limit
            receive, send = _lingering(request, receive, send)
        try:
            # A client shows its secret in the body: the operation itself applies the limit.
            if scope["path"] not in (*_WATCHED, _GRANT_PATH):
                token = bearer(request)
                await check_address(request, address_of(scope), token)
                reader_id = self.limits.owner_of(token)
                if request.method not in WRITES and reader_id is not None:
                    self.limits.check_read(reader_id)
            if _declared_length(request) > limit:
                raise TooLarge(limit)
        except Problem as problem:
            await render(request, problem)(scope, receive, send)
            return
        await self.app(scope, _bounded(receive, limit), send)

    def _count(self, request: Request, status: int, seconds: float) -> None:
        scope = request.scope
        operation = getattr(scope.get("route"), "operation_id", None) or "none"
        code = scope.get("accord.code")
        self._count_unauthenticated(scope, bearer(request), operation, status)
        self._count_refused(request, status)
        REQUESTS.labels(operation, status).inc()
        SECONDS.labels(operation).observe(seconds)
        if code is not None:
            REFUSALS.labels(code).inc()
        entry = {
            "request_id": scope["accord.request_id"],
            "method": method_of(scope) if scope["method"].isalpha() else "other",
            "route": operation,
            "status": status,
            "milliseconds": round(seconds * 1000, 1),
        }
        requests.info("request", extra=entry | _refusal(scope))

    def _rate(self, request: Request, status: int) -> list[tuple[bytes, bytes]]:
        """The fields that say what is left of the limit under which the request fell, if it fell under one."""
        scope, writer_id = request.scope, request.scope.get(WRITER)
        reader_id = self._refused_owner(request, status) if request.method not in WRITES else None
        if reader_id is not None:
            rate = self.limits.rate_of_refused_read(reader_id)
            return [] if rate is None else rate.headers()
        is_known = status != 401 and self.limits.knows(bearer(request))
        if writer_id is None and (is_known or scope["path"] in _UNCOUNTED):
            return []
        rate = self.limits.rate_of(writer_id, address_of(scope), counts=status != 429 and status < 500)
        return [] if rate is None else rate.headers()

    def _refused_owner(self, request: Request, status: int) -> UUID | None:
        """The person or program, known by their token, whose request was refused; None if nothing was refused."""
        is_refused = 400 <= status < 500 and status != 401 and request.scope["path"] not in _UNCOUNTED
        return self.limits.owner_of(bearer(request)) if is_refused else None

    def _count_refused(self, request: Request, status: int) -> None:
        """Count what was refused to somebody with a valid token, unless it was counted as a write."""
        owner_id = self._refused_owner(request, status)
        if owner_id is None or status == 429:
            return
        if request.method not in WRITES:
            self.limits.count_refused_read(owner_id)
        elif WRITER not in request.scope:
            self.limits.count_refused_write(owner_id)

    def _count_unauthenticated(self, scope: Scope, token: str | None, operation: str, status: int) -> None:
        """Count a request by its address, whatever its operation, unless its caller is authenticated."""
        if status == 401 and token is not None:
            self.limits.forget(token)
        # Nobody can be authenticated while the database is lost.
        if status >= 500 or scope["path"] in _WATCHED:
            return
        if operation == _GRANT:
            if status >= 400:
                self.limits.count_grant(address_of(scope))
        elif not self.limits.knows(token):
            self.limits.count_address(address_of(scope))


def _refusal(scope: Scope) -> dict[str, str]:
    """What the log says of a refusal: its code, and who was refused, if they were identified.

    Of what succeeds, the ledger says who did it; who read what is nobody's business.
    """
    code, actor = scope.get("accord.code"), scope.get(ACTOR)
    if code is None:
        return {}
    return {"code": code} if actor is None else {"code": code, "actor_id": str(actor.id), "role": actor.role}


def _lingering(request: Request, receive: Receive, send: Send) -> tuple[Receive, Send]:
    """For an upload: end the answer only once the file has arrived, so that a client that still sends can read it.

    The rest of a refused file is read, and discarded, for a few seconds only.
    """
    # A client that waits for `100 Continue` has sent nothing yet, and will not.
    more = request.headers.get("expect", "").lower() != "100-continue"

    async def noting() -> Message:
        nonlocal more
        message = await receive()
        more = message["type"] == "http.request" and message.get("more_body", False)
        return message

    async def lingering(message: Message) -> None:
        ends = message["type"] == "http.response.body" and not message.get("more_body", False)
        if not ends or not more:
            await send(message)
            return
        await send({**message, "more_body": True})
        with anyio.move_on_after(_LINGER):
            while more:
                await noting()
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    return noting, lingering


def is_upload(scope: Scope) -> bool:
    """Whether the body of a request is a file."""
    return scope["method"] == "POST" and _UPLOAD.fullmatch(scope["path"]) is not None


def bearer(request: Request) -> str | None:
    """The token of a request, if it carries exactly one."""
    headers = request.headers.getlist("authorization")
    scheme, _, token = (headers[0] if len(headers) == 1 else "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip().isascii() else None


def address_of(scope: Scope) -> str:
    """The address that sent a request; empty if it is not known."""
    return scope["client"][0] if scope.get("client") else ""


def _declared_length(request: Request) -> int:
    declared = request.headers.get("content-length", "")
    return int(declared) if declared.isascii() and declared.isdigit() and len(declared) < 20 else 0


def _bounded(receive: Receive, limit: int) -> Receive:
    """Receive a body; raises TooLarge as soon as it exceeds the limit, whatever its declared length."""
    received = 0

    async def bounded() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > limit:
            raise TooLarge(limit)
        return message

    return bounded
