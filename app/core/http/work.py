"""The hop from a request to the database: one transaction, in which the actor is identified, acts and is answered."""

import time
from collections.abc import Callable
from datetime import datetime
from typing import Any, Concatenate, ParamSpec, TypeVar, TypeVarTuple, cast
from uuid import UUID

from fastapi import Request
from pydantic import BaseModel
from starlette.responses import Response

from app.core.access.actors import CLOCK, Actor
from app.core.access.authentication import AnotherActor
from app.core.access.scopes import admit
from app.core.access.service import reads
from app.core.access.session import CaseBehind, GatedSession, read_under
from app.core.db import AnyRow, Disconnected
from app.core.errors import Forbidden, NotFound, PreconditionFailed, PreconditionRequired, Problem, WeakTag, invalid
from app.core.http import idempotency
from app.core.http.answers import answer_of, answer_with, serialised
from app.core.http.app_state import limits_of, seams_of, waiting_room_of
from app.core.http.conditions import is_strong, matches_strongly, tag_of_body
from app.core.http.errors import NOT_STORED
from app.core.http.identity import actor_of, forget_actor, presumed_actor
from app.core.http.limits import COUNTED, WRITER
from app.core.http.methods import is_head
from app.core.http.threads import in_thread
from app.core.ledger import service as ledger
from app.core.ledger.verification import Receipt
from app.core.paging import Walk
from app.core.tables.cases import Case
from app.core.values import Followed

Arguments = ParamSpec("Arguments")
Ids = TypeVarTuple("Ids")
Result = TypeVar("Result", bound=BaseModel)
Returned = TypeVar("Returned")
Listing = TypeVar("Listing", bound=Followed[Any])
# These methods change an item, so they need an `If-Match`.
ITEM_CHANGES = ("PATCH", "PUT", "DELETE")


async def work(request: Request) -> "Work":
    """The dependency of every route but those of uploads."""
    return Work(request, await request.body())


async def upload(request: Request) -> "Work":
    """The dependency of a route whose body is a file, which is read as it arrives."""
    return Work(request, b"")


def act(
    command: Callable[Concatenate[GatedSession, Actor, datetime, Arguments], tuple[*Ids]],
    *args: Arguments.args,
    **kwargs: Arguments.kwargs,
) -> Callable[[GatedSession, Actor, datetime], tuple[*Ids]]:
    """Bind a command to its arguments for `Work.write`; the type checker compares them with its parameters."""

    def bound(db: GatedSession, actor: Actor, now: datetime) -> tuple[*Ids]:
        return command(db, actor, now, *args, **kwargs)

    return bound


