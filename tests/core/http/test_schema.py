"""schemathesis sends valid and invalid requests to every operation, on the demo's world.

`ACCORD_TEST_EXAMPLES` is the number of requests that each person sends to each operation. The table of operations,
with the statuses that each answered, is written to `.reports/operations-*.txt`.
"""

import asyncio
import os
import random
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as told
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from starlette.testclient import TestClient

from app.demo.play import play
from app.integration.description.examples import recorded
from app.main import create_app
from app.settings import Settings
from tests import courts
from tests.core.http.operations import EVERY, NOBODYS, OPERATIONS
from tests.core.http.world import World, build
from tests.installation import Clock, House, Json, Person
from tests.pdfs import PDF
from tests.receivers import LOOPBACK, letting
from tests.registries import EmptyRegistry
from tests.request_bodies import REQUESTS
from tests.story import MANDATE, POWERS, Dispute

EXAMPLES = int(os.environ.get("ACCORD_TEST_EXAMPLES", "3"))
PEOPLE = ("registrar", "mediator", "requesting_agent")
REPORTS = Path(__file__).parents[3] / ".reports"
CHECKS = [
    schemathesis.checks.not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]

# schemathesis has no serializer for files, and settlement texts accept only files.
schemathesis.serializer.alias("application/pdf", "text/plain")


@dataclass
class Counting:
    """The app, with a count of the statuses that each operation answered."""

    app: Any
    seen: dict[str, Counter[int]] = field(default_factory=dict)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve a request, and count its status."""
        statuses: list[int] = []

        async def noting(message: Any) -> None:
            if message["type"] == "http.response.start":
                statuses.append(message["status"])
            await send(message)

        await self.app(scope, receive, noting)
        operation = getattr(scope.get("route"), "operation_id", None)
        if operation is not None and statuses:
            self.seen.setdefault(operation, Counter())[statuses[0]] += 1


@dataclass
class Demo:
    """The demo's world, served and counted, with the ids that exist in it."""

    app: Counting
    house: House
    people: dict[str, Person]
    places: dict[str, list[dict[str, str]]]

    @property
    def ids(self) -> list[str]:
        """Every id that exists."""
        return [id for places in self.places.values() for place in places for id in place.values()]


@pytest.fixture
def demo(empty_registry: EmptyRegistry) -> Iterator[Demo]:
    """The demo at the end of its story."""
    settings: Settings = empty_registry()
    now = datetime.now(UTC)
    story = asyncio.run(play(settings, now, lambda _line: None))
    app = create_app(settings)
    counting = Counting(app)
    with TestClient(counting, base_url="http://accord.test", raise_server_exceptions=False) as client:
        house = House(settings, Clock(now), app, client, app.state.seams.database)
        people = {
            who: Person(
                who, client.get("/v1/me", headers=_bearer(token)).json()["id"], token, client, house.next_request_id
            )
            for who, token in story["tokens"].items()
            if who != "court"
        }
        house.admin, house.registrar = people["admin"], people["registrar"]
        places = known_places(people, story["cases"])
        # Only spare tokens: a person who ends their own token gets nothing but 401 afterwards.
        spare = [people[who].post("/v1/tokens", {"label": "to spare"}).expect(201)["id"] for who in PEOPLE]
        places["/v1/tokens/{token_id}"] = [{"token_id": id} for id in spare]
        yield Demo(counting, house, people, places)


def _bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def known_places(people: dict[str, Person], cases: dict[str, str]) -> dict[str, list[dict[str, str]]]:
    """For each path of an item, the parameters of an item that exists."""
    places: dict[str, list[dict[str, str]]] = {"/v1/cases/{case_id}": [{"case_id": id} for id in cases.values()]}
    for path in sorted((operation.path for operation in OPERATIONS.values() if operation.method == "GET"), key=len):
        collection, _slash, parameter = path.rpartition("/")
        if path in places or not parameter.startswith("{"):
            continue
        listing = "/v1/cases/{case_id}/appointments" if collection == "/v1/appointments" else collection
        places[path] = [
            {**around, parameter.strip("{}"): id}
            for around in places.get(parent_of(listing, places), [{}])
            for who in (*PEOPLE, "admin")
            for id in ids_at(people[who], listing.format(**around))
        ]
    return places


