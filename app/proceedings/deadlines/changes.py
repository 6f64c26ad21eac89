"""What may be done to a deadline by those whom its rule allows: extended, waived, suspended and resumed.

Nothing that was shown is written over: each change adds its lines to the explanation, and an event.
"""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select, update

from app.core.access.actors import Actor
from app.core.access.session import GatedSession
from app.core.contents import service as contents
from app.core.db import AnyRow, new_id
from app.core.errors import Conflict, Forbidden, NotFound, invalid
from app.core.ledger import service as ledger
from app.core.ledger.acts import Act, Author, Subject, author_of
from app.core.tables.cases import Case
from app.core.tables.deadlines import Deadline, DeadlineChange
from app.institution.calendars.service import calendars_for
from app.proceedings.cases.facts import read_facts
from app.proceedings.cases.locking import circle_of, lock_case, view_of
from app.proceedings.cases.paper_acts import today_at, zone_of
from app.proceedings.deadlines.schemas import ExtendIn, ReasonIn
from app.proceedings.deadlines.service import state_of
from app.rules.engine import acts_as
from app.rules.loader import library
from app.rules.model import Holding, Step, Term
from app.rules.terms import TermFault, days_in_words, end_of_day, extended, remaining, resumed, written

Ids = tuple[UUID, UUID]


def extend(db: GatedSession, actor: Actor, now: datetime, case_id: UUID, deadline_id: UUID, given: ExtendIn) -> Ids:
    """Give a running term a later day; where its rule asks for it, once every party has agreed to that day.

    Raises NotFound, Forbidden for those whom the rule does not allow, Conflict for a term that does not run any more,
    and Invalid for a day that is not later, or later than the rule lets it be.
    """
    case, deadline, term = _found(db, actor, case_id, deadline_id)
    held = _allowed(db, actor, case, term, term.extend_by, "extend", or_party=term.extend_with_all)
    _must_be(deadline, now, "running")
    try:
        calendars = calendars_for(db, case, term)
        later = extended(term, deadline.first_due_on or deadline.due_on, deadline.due_on, given.until_on, calendars)
    except TermFault as fault:
        raise invalid("/until_on", "until-on", f"{str(fault)[0].upper()}{str(fault)[1:]}.") from fault
    by = author_of(actor, held.capacity, held.party_id)
    if term.extend_with_all and (lacking := _agree(db, now, case, deadline, held, given.until_on)):
        payload = {"until_on": given.until_on.isoformat(), "lacking": [str(one) for one in lacking]}
        _tell(db, now, case, deadline, "deadline-extension-agreed", by, payload, given.reason)
        return (case_id, deadline_id)
    told = f"Extended by the {held.capacity.replace('-', ' ')}"
    agreed = ", on the agreement of every party" if term.extend_with_all else ""
    _move(
        db, now, case, deadline, "extended", later.due_on, (f"{told}{agreed}, {_today(case, now)}.", *later.explanation)
    )
    _tell(db, now, case, deadline, "deadline-extended", by, {"until_on": given.until_on.isoformat()}, given.reason)
    return (case_id, deadline_id)


def _agree(
    db: GatedSession, now: datetime, case: Case, deadline: Deadline, held: Holding, until_on: date
) -> list[UUID]:
    """Note that the party agrees to that day (another day begins anew); the parties that have yet to agree."""
    proposed = select(DeadlineChange).where(
        DeadlineChange.deadline_id == deadline.id,
        DeadlineChange.kind == "proposed",
        DeadlineChange.due_before == deadline.due_on,
        DeadlineChange.due_after == until_on,
    )
    change = db.execute(proposed).scalars().first()
    if change is None:
        change = _change(db, now, case, deadline, "proposed", until_on)
    if held.party_id is not None and str(held.party_id) not in change.agreed_by:
        change.agreed_by = [*change.agreed_by, str(held.party_id)]
    parties = [party.id for party in read_facts(db, case).remaining]
    return [party_id for party_id in parties if str(party_id) not in change.agreed_by]


