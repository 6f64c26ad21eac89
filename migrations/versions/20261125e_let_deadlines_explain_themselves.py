"""Add calendars, closures, extensions, suspensions, service, tracks, and the history of members."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "20261125e"
down_revision: str | None = "20261125d"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("cases", sa.Column("seat_calendar", sa.String(16)))
    op.add_column("cases", sa.Column("day_time_zone", sa.String(64)))
    op.add_column("cases", sa.Column("tracks", JSON, nullable=False, server_default="{}"))
    op.add_column("parties", sa.Column("calendar", sa.String(16)))
    op.add_column("institution", sa.Column("calendar", sa.String(16)))
    op.add_column("users", sa.Column("looked_at", INSTANT))
    op.add_column("steps_taken", sa.Column("position", sa.String(64)))
    for name in ("calendar", "standing"):
        op.add_column("members", sa.Column(name, sa.String(16)))
    op.add_column("members", sa.Column("source", sa.String(300)))
    op.add_column("members", sa.Column("acceded_on", sa.Date()))
    op.add_column("members", sa.Column("designations", JSON, nullable=False, server_default="[]"))
    op.add_column("deadlines", sa.Column("party_id", sa.Uuid()))
    op.add_column("deadlines", sa.Column("first_due_on", sa.Date()))
    op.add_column("deadlines", sa.Column("suspended_on", sa.Date()))
    op.add_column("deadlines", sa.Column("days_left", sa.Integer()))
    op.add_column("deadlines", sa.Column("ended_as", sa.String(16)))
    op.create_table(
        "deadline_changes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("deadline_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(24), nullable=False),
        sa.Column("due_before", sa.Date(), nullable=False),
        sa.Column("due_after", sa.Date()),
        sa.Column("agreed_by", JSON, nullable=False),
        sa.Column("on", sa.Date(), nullable=False),
        sa.Column("changed_at", INSTANT, nullable=False),
        sa.Column("audience_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["audience_id"], ["audiences.id"], name=op.f("fk_deadline_changes_audience_id_audiences")
        ),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_deadline_changes_case_id_cases")),
        sa.ForeignKeyConstraint(
            ["deadline_id"], ["deadlines.id"], name=op.f("fk_deadline_changes_deadline_id_deadlines")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deadline_changes")),
    )
    op.create_index("ix_deadline_changes_deadline_id", "deadline_changes", ["deadline_id"])
    op.create_index(op.f("ix_deadline_changes_audience_id"), "deadline_changes", ["audience_id"])
    op.create_table(
        "closures",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("calendar", sa.String(16)),
        sa.Column("from_on", sa.Date(), nullable=False),
        sa.Column("until_on", sa.Date(), nullable=False),
        sa.Column("name", sa.String(300), nullable=False),
        sa.Column("entered_at", INSTANT, nullable=False),
        sa.CheckConstraint("from_on <= until_on", name=op.f("ck_closures_order")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_closures")),
    )
    op.create_index("ix_closures_from_on_id", "closures", ["from_on", "id"])
    op.create_table(
        "services",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("party_id", sa.Uuid(), nullable=False),
        sa.Column("method", sa.String(24), nullable=False),
        sa.Column("attempted_on", sa.Date(), nullable=False),
        sa.Column("served_at", INSTANT),
        sa.Column("served_on", sa.Date()),
        sa.Column("content_id", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.Column("audience_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["audience_id"], ["audiences.id"], name=op.f("fk_services_audience_id_audiences")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_services_case_id_cases")),
        sa.ForeignKeyConstraint(["party_id"], ["parties.id"], name=op.f("fk_services_party_id_parties")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_services")),
    )
    op.create_index("ix_services_case_id_recorded_at_id", "services", ["case_id", "recorded_at", "id"])
    op.create_index(op.f("ix_services_audience_id"), "services", ["audience_id"])
