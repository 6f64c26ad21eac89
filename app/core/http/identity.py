"""Who sends a request."""

from collections import OrderedDict
from datetime import datetime
from threading import Lock

from fastapi import Request

from app.core.access.actors import Actor
from app.core.access.authentication import authenticate, digest, presume
from app.core.access.session import GatedSession
from app.core.errors import Unauthenticated
from app.core.http.app_state import limits_of, seams_of
from app.core.http.middleware import ACTOR, bearer
from app.core.http.threads import in_thread

MOST_ACQUAINTED = 10_000


class Acquaintances:
    """The actors of tokens that were valid lately, by the hash of the token.

    Nobody is served on this alone: the database is asked again in each transaction.
    """

    def __init__(self) -> None:
        self._actors: OrderedDict[bytes, Actor] = OrderedDict()
        self._lock = Lock()

    def actor_of(self, token: str) -> Actor | None:
        """The actor whose token this was when it was last used."""
        return self._actors.get(digest(token))

    def remember(self, token: str, actor: Actor) -> None:
        """Remember the actor of a valid token."""
        with self._lock:
            self._actors[digest(token)] = actor
            self._actors.move_to_end(digest(token))
            while len(self._actors) > MOST_ACQUAINTED:
                self._actors.popitem(last=False)

    def forget(self, token: str) -> None:
        """Forget a token."""
        with self._lock:
            self._actors.pop(digest(token), None)


def actor_of(db: GatedSession, request: Request, now: datetime) -> Actor:
    """The actor whose token the request carries; raises Unauthenticated if it carries no valid one."""
    token = bearer(request)
    request.scope.pop(ACTOR, None)
    if token is None:
        raise Unauthenticated
    actor = authenticate(db, token, now)
    request.scope[ACTOR] = actor
    limits_of(request).remember(token, actor.id)
    _acquaintances_of(request).remember(token, actor)
    return actor


def presumed_actor(db: GatedSession, request: Request, now: datetime) -> Actor | None:
    """The actor whose token this was lately, to be confirmed with the first rows of the session; None if unknown."""
    token = bearer(request)
    actor = None if token is None else _acquaintances_of(request).actor_of(token)
    if token is None or actor is None:
        return None

    def confirmed() -> None:
        # The log names nobody before this. The limits may have forgotten the token meanwhile, and would take its sender
        # for a stranger.
        request.scope[ACTOR] = actor
        limits_of(request).remember(token, actor.id)

    request.scope.pop(ACTOR, None)
    presume(db, token, now, actor, confirmed)
    return actor


def forget_actor(request: Request) -> None:
    """Forget whose token the request carries."""
    if (token := bearer(request)) is not None:
        _acquaintances_of(request).forget(token)


def _acquaintances_of(request: Request) -> Acquaintances:
    acquaintances: Acquaintances = request.app.state.acquaintances
    return acquaintances


async def identify(request: Request) -> Actor:
    """The same, in a transaction of its own."""
    seams = seams_of(request)

    def read() -> Actor:
        with seams.database.read(seams.entropy(request.scope["accord.request_id"])) as db:
            return actor_of(db, request, seams.clock())

    return await in_thread(read, seams.database.threads)
