"""Imports point inward: routes to service to models to db; anyone may ask the rules."""

import pytest

from tests.house.source import APP, Source, told

NOUNS = (
    "access",
    "calendars",
    "cases",
    "certificates",
    "clients",
    "contents",
    "courts",
    "deadlines",
    "desk",
    "disclosures",
    "documents",
    "filings",
    "ledger",
    "mediators",
    "members",
    "notices",
    "parties",
    "procedures",
    "rectifications",
    "service_of_process",
    "sessions",
    "settlements",
    "signing",
    "webhooks",
)
FOLDERS = tuple(f"app/{noun}/" for noun in NOUNS)
PROGRAMS = ("app.main", "app.cli", "app.demo", "app.court_in_a_box", "app.worker", "app.portal")
WEB = ("fastapi", "starlette")


def imported(files: list[Source], *packages: str) -> list[str]:
    """Where these files import one of these packages."""
    return [
        f"{file.path}:{each.line} {each.name}" for file in files for each in file.imports if each.is_within(*packages)
    ]


def layer(name: str) -> list[Source]:
    """The files of one layer in every noun, and the pure or private files beside them with the service."""
    outer = {"models", "schemas", "routes"}
    return [
        file
        for file in APP
        if file.is_under(*FOLDERS) and (file.layer == name or (name == "service" and file.layer not in outer))
    ]


def layer_of_every_noun(name: str) -> tuple[str, ...]:
    """The modules of one layer, as import names."""
    return tuple(f"app.{noun}.{name}" for noun in NOUNS)


def test_every_noun_has_its_folder() -> None:
    missing = [folder for folder in FOLDERS if not any(file.is_under(folder) for file in APP)]
    assert not missing, told(missing)


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
    assert not faults, told(faults)


def test_the_client_needs_nothing_of_the_service_so_that_it_can_be_copied() -> None:
    faults = imported([file for file in APP if file.path == "app/client.py"], "app")
    assert not faults, told(faults)


def test_the_simulated_court_knows_the_service_by_its_public_api_alone() -> None:
    court = [file for file in APP if file.is_under("app/court_in_a_box/")]
    faults = [
        f"{file.path}:{each.line} {each.name}"
        for file in court
        for each in file.imports
        if each.is_within("app") and not each.is_within("app.client", "app.court_in_a_box", "app.errors.Misconfigured")
    ]
    assert court
    assert not faults, told(faults)


def test_models_know_neither_service_nor_routes_nor_schemas_nor_the_web() -> None:
    outer = [module for name in ("service", "routes", "schemas") for module in layer_of_every_noun(name)]
    faults = imported(layer("models"), *outer, "app.http", *WEB, *PROGRAMS)
    assert not faults, told(faults)


def test_schemas_know_neither_service_nor_routes_nor_the_web() -> None:
    outer = [module for name in ("service", "routes") for module in layer_of_every_noun(name)]
    faults = imported(layer("schemas"), *outer, "app.http", *WEB, *PROGRAMS)
    assert not faults, told(faults)


def test_services_know_neither_routes_nor_the_web() -> None:
    faults = imported(layer("service"), *layer_of_every_noun("routes"), "app.http", *WEB, *PROGRAMS)
    assert not faults, told(faults)


def test_routes_reach_the_database_only_through_their_service() -> None:
    faults = imported(layer("routes"), "sqlalchemy", "psycopg", *PROGRAMS)
    assert not faults, told(faults)


def test_nobody_imports_the_routes_but_the_wiring() -> None:
    others = [file for file in APP if file.path != "app/main.py"]
    faults = imported(others, *layer_of_every_noun("routes"))
    assert not faults, told(faults)


def test_the_database_knows_no_noun_and_no_program() -> None:
    files = [file for file in APP if file.is_under("app/db.py", "app/settings.py", "app/errors.py", "app/values.py")]
    faults = imported(files, *(f"app.{noun}" for noun in NOUNS), "app.http", *WEB, *PROGRAMS)
    assert not faults, told(faults)


@pytest.mark.parametrize(
    ("package", "places"),
    [
        ("fastapi", ("app/main.py", "app/serving.py", "app/http/")),
        ("starlette", ("app/main.py", "app/http/")),
        ("uvicorn", ("app/serving.py",)),
        ("httpx", ("app/cli.py", "app/client.py", "app/demo/", "app/webhooks/guard.py")),
        ("httpcore", ("app/webhooks/posting.py",)),
        ("sqlite3", ("app/court_in_a_box/store.py", "app/db.py")),
        ("typer", ("app/cli.py", "app/court_in_a_box/command.py", "app/demo/", "app/procedures/command.py")),
        ("rich", ("app/cli.py", "app/demo/")),
        ("holidays", ("app/calendars/",)),
        ("fast_sugiyama", ("app/procedures/",)),
        ("psycopg", ("app/db.py",)),
        ("obstore", ("app/documents/",)),
        ("typst", ("app/certificates/",)),
        ("cryptography", ("app/contents/", "app/documents/", "app/signing/", "app/http/", "app/paging.py")),
    ],
)
def test_a_package_is_imported_only_in_its_places(package: str, places: tuple[str, ...]) -> None:
    others = [
        file
        for file in APP
        if not file.is_under(*places) and not (package in WEB and file.layer == "routes" and file.is_under(*FOLDERS))
    ]
    faults = imported(others, package)
    assert not faults, told(faults)
