"""Add how a signature was received, and who signed."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "20261125c"
down_revision: str | None = "20261125b"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("settlement_signatures", sa.Column("received_via", sa.String(16)))
    op.add_column("settlement_signatures", sa.Column("content_id", sa.Uuid()))
