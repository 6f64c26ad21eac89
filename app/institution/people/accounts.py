"""Approval of people who were invited or proposed, and the end and the return of accounts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, update

from app.core.access import capacities
from app.core.access.actors import Actor
from app.core.access.authentication import only_admin
from app.core.access.session import GatedSession, as_system
from app.core.db import AnyRow
from app.core.errors import Conflict, Forbidden
from app.core.ledger import service as ledger
from app.core.ledger.acts import Act, Subject, author_of, installation_subject
from app.core.tables.capacities import Capacity
from app.core.tables.mediators import Mediator
from app.core.tables.people import Token, User
from app.core.values import email_key
from app.institution.people.activations import may_vouch, streams_of, tell_of_link, void_links
from app.institution.people.service import claim_address, locked_user
from app.institution.people.staff import check_second_person, needs_second_person

# What touches a case is passed in: this wing must not import cases, which are above it.
LockCase = Callable[[GatedSession, UUID], AnyRow]
EndAppointment = Callable[[GatedSession, Act, UUID, UUID], None]


@dataclass(frozen=True, slots=True)
class InCases:
    """How the end of an account reaches the cases of its holder: it locks them, and ends the appointments there."""

    lock_case: LockCase
    end_appointment: EndAppointment


def approve(db: GatedSession, actor: Actor, now: datetime, user_id: UUID, lock_case: LockCase) -> tuple[UUID]:
    """Approve somebody who was invited into a case, and may then act there, or was proposed for the staff.

    Raises Forbidden unless the actor works for the institution and may approve this person, NotFound, and Conflict if
    no approval is pending.
    """
    user = locked_user(db, actor, user_id)
    if actor.role == "user":
        raise Forbidden("Only administrators and registrars may approve accounts.")
    if user.proposed_by_id is not None:
        check_second_person(db, actor, user.proposed_by_id)
    if not user.active and not may_vouch(db, actor, user):
        raise Forbidden("Only another administrator or registrar may approve an account whose address you corrected.")
    if not user.awaits_approval:
        raise Conflict("This account needs no approval: it was approved before, or it is disabled.", "not-waiting")
    user.active, user.awaits_approval, user.proposed_by_id = True, False, None
    db.flush()
    approval = Act("approve", now, author_of(actor, actor.role), installation_subject(db, "registry"))
    ledger.record(db, approval, "user-approved", _payload(user))
    _confirm_capacities(db, approval, user, lock_case)
    return (user_id,)


def _confirm_capacities(db: GatedSession, approval: Act, user: User, lock_case: LockCase) -> None:
    """Admit the person where they were invited.

    An invitation ends if the case is closed, or if it does not go with another part of the person in the case.
    """
    for capacity in _capacities_of(db, user.id, pending=True):
        case = lock_case(db, capacity.case_id)
        payload = {
            "representative_id": str(capacity.id),
            "party_id": str(capacity.party_id),
            "role": capacity.role,
        }
        in_case = approval.within(Subject(case.id, case.audience_id, "case"))
        is_free = user.role == "user" and not capacities.excludes(db, case.id, user.id, capacity.party_id)
        if case.closed_at is not None or not is_free:
            capacities.end_capacities(db, case.id, [capacity.id], approval.at)
            ledger.record(db, in_case, "representative-ended", payload)
        else:
            capacities.confirm_pending(db, case.id, capacity.id, approval.at)
            ledger.record(db, in_case, "representative-admitted", payload)


def disable(db: GatedSession, actor: Actor, now: datetime, user_id: UUID, in_cases: InCases) -> tuple[UUID]:
    """End an account with its tokens, and all capacities and appointments of its holder, from the next request on.

    Raises Forbidden unless the actor is an administrator, NotFound, and Conflict for the actor's own account or one
    that has ended.
    """
    user = locked_user(db, actor, user_id)
    only_admin(actor)
    if user_id == actor.id:
        raise Conflict("You cannot end your own account: ask another administrator.", "own-account")
    if user.disabled_at is not None:
        raise Conflict("This account is already disabled. Nothing was changed.", "already-disabled")
    user.active, user.awaits_approval, user.proposed_by_id, user.disabled_at = False, False, None, now
    void_links(db, now, user_id)
    db.flush()
    act = Act("disable", now, author_of(actor, "admin"), installation_subject(db, "registry"))
    ledger.record(db, act, "user-disabled", _payload(user))
    _suspend_on_the_roster(db, act, user_id)
    _revoke_tokens(db, act, user_id)
    _end_capacities(db, act, user_id, in_cases)
    return (user_id,)


def enable(db: GatedSession, actor: Actor, now: datetime, user_id: UUID) -> tuple[UUID]:
    """Enable a disabled account again, and have a new link mailed; tokens, capacities and appointments stay ended.

    An administrator or a registrar waits for a second person's approval again, if there is one. Raises Forbidden
    unless the actor is an administrator, NotFound, and Conflict for an account that is not disabled or whose address
    another account has now.
    """
    user = locked_user(db, actor, user_id)
    only_admin(actor)
    if user.disabled_at is None:
        raise Conflict("This account is not disabled, so it need not be enabled. Nothing was changed.", "not-disabled")
    claim_address(db, user.email, user_id)
    proposed = needs_second_person(db, actor, user.role)
    user.email_key, user.disabled_at = email_key(user.email), None
    user.active, user.awaits_approval, user.proposed_by_id = not proposed, proposed, actor.id if proposed else None
    db.flush()
    act = Act("enable", now, author_of(actor, "admin"), installation_subject(db, "registry"))
    for stream in streams_of(db, user_id):
        ledger.record(db, act.within(stream), "user-enabled", _payload(user))
    if user.active and may_vouch(db, actor, user):
        order = Act("mail", now, author_of(actor, "admin"), installation_subject(db, "registry"))
        tell_of_link(db, order, user_id)
    return (user_id,)


def _suspend_on_the_roster(db: GatedSession, act: Act, user_id: UUID) -> None:
    """Suspend the holder's entry on the roster, as an event of the roster, which everybody may read."""
    of_holder = (Mediator.user_id == user_id, Mediator.active)
    suspended = update(Mediator).where(*of_holder).values(active=False).returning(Mediator.id)
    for mediator_id in db.execute(suspended.execution_options(synchronize_session=False)).scalars():
        payload = {"mediator_id": str(mediator_id), "user_id": str(user_id)}
        changes = {"before": {"active": True}, "after": {"active": False}}
        ledger.record(db, act.within(installation_subject(db, "public")), "mediator-changed", {**payload, **changes})


