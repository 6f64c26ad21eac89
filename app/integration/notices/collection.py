"""Collects notices from people's feeds, through the gate that guards all their reading."""

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, case, exists, false, literal, or_, select

from app.core.access.actors import Actor
from app.core.access.capacities import my_parts
from app.core.access.session import GatedSession, as_system
from app.core.db import AnyRow, AnySelect, new_id
from app.core.ledger.feed import News
from app.core.tables.audiences import STAFF, Audience
from app.core.tables.capacities import Capacity
from app.core.tables.cases import Case
from app.core.tables.deadlines import Deadline
from app.core.tables.events import Event, FeedEntry
from app.core.tables.institution import Institution
from app.core.tables.mediators import Mediator
from app.core.tables.notices import Notice, NoticeChoice, NoticeMark
from app.core.tables.parties import Party
from app.core.tables.people import Correction, User
from app.core.values import email_key
from app.integration.notices import letters
from app.integration.notices.schemas import NoticesOut
from app.proceedings.desk.service import is_mine

DIGESTS_AT = time(8)
# Not news: a recalled deadline has a mail of its own, for those who must act.
RECALLED, NOMINATED = "deadline-recalled", "appointment-proposed"
_OF_REFERRALS = "referral-%"
# The act by which a link is ordered by mail; the operator prints the others.
ORDERED = "mail"


def choice_of(db: GatedSession, user_id: UUID) -> NoticesOut:
    """A person's choice of mail, or the default."""
    columns = (NoticeChoice.news, NoticeChoice.deadlines, NoticeChoice.language)
    row = db.execute(select(*columns).where(NoticeChoice.user_id == user_id)).one_or_none()
    return NoticesOut(news="daily", deadlines=True, language="en") if row is None else NoticesOut.model_validate(row)


def news_due(db: GatedSession, how: str, now: datetime) -> datetime:
    """When news of this moment are sent: at once, or with the next daily digest."""
    if how != "daily":
        return now
    zone = ZoneInfo(db.execute(select(Institution.time_zone)).scalar_one())
    here = now.astimezone(zone)
    day = here.date() if here.time() < DIGESTS_AT else here.date() + timedelta(days=1)
    return datetime.combine(day, DIGESTS_AT, zone).astimezone(UTC)


def is_anybody_new(db: GatedSession) -> bool:
    """Whether there is a person whose feed is not yet searched for news."""
    with as_system(db):
        return db.execute(_newcomers().limit(1)).first() is not None


def _newcomers() -> AnySelect:
    """People without a mark; those who were invited into a case only once their side may know of it.

    A mail to the other side before the request is served would tell them that something is coming.
    """
    unmarked = ~exists(select(NoticeMark.user_id).where(NoticeMark.user_id == User.id))
    parts = select(Capacity.id).join(Case, Case.id == Capacity.case_id).join(Party, Party.id == Capacity.party_id)
    may_know = or_(Party.side == "requesting", Case.served_at.is_not(None))
    informed = exists(parts.where(Capacity.user_id == User.id, Capacity.ended_at.is_(None), may_know))
    columns = select(User.id, User.role, User.address_by_id)
    return columns.where(unmarked, User.active, or_(~User.invited, informed)).order_by(User.id)


def begin(db: GatedSession, now: datetime, position: int) -> int:
    """Start searching the feeds of new people, and invite them; return how many there are.

    When mail starts, or after a restore, everybody's feed is searched from `position` on, and nobody is invited.
    """
    first = db.execute(select(NoticeMark.user_id).limit(1)).first() is None
    with as_system(db):
        people = db.execute(_newcomers()).all()
    for person in people:
        # A new registrar can read the registry's past, but is informed of later events only.
        mark = position if first or person.role == "registrar" else 0
        db.add(NoticeMark(user_id=person.id, position=mark))
        # To an address that was corrected since, somebody must have a link sent.
        if not first and person.address_by_id is None:
            _invite(db, now, person.id)
    db.flush()
    return len(people)


