"""A simulated court that misbehaves as real courts do misses nothing in the end, and each thing it missed is named."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from sqlalchemy import update

from app.core.paging import Cursors
from app.core.tables.institution import Institution
from app.integration.client import Accord, Timing
from app.integration.court_in_a_box.receiver import MOST_BYTES, Receiver
from app.integration.court_in_a_box.simulated_court import ODDITIES, BadOrder, SimulatedCourt
from app.integration.court_in_a_box.store import Store
from app.integration.webhooks.schedule import DELAYS
from app.settings import Settings
from tests.courts import client, court
from tests.installation import House, Json
from tests.processes import accord, served
from tests.receivers import LOOPBACK, guarded_by, letting, sender
from tests.webhooks import SECRET, signed_headers

SECONDS_OF_AN_ATTEMPT = 0.5


@dataclass
class Wired:
    """A simulated court connected to the house, and the registry's acts on its referrals."""

    house: House
    court: SimulatedCourt
    door: Receiver

    def obey(self, *orders: str) -> list[str]:
        """Give the court commands; gives the result of each."""
        return [self.court.obey(order) for order in orders]

    def decide(self, act: str = "accept", body: Json | None = None, number: int = -1) -> None:
        """The registry's act on a referral, by default the last."""
        referral = self.court.store.referrals()[number]
        self.house.registrar.post(f"/v1/referrals/{referral.id}/{act}", body).expect(200)

    def send(self) -> None:
        """Send the deliveries that are due."""
        sender(self.house, SECONDS_OF_AN_ATTEMPT).settle()

    def send_by_the_schedule(self) -> None:
        """Send the deliveries that are due, and again as time passes, until the retry schedule is used up."""
        for delay in DELAYS:
            self.house.clock.now += delay
            self.send()

    @contextmanager
    def through(self) -> Iterator[str]:
        """The address at which the court accepts commands."""
        with Receiver(self.court, orders=True) as orders:
            yield orders.url


def court_of(house: House, store: str = ":memory:", made: Json | None = None) -> SimulatedCourt:
    """A simulated court that reaches the house, on its clock, with the credentials of an API client."""
    made = made or client(house, court(house))
    clock, waits = house.clock, house.clock.pass_by

    def sleep(seconds: float) -> None:
        waits(seconds=seconds)

    def time() -> float:
        return clock().timestamp()

    who = (made["id"], made["client_secret"])
    reached = Accord("http://accord.test", *who, http=house.client, timing=Timing(time, sleep))
    return SimulatedCourt(reached, Store(store), Timing(time, sleep))


@pytest.fixture
def wired(house: House) -> Iterator[Wired]:
    """A court that receives every event by webhook and by the feed."""
    wired_court = court_of(house)
    with guarded_by(house, letting(LOOPBACK)), Receiver(wired_court) as door:
        wired_court.door = door
        wired_court.subscribe(door.url)
        yield Wired(house, wired_court, door)
        wired_court.store.close()


def test_after_scripted_misbehaviour_the_court_and_accord_agree(wired: Wired) -> None:
    wired.obey("refer 2", "repeat 2")
    wired.send()
    for misbehaves in ("fail 3", "garbage 2", "hang 1", "duplicate 2"):
        wired.obey(misbehaves, "refer")
        wired.decide()
        wired.send_by_the_schedule()
    wired.obey("late 2", "refer", "rotate")
    wired.decide("ask", {"lacks": ["order"]})
    wired.send()
    wired.obey("late 0", "down", "refer")
    wired.decide("decline", {"reason": "outside-scheme"})
    wired.send()
    wired.house.clock.pass_by(seconds=5)
    wired.send()
    wired.obey("up", "repeat 9")
    wired.send_by_the_schedule()
    assert wired.obey("settle 0", "reconcile") == ["settle: done", "reconcile: no difference"]
    state = wired.court.state()
    assert state["referrals"] == {"accepted": 4, "declined": 1, "more-asked": 1, "received": 2}
    # Events before the subscription came only by the feed.
    alone = [event.type for event in wired.court.store.events() if event.by_webhook is None]
    assert (state["by_feed"], state["by_webhook"]) == (state["events"], state["events"] - len(alone))
    assert (alone, state["events"]) == (["institution-founded", "signing-key-renewed"], 16)
    assert (state["duplicates"], state["not_signed"]) == (2, 0)
    assert not any(state[mood] for mood in ODDITIES)


