"""Rule files with one fault: each is refused with its own message, and at the right line."""

import re
import sys
from datetime import time
from pathlib import Path
from typing import NamedTuple

import pytest

from app.cli import main
from app.rules.loader import BadRuleSet, load
from tests.rules.small import BASE, NAME

# The small rule set with every feature of the language: tracks, grounds, and terms that stop and resume.
WHOLE = f"""{BASE}
[[steps]]
name = "convene"
title = "Convene the first session"
by = ["mediator"]
from = ["talks"]
starts = ["first-session"]
opens = ["experts"]
article = "Article 5"
standing = "text"

[[steps]]
name = "stay"
title = "Stay the talks"
by = ["registry"]
from = ["talks"]
needs = ["first-session-held"]
suspends = ["first-session"]
pauses = ["experts"]
article = "Article 6"
standing = "text"

[[steps]]
name = "go-on"
title = "Go on"
by = ["registry"]
from = ["talks"]
resumes = ["first-session"]
reopens = ["experts"]
article = "Article 6(2)"
standing = "text"

[[steps]]
name = "report"
title = "Report of the experts"
by = ["mediator"]
from = ["talks"]
within = "experts"
closes = ["experts"]
article = "Article 7"
standing = "text"

[[steps]]
name = "stay-away"
title = "Note that a party does not appear"
by = ["registry"]
from = ["talks"]
participation = "not-appearing"
article = "Article 7(2)"
standing = "text"

[[steps]]
name = "terminate"
title = "Terminate"
by = ["mediator"]
from = ["talks"]
to = "closed"
after = "first-session"
grounds = ["no-prospect"]
outcome = "not-settled"
article = "Article 10"
standing = "text"

[[terms]]
name = "first-session"
title = "to hold the first session"
period = "10 working-days"
counting = "day-after"
roll = "next-working-day"
runs_from = "receipt"
calendars = ["seat", "parties"]
extend_by = ["mediator"]
extend_with_all = true
extend_at_most = "2 months"
waive_by = ["any-party"]
suspend_by = ["registry"]
article = "Article 5(2)"
standing = "text"

[[office_hours]]
name = "correspondence"
channels = ["e-mail", "fax"]
until = "16:00"
calendars = ["institution", "seat"]
article = "Article 3(4)"
standing = "text"

[[office_hours]]
name = "counter"
channels = ["by-hand"]
until = "12:30"
calendars = ["seat"]
article = "Article 3(5)"
standing = "text"

[[tracks]]
name = "experts"
title = "The experts' examination"
article = "Article 7(3)"
standing = "text"

[[checks]]
name = "first-session-held"
title = "The first session was held"
article = "Article 5(3)"
standing = "text"

[[grounds]]
name = "no-prospect"
title = "There is no prospect of a settlement"
article = "Article 10(2)"
standing = "text"
"""

STAGE, TRACK, TERM, HOURS, CHECK, GROUND, STEP = (
    f"[[{kind}]]" for kind in ("stages", "tracks", "terms", "office_hours", "checks", "grounds", "steps")
)
FILE, TOP = "the file", "the top of the file"
LIMBO = """[[stages]]
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
"""
ISLAND = LIMBO.replace('to = "limbo"\n', "")
RING = f"""{LIMBO}
[[stages]]
name = "void"
phase = "sessions"
title = "Adjourned again"

[[steps]]
name = "swing"
title = "Adjourn again"
by = ["mediator"]
from = ["limbo"]
to = "void"
standing = "institution"

[[steps]]
name = "swing-back"
title = "And again"
by = ["mediator"]
from = ["void"]
to = "limbo"
standing = "institution"
"""
CONVENE_ENDS = 'title = "Convene the first session"\nby = ["mediator"]\nfrom = ["talks"]\n'
LAST = 'name = "no-prospect"\n'


class Broken(NamedTuple):
    """A replacement in the text, the table at fault, the beginning of the fault, and its line.

    The line is named by words that occur once in the broken text, and by the number of lines above them.
    """

    old: str
    new: str
    table: str
    fault: str
    words: str | None
    above: int = 0


