"""An id of something hidden is answered like an unknown one, in the path, in the query and in the body of an act.

`ACCORD_TEST_ITEMS` is the number of hidden ids that are sent of each kind, at most twelve; with more than ten, ids of
every kind are sent in every place.
"""

import os
from collections import defaultdict
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select

from app.core.access.gate import gated_tables
from app.core.db import Base
from tests.confided_world import Planted, planted
from tests.core.http.operations import DOCUMENT, EVERY, FILES, OPEN, Operation
from tests.core.http.world import shared_stream
from tests.crawling import Binding, Crawl, filled, fitting, whole_answer
from tests.installation import Answer, House, Json, Person, straight_to
from tests.pdfs import PDF
from tests.receivers import LOOPBACK, guarded_by, letting
from tests.registries import Registry
from tests.request_bodies import REQUESTS
from tests.story import GIVES, MANDATE, UNCITRAL, Dispute
from tests.truth import Reader, Truth, Value, reader_of, truth_of

# Hidden ids of each kind that are sent; more than a dozen say the same again.
MOST = min(int(os.environ.get("ACCORD_TEST_ITEMS", "1")), 12)
UNKNOWN = "00000000-0000-4000-8000-00000000dead"
UPLOADED = {"content-type": "application/pdf", "content-disposition": "attachment; filename=text.pdf"}
Place = tuple[str | int, ...]
# The tables whose ids each field takes.
TABLES = {
    "acting_for": "parties",
    "on_behalf_of": "parties",
    "party_id": "parties",
    "party_ids": "parties",
    "joint_with": "parties",
    "third_state_id": "third_states",
    "also": "capacities",
    "resubmits_id": "filings",
    "redacts_id": "filings",
    "related_id": "documents",
    "replaces_id": "documents",
    "replaces": "settlement_drafts",
    "draft_id": "settlement_drafts",
    "stream": "audiences",
    "event_id": "events",
    "after": "events",
    "until": "events",
    "case_id": "cases",
    "earlier_case_id": "cases",
}
# Fields whose ids everybody who may send them may know.
KNOWN = {
    "member_id": "members are known to everybody with an account",
    "mediator_id": "the roster is known to everybody with an account",
    "court_id": "courts are known to everybody with an account",
    "user_id": "an account is named by its id in order to be admitted, entered or given a token",
}
# Places in which no hidden id can be judged, each with the reason.
NOT_JUDGED = {
    ("confirmAppointment", ("acting_for",)): "the registry confirms in its own name",
    ("confirmAppointment", ("on_behalf_of",)): "the registry confirms in its own name",
    ("suspendDeadline", ("acting_for",)): "every kept rule set lets the registry alone suspend a term",
    ("resumeDeadline", ("acting_for",)): "every kept rule set lets the registry alone resume a term",
    ("takeStep", ("fields", "party_id")): "only a step of a party of the same case, which its readers know",
}
# A party is judged together with the name of the person whom the court named for it.
REFUSED_AS: dict[tuple[str, Place], str] = {("admitNamedRepresentative", ("party_id",)): "name"}


@pytest.fixture
def world(registry: Registry, house: House) -> Planted:
    """The world with everything in it."""
    return registry.moment(house, "confided", lambda: planted(house))


def rows_of(house: House) -> dict[str, int]:
    """The number of rows in each table."""
    engine = straight_to(house.settings)
    with engine.connect() as connection:
        tables = Base.metadata.tables.items()
        counted = {name: connection.execute(select(func.count()).select_from(of)).scalar_one() for name, of in tables}
    engine.dispose()
    return counted


