"""The one hop to the database: who asks, one transaction, the answer, the seal; then the response goes out."""

import base64
import hashlib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Concatenate, ParamSpec, TypeVar, TypeVarTuple, cast
from urllib.parse import urlencode
from uuid import UUID

import anyio
import anyio.to_thread
from fastapi import Request
from pydantic import BaseModel
from starlette.responses import Response

from app.core.access.actors import Actor
from app.core.access.authentication import authenticate
from app.core.access.scopes import admit
from app.core.access.service import reads
from app.core.access.session import GatedSession, read_under
from app.core.db import Collision
from app.core.errors import (
    Forbidden,
    NotFound,
    PreconditionFailed,
    PreconditionRequired,
    Problem,
    Unauthenticated,
    Unavailable,
    invalid,
)
from app.core.http import idempotency
from app.core.http.errors import NOT_STORED
from app.core.http.limits import Limits
from app.core.http.metrics import POOL_WAIT
from app.core.http.middleware import bearer
from app.core.http.waiting import Waiting
from app.core.ledger import service as ledger
from app.core.ledger.verification import Receipt
from app.core.paging import Walk
from app.core.seams import Seams
from app.core.values import Followed, Listed, Picture, Rendered

Arguments = ParamSpec("Arguments")
Ids = TypeVarTuple("Ids")
Result = TypeVar("Result", bound=BaseModel)
Returned = TypeVar("Returned")
Listing = TypeVar("Listing", bound=Followed[Any])
# So long a request waits for a thread; where all of them wait for a database that hangs, it would wait for ever.
SECONDS_IN_LINE = 10.0
ITEM_CHANGES = ("PATCH", "PUT", "DELETE")


def seams_of(request: Request) -> Seams:
    """What the app stands on."""
    seams: Seams = request.app.state.seams
    return seams


def limits_of(request: Request) -> Limits:
    """How many requests each address and each person may send to this process."""
    limits: Limits = request.app.state.limits
    return limits


async def work(request: Request) -> "Work":
    """The dependency of every route."""
    return Work(request, await request.body())


async def upload(request: Request) -> "Work":
    """The dependency of a route that takes a file, whose body is read as it comes."""
    return Work(request, b"")


def act(
    command: Callable[Concatenate[GatedSession, Actor, datetime, Arguments], tuple[*Ids]],
    *args: Arguments.args,
    **kwargs: Arguments.kwargs,
) -> Callable[[GatedSession, Actor, datetime], tuple[*Ids]]:
    """A command with its arguments, as `Work.write` runs it; the type checker compares them with its parameters."""

    def bound(db: GatedSession, actor: Actor, now: datetime) -> tuple[*Ids]:
        return command(db, actor, now, *args, **kwargs)

    return bound


