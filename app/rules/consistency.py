"""Checks that a rule set can work: every stage is reached and left, every term has an effect, every rule is cited."""

from collections.abc import Iterable, Iterator
from datetime import time
from itertools import chain, combinations

from app.rules.checks import CHECKS
from app.rules.lines import table_of
from app.rules.model import (
    CAPACITIES,
    FIELD_BLOCKS,
    OUTCOMES,
    PARTICIPATIONS,
    PARTY_CAPACITIES,
    SET_PER_CASE,
    Citation,
    Procedure,
    Step,
    Term,
)
from app.rules.office_hours import CHANNELS, PLACES
from app.rules.terms import CALENDARS, COUNTINGS, ROLLS, RUNS_FROM, TermFault, parse_period

Fault = tuple[str, str]
NOUNS = ("consents", "appointments", "sessions", "settlement/drafts", "settlement/signatures")
# Only the acts of these resources take these steps.
TAKEN_THROUGH = {
    "consents": ("accept-invitation",),
    "appointments": ("nominate", "confirm-mediator", "resign", "replace-mediator"),
    "sessions": ("hold-session",),
    "settlement/drafts": ("freeze-text",),
    "settlement/signatures": ("sign",),
}
CATEGORIES = ("state-state", "investor-state", "commercial", "court-referred")
TRACK_KEYS = ("opens", "pauses", "reopens", "closes")
MARKS = ("lodges", "serves", "numbers")


def faults_of(procedure: Procedure) -> Iterator[Fault]:
    """Every fault, with the table that has it."""
    yield from _names(procedure)
    names = [step.name for step in procedure.steps]
    for index, step in enumerate(procedure.steps):
        table = table_of("steps", names, index)
        checks = (_words(procedure, step), _ending(procedure, step), _through(step), _by_the_clock(step))
        for fault in (*chain.from_iterable(checks), *_leaving(procedure, step)):
            yield table, fault
    yield from _resubmission(procedure)
    for category in procedure.categories:
        if category not in CATEGORIES:
            yield "the top of the file", f"categories: unknown '{category}' (known: {', '.join(CATEGORIES)})"
    yield from _ways(procedure)
    yield from _ends(procedure)
    yield from _grounds(procedure)
    yield from _entries(procedure)
    yield from _marks(procedure)
    yield from _terms(procedure)
    yield from _office_hours(procedure)
    yield from _tracks(procedure)
    yield from _citations(procedure)


def _names(procedure: Procedure) -> Iterator[Fault]:
    for kind, named in (
        ("stages", procedure.stages),
        ("tracks", procedure.tracks),
        ("terms", procedure.terms),
        ("office_hours", procedure.office_hours),
        ("checks", procedure.checks),
        ("grounds", procedure.grounds),
    ):
        names = [item.name for item in named]
        for index, name in enumerate(names):
            if name in names[:index]:
                yield table_of(kind, names, index), "the name is given twice"
    for check in procedure.checks:
        if check.name not in CHECKS:
            yield f"[[checks]] {check.name}", f"unknown check (known: {', '.join(CHECKS)})"


def _words(procedure: Procedure, step: Step) -> Iterator[str]:
    stages = {stage.name for stage in procedure.stages}
    terms = {term.name for term in procedure.terms}
    tracks = {track.name for track in procedure.tracks}
    words_of = {
        "by": (step.by, set(CAPACITIES)),
        "each": ((step.each,) if step.each else (), {"any-party", *PARTY_CAPACITIES}),
        "from": (step.origin, stages),
        "to": ((step.to,) if step.to else (), stages),
        "expected": (step.expected, set(step.origin)),
        "starts": (step.starts, terms),
        "ends": (step.ends, terms),
        "after": ((step.after,) if step.after else (), terms),
        "suspends": (step.suspends, terms),
        "resumes": (step.resumes, terms),
        **{key: (getattr(step, key), tracks) for key in TRACK_KEYS},
        "within": ((step.within,) if step.within else (), tracks),
        "participation": ((step.participation,) if step.participation else (), set(PARTICIPATIONS)),
        "voids": (step.voids, {other.name for other in procedure.steps}),
        "grounds": (step.grounds, {ground.name for ground in procedure.grounds}),
        "partial_outcome": ((step.partial_outcome,) if step.partial_outcome else (), set(OUTCOMES)),
        "outcome": ((step.outcome,) if step.outcome else (), set(OUTCOMES)),
        "fields": (step.fields, set(FIELD_BLOCKS)),
        "taken_through": ((step.taken_through,) if step.taken_through else (), set(NOUNS)),
    }
    for key, (words, allowed) in words_of.items():
        for word in words:
            if word not in allowed:
                yield f"{key}: unknown '{word}' (known: {', '.join(sorted(allowed))})"
    cited = {check.name for check in procedure.checks}
    for key, words in (("needs", step.needs), ("fails", step.fails)):
        for word in words:
            if word not in CHECKS:
                yield f"{key}: unknown check '{word}' (known: {', '.join(CHECKS)})"
            elif word not in cited:
                yield f"{key}: the check '{word}' is cited in no [[checks]]"


