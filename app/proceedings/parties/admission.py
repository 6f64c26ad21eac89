"""The admission of a representative: who may be admitted, whether approval is awaited, and what they read first."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, update

from app.core.access import capacities
from app.core.access.actors import Actor
from app.core.access.circle import Circle
from app.core.access.policy import REPRESENTATIVES
from app.core.access.session import GatedSession
from app.core.errors import Conflict, invalid
from app.core.ledger import service as ledger
from app.core.ledger.acts import Act, Author, installation_subject
from app.core.tables.capacities import Capacity
from app.core.tables.cases import Case
from app.core.tables.people import User
from app.core.values import email_key
from app.institution.people.schemas import UserIn
from app.institution.people.service import write_user
from app.proceedings.cases.circle import begin_generation, circle_of, view_of
from app.proceedings.parties.schemas import RepresentativeIn
from app.proceedings.parties.service import author_for, side_of

_NOBODY = "Name an active user who does not work for the institution."


@dataclass(frozen=True, slots=True)
class Admission:
    """An admission that is allowed: of whom, by whom and when.

    `is_pending` until the registry approves the person. `generation` is the first one that they read.
    """

    author: Author
    admitted_by: UUID
    admitted_at: datetime
    user_id: UUID
    is_pending: bool
    generation: int

    def capacity(self, id: UUID, case: Case, party_id: UUID, body: RepresentativeIn, powers_id: UUID) -> Capacity:
        """The capacity that the admission gives for one party."""
        return Capacity(
            id=id,
            case_id=case.id,
            audience_id=case.audience_id,
            user_id=self.user_id,
            role=body.role,
            party_id=party_id,
            generation=self.generation,
            powers_kind=body.powers.kind,
            powers_id=powers_id,
            pending=self.is_pending,
            invited_as=body.email if self.is_pending else None,
            admitted_at=self.admitted_at,
            admitted_by=self.admitted_by,
        )


def judge_admission(
    db: GatedSession, actor: Actor, now: datetime, case: Case, body: RepresentativeIn, party_ids: Collection[UUID]
) -> Admission:
    """Judge whether a person may be admitted for parties, which are all on one side; an unknown address is invited.

    The caller has judged whether the actor may admit somebody. Raises Invalid for somebody who cannot act for a party,
    and Conflict for somebody whose present or former part in the case excludes this one.
    """
    circle = circle_of(db, view_of(case))
    author = author_for(actor, circle, next(iter(party_ids)))
    if len(party_ids) > 1:
        # It is an act for all of these parties, whichever is named first.
        author = replace(author, party_id=None)
    user_id, is_pending = _account_of(db, _invitation(db, case, author, now), actor, body)
    _check_free(db, circle, user_id, party_ids, invited=is_pending)
    return Admission(author, actor.id, now, user_id, is_pending, _first_read(db, actor, case, circle, party_ids))


def _invitation(db: GatedSession, case: Case, author: Author, now: datetime) -> Act:
    """The act of inviting somebody into a case, which does not tell the registry who drafts a request."""
    inviter = author if case.lodged_at is not None else Author(None, "user")
    return Act("add", now, inviter, installation_subject(db, "registry"))


def _account_of(db: GatedSession, inviting: Act, actor: Actor, body: RepresentativeIn) -> tuple[UUID, bool]:
    """Return a person's account, and whether the registry has still to approve them."""
    columns = select(User.id, User.role, User.active, User.awaits_approval, User.disabled_at)
    if body.email is None:
        user = db.execute(columns.where(User.id == body.user_id)).one_or_none()
        if user is None or user.role != "user" or not (user.active or user.awaits_approval):
            raise invalid("/user_id", "unknown-user", _NOBODY)
        return user.id, not user.active
    user = db.execute(columns.where(User.email_key == email_key(body.email))).one_or_none()
    if user is None or user.disabled_at is not None:
        invited = UserIn(name=body.name or body.email[:300], email=body.email, role="user")
        return write_user(db, inviting.at, invited, inviting.author, "user-invited"), True
    if actor.is_staff:
        if user.role != "user":
            raise invalid("/email", "unknown-user", _NOBODY)
        return user.id, not user.active
    # The registry approves this person like somebody without an account, except people who work for the institution.
    if user.role == "user":
        waits = update(User).where(User.id == user.id).values(awaits_approval=True)
        db.execute(waits.execution_options(synchronize_session=False))
        ledger.record(db, inviting, "user-invited", {"user_id": str(user.id), "role": user.role})
    return user.id, True


def _check_free(db: GatedSession, circle: Circle, user_id: UUID, party_ids: Collection[UUID], *, invited: bool) -> None:
    """Check that a person may be admitted for parties, which are all on one side.

    Raises Conflict if the person has another part in the case, or had one on another side or as its mediator. For
    somebody who is invited, only if a party invited them before: the registry judges the rest when it approves them, so
    that an address tells nothing of other people in the case.
    """
    side = side_of(circle, next(iter(party_ids)))
    for part in capacities.parts_of(db, circle.case.id, user_id):
        if invited:
            if part.lives and part.pending and part.party_id in party_ids:
                raise Conflict("This person is already invited to act for the party.", "already-in-case")
            continue
        represents = part.role in REPRESENTATIVES and part.party_id is not None
        if represents and part.party_id is not None and side_of(circle, part.party_id) != side:
            raise Conflict(
                "This person acts, or has acted, for another side of the case. Choose somebody else.", "already-in-case"
            )
        if part.role == "mediator" or (part.lives and (not represents or part.party_id in party_ids)):
            raise Conflict("This person already has a part in the case. Choose somebody else.", "already-in-case")


def _first_read(db: GatedSession, actor: Actor, case: Case, circle: Circle, party_ids: Collection[UUID]) -> int:
    """The first generation that a new representative reads: that of the agent who admits them, or one that begins now.

    For several parties of one side it is the latest that any of them allows.
    """
    if not actor.is_staff:
        own = [held for party_id in party_ids for held in circle.agents_of(party_id) if held.user_id == actor.id]
        return max(held.generation for held in own)
    return begin_generation(db, case) if circle.have_past(party_ids) else 0
