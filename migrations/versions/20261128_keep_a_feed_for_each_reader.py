"""Add a feed for each reader, filled with the events that each may read now."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "20261128"
down_revision: str | None = "20261125f"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "feed_entries",
        sa.Column("principal_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("principal_id", "position", name=op.f("pk_feed_entries")),
    )
    op.execute(
        "INSERT INTO feed_entries (principal_id, position) "
        "SELECT readers.principal_id, events.position FROM events "
        "JOIN audience_readers AS readers ON readers.audience_id = events.audience_id"
    )