def with_news(db: GatedSession, news: News) -> Sequence[Actor]:
    """The people whose feeds contain events that were not yet searched."""
    staff = User.role == "registrar"
    role_principal = case((staff, literal(STAFF, FeedEntry.principal_id.type)), else_=User.id)
    unsearched = [
        exists(
            select(FeedEntry.position).where(
                FeedEntry.principal_id == principal, FeedEntry.position > NoticeMark.position
            )
        )
        for principal in (User.id, role_principal)
    ]
    statement = select(User.id, User.role, User.name).join(NoticeMark, NoticeMark.user_id == User.id)
    statement = statement.where(User.active, or_(*unsearched))
    if news.principals is not None:
        concerned = User.id.in_(news.principals)
        statement = statement.where(or_(concerned, staff) if STAFF in news.principals else concerned)
    return [Actor(row.id, row.role, row.name) for row in db.execute(statement.order_by(User.id))]


def gather(db: GatedSession, now: datetime, actor: Actor, position: int) -> int:
    """Create the actor's notices of events up to a position; the session must read as the actor."""
    unsearched = select(NoticeMark).where(NoticeMark.user_id == actor.id, NoticeMark.position < position)
    mark = db.execute(unsearched.with_for_update(skip_locked=True)).scalar_one_or_none()
    if mark is None:
        return 0
    choice, after = choice_of(db, actor.id), mark.position
    mark.position = position
    told = _tell_of_account(db, now, actor, (after, position))
    requests = _requests(db, actor, after, position)
    for row in requests:
        if row.type == NOMINATED:
            _add(db, now, actor.id, "nomination", now, subject_id=UUID(row.payload["appointment_id"]))
        elif choice.deadlines and deadline_for(db, actor, UUID(row.payload["deadline_id"])) is not None:
            _add(db, now, actor.id, "deadline", now, subject_id=UUID(row.payload["deadline_id"]))
    is_new = choice.news != "never" and db.execute(_news_cases(db, actor, after, position).limit(1)).first() is not None
    if is_new:
        _note_news(db, now, actor.id, (after, position), news_due(db, choice.news, now))
    db.flush()
    return told + len(requests) + is_new


def _tell_of_account(db: GatedSession, now: datetime, actor: Actor, news: tuple[int, int]) -> int:
    """Create the notices of what others did to the actor's account, and the mails with the links that they ordered."""
    columns = (Event.id, Event.type, Event.act, Event.actor, Event.payload)
    of_account = _events(actor, *news, *columns).join(Audience, Audience.id == Event.audience_id)
    mine = of_account.where(Audience.name == "person", Event.type.in_(letters.ACCOUNT_TEXTS))
    rows = db.execute(mine.order_by(Event.position)).all()
    for row in rows:
        if row.type == "link-issued" and row.act == ORDERED:
            _invite(db, now, actor.id)
            continue
        _add(db, now, actor.id, "account", now, subject_id=row.id)
        old_address = _old_address(db, row.payload) if row.type == "user-changed" else None
        if old_address is not None:
            _add(db, now, actor.id, "account", now, subject_id=row.id, address=old_address)
    return len(rows)


def _old_address(db: GatedSession, payload: dict[str, Any]) -> str | None:
    """The address that a correction took from an account, at which the holder gets a mail too; None if it took none."""
    correction_id = payload.get("correction_id")
    if correction_id is None:
        return None
    addresses = select(Correction.old_email, Correction.new_email).where(Correction.id == UUID(correction_id))
    correction = db.execute(addresses).one()
    is_same = email_key(correction.old_email) == email_key(correction.new_email)
    return None if is_same else str(correction.old_email)


def account_event(db: GatedSession, event_id: UUID) -> AnyRow | None:
    """The type and the instant of an event of the reader's account; None if it is not theirs."""
    return db.execute(select(Event.type, Event.at).where(Event.id == event_id)).one_or_none()


def _invite(db: GatedSession, now: datetime, user_id: UUID) -> None:
    """Have an invitation sent, unless one waits to be sent."""
    waits = (Notice.user_id == user_id, Notice.kind == "invitation", Notice.state == "pending")
    if db.execute(select(Notice.id).where(*waits).limit(1)).first() is None:
        _add(db, now, user_id, "invitation", now)


