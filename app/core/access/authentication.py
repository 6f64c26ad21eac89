"""How people and API clients prove who they are: tokens and secrets."""

import base64
import hashlib
from datetime import datetime

from sqlalchemy import bindparam, select

from app.core.access.actors import Actor
from app.core.access.session import GatedSession
from app.core.db import UtcDateTime, random_bytes
from app.core.errors import Forbidden, Unauthenticated
from app.core.tables.audiences import INTEGRATIONS
from app.core.tables.clients import AccessToken, Client, ClientSecret
from app.core.tables.people import Token, User

# How tokens of people and of programs begin: no token of a person has a full stop in it.
PERSONS, PROGRAMS = "accord_", "accord_client."


def digest(token: str) -> bytes:
    """What is kept of a token or a secret: its SHA-256 (it is 256-bit random, so no slower hash is needed)."""
    return hashlib.sha256(token.encode()).digest()


_WHOSE = (
    select(User.id, User.role, User.name)
    .join(Token, Token.user_id == User.id)
    .where(
        Token.sha256 == bindparam("sha256"),
        Token.revoked_at.is_(None),
        Token.expires_at > bindparam("now", type_=UtcDateTime()),
        User.active,
    )
)


_WHICH = (
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


def authenticate(db: GatedSession, token: str | None, now: datetime) -> Actor:
    """The person, or the program, whose valid token this is; Unauthenticated otherwise."""
    if not token:
        raise Unauthenticated
    given = {"sha256": digest(token), "now": now}
    if token.startswith(PROGRAMS):
        program = db.execute(_WHICH, given).first()
        if program is None:
            raise Unauthenticated
        return Actor(program.id, "client", program.name, frozenset(program.scopes), program.court_id or INTEGRATIONS)
    person = db.execute(_WHOSE, given).first()
    if person is None:
        raise Unauthenticated
    return Actor(person.id, person.role, person.name)


def only_admin(actor: Actor) -> None:
    """Forbidden unless the actor administers the installation."""
    if actor.role != "admin":
        raise Forbidden("Administrators of the installation do this.")


def minted(db: GatedSession, beginning: str) -> str:
    """A new secret of 256 random bits that begins in that way."""
    return beginning + base64.urlsafe_b64encode(random_bytes(db, 32)).decode().rstrip("=")
