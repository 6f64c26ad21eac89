"""The order of refusals, on every operation of the OpenAPI document."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from tests import courts
from tests.core.http.operations import ACTS, NOBODYS, OPERATIONS
from tests.core.http.world import World, build, events_of, shared_stream
from tests.installation import Answer, House, Json, Person
from tests.receivers import LOOPBACK, guarded_by, letting
from tests.registries import Registry
from tests.request_bodies import REQUESTS
from tests.story import POWERS

HUGE = b"x" * (1 << 20 | 1)
STALE = {"if-match": '"stale"'}


MINTING = {"issueToken", "rotateToken", "addClient", "rotateSecret", "createWebhook", "rotateWebhookSecret"}


def everybody(house: House) -> list[Person]:
    """One person with each role."""
    return [house.admin, house.registrar, house.person("Stan Ranger")]


def test_a_body_that_is_too_large_is_refused_first_and_a_missing_token_before_faults_of_the_request(
    house: House,
) -> None:
    nobody = house.person("No Body")
    nobody.token = "accord_" + "A" * 43
    wrong = {"content-type": "text/xml", **STALE}
    for operation in OPERATIONS.values():
        query = operation.at(NOBODYS) + "?unknown=1"
        operation.send(nobody, query, content=HUGE, headers=wrong).expect(413, "too-large")
        operation.send(nobody, query, content=iter([HUGE]), headers=wrong).expect(413, "too-large")
        operation.send(nobody, query, content=b"{", headers=wrong).expect(401, "unauthenticated")
        operation.send(nobody, query, json={"unknown": 1}).expect(401, "unauthenticated")


# The database is not asked before these refusals.
@pytest.mark.parametrize("registry", ["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)], indirect=True)
def test_the_media_type_is_judged_before_the_body_and_the_body_before_the_named_items(house: House) -> None:
    for person in everybody(house):
        for operation in OPERATIONS.values():
            wrong = {"content-type": "text/xml", "idempotency-key": "k"}
            operation.send(person, content=b"{", headers=wrong).expect(415, "unsupported-media-type")
            operation.send(person, content=b"{", headers={"content-type": "application/json"}).expect(422, "invalid")
            operation.send(person, json={"unknown": 1}, headers=STALE).expect(422, "invalid")
            unknown = operation.at("no-id") + "?unknown=1"
            operation.send(person, unknown, json=operation.example, headers=STALE).expect(422, "invalid")


def test_a_missing_precondition_is_refused_before_the_item_is_looked_up(house: House) -> None:
    changes = [operation for operation in ACTS.values() if 428 in operation.statuses]
    assert {operation.method for operation in changes} == {"PATCH", "DELETE"}
    for person in everybody(house):
        for operation in changes:
            operation.send(person, json=operation.example).expect(428, "precondition-required")
            answer = operation.send(person, json=operation.example, headers=STALE)
            # A person's own items always exist.
            answer.expect(*((404, "not-found") if operation.has_ids else (412, "precondition-failed")))


def test_a_hidden_item_is_refused_before_a_missing_capacity(house: House) -> None:
    for person in everybody(house):
        for operation in OPERATIONS.values():
            if operation.has_ids:
                for id in (NOBODYS, "no-id", "%F0%9F%98%80"):
                    answer = operation.send(person, operation.at(id), json=operation.example, headers=STALE)
                    answer.expect(404, "not-found")


def test_a_reused_key_is_refused_before_a_hidden_item(house: House) -> None:
    person = house.person("Stan Ranger")
    key = {"idempotency-key": "one"}
    person.send("POST", "/v1/cases", json=REQUESTS["CaseIn"] | _named(house), headers=key).expect(201)
    for operation in ACTS.values():
        if operation.method == "POST":
            code = "invalid" if operation.id in MINTING else "key-reused"
            operation.send(person, json=operation.example, headers={**key, **STALE}).expect(422, code)


def _named(house: House) -> Json:
    """The example's parties, replaced by members that exist."""
    parties = [{**party} for party in REQUESTS["CaseIn"]["parties"]]
    parties[0]["member_id"] = house.member("Republic of Ostrava")
    return {"parties": parties}


