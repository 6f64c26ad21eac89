"""Outcomes of deliveries: records attempts, schedules the next and disables subscriptions."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, update

from app.core.access.session import GatedSession
from app.core.ledger.acts import BY_CLOCK, Act, installation_subject
from app.core.tables.webhooks import Delivery, Webhook
from app.integration.webhooks import schedule
from app.integration.webhooks.outbox import DeliveryClaim
from app.integration.webhooks.recovery import hasten
from app.integration.webhooks.service import record_act
from app.integration.webhooks.transport import Answer

MOST_ATTEMPTS_KEPT = 20


# Statuses of receivers with a special meaning (RFC 9110).
GONE, BUSY = 410, (429, 503)


@dataclass(frozen=True, slots=True)
class Outcome:
    """Outcome of a claim: the receiver's answer, or None if the owner may no longer read the event."""

    claim: DeliveryClaim
    at: datetime
    duration_ms: int
    answer: Answer | None


def record(db: GatedSession, now: datetime, outcomes: Sequence[Outcome]) -> None:
    """Record the outcomes of claims, and when failed deliveries are tried again."""
    for outcome in outcomes:
        statement = select(Delivery).where(Delivery.id == outcome.claim.id).with_for_update()
        delivery = db.execute(statement).scalar_one_or_none()
        # The subscription may have been removed in the meantime.
        if delivery is not None:
            delivery.leased_until = None
            _settle(db, now, delivery, outcome)
    db.flush()


def _settle(db: GatedSession, now: datetime, delivery: Delivery, outcome: Outcome) -> None:
    answer = outcome.answer
    if answer is None:
        _end(delivery, now, "skipped", "access-ended")
        return
    attempt = {
        "number": outcome.claim.attempt,
        "at": outcome.at.isoformat(),
        "status": answer.status,
        "error": answer.error,
        "duration_ms": outcome.duration_ms,
        "body": answer.body,
    }
    delivery.attempts = [*delivery.attempts, attempt][-MOST_ATTEMPTS_KEPT:]
    delivery.tries += 1
    delivery.first_at = delivery.first_at or outcome.at
    failing = not answer.is_success
    hook: dict[str, Any] = {} if failing == outcome.claim.failing else {"failing": failing}
    if answer.is_success:
        _end(delivery, now, "delivered", None)
        if outcome.claim.failing:
            hasten(db, now, delivery.webhook_id)
    elif answer.status == GONE:
        _end(delivery, now, "failed", "gone")
        disable(db, now, delivery.webhook_id, "gone")
    else:
        until = schedule.pause_until(answer.retry_after, now) if answer.status in BUSY else None
        next_at = schedule.next_attempt(delivery.tries, delivery.first_at, now)
        if next_at is None:
            _end(delivery, now, "failed", "given-up")
        else:
            delivery.next_attempt_at = max(next_at, until) if until else next_at
        if until:
            hook["held_until"] = until
    if hook:
        row = update(Webhook).where(Webhook.id == delivery.webhook_id).values(**hook)
        db.execute(row.execution_options(synchronize_session=False))


def _end(delivery: Delivery, now: datetime, state: str, reason: str | None) -> None:
    delivery.state, delivery.reason = state, reason
    delivery.next_attempt_at, delivery.settled_at = None, now


def disable(db: GatedSession, now: datetime, webhook_id: UUID, reason: str) -> int:
    """Disable a subscription for a reason outside its owner's control; return how many were disabled (0 or 1)."""
    columns = (Webhook.id, Webhook.owner_id, Webhook.owner_kind)
    enabled = select(*columns).where(Webhook.id == webhook_id, Webhook.state != "disabled")
    webhook = db.execute(enabled.with_for_update(key_share=True)).one_or_none()
    if webhook is None:
        return 0
    row = update(Webhook).where(Webhook.id == webhook_id).values(state="disabled", reason=reason)
    db.execute(row.execution_options(synchronize_session=False))
    act = Act("disable", now, BY_CLOCK, installation_subject(db, "registry"))
    record_act(db, act, webhook, "webhook-disabled", reason=reason)
    return 1
