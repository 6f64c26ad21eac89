"""The background worker: what happens by itself when time passes, each thing once however many workers run."""

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from typing import Any
from uuid import UUID

from sqlalchemy import delete, exists, select, tuple_, update

from app.core.access.actors import CLOCK
from app.core.access.session import GatedSession, read_under
from app.core.db import Entropy
from app.core.errors import Conflict, Forbidden, NotFound, Unavailable
from app.core.http.idempotency import LIFE
from app.core.http.metrics import WORKED, Kept
from app.core.ledger import service as ledger
from app.core.ledger.acts import BY_CLOCK, Act, Subject, installation_subject
from app.core.sealer import Sealer
from app.core.seams import Seams
from app.core.tables.cases import Case
from app.core.tables.deadlines import Deadline
from app.core.tables.idempotency import IdempotencyRecord
from app.core.tables.institution import Institution
from app.core.tables.people import Token
from app.core.tables.signing import SigningKey
from app.institution.signing import service as signing
from app.integration.notices import mail_queue
from app.integration.webhooks import outbox
from app.operations.background.mail_sender import Postman, mailing, postman_of
from app.operations.background.threads import beside
from app.operations.background.webhook_sender import Sender, sending
from app.proceedings.cases.locking import lock_case
from app.proceedings.documents import inventory, virus_scan
from app.proceedings.steps.schemas import StepIn
from app.proceedings.steps.service import take_step
from app.rules.loader import library
from app.settings import Settings

log = logging.getLogger("accord.worker")
AT_ONCE, MOST_COUNTED = 200, 10_000
ROUNDS_BETWEEN_SWEEPS = 240
# A round that is cut off is rolled back: the process ends in time, and another worker does the rest.
SECONDS_TO_END = 4


@dataclass(frozen=True, slots=True)
class Worker:
    """One worker on a database; `reminder_days` before its day a deadline is recalled."""

    seams: Seams
    entropy: Callable[[], Entropy]
    reminder_days: int
    interval: float
    clamd: str | None = None
    postman: Postman | None = None

    def run(self, stop: threading.Event) -> None:
        """One round after the other until it is told to stop, and events and mails sent all the while.

        A lost database is waited for.
        """
        with sending(Sender(self.seams, self.entropy), stop), mailing(self.postman, stop):
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
                log.warning("the database cannot be reached; the next round tries again")
            except Exception:
                log.exception("a round of the worker failed")
            stop.wait(self.interval)

    def sweep(self) -> int:
        """Remove what uploads that were cut off left in the storage; how many objects."""
        now, storage = self.seams.clock(), self.seams.storage
        # The objects are listed first: one that is named meanwhile must not be taken for one that nobody names.
        old = inventory.old_objects(storage, now)
        with self.seams.database.read(self.entropy()) as db:
            self._prepare(db)
            named = inventory.referenced(db)
        swept = inventory.sweep(storage, old, named, now)
        WORKED.labels("swept-object").inc(swept)
        return swept

    def scan(self, now: datetime) -> int:
        """Have the documents scanned that wait for it; how many were let out or refused."""
        if self.clamd is None:
            return 0
        with self.seams.database.read(self.entropy()) as db:
            self._prepare(db)
            waiting = virus_scan.waiting(db)
        done = 0
        for one in waiting:
            verdict = virus_scan.scan(self.seams.storage, one, self.clamd)
            done += self._in_transaction(now, partial(_judge, now=now, one=one, verdict=verdict))
        return done

    def round(self) -> dict[str, int]:
        """Do everything that is due now; how many things of each kind were done."""
        now = self.seams.clock()
        done = {
            "clock-step": self._each(now, cases_with_a_passed_term, take_clock_steps),
            "reminder": self._each(now, self._soon_due, remind) if self.reminder_days else 0,
            "expired-token": self._each(now, expired_tokens, end_token),
            "scanned-document": self.scan(now),
            "signing-key": self._each(now, without_a_signing_key, give_a_signing_key),
            "forgotten-key": self._in_transaction(now, lambda db: forget_keys(db, now)),
            "forgotten-delivery": self._in_transaction(now, lambda db: outbox.forget(db, now)),
            "forgotten-notice": self._in_transaction(now, lambda db: mail_queue.forget(db, now)) if self.postman else 0,
        }
        self._in_transaction(now, lambda db: note_round(db, now))
        for task, number in done.items():
            WORKED.labels(task).inc(number)
        return done

    def _soon_due(self, db: GatedSession, now: datetime) -> Sequence[UUID]:
        return deadlines_due_within(db, now, timedelta(days=self.reminder_days))

    def _each(
        self,
        now: datetime,
        find: Callable[[GatedSession, datetime], Sequence[UUID]],
        act: Callable[[GatedSession, datetime, UUID], int],
    ) -> int:
        """Find what is due, then do each in a transaction of its own, so that one fault holds up nothing else."""
        with self.seams.database.read(self.entropy()) as db:
            self._prepare(db)
            found = list(find(db, now))
        done = 0
        for id in found:
            try:
                done += self._in_transaction(now, lambda db, id=id: act(db, now, id))  # type: ignore[misc]
            except (Conflict, Forbidden, NotFound):
                # Somebody else was faster, or the case moved on meanwhile.
                continue
            except Unavailable:
                raise
            except Exception:
                log.exception("one item of the worker failed; the others go on")
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
    """The worker that the settings ask for."""
    entropy = partial(seams.entropy, "worker")
    postman = postman_of(seams, entropy, settings)
    return Worker(seams, entropy, settings.reminder_days, settings.worker_interval, settings.clamd, postman)