class Work:
    """The way of one request to the database."""

    def __init__(self, request: Request, body: bytes) -> None:
        self.request = request
        self.body = body
        self.seams = seams_of(request)
        self.limits = limits_of(request)
        self.waiting_room = waiting_room_of(request)
        self.now = self.seams.clock()
        self.entropy = self.seams.entropy(request.scope["accord.request_id"])
        self.brought_up_to_date: set[UUID] = set()

    async def read(
        self,
        query: Callable[Concatenate[GatedSession, Actor, datetime, Arguments], Result],
        *args: Arguments.args,
        **kwargs: Arguments.kwargs,
    ) -> Result:
        """Answer with the result of `query`, read from one snapshot.

        What is returned is the response; its type is that of the body, for the OpenAPI document.
        """

        def respond() -> Response:
            result = self._from_snapshot(lambda db, actor: query(db, actor, self.now, *args, **kwargs))
            return answer_with(self.request, result)

        return cast(Result, await in_thread(respond, self.seams.database.threads))

    async def follow(
        self,
        seconds: int,
        query: Callable[Concatenate[GatedSession, Actor, datetime, Arguments], Listing],
        *args: Arguments.args,
        **kwargs: Arguments.kwargs,
    ) -> Listing:
        """Answer with the result of `query` as soon as it has items, or after that many seconds; HEAD does not wait.

        Each reading identifies the actor again: somebody who loses access while they wait is answered accordingly.
        """
        until = time.monotonic() + (0 if is_head(self.request) else seconds)
        with self.waiting_room.reader() as reader:

            def read(db: GatedSession, actor: Actor) -> Listing:
                reader.principals = frozenset(actor.principals)
                return query(db, actor, self.now, *args, **kwargs)

            def respond() -> tuple[bool, Response]:
                result = self._from_snapshot(read)
                return bool(result.items), answer_of(self.request, serialised(result))

            while True:
                has_items, response = await in_thread(respond, self.seams.database.threads)
                left = until - time.monotonic()
                if has_items or left <= 0 or self.waiting_room.stopping:
                    return cast(Listing, response)
                await self.waiting_room.until_news(reader, left)
                self.now = self.seams.clock()

    async def look(
        self,
        query: Callable[Concatenate[GatedSession, Actor, datetime, Arguments], Returned],
        *args: Arguments.args,
        **kwargs: Arguments.kwargs,
    ) -> Returned:
        """Return the result of `query`, read from one snapshot, to a route that continues without the database."""

        def read() -> Returned:
            return self._from_snapshot(lambda db, actor: query(db, actor, self.now, *args, **kwargs))

        return await in_thread(read, self.seams.database.threads)

    async def is_repeated(self) -> bool:
        """Whether the request has the idempotency key of an earlier success of its actor."""
        key = idempotency.key_of(self.request)
        if key is None:
            return False

        def read() -> bool:
            return self._from_snapshot(lambda db, actor: idempotency.is_remembered(db, actor.id, key, self.now))

        return await in_thread(read, self.seams.database.threads)

    async def note(
        self,
        command: Callable[Concatenate[GatedSession, Actor, datetime, Arguments], None],
        *args: Arguments.args,
        **kwargs: Arguments.kwargs,
    ) -> None:
        """Run a command that is no act of the ledger, for a route that continues without the database."""

        def transaction(db: GatedSession) -> None:
            actor = self._begin(db)
            command(db, actor, self.now, *args, **kwargs)

        def run() -> None:
            self.seams.database.in_transaction(transaction, self.entropy)

        await in_thread(run, self.seams.database.writer)

    async def grant(
        self,
        command: Callable[Concatenate[GatedSession, datetime, Arguments], tuple[UUID, Result]],
        token_of: Callable[[Result], str],
        *args: Arguments.args,
        **kwargs: Arguments.kwargs,
    ) -> Result:
        """Run a command that identifies the caller itself, and answer with its result, which no cache may store.

        The token that it issues counts as valid from now on, whatever else its address sends.
        """

        def transaction(db: GatedSession) -> Result:
            principal_id, granted = command(db, self.now, *args, **kwargs)
            self._count(principal_id)
            ledger.seal(db)
            return granted

        def run() -> Response:
            granted = self.seams.database.in_transaction(transaction, self.entropy)
            self.limits.remember(token_of(granted), self.request.scope[WRITER])
            body = serialised(granted)
            return Response(body, 200, NOT_STORED, "application/json")

        return cast(Result, await in_thread(run, self.seams.database.writer))

    async def mint(
        self,
        command: Callable[[GatedSession, Actor, datetime], tuple[*Ids]],
        *,
        answer: Callable[[GatedSession, Actor, datetime, *Ids], Result],
        status: int = 200,
    ) -> Result:
        """Run a command whose answer shows a secret once; Invalid if the request has an idempotency key."""
        if idempotency.key_of(self.request) is not None:
            detail = "Send no Idempotency-Key: the answer contains a secret and cannot be repeated."
            raise invalid("header/Idempotency-Key", "key-refused", detail)
        return await self.write(command, answer=answer, status=status)

    async def write(
        self,
        command: Callable[[GatedSession, Actor, datetime], tuple[*Ids]],
        *,
        answer: Callable[[GatedSession, Actor, datetime, *Ids], Result],
        status: int = 200,
        item: tuple[*Ids] | None = None,
        lock: Callable[[GatedSession, Actor, *Ids], object] | None = None,
        finds: bool = False,
    ) -> Result:
        """Run a command that `act` has bound, and answer with what `answer` reads by the ids that it returns.

        `item` are the ids of what the command changes, and `lock` locks it, so that `If-Match` is compared with its
        current version. With `finds`, a command that records no event has found what was asked for, and the answer is
        200. A command that ends its actor's own view answers 204.
        """
        key, if_match = idempotency.key_of(self.request), self.request.headers.get("if-match")

        def transaction(db: GatedSession) -> Response:
            actor = self._authenticated(db)
            fault: Problem | None = None
            if if_match is None and self.request.method in ITEM_CHANGES:
                fault = PreconditionRequired()
            elif item is not None and if_match is not None and not is_strong(if_match):
                fault = WeakTag()
            self._count(actor.id, is_refused=fault is not None)
            if fault is not None:
                raise fault
            self._admit(actor)
            self._prepare(db, actor)
            db.before_act = self._require_current
            if key is not None:
                fingerprint = idempotency.fingerprint(self.request, self.body)
                first = idempotency.claim(db, actor.id, key, fingerprint, self.now)
                if first is not None:
                    return self._replay(lambda: answer(db, actor, self.now, *cast(tuple[*Ids], first.ids)), first)
            is_stale = False
            if item is not None and if_match is not None:
                if lock is not None:
                    lock(db, actor, *item)
                current = tag_of_body(serialised(answer(db, actor, self.now, *item)))
                is_stale = not matches_strongly(if_match, current)
            ids = self._run(db, actor, command, is_stale=is_stale)
            self.seams.after_act(db, self.now)
            actual_status = 200 if finds and not db.notes else status
            body = _body_if_visible(lambda: answer(db, actor, self.now, *ids))
            if key is not None:
                success = idempotency.Success(actual_status, cast(tuple[UUID, ...], ids))
                idempotency.remember(db, actor.id, key, success)
            return self._act_response(db, actor, body, actual_status)

        def run() -> Response:
            while True:
                try:
                    return self.seams.database.in_transaction(transaction, self.entropy)
                except CaseBehind as behind:
                    self._bring_up_to_date(behind.case_id)

        return cast(Result, await in_thread(run, self.seams.database.writer))

    def _count(self, writer_id: UUID, *, is_refused: bool = False) -> None:
        """Count the request as one write, however often its transaction is tried.

        Raises TooManyRequests if its sender has sent too many, unless it is refused for its form.
        """
        if self.request.scope.get(COUNTED):
            return
        self.request.scope[COUNTED], self.request.scope[WRITER] = True, writer_id
        if is_refused:
            self.limits.count_refused_write(writer_id)
        else:
            self.limits.count_write(writer_id)

    def _require_current(self, case: Case | AnyRow) -> None:
        """Raise CaseBehind, once for each case, where a step that time brings may come before the act."""
        if case.id not in self.brought_up_to_date and self.seams.is_behind(case, self.now):
            raise CaseBehind(case.id)

    def _bring_up_to_date(self, case_id: UUID) -> None:
        """Take the steps that were due, in a transaction of their own: they stay also if the act is refused."""

        def transaction(db: GatedSession) -> None:
            db.sealer = self.seams.sealer
            read_under(db, CLOCK.principals)
            if self.seams.take_due_steps(db, self.now, case_id):
                self.seams.after_act(db, self.now)
                ledger.seal(db)

        self.brought_up_to_date.add(case_id)
        self.seams.database.in_transaction(transaction, self.entropy)

    def _run(
        self,
        db: GatedSession,
        actor: Actor,
        command: Callable[[GatedSession, Actor, datetime], tuple[*Ids]],
        *,
        is_stale: bool,
    ) -> tuple[*Ids]:
        if not is_stale:
            return command(db, actor, self.now)
        # A 403 takes precedence over a 412, so the command must run; the transaction is rolled back in either case.
        try:
            command(db, actor, self.now)
        except Forbidden:
            raise
        except Problem:
            pass
        raise PreconditionFailed

    def _replay(self, answer: Callable[[], BaseModel], first: idempotency.Success) -> Response:
        response = answer_of(self.request, serialised(answer()), first.status)
        response.headers["idempotency-replayed"] = "true"
        return response

    def _act_response(self, db: GatedSession, actor: Actor, body: bytes | None, status: int) -> Response:
        notes = ledger.seal(db)
        response = Response(status_code=204) if body is None else answer_of(self.request, body, status)
        visible = [note for note in notes if reads(db, actor, note.case_id, note.audience_id)]
        if visible:
            last = visible[-1]
            response.headers["accord-receipt"] = str(Receipt(last.audience_id, last.seq, last.hash))
        return response

    def _from_snapshot(self, query: Callable[[GatedSession, Actor], Returned]) -> Returned:
        """What `query` reads from one snapshot.

        It is read again if its actor was taken for another, or if the connection to the database was lost: a connection
        that was used a moment ago is not asked before whether it still works.
        """
        try:
            return self._read_once(query, presumes=True)
        except (AnotherActor, Disconnected):
            forget_actor(self.request)
            return self._read_once(query, presumes=False)

    def _read_once(self, query: Callable[[GatedSession, Actor], Returned], *, presumes: bool) -> Returned:
        with self.seams.database.read(self.entropy) as db:
            try:
                presumed = presumed_actor(db, self.request, self.now) if presumes else None
                actor = self._begin(db, presumed)
                result = query(db, actor)
            except Problem:
                # A refusal, too, is only for the actor who was presumed.
                db.settle()
                raise
            db.settle()
            return result

    def _begin(self, db: GatedSession, presumed: Actor | None = None) -> Actor:
        actor = presumed or self._authenticated(db)
        self._admit(actor)
        self._prepare(db, actor)
        return actor

    def _authenticated(self, db: GatedSession) -> Actor:
        # In the transaction of the request: a separate one would cost as much as a small read.
        return actor_of(db, self.request, self.now)

    def _admit(self, actor: Actor) -> None:
        """Refuse an API client that lacks the scope of the operation, before anything is read for it."""
        operation = getattr(self.request.scope["route"], "operation_id", "")
        admit(actor, operation, names_an_item=bool(self.request.path_params))

    def _prepare(self, db: GatedSession, actor: Actor) -> None:
        db.sealer = self.seams.sealer
        db.walk = Walk(self.seams.cursors, actor.id, self.request.scope["path"])
        read_under(db, actor.principals)


def _body_if_visible(answer: Callable[[], BaseModel]) -> bytes | None:
    """The body of the answer; None if the act ended its actor's own view."""
    try:
        return serialised(answer())
    except NotFound:
        return None
