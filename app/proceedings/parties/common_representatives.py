"""A common representative: one person who is admitted, in one act, to act for several parties of a side."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from app.core.access import capacities
from app.core.access import service as access
from app.core.access.actors import Actor
from app.core.access.circle import Circle
from app.core.access.policy import REPRESENTATIVES
from app.core.access.session import GatedSession
from app.core.contents import service as contents
from app.core.db import new_id
from app.core.errors import Forbidden, NotFound, invalid
from app.core.ledger import service as ledger
from app.core.ledger.acts import Act, Author, Subject
from app.core.tables.capacities import Capacity
from app.core.tables.people import User
from app.proceedings.cases.circle import circle_of, view_of
from app.proceedings.cases.lock import lock_case, require_case
from app.proceedings.cases.paper_acts import check_given
from app.proceedings.parties.admission import judge_admission
from app.proceedings.parties.schemas import CommonRepresentativeIn, CommonRepresentativeOut
from app.proceedings.parties.service import check_open
from app.proceedings.steps.consents_and_powers import as_sealed
from app.proceedings.steps.schemas import PowersIn


def admit_common(
    db: GatedSession, actor: Actor, now: datetime, case_id: UUID, body: CommonRepresentativeIn
) -> tuple[UUID, UUID]:
    """Admit a person for several parties: the registry, where none of them has an agent, or an agent of them all.

    Raises Forbidden for anybody else, Invalid for parties that the case does not have or that are on several sides, for
    somebody who cannot act for a party and for powers of a day to come, and Conflict as the admission for one party
    does.
    """
    case = lock_case(db, actor, case_id)
    circle = circle_of(db, view_of(case))
    _check_parties(circle, body.party_ids)
    _check_entitled(circle, actor, body)
    check_given(case, body.powers.issued_on, now, "/powers/issued_on")
    check_open(case)
    admission = judge_admission(db, actor, now, case, body, body.party_ids)
    powers = _write_powers(db, now, admission.author, case_id, body)
    rows = [admission.capacity(new_id(db), case, party_id, body, powers.id) for party_id in body.party_ids]
    capacities.admit(db, *rows)
    _record(db, Act("admit", now, admission.author, Subject(case.id, case.audience_id, "case")), rows)
    return (case_id, admission.user_id)


def _check_parties(circle: Circle, named: list[UUID]) -> None:
    sides = {party.id: party.side for party in circle.parties}
    if not sides.keys() >= set(named):
        raise invalid("/party_ids", "unknown-party", "Name parties of this case by their ids.")
    if len({sides[party_id] for party_id in named}) > 1:
        raise invalid("/party_ids", "sides", "Name parties of one side: nobody may act for two sides.")


def _check_entitled(circle: Circle, actor: Actor, body: CommonRepresentativeIn) -> None:
    agents = [held for held in circle.capacities if held.role == "agent" and held.party_id in set(body.party_ids)]
    represented = {held.party_id for held in agents}
    own = {held.party_id for held in agents if held.user_id == actor.id}
    if not own >= set(body.party_ids) and not (actor.is_staff and not represented):
        detail = (
            "Only the registry may admit the first agent of parties, and only an agent of all these parties may admit "
            "others for them."
        )
        raise Forbidden(detail)
    if not represented and body.role != "agent":
        raise invalid("/role", "first-agent", "The first representative of a party must be an 'agent'.")


def _write_powers(
    db: GatedSession, now: datetime, author: Author, case_id: UUID, body: CommonRepresentativeIn
) -> contents.Written:
    """Seal the common powers once, for the sides of all these parties and the registry to read."""
    powers: PowersIn = body.powers
    audience_id = access.audience(db, case_id, "party-registry", frozenset(body.party_ids))
    written = contents.write(db, case_id, audience_id, as_sealed(powers))
    act = Act("record-powers", now, author, Subject(case_id, audience_id, "party-registry"))
    payload = {"representative_id": None, "party_id": None, "kind": powers.kind, "party_ids": _texts(body.party_ids)}
    ledger.record(db, act, "powers-recorded", payload, content=written)
    return written


def _record(db: GatedSession, act: Act, rows: list[Capacity]) -> None:
    """Record the admission as one event: with one for each party, every reader would get some hundred."""
    first = rows[0]
    payload = {
        # Nothing tells whose account an invitation names.
        "user_id": None if first.pending else str(first.user_id),
        "role": first.role,
        "pending": first.pending,
        "party_ids": _texts([row.party_id for row in rows if row.party_id is not None]),
        # One for each party, in the same order.
        "representative_ids": _texts([row.id for row in rows]),
    }
    ledger.record(db, act, "common-representative-admitted", payload)


def _texts(ids: list[UUID]) -> list[str]:
    return [str(id) for id in ids]


def read_common(db: GatedSession, actor: Actor, now: datetime, case_id: UUID, user_id: UUID) -> CommonRepresentativeOut:
    """Return the latest admission of a person for parties of a case; raises NotFound if there is none."""
    require_case(db, case_id)
    columns = (Capacity.party_id, Capacity.role, Capacity.pending, Capacity.admitted_at, User.name)
    held = (Capacity.case_id == case_id, Capacity.user_id == user_id, Capacity.ended_at.is_(None))
    statement = select(*columns).join(User, User.id == Capacity.user_id)
    statement = statement.where(*held, Capacity.role.in_(REPRESENTATIVES))
    rows = db.execute(statement.order_by(Capacity.admitted_at.desc(), Capacity.id)).all()
    if not rows:
        raise NotFound
    latest = [row for row in rows if row.admitted_at == rows[0].admitted_at]
    return CommonRepresentativeOut(
        user_id=None if latest[0].pending else user_id,
        name=None if latest[0].pending else latest[0].name,
        role=latest[0].role,
        pending=latest[0].pending,
        party_ids=[row.party_id for row in latest],
        admitted_at=None if latest[0].pending else latest[0].admitted_at,
    )
