"""What a step of a case does to other nouns: consents and powers that it gives, and what its end closes."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import String, Uuid, union_all, update

from app.core.access import capacities
from app.core.access import service as access
from app.core.access.actors import Actor
from app.core.access.session import GatedSession, as_system
from app.core.contents import service as contents
from app.core.db import AnyRow, AnySelect, UtcDateTime, new_id, one_shape
from app.core.ledger import service as ledger
from app.core.ledger.acts import Act, Author, Subject
from app.core.tables.audiences import Audience
from app.core.tables.capacities import Capacity
from app.core.tables.cases import Case
from app.core.tables.mediators import Appointment
from app.core.tables.parties import Consent
from app.core.tables.sessions import Meeting
from app.proceedings.certificates import outcomes
from app.proceedings.steps.schemas import ConsentIn, PowersIn


def give_consent(db: GatedSession, now: datetime, case: Case, party_id: UUID, given: ConsentIn, by: Author) -> None:
    """Write a party's own consent, which is confirmed by the act in which it is given."""
    written = contents.write(db, case.id, case.audience_id, {"instrument": given.instrument})
    consent = Consent(
        id=new_id(db),
        case_id=case.id,
        audience_id=case.audience_id,
        party_id=party_id,
        basis=given.basis,
        given_on=given.given_on,
        content_id=written.id,
        filed_at=now,
        confirmed_at=now,
    )
    db.add(consent)
    subject = Subject(case.id, case.audience_id, "case")
    payload = {"consent_id": str(consent.id), "party_id": str(party_id), "basis": given.basis}
    ledger.record(db, Act("consent", now, by, subject), "consent-given", payload, content=written)


def record_powers(
    db: GatedSession, actor: Actor, now: datetime, case: Case, party_id: UUID, powers: PowersIn, by: Author
) -> None:
    """Record on what the actor acts for the party, for that side and the registry to read."""
    known = access.known_circle(db, case.id)
    held = next((one for one in known.held_by(actor) if one.party_id == party_id), None)
    written = write_powers(db, now, case.id, party_id, powers, held.id if held else None, by)
    if held is None:
        # The registry entered the act: its signer has no account, and the powers are kept as they came.
        return
    recorded = update(Capacity).where(Capacity.id == held.id).values(powers_kind=powers.kind, powers_id=written.id)
    db.execute(recorded.execution_options(synchronize_session=False))


def write_powers(
    db: GatedSession,
    now: datetime,
    case_id: UUID,
    party_id: UUID,
    powers: PowersIn,
    capacity_id: UUID | None,
    by: Author,
) -> contents.Written:
    """Seal somebody's powers into the audience of their side and the registry."""
    audience_id = access.audience(db, case_id, "party-registry", frozenset({party_id}))
    body = {"kind": powers.kind, "issued_by": powers.issued_by, "issued_on": powers.issued_on.isoformat()}
    written = contents.write(db, case_id, audience_id, body)
    subject = Subject(case_id, audience_id, "party-registry")
    payload = {
        "representative_id": str(capacity_id) if capacity_id else None,
        "party_id": str(party_id),
        "kind": powers.kind,
    }
    ledger.record(db, Act("record-powers", now, by, subject), "powers-recorded", payload, content=written)
    return written


# One shape for what a closed case leaves open, so that one statement finds it.
_OPEN: dict[str, Any] = {"id": Uuid(), "audience_id": Uuid(), "audience": String(), "at": UtcDateTime()}
_PENDING = ("proposed", "declared")


def close(db: GatedSession, now: datetime, case: Case, by: Author, step: str) -> None:
    """End what a closed case leaves open: pending appointments, then sessions, hidden ones last and unseen."""
    with as_system(db):
        rows = db.execute(union_all(_pending(case.id), _scheduled(case.id))).all()
    appointments = [row for row in rows if row.what == "appointment"]
    _close_appointments(db, now, case, by, step, sorted(appointments, key=lambda row: (row.at, row.id)))
    outcomes.issue_at_the_end(db, now, case, by, step)
    meetings = [row for row in rows if row.what == "meeting"]
    with as_system(db):
        _cancel_meetings(
            db, now, case, by, step, sorted(meetings, key=lambda row: (row.audience == "caucus", row.at, row.id))
        )


def _pending(case_id: UUID) -> AnySelect:
    columns = one_shape(
        "appointment", _OPEN, id=Appointment.id, audience_id=Appointment.audience_id, at=Appointment.proposed_at
    )
    return columns.where(Appointment.case_id == case_id, Appointment.state.in_(_PENDING))


def _scheduled(case_id: UUID) -> AnySelect:
    columns = one_shape(
        "meeting",
        _OPEN,
        id=Meeting.id,
        audience_id=Meeting.audience_id,
        audience=Audience.name,
        at=Meeting.starts_at,
    )
    joined = columns.join(Audience, Audience.id == Meeting.audience_id)
    return joined.where(Meeting.case_id == case_id, Meeting.state == "scheduled")


def close_appointments(db: GatedSession, now: datetime, case: Case, by: Author, step: str) -> None:
    """Close the nominations still pending, which ends what their candidates may read."""
    with as_system(db):
        rows = db.execute(_pending(case.id)).all()
    _close_appointments(db, now, case, by, step, sorted(rows, key=lambda row: (row.at, row.id)))


def _close_appointments(
    db: GatedSession, now: datetime, case: Case, by: Author, step: str, rows: Sequence[AnyRow]
) -> None:
    if not rows:
        return
    with as_system(db):
        ended = update(Appointment).where(Appointment.id.in_([row.id for row in rows]))
        db.execute(ended.values(state="closed", ended_at=now).execution_options(synchronize_session=False))
    for row in rows:
        subject = Subject(case.id, row.audience_id, "appointment")
        payload = {"appointment_id": str(row.id), "state": "closed"}
        ledger.record(db, Act(step, now, by, subject), "appointment-closed", payload)
    candidates = [held.id for held in access.known_circle(db, case.id).capacities if held.role == "candidate"]
    capacities.end_capacities(db, case.id, candidates, now)


def _cancel_meetings(
    db: GatedSession, now: datetime, case: Case, by: Author, step: str, rows: Sequence[AnyRow]
) -> None:
    if not rows:
        return
    cancelled = update(Meeting).where(Meeting.id.in_([row.id for row in rows])).values(state="cancelled")
    db.execute(cancelled.execution_options(synchronize_session=False))
    for row in rows:
        subject = Subject(case.id, row.audience_id, row.audience)
        payload = {"session_id": str(row.id), "state": "cancelled"}
        ledger.record(db, Act(step, now, by, subject), "session-cancelled", payload)