def _requests(db: GatedSession, actor: Actor, after: int, until: int) -> Sequence[AnyRow]:
    """Events that ask this person to act: their nomination, or a recalled deadline."""
    statement = _events(actor, after, until, Event.type, Event.payload, Event.position)
    asks = or_(Event.type == RECALLED, _nominates(db, actor))
    return db.execute(statement.where(asks).order_by(Event.position)).all()


def _nominates(db: GatedSession, actor: Actor) -> ColumnElement[bool]:
    mediator_id = db.execute(select(Mediator.id).where(Mediator.user_id == actor.id)).scalar_one_or_none()
    if mediator_id is None:
        return false()
    return and_(Event.type == NOMINATED, Event.payload["mediator_id"].as_string() == str(mediator_id))


def _news_cases(db: GatedSession, actor: Actor, after: int, until: int) -> AnySelect:
    """Cases of the events that are news to the actor; None where the actor may not read the case."""
    columns = (Case.id, Case.reference)
    statement = _events(actor, after, until, *columns).outerjoin(Case, Case.id == Event.case_id)
    # Acts of the clock have no id.
    author_id = Event.actor["id"].as_string()
    of_others = or_(author_id.is_(None), author_id != str(actor.id))
    about = or_(Event.case_id.is_not(None), Event.type.like(_OF_REFERRALS))
    return statement.where(of_others, about, Event.type != RECALLED, ~_nominates(db, actor))


def _events(actor: Actor, after: int, until: int, *columns: Any) -> AnySelect:
    """Events between two positions in the actor's feed, and for staff also in the feed of the staff."""
    principals = [actor.id, STAFF] if actor.is_staff else [actor.id]
    entries = (FeedEntry.principal_id.in_(principals), FeedEntry.position > after, FeedEntry.position <= until)
    return select(*columns).select_from(Event).where(Event.position.in_(select(FeedEntry.position).where(*entries)))


def cases_with_news(db: GatedSession, actor: Actor, after: int, until: int) -> Sequence[AnyRow]:
    """Cases with news for the actor; `id` and `reference` are None where no case may be named."""
    return db.execute(_news_cases(db, actor, after, until).distinct()).all()


def deadline_for(db: GatedSession, actor: Actor, deadline_id: UUID) -> AnyRow | None:
    """A running deadline on which the actor must act, with its case; None if they may not read one."""
    columns = (Deadline.due_on, Deadline.party_id, Case.id.label("case_id"), Case.reference, Case.waiting_for)
    running = (Deadline.id == deadline_id, Deadline.state == "running", Deadline.suspended_on.is_(None))
    statement = select(*columns).join(Case, Case.id == Deadline.case_id)
    row = db.execute(statement.where(*running)).one_or_none()
    if row is None:
        return None
    parts, day = my_parts(db, actor, [row.case_id]), row.due_on.isoformat()
    must_act = any(entry["due_on"] == day and is_mine(actor, parts, row, entry) for entry in row.waiting_for)
    return row if must_act else None


def _note_news(db: GatedSession, now: datetime, user_id: UUID, news: tuple[int, int], due_at: datetime) -> None:
    """Extend the pending news notice to the new events, or create it; `news` are the positions around the events."""
    pending = (Notice.user_id == user_id, Notice.kind == "news", Notice.state == "pending", Notice.first_at.is_(None))
    statement = select(Notice).where(*pending).with_for_update()
    notice = db.execute(statement, execution_options={"populate_existing": True}).scalars().first()
    after, until = news
    if notice is None:
        _add(db, now, user_id, "news", due_at, after=after, until=until)
    else:
        notice.until = until


def _add(db: GatedSession, now: datetime, user_id: UUID, kind: str, due_at: datetime, **more: Any) -> None:
    row = {"id": new_id(db), "user_id": user_id, "kind": kind, "state": "pending", "due_at": due_at, "tries": 0}
    db.add(Notice(**row, created_at=now, **more))
