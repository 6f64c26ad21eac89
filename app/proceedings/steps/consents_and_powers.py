"""What a party states by a step: its consent, and the powers of the person who acts for it."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import update

from app.core.access import service as access
from app.core.access.actors import Actor
from app.core.access.session import GatedSession
from app.core.contents import service as contents
from app.core.db import new_id
from app.core.ledger import service as ledger
from app.core.ledger.acts import Act, Author, Subject
from app.core.tables.capacities import Capacity
from app.core.tables.cases import Case
from app.core.tables.parties import Consent
from app.proceedings.cases import paper_acts
from app.proceedings.steps.schemas import ConsentIn, PowersIn


@dataclass(frozen=True, slots=True)
class PartyPowers:
    """Powers to act for a party, and the representative who holds them.

    `representative_id` is None for a person who signed on paper and has no account.
    """

    party_id: UUID
    representative_id: UUID | None
    powers: PowersIn


def give_consent(db: GatedSession, act: Act, case: Case, party_id: UUID, request: ConsentIn) -> None:
    """Write a party's own consent, which the act that gives it also confirms; raises Invalid for a day to come."""
    paper_acts.check_given(case, request.given_on, act.at, "/fields/consent/given_on")
    written = contents.write(db, case.id, case.audience_id, {"instrument": request.instrument})
    consent = Consent(
        id=new_id(db),
        case_id=case.id,
        audience_id=case.audience_id,
        party_id=party_id,
        basis=request.basis,
        given_on=request.given_on,
        content_id=written.id,
        filed_at=act.at,
        confirmed_at=act.at,
    )
    db.add(consent)
    consenting = replace(act, name="consent", subject=Subject(case.id, case.audience_id, "case"))
    payload = {"consent_id": str(consent.id), "party_id": str(party_id), "basis": request.basis}
    ledger.record(db, consenting, "consent-given", payload, content=written)


def record_powers(db: GatedSession, actor: Actor, act: Act, case: Case, party_id: UUID, powers: PowersIn) -> None:
    """Record the powers on which the actor takes a step for a party; that side and the registry read them.

    Raises Invalid for powers of a day to come.
    """
    paper_acts.check_given(case, powers.issued_on, act.at, "/fields/powers/issued_on")
    held = access.known_circle(db, case.id).held_by(actor)
    representative = next((capacity for capacity in held if capacity.party_id == party_id), None)
    representative_id = representative.id if representative is not None else None
    written = write_powers(db, act.at, act.author, case.id, PartyPowers(party_id, representative_id, powers))
    if representative_id is None:
        # The registry entered the act: its signer has no account to which the powers could be attached.
        return
    recorded = update(Capacity).where(Capacity.id == representative_id)
    recorded = recorded.values(powers_kind=powers.kind, powers_id=written.id)
    db.execute(recorded.execution_options(synchronize_session=False))


def write_powers(
    db: GatedSession, now: datetime, author: Author, case_id: UUID, party_powers: PartyPowers
) -> contents.Written:
    """Seal a person's powers for the party's side and the registry to read, and record the event."""
    party_id, representative_id, powers = party_powers.party_id, party_powers.representative_id, party_powers.powers
    audience_id = access.audience(db, case_id, "party-registry", frozenset({party_id}))
    written = contents.write(db, case_id, audience_id, as_sealed(powers))
    payload = {
        "representative_id": str(representative_id) if representative_id else None,
        "party_id": str(party_id),
        "kind": powers.kind,
    }
    act = Act("record-powers", now, author, Subject(case_id, audience_id, "party-registry"))
    ledger.record(db, act, "powers-recorded", payload, content=written)
    return written


def as_sealed(powers: PowersIn) -> dict[str, Any]:
    """Powers as they are sealed; an office only where they name one."""
    body = {"kind": powers.kind, "issued_by": powers.issued_by, "issued_on": powers.issued_on.isoformat()}
    return body if powers.office is None else {**body, "office": powers.office}
