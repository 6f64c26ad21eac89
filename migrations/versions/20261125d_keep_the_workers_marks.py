"""Add the worker's marks, and the epoch of a registry, which a restore increases."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "20261125d"
down_revision: str | None = "20261125c"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("institution", sa.Column("epoch", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("institution", sa.Column("worked_at", sa.DateTime(timezone=True)))
    op.add_column("deadlines", sa.Column("reminded_at", sa.DateTime(timezone=True)))
    running, valid = sa.text("state = 'running'"), sa.text("revoked_at IS NULL")
    op.create_index(
        "ix_deadlines_running_due_at", "deadlines", ["due_at"], sqlite_where=running, postgresql_where=running
    )
    op.create_index("ix_tokens_valid_expires_at", "tokens", ["expires_at"], sqlite_where=valid, postgresql_where=valid)
