"""A draft case is discarded: nobody reads it any more, and what was written in it cannot be read again."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import update

from app.core.access import capacities
from app.core.access.actors import Actor
from app.core.access.session import GatedSession
from app.core.contents import service as contents
from app.core.errors import Forbidden
from app.core.ledger import service as ledger
from app.core.ledger.acts import Act, author_of
from app.core.tables.parties import Party, ThirdState
from app.proceedings.cases.amendments import not_amendable
from app.proceedings.cases.circle import act_subject, circle_of, view_of
from app.proceedings.cases.lock import lock_case

# Replaces a title or a name that was discarded: the columns cannot be empty.
_DISCARDED = "—"


def discard_case(db: GatedSession, actor: Actor, now: datetime, case_id: UUID) -> tuple[UUID]:
    """Discard a request that is not lodged, as the filer's side.

    The events stay, without content. Raises NotFound, Forbidden for others, and Conflict once the request is lodged.
    """
    case = lock_case(db, actor, case_id)
    circle = circle_of(db, view_of(case))
    party_id = circle.acting_party(actor) if circle.parties_of(actor) else None
    if party_id is None:
        raise Forbidden("Only the requesting side may discard a request, before it is lodged.")
    if case.lodged_at is not None:
        detail = "The request is lodged: it can no longer be discarded. Withdraw it by the step 'withdraw'."
        raise not_amendable(case, detail)
    act = Act("discard", now, author_of(actor, "requesting-party", party_id), act_subject(db, case))
    ledger.record(db, act, "case-discarded", {})
    case.title = case.search = _DISCARDED
    case.waiting_for, case.awaits = [], ""
    for table in (Party, ThirdState):
        unnamed = update(table).where(table.case_id == case_id).values(name=_DISCARDED, member_id=None)
        db.execute(unnamed.execution_options(synchronize_session=False))
    db.flush()
    contents.destroy(db, case_id)
    capacities.end_invitations(db, case_id, now)
    capacities.end_capacities(db, case_id, [held.id for held in circle.capacities], now)
    return (case_id,)
