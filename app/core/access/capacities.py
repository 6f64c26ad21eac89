"""The capacities of people in a case: given, ended, and read."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, update

from app.core.access.actors import Actor
from app.core.access.policy import CapacityView
from app.core.access.service import bring_into_line, close_drafts, known_circle
from app.core.access.session import GatedSession, as_system
from app.core.tables.capacities import Capacity
from app.core.tables.cases import Case


@dataclass(frozen=True, slots=True)
class CasePart:
    """A capacity that somebody has, had, or will have once their account is approved; `lives` unless it has ended."""

    role: str
    party_id: UUID | None
    lives: bool
    pending: bool


def admit(db: GatedSession, *rows: Capacity) -> None:
    """Write capacities in one case, and give their holders the access that they grant; a pending one grants none."""
    db.add_all(rows)
    db.flush()
    views = [
        CapacityView(row.id, row.user_id, row.role, row.party_id, row.generation, row.powers_kind, row.powers_id)
        for row in rows
        if not row.pending
    ]
    if views:
        circle = known_circle(db, rows[0].case_id)
        bring_into_line(db, circle.case, capacities=(*circle.capacities, *views))


def end_capacities(db: GatedSession, case_id: UUID, ended: Iterable[UUID], now: datetime) -> None:
    """End capacities by id, and the access that they granted; the drafts of those who leave are closed to newcomers."""
    circle, ids = known_circle(db, case_id), frozenset(ended)
    with as_system(db):
        rows = update(Capacity).where(Capacity.id.in_(ids)).values(ended_at=now)
        db.execute(rows.execution_options(synchronize_session=False))
    close_drafts(db, circle.case, [held for held in circle.capacities if held.id in ids])
    bring_into_line(db, circle.case, capacities=tuple(held for held in circle.capacities if held.id not in ids))


def open_earlier(db: GatedSession, case_id: UUID, capacity_id: UUID, generation: int) -> None:
    """Let the holder of a capacity read from an earlier generation on."""
    circle = known_circle(db, case_id)
    with as_system(db):
        row = update(Capacity).where(Capacity.id == capacity_id).values(generation=generation)
        db.execute(row.execution_options(synchronize_session=False))
    held = tuple(replace(each, generation=generation) if each.id == capacity_id else each for each in circle.capacities)
    bring_into_line(db, circle.case, capacities=held)


def confirm_pending(db: GatedSession, case_id: UUID, capacity_id: UUID, now: datetime) -> None:
    """Confirm the pending capacity of somebody whom the registry has approved.

    Somebody whom the registry invited, or an agent who has left since, reads no earlier than if the registry admitted
    them now; somebody whom an agent invited, no earlier than that agent reads.
    """
    columns = (
        Capacity.id,
        Capacity.user_id,
        Capacity.role,
        Capacity.party_id,
        Capacity.generation,
        Capacity.powers_kind,
        Capacity.powers_id,
        Capacity.admitted_by,
    )
    with as_system(db):
        row = db.execute(select(*columns).where(Capacity.id == capacity_id)).one()
    agents = known_circle(db, case_id).agents_of(row.party_id)
    inviters = [held.generation for held in agents if held.user_id == row.admitted_by]
    # Those whom an earlier release invited do not say by whom.
    admitted_now = min(inviters) if inviters else _first_read_now(db, case_id, row.party_id)
    first = row.generation if row.admitted_by is None and agents else max(row.generation, admitted_now)
    with as_system(db):
        confirmed = update(Capacity).where(Capacity.id == capacity_id)
        confirmed = confirmed.values(pending=False, admitted_at=now, generation=first)
        db.execute(confirmed.execution_options(synchronize_session=False))
    circle = known_circle(db, case_id)
    view = CapacityView(row.id, row.user_id, row.role, row.party_id, first, row.powers_kind, row.powers_id)
    bring_into_line(db, circle.case, capacities=(*circle.capacities, view))


def _first_read_now(db: GatedSession, case_id: UUID, party_id: UUID) -> int:
    """The first generation of somebody whom the registry admits for a party now."""
    circle = known_circle(db, case_id)
    if not circle.have_past({party_id}):
        return 0
    begun = replace(circle.case, generation=circle.case.generation + 1)
    with as_system(db):
        row = update(Case).where(Case.id == case_id).values(generation=begun.generation)
        db.execute(row.execution_options(synchronize_session=False))
    bring_into_line(db, begun)
    return begun.generation


def end_invitations(db: GatedSession, case_id: UUID, now: datetime) -> None:
    """End the pending capacities of a case, so that no approval admits their holders later."""
    with as_system(db):
        rows = update(Capacity).where(
            Capacity.case_id == case_id, Capacity.pending.is_(True), Capacity.ended_at.is_(None)
        )
        db.execute(rows.values(ended_at=now).execution_options(synchronize_session=False))


def excludes(db: GatedSession, case_id: UUID, user_id: UUID, party_id: UUID | None) -> bool:
    """Whether the person's other parts in the case, present or former, exclude that they are admitted for a party."""
    side_of: dict[UUID | None, str] = {party.id: party.side for party in known_circle(db, case_id).parties}
    return any(
        part.role == "mediator"
        or (part.party_id is not None and side_of.get(part.party_id) != side_of.get(party_id))
        or (part.lives and (part.party_id is None or part.party_id == party_id))
        for part in parts_of(db, case_id, user_id)
        if not part.pending
    )


def parts_of(db: GatedSession, case_id: UUID, user_id: UUID) -> list[CasePart]:
    """The capacities of somebody in a case, with those that ended or are pending, for any actor."""
    columns = (Capacity.role, Capacity.party_id, Capacity.ended_at, Capacity.pending)
    with as_system(db):
        rows = db.execute(select(*columns).where(Capacity.case_id == case_id, Capacity.user_id == user_id)).all()
    return [CasePart(row.role, row.party_id, row.ended_at is None, row.pending) for row in rows]


def my_parts(db: GatedSession, actor: Actor, cases: Collection[UUID]) -> set[tuple[UUID, str, str | None]]:
    """The capacities of the actor in some cases, without pending ones: case, role, and party (as text)."""
    columns = (Capacity.case_id, Capacity.role, Capacity.party_id)
    own = (Capacity.case_id.in_(cases), Capacity.user_id == actor.id, Capacity.ended_at.is_(None))
    rows = db.execute(select(*columns).where(*own, Capacity.pending.is_(False))).all()
    return {(row.case_id, row.role, str(row.party_id) if row.party_id else None) for row in rows}
