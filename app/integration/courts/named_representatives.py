"""Representatives whom a court named: shown in the case as proposed, for the registry to admit."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from app.core.access.actors import Actor
from app.core.access.policy import REPRESENTATIVES
from app.core.access.session import GatedSession
from app.core.contents import service as contents
from app.core.db import AnyRow
from app.core.errors import Forbidden, NotFound, invalid
from app.core.tables.capacities import Capacity
from app.core.tables.courts import CourtPaper
from app.core.tables.parties import Party
from app.core.tables.people import User
from app.core.values import email_key, folded
from app.integration.courts.referral_schemas import NamedRepresentativeIn, ProposedRepresentative
from app.proceedings.cases.lock import lock_case
from app.proceedings.parties.representatives import admit_as_registry
from app.proceedings.parties.schemas import RepresentativeIn


def proposed(db: GatedSession, actor: Actor, case_id: UUID, sent: Mapping[str, Any]) -> list[ProposedRepresentative]:
    """The persons whom the court named for the parties of the case, and who of them has been admitted."""
    named = [(party, person) for party in sent["parties"] for person in party["representatives"]]
    if not named:
        return []
    rows = db.execute(select(Party.id, Party.side, Party.name).where(Party.case_id == case_id)).all()
    party_ids = {(row.side, row.name): row.id for row in rows}
    admitted = _admitted(db, actor, case_id)
    return [
        ProposedRepresentative(
            **person, party_id=party_id, representative_id=_found(admitted.get(party_id, ()), person)
        )
        for party, person in named
        if (party_id := party_ids.get((party["side"], party["name"]))) is not None
    ]


def _admitted(db: GatedSession, actor: Actor, case_id: UUID) -> dict[UUID, list[AnyRow]]:
    """Those who represent each party, and for the registry those who will once their account is approved.

    It does not show the parties whom an invitation names.
    """
    columns = (Capacity.id, Capacity.party_id, User.name, User.email_key)
    held = [Capacity.case_id == case_id, Capacity.role.in_(REPRESENTATIVES), Capacity.ended_at.is_(None)]
    by_party: dict[UUID, list[AnyRow]] = {}
    if not actor.is_staff:
        held.append(Capacity.pending.is_(False))
    for row in db.execute(select(*columns).join(User, User.id == Capacity.user_id).where(*held)):
        by_party.setdefault(row.party_id, []).append(row)
    return by_party


def _found(rows: Any, person: Mapping[str, Any]) -> UUID | None:
    """The representative who is the named person: by the address, or without one by the name."""
    address = email_key(person["email"]) if person["email"] else None
    for row in rows:
        if row.email_key == address if address else folded(row.name) == folded(person["name"]):
            found: UUID = row.id
            return found
    return None


def admit_named(
    db: GatedSession, actor: Actor, now: datetime, case_id: UUID, body: NamedRepresentativeIn
) -> tuple[UUID]:
    """Admit a person whom the court named, as the registry, also for a party that has an agent.

    Raises NotFound for a case that no court referred, Forbidden for others, Invalid for somebody whom the court did not
    name for the party, and what the admission of a representative raises.
    """
    lock_case(db, actor, case_id)
    sent = sent_in(db, case_id)
    if not actor.is_staff:
        raise Forbidden("Only the registry may admit a person whom the court named.", "not-your-capacity")
    named = [each for each in proposed(db, actor, case_id, sent) if each.party_id == body.party_id]
    person = next((each for each in named if folded(each.name) == folded(body.name)), None)
    if person is None:
        raise invalid("/name", "not-named", "Name a person whom the court's order names for this party.")
    if body.user_id is None and body.email is None and person.email is None:
        detail = "The court gave no address of this person: name the account in 'user_id', or the address in 'email'."
        raise invalid("/email", "missing", detail)
    email = None if body.user_id is not None else body.email or person.email
    admission = RepresentativeIn(
        user_id=body.user_id,
        email=email,
        name=None if email is None else person.name,
        role=body.role or ("agent" if person.role == "agent" else "counsel"),
        powers=body.powers,
    )
    admit_as_registry(db, actor, now, case_id, body.party_id, admission)
    return (case_id,)


def sent_in(db: GatedSession, case_id: UUID) -> dict[str, Any]:
    """What the court sent about a case, as it stands; NotFound if no court referred it."""
    papers = select(CourtPaper.content_id).where(CourtPaper.case_id == case_id, CourtPaper.kind != "reported")
    content_id = db.execute(papers.order_by(CourtPaper.number.desc()).limit(1)).scalar_one_or_none()
    if content_id is None:
        raise NotFound
    sent: dict[str, Any] = contents.read_one(db, content_id)["sent"]
    return sent
