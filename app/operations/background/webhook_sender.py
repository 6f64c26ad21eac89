"""The webhook sender: sends what is due with no transaction open, and records the outcomes.

One thread uses the database; each attempt has a thread of its own, as many at once as there are slots. A receiver that
hangs occupies only its own few slots, and failing receivers together at most half of them.
"""

import logging
import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from itertools import count, groupby
from uuid import UUID

from app.core.access.actors import CLOCK
from app.core.access.session import GatedSession, read_under
from app.core.db import Answer, Collision, Entropy
from app.core.errors import Unavailable
from app.core.http.metrics import WEBHOOK_ATTEMPTS
from app.core.ledger import service as ledger
from app.core.outbound import AddressRefused
from app.core.seams import Seams
from app.integration.webhooks import feed_collection, outbox, outcomes, transport
from app.integration.webhooks.outbox import DeliveryClaim
from app.integration.webhooks.outcomes import Outcome
from app.operations.background.threads import in_background

log = logging.getLogger("accord.webhooks")
SLOTS = 32
SECONDS_BETWEEN_TURNS, SECONDS_BETWEEN_RENEWALS, SECONDS_TO_END = 0.4, 1.0, 4
# Outcomes that arrive within these go into one transaction.
SECONDS_BETWEEN_LOOKS, SECONDS_TO_COLLECT = 0.25, 0.01
SECONDS_WITHOUT_DATABASE = 2.0
# How long a sender that ends waits for its attempts, so that another process need not repeat them.
SECONDS_TO_FINISH = 2.0


