"""`accord backup` and `accord restore`."""

import os
import re
from pathlib import Path
from typing import Annotated

import typer

from app.core.access.session import GatedSession
from app.core.clock import system_clock
from app.core.contents.keys import key_file, master_key
from app.core.errors import Misconfigured
from app.core.ledger import service as ledger
from app.core.ledger.acts import OPERATOR, Act, installation_subject
from app.core.sealer import Sealer
from app.operations.backup import back_up
from app.operations.commands.installation import in_transaction, open_database, warn
from app.operations.commands.ledger import ledger_verify
from app.operations.process_lock import only_process
from app.operations.restore import Restored, restore
from app.settings import Settings


def backup_command(
    out: Annotated[Path, typer.Option(help="The new file to write")],
) -> None:
    """Write a consistent backup of the database, also while it is served; it does not contain the master key."""
    settings = Settings()
    open_database(settings).dispose()
    taken = back_up(settings, out, system_clock())
    typer.echo(f"{taken.rows} rows of {taken.tables} tables are in {out}. Keep the master key apart from it.")


def restore_command(
    file: Annotated[Path, typer.Argument(help="A file that 'accord backup' wrote")],
    last_reference: Annotated[
        str | None, typer.Option(help="The last case reference known to be assigned, such as 2026-0042")
    ] = None,
) -> None:
    """Restore a backup into an empty installation, and verify its ledger."""
    if last_reference is not None and not re.fullmatch(r"\d{4}-\d{4,9}", last_reference):
        raise Misconfigured("--last-reference must be a reference such as 2026-0042.")
    settings = Settings()
    if settings.master_key is None and not key_file(settings).exists():
        raise Misconfigured(f"The master key of the backup is needed: put it into {key_file(settings)}.")
    sealer = Sealer(master_key(settings, os.urandom, warn))
    with only_process(settings):
        restored = restore(settings, file, last_reference, sealer.unwrap, system_clock())
    typer.echo(f"Restored {restored.rows} rows as of {restored.taken_at}. Epoch {restored.epoch} begins.")
    for reference in restored.last_references:
        typer.echo(f"References continue after {reference}.")
    in_transaction(settings, lambda db: _record(db, restored))
    ledger_verify()


def _record(db: GatedSession, restored: Restored) -> None:
    act = Act("restore", system_clock(), OPERATOR, installation_subject(db, "registry"))
    payload = {"epoch": restored.epoch, "taken_at": restored.taken_at}
    ledger.record(db, act, "registry-restored", payload)
