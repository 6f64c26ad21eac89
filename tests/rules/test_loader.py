"""Rule sets are read from files, and each unworkable one is refused with file, table and fault."""

import re
from itertools import takewhile
from pathlib import Path

import pytest

from app.rules.loader import LIBRARY, BadRuleSet, library, load, subjects
from tests.rules.small import BASE, NAME

STAGE, TERM, CHECK, STEP = "[[stages]]", "[[terms]]", "[[checks]]", "[[steps]]"
TOP = "the top of the file"
AGREE = 'by = ["any-party"]\neach = true'
DEAD_END = """[[stages]]
name = "limbo"
phase = "sessions"
title = "Adjourned for ever"

[[steps]]
name = "adjourn"
title = "Adjourn"
by = ["mediator"]
from = ["talks"]
to = "limbo"
standing = "institution"

[[checks]]
"""

# The replaced text, its replacement, the table at fault, and words of the fault.
FAULTS: dict[str, tuple[str, str, str, str]] = {
    "syntax": ('edition = "2025"', "edition = 2025 or so", "the file", "line 4"),
    "a table given twice": ("[[terms]]", "[terms]", "the top of the file", "terms"),
    "an unknown key at the top": ('zone = "seat"', 'zone = "seat"\ncolour = 1', TOP, "colour: Extra inputs"),
    "a missing key at the top": ('source = "Rules of a small institution"\n', "", TOP, "source: Field required"),
    "an unknown commencement": ('"registration"', '"whenever"', TOP, "commences: Input should be"),
    "a category that is no word": ('["state-state"]', "[3]", TOP, "categories.0: Input should be a valid string"),
    "the id of another file": ('id = "small-2025"', 'id = "large-2025"', TOP, "id: 'large-2025' is not the name"),
    "an id that is no name": ('id = "small-2025"', 'id = "Small 2025"', TOP, "id: String should match"),
    "an unknown key": ('phase = "sessions"', 'phase = "sessions"\nlabel = "x"', f"{STAGE} talks", "label: Extra"),
    "a number for a word": ('title = "In mediation"', "title = 3", f"{STAGE} talks", "title: Input should be a valid"),
    "an unknown phase": ('phase = "sessions"', 'phase = "limbo"', f"{STAGE} talks", "phase: Input should be"),
    "an unknown amendable": ('"strike"', '"some"', f"{STAGE} lodged", "amendable: Input should be"),
    "a stage without a name": ('name = "talks"\n', "", f"{STAGE} number 3", "name: Field required"),
    "an unknown standing": ('"unverified"\n\n[[steps]]', '"hearsay"\n\n[[steps]]', f"{STEP} sign", "standing: Input"),
    "an unknown capacity": ('["registry"]', '["registrar"]', f"{STEP} invite", "by: unknown 'registrar'"),
    "nobody to take it": ('["registry"]', "[]", f"{STEP} invite", "by: List should have at least 1"),
    "an unknown each": (AGREE, 'by = ["registry"]\neach = "sides"', f"{STEP} sign", "each: unknown 'sides'"),
    "an each of no party": (AGREE, 'by = ["registry"]\neach = true', f"{STEP} sign", "each: unknown 'registry'"),
    "an unknown outcome": ('"settled"', '"won"', f"{STEP} sign", "outcome: unknown 'won'"),
    "an unknown stage in from": ('from = ["draft"]', 'from = ["drafts"]', f"{STEP} lodge", "from: unknown 'drafts'"),
    "an unknown stage in to": ('to = "talks"', 'to = "talk"', f"{STEP} invite", "to: unknown 'talk'"),
    "expected elsewhere": ('expected = ["draft"]', 'expected = ["talks"]', f"{STEP} lodge", "expected: unknown"),
    "an unreachable stage": ('to = "talks"', 'to = "lodged"', f"{STAGE} talks", "no sequence of steps leads here"),
    "a dead end": (f"{CHECK}\n", DEAD_END, f"{STAGE} limbo", "a dead end: no step leads away"),
    "a final stage with an exit": ('["registry"]\nfrom = [', '["registry"]\nfrom = ["closed", ', f"{STAGE} closed",
                                   "a step can be taken from it although it is final"),
    "an end without an outcome": ('outcome = "settled"\n', "", f"{STEP} sign", "'closed' without an outcome"),
    "an outcome without an end": ('to = "talks"', 'to = "talks"\noutcome = "lapsed"', f"{STEP} invite",
                                  "does not lead to a final stage"),
    "a term never started": ('starts = ["reply"]\n', "", f"{TERM} reply", "no step starts it"),
    "a term without effect": ('ends = ["reply"]\n', "", f"{TERM} reply", "it has no effect"),
    "an unknown term started": ('starts = ["reply"]', 'starts = ["answer"]', f"{STEP} invite", "starts: unknown"),
    "an unknown term ended": ('ends = ["reply"]', 'ends = ["answer"]', f"{STEP} sign", "ends: unknown 'answer'"),
    "an unknown term waited for": ('ends = ["reply"]', 'after = "x"', f"{STEP} sign", "after: unknown 'x'"),
    "an unknown step voided": ('["sign"]', '["agree"]', f"{STEP} withdraw (2 of 2)", "voids: unknown 'agree'"),
    "an unknown check needed": ('needs = ["all-parties-consented"]', 'needs = ["paid"]', f"{STEP} sign",
                                "needs: unknown check 'paid'"),
    "an unknown check cited": ('name = "all-parties-consented"', 'name = "paid"', f"{CHECK} paid", "unknown check"),
    "an uncited need": ('needs = ["all', 'needs = ["contracting-states", "all', f"{STEP} sign",
                        "needs: the check 'contracting-states' is cited in no [[checks]]"),
    "an uncited gate": ('needs = ["all', 'fails = ["text-frozen"]\nneeds = ["all', f"{STEP} sign",
                        "fails: the check 'text-frozen' is cited in no [[checks]]"),
    "a step that cites nothing": ('article = "Article 1"\n', "", f"{STEP} lodge", "it cites nothing"),
    "a term that cites nothing": ('article = "Article 2(4)"\n', "", f"{TERM} reply", "it cites nothing"),
    "a check that cites nothing": ('source = "a journal"\n', "", f"{CHECK} all-parties-consented", "it cites nothing"),
    "practice with an article": ('numbers = true', 'numbers = true\narticle = "7"', f"{STEP} invite",
                                 "the registry's own practice has no article"),
    "overlapping entries": ('from = ["draft", "lodged"]', 'from = ["draft", "lodged", "talks"]',
                            f"{STEP} withdraw (2 of 2)", "two entries of this name are open to the same people"),
    "a mark that is missing": ("lodges = true\n", "", STEP, "lodges: exactly one step must have this mark (now: none)"),
    "a mark given twice": ("serves = true", "serves = true\nlodges = true", STEP, "(now: invite, lodge)"),
    "a stage named twice": ('name = "talks"', 'name = "lodged"', f"{STAGE} lodged (2 of 2)", "the name is given twice"),
    "an unknown block of fields": ('["consent"]', '["consents"]', f"{STEP} lodge", "fields: unknown 'consents'"),
    "an unknown noun": ('"settlement/signatures"', '"signatures"', f"{STEP} sign", "taken_through: unknown 'signat"),
    "an unknown period": ('"30 days"', '"30 court-days"', f"{TERM} reply", "period: unknown period '30 court-days'"),
    "working days that no calendar knows": ('"30 days"', '"30 working-days"', f"{TERM} reply",
                                            "period: working days need calendars"),
    "an unknown counting": ('"day-after"', '"same-day"', f"{TERM} reply", "counting: unknown 'same-day'"),
    "an unknown roll": ('roll = "none"', 'roll = "back"', f"{TERM} reply", "roll: unknown 'back'"),
}  # fmt: skip


