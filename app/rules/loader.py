"""Loads the rule sets from their files, and refuses those that could not work."""

import tomllib
from collections.abc import Iterator, Mapping
from datetime import time
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from app.rules.consistency import faults_of
from app.rules.lines import line_of, table_of
from app.rules.model import Check, Citation, Ground, OfficeHours, Procedure, Stage, Step, Term, Track

LIBRARY = Path(__file__).parent / "library"
SUBJECTS = Path(__file__).parent / "subjects.toml"
TOP = "the top of the file"
TABLES = ("stages", "tracks", "terms", "office_hours", "checks", "grounds", "steps")

Name = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=64)]
Line = Annotated[str, Field(min_length=1, max_length=500)]
Standing = Literal["text", "secondary", "unverified", "institution"]
Commences = Literal["agreement", "receipt", "confirmation", "registration"]
FactOfMediation = Literal["confidential", "not-confidential", "unverified"]
Caucus = Literal["sealed", "conditioned"]
Zone = Literal["seat", "institution"]


class BadRuleSet(Exception):
    """A rule set that cannot be used: its file, and each fault with its table and, where known, its line."""

    def __init__(self, file: str, faults: list[tuple[str, str]], text: str = "") -> None:
        lines = [line_of(text, table, fault) for table, fault in faults]
        super().__init__(
            "\n".join(
                f"{file}:{line}: {table}: {fault}" if line else f"{file}: {table}: {fault}"
                for line, (table, fault) in zip(lines, faults, strict=True)
            )
        )
        self.file = file
        self.faults = faults


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Cited(_Table):
    article: Line | None = None
    standing: Standing
    source: Line | None = None

    def citation(self) -> Citation:
        """The citation of the rule."""
        return Citation(self.article, self.standing, self.source)


class _StageTable(_Table):
    name: Name
    phase: Literal["intake", "assignment", "sessions", "settlement", "closed"]
    title: Line
    final: bool = False
    amendable: Literal["all", "strike", "none"] = "none"


class _TrackTable(_Cited):
    name: Name
    title: Line


class _TermTable(_Cited):
    name: Name
    title: Line
    period: Line
    counting: Line
    roll: Line
    settable: bool = False
    runs_from: Line = "step"
    calendars: list[str] = []
    extend_by: list[str] = []
    extend_with_all: bool = False
    extend_at_most: Line | None = None
    waive_by: list[str] = []
    suspend_by: list[str] = []


class _OfficeHoursTable(_Cited):
    name: Name
    channels: Annotated[list[str], Field(min_length=1)]
    until: Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
    calendars: Annotated[list[str], Field(min_length=1)]


class _CheckTable(_Cited):
    name: Name
    title: Line


class _GroundTable(_Cited):
    name: Name
    title: Line


class _StepTable(_Cited):
    name: Name
    title: Line
    by: Annotated[list[str], Field(min_length=1)]
    each: bool | str = False
    origin: Annotated[list[str], Field(alias="from", min_length=1)]
    to: str | None = None
    needs: list[str] = []
    fails: list[str] = []
    after: str | None = None
    starts: list[str] = []
    ends: list[str] = []
    voids: list[str] = []
    outcome: str | None = None
    partial_outcome: str | None = None
    grounds: list[str] = []
    fields: list[str] = []
    reason: bool = False
    expected: list[str] = []
    lodges: bool = False
    serves: bool = False
    numbers: bool = False
    taken_through: str | None = None
    suspends: list[str] = []
    resumes: list[str] = []
    opens: list[str] = []
    pauses: list[str] = []
    reopens: list[str] = []
    closes: list[str] = []
    within: str | None = None
    positions: list[Name] = []
    participation: str | None = None


