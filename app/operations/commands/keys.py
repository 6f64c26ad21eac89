"""`accord key`: the master key, the signing key, and the keys of cases."""

import os
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from app.core.clock import system_clock
from app.core.contents.keys import read_key
from app.core.errors import Misconfigured
from app.core.ledger.acts import OPERATOR
from app.core.sealer import Sealer
from app.institution.signing import service as signing
from app.operations import keys
from app.operations.commands.installation import in_transaction
from app.operations.process_lock import only_process
from app.settings import Settings

key_commands = typer.Typer(help="The master key, the signing key, and the keys of cases.", no_args_is_help=True)


@key_commands.command("new")
def key_new(
    out: Annotated[Path | None, typer.Option(help="Write the key to this file, readable by its owner only")] = None,
) -> None:
    """Make a master key and print it, or write it to a file; it cannot be printed again."""
    key = keys.new_key(os.urandom, out)
    typer.echo(key if key is not None else f"Wrote a master key to {out}. Keep a copy apart from the database.")


@key_commands.command("renew-signing")
def key_renew_signing() -> None:
    """Retire the institution's signing key and make a new one; earlier signatures stay valid."""
    key_id = in_transaction(Settings(), lambda db: signing.renew(db, system_clock(), OPERATOR))
    typer.echo(f"The institution now signs with the key {key_id}.")


@key_commands.command("rotate")
def key_rotate(
    to: Annotated[Path, typer.Option(help="File of the new master key")],
) -> None:
    """Rotate the master key: wrap all keys with a new one, without changing what they seal."""
    settings = Settings()
    if not to.exists():
        raise Misconfigured(f"There is no file {to}: make a key with 'accord key new --out {to}'.")
    new = Sealer(read_key(to))
    if settings.pooler_url is not None:
        keys.require_no_pooler(settings.pooler_url)
    with only_process(settings):
        count = in_transaction(settings, lambda db: keys.rotate(db, system_clock(), db.sealer, new, OPERATOR))
    typer.echo(f"Wrapped {count} keys with the new master key. Configure it before you start the service: {to}.")


@key_commands.command("destroy")
def key_destroy(
    case: Annotated[UUID, typer.Argument(help="Id of a closed case")],
    yes: Annotated[bool, typer.Option("--yes", help="Confirm that this cannot be undone")] = False,
) -> None:
    """Destroy the key of a closed case: people's contents in it become unreadable; its chains still verify."""
    if not yes:
        raise Misconfigured("This makes the contents of the case unreadable for ever. Add --yes to confirm.")
    title = in_transaction(Settings(), lambda db: keys.destroy(db, system_clock(), case, OPERATOR))
    typer.echo(f"Destroyed the key of '{title}'. Earlier backups still contain it, wrapped by the master key.")