def written(folder: Path, text: str, name: str = NAME) -> Path:
    """A file with that text."""
    path = folder / f"{name}.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("fault", FAULTS)
def test_an_unworkable_rule_set_is_refused_with_file_table_and_fault(fault: str, tmp_path: Path) -> None:
    old, new, table, words = FAULTS[fault]
    assert BASE.count(old) == 1
    with pytest.raises(BadRuleSet) as caught:
        load(written(tmp_path, BASE.replace(old, new)))
    assert any(where == table and words in what for where, what in caught.value.faults), caught.value.faults
    lines = str(caught.value).splitlines()
    pattern = re.compile(rf"small-2025\.toml(:\d+)?: {re.escape(table)}: .*{re.escape(words)}")
    assert any(pattern.match(line) for line in lines), lines
    assert all(re.match(r"small-2025\.toml(:\d+)?: ", line) for line in lines)


# The line of some of the faults: something missing is reported at its table.
AT_LINE = {
    "an unknown key at the top": "colour = 1",
    "a number for a word": "title = 3",
    "an unknown capacity": 'by = ["registrar"]',
    "an unknown stage in from": 'from = ["drafts"]',
    "an unknown check needed": 'needs = ["paid"]',
    "an unknown period": 'period = "30 court-days"',
    "working days that no calendar knows": 'period = "30 working-days"',
    "an unreachable stage": "[[stages]]",
    "a dead end": "[[stages]]",
    "a stage without a name": "[[stages]]",
    "a step that cites nothing": "[[steps]]",
    "the id of another file": 'id = "large-2025"',
}