@contextmanager
def working(worker: Worker) -> Iterator[None]:
    """Runs the worker beside whatever goes on, and ends it in the middle of nothing."""
    stop = threading.Event()
    with beside(worker.run, "accord-worker", stop, SECONDS_TO_END):
        yield


def _judge(db: GatedSession, now: datetime, one: virus_scan.Quarantined, verdict: virus_scan.Verdict) -> int:
    return virus_scan.judge(db, now, one.id, verdict)


def look_around(seams: Seams) -> Kept | None:
    """The figures that come from the database: when the last round was, and what is overdue; None if it is lost."""
    now = seams.clock()
    try:
        with seams.database.read(seams.entropy("metrics")) as db:
            read_under(db, CLOCK.principals)
            worked_at = db.execute(select(Institution.worked_at)).scalar()
            overdue = (Deadline.state == "running", Deadline.suspended_on.is_(None), Deadline.due_at <= now)
            passed = len(db.execute(select(Deadline.id).where(*overdue).limit(MOST_COUNTED)).all())
            waits = outbox.backlog(db, now, MOST_COUNTED)
    except Unavailable:
        return None
    return Kept(worked_at, passed, waits.lag, {"pending": waits.pending, "failed": waits.failed})


def _is_free(db: GatedSession, statement: Any) -> bool:
    """Whether the row could be locked: another worker that holds it does the work."""
    return db.execute(statement.with_for_update(skip_locked=True, key_share=True)).first() is not None


def cases_with_a_passed_term(db: GatedSession, now: datetime) -> Sequence[UUID]:
    """The open cases whose rules know a step of the clock, and in which a term has passed."""
    by_clock = [rules.id for rules in library().values() if any("clock" in step.by for step in rules.steps)]
    if not by_clock:
        return []
    passed = (Deadline.state == "running", Deadline.suspended_on.is_(None), Deadline.due_at <= now)
    statement = select(Case.id).join(Deadline, Deadline.case_id == Case.id)
    due = statement.where(*passed, Case.closed_at.is_(None), Case.procedure.in_(by_clock))
    return db.execute(due.distinct().limit(AT_ONCE)).scalars().all()


def take_clock_steps(db: GatedSession, now: datetime, case_id: UUID) -> int:
    """Take the first step of the clock that is open in the case; its rules say which, if any."""
    if not _is_free(db, select(Case.id).where(Case.id == case_id)):
        return 0
    case = lock_case(db, CLOCK, case_id)
    for step in library()[case.procedure].steps:
        if "clock" in step.by and case.stage in step.origin:
            try:
                take_step(db, CLOCK, now, case_id, step.name, StepIn())
            except (Conflict, Forbidden):
                continue
            return 1
    return 0