def _ending(procedure: Procedure, step: Step) -> Iterator[str]:
    final = {stage.name for stage in procedure.stages if stage.final}
    if step.to in final and step.outcome is None:
        yield f"to: it leads to the final stage '{step.to}' without an outcome"
    if step.partial_outcome is not None and step.outcome is None:
        yield "partial_outcome: it has an outcome for a part but none for the whole"
    if step.outcome is not None and step.to not in final:
        yield "outcome: it has an outcome but does not lead to a final stage"


def _resubmission(procedure: Procedure) -> Iterator[Fault]:
    if procedure.resubmission is None:
        return
    try:
        period = parse_period(procedure.resubmission)
    except TermFault as fault:
        yield "the top of the file", f"resubmission: {fault}"
        return
    if period is None or period.unit == "working-day":
        yield "the top of the file", "resubmission: give a number of days, weeks or months"


def _through(step: Step) -> Iterator[str]:
    noun = step.taken_through
    if noun in TAKEN_THROUGH and step.name not in TAKEN_THROUGH[noun]:
        yield f"taken_through: '{noun}' takes {' and '.join(map(repr, TAKEN_THROUGH[noun]))}, and not '{step.name}'"
    for other, names in TAKEN_THROUGH.items():
        if noun is None and other != "consents" and step.name in names:
            yield f"name: '{step.name}' is taken through '{other}': set taken_through"


def _by_the_clock(step: Step) -> Iterator[str]:
    """The clock gives no fields, and takes a step once: the step must move the case or end the term it waited for."""
    if "clock" not in step.by:
        return
    keys = [key for key in ("reason", "grounds", "fields") if getattr(step, key)]
    keys += ["participation"] if step.participation is not None and step.by == ("clock",) else []
    for key in keys:
        yield f"{key}: the clock takes the step and cannot give it"
    if step.to is None and (step.after is None or step.after not in step.ends):
        yield "by: the clock would take it again and again; let it lead elsewhere, or end the term that it is after"


def _leaving(procedure: Procedure, step: Step) -> Iterator[str]:
    """A step that every party must take would never complete if the last awaited party left."""
    if step.participation != "withdrawn" or step.to is not None:
        return
    joint = [other for other in procedure.steps if other.each is not None and other.to is not None]
    kept = {other.name for other in joint if set(other.origin) & set(step.origin)} - set(step.voids)
    for name in sorted(kept):
        yield f"voids: it must undo '{name}', which the others then do again without the party that left"


def _ways(procedure: Procedure) -> Iterator[Fault]:
    reached = {procedure.initial.name}
    while (
        ahead := {step.to for step in procedure.steps if step.to is not None and reached.intersection(step.origin)}
        - reached
    ):
        reached |= ahead
    for stage in procedure.stages:
        table = f"[[stages]] {stage.name}"
        if stage.name not in reached:
            yield table, "no sequence of steps leads here from the first stage"
        exits = [step for step in procedure.steps if stage.name in step.origin and step.to not in (None, stage.name)]
        if not stage.final and not exits:
            yield table, "a dead end: no step leads away, and it is not final"
        taken = sorted({step.name for step in procedure.steps if stage.name in step.origin})
        if stage.final and taken:
            yield table, f"a step can be taken from it although it is final ({', '.join(taken)})"


def _grounds(procedure: Procedure) -> Iterator[Fault]:
    used = {name for step in procedure.steps for name in step.grounds}
    for ground in procedure.grounds:
        if ground.name not in used:
            yield f"[[grounds]] {ground.name}", "no step has this ground"


def _ends(procedure: Procedure) -> Iterator[Fault]:
    """Every stage leads to a final one: a case could never leave a ring of stages."""
    ending = {stage.name for stage in procedure.stages if stage.final}
    while before := {origin for step in procedure.steps if step.to in ending for origin in step.origin} - ending:
        ending |= before
    for stage in procedure.stages:
        if stage.name not in ending:
            yield f"[[stages]] {stage.name}", "no sequence of steps leads from here to a final stage"


def _entries(procedure: Procedure) -> Iterator[Fault]:
    names = [step.name for step in procedure.steps]
    for (_index, step), (index, other) in combinations(enumerate(procedure.steps), 2):
        if step.name != other.name:
            continue
        if set(step.origin) & set(other.origin) and _capacities(step.by) & _capacities(other.by):
            yield (
                table_of("steps", names, index),
                "two entries of this name are open to the same people at the same stage",
            )


def _capacities(by: Iterable[str]) -> set[str]:
    named = set(by)
    return named.union(PARTY_CAPACITIES) if "any-party" in named else named


def _marks(procedure: Procedure) -> Iterator[Fault]:
    for mark in MARKS:
        marked = {step.name for step in procedure.steps if getattr(step, mark)}
        if len(marked) != 1:
            names = ", ".join(sorted(marked)) or "none"
            yield "[[steps]]", f"{mark}: exactly one step must have this mark (now: {names})"


