"""`accord procedures`: lists, shows, draws, documents and checks rule sets."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from app.core.errors import Misconfigured
from app.institution.procedures.diagram.svg import draw
from app.institution.procedures.page import page
from app.rules.loader import library, load, use_folder
from app.rules.model import Citation, Procedure, Term
from app.rules.silence import Silence, effects
from app.settings import Settings

procedures = typer.Typer(help="Rules of procedure.", no_args_is_help=True)


@procedures.command("list")
def procedures_list() -> None:
    """List the rule sets."""
    for procedure in _library().values():
        typer.echo(f"{procedure.id}  {procedure.title}")


def _library() -> Mapping[str, Procedure]:
    """All rule sets, including the institution's own."""
    use_folder(Settings().rules_folder)
    return library()


def _procedure(id: str) -> Procedure:
    procedure = _library().get(id)
    if procedure is None:
        raise Misconfigured(f"There is no rule set with this id. Choose one of: {', '.join(library())}.")
    return procedure


@procedures.command("show")
def procedures_show(id: Annotated[str, typer.Argument(help="The rule set's id")]) -> None:
    """Show a rule set: its steps and terms, each with its article and how well the article is established."""
    procedure = _procedure(id)
    typer.echo(f"{procedure.title}\nSource: {procedure.source}\n\nStages")
    for stage in procedure.stages:
        typer.echo(f"  {stage.name:<14} {stage.phase:<11} {stage.title}{' (final)' if stage.final else ''}")
    typer.echo("\nSteps")
    for step in procedure.steps:
        leads = f"→ {step.to}" if step.to else "stays"
        typer.echo(f"  {step.name} ({', '.join(step.by)}): {', '.join(step.origin)} {leads}")
        typer.echo(f"      {step.title}. {_cited(step.citation)}")
    typer.echo("\nTerms")
    for term in procedure.terms:
        typer.echo(f"  {term.name}: {term.period}, {term.title}. {_cited(term.citation)}")
        typer.echo(f"      {_counted(term)}")
        for silence in effects(procedure, term.name):
            typer.echo(f"      If it passes: {_silence_text(silence)}")
    for track in procedure.tracks:
        typer.echo(f"  parallel track: {track.name}, {track.title}. {_cited(track.citation)}")
    for hours in procedure.office_hours:
        until = f"until {hours.until:%H:%M} on a working day ({', '.join(hours.calendars)})"
        typer.echo(f"  received by {', '.join(hours.channels)}: {until}, else on the next. {_cited(hours.citation)}")
    typer.echo("\nChecks")
    for check in procedure.checks:
        typer.echo(f"  {check.name}: {check.title}. {_cited(check.citation)}")
    if procedure.grounds:
        typer.echo("\nGrounds")
    for ground in procedure.grounds:
        typer.echo(f"  {ground.name}: {ground.title}. {_cited(ground.citation)}")
    typer.echo(f"\n{procedure.note}")


@procedures.command("draw")
def procedures_draw(
    id: Annotated[str, typer.Argument(help="The rule set's id")],
    out: Annotated[Path | None, typer.Option(help="Write the drawing to this file")] = None,
) -> None:
    """Draw a rule set as an SVG document."""
    drawn = draw(_procedure(id))
    if out is None:
        typer.echo(drawn)
        return
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(drawn, encoding="utf-8")
    except OSError as problem:
        raise Misconfigured(f"{out} cannot be written: {problem.strerror}.") from problem
    typer.echo(f"{id} is drawn in {out}.")


@procedures.command("page")
def procedures_page(
    ids: Annotated[list[str] | None, typer.Argument(help="The rule sets' ids; default: all")] = None,
    out: Annotated[Path, typer.Option(help="The folder to write to")] = Path("docs/procedures"),
) -> None:
    """Write the pages and diagrams of rule sets to a folder."""
    out.mkdir(parents=True, exist_ok=True)
    for id in ids or _library():
        procedure = _procedure(id)
        (out / f"{id}.md").write_text(page(procedure), encoding="utf-8")
        (out / f"{id}.svg").write_text(draw(procedure), encoding="utf-8")
        typer.echo(f"Wrote {id} to {out / f'{id}.md'}.")


@procedures.command("check")
def procedures_check(file: Annotated[Path, typer.Argument(help="A rule set's file")]) -> None:
    """Check the file of a rule set, and report each faulty table."""
    try:
        procedure = load(file)
    except OSError as problem:
        raise Misconfigured(f"{file} cannot be read: {problem.strerror}.") from problem
    typer.echo(f"{file}: fine: {len(procedure.stages)} stages, {len(procedure.steps)} steps.")


def _counted(term: Term) -> str:
    """How a term is counted, in one line."""
    rolls = "stays where it falls" if term.roll == "none" else f"rolls: {term.roll} ({', '.join(term.calendars)})"
    allowed = [
        f"{act} by {' or '.join(by)}"
        for act, by in (("extended", term.extend_by), ("waived", term.waive_by), ("suspended", term.suspend_by))
        if by
    ]
    return f"From the {term.runs_from}, {term.counting}; {rolls}{''.join(f'; {act}' for act in allowed)}."


def _silence_text(silence: Silence) -> str:
    """The effect of a term that passes unanswered, in words."""
    if silence.step is None:
        return "nothing follows by itself."
    leads = f", which ends the case as {silence.outcome}" if silence.outcome else ""
    return f"{silence.effect}: '{silence.step}' by {' or '.join(silence.by)}{leads}."


def _cited(citation: Citation) -> str:
    where = citation.article or citation.source or "the registry's own practice"
    return f"[{where}; {citation.standing}]"
