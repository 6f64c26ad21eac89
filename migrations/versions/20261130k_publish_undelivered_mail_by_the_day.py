"""Keep the day until which it is published which mail did not arrive."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "20261130k"
down_revision: str | None = "20261130j"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("institution", sa.Column("notices_published_on", sa.Date(), nullable=True))
