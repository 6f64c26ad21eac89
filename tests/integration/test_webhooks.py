"""Webhooks: each receiver gets the events its owner may read, signed and in order, and no receiver delays another."""

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from app.core.ledger import service as ledger
from app.core.ledger.acts import OPERATOR
from app.core.sealer import Sealer
from app.integration.webhooks.schedule import next_attempt, pause_until
from app.operations import keys
from tests.background import worker
from tests.courts import client, court, program
from tests.installation import House, Json
from tests.receivers import (
    LOOPBACK,
    Receiver,
    answers,
    drips,
    floods,
    garbage,
    guarded_by,
    letting,
    receiver,
    sender,
)
from tests.story import Dispute
from tests.webhooks import change, deliveries, path_of, retitle, subscribe

ELSEWHERE = {"elsewhere.example": ["93.184.215.14"]}


@pytest.fixture
def open_house(house: House) -> Iterator[House]:
    """A house that may send to this machine, at the present time, by which signatures are verified."""
    house.clock.now = datetime.now(UTC)
    with guarded_by(house, letting(LOOPBACK, names=ELSEWHERE)):
        yield house


@pytest.fixture
def there() -> Iterator[Receiver]:
    """A receiver."""
    with receiver() as one:
        yield one


@pytest.fixture
def lodged(open_house: House) -> Dispute:
    """A case that both sides see."""
    dispute = Dispute(open_house)
    dispute.lodged()
    return dispute


def test_deliveries_carry_the_events_of_the_feed_signed_and_with_their_ids(lodged: Dispute, there: Receiver) -> None:
    made = subscribe(lodged.requesting, there.url, description="Ours")
    assert made["secret"].startswith("whsec_")
    since = lodged.requesting.get("/v1/events?latest=true").expect(200)["next"]
    retitle(lodged, "O’Neill-Ní Dhomhnaill v 王小明")
    lodged.filing(lodged.requesting, "participants")
    sender(lodged.house).settle()
    feed = lodged.requesting.get(f"/v1/events?after={since}").expect(200)["items"]
    assert len(feed) >= 2
    assert there.events() == feed
    for request in there.received:
        assert request.verified(made["secret"])["id"] == request.headers["webhook-id"]
        assert request.headers["content-type"] == "application/cloudevents+json"
        assert request.headers["user-agent"].startswith("Accord")
        with pytest.raises(WebhookVerificationError):
            Webhook(made["secret"]).verify(request.body + b" ", request.headers)
    listed = deliveries(lodged.requesting, made)
    assert {item["state"] for item in listed} == {"delivered"}
    (attempt,) = listed[0]["attempts"]
    assert (attempt["status"], attempt["error"], attempt["body"]) == (204, None, None)
    sender(lodged.house).settle()
    assert len(there.received) == len(feed)


def test_only_events_of_the_subscribed_types_and_case_are_delivered(lodged: Dispute, there: Receiver) -> None:
    first = lodged.case["id"]
    subscribe(lodged.requesting, there.url, types=["case-amended"], case_id=first)
    retitle(lodged, "First")
    lodged.lodged()
    retitle(lodged, "Second")
    sender(lodged.house).settle()
    assert [(event["type"], event["data"]["case_id"]) for event in there.events()] == [("case-amended", first)]


def test_after_a_rotation_both_secrets_sign_for_a_day_and_then_only_the_newer(lodged: Dispute, there: Receiver) -> None:
    made = subscribe(lodged.requesting, there.url)
    second = lodged.requesting.post(f"{path_of(made)}/secret").expect(200)
    assert len(second["secrets"]) == 2
    secrets = [made["secret"], second["secret"]]
    send = sender(lodged.house)

    def accepted() -> list[bool]:
        retitle(lodged, f"Title {len(there.received)}")
        send.settle()
        request, valid = there.received[-1], []
        stamp = datetime.fromtimestamp(int(request.headers["webhook-timestamp"]), UTC)
        for secret in secrets:
            signature = Webhook(secret).sign(request.id, stamp, request.body.decode())
            valid.append(signature in request.headers["webhook-signature"].split(" "))
        return valid

    assert accepted() == [True, True]
    for secret in secrets:
        assert there.received[-1].verified(secret)
    lodged.house.clock.pass_by(hours=23, minutes=59)
    assert accepted() == [True, True]
    lodged.house.clock.pass_by(minutes=1)
    assert accepted() == [False, True]
    third = lodged.requesting.post(f"{path_of(made)}/secret").expect(200)
    fourth = lodged.requesting.post(f"{path_of(made)}/secret").expect(200)
    secrets += [third["secret"], fourth["secret"]]
    assert accepted() == [False, False, True, True]
    text = lodged.requesting.get(path_of(made)).response.text
    assert not any(secret in text for secret in secrets)
    for each in ("", "/secret"):
        body = {"url": there.url} if not each else None
        where = path_of(made) + each if each else "/v1/webhooks"
        lodged.requesting.post(where, body, idempotency_key="k").expect(422, "invalid")