class Work:
    """One request's way to the database."""

    def __init__(self, request: Request, body: bytes) -> None:
        self.request = request
        self.body = body
        self.seams = seams_of(request)
        self.limits = limits_of(request)
        self.waiting: Waiting = request.app.state.waiting
        self.now = self.seams.clock()
        self.entropy = self.seams.entropy(request.scope["accord.request_id"])

    async def read(
        self,
        query: Callable[Concatenate[GatedSession, Actor, datetime, Arguments], Result],
        *args: Arguments.args,
        **kwargs: Arguments.kwargs,
    ) -> Result:
        """Answer with what `query` finds in one snapshot (the response, typed as its body for OpenAPI)."""

        def answer() -> Response:
            with self._snapshot() as (db, actor):
                found = query(db, actor, self.now, *args, **kwargs)
                if isinstance(found, Picture):
                    return self._response(found.svg.encode(), 200, media_type="image/svg+xml")
                if isinstance(found, Rendered):
                    response = self._response(found.content, 200, media_type=found.media_type)
                    response.headers["content-disposition"] = f'inline; filename="{found.file_name}"'
                    return response
                return self._response(_serialised(found), 200, _next(found))

        return cast(Result, await _in_thread(answer, self.seams.database.threads))

    async def follow(
        self,
        seconds: int,
        query: Callable[Concatenate[GatedSession, Actor, datetime, Arguments], Listing],
        *args: Arguments.args,
        **kwargs: Arguments.kwargs,
    ) -> Listing:
        """Answer with what `query` finds as soon as it has items, or after that many seconds.

        Each reading asks anew who asks: whose access ends while they wait gets the answer of somebody without access.
        """
        until = time.monotonic() + seconds
        with self.waiting.reader() as mine:

            def reading() -> tuple[bool, Response]:
                with self._snapshot() as (db, actor):
                    mine.principals = frozenset(actor.principals)
                    found = query(db, actor, self.now, *args, **kwargs)
                    return bool(found.items), self._response(_serialised(found), 200)

            while True:
                has_items, response = await _in_thread(reading, self.seams.database.threads)
                left = until - time.monotonic()
                if has_items or left <= 0 or self.waiting.stopping:
                    return cast(Listing, response)
                await self.waiting.until_news(mine, left)
                self.now = self.seams.clock()

    async def look(
        self,
        query: Callable[Concatenate[GatedSession, Actor, datetime, Arguments], Returned],
        *args: Arguments.args,
        **kwargs: Arguments.kwargs,
    ) -> Returned:
        """What `query` finds in one snapshot, for what then goes on without the database."""

        def found() -> Returned:
            with self._snapshot() as (db, actor):
                return query(db, actor, self.now, *args, **kwargs)

        return await _in_thread(found, self.seams.database.threads)

    async def note(
        self,
        command: Callable[Concatenate[GatedSession, Actor, datetime, Arguments], None],
        *args: Arguments.args,
        **kwargs: Arguments.kwargs,
    ) -> None:
        """Run `command` in one transaction before what goes on without the database; it is no act of the ledger."""

        def transaction(db: GatedSession) -> None:
            actor = self._authenticated(db)
            self._admit(actor)
            self._prepare(db, actor)
            command(db, actor, self.now, *args, **kwargs)

        def act() -> None:
            self.seams.database.in_transaction(transaction, self.entropy)

        await _in_thread(act, self.seams.database.writer)

    async def grant(
        self,
        command: Callable[Concatenate[GatedSession, datetime, Arguments], tuple[UUID, Result]],
        *args: Arguments.args,
        **kwargs: Arguments.kwargs,
    ) -> Result:
        """Run `command`, which finds out itself who asks, in one transaction; what it answers is kept by nobody."""

        def transaction(db: GatedSession) -> bytes:
            principal_id, granted = command(db, self.now, *args, **kwargs)
            self.limits.count_write(principal_id)
            return _serialised(granted)

        def act() -> Response:
            body = self.seams.database.in_transaction(transaction, self.entropy)
            return Response(body, 200, NOT_STORED, "application/json")

        return cast(Result, await _in_thread(act, self.seams.database.writer))

    @contextmanager
    def _snapshot(self) -> Iterator[tuple[GatedSession, Actor]]:
        with self.seams.database.read(self.entropy) as db:
            actor = self._authenticated(db)
            self._admit(actor)
            self._prepare(db, actor)
            yield db, actor

    async def write(
        self,
        command: Callable[[GatedSession, Actor, datetime], tuple[*Ids]],
        *,
        answer: Callable[[GatedSession, Actor, datetime, *Ids], Result],
        status: int = 200,
        item: tuple[*Ids] | None = None,
        lock: Callable[[GatedSession, Actor, *Ids], object] | None = None,
        keyed: bool = True,
        finds: bool = False,
    ) -> Result:
        """Run a command that `act` has bound, in one transaction, and answer with what `answer` reads by its ids.

        `item` names what the act changes and `lock` locks it, so that `If-Match` is compared with its present version.
        With `finds`, a command that records nothing has found what was asked for, and the answer is 200. An act that
        ends its author's own view answers 204.
        """
        key, match = idempotency.key_of(self.request), self.request.headers.get("if-match")
        if key is not None and not keyed:
            raise invalid(
                "header/Idempotency-Key", "key-refused", "What is made here is secret: it cannot be replayed."
            )

        def transaction(db: GatedSession) -> Response:
            actor = self._authenticated(db)
            if match is None and self.request.method in ITEM_CHANGES:
                raise PreconditionRequired
            self.limits.count_write(actor.id)
            self._admit(actor)
            self._prepare(db, actor)
            if key is not None:
                print_ = idempotency.fingerprint(self.request, self.body)
                first = idempotency.claim(db, actor.id, key, print_, self.now)
                if first is not None:
                    return self._replay(lambda: answer(db, actor, self.now, *cast(tuple[*Ids], first.ids)), first)
            stale = False
            if item is not None and match is not None:
                if lock is not None:
                    lock(db, actor, *item)
                stale = not _is_current(match, answer(db, actor, self.now, *item))
            ids = self._run(db, actor, command, stale)
            self.seams.after_act(db, self.now)
            answered = 200 if finds and not db.notes else status
            body = _rendered(lambda: answer(db, actor, self.now, *ids))
            if key is not None:
                idempotency.remember(db, actor.id, key, answered, cast(tuple[UUID, ...], ids))
            return self._act_response(db, actor, body, answered)

        def act() -> Response:
            return self.seams.database.in_transaction(transaction, self.entropy)

        return cast(Result, await _in_thread(act, self.seams.database.writer))

    def _run(
        self,
        db: GatedSession,
        actor: Actor,
        command: Callable[[GatedSession, Actor, datetime], tuple[*Ids]],
        stale: bool,
    ) -> tuple[*Ids]:
        if not stale:
            return command(db, actor, self.now)
        # A 403 goes before a 412; either way nothing is kept.
        try:
            command(db, actor, self.now)
        except Forbidden:
            raise
        except Problem:
            pass
        raise PreconditionFailed

    def _replay(self, answer: Callable[[], BaseModel], first: idempotency.Success) -> Response:
        response = self._response(_serialised(answer()), first.status)
        response.headers["idempotency-replayed"] = "true"
        return response

    def _act_response(self, db: GatedSession, actor: Actor, body: bytes | None, status: int) -> Response:
        notes = ledger.seal(db)
        response = Response(status_code=204) if body is None else self._response(body, status)
        seen = [note for note in notes if reads(db, actor, note.case_id, note.audience_id)]
        if seen:
            last = seen[-1]
            response.headers["accord-receipt"] = str(Receipt(last.audience_id, last.seq, last.hash))
        return response

    def _authenticated(self, db: GatedSession) -> Actor:
        # In the transaction of what is asked for: one of its own would cost as much as a small read.
        return _authenticated(db, self.request, self.now)

    def _admit(self, actor: Actor) -> None:
        """Stop a program at what it has no scope for, before anything is looked for."""
        operation = getattr(self.request.scope["route"], "operation_id", "")
        admit(actor, operation, names_an_item=bool(self.request.path_params))

    def _prepare(self, db: GatedSession, actor: Actor) -> None:
        db.sealer = self.seams.sealer
        db.walk = Walk(self.seams.cursors, actor.id, self.request.scope["path"])
        read_under(db, actor.principals)

    def _response(
        self, body: bytes, status: int, next_: str | None = None, media_type: str = "application/json"
    ) -> Response:
        tag = etag(body)
        headers = {"etag": tag}
        if next_ is not None:
            headers["link"] = f'<{self._next_page(next_)}>; rel="next"'
        if self.request.method == "GET" and _matches(self.request.headers.get("if-none-match"), tag):
            return Response(status_code=304, headers=headers)
        return Response(body, status, headers, media_type)

    def _next_page(self, cursor: str) -> str:
        given = [(name, value) for name, value in self.request.query_params.multi_items() if name != "after"]
        return f"{self.request.scope['path']}?{urlencode([*given, ('after', cursor)])}"


