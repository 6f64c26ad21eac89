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
    """The institution that an installation is to serve."""

    name: Line
    time_zone: TimeZone
    calendar: CalendarCode | None = None


def require_institution(db: GatedSession) -> None:
    """Misconfigured if no institution was founded yet."""
    if db.execute(select(Institution.id)).first() is None:
        raise Misconfigured(
            "There is no institution yet. Found it with its first administrator: "
            "accord user add NAME EMAIL --role admin --institution NAME --time-zone ZONE"
        )


def found_institution(db: GatedSession, now: datetime, given: InstitutionIn) -> None:
    """Make the institution and the streams of its own acts; Conflict if there is one already."""
    if db.execute(select(Institution.id)).first() is not None:
        raise Conflict("This installation has its institution already.", "exists")
    cursor_key = random_bytes(db, 64)
    db.add(Institution(id=new_id(db), **given.model_dump(), cursor_key=cursor_key, created_at=now))
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
    """Say by which calendar the institution works; terms that run already keep their day.

    Misconfigured if there is no institution yet.
    """
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
    """Everybody with an account, or those who wait for theirs; Forbidden for people of the parties."""
    if actor.role == "user":
        raise Forbidden("Administrators and registrars see who has an account.")
    statement = select(*_USER)
    if awaits_approval is not None:
        statement = statement.where(User.awaits_approval.is_(awaits_approval))
    found = listed(db, statement, page, Sort(User.created_at, User.id, datetime))
    return UserList(items=[UserOut.model_validate(row) for row in found.rows], next=found.next, count=found.count)


def read_user(db: GatedSession, actor: Actor, now: datetime, user_id: UUID) -> UserOut:
    """One person: oneself, or anybody for administrators and registrars; NotFound otherwise."""
    row = db.execute(select(*_USER).where(User.id == user_id)).one_or_none()
    if row is None or (actor.role == "user" and actor.id != user_id):
        raise NotFound
    return UserOut.model_validate(row)


def add_user(db: GatedSession, actor: Actor, now: datetime, given: UserIn) -> tuple[UUID]:
    """Give a person an account; Forbidden for others than administrators, Conflict for an address that is taken."""
    only_admin(actor)
    return (write_user(db, now, given, author_of(actor, "admin")),)


def write_user(db: GatedSession, now: datetime, given: UserIn, by: Author, *, invited: bool = False) -> UUID:
    """Write the account, whoever makes it; Conflict for an address that is taken. An invited one waits for approval."""
    key = email_key(given.email)
    if db.execute(select(User.id).where(User.email_key == key)).first() is not None:
        raise Conflict("Somebody with this e-mail address has an account already.", "exists")
    user = User(
        id=new_id(db),
        email_key=key,
        active=not invited,
        awaits_approval=invited,
        created_at=now,
        **given.model_dump(),
    )
    db.add(user)
    subject = installation_subject(db, "registry")
    if user.role == "admin":
        with as_system(db):
            db.execute(insert(AudienceReader).values(audience_id=subject.audience_id, principal_id=user.id))
    ledger.record(
        db,
        Act("add", now, by, subject),
        "user-invited" if invited else "user-added",
        {"user_id": str(user.id), "role": user.role},
    )
    return user.id


_TOKEN = (Token.id, Token.user_id, Token.label, Token.created_at, Token.expires_at, Token.revoked_at)


def list_tokens(db: GatedSession, actor: Actor, now: datetime, page: Page) -> TokenList:
    """The actor's own tokens."""
    mine = select(*_TOKEN).where(Token.user_id == actor.id)
    found = listed(db, mine, page, Sort(Token.created_at, Token.id, datetime))
    return TokenList(items=[TokenOut.model_validate(row) for row in found.rows], next=found.next, count=found.count)


def read_token(db: GatedSession, actor: Actor, now: datetime, token_id: UUID) -> TokenOut:
    """One token: one's own, or anybody's for an administrator; NotFound otherwise."""
    row = db.execute(select(*_TOKEN).where(Token.id == token_id)).one_or_none()
    if row is None or (actor.role != "admin" and row.user_id != actor.id):
        raise NotFound
    return TokenOut.model_validate(row)


