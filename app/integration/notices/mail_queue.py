"""Queue of notices: claims what is due, writes each letter as its recipient may read it, and records the outcome."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, delete, exists, or_, select, update

from app.core.access.actors import Actor
from app.core.access.session import GatedSession, read_under
from app.core.db import AnyRow, AnySelect
from app.core.tables.institution import Institution
from app.core.tables.mediators import Appointment
from app.core.tables.notices import Notice, NoticeMark
from app.core.tables.people import Activation, Correction, User
from app.institution.people import activations
from app.integration.notices import letters
from app.integration.notices.collection import account_event, cases_with_news, choice_of, deadline_for
from app.integration.notices.letters import AddressedLetter, Letter, NamedCase, Office
from app.integration.notices.smtp import Result

# Delays before further attempts; after them half a day each. No attempt starts later than LONGEST after the first.
DELAYS = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 120, 240, 480))
HALF_A_DAY, LONGEST = timedelta(hours=12), timedelta(days=2)
# A claim expires after this if its process was killed; an attempt takes less.
LEASE = timedelta(minutes=5)
KEPT = timedelta(days=30)
FORGOTTEN_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class NoticeClaim:
    """A notice that this process has claimed for sending."""

    id: UUID
    user_id: UUID
    kind: str
    subject_id: UUID | None
    after: int | None
    until: int | None
    address: str | None = None


def _due(now: datetime) -> tuple[Any, ...]:
    free = or_(Notice.leased_until.is_(None), Notice.leased_until <= now)
    return Notice.state == "pending", Notice.due_at <= now, free


def is_anything_due(db: GatedSession, now: datetime) -> bool:
    """Whether there may be something to send."""
    return db.execute(select(Notice.id).where(*_due(now)).limit(1)).first() is not None


def claim(db: GatedSession, now: datetime) -> NoticeClaim | None:
    """Claim the notice that has been due the longest, for the time of an attempt; None if none is free."""
    first = select(Notice).where(*_due(now)).order_by(Notice.due_at, Notice.id).limit(1)
    notice = db.execute(first.with_for_update(skip_locked=True)).scalar_one_or_none()
    if notice is None:
        return None
    notice.leased_until, notice.tries = now + LEASE, notice.tries + 1
    notice.first_at = notice.first_at or now
    db.flush()
    return NoticeClaim(
        notice.id, notice.user_id, notice.kind, notice.subject_id, notice.after, notice.until, notice.address
    )


def write(db: GatedSession, claim: NoticeClaim, url: str) -> AddressedLetter | None:
    """Write the letter as its recipient may read it now; None if there is nothing left to announce.

    The session must have no reader yet: from here on it reads as the recipient.
    """
    person = db.execute(_person(claim)).one()
    actor = Actor(person.id, person.role, person.name)
    read_under(db, actor.principals)
    if not person.active:
        return None
    office = Office(db.execute(select(Institution.name)).scalar_one(), url)
    letter = _letter(db, actor, claim, office)
    if letter is None:
        return None
    return AddressedLetter(claim.id, letter, person.name, claim.address or person.email, office.institution)


def write_invitation(db: GatedSession, now: datetime, claim: NoticeClaim, url: str) -> AddressedLetter | None:
    """Make a one-time link and write the letter with it, for the mail alone; None if the invitation was withdrawn.

    Each attempt makes a link of its own, because no secret is stored; so each has an id of its own too.
    """
    # Locked in the order of acts on an account: a correction of the address withdraws what waits to be sent.
    person = db.execute(_person(claim).with_for_update()).one()
    waits = select(Notice.id).where(Notice.id == claim.id, Notice.state == "pending")
    if not person.active or db.execute(waits).first() is None:
        return None
    office = Office(db.execute(select(Institution.name)).scalar_one(), url)
    link_id, secret = activations.write_link(db, now, person.id)
    language = choice_of(db, person.id).language
    letter = letters.invitation(language, office, secret, now + activations.LINK_LIFE)
    return AddressedLetter(link_id, letter, person.name, person.email, office.institution)


def _person(claim: NoticeClaim) -> AnySelect:
    columns = (User.id, User.role, User.name, User.email, User.active)
    return select(*columns).where(User.id == claim.user_id)


def _letter(db: GatedSession, actor: Actor, claim: NoticeClaim, office: Office) -> Letter | None:
    choice = choice_of(db, actor.id)
    language = choice.language
    if claim.kind == "account":
        event = account_event(db, claim.subject_id) if claim.subject_id else None
        return None if event is None else letters.account(language, office, event.type, _day(db, event.at))
    if claim.kind == "nomination":
        open_nomination = (Appointment.id == claim.subject_id, Appointment.state.in_(("proposed", "declared")))
        is_open = db.execute(select(Appointment.id).where(*open_nomination)).first() is not None
        return letters.nomination(language, office) if is_open else None
    if claim.kind == "deadline":
        term = deadline_for(db, actor, claim.subject_id) if choice.deadlines and claim.subject_id else None
        if term is None:
            return None
        case = _named(office, term.case_id, term.reference) if term.reference is not None else None
        return letters.deadline(language, office, case, term.due_on)
    if choice.news == "never" or claim.after is None or claim.until is None:
        return None
    return _news(cases_with_news(db, actor, claim.after, claim.until), language, office)


def _news(cases: Sequence[AnyRow], language: str, office: Office) -> Letter | None:
    if not cases:
        return None
    named = sorted((row.reference, row.id) for row in cases if row.reference is not None)
    elsewhere = any(row.reference is None for row in cases)
    return letters.news(language, office, [_named(office, id, reference) for reference, id in named], elsewhere)


def _named(office: Office, case_id: UUID, reference: str) -> NamedCase:
    return NamedCase(reference, f"{office.url}/v1/cases/{case_id}")


def record(db: GatedSession, now: datetime, claim: NoticeClaim, result: Result | None) -> str:
    """Record the outcome of a claim, None if nothing was sent; return the notice's new state."""
    pending = select(Notice).where(Notice.id == claim.id, Notice.state == "pending").with_for_update()
    notice = db.execute(pending, execution_options={"populate_existing": True}).scalar_one_or_none()
    if notice is None:
        # The claim expired, and another process has settled the notice.
        return "repeated"
    notice.leased_until = None
    if result is None:
        notice.state = "skipped"
    else:
        notice.code = result.code
        notice.state = result.state if result.state != "later" else _again(notice, now)
    if notice.state != "pending":
        notice.settled_at, notice.settled_on = now, _day(db, now)
    db.flush()
    return notice.state