@dataclass
class Row:
    """An operation, a person who may not use it, one who may but not now, the body and the code of the conflict."""

    path: str
    forbidden: Person | None = None
    allowed: Person | None = None
    code: str | None = None
    body: Json | None = field(default=None)


@pytest.fixture
def world(registry: Registry, house: House) -> World:
    """Everything that an operation can act on."""
    return registry.moment(house, "world", lambda: build(house))


def rows(world: World) -> dict[str, Row]:
    """For every act, a person who may not take it, and a person who may but not now."""
    house, mediating, done, ids = world.house, world.open, world.settled, world.ids
    c, closed = mediating.path, done.path
    appointment, over = f"/v1/appointments/{ids['appointment']}", f"/v1/appointments/{ids['closed appointment']}"
    session, representatives = (
        f"{c}/sessions/{ids['session']}",
        f"{c}/parties/{mediating.party('requesting')}/representatives",
    )
    counsel = f"{representatives}/{ids['counsel']}"
    member = house.member("Somewhere")
    events = events_of(mediating.registrar, mediating)
    theirs = next(event["id"] for event in events if event["actor"]["capacity"] == "requesting-party")
    frozen = done.requesting.get(f"{closed}/settlement/drafts/{ids['draft']}").expect(200)
    signature = {"draft_id": ids["draft"], "sha256": frozen["sha256"], "party_id": done.party("requesting")}
    me, staff, mediator, admin = mediating.requesting, house.registrar, mediating.mediator, house.admin
    user = {"name": "Again", "email": "admin@example.org", "role": "user"}
    entry = {**REQUESTS["MediatorIn"], "user_id": mediator.id}
    same = {**REQUESTS["MemberIn"], "name": "Somewhere"}
    nomination = {"mediator_id": mediating.mediator_id}
    powers = {"user_id": mediator.id, "role": "counsel", "powers": POWERS}
    consent = {**REQUESTS["ConsentFiled"], "third_state_id": ids["third"]}
    secret = {**REQUESTS["FilingIn"], "party_ids": [mediating.party("requesting")]}
    late = {"stream": shared_stream(world.late, mediating)}
    deadline = f"{c}/deadlines/{me.get(f'{c}/deadlines').expect(200)['items'][0]['id']}"
    served = {**REQUESTS["ServiceIn"], "party_id": mediating.party("responding")}
    courts = _of_courts(house) | _of_webhooks(house)
    return {
        **courts,
        "enterMember": Row("/v1/members", staff, admin, "exists", same),
        "changeMember": Row(f"/v1/members/{member}", staff, admin, "exists", {"name": "Late"}),
        "enterMediator": Row("/v1/mediators", admin, staff, "exists", entry),
        "changeMediator": Row(f"/v1/mediators/{mediating.mediator_id}", admin),
        "openCase": Row("/v1/cases", admin),
        "amendCase": Row(c, mediator, me, "not-amendable"),
        "takeStep": Row(f"{c}/steps/screen", mediator, staff, "step-not-open", {}),
        "discardCase": Row(c, mediator, me, "not-amendable"),
        "amendParty": Row(f"{closed}/parties/{done.party('responding')}", done.mediator, staff, "not-amendable"),
        "removeParty": Row(f"{c}/parties/{mediating.party('responding')}", mediator, me, "not-amendable"),
        "addParty": Row(f"{closed}/parties", done.requesting, staff, "step-not-open"),
        "admitRepresentative": Row(representatives, mediator, me, "already-in-case", powers),
        "admitCommonRepresentative": Row(
            f"{c}/representatives",
            mediator,
            me,
            "already-in-case",
            {**powers, "party_ids": [mediating.party("requesting")]},
        ),
        "recordPowers": Row(f"{counsel}/powers", None, me, "already-ended"),
        "endRepresentative": Row(f"{counsel}/end", None, me, "already-ended"),
        "openEarlierToRepresentative": Row(f"{counsel}/open-earlier", None, me, "already-ended"),
        "nameThirdState": Row(f"{closed}/third-states", done.mediator, done.requesting, "step-not-open"),
        "fileConsent": Row(f"{c}/consents", mediator, None, None, consent),
        "confirmConsent": Row(f"{c}/consents/{ids['consent']}/confirm", me, staff, "already-confirmed"),
        "nominateMediator": Row(f"{c}/appointments", mediator, me, "step-not-open", nomination),
        "declareIndependence": Row(f"{over}/declare", done.requesting, done.mediator, "step-not-open"),
        "objectToMediator": Row(f"{over}/object", done.mediator, done.requesting, "step-not-open"),
        "declineAppointment": Row(f"{appointment}/decline", me, mediator, "appointment-state"),
        "acceptAppointment": Row(f"{appointment}/accept", mediator, me, "appointment-state"),
        "confirmAppointment": Row(f"{appointment}/confirm", me, staff, "step-not-open"),
        "resignAppointment": Row(f"{over}/resign", done.requesting, done.mediator, "step-not-open"),
        "replaceMediator": Row(f"{over}/replace", done.requesting, staff, "step-not-open"),
        "scheduleSession": Row(f"{closed}/sessions", done.requesting, done.mediator, "step-not-open"),
        "holdSession": Row(f"{session}/hold", me, mediator, "session-state"),
        "adjournSession": Row(f"{session}/adjourn", me, mediator, "session-state"),
        "cancelSession": Row(f"{session}/cancel", me, mediator, "session-state"),
        "draftFiling": Row(f"{c}/filings", staff, None, None, secret),
        "amendFiling": Row(f"{c}/filings/{ids['filing']}", mediator, me, "filing-state"),
        "discardFiling": Row(f"{c}/filings/{ids['filing']}", mediator, me, "filing-state"),
        "withdrawDocument": Row(f"/v1/documents/{ids['text']}/withdraw", mediator, me, "document-state"),
        "shareFiling": Row(f"{c}/filings/{ids['filing']}/share", mediator, me, "filing-state"),
        "submitFiling": Row(f"{c}/filings/{ids['filing']}/submit", mediator, me, "filing-state"),
        "joinFiling": Row(f"{c}/filings/{ids['filing']}/join", mediator),
        "withdrawJoinder": Row(f"{c}/filings/{ids['filing']}/withdraw-joinder", mediator),
        "withdrawFiling": Row(f"{c}/filings/{ids['withdrawn filing']}/withdraw", mediator, me, "filing-state"),
        "acceptFiling": Row(f"{c}/filings/{ids['filing']}/acceptance", me, staff, "docketing-state"),
        "returnFiling": Row(f"{c}/filings/{ids['filing']}/return", me, staff, "docketing-state"),
        "removeDocument": Row(f"/v1/documents/{ids['document']}/remove", mediator, me, "filing-state"),
        "draftText": Row(f"{closed}/settlement/drafts", staff, done.mediator, "step-not-open"),
        "shareDraft": Row(
            f"{closed}/settlement/drafts/{ids['draft']}/share", done.requesting, done.mediator, "already-shared"
        ),
        "freezeText": Row(
            f"{closed}/settlement/drafts/{ids['draft']}/freeze", done.requesting, done.mediator, "step-not-open"
        ),
        "signText": Row(
            f"{closed}/settlement/signatures",
            done.mediator,
            done.requesting,
            "step-not-open",
            {**signature, "capacity": "agent"},
        ),
        "proposeDisclosure": Row(f"{c}/disclosures", mediator, world.late, "nothing-to-open", late),
        "agreeToDisclosure": Row(f"{c}/disclosures/{ids['disclosure']}/agree", mediator, me, "already-agreed"),
        "rectify": Row(
            f"{c}/rectifications", me, staff, "not-of-the-registry", {**REQUESTS["RectificationIn"], "event_id": theirs}
        ),
        "extendDeadline": Row(f"{deadline}/extend", mediator, staff, "deadline-ended"),
        "waiveDeadline": Row(f"{deadline}/waive", mediator, staff, "deadline-ended"),
        "suspendDeadline": Row(f"{deadline}/suspend", mediator, staff, "deadline-ended"),
        "resumeDeadline": Row(f"{deadline}/resume", mediator, staff, "deadline-ended"),
        "recordService": Row(f"{c}/service", me, staff, "already-served", served),
        "enterClosure": Row("/v1/closures", me, staff, "closure-entered"),
        "withdrawClosure": Row(f"/v1/closures/{ids['closure']}/withdraw", me, staff, "closure-withdrawn"),
        "clearDesk": Row("/v1/me/desk/looked"),
        "changeMyNotices": Row("/v1/me/notices"),
        "addUser": Row("/v1/users", staff, admin, "exists", user),
        "approveUser": Row(f"/v1/users/{me.id}/approve", me, staff, "not-waiting"),
        "disableUser": Row(f"/v1/users/{admin.id}/disable", staff, admin, "own-account"),
        "enableUser": Row(f"/v1/users/{me.id}/enable", staff, admin, "not-disabled"),
        "correctUser": Row(f"/v1/users/{me.id}", staff, admin, "exists", {"email": "reggie.strar@example.org"}),
        "mailLink": Row(f"/v1/users/{me.id}/link", me, staff, "no-mail"),
        "issueToken": Row("/v1/tokens", me, None, None, {"label": "x", "user_id": admin.id}),
        "rotateToken": Row(f"/v1/tokens/{_ended_token(me)}/rotate", None, me, "token-ended"),
        "revokeToken": Row(f"/v1/tokens/{_ended_token(me)}/revoke"),
    }