@pytest.mark.parametrize("fault", AT_LINE)
def test_a_fault_is_reported_with_its_line(fault: str, tmp_path: Path) -> None:
    old, new, table, words = FAULTS[fault]
    text = BASE.replace(old, new)
    with pytest.raises(BadRuleSet) as caught:
        load(written(tmp_path, text))
    (message,) = [line for line in str(caught.value).splitlines() if table in line and words in line]
    number = int(message.split(":")[1])
    assert text.split("\n")[number - 1] == AT_LINE[fault]
    if table.startswith("[[") and "number" not in table:
        kind, name = table.split()
        above, below = text.split("\n")[:number], text.split("\n")[number:]
        start = max(at for at, line in enumerate(above) if line == kind)
        block = [*above[start:], *takewhile(lambda line: not line.startswith("[["), below)]
        assert f'name = "{name}"' in block


def test_of_two_steps_with_the_same_name_the_faulty_one_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "iomed-state-2025.toml"
    text = (LIBRARY / path.name).read_text(encoding="utf-8").replace('by = ["mediator", "registry"]', 'by = ["clerk"]')
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BadRuleSet) as caught:
        load(path)
    number = int(str(caught.value).split(":")[1])
    assert text.split("\n")[number - 1] == 'by = ["clerk"]'


def test_a_string_instead_of_a_table_is_refused_by_its_place(tmp_path: Path) -> None:
    head, _ = BASE.split("[[stages]]", 1)
    with pytest.raises(BadRuleSet) as caught:
        load(written(tmp_path, f'{head}\nstages = ["draft"]\nsteps = [1]\n'))
    assert [table for table, _ in caught.value.faults] == ["[[stages]] number 1", "[[steps]] number 1"]


def test_all_faults_are_reported_at_once(tmp_path: Path) -> None:
    text = BASE.replace('"settled"', '"won"').replace('"30 days"', '"soon"').replace('["registry"]', '["registrar"]')
    with pytest.raises(BadRuleSet) as caught:
        load(written(tmp_path, text))
    assert [table for table, _ in caught.value.faults] == [f"{STEP} invite", f"{STEP} sign", f"{TERM} reply"]


@pytest.mark.parametrize("kind", ["terms", "checks"])
def test_a_term_or_a_check_named_twice_is_refused(kind: str, tmp_path: Path) -> None:
    head = f"[[{kind}]]\n"
    table = head + BASE.partition(head)[2].partition("\n\n")[0]
    with pytest.raises(BadRuleSet, match="the name is given twice"):
        load(written(tmp_path, f"{BASE}\n{table}\n"))


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "small-2025.toml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(BadRuleSet, match=r"^small-2025\.toml:1: the file: it is not UTF-8"):
        load(path)


def test_the_small_rule_set_before_the_faults_is_sound(tmp_path: Path) -> None:
    procedure = load(written(tmp_path, BASE))
    assert (procedure.id, procedure.initial.name, procedure.stage("closed").final) == (NAME, "draft", True)
    assert [step.each for step in procedure.steps] == [None, None, "any-party", None, None]
    assert procedure.term("reply").period == "30 days"
    with pytest.raises(KeyError):
        procedure.check("text-frozen")


def test_every_shipped_rule_set_is_sound_and_has_a_file_of_its_name() -> None:
    assert "iomed-state-2025" in library()
    assert sorted(library()) == sorted(path.stem for path in LIBRARY.glob("*.toml"))


def test_the_iomed_state_rules_invent_no_number_and_no_article() -> None:
    procedure = library()["iomed-state-2025"]
    assert {term.period for term in procedure.terms} == {"set-per-case"}
    cited = {step.name: step.citation.article for step in procedure.steps if step.citation.article}
    assert cited == {
        "screen": "Convention, article 24",
        "declare-inadmissible": "Convention, article 24",
        "sign": "Convention, articles 40 and 41",
    }
    assert {step.citation.standing for step in procedure.steps if step.citation.article} == {"secondary"}
    assert "No time limit of IOMed's rules could be verified" in procedure.note


def test_subjects_are_codes_with_a_title() -> None:
    assert subjects()["fisheries"] == "Fisheries"
    assert all(code == code.lower() and title for code, title in subjects().items())
