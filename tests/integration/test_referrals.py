"""A court refers a case and reads the part of its course that it may, and nothing else."""

import json
import os
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest

from app.core.access.session import GatedSession
from app.core.ledger import service as ledger
from app.core.ledger.acts import OPERATOR
from app.core.tables.clients import Client
from app.operations.health import look_at
from app.operations.keys import destroy
from tests.courts import ALL_SCOPES, client, court, program, referral, token
from tests.installation import Answer, House, Json, Person
from tests.pdfs import PDF
from tests.request_bodies import REQUESTS
from tests.story import CONSENT, POWERS

RETRIES = int(os.environ.get("ACCORD_TEST_RETRIES", "40"))
PLANTED = "kingfisher-parrot"
AMENDED = PDF.replace(b"20 20 160 60", b"30 30 140 40")
BIG = (9007199254740993, 2**63, 10**30)


@dataclass
class Referred:
    """A court with its API client and its referral."""

    house: House
    court_id: str
    court: Person
    sent: Json
    case_id: str = ""

    @property
    def path(self) -> str:
        """The path of the referral."""
        return f"/v1/referrals/{self.sent['id']}"

    @property
    def case(self) -> str:
        """The path of the case."""
        return f"/v1/cases/{self.case_id}"

    def read(self) -> Json:
        """The referral as the court sees it now."""
        return dict(self.court.get(self.path).expect(200))

    def accepted(self, **body: Any) -> Json:
        """The referral after the registry accepted it."""
        self.house.registrar.post(f"{self.path}/accept", body or None).expect(200)
        self.case_id = self.read()["case_id"]
        return dict(self.house.registrar.get(self.case).expect(200))


@pytest.fixture
def referred(house: House) -> Referred:
    """A referral that a court has sent."""
    court_id = court(house)
    holder = program(house, court_id)
    return Referred(house, court_id, holder, holder.post("/v1/referrals", referral()).expect(201))


class Mediation:
    """A referred case, played as far as a test needs it."""

    def __init__(self, referred: Referred) -> None:
        self.house, self.referred = referred.house, referred
        self.registrar = self.house.registrar
        self.case = referred.accepted()
        self.parties = {party["side"]: party["id"] for party in self.case["parties"]}
        self.agents = {side: self.house.person(f"Agent Of {side.title()}") for side in self.parties}
        self.mediator, self.entry = self.house.mediator("Mina Datar")
        for side, agent in self.agents.items():
            agent_in = {"user_id": agent.id, "role": "agent", "powers": {**POWERS, "kind": "mandate"}}
            path = f"{referred.case}/parties/{self.parties[side]}/representatives"
            self.registrar.post(path, agent_in).expect(201)

    def step(self, person: Person, step: str, body: Json | None = None) -> Json:
        """Take a step."""
        return dict(person.post(f"{self.referred.case}/steps/{step}", body).expect(200))

    def mediating(self) -> "Mediation":
        """The case registered, with a mediator in office."""
        self.step(self.registrar, "invite")
        self.step(self.agents["responding"], "accept-invitation", {"fields": {"consent": CONSENT, "powers": POWERS}})
        self.step(self.registrar, "register", {"due_on": "2026-06-30"})
        made = self.agents["requesting"].post(f"{self.referred.case}/appointments", {"mediator_id": self.entry})
        path = f"/v1/appointments/{made.expect(201)['id']}"
        self.mediator.post(f"{path}/declare", {"independent": True}).expect(200)
        self.agents["responding"].post(f"{path}/accept").expect(200)
        self.registrar.post(f"{path}/confirm").expect(200)
        return self

    def session(self, kind: str = "joint", *sides: str, attend: tuple[str, ...] = (), title: str = "Meeting") -> None:
        """A session that the mediator scheduled and held with those sides."""
        body = {
            "kind": kind,
            "title": title,
            "starts_at": "2026-03-02T10:00",
            "ends_at": "2026-03-02T12:00",
            "audience": "participants" if kind == "joint" else "caucus",
            "party_ids": [self.parties[side] for side in sides],
            "place": title,
            "despite_overlap": True,
        }
        path = f"{self.referred.case}/sessions"
        made = self.mediator.post(path, body).expect(201)
        came = [{"name": title, "capacity": "agent", "party_id": self.parties[side]} for side in attend]
        self.mediator.post(f"{path}/{made['id']}/hold", {"attendance": came or [{"name": title, "capacity": "x"}]})

    def filed(self, person: Person, audience: str, *sides: str, text: str) -> str:
        """A filing submitted with a document; gives the document's id."""
        body = {"kind": "statement", "title": text, "text": text, "audience": audience}
        path = f"{self.referred.case}/filings"
        draft = person.post(path, {**body, "party_ids": [self.parties[side] for side in sides]}).expect(201)
        head = {"content-type": "text/plain", "content-disposition": "attachment; filename=annex.txt"}
        sent = person.send("POST", f"{path}/{draft['id']}/documents", content=text.encode(), headers=head).expect(201)
        person.post(f"{path}/{draft['id']}/submit").expect(200)
        return str(sent["id"])

    def ended(self, ground: str = "no-agreement") -> None:
        """The case ended without agreement and reported to the court."""
        self.step(self.mediator, "terminate", {"fields": {"ground": ground}})
        self.step(self.registrar, "report")


