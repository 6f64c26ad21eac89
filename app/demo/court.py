"""The court of the demo: refers a case over HTTP, which is mediated to its end, and compares notes."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import httpx

from app.demo.play import filled, member_of
from app.demo.story import TIME_ZONE, Json, StoryAct, StoryFault, Tell
from app.integration.client import Accord
from app.integration.court_in_a_box.command import CourtPlace, running, settled
from app.integration.court_in_a_box.simulated_court import SimulatedCourt

R, C = "/v1/referrals/{referral}", "/v1/cases/{case}"
_GIVES = {
    "consent": {"basis": "ad-hoc", "instrument": "Letter to the registry", "given_on": "{today}"},
    "powers": {"kind": "mandate", "issued_by": "the board", "issued_on": "{today}"},
}
_SHARES = f"{C}/referral/share-dates"
_SIGNS = {"draft_id": "{draft}", "sha256": "{sha256}", "capacity": "agent"}


def _does(who: str, says: str, path: str, body: Json | None = None, method: str = "POST", **keeps: str) -> StoryAct:
    """An act of a story that is played on one day."""
    return StoryAct(0, 0, who, says, path, body or {}, method, keeps=keeps)


def _agent(who: str, side: str, says: str) -> StoryAct:
    body = {"user_id": f"{{{who}}}", "role": "agent", "powers": _GIVES["powers"]}
    return _does("registrar", says, f"{C}/parties/{{{side}}}/representatives", body)


# The mediation of the referred case.
MEDIATION = [
    _does("registrar", "The registrar accepts the referral", f"{R}/accept", case="case_id"),
    _does("registrar", "reads who the parties are", C, method="GET", first="parties.0.id", second="parties.1.id"),
    _agent("requesting_agent", "first", "admits an agent of the first side"),
    _agent("responding_agent", "second", "and of the second"),
    _does("registrar", "and informs the other side of the referral", f"{C}/steps/invite"),
    _does("responding_agent", "The other side takes part", f"{C}/steps/accept-invitation", {"fields": _GIVES}),
    _does(
        "registrar",
        "The case is registered as {reference}; the court's own clock stands still",
        f"{C}/steps/register",
        {"due_on": "{return_on}"},
        reference="reference",
    ),
    _does(
        "requesting_agent",
        "Amara Lindqvist is nominated",
        f"{C}/appointments",
        {"mediator_id": "{entry}"},
        appointment="id",
    ),
    _does("mediator", "declares herself independent", "/v1/appointments/{appointment}/declare", {"independent": True}),
    _does("responding_agent", "is accepted", "/v1/appointments/{appointment}/accept"),
    _does("registrar", "and confirmed", "/v1/appointments/{appointment}/confirm"),
    _does("requesting_agent", "One side lets the court know the dates of sessions", _SHARES),
    _does("responding_agent", "and so does the other, so the court sees them", _SHARES),
    _does(
        "mediator",
        "A joint session is called",
        f"{C}/sessions",
        {
            "kind": "joint",
            "title": "First meeting",
            "starts_at": "{today}T00:00",
            "ends_at": "{today}T01:00",
            "audience": "participants",
            "place": "Port Sable",
        },
        session="id",
    ),
    _does(
        "mediator",
        "and held",
        f"{C}/sessions/{{session}}/hold",
        {
            "attendance": [
                {"name": "Nadia Keller", "capacity": "agent", "party_id": "{first}"},
                {"name": "Idris Marwan", "capacity": "agent", "party_id": "{second}"},
            ]
        },
    ),
    _does(
        "mediator",
        "A text is put before both sides",
        f"{C}/settlement/drafts",
        {
            "title": "Settlement",
            "language": "en",
            "clauses": [{"number": "1", "text": "The delivery is made by the end of the year."}],
            "audience": "participants",
        },
        draft="id",
        sha256="sha256",
    ),
    _does("mediator", "and frozen", f"{C}/settlement/drafts/{{draft}}/freeze", {"sha256": "{sha256}"}),
    _does(
        "requesting_agent", "signed by the first side", f"{C}/settlement/signatures", {**_SIGNS, "party_id": "{first}"}
    ),
    _does("responding_agent", "and by the second", f"{C}/settlement/signatures", {**_SIGNS, "party_id": "{second}"}),
    _does("registrar", "The registry reports the outcome to the court", f"{C}/steps/report"),
]


@contextmanager
def court_beside(base_url: str, client: dict[str, str], port: int = 0) -> Iterator[SimulatedCourt]:
    """Run the demo's court against the service at this address; its notes are in memory."""
    accord = Accord(base_url, client["client_id"], client["client_secret"])
    with running(accord, CourtPlace(port=port, orders_port=0)) as court:
        yield court


