"""The words of a diagram: labels of stages and arrows, the key's rows and the description."""

from collections.abc import Iterable, Iterator

from app.institution.procedures.diagram.plan import Arrow, EarlyEnding, NumberedStep, Plan
from app.institution.procedures.diagram.text import (
    BODY_SIZE,
    BOX_WIDTH,
    ENDING_WIDTH,
    HEADING_SIZE,
    LABEL_WIDTH,
    PADDING,
    SMALL_SIZE,
    TextLine,
    wrapped,
)
from app.rules.model import SET_PER_CASE, Citation, Procedure, Stage, Step

_MARKS = {"unverified": " ?", "secondary": " *"}


def plain_name(name: str) -> str:
    """A rule's name with spaces in place of hyphens."""
    return name.replace("-", " ")


def takers_of(step: Step) -> str:
    """Who may take the step."""
    if step.each is None:
        return " or ".join(plain_name(capacity) for capacity in step.by)
    whom = f"each {plain_name(step.each.removeprefix('any-'))}"
    others = [plain_name(capacity) for capacity in step.by if capacity != step.each]
    return f"{' or '.join(others)}, for {whom}" if others else whom


def citation_text(citation: Citation) -> str:
    """Where the rule is written, with a mark for how well that is established."""
    if citation.article is None and citation.standing == "institution":
        return "practice"
    where = citation.article or citation.source or "no article"
    if citation.standing == "institution":
        where = f"{where}, practice"
    return where + _MARKS.get(citation.standing, "")


def period_text(procedure: Procedure, step: Step) -> str:
    """Period of the term that must pass before the step; empty without entry."""
    if step.after is None:
        return ""
    period = procedure.term(step.after).period
    return "the period set for the case" if period == SET_PER_CASE else plain_name(period)


def silence_text(procedure: Procedure, step: Step) -> str:
    """The term that must pass before the step, with its period; empty without entry."""
    return "" if step.after is None else f"after {period_text(procedure, step)}, {plain_name(step.after)}"


def stage_lines(plan: Plan, stage: Stage) -> tuple[TextLine, ...]:
    """Text of a stage's box: the case's marks, title, name and the steps that leave the case there."""
    lines = [TextLine(text, SMALL_SIZE, True) for text in _case_marks(plan, stage.name)]
    lines += wrapped(stage.title, BOX_WIDTH - 2 * PADDING, HEADING_SIZE, bold=True)
    lines += wrapped(f"{stage.name}{', final' if stage.final else ''}", BOX_WIDTH - 2 * PADDING, SMALL_SIZE)
    for text in _lines_by_name(plan, plan.stays[stage.name]):
        lines += wrapped(f"· {text}", BOX_WIDTH - 2 * PADDING, SMALL_SIZE, hanging=PADDING)
    return tuple(lines)


def _case_marks(plan: Plan, stage: str) -> Iterator[str]:
    numbers = [str(number) for number, name in enumerate(plan.way, start=1) if name == stage]
    if numbers:
        yield f"on the way: {', '.join(numbers)}"
    if plan.at == stage:
        yield "▶ here: the case stands at this stage"


def _lines_by_name(plan: Plan, entries: Iterable[NumberedStep], *, cited: bool = False) -> Iterator[str]:
    """One line per step name: its numbers, who takes it and, if `cited`, its articles."""
    named: dict[str, list[NumberedStep]] = {}
    for entry in entries:
        named.setdefault(entry.step.name, []).append(entry)
    for name, same in named.items():
        numbers = ", ".join(str(entry.number) for entry in same)
        takers = "; ".join(dict.fromkeys(takers_of(entry.step) for entry in same))
        details = dict.fromkeys(
            citation_text(entry.step.citation) if cited else _side_effects(plan.procedure, entry.step) for entry in same
        )
        yield " · ".join([f"{numbers} {plain_name(name)}: {takers}", *filter(None, details)])


