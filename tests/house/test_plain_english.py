"""Phrases that made the texts hard to read do not come back."""

import pytest

from tests.house.prose import Passage, hits, passages_of, passages_under
from tests.house.source import listed

# Each phrase with what to write instead. Letters may be capitals, and spaces may be line breaks.
PHRASES = {
    "anew": "again",
    "at the door": "before it is read",
    "be had": "be obtained, be reached",
    "bears": "has, carries",
    "beside": "next to, with, in the same folder as; for 'in addition': besides",
    "comes to be": "is made, begins",
    "for nothing": "without use",
    "goes by": "uses, follows",
    "hold against": "compare with",
    "holds against": "compares with",
    "hold it against": "compare it with",
    "hold them against": "compare them with",
    "holds it against": "compares it with",
    "holds them against": "compares them with",
    "held against": "compared with",
    "if they are none": "if they are not",
    "in earnest": "in production",
    "in the place of": "instead of, in place of; or: replaces",
    "in vain": "without a result",
    "into line": "update, make agree with",
    "it is who": "say which thing or person it is",
    "knocks": "connects",
    "let go of": "discard, give up",
    "lets go of": "discards, gives up",
    "lie": "are stored, are",
    "lies": "is stored, is",
    "mend": "correct, fix",
    "mended": "corrected, fixed",
    "mends": "corrects, fixes",
    "none that": "no, not a: 'no token, or an invalid one'",
    "nobody else": "only",
    "nought": "zero, nothing",
    "oneself": "yourself, the person",
    "sooner than": "rather than",
    "stand in": "are in",
    "stands in": "is in",
    "surroundings": "environment",
    "that is none": "that is not one",
    "that there are": "name the things: 'reports new events'",
    "that there is": "name the thing: 'reports a new event'",
    "the one that is": "the current one, the given one",
    "therein": "in it",
    "thereof": "of it",
    "told": "said, informed, reported, shown",
    "turned over": "flipped (a bit)",
    "upon": "on",
    "who asks": "the actor, the caller",
    "whoever": "anybody who; or name the person: the reader, the operator",
    "whomever": "anybody whom",
    "without a word": "without an error, silently",
}
# Files, and folders with a closing slash.
FOLDERS = (
    ".ci/run",
    ".editorconfig",
    ".github/ISSUE_TEMPLATE/bug.yml",
    ".github/ISSUE_TEMPLATE/config.yml",
    ".github/ISSUE_TEMPLATE/feature.yml",
    ".github/ISSUE_TEMPLATE/rule-set-correction.yml",
    ".github/pull_request_template.md",
    ".github/workflows/ci.yml",
    ".pre-commit-config.yaml",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Dockerfile",
    "Makefile",
    "README.md",
    "SECURITY.md",
    "alembic.ini",
    "app/",
    "benchmarks/",
    "compose.yaml",
    "docs/",
    "migrations/",
    "pyproject.toml",
    "tests/",
)
# Phrases that are right where they are, by file and phrase, each with its reason.
RIGHT_THERE = {
    ("docs/procedures/court-referred.md", "beside"): "a rule set's own words: a track runs beside the stages",
    ("docs/procedures/icsid-2022.md", "lies"): "a rule set's own words: a request lies outside Rule 2, as lawyers say",
    ("docs/procedures/indus-waters-1960.md", "beside"): "a rule set's own words: tracks run beside the stages",
    ("docs/procedures/watercourses-1997.md", "beside"): "a rule set's own words: a track runs beside the stages",
    ("tests/core/http/test_problems.py", "lie"): "the end of a name that is written with a combining accent",
}
THIS_FILE = "tests/house/test_plain_english.py"


def test_no_text_uses_a_phrase_that_was_given_up() -> None:
    passages = (passage for passage in passages_under(*FOLDERS) if passage.path != THIS_FILE)
    found = [(hit, phrase) for hit, phrase in hits(passages, PHRASES)]
    faults = [
        f"{hit.path}:{hit.line} '{' '.join(hit.text.split())}': write {PHRASES[phrase]}"
        for hit, phrase in found
        if (hit.path, phrase) not in RIGHT_THERE
    ]
    assert not faults, listed(faults)
    unused = set(RIGHT_THERE) - {(hit.path, phrase) for hit, phrase in found}
    assert not unused, listed([f"{path} no longer uses '{phrase}'" for path, phrase in sorted(unused)])


@pytest.mark.parametrize("place", FOLDERS)
def test_every_place_has_something_to_read(place: str) -> None:
    assert next(passages_under(place), None)


@pytest.mark.parametrize(
    ("path", "text", "line"),
    [
        ("app/x.py", '"""One.\n\nWhoever reads this."""', 3),
        ("app/x.py", 'raise Conflict("Read it again, then decide anew.")', 1),
        ("app/x.py", 'text = (\n    "It lies "\n    "there."\n)', 2),
        ("app/x.py", 'f"{name} lies there"', 1),
        ("app/x.py", "x = 1\ny = 2  # in earnest", 2),
        ("app/x.py", "# The first line\n# says that there\n# is a second.", 2),
        ("app/x.py", "if x:\n    # The new key in\n    # the place of the old.\n    y = 1", 2),
        ("tests/test_x.py", "def test_a_key_is_put_in_the_place_of_another() -> None: ...", 1),
        ("tests/test_x.py", "async def test_nought_is_nothing() -> None: ...", 1),
        ("docs/x.md", "# Title\n\nReports that there\nis something new.", 3),
        ("README.md", "| a | held against b |", 1),
    ],
)
def test_a_phrase_is_found_in_every_kind_of_text(path: str, text: str, line: int) -> None:
    ((hit, phrase),) = hits(passages_of(path, text), PHRASES)
    assert (hit.path, hit.line) == (path, line)
    assert phrase in PHRASES


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("app/x.py", "anew = told(whoever)"),
        ("app/x.py", "told_at = 'told_at'"),
        ("app/x.py", "# Belief, besides: renewal."),
        ("app/x.py", "x = 1  # in\ny = 2\n# vain"),
        ("docs/x.md", "The place of the hearing, in the places of the seat. Believe it; held fast, against all odds."),
    ],
)
def test_other_words_and_names_are_let_pass(path: str, text: str) -> None:
    assert not list(hits(passages_of(path, text), PHRASES))


def test_a_line_is_the_one_of_the_phrase() -> None:
    passage = Passage("docs/x.md", 10, "one\ntwo in\nvain\nfour upon")
    found = {(phrase, hit.line) for hit, phrase in hits([passage], PHRASES)}
    assert found == {("in vain", 11), ("upon", 13)}
