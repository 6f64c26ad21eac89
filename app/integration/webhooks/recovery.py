"""What waits for a receiver that accepts events again."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select, update

from app.core.access.session import GatedSession
from app.core.tables.webhooks import Delivery
from app.integration.webhooks import schedule


def hasten(db: GatedSession, now: datetime, webhook_id: UUID) -> None:
    """Make what waits for a receiver due, now that it accepts events again: in order, and at a bounded rate."""
    db.flush()
    columns = (Delivery.id, Delivery.tries, Delivery.next_attempt_at, Delivery.attempts)
    waiting = select(*columns).where(Delivery.webhook_id == webhook_id, Delivery.state == "pending")
    rows = db.execute(waiting.order_by(Delivery.position).with_for_update(skip_locked=True, of=Delivery)).all()
    for number, row in enumerate(rows):
        last_at = datetime.fromisoformat(row.attempts[-1]["at"]) if row.attempts else None
        due_at = schedule.after_recovery(number, row.tries, last_at, now)
        # What was never tried is due already; it is put off only so far as the rate demands.
        if row.tries == 0 or due_at < row.next_attempt_at:
            hastened = update(Delivery).where(Delivery.id == row.id).values(next_attempt_at=due_at)
            db.execute(hastened.execution_options(synchronize_session="evaluate"))
