"""A rule set as a page of the documentation, with its diagram, terms, effects of silence and steps."""

from collections.abc import Iterable, Iterator

from app.rules.model import SET_PER_CASE, Check, Citation, Ground, Procedure, Step, Term
from app.rules.silence import Silence, effects

_STANDING = {
    "text": "read in the instrument",
    "secondary": "from a secondary source",
    "unverified": "not verified",
    "institution": "the registry's own practice",
}
_EFFECT = {
    "automatic": "by itself",
    "at-election": "at a party's election",
    "on-request": "on a party's request",
    "by-notice": "by notice of the institution",
}


def page(procedure: Procedure) -> str:
    """The page of a rule set in Markdown; it expects the diagram `<id>.svg` in the same folder."""
    parts = [
        f"# {procedure.title}",
        "<!-- made by `accord procedures page`, not by hand -->",
        f"`{procedure.id}`, edition {procedure.edition}, for {_listed(procedure.categories)}. {procedure.source}.",
        procedure.note,
        _table(("", ""), _attributes(procedure)),
        f"![Diagram of the procedure: stages by phase, steps with who takes them]({procedure.id}.svg)",
        "## Terms",
        *_terms(procedure),
        *_tracks(procedure),
        "## Steps",
        _table(("step", "taken by", "from", "leads to", "rests on"), map(_step, procedure.steps)),
        *_named("Grounds", procedure.grounds),
        *_named("What steps need", procedure.checks),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _attributes(procedure: Procedure) -> Iterator[tuple[str, ...]]:
    yield "commences", f"on {procedure.commences}"
    yield "fact of the mediation", procedure.fact_of_mediation
    yield "statements in caucus", procedure.caucus
    yield "days are counted", f"at the {procedure.zone}"
    if procedure.resubmission:
        yield "a corrected filing", f"keeps its first receipt within {procedure.resubmission}"
    for hours in procedure.office_hours:
        yield f"received by {_listed(hours.channels)}", f"until {hours.until:%H:%M} on a working day, else on the next"


def _terms(procedure: Procedure) -> Iterator[str]:
    if not procedure.terms:
        yield "This rule set has no terms."
        return
    yield _table(
        ("term", "period", "counted", "if it passes", "rests on"), (_term(procedure, term) for term in procedure.terms)
    )


def _term(procedure: Procedure, term: Term) -> tuple[str, ...]:
    period = "set for each case" if term.period == SET_PER_CASE else term.period
    follows = "; ".join(_silence(silence) for silence in effects(procedure, term.name))
    return f"`{term.name}`: {term.title}", period, _counting(term), follows, _cited(term.citation)


def _counting(term: Term) -> str:
    """How a term is counted, and who may change its day."""
    lines = [f"from the day after the {term.runs_from}"]
    if term.roll != "none":
        lines.append(f"{term.roll} ({_listed(term.calendars)})")
    for word, capacities in (("extended", term.extend_by), ("waived", term.waive_by), ("suspended", term.suspend_by)):
        if capacities:
            lines.append(f"{word} by {_listed(capacities)}")
    if term.extend_with_all:
        lines.append("an extension needs every party's agreement")
    if term.extend_at_most:
        lines.append(f"extended by {term.extend_at_most} at most")
    return "; ".join(lines)


def _silence(silence: Silence) -> str:
    if silence.step is None:
        return "nothing by itself"
    ends = f", ends as {silence.outcome}" if silence.outcome else ""
    return f"{_EFFECT[silence.effect]}: `{silence.step}` by {_listed(silence.by)}{ends}"


def _tracks(procedure: Procedure) -> Iterator[str]:
    if procedure.tracks:
        yield "## Parallel proceedings"
        yield _table(
            ("track", "rests on"),
            ((f"`{track.name}`: {track.title}", _cited(track.citation)) for track in procedure.tracks),
        )


def _step(step: Step) -> tuple[str, ...]:
    takers = _listed(f"each {capacity}" if step.each == capacity else capacity for capacity in step.by)
    leads = f"`{step.to}`" if step.to else "stays"
    if step.outcome:
        leads += f", {step.outcome}"
    return (
        f"`{step.name}`: {step.title}",
        takers,
        _listed(f"`{stage}`" for stage in step.origin),
        leads,
        _cited(step.citation),
    )


def _named(title: str, rules: Iterable[Check | Ground]) -> Iterator[str]:
    rows = [(f"`{rule.name}`: {rule.title}", _cited(rule.citation)) for rule in rules]
    if rows:
        yield f"## {title}"
        yield _table(("", "rests on"), rows)


def _cited(citation: Citation) -> str:
    places = ", ".join(place for place in (citation.article, citation.source) if place is not None)
    return f"{places} ({_STANDING[citation.standing]})" if places else _STANDING[citation.standing]


def _listed(words: Iterable[str]) -> str:
    return ", ".join(word.replace("any-party", "any party").replace("-party", " party") for word in words)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """A table in Markdown; vertical bars in the cells are escaped."""
    lines = [head, tuple("---" for _column in head), *rows]
    return "\n".join(f"| {' | '.join(_cell(cell) for cell in line)} |" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