def deadlines_due_within(db: GatedSession, now: datetime, before: timedelta) -> Sequence[UUID]:
    """The running deadlines that are near and were not recalled yet."""
    near = (Deadline.due_at > now, Deadline.due_at <= now + before)
    runs = (Deadline.state == "running", Deadline.suspended_on.is_(None), Deadline.reminded_at.is_(None))
    statement = select(Deadline.id).where(*near, *runs)
    return db.execute(statement.order_by(Deadline.due_at).limit(AT_ONCE)).scalars().all()


def remind(db: GatedSession, now: datetime, deadline_id: UUID) -> int:
    """Recall a deadline, once, to all who may know of it."""
    case_id = db.execute(select(Deadline.case_id).where(Deadline.id == deadline_id)).scalar_one_or_none()
    if case_id is None or not _is_free(db, select(Case.id).where(Case.id == case_id)):
        return 0
    lock_case(db, CLOCK, case_id)
    mine = (Deadline.id == deadline_id, Deadline.state == "running", Deadline.reminded_at.is_(None))
    deadline = db.execute(select(Deadline).where(*mine)).scalar_one_or_none()
    if deadline is None:
        return 0
    deadline.reminded_at = now
    subject = Subject(case_id, deadline.audience_id, "participants")
    payload = {"deadline_id": str(deadline.id), "term": deadline.term, "due_on": deadline.due_on.isoformat()}
    ledger.record(db, Act("recall", now, BY_CLOCK, subject), "deadline-recalled", payload, deadline.article)
    return 1


def expired_tokens(db: GatedSession, now: datetime) -> Sequence[UUID]:
    """The tokens whose time is over and that nobody ended."""
    over = (Token.expires_at <= now, Token.revoked_at.is_(None))
    return db.execute(select(Token.id).where(*over).order_by(Token.expires_at).limit(AT_ONCE)).scalars().all()


def end_token(db: GatedSession, now: datetime, token_id: UUID) -> int:
    """Note that a token has expired; it was good for nothing already."""
    over = (Token.id == token_id, Token.expires_at <= now, Token.revoked_at.is_(None))
    statement = select(Token).where(*over).with_for_update(skip_locked=True)
    token = db.execute(statement).scalar_one_or_none()
    if token is None:
        return 0
    token.revoked_at = token.expires_at
    payload = {"token_id": str(token.id), "user_id": str(token.user_id)}
    subject = installation_subject(db, "registry")
    ledger.record(db, Act("expire", now, BY_CLOCK, subject), "token-expired", payload)
    return 1


def forget_keys(db: GatedSession, now: datetime) -> int:
    """Forget idempotency keys whose life is over."""
    record = IdempotencyRecord
    old = select(record.principal_id, record.key).where(record.created_at < now - LIFE)
    keys = db.execute(old.limit(AT_ONCE * 5).with_for_update(skip_locked=True)).all()
    if not keys:
        return 0
    gone = delete(record).where(tuple_(record.principal_id, record.key).in_([tuple(key) for key in keys]))
    db.execute(gone.execution_options(synchronize_session=False))
    return len(keys)


def without_a_signing_key(db: GatedSession, now: datetime) -> Sequence[UUID]:
    """The institution, if it was founded by a release that signed nothing."""
    lacking = select(Institution.id).where(~exists(select(SigningKey.id)))
    return db.execute(lacking).scalars().all()


def give_a_signing_key(db: GatedSession, now: datetime, institution_id: UUID) -> int:
    """Make the key with which the institution signs, before the first signature tells when that was."""
    if not _is_free(db, select(Institution.id).where(Institution.id == institution_id)):
        return 0
    signing.ensure_key(db, now)
    return 1


def note_round(db: GatedSession, now: datetime) -> int:
    """Note when the worker was here, for those who watch it."""
    db.execute(update(Institution).values(worked_at=now).execution_options(synchronize_session=False))
    return 0