def _again(notice: Notice, now: datetime) -> str:
    delay = DELAYS[notice.tries - 1] if notice.tries <= len(DELAYS) else HALF_A_DAY
    if notice.first_at is not None and now + delay > notice.first_at + LONGEST:
        return "failed"
    notice.due_at = now + delay
    return "pending"


def _zone(db: GatedSession) -> ZoneInfo:
    return ZoneInfo(db.execute(select(Institution.time_zone)).scalar_one())


def _day(db: GatedSession, now: datetime) -> date:
    return now.astimezone(_zone(db)).date()


def _unpublished(today: date) -> ColumnElement[bool]:
    return or_(Institution.notices_published_on.is_(None), Institution.notices_published_on < today)


def is_publication_due(db: GatedSession, now: datetime) -> bool:
    """Whether a day has begun for which `publish` has not yet run."""
    return db.execute(select(Institution.id).where(_unpublished(_day(db, now)))).first() is not None


def publish(db: GatedSession, now: datetime) -> int:
    """Let the registry see to whom mail did not arrive, or arrives again, on the days before today; return the mails.

    It sees this once a day, since the hour of a mail is that of its cause, which may be a confidence. A day begins at
    the institution.
    """
    today = _day(db, now)
    institution = db.execute(select(Institution).where(_unpublished(today)).with_for_update()).scalar_one_or_none()
    if institution is None:
        return 0
    # What was sent to an address that was corrected since says nothing of the present one.
    is_later = (Correction.user_id == Notice.user_id, Correction.corrected_at >= Notice.settled_at)
    corrected = exists().where(*is_later, Correction.old_email != Correction.new_email)
    settled = [Notice.state.in_(("bounced", "sent")), Notice.settled_on < today, Notice.address.is_(None), ~corrected]
    if institution.notices_published_on is not None:
        settled.append(Notice.settled_on >= institution.notices_published_on)
    columns = (Notice.user_id, Notice.state, Notice.settled_on)
    rows = db.execute(select(*columns).where(*settled).order_by(Notice.settled_at, Notice.id)).all()
    for row in rows:
        _flag(db, row)
    institution.notices_published_on = today
    db.flush()
    return len(rows)


def _flag(db: GatedSession, settled: AnyRow) -> None:
    """Note on the person whether mail reaches them, if that has changed."""
    person = update(User).where(User.id == settled.user_id)
    if settled.state == "bounced":
        flagged = person.where(User.undeliverable_since.is_(None)).values(undeliverable_since=settled.settled_on)
    else:
        flagged = person.where(User.undeliverable_since.is_not(None)).values(undeliverable_since=None)
    db.execute(flagged.execution_options(synchronize_session=False))


def forget(db: GatedSession, now: datetime) -> int:
    """Delete notices that were settled long ago; return how many.

    Those of a day go together, since what vanishes from the registry's list at its hour would tell when it was settled.
    """
    zone = _zone(db)
    midnight = datetime.combine(now.astimezone(zone).date(), time(), zone)
    old = select(Notice.id).where(Notice.settled_at < midnight - KEPT).limit(FORGOTTEN_AT_ONCE)
    ids = db.execute(old.with_for_update(skip_locked=True)).scalars().all()
    if ids:
        db.execute(delete(Notice).where(Notice.id.in_(ids)).execution_options(synchronize_session=False))
    return len(ids)


def stand_down() -> tuple[Any, ...]:
    """Statements after which a restored registry has no links, mails nothing pending, and starts with new events."""
    pending = update(Notice).where(Notice.state == "pending")
    # A link that was used since the backup would be valid again.
    unused = update(Activation).where(Activation.used_at.is_(None), Activation.voided_at.is_(None))
    voided = unused.values(voided_at=Activation.created_at)
    # No `settled_on`: these notices did not fail and must not be listed as undelivered.
    return pending.values(state="skipped", code="restored", settled_at=Notice.created_at), delete(NoticeMark), voided
