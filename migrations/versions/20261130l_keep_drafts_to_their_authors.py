"""Keep drafts to their authors until they are shared, and what a party reads that left to the time until then."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "20261130l"
down_revision: str | None = "20261130k"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

INSTANT = sa.DateTime(timezone=True)
JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")


def upgrade() -> None:
    op.add_column("audiences", sa.Column("private", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("audience_readers", sa.Column("until", INSTANT, nullable=True))
    op.add_column("parties", sa.Column("left_at", INSTANT, nullable=True))
    op.add_column("parties", sa.Column("earlier", JSON, nullable=False, server_default="[]"))
    op.add_column("filings", sa.Column("shared_at", INSTANT, nullable=True))
    op.add_column("settlement_drafts", sa.Column("superseded_at", INSTANT, nullable=True))
    op.add_column("settlement_drafts", sa.Column("shared_at", INSTANT, nullable=True))
    op.add_column("meetings", sa.Column("settled_at", INSTANT, nullable=True))
    # The sides read their present drafts, and go on reading them.
    op.execute("UPDATE filings SET shared_at = listed_at WHERE state = 'draft' AND author_party_id IS NOT NULL")
    op.execute("UPDATE settlement_drafts SET shared_at = drafted_at WHERE audience_name = 'party'")
