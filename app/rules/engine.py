"""Decides under a rule set: who may take which step now, what the step does, and for whom the case waits."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import date
from itertools import groupby
from operator import itemgetter
from uuid import UUID

from app.rules import checks, reasons
from app.rules.model import (
    CLOSED,
    OPEN,
    PARTY_CAPACITIES,
    PAUSED,
    SET_PER_CASE,
    WITHDRAWN,
    Decision,
    Facts,
    Holding,
    OpenStep,
    PartyFact,
    Procedure,
    Reason,
    Refused,
    Step,
    Waiting,
)

ANY_PARTY = "any-party"
# How many findings of one check a refusal lists.
MOST_FINDINGS = 20


def entry_for(procedure: Procedure, facts: Facts, step: str, holdings: Collection[Holding]) -> Step:
    """The entry of that name for the actor's capacity; among several, that which is open at the stage.

    Where `facts.subject` is a party, an actor who acts only for other parties does not hold the capacity. Raises
    Refused with `unknown-step` or `not-your-capacity`.
    """
    entries = procedure.entries(step)
    if not entries:
        raise Refused("unknown-step", f"{procedure.id} has no step '{step}'.", (), facts.stage)
    allowed = [entry for entry in entries if _allowed(entry, facts, holdings)]
    if not allowed:
        raise _refused("not-your-capacity", [reasons.not_your_capacity(entries)], facts)
    return next((entry for entry in allowed if facts.stage in entry.origin), allowed[0])


def acting_party(entry: Step, facts: Facts, holdings: Collection[Holding]) -> UUID | None:
    """The party for which the actor takes the step; None if it is taken for no party.

    An actor who is no party takes an `each` step for the party that `facts.subject` names. Raises ValueError for
    holdings of several parties of which `facts.subject` names none: the caller leaves only those of one party.
    """
    allowed = _allowed(entry, facts, holdings)
    if entry.each is not None and not any(holding.capacity in PARTY_CAPACITIES for holding in allowed):
        return facts.subject
    own = {holding.party_id for holding in allowed if holding.party_id is not None}
    if facts.subject in own:
        return facts.subject
    if len(own) > 1:
        raise ValueError("a step is taken for one party: leave only its holdings")
    return own.pop() if own else None


def for_party(holdings: Collection[Holding], party_id: UUID | None) -> tuple[Holding, ...]:
    """The holdings of an actor who acts for one of their parties."""
    return tuple(holding for holding in holdings if holding.party_id in (None, party_id))


def decide(procedure: Procedure, facts: Facts, step: str, holdings: Collection[Holding], on: date) -> Decision:
    """The effect of taking the step on a day.

    Raises Refused, in this order: `unknown-step`, `not-your-capacity`, `step-not-open` (also where the party has
    taken it already), `term-not-passed`, `need-not-met` with all needs that are not met.
    """
    return _decide_entry(procedure, facts, entry_for(procedure, facts, step, holdings), holdings, on)


def open_steps(procedure: Procedure, facts: Facts, holdings: Collection[Holding], on: date) -> tuple[OpenStep, ...]:
    """Every step of the rule set, in its order, open to the actor or not; each entry of a name is listed.

    A step is open to an actor for several parties if it is open to them for one of these.
    """
    own = {holding.party_id for holding in holdings}
    parties = [party for party in facts.parties if party.id in own]
    steps = []
    for entry in procedure.steps:
        ways = [for_party(holdings, party.id) for party in _distinguished(entry, facts, parties)] or [tuple(holdings)]
        refusals = [_refusal(procedure, facts, entry, way, on) for way in ways]
        is_open = None in refusals
        against = dict.fromkeys(reason for why in refusals for reason in why or ())
        steps.append(OpenStep(entry, is_open, () if is_open else tuple(against)))
    return tuple(steps)


def _distinguished(entry: Step, facts: Facts, parties: Sequence[PartyFact]) -> list[PartyFact]:
    """The parties that the step could treat differently: of those that it treats alike, the first few.

    Somebody may represent some hundred parties, and the step is judged once for each party that is listed here.
    """
    acted = {act.party_id for act in facts.acts if act.step == entry.name}
    alike: dict[tuple[object, ...], list[PartyFact]] = {}
    for party in parties:
        state = (party.capacity, party.participation, party.consented, party.id in acted)
        alike.setdefault(state, []).append(party)
    shown = {party.id for group in alike.values() for party in group[:MOST_FINDINGS]}
    return [party for party in parties if party.id in shown]


def _refusal(
    procedure: Procedure, facts: Facts, entry: Step, holdings: Collection[Holding], on: date
) -> tuple[Reason, ...] | None:
    """Why the entry is not open; None if it is."""
    try:
        if not _allowed(entry, facts, holdings):
            raise _refused("not-your-capacity", [reasons.not_your_capacity([entry])], facts)
        _decide_entry(procedure, facts, entry, holdings, on)
    except Refused as refusal:
        return refusal.reasons
    return None


def waiting(procedure: Procedure, facts: Facts, on: date) -> tuple[Waiting, ...]:
    """For whom the case waits, for which step and until when.

    A step waits for those whom its first unmet need awaits, else for its takers. A term that has passed without being
    ended still gives its day, so that overdue steps show.
    """
    waits: dict[tuple[str, UUID | None, str], Waiting] = {}
    for entry in procedure.steps:
        if facts.stage not in entry.expected:
            continue
        running = [term for term in facts.terms if not term.ended and not term.suspended]
        days = [term.due_on for term in running if term.name in entry.ends]
        for capacity, party_id, need in _awaited(entry, facts, on):
            waits.setdefault(
                (capacity, party_id, entry.name),
                Waiting(capacity, party_id, entry.name, min(days, default=None), entry.citation, need),
            )
    return tuple(waits.values())


def _decide_entry(procedure: Procedure, facts: Facts, entry: Step, holdings: Collection[Holding], on: date) -> Decision:
    party_id = acting_party(entry, facts, holdings)
    remaining = _still_to_act(entry, facts)
    _must_be_for_a_taker(entry, facts, party_id)
    if facts.stage not in entry.origin:
        raise _refused("step-not-open", [reasons.step_not_open(procedure, entry, facts.stage)], facts)
    if entry.each is not None and not _is_awaited(party_id, remaining):
        raise _refused("step-not-open", [reasons.already_taken(entry, facts, party_id)], facts)
    _term_must_have_passed(procedure, entry, facts, on)
    _needs_must_hold(procedure, entry, facts if facts.subject else replace(facts, subject=party_id), on)
    completes = entry.each is None or all(party.id == party_id for party in remaining)
    moves = completes and entry.to is not None
    return Decision(
        step=entry,
        party_id=party_id,
        completes=completes,
        stage=entry.to if moves and entry.to is not None else facts.stage,
        outcome=_outcome(entry, facts) if completes else None,
    )


def _outcome(entry: Step, facts: Facts) -> str | None:
    in_part = facts.settles == "part" and entry.partial_outcome is not None
    return entry.partial_outcome if in_part else entry.outcome


def acts_as(capacities: Iterable[str], capacity: str) -> bool:
    """Whether a capacity is among the capacities; `any-party` includes every party."""
    return capacity in capacities or (ANY_PARTY in capacities and capacity in PARTY_CAPACITIES)


def took_effect(entry: Step, facts: Facts) -> bool:
    """Whether the step was taken, and by every party where each must take it."""
    return any(act.step == entry.name for act in facts.acts) and not _still_to_act(entry, facts)


def is_party(capacity: str) -> bool:
    """Whether parties hold that capacity."""
    return capacity == ANY_PARTY or capacity in PARTY_CAPACITIES


def takes_day(procedure: Procedure, entry: Step) -> bool:
    """Whether the request may set the day on which a term of the step is due."""
    return any(term.settable or term.period == SET_PER_CASE for term in map(procedure.term, entry.starts))


def _must_be_for_a_taker(entry: Step, facts: Facts, party_id: UUID | None) -> None:
    if entry.each is None or party_id is None:
        return
    if all(party.id != party_id for party in _parties_of(entry.each, facts)):
        raise _refused("not-your-capacity", [reasons.not_for_that_party(entry, entry.each)], facts)


def _is_awaited(party_id: UUID | None, remaining: Sequence[PartyFact]) -> bool:
    """Without a party (in a list of open steps), the step is open while any party has still to act."""
    return bool(remaining) if party_id is None else any(party.id == party_id for party in remaining)


def _term_must_have_passed(procedure: Procedure, entry: Step, facts: Facts, on: date) -> None:
    if entry.after is None:
        return
    running = [term for term in facts.terms if term.name == entry.after and not term.ended]
    last = max((term.due_on for term in running), default=None)
    suspended = any(term.suspended for term in running)
    if last is None or suspended or on <= last:
        reason = reasons.term_not_passed(procedure, entry, entry.after, last, suspended=suspended)
        raise _refused("term-not-passed", [reason], facts)


def _needs_must_hold(procedure: Procedure, entry: Step, facts: Facts, on: date) -> None:
    found = _first_of_each(checks.unmet(entry.needs, facts, on))
    unmet = [reasons.need_not_met(procedure, name, finding) for name, finding in found]
    if entry.fails and not checks.unmet(entry.fails, facts, on):
        unmet.append(reasons.no_gate_fails(entry))
    unmet += _tracks_in_another_state(procedure, entry, facts)
    if unmet:
        raise _refused("need-not-met", unmet, facts)


def _first_of_each(found: Sequence[tuple[str, checks.Finding]]) -> Iterable[tuple[str, checks.Finding]]:
    """The findings, of each check the first few and then how many more there are: it may find every party."""
    for name, group in groupby(found, key=itemgetter(0)):
        findings = list(group)
        yield from findings[:MOST_FINDINGS]
        if (left_out := len(findings) - MOST_FINDINGS) > 0:
            yield (
                name,
                checks.Finding(f"The same is so in {left_out} more cases, which are not listed.", findings[0][1].cure),
            )


def _tracks_in_another_state(procedure: Procedure, entry: Step, facts: Facts) -> list[Reason]:
    """A step opens a track that is not open, pauses an open one, reopens a paused one, and closes either."""
    required = (
        ((entry.within,) if entry.within else (), (OPEN,)),
        (entry.opens, (None, CLOSED)),
        (entry.pauses, (OPEN,)),
        (entry.reopens, (PAUSED,)),
        (entry.closes, (OPEN, PAUSED)),
    )
    allowed: dict[str, tuple[str | None, ...]] = {}
    for names, states in required:
        for name in names:
            allowed[name] = tuple(state for state in allowed.get(name, states) if state in states)
    return [
        reasons.track_in_another_state(procedure, entry, name, facts.track(name), states)
        for name, states in allowed.items()
        if facts.track(name) not in states
    ]


def _refused(code: str, why: Sequence[Reason], facts: Facts) -> Refused:
    return Refused(code, " ".join(reason.detail for reason in why), tuple(why), facts.stage)


def _allowed(entry: Step, facts: Facts, holdings: Collection[Holding]) -> list[Holding]:
    """The holdings that let the actor take the step, in an order of their own."""
    places: dict[UUID | None, int] = {party.id: place for place, party in enumerate(facts.parties)}
    withdrawn = {party.id for party in facts.parties if party.participation == WITHDRAWN}
    named = facts.subject if facts.subject in places else None
    return sorted(
        (
            holding
            for holding in holdings
            if acts_as(entry.by, holding.capacity)
            and holding.party_id not in withdrawn
            and (named is None or holding.party_id in (None, named))
        ),
        key=lambda holding: (places.get(holding.party_id, len(places)), holding.capacity),
    )


def _parties_of(capacity: str, facts: Facts) -> list[PartyFact]:
    return [party for party in facts.remaining if acts_as((capacity,), party.capacity)]


def _still_to_act(entry: Step, facts: Facts) -> list[PartyFact]:
    if entry.each is None:
        return []
    acted = {act.party_id for act in facts.acts if act.step == entry.name}
    return [party for party in _parties_of(entry.each, facts) if party.id not in acted]


def _awaited(entry: Step, facts: Facts, on: date) -> Iterable[tuple[str, UUID | None, str | None]]:
    for view in checks.views(entry.needs, facts):
        missing = checks.unmet(entry.needs, view, on)
        first = [finding for name, finding in missing if name == missing[0][0]]
        awaited: list[tuple[str, UUID | None, str | None]] = [
            (*whom, missing[0][0]) for finding in first for whom in finding.awaits
        ]
        yield from awaited or [(*taker, None) for taker in _takers(entry, view)]


def _takers(entry: Step, facts: Facts) -> list[tuple[str, UUID | None]]:
    if entry.each is not None:
        return [(party.capacity, party.id) for party in _still_to_act(entry, facts)]
    takers: list[tuple[str, UUID | None]] = []
    for capacity in entry.by:
        if is_party(capacity):
            takers += [(party.capacity, party.id) for party in _parties_of(capacity, facts)]
        else:
            takers.append((capacity, None))
    return takers