@pytest.mark.parametrize("registry", ["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)], indirect=True)
def test_nothing_can_be_done_with_a_hidden_item_and_the_answer_is_that_for_an_unknown_one(
    house: House, world: Planted
) -> None:
    dispute = world.world.open
    readers = [*world.of(dispute.requesting, dispute.responding, dispute.mediator, house.registrar)]
    found: dict[str, set[Binding]] = defaultdict(set)
    for person, _reader in readers:
        for name, bindings in Crawl(person, MOST).everything().bindings.items():
            found[name] |= bindings
    readers += [(person, reader) for person, reader in world.people if person.name == "Stan Ranger"]
    truth, before, tried = truth_of(house), rows_of(house), 0
    for person, reader in readers:
        for operation in (operation for operation in EVERY.values() if "{" in operation.path):
            # The answers to unknown ids, by path: of an unknown item in a case that the reader sees, and of others.
            unknown: dict[str, Any] = {}
            for binding in sorted(fitting(operation, found)):
                hidden = {name for name, id in binding if is_hidden(truth, reader, id)}
                other = filled(operation, tuple((name, UNKNOWN if name in hidden else id) for name, id in binding))
                if not hidden or (other not in unknown and len(unknown) > MOST):
                    continue
                if other not in unknown:
                    unknown[other] = whole_answer(_sent(person, operation, other))
                answer = _sent(person, operation, filled(operation, binding))
                assert answer.status >= 400, (reader.name, operation.id, binding)
                assert whole_answer(answer) == unknown[other], (reader.name, operation.id, binding)
                tried += 1
    assert rows_of(house) == before
    assert tried > 400


def is_hidden(truth: Truth, reader: Reader, id: str) -> bool:
    """Whether an id of a path is not the reader's to know; rule sets have names."""
    return len(id) == len(UNKNOWN) and not truth.knows(reader, Value("id", UUID(id)))


def _sent(person: Person, operation: Operation, path: str) -> Answer:
    """An operation on the present version of its item."""
    if operation.id in FILES:
        return person.send("POST", path, content=PDF, headers=UPLOADED)
    present = {"if-match": "*"} if operation.method != "GET" else {}
    return person.send(operation.method, path, json=operation.example, headers=present)


def places_of_ids() -> Iterator[tuple[str, Place]]:
    """Every place of an id in the bodies and the queries of the operations that change something."""
    for methods in DOCUMENT["paths"].values():
        for method, described in methods.items():
            if method != "get" and described["operationId"] not in OPEN:
                content = described.get("requestBody", {}).get("content", {}).get("application/json", {})
                for place in dict.fromkeys(_ids_in(content.get("schema", {}))):
                    yield described["operationId"], place
                for parameter in described.get("parameters", ()):
                    if parameter.get("in") == "query" and "uuid" in str(parameter["schema"]):
                        yield described["operationId"], (parameter["name"],)


def _ids_in(schema: Json, place: Place = ()) -> Iterator[Place]:
    if "$ref" in schema:
        schema = DOCUMENT["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    for inner in (inner for name in ("anyOf", "oneOf", "allOf") for inner in schema.get(name, ())):
        yield from _ids_in(inner, place)
    if schema.get("format") == "uuid":
        yield place
    if "items" in schema:
        yield from _ids_in(schema["items"], (*place, 0))
    for name, inner in schema.get("properties", {}).items():
        yield from _ids_in(inner, (*place, name))


def field_of(place: Place) -> str:
    """The name of the field that has an id in that place."""
    return str([part for part in place if part != 0][-1])


@dataclass(frozen=True)
class Request:
    """An act that its sender may take: what is wrong with it is an id that is put into it."""

    sender: Person
    path: str
    body: Json | None = None

    def with_id(self, operation: Operation, place: Place, id: str) -> Answer:
        """Send it with this id in this place."""
        if self.body is None:
            alone = "authentic-text" if "/drafts/" in self.path else "original"
            relation = "annex-to" if place[0] == "related_id" else alone
            query = f"?language=en&relation={relation}&{place[0]}={id}"
            return self.sender.send("POST", self.path + query, content=PDF, headers=UPLOADED)
        body = deepcopy(self.body)
        inside: Any = body
        for part, following in pairwise(place):
            inside = inside.setdefault(part, [] if following == 0 else {}) if isinstance(inside, dict) else inside[part]
        if place[-1] == 0:
            inside[:] = [id]
        else:
            inside[place[-1]] = id
        present = {"if-match": "*"} if operation.method != "POST" else {}
        return self.sender.send(operation.method, self.path, json=body, headers=present)


def requests_in(house: House, world: Planted) -> dict[str, list[Request]]:
    """An act for each operation that takes an id, in a world with everything in it."""
    dispute, ids, referred = world.world.open, world.world.ids, world.referred
    me, other, mediator, staff = dispute.responding, dispute.requesting, dispute.mediator, house.registrar
    case = dispute.path
    text = {**REQUESTS["DraftIn"], "audience": "participants"}
    notice = {"kind": "notice", "title": "x", "text": "x", "audience": "participants"}
    draft = f"{case}/filings/{me.post(f'{case}/filings', notice).expect(201)['id']}"
    joint = other.post(f"{case}/filings", {**notice, "joint_with": [dispute.party("responding")]}).expect(201)
    joint_path = f"{case}/filings/{joint['id']}"
    document = me.send("POST", f"{draft}/documents", content=PDF, headers=UPLOADED).expect(201)["id"]
    own_text = f"{case}/settlement/drafts/{me.post(f'{case}/settlement/drafts', text).expect(201)['id']}"
    party = dispute.party("responding")
    own_side = {**text, "audience": "party", "party_ids": [party]}
    unshared = f"{case}/settlement/drafts/{me.post(f'{case}/settlement/drafts', own_side).expect(201)['id']}"
    representatives = dispute.representatives("responding")
    agent = me.get(representatives).expect(200)["items"][0]["id"]
    counsel = dispute.admit_counsel(house.person("Cora Unsel"), "responding")["id"]
    session = f"{case}/sessions/{dispute.session()['id']}"
    dispute.step(world.world.late, "join", GIVES).expect(200)
    frozen = dispute.freeze(dispute.draft()).expect(200)
    address = {"url": f"http://{LOOPBACK}:9/"}
    webhook = f"/v1/webhooks/{me.post('/v1/webhooks', address).expect(201)['id']}"
    invited = Dispute(house, "u")
    invited.invited(**UNCITRAL)
    term = f"{invited.path}/deadlines/{invited.deadlines()[0]['id']}"
    unlodged = me.post("/v1/cases", {**REQUESTS["CaseIn"], "parties": _parties()}).expect(201)
    own_case = f"/v1/cases/{unlodged['id']}"
    signature = {"draft_id": frozen["id"], "sha256": frozen["sha256"], "party_id": party, "capacity": "agent"}
    consent = {"basis": "ad-hoc", "given_on": "2026-02-20"}
    common = {"user_id": house.person("Common Unsel").id, "role": "counsel", "powers": MANDATE}
    on_paper = {"received_via": "post", "reason": "x"}
    return {
        "openCase": [Request(me, "/v1/cases", {**REQUESTS["CaseIn"], "parties": _parties()})],
        "amendCase": [Request(me, own_case, {"title": "x"})],
        "takeStep": [
            Request(me, f"{case}/steps/withdraw", {"reason": "x", "fields": {"ground": "party-left"}}),
            Request(staff, f"{case}/steps/withdraw", {**on_paper, "fields": {"ground": "party-left"}}),
        ],
        "addParty": [Request(me, f"{own_case}/parties", {"side": "responding", "kind": "state", "name": "x"})],
        "amendParty": [Request(me, f"{own_case}/parties/{unlodged['parties'][0]['id']}", {"name": "x"})],
        "admitCommonRepresentative": [Request(me, f"{case}/representatives", {**common, "party_ids": [party]})],
        "endRepresentative": [Request(me, f"{representatives}/{counsel}/end", {"reason": "x"})],
        "nameThirdState": [Request(me, f"{case}/third-states", {"name": "x"})],
        "fileConsent": [
            Request(me, f"{case}/consents", consent),
            Request(me, f"{case}/consents", {**consent, "third_state_id": ids["third"]}),
        ],
        "nominateMediator": [Request(me, f"{case}/appointments", {"mediator_id": dispute.mediator_id})],
        "acceptAppointment": [
            Request(me, f"/v1/appointments/{ids['appointment']}/accept", {}),
            Request(staff, f"/v1/appointments/{ids['appointment']}/accept", on_paper),
        ],
        "objectToMediator": [Request(me, f"/v1/appointments/{ids['appointment']}/object", {"reason": "x"})],
        "scheduleSession": [
            Request(mediator, f"{case}/sessions", {**REQUESTS["SessionIn"], "kind": "caucus", "audience": "caucus"})
        ],
        "holdSession": [
            Request(mediator, f"{session}/hold", {"attendance": [{"name": "x", "capacity": "x"}]}),
        ],
        "draftFiling": [
            Request(me, f"{case}/filings", {**notice, "audience": "caucus", "party_ids": [party]}),
            Request(me, f"{case}/filings", notice),
            Request(staff, f"{case}/filings", {**notice, **on_paper}),
        ],
        "amendFiling": [Request(me, draft, {"audience": "caucus"}), Request(me, draft, {"text": "x"})],
        "shareFiling": [Request(me, f"{draft}/share", {})],
        "submitFiling": [Request(me, f"{draft}/submit", {})],
        "withdrawFiling": [Request(other, f"{case}/filings/{ids['filing']}/withdraw", {"reason": "x"})],
        "joinFiling": [Request(me, f"{joint_path}/join", {})],
        "withdrawJoinder": [Request(me, f"{joint_path}/withdraw-joinder", {})],
        "uploadDocument": [Request(me, f"{draft}/documents")],
        "uploadText": [Request(me, f"{own_text}/documents")],
        "removeDocument": [Request(me, f"/v1/documents/{document}/remove", {})],
        "withdrawDocument": [Request(other, f"/v1/documents/{ids['document']}/withdraw", {})],
        "draftText": [
            Request(me, f"{case}/settlement/drafts", {**text, "audience": "caucus", "party_ids": [party]}),
            Request(me, f"{case}/settlement/drafts", text),
        ],
        "shareDraft": [Request(me, f"{unshared}/share", {})],
        "signText": [
            Request(me, f"{case}/settlement/signatures", signature),
            Request(staff, f"{case}/settlement/signatures", {**signature, **on_paper}),
        ],
        "proposeDisclosure": [Request(me, f"{case}/disclosures", {"stream": shared_stream(me, dispute)})],
        "agreeToDisclosure": [Request(me, f"{case}/disclosures/{ids['disclosure']}/agree", {})],
        "rectify": [Request(staff, f"{case}/rectifications", REQUESTS["RectificationIn"])],
        **{
            f"{act}Deadline": [Request(invited.requesting, f"{term}/{act}", body)]
            for act, body in (("extend", {"until_on": "2027-12-01", "reason": "x"}), ("waive", {"reason": "x"}))
        },
        "recordService": [Request(staff, f"{case}/service", REQUESTS["ServiceIn"])],
        "admitNamedRepresentative": [
            Request(staff, f"{referred.path}/referral/admit-representative", REQUESTS["NamedRepresentativeIn"])
        ],
        "shareSessionDates": [Request(referred.dispute.responding, f"{referred.path}/referral/share-dates", {})],
        "createWebhook": [Request(me, "/v1/webhooks", address)],
        "amendWebhook": [Request(me, webhook, {"description": "x"})],
        "replayEvents": [Request(me, f"{webhook}/replay", {})],
    } | {"recordPowers": [Request(me, f"{representatives}/{agent}/powers", MANDATE)]}


def _parties() -> list[Json]:
    return [{"side": side, "kind": "state", "name": side} for side in ("requesting", "responding")]


def hidden_ids(truth: Truth, reader: Reader, table: str, path: str) -> list[str]:
    """Ids of rows of a table that are not the reader's to know, those of the path's case first."""
    rows = [row for row in truth.rows_by_id.values() if row.table == table]
    rows.sort(key=lambda row: (str(row.row.get("case_id")) not in path, row.row["id"]))
    return [str(row.row["id"]) for row in rows if not truth.knows(reader, Value("id", row.row["id"]))][:MOST]


@pytest.mark.parametrize("registry", ["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)], indirect=True)
def test_a_hidden_id_in_an_act_is_answered_like_an_unknown_one_and_nothing_is_written(
    house: House, world: Planted
) -> None:
    places = [place for place in places_of_ids() if field_of(place[1]) not in KNOWN and place not in NOT_JUDGED]
    with guarded_by(house, letting(LOOPBACK)):
        requests = requests_in(house, world)
        truth, readers = truth_of(house), {person.id: reader for person, reader in world.people}
        before = rows_of(house)
        for id, place in places:
            assert any(sent_with_hidden_ids(truth, readers, request, id, place) for request in requests[id]), (
                id,
                place,
            )
    assert rows_of(house) == before


def sent_with_hidden_ids(truth: Truth, readers: dict[str, Reader], request: Request, id: str, place: Place) -> bool:
    """Compare the answers to hidden ids with that to an unknown one; False where something else is refused first."""
    unknown = request.with_id(EVERY[id], place, UNKNOWN)
    pointer = REFUSED_AS.get((id, place), str(place[0]))
    if unknown.status != 422 or pointer not in {part for fault in unknown.json["errors"] for part in parts_of(fault)}:
        return False
    tables = sorted(gated_tables()) if MOST > 10 else [TABLES[field_of(place)]]
    reader = readers.get(request.sender.id) or reader_of(request.sender)
    hidden = [one for table in tables for one in hidden_ids(truth, reader, table, request.path)]
    assert hidden, (id, place)
    for one in hidden:
        answer = request.with_id(EVERY[id], place, one)
        assert whole_answer(answer) == whole_answer(unknown), (id, place, one)
    return True


def parts_of(fault: Json) -> list[str]:
    """The parts of the pointer of a fault."""
    return str(fault["pointer"]).split("/")