class WebhookSender:
    """Sends webhooks for one process; one attempt may take `seconds`."""

    def __init__(self, seams: Seams, entropy: Callable[[], Entropy], seconds: float = transport.SECONDS) -> None:
        self.seams = seams
        self.entropy = entropy
        self.seconds = seconds
        self._under_way: dict[UUID, DeliveryClaim] = {}
        self._ended: queue.SimpleQueue[Outcome] = queue.SimpleQueue()
        # Outcomes not yet recorded: kept until the database has them.
        self._unrecorded: list[Outcome] = []
        self._last_served: dict[UUID, int] = {}
        self._turns = count(1)
        self._renewed = 0.0
        self._looked = 0.0

    def run(self, stop: threading.Event) -> None:
        """Send what is due until `stop` is set, and record the attempts that end shortly after.

        Another process repeats those that do not.
        """
        released, unreachable = not self.seams.database.is_sqlite, False
        while not stop.is_set():
            try:
                if not released:
                    # A SQLite database has one process: any lease was left by one that ended.
                    self._act(outbox.release_all)
                    released = True
                had_work, unreachable = self.turn(patient=True), False
                if had_work and not self._under_way:
                    continue
            except (Unavailable, Collision):
                if not unreachable:
                    log.warning("the webhook sender cannot reach the database; it retries")
                unreachable = True
                stop.wait(SECONDS_WITHOUT_DATABASE)
            except Exception:
                log.exception("a turn of the webhook sender failed")
            self._wait(SECONDS_BETWEEN_TURNS)
            time.sleep(SECONDS_TO_COLLECT)
        try:
            self._finish()
        except (Unavailable, Collision):
            log.warning("the webhook sender cannot record its last attempts, which are repeated")
        except Exception:
            log.exception("the webhook sender failed to record its last attempts")

    def _finish(self) -> None:
        """Wait a little for the attempts under way, and record those that have ended."""
        until = time.monotonic() + SECONDS_TO_FINISH
        self._collect()
        self._renew(self.seams.clock())
        while len(self._unrecorded) < len(self._under_way) and (left := until - time.monotonic()) > 0:
            self._wait(left)
        self._collect()
        if ended := list(self._unrecorded):
            now = self.seams.clock()
            self._act(lambda db: outcomes.record(db, now, ended))
            self._forget(ended)

    def settle(self) -> None:
        """Send all that is due now, and record the outcomes."""
        while self.turn() or self._under_way:
            self._wait(SECONDS_BETWEEN_TURNS)

    def turn(self, *, patient: bool = False) -> bool:
        """Record outcomes, collect new events and start what is due; return whether there was anything to do.

        A `patient` turn collects new events only every SECONDS_BETWEEN_LOOKS.
        """
        now = self.seams.clock()
        self._collect()
        self._renew(now)
        gathered = 0
        if not patient or time.monotonic() >= self._looked + SECONDS_BETWEEN_LOOKS:
            self._looked = time.monotonic()
            gathered = self._gather(now)
        claims = self._record_and_claim(now)
        self._begin(claims)
        return bool(gathered or claims)

    def _wait(self, seconds: float) -> None:
        """Wait until an attempt has ended, at most so many seconds."""
        try:
            self._unrecorded.append(self._ended.get(timeout=seconds))
        except queue.Empty:
            return

    def _collect(self) -> None:
        while not self._ended.empty():
            self._unrecorded.append(self._ended.get())

    def _renew(self, now: datetime) -> None:
        if not self._under_way or time.monotonic() < self._renewed + SECONDS_BETWEEN_RENEWALS:
            return
        ended = {outcome.claim.id for outcome in self._unrecorded}
        under_way = [id for id in self._under_way if id not in ended]
        self._act(lambda db: outbox.renew(db, now, under_way))
        self._renewed = time.monotonic()

    def _gather(self, now: datetime) -> int:
        with self.seams.database.read(self.entropy()) as db:
            read_under(db, CLOCK.principals)
            survey = feed_collection.survey(db)
        for webhook_id in survey.of_nobody:
            self._act(partial(outcomes.disable, now=now, webhook_id=webhook_id, reason="owner-ended"))
        return sum(self._gather_for(now, webhook_id) for webhook_id in survey.with_news)

    def _gather_for(self, now: datetime, webhook_id: UUID) -> int:
        def gathered(db: GatedSession) -> int:
            owner = feed_collection.owner_of(db, webhook_id)
            if owner is None:
                return 0
            read_under(db, owner.principals)
            return feed_collection.gather(db, now, webhook_id, owner.principals)

        return self.seams.database.in_transaction(gathered, self.entropy())

    def _record_and_claim(self, now: datetime) -> list[DeliveryClaim]:
        recorded = list(self._unrecorded)
        if not recorded:
            with self.seams.database.read(self.entropy()) as db:
                read_under(db, CLOCK.principals)
                if not outbox.is_anything_due(db, now):
                    return []
        ended = {outcome.claim.id for outcome in recorded}
        under_way = [claim for id, claim in self._under_way.items() if id not in ended]

        def record_and_claim(db: GatedSession) -> list[DeliveryClaim]:
            outcomes.record(db, now, recorded)
            return outbox.claim(db, now, under_way, self._last_served, SLOTS)

        claims = self._act(record_and_claim)
        self._forget(recorded)
        return claims

    def _forget(self, recorded: list[Outcome]) -> None:
        """Forget outcomes that the database has."""
        self._unrecorded = self._unrecorded[len(recorded) :]
        for outcome in recorded:
            del self._under_way[outcome.claim.id]
            WEBHOOK_ATTEMPTS.labels(_label(outcome)).inc()

    def _begin(self, claims: list[DeliveryClaim]) -> None:
        turn = next(self._turns)
        for webhook_id, group in groupby(claims, key=lambda claim: claim.webhook_id):
            own_claims = list(group)
            self._last_served[webhook_id] = turn
            bodies = self._bodies(webhook_id, own_claims)
            for claim in own_claims:
                self._under_way[claim.id] = claim
                if claim.id in bodies:
                    args = (claim, bodies[claim.id])
                    # A daemon thread: a receiver that hangs must not delay the end of the process.
                    threading.Thread(target=self._attempt, args=args, name="accord-webhook", daemon=True).start()
                else:
                    self._ended.put(Outcome(claim, self.seams.clock(), 0, None))

    def _bodies(self, webhook_id: UUID, claims: list[DeliveryClaim]) -> dict[UUID, bytes]:
        """Bodies that the owner may read at this moment: each event passes the gate again when it is sent."""
        with self.seams.database.read(self.entropy()) as db:
            owner = feed_collection.owner_of(db, webhook_id)
            if owner is None:
                return {}
            read_under(db, owner.principals)
            return outbox.bodies(db, claims)

    def _attempt(self, claim: DeliveryClaim, body: bytes) -> None:
        at, begun = self.seams.clock(), time.monotonic()
        try:
            answer = self._post(claim, body, at)
        except Exception:
            log.exception("an attempt of the webhook sender failed")
            answer = transport.Answer(error="fault")
        self._ended.put(Outcome(claim, at, round((time.monotonic() - begun) * 1000), answer))

    def _post(self, claim: DeliveryClaim, body: bytes, at: datetime) -> transport.Answer:
        guard, until = self.seams.guard, time.monotonic() + self.seconds
        try:
            target = guard.check(claim.url)
        except AddressRefused:
            return transport.Answer(error="address-refused")
        headers = transport.signed(claim.secrets, str(claim.event_id), int(at.timestamp()), body)
        headers |= {"webhook-delivery": str(claim.id), "webhook-attempt": str(claim.attempt)}
        return transport.post(target, guard.tls, headers, body, until - time.monotonic())

    def _act(self, act: Callable[[GatedSession], Answer]) -> Answer:
        def sealed(db: GatedSession) -> Answer:
            db.sealer = self.seams.sealer
            read_under(db, CLOCK.principals)
            answer = act(db)
            db.flush()
            ledger.seal(db)
            return answer

        return self.seams.database.in_transaction(sealed, self.entropy())


def _label(outcome: Outcome) -> str:
    if outcome.answer is None:
        return "skipped"
    return "delivered" if outcome.answer.is_success else "failed"


@contextmanager
def sending(sender: WebhookSender, stop: threading.Event) -> Iterator[None]:
    """Run the sender in a thread until `stop` is set."""
    with in_background(sender.run, "accord-sender", stop, SECONDS_TO_END):
        yield
