"""Records the examples of the OpenAPI document: the demo, played in its own time, and what it does not reach.

    python -m tests.recording    writes them to app/integration/description/examples.json

Of each operation the first success is kept, or a later one that is named as the better example. Ids, secrets and
instants come from a clock and from random bytes of its own, so that each recording gives the same bytes.
"""

import asyncio
import base64
import hashlib
import json
import re
import tempfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

import httpx
from pydantic import SecretStr
from sqlalchemy import select, update

from app.core.access.session import GatedSession, as_system
from app.core.db import Database, new_id
from app.core.ledger import feed
from app.core.ledger import service as ledger
from app.core.ledger.acts import OPERATOR
from app.core.ledger.catalogue import TYPES
from app.core.tables.events import Event
from app.core.tables.institution import Institution
from app.core.tables.notices import Notice
from app.demo.court import MEDIATION
from app.demo.play import Player, StoryClock, filled, member_of
from app.demo.story import TIME_ZONE, Json
from app.institution.people.activations import print_link
from app.integration.description.examples import RECORDED
from app.integration.notices import mail_queue
from app.integration.webhooks.schemas import TEST_TYPE, TestDataOut, TestEventOut
from app.main import create_app
from app.operations.migrating import migrate
from app.settings import Settings
from tests.pdfs import PDF

PRESENT = datetime(2026, 11, 2, 9, tzinfo=UTC)
# Longer lists of what is answered whole are cut to so many items.
SHORTENED = {
    "listProcedures": 2,
    "listSteps": 2,
    "listSubjects": 2,
    "readDesk": 1,
    "clearDesk": 1,
    "readProcedure": 2,
    "simulateProcedure": 2,
}


class Bytes:
    """Bytes that look random and are the same in each recording."""

    def __init__(self) -> None:
        self._drawn = 0

    def __call__(self, length: int) -> bytes:
        """The next bytes."""
        self._drawn += 1
        return hashlib.shake_256(f"examples/{self._drawn}".encode()).digest(length)


