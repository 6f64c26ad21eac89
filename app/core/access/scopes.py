"""What programs may do: the scopes in words, and the one that each operation asks for."""

from app.core.access.actors import Actor
from app.core.errors import Forbidden, InsufficientScope, NotFound

SCOPES = {
    "events.read": "Read the feed of events",
    "referrals.read": "Read referrals, what became of them, and what their cases show to the court",
    "referrals.write": "Refer cases, amend and withdraw referrals, and extend their return dates",
    "webhooks.manage": "Subscribe to events, and read how they were delivered",
}
# The operations that are for programs too, by their ids. What does not stand here is for people alone.
NEEDED: dict[str, str] = {
    "readFeed": "events.read",
    "listReferrals": "referrals.read",
    "readReferral": "referrals.read",
    "listReferralFilings": "referrals.read",
    "readDocument": "referrals.read",
    "downloadDocument": "referrals.read",
    "downloadOrder": "referrals.read",
    "referCase": "referrals.write",
    "uploadOrder": "referrals.write",
    "amendReferral": "referrals.write",
    "withdrawReferral": "referrals.write",
    "extendReturnDate": "referrals.write",
    "createWebhook": "webhooks.manage",
    "listWebhooks": "webhooks.manage",
    "readWebhook": "webhooks.manage",
    "amendWebhook": "webhooks.manage",
    "removeWebhook": "webhooks.manage",
    "rotateWebhookSecret": "webhooks.manage",
    "testWebhook": "webhooks.manage",
    "replayEvents": "webhooks.manage",
    "listDeliveries": "webhooks.manage",
    "readDelivery": "webhooks.manage",
    "retryDelivery": "webhooks.manage",
}


def admit(actor: Actor, operation: str, *, names_an_item: bool) -> None:
    """Let a program do only what it has the scope for; people are admitted to everything, and judged by what it is.

    Raises InsufficientScope, Forbidden for an operation that is not for programs, and NotFound for the items of such
    operations, which no program sees.
    """
    if actor.role != "client":
        return
    scope = NEEDED.get(operation)
    if scope is None:
        raise NotFound if names_an_item else Forbidden("People do this; no program has a scope for it.")
    if scope not in actor.scopes:
        raise InsufficientScope(scope)
