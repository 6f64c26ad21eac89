"""Third States: States that are not parties to a dispute, but that it involves."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select

from app.core.access.actors import Actor
from app.core.access.session import GatedSession
from app.core.db import new_id
from app.core.errors import NotFound
from app.core.ledger import service as ledger
from app.core.ledger.acts import Act, Subject
from app.core.paging import Page, Sort, listed
from app.core.tables.parties import ThirdState, has_consented
from app.proceedings.cases.lock import lock_case, require_case
from app.proceedings.parties.schemas import NamedStateIn, ThirdStateList, ThirdStateOut
from app.proceedings.parties.service import check_member, check_open, party_or_registry

_COLUMNS = (
    ThirdState.number,
    ThirdState.id,
    ThirdState.name,
    ThirdState.member_id,
    has_consented(ThirdState).label("consented"),
)


def list_third_states(db: GatedSession, actor: Actor, now: datetime, case_id: UUID, page: Page) -> ThirdStateList:
    """Return a page of a case's third States; raises NotFound if the actor may not see the case."""
    require_case(db, case_id)
    statement = select(*_COLUMNS).where(ThirdState.case_id == case_id)
    listing = listed(db, statement, page, Sort(ThirdState.number, ThirdState.id, int))
    return ThirdStateList(
        items=[ThirdStateOut.model_validate(row) for row in listing.rows], next=listing.next, count=listing.count
    )


def read_third_state(
    db: GatedSession, actor: Actor, now: datetime, case_id: UUID, third_state_id: UUID
) -> ThirdStateOut:
    """Return one third State; raises NotFound if the actor may not see the case, or it has no such State."""
    wanted = (ThirdState.case_id == case_id, ThirdState.id == third_state_id)
    row = db.execute(select(*_COLUMNS).where(*wanted)).one_or_none()
    if row is None:
        raise NotFound
    return ThirdStateOut.model_validate(row)


def name_third_state(
    db: GatedSession, actor: Actor, now: datetime, case_id: UUID, body: NamedStateIn
) -> tuple[UUID, UUID]:
    """Name a State that the dispute involves, as a party or the registry.

    Raises Forbidden for a mediator, Conflict in a closed case, and Invalid for an unknown member.
    """
    case = lock_case(db, actor, case_id)
    author = party_or_registry(db, actor, case, body, "Only a party or the registry may name a third State.")
    check_open(case)
    check_member(db, body.member_id)
    last_number = db.execute(select(func.max(ThirdState.number)).where(ThirdState.case_id == case_id)).scalar()
    third_state = ThirdState(
        id=new_id(db),
        case_id=case_id,
        audience_id=case.audience_id,
        number=0 if last_number is None else last_number + 1,
        name=body.name,
        member_id=body.member_id,
    )
    db.add(third_state)
    act = Act("name", now, author, Subject(case_id, case.audience_id, "case"))
    ledger.record(db, act, "third-state-named", {"third_state_id": str(third_state.id)})
    return (case_id, third_state.id)
