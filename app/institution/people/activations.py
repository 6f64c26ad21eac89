"""One-time links: the only way in which somebody gets the first token of an account, which is always their own."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select, update

from app.core.access.actors import Actor
from app.core.access.authentication import LINKS, digest, minted
from app.core.access.session import GatedSession, as_system
from app.core.db import new_id
from app.core.errors import Conflict, Forbidden, Invalid, invalid
from app.core.ledger import service as ledger
from app.core.ledger.acts import Act, Author, Subject, account_subject, author_of, installation_subject
from app.core.tables.capacities import Capacity
from app.core.tables.people import Activation, Token, User
from app.institution.people.schemas import ActivationIn, TokenIn, TokenMinted, TokenOut
from app.institution.people.service import locked_user
from app.institution.people.tokens import TOKEN, write_token

LINK_LIFE = timedelta(hours=72)


def streams_of(db: GatedSession, user_id: UUID) -> tuple[Subject, Subject]:
    """The streams that tell the registry and the holder of an account what is done to it."""
    return installation_subject(db, "registry"), account_subject(db, user_id)


def write_link(db: GatedSession, now: datetime, user_id: UUID) -> tuple[UUID, str]:
    """Make a one-time link to an account, which voids those before; return its id and its secret, stored nowhere."""
    void_links(db, now, user_id)
    secret = minted(db, LINKS)
    link = Activation(id=new_id(db), user_id=user_id, sha256=digest(secret), created_at=now, expires_at=now + LINK_LIFE)
    db.add(link)
    db.flush()
    return link.id, secret


def void_links(db: GatedSession, now: datetime, user_id: UUID) -> None:
    """Void the unused links to an account."""
    unused = (Activation.user_id == user_id, Activation.used_at.is_(None), Activation.voided_at.is_(None))
    voided = update(Activation).where(*unused).values(voided_at=now)
    db.execute(voided.execution_options(synchronize_session=False))


def print_link(db: GatedSession, now: datetime, user_id: UUID, author: Author) -> str:
    """Make a link for the command line, and tell the registry and the holder; Conflict for an inactive account."""
    user = db.execute(select(User).where(User.id == user_id).with_for_update()).scalar_one()
    if not user.active:
        raise Conflict("This account cannot be used: approve it, or enable it again, first.", "not-active")
    _link_id, secret = write_link(db, now, user_id)
    tell_of_link(db, Act("print", now, author, installation_subject(db, "registry")), user_id)
    return secret


def tell_of_link(db: GatedSession, act: Act, user_id: UUID) -> None:
    """Tell the registry and the holder of a link; the mailer acts on what the holder's stream says."""
    for stream in streams_of(db, user_id):
        ledger.record(db, act.within(stream), "link-issued", {"user_id": str(user_id)})


def order_link(db: GatedSession, actor: Actor, now: datetime, user_id: UUID, sends_mail: bool) -> tuple[UUID]:
    """Have a new link mailed to the holder of an account; only the holder sees it.

    Raises NotFound, Forbidden for anybody but administrators and registrars and for who may not vouch for the address,
    and Conflict for an inactive account or without a mail server.
    """
    user = locked_user(db, actor, user_id)
    if actor.role == "user":
        raise Forbidden("Only administrators and registrars may have a link mailed.")
    if not may_vouch(db, actor, user):
        raise Forbidden(
            "Only another administrator or registrar may have a link mailed to an address that you corrected."
        )
    if not user.active:
        raise Conflict("This account cannot be used: approve it, or enable it again, first.", "not-active")
    if not sends_mail:
        raise Conflict(
            "This installation sends no mail. Ask its operator for a link: accord user link EMAIL.", "no-mail"
        )
    tell_of_link(db, Act("mail", now, author_of(actor, actor.role), installation_subject(db, "registry")), user_id)
    return (user_id,)


def may_vouch(db: GatedSession, actor: Actor, user: User) -> bool:
    """Whether the actor may have a link mailed to the present address of an account.

    Otherwise somebody who corrects the address of a mediator could become that mediator. An account that nobody has
    used, and whose holder has no capacity in a case, is not worth a second person.
    """
    if user.address_by_id != actor.id:
        return True
    used = select(Token.id).where(Token.user_id == user.id).limit(1)
    held = select(Capacity.id).where(Capacity.user_id == user.id, Capacity.ended_at.is_(None)).limit(1)
    with as_system(db):
        return db.execute(used).first() is None and db.execute(held).first() is None


def activate(db: GatedSession, now: datetime, activation: ActivationIn) -> tuple[UUID, TokenMinted]:
    """Use a link up, and issue a token to the holder of its account; return the holder's id and the token.

    Raises Invalid, without a difference, for a link that is unknown, used, replaced or expired, or whose account is
    not active.
    """
    link_id, user = _holder(db, now, activation.secret)
    used = update(Activation).where(Activation.id == link_id).values(used_at=now)
    db.execute(used.execution_options(synchronize_session=False))
    user.address_by_id = None
    author = Author(user.id, user.role)
    token_id = write_token(db, now, TokenIn(label=activation.label), user.id, author)
    act = Act("activate", now, author, installation_subject(db, "registry"))
    payload = {"user_id": str(user.id), "token_id": str(token_id)}
    for stream in streams_of(db, user.id):
        ledger.record(db, act.within(stream), "account-activated", payload)
    db.flush()
    row = db.execute(select(*TOKEN).where(Token.id == token_id)).one()
    return user.id, TokenMinted(token=db.secrets[token_id], **dict(TokenOut.model_validate(row)))


def _holder(db: GatedSession, now: datetime, secret: str) -> tuple[UUID, User]:
    """The id of a valid link, and its holder, locked: of two requests with one link, the later finds it used."""
    of_secret = Activation.sha256 == digest(secret)
    user_id = db.execute(select(Activation.user_id).where(of_secret)).scalar_one_or_none()
    if user_id is None:
        raise _not_valid()
    user = db.execute(select(User).where(User.id == user_id, User.active).with_for_update()).scalar_one_or_none()
    valid = (Activation.used_at.is_(None), Activation.voided_at.is_(None), Activation.expires_at > now)
    link_id = db.execute(select(Activation.id).where(of_secret, *valid)).scalar_one_or_none()
    if user is None or link_id is None:
        raise _not_valid()
    return link_id, user


def _not_valid() -> Invalid:
    return invalid(
        "/secret",
        "link-not-valid",
        "This link is not valid: it was used, replaced, or has expired. Ask the registry to mail you a new one.",
    )
