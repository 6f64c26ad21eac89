"""Who sends a request."""

from datetime import datetime

from fastapi import Request

from app.core.access.actors import Actor
from app.core.access.authentication import authenticate
from app.core.access.session import GatedSession
from app.core.errors import Unauthenticated
from app.core.http.app_state import limits_of, seams_of
from app.core.http.middleware import ACTOR, bearer
from app.core.http.threads import in_thread


def actor_of(db: GatedSession, request: Request, now: datetime) -> Actor:
    """The actor whose token the request carries; raises Unauthenticated if it carries no valid one."""
    token = bearer(request)
    if token is None:
        raise Unauthenticated
    actor = authenticate(db, token, now)
    request.scope[ACTOR] = actor
    limits_of(request).remember(token, actor.id)
    return actor


async def identify(request: Request) -> Actor:
    """The same, in a transaction of its own."""
    seams = seams_of(request)

    def read() -> Actor:
        with seams.database.read(seams.entropy(request.scope["accord.request_id"])) as db:
            return actor_of(db, request, seams.clock())

    return await in_thread(read, seams.database.threads)