def waive(db: GatedSession, actor: Actor, now: datetime, case_id: UUID, deadline_id: UUID, given: ReasonIn) -> Ids:
    """Give a term up: it runs no longer, and nothing follows from its day; refusals as for `extend`."""
    case, deadline, term = _found(db, actor, case_id, deadline_id)
    held = _allowed(db, actor, case, term, term.waive_by, "waive")
    _must_be(deadline, now, "running", "suspended")
    by = author_of(actor, held.capacity, held.party_id)
    _change(db, now, case, deadline, "waived", None)
    deadline.state, deadline.ended_at, deadline.ended_as, deadline.suspended_on = "ended", now, "waived", None
    _add(deadline, (f"Waived by the {held.capacity.replace('-', ' ')}, {_today(case, now)}: nothing follows from it.",))
    _tell(db, now, case, deadline, "deadline-waived", by, {}, given.reason)
    return (case_id, deadline_id)


def suspend(db: GatedSession, actor: Actor, now: datetime, case_id: UUID, deadline_id: UUID, given: ReasonIn) -> Ids:
    """Stop a running term; the days that it has left are kept. Refusals as for `extend`."""
    case, deadline, term = _found(db, actor, case_id, deadline_id)
    held = _allowed(db, actor, case, term, term.suspend_by, "suspend")
    _must_be(deadline, now, "running")
    by = author_of(actor, held.capacity, held.party_id)
    _suspend(db, now, case, deadline, term, today_at(case, now))
    _tell(db, now, case, deadline, "deadline-suspended", by, {"days_left": deadline.days_left}, given.reason)
    return (case_id, deadline_id)


def resume(db: GatedSession, actor: Actor, now: datetime, case_id: UUID, deadline_id: UUID) -> Ids:
    """Let a suspended term run again, for the days that it had left. Refusals as for `extend`."""
    case, deadline, term = _found(db, actor, case_id, deadline_id)
    held = _allowed(db, actor, case, term, term.suspend_by, "resume")
    _must_be(deadline, now, "suspended")
    by = author_of(actor, held.capacity, held.party_id)
    _resume(db, now, case, deadline, term, today_at(case, now))
    _tell(db, now, case, deadline, "deadline-resumed", by, {"until_on": deadline.due_on.isoformat()}, None)
    return (case_id, deadline_id)


def follow_step(db: GatedSession, now: datetime, case: Case, by: Author, step: Step, on: date) -> None:
    """Suspend and resume the terms that a step suspends and resumes."""
    rules = library()[case.procedure]
    running = select(Deadline).where(Deadline.case_id == case.id, Deadline.state == "running")
    for deadline in db.execute(running.order_by(Deadline.due_on, Deadline.id)).scalars():
        if deadline.term in step.suspends and deadline.suspended_on is None and on <= deadline.due_on:
            _suspend(db, now, case, deadline, rules.term(deadline.term), on)
            _tell(db, now, case, deadline, "deadline-suspended", by, {"days_left": deadline.days_left}, None)
        elif deadline.term in step.resumes and deadline.suspended_on is not None:
            _resume(db, now, case, deadline, rules.term(deadline.term), on)
            _tell(db, now, case, deadline, "deadline-resumed", by, {"until_on": deadline.due_on.isoformat()}, None)


def follow_order(db: GatedSession, now: datetime, case: AnyRow, term: str, until_on: date, by: Author) -> None:
    """Give a running term the later day that a court orders, whatever its rule lets others do; a suspended one stays.

    The caller acts as the system: a court does not see the case.
    """
    columns = (Deadline.id, Deadline.audience_id, Deadline.due_on, Deadline.explanation, Deadline.article)
    runs = (Deadline.case_id == case.id, Deadline.term == term, Deadline.state == "running")
    earlier = (Deadline.suspended_on.is_(None), Deadline.due_on < until_on)
    for row in db.execute(select(*columns).where(*runs, *earlier)).all():
        today = today_at(case, now)
        told = [*row.explanation, f"Extended by order of the court, on {written(today)}.", f"Due: {written(until_on)}."]
        moved = {"due_on": until_on, "due_at": end_of_day(until_on, zone_of(case)), "explanation": told}
        changed = update(Deadline).where(Deadline.id == row.id).values(**moved, reminded_at=None)
        db.execute(changed.execution_options(synchronize_session=False))
        of = {"case_id": case.id, "audience_id": row.audience_id, "deadline_id": row.id, "kind": "extended"}
        day = {"due_before": row.due_on, "due_after": until_on, "agreed_by": [], "on": today, "changed_at": now}
        db.execute(insert(DeadlineChange).values(id=new_id(db), **of, **day))
        subject = Subject(case.id, row.audience_id, "participants")
        payload = {"deadline_id": str(row.id), "term": term, "until_on": until_on.isoformat()}
        ledger.record(db, Act("extended", now, by, subject), "deadline-extended", payload, row.article)


