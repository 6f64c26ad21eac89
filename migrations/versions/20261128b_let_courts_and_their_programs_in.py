"""Add courts and referrals, and API clients with secrets and short-lived tokens."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "20261128b"
down_revision: str | None = "20261128"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "courts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(300), nullable=False),
        sa.Column("jurisdiction", sa.String(300), nullable=False),
        sa.Column("place", sa.String(200), nullable=False),
        sa.Column("time_zone", sa.String(64), nullable=False),
        sa.Column("calendar", sa.String(16)),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_courts")),
    )
    op.create_index("ix_courts_created_at_id", "courts", ["created_at", "id"])
    _clients()
    _referrals()


def _referrals() -> None:
    # A referral has sealed contents of its own, before and even without a case.
    with op.batch_alter_table("data_keys") as keys:
        keys.drop_constraint(op.f("fk_data_keys_case_id_cases"), type_="foreignkey")
    op.add_column("cases", sa.Column("referral_id", sa.Uuid()))
    op.add_column("cases", sa.Column("court_id", sa.Uuid()))
    op.create_index("ix_cases_referral_id", "cases", ["referral_id"], unique=True)
    op.create_table(
        "referrals",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("court_id", sa.Uuid(), nullable=False),
        sa.Column("external_id", sa.String(200), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("return_on", sa.Date(), nullable=False),
        sa.Column("content_id", sa.Uuid(), nullable=False),
        sa.Column("answer_id", sa.Uuid()),
        sa.Column("report_id", sa.Uuid()),
        sa.Column("case_id", sa.Uuid()),
        sa.Column("phase", sa.String(32)),
        sa.Column("suspensions", JSON, nullable=False),
        sa.Column("dates_shared_by", JSON, nullable=False),
        sa.Column("received_at", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.Column("audience_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint(
            "state IN ('received', 'more-asked', 'accepted', 'declined', 'withdrawn')", name=op.f("ck_referrals_state")
        ),
        sa.ForeignKeyConstraint(["audience_id"], ["audiences.id"], name=op.f("fk_referrals_audience_id_audiences")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_referrals_case_id_cases")),
        sa.ForeignKeyConstraint(["court_id"], ["courts.id"], name=op.f("fk_referrals_court_id_courts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_referrals")),
        sa.UniqueConstraint("case_id", name=op.f("uq_referrals_case_id")),
        sa.UniqueConstraint("court_id", "external_id", name=op.f("uq_referrals_court_id_external_id")),
    )
    op.create_index("ix_referrals_court_id_received_at_id", "referrals", ["court_id", "received_at", "id"])
    op.create_index("ix_referrals_received_at_id", "referrals", ["received_at", "id"])
    op.create_index(op.f("ix_referrals_audience_id"), "referrals", ["audience_id"])
    op.create_table(
        "order_files",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("referral_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("content_id", sa.Uuid(), nullable=False),
        sa.Column("media_type", sa.String(100), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(32), nullable=False),
        sa.Column("object_key", sa.String(64), nullable=False),
        sa.Column("stored_at", INSTANT, nullable=False),
        sa.Column("audience_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["audience_id"], ["audiences.id"], name=op.f("fk_order_files_audience_id_audiences")),
        sa.ForeignKeyConstraint(["referral_id"], ["referrals.id"], name=op.f("fk_order_files_referral_id_referrals")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_files")),
        sa.UniqueConstraint("object_key", name=op.f("uq_order_files_object_key")),
        sa.UniqueConstraint("referral_id", "number", name=op.f("uq_order_files_referral_id_number")),
    )
    op.create_index(op.f("ix_order_files_audience_id"), "order_files", ["audience_id"])
    op.create_table(
        "court_papers",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("content_id", sa.Uuid(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("audience_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('received', 'amended', 'extended', 'withdrawn', 'reported')", name=op.f("ck_court_papers_kind")
        ),
        sa.ForeignKeyConstraint(["audience_id"], ["audiences.id"], name=op.f("fk_court_papers_audience_id_audiences")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_court_papers_case_id_cases")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_court_papers")),
        sa.UniqueConstraint("case_id", "number", name=op.f("uq_court_papers_case_id_number")),
    )
    op.create_index(op.f("ix_court_papers_audience_id"), "court_papers", ["audience_id"])


def _clients() -> None:
    op.create_table(
        "clients",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(300), nullable=False),
        sa.Column("court_id", sa.Uuid()),
        sa.Column("scopes", JSON, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("disabled_at", INSTANT),
        sa.ForeignKeyConstraint(["court_id"], ["courts.id"], name=op.f("fk_clients_court_id_courts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clients")),
    )
    op.create_index("ix_clients_created_at_id", "clients", ["created_at", "id"])
    op.create_index(op.f("ix_clients_court_id"), "clients", ["court_id"])
    op.create_table(
        "client_secrets",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(32), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("used_at", INSTANT),
        sa.Column("revoked_at", INSTANT),
        sa.ForeignKeyConstraint(["client_id"], ["clients.id"], name=op.f("fk_client_secrets_client_id_clients")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_client_secrets")),
        sa.UniqueConstraint("sha256", name=op.f("uq_client_secrets_sha256")),
    )
    op.create_index(op.f("ix_client_secrets_client_id"), "client_secrets", ["client_id"])
    op.create_table(
        "access_tokens",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("secret_id", sa.Uuid(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(32), nullable=False),
        sa.Column("scopes", JSON, nullable=False),
        sa.Column("issued_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["secret_id"], ["client_secrets.id"], name=op.f("fk_access_tokens_secret_id_client_secrets")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_tokens")),
        sa.UniqueConstraint("sha256", name=op.f("uq_access_tokens_sha256")),
    )
    op.create_index(op.f("ix_access_tokens_secret_id"), "access_tokens", ["secret_id"])
