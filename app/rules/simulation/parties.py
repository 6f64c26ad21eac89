"""The parties of a simulated case: which one acts, and what changes about one."""

from dataclasses import replace
from uuid import UUID

from app.rules import engine
from app.rules.model import Facts, PartyFact
from app.rules.simulation.assumed import AssumedAct
from app.rules.simulation.course import Course, fault


def named_party(course: Course, act: AssumedAct) -> PartyFact | None:
    """The party that the act names, if any; SimulationFault if no party has that name."""
    if act.party is None:
        return None
    for party in course.facts.parties:
        if party.name == act.party:
            return party
    raise fault(course, "party", "unknown-party", "Name one of the parties.")


def party_of_capacity(course: Course, capacity: str, named: PartyFact | None) -> PartyFact:
    """The party that holds a capacity: the only one, or the named one; SimulationFault if neither."""
    holders = [party for party in course.facts.parties if engine.acts_as((capacity,), party.capacity)]
    if named is None and len(holders) == 1:
        return holders[0]
    if named is None:
        raise fault(course, "party", "missing", "Several parties have this capacity: name the one that acts.")
    if named not in holders:
        raise fault(
            course, "party", "another-capacity", "The named party does not have this capacity: name one that has it."
        )
    return named


def with_party(facts: Facts, party_id: UUID | None, **changes: object) -> Facts:
    """The facts with changes to one party."""
    parties = tuple(
        replace(party, **changes) if party.id == party_id else party  # type: ignore[arg-type]
        for party in facts.parties
    )
    return replace(facts, parties=parties)
