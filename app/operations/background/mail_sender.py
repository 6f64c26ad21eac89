"""The postman: finds what people are to be told, mails it with no transaction open, and records what became of it."""

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
from app.integration.notices.mail_queue import NoticeClaim
from app.integration.notices.smtp import Mailbox, MailServerUnreachable, Result
from app.operations.background.threads import beside
from app.settings import Settings

log = logging.getLogger("accord.notices")
SECONDS_BETWEEN_TURNS, SECONDS_TO_END = 2.0, 4
# So long nothing is tried after the mail server could not be spoken with.
PATIENCE = timedelta(minutes=1)


class Postman:
    """Mails for one process."""

    def __init__(self, seams: Seams, entropy: Callable[[], Entropy], box: Mailbox) -> None:
        self.seams = seams
        self.entropy = entropy
        self.box = box
        # Up to where all feeds were looked through by this process, which begins with all of them.
        self._looked: int | None = None
        self._not_before: datetime | None = None

    def run(self, stop: threading.Event) -> None:
        """Mail what is due until told to stop; what is under way then is sent again by whoever comes next."""
        while not stop.is_set():
            try:
                self.turn(stop)
            except (Unavailable, Collision):
                log.warning("the database cannot be reached; the postman tries again")
            except Exception:
                log.exception("a turn of the postman failed")
            stop.wait(SECONDS_BETWEEN_TURNS)

    def turn(self, stop: threading.Event | None = None) -> dict[str, int]:
        """Find what people are to be told, and mail all that is due; how many mails came to which end."""
        self.gather()
        return self.send(stop)

    def gather(self) -> None:
        """Note what people are to be told of what was sealed since the last turn."""
        now = self.seams.clock()
        with self.seams.database.read(self.entropy()) as db:
            news = news_since(db, self._looked)
        if news.told is not None and not news.told:
            return
        done = self._begin(now, news)
        with self.seams.database.read(self.entropy()) as db:
            people = collection.with_news(db, news)
        for actor in people:
            try:
                self._act(lambda db, actor=actor: collection.gather(db, now, actor, news.position), actor.principals)  # type: ignore[misc]
            except Unavailable:
                raise
            except Exception:
                log.exception("what one person is to be told was not found; the others go on")
                done = False
        if done:
            self._looked = news.position

    def _begin(self, now: datetime, news: News) -> bool:
        # Who comes is entered in the stream of the registry.
        if news.told is not None and STAFF not in news.told:
            return True
        with self.seams.database.read(self.entropy()) as db:
            if not collection.is_anybody_new(db):
                return True
        try:
            self._act(lambda db: collection.begin(db, now, news.position))
        except Conflict:
            # Another worker began with the same people at this moment.
            return False
        return True

    def send(self, stop: threading.Event | None = None) -> dict[str, int]:
        """Mail all that is due, over one connection; how many mails came to which end."""
        done: dict[str, int] = {}
        with closing(_Connection(self.box)) as line:
            while stop is None or not stop.is_set():
                now = self.seams.clock()
                if self._not_before is not None and now < self._not_before:
                    break
                one = self._claim(now)
                if one is None:
                    break
                state = self._send(line, one)
                NOTICES.labels(state).inc()
                done[state] = done.get(state, 0) + 1
        return done

    def _claim(self, now: datetime) -> NoticeClaim | None:
        with self.seams.database.read(self.entropy()) as db:
            if not mail_queue.is_anything_due(db, now):
                return None
        return self._act(lambda db: mail_queue.claim(db, now))

    def _send(self, line: "_Connection", one: NoticeClaim) -> str:
        result = self._result(line, one)
        return self._act(lambda db: mail_queue.record(db, self.seams.clock(), one, result))

    def _result(self, line: "_Connection", one: NoticeClaim) -> Result | None:
        """What became of it; no transaction is open while it is sent."""
        at = self.seams.clock()
        with self.seams.database.read(self.entropy()) as db:
            written = mail_queue.write(db, one, self.box.url)
        if written is None:
            return None
        try:
            mail = smtp.message(self.box, one.id, written.letter, written.name, written.email, written.institution, at)
        except ValueError:
            return Result("bounced", "address")
        try:
            result = smtp.deliver(line.open(), self.box, mail)
        except MailServerUnreachable as problem:
            log.warning("the mail server cannot be spoken with: %s", problem.code)
            line.close()
            self._not_before = self.seams.clock() + PATIENCE
            return Result("later", problem.code)
        self._not_before = None
        return result

    def _act(self, act: Callable[[GatedSession], Answer], principals: tuple[UUID, ...] | None = None) -> Answer:
        def acted(db: GatedSession) -> Answer:
            if principals is not None:
                read_under(db, principals)
            return act(db)

        return self.seams.database.in_transaction(acted, self.entropy())


class _Connection:
    """The connection of one turn: opened for its first message, and anew for the next one after it was lost."""

    def __init__(self, box: Mailbox) -> None:
        self.box = box
        self._held = ExitStack()
        self._connection: SMTP | None = None

    def open(self) -> SMTP:
        """The connection; MailServerUnreachable if there can be none."""
        if self._connection is None:
            self._connection = self._held.enter_context(smtp.connected(self.box))
        return self._connection

    def close(self) -> None:
        """Take leave of the server, if it is there."""
        self._connection = None
        self._held.close()


@contextmanager
def mailing(postman: Postman | None, stop: threading.Event) -> Iterator[None]:
    """Mails beside whatever goes on, until that is told to stop; nothing where no mail is sent."""
    if postman is None:
        yield
        return
    with beside(postman.run, "accord-postman", stop, SECONDS_TO_END):
        yield


def postman_of(seams: Seams, entropy: Callable[[], Entropy], settings: Settings) -> Postman | None:
    """The postman that the settings ask for, if any; Misconfigured if they ask for what cannot be."""
    box = smtp.mailbox_of(settings)
    return None if box is None else Postman(seams, entropy, box)
