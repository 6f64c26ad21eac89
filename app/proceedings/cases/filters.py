"""The filters of lists of cases."""

from collections.abc import Iterable
from typing import Literal
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    String,
    and_,
    cast,
    exists,
    func,
    literal,
    literal_column,
    or_,
    select,
)

from app.core.access.actors import Actor
from app.core.access.criteria import left_at
from app.core.access.policy import REPRESENTATIVES
from app.core.access.session import GatedSession
from app.core.db import AnySelect
from app.core.errors import invalid
from app.core.tables.audiences import AudienceReader
from app.core.tables.capacities import Capacity
from app.core.tables.cases import Case
from app.core.tables.mediators import Mediator
from app.core.tables.parties import Party
from app.proceedings.cases.schemas import CaseFilters
from app.proceedings.cases.search import matching
from app.rules.loader import library
from app.rules.model import CAPACITIES, PHASES

# The capacities for which a case can wait, as rule sets name them, and the word for the actor.
AWAITED, ME = tuple(capacity for capacity in CAPACITIES if capacity != "any-party"), "me"


def of_own_cases(statement: AnySelect, actor: Actor) -> AnySelect:
    """A statement that joins cases, restricted to the actor's own cases, so that it does not read all others."""
    if actor.is_the_institutions:
        return statement
    reader = AudienceReader
    own = select(reader.audience_id).where(reader.principal_id.in_(actor.principals), reader.opened_at.is_not(None))
    return statement.where(Case.audience_id.in_(own))


def check_filters(filters: CaseFilters) -> None:
    """Check the filters; raises Invalid for a filter that can match nothing."""
    rule_sets = library().values()
    choices: dict[str, Iterable[str]] = {
        "phase": PHASES,
        "procedure": library(),
        "stage": {stage.name for rules in rule_sets for stage in rules.stages},
        "category": {category for rules in rule_sets for category in rules.categories},
        "waiting_for": (*AWAITED, ME),
    }
    for name, values in choices.items():
        if getattr(filters, name) not in (None, *values):
            choose = f"Choose one of: {', '.join(sorted(values))}."
            raise invalid(f"query/{name}", f"unknown-{name.replace('_', '-')}", choose)


def conditions_of(db: GatedSession, actor: Actor, filters: CaseFilters) -> Iterable[ColumnElement[bool]]:
    """The conditions that the filters put on cases, each of which must hold."""
    for name in ("phase", "stage", "procedure", "category"):
        if (value := getattr(filters, name)) is not None:
            yield getattr(Case, name) == value
    if filters.party is not None:
        yield Case.id.in_(_cases_of_party(filters.party))
    if filters.mediator is not None:
        yield Case.id.in_(_cases_mediated_by(actor, filters.mediator))
    if filters.waiting_for is not None:
        yield awaiting_me(actor) if filters.waiting_for == ME else _awaiting(filters.waiting_for)
    if filters.due_before is not None:
        yield Case.next_due_on < filters.due_before
    if filters.updated_since is not None:
        yield Case.updated_at >= filters.updated_since
    if filters.q is not None:
        yield matching(db, actor, filters.q)


# Sets of cases, not questions about each case: a set of few is found by an index, however many cases there are.


def _cases_of_party(party: UUID) -> CompoundSelect[UUID]:
    """The cases of a party, named by its id in a case or by the member that it is."""
    named = select(Party.case_id).where(Party.id == party)
    return named.union(select(Party.case_id).where(Party.member_id == party))


def _cases_mediated_by(actor: Actor, named: UUID | Literal["me"]) -> CompoundSelect[UUID]:
    """The cases in which a person mediates, named by their account or their entry on the roster, or the actor."""
    mediator = named if isinstance(named, UUID) else actor.id
    office = select(Capacity.case_id).where(Capacity.role == "mediator", Capacity.ended_at.is_(None))
    if not actor.is_the_institutions:
        # A party that has left does not learn who became a mediator later.
        left = left_at(Capacity)
        office = office.where(or_(left.is_(None), Capacity.admitted_at <= left))
    entry = select(Mediator.user_id).where(Mediator.id == mediator).scalar_subquery()
    return office.where(Capacity.user_id == mediator).union(office.where(Capacity.user_id == entry))


def _awaiting(capacity: str) -> ColumnElement[bool]:
    # A literal, as in the condition of the partial index: with a parameter the index is not used.
    return Case.awaits.like(literal_column(f"'% {capacity} %'"))


def awaiting_me(actor: Actor) -> ColumnElement[bool]:
    """Whether the case waits for a party that the actor represents, for its mediator, or for the staff."""
    if actor.is_staff:
        return or_(_awaiting("registry"), _awaiting("appointing-authority"))
    # The words of `awaits` have ids without hyphens, as SQLite writes them; PostgreSQL writes hyphens.
    party = func.replace(cast(Capacity.party_id, String), "-", "")
    own = (Capacity.case_id == Case.id, Capacity.user_id == actor.id, Capacity.ended_at.is_(None))
    as_party = and_(Capacity.role.in_(REPRESENTATIVES), Case.awaits.like(literal("% ").concat(party).concat(" %")))
    as_mediator = and_(Capacity.role == "mediator", _awaiting("mediator"))
    return exists(select(Capacity.id).where(*own, Capacity.pending.is_(False), or_(as_party, as_mediator)))