def play_court(court: SimulatedCourt, base_url: str, tokens: dict[str, str], now: datetime, tell: Tell) -> bool:
    """Play a referral from the order to the report, with a misbehaving court; return whether notes and Accord agree.

    Raises StoryFault if the service does not answer as the story expects.
    """
    tell("\nA court refers a case over HTTP, follows it by webhook and by the feed, and sometimes breaks off.\n")
    for order in ("duplicate 1", "refer 1", "repeat 1", "rotate"):
        tell(f"The court: {court.obey(order)}")
    (referral,) = court.store.referrals()
    with httpx.Client(base_url=base_url, timeout=30) as http:
        registry = _Registry(http, tokens, tell)
        registry.play(str(referral.id), referral.sent["return_on"], now.astimezone(ZoneInfo(TIME_ZONE)).date())
    differences = settled(court)
    for line in _received(court):
        tell(line)
    for line in differences or ["The court and Accord agree."]:
        tell(line)
    return not differences


class _Registry:
    """The registry and the parties, acting through the API."""

    def __init__(self, http: httpx.Client, tokens: dict[str, str], tell: Tell) -> None:
        self._http, self._tokens, self._tell = http, tokens, tell
        self._kept: dict[str, str] = {}

    def play(self, referral_id: str, return_on: str, today: date) -> None:
        """Mediate the referred case."""
        kept = {"referral": referral_id, "return_on": return_on, "today": today.isoformat()}
        for who in ("requesting_agent", "responding_agent", "mediator"):
            kept[who] = self._sent(who, "GET", "/v1/me")["id"]
        roster = self._sent("registrar", "GET", "/v1/mediators")["items"]
        (entry,) = (mediator for mediator in roster if mediator["user_id"] == kept["mediator"])
        self._kept = {**kept, "entry": entry["id"]}
        for act in MEDIATION:
            answer = self._sent(act.who, act.method, filled(act.path, self._kept), filled(act.body, self._kept))
            for name, member in act.keeps.items():
                self._kept[name] = member_of(answer, member)
            self._tell(filled(act.says, self._kept))

    def _sent(self, who: str, method: str, path: str, body: Json | None = None) -> Any:
        headers = {"authorization": f"Bearer {self._tokens[who]}"}
        answer = self._http.request(method, path, json=body or None, headers=headers)
        if answer.is_error:
            raise StoryFault(f"{method} {path}: {answer.text}")
        return answer.json()


def _received(court: SimulatedCourt) -> Iterator[str]:
    """List the events that the court received, and the report on the end."""
    yield "\nThe court received, in order:"
    events = [event for event in court.store.events() if event.by_webhook is not None]
    for event in sorted(events, key=lambda event: event.by_webhook or 0):
        copies = f" ({event.webhooks} times, one event)" if event.webhooks > 1 else ""
        yield f"  {event.type}{copies}"
    (referral,) = court.store.referrals()
    seen = referral.seen or {}
    report = seen["report"]
    yield f"The report of {seen['reference']} says: settled {report['settled']}, ended on {report['ended_on']}."
