"""Let people activate their own accounts, and record corrections of accounts."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "20261130b"
down_revision: str | None = "20261130"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

INSTANT = sa.DateTime(timezone=True)
AUDIENCES = (
    "public",
    "court",
    "participants",
    "caucus",
    "party-registry",
    "mediators-registry",
    "party",
    "mediators",
    "registry",
    "case",
    "appointment",
    "person",
)
KINDS = ("news", "deadline", "invitation", "nomination", "account")


def upgrade() -> None:
    op.add_column("users", sa.Column("proposed_by_id", sa.Uuid()))
    op.add_column("users", sa.Column("invited", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("users", sa.Column("address_by_id", sa.Uuid()))
    op.add_column("capacities", sa.Column("invited_as", sa.String(320)))
    op.add_column("notices", sa.Column("address", sa.String(320)))
    op.create_table(
        "activations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(32), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("used_at", INSTANT),
        sa.Column("voided_at", INSTANT),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_activations_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_activations")),
        sa.UniqueConstraint("sha256", name=op.f("uq_activations_sha256")),
    )
    op.create_index(op.f("ix_activations_user_id"), "activations", ["user_id"])
    op.create_table(
        "corrections",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("corrected_by_id", sa.Uuid(), nullable=False),
        sa.Column("corrected_at", INSTANT, nullable=False),
        sa.Column("old_name", sa.String(300), nullable=False),
        sa.Column("new_name", sa.String(300), nullable=False),
        sa.Column("old_email", sa.String(320), nullable=False),
        sa.Column("new_email", sa.String(320), nullable=False),
        sa.ForeignKeyConstraint(["corrected_by_id"], ["users.id"], name=op.f("fk_corrections_corrected_by_id_users")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_corrections_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_corrections")),
    )
    op.create_index("ix_corrections_user_id_corrected_at_id", "corrections", ["user_id", "corrected_at", "id"])
    _allow("audiences", "name", AUDIENCES)
    _allow("notices", "kind", KINDS)


def _allow(table: str, column: str, values: tuple[str, ...]) -> None:
    """Replace the check constraint on a column by one that allows more values."""
    name = op.f(f"ck_{table}_{column}")
    with op.batch_alter_table(table) as batch:
        batch.drop_constraint(name, type_="check")
        batch.create_check_constraint(name, sa.text(f"{column} IN {values}"))