def test_rotating_the_master_key_rewraps_the_secrets(
    lodged: Dispute, there: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, house, other = subscribe(lodged.requesting, there.url), lodged.house, Sealer(b"n" * 32)
    seams = house.app.state.seams
    monkeypatch.setattr("app.operations.keys._require_no_service", lambda _db: None)
    with house.database.write(seams.entropy("rotation")) as db:
        keys.rotate(db, house.clock.now, seams.sealer, other, OPERATOR)
        ledger.seal(db)
    house.app.state.seams = replace(seams, sealer=other)
    try:
        retitle(lodged, "Another")
        sender(house).settle()
    finally:
        house.app.state.seams = replace(house.app.state.seams, sealer=seams.sealer)
    assert there.received[-1].verified(made["secret"])


@pytest.mark.parametrize(("tries", "after"), list(enumerate((0, 5, 305, 2105, 9305, 27305, 63305, 99305))))
def test_the_retry_schedule_is_the_published_one(tries: int, after: int) -> None:
    first, now = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC)
    for done in range(1, tries + 1):
        again = next_attempt(done, first, now)
        assert again is not None
        now = again
    assert (now - first).total_seconds() == after


def test_after_the_schedule_a_delivery_is_tried_daily_until_five_days_have_passed() -> None:
    first = now = datetime(2026, 3, 1, tzinfo=UTC)
    tries, at = 1, [now]
    while (again := next_attempt(tries, first, now)) is not None:
        now, tries = again, tries + 1
        at.append(now)
    assert len(at) == 11
    assert [later - earlier for earlier, later in pairwise(at[7:])] == [timedelta(days=1)] * 3
    assert at[-1] <= first + timedelta(days=5) < at[-1] + timedelta(days=1)


def test_retry_after_is_read_in_seconds_or_as_a_date_within_bounds() -> None:
    now = datetime(2026, 3, 1, 12, tzinfo=UTC)
    table = {
        None: None,
        "120": now + timedelta(minutes=2),
        "0": None,
        "-5": None,
        "soon": None,
        "9" * 400: None,
        "86400": now + timedelta(hours=1),
        "Sun, 01 Mar 2026 12:30:00 GMT": now + timedelta(minutes=30),
        "Sun, 01 Mar 2026 11:30:00 GMT": None,
        "Sun, 01 Mar 2036 12:30:00 GMT": now + timedelta(hours=1),
    }
    for header, until in table.items():
        assert pause_until(header, now) == until, header


def test_a_failed_delivery_is_retried_by_the_schedule_with_the_same_id(lodged: Dispute, there: Receiver) -> None:
    made, clock, send = subscribe(lodged.requesting, there.url), lodged.house.clock, sender(lodged.house)
    there.behaves = answers(500, b"out of order")
    retitle(lodged, "Another")
    for pause in (0, 5, 300, 1800, 7200, 18000, 36000, 36000, 86400, 86400, 86400):
        clock.pass_by(seconds=pause - 1 if pause else 0)
        before = len(there.received)
        send.settle()
        assert len(there.received) == before + (0 if pause else 1)
        clock.pass_by(seconds=1 if pause else 0)
        send.settle()
    assert len(there.received) == 11
    clock.pass_by(days=30)
    send.settle()
    assert len(set(there.ids())) == 1 < len(there.received) == 11
    assert len({request.headers["webhook-timestamp"] for request in there.received}) == 11
    (given_up,) = deliveries(lodged.requesting, made, "&state=failed")
    assert (given_up["reason"], len(given_up["attempts"])) == ("given-up", 11)
    assert given_up["attempts"][0]["body"] == "out of order"
    there.behaves = answers(200, b"thanks")
    again = f"{path_of(made)}/deliveries/{given_up['id']}"
    assert lodged.requesting.post(f"{again}/retry").expect(200)["state"] == "pending"
    send.settle()
    assert lodged.requesting.get(again).expect(200)["state"] == "delivered"
    lodged.requesting.post(f"{again}/retry").expect(409, "delivery-state")


