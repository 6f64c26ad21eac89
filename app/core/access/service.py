"""The audiences of a case, and their readers."""

import hashlib
from collections.abc import Collection, Iterable
from dataclasses import replace
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


def keep_circle(
    db: GatedSession,
    case: CaseView,
    parties: Iterable[PartyView],
    capacities: Iterable[CapacityView],
    audiences: Iterable[AudienceView],
) -> Circle:
    """Keep the circle of a case for this transaction; this module keeps it up to date."""
    circle = Circle(case, tuple(parties), tuple(capacities), tuple(audiences))
    _keep(db, circle)
    return circle


def known_circle(db: GatedSession, case_id: UUID) -> Circle:
    """The circle of a case that this transaction has locked; raises KeyError for another case."""
    return db.circles[case_id]


def open_circle(
    db: GatedSession, case: CaseView, parties: Iterable[PartyView], capacities: Iterable[CapacityView]
) -> Circle:
    """Create the audiences that every case needs, with their readers, for a case that is about to be written."""
    circle = Circle(case, tuple(parties), tuple(capacities), ())
    filer = frozenset(party.id for party in circle.parties[:1])
    views = [
        AudienceView(case.audience_id, "case", frozenset(), None, 0),
        AudienceView(new_id(db), "participants", frozenset(), None, 0),
        AudienceView(new_id(db), "party", filer, None, 0),
        *(AudienceView(new_id(db), "party-registry", frozenset({party.id}), None, 0) for party in circle.parties),
    ]
    circle = replace(circle, audiences=tuple(views))
    _keep(db, circle)
    with together(db):
        insert_rows(db, Audience, [_audience_row(case.id, view) for view in views])
        _add_readers(db, case, {(id, principal) for id, readers in circle.readers().items() for principal in readers})
    return circle


def audience(
    db: GatedSession,
    case_id: UUID,
    name: str,
    party_ids: frozenset[UUID] = frozenset(),
    person_id: UUID | None = None,
    generation: int | None = None,
) -> UUID:
    """The id of the audience of that name, which is created if it is missing; by default in the current generation."""
    circle = known_circle(db, case_id)
    if generation is None:
        generation = 0 if name == "case" else circle.case.generation
    for view in circle.audiences:
        if (view.name, view.party_ids, view.person_id, view.generation) == (name, party_ids, person_id, generation):
            return view.id
    made = AudienceView(new_id(db), name, party_ids, person_id, generation)
    _keep(db, replace(circle, audiences=(*circle.audiences, made)))
    readers = readers_of(circle.case, circle.parties, circle.capacities, (made,))[made.id]
    with together(db):
        insert_rows(db, Audience, [_audience_row(case_id, made)])
        _add_readers(db, circle.case, {(made.id, principal) for principal in readers})
    return made.id


def writable_audience(db: GatedSession, actor: Actor, case_id: UUID, name: str, party_ids: frozenset[UUID]) -> UUID:
    """The id of the audience that a request names; raises Invalid or Forbidden as `check_audience` does."""
    check_audience(db, actor, case_id, name, party_ids)
    return audience(db, case_id, name, party_ids)


def check_audience(db: GatedSession, actor: Actor, case_id: UUID, name: str, party_ids: frozenset[UUID]) -> None:
    """Check an audience that a request names.

    Raises Invalid for a name that requests cannot use or parties that do not fit it, and Forbidden for an audience to
    which the actor does not belong.
    """
    circle = known_circle(db, case_id)
    if name not in NAMED_BY_PEOPLE:
        raise invalid("/audience", "audience", f"Choose one of: {', '.join(NAMED_BY_PEOPLE)}.")
    if (name in OF_PARTIES) != bool(party_ids):
        needs = f"Name one party or more for {', '.join(OF_PARTIES)}, and none for other audiences."
        raise invalid("/party_ids", "audience-parties", needs)
    if not party_ids <= {party.id for party in circle.parties}:
        raise invalid("/party_ids", "unknown-party", "Name parties of this case by their ids.")
    view = AudienceView(circle.case.id, name, party_ids, None, circle.case.generation)
    readers = readers_of(circle.case, circle.parties, circle.capacities, (view,))[view.id]
    if not readers & (set(actor.principals) - {ANYONE}):
        raise Forbidden("Choose an audience you belong to: only its readers can write to it.")