def _revoke_tokens(db: GatedSession, act: Act, user_id: UUID) -> None:
    valid = select(Token).where(Token.user_id == user_id, Token.revoked_at.is_(None)).with_for_update()
    for token in db.execute(valid.order_by(Token.created_at, Token.id)).scalars():
        token.revoked_at = act.at
        ledger.record(db, act, "token-revoked", {"token_id": str(token.id), "user_id": str(user_id)})
    db.flush()


def _payload(user: User) -> dict[str, str]:
    return {"user_id": str(user.id), "role": user.role}


def _capacities_of(db: GatedSession, user_id: UUID, *, pending: bool | None = None) -> Sequence[AnyRow]:
    """Present and pending capacities of a person, or only the pending ones, in the order in which cases are locked."""
    columns = (
        Capacity.id,
        Capacity.case_id,
        Capacity.audience_id,
        Capacity.role,
        Capacity.party_id,
        Capacity.appointment_id,
        Capacity.pending,
    )
    with as_system(db):
        held = select(*columns).where(Capacity.user_id == user_id, Capacity.ended_at.is_(None))
        if pending is not None:
            held = held.where(Capacity.pending.is_(pending))
        return db.execute(held.order_by(Capacity.case_id, Capacity.admitted_at, Capacity.id)).all()


def _end_capacities(db: GatedSession, act: Act, user_id: UUID, in_cases: InCases) -> None:
    for capacity in _capacities_of(db, user_id):
        case = in_cases.lock_case(db, capacity.case_id)
        if capacity.appointment_id is not None:
            in_cases.end_appointment(db, act, case.id, capacity.appointment_id)
        capacities.end_capacities(db, case.id, [capacity.id], act.at)
        subject = Subject(case.id, capacity.audience_id, "appointment" if capacity.role == "candidate" else "case")
        payload = {"capacity_id": str(capacity.id), "role": capacity.role}
        # Nothing tells the case whose account an invitation names.
        if not capacity.pending:
            payload["user_id"] = str(user_id)
        reference = "party_id" if capacity.party_id else "appointment_id"
        payload[reference] = str(capacity.party_id or capacity.appointment_id)
        if capacity.party_id:
            payload["representative_id"] = str(capacity.id)
        ledger.record(db, act.within(subject), "capacity-ended", payload)