def seen_by(holder: Person, referred: Referred) -> str:
    """Everything that an API client can read, as one text."""
    document = holder.get("/v1/openapi.json").json
    texts = []
    paths = [path for path, methods in document["paths"].items() if "get" in methods and path.startswith("/v1/")]
    for path in paths:
        here = path.replace("{referral_id}", referred.sent["id"]).replace("{case_id}", referred.case_id)
        for address in (here, f"{here}?limit=200"):
            answer = holder.get(address)
            texts.append(answer.response.text)
    return "\n".join(texts)


def test_a_repeated_referral_is_recorded_once(referred: Referred) -> None:
    again = referred.court.post("/v1/referrals", referral())
    assert again.expect(200) == referred.read() == referred.sent
    keyed = [referred.court.post("/v1/referrals", referral("HC-2"), idempotency_key="k") for _time in range(2)]
    assert [answer.status for answer in keyed] == [201, 201]
    assert keyed[1].headers["idempotency-replayed"] == "true"
    assert keyed[0].json["id"] == keyed[1].json["id"]
    referred.court.post("/v1/referrals", referral("HC-2")).expect(200)
    other = referred.court.post("/v1/referrals", referral(title="Another title"))
    assert other.expect(409, "external-id-used")["href"] == referred.path
    listed = referred.court.get("/v1/referrals").expect(200)["items"]
    assert {item["external_id"] for item in listed} == {"HC-1", "HC-2"}


def test_a_repeated_referral_stays_the_same_after_it_was_amended(referred: Referred) -> None:
    tag = referred.court.get(referred.path).headers["etag"]
    referred.court.patch(referred.path, {"title": "Amended"}, if_match=tag).expect(200)
    again = referred.court.post("/v1/referrals", referral()).expect(200)
    assert (again["id"], again["title"]) == (referred.sent["id"], "Amended")


def test_concurrent_retries_record_each_referral_once(house: House) -> None:
    holder = program(house, court(house))
    number = max(2, RETRIES // 10)

    def send(turn: int) -> tuple[str, str]:
        # Every third has a key: some keys are used for the first time, the others are replayed.
        key = {"idempotency_key": f"k-{turn % number}"} if turn % 3 == 0 else {}
        answer = holder.post("/v1/referrals", referral(f"HC-{turn % number}"), **key)
        body = answer.expect(answer.status if answer.status == 200 else 201)
        return "made" if answer.status == 201 and "idempotency-replayed" not in answer.headers else "found", body["id"]

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(send, range(RETRIES)))
    assert Counter(what for what, _id in answers) == {"made": number, "found": RETRIES - number}
    assert len({id for _what, id in answers}) == number
    assert len(holder.get("/v1/referrals?limit=200").expect(200)["items"]) == number
    events = holder.get("/v1/events?limit=200&type=referral-received").expect(200)["items"]
    assert len(events) == number


