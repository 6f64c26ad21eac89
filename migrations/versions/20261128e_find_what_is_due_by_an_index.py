"""Add indexes for due deliveries, future sessions and a mediator's nominations."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "20261128e"
down_revision: str | None = "20261128d"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

SCHEDULED = sa.text("state = 'scheduled'")


def upgrade() -> None:
    op.create_index("ix_deadlines_due_on_id", "deadlines", ["due_on", "id"])
    op.create_index(
        "ix_meetings_scheduled_starts_at_id",
        "meetings",
        ["starts_at", "id"],
        sqlite_where=SCHEDULED,
        postgresql_where=SCHEDULED,
    )
    op.create_index("ix_appointments_mediator_id", "appointments", ["mediator_id"])
