"""Add documents and their readers, the docket of filings, the institution's signing keys, and signed certificates."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "20261125f"
down_revision: str | None = "20261125e"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("filings", sa.Column("docket_number", sa.Integer()))
    op.add_column("filings", sa.Column("docketing", sa.String(16)))
    op.add_column("filings", sa.Column("decided_at", INSTANT))
    op.add_column("filings", sa.Column("reasons", JSON, nullable=False, server_default="[]"))
    op.add_column("filings", sa.Column("decision_id", sa.Uuid()))
    op.add_column("filings", sa.Column("resubmits_id", sa.Uuid()))
    op.add_column("filings", sa.Column("redacts_id", sa.Uuid()))
    op.add_column("filings", sa.Column("joined_by", JSON, nullable=False, server_default="[]"))
    op.create_table(
        "signing_keys",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(32), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(40), nullable=False),
        sa.Column("made_at", INSTANT, nullable=False),
        sa.Column("retired_at", INSTANT),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signing_keys")),
    )
    _documents()
    _accesses()
    _certificates()


def _documents() -> None:
    op.create_table(
        "documents",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("filing_id", sa.Uuid()),
        sa.Column("draft_id", sa.Uuid()),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=False),
        sa.Column("author_party_id", sa.Uuid()),
        sa.Column("content_id", sa.Uuid(), nullable=False),
        sa.Column("media_type", sa.String(100), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(32), nullable=False),
        sa.Column("language", sa.String(35)),
        sa.Column("relation", sa.String(24), nullable=False),
        sa.Column("related_id", sa.Uuid()),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("replaces_id", sa.Uuid()),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("object_key", sa.String(64), nullable=False),
        sa.Column("stored_at", INSTANT, nullable=False),
        sa.Column("scanned_at", INSTANT),
        sa.Column("audience_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("state IN ('stored', 'quarantined', 'refused', 'removed')", name=op.f("ck_documents_state")),
        sa.CheckConstraint("(filing_id IS NULL) <> (draft_id IS NULL)", name=op.f("ck_documents_of_one")),
        sa.ForeignKeyConstraint(["audience_id"], ["audiences.id"], name=op.f("fk_documents_audience_id_audiences")),
        sa.ForeignKeyConstraint(["author_id"], ["users.id"], name=op.f("fk_documents_author_id_users")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_documents_case_id_cases")),
        sa.ForeignKeyConstraint(
            ["draft_id"], ["settlement_drafts.id"], name=op.f("fk_documents_draft_id_settlement_drafts")
        ),
        sa.ForeignKeyConstraint(["filing_id"], ["filings.id"], name=op.f("fk_documents_filing_id_filings")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_documents")),
        sa.UniqueConstraint("object_key", name=op.f("uq_documents_object_key")),
    )
    op.create_index("ix_documents_case_id_stored_at_id", "documents", ["case_id", "stored_at", "id"])
    op.create_index("ix_documents_filing_id", "documents", ["filing_id"])
    op.create_index(op.f("ix_documents_audience_id"), "documents", ["audience_id"])


def _accesses() -> None:
    op.create_table(
        "accesses",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("document_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("read_at", INSTANT, nullable=False),
        sa.Column("bytes_from", sa.BigInteger(), nullable=False),
        sa.Column("bytes_until", sa.BigInteger(), nullable=False),
        sa.Column("audience_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["audience_id"], ["audiences.id"], name=op.f("fk_accesses_audience_id_audiences")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_accesses_case_id_cases")),
        sa.ForeignKeyConstraint(["document_id"], ["documents.id"], name=op.f("fk_accesses_document_id_documents")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_accesses_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_accesses")),
    )
    op.create_index("ix_accesses_case_id_read_at_id", "accesses", ["case_id", "read_at", "id"])
    op.create_index(op.f("ix_accesses_audience_id"), "accesses", ["audience_id"])


def _certificates() -> None:
    op.create_table(
        "certificates",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(24), nullable=False),
        sa.Column("filing_id", sa.Uuid()),
        sa.Column("content_id", sa.Uuid(), nullable=False),
        sa.Column("key_id", sa.Uuid(), nullable=False),
        sa.Column("signature", sa.LargeBinary(64), nullable=False),
        sa.Column("issued_at", INSTANT, nullable=False),
        sa.Column("audience_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["audience_id"], ["audiences.id"], name=op.f("fk_certificates_audience_id_audiences")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_certificates_case_id_cases")),
        sa.ForeignKeyConstraint(["filing_id"], ["filings.id"], name=op.f("fk_certificates_filing_id_filings")),
        sa.ForeignKeyConstraint(["key_id"], ["signing_keys.id"], name=op.f("fk_certificates_key_id_signing_keys")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_certificates")),
        sa.UniqueConstraint("filing_id", name=op.f("uq_certificates_filing_id")),
    )
    op.create_index("ix_certificates_case_id_issued_at_id", "certificates", ["case_id", "issued_at", "id"])
    op.create_index(op.f("ix_certificates_audience_id"), "certificates", ["audience_id"])
