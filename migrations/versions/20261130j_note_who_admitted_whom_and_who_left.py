"""Note who admitted each representative, when a party withdrew, whose draft a text is, and when its author left."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "20261130j"
down_revision: str | None = "20261130i"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")


def upgrade() -> None:
    op.add_column("capacities", sa.Column("admitted_by", sa.Uuid()))
    op.add_column("capacities", sa.Column("opening_proposed_by", sa.Uuid()))
    op.add_column("audiences", sa.Column("kept_for", JSON))
    op.add_column("parties", sa.Column("reads_until", sa.Integer()))
    op.add_column("settlement_drafts", sa.Column("author_party_id", sa.Uuid()))
