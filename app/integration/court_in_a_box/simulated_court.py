"""What the court does: it refers, hears, looks, and obeys whoever tells it how to misbehave."""

import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Protocol

from app.integration.client import Accord, CursorGone, Json, NotSigned, RequestRefused, ServiceUnreachable, verified
from app.integration.court_in_a_box.reconciliation import differences
from app.integration.court_in_a_box.store import SentReferral, Store

# What the court does with the next webhooks, each so often as it was told.
ODDITIES = ("fail", "garbage", "hang", "duplicate", "lose")
TAKEN, NOT_SIGNED, FAILED, GARBAGE, HANGS = "taken", "not-signed", "failed", "garbage", "hangs"
TEST_EVENT = "webhook-tested"
ORDERS = """refer [N]      refer N new cases
repeat [N]     send the last N referrals again, under new keys
read           read the feed to its end
rotate         get another secret for the webhook
late SECONDS   answer each webhook that much later (0: at once again)
fail N         answer the next N webhooks with an error
garbage N      answer the next N webhooks with what is no HTTP
hang N         never answer the next N webhooks
duplicate N    take the next N webhooks and answer with an error, so that they come again
lose N         answer the next N webhooks as taken, and forget them
down           close the port
up             open it again
wait SECONDS   do nothing for that long
settle SECONDS wait, at most that long, until each event has come by webhook and by the feed
reconcile      compare what the court believes with what Accord says"""
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
        """Where it is reached on this machine."""

    def open(self) -> None:
        """Listen."""

    def close(self) -> None:
        """Listen no more."""


class BadOrder(Exception):
    """The court does not understand what it was told."""


