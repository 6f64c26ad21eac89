"""Changes of a deadline by those whom its rule allows: it is extended, waived, suspended and resumed.

A change overwrites nothing that was shown: it adds its lines to the explanation, and records an event.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select, update

from app.core.access.actors import Actor
from app.core.access.session import GatedSession
from app.core.db import AnyRow, new_id
from app.core.errors import Conflict, Forbidden, NotFound, invalid
from app.core.ledger import service as ledger
from app.core.ledger.acts import Act, Author, Subject, author_of
from app.core.tables.cases import Case
from app.core.tables.deadlines import Deadline, DeadlineChange
from app.institution.calendars.service import calendars_for
from app.proceedings.cases.circle import circle_of, view_of
from app.proceedings.cases.facts import read_facts
from app.proceedings.cases.lock import lock_case
from app.proceedings.cases.paper_acts import day_of, today_at, zone_of
from app.proceedings.cases.refusals import check_agent
from app.proceedings.cases.schemas import ActingIn
from app.proceedings.deadlines.case_terms import (
    CaseTerm,
    add_change,
    add_lines,
    move,
    move_limit,
    new_calendars,
    record_change,
    today_in_words,
)
from app.proceedings.deadlines.schemas import ExtendIn, ReasonIn
from app.proceedings.deadlines.service import state_of
from app.rules.days import end_of_day
from app.rules.engine import ANY_PARTY, acts_as
from app.rules.loader import library
from app.rules.model import Step
from app.rules.terms import Due, TermFault, days_in_words, extended, remaining, resumed, written

Ids = tuple[UUID, UUID]


def extend(db: GatedSession, actor: Actor, now: datetime, case_id: UUID, deadline_id: UUID, request: ExtendIn) -> Ids:
    """Move a running deadline to a later day; where its rule asks for it, once every party has agreed to that day.

    Raises NotFound, Forbidden for those whom the rule does not allow, Conflict for a deadline that does not run, and
    Invalid for a day that is not later, or later than the rule allows.
    """
    running = _lock(db, actor, case_id, deadline_id)
    term, deadline = running.term, running.deadline
    capacities = (*term.extend_by, ANY_PARTY) if term.extend_with_all else term.extend_by
    author = _author(db, actor, running, capacities, "extend", request)
    _require_state(deadline, now, "running")
    try:
        calendars = calendars_for(db, running.case, term, deadline.party_id)
        later = extended(term, deadline.first_due_on or deadline.due_on, deadline.due_on, request.until_on, calendars)
    except TermFault as fault:
        raise invalid("/until_on", "until-on", f"{str(fault)[0].upper()}{str(fault)[1:]}.") from fault
    payload: dict[str, Any] = {"until_on": request.until_on.isoformat()}
    if term.extend_with_all and (lacking := _agree(db, now, author, running, request.until_on)):
        payload["lacking"] = [str(party_id) for party_id in lacking]
        record_change(db, Act("extension-agreed", now, author, running.subject), deadline, payload, request.reason)
        return (case_id, deadline_id)
    agreed = ", on the agreement of every party" if term.extend_with_all else ""
    line = f"Extended by the {_spoken(author.capacity)}{agreed}, {today_in_words(running.case, now)}."
    deadline.counted_from, deadline.days_counted = None, None
    payload["due_before"] = deadline.due_on.isoformat()
    move(db, now, running, "extended", Due(later.due_on, (line, *later.explanation)))
    record_change(db, Act("extended", now, author, running.subject), deadline, payload, request.reason)
    return (case_id, deadline_id)


def _agree(db: GatedSession, now: datetime, author: Author, running: CaseTerm, until_on: date) -> list[UUID]:
    """Note that the author's party agrees to that day; the parties that have yet to agree.

    The agreement to one day says nothing about another.
    """
    deadline = running.deadline
    proposed = select(DeadlineChange).where(
        DeadlineChange.deadline_id == deadline.id,
        DeadlineChange.kind == "proposed",
        DeadlineChange.due_before == deadline.due_on,
        DeadlineChange.due_after == until_on,
    )
    change = db.execute(proposed).scalars().first()
    if change is None:
        change = add_change(db, now, running, "proposed", until_on)
    if author.party_id is not None and str(author.party_id) not in change.agreed_by:
        change.agreed_by = [*change.agreed_by, str(author.party_id)]
    parties = [party.id for party in read_facts(db, running.case).remaining]
    return [party_id for party_id in parties if str(party_id) not in change.agreed_by]


def waive(db: GatedSession, actor: Actor, now: datetime, case_id: UUID, deadline_id: UUID, request: ReasonIn) -> Ids:
    """Give a deadline up: it runs no longer, and nothing follows from its day; refusals as for `extend`."""
    waived = _lock(db, actor, case_id, deadline_id)
    author = _author(db, actor, waived, waived.term.waive_by, "waive", request)
    deadline = waived.deadline
    _require_state(deadline, now, "running", "suspended")
    add_change(db, now, waived, "waived", None)
    deadline.state, deadline.ended_at, deadline.ended_as, deadline.suspended_on = "ended", now, "waived", None
    line = f"Waived by the {_spoken(author.capacity)}, {today_in_words(waived.case, now)}: nothing follows from it."
    add_lines(deadline, (line,))
    record_change(db, Act("waived", now, author, waived.subject), deadline, {}, request.reason)
    return (case_id, deadline_id)


def suspend(db: GatedSession, actor: Actor, now: datetime, case_id: UUID, deadline_id: UUID, request: ReasonIn) -> Ids:
    """Stop a running deadline, which keeps the days that it has left; refusals as for `extend`."""
    running = _lock(db, actor, case_id, deadline_id)
    author = _author(db, actor, running, running.term.suspend_by, "suspend", request)
    _require_state(running.deadline, now, "running")
    _suspend(db, Act("suspended", now, author, running.subject), running, request.reason)
    return (case_id, deadline_id)


def resume(db: GatedSession, actor: Actor, now: datetime, case_id: UUID, deadline_id: UUID, request: ActingIn) -> Ids:
    """Let a suspended deadline run again, for the days that it had left; refusals as for `extend`."""
    suspended = _lock(db, actor, case_id, deadline_id)
    author = _author(db, actor, suspended, suspended.term.suspend_by, "resume", request)
    _require_state(suspended.deadline, now, "suspended")
    _resume(db, Act("resumed", now, author, suspended.subject), suspended)
    return (case_id, deadline_id)


def follow_step(db: GatedSession, act: Act, case: Case, step: Step) -> None:
    """Suspend and resume the deadlines that a step suspends and resumes, by the act that takes it."""
    rules, on = library()[case.procedure], day_of(case, act)
    running = select(Deadline).where(Deadline.case_id == case.id, Deadline.state == "running")
    for deadline in db.execute(running.order_by(Deadline.due_on, Deadline.id)).scalars():
        affected = CaseTerm(case, deadline, rules.term(deadline.term))
        if deadline.term in step.suspends and deadline.suspended_on is None and on <= deadline.due_on:
            _suspend(db, replace(act, name="suspended", subject=affected.subject), affected)
        elif deadline.term in step.resumes and deadline.suspended_on is not None:
            _resume(db, replace(act, name="resumed", subject=affected.subject), affected)


def follow_order(db: GatedSession, now: datetime, case: AnyRow, term: str, until_on: date, author: Author) -> None:
    """Move a running deadline to the later day that a court orders, whatever its rule allows; a suspended one stays.

    The caller acts as the system, because a court does not see the case.
    """
    columns = (Deadline.id, Deadline.audience_id, Deadline.due_on, Deadline.explanation, Deadline.article)
    running = (Deadline.case_id == case.id, Deadline.term == term, Deadline.state == "running")
    earlier = (Deadline.suspended_on.is_(None), Deadline.due_on < until_on)
    for row in db.execute(select(*columns).where(*running, *earlier)).all():
        today = today_at(case, now)
        moved = {
            "due_on": until_on,
            "due_at": end_of_day(until_on, zone_of(case)),
            "explanation": [
                *row.explanation,
                f"Extended by order of the court, on {written(today)}.",
                f"Due: {written(until_on)}.",
            ],
            "reminded_at": None,
            "counted_from": None,
            "days_counted": None,
        }
        changed = update(Deadline).where(Deadline.id == row.id).values(**moved)
        db.execute(changed.execution_options(synchronize_session=False))
        change = {
            "id": new_id(db),
            "case_id": case.id,
            "audience_id": row.audience_id,
            "deadline_id": row.id,
            "kind": "extended",
            "due_before": row.due_on,
            "due_after": until_on,
            "agreed_by": [],
            "on": today,
            "changed_at": now,
        }
        db.execute(insert(DeadlineChange).values(**change))
        act = Act("extended", now, author, Subject(case.id, row.audience_id, "participants"))
        days = {"until_on": until_on.isoformat(), "due_before": row.due_on.isoformat()}
        payload = {"deadline_id": str(row.id), "term": term, **days}
        ledger.record(db, act, "deadline-extended", payload, row.article)


def _lock(db: GatedSession, actor: Actor, case_id: UUID, deadline_id: UUID) -> CaseTerm:
    """The deadline, its case locked; NotFound unless the actor may see it."""
    case = lock_case(db, actor, case_id)
    statement = select(Deadline).where(Deadline.case_id == case_id, Deadline.id == deadline_id)
    deadline = db.execute(statement, execution_options={"populate_existing": True}).scalar_one_or_none()
    if deadline is None:
        raise NotFound
    return CaseTerm(case, deadline, library()[case.procedure].term(deadline.term))


def _author(
    db: GatedSession, actor: Actor, target: CaseTerm, capacities: Iterable[str], verb: str, request: ActingIn
) -> Author:
    """The actor, in a capacity that the rule allows.

    Raises Forbidden, with the term's article, if they hold none, PartyNotNamed if they hold it for several parties and
    do not say for which they act, and Conflict for a party that has lost its agent.
    """
    capacities, case, term = tuple(capacities), target.case, target.term
    remaining_parties = {None, *(party.id for party in read_facts(db, case).remaining)}
    circle = circle_of(db, view_of(case))
    allowed_holdings = [
        holding
        for holding in circle.holdings(actor)
        if holding.party_id in remaining_parties and acts_as(capacities, holding.capacity)
    ]
    if allowed_holdings:
        party_id = circle.acting_party(actor, request.acting_for)
        if any(holding.party_id == party_id for holding in allowed_holdings):
            check_agent(circle, actor, case, party_id)
            return author_of(actor, circle.capacity(actor, party_id), party_id)
    allowed = " or ".join(_with_article(capacity) for capacity in capacities)
    raise Forbidden(
        f"Only {allowed} may {verb} the term '{term.name}'." if allowed else f"Nobody may {verb} '{term.name}'.",
        "not-your-capacity",
        article=term.citation.article,
        rule_set=case.procedure,
    )


def _spoken(capacity: str) -> str:
    return capacity.replace("-", " ")


def _with_article(capacity: str) -> str:
    return _spoken(capacity) if capacity == ANY_PARTY else f"the {_spoken(capacity)}"


def _require_state(deadline: Deadline, now: datetime, *states: str) -> None:
    state = state_of(deadline, now)
    if state not in states:
        detail = f"The term is {state}; this can be done only while it is {' or '.join(states)}."
        raise Conflict(detail, f"deadline-{state}")


def _suspend(db: GatedSession, act: Act, running: CaseTerm, reason: str | None = None) -> None:
    case, deadline, term = running.case, running.deadline, running.term
    on = day_of(case, act)
    left = remaining(term, on, deadline.due_on, calendars_for(db, case, term, deadline.party_id))
    add_change(db, act.at, running, "suspended", None)
    deadline.suspended_on, deadline.days_left = on, left
    add_lines(deadline, (f"Suspended: on {written(on)}, with {days_in_words(term, left)} left.",))
    record_change(db, act, deadline, {"days_left": left}, reason)


def _resume(db: GatedSession, act: Act, suspended: CaseTerm) -> None:
    case, deadline, term = suspended.case, suspended.deadline, suspended.term
    on, left = day_of(case, act), deadline.days_left or 0
    calendars = calendars_for(db, case, term, deadline.party_id)
    later = resumed(term, on, left, calendars)
    later = Due(later.due_on, (*new_calendars(deadline, calendars), *later.explanation))
    move_limit(deadline, later.due_on)
    deadline.counted_from, deadline.days_counted = on, left
    deadline.suspended_on, deadline.days_left = None, None
    move(db, act.at, suspended, "resumed", later)
    record_change(db, act, deadline, {"until_on": deadline.due_on.isoformat()}, None)
