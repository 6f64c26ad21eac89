"""`accord user`, `token`, `client`, `members` and `institution`: who and what an institution is made of."""

from datetime import timedelta
from typing import Annotated
from uuid import UUID

import typer
from sqlalchemy import select

from app.core.access.session import GatedSession
from app.core.clock import system_clock
from app.core.errors import Misconfigured
from app.core.ledger.acts import OPERATOR
from app.core.tables.people import User
from app.core.values import email_key
from app.institution.calendars.countries import is_known
from app.institution.members import loader as member_files
from app.institution.people import activations
from app.institution.people import institution as institution_acts
from app.institution.people import service as people
from app.institution.people.institution import InstitutionIn, found_institution, require_institution
from app.institution.people.schemas import TokenIn, UserIn
from app.institution.people.tokens import issue_as_operator
from app.institution.signing import service as signing
from app.integration.clients.schemas import ClientIn
from app.integration.clients.service import add_by_operator
from app.operations.commands.installation import in_transaction
from app.settings import Settings

users = typer.Typer(help="People with an account.", no_args_is_help=True)
tokens = typer.Typer(help="Access tokens of people and their programs.", no_args_is_help=True)
clients = typer.Typer(help="API clients of courts and of the institution.", no_args_is_help=True)
members = typer.Typer(help="The register of members.", no_args_is_help=True)


@users.command("add")
def user_add(
    name: Annotated[str, typer.Argument(help="The person's name, as they write it")],
    email: Annotated[str, typer.Argument(help="The person's e-mail address")],
    role: Annotated[str, typer.Option(help="admin, registrar or user")] = "user",
    institution: Annotated[str | None, typer.Option(help="On an empty database: the institution's name")] = None,
    time_zone: Annotated[str | None, typer.Option(help="On an empty database: the institution's time zone")] = None,
    calendar: Annotated[str | None, typer.Option(help="On an empty database: its calendar, such as HK")] = None,
) -> None:
    """Add a user; on an empty database, found the institution with its first administrator."""
    user = UserIn.model_validate({"name": name, "email": email, "role": role})
    founded = _founded(role, institution, time_zone, calendar)

    def add(db: GatedSession) -> str:
        now = system_clock()
        if founded is not None:
            found_institution(db, now, founded)
            signing.ensure_key(db, now)
        require_institution(db)
        return str(people.write_user(db, now, user, OPERATOR))

    typer.echo(in_transaction(Settings(), add))


@users.command("link")
def user_link(
    email: Annotated[str, typer.Argument(help="E-mail address of the account")],
) -> None:
    """Print a one-time link to an account, for its holder alone; they are informed by an event and by mail.

    The link is valid for 72 hours and ends those before it.
    """
    secret = in_transaction(
        Settings(), lambda db: activations.print_link(db, system_clock(), _account(db, email), OPERATOR)
    )
    typer.echo(secret)


def _founded(role: str, institution: str | None, time_zone: str | None, calendar: str | None) -> InstitutionIn | None:
    """The institution to found, if one is named; Misconfigured for options that do not fit together."""
    if institution is not None and role != "admin":
        raise Misconfigured("The first user of an institution must be an administrator: add --role admin.")
    if (institution is None) != (time_zone is None):
        raise Misconfigured("Give both --institution and --time-zone, or neither.")
    if institution is None:
        return None
    fields = {"name": institution, "time_zone": time_zone, "calendar": calendar}
    return InstitutionIn.model_validate(fields)


def institution_command(
    calendar: Annotated[str, typer.Option(help="Calendar of a country or a part of one (HK, GB-SCT)")],
) -> None:
    """Set the institution's calendar; running terms keep their day."""
    if not is_known(calendar):
        raise Misconfigured("There is no calendar with this code: name a country, or a part of one, such as GB-SCT.")
    in_transaction(Settings(), lambda db: institution_acts.set_calendar(db, system_clock(), calendar))
    typer.echo(f"The institution's calendar is now {calendar}.")


@members.command("load")
def members_load(
    name: Annotated[str, typer.Argument(help=f"Whose members: {', '.join(member_files.file_names())}")],
) -> None:
    """Enter the established members of a known institution; existing entries stay unchanged."""
    loaded = in_transaction(Settings(), lambda db: member_files.load(db, system_clock(), name, OPERATOR))
    typer.echo(f"Entered {loaded.entered} members; {loaded.unchanged} existed already.")


@tokens.command("issue")
def token_issue(
    email: Annotated[str, typer.Argument(help="E-mail address of the token's user")],
    label: Annotated[str, typer.Option(help="What the token is for")] = "issued on the command line",
    days: Annotated[int, typer.Option(help="Days until the token expires", min=1, max=400)] = 90,
) -> None:
    """Issue a token and print it; its user is informed by an event and by mail. It cannot be printed again."""

    def issue(db: GatedSession) -> str:
        now, user_id = system_clock(), _account(db, email)
        token = TokenIn(user_id=user_id, label=label, expires_at=now + timedelta(days=days))
        return db.secrets[issue_as_operator(db, now, token, user_id)]

    typer.echo(in_transaction(Settings(), issue))


def _account(db: GatedSession, email: str) -> UUID:
    """The account with this address; Misconfigured if there is none."""
    user_id = db.execute(select(User.id).where(User.email_key == email_key(email))).scalar_one_or_none()
    if user_id is None:
        raise Misconfigured("There is no account with this e-mail address: add it with 'accord user add'.")
    return user_id


@clients.command("add")
def client_add(
    name: Annotated[str, typer.Argument(help="The client's name")],
    scope: Annotated[list[str], typer.Option(help="What the client may do; repeatable")],
    court: Annotated[
        UUID | None, typer.Option(help="Id of the court that runs the client; default: the institution")
    ] = None,
) -> None:
    """Add an API client, and print its id and its secret; the secret cannot be printed again."""
    client = ClientIn.model_validate({"name": name, "court_id": court, "scopes": scope})

    def add(db: GatedSession) -> tuple[UUID, str]:
        require_institution(db)
        return add_by_operator(db, system_clock(), client)

    client_id, secret = in_transaction(Settings(), add)
    typer.echo(f"client_id={client_id}\nclient_secret={secret}")
