"""The roster of mediators."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from app.core.access.actors import Actor
from app.core.access.session import GatedSession
from app.core.db import new_id
from app.core.errors import Conflict, Forbidden, NotFound, invalid
from app.core.ledger import service as ledger
from app.core.ledger.acts import Act, author_of, installation_subject
from app.core.paging import Page, Sort, listed
from app.core.tables.mediators import Mediator
from app.core.tables.people import User
from app.proceedings.mediators.departures import close_nominations
from app.proceedings.mediators.schemas import MediatorChange, MediatorIn, MediatorList, MediatorOut

_COLUMNS = (
    Mediator.id,
    Mediator.user_id,
    User.name,
    Mediator.nationalities,
    Mediator.languages,
    Mediator.expertise,
    Mediator.active,
    Mediator.created_at,
)


def list_mediators(db: GatedSession, actor: Actor, now: datetime, page: Page) -> MediatorList:
    """Return a page of the roster, which everybody with an account may read."""
    statement = select(*_COLUMNS).join(User, User.id == Mediator.user_id)
    listing = listed(db, statement, page, Sort(Mediator.created_at, Mediator.id, datetime))
    return MediatorList(
        items=[MediatorOut.model_validate(row) for row in listing.rows], next=listing.next, count=listing.count
    )


def read_mediator(db: GatedSession, actor: Actor, now: datetime, mediator_id: UUID) -> MediatorOut:
    """Return one entry of the roster; raises NotFound."""
    statement = select(*_COLUMNS).join(User, User.id == Mediator.user_id).where(Mediator.id == mediator_id)
    row = db.execute(statement).one_or_none()
    if row is None:
        raise NotFound
    return MediatorOut.model_validate(row)


def lock_mediator(db: GatedSession, actor: Actor, mediator_id: UUID) -> Mediator:
    """Lock an entry of the roster; raises NotFound if there is none."""
    statement = select(Mediator).where(Mediator.id == mediator_id).with_for_update(key_share=True, of=Mediator)
    mediator = db.execute(statement, execution_options={"populate_existing": True}).scalar_one_or_none()
    if mediator is None:
        raise NotFound
    return mediator


def change_mediator(
    db: GatedSession, actor: Actor, now: datetime, mediator_id: UUID, change: MediatorChange
) -> tuple[UUID]:
    """Correct or suspend an entry of the roster, as a registrar; the event records the earlier values.

    Suspending it closes the pending nominations of the mediator, and no appointment that is confirmed.
    Raises NotFound, and Forbidden for others.
    """
    mediator = lock_mediator(db, actor, mediator_id)
    if not actor.is_staff:
        raise Forbidden("Only the registry may change an entry on the roster.")
    sent = change.model_dump(mode="json", exclude_unset=True)
    before = {name: getattr(mediator, name) for name, value in sent.items() if getattr(mediator, name) != value}
    if not before:
        return (mediator_id,)
    after = {name: sent[name] for name in before}
    for name, value in after.items():
        setattr(mediator, name, value)
    db.flush()
    act = Act("change", now, author_of(actor, "registry"), installation_subject(db, "public"))
    payload = {"mediator_id": str(mediator_id), "user_id": str(mediator.user_id), "before": before, "after": after}
    ledger.record(db, act, "mediator-changed", payload)
    if "active" in after and not mediator.active:
        close_nominations(db, act, mediator)
    return (mediator_id,)


def enter_mediator(db: GatedSession, actor: Actor, now: datetime, body: MediatorIn) -> tuple[UUID]:
    """Enter somebody on the roster, as a registrar.

    Raises Forbidden for others, Invalid for a user who is not active or works for the institution, and Conflict if the
    person is on the roster already.
    """
    if not actor.is_staff:
        raise Forbidden("Only the registry may enter a mediator on the roster.")
    user = db.execute(select(User.role, User.active).where(User.id == body.user_id)).one_or_none()
    if user is None or not user.active or user.role != "user":
        raise invalid("/user_id", "unknown-user", "Name an active user who does not work for the institution.")
    if db.execute(select(Mediator.id).where(Mediator.user_id == body.user_id)).first() is not None:
        raise Conflict("This person is already on the roster. Change their entry instead.", "exists")
    mediator = Mediator(id=new_id(db), active=True, created_at=now, **body.model_dump())
    db.add(mediator)
    act = Act("enter", now, author_of(actor, "registry"), installation_subject(db, "public"))
    payload = {"mediator_id": str(mediator.id), "user_id": str(body.user_id)}
    ledger.record(db, act, "mediator-entered", payload)
    return (mediator.id,)
