"""Let closures move the terms that run when they are entered, and let them be withdrawn."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "20261130g"
down_revision: str | None = "20261130f"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("deadlines", sa.Column("counted_from", sa.Date(), nullable=True))
    op.add_column("deadlines", sa.Column("days_counted", sa.Integer(), nullable=True))
    op.add_column("deadline_changes", sa.Column("closure_id", sa.Uuid(), nullable=True))
    op.create_index(
        "ix_deadline_changes_closure_id_due_before_id", "deadline_changes", ["closure_id", "due_before", "id"]
    )
    op.add_column("closures", sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True))
