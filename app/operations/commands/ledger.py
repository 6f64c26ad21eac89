"""`accord ledger`: verifies the streams of the ledger."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from app.core.errors import Misconfigured
from app.core.ledger.verification import Receipt, parse_receipt, verify
from app.operations.commands.installation import in_transaction
from app.settings import Settings

ledger_commands = typer.Typer(help="The ledger.", no_args_is_help=True)


@ledger_commands.command("verify")
def ledger_verify(
    against: Annotated[str | None, typer.Option(help="A receipt, or a file with one receipt per line")] = None,
    export: Annotated[Path | None, typer.Option(help="Write a receipt for the end of each stream to this file")] = None,
) -> None:
    """Recompute every stream, compare it with receipts, and report the first faulty entry of each."""
    receipts = _receipts(against) if against is not None else []
    verification = in_transaction(Settings(), lambda db: verify(db, receipts))
    if export is not None:
        export.write_text("".join(f"{head}\n" for head in verification.heads))
    for fault in verification.faults:
        typer.echo(f"stream {fault.stream}, entry {fault.seq} ({fault.event_id}): {fault.why}")
    if verification.faults:
        typer.echo(f"{len(verification.faults)} of {verification.streams} streams do not hold.")
        sys.exit(1)
    typer.echo(f"{verification.events} events in {verification.streams} streams: every chain holds.")


def _receipts(receipt_or_file: str) -> list[Receipt]:
    """Receipts of a file, or one receipt; Misconfigured for anything else."""
    try:
        is_receipt = "hash=" in receipt_or_file
        lines = [receipt_or_file] if is_receipt else Path(receipt_or_file).read_text().splitlines()
        return [parse_receipt(line) for line in lines if line.strip()]
    except OSError as problem:
        raise Misconfigured(f"The file of receipts cannot be read: {problem.strerror}.") from problem
    except ValueError as problem:
        raise Misconfigured(f"This is not a receipt: {problem}.") from problem