class SimulatedCourt:
    """A court with its notes, its way to Accord, and its moods; `name` begins the ids of its referrals."""

    def __init__(
        self,
        accord: Accord,
        store: Store,
        clock: Callable[[], float],
        sleep: Callable[[float], None],
        name: str = "HC",
    ) -> None:
        self.accord = accord
        self.store = store
        self.name = name
        # Where it hears webhooks, and where it takes orders.
        self.door: Door | None = None
        self.desk: Door | None = None
        self.late = 0.0
        self.moods = dict.fromkeys(ODDITIES, 0)
        self.not_signed = 0
        self.repeated_otherwise: list[str] = []
        self._clock, self._sleep = clock, sleep
        self._keeping, self._moody = threading.Lock(), threading.Lock()

    # Referrals

    def refer(self) -> Json:
        """Refer a new case."""
        with self._keeping:
            number = len(self.store.referrals()) + 1
            external_id = f"{self.name}-{number:06d}"
            sent = self._case(number, external_id)
            self.store.write(external_id, sent)
        return self._send(sent)

    def send_unsent(self) -> int:
        """Send the referrals of which it is not known whether they arrived; how many."""
        unsent = [one for one in self.store.referrals() if one.id is None]
        for one in unsent:
            self._send(one.sent)
        return len(unsent)

    def repeat(self, number: int) -> int:
        """Send the last referrals once more, as after a crash: each must be the referral that it was."""
        last = [one for one in self.store.referrals() if one.id is not None][-number:] if number else []
        for one in last:
            if self._send(one.sent)["id"] != one.id:
                self.repeated_otherwise.append(one.external_id)
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
                # A day behind: wherever the court sits, that day has come.
                "made_on": (today - timedelta(days=1)).isoformat(),
                "text": "The parties are referred to mediation.",
            },
            "return_on": (today + timedelta(days=DAYS_TO_RETURN)).isoformat(),
            "subjects": ["commercial-contract"],
            "languages": ["en"],
            # More than a binary number holds: it must come back digit by digit.
            "external": {"docket": 2**53 + number},
        }

    # Webhooks

    def subscribe(self, url: str) -> None:
        """Have events sent to the court's door, once; after a restart its subscription is still there."""
        if self.store.note("webhook") is not None:
            return
        made = self.accord.subscribe(url)
        self.store.set_note("webhook", {"id": made["id"], "secrets": [made["secret"]]})
        # What comes after this has to come by webhook; what came before need not.
        self.store.set_note("subscribed_after", self.accord.latest())

    def unsubscribe(self) -> None:
        """End the subscription: from now on the court lives by the feed."""
        webhook = self.store.note("webhook")
        if webhook is not None:
            self.accord.unsubscribe(webhook["id"])
            self.store.set_note("webhook", None)
            self.store.set_note("subscribed_after", None)

    def rotate(self) -> None:
        """Get another secret; what is on its way may still be signed by the one before."""
        webhook = self.store.note("webhook")
        if webhook is None:
            raise BadOrder("The court has no subscription whose secret could be rotated.")
        made = self.accord.rotate(webhook["id"])
        self.store.set_note("webhook", {**webhook, "secrets": [*webhook["secrets"][-1:], made["secret"]]})

    def receive(self, headers: Mapping[str, str], body: bytes) -> str:
        """Take an event that came, or not; how it is to be answered."""
        mood = self._mood()
        if mood in ("fail", "garbage", "hang"):
            return {"fail": FAILED, "garbage": GARBAGE, "hang": HANGS}[mood]
        webhook = self.store.note("webhook")
        try:
            event = verified(webhook["secrets"] if webhook else [], headers, body, self._clock())
        except NotSigned:
            self.not_signed += 1
            return NOT_SIGNED
        if mood != "lose" and event["type"] != TEST_EVENT:
            self.store.keep(event, "webhook")
        if self.late:
            self._sleep(self.late)
        return FAILED if mood == "duplicate" else TAKEN

    def _mood(self) -> str | None:
        with self._moody:
            for mood, left in self.moods.items():
                if left:
                    self.moods[mood] -= 1
                    return mood
        return None

    # The feed

    def read(self, wait: int = 0) -> bool:
        """Read on in the feed, look at what is new, and keep where it stands; whether there is more."""
        after = self.store.note("cursor")
        try:
            stretch = self.accord.feed(after, wait=wait)
        except CursorGone:
            # The registry was restored: from the beginning, passing over what is known.
            self.store.set_note("cursor", None)
            return True
        with self._keeping:
            # Somebody else may have read on meanwhile.
            if self.store.note("cursor") == after:
                for event in stretch.items:
                    self.store.keep(event, "feed")
                self.store.set_note("cursor", stretch.next)
        self.look()
        return stretch.more

    def catch_up(self) -> None:
        """Read the feed to where it ends now, and look at whatever webhooks brought."""
        while self.read():
            pass

    def look(self) -> None:
        """Read the referrals of which something was heard: an event only says that there is something to see."""
        for referral_id, event_ids in self.store.to_look_at():
            self.store.see(self.accord.referral(referral_id))
            self.store.looked(event_ids)

    def follow(self, stop: threading.Event, seconds: int) -> None:
        """Read the feed as it goes on, until told to stop; whatever goes wrong is tried again."""
        while not stop.is_set():
            try:
                self.read(wait=seconds)
            except (RequestRefused, ServiceUnreachable):
                stop.wait(1)

    # Notes

    def reconcile(self) -> list[str]:
        """What the court believes otherwise than Accord says.

        What happens while both are compared is no difference: one that is gone when the court looks again was none.
        """
        repeated = [f"SentReferral {name} was sent again and became another." for name in self.repeated_otherwise]
        found: list[str] | None = None
        for _look in range(2):
            self.catch_up()
            again = differences(self.accord, self.store)
            found = again if found is None else [one for one in again if one in found]
            if not found:
                break
        return repeated + (found or [])

    def is_settled(self) -> bool:
        """Whether each event of the feed has come by webhook too, as far as it had to."""
        self.catch_up()
        return not [one for one in differences(self.accord, self.store) if "webhook" in one]

    def state(self) -> Json:
        """How the court is, in figures."""
        referrals, events = self.store.referrals(), self.store.events()
        states = [_state(one) for one in referrals]
        return {
            "referrals": {state: states.count(state) for state in sorted(set(states))},
            "events": len(events),
            "by_feed": sum(one.by_feed is not None for one in events),
            "by_webhook": sum(one.by_webhook is not None for one in events),
            "duplicates": sum(max(0, one.webhooks - 1) for one in events),
            "not_signed": self.not_signed,
            "late": self.late,
            **self.moods,
        }

    # Orders

    def obey(self, order: str) -> str:
        """Do what one line says; what came of it. Raises BadOrder."""
        word, number = _read(order)
        whole = int(number)
        if word in self.moods:
            self.moods[word] = whole
        elif word == "refer":
            made = [self.refer()["external_id"] for _one in range(whole)]
            return f"{word}: {', '.join(made)}"
        elif word == "repeat":
            return f"{word}: {self.repeat(whole)} sent again"
        elif word == "reconcile":
            return "\n".join(self.reconcile()) or f"{word}: no difference"
        elif word == "settle":
            return f"{word}: {'done' if self._settle(number) else 'not within that time'}"
        else:
            self._obey_plainly(word, number)
        return f"{word}: done"

    def _obey_plainly(self, word: str, number: float) -> None:
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
                raise BadOrder(f"The court does not know how to '{word}'. It knows:\n{ORDERS}")

    def _settle(self, seconds: float) -> bool:
        until = self._clock() + seconds
        while not self.is_settled():
            if self._clock() >= until:
                return False
            self._sleep(SECONDS_BETWEEN_LOOKS)
        return True


def _state(one: SentReferral) -> str:
    return "unsent" if one.seen is None else str(one.seen["state"])


def _read(order: str) -> tuple[str, float]:
    word, _blank, rest = order.strip().partition(" ")
    try:
        number = float(rest or 1)
    except ValueError as problem:
        raise BadOrder(f"'{order.strip()}': a number stands behind '{word}'.") from problem
    if number < 0:
        raise BadOrder(f"'{order.strip()}': the number is not below 0.")
    return word.lower(), number
