"""Courts and API clients under test: their secrets, their tokens, and the referrals that courts send."""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus

from tests.installation import Answer, House, Json, Person
from tests.request_bodies import REQUESTS
from tests.story import GIVES, POWERS, Dispute

COURT: Json = {
    "name": "High Court, Civil Division",
    "jurisdiction": "Ostrava",
    "place": "Orlin",
    "time_zone": "Europe/Prague",
}
ALL_SCOPES = ["events.read", "referrals.read", "referrals.write", "webhooks.manage"]
# The institution's own programs read no referrals.
OWN_SCOPES = ["events.read", "referrals.write", "webhooks.manage"]


def court(house: House, **more: Any) -> str:
    """A new court; gives its id."""
    return str(house.admin.post("/v1/courts", {**COURT, **more}).expect(201)["id"])


def client(house: House, court_id: str | None, scopes: list[str] | None = None, name: str = "Case management") -> Json:
    """A new API client with its secret, as the administrator sees it once."""
    body = {"name": name, "court_id": court_id, "scopes": scopes or (OWN_SCOPES if court_id is None else ALL_SCOPES)}
    return dict(house.admin.post("/v1/clients", body).expect(201))


def request_token(house: House, form: Json, headers: dict[str, str] | None = None) -> Answer:
    """Ask the token endpoint for a token."""
    sent = {"x-request-id": house.next_request_id(), **(headers or {})}
    return Answer(house.client.post("/oauth/token", data=form, headers=sent))


def basic_authorization(client_id: str, secret: str) -> dict[str, str]:
    """The header in which a client presents its secret."""
    pair = f"{quote_plus(client_id)}:{quote_plus(secret)}"
    return {"authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}


def token(house: House, registered: Json, scope: str | None = None) -> str:
    """A token that a client gets with its secret."""
    form = {"grant_type": "client_credentials", **({"scope": scope} if scope else {})}
    granted = request_token(house, form, basic_authorization(registered["id"], registered["client_secret"])).expect(200)
    return str(granted["access_token"])


@dataclass
class Program(Person):
    """An API client that gets a new token when its token has expired."""

    renew: Callable[[], str]

    def send(self, method: str, path: str, **request: Any) -> Answer:
        """Send a request, and send it again with a new token if the token has expired."""
        answer = super().send(method, path, **request)
        if answer.status != 401 or "authorization" in (request.get("headers") or {}):
            return answer
        self.token = self.renew()
        return super().send(method, path, **request)


def program(house: House, court_id: str | None, scopes: list[str] | None = None) -> Person:
    """An API client with a token: a court's, or without a court the institution's own."""
    registered = client(house, court_id, scopes)
    return Program(
        registered["name"],
        registered["id"],
        token(house, registered),
        house.client,
        house.next_request_id,
        lambda: token(house, registered),
    )


def referred_dispute(house: House, holder: Person, **more: Any) -> Dispute:
    """A case in mediation that a court referred by its client, with the people of the story."""
    dispute = Dispute(house, "r")
    path = f"/v1/referrals/{holder.post('/v1/referrals', referral(**more)).expect(201)['id']}"
    case_id = house.registrar.post(f"{path}/accept").expect(200)["case_id"]
    dispute.case = house.registrar.get(f"/v1/cases/{case_id}").expect(200)
    for agent, side in ((dispute.requesting, "requesting"), (dispute.responding, "responding")):
        dispute.admit(house.registrar, agent, dispute.party(side), powers={**POWERS, "kind": "mandate"})
    for person, step, body in (
        (house.registrar, "invite", None),
        (dispute.responding, "accept-invitation", GIVES),
        (house.registrar, "register", {"due_on": "2026-06-30"}),
    ):
        dispute.step(person, step, body).expect(200)
    dispute.confirmed(dispute.mediator, dispute.nominate(dispute.requesting, dispute.mediator_id))
    dispute.read()
    return dispute


def referral(external_id: str = "HC-1", **more: Any) -> Json:
    """A referral as a court sends it."""
    return {**REQUESTS["ReferralIn"], "external_id": external_id, "return_on": "2026-06-30", **more}