def test_an_event_that_the_court_lost_is_named(wired: Wired) -> None:
    wired.obey("refer 2", "read")
    wired.decide()
    wired.obey("lose 1")
    wired.send()
    (line,) = wired.court.reconcile()
    assert line.endswith("came by the feed, and by no webhook.")
    assert [event.by_webhook for event in wired.court.store.events() if event.id in line] == [None]
    withheld = next(event for event in wired.court.store.events() if event.type == "referral-accepted")
    wired.court.store.forget(withheld.id)
    report = wired.court.reconcile()
    assert f"Event {withheld.id} (referral-accepted) is in Accord's feed, and never came." in report


def test_a_referral_that_the_court_recorded_wrongly_is_named(wired: Wired) -> None:
    wired.obey("refer 3")
    wired.decide()
    wired.obey("read")
    first, second, third = wired.court.store.referrals()
    wired.court.store.see({**(third.seen or {}), "state": "received"})
    wired.court.store.set_note("cursor", wired.court.accord.latest())
    assert wired.court.accord.amend(str(first.id), {"title": "Another"})["title"] == "Another"
    wired.court.accord.refer({**second.sent, "external_id": "OTHER-1"})
    wired.court.store.write("HC-000009", {**second.sent, "external_id": "HC-000009"})
    wired.send()
    report = wired.court.reconcile()
    assert report == [
        "Referral OTHER-1: Accord has it, and this court has no record of it.",
        f"Referral {first.external_id}: 'title' is {first.sent['title']!r} here and 'Another' at Accord.",
        f"Referral {third.external_id}: 'state' is 'received' here and 'accepted' at Accord.",
        "Referral HC-000009: Accord does not have it.",
    ]


def test_an_order_that_the_court_did_not_store_is_named(house: House) -> None:
    court_run = court_of(house)
    court_run.store.set_note("subscribed_after", court_run.accord.latest())
    court_run.refer()
    referral = court_run.store.referrals()[0]
    house.registrar.post(f"/v1/referrals/{referral.id}/accept").expect(200)
    events = court_run.accord.feed().items
    assert len(events) >= 2
    for event in reversed(events):
        court_run.store.keep(event, "webhook")
    report = court_run.reconcile()
    assert any(f"Event {events[1]['id']}" in line and "came by webhooks before" in line for line in report)
    assert not any("by the feed before" in line for line in report)


def test_a_referral_stored_before_a_crash_is_sent_once_afterwards(house: House, tmp_path: Path) -> None:
    made, path = client(house, court(house)), str(tmp_path / "court.db")
    before = court_of(house, path, made)
    sent = before.refer()
    before.store.write("HC-000002", {**before.store.referrals()[0].sent, "external_id": "HC-000002"})
    before.store.close()
    after = court_of(house, path, made)
    assert (after.send_unsent(), after.send_unsent()) == (1, 0)
    assert after.refer()["external_id"] == "HC-000003"
    assert after.reconcile() == []
    assert after.store.referrals()[0].id == sent["id"]
    after.store.close()


def test_after_a_restore_the_court_reads_the_feed_from_the_beginning(house: House) -> None:
    court_run = court_of(house)
    court_run.refer()
    court_run.catch_up()
    epoch = update(Institution).values(epoch=Institution.epoch + 1)
    house.database.in_transaction(lambda db: db.execute(epoch), lambda length: b"0" * length)
    object.__setattr__(house.app.state.seams, "cursors", Cursors())
    court_run.refer()
    assert court_run.reconcile() == []
    events = court_run.store.events()
    assert sorted(event.by_feed or 0 for event in events) == list(range(1, len(events) + 1))
    assert sum(event.type == "referral-received" for event in events) == 2