def _of_courts(house: House) -> dict[str, Row]:
    """The acts on courts, their clients and their referrals: one referral is declined, one has become a case."""
    court_id, staff, admin = courts.court(house), house.registrar, house.admin
    courts.court(house, name="Other Court")
    holder = courts.program(house, court_id)
    ended = courts.client(house, court_id)
    client, secret = f"/v1/clients/{ended['id']}", ended["secrets"][0]["id"]
    admin.post(f"{client}/secrets/{secret}/revoke").expect(200)
    admin.post(f"{client}/disable").expect(200)
    example = REQUESTS["ReferralIn"]
    declined, accepted = (
        f"/v1/referrals/{holder.post('/v1/referrals', {**example, 'external_id': id}).expect(201)['id']}" for id in "ab"
    )
    staff.post(f"{declined}/decline", REQUESTS["RefusalIn"]).expect(200)
    case_id = staff.post(f"{accepted}/accept").expect(200)["case_id"]
    decided = "referral-state"
    return {
        "enterCourt": Row("/v1/courts", staff, admin, "exists", courts.COURT),
        "changeCourt": Row(f"/v1/courts/{court_id}", staff, admin, "exists", {"name": "Other Court"}),
        "addClient": Row("/v1/clients", staff),
        "rotateSecret": Row(f"{client}/rotate", staff, admin, "already-disabled"),
        "revokeSecret": Row(f"{client}/secrets/{secret}/revoke", staff, admin, "already-revoked"),
        "disableClient": Row(f"{client}/disable", staff, admin, "already-disabled"),
        "referCase": Row(
            "/v1/referrals", staff, holder, "external-id-used", {**example, "external_id": "a", "title": "x"}
        ),
        "amendReferral": Row(declined, staff, holder, decided),
        "withdrawReferral": Row(f"{declined}/withdraw", staff, holder, decided),
        "extendReturnDate": Row(f"{declined}/extend", staff, holder, decided),
        "acceptReferral": Row(f"{declined}/accept", None, staff, decided),
        "askAboutReferral": Row(f"{declined}/ask", None, staff, decided),
        "declineReferral": Row(f"{declined}/decline", None, staff, decided),
        "admitNamedRepresentative": Row(f"/v1/cases/{case_id}/referral/admit-representative"),
        "shareSessionDates": Row(f"/v1/cases/{case_id}/referral/share-dates", staff),
    }


