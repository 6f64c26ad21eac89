"""A court's referral, as tests send it."""

from typing import Any

from tests.installation import Json
from tests.request_bodies import REQUESTS

PDF = b"%PDF-1.7\n1 0 obj <<>> endobj\ntrailer <<>>\n%%EOF"


def referral(external_id: str = "HC-1", **more: Any) -> Json:
    """A referral as a court sends it."""
    return {**REQUESTS["ReferralIn"], "external_id": external_id, "return_on": "2026-06-30", **more}