def reads(db: GatedSession, actor: Actor, case_id: UUID | None, audience_id: UUID) -> bool:
    """Whether the actor belongs to an audience of a case that this transaction has locked."""
    circle = None if case_id is None else db.circles.get(case_id)
    return circle is not None and bool(circle.readers().get(audience_id, frozenset()) & set(actor.principals))


def bring_into_line(
    db: GatedSession,
    case: CaseView,
    parties: Iterable[PartyView] | None = None,
    capacities: Iterable[CapacityView] | None = None,
) -> None:
    """Bring the reader rows of a case in line with the policy, after a change to what the policy depends on."""
    circle = known_circle(db, case.id)
    circle = replace(
        circle,
        case=case,
        parties=circle.parties if parties is None else tuple(parties),
        capacities=circle.capacities if capacities is None else tuple(capacities),
    )
    _keep(db, circle)
    reader = AudienceReader
    with as_system(db):
        rows = db.execute(select(reader.audience_id, reader.principal_id).where(reader.case_id == case.id))
        present = {(row.audience_id, row.principal_id) for row in rows}
        due = {(id, principal) for id, readers in circle.readers().items() for principal in readers}
        if gone := present - due:
            keys = tuple_(reader.audience_id, reader.principal_id)
            db.execute(delete(reader).where(keys.in_(list(gone))).execution_options(synchronize_session=False))
        _add_readers(db, case, due - present)


def date_readers(db: GatedSession, case: CaseView) -> None:
    """Write a case's new `opened_at` into the reader rows that lists of cases are ordered by."""
    with as_system(db):
        rows = update(AudienceReader).where(AudienceReader.audience_id == case.audience_id)
        db.execute(rows.values(opened_at=case.opened_at).execution_options(synchronize_session=False))


def open_audience(db: GatedSession, case: CaseView, audience_id: UUID) -> None:
    """Open an earlier audience to everybody who has joined since; those whom it protects have agreed."""
    circle = known_circle(db, case.id)
    with as_system(db):
        row = update(Audience).where(Audience.id == audience_id).values(open_to=case.generation)
        db.execute(row.execution_options(synchronize_session=False))
    opened = tuple(
        replace(view, open_to=case.generation) if view.id == audience_id else view for view in circle.audiences
    )
    _keep(db, replace(circle, audiences=opened))
    bring_into_line(db, case)


def drafts_of(db: GatedSession, case_id: UUID, party_id: UUID, person_id: UUID) -> UUID:
    """The id of the audience of a person's drafts for a party: its side, without people who come once they have left.

    Somebody who has left and come back drafts for the whole side.
    """
    circle, parties = known_circle(db, case_id), frozenset({party_id})
    for view in circle.audiences:
        own = (view.name, view.party_ids, view.person_id) == ("party", parties, person_id)
        if own and view.generation == circle.case.generation and view.kept_for is not None:
            return audience(db, case_id, "party", parties)
    return audience(db, case_id, "party", parties, person_id)


def close_drafts(db: GatedSession, case: CaseView, leaving: Collection[CapacityView]) -> None:
    """Close the drafts of representatives who leave to everybody but the other representatives of now."""
    circle = known_circle(db, case.id)
    closed = []
    for view in circle.audiences:
        own = view.name == "party" and view.person_id is not None and view.kept_for is None
        if own and any(held.user_id == view.person_id and held.party_id in view.party_ids for held in leaving):
            others = [held for held in circle.capacities if held.party_id in view.party_ids and held not in leaving]
            closed.append(replace(view, kept_for=frozenset(held.user_id for held in others)))
    if not closed:
        return
    with as_system(db):
        for view in closed:
            row = update(Audience).where(Audience.id == view.id)
            row = row.values(kept_for=sorted(str(person) for person in view.kept_for or ()))
            db.execute(row.execution_options(synchronize_session=False))
    changed = {view.id: view for view in closed}
    _keep(db, replace(circle, audiences=tuple(changed.get(view.id, view) for view in circle.audiences)))


def _keep(db: GatedSession, circle: Circle) -> None:
    db.circles[circle.case.id] = circle
    # The reader rows are made from the same circle, so the gate need not read them at each flush.
    principals = set(db.principals)
    own = {id for id, readers in circle.readers().items() if readers & principals}
    set_writable(db, {view.id for view in circle.audiences}, own)


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
