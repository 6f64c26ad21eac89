"""Words that may appear only in certain places: commit, as_system, a case's stage, status numbers, the clock."""

import ast
from collections.abc import Callable

import pytest

from tests.house.patterns import CLOCK_AND_CHANCE, sets_a_word_of_the_case, statuses
from tests.house.source import APP, Source, listed

# Each file that acts beyond the view of one person, and why it must.
AS_SYSTEM = {
    "app/institution/people/accounts.py": "ends a person's capacities in cases that the administrator does not see",
    "app/operations/readers.py": "compares the readers of every audience with the policy",
    "app/core/access/gate.py": "lets such statements pass",
    "app/core/access/session.py": "defines it",
    "app/core/access/capacities.py": "reads and ends the capacities of people for any actor",
    "app/institution/people/activations.py": "asks for capacities in cases that the actor does not see",
    "app/institution/people/institution.py": "writes the streams of the installation, which has no case",
    "app/institution/people/service.py": "lets an administrator read the stream of the registry",
    "app/core/access/service.py": "updates the readers of an audience for any actor",
    "app/proceedings/steps/consequences.py": "a step touches items that its actor may not see",
    "app/proceedings/cases/lock.py": "a candidate acts in a case that they do not see",
    "app/proceedings/cases/circle.py": "reads the capacities and audiences that decide what the actor may read",
    "app/proceedings/settlements/drafts.py": "supersedes a text that a later mediator does not see",
    "app/proceedings/steps/derived_columns.py": "keeps what a case waits for after everybody's acts",
    "app/operations/signatures.py": "compares every certificate with its key and the ledger",
    "app/operations/keys.py": "destroys the key of a case that the operator does not see",
    "app/operations/health.py": "asks which rule sets the cases of everybody are under",
    "app/integration/notices/collection.py": "invites nobody before their side may know of the case",
    "app/integration/courts/case_progress.py": "informs a court of a case that it does not see, after any act in it",
    "app/integration/courts/order_files.py": "hands the order of a court to the participants of its case",
    "app/integration/courts/court_papers.py": "files papers of a court in a case that the court does not see",
    "app/integration/courts/referral_views.py": "shows a court its case number and the session dates its parties share",
    "app/integration/courts/court_acts.py": "makes the audience of a referral, and moves a term by a court's order",
    "app/proceedings/documents/accesses.py": "lists to a side all the readers of its documents",
    "app/proceedings/filings/withdrawal.py": "lists to a side all who could read the filing that it withdraws",
    "app/proceedings/documents/virus_scan.py": "has documents scanned that nobody may read yet",
    "app/proceedings/documents/inventory.py": "compares all that is stored with all that is known",
    "app/core/ledger/feed.py": "finds the place of an event that its reader may know of no more, and says who has news",
    "app/core/ledger/service.py": "reads the heads of every stream at the seal",
    "app/core/ledger/acts.py": "finds the streams of the installation",
    "app/core/ledger/verification.py": "recomputes every stream",
}

# Each file that reads the clock or makes random bytes itself; all others get them from their caller.
SEAMS = {
    "app/core/clock.py": "is the clock",
    "app/operations/health.py": "looks at an installation once, as the command does that calls it",
    "app/cli.py": "starts the program",
    "app/operations/commands/": "run as programs of their own",
    "app/integration/client.py": "is the other side, with a clock of its own",
    "app/integration/court_in_a_box/command.py": "starts a program of its own, which is not the service",
    "app/demo/": "tells its own time",
    "app/core/http/limits.py": "counts in seconds of the machine, as what it counts with does",
    "app/core/http/middleware.py": "gives an id to a request that brings none",
    "app/core/http/waiting_room.py": "looks for news in sessions of its own, which draw nothing",
    "app/main.py": "where the seams begin",
    "app/settings.py": "reads the environment",
}

# Attributes with the same names as fields of a case, of other objects.
NOT_OF_A_CASE: dict[tuple[str, str], str] = {
    (
        "app/integration/courts/registry_decisions.py",
        "phase",
    ): "a referral's: the last phase that the court was informed of",
}
THE_DOOR = "app/proceedings/steps/apply.py"


def transactions_ended(files: list[Source]) -> list[str]:
    """Where a transaction is committed or rolled back by others than its owners."""
    return [
        f"{file.path}:{node.lineno}"
        for file in files
        if not file.is_under("app/core/db.py", "app/operations/background/worker.py")
        for node in file.nodes
        if (isinstance(node, ast.Attribute) and node.attr in {"commit", "rollback"})
        or (isinstance(node, ast.Constant) and str(node.value).strip(" ;").lower() in {"commit", "rollback"})
    ]


