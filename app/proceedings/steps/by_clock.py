"""The steps that time brings: each counts from the instant at which its term had passed, however late it is recorded.

They come before any other act on the case, so that the dates do not depend on when the background worker ran.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, and_, select

from app.core.access.actors import CLOCK
from app.core.access.session import GatedSession
from app.core.db import AnyRow
from app.core.errors import Conflict, Forbidden
from app.core.tables.cases import Case
from app.core.tables.deadlines import Deadline
from app.proceedings.cases.facts import read_facts
from app.proceedings.cases.lock import lock_case
from app.proceedings.cases.paper_acts import Counted, present_day, today_at, zone_of
from app.proceedings.steps.apply import apply_step
from app.proceedings.steps.derived_columns import date_waiting
from app.proceedings.steps.service import Attempt, judge_step
from app.rules.days import day_at, end_of_day
from app.rules.loader import library
from app.rules.model import Facts, Procedure, Step


def cases_behind() -> list[ColumnElement[bool]]:
    """Conditions on a case and its deadline, of which one holds where a step of the clock may follow the deadline."""
    return [
        and_(Case.procedure == rules.id, Case.stage.in_(step.origin), Deadline.term == step.after)
        for rules in library().values()
        for step in _steps(rules)
    ]


def is_behind(case: Case | AnyRow, now: datetime) -> bool:
    """Whether a term of the case has passed, and the clock may take a step at its stage."""
    if case.next_due_on is None or case.next_due_on >= today_at(case, now):
        return False
    procedure = library().get(case.procedure)
    return procedure is not None and any(case.stage in step.origin for step in _steps(procedure))


def take_due_steps(db: GatedSession, now: datetime, case_id: UUID) -> int:
    """Take the steps of the clock that were due by now, one after the other; return how many were taken.

    A step counts on the day after its term, or on the day of the act that made it possible once the term had passed.
    """
    case = lock_case(db, CLOCK, case_id)
    # An act that came outside office hours counts on a later day, and so does what follows from it.
    arrived_on = present_day(db, case.updated_at, case)
    changed_at = max(case.updated_at, end_of_day(arrived_on - timedelta(days=1), zone_of(case)))
    seen, taken = set[Facts](), 0
    while (facts := replace(read_facts(db, case), acts=())) not in seen and _take_next(db, now, case, changed_at):
        seen.add(facts)
        taken += 1
        db.flush()
    return taken


def _take_next(db: GatedSession, now: datetime, case: Case, changed_at: datetime) -> bool:
    """Take the step that was due first, if any: on each day the first open one, in the order of the rule set."""
    for due_at in _passed(db, now, case):
        effective_at = max(due_at, changed_at)
        if effective_at > now:
            return False
        counted = Counted(day_at(effective_at, zone_of(case)), effective_at=effective_at)
        for step in _steps(library()[case.procedure]):
            if case.stage not in step.origin:
                continue
            try:
                judged = judge_step(db, CLOCK, now, case, Attempt(step.name, counted=counted))
            except (Conflict, Forbidden):
                continue
            apply_step(db, now, case, judged)
            date_waiting(db, case, effective_at)
            return True
    return False


def _passed(db: GatedSession, now: datetime, case: Case) -> list[datetime]:
    """The instants at which running terms of the case had passed, the earliest first."""
    running = (Deadline.case_id == case.id, Deadline.state == "running", Deadline.suspended_on.is_(None))
    passed = select(Deadline.due_at).where(*running, Deadline.due_at <= now)
    return list(db.execute(passed.distinct().order_by(Deadline.due_at)).scalars())


def _steps(procedure: Procedure) -> Iterator[Step]:
    """The steps that the clock takes by itself."""
    return (step for step in procedure.steps if "clock" in step.by and step.taken_through is None)