BROKEN = {
    # The file.
    "a value that is not TOML": Broken(
        'edition = "2025"',
        "edition = 2025 or so",
        FILE,
        "Expected newline or end of document after a statement (at line 4, column 16)",
        "2025 or so",
    ),
    "a text without its end": Broken(
        'title = "Go on"', 'title = "Go on', FILE, "Illegal character '\\n' (at line", 'title = "Go on'
    ),
    "a table without its end": Broken(
        f'{TRACK}\nname = "exp',
        '[[tracks]\nname = "exp',
        FILE,
        "Expected ']]' at the end of an array declaration (at line",
        "[[tracks]\n",
    ),
    "a key given twice": Broken(
        'within = "experts"',
        'within = "experts"\nwithin = "x"',
        FILE,
        "Cannot overwrite a value (at line",
        'within = "x"',
    ),
    "a note without its end": Broken(
        'zone = "seat"', 'zone = "seat"\nnote = """', FILE, "Unterminated string (at end of document)", LAST, -4
    ),
    "a byte that is no text": Broken(
        "The experts' examination",
        "The experts\udcff examination",
        FILE,
        "it is not UTF-8: byte 0xff cannot be read (at line",
        "The experts\udcff",
    ),
    # The shape.
    "an unknown key at the top": Broken('zone = "seat"', 'zone = "seat"\ncolour = 1', TOP, "colour: Extra", "colour"),
    "an unknown kind of table": Broken(
        GROUND, "[[reasons]]", TOP, "reasons: Extra inputs are not permitted", "[[reasons]]"
    ),
    "one table where there are many": Broken(
        TRACK, "[tracks]", TOP, "tracks: Input should be a valid list", "[tracks]"
    ),
    "a key missing at the top": Broken(
        'source = "Rules of a small institution"\n', "", TOP, "source: Field required", None
    ),
    "an unknown key": Broken(
        'title = "Go on"', 'title = "Go on"\nlabel = "x"', f"{STEP} go-on", "label: Extra inputs", 'label = "x"'
    ),
    "a key missing in a step": Broken(
        'title = "Go on"\n', "", f"{STEP} go-on", "title: Field required", 'name = "go-on"', 1
    ),
    "a key missing in the second of two": Broken(
        'title = "Leave the mediation"\n',
        "",
        f"{STEP} withdraw (2 of 2)",
        "title: Field required",
        'voids = ["sign"]',
        5,
    ),
    "a number for a word": Broken(
        '"Article 7(3)"', "7", f"{TRACK} experts", "article: Input should be a valid string", "article = 7\n"
    ),
    "a word for yes or no": Broken(
        "extend_with_all = true",
        'extend_with_all = "yes"',
        f"{TERM} first-session",
        "extend_with_all: Input should be a valid boolean",
        'with_all = "yes"',
    ),
    "a name of another pattern": Broken(
        'name = "go-on"', 'name = "Go on"', f"{STEP} Go on", "name: String should match", 'name = "Go on"'
    ),
    "a stage without a name": Broken(
        'name = "talks"\n', "", f"{STAGE} number 3", "name: Field required", 'phase = "sessions"', 1
    ),
    "an unknown phase": Broken(
        'phase = "sessions"', 'phase = "limbo"', f"{STAGE} talks", "phase: Input should be", 'phase = "limbo"'
    ),
    "an unknown standing": Broken(
        '"Article 7(3)"\nstanding = "text"',
        '"Article 7(3)"\nstanding = "hearsay"',
        f"{TRACK} experts",
        "standing: Input should be",
        "hearsay",
    ),
    "nobody to take a step": Broken(
        CONVENE_ENDS,
        CONVENE_ENDS.replace('["mediator"]', "[]"),
        f"{STEP} convene",
        "by: List should have at least 1 item",
        "by = []",
    ),
    "another file's id": Broken(
        f'id = "{NAME}"', 'id = "large-2025"', TOP, "id: 'large-2025' is not the name of the file", "large-2025"
    ),
    "an id of another pattern": Broken(
        f'id = "{NAME}"', 'id = "small_2025"', TOP, "id: String should match pattern", "small_2025"
    ),
    # Citations.
    "a missing citation": Broken(
        'article = "Article 6(2)"\n', "", f"{STEP} go-on", "it cites nothing: give an article", 'name = "go-on"', 1
    ),
    "a missing citation of the second of two": Broken(
        'voids = ["sign"]\noutcome = "withdrawn"\narticle = "Article 9"',
        'voids = ["sign"]\noutcome = "withdrawn"',
        f"{STEP} withdraw (2 of 2)",
        "it cites nothing",
        'title = "Leave the mediation"',
        2,
    ),
    "practice with an article": Broken(
        "numbers = true",
        'numbers = true\narticle = "7"',
        f"{STEP} invite",
        "article: a rule of the registry's own practice has no article",
        'article = "7"\n',
    ),
    # Stages.
    "an unreachable stage": Broken(
        GROUND,
        f"{ISLAND}\n{GROUND}",
        f"{STAGE} limbo",
        "no sequence of steps leads here from the first stage",
        'name = "limbo"',
        1,
    ),
    "a dead end": Broken(
        GROUND, f"{LIMBO}\n{GROUND}", f"{STAGE} limbo", "a dead end: no step leads away", 'name = "limbo"', 1
    ),
    "a ring of stages": Broken(
        GROUND,
        f"{RING}\n{GROUND}",
        f"{STAGE} void",
        "no sequence of steps leads from here to a final stage",
        'name = "void"',
        1,
    ),
    "a step from a final stage": Broken(
        'by = ["registry"]\nfrom = ["lodged"]',
        'by = ["registry"]\nfrom = ["lodged", "closed"]',
        f"{STAGE} closed",
        "a step can be taken from it although it is final (invite)",
        'phase = "closed"',
        2,
    ),
    "an end without an outcome": Broken(
        'outcome = "settled"\n',
        "",
        f"{STEP} sign",
        "to: it leads to the final stage 'closed' without an outcome",
        'to = "closed"\nneeds',
    ),
    "an end of the second of two without an outcome": Broken(
        'voids = ["sign"]\noutcome = "withdrawn"',
        'voids = ["sign"]',
        f"{STEP} withdraw (2 of 2)",
        "to: it leads to the final stage 'closed' without",
        'to = "closed"\nvoids',
    ),
    "an outcome without an end": Broken(
        'within = "experts"',
        'within = "experts"\noutcome = "lapsed"',
        f"{STEP} report",
        "outcome: it has an outcome but does not lead to a final",
        'outcome = "lapsed"',
    ),
    "an outcome of a part alone": Broken(
        'within = "experts"',
        'within = "experts"\npartial_outcome = "partly-settled"',
        f"{STEP} report",
        "partial_outcome: it has an outcome for a part but none",
        "partial_outcome",
    ),
    "an unknown outcome": Broken(
        '"not-settled"', '"lost"', f"{STEP} terminate", "outcome: unknown 'lost' (known: ", '"lost"'
    ),
    "an unknown stage to come from": Broken(
        'from = ["draft"]',
        'from = ["drafts"]',
        f"{STEP} lodge",
        "from: unknown 'drafts' (known: closed, draft, lodged, talks)",
        '["drafts"]',
    ),
    "an unknown stage to lead to": Broken(
        'to = "talks"', 'to = "talk"', f"{STEP} invite", "to: unknown 'talk'", 'to = "talk"\n'
    ),
    "a step expected elsewhere": Broken(
        'expected = ["draft"]',
        'expected = ["talks"]',
        f"{STEP} lodge",
        "expected: unknown 'talks' (known: draft)",
        'expected = ["talks"]',
    ),
    # Checks and capacities.
    "an unknown check": Broken(
        'name = "first-session-held"', 'name = "paid"', f"{CHECK} paid", "unknown check (known: ", 'name = "paid"', 1
    ),
    "an unknown check needed": Broken(
        'needs = ["all-parties-consented"]',
        'needs = ["paid"]',
        f"{STEP} sign",
        "needs: unknown check 'paid' (known: ",
        'needs = ["paid"]',
    ),
    "a check that is not cited": Broken(
        'needs = ["all-parties-consented"]',
        'fails = ["text-frozen"]',
        f"{STEP} sign",
        "fails: the check 'text-frozen' is cited in no [[checks]]",
        "text-frozen",
    ),
    "an unknown capacity": Broken(
        'title = "Stay the talks"\nby = ["registry"]',
        'title = "Stay"\nby = ["registrar"]',
        f"{STEP} stay",
        "by: unknown 'registrar' (known: ",
        "registrar",
    ),
    "an unknown each": Broken(
        "each = true", 'each = "sides"', f"{STEP} sign", "each: unknown 'sides' (known: any-party,", 'each = "sides"'
    ),
    "an each of no party": Broken(
        "within", "each = true\nwithin", f"{STEP} report", "each: unknown 'mediator'", "each = true\nwithin"
    ),
    "an unknown participation": Broken(
        '"not-appearing"',
        '"asleep"',
        f"{STEP} stay-away",
        "participation: unknown 'asleep' (known: appearing, not-appearing, withdrawn)",
        "asleep",
    ),
    "two entries open to the same people": Broken(
        'from = ["draft", "lodged"]',
        'from = ["draft", "lodged", "talks"]',
        f"{STEP} withdraw (2 of 2)",
        "two entries of this name are open",
        'title = "Leave the mediation"',
        2,
    ),
    # Terms.
    "an unknown term started": Broken(
        'starts = ["first-session"]',
        'starts = ["start"]',
        f"{STEP} convene",
        "starts: unknown 'start' (known: first-session, reply)",
        '["start"]',
    ),
    "an unknown term ended": Broken(
        'ends = ["reply"]', 'ends = ["answer"]', f"{STEP} sign", "ends: unknown 'answer'", '["answer"]'
    ),
    "an unknown term waited for": Broken(
        'after = "first-session"', 'after = "x"', f"{STEP} terminate", "after: unknown 'x'", 'after = "x"'
    ),
    "an unknown term suspended": Broken(
        'suspends = ["first-session"]', 'suspends = ["x"]', f"{STEP} stay", "suspends: unknown 'x'", 'suspends = ["x"]'
    ),
    "an unknown term resumed": Broken(
        'resumes = ["first-session"]', 'resumes = ["x"]', f"{STEP} go-on", "resumes: unknown 'x'", 'resumes = ["x"]'
    ),
    "a term never started": Broken(
        'starts = ["reply"]\n', "", f"{TERM} reply", "no step starts it", 'name = "reply"', 1
    ),
    "a term without effect": Broken(
        'ends = ["reply"]\n',
        "",
        f"{TERM} reply",
        "it has no effect: no step ends it, and none is open after it",
        'name = "reply"',
        1,
    ),
    "a term suspended for ever": Broken(
        'resumes = ["first-session"]\n',
        "",
        f"{TERM} first-session",
        "a step suspends it, and none resumes it",
        'name = "first-session"\n',
        1,
    ),
    "a bad period": Broken(
        '"30 days"', '"a month"', f"{TERM} reply", "period: unknown period 'a month' (known: ", '"a month"'
    ),
    "a bad limit of extensions": Broken(
        '"2 months"', '"2 moons"', f"{TERM} first-session", "extend_at_most: unknown period '2 moons'", "2 moons"
    ),
    "a limit that is not a period": Broken(
        '"2 months"',
        '"set-per-case"',
        f"{TERM} first-session",
        "extend_at_most: 'set-per-case' bounds nothing",
        '"set-per-case"',
    ),
    "a bad counting": Broken(
        '"30 days"\ncounting = "day-after"',
        '"30 days"\ncounting = "same-day"',
        f"{TERM} reply",
        "counting: unknown 'same-day' (known: day-after)",
        "same-day",
    ),
    "a bad roll": Broken(
        'roll = "none"', 'roll = "back"', f"{TERM} reply", "roll: unknown 'back' (known: none, next-", 'roll = "back"'
    ),
    "a bad start": Broken(
        '"receipt"',
        '"rumour"',
        f"{TERM} first-session",
        "runs_from: unknown 'rumour' (known: step, dispatch, receipt)",
        "rumour",
    ),
    "a roll without calendars": Broken(
        'roll = "none"',
        'roll = "from-saturday-sunday"',
        f"{TERM} reply",
        "roll: 'from-saturday-sunday' needs calendars",
        "from-saturday-sunday",
    ),
    "calendars without effect": Broken(
        'roll = "none"',
        'roll = "none"\ncalendars = ["institution"]',
        f"{TERM} reply",
        "calendars: they have no effect on a term",
        '["institution"]',
    ),
    "an unknown calendar": Broken(
        '"seat", "parties"',
        '"seat", "moon"',
        f"{TERM} first-session",
        "calendars: unknown 'moon' (known: seat, parties, addressee, institution)",
        '"moon"',
    ),
    "an addressee of a term that runs for all": Broken(
        'roll = "none"',
        'roll = "next-working-day"\ncalendars = ["addressee"]',
        f"{TERM} reply",
        "calendars: 'addressee' needs runs_from = 'receipt'",
        'calendars = ["addressee"]',
    ),
    "working days without calendars": Broken(
        '"30 days"', '"30 working-days"', f"{TERM} reply", "period: working days need calendars", '"30 working-days"'
    ),
    "a limit of working days without calendars": Broken(
        'roll = "none"',
        'roll = "none"\nextend_by = ["registry"]\nextend_at_most = "5 working-days"',
        f"{TERM} reply",
        "extend_at_most: working days need calendars",
        '"5 working-days"',
    ),
    "an unknown channel": Broken(
        '"e-mail", "fax"',
        '"e-mail", "portal"',
        f"{HOURS} correspondence",
        "channels: unknown 'portal' (known: post, courier, by-hand, e-mail, fax, other, court)",
        '"portal"',
    ),
    "a channel with two closing times": Broken(
        '["by-hand"]', '["by-hand", "fax"]', f"{HOURS} counter", "channels: 'fax' has office hours already", '"by-hand"'
    ),
    "an hour that no clock shows": Broken(
        '"16:00"', '"24:00"', f"{HOURS} correspondence", "until: String should match pattern", '"24:00"'
    ),
    "hours in which the office is never open": Broken(
        '"16:00"', '"00:00"', f"{HOURS} correspondence", "until: nothing would ever be in time", '"00:00"'
    ),
    "hours without a working day": Broken(
        'calendars = ["institution", "seat"]',
        "calendars = []",
        f"{HOURS} correspondence",
        "calendars: List should have at",
        "calendars = []",
    ),
    "hours by the calendar of an addressee": Broken(
        'calendars = ["institution", "seat"]',
        'calendars = ["addressee"]',
        f"{HOURS} correspondence",
        "calendars: unknown 'addressee' (known: seat, parties, institution)",
        '"addressee"',
    ),
    "two office hours of a name": Broken(
        'name = "counter"',
        'name = "correspondence"',
        f"{HOURS} correspondence (2 of 2)",
        "the name is given twice",
        'channels = ["by-hand"]',
        2,
    ),
    "a limit where nobody extends": Broken(
        'extend_by = ["mediator"]\n',
        "",
        f"{TERM} first-session",
        "extend_at_most: nobody may extend the term",
        'extend_at_most = "2 months"',
    ),
    "an agreement where nobody extends": Broken(
        'roll = "none"',
        'roll = "none"\nextend_with_all = true',
        f"{TERM} reply",
        "extend_with_all: nobody may extend the term",
        "extend_with_all = true\narticle",
    ),
    "an unknown capacity to extend": Broken(
        'extend_by = ["mediator"]',
        'extend_by = ["judge"]',
        f"{TERM} first-session",
        "extend_by: unknown 'judge'",
        "judge",
    ),
    "an unknown capacity to waive": Broken(
        'waive_by = ["any-party"]',
        'waive_by = ["all"]',
        f"{TERM} first-session",
        "waive_by: unknown 'all'",
        'waive_by = ["all"]',
    ),
    "an unknown capacity to suspend": Broken(
        'suspend_by = ["registry"]',
        'suspend_by = ["x"]',
        f"{TERM} first-session",
        "suspend_by: unknown 'x'",
        'suspend_by = ["x"]',
    ),
    # Tracks.
    "an unknown track": Broken(
        'within = "experts"',
        'within = "quakes"',
        f"{STEP} report",
        "within: unknown 'quakes' (known: experts)",
        "quakes",
    ),
    "an unknown track opened": Broken(
        '\nopens = ["experts"]', '\nopens = ["x"]', f"{STEP} convene", "opens: unknown 'x'", 'opens = ["x"]'
    ),
    "a track never opened": Broken(
        'opens = ["experts"]\narticle = "Article 5"',
        'article = "Article 5"',
        f"{TRACK} experts",
        "no step opens it",
        'name = "experts"',
        1,
    ),
    "a track never closed": Broken(
        'closes = ["experts"]\n', "", f"{TRACK} experts", "no step closes it", 'name = "experts"', 1
    ),
    "a track paused for ever": Broken(
        'reopens = ["experts"]\n',
        "",
        f"{TRACK} experts",
        "a step pauses it, and none reopens it",
        'name = "experts"',
        1,
    ),
    # Marks, names, and words.
    "a mark that is missing": Broken(
        "lodges = true\n", "", STEP, "lodges: exactly one step must have this mark (now: none)", 'name = "lodge"\n', 1
    ),
    "a mark given twice": Broken(
        "serves = true",
        "serves = true\nlodges = true",
        STEP,
        "lodges: exactly one step must have this mark (now: invite, lodge)",
        "lodges = true\nexpected",
    ),
    "a name given twice": Broken(
        LAST,
        f'{LAST}title = "Spent"\nstanding = "text"\narticle = "1"\n\n{GROUND}\n{LAST}',
        f"{GROUND} no-prospect (2 of 2)",
        "the name is given twice",
        'title = "There is no prospect',
        2,
    ),
    "a stage named twice": Broken(
        'name = "talks"',
        'name = "lodged"',
        f"{STAGE} lodged (2 of 2)",
        "the name is given twice",
        'phase = "sessions"',
        2,
    ),
    "a ground that is unused": Broken(
        'grounds = ["no-prospect"]\n', "", f"{GROUND} no-prospect", "no step has this ground", 'name = "no-prospect"', 1
    ),
    "an unknown ground": Broken(
        'grounds = ["no-prospect"]',
        'grounds = ["bad-faith"]',
        f"{STEP} terminate",
        "grounds: unknown 'bad-faith' (known: no-prospect)",
        "bad-faith",
    ),
    "an unknown step voided": Broken(
        'voids = ["sign"]',
        'voids = ["agree"]',
        f"{STEP} withdraw (2 of 2)",
        "voids: unknown 'agree'",
        'voids = ["agree"]',
    ),
    "an unknown category": Broken(
        'categories = ["state-state"]',
        'categories = ["state-sate"]',
        TOP,
        "categories: unknown 'state-sate' (known: state-state,",
        "state-sate",
    ),
    "a step that another resource takes, under a name of its own": Broken(
        'name = "sign"',
        'name = "put-a-name-to-it"',
        f"{STEP} put-a-name-to-it",
        "taken_through: 'settlement/signatures' takes 'sign', and not 'put-a-name-to-it'",
        'taken_through = "settlement/signatures"',
    ),
    "a step that no resource takes": Broken(
        'name = "report"\ntitle = "Report of the experts"',
        'name = "hold-session"\ntitle = "Report of the experts"',
        f"{STEP} hold-session",
        "name: 'hold-session' is taken through 'sessions': set taken_through",
        'name = "hold-session"',
    ),
    "a step of the clock that needs a ground": Broken(
        'by = ["mediator"]\nfrom = ["talks"]\nto = "closed"\nafter',
        'by = ["clock"]\nfrom = ["talks"]\nto = "closed"\nafter',
        f"{STEP} terminate",
        "grounds: the clock takes the step and cannot give it",
        'grounds = ["no-prospect"]',
    ),
    "a step that the clock would take for ever": Broken(
        'by = ["mediator"]\nfrom = ["talks"]\nwithin = "experts"',
        'by = ["clock"]\nfrom = ["talks"]\nwithin = "experts"',
        f"{STEP} report",
        "by: the clock would take it again and again",
        'by = ["clock"]',
    ),
    "a day set for each case that counts from receipt": Broken(
        'period = "10 working-days"\ncounting = "day-after"\nroll = "next-working-day"',
        'period = "set-per-case"\ncounting = "day-after"\nroll = "next-working-day"',
        f"{TERM} first-session",
        "period: 'set-per-case' cannot count from receipt",
        'period = "set-per-case"',
    ),
    "a party that leaves what all were signing": Broken(
        'to = "closed"\nvoids = ["sign"]\noutcome = "withdrawn"',
        'participation = "withdrawn"',
        f"{STEP} withdraw (2 of 2)",
        "voids: it must undo 'sign'",
        'participation = "withdrawn"',
        5,
    ),
    "an unknown block of fields": Broken(
        'fields = ["consent"]',
        'fields = ["cash"]',
        f"{STEP} lodge",
        "fields: unknown 'cash' (known: consent, powers)",
        '"cash"',
    ),
    "an unknown noun": Broken(
        '"settlement/signatures"',
        '"signatures"',
        f"{STEP} sign",
        "taken_through: unknown 'signatures'",
        '"signatures"',
    ),
}


