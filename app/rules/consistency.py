"""Whether a rule set holds together: every stage reachable and left, every term with an effect, every rule cited."""

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import combinations

from app.rules.checks import CHECKS
from app.rules.model import CAPACITIES, OUTCOMES, PARTY_CAPACITIES, Citation, Procedure, Step
from app.rules.terms import COUNTINGS, ROLLS, TermFault, parse_period

Fault = tuple[str, str]
FIELD_BLOCKS = ("consent", "powers")
NOUNS = ("consents", "appointments", "sessions", "settlement/drafts", "settlement/signatures")
MARKS = ("lodges", "serves", "numbers")


def faults_of(procedure: Procedure) -> Iterator[Fault]:
    """Every fault, with the table in which it lies."""
    yield from _names(procedure)
    for step in procedure.steps:
        yield from _words(procedure, step)
        yield from _ending(procedure, step)
    yield from _ways(procedure)
    yield from _ends(procedure)
    yield from _grounds(procedure)
    yield from _entries(procedure)
    yield from _marks(procedure)
    yield from _terms(procedure)
    yield from _citations(procedure)


def _names(procedure: Procedure) -> Iterator[Fault]:
    for kind, named in (
        ("stages", procedure.stages),
        ("terms", procedure.terms),
        ("checks", procedure.checks),
        ("grounds", procedure.grounds),
    ):
        for name, count in Counter(one.name for one in named).items():
            if count > 1:
                yield f"[[{kind}]] {name}", "the name is given twice"
    for check in procedure.checks:
        if check.name not in CHECKS:
            yield f"[[checks]] {check.name}", f"unknown check (known: {', '.join(CHECKS)})"


def _words(procedure: Procedure, step: Step) -> Iterator[Fault]:
    table = f"[[steps]] {step.name}"
    stages = {stage.name for stage in procedure.stages}
    terms = {term.name for term in procedure.terms}
    known = {
        "by": (step.by, set(CAPACITIES)),
        "each": ((step.each,) if step.each else (), {"any-party", *PARTY_CAPACITIES}),
        "from": (step.origin, stages),
        "to": ((step.to,) if step.to else (), stages),
        "expected": (step.expected, set(step.origin)),
        "starts": (step.starts, terms),
        "ends": (step.ends, terms),
        "after": ((step.after,) if step.after else (), terms),
        "voids": (step.voids, {other.name for other in procedure.steps}),
        "grounds": (step.grounds, {ground.name for ground in procedure.grounds}),
        "partial_outcome": ((step.partial_outcome,) if step.partial_outcome else (), set(OUTCOMES)),
        "outcome": ((step.outcome,) if step.outcome else (), set(OUTCOMES)),
        "fields": (step.fields, set(FIELD_BLOCKS)),
        "taken_through": ((step.taken_through,) if step.taken_through else (), set(NOUNS)),
    }
    for key, (said, allowed) in known.items():
        for word in said:
            if word not in allowed:
                yield table, f"{key}: unknown '{word}' (known: {', '.join(sorted(allowed))})"
    cited = {check.name for check in procedure.checks}
    for key, said in (("needs", step.needs), ("fails", step.fails)):
        for word in said:
            if word not in CHECKS:
                yield table, f"{key}: unknown check '{word}' (known: {', '.join(CHECKS)})"
            elif word not in cited:
                yield table, f"{key}: the check '{word}' is cited in no [[checks]]"


def _ending(procedure: Procedure, step: Step) -> Iterator[Fault]:
    final = {stage.name for stage in procedure.stages if stage.final}
    if step.to in final and step.outcome is None:
        yield f"[[steps]] {step.name}", f"it leads to the final stage '{step.to}' without an outcome"
    if step.partial_outcome is not None and step.outcome is None:
        yield f"[[steps]] {step.name}", "it has a partial outcome but none for the whole"
    if step.outcome is not None and step.to not in final:
        yield f"[[steps]] {step.name}", "it has an outcome but does not lead to a final stage"


