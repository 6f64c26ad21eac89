"""The guide to a rule set of one's own is carried out, and the reference of its language is held to the code."""

import re
import tomllib
from dataclasses import replace
from datetime import date, datetime, time
from inspect import getdoc
from pathlib import Path
from typing import Literal, get_args, get_origin

import pytest
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from app.institution.calendars.countries import calendar_of, plain
from app.operations.migrating import ROOT
from app.rules import loader, model, office_hours, terms
from app.rules.checks import CHECKS
from app.rules.consistency import MARKS, NOUNS
from app.rules.loader import library, load
from app.rules.model import Citation, Term
from app.rules.silence import EFFECTS, effects
from tests.docs import consoles
from tests.docs.consoles import LEFT_OUT, Command, agrees, commands, compared, folders, left_in, run

GUIDE = ROOT / "docs" / "write-your-own-rule-set.md"
REFERENCE = ROOT / "docs" / "rules.md"
TABLE_CLASSES: dict[str, type[BaseModel]] = {
    "At the top of the file": loader._FileTable,
    "Where a rule is written": loader._Cited,
    "`[[stages]]`": loader._StageTable,
    "`[[tracks]]`": loader._TrackTable,
    "`[[terms]]`": loader._TermTable,
    "`[[office_hours]]`": loader._OfficeHoursTable,
    "`[[checks]]`": loader._CheckTable,
    "`[[grounds]]`": loader._GroundTable,
    "`[[steps]]`": loader._StepTable,
}
PERIODS, ROLLING = "Periods", "Rolling"
RULES = "~/tisna/rules/tisna-2026.toml"
# A block under a line in bold that names a file is a piece of that file, or a change of it.
PIECE = re.compile(r"^\*\*`([\w~./-]+)`\*\*[^\n]*\n\n```(toml|diff)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# Some fourteen processes are started one after the other, each of which reads every rule set.
SECONDS = 400
WRITTEN_DAY = re.compile(r"\b20\d\d-\d\d-\d\d\b")


def pieces(guide: str) -> list[tuple[int, str, str]]:
    """The pieces of files in their order: the line at which each ends, the file, and all of it from there on."""
    files: dict[str, str] = {}
    found = []
    for piece in PIECE.finditer(guide):
        file, language, text = piece.groups()
        if language == "toml":
            files[file] = f"{files[file]}\n{text}" if file in files else text
        else:
            files[file] = mended(files[file], text)
        found.append((guide[: piece.end()].count("\n") + 1, file, files[file]))
    return found


def mended(text: str, change: str) -> str:
    """The text with each line marked `-`, which is there once, replaced by the one marked `+`."""
    lines = text.split("\n")
    for old, new in re.findall(r"^-(.*)\n\+(.*)$", change, re.MULTILINE):
        assert lines.count(old) == 1, old
        lines[lines.index(old)] = new
    return "\n".join(lines)


def whole() -> list[Command]:
    """The commands of the guide, and among them, where each piece stands, one that writes its file."""
    files = [
        Command(line, f"cat > {file} <<'END'\n{text}END", ())
        for line, file, text in pieces(GUIDE.read_text(encoding="utf-8"))
    ]
    return sorted([*commands(GUIDE), *files], key=lambda command: command.line)


@pytest.mark.parametrize("_engine", ["sqlite"])
@pytest.mark.slow
def test_the_guide_is_carried_out_and_prints_what_it_says(
    _engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consoles, "TIME_OUT", SECONDS)
    written = whole()
    copy, home = folders(tmp_path)
    printed = run(written, copy, port="8126", home=home)
    faults = compared(written, printed) + _days_that_differ(written, printed) + left_in(copy)
    assert not faults, "\n\n".join(faults)


def _days_that_differ(written: list[Command], printed: list[str]) -> list[str]:
    """What a simulation prints is the same on every day: its days are compared too."""
    return [
        f"line {command.line}: {line}"
        for command, output in zip(written, printed, strict=False)
        for line in command.prints
        if WRITTEN_DAY.search(line) and line.strip() != LEFT_OUT and line not in output.splitlines()
    ]


def test_every_block_of_the_guide_is_carried_out() -> None:
    guide = GUIDE.read_text(encoding="utf-8")
    fences = re.findall(r"^```(\w+)$", guide, re.MULTILINE)
    assert set(fences) == {"console", "toml", "diff"}
    assert len(pieces(guide)) == fences.count("toml") + fences.count("diff")
    assert guide.count("\n```\n") == len(fences)


@pytest.mark.parametrize("page", [GUIDE, REFERENCE], ids=lambda page: page.name)
def test_every_section_that_the_pages_point_to_is_there(page: Path) -> None:
    for target, anchor in re.findall(r"\]\(([^)#:]*)#([^)]+)\)", page.read_text(encoding="utf-8")):
        pointed_to = (page.parent / target if target else page).read_text(encoding="utf-8")
        headings = re.findall(r"^#+ (.*)$", pointed_to, re.MULTILINE)
        anchors = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
        assert anchor in anchors, f"{target}#{anchor}"


def test_the_finished_file_is_one_the_registry_can_work_by(tmp_path: Path) -> None:
    path = tmp_path / Path(RULES).name
    path.write_text([text for _line, file, text in pieces(GUIDE.read_text(encoding="utf-8")) if file == RULES][-1])
    rules = load(path)
    assert {step.citation.standing for step in rules.steps} == {"text", "unverified", "institution"}


def test_a_change_of_a_line_that_is_not_there_is_refused() -> None:
    assert mended("a\nb\n", "-b\n+c\n") == "a\nc\n"
    with pytest.raises(AssertionError):
        mended("a\nb\n", "-d\n+c\n")
    assert not agrees(("one",), "two\n")


def tables(heading: str) -> list[list[list[str]]]:
    """The tables right under a heading of the reference: the rows of each, the first of which is its head."""
    text = REFERENCE.read_text(encoding="utf-8")
    under = re.split(rf"^#+ {re.escape(heading)}$", text, flags=re.MULTILINE)[1]
    under = re.split(r"^#+ ", under, flags=re.MULTILINE)[0]
    found = re.findall(r"(?:^\|.*\|\n)+", under, re.MULTILINE)
    return [[row.strip("| ").split(" | ") for row in table.splitlines() if "---" not in row] for table in found]


def words(heading: str, head: str) -> list[str]:
    """What the first column of that name under a heading lists, in the order of the rows."""
    rows = next(table for table in tables(heading) if table[0][0] == head)
    return [row[0].strip("`") for row in rows[1:]]


@pytest.mark.parametrize("heading", TABLE_CLASSES)
def test_the_reference_has_every_key_of_a_table_and_no_other(heading: str) -> None:
    fields = TABLE_CLASSES[heading].model_fields
    beside = set(loader.TABLES) if heading == "At the top of the file" else set()
    if heading != "Where a rule is written":
        beside |= set(loader._Cited.model_fields) if issubclass(TABLE_CLASSES[heading], loader._Cited) else set()
    named = {(field.alias or name): field for name, field in fields.items() if name not in beside}
    rows = {row[0].strip("`"): row for row in tables(heading)[0][1:]}
    assert list(rows) == list(named)
    assert {key: row[2] for key, row in rows.items()} == {key: if_left_out(field) for key, field in named.items()}


def if_left_out(field: FieldInfo) -> str:
    """How the reference says what a key is that is left out."""
    if field.is_required():
        return "required"
    if field.default is None or field.default in ("", []):
        return "none"
    return f"`{str(field.default).lower()}`"


def choices(heading: str, key: str) -> list[str]:
    """The words in the column of values of a key."""
    row = next(row for row in tables(heading)[0] if row[0] == f"`{key}`")
    return re.findall(r"`([\w-]+)`", row[1])


@pytest.mark.parametrize("heading", ["At the top of the file", "`[[stages]]`"])
def test_the_reference_has_the_words_of_which_a_key_takes_one(heading: str) -> None:
    fields = TABLE_CLASSES[heading].model_fields
    fixed = {name: get_args(field.annotation) for name, field in fields.items()}
    several = {name: words for name, words in fixed.items() if get_origin(fields[name].annotation) is Literal}
    assert several
    for name, allowed in several.items():
        said = words("`[[stages]]`", "phase") if name == "phase" else choices(heading, name)
        assert tuple(said) == allowed, name


def test_the_reference_has_every_word_of_the_language_and_no_other() -> None:
    assert words("The language of rule sets", "table") == [f"[[{name}]]" for name in loader.TABLES]
    assert words("Where a rule is written", "standing") == list(model.STANDINGS)
    assert words("`[[stages]]`", "phase") == list(model.PHASES)
    assert words("Capacities", "capacity") == list(model.CAPACITIES)
    assert words("Outcomes", "outcome") == list(model.OUTCOMES)
    assert words("Steps that are taken through something else", "taken_through") == list(NOUNS)
    assert words("What silence does", "effect") == list(EFFECTS)
    assert words(ROLLING, "roll") == choices("`[[terms]]`", "roll") == list(terms.ROLLS)
    assert words("What starts a term", "runs_from") == choices("`[[terms]]`", "runs_from") == list(terms.RUNS_FROM)
    assert words("What starts a term", "calendars") == choices("`[[terms]]`", "calendars") == list(terms.CALENDARS)
    assert choices("`[[office_hours]]`", "channels") == list(office_hours.CHANNELS)
    assert choices("`[[office_hours]]`", "calendars") == list(office_hours.PLACES)
    assert choices("`[[terms]]`", "counting") == list(terms.COUNTINGS)
    assert choices("`[[stages]]`", "amendable") == list(model.AMENDABLE)
    assert choices("`[[steps]]`", "fields") == list(model.FIELD_BLOCKS)
    assert choices("`[[steps]]`", "participation") == list(model.PARTICIPATIONS)
    assert [mark for mark in MARKS if f"`{mark}`" in REFERENCE.read_text(encoding="utf-8")] == list(MARKS)


def test_the_reference_says_of_each_check_what_the_code_says() -> None:
    rows = tables("The checks")[0][1:]
    assert [tuple(row) for row in rows] == [(f"`{name}`", getdoc(check)) for name, check in CHECKS.items()]


def test_the_names_of_steps_that_acts_take_are_those_of_the_rule_sets() -> None:
    rows = tables("Steps that are taken through something else")[0][1:]
    said = {row[0].strip("`"): set(re.findall(r"`([\w-]+)`", row[1])) for row in rows}
    steps = [step for procedure in library().values() for step in procedure.steps]
    assert said == {noun: {step.name for step in steps if step.taken_through == noun} for noun in NOUNS}


@pytest.mark.parametrize("heading", [PERIODS, ROLLING])
def test_the_days_of_the_reference_are_those_that_are_counted(heading: str) -> None:
    (head, *rows) = tables(heading)[0]
    for row in rows:
        said = dict(zip(head, row, strict=True))
        roll = said["roll"].strip("`") if "roll" in said else "none"
        calendars = () if said["calendar"] == "–" else (calendar_of(said["calendar"]),)
        term = Term("t", "t", said["period"].strip("`"), "day-after", roll, Citation(None, "institution", None))
        found = terms.due(term, "s", date.fromisoformat(said["starts on"]), None, calendars)
        assert found.due_on.isoformat() == said["last day"], row


def test_the_units_of_periods_are_those_of_the_reference() -> None:
    units = {period.split()[1].rstrip("s") for period in words(PERIODS, "period")}
    assert units == {"day", "week", "month", "working-day"}
    for unit in ("hour", "year"):
        with pytest.raises(terms.TermFault):
            terms.parse_period(f"1 {unit}")


def blocks() -> list[str]:
    """The blocks of TOML in the reference: office hours, the effects of silence, and the vocabulary of subjects."""
    return re.findall(r"^```toml\n(.*?)^```$", REFERENCE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def test_the_emails_of_the_reference_count_on_the_days_that_it_says() -> None:
    (table,) = tomllib.loads(blocks()[0])["office_hours"]
    stated = loader._OfficeHoursTable.model_validate(table)
    until, citation = time.fromisoformat(stated.until), stated.citation()
    hours = model.OfficeHours(stated.name, tuple(stated.channels), until, tuple(stated.calendars), citation)
    (head, *rows) = tables("`[[office_hours]]`")[1]
    for row in rows:
        said = dict(zip(head, row, strict=True))
        arrived = datetime.fromisoformat(f"{said['an e-mail of'].split()[1]}T{said['arrives at']}")
        counted = office_hours.receipt(hours, "e-mail", arrived, [plain("the institution")])
        assert terms.written(counted.on) == said["counts on"], row


def test_the_steps_for_each_effect_of_silence_have_that_effect() -> None:
    _hours, written, vocabulary = blocks()
    steps = [loader._step(loader._StepTable.model_validate(one)) for one in tomllib.loads(written)["steps"]]
    rules = replace(library()["uncitral-2021"], steps=tuple(steps))
    said = re.findall(r"^\[\[steps\]\] # ([\w-]+)$", written, re.MULTILINE)
    assert [one.effect for one in effects(rules, "reply")] == said == list(EFFECTS[:-1])
    assert effects(replace(rules, steps=()), "reply")[0].effect == EFFECTS[-1]
    assert tomllib.loads(vocabulary)["subjects"]
