"""The `accord` command."""

import json
import logging
import os
import re
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, TypeVar
from uuid import UUID

import typer
from pydantic import BaseModel, SecretStr, ValidationError
from sqlalchemy import select
from sqlalchemy.engine import make_url

import app.core.tables.every  # noqa: F401 - every table must be known before the gate is installed
from app.core.access.gate import guard
from app.core.access.session import GatedSession
from app.core.clock import system_clock
from app.core.contents.keys import key_file, master_key, read_key
from app.core.db import Database
from app.core.errors import Invalid, Misconfigured, Problem, Unavailable
from app.core.ledger import service as ledger
from app.core.ledger.acts import OPERATOR, Act, installation_subject
from app.core.ledger.verification import Receipt, parse_receipt, verify
from app.core.logs import set_up
from app.core.sealer import Sealer
from app.core.tables.people import User
from app.core.values import email_key
from app.demo.command import demo
from app.demo.story import StoryFault
from app.institution.calendars.countries import is_known
from app.institution.members import loader as members_data
from app.institution.people import service as people
from app.institution.people.schemas import TokenIn, UserIn
from app.institution.procedures.command import procedures
from app.institution.signing import service as signing
from app.institution.signing.files import NotGenuine, read_public_key
from app.integration.clients.schemas import ClientIn
from app.integration.clients.service import add_by_operator
from app.integration.court_in_a_box.command import court as court_command
from app.operations import keys
from app.operations.backup import back_up
from app.operations.health import look_at, require_key, rule_sets_in_use
from app.operations.migrating import has_tables, is_ahead, migrate
from app.operations.process_lock import only_process
from app.operations.restore import restore
from app.proceedings.certificates import verification
from app.rules.loader import BadRuleSet, use_folder
from app.settings import Settings, told_of_settings, unknown_settings

log = logging.getLogger("accord")
_BEHIND = "The database is not at this release's tables: run 'accord migrate' first."
Answer = TypeVar("Answer")
Model = TypeVar("Model", bound=BaseModel)

cli = typer.Typer(help="Accord: the registry of a mediation institution.", no_args_is_help=True, add_completion=False)
users = typer.Typer(help="People with an account.", no_args_is_help=True)
tokens = typer.Typer(help="Tokens by which people and their programs come in.", no_args_is_help=True)
clients = typer.Typer(help="Programs of courts and of the institution.", no_args_is_help=True)
members = typer.Typer(help="The register of members.", no_args_is_help=True)
chains = typer.Typer(help="The ledger.", no_args_is_help=True)
key_commands = typer.Typer(help="The master key, and the keys of cases.", no_args_is_help=True)
cli.add_typer(users, name="user")
cli.add_typer(tokens, name="token")
cli.add_typer(clients, name="client")
cli.add_typer(procedures, name="procedures")
cli.add_typer(members, name="members")
cli.add_typer(chains, name="ledger")
cli.add_typer(key_commands, name="key")
cli.command("demo")(demo)
cli.command("court")(court_command)


