"""The institution's own rule sets and subjects: read from a folder, checked at start, added to the shipped ones."""

from pathlib import Path

import pytest

from app.rules.loader import LIBRARY, BadRuleSet, library, subjects, use_folder
from app.settings import Settings
from tests.installation import House
from tests.own_rules import own_rules, rewritten
from tests.processes import accord
from tests.story import Dispute


def test_a_folder_adds_rule_sets_and_subjects_to_the_shipped_ones(tmp_path: Path) -> None:
    shipped = set(library())
    (tmp_path / "subjects.toml").write_text('[subjects]\nice = "Ice on a river"\n', encoding="utf-8")
    with own_rules(tmp_path, ours_2026=rewritten("uncitral-2021", "ours-2026")):
        assert set(library()) == shipped | {"ours-2026"}
        assert subjects()["ice"] == "Ice on a river"
    assert set(library()) == shipped
    assert "ice" not in subjects()


def test_a_shipped_rule_set_cannot_be_shadowed(tmp_path: Path) -> None:
    text = (LIBRARY / "uncitral-2021.toml").read_text(encoding="utf-8")
    with (
        pytest.raises(BadRuleSet, match=r"uncitral-2021\.toml:\d+: .*ships with the service"),
        own_rules(tmp_path, uncitral_2021=text),
    ):
        raise AssertionError("it was taken")
    assert "uncitral-2021" in library()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[subjects]\nfisheries = "Mine"\n', "fisheries: the vocabulary has this code already"),
        ('[subjects]\n"Ice Age" = "x"\n', "subjects"),
        ("[subjects\n", "subjects.toml"),
        ('[topics]\nice = "x"\n', "topics"),
    ],
)
def test_unusable_subjects_are_refused_with_the_fault(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "subjects.toml").write_text(text, encoding="utf-8")
    with pytest.raises(BadRuleSet, match=words):
        use_folder(tmp_path)
    assert "fisheries" in subjects()


@pytest.mark.slow
def test_a_faulty_own_rule_set_stops_the_start_with_file_line_and_fault(durable: Settings, tmp_path: Path) -> None:
    text = rewritten("uncitral-2021", "ours-2026", ('period = "30 days"', 'period = "a month"'))
    line = text.split("\n").index('period = "a month"') + 1
    (tmp_path / "ours-2026.toml").write_text(text, encoding="utf-8")
    for words in (("serve", "--port", "0"), ("check",), ("procedures", "list")):
        done = accord(durable, *words, ACCORD_RULES_FOLDER=str(tmp_path))
        assert done.returncode == 1, done.stdout
        assert f"ours-2026.toml:{line}: [[terms]] reply: period: unknown period 'a month'" in done.stderr + done.stdout
    missing = accord(durable, "serve", ACCORD_RULES_FOLDER=str(tmp_path / "nowhere"))
    assert missing.returncode == 1
    assert "there is no such folder" in missing.stderr


@pytest.mark.slow
def test_the_check_reports_a_case_whose_rule_set_is_missing(durable: Settings, tmp_path: Path) -> None:
    with own_rules(tmp_path, ours_2026=rewritten("uncitral-2021", "ours-2026")), House.open(durable) as house:
        Dispute(house).lodged(procedure="ours-2026", category="state-state")
    result = accord(durable, "check")
    assert result.returncode == 1
    assert "rule sets in use: Cases use rule sets that are not loaded: ours-2026." in result.stdout + result.stderr
    refused = accord(durable, "serve", "--port", "0")
    assert refused.returncode == 1
    assert "ours-2026" in refused.stderr
    assert accord(durable, "check", ACCORD_RULES_FOLDER=str(tmp_path)).returncode == 0