def _side_effects(procedure: Procedure, step: Step) -> str:
    """What a step that keeps the stage waits for, and what it does to tracks."""
    acts = (("opens", step.opens), ("pauses", step.pauses), ("resumes", step.reopens), ("closes", step.closes))
    effects = [f"{word} {plain_name(name)}" for word, names in acts for name in names]
    waits = [f"after {period_text(procedure, step)}"] if step.after else []
    return ", ".join((*waits, *effects))


def arrow_lines(plan: Plan, arrow: Arrow) -> tuple[TextLine, ...]:
    """Label of an arrow: its steps, who takes them and their articles."""
    lines: list[TextLine] = []
    for entry in arrow.entries:
        lines += wrapped(f"{entry.number} {entry.step.title}", LABEL_WIDTH, BODY_SIZE, bold=True)
        silence = silence_text(plan.procedure, entry.step)
        lines += wrapped(silence, LABEL_WIDTH, SMALL_SIZE) if silence else ()
        lines += wrapped(f"{takers_of(entry.step)} · {citation_text(entry.step.citation)}", LABEL_WIDTH, SMALL_SIZE)
    return tuple(lines)


def ending_lines(plan: Plan, ending: EarlyEnding) -> tuple[TextLine, ...]:
    """Label of an early ending: its steps, and the final stage where there are several."""
    lines: list[TextLine] = []
    for text in _lines_by_name(plan, ending.entries, cited=True):
        lines += wrapped(text, ENDING_WIDTH - 2 * PADDING, SMALL_SIZE, hanging=PADDING)
    for silence in dict.fromkeys(
        silence_text(plan.procedure, entry.step) for entry in ending.entries if entry.step.after
    ):
        lines += wrapped(silence, ENDING_WIDTH - 2 * PADDING, SMALL_SIZE)
    if sum(1 for stage in plan.procedure.stages if stage.final) > 1:
        lines += wrapped(f"to {plain_name(ending.to)}", ENDING_WIDTH - 2 * PADDING, SMALL_SIZE)
    return tuple(lines)


def leads_text(step: Step) -> str:
    """From which stages a step leads to which, and its outcome."""
    outcomes = " or ".join(plain_name(outcome) for outcome in (step.outcome, step.partial_outcome) if outcome)
    ends = f" ({outcomes})" if outcomes else ""
    return f"{', '.join(step.origin)} → {step.to or 'stays there'}{ends}"


def _step_sentence(plan: Plan, entry: NumberedStep) -> str:
    step = entry.step
    to = "leaves the case where it is" if step.to is None else f"leads to {step.to}"
    silence = silence_text(plan.procedure, step)
    when = f", {silence}," if silence else ""
    return (
        f"Step {entry.number}, {step.title} ({step.name}), by {takers_of(step)}, "
        f"from {', '.join(step.origin)}{when} {to}; "
        f"it rests on {citation_text(step.citation)}."
    )


def description_of(plan: Plan) -> str:
    """Describe the whole diagram in sentences, for readers who do not see it."""
    sentences = [
        f"Stage {stage.name}, in the phase {stage.phase}{', final' if stage.final else ''}: {stage.title}."
        for stage in plan.procedure.stages
    ]
    sentences += [_step_sentence(plan, entry) for entry in plan.entries]
    if plan.way:
        sentences.append(f"The case came through {', '.join(plan.way)}.")
    if plan.at is not None:
        sentences.append(f"The case stands at {plan.at}.")
    return " ".join(sentences)


def key_row(plan: Plan, entry: NumberedStep) -> tuple[str, str, str, str, str]:
    """Cells of a step's row in the key."""
    step = entry.step
    silence = (
        f", after {period_text(plan.procedure, step)} {plan.procedure.term(step.after).title}" if step.after else ""
    )
    return (
        str(entry.number),
        f"{step.title} ({step.name}){silence}",
        takers_of(step),
        leads_text(step),
        citation_text(step.citation),
    )
