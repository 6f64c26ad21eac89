"""The audiences of a case, and their readers."""

import hashlib
from collections.abc import Collection, Iterable
from dataclasses import replace
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
        _add_readers(db, case, _due(circle))
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
    if generation is None:
        generation = 0 if name == "case" else known_circle(db, case_id).case.generation
    return _found_or_made(db, case_id, AudienceView(new_id(db), name, party_ids, person_id, generation))


def _found_or_made(db: GatedSession, case_id: UUID, wanted: AudienceView) -> UUID:
    circle = known_circle(db, case_id)
    for view in circle.audiences:
        if _marks(view) == _marks(wanted):
            return view.id
    _keep(db, replace(circle, audiences=(*circle.audiences, wanted)))
    with together(db):
        insert_rows(db, Audience, [_audience_row(case_id, wanted)])
        _add_readers(db, circle.case, _due(replace(circle, audiences=(wanted,))))
    return wanted.id


def _marks(view: AudienceView) -> tuple[object, ...]:
    """What tells an audience of a case from every other one."""
    return (view.name, view.party_ids, view.person_id, view.generation, view.private)


def _due(circle: Circle) -> dict[tuple[UUID, UUID], datetime | None]:
    """The readers of each audience of a circle, each with the instant until which they read it, if there is one."""
    limits = circle.limits()
    return {
        (id, principal): limits.get((id, principal))
        for id, readers in circle.readers().items()
        for principal in readers
    }


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
        some = f"{', '.join(OF_PARTIES[:-1])} or {OF_PARTIES[-1]}"
        needs = f"Name one party or more for {some}, and none for other audiences."
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
        columns = select(reader.audience_id, reader.principal_id, reader.until)
        rows = db.execute(columns.where(reader.case_id == case.id))
        present = {(row.audience_id, row.principal_id): row.until for row in rows}
        due = _due(circle)
        if gone := [reads for reads, until in present.items() if reads not in due or due[reads] != until]:
            keys = tuple_(reader.audience_id, reader.principal_id)
            db.execute(delete(reader).where(keys.in_(gone)).execution_options(synchronize_session=False))
        added = {reads: until for reads, until in due.items() if reads not in present or present[reads] != until}
        _add_readers(db, case, added)


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


def private_drafts_of(db: GatedSession, case_id: UUID, party_id: UUID, person_id: UUID) -> UUID:
    """The id of the audience of what a person drafts for a party and has not shared: that person alone."""
    generation = known_circle(db, case_id).case.generation
    wanted = AudienceView(new_id(db), "party", frozenset({party_id}), person_id, generation, private=True)
    return _found_or_made(db, case_id, wanted)


def shared_drafts_of(db: GatedSession, case_id: UUID, parties: frozenset[UUID], person_id: UUID) -> UUID:
    """The id of the audience of the drafts that a person shares with parties, without people who come once they left.

    Somebody who has left and come back shares with all of the parties' people.
    """
    circle = known_circle(db, case_id)
    for view in circle.audiences:
        own = (view.name, view.party_ids, view.person_id) == ("party", parties, person_id)
        if own and view.generation == circle.case.generation and view.kept_for is not None and not view.private:
            return audience(db, case_id, "party", parties)
    return audience(db, case_id, "party", parties, person_id)


def close_drafts(db: GatedSession, case: CaseView, leaving: Collection[CapacityView]) -> None:
    """Close the drafts of representatives who leave to everybody but the other representatives of now."""
    circle = known_circle(db, case.id)
    closed = []
    for view in circle.audiences:
        own = view.name == "party" and view.person_id is not None and view.kept_for is None and not view.private
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
    limits = circle.limits()
    if limits:
        # A party that has left writes nothing more where it reads what was written until then.
        own = {id for id in own if id == circle.case.audience_id or _reads_on(circle, limits, id, principals)}
    set_writable(db, {view.id for view in circle.audiences}, own)


def _reads_on(
    circle: Circle, limits: dict[tuple[UUID, UUID], datetime], audience_id: UUID, principals: set[UUID]
) -> bool:
    """Whether one of these principals reads an audience without an end."""
    readers = circle.readers()[audience_id] & principals
    return any((audience_id, principal) not in limits for principal in readers)


def _audience_row(case_id: UUID, view: AudienceView) -> dict[str, object]:
    parties = sorted(str(party) for party in view.party_ids)
    marks = ",".join([*parties, str(view.person_id or ""), *(["private"] if view.private else [])])
    return {
        "id": view.id,
        "case_id": case_id,
        "key": f"{view.name}.{view.generation}.{hashlib.sha256(marks.encode()).hexdigest()[:32]}",
        "name": view.name,
        "party_ids": parties,
        "person_id": view.person_id,
        "generation": view.generation,
        "private": view.private,
    }


def _add_readers(db: GatedSession, case: CaseView, due: dict[tuple[UUID, UUID], datetime | None]) -> None:
    rows = [
        {
            "audience_id": audience_id,
            "principal_id": principal,
            "case_id": case.id,
            "opened_at": case.opened_at if audience_id == case.audience_id else None,
            "until": due[audience_id, principal],
        }
        for audience_id, principal in sorted(due)
    ]
    insert_rows(db, AudienceReader, rows)