def _found(db: GatedSession, actor: Actor, case_id: UUID, deadline_id: UUID) -> tuple[Case, Deadline, Term]:
    case = lock_case(db, actor, case_id)
    mine = select(Deadline).where(Deadline.case_id == case_id, Deadline.id == deadline_id)
    deadline = db.execute(mine, execution_options={"populate_existing": True}).scalar_one_or_none()
    if deadline is None:
        raise NotFound
    return case, deadline, library()[case.procedure].term(deadline.term)


def _allowed(
    db: GatedSession, actor: Actor, case: Case, term: Term, by: Iterable[str], act: str, *, or_party: bool = False
) -> Holding:
    """In which capacity the actor does it; Forbidden, with the term's article, if the rule does not allow it."""
    allowed = (*by, "any-party") if or_party else tuple(by)
    stay = {None, *(party.id for party in read_facts(db, case).remaining)}
    for held in circle_of(db, view_of(case)).holdings(actor):
        if held.party_id in stay and acts_as(allowed, held.capacity):
            return held
    who = " or ".join(capacity.replace("-", " ") for capacity in allowed) or "nobody"
    raise Forbidden(
        f"'{term.name}' is for {who} to {act}.",
        "not-your-capacity",
        article=term.citation.article,
        rule_set=case.procedure,
    )


def _must_be(deadline: Deadline, now: datetime, *states: str) -> None:
    state = state_of(deadline, now)
    if state not in states:
        raise Conflict(f"The term is {state}; it must be {' or '.join(states)}.", f"deadline-{state}")


def _suspend(db: GatedSession, now: datetime, case: Case, deadline: Deadline, term: Term, on: date) -> None:
    left = remaining(term, on, deadline.due_on, calendars_for(db, case, term))
    _change(db, now, case, deadline, "suspended", None)
    deadline.suspended_on, deadline.days_left = on, left
    _add(deadline, (f"Suspended: on {written(on)}, with {days_in_words(term, left)} left.",))


def _resume(db: GatedSession, now: datetime, case: Case, deadline: Deadline, term: Term, on: date) -> None:
    again = resumed(term, on, deadline.days_left or 0, calendars_for(db, case, term))
    if deadline.first_due_on is not None:
        # What bounds all extensions moves with the term: a pause is nobody's extension.
        deadline.first_due_on += again.due_on - deadline.due_on
    deadline.suspended_on, deadline.days_left = None, None
    _move(db, now, case, deadline, "resumed", again.due_on, again.explanation)


def _move(
    db: GatedSession, now: datetime, case: Case, deadline: Deadline, kind: str, due_on: date, lines: Iterable[str]
) -> None:
    _change(db, now, case, deadline, kind, due_on)
    deadline.due_on, deadline.due_at = due_on, end_of_day(due_on, zone_of(case))
    deadline.reminded_at = None
    _add(deadline, lines)


def _add(deadline: Deadline, lines: Iterable[str]) -> None:
    deadline.explanation = [*deadline.explanation, *lines]


def _today(case: Case, now: datetime) -> str:
    return f"on {written(today_at(case, now))}"


def _change(
    db: GatedSession, now: datetime, case: Case, deadline: Deadline, kind: str, due_after: date | None
) -> DeadlineChange:
    change = DeadlineChange(
        id=new_id(db),
        case_id=case.id,
        audience_id=deadline.audience_id,
        deadline_id=deadline.id,
        kind=kind,
        due_before=deadline.due_on,
        due_after=due_after,
        agreed_by=[],
        on=today_at(case, now),
        changed_at=now,
    )
    db.add(change)
    return change


def _tell(
    db: GatedSession,
    now: datetime,
    case: Case,
    deadline: Deadline,
    kind: str,
    by: Author,
    more: dict[str, Any],
    reason: str | None,
) -> None:
    subject = Subject(case.id, deadline.audience_id, "participants")
    content = contents.write(db, case.id, deadline.audience_id, {"reason": reason}) if reason else None
    payload = {"deadline_id": str(deadline.id), "term": deadline.term, **more}
    ledger.record(db, Act(kind.removeprefix("deadline-"), now, by, subject), kind, payload, deadline.article, content)
