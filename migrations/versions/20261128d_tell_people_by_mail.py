"""Add notices by mail and their outcomes."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "20261128d"
down_revision: str | None = "20261128c"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

INSTANT = sa.DateTime(timezone=True)
PENDING = sa.text("state = 'pending'")
SHOWN = sa.text("state IN ('bounced', 'failed')")


def upgrade() -> None:
    op.add_column("users", sa.Column("undeliverable_since", sa.Date()))
    op.create_table(
        "notice_choices",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("news", sa.String(8), server_default="daily", nullable=False),
        sa.Column("deadlines", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("language", sa.String(8), server_default="en", nullable=False),
        sa.CheckConstraint("news IN ('at-once', 'daily', 'never')", name=op.f("ck_notice_choices_news")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_notice_choices_user_id_users")),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_notice_choices")),
    )
    op.create_table(
        "notice_marks",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_notice_marks_user_id_users")),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_notice_marks")),
    )
    op.create_table(
        "notices",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("code", sa.String(32)),
        sa.Column("subject_id", sa.Uuid()),
        sa.Column("after", sa.BigInteger()),
        sa.Column("until", sa.BigInteger()),
        sa.Column("due_at", INSTANT, nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("first_at", INSTANT),
        sa.Column("leased_until", INSTANT),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("settled_at", INSTANT),
        sa.Column("settled_on", sa.Date()),
        sa.CheckConstraint("kind IN ('news', 'deadline', 'invitation', 'nomination')", name=op.f("ck_notices_kind")),
        sa.CheckConstraint(
            "state IN ('pending', 'sent', 'skipped', 'bounced', 'failed')", name=op.f("ck_notices_state")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_notices_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notices")),
    )
    for name, columns, which in (
        ("ix_notices_pending_due_at", ["due_at"], PENDING),
        ("ix_notices_pending_user_id", ["user_id"], PENDING),
        ("ix_notices_shown_settled_on_id", ["settled_on", "id"], SHOWN),
    ):
        op.create_index(name, "notices", columns, sqlite_where=which, postgresql_where=which)
    op.create_index("ix_notices_settled_at", "notices", ["settled_at"])
