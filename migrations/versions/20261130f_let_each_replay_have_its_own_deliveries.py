"""Let an event have a delivery for each replay: the pair of subscription and event is no longer unique."""

from collections.abc import Sequence

from alembic import op

revision: str = "20261130f"
down_revision: str | None = "20261130b"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    with op.batch_alter_table("webhook_deliveries") as deliveries:
        deliveries.drop_constraint(op.f("uq_webhook_deliveries_webhook_id_event_id"), type_="unique")
    op.create_index("ix_webhook_deliveries_webhook_id_event_id", "webhook_deliveries", ["webhook_id", "event_id"])
