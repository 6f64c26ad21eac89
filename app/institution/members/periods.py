"""The periods in which the convention is in force for a member: checked, continued, and asked for a day."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any, Protocol

from app.rules.model import Membership

# The days of one membership; those of the latest are fields of the entry.
DAYS = ("ratified_on", "acceded_on", "in_force_on", "withdrawal_notified_on", "ceases_on")
# The field, the code and the sentence.
Fault = tuple[str, str, str]


class Dated(Protocol):
    """One membership with its days."""

    ratified_on: date | None
    acceded_on: date | None
    withdrawal_notified_on: date | None

    @property
    def in_force_on(self) -> date | None:
        """The day on which the convention came into force."""

    @property
    def ceases_on(self) -> date | None:
        """The first day on which it is no longer in force."""


def faults_of_days(period: Dated) -> Iterator[Fault]:
    """The faults in the order of a membership's days."""
    if period.ratified_on is not None and period.acceded_on is not None:
        yield "acceded_on", "either", "A member ratifies or accedes, not both. Leave one of the two days out."
    yield from _faults_of_end(period)


def _faults_of_end(period: Dated) -> Iterator[Fault]:
    ceases_on, notified_on = period.ceases_on, period.withdrawal_notified_on
    if ceases_on is not None and (period.in_force_on is None or ceases_on <= period.in_force_on):
        message = "The convention ceases to be in force only after it came into force. Correct one of the two days."
        yield "ceases_on", "order", message
    if notified_on is not None and (ceases_on is None or ceases_on < notified_on):
        message = "A notice of withdrawal goes with a day in 'ceases_on', and does not come after it."
        yield "withdrawal_notified_on", "order", message


def faults_of_sequence(earlier: Iterable[Dated], latest_in_force_on: date | None) -> Iterator[Fault]:
    """The fault of periods that overlap or are not in their order."""
    bounds = [(period.in_force_on, period.ceases_on) for period in earlier]
    following = [begins for begins, _ceases in bounds[1:]] + [latest_in_force_on]
    if any(
        begins is None or (ceases is not None and begins < ceases)
        for begins, (_in_force, ceases) in zip(following, bounds, strict=True)
    ):
        message = "List the periods from the earliest to the latest, each ended before the next begins."
        yield "earlier_periods", "order", message


def continued(before: Mapping[str, Any], sent: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that an entry into force after the end of a membership adds to a change.

    The ended membership is kept among the earlier ones, and its days do not remain in the new one.
    """
    ended, begins = before["ceases_on"], sent.get("in_force_on")
    if ended is None or begins is None or "earlier_periods" in sent or begins < ended:
        return {}
    former = {day: before[day] for day in DAYS}
    new = {day: None for day in DAYS if day not in sent}
    return {**new, "earlier_periods": [*before["earlier_periods"], former]}


def memberships_of(stored: Iterable[Mapping[str, Any]]) -> tuple[Membership, ...]:
    """The periods that a column of a member has."""
    return tuple(
        Membership(date.fromisoformat(period["in_force_on"]), date.fromisoformat(period["ceases_on"]))
        for period in stored
    )
