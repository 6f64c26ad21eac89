"""Keep the periods of a membership, suspend courts, and recognise the number of a court's case."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "20261130i"
down_revision: str | None = "20261130h"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")


def upgrade() -> None:
    op.add_column("members", sa.Column("withdrawal_notified_on", sa.Date(), nullable=True))
    op.add_column("members", sa.Column("ceases_on", sa.Date(), nullable=True))
    op.add_column("members", sa.Column("earlier_periods", JSON, nullable=False, server_default="[]"))
    op.add_column("courts", sa.Column("active", sa.Boolean(), nullable=False, server_default=sa.true()))
    op.add_column("referrals", sa.Column("number_bucket", sa.Integer()))
    op.add_column("referrals", sa.Column("earlier_referral_id", sa.Uuid()))
