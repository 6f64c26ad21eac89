"""What is to be mailed: claimed by who sends it, judged once more through the gate, and what became of it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import delete, or_, select, update

from app.core.access.actors import Actor
from app.core.access.session import GatedSession, read_under
from app.core.tables.institution import Institution
from app.core.tables.mediators import Appointment
from app.core.tables.notices import Notice, NoticeMark
from app.core.tables.people import User
from app.integration.notices import letters
from app.integration.notices.collection import cases_with_news, choice_of, deadline_for
from app.integration.notices.letters import Letter, NamedCase, Office
from app.integration.notices.smtp import Result

# What passes before each further attempt; from then on half a day, and none begins later than LONGEST after the first.
DELAYS = tuple(timedelta(minutes=one) for one in (1, 5, 15, 60, 120, 240, 480))
HALF_A_DAY, LONGEST = timedelta(hours=12), timedelta(days=2)
# Whoever was killed while sending is waited for so long; one attempt takes less.
LEASE = timedelta(minutes=5)
KEPT = timedelta(days=30)
FORGOTTEN_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class NoticeClaim:
    """One notice that this process sends."""

    id: UUID
    user_id: UUID
    kind: str
    subject_id: UUID | None
    after: int | None
    until: int | None


@dataclass(frozen=True, slots=True)
class AddressedLetter:
    """A letter with its recipient and who writes."""

    letter: Letter
    name: str
    email: str
    institution: str


def _due(now: datetime) -> tuple[Any, ...]:
    free = or_(Notice.leased_until.is_(None), Notice.leased_until <= now)
    return Notice.state == "pending", Notice.due_at <= now, free


def is_anything_due(db: GatedSession, now: datetime) -> bool:
    """Whether there may be something to send."""
    return db.execute(select(Notice.id).where(*_due(now)).limit(1)).first() is not None


def claim(db: GatedSession, now: datetime) -> NoticeClaim | None:
    """Take the notice that has been due the longest, for as long as an attempt may take; None if none is free."""
    first = select(Notice).where(*_due(now)).order_by(Notice.due_at, Notice.id).limit(1)
    notice = db.execute(first.with_for_update(skip_locked=True)).scalar_one_or_none()
    if notice is None:
        return None
    notice.leased_until, notice.tries = now + LEASE, notice.tries + 1
    notice.first_at = notice.first_at or now
    db.flush()
    return NoticeClaim(notice.id, notice.user_id, notice.kind, notice.subject_id, notice.after, notice.until)


def write(db: GatedSession, one: NoticeClaim, url: str) -> AddressedLetter | None:
    """The letter as its recipient may have it at this moment, or None if there is nothing any more to tell them.

    The session has no reader yet: it reads as the recipient does.
    """
    columns = (User.id, User.role, User.name, User.email, User.active, User.awaits_approval)
    person = db.execute(select(*columns).where(User.id == one.user_id)).one()
    actor = Actor(person.id, person.role, person.name)
    read_under(db, actor.principals)
    invited = one.kind == "invitation" and person.awaits_approval
    if not (person.active or invited):
        return None
    institution = db.execute(select(Institution.name)).scalar_one()
    letter = _letter(db, actor, one, Office(institution, url))
    return None if letter is None else AddressedLetter(letter, person.name, person.email, institution)


def _letter(db: GatedSession, actor: Actor, one: NoticeClaim, place: Office) -> Letter | None:
    choice = choice_of(db, actor.id)
    language = choice.language
    if one.kind == "invitation":
        return letters.invitation(language, place)
    if one.kind == "nomination":
        waits = (Appointment.id == one.subject_id, Appointment.state.in_(("proposed", "declared")))
        still = db.execute(select(Appointment.id).where(*waits)).first() is not None
        return letters.nomination(language, place) if still else None
    if one.kind == "deadline":
        found = deadline_for(db, actor, one.subject_id) if choice.deadlines and one.subject_id else None
        if found is None:
            return None
        case = _named(place, found.case_id, found.reference) if found.reference is not None else None
        return letters.deadline(language, place, case, found.due_on)
    if choice.news == "never" or one.after is None or one.until is None:
        return None
    return _news(db, actor, one.after, one.until, language, place)


def _news(db: GatedSession, actor: Actor, after: int, until: int, language: str, place: Office) -> Letter | None:
    cases = cases_with_news(db, actor, after, until)
    if not cases:
        return None
    named = sorted((row.reference, row.id) for row in cases if row.reference is not None)
    elsewhere = any(row.reference is None for row in cases)
    return letters.news(language, place, [_named(place, id, reference) for reference, id in named], elsewhere)


def _named(place: Office, case_id: UUID, reference: str) -> NamedCase:
    return NamedCase(reference, f"{place.url}/v1/cases/{case_id}")


def record(db: GatedSession, now: datetime, one: NoticeClaim, result: Result | None) -> str:
    """Keep what became of a claim, None for one of which there was nothing to tell; in which state it is now."""
    held = select(Notice).where(Notice.id == one.id, Notice.state == "pending").with_for_update()
    notice = db.execute(held, execution_options={"populate_existing": True}).scalar_one_or_none()
    if notice is None:
        # Somebody else, who took it for left behind, was faster.
        return "repeated"
    notice.leased_until = None
    if result is None:
        notice.state = "skipped"
    else:
        notice.code = result.code
        notice.state = result.state if result.state != "later" else _again(notice, now)
    if notice.state != "pending":
        notice.settled_at, notice.settled_on = now, _day(db, now)
    _flag(db, notice)
    db.flush()
    return notice.state


def _again(notice: Notice, now: datetime) -> str:
    delay = DELAYS[notice.tries - 1] if notice.tries <= len(DELAYS) else HALF_A_DAY
    if notice.first_at is not None and now + delay > notice.first_at + LONGEST:
        return "failed"
    notice.due_at = now + delay
    return "pending"


def _day(db: GatedSession, now: datetime) -> Any:
    return now.astimezone(ZoneInfo(db.execute(select(Institution.time_zone)).scalar_one())).date()


def _flag(db: GatedSession, notice: Notice) -> None:
    """Say of the person whether mail reaches them, if that changed."""
    mine = update(User).where(User.id == notice.user_id)
    if notice.state == "bounced":
        flagged = mine.where(User.undeliverable_since.is_(None)).values(undeliverable_since=notice.settled_on)
    elif notice.state == "sent":
        flagged = mine.where(User.undeliverable_since.is_not(None)).values(undeliverable_since=None)
    else:
        return
    db.execute(flagged.execution_options(synchronize_session=False))


def forget(db: GatedSession, now: datetime) -> int:
    """Forget the mails that were settled long ago; how many."""
    old = select(Notice.id).where(Notice.settled_at < now - KEPT).limit(FORGOTTEN_AT_ONCE)
    ids = db.execute(old.with_for_update(skip_locked=True)).scalars().all()
    if ids:
        db.execute(delete(Notice).where(Notice.id.in_(ids)).execution_options(synchronize_session=False))
    return len(ids)


def stand_down() -> tuple[Any, ...]:
    """The statements after which a registry that was restored mails nothing of what was, and begins anew."""
    waits = update(Notice).where(Notice.state == "pending")
    # Its day of settlement is not shown: it came back from nobody.
    return waits.values(state="skipped", code="restored", settled_at=Notice.created_at), delete(NoticeMark)