def parent_of(path: str, places: dict[str, list[dict[str, str]]]) -> str:
    """The longest path of an item that begins another path."""
    return max((place for place in places if path.startswith(f"{place}/") or path == place), key=len, default="")


def ids_at(person: Person, path: str) -> list[str]:
    """The ids in a list, as a person sees it."""
    answer = person.get(f"{path}?limit=200") if "procedures" not in path else person.get(path)
    return [str(item["id"]) for item in answer.json["items"]] if answer.status == 200 else []


def with_real_ids(value: Any, ids: list[str], chance: random.Random) -> Any:
    """The same value with some of its ids replaced by ids that exist."""
    if isinstance(value, dict):
        return {name: with_real_ids(member, ids, chance) for name, member in value.items()}
    if isinstance(value, list):
        return [with_real_ids(member, ids, chance) for member in value]
    is_id = isinstance(value, str) and re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", value)
    return chance.choice(ids) if is_id and chance.random() < 0.7 else value


def sent_texts(value: Any) -> Iterator[str]:
    """The texts of a request that are long enough to be recognised."""
    if isinstance(value, dict):
        for name, member in value.items():
            yield from sent_texts(name)
            yield from sent_texts(member)
    elif isinstance(value, list):
        for member in value:
            yield from sent_texts(member)
    elif isinstance(value, str) and len(value) >= 6 and not re.fullmatch(r"[a-z0-9_-]+", value):
        yield value


