"""Add indexes that match the filters of lists of cases, in the order of the list, and one for the desk of staff."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "20261130"
down_revision: str | None = "20261128e"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

NEWEST_FIRST = (sa.text("opened_at DESC"), sa.text("audience_id DESC"))
IS_DUE = sa.text("next_due_on IS NOT NULL")
AWAITS_STAFF = sa.text("awaits LIKE '% registry %' OR awaits LIKE '% appointing-authority %'")


def upgrade() -> None:
    op.create_index("ix_cases_opened_at_audience_id", "cases", [*NEWEST_FIRST])
    for column in ("phase", "stage", "procedure", "category"):
        op.create_index(f"ix_cases_{column}_opened_at_audience_id", "cases", [column, *NEWEST_FIRST])
    op.create_index("ix_cases_next_due_on", "cases", ["next_due_on"], sqlite_where=IS_DUE, postgresql_where=IS_DUE)
    op.create_index("ix_cases_updated_at", "cases", ["updated_at"])
    op.create_index(
        "ix_cases_awaits_staff",
        "cases",
        ["next_due_on", "opened_at", "id"],
        sqlite_where=AWAITS_STAFF,
        postgresql_where=AWAITS_STAFF,
    )
    op.create_index("ix_parties_member_id", "parties", ["member_id"])