def test_within_a_case_a_later_event_waits_for_the_earlier_and_other_cases_continue(
    lodged: Dispute, there: Receiver
) -> None:
    other = Dispute(lodged.house, "b")
    other.lodged()
    made, send = subscribe(lodged.registrar, there.url, types=["case-amended"]), sender(lodged.house)
    there.once = [answers(500)]
    for number in range(3):
        retitle(lodged, f"First {number}")
    send.settle()
    assert len(there.received) == 1
    for number in range(2):
        retitle(other, f"Other {number}")
    send.settle()
    cases = [event["data"]["case_id"] for event in there.events()]
    assert cases == [lodged.case["id"], other.case["id"], other.case["id"]]
    assert len(deliveries(lodged.registrar, made, "&state=pending")) == 3
    lodged.house.clock.pass_by(seconds=5)
    send.settle()
    first = [event["data"]["seq"] for event in there.events() if event["data"]["case_id"] == lodged.case["id"]]
    assert first == [first[0], *sorted(first[1:])]
    assert len(first) == 4
    # Giving up a delivery releases the next one.
    there.behaves = answers(500)
    retitle(lodged, "Given up")
    retitle(lodged, "And the next")
    for _day in range(40):
        lodged.house.clock.pass_by(hours=12)
        send.settle()
    assert len(deliveries(lodged.registrar, made, "&state=failed")) == 2


def test_a_receiver_that_answers_gone_disables_its_subscription_until_the_owner_reactivates_it(
    lodged: Dispute, there: Receiver
) -> None:
    made, send = subscribe(lodged.requesting, there.url), sender(lodged.house)
    there.once = [answers(410)]
    retitle(lodged, "Another")
    retitle(lodged, "And another")
    send.settle()
    assert len(there.received) == 1
    read = lodged.requesting.get(path_of(made)).expect(200)
    assert (read["state"], read["reason"]) == ("disabled", "gone")
    for act in ("test", "replay"):
        lodged.requesting.post(f"{path_of(made)}/{act}", {} if act == "replay" else None).expect(
            409, "webhook-not-active"
        )
    events = lodged.registrar.get("/v1/events?limit=200").expect(200)["items"]
    assert [event["data"]["about"]["webhook_id"] for event in events if event["type"] == "webhook-disabled"] == [
        made["id"]
    ]
    changed = change(lodged.requesting, made, state="active")
    assert (changed["state"], changed["reason"]) == ("active", None)
    send.settle()
    assert len(there.received) == 2


def test_events_of_a_paused_subscription_are_delivered_after_the_pause(lodged: Dispute, there: Receiver) -> None:
    made, send = subscribe(lodged.requesting, there.url), sender(lodged.house)
    change(lodged.requesting, made, state="paused")
    for number in range(3):
        retitle(lodged, f"Title {number}")
    send.settle()
    assert not there.received
    change(lodged.requesting, made, state="active")
    send.settle()
    assert [event["type"] for event in there.events()] == ["case-amended"] * 3


@pytest.mark.parametrize("busy", [429, 503])
def test_a_receiver_that_asks_to_retry_later_is_not_called_before(lodged: Dispute, there: Receiver, busy: int) -> None:
    subscribe(lodged.requesting, there.url)
    send = sender(lodged.house)
    there.once = [answers(busy, retry_after="90")]
    retitle(lodged, "Another")
    send.settle()
    lodged.house.clock.pass_by(seconds=60)
    retitle(lodged, "And another")
    send.settle()
    assert len(there.received) == 1
    lodged.house.clock.pass_by(seconds=30)
    send.settle()
    assert len(there.received) == 3


def test_malformed_and_oversized_answers_count_as_failures(lodged: Dispute, there: Receiver) -> None:
    made, send = subscribe(lodged.requesting, there.url), sender(lodged.house, seconds=1)
    table = [
        (garbage, None, "not-http"),
        (drips, None, "timed-out"),
        (lambda handler: handler.connection.close(), None, "not-http"),
        (answers(302, location="http://127.0.0.1/"), 302, "redirect"),
        (answers(400, b"\x00no\xff"), 400, "refused"),
        (answers(200, b"x", content_encoding="gzip"), 200, None),
        (floods, 200, None),
    ]
    for behave, status, error in table:
        there.once = [behave]
        retitle(lodged, f"Title {status} {error} {len(there.received)}")
        begun = len(there.received)
        send.settle()
        assert len(there.received) == begun + 1
        attempts = [
            delivery["attempts"][-1] for delivery in deliveries(lodged.requesting, made) if delivery["attempts"]
        ]
        mine = [attempt for attempt in attempts if (attempt["status"], attempt["error"]) == (status, error)]
        assert mine, (behave, attempts)
        assert all(len(attempt["body"] or "") <= 1024 for attempt in attempts)
        assert all(attempt["duration_ms"] < 4000 for attempt in attempts)
        lodged.house.clock.pass_by(seconds=5)
        send.settle()
    assert not deliveries(lodged.requesting, made, "&state=pending")


