"""Access tokens of people."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select

from app.core.access.actors import Actor
from app.core.access.authentication import PERSONS, digest, minted
from app.core.access.session import GatedSession
from app.core.db import new_id
from app.core.errors import Conflict, Forbidden, NotFound, invalid
from app.core.ledger import service as ledger
from app.core.ledger.acts import OPERATOR, Act, Author, account_subject, author_of, installation_subject
from app.core.paging import Page, Sort, listed
from app.core.tables.people import Token, User
from app.institution.people.schemas import RotationIn, TokenIn, TokenList, TokenMinted, TokenOut

TOKEN_LIFE, LONGESTTOKEN_LIFE = timedelta(days=90), timedelta(days=400)
TOKEN = (Token.id, Token.user_id, Token.label, Token.created_at, Token.expires_at, Token.revoked_at)


def list_tokens(db: GatedSession, actor: Actor, now: datetime, page: Page) -> TokenList:
    """List the actor's own tokens."""
    own = select(*TOKEN).where(Token.user_id == actor.id)
    listing = listed(db, own, page, Sort(Token.created_at, Token.id, datetime))
    return TokenList(
        items=[TokenOut.model_validate(row) for row in listing.rows], next=listing.next, count=listing.count
    )


def read_token(db: GatedSession, actor: Actor, now: datetime, token_id: UUID) -> TokenOut:
    """Read a token: the actor's own, or any for an administrator; NotFound otherwise."""
    row = db.execute(select(*TOKEN).where(Token.id == token_id)).one_or_none()
    if row is None or (actor.role != "admin" and row.user_id != actor.id):
        raise NotFound
    return TokenOut.model_validate(row)


def read_minted(db: GatedSession, actor: Actor, now: datetime, token_id: UUID) -> TokenMinted:
    """Read the token that this transaction has just made, with its secret."""
    return TokenMinted(token=db.secrets[token_id], **dict(read_token(db, actor, now, token_id)))


def issue_token(db: GatedSession, actor: Actor, now: datetime, token_in: TokenIn) -> tuple[UUID]:
    """Issue a token for the actor; Forbidden for anybody else, and Invalid for an expiry out of bounds."""
    if token_in.user_id not in (None, actor.id):
        raise Forbidden("Only the holder of an account may make tokens for it.")
    return (write_token(db, now, token_in, actor.id, author_of(actor, actor.role)),)


def write_token(db: GatedSession, now: datetime, token_in: TokenIn, user_id: UUID, author: Author) -> UUID:
    """Write a token and keep its secret for the answer only; Invalid as `issue_token` raises it."""
    if db.execute(select(User.id).where(User.id == user_id, User.active)).first() is None:
        raise invalid("/user_id", "unknown-user", "Use the id of an active user.")
    expires_at = token_in.expires_at or now + TOKEN_LIFE
    if not now < expires_at <= now + LONGESTTOKEN_LIFE:
        raise invalid(
            "/expires_at",
            "expiry",
            f"The expiry must be in the future, within {LONGESTTOKEN_LIFE.days} days from now.",
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


def issue_as_operator(db: GatedSession, now: datetime, token_in: TokenIn, user_id: UUID) -> UUID:
    """Issue a token on the command line, and tell the holder; Invalid as `write_token` raises it."""
    db.execute(select(User.id).where(User.id == user_id).with_for_update(key_share=True))
    token_id = write_token(db, now, token_in, user_id, OPERATOR)
    payload = {"token_id": str(token_id), "user_id": str(user_id)}
    ledger.record(db, Act("issue", now, OPERATOR, account_subject(db, user_id)), "token-issued", payload)
    return token_id


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
    owner = select(User.id).join(Token, Token.user_id == User.id).where(Token.id == token_id)
    owner_id = db.execute(owner.with_for_update(key_share=True, of=User)).scalar_one()
    token = db.execute(select(Token).where(Token.id == token_id).with_for_update()).scalar_one()
    if token.revoked_at is None:
        token.revoked_at = now
        payload = {"token_id": str(token.id), "user_id": str(owner_id)}
        act = Act("revoke", now, author_of(actor, actor.role), installation_subject(db, "registry"))
        ledger.record(db, act, "token-revoked", payload)
        if owner_id != actor.id:
            ledger.record(db, act.within(account_subject(db, owner_id)), "token-revoked", payload)
    return (token_id,)