def broken_file(folder: Path, broken: Broken) -> tuple[Path, str]:
    """The file with its one change, and its text."""
    assert WHOLE.count(broken.old) == 1, f"the change would be none, or several: {WHOLE.count(broken.old)}"
    text = WHOLE.replace(broken.old, broken.new)
    path = folder / f"{NAME}.toml"
    path.write_bytes(text.encode("utf-8", errors="surrogateescape"))
    return path, text


def expected_start(broken: Broken, text: str) -> str:
    """The beginning of the message: file, line, table and fault."""
    if broken.words is None:
        return f"{NAME}.toml: {broken.table}: {broken.fault}"
    assert text.count(broken.words) == 1, f"the line is not unique: {text.count(broken.words)}"
    line = text[: text.index(broken.words)].count("\n") + 1 - broken.above
    return f"{NAME}.toml:{line}: {broken.table}: {broken.fault}"


def test_the_rule_set_before_the_faults_is_sound(tmp_path: Path) -> None:
    path = tmp_path / f"{NAME}.toml"
    path.write_text(WHOLE, encoding="utf-8")
    procedure = load(path)
    assert [track.name for track in procedure.tracks] == ["experts"]
    assert procedure.term("first-session").calendars == ("seat", "parties")
    assert [(hours.channels, hours.until) for hours in procedure.office_hours] == [
        (("e-mail", "fax"), time(16)),
        (("by-hand",), time(12, 30)),
    ]


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_refused_at_the_line_of_the_fault(name: str, tmp_path: Path) -> None:
    path, text = broken_file(tmp_path, BROKEN[name])
    with pytest.raises(BadRuleSet) as caught:
        load(path)
    lines = str(caught.value).split("\n")
    start = expected_start(BROKEN[name], text)
    assert sum(line.startswith(start) for line in lines) == 1, (start, lines)


