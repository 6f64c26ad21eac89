"""The simulated court: refers cases, receives events, reads referrals, and misbehaves when ordered."""

import threading
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Protocol

from app.integration.client import (
    Accord,
    CursorGone,
    Json,
    NotSigned,
    RequestRefused,
    ServiceUnreachable,
    Timing,
    verified,
)
from app.integration.court_in_a_box.reconciliation import differences
from app.integration.court_in_a_box.store import SentReferral, Store

# Ways to mistreat the next webhooks, each as often as ordered.
ODDITIES = ("fail", "garbage", "hang", "duplicate", "lose")
TAKEN, NOT_SIGNED, FAILED, GARBAGE, HANGS = "taken", "not-signed", "failed", "garbage", "hangs"
TEST_EVENT = "webhook-tested"
ORDERS = """refer [N]      refer N new cases
repeat [N]     send the last N referrals again, under new idempotency keys
read           read the feed to its end
rotate         get a new secret for the webhook
late SECONDS   answer each webhook after a delay (0 to end the delay)
fail N         answer the next N webhooks with an error
garbage N      answer the next N webhooks with bytes that are not HTTP
hang N         do not answer the next N webhooks
duplicate N    accept the next N webhooks and answer with an error, so that they are sent again
lose N         answer the next N webhooks as accepted, and forget them
down           close the port
up             open the port again
wait SECONDS   do nothing for this time
settle SECONDS wait until each event has come by webhook and by the feed, at most this time
reconcile      compare the court's notes with Accord"""
DAYS_TO_RETURN = 120
SECONDS_BETWEEN_LOOKS = 0.2
PARTIES = (
    ("Ilmar Water", "Tarvand Dams"),
    ("Port Sable Shipyard", "Kesh Steel"),
    ("Orun Ferries", "Delta Insurance"),
    ("Soli Textiles", "Lowland Cotton"),
)


class Door(Protocol):
    """A port on which the court listens."""

    @property
    def url(self) -> str:
        """Its URL on this machine."""

    def open(self) -> None:
        """Start to listen."""

    def close(self) -> None:
        """Stop listening."""


class BadOrder(Exception):
    """The court does not understand an order."""


