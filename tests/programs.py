"""Courts and their programs under test: their secrets, their tokens, and what they send."""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus

from tests.installation import Answer, House, Json, Person

COURT: Json = {
    "name": "High Court, Civil Division",
    "jurisdiction": "Ostrava",
    "place": "Orlin",
    "time_zone": "Europe/Prague",
}
EVERYTHING = ["events.read", "referrals.read", "referrals.write", "webhooks.manage"]


def court(house: House, **more: Any) -> str:
    """A court, by id."""
    return str(house.admin.post("/v1/courts", {**COURT, **more}).expect(201)["id"])


def client(house: House, court_id: str | None, scopes: list[str] | None = None, name: str = "Case management") -> Json:
    """A client with its secret, as its administrator is shown it."""
    given = {"name": name, "court_id": court_id, "scopes": scopes or EVERYTHING}
    return dict(house.admin.post("/v1/clients", given).expect(201))


def ask(house: House, form: Json, headers: dict[str, str] | None = None) -> Answer:
    """Ask for a token."""
    given = {"x-request-id": house.number(), **(headers or {})}
    return Answer(house.client.post("/oauth/token", data=form, headers=given))


def basic(client_id: str, secret: str) -> dict[str, str]:
    """The header that shows a client's secret."""
    shown = f"{quote_plus(client_id)}:{quote_plus(secret)}"
    return {"authorization": f"Basic {base64.b64encode(shown.encode()).decode()}"}


def token(house: House, made: Json, scope: str | None = None) -> str:
    """A token got by a client's secret."""
    form = {"grant_type": "client_credentials", **({"scope": scope} if scope else {})}
    granted = ask(house, form, basic(made["id"], made["client_secret"])).expect(200)
    return str(granted["access_token"])


@dataclass
class Program(Person):
    """A client that gets itself another token when the one that it has is not good any more."""

    renew: Callable[[], str]

    def send(self, method: str, path: str, **given: Any) -> Answer:
        """Send a request, a second time if the token has expired."""
        answer = super().send(method, path, **given)
        if answer.status != 401 or "authorization" in (given.get("headers") or {}):
            return answer
        self.token = self.renew()
        return super().send(method, path, **given)


def program(house: House, court_id: str | None, scopes: list[str] | None = None) -> Person:
    """A program with a token of its own: a court's, or the institution's."""
    made = client(house, court_id, scopes)
    held = token(house, made)
    return Program(made["name"], made["id"], held, house.client, house.number, lambda: token(house, made))