def _of_webhooks(house: House) -> dict[str, Row]:
    """The acts on a paused subscription, which only its owner sees."""
    owner = house.person("Sub Scriber")
    with guarded_by(house, letting(LOOPBACK)):
        made = owner.post("/v1/webhooks", {"url": f"http://{LOOPBACK}:9/"}).expect(201)
    path = f"/v1/webhooks/{made['id']}"
    delivery = f"{path}/deliveries/{owner.post(f'{path}/test').expect(200)['id']}"
    owner.patch(path, {"state": "paused"}, if_match="*").expect(200)
    return {
        "createWebhook": Row("/v1/webhooks"),
        "amendWebhook": Row(path),
        "removeWebhook": Row(path),
        "rotateWebhookSecret": Row(f"{path}/secret"),
        "testWebhook": Row(f"{path}/test", None, owner, "webhook-not-active"),
        "replayEvents": Row(f"{path}/replay", None, owner, "webhook-not-active", {}),
        "retryDelivery": Row(f"{delivery}/retry", None, owner, "webhook-not-active"),
    }


def _ended_token(person: Person) -> str:
    made = person.post("/v1/tokens", {"label": "x"}).expect(201)
    person.post(f"/v1/tokens/{made['id']}/revoke").expect(200)
    return str(made["id"])


