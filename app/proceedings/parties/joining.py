"""A party that joins a case after it was opened, and reads what is written from then on."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select

from app.core.access import service as access
from app.core.access.actors import Actor
from app.core.access.policy import PartyView
from app.core.access.session import GatedSession
from app.core.db import new_id
from app.core.errors import Conflict, Forbidden, invalid
from app.core.ledger import service as ledger
from app.core.ledger.acts import Act, Subject, author_of
from app.core.tables.cases import Case
from app.core.tables.members import Member
from app.core.tables.parties import Party
from app.institution.procedures.schemas import MOST_PARTIES
from app.proceedings.cases.locking import act_subject, begin_generation, circle_of, lock_case, view_of
from app.proceedings.cases.reading import search_text
from app.proceedings.cases.schemas import PartyIn
from app.rules.loader import library


def add_party(db: GatedSession, actor: Actor, now: datetime, case_id: UUID, given: PartyIn) -> tuple[UUID, UUID]:
    """Add a party: until the request is lodged its filer does, from then on the registry.

    Once the request is served a party comes late: it reads what is written from then on. Raises Forbidden for others,
    Conflict in a closed case or one with as many parties as can be, and Invalid for an unknown member.
    """
    case = lock_case(db, actor, case_id)
    known = circle_of(db, view_of(case))
    mine = known.parties_of(actor)
    if case.lodged_at is None:
        by = author_of(actor, "requesting-party", next(iter(mine)))
    elif actor.is_staff:
        by = author_of(actor, "registry")
    else:
        raise Forbidden("Once a request is lodged, the registry adds parties.")
    if given.member_id is not None:
        found = db.execute(select(Member.id).where(Member.id == given.member_id)).first()
        if found is None:
            raise invalid("/member_id", "unknown-member", "Name a member of the institution by its id.")
    _check(case, len(known.parties))
    number = db.execute(select(func.max(Party.number)).where(Party.case_id == case_id)).scalar_one()
    late = case.served_at is not None
    party = Party(
        id=new_id(db),
        case_id=case_id,
        audience_id=case.audience_id,
        number=number + 1,
        participation="appearing",
        generation=begin_generation(db, case) if late else case.generation,
        **given.model_dump(),
    )
    db.add(party)
    names = db.execute(select(Party.name).where(Party.case_id == case_id).order_by(Party.number)).scalars().all()
    case.search = search_text(case.title, names)
    known = access.known_circle(db, case_id)
    parties = (*known.parties, PartyView(party.id, party.side, party.generation))
    access.bring_into_line(db, view_of(case), parties=parties)
    payload = {"party_id": str(party.id), "side": party.side, "kind": party.kind}
    subject = Subject(case_id, case.audience_id, "case") if case.lodged_at else act_subject(db, case)
    ledger.record(db, Act("add", now, by, subject), "party-added", payload)
    return (case_id, party.id)


def _check(case: Case, parties: int) -> None:
    if library()[case.procedure].stage(case.stage).final:
        raise Conflict("The case is closed.", "step-not-open", stage=case.stage, rule_set=case.procedure)
    if parties >= MOST_PARTIES:
        raise Conflict(f"A case has at most {MOST_PARTIES} parties.", "too-many-parties")