def test_a_receiver_that_hangs_is_timed_out_and_delays_no_other(lodged: Dispute, there: Receiver) -> None:
    def hangs(_handler: object) -> None:
        time.sleep(6)

    with receiver(hangs) as hanging:
        bad = subscribe(lodged.requesting, hanging.url)
        subscribe(lodged.registrar, there.url)
        retitle(lodged, "Another")
        begun = time.monotonic()
        sender(lodged.house, seconds=1.5).settle()
        took = time.monotonic() - begun
    assert 1.4 < took < 4
    assert there.received[0].at - begun < 1.2
    (waiting,) = deliveries(lodged.requesting, bad)
    assert (waiting["state"], waiting["attempts"][0]["error"]) == ("pending", "timed-out")


def test_nothing_is_delivered_after_the_owners_access_ended(lodged: Dispute, there: Receiver) -> None:
    house = lodged.house
    counsel = house.person("Cora Unsel")
    representatives = lodged.representatives()
    admitted = lodged.admit_counsel(counsel)
    made, send = subscribe(counsel, there.url, types=["case-amended"]), sender(house)
    there.behaves = answers(500)
    retitle(lodged, "Before")
    send.settle()
    assert len(there.received) == 1
    lodged.requesting.post(f"{representatives}/{admitted['id']}/end").expect(200)
    retitle(lodged, "After")
    house.clock.pass_by(seconds=5)
    send.settle()
    house.clock.pass_by(days=1)
    send.settle()
    assert len(there.received) == 1
    (skipped,) = deliveries(counsel, made)
    assert (skipped["state"], skipped["reason"]) == ("skipped", "access-ended")


def test_nothing_is_delivered_to_a_disabled_person(lodged: Dispute, there: Receiver) -> None:
    house, send = lodged.house, sender(lodged.house)
    subscribe(lodged.requesting, there.url)
    program_ = client(house, court(house))
    holder = program(house, None, ["webhooks.manage"])
    assert program_["active"]
    subscribe(holder, there.url)
    retitle(lodged, "Another")
    house.admin.post(f"/v1/users/{lodged.requesting.id}/disable").expect(200)
    house.admin.post(f"/v1/clients/{holder.id}/disable").expect(200)
    send.settle()
    assert not there.received
    registry_events = house.registrar.get("/v1/events?limit=200").expect(200)["items"]
    assert len([event for event in registry_events if event["type"] == "webhook-disabled"]) == 2


def test_a_clients_subscription_is_its_own_and_needs_its_scope(open_house: House, there: Receiver) -> None:
    holder = program(open_house, court(open_house), ["webhooks.manage"])
    made = subscribe(holder, there.url)
    program(open_house, None, ["events.read"]).get("/v1/webhooks").expect(403, "insufficient-scope")
    others = program(open_house, None, ["webhooks.manage"])
    others.get(path_of(made)).expect(404)
    referring = program(open_house, None, ["webhooks.manage"])
    assert referring.get("/v1/webhooks").expect(200)["items"] == []


def test_a_test_event_is_signed_and_appears_in_no_feed(lodged: Dispute, there: Receiver) -> None:
    made, send = subscribe(lodged.requesting, there.url), sender(lodged.house)
    since = lodged.requesting.get("/v1/events?latest=true").expect(200)["next"]
    sent = lodged.requesting.post(f"{path_of(made)}/test").expect(200)
    lodged.requesting.post(f"{path_of(made)}/test").expect(409, "test-pending")
    send.settle()
    event = there.received[0].verified(made["secret"])
    assert (event["type"], event["id"]) == ("webhook-tested", sent["event_id"])
    assert event["data"] == {"webhook_id": made["id"]}
    done = lodged.requesting.get(f"{path_of(made)}/deliveries/{sent['id']}").expect(200)
    assert done["state"] == "delivered"
    assert lodged.requesting.get(f"/v1/events?after={since}").expect(200)["items"] == []


