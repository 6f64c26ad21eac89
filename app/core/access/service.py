"""Audiences and their readers, capacities in a case, and who is asking."""

import hashlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select, tuple_, update

from app.core.access.actors import Actor
from app.core.access.circle import Circle
from app.core.access.gate import insert_rows, set_writable
from app.core.access.policy import (
    NAMED_BY_PEOPLE,
    OF_PARTIES,
    AudienceView,
    CapacityView,
    CaseView,
    PartyView,
    readers_of,
)
from app.core.access.session import GatedSession, as_system
from app.core.db import new_id, together
from app.core.errors import Forbidden, invalid
from app.core.tables.audiences import ANYONE, Audience, AudienceReader
from app.core.tables.capacities import Capacity


@dataclass(frozen=True, slots=True)
class Part:
    """What somebody is in a case, or was, or waits to be once their account is approved."""

    role: str
    party_id: UUID | None
    lives: bool


def keep_circle(
    db: GatedSession,
    case: CaseView,
    parties: Iterable[PartyView],
    capacities: Iterable[CapacityView],
    audiences: Iterable[AudienceView],
) -> Circle:
    """Keep a case's circle for this transaction; later changes go through this module and are kept in it."""
    found = Circle(case, tuple(parties), tuple(capacities), tuple(audiences))
    _keep(db, found)
    return found


def known_circle(db: GatedSession, case_id: UUID) -> Circle:
    """The circle of a case that this transaction has locked; KeyError if it has not."""
    return db.circles[case_id]


def open_circle(
    db: GatedSession, case: CaseView, parties: Iterable[PartyView], capacities: Iterable[CapacityView]
) -> Circle:
    """Make the audiences that every case needs, for a case that is about to be written, with those who read them."""
    known = Circle(case, tuple(parties), tuple(capacities), ())
    filer = frozenset(party.id for party in known.parties[:1])
    views = [
        AudienceView(case.audience_id, "case", frozenset(), None, 0),
        AudienceView(new_id(db), "participants", frozenset(), None, 0),
        AudienceView(new_id(db), "party", filer, None, 0),
        *(AudienceView(new_id(db), "party-registry", frozenset({party.id}), None, 0) for party in known.parties),
    ]
    known = replace(known, audiences=tuple(views))
    _keep(db, known)
    with together(db):
        insert_rows(db, Audience, [_audience_row(case.id, view) for view in views])
        _add_readers(db, case, {(id, principal) for id, readers in known.readers().items() for principal in readers})
    return known


def audience(
    db: GatedSession, case_id: UUID, name: str, party_ids: frozenset[UUID] = frozenset(), person_id: UUID | None = None
) -> UUID:
    """The audience of that name in the case's present generation, made if it is the first of its kind."""
    known = known_circle(db, case_id)
    generation = 0 if name == "case" else known.case.generation
    for view in known.audiences:
        if (view.name, view.party_ids, view.person_id, view.generation) == (name, party_ids, person_id, generation):
            return view.id
    made = AudienceView(new_id(db), name, party_ids, person_id, generation)
    _keep(db, replace(known, audiences=(*known.audiences, made)))
    readers = readers_of(known.case, known.parties, known.capacities, (made,))[made.id]
    with together(db):
        insert_rows(db, Audience, [_audience_row(case_id, made)])
        _add_readers(db, known.case, {(made.id, principal) for principal in readers})
    return made.id


def writable_audience(db: GatedSession, actor: Actor, case_id: UUID, name: str, party_ids: frozenset[UUID]) -> UUID:
    """The audience that a body names; Invalid if name and parties do not fit, Forbidden if it lacks the actor."""
    check_audience(db, actor, case_id, name, party_ids)
    return audience(db, case_id, name, party_ids)


def check_audience(db: GatedSession, actor: Actor, case_id: UUID, name: str, party_ids: frozenset[UUID]) -> None:
    """Refuse an audience that is not meant for people (Invalid), or that does not hold the actor (Forbidden)."""
    known = known_circle(db, case_id)
    if name not in NAMED_BY_PEOPLE:
        raise invalid("/audience", "audience", f"Choose one of: {', '.join(NAMED_BY_PEOPLE)}.")
    if (name in OF_PARTIES) != bool(party_ids):
        needs = f"{', '.join(OF_PARTIES)} name one party or more; the other audiences name none."
        raise invalid("/party_ids", "audience-parties", needs)
    if not party_ids <= {party.id for party in known.parties}:
        raise invalid("/party_ids", "unknown-party", "Name parties of this case by their ids.")
    view = AudienceView(known.case.id, name, party_ids, None, known.case.generation)
    readers = readers_of(known.case, known.parties, known.capacities, (view,))[view.id]
    if not readers & (set(actor.principals) - {ANYONE}):
        raise Forbidden("Choose an audience that holds you: nobody writes where they cannot read.")


def reads(db: GatedSession, actor: Actor, case_id: UUID | None, audience_id: UUID) -> bool:
    """Whether the actor is in an audience of a case that this transaction has locked."""
    known = None if case_id is None else db.circles.get(case_id)
    return known is not None and bool(known.readers().get(audience_id, frozenset()) & set(actor.principals))


def bring_into_line(
    db: GatedSession,
    case: CaseView,
    parties: Iterable[PartyView] | None = None,
    capacities: Iterable[CapacityView] | None = None,
) -> None:
    """Make the reader rows of a case what the policy says now, after something that it looks at has changed."""
    known = known_circle(db, case.id)
    known = replace(
        known,
        case=case,
        parties=known.parties if parties is None else tuple(parties),
        capacities=known.capacities if capacities is None else tuple(capacities),
    )
    _keep(db, known)
    reader = AudienceReader
    with as_system(db):
        found = db.execute(select(reader.audience_id, reader.principal_id).where(reader.case_id == case.id))
        present = {(row.audience_id, row.principal_id) for row in found}
        due = {(one, principal) for one, readers in known.readers().items() for principal in readers}
        if gone := present - due:
            keys = tuple_(reader.audience_id, reader.principal_id)
            db.execute(delete(reader).where(keys.in_(list(gone))).execution_options(synchronize_session=False))
        _add_readers(db, case, due - present)


