"""Inside a noun imports lead from routes to service to tables; each outside package has its places."""

import pytest

from tests.house.source import APP, Source, listed

# Where nouns have their packages.
WINGS = ("app/core/", "app/institution/", "app/proceedings/", "app/integration/")
# Writes what HTTP answers into the OpenAPI document.
DESCRIPTION = "app/integration/description/"
WEB = ("fastapi", "starlette")


def imported(files: list[Source], *packages: str) -> list[str]:
    """Where these files import one of these packages."""
    return [
        f"{file.path}:{each.line} {each.name}" for file in files for each in file.imports if each.is_within(*packages)
    ]


def nouns(*, named: str | None = None) -> list[Source]:
    """The files of nouns: those of that name, or all."""
    return [file for file in APP if file.is_under(*WINGS) and named in (None, file.layer)]


def modules_named(name: str) -> list[str]:
    """The import names of all files of that name."""
    return [file.path.removesuffix(".py").replace("/", ".") for file in nouns(named=name)]


def test_schemas_know_neither_service_nor_routes() -> None:
    assert nouns(named="schemas")
    faults = imported(nouns(named="schemas"), *modules_named("service"), *modules_named("routes"), "app.core.http")
    assert not faults, listed(faults)


def test_tables_know_nothing_but_the_database() -> None:
    tables = [file for file in APP if file.is_under("app/core/tables/")]
    faults = [
        f"{file.path}:{each.line} {each.name}"
        for file in tables
        for each in file.imports
        if each.is_within("app") and not each.is_within("app.core.db", "app.core.tables")
    ]
    assert tables
    assert not faults, listed(faults)


def test_only_routes_and_http_know_the_web() -> None:
    others = [file for file in nouns() if file.layer != "routes" and not file.is_under("app/core/http/", DESCRIPTION)]
    faults = imported(others, "app.core.http", *modules_named("routes"), *WEB)
    assert not faults, listed(faults)


def test_routes_reach_the_database_only_through_their_service() -> None:
    assert nouns(named="routes")
    faults = imported(nouns(named="routes"), "sqlalchemy", "psycopg")
    assert not faults, listed(faults)


def test_nobody_imports_the_routes_but_the_wiring() -> None:
    faults = imported([file for file in APP if file.path != "app/main.py"], *modules_named("routes"))
    assert not faults, listed(faults)


def test_rules_import_only_the_standard_library_and_rules() -> None:
    faults = [
        f"{file.path}:{each.line} {each.name}"
        for file in APP
        if file.is_under("app/rules/")
        for each in file.imports
        if not (
            each.is_of_standard_library()
            or each.is_within("app.rules")
            or (file.path == "app/rules/loader.py" and each.is_within("pydantic", "pydantic_core"))
        )
    ]
    assert not faults, listed(faults)


def test_the_client_needs_nothing_of_the_service_so_that_it_can_be_copied() -> None:
    faults = imported([file for file in APP if file.path == "app/integration/client.py"], "app")
    assert not faults, listed(faults)


def test_the_simulated_court_knows_the_service_by_its_public_api_alone() -> None:
    court = [file for file in APP if file.is_under("app/integration/court_in_a_box/")]
    faults = [
        f"{file.path}:{each.line} {each.name}"
        for file in court
        for each in file.imports
        if each.is_within("app")
        and not each.is_within(
            "app.integration.client", "app.integration.court_in_a_box", "app.core.errors.Misconfigured"
        )
    ]
    assert court
    assert not faults, listed(faults)


@pytest.mark.parametrize(
    ("package", "places"),
    [
        ("fastapi", ("app/main.py", "app/operations/server.py", "app/core/http/")),
        ("starlette", ("app/main.py", "app/core/http/")),
        ("uvicorn", ("app/operations/server.py",)),
        ("httpx", ("app/cli.py", "app/integration/client.py", "app/demo/", "app/core/outbound.py")),
        ("httpcore", ("app/integration/webhooks/transport.py",)),
        ("sqlite3", ("app/integration/court_in_a_box/store.py", "app/core/db.py")),
        (
            "typer",
            (
                "app/cli.py",
                "app/integration/court_in_a_box/command.py",
                "app/demo/",
                "app/institution/procedures/command.py",
                "app/operations/commands/",
            ),
        ),
        ("rich", ("app/cli.py", "app/demo/")),
        ("holidays", ("app/institution/calendars/",)),
        ("fast_sugiyama", ("app/institution/procedures/",)),
        ("psycopg", ("app/core/db.py",)),
        ("obstore", ("app/core/files/",)),
        ("typst", ("app/proceedings/certificates/",)),
        ("cryptography", ("app/core/", "app/institution/signing/")),
    ],
)
def test_a_package_is_imported_only_in_its_places(package: str, places: tuple[str, ...]) -> None:
    others = [
        file
        for file in APP
        if not file.is_under(*places) and not (package in WEB and file.layer == "routes" and file.is_under(*WINGS))
    ]
    faults = imported(others, package)
    assert not faults, listed(faults)
