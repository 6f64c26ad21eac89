"""How the steps of a case start deadlines and end them."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

from sqlalchemy import bindparam, select

from app.core.access.session import GatedSession
from app.core.db import AnyRow, new_id
from app.core.errors import Conflict
from app.core.ledger import service as ledger
from app.core.ledger.acts import Act
from app.core.tables.cases import Case
from app.core.tables.deadlines import Deadline
from app.core.tables.parties import Party
from app.core.tables.service_of_process import Service
from app.institution.calendars.service import calendars_for
from app.proceedings.cases.facts import read_facts
from app.proceedings.cases.paper_acts import day_of, zone_of
from app.rules.days import end_of_day
from app.rules.engine import took_effect
from app.rules.loader import library
from app.rules.model import SET_PER_CASE, Step, Term
from app.rules.terms import TermFault, due, with_reason


@dataclass(frozen=True, slots=True)
class TermInput:
    """What a step says of the terms that it starts: a day, if one is set, and why the step counts on a later day."""

    due_on: date | None = None
    why: str | None = None


@dataclass(frozen=True, slots=True)
class _TermStart:
    """The day from which a term counts, the day that is set for it, and the party for which alone it runs.

    `due_on` is None where the rule's period decides, `receiver` where the term runs for everybody, and `why` where the
    term counts from the day of the act.
    """

    trigger_on: date
    due_on: date | None = None
    receiver: AnyRow | None = None
    why: str | None = None


def start_deadlines(db: GatedSession, act: Act, case: Case, step: Step, given: TermInput) -> None:
    """Start the terms of a step by its act; a term that is set per case starts only if its day is given.

    A term that counts from receipt starts here for the parties on which the request was served already, and for the
    others once it is served on them. Raises Conflict where no day can be found for a term.
    """
    for term in map(library()[case.procedure].term, step.starts):
        if term.runs_from == "receipt":
            for receiver in db.execute(_SERVED, {"case_id": case.id}).all():
                _start(db, act, case, term, _TermStart(receiver.served_on, receiver=receiver))
        elif term.period != SET_PER_CASE or given.due_on is not None:
            set_on = given.due_on if term.settable or term.period == SET_PER_CASE else None
            _start(db, act, case, term, _TermStart(day_of(case, act), set_on, why=given.why))


_SERVED = (
    select(Service.party_id, Service.served_on, Party.name)
    .join(Party, Party.id == Service.party_id)
    .where(Service.case_id == bindparam("case_id"), Service.served_on.is_not(None))
    .order_by(Party.number)
)


def start_on_receipt(db: GatedSession, act: Act, case: Case, party_id: UUID) -> None:
    """Start, for a party that the request was served on, the terms of earlier steps that count from receipt.

    A term that another step has ended since does not start. Raises Conflict where no day can be found for a term.
    """
    rules, facts = library()[case.procedure], read_facts(db, case)
    taken = {step.name for step in rules.steps if took_effect(step, facts)}
    served = db.execute(_SERVED, {"case_id": case.id}).all()
    receiver = next(row for row in served if row.party_id == party_id)
    for step in rules.steps:
        for term in map(rules.term, step.starts if step.name in taken else ()):
            ended = any(term.name in other.ends and other.name in taken for other in rules.steps)
            if term.runs_from == "receipt" and not ended:
                triggered = replace(act, name=step.name)
                _start(db, triggered, case, term, _TermStart(receiver.served_on, receiver=receiver))


def _start(db: GatedSession, act: Act, case: Case, term: Term, term_start: _TermStart) -> None:
    """Start a term by an act, whose name is that of the step that triggers the term."""
    receiver = term_start.receiver
    calendars = calendars_for(db, case, term, receiver.party_id if receiver else None)
    try:
        last_day = due(
            term, act.name, term_start.trigger_on, term_start.due_on, calendars, receiver.name if receiver else None
        )
    except TermFault as fault:
        raise Conflict(
            f"No day can be found for the term: {fault}.", "no-day", article=term.citation.article
        ) from fault
    deadline = Deadline(
        id=new_id(db),
        case_id=case.id,
        audience_id=act.subject.audience_id,
        term=term.name,
        article=term.citation.article,
        standing=term.citation.standing,
        source=term.citation.source,
        trigger_step=act.name,
        trigger_on=term_start.trigger_on,
        period=term.period,
        due_on=last_day.due_on,
        due_at=end_of_day(last_day.due_on, zone_of(case)),
        state="running",
        explanation=with_reason(last_day.explanation, term_start.why),
        set_at=act.at,
        party_id=receiver.party_id if receiver else None,
        first_due_on=last_day.due_on,
        counted_from=None if last_day.was_given else term_start.trigger_on,
    )
    db.add(deadline)
    payload = {"deadline_id": str(deadline.id), "term": term.name, "due_on": last_day.due_on.isoformat()}
    if receiver is not None:
        payload["party_id"] = str(receiver.party_id)
    ledger.record(db, act, "deadline-set", payload, term.citation.article)


def end_deadlines(db: GatedSession, act: Act, case: Case, terms: Iterable[str] | None = None) -> None:
    """End the running terms of those names, or all of them (None)."""
    running = select(Deadline).where(Deadline.case_id == case.id, Deadline.state == "running")
    if terms is not None:
        running = running.where(Deadline.term.in_(list(terms)))
    for deadline in db.execute(running.order_by(Deadline.due_on, Deadline.id)).scalars():
        deadline.state, deadline.ended_at, deadline.suspended_on = "ended", act.at, None
        payload = {"deadline_id": str(deadline.id), "term": deadline.term}
        ledger.record(db, act, "deadline-ended", payload, deadline.article)
