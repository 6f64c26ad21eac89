"""Let filings be withdrawn and declarations corrected, and note from when terms count that began before closures."""

import re
from collections.abc import Iterable, Sequence
from datetime import date

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "20261130m"
down_revision = "20261130l"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")
DEADLINES = sa.table(
    "deadlines",
    sa.column("id", sa.Uuid()),
    sa.column("state", sa.String()),
    sa.column("trigger_on", sa.Date()),
    sa.column("explanation", JSON),
    sa.column("counted_from", sa.Date()),
    sa.column("days_counted", sa.Integer()),
)
RESUMED = re.compile(r"Resumed: on \w+ (\d{4}-\d\d-\d\d), with (\d+) (?:working )?days? left\.")


def upgrade() -> None:
    op.add_column("filings", sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("filings", sa.Column("withdrawal_id", sa.Uuid(), nullable=True))
    for name in ("earlier_declarations", "objections"):
        op.add_column("appointments", sa.Column(name, JSON, server_default="[]", nullable=False))
    note_from_when_terms_count(op.get_bind())


def note_from_when_terms_count(connection: sa.Connection) -> None:
    """Read it from the explanation of each running term, which tells in order how it was counted."""
    of = DEADLINES.c
    columns = sa.select(of.id, of.trigger_on, of.explanation)
    for row in connection.execute(columns.where(of.state == "running", of.counted_from.is_(None))).all():
        counted_from, days_counted = _counted_from(row.trigger_on, row.explanation)
        if counted_from is not None:
            noted = sa.update(DEADLINES).where(of.id == row.id)
            connection.execute(noted.values(counted_from=counted_from, days_counted=days_counted))


def _counted_from(trigger_on: date, explanation: Iterable[str]) -> tuple[date | None, int | None]:
    """The day from which the last day counts, and for how many days if the term was resumed; None for a given day."""
    counted_from, days_counted = None, None
    for line in explanation:
        if line.startswith("Counting: the day of the trigger does not count"):
            counted_from, days_counted = trigger_on, None
        elif line.startswith(("Counting: none", "Extended")):
            counted_from, days_counted = None, None
        elif (resumed := RESUMED.fullmatch(line)) is not None:
            counted_from, days_counted = date.fromisoformat(resumed[1]), int(resumed[2])
    return counted_from, days_counted