def test_the_court_takes_commands_over_http_and_reports_its_state(wired: Wired) -> None:
    with wired.through() as url:
        assert httpx.post(url, content="refer 2\nfail 1\n\nlate 1.5").text == (
            "refer: HC-000001, HC-000002\nfail: done\nlate: done\n"
        )
        state = httpx.get(url).json()
        assert (state["fail"], state["late"], state["referrals"]) == (1, 1.5, {"received": 2})
        wrong = httpx.post(url, content="repeat 1\nbribe 3")
        assert wrong.status_code == 400
        assert wrong.text.startswith("repeat: 1 sent again\nUnknown order 'bribe'.")
    for order in ("", "bribe", "fail often", "fail -1"):
        with pytest.raises(BadOrder):
            wired.court.obey(order)


def test_the_court_accepts_only_deliveries_signed_for_its_subscription(wired: Wired) -> None:
    body = json.dumps({"id": "e-1", "type": "referral-received", "data": {}}).encode()
    headers = signed_headers(body, wired.house.clock().timestamp(), SECRET)
    assert httpx.post(wired.door.url, content=body, headers=headers).status_code == 401
    assert httpx.post(wired.door.url, content=b"x" * (MOST_BYTES + 1)).status_code == 413
    assert wired.court.store.events() == []
    assert wired.court.state()["not_signed"] == 1


def test_a_court_that_unsubscribes_receives_nothing_more(wired: Wired) -> None:
    wired.court.unsubscribe()
    wired.obey("refer", "read")
    wired.send()
    assert [event.webhooks for event in wired.court.store.events() if event.type == "referral-received"] == [0]
    assert wired.court.reconcile() == []
    wired.court.subscribe(wired.door.url)
    wired.obey("refer")
    wired.send()
    assert wired.obey("settle 0") == ["settle: done"]
    assert wired.court.state()["by_webhook"] == 1


def test_secrets_can_be_rotated_while_events_are_being_delivered(wired: Wired) -> None:
    wired.obey("refer", "rotate")
    wired.send()
    wired.house.clock.now += timedelta(hours=25)
    wired.obey("refer", "rotate", "refer")
    wired.send()
    assert wired.court.state()["not_signed"] == 0
    assert wired.court.state()["by_webhook"] == 3


@pytest.mark.slow
def test_the_command_runs_a_court_and_its_exit_code_says_whether_both_agree(
    house: House, settings: Settings, tmp_path: Path
) -> None:
    made = client(house, court(house))
    secret = tmp_path / "secret"
    secret.write_text(f"client_id={made['id']}\nclient_secret={made['client_secret']}\n")
    script = tmp_path / "script"
    script.write_text("# A morning\nrefer 3\nduplicate 1\nrepeat 3\nrotate\n")
    store = tmp_path / "court.db"
    with served(settings, ACCORD_WEBHOOK_ALLOWED=LOOPBACK) as service:
        words = ["court", "--base-url", service.base_url, "--client-id", made["id"], "--store", str(store)]
        words += ["--client-secret-file", str(secret)]
        ran = accord(settings, *words, "--port", "0", "--script", str(script), "--stream", "60", "--do", "wait 2")
        assert (ran.returncode, ran.stdout.splitlines()[-1]) == (0, "The court and Accord agree."), ran
        with sqlite3.connect(store) as kept:
            (lost,) = kept.execute("SELECT id FROM events WHERE type = 'referral-received' LIMIT 1").fetchone()
            kept.execute("DELETE FROM events WHERE id = ?", (lost,))
        ran = accord(settings, *words, "--do", "refer")
        assert ran.returncode == 1, ran
        assert f"Event {lost} (referral-received) is in Accord's feed, and never came." in ran.stdout
        ran = accord(settings, *words, "--do", "bribe")
        assert (ran.returncode, "Unknown order 'bribe'" in ran.stderr) == (1, True), ran
        secret.write_text("wrong")
        ran = accord(settings, *words, "--do", "refer")
        assert (ran.returncode, "invalid_client" in ran.stderr) == (1, True), ran
