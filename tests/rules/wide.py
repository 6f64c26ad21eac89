"""A rule set with many stages, for drawings."""

from dataclasses import replace

from app.rules.loader import library
from app.rules.model import Procedure, Stage, Step

IOMED: Procedure = library()["iomed-state-2025"]


def wide() -> Procedure:
    """Twelve stages, some side by side, with ways back, silence between stages and two final stages."""
    phases = {
        "intake": "draft lodged invited",
        "assignment": "panel sole challenged",
        "sessions": "caucus joint expert",
        "settlement": "text",
        "closed": "settled ended",
    }
    stages = tuple(
        Stage(name, phase, f"The case is at the stage {name}", phase == "closed", "none")
        for phase, names in phases.items()
        for name in names.split()
    )
    steps = (
        step("lodge", "draft", "lodged"),
        step("invite", "lodged", "invited"),
        step("choose-panel", "invited", "panel"),
        step("choose-sole", "invited", "sole"),
        step("challenge", "panel sole", "challenged"),
        step("dismiss", "challenged", "panel"),
        step("start", "panel sole", "joint"),
        step("start-caucus", "panel sole", "caucus"),
        step("replace", "caucus joint expert", "sole"),
        step("part", "joint", "caucus"),
        step("meet", "caucus", "joint"),
        step("ask-expert", "joint caucus", "expert"),
        step("go-on", "expert", "joint", after="reply"),
        step("freeze", "joint caucus expert text", "text"),
        step("reopen", "text", "joint"),
        replace(step("sign", "text", "settled"), expected=("text",)),
        step("withdraw", "draft lodged invited panel sole caucus joint expert text", "ended"),
        step("lapse", "invited panel sole", "ended", after="reply"),
        step("record", "panel caucus", "settled"),
        step("note", "joint caucus", None),
    )
    return replace(IOMED, id="wide-2026", stages=stages, steps=steps)


def step(name: str, origin: str, to: str | None, **changes: object) -> Step:
    base = replace(IOMED.steps[0], name=name, title=f"Do {name}", origin=tuple(origin.split()), to=to)
    return replace(base, expected=(), lodges=False, **changes)  # type: ignore[arg-type]