def test_two_courts_may_use_the_same_id_and_see_only_their_own_referral(referred: Referred) -> None:
    house = referred.house
    other = program(house, court(house, name="Labour Court"))
    made = other.post("/v1/referrals", referral()).expect(201)
    assert made["id"] != referred.sent["id"]
    other.get(referred.path).expect(404, "not-found")
    for act in ("withdraw", "extend"):
        body = {"return_on": "2026-09-30"} if act == "extend" else None
        other.post(f"{referred.path}/{act}", body).expect(404, "not-found")
    other.patch(referred.path, {"title": "x"}, if_match='"x"').expect(404, "not-found")
    assert [referral["id"] for referral in other.get("/v1/referrals").expect(200)["items"]] == [made["id"]]
    assert referred.sent["id"] not in other.get("/v1/events?limit=200").response.text


def test_the_institutions_client_neither_reads_nor_changes_the_referrals_of_courts(referred: Referred) -> None:
    own = program(referred.house, None)
    own.get(referred.path).expect(403, "insufficient-scope")
    own.get("/v1/referrals").expect(403, "insufficient-scope")
    own.get(f"{referred.path}/filings").expect(403, "insufficient-scope")
    own.post("/v1/referrals", referral("HC-9")).expect(403, "forbidden")
    own.post(f"{referred.path}/withdraw").expect(403, "forbidden")
    referred.house.registrar.post("/v1/referrals", referral("HC-9")).expect(403)
    for act, body in (("accept", None), ("ask", REQUESTS["AskIn"]), ("decline", REQUESTS["RefusalIn"])):
        for holder in (own, referred.court):
            holder.post(f"{referred.path}/{act}", body).expect(404, "not-found")


def test_the_institutions_client_of_an_earlier_release_reads_referrals_no_longer(referred: Referred) -> None:
    house = referred.house
    house.has_planted_rows = True
    made = client(house, None)

    def widen(db: GatedSession) -> None:
        row = db.get_one(Client, UUID(made["id"]))
        row.scopes = ["events.read", "referrals.read"]

    house.database.in_transaction(widen, os.urandom)
    own = house.person_with_token("own", made["id"], token(house, made))
    own.get(referred.path).expect(403, "insufficient-scope")
    own.get("/v1/events").expect(200)


def test_the_courts_own_fields_are_returned_as_they_were_sent(house: House) -> None:
    holder = program(house, court(house))
    own = {"numbers": list(BIG), "nested": {"née": [0.1, -1.5e300, True, None, "Ω \u0301"]}, "": "empty"}
    made = holder.post("/v1/referrals", referral(external=own)).expect(201)
    for reader in (holder, house.registrar):
        for path in (f"/v1/referrals/{made['id']}", "/v1/referrals"):
            text = reader.get(path).response.text
            assert all(str(number) in text for number in BIG)
            read = json.loads(text)
            found_referral = read if path != "/v1/referrals" else read["items"][0]
            assert found_referral["external"] == own
            # A reader with binary floating-point numbers still gets the digits of the text.
            binary = json.loads(text, parse_int=float)
            kept = binary if path != "/v1/referrals" else binary["items"][0]
            assert json.loads(kept["external_text"])["numbers"] == list(BIG)
    wrong: list[Any] = [
        {"x": "a" * 20_000},
        {"x" * 201: 1},
        {"deep": {"a": {"b": {"c": {"d": {"e": {"f": {"g": {"h": 1}}}}}}}}},
        {"x": "nul\u0000"},
        {"x\u202e": 1},
        [],
        "text",
    ]
    for external in wrong:
        holder.post("/v1/referrals", referral("HC-2", external=external)).expect(422, "invalid")
    raw = json.dumps(referral("HC-2")).replace("9007199254740993", "%s")
    for number in ("1e400", "0.12345678901234567890123", "9" * 65):
        body = (raw % number).encode()
        answer = holder.send("POST", "/v1/referrals", content=body, headers={"content-type": "application/json"})
        assert answer.expect(422)["errors"][0]["code"] == "json-number"