def _ways(procedure: Procedure) -> Iterator[Fault]:
    reached = {procedure.initial.name}
    while (
        found := {step.to for step in procedure.steps if step.to is not None and reached.intersection(step.origin)}
        - reached
    ):
        reached |= found
    for stage in procedure.stages:
        table = f"[[stages]] {stage.name}"
        if stage.name not in reached:
            yield table, "no way of steps leads here from the first stage"
        exits = [step for step in procedure.steps if stage.name in step.origin and step.to not in (None, stage.name)]
        if not stage.final and not exits:
            yield table, "a dead end: no step leads away, and it is not final"
        if stage.final and any(stage.name in step.origin for step in procedure.steps):
            yield table, "a step can be taken from it although it is final"


def _grounds(procedure: Procedure) -> Iterator[Fault]:
    used = {name for step in procedure.steps for name in step.grounds}
    for ground in procedure.grounds:
        if ground.name not in used:
            yield f"[[grounds]] {ground.name}", "no step is taken on it"


def _ends(procedure: Procedure) -> Iterator[Fault]:
    """Every stage has a way to a final one: a ring of stages would hold a case for ever."""
    ending = {stage.name for stage in procedure.stages if stage.final}
    while found := {origin for step in procedure.steps if step.to in ending for origin in step.origin} - ending:
        ending |= found
    for stage in procedure.stages:
        if stage.name not in ending:
            yield f"[[stages]] {stage.name}", "no way of steps leads from here to a final stage"


def _entries(procedure: Procedure) -> Iterator[Fault]:
    for one, other in combinations(procedure.steps, 2):
        if one.name != other.name:
            continue
        if set(one.origin) & set(other.origin) and _capacities(one.by) & _capacities(other.by):
            yield f"[[steps]] {one.name}", "two entries of this name are open to the same people at the same stage"


def _capacities(by: Iterable[str]) -> set[str]:
    named = set(by)
    return named.union(PARTY_CAPACITIES) if "any-party" in named else named


def _marks(procedure: Procedure) -> Iterator[Fault]:
    for mark in MARKS:
        bearing = {step.name for step in procedure.steps if getattr(step, mark)}
        if len(bearing) != 1:
            told = ", ".join(sorted(bearing)) or "none"
            yield "[[steps]]", f"{mark}: one step must bear this mark (now: {told})"


def _terms(procedure: Procedure) -> Iterator[Fault]:
    started = {name for step in procedure.steps for name in step.starts}
    effective = {name for step in procedure.steps for name in step.ends}
    effective |= {step.after for step in procedure.steps if step.after}
    for term in procedure.terms:
        table = f"[[terms]] {term.name}"
        if term.name not in started:
            yield table, "no step starts it"
        if term.name not in effective:
            yield table, "it has no effect: no step ends it, and none is open after it"
        if term.counting not in COUNTINGS:
            yield table, f"counting: unknown '{term.counting}' (known: {', '.join(COUNTINGS)})"
        if term.roll not in ROLLS:
            yield table, f"roll: unknown '{term.roll}' (known: {', '.join(ROLLS)})"
        try:
            parse_period(term.period)
        except TermFault as fault:
            yield table, f"period: {fault}"


def _citations(procedure: Procedure) -> Iterator[Fault]:
    for kind, cited in (
        ("steps", procedure.steps),
        ("terms", procedure.terms),
        ("checks", procedure.checks),
        ("grounds", procedure.grounds),
    ):
        for one in cited:
            if fault := _citation(one.citation):
                yield f"[[{kind}]] {one.name}", fault


def _citation(citation: Citation) -> str | None:
    if citation.standing == "institution":
        return "a rule of the registry's own practice has no article" if citation.article else None
    if citation.article is None and citation.source is None:
        return "it cites nothing: give an article or a source, or the standing 'institution'"
    return None