class SimulatedCourt:
    """A court with its notes and its client of Accord; `name` is the prefix of its referrals' ids."""

    def __init__(
        self,
        accord: Accord,
        store: Store,
        timing: Timing,
        name: str = "HC",
    ) -> None:
        self.accord = accord
        self.store = store
        self.name = name
        # The ports for webhooks and for orders.
        self.door: Door | None = None
        self.desk: Door | None = None
        self.late = 0.0
        self.oddities = dict.fromkeys(ODDITIES, 0)
        self.not_signed = 0
        self.repeated_otherwise: list[str] = []
        self._clock, self._sleep = timing.clock, timing.sleep
        self._storing, self._choosing = threading.Lock(), threading.Lock()

    # Referrals

    def refer(self) -> Json:
        """Refer a new case."""
        with self._storing:
            number = len(self.store.referrals()) + 1
            external_id = f"{self.name}-{number:06d}"
            sent = self._case(number, external_id)
            self.store.write(external_id, sent)
        return self._send(sent)

    def send_unsent(self) -> int:
        """Send the referrals that have no answer yet; return how many."""
        unsent = [referral for referral in self.store.referrals() if referral.id is None]
        for referral in unsent:
            self._send(referral.sent)
        return len(unsent)

    def repeat(self, number: int) -> int:
        """Send the last referrals again, as after a crash; each must remain the same referral. Return how many."""
        last = [referral for referral in self.store.referrals() if referral.id is not None][-number:] if number else []
        for referral in last:
            if self._send(referral.sent)["id"] != referral.id:
                self.repeated_otherwise.append(referral.external_id)
        return len(last)

    def _send(self, sent: Json) -> Json:
        referral = self.accord.refer(sent)
        self.store.see(referral)
        return referral

    def _case(self, number: int, external_id: str) -> Json:
        today = datetime.fromtimestamp(self._clock(), UTC).date()
        first, second = PARTIES[number % len(PARTIES)]
        return {
            "external_id": external_id,
            "case_number": f"{number}/{today.year}",
            "title": f"{first} v {second}",
            "parties": [
                {"side": "requesting", "kind": "company", "name": first},
                {"side": "responding", "kind": "company", "name": second},
            ],
            "order": {
                "number": str(number),
                # Yesterday: a day that has begun in every time zone.
                "made_on": (today - timedelta(days=1)).isoformat(),
                "text": "The parties are referred to mediation.",
            },
            "return_on": (today + timedelta(days=DAYS_TO_RETURN)).isoformat(),
            "subjects": ["commercial-contract"],
            "languages": ["en"],
            # Exceeds the precision of a double: it must come back digit by digit.
            "external": {"docket": 2**53 + number},
        }

    # Webhooks

    def subscribe(self, url: str) -> None:
        """Subscribe to events, unless the court already is; the subscription survives a restart."""
        if self.store.note("webhook") is not None:
            return
        webhook = self.accord.subscribe(url)
        self.store.set_note("webhook", {"id": webhook["id"], "secrets": [webhook["secret"]]})
        # Events after this cursor must come by webhook, too.
        self.store.set_note("subscribed_after", self.accord.latest())

    def unsubscribe(self) -> None:
        """Remove the subscription; from now on the court reads the feed only."""
        webhook = self.store.note("webhook")
        if webhook is not None:
            self.accord.unsubscribe(webhook["id"])
            self.store.set_note("webhook", None)
            self.store.set_note("subscribed_after", None)

    def rotate(self) -> None:
        """Get a new secret; pending webhooks may still be signed by the previous one."""
        webhook = self.store.note("webhook")
        if webhook is None:
            raise BadOrder("The court has no subscription whose secret could be rotated: start it with --port.")
        rotated = self.accord.rotate(webhook["id"])
        self.store.set_note("webhook", {**webhook, "secrets": [*webhook["secrets"][-1:], rotated["secret"]]})

    def receive(self, headers: Mapping[str, str], body: bytes) -> str:
        """Receive a webhook; return how to answer it."""
        oddity = self._oddity()
        if oddity in ("fail", "garbage", "hang"):
            return {"fail": FAILED, "garbage": GARBAGE, "hang": HANGS}[oddity]
        webhook = self.store.note("webhook")
        try:
            event = verified(webhook["secrets"] if webhook else [], headers, body, self._clock())
        except NotSigned:
            self.not_signed += 1
            return NOT_SIGNED
        if oddity != "lose" and event["type"] != TEST_EVENT:
            self.store.keep(event, "webhook")
        if self.late:
            self._sleep(self.late)
        return FAILED if oddity == "duplicate" else TAKEN

    def _oddity(self) -> str | None:
        with self._choosing:
            for oddity, left in self.oddities.items():
                if left:
                    self.oddities[oddity] -= 1
                    return oddity
        return None

    # The feed

    def read(self, wait: int = 0) -> bool:
        """Read the next part of the feed, and its referrals; return whether there is more."""
        after = self.store.note("cursor")
        try:
            stretch = self.accord.feed(after, wait=wait)
        except CursorGone:
            # The registry was restored: start from the beginning, where known events are only counted.
            self.store.set_note("cursor", None)
            return True
        with self._storing:
            # Another thread may have read on in the meantime.
            if self.store.note("cursor") == after:
                for event in stretch.items:
                    self.store.keep(event, "feed")
                self.store.set_note("cursor", stretch.next)
        self.look()
        return stretch.more

    def catch_up(self) -> None:
        """Read the feed to its present end, and the referrals of all received events."""
        while self.read():
            pass

    def look(self) -> None:
        """Read the referrals with new events: an event only announces that something has changed."""
        for referral_id, event_ids in self.store.to_look_at():
            self.store.see(self.accord.referral(referral_id))
            self.store.looked(event_ids)

    def follow(self, stop: threading.Event, seconds: int) -> None:
        """Read the feed until `stop` is set, and retry after failures; waits `seconds` for each part."""
        while not stop.is_set():
            try:
                self.read(wait=seconds)
            except (RequestRefused, ServiceUnreachable):
                stop.wait(1)

    # Notes

    def reconcile(self) -> list[str]:
        """List the differences between the court's notes and Accord.

        Compares twice and keeps what both comparisons list: events during a comparison are not differences.
        """
        repeated = [f"Referral {name} was sent again and became another." for name in self.repeated_otherwise]
        lasting: list[str] | None = None
        for _comparison in range(2):
            self.catch_up()
            present = differences(self.accord, self.store)
            lasting = present if lasting is None else [difference for difference in present if difference in lasting]
            if not lasting:
                break
        return repeated + (lasting or [])

    def is_settled(self) -> bool:
        """Whether each event of the feed has also come by webhook, as far as it must."""
        self.catch_up()
        return not [text for text in differences(self.accord, self.store) if "webhook" in text]

    def state(self) -> Json:
        """The state of the court in figures."""
        referrals, events = self.store.referrals(), self.store.events()
        states = [_state(referral) for referral in referrals]
        return {
            "referrals": {state: states.count(state) for state in sorted(set(states))},
            "events": len(events),
            "by_feed": sum(event.by_feed is not None for event in events),
            "by_webhook": sum(event.by_webhook is not None for event in events),
            "duplicates": sum(max(0, event.webhooks - 1) for event in events),
            "not_signed": self.not_signed,
            "late": self.late,
            **self.oddities,
        }

    # Orders

    def obey(self, order: str) -> str:
        """Carry out an order of one line, and return its result. Raises BadOrder."""
        word, number = _parsed(order)
        count = int(number)
        if word in self.oddities:
            self.oddities[word] = count
        elif word == "refer":
            referred = [self.refer()["external_id"] for _number in range(count)]
            return f"{word}: {', '.join(referred)}"
        elif word == "repeat":
            return f"{word}: {self.repeat(count)} sent again"
        elif word == "reconcile":
            return "\n".join(self.reconcile()) or f"{word}: no difference"
        elif word == "settle":
            return f"{word}: {'done' if self._settle(number) else 'not done in this time'}"
        else:
            self._obey_without_result(word, number)
        return f"{word}: done"

    def _obey_without_result(self, word: str, number: float) -> None:
        match word:
            case "read":
                self.catch_up()
            case "rotate":
                self.rotate()
            case "late":
                self.late = number
            case "wait":
                self._sleep(number)
            case "down" | "up" if self.door is not None:
                (self.door.close if word == "down" else self.door.open)()
            case _:
                raise BadOrder(f"Unknown order '{word}'. Known orders:\n{ORDERS}")

    def _settle(self, seconds: float) -> bool:
        until = self._clock() + seconds
        while not self.is_settled():
            if self._clock() >= until:
                return False
            self._sleep(SECONDS_BETWEEN_LOOKS)
        return True


def _state(referral: SentReferral) -> str:
    return "unsent" if referral.seen is None else str(referral.seen["state"])


def _parsed(order: str) -> tuple[str, float]:
    word, _blank, rest = order.strip().partition(" ")
    try:
        number = float(rest or 1)
    except ValueError as problem:
        raise BadOrder(f"'{order.strip()}': only a number may follow '{word}'.") from problem
    if number < 0:
        raise BadOrder(f"'{order.strip()}': the number must not be negative.")
    return word.lower(), number