def test_an_invalid_referral_is_refused_with_the_place_of_the_fault(referred: Referred) -> None:
    for wrong, pointer in (
        ({"subjects": ["weather"]}, "/subjects/0"),
        ({"return_on": "2026-03-02"}, "/return_on"),
        ({"parties": referral()["parties"][:1]}, "/parties"),
        ({"parties": referral()["parties"][::-1]}, "/parties"),
        ({"external_id": ""}, "/external_id"),
        ({"more": 1}, "/more"),
    ):
        answer = referred.court.post("/v1/referrals", {**referral("HC-3"), **wrong}).expect(422, "invalid")
        assert answer["errors"][0]["pointer"] == pointer


def test_hostile_headers_are_refused_in_the_same_way_and_leave_nothing(house: House) -> None:
    holder = program(house, court(house))
    other = client(house, None, ["referrals.write"])
    for header in (
        "Bearer é".encode(),
        b"Bearer ",
        b"",
        b"Bearer " + b"f" * 10_000,
        b"Basic Zm9vOmJhcg==",
        f"Bearer {other['client_secret']}".encode(),
        b"Bearer accord_client.\xff\xfe",
    ):
        headers: dict[str, Any] = {"authorization": header}
        answer = holder.send("POST", "/v1/referrals", json=referral(), headers=headers)
        assert answer.expect(401, "unauthenticated")["detail"].startswith("Send a valid token")
    twice = [("authorization", f"Bearer {secret}") for secret in (holder.token, other["client_secret"])]
    for pair in (twice, twice[::-1], [twice[0], twice[0]]):
        answer = Answer(house.client.post("/v1/referrals", json=referral(), headers=pair))
        answer.expect(401, "unauthenticated")
    assert holder.get("/v1/referrals").expect(200)["items"] == []
    assert holder.get("/v1/events?type=referral-received").expect(200)["items"] == []


def test_the_registry_asks_for_more_and_declines_with_a_code(referred: Referred) -> None:
    registrar = referred.house.registrar
    registrar.post(f"{referred.path}/ask", {"lacks": ["order"], "note": "Which order?"}).expect(200)
    referral_now = referred.read()
    assert (referral_now["state"], referral_now["answer"]["codes"]) == ("more-asked", ["order"])
    tag = referred.court.get(referred.path).headers["etag"]
    order = {"number": "13", "made_on": "2026-02-21", "text": "The parties are referred."}
    referred.court.patch(referred.path, {"order": order}).expect(428)
    referred.court.patch(referred.path, {"order": order}, if_match='"stale"').expect(412)
    assert referred.court.patch(referred.path, {"order": order}, if_match=tag).expect(200)["state"] == "received"
    registrar.post(f"{referred.path}/decline", {"reason": "because"}).expect(422)
    registrar.post(f"{referred.path}/decline", {"reason": "outside-scheme"}).expect(200)
    assert referred.read()["answer"]["codes"] == ["outside-scheme"]
    bodies: dict[str, Json] = {"accept": {}, "ask": {"lacks": ["order"]}, "decline": {"reason": "other"}}
    for act, body in bodies.items():
        registrar.post(f"{referred.path}/{act}", body).expect(409, "referral-state")
    referred.court.post(f"{referred.path}/withdraw").expect(409, "referral-state")