def test_a_replayed_range_is_delivered_in_order_with_its_original_ids(lodged: Dispute, there: Receiver) -> None:
    feed = [event["id"] for event in lodged.requesting.get("/v1/events?limit=200").expect(200)["items"]]
    made, send = subscribe(lodged.requesting, there.url), sender(lodged.house)
    retitle(lodged, "Another")
    send.settle()
    assert len(there.received) == 1
    replayed = lodged.requesting.post(f"{path_of(made)}/replay", {"after": feed[0], "until": feed[4]}).expect(200)
    assert replayed["replaying"]
    lodged.requesting.post(f"{path_of(made)}/replay", {}).expect(409, "replaying")
    send.settle()
    case = lodged.case["id"]
    again = [event for event in there.events()[1:] if event["data"]["case_id"] == case]
    assert [event_id["id"] for event_id in again] == [
        event for event in feed[1:5] if event in {each["id"] for each in again}
    ]
    assert sorted(there.ids()[1:]) == sorted(feed[1:5])
    assert not lodged.requesting.get(path_of(made)).expect(200)["replaying"]
    lodged.requesting.post(f"{path_of(made)}/replay", {}).expect(200)
    send.settle()
    assert set(there.ids()) >= set(feed)
    assert len(there.ids()) == 1 + 4 + len(feed) + 1
    for wrong in ({"after": made["id"]}, {"until": made["id"]}, {"after": feed[3], "until": feed[3]}):
        lodged.requesting.post(f"{path_of(made)}/replay", wrong).expect(422, "invalid")
    hidden = lodged.responding.get("/v1/events?limit=200").expect(200)["items"]
    theirs = [event_id["id"] for event_id in hidden if event_id["id"] not in feed]
    for id in theirs:
        lodged.requesting.post(f"{path_of(made)}/replay", {"after": id}).expect(422, "invalid")


def test_a_stranger_cannot_find_the_subscriptions_of_others(lodged: Dispute, there: Receiver) -> None:
    made, send = subscribe(lodged.requesting, there.url), sender(lodged.house)
    retitle(lodged, "Another")
    send.settle()
    (delivery,) = deliveries(lodged.requesting, made)
    where = f"{path_of(made)}/deliveries/{delivery['id']}"
    other = subscribe(lodged.responding, there.url)
    lodged.responding.get(f"{path_of(other)}/deliveries/{delivery['id']}").expect(404, "not-found")
    for person in (lodged.responding, lodged.registrar, lodged.house.admin):
        for read in (path_of(made), f"{path_of(made)}/deliveries", where):
            person.get(read).expect(404, "not-found")
        for act in (f"{path_of(made)}/test", f"{path_of(made)}/secret", f"{where}/retry"):
            person.post(act).expect(404, "not-found")
        person.post(f"{path_of(made)}/replay", {}).expect(404, "not-found")
        person.patch(path_of(made), {"state": "paused"}, if_match="*").expect(404, "not-found")
        person.send("DELETE", path_of(made), headers={"if-match": "*"}).expect(404, "not-found")
        assert made["id"] not in person.get("/v1/webhooks").response.text


def test_a_removed_subscription_delivers_nothing_and_leaves_nothing(lodged: Dispute, there: Receiver) -> None:
    made, send = subscribe(lodged.requesting, there.url), sender(lodged.house)
    retitle(lodged, "Another")
    lodged.requesting.send("DELETE", path_of(made)).expect(428, "precondition-required")
    lodged.requesting.send("DELETE", path_of(made), headers={"if-match": '"stale"'}).expect(412)
    tag = lodged.requesting.get(path_of(made)).headers["etag"]
    lodged.requesting.send("DELETE", path_of(made), headers={"if-match": tag}).expect(204)
    lodged.requesting.get(path_of(made)).expect(404)
    send.settle()
    assert not there.received


