"""No import runs up the floors, and no two rooms import each other."""

from collections.abc import Iterable
from pathlib import PurePosixPath

import pytest

from tests.house.floors import FOLDERS, ROOMS, WINGS, edges_of, faults_of, pairs_of
from tests.house.source import APP, Source, listed, project_files

AT_THE_TOP = {"__init__.py", "__main__.py", "cli.py", "main.py", "py.typed", "settings.py"}


IN_FOLDERS = {*FOLDERS, "demo", "rules"}


def strangers_at_the_top(paths: Iterable[str]) -> list[str]:
    """The files and folders at the top of `app/` that do not belong there."""
    top = {path.parts[1] for path in map(PurePosixPath, paths) if path.parts[0] == "app"}
    return sorted(top - AT_THE_TOP - IN_FOLDERS - {"portal"})


def test_the_top_of_app_holds_the_wings_and_the_files_that_start_it() -> None:
    faults = strangers_at_the_top(project_files())
    assert not faults, listed(faults)
    assert {PurePosixPath(file.path).parts[1] for file in APP} >= IN_FOLDERS


@pytest.mark.parametrize("path", ["app/utilities.py", "app/filings/service.py", "app/notes.txt"])
def test_another_file_or_folder_at_the_top_of_app_is_found(path: str) -> None:
    assert strangers_at_the_top(["app/main.py", "app/core/db.py", "docs/api.md", path]) == [path.split("/")[1]]


def unplaced_rooms(files: Iterable[Source], wing: str) -> set[str]:
    """The rooms of a wing that stand on no floor, and those on a floor that are not there."""
    inside = [file for file in files if file.is_under(f"app/{wing}/")]
    rooms = {PurePosixPath(file.path).parts[2].removesuffix(".py") for file in inside}
    return (rooms - {"__init__"}) ^ {name for floor in ROOMS[wing] for name in floor}


@pytest.mark.parametrize("wing", ROOMS)
def test_every_room_stands_on_a_floor(wing: str) -> None:
    assert unplaced_rooms(APP, wing) == set()
    assert unplaced_rooms([*APP, Source(f"app/{wing}/planted/service.py", "")], wing) == {"planted"}
    assert unplaced_rooms([*APP, Source(f"app/{wing}/planted.py", "")], wing) == {"planted"}
    missing = ROOMS[wing][0][0]
    rest = [file for file in APP if not file.is_under(f"app/{wing}/{missing}/", f"app/{wing}/{missing}.py")]
    assert unplaced_rooms(rest, wing) == {missing}


def test_no_import_runs_up_the_floors() -> None:
    faults = [fault for edge in edges_of(APP) for fault in faults_of(edge)]
    assert not faults, listed(faults)


def test_no_two_rooms_import_each_other() -> None:
    pairs = pairs_of(edges_of(APP))
    assert not pairs, listed([f"{one} and {other} import each other" for one, other in pairs])


@pytest.mark.parametrize(
    ("path", "text", "fault"),
    [
        ("app/core/db.py", "from app.proceedings.cases import service", "above it in the wings"),
        ("app/rules/engine.py", "import app.settings", "level with it in the wings"),
        ("app/operations/backup.py", "def f():\n    from app.main import create_app", "above it in the wings"),
        ("app/institution/people/service.py", "from app.proceedings.cases.lock import lock_case", "above it"),
        ("app/core/tables/cases.py", "from ..access import gate", "above it in the floors of core"),
        ("app/core/ledger/service.py", "from app.core.seams import Seams", "above it in the floors of core"),
        ("app/proceedings/cases/requests.py", "from app.proceedings.steps import service", "floors of proceedings"),
        ("app/proceedings/sessions/service.py", "from app.proceedings.parties import service", "level with it"),
        ("app/proceedings/mail/service.py", "from app.proceedings.cases import queries", "do not name"),
        ("app/utilities.py", "from app.core import db", "do not name utilities"),
    ],
)
def test_an_import_that_breaks_the_order_is_named(path: str, text: str, fault: str) -> None:
    (found,) = [each for edge in edges_of([Source(path, text)]) for each in faults_of(edge)]
    assert path in found
    assert fault in found


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("app/core/http/work.py", "from app.core.seams import Seams"),
        ("app/proceedings/steps/service.py", "from app.proceedings.deadlines import service"),
        ("app/cli.py", "from app.operations.backup import back_up"),
        ("app/institution/people/service.py", "from app.institution.calendars.schemas import CalendarCode"),
        ("app/core/access/gate.py", "from app.core.access import policy"),
    ],
)
def test_an_import_that_runs_down_is_accepted(path: str, text: str) -> None:
    assert not [fault for edge in edges_of([Source(path, text)]) for fault in faults_of(edge)]


def test_a_pair_is_found_over_any_files_of_two_rooms() -> None:
    files = [
        Source("app/institution/people/service.py", "from app.institution.members.schemas import MemberOut"),
        Source("app/institution/members/loader.py", "from app.institution.people import service"),
    ]
    assert pairs_of(edges_of(files)) == [("institution.members", "institution.people")]


def named_twice(floors: Iterable[tuple[str, ...]]) -> list[str]:
    """What stands on two floors."""
    names = [name for floor in floors for name in floor]
    return sorted({name for name in names if names.count(name) > 1})


@pytest.mark.parametrize("floors", [WINGS, *ROOMS.values()])
def test_nothing_stands_on_two_floors(floors: tuple[tuple[str, ...], ...]) -> None:
    assert named_twice(floors) == []
    assert named_twice([*floors, ("planted", floors[0][0])]) == [floors[0][0]]