def test_the_registry_accepts_a_referral_and_the_court_reads_the_referral_but_not_the_case(referred: Referred) -> None:
    case = referred.accepted()
    assert (case["procedure"], case["stage"], case["category"]) == ("court-referred", "lodged", "court-referred")
    assert case["referral_id"] == referred.sent["id"]
    assert [party["name"] for party in case["parties"]] == ["Ostrava Water", "Vedria Dams"]
    assert case["seat"]["place"] == "Orlin"
    referral_now = referred.read()
    assert (referral_now["state"], referral_now["phase"], referral_now["report"]) == ("accepted", "intake", None)
    (consent,) = referred.house.registrar.get(f"{referred.case}/consents").expect(200)["items"]
    assert consent["confirmed_at"]
    assert consent["given_on"] == "2026-02-20"
    for path in (referred.case, f"{referred.case}/filings", f"{referred.case}/events", f"{referred.case}/parties"):
        referred.court.get(path).expect(404, "not-found")
    assert referred.house.registrar.post(f"{referred.path}/accept").expect(409, "referral-state")
    again = referred.court.post("/v1/referrals", referral()).expect(200)
    assert again["case_id"] == referred.case_id


def test_a_referral_may_be_accepted_under_other_rules(referred: Referred) -> None:
    registrar = referred.house.registrar
    registrar.post(f"{referred.path}/accept", {"procedure": "none"}).expect(422)
    registrar.post(f"{referred.path}/accept", {"procedure": "uncitral-2021"}).expect(422)
    case = referred.accepted(procedure="uncitral-2021", category="commercial")
    assert (case["procedure"], case["category"]) == ("uncitral-2021", "commercial")


def test_the_parties_see_what_the_court_sent_and_every_change_of_it(referred: Referred) -> None:
    mediation = Mediation(referred)
    mediation.step(mediation.registrar, "invite")
    before = mediation.agents["responding"].get(f"{referred.case}/referral").expect(200)
    assert before["order"]["text"] == "The parties are referred to mediation."
    assert before["external_text"] == '{"docket": 9007199254740993}'
    tag = referred.court.get(referred.path).headers["etag"]
    referred.court.patch(referred.path, {"external": {"docket": 7}, "title": "Renamed"}, if_match=tag).expect(200)
    referred.court.post(f"{referred.path}/extend", {"return_on": "2026-09-30"}).expect(200)
    referred.court.post(f"{referred.path}/withdraw").expect(200)
    for agent in mediation.agents.values():
        referral_now = agent.get(f"{referred.case}/referral").expect(200)
        assert (referral_now["title"], referral_now["external"], referral_now["return_on"]) == (
            "Renamed",
            {"docket": 7},
            "2026-09-30",
        )
        assert [document["kind"] for document in referral_now["papers"]] == [
            "received",
            "amended",
            "extended",
            "withdrawn",
        ]
        assert referral_now["withdrawn_at"]
    events = mediation.agents["responding"].get(f"{referred.case}/events?limit=200").expect(200)["items"]
    assert [event["type"] for event in events if event["actor"]["capacity"] == "court"] == [
        "referral-amended",
        "return-date-extended",
        "referral-withdrawn",
    ]
    (extended,) = [event["payload"] for event in events if event["type"] == "return-date-extended"]
    assert (extended["return_before"], extended["return_on"]) == ("2026-06-30", "2026-09-30")
    referred.house.person("Stan Ranger").get(f"{referred.case}/referral").expect(404)


