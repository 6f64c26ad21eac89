"""Deliveries of webhooks, signed as Accord signs them."""

import base64
from datetime import UTC, datetime

from standardwebhooks import Webhook

SECRET = "whsec_" + base64.b64encode(b"a secret of thirty-two bytes !!!").decode()


def signed(body: bytes, at: float, *secrets: str) -> dict[str, str]:
    """Headers as the library of Standard Webhooks makes them."""
    when = datetime.fromtimestamp(int(at), UTC)
    signatures = [Webhook(secret).sign("e-1", when, body.decode()) for secret in secrets]
    return {"Webhook-Id": "e-1", "Webhook-Timestamp": str(int(at)), "Webhook-Signature": " ".join(signatures)}
