"""The background worker: runs the tasks that become due with time, each once however many workers run."""

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from uuid import UUID

from sqlalchemy import select

from app.core.access.actors import CLOCK
from app.core.access.session import GatedSession, read_under
from app.core.db import Entropy
from app.core.errors import Conflict, Forbidden, NotFound, Unavailable
from app.core.http.metrics import WORKED, Kept
from app.core.ledger import service as ledger
from app.core.sealer import Sealer
from app.core.seams import Seams
from app.core.tables.deadlines import Deadline
from app.core.tables.institution import Institution
from app.integration.notices import mail_queue
from app.integration.webhooks import backlog
from app.operations.background import tasks
from app.operations.background.mail_sender import Postman, mailing, postman_of
from app.operations.background.threads import in_background
from app.operations.background.webhook_sender import WebhookSender, sending
from app.proceedings.documents import inventory, virus_scan
from app.settings import Settings

log = logging.getLogger("accord.worker")
MOST_COUNTED = 10_000
ROUNDS_BETWEEN_SWEEPS = 240
# An interrupted round is rolled back, and another worker repeats it: the process need not wait for its end.
SECONDS_TO_END = 4


@dataclass(frozen=True, slots=True)
class Worker:
    """One worker on a database; `interval` is in seconds, deadlines are recalled `reminder_days` before their day."""

    seams: Seams
    entropy: Callable[[], Entropy]
    reminder_days: int
    interval: float
    clamd: str | None = None
    postman: Postman | None = None

    def run(self, stop: threading.Event) -> None:
        """Run rounds, and send webhooks and mail, until `stop` is set; retries while the database is unreachable."""
        with sending(WebhookSender(self.seams, self.entropy), stop), mailing(self.postman, stop):
            self._rounds(stop)

    def _rounds(self, stop: threading.Event) -> None:
        for number in count():
            if stop.is_set():
                return
            try:
                self.round()
                if number % ROUNDS_BETWEEN_SWEEPS == 0:
                    self.sweep()
            except Unavailable:
                log.warning("the worker cannot reach the database; the next round retries")
            except Exception:
                log.exception("a round of the worker failed")
            stop.wait(self.interval)

    def sweep(self) -> int:
        """Remove objects that interrupted uploads left in the storage; return how many."""
        now, storage = self.seams.clock(), self.seams.storage
        # List objects before references: an object that is referenced in between must not look unreferenced.
        old = inventory.old_objects(storage, now)
        with self.seams.database.read(self.entropy()) as db:
            self._prepare(db)
            referenced = inventory.referenced(db)
        swept = inventory.sweep(storage, old, referenced, now)
        WORKED.labels("swept-object").inc(swept)
        return swept

    def scan(self, now: datetime) -> int:
        """Scan the documents that wait for the virus scanner; return how many were released or refused."""
        if self.clamd is None:
            return 0
        with self.seams.database.read(self.entropy()) as db:
            self._prepare(db)
            waiting = virus_scan.waiting(db)
        done = 0
        for document in waiting:
            verdict = virus_scan.scan(self.seams.storage, document, self.clamd)
            done += self._in_transaction(now, partial(_judge, now=now, document=document, verdict=verdict))
        return done

    def round(self) -> dict[str, int]:
        """Do everything that is due now; return how many items of each task were done."""
        now = self.seams.clock()
        done = {
            "clock-step": self._each(now, tasks.cases_with_a_passed_term, tasks.take_clock_steps),
            "reminder": self._each(now, self._soon_due, tasks.remind) if self.reminder_days else 0,
            "expired-token": self._each(now, tasks.expired_tokens, tasks.end_token),
            "scanned-document": self.scan(now),
            "signing-key": self._each(now, tasks.without_a_signing_key, tasks.give_a_signing_key),
            "forgotten-key": self._in_transaction(now, lambda db: tasks.forget_keys(db, now)),
            "forgotten-delivery": self._in_transaction(now, lambda db: backlog.forget(db, now)),
            "forgotten-notice": self._in_transaction(now, lambda db: mail_queue.forget(db, now)) if self.postman else 0,
        }
        self._in_transaction(now, lambda db: tasks.note_round(db, now))
        for task, number in done.items():
            WORKED.labels(task).inc(number)
        return done

    def _soon_due(self, db: GatedSession, now: datetime) -> Sequence[UUID]:
        return tasks.deadlines_due_within(db, now, timedelta(days=self.reminder_days))

    def _each(
        self,
        now: datetime,
        find: Callable[[GatedSession, datetime], Sequence[UUID]],
        act: Callable[[GatedSession, datetime, UUID], int],
    ) -> int:
        """Find what is due and do each item in its own transaction, so that a failure does not stop the others."""
        with self.seams.database.read(self.entropy()) as db:
            self._prepare(db)
            ids = list(find(db, now))
        done = 0
        for id in ids:
            try:
                done += self._in_transaction(now, lambda db, id=id: act(db, now, id))  # type: ignore[misc]
            except (Conflict, Forbidden, NotFound):
                # Another worker or person was faster.
                continue
            except Unavailable:
                raise
            except Exception:
                log.exception("an item of a worker task failed; the worker continues with the next")
        return done

    def _in_transaction(self, now: datetime, act: Callable[[GatedSession], int]) -> int:
        def sealed(db: GatedSession) -> int:
            self._prepare(db)
            done = act(db)
            self.seams.after_act(db, now)
            ledger.seal(db)
            return done

        return self.seams.database.in_transaction(sealed, self.entropy())

    def _prepare(self, db: GatedSession) -> None:
        sealer: Sealer = self.seams.sealer
        db.sealer = sealer
        read_under(db, CLOCK.principals)


def worker_of(seams: Seams, settings: Settings) -> Worker:
    """Create the worker that the settings describe."""
    entropy = partial(seams.entropy, "worker")
    postman = postman_of(seams, entropy, settings)
    return Worker(seams, entropy, settings.reminder_days, settings.worker_interval, settings.clamd, postman)


@contextmanager
def working(worker: Worker) -> Iterator[None]:
    """Run the worker in a thread, and stop it at the end."""
    stop = threading.Event()
    with in_background(worker.run, "accord-worker", stop, SECONDS_TO_END):
        yield


def _judge(db: GatedSession, now: datetime, document: virus_scan.Quarantined, verdict: virus_scan.Verdict) -> int:
    return virus_scan.judge(db, now, document.id, verdict)


def look_around(seams: Seams) -> Kept | None:
    """Read the figures of the database for metrics: last round, overdue terms, backlog; None if it is unreachable."""
    now = seams.clock()
    try:
        with seams.database.read(seams.entropy("metrics")) as db:
            read_under(db, CLOCK.principals)
            worked_at = db.execute(select(Institution.worked_at)).scalar()
            overdue = (Deadline.state == "running", Deadline.suspended_on.is_(None), Deadline.due_at <= now)
            passed = len(db.execute(select(Deadline.id).where(*overdue).limit(MOST_COUNTED)).all())
            waiting = backlog.backlog(db, now, MOST_COUNTED)
    except Unavailable:
        return None
    return Kept(worked_at, passed, waiting.lag, {"pending": waiting.pending, "failed": waiting.failed})
