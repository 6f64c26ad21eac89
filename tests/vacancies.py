"""What open cases wait for, or have scheduled, that depends on somebody who is no longer there."""

from collections.abc import Iterator

from sqlalchemy import select

from app.core.access.session import GatedSession
from app.core.tables.capacities import Capacity
from app.core.tables.cases import Case
from app.core.tables.events import Event
from app.core.tables.mediators import Appointment
from app.core.tables.parties import Party
from app.core.tables.sessions import Meeting

# These are held by the institution, by courts and by time, in every case.
ALWAYS_HELD = ("registry", "appointing-authority", "court", "clock")
IN_OFFICE = ("proposed", "declared", "confirmed")


def awaited_in_vain(db: GatedSession) -> list[tuple[str, str]]:
    """The cases with such a fault, each with what it waits for or has scheduled; read as the system."""
    return sorted({*_waiting(db), *_unrepresented(db), *_scheduled(db), *_appointed(db)})


def _waiting(db: GatedSession) -> Iterator[tuple[str, str]]:
    living = (Capacity.ended_at.is_(None), Capacity.pending.is_(False))
    held = db.execute(select(Capacity.case_id, Capacity.role, Capacity.party_id).where(*living)).all()
    represented = {(row.case_id, str(row.party_id)) for row in held if row.role == "agent"}
    roles = {(row.case_id, row.role) for row in held}
    for case in db.execute(select(Case.id, Case.waiting_for)):
        for entry in case.waiting_for:
            capacity, party_id = entry["capacity"], entry["party_id"]
            is_held = (case.id, party_id) in represented if party_id else (case.id, capacity) in roles
            if capacity not in ALWAYS_HELD and not is_held:
                yield str(case.id), f"{capacity} for {entry['for']}"


def _unrepresented(db: GatedSession) -> Iterator[tuple[str, str]]:
    """Parties of open cases that have lost their agent without a task of the registry."""
    agents = (Capacity.role == "agent", Capacity.pending.is_(False))
    held = db.execute(select(Capacity.party_id, Capacity.ended_at).where(*agents)).all()
    lost = {row.party_id for row in held} - {row.party_id for row in held if row.ended_at is None}
    parties = select(Case.id, Case.waiting_for, Party.id.label("party_id")).join(Party, Party.case_id == Case.id)
    taking_part = (Case.closed_at.is_(None), Party.participation != "withdrawn", Party.id.in_(lost))
    # Nobody represents anybody in a draft that was discarded.
    discarded = select(Event.case_id).where(Event.type == "case-discarded")
    for row in db.execute(parties.where(*taking_part, Case.id.not_in(discarded))):
        tasks = [entry for entry in row.waiting_for if entry["capacity"] == "registry"]
        if str(row.party_id) not in {entry["party_id"] for entry in tasks}:
            yield str(row.id), "an agent of a party"


def _scheduled(db: GatedSession) -> Iterator[tuple[str, str]]:
    """Sessions without a mediator who could hold them."""
    office = select(Capacity.case_id).where(Capacity.role == "mediator", Capacity.ended_at.is_(None))
    alone = (Meeting.state == "scheduled", Meeting.case_id.not_in(office))
    for row in db.execute(select(Meeting.case_id, Meeting.kind).where(*alone)):
        yield str(row.case_id), f"a {row.kind} session"


def _appointed(db: GatedSession) -> Iterator[tuple[str, str]]:
    """Appointments that are confirmed in an open case though their person has no capacity there."""
    office = select(Capacity.appointment_id).where(Capacity.appointment_id.is_not(None), Capacity.ended_at.is_(None))
    vacant = (Appointment.state.in_(IN_OFFICE), Appointment.ended_at.is_(None), Appointment.id.not_in(office))
    open_cases = select(Appointment.case_id, Appointment.state).join(Case, Case.id == Appointment.case_id)
    for row in db.execute(open_cases.where(*vacant, Case.closed_at.is_(None))):
        yield str(row.case_id), f"an appointment that is {row.state}"
