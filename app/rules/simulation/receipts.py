"""The day on which an assumed act counts, where it reaches the registry outside office hours."""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime

from app.rules.model import Procedure
from app.rules.office_hours import CHANNELS, hours_of, receipt
from app.rules.simulation.assumed import AssumedAct, Calendars, SimulationFault
from app.rules.terms import Calendar, TermFault


def counted_by_office_hours(procedure: Procedure, calendars: Calendars, index: int, act: AssumedAct) -> AssumedAct:
    """The act on the day on which it counts, with the reason if that is not the day of its receipt.

    Raises SimulationFault for a channel without a time or the reverse, and for an unknown channel.
    """
    if act.received_via is not None and act.received_via not in CHANNELS:
        raise SimulationFault(index, "received_via", "unknown-channel", f"Choose one of: {', '.join(CHANNELS)}.")
    if (act.received_via is None) is not (act.received_time is None):
        field = "received_via" if act.received_via is None else "received_time"
        raise SimulationFault(index, field, "missing", "Give 'received_via' and 'received_time' together.")
    hours = hours_of(procedure, act.received_via)
    if hours is None or act.received_via is None or act.received_time is None:
        return act
    local = datetime.combine(act.on, act.received_time)
    try:
        received = receipt(hours, act.received_via, local, _named(calendars, hours.calendars))
    except TermFault as fault:
        detail = f"No day can be found on which the act counts: {fault}."
        raise SimulationFault(index, "on", "no-day", detail) from fault
    return replace(act, on=received.on, why=received.why)


def _named(calendars: Calendars, names: Collection[str]) -> tuple[Calendar, ...]:
    """The calendars of those names, each once."""
    named = {
        **({calendars.seat.name: calendars.seat} if "seat" in names else {}),
        **({calendar.name: calendar for calendar in calendars.parties} if "parties" in names else {}),
        **({calendars.institution.name: calendars.institution} if "institution" in names else {}),
    }
    return tuple(named.values())
