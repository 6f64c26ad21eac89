"""The scopes of API clients, and the scope of each operation."""

from app.core.access.actors import Actor
from app.core.errors import Forbidden, InsufficientScope, NotFound

SCOPES = {
    "events.read": "Read the feed of events",
    "referrals.read": "Read referrals, their progress, and what their cases show to the court",
    "referrals.write": "Refer cases, amend and withdraw referrals, and extend their return dates",
    "webhooks.manage": "Subscribe to events, and read how they were delivered",
}
# Scopes that only a court's client can have: it reads what that court reads.
OF_ONE_COURT = frozenset({"referrals.read"})
# The operations for every API client: the codes that it sends, which the institution publishes.
OPEN = frozenset(("listProcedures", "listSubjects", "readProcedure"))
# The operations for API clients with a scope, by their ids. All others are for people only.
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
    """Check the scope of an API client for an operation; people need none.

    Raises InsufficientScope, Forbidden for an operation that is not for API clients, and NotFound for an item of such
    an operation, since no API client sees it.
    """
    if actor.role != "client" or operation in OPEN:
        return
    scope = NEEDED.get(operation)
    if scope is None:
        raise NotFound if names_an_item else Forbidden("API clients may not do this: only people may.")
    if scope not in actor.scopes:
        raise InsufficientScope(scope)