def test_the_court_uploads_its_order_and_the_registry_and_later_the_parties_read_it(referred: Referred) -> None:
    house, head = referred.house, {"content-type": "application/pdf"}

    def bring(holder: Person, content: bytes, name: str = "order.pdf") -> Answer:
        headers = {**head, "content-disposition": f"attachment; filename={name}"}
        return holder.send("POST", f"{referred.path}/order", content=content, headers=headers)

    referred.court.get(f"{referred.path}/order").expect(404)
    file = bring(referred.court, PDF).expect(200)["order_file"]
    assert (file["name"], file["size"]) == ("order.pdf", len(PDF))
    assert bring(referred.court, PDF).expect(200)["order_file"] == file
    bring(referred.court, b"no PDF").expect(422)
    bring(house.registrar, PDF).expect(403)
    bring(program(house, None), PDF).expect(403)
    bring(program(house, court(house, name="Other")), PDF).expect(404)
    mediation = Mediation(referred)
    mediation.step(mediation.registrar, "invite")
    second = bring(referred.court, AMENDED).expect(200)["order_file"]
    assert second["id"] != file["id"]
    for reader, path in (
        (referred.court, f"{referred.path}/order"),
        (house.registrar, f"{referred.path}/order"),
        (mediation.agents["responding"], f"{referred.case}/referral/order"),
    ):
        answer = reader.get(path)
        assert answer.status == 200
        assert answer.response.content == AMENDED
        assert answer.headers["content-disposition"].startswith("attachment")
    assert mediation.agents["requesting"].get(f"{referred.case}/referral").expect(200)["order_file"] == second
    house.person("Stan Ranger").get(f"{referred.case}/referral/order").expect(404)
    referred.court.get(f"{referred.case}/referral/order").expect(404)
    (documents,) = [
        document for document in look_at(house.settings, house.clock, documents=True) if document.name == "documents"
    ]
    assert documents.says == "2 documents, each complete and as uploaded", documents.says


def test_a_later_return_date_moves_the_term_of_the_case(referred: Referred) -> None:
    mediation = Mediation(referred).mediating()
    referred.court.post(f"{referred.path}/extend", {"return_on": "2026-06-30"}).expect(422)
    referred.court.post(f"{referred.path}/extend", {"return_on": "2026-09-30"}).expect(200)
    (deadline,) = mediation.registrar.get(f"{referred.case}/deadlines").expect(200)["items"]
    assert (deadline["term"], deadline["due_on"]) == ("return-date", "2026-09-30")
    assert any("order of the court" in line for line in deadline["explanation"])
    assert mediation.registrar.get(referred.case).expect(200)["next_due_on"] == "2026-09-30"


def test_the_court_reads_only_the_phase_the_dates_and_the_final_report(referred: Referred) -> None:
    mediation = Mediation(referred).mediating()
    assert referred.read()["phase"] == "sessions"
    (stopped,) = referred.read()["suspensions"]
    assert stopped["until_at"] is None
    referred.house.clock.pass_by(days=3)
    mediation.step(mediation.registrar, "restart-clock")
    (stopped,) = referred.read()["suspensions"]
    assert stopped["until_at"] == referred.house.clock.now.isoformat().replace("+00:00", "Z")
    mediation.session(attend=("requesting",), title=PLANTED)
    mediation.session("caucus", "responding", attend=("responding",), title=PLANTED)
    assert referred.read()["sessions"] is None
    mediation.ended()
    referral_now = referred.read()
    report = referral_now["report"]
    assert report.pop("reported_at")
    assert report == {
        "took_place": True,
        "ended_on": "2026-03-05",
        "settled": "none",
        "reason": "no-agreement",
        "attendance": [
            {"side": "requesting", "name": "Ostrava Water", "attended": True},
            {"side": "responding", "name": "Vedria Dams", "attended": False},
        ],
    }
    assert referral_now["phase"] == "closed"
    shown_report = mediation.agents["responding"].get(f"{referred.case}/referral").expect(200)["report"]
    assert shown_report["settled"] == "none"
    assert shown_report["attendance"] == report["attendance"]
    types = [event["type"] for event in referred.court.get("/v1/events?limit=200").expect(200)["items"]]
    assert {"referral-received", "referral-accepted", "referral-stage-changed", "referral-clock-changed"} <= set(types)
    assert types[-1] == "referral-reported"
    referred.court.post(f"{referred.path}/withdraw").expect(409, "referral-state")