def _terms(procedure: Procedure) -> Iterator[Fault]:
    started = {name for step in procedure.steps for name in step.starts}
    effective = {name for step in procedure.steps for name in step.ends}
    effective |= {step.after for step in procedure.steps if step.after}
    suspended = {name for step in procedure.steps for name in step.suspends}
    resumed = {name for step in procedure.steps for name in step.resumes}
    for term in procedure.terms:
        table = f"[[terms]] {term.name}"
        if term.name not in started:
            yield table, "no step starts it"
        if term.name not in effective:
            yield table, "it has no effect: no step ends it, and none is open after it"
        for fault in (*_term_words(term), *_periods(term), *_resting(term)):
            yield table, fault
        if term.name in suspended - resumed:
            yield table, "a step suspends it, and none resumes it"


def _term_words(term: Term) -> Iterator[str]:
    words_of = {
        "counting": ((term.counting,), COUNTINGS),
        "roll": ((term.roll,), ROLLS),
        "runs_from": ((term.runs_from,), RUNS_FROM),
        "calendars": (term.calendars, CALENDARS),
        "extend_by": (term.extend_by, CAPACITIES),
        "waive_by": (term.waive_by, CAPACITIES),
        "suspend_by": (term.suspend_by, CAPACITIES),
    }
    for key, (words, allowed) in words_of.items():
        for word in words:
            if word not in allowed:
                yield f"{key}: unknown '{word}' (known: {', '.join(allowed)})"


def _periods(term: Term) -> Iterator[str]:
    try:
        parse_period(term.period)
    except TermFault as fault:
        yield f"period: {fault}"
    if term.extend_at_most is None:
        return
    try:
        if parse_period(term.extend_at_most) is None:
            yield f"extend_at_most: '{SET_PER_CASE}' bounds nothing; give a period or leave it out"
    except TermFault as fault:
        yield f"extend_at_most: {fault}"


def _resting(term: Term) -> Iterator[str]:
    working_days = ("working-day", "working-days")
    counts_working_days = term.period.endswith(working_days)
    limits_working_days = term.extend_at_most is not None and term.extend_at_most.endswith(working_days)
    if not term.calendars and term.roll != "none":
        yield f"roll: '{term.roll}' needs calendars (known: {', '.join(CALENDARS)})"
    if not term.calendars and counts_working_days:
        yield f"period: working days need calendars (known: {', '.join(CALENDARS)})"
    if not term.calendars and limits_working_days:
        yield f"extend_at_most: working days need calendars (known: {', '.join(CALENDARS)})"
    if term.calendars and term.roll == "none" and not counts_working_days and not limits_working_days:
        yield "calendars: they have no effect on a term that neither rolls nor counts working days"
    if "addressee" in term.calendars and term.runs_from != "receipt":
        yield "calendars: 'addressee' needs runs_from = 'receipt': any other term runs for all, and has no addressee"
    if term.runs_from == "receipt" and term.period == SET_PER_CASE:
        yield f"period: '{SET_PER_CASE}' cannot count from receipt, at which nobody sets a day"
    if (term.extend_with_all or term.extend_at_most) and not term.extend_by:
        limit = "extend_at_most" if term.extend_at_most else "extend_with_all"
        yield f"{limit}: nobody may extend the term, so no limit of extensions has an effect; give extend_by"


def _office_hours(procedure: Procedure) -> Iterator[Fault]:
    channels: set[str] = set()
    for hours in procedure.office_hours:
        table = f"[[office_hours]] {hours.name}"
        for key, words, allowed in (("channels", hours.channels, CHANNELS), ("calendars", hours.calendars, PLACES)):
            for word in words:
                if word not in allowed:
                    yield table, f"{key}: unknown '{word}' (known: {', '.join(allowed)})"
        for channel in hours.channels:
            if channel in channels:
                yield table, f"channels: '{channel}' has office hours already"
            channels.add(channel)
        if hours.until == time():
            yield table, "until: nothing would ever be in time; leave the channel out if it counts until midnight"


def _tracks(procedure: Procedure) -> Iterator[Fault]:
    for track in procedure.tracks:
        table = f"[[tracks]] {track.name}"
        used = {key for key in TRACK_KEYS for step in procedure.steps if track.name in getattr(step, key)}
        if "opens" not in used:
            yield table, "no step opens it"
        if "closes" not in used:
            yield table, "no step closes it"
        if "pauses" in used and "reopens" not in used:
            yield table, "a step pauses it, and none reopens it"


def _citations(procedure: Procedure) -> Iterator[Fault]:
    for kind, cited in (
        ("steps", procedure.steps),
        ("tracks", procedure.tracks),
        ("terms", procedure.terms),
        ("office_hours", procedure.office_hours),
        ("checks", procedure.checks),
        ("grounds", procedure.grounds),
    ):
        names = [item.name for item in cited]
        for index, fault in enumerate([_citation(item.citation) for item in cited]):
            if fault is not None:
                yield table_of(kind, names, index), fault


def _citation(citation: Citation) -> str | None:
    if citation.standing == "institution":
        return "article: a rule of the registry's own practice has no article" if citation.article else None
    if citation.article is None and citation.source is None:
        return "it cites nothing: give an article or a source, or the standing 'institution'"
    return None
