"""What a diagram shows, before anything has a place: stages, arrows between them and early endings."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise

from app.rules.model import PHASES, Procedure, Step

Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class NumberedStep:
    """A step with its number in the key, from 1."""

    number: int
    step: Step


@dataclass(frozen=True, slots=True)
class Arrow:
    """Steps that lead from the same stages to the same stage; `upward` where that stage stands above."""

    origins: tuple[str, ...]
    to: str
    silent: bool
    upward: bool
    entries: tuple[NumberedStep, ...]


@dataclass(frozen=True, slots=True)
class EarlyEnding:
    """Steps by which a case may end at a stage at which another step is expected."""

    origin: str
    to: str
    silent: bool
    entries: tuple[NumberedStep, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """What to draw, before it has a place. Nodes: the stages from 0, then the arrows' labels."""

    procedure: Procedure
    entries: tuple[NumberedStep, ...]
    arrows: tuple[Arrow, ...]
    endings: tuple[EarlyEnding, ...]
    stays: Mapping[str, tuple[NumberedStep, ...]]
    at: str | None
    way: tuple[str, ...]

    @property
    def walked(self) -> frozenset[Pair]:
        """The pairs of stages between which the case moved."""
        stages = self.way if self.at is None or self.way[-1:] == (self.at,) else (*self.way, self.at)
        return frozenset(pairwise(stages))

    def node(self, stage: str) -> int:
        """Number of the stage's node."""
        return [each.name for each in self.procedure.stages].index(stage)

    def arrow_node(self, position: int) -> int:
        """Number of the node of the arrow's label."""
        return len(self.procedure.stages) + position


def plan_of(procedure: Procedure, at: str | None, way: tuple[str, ...]) -> Plan:
    """Sort the steps into arrows, early endings and steps that keep the stage."""
    entries = tuple(NumberedStep(number, step) for number, step in enumerate(procedure.steps, start=1))
    return Plan(
        procedure=procedure,
        entries=entries,
        arrows=_arrows(procedure, entries),
        endings=_endings(procedure, entries),
        stays={
            stage.name: tuple(
                entry for entry in entries if stage.name in entry.step.origin and entry.step.to in (None, stage.name)
            )
            for stage in procedure.stages
        },
        at=at,
        way=way,
    )


def _ends_early(procedure: Procedure, step: Step) -> bool:
    return step.to is not None and procedure.stage(step.to).final and not step.expected


def _arrows(procedure: Procedure, entries: Iterable[NumberedStep]) -> tuple[Arrow, ...]:
    grouped: dict[tuple[tuple[str, ...], str, bool, bool], list[NumberedStep]] = {}
    for entry in entries:
        if entry.step.to is None or _ends_early(procedure, entry.step):
            continue
        for upward in (False, True):
            origins = tuple(
                stage.name
                for stage in procedure.stages
                if stage.name in entry.step.origin
                and stage.name != entry.step.to
                and (_standing(procedure, stage.name) > _standing(procedure, entry.step.to)) is upward
            )
            if origins:
                grouped.setdefault((origins, entry.step.to, entry.step.after is not None, upward), []).append(entry)
    return tuple(
        Arrow(origins, to, silent, upward, tuple(steps)) for (origins, to, silent, upward), steps in grouped.items()
    )


def _standing(procedure: Procedure, stage: str) -> tuple[int, int]:
    names = [each.name for each in procedure.stages]
    return PHASES.index(procedure.stage(stage).phase), names.index(stage)


def _endings(procedure: Procedure, entries: Iterable[NumberedStep]) -> tuple[EarlyEnding, ...]:
    grouped: dict[tuple[str, str, bool], list[NumberedStep]] = {}
    for entry in entries:
        if entry.step.to is not None and _ends_early(procedure, entry.step):
            for origin in entry.step.origin:
                if origin != entry.step.to:
                    grouped.setdefault((origin, entry.step.to, entry.step.after is not None), []).append(entry)
    return tuple(EarlyEnding(*where, tuple(steps)) for where, steps in grouped.items())


def phases_of(procedure: Procedure) -> list[tuple[str, ...]]:
    """Names of the stages of each phase that has any, in the order of the phases."""
    stages = [tuple(stage.name for stage in procedure.stages if stage.phase == phase) for phase in PHASES]
    return [names for names in stages if names]