def test_wrong_input_is_refused_with_the_place_of_the_fault(lodged: Dispute, there: Receiver) -> None:
    right = {"url": there.url}
    table: list[tuple[Json, str]] = [
        ({}, "/url"),
        ({"url": 7}, "/url"),
        ({"url": "https://x"}, "/url"),
        ({"url": "https://elsewhere.example/" + "x" * 2000}, "/url"),
        ({**right, "types": ["no-such-type"]}, "/types"),
        ({**right, "types": ["webhook-tested"]}, "/types"),
        ({**right, "types": ["step-taken", "step-taken"]}, "/types"),
        ({**right, "case_id": "x"}, "/case_id"),
        ({**right, "case_id": "00000000-0000-4000-8000-00000000dead"}, "/case_id"),
        ({**right, "description": ""}, "/description"),
        ({**right, "description": "two\nlines"}, "/description"),
        ({**right, "more": 1}, "/more"),
    ]
    for body, pointer in table:
        refused = lodged.requesting.post("/v1/webhooks", body).expect(422, "invalid")
        assert [fault["pointer"] for fault in refused["errors"]] == [pointer], body
    made = subscribe(lodged.requesting, there.url)
    stranger = lodged.house.person("Stan Ranger")
    stranger.post("/v1/webhooks", {**right, "case_id": lodged.case["id"]}).expect(422, "invalid")
    for wrong in ({}, {"url": None}, {"state": "disabled"}, {"types": None}, {"url": "ftp://elsewhere.example/"}):
        lodged.requesting.patch(path_of(made), wrong, if_match="*").expect(422, "invalid")
    lodged.requesting.get(f"{path_of(made)}/deliveries?state=lost").expect(422, "invalid")
    for _more in range(19):
        subscribe(lodged.requesting, there.url)
    lodged.requesting.post("/v1/webhooks", right).expect(409, "too-many-webhooks")


def test_caucus_events_reach_no_receiver_of_others(lodged: Dispute, there: Receiver) -> None:
    dispute = Dispute(lodged.house, "c")
    dispute.mediating()
    people = {
        "responding": dispute.responding,
        "registrar": dispute.registrar,
        "admin": dispute.house.admin,
        "stranger": dispute.house.person("Stan Ranger"),
        "own": dispute.requesting,
    }
    with receiver() as confidant:
        for who, person in people.items():
            subscribe(person, confidant.url if who == "own" else there.url)
        filing = dispute.filing(dispute.requesting, "caucus", "requesting", text="A canary sings of pumps.")
        day = (dispute.house.clock.now + timedelta(days=30)).date().isoformat()
        times = {"starts_at": f"{day}T10:00", "ends_at": f"{day}T12:00"}
        session = dispute.session("caucus", "requesting", title="Canary in the mine", **times)
        sender(dispute.house).settle()
    assert {event["type"] for event in confidant.events()} >= {"filing-submitted", "session-scheduled"}
    everything = b"".join(request.body for request in (*there.received, *confidant.received)).decode()
    for word in ("canary", "Canary", "pumps"):
        assert word not in everything
    assert there.received
    for item in (filing, session):
        assert any(item["id"] in str(event) for event in confidant.events())
        assert not any(item["id"] in str(event) for event in there.events())


def test_a_failed_act_is_announced_to_nobody(lodged: Dispute, there: Receiver) -> None:
    dispute = Dispute(lodged.house, "c")
    text = dispute.frozen()
    subscribe(dispute.requesting, there.url)
    dispute.sign(dispute.responding, "requesting", text).expect(403)
    dispute.sign(dispute.requesting, "requesting", {**text, "sha256": "0" * 64}).expect(409)
    dispute.step(dispute.registrar, "screen").expect(409)
    sender(dispute.house).settle()
    assert not there.received
    dispute.sign(dispute.requesting, "requesting", text).expect(201)
    sender(dispute.house).settle()
    for event in there.events():
        dispute.requesting.get(f"{dispute.path}/events/{event['id']}").expect(200)


def test_the_queue_of_a_receiver_is_bounded_and_loses_nothing(
    lodged: Dispute, there: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.integration.webhooks.feed_collection.MOST_PENDING", 4)
    made, send = subscribe(lodged.requesting, there.url, types=["case-amended"]), sender(lodged.house)
    there.behaves = answers(500)
    for number in range(10):
        retitle(lodged, f"Title {number}")
    send.settle()
    assert len(deliveries(lodged.requesting, made)) == 4
    there.behaves = answers(204)
    lodged.house.clock.pass_by(seconds=5)
    send.settle()
    assert len(set(there.ids())) == 10
    seqs = [event["data"]["seq"] for event in there.events()[1:]]
    assert seqs == sorted(seqs)


def test_old_finished_deliveries_are_removed(lodged: Dispute, there: Receiver) -> None:
    made = subscribe(lodged.requesting, there.url)
    retitle(lodged, "Another")
    sender(lodged.house).settle()
    lodged.house.clock.pass_by(days=29)
    assert worker(lodged.house).round()["forgotten-delivery"] == 0
    lodged.house.clock.pass_by(days=2)
    assert worker(lodged.house).round()["forgotten-delivery"] == 1
    assert deliveries(lodged.requesting, made) == []