class _FileTable(_Table):
    id: Name
    title: Line
    edition: Line
    categories: Annotated[list[str], Field(min_length=1)]
    source: Line
    commences: Commences
    fact_of_mediation: FactOfMediation
    caucus: Caucus
    zone: Zone
    resubmission: Line | None = None
    note: Annotated[str, Field(max_length=5000)] = ""
    stages: Annotated[list[_StageTable], Field(min_length=1)]
    tracks: list[_TrackTable] = []
    terms: list[_TermTable] = []
    office_hours: list[_OfficeHoursTable] = []
    checks: list[_CheckTable] = []
    grounds: list[_GroundTable] = []
    steps: Annotated[list[_StepTable], Field(min_length=1)]


# The folder of the institution's own rule sets and subjects, set once, when the program starts.
_own: list[Path] = []


def use_folder(folder: Path | None) -> None:
    """Add the institution's own rule sets and subjects to the shipped ones, for the whole process; None removes them.

    Raises BadRuleSet for a missing folder, a rule set that cannot be used or that has the id of a shipped one, and a
    subject that is in the vocabulary already.
    """
    folders = [folder] if folder is not None else []
    if folders == _own:
        return
    _own[:] = folders
    library.cache_clear()
    subjects.cache_clear()
    try:
        library()
        subjects()
    except BadRuleSet:
        _own.clear()
        library.cache_clear()
        subjects.cache_clear()
        raise


@cache
def library() -> Mapping[str, Procedure]:
    """The shipped rule sets and the institution's own, by id; raises BadRuleSet if one cannot be used."""
    loaded = {procedure.id: procedure for procedure in _shipped(LIBRARY)}
    for folder in _own:
        if not folder.is_dir():
            raise BadRuleSet(str(folder), [("the folder", "there is no such folder")])
        for path in sorted(folder.glob("*.toml")):
            if path.name == SUBJECTS.name:
                continue
            procedure = load(path)
            if procedure.id in loaded:
                fault = f"id: '{procedure.id}' ships with the service; give an edition of your own another id"
                raise BadRuleSet(path.name, [(TOP, fault)], path.read_text(encoding="utf-8"))
            loaded[procedure.id] = procedure
    return MappingProxyType(loaded)


@cache
def _shipped(folder: Path) -> tuple[Procedure, ...]:
    return tuple(load(path) for path in sorted(folder.glob("*.toml")))


@cache
def subjects() -> Mapping[str, str]:
    """The controlled vocabulary of subjects, code and title; the institution's own follow the shipped ones."""
    vocabulary = _subjects_in(SUBJECTS)
    for folder in _own:
        path = folder / SUBJECTS.name
        added = _subjects_in(path) if path.exists() else {}
        for code in added:
            if code in vocabulary:
                raise BadRuleSet(path.name, [("[subjects]", f"{code}: the vocabulary has this code already")])
        vocabulary |= added
    return MappingProxyType(vocabulary)


