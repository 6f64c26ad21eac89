"""The institution, its people and their tokens."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select, update

from app.core.access.actors import Actor
from app.core.access.authentication import PERSONS, digest, minted, only_admin
from app.core.access.session import GatedSession, as_system
from app.core.db import new_id, random_bytes
from app.core.errors import Conflict, Forbidden, Misconfigured, NotFound, invalid
from app.core.ledger import service as ledger
from app.core.ledger.acts import OPERATOR, Act, Author, author_of, installation_subject
from app.core.paging import Page, Sort, listed
from app.core.tables.audiences import ANYONE, STAFF, Audience, AudienceReader
from app.core.tables.capacities import Capacity
from app.core.tables.institution import Institution
from app.core.tables.people import Token, User
from app.core.values import In, Line, TimeZone, email_key
from app.institution.calendars.schemas import CalendarCode
from app.institution.people.schemas import (
    CapacityOut,
    MeOut,
    RotationIn,
    TokenIn,
    TokenList,
    TokenMinted,
    TokenOut,
    UserIn,
    UserList,
    UserOut,
)

TOKEN_LIFE, LONGEST_TOKEN_LIFE = timedelta(days=90), timedelta(days=400)
MOST_CAPACITIES = 200


class InstitutionIn(In):
    """The institution that an installation serves."""

    name: Line
    time_zone: TimeZone
    calendar: CalendarCode | None = None


def require_institution(db: GatedSession) -> None:
    """Raise Misconfigured unless an institution was founded."""
    if db.execute(select(Institution.id)).first() is None:
        raise Misconfigured(
            "There is no institution yet. Found it with its first administrator: "
            "accord user add NAME EMAIL --role admin --institution NAME --time-zone ZONE"
        )


def found_institution(db: GatedSession, now: datetime, institution: InstitutionIn) -> None:
    """Found the institution, with the streams of its own acts; Conflict if there is one already."""
    if db.execute(select(Institution.id)).first() is not None:
        raise Conflict("This installation already has an institution.", "exists")
    cursor_key = random_bytes(db, 64)
    db.add(Institution(id=new_id(db), **institution.model_dump(), cursor_key=cursor_key, created_at=now))
    with as_system(db):
        for audience, reader in (("public", ANYONE), ("registry", STAFF)):
            id = new_id(db)
            row: dict[str, Any] = {
                "id": id,
                "case_id": None,
                "key": audience,
                "name": audience,
                "party_ids": [],
                "generation": 0,
            }
            db.execute(insert(Audience).values(row))
            db.execute(insert(AudienceReader).values(audience_id=id, principal_id=reader))
    ledger.record(db, Act("found", now, OPERATOR, installation_subject(db, "public")), "institution-founded", {})


def set_calendar(db: GatedSession, now: datetime, calendar: str | None) -> None:
    """Set the institution's calendar; running terms keep their day. Raises Misconfigured without an institution."""
    require_institution(db)
    db.execute(update(Institution).values(calendar=calendar).execution_options(synchronize_session=False))
    subject = installation_subject(db, "public")
    ledger.record(db, Act("change", now, OPERATOR, subject), "institution-changed", {"calendar": calendar})


_USER = (
    User.id,
    User.name,
    User.email,
    User.role,
    User.active,
    User.awaits_approval,
    User.created_at,
    User.disabled_at,
    User.undeliverable_since,
)


def list_users(
    db: GatedSession, actor: Actor, now: datetime, page: Page, awaits_approval: bool | None = None
) -> UserList:
    """List users, all or those awaiting approval; Forbidden unless the actor works for the institution."""
    if actor.role == "user":
        raise Forbidden("Only administrators and registrars may list users.")
    statement = select(*_USER)
    if awaits_approval is not None:
        statement = statement.where(User.awaits_approval.is_(awaits_approval))
    listing = listed(db, statement, page, Sort(User.created_at, User.id, datetime))
    return UserList(items=[UserOut.model_validate(row) for row in listing.rows], next=listing.next, count=listing.count)


def read_user(db: GatedSession, actor: Actor, now: datetime, user_id: UUID) -> UserOut:
    """Read a user: the actor's own account, or any account for administrators and registrars; NotFound otherwise."""
    row = db.execute(select(*_USER).where(User.id == user_id)).one_or_none()
    if row is None or (actor.role == "user" and actor.id != user_id):
        raise NotFound
    return UserOut.model_validate(row)


def add_user(db: GatedSession, actor: Actor, now: datetime, user_in: UserIn) -> tuple[UUID]:
    """Add a user; Forbidden unless the actor is an administrator, Conflict for an address already in use."""
    only_admin(actor)
    return (write_user(db, now, user_in, author_of(actor, "admin")),)


def write_user(db: GatedSession, now: datetime, user_in: UserIn, author: Author, *, invited: bool = False) -> UUID:
    """Write a user, `invited` ones awaiting approval; Conflict for an e-mail address already in use."""
    key = email_key(user_in.email)
    if db.execute(select(User.id).where(User.email_key == key)).first() is not None:
        raise Conflict("An account with this e-mail address already exists.", "exists")
    user = User(
        id=new_id(db),
        email_key=key,
        active=not invited,
        awaits_approval=invited,
        created_at=now,
        **user_in.model_dump(),
    )
    db.add(user)
    subject = installation_subject(db, "registry")
    if user.role == "admin":
        with as_system(db):
            db.execute(insert(AudienceReader).values(audience_id=subject.audience_id, principal_id=user.id))
    ledger.record(
        db,
        Act("add", now, author, subject),
        "user-invited" if invited else "user-added",
        {"user_id": str(user.id), "role": user.role},
    )
    return user.id


