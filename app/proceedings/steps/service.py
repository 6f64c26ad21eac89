"""Steps: the only way to move a case. The rules judge a step, and an allowed step is applied."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from app.core.access.actors import CLOCK, Actor
from app.core.access.session import GatedSession
from app.core.errors import Conflict, FieldError, Invalid, refusal
from app.core.ledger.acts import Act, Author
from app.core.tables.cases import Case
from app.proceedings.cases import paper_acts
from app.proceedings.cases.circle import circle_of, view_of
from app.proceedings.cases.facts import read_facts
from app.proceedings.cases.lock import lock_case
from app.proceedings.cases.paper_acts import Counted
from app.proceedings.cases.refusals import check_agent
from app.proceedings.steps.apply import Judged, apply_step
from app.proceedings.steps.schemas import StepIn
from app.rules import engine
from app.rules.fields import StepInput, faults_in_fields
from app.rules.loader import library
from app.rules.model import FIELD_BLOCKS, Decision, Holding, Procedure, Refused, Step


@dataclass(frozen=True, slots=True)
class Attempt:
    """A step that the act of another noun is to take.

    `subject` is the item that the act is about. `counted` says on which day and for whom the act counts: today and for
    the actor where it is left out. `acting_for` is the party for which the actor says that they act.
    """

    step: str
    subject: UUID | None = None
    counted: Counted | None = None
    acting_for: UUID | None = None


def take_step(db: GatedSession, actor: Actor, now: datetime, case_id: UUID, step: str, request: StepIn) -> tuple[UUID]:
    """Take a step of the case's procedure.

    Raises NotFound for an unknown case or step, Forbidden for a step of another capacity, Invalid for fields that the
    step lacks or does not take, and Conflict with the rule's reasons where the rules refuse the step now, or where the
    party has lost its agent.
    """
    case = lock_case(db, actor, case_id)
    procedure, facts = library()[case.procedure], read_facts(db, case)
    try:
        if request.on_behalf_of is None or not actor.is_staff:
            engine.entry_for(procedure, facts, step, _holdings(db, actor, case))
        counted = paper_acts.judge(db, actor, now, case, request)
        holdings = _holdings(db, actor, case, counted)
        entry = engine.entry_for(procedure, facts, step, holdings)
        holdings = _for_one_party(db, actor, case, entry, holdings, Attempt(step, None, counted, request.acting_for))
        entry = engine.entry_for(procedure, facts, step, holdings)
        _check_fields(procedure, entry, request, counted.on)
        decision = engine.decide(procedure, facts, step, holdings, counted.on)
    except Refused as refused:
        raise refusal(refused, procedure.id) from refused
    check_agent(circle_of(db, view_of(case)), actor, case, decision.party_id)
    if decision.step.taken_through is not None:
        href = f"/v1/cases/{case.id}/{decision.step.taken_through}"
        detail = f"'{step}' is taken by an act on another resource: send that act to the address in 'href'."
        raise Conflict(detail, "taken-through", href=href, stage=case.stage, rule_set=procedure.id)
    author = _author(actor, decision, holdings, counted)
    apply_step(db, now, case, Judged(actor, author, procedure, decision, counted, request))
    return (case.id,)


def judge_step(db: GatedSession, actor: Actor, now: datetime, case: Case, attempt: Attempt) -> Judged:
    """Judge a step before anything is written; the caller has locked the case.

    Raises Forbidden or Conflict as the rules say, and Conflict for a party that has lost its agent.
    """
    counted = attempt.counted or Counted(paper_acts.present_day(db, now, case))
    procedure, facts = library()[case.procedure], read_facts(db, case, attempt.subject)
    holdings = _holdings(db, actor, case, counted)
    try:
        entry = engine.entry_for(procedure, facts, attempt.step, holdings)
        holdings = _for_one_party(db, actor, case, entry, holdings, attempt)
        decision = engine.decide(procedure, facts, attempt.step, holdings, counted.on)
    except Refused as refused:
        raise refusal(refused, procedure.id) from refused
    check_agent(circle_of(db, view_of(case)), actor, case, decision.party_id)
    author = _author(actor, decision, holdings, counted)
    return Judged(actor, author, procedure, decision, counted, StepIn())


def take_step_through(db: GatedSession, actor: Actor, now: datetime, case: Case, attempt: Attempt) -> Act:
    """Judge a step and apply it at once; Forbidden or Conflict as the rules say."""
    return apply_step(db, now, case, judge_step(db, actor, now, case, attempt))


def take_registry_step(db: GatedSession, act: Act, case: Case, step: str) -> None:
    """Take a step of the registry that follows from an act outside the case, if the rules allow it now.

    The caller has locked the case. The step is recorded as an act of the author of `act`.
    """
    counted = Counted(paper_acts.present_day(db, act.at, case))
    procedure, facts = library()[case.procedure], read_facts(db, case)
    try:
        decision = engine.decide(procedure, facts, step, (Holding("registry"),), counted.on)
    except Refused:
        return
    apply_step(db, act.at, case, Judged(CLOCK, act.author, procedure, decision, counted, StepIn()))


def _holdings(db: GatedSession, actor: Actor, case: Case, counted: Counted | None = None) -> tuple[Holding, ...]:
    """The capacities in which the actor acts: only the party's, where the registry enters the act of a party."""
    if counted is not None and counted.party_id is not None:
        return (paper_acts.holding_of(db, case, counted.party_id),)
    return circle_of(db, view_of(case)).holdings(actor)


def _for_one_party(
    db: GatedSession, actor: Actor, case: Case, entry: Step, holdings: tuple[Holding, ...], attempt: Attempt
) -> tuple[Holding, ...]:
    """The holdings in which the actor takes the step: of several parties, those of the one for which they act.

    Raises PartyNotNamed if that is not clear.
    """
    circle = circle_of(db, view_of(case))
    if attempt.acting_for is None and not any(engine.is_party(capacity) for capacity in entry.by):
        return holdings
    named = () if attempt.subject is None else (attempt.subject,)
    party_id = circle.acting_party(actor, attempt.acting_for, named)
    return holdings if party_id is None else engine.for_party(holdings, party_id)


def _author(actor: Actor, decision: Decision, holdings: tuple[Holding, ...], counted: Counted) -> Author:
    """The actor, in the first of their capacities that may take the step."""
    takers = set(decision.step.by)
    if engine.ANY_PARTY in takers:
        takers |= {"requesting-party", "responding-party"}
    capacity = next((holding.capacity for holding in holdings if holding.capacity in takers), holdings[0].capacity)
    return paper_acts.author(actor, counted, Holding(capacity, decision.party_id))


def _check_fields(procedure: Procedure, entry: Step, request: StepIn, on: date) -> None:
    fields = StepInput(
        due_on=request.due_on,
        has_reason=request.reason is not None,
        ground=request.fields.ground,
        position=request.fields.position,
        names_party=request.fields.party_id is not None,
        blocks=frozenset(name for name in FIELD_BLOCKS if getattr(request.fields, name) is not None),
    )
    faults = [
        FieldError(fault.pointer, fault.code, fault.message) for fault in faults_in_fields(procedure, entry, fields, on)
    ]
    if faults:
        raise Invalid(*faults)
