"""Create the first tables, and the triggers that keep events unchanged."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "20261125"
down_revision: str | None = None
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")
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
)


def upgrade() -> None:
    op.create_table(
        "audiences",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=True),
        sa.Column("key", sa.String(length=400), nullable=False),
        sa.Column("name", sa.String(length=24), nullable=False),
        sa.Column("party_ids", JSON, nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.CheckConstraint(f"name IN {AUDIENCES}", name=op.f("ck_audiences_name")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audiences")),
        sa.UniqueConstraint("case_id", "key", name=op.f("uq_audiences_case_id_key")),
    )
    op.create_index(
        "uq_audiences_installation_key",
        "audiences",
        ["key"],
        unique=True,
        sqlite_where=sa.text("case_id IS NULL"),
        postgresql_where=sa.text("case_id IS NULL"),
    )
    op.create_table(
        "idempotency_records",
        sa.Column("principal_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(length=32), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("ids", JSON, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("principal_id", "key", name=op.f("pk_idempotency_records")),
    )
    op.create_index("ix_idempotency_records_created_at", "idempotency_records", ["created_at"], unique=False)
    op.create_table(
        "institution",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=300), nullable=False),
        sa.Column("time_zone", sa.String(length=64), nullable=False),
        sa.Column("cursor_key", sa.LargeBinary(length=64), nullable=False),
        sa.Column("only", sa.Boolean(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_institution")),
        sa.UniqueConstraint("only", name=op.f("uq_institution_only")),
    )
    op.create_table(
        "members",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=300), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("signed_on", sa.Date(), nullable=True),
        sa.Column("ratified_on", sa.Date(), nullable=True),
        sa.Column("in_force_on", sa.Date(), nullable=True),
        sa.Column("founding", sa.Boolean(), nullable=False),
        sa.Column("declarations", JSON, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.CheckConstraint("kind IN ('state', 'organisation')", name=op.f("ck_members_kind")),
        sa.CheckConstraint("status IN ('contracting', 'signatory', 'observer')", name=op.f("ck_members_status")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_members")),
        sa.UniqueConstraint("name", name=op.f("uq_members_name")),
    )
    op.create_index("ix_members_created_at_id", "members", ["created_at", "id"], unique=False)
    op.create_table(
        "reference_numbers",
        sa.Column("year", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("year", name=op.f("pk_reference_numbers")),
    )
    op.create_table(
        "users",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=300), nullable=False),
        sa.Column("email", sa.String(length=320), nullable=False),
        sa.Column("email_key", sa.String(length=320), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.CheckConstraint("role IN ('admin', 'registrar', 'user')", name=op.f("ck_users_role")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("email_key", name=op.f("uq_users_email_key")),
    )
    op.create_index("ix_users_created_at_id", "users", ["created_at", "id"], unique=False)
    op.create_table(
        "audience_readers",
        sa.Column("audience_id", sa.Uuid(), nullable=False),
        sa.Column("principal_id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=True),
        sa.Column("opened_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(
            ["audience_id"], ["audiences.id"], name=op.f("fk_audience_readers_audience_id_audiences")
        ),
        sa.PrimaryKeyConstraint("audience_id", "principal_id", name=op.f("pk_audience_readers")),
    )
    op.create_index("ix_audience_readers_case_id", "audience_readers", ["case_id"], unique=False)
    op.create_index(
        "ix_audience_readers_walk",
        "audience_readers",
        ["principal_id", sa.literal_column("opened_at DESC"), sa.literal_column("audience_id DESC")],
        unique=False,
        sqlite_where=sa.text("opened_at IS NOT NULL"),
        postgresql_where=sa.text("opened_at IS NOT NULL"),
    )
    op.create_table(
        "capacities",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("party_id", sa.Uuid(), nullable=True),
        sa.Column("appointment_id", sa.Uuid(), nullable=True),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("powers_kind", sa.String(length=24), nullable=True),
        sa.Column("powers_id", sa.Uuid(), nullable=True),
        sa.Column("admitted_at", INSTANT, nullable=False),
        sa.Column("ended_at", INSTANT, nullable=True),
        sa.Column("audience_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["audience_id"], ["audiences.id"], name=op.f("fk_capacities_audience_id_audiences")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_capacities_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_capacities")),
    )
    op.create_index(op.f("ix_capacities_audience_id"), "capacities", ["audience_id"], unique=False)
    op.create_index(op.f("ix_capacities_case_id"), "capacities", ["case_id"], unique=False)
    op.create_index(op.f("ix_capacities_user_id"), "capacities", ["user_id"], unique=False)
    op.create_table(
        "cases",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("reference", sa.String(length=32), nullable=True),
        sa.Column("procedure", sa.String(length=64), nullable=False),
        sa.Column("category", sa.String(length=32), nullable=False),
        sa.Column("title", sa.String(length=300), nullable=False),
        sa.Column("search", sa.String(), nullable=False),
        sa.Column("phase", sa.String(length=32), nullable=False),
        sa.Column("stage", sa.String(length=64), nullable=False),
        sa.Column("outcome", sa.String(length=32), nullable=True),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("subjects", JSON, nullable=False),
        sa.Column("languages", JSON, nullable=False),
        sa.Column("seat_place", sa.String(length=200), nullable=False),
        sa.Column("seat_time_zone", sa.String(length=64), nullable=False),
        sa.Column("content_id", sa.Uuid(), nullable=False),
        sa.Column("waiting_for", JSON, nullable=False),
        sa.Column("next_due_on", sa.Date(), nullable=True),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("opened_at", INSTANT, nullable=False),
        sa.Column("lodged_at", INSTANT, nullable=True),
        sa.Column("served_at", INSTANT, nullable=True),
        sa.Column("closed_at", INSTANT, nullable=True),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.Column("audience_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["audience_id"], ["audiences.id"], name=op.f("fk_cases_audience_id_audiences")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cases")),
        sa.UniqueConstraint("reference", name=op.f("uq_cases_reference")),
    )
    op.create_index(op.f("ix_cases_audience_id"), "cases", ["audience_id"], unique=False)
    op.create_table(
        "contents",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("audience_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["audience_id"], ["audiences.id"], name=op.f("fk_contents_audience_id_audiences")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contents")),
    )
    op.create_index(op.f("ix_contents_audience_id"), "contents", ["audience_id"], unique=False)
    op.create_index(op.f("ix_contents_case_id"), "contents", ["case_id"], unique=False)
    op.create_table(
        "events",
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("audience_id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=True),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("type", sa.String(length=64), nullable=False),
        sa.Column("act", sa.String(length=64), nullable=False),
        sa.Column("article", sa.String(length=200), nullable=True),
        sa.Column("actor", JSON, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("payload", JSON, nullable=False),
        sa.Column("content_id", sa.Uuid(), nullable=True),
        sa.Column("commitment", sa.LargeBinary(length=32), nullable=True),
        sa.Column("previous_hash", sa.LargeBinary(length=32), nullable=True),
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.ForeignKeyConstraint(["audience_id"], ["audiences.id"], name=op.f("fk_events_audience_id_audiences")),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_events")),
        sa.UniqueConstraint("audience_id", "seq", name=op.f("uq_events_audience_id_seq")),
        sa.UniqueConstraint("id", name=op.f("uq_events_id")),
    )
    op.create_index(op.f("ix_events_case_id"), "events", ["case_id"], unique=False)
    op.create_table(
        "mediators",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("nationalities", JSON, nullable=False),
        sa.Column("languages", JSON, nullable=False),
        sa.Column("expertise", JSON, nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_mediators_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mediators")),
        sa.UniqueConstraint("user_id", name=op.f("uq_mediators_user_id")),
    )
    op.create_index("ix_mediators_created_at_id", "mediators", ["created_at", "id"], unique=False)
    op.create_table(
        "tokens",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("label", sa.String(length=200), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("revoked_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_tokens_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tokens")),
        sa.UniqueConstraint("sha256", name=op.f("uq_tokens_sha256")),
    )
    op.create_index("ix_tokens_user_id_created_at_id", "tokens", ["user_id", "created_at", "id"], unique=False)
    op.create_table(
        "appointments",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("mediator_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("independent", sa.Boolean(), nullable=True),
        sa.Column("accepted_by", JSON, nullable=False),
        sa.Column("content_id", sa.Uuid(), nullable=False),
        sa.Column("disclosures_id", sa.Uuid(), nullable=True),
        sa.Column("proposed_at", INSTANT, nullable=False),
        sa.Column("declared_at", INSTANT, nullable=True),
        sa.Column("confirmed_at", INSTANT, nullable=True),
        sa.Column("ended_at", INSTANT, nullable=True),
        sa.Column("audience_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint(
            "state IN ('proposed', 'declared', 'confirmed', 'declined', 'closed', 'resigned')",
            name=op.f("ck_appointments_state"),
        ),
        sa.ForeignKeyConstraint(["audience_id"], ["audiences.id"], name=op.f("fk_appointments_audience_id_audiences")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_appointments_case_id_cases")),
        sa.ForeignKeyConstraint(["mediator_id"], ["mediators.id"], name=op.f("fk_appointments_mediator_id_mediators")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_appointments")),
    )
    op.create_index(op.f("ix_appointments_audience_id"), "appointments", ["audience_id"], unique=False)
    op.create_index(
        "ix_appointments_case_id_proposed_at_id", "appointments", ["case_id", "proposed_at", "id"], unique=False
    )
    op.create_index(
        "uq_appointments_live",
        "appointments",
        ["case_id", "mediator_id"],
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "data_keys",
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(length=40), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_data_keys_case_id_cases")),
        sa.PrimaryKeyConstraint("case_id", name=op.f("pk_data_keys")),
    )
    op.create_table(
        "deadlines",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("term", sa.String(length=64), nullable=False),
        sa.Column("article", sa.String(length=200), nullable=True),
        sa.Column("standing", sa.String(length=16), nullable=False),
        sa.Column("source", sa.String(length=300), nullable=True),
        sa.Column("trigger_step", sa.String(length=64), nullable=False),
        sa.Column("trigger_on", sa.Date(), nullable=False),
        sa.Column("period", sa.String(length=32), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("due_at", INSTANT, nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("explanation", JSON, nullable=False),
        sa.Column("set_at", INSTANT, nullable=False),
        sa.Column("ended_at", INSTANT, nullable=True),
        sa.Column("audience_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("state IN ('running', 'ended')", name=op.f("ck_deadlines_state")),
        sa.ForeignKeyConstraint(["audience_id"], ["audiences.id"], name=op.f("fk_deadlines_audience_id_audiences")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_deadlines_case_id_cases")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deadlines")),
    )
    op.create_index(op.f("ix_deadlines_audience_id"), "deadlines", ["audience_id"], unique=False)
    op.create_index("ix_deadlines_case_id_due_on_id", "deadlines", ["case_id", "due_on", "id"], unique=False)
    op.create_table(
        "filings",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("audience_name", sa.String(length=24), nullable=False),
        sa.Column("party_ids", JSON, nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=False),
        sa.Column("author_party_id", sa.Uuid(), nullable=True),
        sa.Column("content_id", sa.Uuid(), nullable=False),
        sa.Column("listed_at", INSTANT, nullable=False),
        sa.Column("received_at", INSTANT, nullable=True),
        sa.Column("effective_on", sa.Date(), nullable=True),
        sa.Column("audience_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("state IN ('draft', 'submitted')", name=op.f("ck_filings_state")),
        sa.ForeignKeyConstraint(["audience_id"], ["audiences.id"], name=op.f("fk_filings_audience_id_audiences")),
        sa.ForeignKeyConstraint(["author_id"], ["users.id"], name=op.f("fk_filings_author_id_users")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_filings_case_id_cases")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_filings")),
    )
    op.create_index(op.f("ix_filings_audience_id"), "filings", ["audience_id"], unique=False)
    op.create_index("ix_filings_case_id_listed_at_id", "filings", ["case_id", "listed_at", "id"], unique=False)
    op.create_table(
        "meetings",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("audience_name", sa.String(length=24), nullable=False),
        sa.Column("party_ids", JSON, nullable=False),
        sa.Column("content_id", sa.Uuid(), nullable=False),
        sa.Column("attendance_id", sa.Uuid(), nullable=True),
        sa.Column("starts_at", INSTANT, nullable=False),
        sa.Column("ends_at", INSTANT, nullable=False),
        sa.Column("time_zone", sa.String(length=64), nullable=False),
        sa.Column("scheduled_at", INSTANT, nullable=False),
        sa.Column("held_on", sa.Date(), nullable=True),
        sa.Column("audience_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("kind IN ('joint', 'caucus')", name=op.f("ck_meetings_kind")),
        sa.CheckConstraint("state IN ('scheduled', 'held', 'cancelled')", name=op.f("ck_meetings_state")),
        sa.ForeignKeyConstraint(["audience_id"], ["audiences.id"], name=op.f("fk_meetings_audience_id_audiences")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_meetings_case_id_cases")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_meetings")),
    )
    op.create_index(op.f("ix_meetings_audience_id"), "meetings", ["audience_id"], unique=False)
    op.create_index("ix_meetings_case_id_starts_at_id", "meetings", ["case_id", "starts_at", "id"], unique=False)
    op.create_table(
        "parties",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("side", sa.String(length=16), nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("name", sa.String(length=300), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=True),
        sa.Column("participation", sa.String(length=16), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("audience_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint(
            "participation IN ('appearing', 'not-appearing', 'withdrawn')", name=op.f("ck_parties_participation")
        ),
        sa.ForeignKeyConstraint(["audience_id"], ["audiences.id"], name=op.f("fk_parties_audience_id_audiences")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_parties_case_id_cases")),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name=op.f("fk_parties_member_id_members")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_parties")),
        sa.UniqueConstraint("case_id", "number", name=op.f("uq_parties_case_id_number")),
    )
    op.create_index(op.f("ix_parties_audience_id"), "parties", ["audience_id"], unique=False)
    op.create_table(
        "settlement_drafts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("replaces_id", sa.Uuid(), nullable=True),
        sa.Column("language", sa.String(length=35), nullable=False),
        sa.Column("audience_name", sa.String(length=24), nullable=False),
        sa.Column("party_ids", JSON, nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("content_id", sa.Uuid(), nullable=False),
        sa.Column("drafted_at", INSTANT, nullable=False),
        sa.Column("frozen_at", INSTANT, nullable=True),
        sa.Column("audience_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("state IN ('draft', 'frozen', 'superseded')", name=op.f("ck_settlement_drafts_state")),
        sa.ForeignKeyConstraint(
            ["audience_id"], ["audiences.id"], name=op.f("fk_settlement_drafts_audience_id_audiences")
        ),
        sa.ForeignKeyConstraint(["author_id"], ["users.id"], name=op.f("fk_settlement_drafts_author_id_users")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_settlement_drafts_case_id_cases")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_settlement_drafts")),
    )
    op.create_index(op.f("ix_settlement_drafts_audience_id"), "settlement_drafts", ["audience_id"], unique=False)
    op.create_index(
        "ix_settlement_drafts_case_id_drafted_at_id", "settlement_drafts", ["case_id", "drafted_at", "id"], unique=False
    )
    op.create_table(
        "steps_taken",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("step", sa.String(length=64), nullable=False),
        sa.Column("party_id", sa.Uuid(), nullable=True),
        sa.Column("stage", sa.String(length=64), nullable=False),
        sa.Column("on", sa.Date(), nullable=False),
        sa.Column("taken_at", INSTANT, nullable=False),
        sa.Column("voided_at", INSTANT, nullable=True),
        sa.Column("audience_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["audience_id"], ["audiences.id"], name=op.f("fk_steps_taken_audience_id_audiences")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_steps_taken_case_id_cases")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_steps_taken")),
    )
    op.create_index(op.f("ix_steps_taken_audience_id"), "steps_taken", ["audience_id"], unique=False)
    op.create_index("ix_steps_taken_case_id", "steps_taken", ["case_id"], unique=False)
    op.create_table(
        "third_states",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=300), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=True),
        sa.Column("audience_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["audience_id"], ["audiences.id"], name=op.f("fk_third_states_audience_id_audiences")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_third_states_case_id_cases")),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name=op.f("fk_third_states_member_id_members")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_third_states")),
        sa.UniqueConstraint("case_id", "number", name=op.f("uq_third_states_case_id_number")),
    )
    op.create_index(op.f("ix_third_states_audience_id"), "third_states", ["audience_id"], unique=False)
    op.create_table(
        "consents",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("party_id", sa.Uuid(), nullable=True),
        sa.Column("third_state_id", sa.Uuid(), nullable=True),
        sa.Column("basis", sa.String(length=24), nullable=False),
        sa.Column("given_on", sa.Date(), nullable=False),
        sa.Column("content_id", sa.Uuid(), nullable=False),
        sa.Column("filed_at", INSTANT, nullable=False),
        sa.Column("confirmed_at", INSTANT, nullable=True),
        sa.Column("audience_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("(party_id IS NULL) <> (third_state_id IS NULL)", name=op.f("ck_consents_of_one")),
        sa.ForeignKeyConstraint(["audience_id"], ["audiences.id"], name=op.f("fk_consents_audience_id_audiences")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_consents_case_id_cases")),
        sa.ForeignKeyConstraint(["party_id"], ["parties.id"], name=op.f("fk_consents_party_id_parties")),
        sa.ForeignKeyConstraint(
            ["third_state_id"], ["third_states.id"], name=op.f("fk_consents_third_state_id_third_states")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consents")),
    )
    op.create_index(op.f("ix_consents_audience_id"), "consents", ["audience_id"], unique=False)
    op.create_index("ix_consents_case_id_filed_at_id", "consents", ["case_id", "filed_at", "id"], unique=False)
    op.create_table(
        "settlement_signatures",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("draft_id", sa.Uuid(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("party_id", sa.Uuid(), nullable=False),
        sa.Column("signer_id", sa.Uuid(), nullable=False),
        sa.Column("capacity", sa.String(length=32), nullable=False),
        sa.Column("signed_at", INSTANT, nullable=False),
        sa.Column("voided_at", INSTANT, nullable=True),
        sa.Column("audience_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["audience_id"], ["audiences.id"], name=op.f("fk_settlement_signatures_audience_id_audiences")
        ),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_settlement_signatures_case_id_cases")),
        sa.ForeignKeyConstraint(
            ["draft_id"], ["settlement_drafts.id"], name=op.f("fk_settlement_signatures_draft_id_settlement_drafts")
        ),
        sa.ForeignKeyConstraint(["party_id"], ["parties.id"], name=op.f("fk_settlement_signatures_party_id_parties")),
        sa.ForeignKeyConstraint(["signer_id"], ["users.id"], name=op.f("fk_settlement_signatures_signer_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_settlement_signatures")),
    )
    op.create_index(
        op.f("ix_settlement_signatures_audience_id"), "settlement_signatures", ["audience_id"], unique=False
    )
    op.create_index(
        "ix_settlement_signatures_case_id_signed_at_id",
        "settlement_signatures",
        ["case_id", "signed_at", "id"],
        unique=False,
    )
    _keep_events()


def _keep_events() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            """
            CREATE FUNCTION accord_keep_events() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN RAISE EXCEPTION 'events are never changed or removed' USING ERRCODE = 'restrict_violation'; END $$
            """
        )
        op.execute(
            """
            CREATE TRIGGER events_are_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON events
            FOR EACH STATEMENT EXECUTE FUNCTION accord_keep_events()
            """
        )
        return
    for act in ("UPDATE", "DELETE"):
        op.execute(
            f"""
            CREATE TRIGGER events_are_kept_from_{act.lower()} BEFORE {act} ON events
            BEGIN SELECT RAISE(ABORT, 'events are never changed or removed'); END
            """
        )