def date_readers(db: GatedSession, case: CaseView) -> None:
    """Write a case's new `opened_at` into the rows by which its readers list it."""
    with as_system(db):
        rows = update(AudienceReader).where(AudienceReader.audience_id == case.audience_id)
        db.execute(rows.values(opened_at=case.opened_at).execution_options(synchronize_session=False))


def open_audience(db: GatedSession, case: CaseView, audience_id: UUID) -> None:
    """Open an earlier audience to everybody who has come since; those whom it protects have agreed."""
    known = known_circle(db, case.id)
    with as_system(db):
        row = update(Audience).where(Audience.id == audience_id).values(open_to=case.generation)
        db.execute(row.execution_options(synchronize_session=False))
    opened = tuple(
        replace(view, open_to=case.generation) if view.id == audience_id else view for view in known.audiences
    )
    _keep(db, replace(known, audiences=opened))
    bring_into_line(db, case)


def admit(db: GatedSession, row: Capacity) -> None:
    """Write a capacity and let its holder read what now is theirs; a pending one gives nothing yet."""
    known = known_circle(db, row.case_id)
    if row.pending:
        db.add(row)
        db.flush()
        return
    view = CapacityView(row.id, row.user_id, row.role, row.party_id, row.generation, row.powers_kind, row.powers_id)
    db.add(row)
    db.flush()
    bring_into_line(db, known.case, capacities=(*known.capacities, view))


def end_capacities(db: GatedSession, case_id: UUID, ended: Iterable[UUID], now: datetime) -> None:
    """End capacities by id: from here on their holders read nothing by them."""
    known, gone = known_circle(db, case_id), frozenset(ended)
    with as_system(db):
        rows = update(Capacity).where(Capacity.id.in_(gone)).values(ended_at=now)
        db.execute(rows.execution_options(synchronize_session=False))
    bring_into_line(db, known.case, capacities=tuple(held for held in known.capacities if held.id not in gone))


def confirm_pending(db: GatedSession, case_id: UUID, user_id: UUID, now: datetime) -> None:
    """Give somebody who was invited what waited for their account to be approved."""
    known = known_circle(db, case_id)
    waiting = (Capacity.case_id == case_id, Capacity.user_id == user_id, Capacity.pending, Capacity.ended_at.is_(None))
    columns = (
        Capacity.id,
        Capacity.role,
        Capacity.party_id,
        Capacity.generation,
        Capacity.powers_kind,
        Capacity.powers_id,
    )
    with as_system(db):
        rows = db.execute(select(*columns).where(*waiting)).all()
        given = update(Capacity).where(Capacity.id.in_([row.id for row in rows]))
        db.execute(given.values(pending=False, admitted_at=now).execution_options(synchronize_session=False))
    added = (
        CapacityView(row.id, user_id, row.role, row.party_id, row.generation, row.powers_kind, row.powers_id)
        for row in rows
    )
    bring_into_line(db, known.case, capacities=(*known.capacities, *added))


def parts_of(db: GatedSession, case_id: UUID, user_id: UUID) -> list[Part]:
    """What somebody is, was or is to be in a case, whoever asks."""
    columns = (Capacity.role, Capacity.party_id, Capacity.ended_at)
    with as_system(db):
        rows = db.execute(select(*columns).where(Capacity.case_id == case_id, Capacity.user_id == user_id)).all()
    return [Part(row.role, row.party_id, row.ended_at is None) for row in rows]


def _keep(db: GatedSession, known: Circle) -> None:
    db.circles[known.case.id] = known
    # The rows that say who reads are made from this very answer, so the gate need not ask for them at each flush.
    principals = set(db.principals)
    mine = {id for id, readers in known.readers().items() if readers & principals}
    set_writable(db, {view.id for view in known.audiences}, mine)


def _audience_row(case_id: UUID, view: AudienceView) -> dict[str, object]:
    parties = sorted(str(party) for party in view.party_ids)
    marks = ",".join([*parties, str(view.person_id or "")])
    return {
        "id": view.id,
        "case_id": case_id,
        "key": f"{view.name}.{view.generation}.{hashlib.sha256(marks.encode()).hexdigest()[:32]}",
        "name": view.name,
        "party_ids": parties,
        "person_id": view.person_id,
        "generation": view.generation,
    }


def _add_readers(db: GatedSession, case: CaseView, pairs: set[tuple[UUID, UUID]]) -> None:
    rows = [
        {
            "audience_id": audience_id,
            "principal_id": principal,
            "case_id": case.id,
            "opened_at": case.opened_at if audience_id == case.audience_id else None,
        }
        for audience_id, principal in sorted(pairs)
    ]
    insert_rows(db, AudienceReader, rows)


def my_parts(db: GatedSession, actor: Actor, cases: Collection[UUID]) -> set[tuple[UUID, str, str | None]]:
    """What the actor is in some cases: case, role, and for which party (as text)."""
    columns = (Capacity.case_id, Capacity.role, Capacity.party_id)
    mine = (Capacity.case_id.in_(cases), Capacity.user_id == actor.id, Capacity.ended_at.is_(None))
    rows = db.execute(select(*columns).where(*mine)).all()
    return {(row.case_id, row.role, str(row.party_id) if row.party_id else None) for row in rows}
