"""The senders of webhooks: one worker or several, killed or restored; no event is sent twice at a time."""

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from app.integration.webhooks import outbox
from app.main import create_app
from app.operations.background.webhook_sender import WebhookSender
from app.operations.backup import back_up
from app.operations.restore import restore
from app.settings import Settings
from tests.background import worker
from tests.courts import court, program
from tests.installation import House, Person
from tests.receivers import LOOPBACK, Receiver, answers, guarded_by, letting, receiver, sender
from tests.request_bodies import REQUESTS
from tests.story import Dispute
from tests.webhooks import change, deliveries, path_of, retitle, subscribe


@pytest.fixture
def there() -> Iterator[Receiver]:
    """A receiver."""
    with receiver() as one:
        yield one


@pytest.fixture
def lodged(house: House) -> Iterator[Dispute]:
    """A case that both sides see, in a house that may send to this machine."""
    with guarded_by(house, letting(LOOPBACK)):
        dispute = Dispute(house)
        dispute.lodged()
        yield dispute


def test_the_background_worker_sends_an_event_as_soon_as_it_happens(lodged: Dispute, there: Receiver) -> None:
    subscribe(lodged.requesting, there.url)
    stop = threading.Event()
    thread = threading.Thread(target=worker(lodged.house).run, args=(stop,))
    thread.start()
    try:
        begun = time.monotonic()
        retitle(lodged, "Another")
        while not there.received and time.monotonic() < begun + 10:
            time.sleep(0.02)
    finally:
        stop.set()
        thread.join()
    assert there.received[0].at - begun < 5


def test_workers_that_run_at_once_send_each_event_once_and_in_order(lodged: Dispute, there: Receiver) -> None:
    others = [Dispute(lodged.house, f"{number}") for number in range(3)]
    for other in others:
        other.lodged()
    subscribe(lodged.registrar, there.url, types=["case-amended"])
    for number in range(6):
        for other in others:
            retitle(other, f"Title {number}")
    threads = [threading.Thread(target=sender(lodged.house).settle) for _sender in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(there.ids()) == len(set(there.ids())) == 18
    for other in others:
        mine = [event["data"]["seq"] for event in there.events() if event["data"]["case_id"] == other.case["id"]]
        assert mine == sorted(mine)


def test_the_event_that_a_killed_worker_was_sending_is_sent_again_with_the_same_id(
    lodged: Dispute, there: Receiver
) -> None:
    made, house = subscribe(lodged.requesting, there.url), lodged.house
    retitle(lodged, "Another")
    killed = sender(house)
    while not there.received:
        # This worker begins to send and never records the result.
        killed.turn()
        time.sleep(0.05)
        killed._collect = lambda: None  # type: ignore[method-assign]
    next_ = sender(house)
    next_.settle()
    assert len(there.received) == 1
    house.clock.pass_by(seconds=outbox.LEASE.total_seconds())
    next_.settle()
    assert there.ids() == [there.ids()[0]] * 2
    assert [delivery["state"] for delivery in deliveries(lodged.requesting, made)] == ["delivered"]


def test_receivers_that_hang_do_not_block_the_others(
    lodged: Dispute, there: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.operations.background.webhook_sender.SLOTS", 4)
    send = sender(lodged.house, seconds=0.8)
    with receiver(lambda _handler: time.sleep(2)) as hanging:
        for _more in range(6):
            subscribe(lodged.registrar, hanging.url, types=["case-amended"])
        retitle(lodged, "They are found to hang")
        send.settle()
        subscribe(lodged.requesting, there.url)
        lodged.house.clock.pass_by(seconds=5)
        for _turn in range(2):
            send.turn()
        retitle(lodged, "Another")
        begun = time.monotonic()
        send.settle()
    assert there.received[0].at - begun < 0.7


def test_a_court_receives_the_events_of_its_referral_that_it_may_read(house: House, there: Receiver) -> None:
    holder = program(house, court(house))
    with guarded_by(house, letting(LOOPBACK)):
        subscribe(holder, there.url)
        made = holder.post("/v1/referrals", REQUESTS["ReferralIn"]).expect(201)
        house.registrar.post(f"/v1/referrals/{made['id']}/accept").expect(200)
        sender(house).settle()
        about_referral = [event for event in there.events() if event["data"]["about"].get("referral_id") == made["id"]]
        assert [event["type"] for event in about_referral][:2] == ["referral-received", "referral-accepted"]
        feed = holder.get("/v1/events?limit=200").expect(200)["items"]
    assert [event for event in feed if event in about_referral] == about_referral


def test_a_restored_registry_sends_nothing_until_its_subscriptions_are_reactivated(
    lodged: Dispute, there: Receiver, without_tables: Settings, tmp_path: Path
) -> None:
    made, house = subscribe(lodged.requesting, there.url), lodged.house
    house.clock.now = datetime.now(UTC)
    there.behaves = answers(500)
    retitle(lodged, "Another")
    sender(house).settle()
    back_up(house.settings, tmp_path / "backup.zip", house.clock.now)
    restore(without_tables, tmp_path / "backup.zip", None, house.app.state.seams.sealer.unwrap, house.clock.now)
    app = create_app(without_tables.model_copy(update={"webhook_allowed": LOOPBACK}), house.clock)
    client = TestClient(app, base_url="http://accord.test", raise_server_exceptions=False)
    owner = Person("Olga", lodged.requesting.id, lodged.requesting.token, client, house.next_request_id)
    seams = app.state.seams
    restored = WebhookSender(seams, partial(seams.entropy, "sender"))
    there.behaves = answers(204)
    house.clock.pass_by(hours=1)
    restored.settle()
    assert len(there.received) == 1
    read = owner.get(path_of(made)).expect(200)
    assert (read["state"], read["reason"]) == ("paused", "restored")
    assert len(deliveries(owner, made, "&state=pending")) == 1
    change(owner, made, state="active")
    restored.settle()
    assert len(there.received) == 2
    assert there.ids()[0] == there.ids()[1]
    seams.database.dispose()


def test_late_deliveries_are_reported_and_the_service_stays_ready(lodged: Dispute, there: Receiver) -> None:
    house, send = lodged.house, sender(lodged.house)
    subscribe(lodged.requesting, there.url)
    retitle(lodged, "Another")
    # The delivery is queued and no worker sends it.
    send._gather(house.clock.now)
    house.clock.pass_by(seconds=59)
    assert house.client.get("/readyz").json()["checks"]["outbox"] == "ok"
    house.clock.pass_by(seconds=2)
    ready = house.client.get("/readyz")
    assert ready.status_code == 200
    assert ready.json()["checks"]["outbox"].startswith("late by 61 seconds")
    send.settle()
    assert house.client.get("/readyz").json()["checks"]["outbox"] == "ok"
