"""The postman: finds notices that are due, mails them with no transaction open, and records the outcomes."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import datetime, timedelta
from smtplib import SMTP
from uuid import UUID

from app.core.access.session import GatedSession, read_under
from app.core.db import Answer, Collision, Entropy
from app.core.errors import Conflict, Unavailable
from app.core.http.metrics import NOTICES
from app.core.ledger.feed import News, news_since
from app.core.seams import Seams
from app.core.tables.audiences import STAFF
from app.integration.notices import collection, mail_queue, smtp
from app.integration.notices.letters import AddressedLetter
from app.integration.notices.mail_queue import NoticeClaim
from app.integration.notices.smtp import Mailbox, MailServerUnreachable, Result
from app.operations.background.threads import in_background
from app.settings import Settings

log = logging.getLogger("accord.notices")
SECONDS_BETWEEN_TURNS, SECONDS_TO_END = 2.0, 4
# Pause after the mail server could not be reached.
PATIENCE = timedelta(minutes=1)


class Postman:
    """Sends mail for one process."""

    def __init__(self, seams: Seams, entropy: Callable[[], Entropy], box: Mailbox) -> None:
        self.seams = seams
        self.entropy = entropy
        self.box = box
        # Position up to which this process has searched all feeds; it starts with all of them.
        self._searched: int | None = None
        self._not_before: datetime | None = None

    def run(self, stop: threading.Event) -> None:
        """Mail what is due until `stop` is set; another process repeats the attempt that it interrupts."""
        while not stop.is_set():
            try:
                self.turn(stop)
            except (Unavailable, Collision):
                log.warning("the postman cannot reach the database; it retries")
            except Exception:
                log.exception("a turn of the postman failed")
            stop.wait(SECONDS_BETWEEN_TURNS)

    def turn(self, stop: threading.Event | None = None) -> dict[str, int]:
        """Find new notices and mail all that are due; return how many ended in which state."""
        self.publish()
        self.gather()
        return self.send(stop)

    def publish(self) -> None:
        """Let the registry see, once a day, which mail did not arrive on the days before."""
        now = self.seams.clock()
        with self.seams.database.read(self.entropy()) as db:
            if not mail_queue.is_publication_due(db, now):
                return
        self._act(lambda db: mail_queue.publish(db, now))

    def gather(self) -> None:
        """Create notices for the events sealed since the last turn."""
        now = self.seams.clock()
        with self.seams.database.read(self.entropy()) as db:
            news = news_since(db, self._searched)
        if news.principals is not None and not news.principals:
            return
        complete = self._begin(now, news)
        with self.seams.database.read(self.entropy()) as db:
            people = collection.with_news(db, news)
        for actor in people:
            try:
                self._act(lambda db, actor=actor: collection.gather(db, now, actor, news.position), actor.principals)  # type: ignore[misc]
            except Unavailable:
                raise
            except Exception:
                log.exception("the notices of one person could not be created; the postman continues with the next")
                complete = False
        if complete:
            self._searched = news.position

    def _begin(self, now: datetime, news: News) -> bool:
        # A new person is recorded in the stream of the registry, which the staff reads.
        if news.principals is not None and STAFF not in news.principals:
            return True
        with self.seams.database.read(self.entropy()) as db:
            if not collection.is_anybody_new(db):
                return True
        try:
            self._act(lambda db: collection.begin(db, now, news.position))
        except Conflict:
            # Another worker has just begun with the same people.
            return False
        return True

    def send(self, stop: threading.Event | None = None) -> dict[str, int]:
        """Mail all that is due over one connection; return how many mails ended in which state."""
        counts: dict[str, int] = {}
        with closing(_Connection(self.box)) as connection:
            while stop is None or not stop.is_set():
                now = self.seams.clock()
                if self._not_before is not None and now < self._not_before:
                    break
                claim = self._claim(now)
                if claim is None:
                    break
                state = self._send(connection, claim)
                NOTICES.labels(state).inc()
                counts[state] = counts.get(state, 0) + 1
        return counts

    def _claim(self, now: datetime) -> NoticeClaim | None:
        with self.seams.database.read(self.entropy()) as db:
            if not mail_queue.is_anything_due(db, now):
                return None
        return self._act(lambda db: mail_queue.claim(db, now))

    def _send(self, connection: "_Connection", claim: NoticeClaim) -> str:
        result = self._result(connection, claim)
        return self._act(lambda db: mail_queue.record(db, self.seams.clock(), claim, result))

    def _result(self, connection: "_Connection", claim: NoticeClaim) -> Result | None:
        """Send a notice with no transaction open; None if there is nothing left to send."""
        at = self.seams.clock()
        letter = self._letter(claim, at)
        if letter is None:
            return None
        try:
            mail = smtp.message(self.box, letter, at)
        except ValueError:
            return Result("bounced", "address")
        try:
            result = smtp.deliver(connection.open(), self.box, mail)
        except MailServerUnreachable as problem:
            log.warning("the mail server cannot be reached: %s", problem.code)
            connection.close()
            self._not_before = self.seams.clock() + PATIENCE
            return Result("later", problem.code)
        self._not_before = None
        return result

    def _letter(self, claim: NoticeClaim, at: datetime) -> AddressedLetter | None:
        if claim.kind == "invitation":
            return self._act(lambda db: mail_queue.write_invitation(db, at, claim, self.box.url))
        with self.seams.database.read(self.entropy()) as db:
            return mail_queue.write(db, claim, self.box.url)

    def _act(self, act: Callable[[GatedSession], Answer], principals: tuple[UUID, ...] | None = None) -> Answer:
        def acted(db: GatedSession) -> Answer:
            if principals is not None:
                read_under(db, principals)
            return act(db)

        return self.seams.database.in_transaction(acted, self.entropy())


class _Connection:
    """The connection of one turn: opened for the first message, and again for the next one after it was lost."""

    def __init__(self, box: Mailbox) -> None:
        self.box = box
        self._held = ExitStack()
        self._connection: SMTP | None = None

    def open(self) -> SMTP:
        """The open connection; raises MailServerUnreachable."""
        if self._connection is None:
            self._connection = self._held.enter_context(smtp.connected(self.box))
        return self._connection

    def close(self) -> None:
        """Close the connection, if it is open."""
        self._connection = None
        self._held.close()


@contextmanager
def mailing(postman: Postman | None, stop: threading.Event) -> Iterator[None]:
    """Run the postman in a thread until `stop` is set; does nothing without a postman."""
    if postman is None:
        yield
        return
    with in_background(postman.run, "accord-postman", stop, SECONDS_TO_END):
        yield


def postman_of(seams: Seams, entropy: Callable[[], Entropy], settings: Settings) -> Postman | None:
    """Create the postman that the settings describe; None if they configure no mail. Raises Misconfigured."""
    box = smtp.mailbox_of(settings)
    return None if box is None else Postman(seams, entropy, box)
