"""The `accord` command."""

import json
import logging
import os
import signal
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import SecretStr, ValidationError

import app.core.tables.every  # noqa: F401 - every table must be known before the gate is installed
from app.core.clock import system_clock
from app.core.errors import Invalid, Misconfigured, Problem
from app.core.logs import set_up
from app.demo.command import demo
from app.demo.story import StoryFault
from app.institution.procedures.command import procedures
from app.institution.signing.files import NotGenuine, read_public_key
from app.integration.court_in_a_box.command import court as court_command
from app.operations.commands.accounts import clients, institution_command, members, tokens, users
from app.operations.commands.backups import backup_command, restore_command
from app.operations.commands.installation import open_database, require_ready
from app.operations.commands.keys import key_commands
from app.operations.commands.ledger import ledger_commands
from app.operations.health import look_at
from app.operations.migrating import is_ahead, migrate
from app.operations.process_lock import only_process
from app.proceedings.certificates import verification
from app.rules.loader import BadRuleSet, use_folder
from app.settings import Settings, faults_in_settings, unknown_settings

log = logging.getLogger("accord")

cli = typer.Typer(help="Accord: the registry of a mediation institution.", no_args_is_help=True, add_completion=False)
cli.add_typer(users, name="user")
cli.add_typer(tokens, name="token")
cli.add_typer(clients, name="client")
cli.add_typer(procedures, name="procedures")
cli.add_typer(members, name="members")
cli.add_typer(ledger_commands, name="ledger")
cli.add_typer(key_commands, name="key")
cli.command("demo")(demo)
cli.command("court")(court_command)
cli.command("institution")(institution_command)
cli.command("backup")(backup_command)
cli.command("restore")(restore_command)


def main() -> None:
    """Run the command; a failure prints one sentence and ends with exit code 1."""
    try:
        cli()
    except Invalid as problem:
        _fail("; ".join(f"{fault.pointer.strip('/')}: {fault.message}" for fault in problem.errors))
    except (Problem, Misconfigured, BadRuleSet, StoryFault, NotGenuine) as problem:
        _fail(str(problem))
    except ValidationError as problem:
        if problem.title == Settings.__name__:
            _fail(faults_in_settings(problem))
        _fail("; ".join(f"{'.'.join(map(str, error['loc']))}: {error['msg']}" for error in problem.errors()))


def _fail(message: str) -> None:
    typer.echo(f"accord: {message}", err=True)
    sys.exit(1)


@cli.command("migrate")
def migrate_command() -> None:
    """Migrate the database to this release's tables."""
    settings = Settings()
    migrate(settings)
    database = open_database(settings.direct())
    try:
        with database.read(os.urandom) as db:
            later = is_ahead(db.connection())
    finally:
        database.dispose()
    if later:
        typer.echo("The database is at a later release's tables, which include this release's: nothing was done.")
    else:
        typer.echo("The database is at this release's tables.")


@cli.command("serve")
def serve_command(
    host: Annotated[str | None, typer.Option(help="Address to listen on")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on")] = None,
    workers: Annotated[int | None, typer.Option(help="Number of processes that serve", min=1, max=64)] = None,
) -> None:
    """Serve the API, with background work."""
    # Commands that run the service import it themselves, so that other commands start without loading it.
    from app.main import create_app
    from app.operations.server import bound, serve, serve_by_several

    settings = Settings()
    number = workers or settings.workers
    if settings.is_sqlite and number > 1:
        raise Misconfigured("SQLite has one writer, so one process serves it. For several, use PostgreSQL.")
    _set_up(settings)
    if not settings.migrate_on_start:
        # Refuse a missing SQLite file before a lock or a key is created next to it.
        open_database(settings).dispose()
    with only_process(settings):
        if settings.migrate_on_start:
            migrate(settings)
        require_ready(settings)
        listening = bound(host or settings.host, settings.port if port is None else port)
        address, bound_port = listening.getsockname()[:2]
        greeting = f"Accord listens on http://{address}:{bound_port}; its pages are at /docs."
        if number > 1:
            # Created here as well, so that a fault is reported once and not by each process.
            service = create_app(settings)
            _announce(greeting)
            serve_by_several(settings, number, listening, service.state.look)
        else:
            service = create_app(settings, works=settings.run_worker)
            _announce(greeting)
            serve(service, settings, listening)


def _set_up(settings: Settings) -> None:
    """Start the log, warn of unknown settings, which are usually misspelt, and load the rule sets."""
    set_up(settings)
    for name in unknown_settings():
        log.warning("unknown setting: %s", name)
    use_folder(settings.rules_folder)


def _announce(message: str) -> None:
    """Print a message; the service must run even if its output is closed."""
    with suppress(OSError, ValueError):
        typer.echo(message)


@cli.command("worker")
def worker_command() -> None:
    """Run the background work only, until a signal ends it."""
    from app.main import create_app
    from app.operations.background.worker import worker_of
    from app.operations.server import offer_metrics

    settings = Settings()
    if settings.is_sqlite:
        raise Misconfigured("SQLite has one writer, so the worker runs inside 'accord serve'.")
    _set_up(settings)
    require_ready(settings)
    app, stop = create_app(settings), threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    offer_metrics(settings, app.state.look)
    _announce("The worker runs.")
    worker_of(app.state.seams, settings).run(stop)
    app.state.seams.database.dispose()


@cli.command("verify")
def verify_command(
    file: Annotated[Path, typer.Argument(help="A receipt or a certificate, JSON or PDF", exists=True, dir_okay=False)],
    key: Annotated[
        str | None, typer.Option(help="The institution's public key that you trust: base64url, or a PEM file")
    ] = None,
    document: Annotated[
        Path | None, typer.Option(help="A document that the file should name", exists=True, dir_okay=False)
    ] = None,
) -> None:
    """Verify, without a network or a database, that the institution signed a file."""
    text = Path(key).read_text(encoding="utf-8") if key is not None and Path(key).is_file() else key
    trusted = read_public_key(text) if text is not None else None
    for line in verification.verify(file, trusted, document).lines:
        typer.echo(line)


@cli.command("check")
def check_command(
    storage: Annotated[bool, typer.Option("--storage", help="Read every document completely as well")] = False,
) -> None:
    """Check an installation, from its settings to each certificate; exit code 1 if anything is wrong."""
    try:
        settings = Settings()
    except ValidationError as problem:
        typer.echo(f"settings: {faults_in_settings(problem)}")
        sys.exit(1)
    well = True
    for finding in look_at(settings, system_clock, documents=storage):
        typer.echo(f"{finding.name}: {finding.says}")
        well = well and finding.well
    sys.exit(0 if well else 1)


@cli.command("openapi")
def openapi(out: Annotated[Path | None, typer.Option(help="Write the document to this file")] = None) -> None:
    """Print the OpenAPI document."""
    document = json.dumps(_document(), indent=2, ensure_ascii=False)
    if out is not None:
        out.write_text(document + "\n")
    else:
        typer.echo(document)


def _document() -> dict[str, Any]:
    from app.main import create_app

    # The document describes the service and not an installation, so any database and key will do.
    settings = Settings(database_url="sqlite:///never-opened.db", master_key=SecretStr("A" * 43 + "="))
    return create_app(settings).openapi()
