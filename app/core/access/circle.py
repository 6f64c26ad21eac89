"""The circle of a case: its parties, capacities and audiences, on which the policy depends."""

from dataclasses import dataclass
from uuid import UUID

from app.core.access.actors import CLOCK, Actor
from app.core.access.policy import REPRESENTATIVES, AudienceView, CapacityView, CaseView, PartyView, readers_of
from app.rules.model import Holding


@dataclass(frozen=True, slots=True)
class Circle:
    """A case with its parties, capacities that have not ended, and audiences."""

    case: CaseView
    parties: tuple[PartyView, ...]
    capacities: tuple[CapacityView, ...]
    audiences: tuple[AudienceView, ...]

    def readers(self) -> dict[UUID, frozenset[UUID]]:
        """The principals of each audience, by its id."""
        return readers_of(self.case, self.parties, self.capacities, self.audiences)

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

    def is_mediator(self, actor: Actor) -> bool:
        """Whether the person mediates in the case."""
        return any(held.role == "mediator" for held in self.held_by(actor))


def _holding(held: CapacityView, sides: dict[UUID, str]) -> Holding:
    if held.role not in REPRESENTATIVES or held.party_id is None:
        return Holding(held.role)
    side = sides[held.party_id]
    return Holding("requesting-party" if side == "requesting" else "responding-party", held.party_id)
