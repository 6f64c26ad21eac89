"""Subscriptions to webhooks, their deliveries, and headers as Accord signs them."""

import base64
from datetime import UTC, datetime

from standardwebhooks import Webhook

from tests.installation import Json, Person
from tests.story import Dispute

SECRET = "whsec_" + base64.b64encode(b"a secret of thirty-two bytes !!!").decode()


def subscribe(person: Person, url: str, **more: object) -> Json:
    """A new subscription, with its secret."""
    return dict(person.post("/v1/webhooks", {"url": url, **more}).expect(201))


def path_of(subscription: Json) -> str:
    """The path of a subscription."""
    return f"/v1/webhooks/{subscription['id']}"


def change(person: Person, subscription: Json, **changes: object) -> Json:
    """Change a subscription in the version that the server holds now."""
    tag = person.get(path_of(subscription)).headers["etag"]
    return dict(person.patch(path_of(subscription), changes, if_match=tag).expect(200))


def deliveries(person: Person, subscription: Json, more: str = "") -> list[Json]:
    """The deliveries of a subscription, those that are still to be sent included."""
    return list(person.get(f"{path_of(subscription)}/deliveries?limit=200{more}").expect(200)["items"])


def retitle(dispute: Dispute, title: str) -> None:
    """Change the case's title, which gives every participant an event."""
    dispute.requesting.patch(dispute.path, {"title": title}, if_match="*").expect(200)


def signed_headers(body: bytes, at: float, *secrets: str) -> dict[str, str]:
    """The headers of a delivery, signed by the library of Standard Webhooks; `at` is in seconds since 1970."""
    when = datetime.fromtimestamp(int(at), UTC)
    signatures = [Webhook(secret).sign("e-1", when, body.decode()) for secret in secrets]
    return {"Webhook-Id": "e-1", "Webhook-Timestamp": str(int(at)), "Webhook-Signature": " ".join(signatures)}