class _Subjects(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    subjects: dict[Name, Line]


def _subjects_in(path: Path) -> dict[str, str]:
    try:
        return dict(_Subjects.model_validate(tomllib.loads(path.read_text(encoding="utf-8"))).subjects)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise BadRuleSet(path.name, [("the file", str(problem))]) from problem
    except ValidationError as problem:
        faults = [(".".join(map(str, error["loc"])), error["msg"]) for error in problem.errors()]
        raise BadRuleSet(path.name, faults) from problem


def load(path: Path) -> Procedure:
    """Load the rule set of a file; raises BadRuleSet, with every fault that was found, if it cannot be used."""
    text = ""
    try:
        text = path.read_text(encoding="utf-8")
        raw = tomllib.loads(text)
    except UnicodeDecodeError as problem:
        raise BadRuleSet(path.name, [("the file", _undecoded(problem))]) from problem
    except tomllib.TOMLDecodeError as problem:
        raise BadRuleSet(path.name, [("the file", str(problem))], text) from problem
    try:
        table = _FileTable.model_validate(raw)
    except ValidationError as problem:
        raise BadRuleSet(path.name, list(_shape_faults(problem, raw)), text) from problem
    procedure = _procedure(table)
    faults = list(faults_of(procedure))
    if procedure.id != path.stem:
        faults.insert(0, (TOP, f"id: '{procedure.id}' is not the name of the file"))
    if faults:
        raise BadRuleSet(path.name, faults, text)
    return procedure


def _undecoded(problem: UnicodeDecodeError) -> str:
    before = problem.object[: problem.start].split(b"\n")
    byte = problem.object[problem.start]
    return f"it is not UTF-8: byte 0x{byte:02x} cannot be read (at line {len(before)}, column {len(before[-1]) + 1})"


def _shape_faults(problem: ValidationError, raw: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for error in problem.errors():
        where = list(error["loc"])
        table = TOP
        if where[0] in TABLES and len(where) > 1 and isinstance(where[1], int):
            tables = raw[where[0]]
            named = [item.get("name") if isinstance(item, dict) else None for item in tables]
            names = [str(name or f"number {number}") for number, name in enumerate(named, 1)]
            table, where = table_of(where[0], names, where[1]), where[2:]
        key = ".".join(str(part) for part in where)
        yield table, f"{key}: {error['msg']}" if key else error["msg"]


def _procedure(table: _FileTable) -> Procedure:
    return Procedure(
        id=table.id,
        title=table.title,
        edition=table.edition,
        categories=tuple(table.categories),
        source=table.source,
        commences=table.commences,
        fact_of_mediation=table.fact_of_mediation,
        caucus=table.caucus,
        zone=table.zone,
        resubmission=table.resubmission,
        note=table.note.strip(),
        stages=tuple(Stage(item.name, item.phase, item.title, item.final, item.amendable) for item in table.stages),
        tracks=tuple(Track(item.name, item.title, item.citation()) for item in table.tracks),
        terms=tuple(_term(item) for item in table.terms),
        office_hours=tuple(
            OfficeHours(
                item.name,
                tuple(item.channels),
                time.fromisoformat(item.until),
                tuple(item.calendars),
                item.citation(),
            )
            for item in table.office_hours
        ),
        checks=tuple(Check(item.name, item.title, item.citation()) for item in table.checks),
        grounds=tuple(Ground(item.name, item.title, item.citation()) for item in table.grounds),
        steps=tuple(_step(item) for item in table.steps),
    )


def _term(table: _TermTable) -> Term:
    return Term(
        name=table.name,
        title=table.title,
        period=table.period,
        counting=table.counting,
        roll=table.roll,
        citation=table.citation(),
        settable=table.settable,
        runs_from=table.runs_from,
        calendars=tuple(table.calendars),
        extend_by=tuple(table.extend_by),
        extend_with_all=table.extend_with_all,
        extend_at_most=table.extend_at_most,
        waive_by=tuple(table.waive_by),
        suspend_by=tuple(table.suspend_by),
    )


def _step(table: _StepTable) -> Step:
    each = table.by[0] if table.each is True else table.each or None
    return Step(
        name=table.name,
        title=table.title,
        by=tuple(table.by),
        each=each,
        origin=tuple(table.origin),
        to=table.to,
        needs=tuple(table.needs),
        fails=tuple(table.fails),
        after=table.after,
        starts=tuple(table.starts),
        ends=tuple(table.ends),
        voids=tuple(table.voids),
        outcome=table.outcome,
        partial_outcome=table.partial_outcome,
        grounds=tuple(table.grounds),
        fields=tuple(table.fields),
        reason=table.reason,
        expected=tuple(table.expected),
        lodges=table.lodges,
        serves=table.serves,
        numbers=table.numbers,
        taken_through=table.taken_through,
        citation=table.citation(),
        suspends=tuple(table.suspends),
        resumes=tuple(table.resumes),
        opens=tuple(table.opens),
        pauses=tuple(table.pauses),
        reopens=tuple(table.reopens),
        closes=tuple(table.closes),
        within=table.within,
        positions=tuple(table.positions),
        participation=table.participation,
    )
