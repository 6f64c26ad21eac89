"""The searches of this folder work: a search that finds nothing must be able to find something."""

import pytest

from tests.house.patterns import CLOCK_AND_CHANCE, sets_a_word_of_the_case, statuses
from tests.house.source import Source


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("import fastapi.routing", "fastapi.routing"),
        ("from app.proceedings.cases import facts as f", "app.proceedings.cases.facts"),
        ("from . import routes", "app.proceedings.cases.routes"),
        ("from .routes import router", "app.proceedings.cases.routes.router"),
        ("from ..steps import service", "app.proceedings.steps.service"),
        ("def f():\n    from starlette.requests import Request", "starlette.requests.Request"),
    ],
)
def test_an_import_is_found_in_every_form(text: str, name: str) -> None:
    assert [each.name for each in Source("app/proceedings/cases/queries.py", text).imports] == [name]


@pytest.mark.parametrize(
    "text",
    [
        "import datetime\ndatetime.datetime.now()",
        "import datetime as dt\nclock = dt.datetime.now",
        "from datetime import UTC, datetime\ndatetime.now(UTC)",
        "from datetime import date\ndate.today()",
        "from time import time as seconds\nseconds()",
        "import uuid\nx = dict(default=uuid.uuid4)",
        "from uuid import uuid4\nfield(default_factory=uuid4)",
        "import os\nos.urandom(16)",
        "import secrets\nsecrets.token_bytes(3)",
        "from random import choice\nchoice(x)",
    ],
)
def test_uses_of_clock_and_chance_are_found_in_every_form(text: str) -> None:
    assert any(CLOCK_AND_CHANCE.fullmatch(name) for _, name in Source("app/x.py", text).mentions())


@pytest.mark.parametrize(
    "text",
    [
        "from uuid import UUID\nUUID(bytes=b, version=4)",
        "import secrets\nsecrets.compare_digest(a, b)",
        "import time\ntime.monotonic()",
        "clock.now()",
    ],
)
def test_code_without_clock_and_chance_passes(text: str) -> None:
    assert not any(CLOCK_AND_CHANCE.fullmatch(name) for _, name in Source("app/x.py", text).mentions())


@pytest.mark.parametrize(
    "text",
    [
        "case.stage = 'closed'",
        "case.stage, other = decision",
        "row.case.outcome: str = 'settled'",
        "case.phase += x",
        "setattr(case, 'stage', x)",
        "db.execute(update(Case).values(stage=x))",
        "db.execute(update(Case).values({'outcome': x}))",
        "db.execute(update(Case).values({Case.outcome: x}))",
    ],
)
def test_a_change_of_a_case_is_found_in_every_form(text: str) -> None:
    assert list(sets_a_word_of_the_case(Source("app/x.py", text)))


@pytest.mark.parametrize("text", ["case.stage == 'closed'", "f(stage=x)", "values(stage=x)", "stage = case.stage"])
def test_reading_a_case_passes(text: str) -> None:
    assert not list(sets_a_word_of_the_case(Source("app/x.py", text)))


@pytest.mark.parametrize(
    "text",
    ["f(status_code=404)", "f(status=404)", "status = 404", "a.status: int = 404", "{'type': 't', 'status': 404}"],
)
def test_a_status_number_is_found_in_every_form(text: str) -> None:
    assert list(statuses(Source("app/x.py", text))) == [(1, 404)]


@pytest.mark.parametrize(
    "text",
    [
        "as_system(db)",
        "options(as_system=True)",
        "gate.as_system",
        "def as_system(): ...",
        "from app.core.access.gate import as_system",
        "options['as_system']",
    ],
)
def test_a_word_is_found_in_every_form(text: str) -> None:
    assert any(word == "as_system" for _, word in Source("app/x.py", text).words())