def read_minted(db: GatedSession, actor: Actor, now: datetime, token_id: UUID) -> TokenMinted:
    """The token that this very transaction made, with its secret."""
    secrets = db.secrets
    return TokenMinted(token=secrets[token_id], **dict(read_token(db, actor, now, token_id)))


def issue_token(db: GatedSession, actor: Actor, now: datetime, given: TokenIn) -> tuple[UUID]:
    """Make a token: one's own, or for an administrator anybody's.

    Raises Forbidden for somebody else's, and Invalid for a user that is not there or an expiry out of bounds.
    """
    user_id = given.user_id or actor.id
    if user_id != actor.id:
        only_admin(actor)
    return (write_token(db, now, given, user_id, author_of(actor, actor.role)),)


def write_token(db: GatedSession, now: datetime, given: TokenIn, user_id: UUID, by: Author) -> UUID:
    """Write the token, whoever makes it, and keep its secret for the answer alone."""
    if db.execute(select(User.id).where(User.id == user_id, User.active)).first() is None:
        raise invalid("/user_id", "unknown-user", "Name an active user by id.")
    expires_at = given.expires_at or now + TOKEN_LIFE
    if not now < expires_at <= now + LONGEST_TOKEN_LIFE:
        raise invalid("/expires_at", "expiry", f"A token expires within {LONGEST_TOKEN_LIFE.days} days from now.")
    secret = minted(db, PERSONS)
    token = Token(
        id=new_id(db),
        user_id=user_id,
        sha256=digest(secret),
        label=given.label,
        created_at=now,
        expires_at=expires_at,
    )
    db.add(token)
    db.secrets[token.id] = secret
    payload = {"token_id": str(token.id), "user_id": str(user_id)}
    ledger.record(db, Act("issue", now, by, installation_subject(db, "registry")), "token-issued", payload)
    return token.id


def rotate_token(db: GatedSession, actor: Actor, now: datetime, token_id: UUID, given: RotationIn) -> tuple[UUID]:
    """Put a new token of the same label in the place of one's own, which ends at once.

    Raises NotFound for somebody else's, Conflict for one that has ended, and Invalid for an expiry out of bounds.
    """
    statement = select(Token).where(Token.id == token_id, Token.user_id == actor.id).with_for_update()
    token = db.execute(statement, execution_options={"populate_existing": True}).scalar_one_or_none()
    if token is None:
        raise NotFound
    if token.revoked_at is not None or token.expires_at <= now:
        raise Conflict("This token has ended; make a new one.", "token-ended")
    by = author_of(actor, actor.role)
    made = write_token(db, now, TokenIn(label=token.label, expires_at=given.expires_at), actor.id, by)
    token.revoked_at = now
    payload = {"token_id": str(token.id), "user_id": str(token.user_id)}
    ledger.record(db, Act("rotate", now, by, installation_subject(db, "registry")), "token-revoked", payload)
    return (made,)


def revoke_token(db: GatedSession, actor: Actor, now: datetime, token_id: UUID) -> tuple[UUID]:
    """End a token at once: one's own, or for an administrator anybody's; NotFound otherwise."""
    read_token(db, actor, now, token_id)
    token = db.execute(select(Token).where(Token.id == token_id).with_for_update()).scalar_one()
    if token.revoked_at is None:
        token.revoked_at = now
        payload = {"token_id": str(token.id), "user_id": str(token.user_id)}
        by = author_of(actor, actor.role)
        ledger.record(db, Act("revoke", now, by, installation_subject(db, "registry")), "token-revoked", payload)
    return (token_id,)


def read_me(db: GatedSession, actor: Actor, now: datetime) -> MeOut:
    """Who the actor is, and their living capacities as far as they may know of them."""
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
    for one in capacities:
        if one.capacity == "candidate":
            one.case_id = None
    return MeOut(
        id=actor.id,
        name=actor.name,
        email=user.email,
        role=actor.role,
        capacities=capacities,
        more=len(rows) > MOST_CAPACITIES,
    )
