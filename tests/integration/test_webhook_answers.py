"""What counts as an answer of a receiver, what tells attempts and replays apart, and what a recovery sets in motion."""

import threading
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler

import pytest

from app.integration.webhooks import schedule
from tests.installation import House
from tests.receivers import LOOPBACK, Behaviour, Receiver, answers, floods, guarded_by, letting, receiver, sender
from tests.story import Dispute, request
from tests.webhooks import deliveries, path_of, retitle, subscribe


@pytest.fixture
def there(house: House) -> Iterator[Receiver]:
    """A receiver that the operator allows."""
    with guarded_by(house, letting(LOOPBACK)), receiver() as target:
        yield target


@pytest.fixture
def lodged(dispute: Dispute) -> Dispute:
    """A case whose title its requesting side may still change."""
    dispute.opened()
    return dispute


def endless(handler: BaseHTTPRequestHandler) -> None:
    """Accept, and never end the body."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
    try:
        while True:
            handler.wfile.write(b"1\r\nA\r\n")
            time.sleep(0.05)
    except OSError:
        return


def in_one_piece(handler: BaseHTTPRequestHandler) -> None:
    """Accept with a head and 70,000 bytes that leave together."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\ncontent-length: 70000\r\n\r\n" + b"A" * 70_000)


def broken_off(handler: BaseHTTPRequestHandler) -> None:
    """Accept, and break off the body."""
    handler.wfile.write(b"HTTP/1.1 202 Accepted\r\ncontent-length: 500\r\n\r\nonly this")
    handler.close_connection = True


def malformed(handler: BaseHTTPRequestHandler) -> None:
    """Accept, with a body that is no chunked body."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nno chunk at all\r\n\r\n")
    handler.close_connection = True


@pytest.mark.parametrize("behave", [endless, in_one_piece, floods, broken_off, malformed])
def test_a_receiver_has_accepted_once_its_head_says_so(lodged: Dispute, there: Receiver, behave: Behaviour) -> None:
    made, send = subscribe(lodged.requesting, there.url), sender(lodged.house, seconds=4)
    there.once = [behave]
    retitle(lodged, "Another")
    began = time.monotonic()
    send.settle()
    (delivery,) = deliveries(lodged.requesting, made)
    (attempt,) = delivery["attempts"]
    assert (delivery["state"], attempt["error"], len(there.received)) == ("delivered", None, 1)
    assert attempt["status"] in (200, 202)
    # The rest of the body is not waited for.
    assert time.monotonic() - began < 3.5


def test_attempts_are_numbered_in_their_header_and_in_the_list(lodged: Dispute, there: Receiver) -> None:
    made, send = subscribe(lodged.requesting, there.url), sender(lodged.house)
    there.once = [answers(500), answers(500)]
    retitle(lodged, "Another")
    for seconds in (0, 5, 300):
        lodged.house.clock.pass_by(seconds=seconds)
        send.settle()
    (delivery,) = deliveries(lodged.requesting, made)
    assert [request.headers["webhook-attempt"] for request in there.received] == ["1", "2", "3"]
    assert [attempt["number"] for attempt in delivery["attempts"]] == [1, 2, 3]
    assert {request.headers["webhook-delivery"] for request in there.received} == {delivery["id"]}


def test_each_replay_of_an_event_is_a_delivery_of_its_own(lodged: Dispute, there: Receiver) -> None:
    made, send = subscribe(lodged.requesting, there.url), sender(lodged.house)
    retitle(lodged, "Another")
    send.settle()
    (first,) = deliveries(lodged.requesting, made)
    only = {"after": previous_of(lodged, first["event_id"]), "until": first["event_id"]}
    for _attempt in range(2):
        lodged.requesting.post(f"{path_of(made)}/replay", only).expect(200)
        send.settle()
    listed = deliveries(lodged.requesting, made)
    assert [delivery["event_id"] for delivery in listed] == [first["event_id"]] * 3
    assert len({delivery["id"] for delivery in listed}) == 3
    assert first in listed
    assert there.ids() == [first["event_id"]] * 3
    assert {request.headers["webhook-delivery"] for request in there.received} == {item["id"] for item in listed}


def previous_of(dispute: Dispute, event_id: str) -> str:
    """The event before another in the requesting side's feed."""
    ids = [event["id"] for event in dispute.requesting.get("/v1/events?limit=200").expect(200)["items"]]
    return str(ids[ids.index(event_id) - 1])


