"""The circle of a case: its parties, capacities and audiences, on which the policy depends."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from app.core.access.actors import CLOCK, Actor
from app.core.access.policy import (
    REPRESENTATIVES,
    AudienceView,
    CapacityView,
    CaseView,
    PartyView,
    limits_of,
    readers_of,
)
from app.core.errors import PartyNotNamed
from app.core.values import MOST_SHOWN
from app.rules.model import Holding


@dataclass(frozen=True, slots=True)
class Circle:
    """A case with its parties, capacities that have not ended, and audiences."""

    case: CaseView
    parties: tuple[PartyView, ...]
    capacities: tuple[CapacityView, ...]
    audiences: tuple[AudienceView, ...]
    _readers: dict[UUID, frozenset[UUID]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def readers(self) -> dict[UUID, frozenset[UUID]]:
        """The principals of each audience, by its id."""
        if len(self._readers) < len(self.audiences):
            self._readers.update(readers_of(self.case, self.parties, self.capacities, self.audiences))
        return self._readers

    def limits(self) -> dict[tuple[UUID, UUID], datetime]:
        """The instant until which a person reads an audience, by audience and person, where there is one."""
        return limits_of(self.case, self.parties, self.capacities, self.audiences)

    def has_leavers(self, audience_id: UUID, actor: Actor) -> bool:
        """Whether somebody reads an audience as it was when their party left, while the actor goes on reading it."""
        leavers = {person for limited, person in self.limits() if limited == audience_id}
        return bool(leavers) and actor.id not in leavers

    def held_by(self, actor: Actor) -> tuple[CapacityView, ...]:
        """The capacities of a person in the case that have not ended."""
        return tuple(held for held in self.capacities if held.user_id == actor.id)

    def holdings(self, actor: Actor) -> tuple[Holding, ...]:
        """The capacities of the actor for the rules; staff act as the registry."""
        if actor.is_staff:
            return (Holding("registry"), Holding("appointing-authority"))
        if actor is CLOCK:
            return (Holding("clock"),)
        sides = {party.id: party.side for party in self.parties}
        return tuple(_holding(held, sides) for held in self.held_by(actor))

    def parties_of(self, actor: Actor) -> frozenset[UUID]:
        """The parties that a person represents."""
        return frozenset(
            held.party_id for held in self.held_by(actor) if held.role in REPRESENTATIVES and held.party_id is not None
        )

    def acting_party(self, actor: Actor, acting_for: UUID | None = None, named: Collection[UUID] = ()) -> UUID | None:
        """The party for which a person acts; None for somebody who represents no party.

        It is the party that `acting_for` names, or else the only one that the person represents, or the only one of
        theirs among the parties that the act itself names. Raises PartyNotNamed where that leaves several, and for an
        `acting_for` that is not one of theirs, or that the act does not concern.
        """
        own = self.parties_of(actor)
        concerned = own & frozenset(named) or own
        if acting_for is None and len(own) < 2:
            return next(iter(own), None)
        if acting_for is None and len(concerned) == 1:
            return next(iter(concerned))
        if acting_for is not None and acting_for in concerned:
            return acting_for
        raise self._party_not_named(concerned)

    def _party_not_named(self, parties: frozenset[UUID]) -> PartyNotNamed:
        choice = [(party.id, party.name) for party in self.parties if party.id in parties]
        if not choice:
            return PartyNotNamed("You act for no party of this case: leave 'acting_for' out.", choice)
        shown, left_out = choice[:MOST_SHOWN], len(choice) - MOST_SHOWN
        names = " or ".join(f"{name} ({id})" for id, name in shown)
        more = f", or one of {left_out} more that you represent" if left_out > 0 else ""
        return PartyNotNamed(f"Name in 'acting_for' the party for which you act: {names}{more}.", shown)

    def agents_of(self, party_id: UUID) -> tuple[CapacityView, ...]:
        """The agents of a party: without one, nobody binds it."""
        return tuple(held for held in self.capacities if held.party_id == party_id and held.role == "agent")

    def has_lost_agents(self, party_id: UUID) -> bool:
        """Whether a party had an agent and has none now."""
        had_agent = any(party.id == party_id and party.had_agent for party in self.parties)
        return had_agent and not self.agents_of(party_id)

    def have_past(self, party_ids: Collection[UUID]) -> bool:
        """Whether something was written to parties of one side that nobody may read whom the registry admits now.

        That is so once one of them has or had an agent: its past is opened by an agent who was there, or by two people
        of the registry.
        """
        parties = [party for party in self.parties if party.id in party_ids]
        is_open = self.case.served or parties[0].side == "requesting"
        return is_open and any(party.had_agent for party in parties)

    def capacity(self, actor: Actor, party_id: UUID | None) -> str:
        """The capacity in which a person acts for a party; for no party, as a mediator, or for staff the registry."""
        if actor.is_staff:
            return "registry"
        if party_id is None and self.is_mediator(actor):
            return "mediator"
        return next(holding.capacity for holding in self.holdings(actor) if holding.party_id == party_id)

    def is_mediator(self, actor: Actor) -> bool:
        """Whether the person mediates in the case."""
        return any(held.role == "mediator" for held in self.held_by(actor))


def _holding(held: CapacityView, sides: dict[UUID, str]) -> Holding:
    if held.role not in REPRESENTATIVES or held.party_id is None:
        return Holding(held.role)
    side = sides[held.party_id]
    return Holding("requesting-party" if side == "requesting" else "responding-party", held.party_id)
