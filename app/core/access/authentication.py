"""Authentication of people and API clients by tokens and secrets."""

import base64
import hashlib
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select

from app.core.access.actors import Actor
from app.core.access.scopes import OF_ONE_COURT
from app.core.access.session import GatedSession
from app.core.db import AnyRow, AnySelect, UtcDateTime, random_bytes
from app.core.errors import Forbidden, Unauthenticated
from app.core.tables.audiences import INTEGRATIONS
from app.core.tables.clients import AccessToken, Client, ClientSecret
from app.core.tables.people import Token, User

# The beginnings of tokens: those of people contain no full stop.
PERSONS, PROGRAMS, LINKS = "accord_", "accord_client.", "accord_link."


def digest(token: str) -> bytes:
    """The stored form of a token or secret: its SHA-256. It has 256 random bits, so no slower hash is needed."""
    return hashlib.sha256(token.encode()).digest()


_PERSON = (
    select(User.id, User.role, User.name)
    .join(Token, Token.user_id == User.id)
    .where(
        Token.sha256 == bindparam("sha256"),
        Token.revoked_at.is_(None),
        Token.expires_at > bindparam("now", type_=UtcDateTime()),
        User.active,
    )
)
_CLIENT = (
    select(Client.id, Client.name, Client.court_id, AccessToken.scopes)
    .join(ClientSecret, ClientSecret.client_id == Client.id)
    .join(AccessToken, AccessToken.secret_id == ClientSecret.id)
    .where(
        AccessToken.sha256 == bindparam("sha256"),
        AccessToken.expires_at > bindparam("now", type_=UtcDateTime()),
        ClientSecret.revoked_at.is_(None),
        Client.disabled_at.is_(None),
    )
)


class AnotherActor(Exception):
    """The token is not, or no longer, that of the actor for whom its sender was taken."""


def authenticate(db: GatedSession, token: str | None, now: datetime) -> Actor:
    """The person or API client with this token; raises Unauthenticated if it is not valid."""
    if not token:
        raise Unauthenticated
    return _actor(token, db.rows(*_question(token, now)))


def presume(db: GatedSession, token: str, now: datetime, actor: Actor, confirmed: Callable[[], None]) -> None:
    """Take the sender of a token for this actor until the first rows are read, which saves a round trip.

    The database is asked along with them, in the same snapshot: AnotherActor is raised if the token is not this actor's
    any more, before anything is answered; `confirmed` is called if it is.
    """

    def judge(rows: Sequence[AnyRow]) -> None:
        try:
            found = _actor(token, rows)
        except Unauthenticated:
            raise AnotherActor from None
        if found != actor:
            raise AnotherActor
        confirmed()

    db.ask_first(*_question(token, now), judge)


def _question(token: str, now: datetime) -> tuple[AnySelect, dict[str, Any]]:
    return _CLIENT if token.startswith(PROGRAMS) else _PERSON, {"sha256": digest(token), "now": now}


def _actor(token: str, rows: Sequence[AnyRow]) -> Actor:
    if not rows:
        raise Unauthenticated
    (found,) = rows
    if not token.startswith(PROGRAMS):
        return Actor(found.id, found.role, found.name)
    scopes = frozenset(found.scopes) - (OF_ONE_COURT if found.court_id is None else frozenset())
    return Actor(found.id, "client", found.name, scopes, found.court_id or INTEGRATIONS)


def valid_digests(db: GatedSession, now: datetime, most: int) -> set[bytes]:
    """The digests of the tokens and secrets that are valid, at most so many of each kind, the newest first."""
    secret = (ClientSecret.revoked_at.is_(None), Client.disabled_at.is_(None))
    client = select(ClientSecret.sha256).join(Client, Client.id == ClientSecret.client_id).where(*secret)
    program = select(AccessToken.sha256).where(AccessToken.expires_at > now)
    person = select(Token.sha256).where(Token.revoked_at.is_(None), Token.expires_at > now)
    newest_first = (
        client.order_by(ClientSecret.created_at.desc()),
        program.order_by(AccessToken.issued_at.desc()),
        person.order_by(Token.created_at.desc()),
    )
    return {digest for kind in newest_first for digest in db.execute(kind.limit(most)).scalars()}


def only_admin(actor: Actor) -> None:
    """Check that the actor is an administrator; raises Forbidden otherwise."""
    if actor.role != "admin":
        raise Forbidden("Only an administrator of the installation may do this.")


def minted(db: GatedSession, beginning: str) -> str:
    """A new secret of 256 random bits after the given beginning."""
    return beginning + base64.urlsafe_b64encode(random_bytes(db, 32)).decode().rstrip("=")
