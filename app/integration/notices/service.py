"""People's choices about mail, and the mails that did not reach them."""

from datetime import date, datetime

from sqlalchemy import func, literal_column, select, update

from app.core.access.actors import Actor
from app.core.access.session import GatedSession
from app.core.errors import Forbidden
from app.core.paging import Page, Sort, listed
from app.core.tables.institution import Institution
from app.core.tables.notices import Notice, NoticeChoice
from app.core.tables.people import User
from app.integration.notices.collection import choice_of, news_due
from app.integration.notices.schemas import NoticeList, NoticeOut, NoticesChange, NoticesOut, ShownState


def read_choice(db: GatedSession, actor: Actor, now: datetime) -> NoticesOut:
    """Read which mail the actor receives."""
    return choice_of(db, actor.id)


def lock_choice(db: GatedSession, actor: Actor) -> None:
    """Lock the actor's choice for a change."""
    db.execute(select(User.id).where(User.id == actor.id).with_for_update(key_share=True))


def choose(db: GatedSession, actor: Actor, now: datetime, change: NoticesChange) -> tuple[()]:
    """Change which mail the actor receives; pending news follow the new choice."""
    lock_choice(db, actor)
    row = db.get(NoticeChoice, actor.id, populate_existing=True)
    if row is None:
        row = NoticeChoice(user_id=actor.id, **choice_of(db, actor.id).model_dump())
        db.add(row)
    for name, value in change.model_dump(exclude_unset=True).items():
        setattr(row, name, value)
    db.flush()
    pending = (Notice.user_id == actor.id, Notice.kind == "news", Notice.state == "pending", Notice.first_at.is_(None))
    moved = update(Notice).where(*pending).values(due_at=news_due(db, row.news, now))
    db.execute(moved.execution_options(synchronize_session=False))
    return ()


def list_notices(
    db: GatedSession, actor: Actor, now: datetime, page: Page, state: ShownState | None = None
) -> NoticeList:
    """List mails that did not arrive on the days that are published, latest first.

    Raises Forbidden unless the actor is an administrator or a registrar.
    """
    if actor.role not in ("registrar", "admin"):
        raise Forbidden("Only administrators and registrars may list undelivered mail.")
    columns = (Notice.id, Notice.user_id, Notice.kind, Notice.state, Notice.code, Notice.settled_on)
    statement = select(*columns, User.name, func.coalesce(Notice.address, User.email).label("email")).join(
        User, User.id == Notice.user_id
    )
    states = ("bounced", "failed") if state is None else (state,)
    # The condition of the partial index, literally, so that the index is used.
    undelivered = Notice.state.in_((literal_column("'bounced'"), literal_column("'failed'")))
    published = Notice.settled_on < select(Institution.notices_published_on).scalar_subquery()
    statement = statement.where(undelivered, Notice.state.in_(states), published)
    listing = listed(db, statement, page, Sort(Notice.settled_on, Notice.id, date, newest_first=True))
    items = [
        NoticeOut(
            id=row.id,
            user_id=row.user_id,
            name=row.name,
            email=row.email,
            kind=row.kind,
            state=row.state,
            code=row.code,
            on=row.settled_on,
        )
        for row in listing.rows
    ]
    return NoticeList(items=items, next=listing.next, count=listing.count)