@pytest.mark.parametrize("name", BROKEN)
def test_the_command_reports_the_same_fault_and_fails(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path, text = broken_file(tmp_path, BROKEN[name])
    monkeypatch.setattr(sys, "argv", ["accord", "procedures", "check", str(path)])
    with pytest.raises(SystemExit) as caught:
        main()
    printed = capsys.readouterr()
    assert (caught.value.code, printed.out) == (1, "")
    lines = printed.err.removeprefix("accord: ").split("\n")
    assert any(line.startswith(expected_start(BROKEN[name], text)) for line in lines), lines


def test_each_broken_file_has_a_message_of_its_own(tmp_path: Path) -> None:
    messages = {}
    for name, broken in BROKEN.items():
        path, _text = broken_file(tmp_path, broken)
        with pytest.raises(BadRuleSet) as caught:
            load(path)
        messages[name] = re.sub(r"\.toml:\d+:", ".toml:", str(caught.value))
    assert len(BROKEN) >= 80
    assert len(set(messages.values())) == len(messages)


def test_the_command_reports_a_sound_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / f"{NAME}.toml"
    path.write_text(WHOLE, encoding="utf-8")
    monkeypatch.setattr(sys, "argv", ["accord", "procedures", "check", str(path)])
    with pytest.raises(SystemExit) as caught:
        main()
    assert (caught.value.code, capsys.readouterr().out) == (0, f"{path}: fine: 4 stages, 11 steps.\n")
