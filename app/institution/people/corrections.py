"""Corrections of names and addresses; the tokens, the capacities and the cases of an account stay as they are."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, update

from app.core.access.actors import Actor
from app.core.access.authentication import only_admin
from app.core.access.session import GatedSession
from app.core.db import new_id
from app.core.ledger import service as ledger
from app.core.ledger.acts import Act, author_of, installation_subject
from app.core.paging import Page, Sort, listed
from app.core.tables.notices import Notice
from app.core.tables.people import Correction, User
from app.core.values import email_key
from app.institution.people.activations import streams_of, void_links
from app.institution.people.schemas import CorrectionList, CorrectionOut, UserChange
from app.institution.people.service import claim_address, locked_user, read_user

_COLUMNS = tuple(getattr(Correction, name) for name in CorrectionOut.model_fields)


def correct(db: GatedSession, actor: Actor, now: datetime, user_id: UUID, change: UserChange) -> tuple[UUID]:
    """Correct the name or the address of an account.

    Raises NotFound, Forbidden unless the actor is an administrator, and Conflict for the address of another account.
    """
    user = locked_user(db, actor, user_id)
    only_admin(actor)
    name, email = change.name or user.name, change.email or user.email
    changed = [field for field, new, old in (("name", name, user.name), ("email", email, user.email)) if new != old]
    if not changed:
        return (user_id,)
    correction = Correction(
        id=new_id(db),
        user_id=user_id,
        corrected_by_id=actor.id,
        corrected_at=now,
        old_name=user.name,
        new_name=name,
        old_email=user.email,
        new_email=email,
    )
    moved = email_key(email) != email_key(user.email)
    if moved:
        _move(db, actor, now, user, email)
    if "email" in changed:
        user.undeliverable_since = None
    user.name, user.email = name, email
    db.add(correction)
    db.flush()
    act = Act("correct", now, author_of(actor, "admin"), installation_subject(db, "registry"))
    payload: dict[str, Any] = {"user_id": str(user_id), "correction_id": str(correction.id), "changed": changed}
    for stream in streams_of(db, user_id):
        ledger.record(db, act.within(stream), "user-changed", payload)
    return (user_id,)


def _move(db: GatedSession, actor: Actor, now: datetime, user: User, email: str) -> None:
    """Give an account another address; a link that was sent to the old one, or waits to be sent, ends."""
    if user.disabled_at is None:
        claim_address(db, email, user.id)
        user.email_key = email_key(email)
    user.address_by_id = actor.id
    void_links(db, now, user.id)
    waits = (Notice.user_id == user.id, Notice.kind == "invitation", Notice.state == "pending")
    # Without a day: it did not fail, and is not listed as undelivered.
    withdrawn = update(Notice).where(*waits).values(state="skipped", code="corrected", settled_at=now)
    db.execute(withdrawn.execution_options(synchronize_session=False))


def lock_user(db: GatedSession, actor: Actor, user_id: UUID) -> None:
    """Lock an account for a change; NotFound if the actor may not read it."""
    locked_user(db, actor, user_id)


def list_corrections(db: GatedSession, actor: Actor, now: datetime, user_id: UUID, page: Page) -> CorrectionList:
    """List what was corrected of an account; NotFound for anybody but the holder, administrators and registrars."""
    read_user(db, actor, now, user_id)
    statement = select(*_COLUMNS).where(Correction.user_id == user_id)
    listing = listed(db, statement, page, Sort(Correction.corrected_at, Correction.id, datetime))
    items = [CorrectionOut.model_validate(row) for row in listing.rows]
    return CorrectionList(items=items, next=listing.next, count=listing.count)