def _serialised(found: BaseModel) -> bytes:
    # No total unless it was asked for, not even an empty one.
    unasked = {"count"} if isinstance(found, Listed) and found.count is None else None
    return found.model_dump_json(by_alias=True, exclude=unasked).encode()


def _is_current(match: str, item: BaseModel) -> bool:
    return match.strip() == "*" or etag(_serialised(item)) in (tag.strip() for tag in match.split(","))


def _rendered(answer: Callable[[], BaseModel]) -> bytes | None:
    """The answer of an act; None where the act ended its author's own view."""
    try:
        return _serialised(answer())
    except NotFound:
        return None


def etag(body: bytes) -> str:
    """A strong tag: the hash of the very bytes that this reader is served."""
    return '"' + base64.urlsafe_b64encode(hashlib.sha256(body).digest()[:18]).decode() + '"'


def _matches(given: str | None, tag: str) -> bool:
    return given is not None and (
        given.strip() == "*" or tag in (one.strip().removeprefix("W/") for one in given.split(","))
    )


def _next(found: BaseModel) -> str | None:
    cursor: str | None = getattr(found, "next", None)
    return cursor


def _authenticated(db: GatedSession, request: Request, now: datetime) -> Actor:
    token = bearer(request)
    if token is None:
        raise Unauthenticated
    actor = authenticate(db, token, now)
    limits_of(request).remember(token)
    return actor


async def identify(request: Request) -> Actor:
    """Who asks; Unauthenticated if nobody that is known."""
    seams = seams_of(request)

    def found() -> Actor:
        with seams.database.read(seams.entropy(request.scope["accord.request_id"])) as db:
            return _authenticated(db, request, seams.clock())

    return await _in_thread(found, seams.database.threads)


async def _in_thread(act: Callable[[], Returned], limiter: anyio.CapacityLimiter) -> Returned:
    asked = time.perf_counter()

    def run() -> Returned:
        POOL_WAIT.observe(time.perf_counter() - asked)
        try:
            return act()
        except Collision as collision:
            raise Unavailable from collision

    # What has begun is shielded and finished: it is standing in line that ends.
    with anyio.move_on_after(SECONDS_IN_LINE):
        return await anyio.to_thread.run_sync(run, limiter=limiter)
    raise Unavailable