def changes_of_a_case(files: list[Source]) -> list[str]:
    """Where a case's stage, phase or outcome is set outside its one door."""
    return [
        f"{file.path}:{line} sets {word}"
        for file in files
        if not file.is_under(THE_DOOR, "app/rules/")
        for line, word in sets_a_word_of_the_case(file)
        if (file.path, word) not in NOT_OF_A_CASE
    ]


def failure_statuses(files: list[Source]) -> list[str]:
    """Where the status number of a failure is named outside the error handlers."""
    others = [file for file in files if file.path != "app/core/http/errors.py"]
    faults = [f"{file.path}:{line}" for file in others for line, number in statuses(file) if 400 <= number <= 599]
    return faults + [
        f"{file.path}:{each.line} {each.name}"
        for file in others
        for each in file.imports
        if each.name.endswith("HTTPException") or each.is_within("fastapi.status", "starlette.status")
    ]


def status_codes(files: list[Source]) -> list[str]:
    """Where status codes are used outside the web layer and its callers."""
    return [
        f"{file.path}:{line}"
        for file in files
        if file.layer != "routes"
        and not file.is_under("app/main.py", "app/core/http/", "app/cli.py", "app/demo/")
        and not file.is_under("app/integration/client.py", "app/integration/court_in_a_box/")
        for line, word in file.words()
        if word in {"status_code", "HTTPStatus"}
    ]


def clock_and_chance(files: list[Source]) -> list[str]:
    """Where the clock is read or a random value drawn outside the seams."""
    return [
        f"{file.path}:{line} {name}"
        for file in files
        if not file.is_under(*SEAMS)
        for line, name in file.mentions()
        if CLOCK_AND_CHANCE.fullmatch(name)
    ]


def surroundings_in_rules(files: list[Source]) -> list[str]:
    """Where the rules reach for the clock, chance or the environment."""
    banned = ("random", "secrets", "time", "os", "socket", "subprocess", "sqlite3", "http", "urllib", "logging")
    rules = [file for file in files if file.is_under("app/rules/")]
    faults = [
        f"{file.path}:{each.line} imports {each.name}"
        for file in rules
        for each in file.imports
        if each.is_within(*banned)
    ]
    return faults + [
        f"{file.path}:{line} {name}"
        for file in rules
        for line, name in file.mentions()
        if CLOCK_AND_CHANCE.fullmatch(name)
    ]


Rule = Callable[[list[Source]], list[str]]
# Each rule, and a line at the top of a file that breaks it.
RULES: dict[Rule, tuple[str, str]] = {
    transactions_ended: ("app/proceedings/filings/service.py", "db.commit()"),
    changes_of_a_case: ("app/proceedings/filings/service.py", "case.outcome = 'settled'"),
    failure_statuses: ("app/proceedings/filings/service.py", "problem(status=409)"),
    status_codes: ("app/proceedings/filings/service.py", "print(response.status_code)"),
    clock_and_chance: ("app/proceedings/filings/service.py", "import uuid; uuid.uuid4()"),
    surroundings_in_rules: ("app/rules/engine.py", "import os"),
}


@pytest.mark.parametrize("rule", RULES)
def test_no_word_breaks_the_rule(rule: Rule) -> None:
    faults = rule(APP)
    assert not faults, listed(faults)


@pytest.mark.parametrize("rule", RULES)
def test_a_word_that_breaks_the_rule_is_found(rule: Rule) -> None:
    path, text = RULES[rule]
    assert any(file.path == path for file in APP)
    found = rule([Source(path, text)])
    assert found
    assert all(fault.startswith(f"{path}:1") for fault in found)


def places_of_as_system(using: set[str]) -> list[str]:
    """The files that use `as_system` and are not listed, and those that are listed and do not use it."""
    faults = [f"{path} uses as_system and is not listed" for path in sorted(using - set(AS_SYSTEM))]
    return faults + [f"{path} is listed for as_system and does not use it" for path in sorted(set(AS_SYSTEM) - using)]


def test_as_system_appears_only_in_the_files_that_state_why() -> None:
    faults = places_of_as_system({file.path for file in APP if any(word == "as_system" for _, word in file.words())})
    assert not faults, listed(faults)


def test_another_use_of_as_system_and_a_reason_without_use_are_found() -> None:
    unused, *used = AS_SYSTEM
    assert places_of_as_system({"app/proceedings/late.py", *used}) == [
        "app/proceedings/late.py uses as_system and is not listed",
        f"{unused} is listed for as_system and does not use it",
    ]