def fuzz(demo: Demo, operation: Any, person: Person, chance: random.Random) -> None:
    """Send requests to one operation as one person, and check every answer against the document."""
    modes = st.sampled_from([GenerationMode.POSITIVE, GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
    ids = demo.ids
    strategy = modes.flatmap(lambda mode: operation.as_strategy(generation_mode=mode))

    @told(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=strategy)
    def one(case: Any) -> None:
        places = demo.places.get(parent_of(case.path, demo.places), [])
        if places and chance.random() < 0.8:
            case.path_parameters = {**(case.path_parameters or {}), **chance.choice(places)}
        case.body = with_real_ids(case.body, ids, chance)
        response = case.call(headers=_bearer(person.token))
        case.validate_response(response, checks=CHECKS)
        if response.status_code >= 400:
            body = response.content.decode()
            for text in sent_texts([case.body if case.body is not None else {}, dict(case.query or {})]):
                assert text not in body, f"{case.method} {case.path} echoes what was sent"

    one()


@pytest.mark.slow
def test_every_operation_answers_any_request_as_the_document_says(demo: Demo) -> None:
    document = schemathesis.openapi.from_asgi("/v1/openapi.json", demo.app)
    chance = random.Random(7)  # noqa: S311 - the same requests each time
    operations: list[Any] = [result.ok() for result in document.get_all_operations()]  # type: ignore[union-attr]
    # Outside the API: the health checks and OAuth's own operations.
    assert len(operations) == len(EVERY) + 4
    for operation in operations:
        for who in PEOPLE:
            fuzz(demo, operation, demo.people[who], chance)
    journey(demo)
    written = table(demo.app.seen)
    REPORTS.mkdir(exist_ok=True)
    engine = "sqlite" if demo.house.settings.is_sqlite else "postgresql"
    (REPORTS / f"operations-{engine}.txt").write_text(written, encoding="utf-8")
    print(written)  # noqa: T201 - the table is what the test shows
    succeeded = {id for id, statuses in demo.app.seen.items() if any(status < 300 for status in statuses)}
    # What is recorded succeeded too; tests/integration/test_description.py compares it with the document.
    unreached = [id for id in OPERATIONS if id not in succeeded | recorded()["operations"].keys()]
    assert not unreached, unreached


def table(seen: dict[str, Counter[int]]) -> str:
    """The operations, each with the number of times it answered each status."""
    width = max(map(len, seen))
    lines = [
        f"{id:{width}}  " + "  ".join(f"{status}×{times}" for status, times in sorted(counts.items()))
        for id, counts in sorted(seen.items())
    ]
    return "\n".join(lines) + "\n"


def journey(demo: Demo) -> None:
    """Use each operation once as intended, on the same world."""
    world = build(demo.house)
    _people(demo.house)
    _in_the_open_case(world)
    _on_paper(demo.house)
    _of_terms_and_days(demo.house)
    _of_filings(world)
    _of_courts(demo.house)
    _of_webhooks(demo.house)
    for operation in OPERATIONS.values():
        if operation.method == "GET":
            _read(world, operation.path)


def _people(house: House) -> None:
    person = house.person("Rota Ted")
    (token,) = person.get("/v1/tokens").expect(200)["items"]
    person.get(f"/v1/tokens/{token['id']}").expect(200)
    made = person.post(f"/v1/tokens/{token['id']}/rotate").expect(200)
    person.token = made["token"]
    person.get(f"/v1/users/{person.id}").expect(200)
    house.admin.patch(f"/v1/users/{person.id}", {"name": "Rota Tedd"}, if_match="*").expect(200)
    sends = {
        "smtp_host": "127.0.0.1",
        "mail_from": "no-reply@example.org",
        "public_url": "https://registry.example.org",
    }
    house.database.settings = house.settings.model_copy(update=sends)
    house.registrar.post(f"/v1/users/{person.id}/link").expect(200)
    house.admin.post(f"/v1/users/{person.id}/disable").expect(200)
    house.admin.post(f"/v1/users/{person.id}/enable").expect(200)
    house.activated("Rota Tedd", "rota.ted@example.org").get("/v1/me").expect(200)
    second = house.admin.post("/v1/tokens", {"label": "second"}).expect(201)
    house.admin.post(f"/v1/tokens/{second['id']}/revoke").expect(200)
    path = f"/v1/members/{house.member('Somewhere', status='signatory', in_force_on=None)}"
    bound = {"status": "contracting", "in_force_on": "2026-02-01"}
    house.admin.patch(path, bound, if_match=house.admin.get(path).headers["etag"]).expect(200)


def _in_the_open_case(world: World) -> None:
    dispute, house = world.open, world.house
    dispute.requesting.post(f"{dispute.path}/third-states", {"name": "Marrow"}).expect(201)
    representatives = dispute.representatives()
    invited = {"email": "invited@example.org", "role": "counsel", "powers": POWERS}
    made = dispute.requesting.post(representatives, invited).expect(201)
    (waiting,) = house.registrar.get("/v1/users?awaits_approval=true").expect(200)["items"]
    house.registrar.post(f"/v1/users/{waiting['id']}/approve").expect(200)
    dispute.requesting.post(f"{representatives}/{made['id']}/powers", POWERS).expect(200)
    dispute.requesting.post(f"{representatives}/{made['id']}/end").expect(200)
    day = (house.clock.now + timedelta(days=30)).date().isoformat()
    times = {"starts_at": f"{day}T10:00", "ends_at": f"{day}T12:00"}
    for act in ("adjourn", "cancel"):
        session = dispute.session(**times)["id"]
        dispute.mediator.post(f"{dispute.path}/sessions/{session}/{act}", {"reason": "Ill."}).expect(200)
    dispute.responding.post(f"{dispute.path}/disclosures/{world.ids['disclosure']}/agree").expect(200)
    side = {"audience": "party", "party_ids": [dispute.party("requesting")]}
    text = dispute.draft(dispute.requesting, **side)
    dispute.requesting.post(f"{dispute.path}/settlement/drafts/{text['id']}/share").expect(200)
    mine = f"/v1/appointments/{world.ids['appointment']}"
    dispute.mediator.get(mine).expect(200)
    dispute.mediator.post(f"{mine}/resign", {"reason": "Called to office."}).expect(204)


def _of_terms_and_days(house: House) -> None:
    """Extend, suspend, resume and waive a term; enter a closure, visit the desk, run a simulation."""
    dispute = Dispute(house, "d")
    dispute.lodged()
    now = house.clock.now.date()
    due, later = (now + timedelta(days=days) for days in (30, 40))
    dispute.step(dispute.registrar, "invite", {"due_on": due.isoformat()}).expect(200)
    path = f"{dispute.path}/deadlines/{dispute.registrar.get(f'{dispute.path}/deadlines').json['items'][0]['id']}"
    why = {"reason": "The parties negotiate."}
    dispute.registrar.post(f"{path}/extend", {**why, "until_on": later.isoformat()}).expect(200)
    dispute.registrar.post(f"{path}/suspend", why).expect(200)
    dispute.registrar.post(f"{path}/resume").expect(200)
    dispute.registrar.post(f"{path}/waive", why).expect(200)
    # Other days than those of the example, which a request of the fuzz may have entered.
    days = {"from_on": "2031-03-03", "until_on": "2031-03-04"}
    closure = house.registrar.post("/v1/closures", {**REQUESTS["ClosureIn"], **days}).expect(201)
    house.registrar.get(f"/v1/closures/{closure['id']}").expect(200)
    dispute.requesting.post("/v1/me/desk/looked").expect(200)
    dispute.requesting.patch("/v1/me/notices", REQUESTS["NoticesChange"], if_match="*").expect(200)
    dispute.requesting.post("/v1/procedures/uncitral-2021/simulations", REQUESTS["SimulationIn"]).expect(200)
    member = house.member("Elsewhere")
    dispute.requesting.get(f"/v1/members/{member}/history").expect(200)


def _of_filings(world: World) -> None:
    """Return a filing, make a joint one, fetch the PDFs, and read and remove documents."""
    dispute, done = world.open, world.settled
    notice = {"kind": "notice", "title": "x", "text": "x", "audience": "participants"}
    filing = dispute.filing(dispute.responding, "participants")
    dispute.registrar.post(f"{dispute.path}/filings/{filing['id']}/return", REQUESTS["ReturnIn"]).expect(200)
    joint = {**notice, "joint_with": [dispute.party("responding")]}
    draft = dispute.requesting.post(f"{dispute.path}/filings", joint).expect(201)
    for act in ("join", "withdraw-joinder"):
        dispute.responding.post(f"{dispute.path}/filings/{draft['id']}/{act}").expect(200)
    own = dispute.requesting.post(f"{dispute.path}/filings", notice).expect(201)
    dispute.requesting.post(f"{dispute.path}/filings/{own['id']}/share").expect(200)
    head = {"content-type": "text/plain", "content-disposition": "attachment; filename=annex.txt"}
    path = f"{dispute.path}/filings/{draft['id']}/documents"
    document = dispute.requesting.send("POST", path, content=b"Annex", headers=head).expect(201)
    dispute.requesting.post(f"/v1/documents/{document['id']}/remove").expect(204)
    for end in ("", "/content"):
        assert dispute.requesting.get(f"/v1/documents/{world.ids['document']}{end}").status == 200
    dispute.requesting.get(path).expect(200)
    for end in ("receipt", "receipt.pdf"):
        assert dispute.requesting.get(f"{dispute.path}/filings/{world.ids['filing']}/{end}").status == 200
    (certificate,) = done.requesting.get(f"{done.path}/settlement/certificates").expect(200)["items"]
    for end in ("", ".pdf"):
        assert done.requesting.get(f"{done.path}/settlement/certificates/{certificate['id']}{end}").status == 200


def _of_courts(house: House) -> None:
    """Two clients of a court, and a referral with each outcome."""
    court_id = courts.court(house)
    house.admin.get(f"/v1/courts/{court_id}").expect(200)
    made = courts.client(house, court_id)
    path = f"/v1/clients/{made['id']}"
    house.admin.post(f"{path}/rotate").expect(200)
    house.admin.post(f"{path}/secrets/{made['secrets'][0]['id']}/revoke").expect(200)
    house.admin.get(path).expect(200)
    house.admin.post(f"{path}/disable").expect(200)
    court = courts.program(house, court_id)
    house.client.get("/.well-known/oauth-authorization-server").raise_for_status()

    def refer(external_id: str) -> str:
        agent_in = {**REQUESTS["ReferralIn"], "external_id": external_id}
        return f"/v1/referrals/{court.post('/v1/referrals', agent_in).expect(201)['id']}"

    first, second = refer("a"), refer("b")
    house.registrar.post(f"{first}/ask", REQUESTS["AskIn"]).expect(200)
    tag = court.get(first).headers["etag"]
    court.patch(first, REQUESTS["ReferralAmendment"], if_match=tag).expect(200)
    case_id = house.registrar.post(f"{first}/accept").expect(200)["case_id"]
    court.post(f"{first}/extend", REQUESTS["ReturnDateIn"]).expect(200)
    case = house.registrar.get(f"/v1/cases/{case_id}").expect(200)
    house.registrar.get(f"/v1/cases/{case_id}/referral").expect(200)
    head = {"content-type": "application/pdf", "content-disposition": "attachment; filename=order.pdf"}
    court.send("POST", f"{first}/order", content=PDF, headers=head).expect(200)
    for path, reader in ((f"{first}/order", court), (f"/v1/cases/{case_id}/referral/order", house.registrar)):
        assert reader.get(path).status == 200
    agent = house.person("Agent Ofthecase")
    agent_in = {"user_id": agent.id, "role": "agent", "powers": MANDATE}
    path = f"/v1/cases/{case_id}/parties/{case['parties'][0]['id']}/representatives"
    house.registrar.post(path, agent_in).expect(201)
    agent.post(f"/v1/cases/{case_id}/referral/share-dates").expect(200)
    court.get(f"{first}/filings").expect(200)
    court.post(f"{first}/withdraw").expect(200)
    house.registrar.post(f"{second}/decline", REQUESTS["RefusalIn"]).expect(200)


def _of_webhooks(house: House) -> None:
    """Test, replay, retry, change and remove a subscription, and rotate its secret."""
    owner = house.person("Sub Scriber")
    house.app.state.seams = replace(house.app.state.seams, guard=letting(LOOPBACK))
    path = f"/v1/webhooks/{owner.post('/v1/webhooks', {'url': f'http://{LOOPBACK}:9/'}).expect(201)['id']}"
    delivery = f"{path}/deliveries/{owner.post(f'{path}/test').expect(200)['id']}"
    for read in ("/v1/webhooks", path, f"{path}/deliveries", delivery):
        owner.get(read).expect(200)
    owner.post(f"{delivery}/retry").expect(200)
    owner.post(f"{path}/replay", {}).expect(200)
    owner.post(f"{path}/secret").expect(200)
    owner.patch(path, REQUESTS["WebhookChange"], if_match=owner.get(path).headers["etag"]).expect(200)
    tag = owner.get(path).headers["etag"]
    owner.send("DELETE", path, headers={"if-match": tag}).expect(204)


def _on_paper(house: House) -> None:
    """A case in which a candidate declines, a mediator is replaced and a slip is rectified."""
    dispute = Dispute(house, "c")
    dispute.opened()
    tag = dispute.requesting.get(dispute.path).headers["etag"]
    dispute.requesting.patch(dispute.path, {"title": "Another title"}, if_match=tag).expect(200)
    declining, entry = house.mediator("Declan Ing")
    nominated = dispute.nominated()
    declined = dispute.nominate(dispute.responding, entry)
    declining.post(f"/v1/appointments/{declined['id']}/decline").expect(204)
    path = dispute.confirmed(dispute.mediator, nominated)
    dispute.registrar.post(f"{path}/replace", {"reason": "Unable to act."}).expect(200)
    events: list[Json] = dispute.events(dispute.registrar)
    slip = next(event["id"] for event in events if event["actor"]["capacity"] == "registry")
    mended = {"event_id": slip, "correction": "On the day before.", "reason": "A slip."}
    made = dispute.registrar.post(f"{dispute.path}/rectifications", mended).expect(201)
    dispute.registrar.get(f"{dispute.path}/rectifications/{made['id']}").expect(200)


def _read(world: World, path: str) -> None:
    """Read the list and its first item, or the item, of both cases."""
    for dispute in (world.open, world.settled):
        here = path.replace("{case_id}", dispute.case["id"]).replace("{party_id}", dispute.party("requesting"))
        here = here.replace("{procedure_id}", "uncitral-2021")
        collection, _slash, item = here.partition("/{")
        listed = dispute.requesting.get(collection)
        is_list = listed.status == 200 and listed.headers["content-type"] == "application/json"
        items = listed.json.get("items", []) if is_list else []
        if item and items:
            dispute.requesting.get(f"{collection}/{items[0]['id']}")
        dispute.registrar.get(collection if not item else here.replace("{" + item, NOBODYS))
