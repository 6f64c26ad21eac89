"""Inside a noun imports lead from routes to service to tables; each outside package has its places."""

from collections.abc import Callable

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


def nouns(files: list[Source], name: str | None = None) -> list[Source]:
    """The files of nouns: those of that name, or all."""
    return [file for file in files if file.is_under(*WINGS) and name in (None, file.layer)]


def modules_named(name: str) -> list[str]:
    """The import names of all files of that name."""
    return [file.path.removesuffix(".py").replace("/", ".") for file in nouns(APP, name)]


def service_in_schemas(files: list[Source]) -> list[str]:
    """Where schemas import a service, routes or HTTP."""
    return imported(nouns(files, "schemas"), *modules_named("service"), *modules_named("routes"), "app.core.http")


def more_than_the_database_in_tables(files: list[Source]) -> list[str]:
    """Where tables import anything of the project but the database and other tables."""
    return [
        f"{file.path}:{each.line} {each.name}"
        for file in files
        if file.is_under("app/core/tables/")
        for each in file.imports
        if each.is_within("app") and not each.is_within("app.core.db", "app.core.tables")
    ]


def web_outside_routes(files: list[Source]) -> list[str]:
    """Where a noun imports HTTP outside its routes."""
    others = [
        file for file in nouns(files) if file.layer != "routes" and not file.is_under("app/core/http/", DESCRIPTION)
    ]
    return imported(others, "app.core.http", *modules_named("routes"), *WEB)


def database_in_routes(files: list[Source]) -> list[str]:
    """Where routes import the database."""
    return imported(nouns(files, "routes"), "sqlalchemy", "psycopg")


def imported_routes(files: list[Source]) -> list[str]:
    """Where anything but the wiring imports routes."""
    return imported([file for file in files if file.path != "app/main.py"], *modules_named("routes"))


def others_in_rules(files: list[Source]) -> list[str]:
    """Where the rules import anything but the standard library and rules."""
    return [
        f"{file.path}:{each.line} {each.name}"
        for file in files
        if file.is_under("app/rules/")
        for each in file.imports
        if not (
            each.is_of_standard_library()
            or each.is_within("app.rules")
            or (file.path == "app/rules/loader.py" and each.is_within("pydantic", "pydantic_core"))
        )
    ]


def service_in_client(files: list[Source]) -> list[str]:
    """Where the Python client imports the service; it can be copied without it."""
    return imported([file for file in files if file.path == "app/integration/client.py"], "app")


def service_in_simulated_court(files: list[Source]) -> list[str]:
    """Where the simulated court imports more than the client."""
    return [
        f"{file.path}:{each.line} {each.name}"
        for file in files
        if file.is_under("app/integration/court_in_a_box/")
        for each in file.imports
        if each.is_within("app")
        and not each.is_within(
            "app.integration.client", "app.integration.court_in_a_box", "app.core.errors.Misconfigured"
        )
    ]


Rule = Callable[[list[Source]], list[str]]
# Each rule with the files that it is about, and an import that breaks it.
RULES: dict[Rule, tuple[str, str]] = {
    service_in_schemas: ("app/proceedings/filings/schemas.py", "from app.proceedings.filings import service"),
    more_than_the_database_in_tables: ("app/core/tables/filings.py", "from app.core.values import Code"),
    web_outside_routes: ("app/proceedings/filings/service.py", "from fastapi import Request"),
    database_in_routes: ("app/proceedings/filings/routes.py", "from sqlalchemy import select"),
    imported_routes: ("app/operations/server.py", "from app.proceedings.filings.routes import router"),
    others_in_rules: ("app/rules/engine.py", "import pydantic"),
    service_in_client: ("app/integration/client.py", "from app.core.values import Code"),
    service_in_simulated_court: ("app/integration/court_in_a_box/store.py", "from app.core.db import Database"),
}


@pytest.mark.parametrize("rule", RULES)
def test_no_import_breaks_the_rule(rule: Rule) -> None:
    faults = rule(APP)
    assert not faults, listed(faults)


@pytest.mark.parametrize("rule", RULES)
def test_an_import_that_breaks_the_rule_is_found(rule: Rule) -> None:
    path, text = RULES[rule]
    assert any(file.path == path for file in APP)
    assert [fault.partition(" ")[0] for fault in rule([Source(path, text)])] == [f"{path}:1"]


PLACES: list[tuple[str, tuple[str, ...]]] = [
    ("fastapi", ("app/main.py", "app/operations/server.py", "app/core/http/")),
    ("starlette", ("app/main.py", "app/core/http/")),
    ("uvicorn", ("app/operations/connections.py", "app/operations/fast_connections.py", "app/operations/server.py")),
    ("httptools", ("app/operations/fast_connections.py",)),
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
    ("psycopg", ("app/core/db.py", "app/core/postgresql.py")),
    ("obstore", ("app/core/files/",)),
    ("typst", ("app/proceedings/certificates/",)),
    ("cryptography", ("app/core/", "app/institution/signing/")),
]


def outside_its_places(files: list[Source], package: str, places: tuple[str, ...]) -> list[str]:
    """Where a package is imported outside its places."""
    others = [
        file
        for file in files
        if not file.is_under(*places) and not (package in WEB and file.layer == "routes" and file.is_under(*WINGS))
    ]
    return imported(others, package)


@pytest.mark.parametrize(("package", "places"), PLACES)
def test_a_package_is_imported_only_in_its_places(package: str, places: tuple[str, ...]) -> None:
    faults = outside_its_places(APP, package, places)
    assert not faults, listed(faults)


@pytest.mark.parametrize(("package", "places"), PLACES)
def test_a_package_outside_its_places_is_found(package: str, places: tuple[str, ...]) -> None:
    planted = Source("app/proceedings/filings/service.py", f"def late():\n    import {package}.parts")
    assert outside_its_places([planted], package, places) == [f"{planted.path}:2 {package}.parts"]
