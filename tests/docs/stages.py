"""Draws the stages of a case under UNCITRAL's rules, into docs/stages.svg: `python -m tests.docs.stages`."""

from textwrap import wrap

from app.rules.loader import library
from app.rules.model import Procedure, Stage, Step
from tests.house.picture import BAND, GREY, INK, LINE, MARGIN, SMALL, WIDTH, sheet, text_at
from tests.house.source import ROOT

PICTURE = ROOT / "docs" / "stages.svg"
RULE_SET = "uncitral-2021"
TOP, HEIGHT, GAP = 116, 100, 22


def picture() -> str:
    """The picture of the rule set as it is: its stages from left to right, and the outcomes at which a case may end."""
    rules = library()[RULE_SET]
    pitch = (WIDTH - 2 * MARGIN + GAP) / len(rules.stages)
    parts: list[str] = []
    spoken: list[str] = []
    for number, stage in enumerate(rules.stages):
        left, width = MARGIN + number * pitch, pitch - GAP
        ahead = rules.stages[number + 1] if number + 1 < len(rules.stages) else None
        title = stage.title if ahead else f"{stage.title}: {_outcome(rules, stage)}"
        parts += _stage(stage, title, left, width)
        if ahead is not None:
            step = _expected(rules, stage, ahead)
            parts += _arrow(step, left + width)
            spoken.append(f"{stage.name}: '{step.name}' by {_takers(step)} leads to {ahead.name}")
        endings = _endings(rules, stage, ahead)
        if endings:
            parts += _ends(endings, left, width)
            spoken.append(f"from {stage.name} the case may also end as {', '.join(endings)}")
    shown = "Above each arrow stands the step that leads on, and who takes it. Below: how a case may end from there."
    return sheet(
        f"The stages of a case under the {rules.title}, {rules.edition}",
        f"{shown} {'; '.join(spoken)}.",
        shown,
        parts,
        TOP + HEIGHT + 86,
    )


def _expected(rules: Procedure, stage: Stage, ahead: Stage) -> Step:
    return next(step for step in rules.steps if stage.name in step.expected and step.to == ahead.name)


def _endings(rules: Procedure, stage: Stage, ahead: Stage | None) -> list[str]:
    """The outcomes of the steps that end the case from a stage, without the expected one."""
    ends = [step for step in rules.steps if stage.name in step.origin and step.outcome is not None]
    return sorted({str(step.outcome) for step in ends if ahead is None or stage.name not in step.expected})


def _outcome(rules: Procedure, final: Stage) -> str:
    """The outcome of the step that is expected to lead to a final stage."""
    return next(str(step.outcome) for step in rules.steps if step.expected and step.to == final.name)


def _takers(step: Step) -> str:
    takers = " or ".join(taker.replace("any-", "").replace("-", " ") for taker in step.by)
    return f"each {takers}" if step.each else takers


def _stage(stage: Stage, title: str, left: float, width: float) -> list[str]:
    weight = 3 if stage.final else 1.4
    box = f'x="{left:.1f}" y="{TOP}" width="{width:.1f}" height="{HEIGHT}" rx="6"'
    middle = left + width / 2
    return [
        f'<rect {box} fill="{BAND}" stroke="{INK}" stroke-width="{weight}"/>',
        text_at(middle, TOP + 22, stage.name, weight="bold", anchor="middle"),
        *(
            text_at(middle, TOP + 40 + 14 * number, line, GREY, SMALL, anchor="middle")
            for number, line in enumerate(wrap(title, 17))
        ),
    ]


def _arrow(step: Step, left: float) -> list[str]:
    middle = left + GAP / 2
    path = f"M{left:.1f} {TOP + HEIGHT / 2:g}H{left + GAP - 5:.1f}"
    return [
        f'<path d="{path}" stroke="{LINE}" stroke-width="1.6" marker-end="url(#head)"/>',
        text_at(middle, TOP - 28, step.name, anchor="middle"),
        text_at(middle, TOP - 12, _takers(step), GREY, SMALL, anchor="middle"),
    ]


def _ends(endings: list[str], left: float, width: float) -> list[str]:
    middle, y = left + width / 2, TOP + HEIGHT
    return [
        f'<path d="M{middle:.1f} {y}V{y + 13}" stroke="{LINE}" stroke-width="1.6" marker-end="url(#head)"/>',
        *(
            text_at(middle, y + 34 + 15 * number, ending, size=SMALL, anchor="middle")
            for number, ending in enumerate(endings)
        ),
    ]


if __name__ == "__main__":
    PICTURE.write_text(picture(), encoding="utf-8")