def test_the_court_reads_the_dates_of_joint_sessions_once_every_party_agrees(referred: Referred) -> None:
    mediation = Mediation(referred).mediating()
    mediation.session(attend=("requesting",), title=PLANTED)
    mediation.session("caucus", "responding", title=PLANTED)
    share = f"{referred.case}/referral/share-dates"
    mediation.agents["requesting"].post(share).expect(200)
    mediation.agents["requesting"].post(share).expect(409, "already-agreed")
    mediation.mediator.post(share).expect(403)
    assert referred.read()["sessions"] is None
    mediation.agents["responding"].post(share).expect(200)
    (dates,) = referred.read()["sessions"]
    assert set(dates) == {"starts_at", "ends_at", "state"}
    assert dates["state"] == "held"


def test_what_one_party_shares_changes_nothing_that_the_court_sees(referred: Referred) -> None:
    mediation = Mediation(referred).mediating()
    share = f"{referred.case}/referral/share-dates"

    def seen() -> tuple[str, str, str, str]:
        one, many = referred.court.get(referred.path), referred.court.get("/v1/referrals")
        return one.headers["etag"], one.response.text, many.headers["etag"], many.response.text

    before = seen()
    referred.house.clock.pass_by(hours=1)
    since = referred.house.clock.now.isoformat().replace("+00:00", "Z")
    mediation.agents["requesting"].post(share).expect(200)
    assert seen() == before
    assert referred.court.get(f"/v1/referrals?updated_since={since}").expect(200)["items"] == []
    mediation.agents["responding"].post(share).expect(200)
    (changed,) = referred.court.get(f"/v1/referrals?updated_since={since}").expect(200)["items"]
    assert (changed["updated_at"], changed["sessions"]) == (since, [])


def test_the_court_reads_filings_addressed_to_it_and_their_documents_under_its_referral(referred: Referred) -> None:
    mediation = Mediation(referred).mediating()
    agent = mediation.agents["requesting"]
    shown = mediation.filed(agent, "court", text="For the court")
    hidden = mediation.filed(agent, "participants", text="For the participants")
    other = program(referred.house, court(referred.house, name="Other"))
    (filing,) = referred.court.get(f"{referred.path}/filings").expect(200)["items"]
    assert filing["title"] == "For the court"
    assert referred.court.get(f"/v1/documents/{shown}/content").response.text == "For the court"
    referred.court.get(f"/v1/documents/{hidden}").expect(404)
    referred.court.get(f"/v1/documents/{hidden}/content").expect(404)
    other.get(f"{referred.path}/filings").expect(404)
    other.get(f"/v1/documents/{shown}").expect(404)


def test_no_view_of_the_court_shows_a_trace_of_a_caucus(referred: Referred) -> None:
    mediation = Mediation(referred).mediating()

    def views() -> list[Any]:
        read = referred.court.get(referred.path)
        return [read.headers["etag"], read.json, referred.court.get("/v1/events?limit=200").expect(200)["items"]]

    before = views()
    referred.house.clock.pass_by(days=1)
    mediation.session("caucus", "requesting", attend=("requesting",), title=PLANTED)
    mediation.filed(mediation.agents["requesting"], "caucus", "requesting", text=PLANTED)
    assert views() == before
    mediation.filed(mediation.agents["requesting"], "participants", text=PLANTED)
    mediation.filed(mediation.agents["responding"], "party-registry", "responding", text=PLANTED)
    mediation.session(attend=("requesting",), title=PLANTED)
    for agent in mediation.agents.values():
        agent.post(f"{referred.case}/referral/share-dates").expect(200)
    mediation.ended()
    seen = seen_by(referred.court, referred)
    assert "Ostrava Water" in seen
    assert PLANTED not in seen
    assert "Mina Datar" not in seen
    assert mediation.mediator.id not in referred.court.get(referred.path).response.text
    assert PLANTED not in program(referred.house, None).get("/v1/events?limit=200").response.text


