"""The columns of a case that follow from its acts: for whom it waits, what is due next, and how often it changed."""

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, update

from app.core.access.policy import REPRESENTATIVES
from app.core.access.session import GatedSession, as_system
from app.core.db import AnyRow
from app.core.ledger import service as ledger
from app.core.tables.cases import Case
from app.proceedings.cases import paper_acts
from app.proceedings.cases.circle import VIEWED, circle_of, view_of
from app.proceedings.cases.facts import read_facts
from app.rules import engine
from app.rules.loader import library
from app.rules.model import Waiting

# Before a case is lodged its events are in the stream of its filer's side, which is not one of these.
_BEFORE_LODGING = ("case-opened", "case-amended", "step-taken")
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
    return _of_the_living(db, case, awaited), due_days


def _of_the_living(db: GatedSession, case: Case | AnyRow, awaited: Iterable[Waiting]) -> tuple[Waiting, ...]:
    """Those for whom the case waits; the registry instead of a capacity that nobody holds.

    It appoints somebody, or enters what the party sends on paper.
    """
    held = circle_of(db, view_of(case)).capacities
    represented = {each.party_id for each in held if each.role in REPRESENTATIVES}
    roles = {each.role for each in held}
    living: dict[tuple[str, UUID | None, str], Waiting] = {}
    for entry in awaited:
        waiting = replace(entry, capacity="registry") if _is_vacant(entry, represented, roles) else entry
        living.setdefault((waiting.capacity, waiting.party_id, waiting.step), waiting)
    return tuple(living.values())


def _is_vacant(waiting: Waiting, represented: Collection[UUID | None], roles: Collection[str]) -> bool:
    if waiting.party_id is not None:
        return waiting.party_id not in represented
    return waiting.capacity in ("mediator", "candidate") and waiting.capacity not in roles


def _search_words(awaited: tuple[Waiting, ...]) -> str:
    """The capacities and parties (in hexadecimal) that a case waits for, as words that lists can search."""
    words = {waiting.capacity for waiting in awaited}
    words |= {waiting.party_id.hex for waiting in awaited if waiting.party_id}
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