def test_a_replay_sends_what_waits_at_once(lodged: Dispute, there: Receiver) -> None:
    made, send = subscribe(lodged.requesting, there.url), sender(lodged.house)
    there.behaves = answers(500)
    retitle(lodged, "Another")
    for hours in (0, 0.1, 0.6, 2.1, 5.1, 10.1):
        lodged.house.clock.pass_by(hours=hours)
        send.settle()
    there.behaves = answers(204)
    (waiting,) = deliveries(lodged.requesting, made)
    assert waiting["state"] == "pending"
    only = {"after": previous_of(lodged, waiting["event_id"]), "until": waiting["event_id"]}
    lodged.requesting.post(f"{path_of(made)}/replay", only).expect(200)
    send.settle()
    (delivered,) = deliveries(lodged.requesting, made)
    assert (delivered["id"], delivered["state"]) == (waiting["id"], "delivered")


def test_the_first_success_after_failures_sends_what_waits_for_the_receiver(house: House, there: Receiver) -> None:
    owner, send = house.person("Olga Strand"), sender(house)
    made = subscribe(owner, there.url)
    there.behaves = answers(503)
    waiting = owner.post("/v1/cases", request()).expect(201)
    owner.patch(f"/v1/cases/{waiting['id']}", {"title": "Another"}, if_match="*").expect(200)
    for hours in (0, 0.1, 0.6, 2.1, 5.1, 10.1):
        house.clock.pass_by(hours=hours)
        send.settle()
    there.behaves = answers(204)
    there.received.clear()
    house.clock.pass_by(minutes=20)
    send.settle()
    assert there.received == []
    owner.post("/v1/cases", request()).expect(201)
    send.settle()
    assert {delivery["state"] for delivery in deliveries(owner, made)} == {"delivered"}
    later, *others = (event["data"]["case_id"] for event in there.events())
    assert (later != waiting["id"], others) == (True, [waiting["id"]] * 2)
    order = [event["id"] for event in owner.get("/v1/events?limit=200").expect(200)["items"]]
    assert there.ids()[1:] == sorted(there.ids()[1:], key=order.index)


def test_what_waits_is_sent_soon_after_its_owner_resumes_the_subscription(lodged: Dispute, there: Receiver) -> None:
    owner, send = lodged.requesting, sender(lodged.house)
    made = subscribe(owner, there.url)
    there.behaves = answers(500)
    retitle(lodged, "Another")
    for hours in (0, 0.1, 0.6, 2.1, 5.1, 10.1):
        lodged.house.clock.pass_by(hours=hours)
        send.settle()

    def change(state: str) -> None:
        owner.patch(path_of(made), {"state": state}, if_match="*").expect(200)
        send.settle()

    there.behaves = answers(204)
    there.received.clear()
    lodged.house.clock.pass_by(minutes=20)
    # Already active: nothing says that the receiver is back.
    change("active")
    change("paused")
    assert there.received == []
    change("active")
    assert [delivery["state"] for delivery in deliveries(owner, made)] == ["delivered"]


NOW = datetime.fromisoformat("2026-03-02T09:00:00+00:00")


@pytest.mark.parametrize(
    ("number", "tries", "hours_ago", "seconds"),
    [(0, 7, 9, 0), (19, 7, 9, 0), (20, 7, 9, 1), (999, 0, None, 49), (0, 3, 0, 180), (0, 100, 0, 3600)],
)
def test_after_a_recovery_sending_is_bounded_in_rate(
    number: int, tries: int, hours_ago: int | None, seconds: int
) -> None:
    last_at = None if hours_ago is None else NOW - timedelta(hours=hours_ago)
    assert schedule.after_recovery(number, tries, last_at, NOW) == NOW + timedelta(seconds=seconds)


def test_a_sender_that_stops_records_the_attempts_that_end_shortly_after(lodged: Dispute, there: Receiver) -> None:
    arrived = threading.Event()

    def slowly(handler: BaseHTTPRequestHandler) -> None:
        arrived.set()
        time.sleep(0.7)
        answers(204)(handler)

    made, send, stop = subscribe(lodged.requesting, there.url), sender(lodged.house), threading.Event()
    there.behaves = slowly
    retitle(lodged, "Another")
    thread = threading.Thread(target=send.run, args=(stop,))
    thread.start()
    assert arrived.wait(10)
    stop.set()
    thread.join(10)
    assert not thread.is_alive()
    (delivery,) = deliveries(lodged.requesting, made)
    assert (delivery["state"], len(delivery["attempts"])) == ("delivered", 1)


def test_a_sender_that_stops_does_not_wait_for_a_receiver_that_hangs(lodged: Dispute, there: Receiver) -> None:
    arrived = threading.Event()

    def hangs(_handler: BaseHTTPRequestHandler) -> None:
        arrived.set()
        time.sleep(6)

    made, send, stop = subscribe(lodged.requesting, there.url), sender(lodged.house), threading.Event()
    there.behaves = hangs
    retitle(lodged, "Another")
    thread = threading.Thread(target=send.run, args=(stop,))
    thread.start()
    assert arrived.wait(10)
    stop.set()
    thread.join(4)
    assert not thread.is_alive()
    assert [delivery["state"] for delivery in deliveries(lodged.requesting, made)] == ["pending"]
