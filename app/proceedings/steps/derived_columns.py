"""The columns of a case that follow from its acts: for whom it waits, what is due next, and how often it changed."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, update

from app.core.access.circle import Circle
from app.core.access.session import GatedSession, as_system
from app.core.db import AnyRow
from app.core.ledger import service as ledger
from app.core.tables.cases import Case
from app.proceedings.cases import paper_acts
from app.proceedings.cases.circle import VIEWED, circle_of, view_of
from app.proceedings.cases.facts import read_facts
from app.proceedings.cases.refusals import NO_AGENT
from app.rules import engine
from app.rules.loader import library
from app.rules.model import Facts, Waiting

# Before a case is lodged its events are in the stream of its filer's side, which is not one of these.
_BEFORE_LODGING = ("case-opened", "case-amended", "step-taken")
# What the registry has to do for a party that has lost its agent; it is no step of the rules.
ADMIT = "admit-representative"
_COLUMNS = (
    *VIEWED,
    Case.procedure,
    Case.stage,
    Case.subjects,
    Case.seat_time_zone,
    Case.day_time_zone,
    Case.waiting_for,
    Case.tracks,
)


def keep_columns(db: GatedSession, now: datetime) -> None:
    """Update the derived columns of each case for which the transaction has recorded events."""
    wide_events: dict[UUID, int] = {}
    for note in db.notes:
        if note.case_id is not None and (note.audience in ledger.WIDE or note.type in _BEFORE_LODGING):
            wide_events[note.case_id] = wide_events.get(note.case_id, 0) + (note.audience in ledger.WIDE)
    for case_id, count in wide_events.items():
        _keep_columns(db, now, case_id, count)


def date_waiting(db: GatedSession, case: Case, at: datetime) -> None:
    """Date what a locked case now waits for by the instant from which a step has effect that is recorded later."""
    db.flush()
    awaited, _due_days = _awaited_and_due(db, at, case)
    case.waiting_for = _entries(awaited, case.waiting_for, at)


def _keep_columns(db: GatedSession, now: datetime, case_id: UUID, wide_events: int) -> None:
    case: Case | AnyRow | None = db.locked.get(case_id)
    if case is None:
        with as_system(db):
            case = db.execute(select(*_COLUMNS).where(Case.id == case_id)).one()
    awaited, due_days = _awaited_and_due(db, now, case)
    values: dict[str, Any] = {
        "waiting_for": _entries(awaited, case.waiting_for, now),
        "awaits": _search_words(awaited),
        "next_due_on": min(due_days, default=None),
    }
    if wide_events:
        values |= {"seq": Case.seq + wide_events, "updated_at": now}
    with as_system(db):
        row = update(Case).where(Case.id == case_id).values(values)
        db.execute(row.execution_options(synchronize_session=False))


def _awaited_and_due(db: GatedSession, now: datetime, case: Case | AnyRow) -> tuple[tuple[Waiting, ...], list[date]]:
    """For whom a case waits, and the days on which its running terms are due; a closed case reads nothing."""
    rules = library()[case.procedure]
    if rules.stage(case.stage).final:
        return (), []
    facts = read_facts(db, case)
    due_days = [term.due_on for term in facts.terms if not term.ended and not term.suspended]
    awaited = engine.waiting(rules, facts, paper_acts.today_at(case, now))
    circle = circle_of(db, view_of(case))
    living = _of_the_living(circle, awaited)
    return (*living, *_without_agents(circle, facts, living)), due_days


def _of_the_living(circle: Circle, awaited: Iterable[Waiting]) -> tuple[Waiting, ...]:
    """Those for whom the case waits; the registry instead of a capacity that nobody holds.

    It appoints somebody, or enters what the party sends on paper.
    """
    living: dict[tuple[str, UUID | None, str], Waiting] = {}
    for entry in awaited:
        waiting = replace(entry, capacity="registry") if _is_vacant(entry, circle) else entry
        living.setdefault((waiting.capacity, waiting.party_id, waiting.step), waiting)
    return tuple(living.values())


def _is_vacant(waiting: Waiting, circle: Circle) -> bool:
    if waiting.party_id is not None:
        return not circle.agents_of(waiting.party_id)
    return waiting.capacity in ("mediator", "candidate") and all(
        each.role != waiting.capacity for each in circle.capacities
    )


def _without_agents(circle: Circle, facts: Facts, awaited: Iterable[Waiting]) -> Iterable[Waiting]:
    """What the registry owes a party that has lost its agent, unless the case waits for it in another way."""
    known = {entry.party_id for entry in awaited if entry.capacity == "registry"}
    for party in facts.remaining:
        if party.id not in known and circle.has_lost_agents(party.id):
            yield Waiting("registry", party.id, ADMIT, None, NO_AGENT.citation)


def _search_words(awaited: tuple[Waiting, ...]) -> str:
    """The capacities and parties (in hexadecimal) that a case waits for, as words that lists can search.

    A party for which the registry is to act does not itself let the case wait.
    """
    words = {waiting.capacity for waiting in awaited}
    words |= {waiting.party_id.hex for waiting in awaited if waiting.party_id and engine.is_party(waiting.capacity)}
    return "".join(f" {word}" for word in sorted(words)) + " "


def _entries(awaited: tuple[Waiting, ...], earlier: list[dict[str, Any]], now: datetime) -> list[dict[str, Any]]:
    """The entries of `waiting_for`, each with the instant at which it first appeared."""
    appeared_at = {(entry["capacity"], entry["party_id"], entry["for"]): entry["since"] for entry in earlier}
    entries = []
    for waiting in awaited:
        party_id = str(waiting.party_id) if waiting.party_id else None
        entries.append(
            {
                "capacity": waiting.capacity,
                "party_id": party_id,
                "for": waiting.step,
                "need": waiting.need,
                "since": appeared_at.get((waiting.capacity, party_id, waiting.step), now.isoformat()),
                "due_on": waiting.due_on.isoformat() if waiting.due_on else None,
                "article": waiting.citation.article,
            }
        )
    return entries
