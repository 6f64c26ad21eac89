"""The acts for which a case waits: the operation that takes the step, or that fulfils what the step still needs."""

from typing import Any
from uuid import UUID

from app.core.db import AnyRow
from app.rules.loader import library

# Name, operation and path of each act; the keys are checks and, where an act takes a step, steps.
_APPOINTMENT = "/v1/appointments/{appointment_id}"
_CASE = "/v1/cases/{case_id}"
_NOMINATE = ("nominate", "nominateMediator", f"{_CASE}/appointments")
_FREEZE = ("freeze", "freezeText", f"{_CASE}/settlement/drafts/{{draft_id}}/freeze")
_HOLD = ("hold", "holdSession", f"{_CASE}/sessions/{{session_id}}/hold")
_BY_NEED = {
    "mediator-nominated": _NOMINATE,
    "declarations-made": ("declare", "declareIndependence", f"{_APPOINTMENT}/declare"),
    "accepted-by-all-parties": ("accept", "acceptAppointment", f"{_APPOINTMENT}/accept"),
    "text-frozen": _FREEZE,
    "first-session-held": _HOLD,
    "all-parties-served": ("serve", "recordService", f"{_CASE}/service"),
}
_BY_STEP = {
    "nominate": _NOMINATE,
    "confirm-mediator": ("confirm", "confirmAppointment", f"{_APPOINTMENT}/confirm"),
    "hold-session": _HOLD,
    "freeze-text": _FREEZE,
    "sign": ("sign", "signText", f"{_CASE}/settlement/signatures"),
}


def waiting_with_acts(case: AnyRow) -> list[dict[str, Any]]:
    """The entries of a case's `waiting_for`, each with its act."""
    return [{**entry, "act": _act(case, entry)} for entry in case.waiting_for]


def _act(case: AnyRow, entry: dict[str, Any]) -> dict[str, str] | None:
    """The act of an entry; None for one of a release that did not record what the step needs."""
    if "need" not in entry:
        return None
    step, need = entry["for"], entry["need"]
    if need is not None:
        return _out(case.id, _BY_NEED[need]) if need in _BY_NEED else None
    if any(each.taken_through is not None for each in library()[case.procedure].entries(step)):
        return _out(case.id, _BY_STEP[step]) if step in _BY_STEP else None
    return _out(case.id, (step, "takeStep", f"{_CASE}/steps/{step}"))


def _out(case_id: UUID, act: tuple[str, str, str]) -> dict[str, str]:
    name, operation_id, path = act
    return {
        "name": name,
        "operation_id": operation_id,
        "method": "POST",
        "path": path.replace("{case_id}", str(case_id)),
    }