def test_the_filters_of_the_list_select_what_their_names_say(referred: Referred) -> None:
    referred.house.clock.pass_by(days=1)
    second = referred.court.post("/v1/referrals", referral("HC-2")).expect(201)
    newest = [referral["id"] for referral in referred.court.get("/v1/referrals").expect(200)["items"]]
    assert newest == [second["id"], referred.sent["id"]]
    referred.court.post(f"{referred.path}/withdraw").expect(200)
    for query, ids in (
        ("state=withdrawn", [referred.sent["id"]]),
        ("state=received", [second["id"]]),
        ("external_id=HC-2", [second["id"]]),
        (f"updated_since={second['received_at']}", newest),
    ):
        listed = referred.court.get(f"/v1/referrals?{query}").expect(200)["items"]
        assert [item["id"] for item in listed] == ids, query
    referred.court.get("/v1/referrals?state=lost").expect(422)
    page = referred.court.get("/v1/referrals?limit=1").expect(200)
    rest = referred.court.get(f"/v1/referrals?limit=1&after={page['next']}").expect(200)
    assert [page["items"][0]["id"], rest["items"][0]["id"]] == newest


def test_a_courts_texts_are_destroyed_with_their_case_and_other_referrals_stay_readable(referred: Referred) -> None:
    house = referred.house
    other = referred.court.post("/v1/referrals", referral("HC-2")).expect(201)
    Mediation(referred).mediating().ended()

    def destroyed(db: GatedSession) -> None:
        db.sealer = house.app.state.seams.sealer
        destroy(db, house.clock.now, UUID(referred.case_id), OPERATOR)
        ledger.seal(db)

    house.database.in_transaction(destroyed, os.urandom)
    referred.court.get(referred.path).expect(410, "destroyed")
    assert [referral["id"] for referral in referred.court.get("/v1/referrals").expect(200)["items"]] == [other["id"]]


def test_a_client_without_the_scope_neither_reads_nor_refers(referred: Referred) -> None:
    house = referred.house
    made = client(house, referred.court_id, ALL_SCOPES)
    narrow = house.person_with_token("narrow", made["id"], token(house, made, "referrals.read"))
    narrow.get(referred.path).expect(200)
    narrow.post("/v1/referrals", referral("HC-5")).expect(403, "insufficient-scope")
    narrow.post(f"{referred.path}/withdraw").expect(403, "insufficient-scope")


def test_what_a_court_changed_before_service_is_never_read_by_the_other_side(referred: Referred) -> None:
    case, registrar = Mediation(referred), referred.house.registrar
    asking, answering = case.agents["requesting"], case.agents["responding"]
    for title in (PLANTED, "Ostrava Water v Vedria Dams"):
        tag = referred.court.get(referred.path).headers["etag"]
        referred.court.patch(referred.path, {"title": title}, if_match=tag).expect(200)
    case.step(registrar, "invite")
    paths = ("", "/referral", "/events?limit=200", "/request-versions")
    asked, answered = (
        [person.get(f"{referred.case}{path}").expect(200) for path in paths] for person in (asking, answering)
    )
    assert PLANTED in json.dumps(asked)
    assert PLANTED not in json.dumps(answered)
    own, others = answered[1], asked[1]
    assert own["title"] == others["title"] == "Ostrava Water v Vedria Dams"
    assert [paper["kind"] for paper in own["papers"]] == ["received"]
    assert [paper["kind"] for paper in others["papers"]] == ["received", "amended", "amended"]
    types = [event["type"] for event in answered[2]["items"]]
    assert types.count("referral-served") == 1
    assert not {"referral-accepted", "referral-amended", "case-opened"} & set(types)


def test_a_withdrawal_before_service_is_known_to_whom_the_request_is_served(referred: Referred) -> None:
    case = Mediation(referred)
    referred.court.post(f"{referred.path}/withdraw").expect(200)
    case.step(referred.house.registrar, "invite")
    seen = case.agents["responding"].get(f"{referred.case}/referral").expect(200)
    assert [paper["kind"] for paper in seen["papers"]] == ["received", "withdrawn"]
    assert seen["withdrawn_at"] is not None