def test_a_missing_capacity_is_refused_before_a_stale_tag_and_a_stale_tag_before_a_closed_step(world: World) -> None:
    table = rows(world)
    assert set(table) == set(ACTS)
    for id, row in table.items():
        operation = ACTS[id]
        body = operation.example if row.body is None else row.body
        stale = STALE if 412 in operation.statuses else {}

        def send(person: Person, headers: Json, of: Callable[..., Answer] = operation.send, at: Row = row) -> Answer:
            return of(person, at.path, json=body, headers=headers)  # noqa: B023 - called at once

        if row.forbidden is not None:
            assert 403 in operation.statuses, id
            send(row.forbidden, stale).expect(403)
        if row.allowed is None:
            continue
        assert 409 in operation.statuses, id
        if stale:
            send(row.allowed, stale).expect(412, "precondition-failed")
        fresh = (
            {"if-match": row.allowed.get(row.path).headers["etag"]} if operation.method in ("PATCH", "DELETE") else {}
        )
        send(row.allowed, fresh).expect(409, row.code)


ITEMS = (
    "service",
    "parties",
    "third-states",
    "consents",
    "sessions",
    "filings",
    "settlement/drafts",
    "settlement/signatures",
)


def test_an_item_of_another_case_answers_like_an_item_that_does_not_exist(world: World) -> None:
    mediating, other = world.open, world.settled
    compared = 0
    for collection in (*ITEMS, "events", "deadlines", "disclosures"):
        for item in mediating.registrar.get(f"{mediating.path}/{collection}").expect(200)["items"]:
            strange = other.registrar.get(f"{other.path}/{collection}/{item['id']}").expect(404)
            never = other.registrar.get(f"{other.path}/{collection}/{NOBODYS}").expect(404)
            assert strange | {"request_id": ""} == never | {"request_id": ""}
            compared += 1
    assert compared > 20
    for path, person in (
        (f"sessions/{world.ids['session']}/hold", other.mediator),
        (f"filings/{world.ids['filing']}/submit", other.requesting),
        (f"consents/{world.ids['consent']}/confirm", other.registrar),
    ):
        held = {"attendance": [{"name": "Mina", "capacity": "mediator"}]} if path.endswith("hold") else None
        person.post(f"{other.path}/{path}", held).expect(404, "not-found")
