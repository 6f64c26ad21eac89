"""`/v1/webhooks`: subscriptions to events and their deliveries."""

from typing import Annotated
from uuid import UUID

import anyio
import anyio.to_thread
from fastapi import APIRouter, Query

from app.core.errors import invalid
from app.core.http.parameters import Act, Change, Create, Hop, Paged
from app.core.http.problems import problems
from app.core.http.routing import Route
from app.core.http.work import act
from app.core.outbound import AddressRefused
from app.integration.webhooks import deliveries, service
from app.integration.webhooks.schemas import (
    DeliveryList,
    DeliveryOut,
    DeliveryState,
    ReplayIn,
    WebhookChange,
    WebhookIn,
    WebhookList,
    WebhookMinted,
    WebhookOut,
)

router = APIRouter(prefix="/v1/webhooks", tags=["webhooks"], route_class=Route)
ACTS = problems(401, 403, 404, 409, 412, 422)
REMOVED = {**problems(401, 403, 404, 412, 422, 428), 204: {"description": "The subscription is removed."}}
OfState = Annotated[DeliveryState | None, Query(description="Only deliveries in this state.")]
# Names are looked up for few at a time, and for nobody long.
_LOOKUPS, _SECONDS_TO_LOOK_UP = anyio.CapacityLimiter(4), 5
_WHERE = (
    "Events are not sent to this address. Name an https address of the public internet, on port 443 or 8443, without "
    "user name, fragment or final full stop. The operator can allow other addresses."
)


@router.post("", status_code=201, operation_id="createWebhook", responses=problems(401, 403, 409, 422))
async def create_webhook(work: Hop, body: WebhookIn) -> WebhookMinted:
    """Subscribe to events.

    The secret is shown only in this answer, so an `Idempotency-Key` is refused.
    """
    await _judge(work, body.url)
    return await work.mint(act(service.subscribe, body), answer=service.read_minted, status=201)


@router.get("", operation_id="listWebhooks", responses=problems(401, 403, 422))
async def list_webhooks(work: Hop, page: Paged) -> WebhookList:
    """List your subscriptions.

    Secrets are not shown.
    """
    return await work.read(service.list_webhooks, page)


@router.get("/{webhook_id}", operation_id="readWebhook", responses=problems(401, 403, 404, 422))
async def read_webhook(work: Hop, webhook_id: UUID) -> WebhookOut:
    """Read a subscription."""
    return await work.read(service.read_webhook, webhook_id)


@router.patch(
    "/{webhook_id}",
    dependencies=Change,
    operation_id="amendWebhook",
    responses=problems(401, 403, 404, 412, 422, 428),
)
async def amend_webhook(work: Hop, webhook_id: UUID, body: WebhookChange) -> WebhookOut:
    """Change, pause or resume a subscription.

    A resumed subscription goes on from where it stopped.
    """
    if body.url is not None:
        await _judge(work, body.url)
    return await work.write(
        act(service.amend, webhook_id, body),
        answer=service.read_webhook,
        item=(webhook_id,),
        lock=service.lock_webhook,
    )


@router.delete(
    "/{webhook_id}",
    status_code=204,
    response_model=None,
    dependencies=Change,
    operation_id="removeWebhook",
    responses=REMOVED,
)
async def remove_webhook(work: Hop, webhook_id: UUID) -> WebhookOut:
    """Remove a subscription.

    Its deliveries are removed with it, sent or not.
    """
    return await work.write(
        act(service.remove, webhook_id), answer=service.read_webhook, item=(webhook_id,), lock=service.lock_webhook
    )


@router.post("/{webhook_id}/secret", operation_id="rotateWebhookSecret", responses=problems(401, 403, 404, 422))
async def rotate_webhook_secret(work: Hop, webhook_id: UUID) -> WebhookMinted:
    """Make another secret for a subscription.

    For 24 hours every event is signed by both secrets. The new one is shown only in this answer, so an
    `Idempotency-Key` is refused.
    """
    return await work.mint(act(service.rotate_secret, webhook_id), answer=service.read_minted)


@router.post(
    "/{webhook_id}/test",
    dependencies=Create,
    operation_id="testWebhook",
    responses=problems(401, 403, 404, 409, 422),
)
async def test_webhook(work: Hop, webhook_id: UUID) -> DeliveryOut:
    """Send a test event to a subscription.

    The event has the type `webhook-tested` and is not in the ledger. Read the delivery to see its result.
    """
    return await work.write(act(deliveries.test, webhook_id), answer=deliveries.read_delivery)


@router.post("/{webhook_id}/replay", dependencies=Act, operation_id="replayEvents", responses=ACTS)
async def replay_events(work: Hop, webhook_id: UUID, body: ReplayIn) -> WebhookOut:
    """Send a part of your feed to a subscription again.

    The events are sent in order and with the same ids, as far as you may still read them.
    """
    return await work.write(
        act(deliveries.replay, webhook_id, body),
        answer=service.read_webhook,
        item=(webhook_id,),
        lock=service.lock_webhook,
    )


@router.get("/{webhook_id}/deliveries", operation_id="listDeliveries", responses=problems(401, 403, 404, 422))
async def list_deliveries(work: Hop, webhook_id: UUID, page: Paged, state: OfState = None) -> DeliveryList:
    """List the deliveries of a subscription, the newest first."""
    return await work.read(deliveries.list_deliveries, webhook_id, page, state)


@router.get(
    "/{webhook_id}/deliveries/{delivery_id}", operation_id="readDelivery", responses=problems(401, 403, 404, 422)
)
async def read_delivery(work: Hop, webhook_id: UUID, delivery_id: UUID) -> DeliveryOut:
    """Read a delivery and its attempts."""
    return await work.read(deliveries.read_delivery, webhook_id, delivery_id)


@router.post(
    "/{webhook_id}/deliveries/{delivery_id}/retry", dependencies=Act, operation_id="retryDelivery", responses=ACTS
)
async def retry_delivery(work: Hop, webhook_id: UUID, delivery_id: UUID) -> DeliveryOut:
    """Send an event at once that waits, was given up or was skipped."""
    return await work.write(
        act(deliveries.retry, webhook_id, delivery_id), answer=deliveries.read_delivery, item=(webhook_id, delivery_id)
    )


async def _judge(work: Hop, url: str) -> None:
    """Refuse a forbidden address, after authentication and before any transaction."""
    await work.look(service.may_subscribe)
    try:
        with anyio.fail_after(_SECONDS_TO_LOOK_UP):
            check = work.seams.guard.check
            await anyio.to_thread.run_sync(check, url, limiter=_LOOKUPS, abandon_on_cancel=True)
    except (AddressRefused, TimeoutError):
        raise invalid("/url", "address-refused", _WHERE) from None