def main() -> None:
    """Run the command; what goes wrong is said in a sentence, with exit code 1."""
    try:
        cli()
    except Invalid as problem:
        _fail("; ".join(f"{fault.pointer.strip('/')}: {fault.message}" for fault in problem.errors))
    except (Problem, Misconfigured, BadRuleSet, StoryFault, NotGenuine) as problem:
        _fail(str(problem))
    except ValidationError as problem:
        if problem.title == Settings.__name__:
            _fail(told_of_settings(problem))
        _fail("; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in problem.errors()))


def _fail(message: str) -> None:
    typer.echo(f"accord: {message}", err=True)
    sys.exit(1)


def _say(message: str) -> None:
    typer.echo(message, err=True)


def _open(settings: Settings) -> Database[GatedSession]:
    """The database, if there is one: a mistyped path must not make an empty file."""
    path = make_url(settings.database_url).database
    if settings.is_sqlite and not Path(path or "").exists():
        raise Misconfigured(f"There is no database at {path}: run 'accord migrate' first.")
    return Database(settings, guard, GatedSession)


def _in_transaction(settings: Settings, act: Callable[[GatedSession], Answer]) -> Answer:
    """Act for the installation in one sealed transaction."""
    database = _open(settings)

    def sealed(db: GatedSession) -> Answer:
        db.sealer = Sealer(master_key(settings, os.urandom, _say))
        answer = act(db)
        ledger.seal(db)
        return answer

    try:
        with database.read(os.urandom) as db:
            if not has_tables(db.connection()):
                raise Misconfigured(_BEHIND)
        return database.in_transaction(sealed, os.urandom)
    finally:
        database.dispose()


@cli.command("migrate")
def migrate_command() -> None:
    """Bring the database to this release's tables."""
    settings = Settings()
    migrate(settings)
    database = _open(settings)
    try:
        with database.read(os.urandom) as db:
            later = is_ahead(db.connection())
    finally:
        database.dispose()
    if later:
        typer.echo("The database is at a later release's tables, which hold this one's: nothing was done.")
    else:
        typer.echo("The database is at this release's tables.")


@cli.command("serve")
def serve_command(
    host: Annotated[str | None, typer.Option(help="The address to listen on")] = None,
    port: Annotated[int | None, typer.Option(help="The port to listen on")] = None,
    workers: Annotated[int | None, typer.Option(help="How many processes serve", min=1, max=64)] = None,
) -> None:
    """Serve the API, and do what is due in the background."""
    # Here and below, commands that run the service import it themselves: others end before it would be loaded.
    from app.main import create_app
    from app.operations.server import bound, serve, serve_by_several

    settings = Settings()
    number = workers or settings.workers
    if settings.is_sqlite and number > 1:
        raise Misconfigured("SQLite has one writer: one process serves it. For several, use PostgreSQL.")
    _set_up(settings)
    _require_file(settings)
    with only_process(settings):
        if settings.migrate_on_start:
            migrate(settings)
        _require_well(settings)
        listening = bound(host or settings.host, settings.port if port is None else port)
        address, bound_port = listening.getsockname()[:2]
        said = f"Accord listens on http://{address}:{bound_port}; its pages are at /docs."
        if number > 1:
            service = create_app(settings)  # What cannot work is said here, once, and not by each process.
            _say_where(said)
            serve_by_several(settings, number, listening, service.state.look)
        else:
            service = create_app(settings, works=settings.run_worker)
            _say_where(said)
            serve(service, settings, listening)


def _set_up(settings: Settings) -> None:
    """Begin the log, with what is set and is no setting: most likely it was to be one; then load the rule sets."""
    set_up(settings)
    for name in unknown_settings():
        log.warning("there is no such setting: %s", name)
    use_folder(settings.rules_folder)


def _say_where(said: str) -> None:
    """Say it to whoever looks; a service whose output is closed serves all the same."""
    with suppress(OSError, ValueError):
        typer.echo(said)


def _require_file(settings: Settings) -> None:
    """Refuse a SQLite file that is not there, before a lock or a key is made beside it."""
    if not settings.migrate_on_start:
        _open(settings).dispose()


def _require_well(settings: Settings) -> None:
    """Refuse to work on tables that are not this release's, on cases whose rule set is not there, or without their key.

    A database that cannot be reached may be there later: that is said then.
    """
    database = _open(settings)
    try:
        with database.read(os.urandom) as db:
            if not has_tables(db.connection()):
                raise Misconfigured(_BEHIND)
            rule_sets_in_use(db)
            require_key(db, settings)
    except Unavailable:
        return
    finally:
        database.dispose()


@cli.command("worker")
def worker_command() -> None:
    """Do what is due in the background, and nothing else, until a signal ends it."""
    from app.main import create_app
    from app.operations.background.worker import worker_of
    from app.operations.server import offer_metrics

    settings = Settings()
    if settings.is_sqlite:
        raise Misconfigured("On SQLite the worker runs inside 'accord serve': SQLite has one writer.")
    _set_up(settings)
    _require_well(settings)
    app, stop = create_app(settings), threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    offer_metrics(settings, app.state.look)
    _say_where("The worker works.")
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
    """Check, without a network or a database, whether a file is what the institution signed."""
    given = key
    if key is not None and Path(key).is_file():
        given = Path(key).read_text(encoding="utf-8")
    trusted = read_public_key(given) if given is not None else None
    for line in verification.verify(file, trusted, document).lines:
        typer.echo(line)


@cli.command("check")
def check_command(
    storage: Annotated[bool, typer.Option("--storage", help="Read every document to its end as well")] = False,
) -> None:
    """Say of an installation, from its settings to each certificate, whether it is well."""
    well = True
    try:
        settings = Settings()
    except ValidationError as problem:
        typer.echo(f"settings: {told_of_settings(problem)}")
        sys.exit(1)
    for finding in look_at(settings, system_clock, documents=storage):
        typer.echo(f"{finding.name}: {finding.says}")
        well = well and finding.well
    sys.exit(0 if well else 1)


@users.command("add")
def user_add(
    name: Annotated[str, typer.Argument(help="The person's name, as the person writes it")],
    email: Annotated[str, typer.Argument(help="The e-mail address")],
    role: Annotated[str, typer.Option(help="admin, registrar or user")] = "user",
    institution: Annotated[str | None, typer.Option(help="On an empty database: the institution's name")] = None,
    time_zone: Annotated[str | None, typer.Option(help="On an empty database: the institution's time zone")] = None,
    calendar: Annotated[str | None, typer.Option(help="On an empty database: its calendar, such as HK")] = None,
) -> None:
    """Give a person an account; on an empty database, found the institution with its first administrator."""
    given = UserIn.model_validate({"name": name, "email": email, "role": role})
    if institution is not None and role != "admin":
        raise Misconfigured("An institution is founded with its first administrator: add --role admin.")
    if (institution is None) != (time_zone is None):
        raise Misconfigured("Give --institution and --time-zone together.")
    founded = None
    if institution is not None and time_zone is not None:
        given_there = {"name": institution, "time_zone": time_zone, "calendar": calendar}
        founded = people.InstitutionIn.model_validate(given_there)

    def add(db: GatedSession) -> str:
        now = system_clock()
        if founded is not None:
            people.found_institution(db, now, founded)
            signing.ensure_key(db, now)
        people.require_institution(db)
        return str(people.write_user(db, now, given, OPERATOR))

    typer.echo(_in_transaction(Settings(), add))


@cli.command("institution")
def institution_command(
    calendar: Annotated[str, typer.Option(help="The calendar by which it works: a country or a part (HK, GB-SCT)")],
) -> None:
    """Say by which calendar the institution works; terms that run already keep their day."""
    if not is_known(calendar):
        raise Misconfigured("There is no calendar of that code: name a country, or a part of one.")
    _in_transaction(Settings(), lambda db: people.set_calendar(db, system_clock(), calendar))
    typer.echo(f"The institution works by the calendar {calendar}.")


@members.command("load")
def members_load(
    name: Annotated[str, typer.Argument(help=f"Whose members: {', '.join(members_data.file_names())}")],
) -> None:
    """Enter the members that an institution is established to have; what is entered already is left alone."""
    done = _in_transaction(Settings(), lambda db: members_data.load(db, system_clock(), name, OPERATOR))
    typer.echo(f"{done.entered} members are entered, {done.unchanged} were there already.")


@tokens.command("issue")
def token_issue(
    email: Annotated[str, typer.Argument(help="Whose token it is to be")],
    label: Annotated[str, typer.Option(help="What it is for")] = "issued on the command line",
    days: Annotated[int, typer.Option(help="How many days it lives", min=1, max=400)] = 90,
) -> None:
    """Make a token and print it, this once."""

    def issue(db: GatedSession) -> str:
        now = system_clock()
        user_id = db.execute(select(User.id).where(User.email_key == email_key(email))).scalar_one_or_none()
        if user_id is None:
            raise Misconfigured("Nobody has an account with this e-mail address.")
        given = TokenIn(user_id=user_id, label=label, expires_at=now + timedelta(days=days))
        token_id = people.write_token(db, now, given, user_id, OPERATOR)
        secret: str = db.secrets[token_id]
        return secret

    typer.echo(_in_transaction(Settings(), issue))


@clients.command("add")
def client_add(
    name: Annotated[str, typer.Argument(help="The program's name")],
    scope: Annotated[list[str], typer.Option(help="What it may do; may stand several times")],
    court: Annotated[
        UUID | None, typer.Option(help="The court whose program it is, by id; else it is your own")
    ] = None,
) -> None:
    """Let a program come in, and print its id and its secret, this once."""
    given = ClientIn.model_validate({"name": name, "court_id": court, "scopes": scope})

    def add(db: GatedSession) -> tuple[UUID, str]:
        people.require_institution(db)
        return add_by_operator(db, system_clock(), given)

    client_id, secret = _in_transaction(Settings(), add)
    typer.echo(f"client_id={client_id}\nclient_secret={secret}")


@key_commands.command("new")
def key_new(
    out: Annotated[Path | None, typer.Option(help="Write it to this file, which only its owner may read")] = None,
) -> None:
    """Make a master key and print it, this once, or write it to a file."""
    made = keys.new_key(os.urandom, out)
    typer.echo(made if made is not None else f"A master key is in {out}. Keep a copy apart from the database.")


@key_commands.command("renew-signing")
def key_renew_signing() -> None:
    """Retire the key with which the institution signs, and make another; what was signed stays good."""
    made = _in_transaction(Settings(), lambda db: signing.renew(db, system_clock(), OPERATOR))
    typer.echo(f"The institution signs by the key {made} from now on.")


@key_commands.command("rotate")
def key_rotate(
    to: Annotated[Path, typer.Option(help="The file of the new master key")],
) -> None:
    """Put another master key in the place of the one that is; what is sealed stays where it lies."""
    settings = Settings()
    if not to.exists():
        raise Misconfigured(f"There is no file {to}: make a key with 'accord key new --out {to}'.")
    new = Sealer(read_key(to))
    with only_process(settings):
        done = _in_transaction(settings, lambda db: keys.rotate(db, system_clock(), db.sealer, new, OPERATOR))
    typer.echo(f"{done} keys are wrapped by the new master key. Set it before the service starts again: {to}.")


@key_commands.command("destroy")
def key_destroy(
    case: Annotated[UUID, typer.Argument(help="The id of a closed case")],
    yes: Annotated[bool, typer.Option("--yes", help="That it cannot be undone is understood")] = False,
) -> None:
    """Destroy the key of a closed case: what people wrote in it can never be read again; its chains still verify."""
    if not yes:
        raise Misconfigured("What people wrote in the case can never be read again. Say --yes if that is meant.")
    title = _in_transaction(Settings(), lambda db: keys.destroy(db, system_clock(), case, OPERATOR))
    typer.echo(f"The key of '{title}' is destroyed. Backups taken before still hold it, wrapped by the master key.")


@chains.command("verify")
def ledger_verify(
    against: Annotated[str | None, typer.Option(help="A receipt, or a file with one on each line")] = None,
    export: Annotated[Path | None, typer.Option(help="Write a receipt for the end of each stream to this file")] = None,
) -> None:
    """Recompute every stream, hold it against receipts, and name the first entry of each that does not hold."""
    receipts = _receipts(against) if against is not None else []
    found = _in_transaction(Settings(), lambda db: verify(db, receipts))
    if export is not None:
        export.write_text("".join(f"{head}\n" for head in found.heads))
    for fault in found.faults:
        typer.echo(f"stream {fault.stream}, entry {fault.seq} ({fault.event_id}): {fault.why}")
    if found.faults:
        typer.echo(f"{len(found.faults)} of {found.streams} streams do not hold.")
        sys.exit(1)
    typer.echo(f"{found.events} events in {found.streams} streams: every chain holds.")


def _receipts(given: str) -> list[Receipt]:
    """The receipts in a file, or the one that is given; Misconfigured if they are none."""
    path = Path(given)
    try:
        lines = path.read_text().splitlines() if "hash=" not in given else [given]
        return [parse_receipt(line) for line in lines if line.strip()]
    except OSError as problem:
        raise Misconfigured(f"The file of receipts cannot be read: {problem.strerror}.") from problem
    except ValueError as problem:
        raise Misconfigured(f"This is no receipt: {problem}.") from problem


@cli.command("backup")
def backup_command(
    out: Annotated[Path, typer.Option(help="The new file to write")],
) -> None:
    """Write a consistent backup of the database, while it is served; the master key is not in it."""
    settings = Settings()
    _open(settings).dispose()
    taken = back_up(settings, out, system_clock())
    typer.echo(f"{taken.rows} rows of {taken.tables} tables are in {out}. Keep the master key apart from it.")


@cli.command("restore")
def restore_command(
    file: Annotated[Path, typer.Argument(help="A file that 'accord backup' wrote")],
    last_reference: Annotated[
        str | None, typer.Option(help="The last reference that is known to have been given: 2026-0042")
    ] = None,
) -> None:
    """Bring a backup back into an empty installation, and verify its ledger."""
    if last_reference is not None and not re.fullmatch(r"\d{4}-\d{4,9}", last_reference):
        raise Misconfigured("A reference reads: 2026-0042.")
    settings = Settings()
    if settings.master_key is None and not key_file(settings).exists():
        raise Misconfigured(f"The master key of the backup is needed: put it into {key_file(settings)}.")
    sealer = Sealer(master_key(settings, os.urandom, _say))
    with only_process(settings):
        restored = restore(settings, file, last_reference, sealer.unwrap, system_clock())
    typer.echo(f"{restored.rows} rows are back, as they were at {restored.taken_at}. Epoch {restored.epoch} begins.")
    for reference in restored.last_references:
        typer.echo(f"References go on after {reference}.")
    payload = {"epoch": restored.epoch, "taken_at": restored.taken_at}

    def note(db: GatedSession) -> None:
        subject = installation_subject(db, "registry")
        ledger.record(db, Act("restore", system_clock(), OPERATOR, subject), "registry-restored", payload)

    _in_transaction(settings, note)
    ledger_verify()


@cli.command("openapi")
def openapi(out: Annotated[Path | None, typer.Option(help="Write it to this file")] = None) -> None:
    """Print the OpenAPI document."""
    document = json.dumps(_document(), indent=2, ensure_ascii=False)
    if out is not None:
        out.write_text(document + "\n")
    else:
        typer.echo(document)


def _document() -> dict[str, Any]:
    from app.main import create_app

    # The document describes the service and not an installation: any database and key will do.
    settings = Settings(database_url="sqlite:///never-opened.db", master_key=SecretStr("A" * 43 + "="))
    return create_app(settings).openapi()