class Recorder(Player):
    """Plays the story, and notes of each operation a request and its answer."""

    def __init__(self, app: Any, clock: StoryClock, entropy: Bytes) -> None:
        super().__init__(app, clock, lambda _line: None, entropy)
        self.operations: dict[str, Json] = {}
        self._better = False
        paths = app.openapi()["paths"]
        # The longest path first: that of a drawing before that of an item whose id could be anything.
        self._known = [
            (method.upper(), re.compile(re.sub(r"\{\w+\}", "[^/]+", path).replace(".", r"\.")), operation)
            for path in sorted(paths, key=lambda path: -len(re.sub(r"\{\w+\}", "", path)))
            for method, operation in paths[path].items()
        ]

    async def send(self, who: str, method: str, path: str, body: Json, **headers: str) -> httpx.Response:
        """One request, noted if it succeeds."""
        response = await super().send(who, method, path, body, **headers)
        self._note(method, path, body or None, response)
        return response

    async def send_raw(
        self, who: str | None, method: str, path: str, content: bytes = b"", **headers: str
    ) -> httpx.Response:
        """One request whose body is a file or a form."""
        if who is not None:
            headers["authorization"] = f"Bearer {self.tokens[who]}"
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        transport = httpx.ASGITransport(self.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://accord.demo") as client:
            response = await client.request(method, path, content=content, headers=named)
        form = named.get("content-type") == "application/x-www-form-urlencoded"
        self._note(method, path, dict(parse_qsl(content.decode())) if form else None, response)
        return response

    async def do(
        self, who: str, path: str, body: Json | None = None, method: str = "POST", better: bool = False, **keeps: str
    ) -> Json:
        """An act of the registry's further life; what it `keeps` is named as in the story."""
        self.clock.now += timedelta(minutes=1)
        place, sent, headers = filled(path, self.kept), filled(body or {}, self.kept), {}
        if method in ("PATCH", "DELETE"):
            headers["if-match"] = (await super().send(who, "GET", place, {})).headers["etag"]
        self._better = better
        response = await self.send(who, method, place, sent, **headers)
        self._better = False
        assert response.is_success, f"{method} {place}: {response.text}"
        answer: Json = response.json() if response.headers.get("content-type") == "application/json" else {}
        self.keep(answer, keeps)
        return answer

    def keep(self, answer: Json, keeps: dict[str, str]) -> None:
        """Keep members of an answer under these names."""
        self.kept |= {name: member_of(answer, member) for name, member in keeps.items()}

    async def bring(self, who: str, path: str, name: str, **keeps: str) -> None:
        """Upload a PDF."""
        self.clock.now += timedelta(minutes=1)
        head = {"content_type": "application/pdf", "content_disposition": f"attachment; filename*=UTF-8''{name}"}
        response = await self.send_raw(who, "POST", filled(path, self.kept), PDF, **head)
        assert response.is_success, f"{path}: {response.text}"
        self.keep(response.json(), keeps)

    async def account(self, who: str, name: str, role: str = "user") -> None:
        """An account and a token for somebody whom the story does not have."""
        email = f"{name.lower().replace(' ', '.')}@demo.example"
        user = await self.do("admin", "/v1/users", {"name": name, "email": email, "role": role})
        if role != "user":
            await self.do("registrar", f"/v1/users/{user['id']}/approve")
        self.tokens[who], self.kept[who] = self.token_of(user["id"]), user["id"]

    async def activate(self, user_id: str) -> None:
        """Use up a one-time link that the operator prints."""
        self.clock.now += timedelta(minutes=1)

        def printed(db: GatedSession) -> str:
            secret = print_link(db, self.clock.now, UUID(user_id), OPERATOR)
            ledger.seal(db)
            return secret

        secret = self.app.state.seams.database.in_transaction(printed, self.entropy)
        body = {"secret": secret, "label": "laptop"}
        content = json.dumps(body).encode()
        response = await self.send_raw(None, "POST", "/v1/activations", content, content_type="application/json")
        assert response.is_success, response.text
        self.operations["activateAccount"]["request"] = body

    def _note(self, method: str, path: str, body: Json | None, response: httpx.Response) -> None:
        if not response.is_success:
            return
        operation = next(
            one for verb, known, one in self._known if verb == method and known.fullmatch(path.partition("?")[0])
        )
        id: str = operation["operationId"]
        if id in self.operations and not self._better:
            return
        noted: Json = {} if body is None else {"request": body}
        if "requestBody" in operation and "application/json" in operation["requestBody"]["content"]:
            noted = {"request": body or {}}
        if response.content and response.headers["content-type"] == "application/json":
            noted["answer"] = shortened(response.json(), SHORTENED.get(id))
        self.operations[id] = noted


def shortened(value: Any, most: int | None) -> Any:
    """An answer whose lists of objects have that many items at most."""
    if most is None:
        return value
    if isinstance(value, dict):
        return {name: shortened(one, most) for name, one in value.items()}
    if isinstance(value, list):
        return [
            shortened(one, most) for one in (value[:most] if any(isinstance(one, dict) for one in value) else value)
        ]
    return value


C, R, S, D = "/v1/cases/{case}", "/v1/referrals/{referral}", "/v1/cases/{second}", "/v1/cases/{third}"
_POWERS = {"kind": "full-powers", "issued_by": "the President of Tarvand", "issued_on": "{day61}"}
_MANDATE = {"kind": "mandate", "issued_by": "the board of Ilmar Power", "issued_on": "{day61}"}
_CONSENT = {"basis": "ad-hoc", "instrument": "Note verbale of Tarvand", "given_on": "{day61}"}
_PUMPS: Json = {
    "procedure": "uncitral-2021",
    "category": "commercial",
    "title": "Delivery of the pumps at Port Sable",
    "summary": "The pumps were delivered five months late. The buyer asks for mediation on the damages.",
    "parties": [
        {"side": "requesting", "kind": "public-body", "name": "Port Sable Water Board"},
        {"side": "responding", "kind": "company", "name": "Kesh Pump Works"},
    ],
    "instruments": [{"kind": "contract", "title": "Contract of 12 March 2024", "articles": ["14"]}],
    "subjects": ["commercial-contract"],
    "languages": ["en"],
    "seat": {"place": "Hong Kong", "time_zone": TIME_ZONE, "calendar": "HK"},
}
_FLOOD: Json = {
    "procedure": "iomed-state-2025",
    "category": "state-state",
    "title": "Flood warnings on the lower Orun",
    "summary": "Tarvand asks for mediation on the way in which releases from Kesh are announced.",
    "parties": [
        {"side": "requesting", "kind": "state", "name": "Republic of Tarvand", "member_id": "{upland}"},
        {"side": "responding", "kind": "state", "name": "Kingdom of Ilmar", "member_id": "{lowland}"},
    ],
    "subjects": ["hydrological-data"],
    "languages": ["en"],
    "seat": {"place": "Hong Kong", "time_zone": TIME_ZONE},
}
_REFERRAL: Json = {
    "external_id": "HC-2026-1407",
    "case_number": "1407/2026",
    "title": "Ilmar Power v Kesh Turbines",
    "parties": [
        {
            "side": "requesting",
            "kind": "company",
            "name": "Ilmar Power",
            "email": "claims@ilmar-power.example",
            "representatives": [{"name": "Cora Unsel", "role": "counsel", "email": "cora.unsel@example.org"}],
        },
        {"side": "responding", "kind": "company", "name": "Kesh Turbines"},
    ],
    "order": {"number": "12", "made_on": "2026-10-20", "text": "The parties are referred to mediation."},
    "return_on": "2030-06-30",
    "subjects": ["commercial-contract"],
    "languages": ["en"],
    "external": {"docket": 9007199254740993},
}
_SIMULATION: Json = {
    "parties": [
        {"side": "requesting", "name": "Kingdom of Ilmar"},
        {"side": "responding", "name": "Republic of Tarvand", "calendar": "HK"},
    ],
    "seat_calendar": "HK",
    "acts": [
        {"step": "lodge", "by": "requesting-party", "on": "2026-03-02"},
        {"step": "invite", "by": "registry", "on": "2026-03-04", "due_on": "2026-04-03"},
        {"step": "serve", "party": "Republic of Tarvand", "on": "2026-03-09"},
    ],
    "until": "2026-12-31",
}


async def _of_the_institution(play: Recorder) -> None:
    """Tokens, members, closures, and accounts."""
    await play.account("counsel", "Vera Costa")
    await play.account("surveyor", "Marek Dahl")
    await play.activate(play.kept["surveyor"])
    slip = {"name": "Marek Dahl", "email": "marek.dahl@survey.example"}
    await play.do("admin", "/v1/users/{surveyor}", slip, "PATCH")
    await play.do("registrar", "/v1/users/{surveyor}/link")
    second = {"name": "Ines Varga", "email": "ines.varga@demo.example", "role": "registrar"}
    await play.do("admin", "/v1/users", second, second_registrar="id")
    await play.do("registrar", "/v1/users/{second_registrar}/approve")
    await play.do("registrar", "/v1/tokens", {"label": "the registry's terminal"}, better=True, token="id")
    await play.do("registrar", "/v1/tokens/{token}/rotate", {"expires_at": "{day90}T00:00:00Z"}, token="id")
    await play.do("registrar", "/v1/tokens/{token}/revoke")
    change = {"status": "contracting", "ratified_on": "2026-09-15", "in_force_on": "2026-10-15"}
    await play.do("admin", "/v1/members/{delta}", change, "PATCH")
    closure = {"from_on": "2026-12-24", "until_on": "2026-12-31", "name": "The registry is closed at the year's end"}
    await play.do("registrar", "/v1/closures", closure, withdrawn="id")
    await play.do("registrar", "/v1/closures/{withdrawn}/withdraw")
    await play.do("requesting_agent", "/v1/me/notices", {"news": "at-once", "language": "fr"}, "PATCH")
    await play.do("requesting_agent", "/v1/procedures/iomed-state-2025/simulations", _SIMULATION)


async def _of_the_open_case(play: Recorder) -> None:
    """The second case of the story goes on: into mediation, with a party that comes late."""
    case = await play.do("registrar", S, method="GET")
    play.kept |= {"second_tarvand": case["parties"][0]["id"]}
    (nomination,) = (await play.do("registrar", f"{S}/appointments", method="GET"))["items"]
    play.kept |= {"appointment": nomination["id"]}
    await play.do("other_mediator", "/v1/appointments/{appointment}/declare", {"independent": True})
    await play.do("responding_agent", "/v1/appointments/{appointment}/accept")
    # Of two candidates one is confirmed, and the nomination of the other comes to nothing.
    await play.do("responding_agent", f"{S}/appointments", {"mediator_id": "{mediator_entry}"})
    await play.do("registrar", "/v1/appointments/{appointment}/confirm")
    await _of_sessions(play)
    await _of_filings(play)
    await _of_slips(play)
    await _of_representatives(play)
    known = {"independent": True, "disclosures": "In 2019 I taught at the university of Tarvand."}
    await play.do("other_mediator", "/v1/appointments/{appointment}/declare", known)
    objection = {"reason": "The university is run by the ministry that is in charge of the warnings."}
    await play.do("responding_agent", "/v1/appointments/{appointment}/object", objection)
    await play.do("other_mediator", "/v1/appointments/{appointment}/resign", {"reason": "I am called to office."})
    await play.do("requesting_agent", f"{S}/appointments", {"mediator_id": "{mediator_entry}"}, appointment="id")
    await play.do("mediator", "/v1/appointments/{appointment}/declare", {"independent": True})
    await play.do("responding_agent", "/v1/appointments/{appointment}/accept")
    await play.do("registrar", "/v1/appointments/{appointment}/confirm")
    await play.do("registrar", "/v1/appointments/{appointment}/replace", {"reason": "She has fallen ill."})
    await play.do("responding_agent", f"{S}/third-states", {"name": "Confederation of Soli"}, third_state="id")
    events = (await play.do("registrar", f"{S}/events?limit=200", method="GET"))["items"]
    shared = next(one for one in events if one["audience"] == "participants")
    slip = next(one for one in events if one["actor"]["capacity"] == "registry")
    play.kept |= {"stream": shared["stream"], "slip": slip["id"]}
    late = {"side": "side-3", "kind": "state", "name": "Federation of Marrow"}
    await play.do("registrar", f"{S}/parties", late, marrow="id")
    await play.do("responding_agent", f"{S}/disclosures", {"stream": "{stream}"}, disclosure="id")
    await play.do("requesting_agent", f"{S}/disclosures/{{disclosure}}/agree")
    mended = {"event_id": "{slip}", "correction": "Received on the day before.", "reason": "A slip of the pen."}
    await play.do("registrar", f"{S}/rectifications", mended, rectification="id")
    await _of_a_successor(play)


async def _of_a_successor(play: Recorder) -> None:
    """An agent who replaces another, to whom two people of the registry open what is earlier."""
    await play.account("second_registrar", "Rhea Vell", "registrar")
    path = f"{S}/parties/{{marrow}}/representatives"
    agent = {"role": "agent", "powers": _POWERS}
    await play.do("registrar", path, {**agent, "user_id": "{counsel}"}, predecessor="id")
    await play.do("registrar", f"{path}/{{predecessor}}/end", {"reason": "Recalled."})
    await play.do("registrar", path, {**agent, "user_id": "{surveyor}"}, successor="id")
    await play.do("registrar", f"{path}/{{successor}}/open-earlier", {"reason": "No agent of before is left."})
    await play.do("second_registrar", f"{path}/{{successor}}/open-earlier")


async def _of_sessions(play: Recorder) -> None:
    session = {
        "kind": "joint",
        "title": "On the form of the data",
        "starts_at": "{day70}T10:00",
        "ends_at": "{day70}T12:00",
        "audience": "participants",
        "place": "Old Harbour House, room 3",
    }
    for act, reason in (("adjourn", "The delegation is delayed."), ("cancel", "The room is flooded.")):
        await play.do("other_mediator", f"{S}/sessions", session, session="id")
        await play.do("other_mediator", f"{S}/sessions/{{session}}/{act}", {"reason": reason})
    draft = {"title": "Agreement on gauge data", "language": "en", "audience": "participants"}
    await play.do("other_mediator", f"{S}/settlement/drafts", draft, draft_of_data="id")
    path = f"{S}/settlement/drafts/{{draft_of_data}}/documents?language=en&relation=authentic-text"
    await play.bring("other_mediator", path, "agreement.pdf", text="id")
    own = {**draft, "title": "What we could agree to", "audience": "party", "party_ids": ["{second_tarvand}"]}
    await play.do("responding_agent", f"{S}/settlement/drafts", own, own_draft="id")
    await play.do("responding_agent", f"{S}/settlement/drafts/{{own_draft}}/share")


async def _of_filings(play: Recorder) -> None:
    filing = {
        "kind": "evidence",
        "title": "Readings of the gauge at Kesh",
        "text": "The readings of 2025, as they were taken every six hours.",
        "audience": "participants",
    }
    for act, body in (
        ("acceptance", {"note": "Entered as exhibit 1."}),
        ("return", {"reasons": ["unsigned"], "note": "The last page has no signature."}),
    ):
        await play.do("responding_agent", f"{S}/filings", filing, filing="id")
        await play.do("responding_agent", f"{S}/filings/{{filing}}/submit")
        play.keep(await play.do("registrar", f"{S}/filings/{{filing}}/{act}", body), {act: "id"})
    joint = {**filing, "kind": "application", "title": "Joint application", "joint_with": ["{second_ilmar}"]}
    await play.do("responding_agent", f"{S}/filings", joint, joint_filing="id")
    path = f"{S}/filings/{{joint_filing}}/documents"
    await play.bring("responding_agent", path, "readings.pdf", document="id")
    await play.bring("responding_agent", path, "readings-2024.pdf", removed="id")
    await play.do("responding_agent", "/v1/documents/{removed}/remove")
    for act in ("join", "withdraw-joinder"):
        await play.do("requesting_agent", f"{S}/filings/{{joint_filing}}/{act}")
    sealed = {**filing, "audience": "party-registry", "party_ids": ["{second_tarvand}"]}
    await play.do("responding_agent", f"{S}/filings", sealed, sealed="id")
    await play.bring("responding_agent", f"{S}/filings/{{sealed}}/documents", "positions.pdf", sealed_document="id")
    await play.do("responding_agent", f"{S}/filings/{{sealed}}/submit")
    await play.send_raw("registrar", "GET", filled("/v1/documents/{sealed_document}/content", play.kept))


async def _of_slips(play: Recorder) -> None:
    """A draft case with a party too many, which is discarded; drafts and a document that were not meant to be."""
    who = "requesting_agent"
    await play.do(who, "/v1/cases", _FLOOD, slip="id")
    third = {"side": "side-3", "kind": "state", "name": "Soly"}
    await play.do(who, "/v1/cases/{slip}/parties", third, soly="id")
    await play.do(who, "/v1/cases/{slip}/parties/{soly}", {"name": "Soli"}, "PATCH")
    await play.do(who, "/v1/cases/{slip}/parties/{soly}", {}, "DELETE")
    await play.do(who, "/v1/cases/{slip}", {}, "DELETE")
    note = {"kind": "notice", "title": "Gauge", "text": "The gauge is brocken.", "audience": "participants"}
    await play.do(who, f"{S}/filings", note, slip="id")
    await play.do(who, f"{S}/filings/{{slip}}", {"text": "The gauge is broken."}, "PATCH")
    await play.do(who, f"{S}/filings/{{slip}}", {}, "DELETE")
    await play.do(who, f"{S}/filings", note, slip="id")
    await play.bring(who, f"{S}/filings/{{slip}}/documents", "advice.pdf", advice="id")
    await play.do(who, f"{S}/filings/{{slip}}/share")
    await play.do(who, f"{S}/filings/{{slip}}/submit")
    await play.do(who, "/v1/documents/{advice}/withdraw", {"reason": "It is our counsel's advice."})
    await play.do(who, f"{S}/filings/{{slip}}/withdraw", {"reason": "It is for another case."})


async def _of_representatives(play: Recorder) -> None:
    path = f"{S}/parties/{{second_tarvand}}/representatives"
    invited = {"email": "cora.unsel@example.org", "name": "Cora Unsel", "role": "counsel", "powers": _POWERS}
    made = await play.do("responding_agent", path, invited, better=True, representative="id")
    assert made["pending"]
    await play.do("registrar", "/v1/users?awaits_approval=true", method="GET", invited="items.0.id")
    await play.do("registrar", "/v1/users/{invited}/approve")
    await play.do("responding_agent", f"{path}/{{representative}}/powers", {**_POWERS, "issued_on": "{day62}"})
    await play.do("responding_agent", f"{path}/{{representative}}/end", {"reason": "Called to the bench."})
    await play.do("admin", "/v1/users/{invited}/disable")
    await play.do("admin", "/v1/users/{invited}/enable")


async def _of_terms(play: Recorder) -> None:
    """A case whose term is extended, suspended, resumed and waived, and one that anybody could open."""
    await play.do("responding_agent", "/v1/cases", _FLOOD, third="id", third_ilmar="parties.1.id")
    given = {"fields": {"consent": _CONSENT, "powers": _POWERS}}
    await play.do("responding_agent", f"{D}/steps/lodge", given)
    await play.do("registrar", f"{D}/steps/invite", {"due_on": "{day90}"})
    play.clock.now += timedelta(days=2)
    service = {
        "party_id": "{third_ilmar}",
        "method": "courier",
        "attempted_on": "{day64}",
        "served_at": "{day64}T06:30:00Z",
        "proof": "Receipt of the ministry, no. 4471.",
    }
    tried = {name: one for name, one in service.items() if name != "served_at"}
    await play.do("registrar", f"{D}/service", {**tried, "proof": "The courier found nobody."})
    await play.do("registrar", f"{D}/service", service, better=True, service="id")
    (deadline,) = (await play.do("registrar", f"{D}/deadlines", method="GET"))["items"]
    play.kept |= {"deadline": deadline["id"]}
    why = {"reason": "The parties negotiate directly until February."}
    await play.do("registrar", f"{D}/deadlines/{{deadline}}/extend", {"until_on": "{day100}", **why})
    closure = {"from_on": "{day99}", "until_on": "{day101}", "name": "The registry moves house"}
    await play.do("registrar", "/v1/closures/preview?limit=1&from_on={day99}&until_on={day101}", method="GET")
    await play.do("registrar", "/v1/closures", closure, better=True, closure="id")
    await play.do("registrar", f"{D}/deadlines/{{deadline}}/suspend", why)
    await play.do("registrar", f"{D}/deadlines/{{deadline}}/resume")
    await play.do("registrar", f"{D}/deadlines/{{deadline}}/waive", why)
    await play.do("stranger", "/v1/cases", _PUMPS, better=True, pumps="id")
    change = {"title": "Late delivery of the pumps at Port Sable"}
    await play.do("stranger", "/v1/cases/{pumps}", change, "PATCH", better=True)


async def _of_courts(play: Recorder, client: dict[str, str]) -> None:
    """A referral of each fate, and a program that comes and goes."""
    form = {"grant_type": "client_credentials", "scope": "referrals.read referrals.write", **client}
    content = urlencode(form).encode()
    await play.send_raw(None, "POST", "/oauth/token", content, content_type="application/x-www-form-urlencoded")
    await play.do("court", "/v1/referrals", _REFERRAL, referral="id", court_id="court_id")
    await play.do("registrar", "/v1/mediators/{mediator_entry}", {"expertise": ["rivers", "reservoirs"]}, "PATCH")
    await play.do("admin", "/v1/courts/{court_id}", {"place": "Old Port Sable"}, "PATCH")
    await play.do("registrar", f"{R}/ask", {"lacks": ["representatives"], "note": "Who acts for Kesh Turbines?"})
    await play.do("court", R, {"title": "Ilmar Power v Kesh Turbines and others"}, "PATCH")
    await play.bring("court", f"{R}/order", "order.pdf")
    await play.do("registrar", f"{R}/accept", {"procedure": "court-referred"}, referred="case_id")
    await play.do("court", f"{R}/extend", {"return_on": "2030-09-30"})
    referred = "/v1/cases/{referred}"
    case = await play.do("registrar", referred, method="GET")
    play.kept |= {"power": case["parties"][0]["id"], "turbines": case["parties"][1]["id"]}
    group = {"user_id": "{counsel}", "role": "agent", "powers": _MANDATE, "party_ids": ["{power}"]}
    await play.do("registrar", f"{referred}/representatives", group)
    chambers = "cora.unsel@chambers.example"
    named = {"party_id": "{power}", "name": "Cora Unsel", "email": chambers, "powers": _MANDATE}
    await play.do("registrar", f"{referred}/referral/admit-representative", named)
    agent = {"user_id": "{surveyor}", "role": "agent", "powers": _MANDATE}
    await play.do("registrar", f"{referred}/parties/{{turbines}}/representatives", agent)
    await play.do("counsel", f"{referred}/referral/share-dates")
    statement = {"kind": "statement", "title": "To the court", "text": "The parties have met.", "audience": "court"}
    await play.do("counsel", f"{referred}/filings", statement, statement="id")
    await play.do("counsel", f"{referred}/filings/{{statement}}/submit")
    for number, fate in ((1408, "decline"), (1409, "withdraw")):
        other = {**_REFERRAL, "external_id": f"HC-2026-{number}", "case_number": f"{number}/2026"}
        await play.do("court", "/v1/referrals", other, other="id")
        who, body = ("registrar", {"reason": "outside-scheme"}) if fate == "decline" else ("court", {})
        await play.do(who, f"/v1/referrals/{{other}}/{fate}", body)
    await _mediated(play)
    await play.do("admin", "/v1/users/{surveyor}/disable")
    program = {"name": "Statistics", "scopes": ["events.read"]}
    made = await play.do("admin", "/v1/clients", program, better=True, client="id")
    play.kept |= {"secret": made["secrets"][0]["id"]}
    await play.do("admin", "/v1/clients/{client}/rotate")
    await play.do("admin", "/v1/clients/{client}/secrets/{secret}/revoke")
    await play.do("admin", "/v1/clients/{client}/disable")


async def _mediated(play: Recorder) -> None:
    """A referral that is mediated up to the report, as the demo's court sees it."""
    other = {**_REFERRAL, "external_id": "HC-2026-1410", "case_number": "1410/2026"}
    await play.do("court", "/v1/referrals", other, mediated="id")
    today = play.clock.now.astimezone(play.clock.zone).date().isoformat()
    kept, entry = play.kept, play.kept["mediator_entry"]
    play.kept = {**kept, "referral": kept["mediated"], "return_on": "2030-06-30", "today": today, "entry": entry}
    for act in MEDIATION:
        play.keep(await play.do(act.who, act.path, act.body, act.method), act.keeps)
    play.kept = {**kept, "mediated_case": play.kept["case"]}


def _somewhere_public(_host: str, _port: int) -> list[str]:
    return ["93.184.215.14"]


async def _of_webhooks(play: Recorder) -> None:
    """A subscription that is tested, replayed, changed, given another secret and removed."""
    seams = play.app.state.seams
    play.app.state.seams = replace(seams, guard=replace(seams.guard, resolve=_somewhere_public))
    hook = {
        "url": "https://cms.high-court.example.org/accord",
        "types": ["filing-submitted", "step-taken"],
        "description": "Case management of the High Court",
    }
    who, path = "requesting_agent", "/v1/webhooks/{webhook}"
    await play.do(who, "/v1/webhooks", hook, webhook="id")
    await play.do(who, f"{path}/test", delivery="id")
    await play.do(who, f"{path}/deliveries/{{delivery}}/retry")
    await play.do(who, "/v1/events?limit=1", method="GET", known="items.0.id")
    await play.do(who, f"{path}/replay", {"after": "{known}"})
    await play.do(who, f"{path}/secret")
    await play.do(who, path, {"state": "paused"}, "PATCH")
    await play.do(who, "/v1/webhooks", hook, other_webhook="id")
    await play.do(who, "/v1/webhooks/{other_webhook}", {}, "DELETE")


# Who reads what the registrar does not, and the names of what is read where it is not of the first case.
_READERS = {
    "listAccesses": "responding_agent",
    "readTokens": "registrar",
    "listClients": "admin",
    "readClient": "admin",
    "listReferrals": "court",
    "readReferral": "court",
    "listReferralFilings": "court",
    "readFeed": "requesting_agent",
    "readDesk": "requesting_agent",
    "readMe": "requesting_agent",
    "readMyNotices": "requesting_agent",
    "listCases": "requesting_agent",
    "listWebhooks": "requesting_agent",
    "readWebhook": "requesting_agent",
    "listDeliveries": "requesting_agent",
    "readDelivery": "requesting_agent",
    "listAllDeadlines": "requesting_agent",
    "readDocument": "responding_agent",
    "listDocuments": "responding_agent",
}
_PLACES = {
    "appointment_id": "lindqvist",
    "case_id": "case",
    "certificate_id": "certificate",
    "client_id": "client",
    "closure_id": "closure",
    "consent_id": "consent",
    "court_id": "court_id",
    "deadline_id": "deadline_of_first",
    "delivery_id": "delivery",
    "disclosure_id": "disclosure",
    "document_id": "document",
    "draft_id": "draft",
    "event_id": "event",
    "filing_id": "acceptance",
    "mediator_id": "mediator_entry",
    "member_id": "delta",
    "party_id": "ilmar",
    "procedure_id": "rule_set",
    "rectification_id": "rectification",
    "referral_id": "referral",
    "representative_id": "representative_of_tarvand",
    "service_id": "service",
    "session_id": "joint",
    "signature_id": "signature",
    "third_state_id": "soli",
    "token_id": "token",
    "user_id": "mediator",
    "version_id": "version",
    "webhook_id": "webhook",
}
# Of which case it is, and what else differs.
_ELSEWHERE: dict[str, dict[str, str]] = {
    "listAccesses": {"case_id": "second"},
    "listDisclosures": {"case_id": "second"},
    "readDisclosure": {"case_id": "second"},
    "listDocuments": {"case_id": "second", "filing_id": "joint_filing"},
    "listUserCorrections": {"user_id": "surveyor"},
    "listTexts": {"case_id": "second", "draft_id": "draft_of_data"},
    "listRectifications": {"case_id": "second"},
    "readRectification": {"case_id": "second"},
    "listFilings": {"case_id": "second"},
    "readFiling": {"case_id": "second"},
    "readReceipt": {"case_id": "second"},
    "listService": {"case_id": "third"},
    "readService": {"case_id": "third"},
    "readCaseReferral": {"case_id": "mediated_case"},
    "readReferral": {"referral_id": "mediated"},
    "listRepresentatives": {"party_id": "tarvand"},
    "readRepresentative": {"party_id": "tarvand"},
}


# Read earlier in the play, with the query that it needs.
_READ_BEFORE = ("previewClosure",)


async def _read_everything(play: Recorder) -> None:
    """Each operation that reads JSON, once."""

    async def first(who: str, path: str) -> Json:
        items: list[Json] = (await play.do(who, path, method="GET"))["items"]
        return items[0]

    play.kept |= {
        "rule_set": "iomed-state-2025",
        "certificate": (await first("registrar", f"{C}/settlement/certificates"))["id"],
        "court_id": (await first("registrar", "/v1/courts"))["id"],
        "deadline_of_first": (await first("registrar", f"{C}/deadlines"))["id"],
        "event": (await first("registrar", f"{C}/events"))["id"],
        "version": (await first("registrar", f"{C}/request-versions"))["id"],
        "signature": (await first("registrar", f"{C}/settlement/signatures"))["id"],
        "representative_of_tarvand": (await first("registrar", f"{C}/parties/{{tarvand}}/representatives"))["id"],
    }
    paths = play.app.openapi()["paths"]
    for path, operation in ((path, item["get"]) for path, item in paths.items() if "get" in item):
        id = operation["operationId"]
        if list(operation["responses"]["200"]["content"]) != ["application/json"] or id in _READ_BEFORE:
            continue
        names = {**_PLACES, **_ELSEWHERE.get(id, {})}
        place = path.format_map({name: play.kept.get(kept, "") for name, kept in names.items()})
        if path.startswith("/v1/"):
            page = "?limit=1" if '"limit"' in json.dumps(operation) or "/Limit" in json.dumps(operation) else ""
            # A desk with something new on it is the better example.
            await play.do(_READERS.get(id, "registrar"), place + page, method="GET", better=id != "readDesk")
        else:
            await play.send_raw(None, "GET", place)


def _let_mail_come_back(play: Recorder) -> None:
    """A mail that was refused for good yesterday, which the registry reads today: the demo sends none."""
    today, seams = play.clock.now, play.app.state.seams
    now = today - timedelta(days=1)

    def refuse(db: GatedSession) -> None:
        user = UUID(play.kept["invited"])
        settled: Json = {"settled_at": now, "settled_on": now.date(), "due_at": now, "tries": 1, "created_at": now}
        db.execute(update(Institution).values(notices_published_on=now.date() + timedelta(days=1)))
        db.add(Notice(id=new_id(db), user_id=user, kind="invitation", state="bounced", code="550", **settled))
        db.flush()
        mail_queue.publish(db, today)

    seams.database.in_transaction(refuse, play.entropy)


_CLOCK, _OPERATOR = "clock", "operator"
# Events that no request brings, each with the act that brings it and by whom, and the event that is most like it.
_LIKE = {
    "case-key-destroyed": ("institution-founded", "destroy", _OPERATOR),
    "deadline-extension-agreed": ("deadline-extended", "extend", None),
    "deadline-moved": ("deadline-extended", "moved", None),
    "deadline-recalled": ("deadline-extended", "recall", _CLOCK),
    "disclosure-agreed": ("disclosure-proposed", "agree", None),
    "document-released": ("document-stored", "release", _CLOCK),
    "document-refused": ("document-stored", "refuse", _CLOCK),
    "filing-docketed": ("filing-accepted", "docket", None),
    "institution-changed": ("institution-founded", "change", _OPERATOR),
    "master-key-rotated": ("institution-founded", "rotate", _OPERATOR),
    "registry-restored": ("institution-founded", "restore", _OPERATOR),
    "signature-voided": ("text-signed", "freeze", None),
    "signing-key-renewed": ("institution-founded", "renew", _OPERATOR),
    "text-superseded": ("text-frozen", "freeze", None),
    "token-expired": ("token-revoked", "expire", _CLOCK),
    "webhook-disabled": ("webhook-removed", "disable", _CLOCK),
}


def _events(database: Database[GatedSession], entropy: Bytes) -> dict[str, Json]:
    """The first event of each type, and what those would look like that no request brings."""
    with database.read(entropy) as db, as_system(db):
        rows = db.execute(select(Event.id, Event.type).order_by(Event.position)).all()
        first = {row.type: row.id for row in reversed(rows)}
        events = feed.events_of(db, first.values())
    found: dict[str, Json] = {kind: events[id].model_dump(mode="json") for kind, id in first.items()}
    signed = found["certificate-issued"]["data"]["about"]["key_id"]
    closure = found["closure-entered"]["data"]["about"]["closure_id"]
    for kind, (other, act, capacity) in _LIKE.items():
        like = found[other]
        case_id = found["case-opened"]["data"]["case_id"]
        about = {"case_id": case_id, "key_id": signed, "closure_id": closure, **like["data"]["about"]}
        actor = {"id": None, "capacity": capacity, "party_id": None} if capacity else like["data"]["actor"]
        ids = TYPES[kind].ids
        data = {"act": act, "actor": actor, "about": {name: about[name] for name in ids if name in about}}
        id = str(UUID(bytes=entropy(16), version=4))
        found[kind] = {**like, "id": id, "type": kind, "data": {**like["data"], **data}}
    return dict(sorted(found.items()))


def _test_event(tested: Json) -> Json:
    """The event of a test whose delivery the service answered."""
    data = TestDataOut(webhook_id=tested["webhook_id"])
    source = f"/v1/webhooks/{tested['webhook_id']}"
    event = TestEventOut(id=tested["event_id"], source=source, time=tested["created_at"], data=data)
    return event.model_dump(mode="json")


# The story orders a mail, which nobody sends.
MAIL: Json = {
    "smtp_host": "mail.accord.demo",
    "mail_from": "registry@accord.demo",
    "public_url": "http://accord.demo",
}


async def play_everything(play: Recorder) -> None:
    """Play the story and what it does not reach: each operation that acts succeeds at least once."""
    told = await play.play()
    secrets = told["clients"]["court"]
    for more in (_of_the_institution, _of_the_open_case, _of_terms):
        await more(play)
    await _of_courts(play, secrets)
    await _of_webhooks(play)
    await play.do("requesting_agent", "/v1/me/desk", method="GET", better=True)
    await play.do("requesting_agent", "/v1/me/desk/looked")


async def _played(settings: Settings) -> Json:
    clock, entropy = StoryClock(PRESENT), Bytes()
    app = create_app(settings, clock, lambda _request_id: entropy)
    play = Recorder(app, clock, entropy)
    database: Database[GatedSession] = app.state.seams.database
    try:
        await play_everything(play)
        _let_mail_come_back(play)
        await _read_everything(play)
        events = _events(database, entropy)
    finally:
        database.dispose()
    events[TEST_TYPE] = _test_event(play.operations["testWebhook"]["answer"])
    return {"operations": dict(sorted(play.operations.items())), "events": events}


def record(folder: Path) -> str:
    """The recording as JSON, played on a registry in that folder."""
    settings = Settings(
        database_url=f"sqlite:///{folder}/accord.db",
        master_key=SecretStr(base64.b64encode(bytes(32)).decode()),
        storage=f"{folder}/documents",
        anonymous_per_minute=0,
        writes_per_minute=0,
        refused_reads_per_minute=0,
        **MAIL,
    )
    migrate(settings)
    return _written(asyncio.run(_played(settings)))


def _written(recording: Json) -> str:
    """The recording as JSON with a line for each operation and each event, so that changes can be merged."""
    parts = [
        f"{_compact(part)}:{{\n"
        + ",\n".join(f"{_compact(name)}:{_compact(item)}" for name, item in items.items())
        + "\n}"
        for part, items in recording.items()
    ]
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        RECORDED.write_text(record(Path(folder)), encoding="utf-8")
