"""Add approval and disabling of accounts, generations, paper filings, grounds, and what a case waits for."""

import json
from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "20261125b"
down_revision: str | None = "20261125"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("cases", sa.Column("ground", sa.String(64)))
    op.add_column("cases", sa.Column("earlier_case_id", sa.Uuid()))
    op.add_column("cases", sa.Column("awaits", sa.String(), nullable=False, server_default=""))
    op.add_column("steps_taken", sa.Column("ground", sa.String(64)))
    op.add_column("steps_taken", sa.Column("received_at", INSTANT))
    op.add_column("steps_taken", sa.Column("received_via", sa.String(16)))
    op.add_column("users", sa.Column("awaits_approval", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("users", sa.Column("disabled_at", INSTANT))
    op.add_column("audiences", sa.Column("open_to", sa.Integer()))
    op.add_column("capacities", sa.Column("pending", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("filings", sa.Column("received_via", sa.String(16)))
    op.add_column("filings", sa.Column("entered_at", INSTANT))
    op.add_column("settlement_drafts", sa.Column("settles", sa.String(8), nullable=False, server_default="whole"))
    op.add_column("meetings", sa.Column("reason_id", sa.Uuid()))
    _restate("meetings", "state IN ('scheduled', 'held', 'adjourned', 'cancelled')")
    _restate(
        "appointments",
        "state IN ('proposed', 'declared', 'confirmed', 'declined', 'closed', 'resigned', 'replaced')",
    )
    op.create_table(
        "disclosures",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("agreed_by", JSON, nullable=False),
        sa.Column("proposed_at", INSTANT, nullable=False),
        sa.Column("opened_at", INSTANT),
        sa.Column("audience_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["audience_id"], ["audiences.id"], name=op.f("fk_disclosures_audience_id_audiences")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_disclosures_case_id_cases")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_disclosures")),
    )
    op.create_index("ix_disclosures_case_id_proposed_at_id", "disclosures", ["case_id", "proposed_at", "id"])
    op.create_index(op.f("ix_disclosures_audience_id"), "disclosures", ["audience_id"])
    op.create_table(
        "rectifications",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("content_id", sa.Uuid(), nullable=False),
        sa.Column("rectified_at", INSTANT, nullable=False),
        sa.Column("audience_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["audience_id"], ["audiences.id"], name=op.f("fk_rectifications_audience_id_audiences")
        ),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_rectifications_case_id_cases")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_rectifications_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rectifications")),
    )
    op.create_index("ix_rectifications_case_id_rectified_at_id", "rectifications", ["case_id", "rectified_at", "id"])
    op.create_index(op.f("ix_rectifications_audience_id"), "rectifications", ["audience_id"])
    op.create_index("ix_deadlines_audience_id_due_on_id", "deadlines", ["audience_id", "due_on", "id"])
    _say_what_cases_await()


def _restate(table: str, says: str) -> None:
    """Replace the check constraint on a table's states."""
    name = op.f(f"ck_{table}_state")
    with op.batch_alter_table(table) as batch:
        batch.drop_constraint(name, type_="check")
        batch.create_check_constraint(name, sa.text(says))


def _say_what_cases_await() -> None:
    """Fill the new columns of existing cases as the service does after every act."""
    cases = sa.table(
        "cases", sa.column("id", sa.Uuid()), sa.column("waiting_for", JSON), sa.column("awaits", sa.String)
    )
    bind = op.get_bind()
    for row in bind.execute(sa.select(cases.c.id, cases.c.waiting_for)).all():
        entries = json.loads(row.waiting_for) if isinstance(row.waiting_for, str) else row.waiting_for or []
        words = {entry["capacity"] for entry in entries}
        words |= {entry["party_id"].replace("-", "") for entry in entries if entry["party_id"]}
        awaits = "".join(f" {word}" for word in sorted(words)) + " "
        bind.execute(sa.update(cases).where(cases.c.id == row.id).values(awaits=awaits))
