"""`/v1/mediators`, `…/appointments` of a case, and `/v1/appointments`."""

from uuid import UUID

from fastapi import APIRouter

from app.core.http.parameters import Act, Change, Create, Hop, Paged
from app.core.http.problems import problems
from app.core.http.routing import Route
from app.core.http.work import act
from app.proceedings.mediators import appointments as service
from app.proceedings.mediators import declarations, departures
from app.proceedings.mediators import roster as entries
from app.proceedings.mediators.schemas import (
    AppointmentActIn,
    AppointmentList,
    AppointmentOut,
    DeclarationOfIndependence,
    DeclineIn,
    LeaveIn,
    MediatorChange,
    MediatorIn,
    MediatorList,
    MediatorOut,
    NominationIn,
    ObjectionIn,
)

roster = APIRouter(prefix="/v1/mediators", tags=["mediators"], route_class=Route)
appointments = APIRouter(prefix="/v1", tags=["appointments"], route_class=Route)
ACTS = problems(401, 403, 404, 409, 412, 422)


@roster.get("", operation_id="listMediators", responses=problems(401, 422))
async def list_mediators(work: Hop, page: Paged) -> MediatorList:
    """List the roster of mediators."""
    return await work.read(entries.list_mediators, page)


@roster.get("/{mediator_id}", operation_id="readMediator", responses=problems(401, 404, 422))
async def read_mediator(work: Hop, mediator_id: UUID) -> MediatorOut:
    """Read a mediator's entry on the roster."""
    return await work.read(entries.read_mediator, mediator_id)


@roster.post(
    "", status_code=201, dependencies=Create, operation_id="enterMediator", responses=problems(401, 403, 409, 422)
)
async def enter_mediator(work: Hop, body: MediatorIn) -> MediatorOut:
    """Put a person on the roster of mediators.

    Registrars may do this.
    """
    return await work.write(act(entries.enter_mediator, body), answer=entries.read_mediator, status=201)


@roster.patch(
    "/{mediator_id}",
    dependencies=Change,
    operation_id="changeMediator",
    responses=problems(401, 403, 404, 409, 412, 422, 428),
)
async def change_mediator(work: Hop, mediator_id: UUID, body: MediatorChange) -> MediatorOut:
    """Correct a mediator's entry on the roster, or suspend it.

    Registrars may do this.
    """
    return await work.write(
        act(entries.change_mediator, mediator_id, body),
        answer=entries.read_mediator,
        item=(mediator_id,),
        lock=entries.lock_mediator,
    )


@appointments.get("/cases/{case_id}/appointments", operation_id="listAppointments", responses=problems(401, 404, 422))
async def list_appointments(work: Hop, case_id: UUID, page: Paged) -> AppointmentList:
    """List the appointments of a case."""
    return await work.read(service.list_appointments, case_id, page)


@appointments.post(
    "/cases/{case_id}/appointments",
    status_code=201,
    dependencies=Create,
    operation_id="nominateMediator",
    responses=problems(401, 403, 404, 409, 422),
)
async def nominate(work: Hop, case_id: UUID, body: NominationIn) -> AppointmentOut:
    """Nominate a mediator.

    A party that nominates somebody accepts them by that.
    """
    return await work.write(act(service.nominate, case_id, body), answer=service.read_appointment, status=201)


@appointments.get("/appointments/{appointment_id}", operation_id="readAppointment", responses=problems(401, 404, 422))
async def read_appointment(work: Hop, appointment_id: UUID) -> AppointmentOut:
    """Read an appointment."""
    return await work.read(service.read_appointment, appointment_id)


@appointments.post(
    "/appointments/{appointment_id}/declare", dependencies=Act, operation_id="declareIndependence", responses=ACTS
)
async def declare(work: Hop, appointment_id: UUID, body: DeclarationOfIndependence) -> AppointmentOut:
    """Declare your independence and what the parties should know, or correct what you declared.

    The candidate may do this, and the mediator once confirmed. The earlier declaration stays readable. Before the
    confirmation every party accepts again; afterwards a party may object.
    """
    return await work.write(
        act(declarations.declare, appointment_id, body),
        answer=service.read_appointment,
        item=(appointment_id,),
        lock=service.lock_appointment,
    )


@appointments.post(
    "/appointments/{appointment_id}/object", dependencies=Act, operation_id="objectToMediator", responses=ACTS
)
async def object_to_mediator(work: Hop, appointment_id: UUID, body: ObjectionIn) -> AppointmentOut:
    """Object to a confirmed mediator for your party.

    A party may do this once after each declaration. Everybody in the case reads the objection, and the registry may
    replace the mediator.
    """
    return await work.write(
        act(declarations.object_to_mediator, appointment_id, body),
        answer=service.read_appointment,
        item=(appointment_id,),
        lock=service.lock_appointment,
    )


@appointments.post(
    "/appointments/{appointment_id}/decline",
    dependencies=Act,
    operation_id="declineAppointment",
    responses=ACTS | {204: {"description": "Declined. You can no longer see the appointment."}},
)
async def decline(work: Hop, appointment_id: UUID, body: DeclineIn | None = None) -> AppointmentOut:
    """Decline a nomination.

    The candidate may do this, and no longer sees the appointment afterwards.
    """
    return await work.write(
        act(service.decline, appointment_id, body or DeclineIn()),
        answer=service.read_appointment,
        item=(appointment_id,),
        lock=service.lock_appointment,
    )


@appointments.post(
    "/appointments/{appointment_id}/accept", dependencies=Act, operation_id="acceptAppointment", responses=ACTS
)
async def accept(work: Hop, appointment_id: UUID, body: AppointmentActIn | None = None) -> AppointmentOut:
    """Accept a candidate for your party, after the declaration."""
    return await work.write(
        act(service.accept, appointment_id, body or AppointmentActIn()),
        answer=service.read_appointment,
        item=(appointment_id,),
        lock=service.lock_appointment,
    )


@appointments.post(
    "/appointments/{appointment_id}/confirm", dependencies=Act, operation_id="confirmAppointment", responses=ACTS
)
async def confirm(work: Hop, appointment_id: UUID, body: AppointmentActIn | None = None) -> AppointmentOut:
    """Confirm a candidate whom every party accepts.

    Registrars may do this. From then on the mediator sees the case.
    """
    return await work.write(
        act(service.confirm, appointment_id, body or AppointmentActIn()),
        answer=service.read_appointment,
        item=(appointment_id,),
        lock=service.lock_appointment,
    )


@appointments.post(
    "/appointments/{appointment_id}/resign",
    dependencies=Act,
    operation_id="resignAppointment",
    responses=ACTS | {204: {"description": "Resigned. You can no longer see the case."}},
)
async def resign(work: Hop, appointment_id: UUID, body: LeaveIn) -> AppointmentOut:
    """Resign as the mediator of a case.

    The mediator may do this, and no longer sees the case afterwards.
    """
    return await work.write(
        act(departures.resign, appointment_id, body),
        answer=service.read_appointment,
        item=(appointment_id,),
        lock=service.lock_appointment,
    )


@appointments.post(
    "/appointments/{appointment_id}/replace", dependencies=Act, operation_id="replaceMediator", responses=ACTS
)
async def replace(work: Hop, appointment_id: UUID, body: LeaveIn) -> AppointmentOut:
    """End a mediator's appointment so that another can be nominated.

    Registrars may do this.
    """
    return await work.write(
        act(departures.replace, appointment_id, body),
        answer=service.read_appointment,
        item=(appointment_id,),
        lock=service.lock_appointment,
    )
