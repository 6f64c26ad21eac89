"""The second person of the institution, without whom nobody becomes an administrator or a registrar."""

from uuid import UUID

from sqlalchemy import select

from app.core.access.actors import Actor
from app.core.access.session import GatedSession
from app.core.errors import Forbidden
from app.core.tables.people import User

STAFF_ROLES = ("admin", "registrar")


def needs_second_person(db: GatedSession, actor: Actor, role: str) -> bool:
    """Whether a second person must approve that the actor gives somebody this role."""
    return role in STAFF_ROLES and bool(_colleagues(db, actor.id))


def check_second_person(db: GatedSession, actor: Actor, proposed_by_id: UUID) -> None:
    """Check that the actor may approve what this administrator proposed for the institution's staff.

    Raises Forbidden unless the actor is another administrator, or a registrar where there is no other administrator.
    An administrator who has become the only person of the staff approves alone.
    """
    colleagues = _colleagues(db, proposed_by_id)
    if not colleagues:
        return
    if actor.id == proposed_by_id or (actor.role != "admin" and "admin" in colleagues):
        who = "another administrator" if "admin" in colleagues else "a registrar"
        raise Forbidden(f"Only {who} may approve a person whom an administrator proposed for the institution's staff.")


def _colleagues(db: GatedSession, user_id: UUID) -> set[str]:
    """The roles of the institution's staff besides this person."""
    present = (User.active, User.role.in_(STAFF_ROLES), User.id != user_id)
    return set(db.execute(select(User.role).where(*present).distinct()).scalars())
