"""The sender: takes what is due, sends it with no transaction open, and records what became of it.

One thread speaks with the database; each attempt has a thread of its own, as many at once as there are slots. A
receiver that hangs holds its own few slots, and all that fail together no more than half of them.
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
from app.integration.webhooks import outbox, transport
from app.integration.webhooks.outbox import DeliveryClaim, Outcome
from app.operations.background.threads import beside

log = logging.getLogger("accord.webhooks")
SLOTS = 32
SECONDS_BETWEEN_TURNS, SECONDS_BETWEEN_RENEWALS, SECONDS_TO_END = 0.4, 1.0, 4
# What comes within these goes into one transaction.
SECONDS_BETWEEN_LOOKS, SECONDS_TO_COLLECT = 0.25, 0.01
SECONDS_WITHOUT_DATABASE = 2.0


class Sender:
    """Sends for one process; `seconds` is what one attempt may take."""

    def __init__(self, seams: Seams, entropy: Callable[[], Entropy], seconds: float = transport.SECONDS) -> None:
        self.seams = seams
        self.entropy = entropy
        self.seconds = seconds
        self._under_way: dict[UUID, DeliveryClaim] = {}
        self._ended: queue.SimpleQueue[Outcome] = queue.SimpleQueue()
        # What ended and is not recorded yet: kept until the database took it.
        self._unrecorded: list[Outcome] = []
        self._last_served: dict[UUID, int] = {}
        self._turns = count(1)
        self._renewed = 0.0
        self._looked = 0.0

    def run(self, stop: threading.Event) -> None:
        """Send what is due until told to stop; what is under way then is sent again by whoever comes next."""
        begun, lost = not self.seams.database.is_sqlite, False
        while not stop.is_set():
            try:
                if not begun:
                    # One process serves a SQLite file: nobody else is sending.
                    self._act(outbox.release_all)
                    begun = True
                had_anything, lost = self.turn(patient=True), False
                if had_anything and not self._under_way:
                    continue
            except (Unavailable, Collision):
                if not lost:
                    log.warning("the database cannot be reached; the sender waits for it")
                lost = True
                stop.wait(SECONDS_WITHOUT_DATABASE)
            except Exception:
                log.exception("a turn of the sender failed")
            self._wait(SECONDS_BETWEEN_TURNS)
            time.sleep(SECONDS_TO_COLLECT)

    def settle(self) -> None:
        """Send all that is due now, and record what became of it."""
        while self.turn() or self._under_way:
            self._wait(SECONDS_BETWEEN_TURNS)

    def turn(self, *, patient: bool = False) -> bool:
        """Record what has ended, gather what is new, and begin to send what is due; whether there was anything.

        Who is patient does not look for what is new at every turn.
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
        """Until an attempt has ended, or for that long."""
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
        done = {one.claim.id for one in self._unrecorded}
        held = [id for id in self._under_way if id not in done]
        self._act(lambda db: outbox.renew(db, now, held))
        self._renewed = time.monotonic()

    def _gather(self, now: datetime) -> int:
        with self.seams.database.read(self.entropy()) as db:
            read_under(db, CLOCK.principals)
            found = outbox.survey(db)
        for webhook_id in found.of_nobody:
            self._act(partial(outbox.disable, now=now, webhook_id=webhook_id, reason="owner-ended"))
        return sum(self._gather_for(now, webhook_id) for webhook_id in found.with_news)

    def _gather_for(self, now: datetime, webhook_id: UUID) -> int:
        def gathered(db: GatedSession) -> int:
            owner = outbox.owner_of(db, webhook_id)
            if owner is None:
                return 0
            read_under(db, owner.principals)
            return outbox.gather(db, now, webhook_id, owner.principals)

        return self.seams.database.in_transaction(gathered, self.entropy())

    def _record_and_claim(self, now: datetime) -> list[DeliveryClaim]:
        outcomes = list(self._unrecorded)
        if not outcomes:
            with self.seams.database.read(self.entropy()) as db:
                read_under(db, CLOCK.principals)
                if not outbox.is_anything_due(db, now):
                    return []
        done = {one.claim.id for one in outcomes}
        under_way = [one for id, one in self._under_way.items() if id not in done]

        def both(db: GatedSession) -> list[DeliveryClaim]:
            outbox.record(db, now, outcomes)
            return outbox.claim(db, now, under_way, self._last_served, SLOTS)

        claims = self._act(both)
        self._unrecorded = self._unrecorded[len(outcomes) :]
        for one in outcomes:
            del self._under_way[one.claim.id]
            WEBHOOK_ATTEMPTS.labels(_word(one)).inc()
        return claims

    def _begin(self, claims: list[DeliveryClaim]) -> None:
        turn = next(self._turns)
        for webhook_id, group in groupby(claims, key=lambda one: one.webhook_id):
            mine = list(group)
            self._last_served[webhook_id] = turn
            bodies = self._bodies(webhook_id, mine)
            for one in mine:
                self._under_way[one.id] = one
                if one.id in bodies:
                    given = (one, bodies[one.id])
                    # A daemon: the process ends in time, whoever hangs.
                    threading.Thread(target=self._attempt, args=given, name="accord-webhook", daemon=True).start()
                else:
                    self._ended.put(Outcome(one, self.seams.clock(), 0, None))

    def _bodies(self, webhook_id: UUID, claims: list[DeliveryClaim]) -> dict[UUID, bytes]:
        """What the owner may read of it at this moment: each event passes the gate again when it is sent."""
        with self.seams.database.read(self.entropy()) as db:
            owner = outbox.owner_of(db, webhook_id)
            if owner is None:
                return {}
            read_under(db, owner.principals)
            return outbox.bodies(db, claims)

    def _attempt(self, one: DeliveryClaim, body: bytes) -> None:
        at, begun = self.seams.clock(), time.monotonic()
        try:
            answer = self._post(one, body, at)
        except Exception:
            log.exception("an attempt of the sender failed")
            answer = transport.Answer(error="fault")
        self._ended.put(Outcome(one, at, round((time.monotonic() - begun) * 1000), answer))

    def _post(self, one: DeliveryClaim, body: bytes, at: datetime) -> transport.Answer:
        guard, until = self.seams.guard, time.monotonic() + self.seconds
        try:
            target = guard.check(one.url)
        except AddressRefused:
            return transport.Answer(error="address-refused")
        headers = transport.signed(one.secrets, str(one.event_id), int(at.timestamp()), body)
        return transport.post(target, guard.tls, headers, body, until - time.monotonic())

    def _act(self, act: Callable[[GatedSession], Answer]) -> Answer:
        def sealed(db: GatedSession) -> Answer:
            db.sealer = self.seams.sealer
            read_under(db, CLOCK.principals)
            done = act(db)
            db.flush()
            ledger.seal(db)
            return done

        return self.seams.database.in_transaction(sealed, self.entropy())


def _word(one: Outcome) -> str:
    if one.answer is None:
        return "skipped"
    return "delivered" if one.answer.is_success else "failed"


@contextmanager
def sending(sender: Sender, stop: threading.Event) -> Iterator[None]:
    """Sends beside whatever goes on, until that is told to stop."""
    with beside(sender.run, "accord-sender", stop, SECONDS_TO_END):
        yield