_TOKEN = (Token.id, Token.user_id, Token.label, Token.created_at, Token.expires_at, Token.revoked_at)


def list_tokens(db: GatedSession, actor: Actor, now: datetime, page: Page) -> TokenList:
    """List the actor's own tokens."""
    own = select(*_TOKEN).where(Token.user_id == actor.id)
    listing = listed(db, own, page, Sort(Token.created_at, Token.id, datetime))
    return TokenList(
        items=[TokenOut.model_validate(row) for row in listing.rows], next=listing.next, count=listing.count
    )


def read_token(db: GatedSession, actor: Actor, now: datetime, token_id: UUID) -> TokenOut:
    """Read a token: the actor's own, or any for an administrator; NotFound otherwise."""
    row = db.execute(select(*_TOKEN).where(Token.id == token_id)).one_or_none()
    if row is None or (actor.role != "admin" and row.user_id != actor.id):
        raise NotFound
    return TokenOut.model_validate(row)


def read_minted(db: GatedSession, actor: Actor, now: datetime, token_id: UUID) -> TokenMinted:
    """Read the token that this transaction has just made, with its secret."""
    return TokenMinted(token=db.secrets[token_id], **dict(read_token(db, actor, now, token_id)))


def issue_token(db: GatedSession, actor: Actor, now: datetime, token_in: TokenIn) -> tuple[UUID]:
    """Issue a token for the actor, or for any user as an administrator.

    Raises Forbidden for another user's, and Invalid for an unknown user or an expiry out of bounds.
    """
    user_id = token_in.user_id or actor.id
    if user_id != actor.id:
        only_admin(actor)
    return (write_token(db, now, token_in, user_id, author_of(actor, actor.role)),)


def write_token(db: GatedSession, now: datetime, token_in: TokenIn, user_id: UUID, author: Author) -> UUID:
    """Write a token and keep its secret for the answer only; Invalid as `issue_token` raises it."""
    if db.execute(select(User.id).where(User.id == user_id, User.active)).first() is None:
        raise invalid("/user_id", "unknown-user", "Use the id of an active user.")
    expires_at = token_in.expires_at or now + TOKEN_LIFE
    if not now < expires_at <= now + LONGEST_TOKEN_LIFE:
        raise invalid(
            "/expires_at",
            "expiry",
            f"The expiry must be in the future, within {LONGEST_TOKEN_LIFE.days} days from now.",
        )
    secret = minted(db, PERSONS)
    token = Token(
        id=new_id(db),
        user_id=user_id,
        sha256=digest(secret),
        label=token_in.label,
        created_at=now,
        expires_at=expires_at,
    )
    db.add(token)
    db.secrets[token.id] = secret
    payload = {"token_id": str(token.id), "user_id": str(user_id)}
    ledger.record(db, Act("issue", now, author, installation_subject(db, "registry")), "token-issued", payload)
    return token.id


def rotate_token(db: GatedSession, actor: Actor, now: datetime, token_id: UUID, rotation: RotationIn) -> tuple[UUID]:
    """Replace one of the actor's own tokens by a new one with the same label; the old one ends at once.

    Raises NotFound for another user's token, Conflict for an ended one, and Invalid for an expiry out of bounds.
    """
    statement = select(Token).where(Token.id == token_id, Token.user_id == actor.id).with_for_update()
    token = db.execute(statement, execution_options={"populate_existing": True}).scalar_one_or_none()
    if token is None:
        raise NotFound
    if token.revoked_at is not None or token.expires_at <= now:
        raise Conflict("This token has ended: issue a new one.", "token-ended")
    author = author_of(actor, actor.role)
    new_token_id = write_token(db, now, TokenIn(label=token.label, expires_at=rotation.expires_at), actor.id, author)
    token.revoked_at = now
    payload = {"token_id": str(token.id), "user_id": str(token.user_id)}
    ledger.record(db, Act("rotate", now, author, installation_subject(db, "registry")), "token-revoked", payload)
    return (new_token_id,)


def revoke_token(db: GatedSession, actor: Actor, now: datetime, token_id: UUID) -> tuple[UUID]:
    """Revoke a token at once: the actor's own, or any for an administrator; NotFound otherwise."""
    read_token(db, actor, now, token_id)
    token = db.execute(select(Token).where(Token.id == token_id).with_for_update()).scalar_one()
    if token.revoked_at is None:
        token.revoked_at = now
        payload = {"token_id": str(token.id), "user_id": str(token.user_id)}
        author = author_of(actor, actor.role)
        ledger.record(db, Act("revoke", now, author, installation_subject(db, "registry")), "token-revoked", payload)
    return (token_id,)


def read_me(db: GatedSession, actor: Actor, now: datetime) -> MeOut:
    """Read the actor's account and present capacities; a candidate is not shown the case."""
    user = db.execute(select(User.email).where(User.id == actor.id)).one()
    rows = db.execute(
        select(
            Capacity.role.label("capacity"),
            Capacity.case_id,
            Capacity.party_id,
            Capacity.appointment_id,
            Capacity.admitted_at.label("since"),
        )
        .where(Capacity.user_id == actor.id, Capacity.ended_at.is_(None))
        .order_by(Capacity.admitted_at.desc(), Capacity.id)
        .limit(MOST_CAPACITIES + 1)
    ).all()
    capacities = [CapacityOut.model_validate(row) for row in rows[:MOST_CAPACITIES]]
    for capacity in capacities:
        if capacity.capacity == "candidate":
            capacity.case_id = None
    return MeOut(
        id=actor.id,
        name=actor.name,
        email=user.email,
        role=actor.role,
        capacities=capacities,
        more=len(rows) > MOST_CAPACITIES,
    )
