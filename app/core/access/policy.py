"""The policy of audiences: a pure function from the state of a case to the readers of each audience."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.core.tables.audiences import ANYONE, INTEGRATIONS, STAFF

REPRESENTATIVES = ("agent", "co-agent", "counsel")
# Audiences that a request may name, and those of them that need parties.
NAMED_BY_PEOPLE = (
    "public",
    "court",
    "participants",
    "caucus",
    "party-registry",
    "mediators-registry",
    "party",
    "mediators",
    "registry",
)
OF_PARTIES = ("caucus", "party-registry", "party")
# Those in which a party is alone, or alone with the registry.
OWN = ("party", "party-registry")
MADE_BY_THE_SERVICE = ("case", "appointment")


@dataclass(frozen=True, slots=True)
class CaseView:
    """What the policy depends on of a case: `lodged` opens it to the registry, `served` to the other sides.

    `court_id` is the court that referred the case, if any.
    """

    id: UUID
    audience_id: UUID
    opened_at: datetime
    lodged: bool
    served: bool
    generation: int
    court_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class PartyView:
    """A party, its side, the generation from which it reads, its name, and whether it has or had an agent.

    `reads_until` is the last generation that it reads, if it has withdrawn while the others go on, and `left_at` the
    instant. `earlier` are the first and the last generation of each time before, if it has left and come back.
    """

    id: UUID
    side: str
    generation: int
    name: str = ""
    had_agent: bool = False
    reads_until: int | None = None
    left_at: datetime | None = None
    earlier: tuple[tuple[int, int], ...] = ()

    @property
    def first(self) -> int:
        """The first generation that the party has ever read."""
        return min((first for first, _last in self.earlier), default=self.generation)

    def was_there(self, audience: "AudienceView") -> bool:
        """Whether the party took part at the time of an audience, or came until the time to which it was opened."""
        since = audience.generation if audience.since is None else audience.since
        times = (*self.earlier, (self.generation, self.reads_until))
        return any(first <= since and (last is None or audience.generation <= last) for first, last in times)


@dataclass(frozen=True, slots=True)
class CapacityView:
    """A capacity that has not ended; `generation` is the first one that its holder reads."""

    id: UUID
    user_id: UUID
    role: str
    party_id: UUID | None
    generation: int
    powers_kind: str | None = None
    powers_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class AudienceView:
    """An audience: its name, the parties or the person that the name needs, and its generation.

    `open_to` is the later generation to which it was opened, if any. The drafts of a person are in audiences of the
    name `party`: while they are `private`, that person alone reads them. What the person has shared, the side reads;
    once that person has left, only that person and `kept_for` read it, who were there too.
    """

    id: UUID
    name: str
    party_ids: frozenset[UUID]
    person_id: UUID | None
    generation: int
    open_to: int | None = None
    kept_for: frozenset[UUID] | None = None
    private: bool = False

    @property
    def since(self) -> int | None:
        """The last generation that reads it; None for the audiences of the service, which every generation reads.

        A nomination, and what the candidate disclosed, also bind the parties that join later.
        """
        if self.name in MADE_BY_THE_SERVICE:
            return None
        return self.generation if self.open_to is None else self.open_to


def readers_of(
    case: CaseView,
    parties: Iterable[PartyView],
    capacities: Iterable[CapacityView],
    audiences: Iterable[AudienceView],
) -> dict[UUID, frozenset[UUID]]:
    """The principals of each audience, by its id."""
    people = _People(case, tuple(parties), tuple(capacities))
    return {audience.id: people.who_read(audience) for audience in audiences}


def limits_of(
    case: CaseView,
    parties: Iterable[PartyView],
    capacities: Iterable[CapacityView],
    audiences: Iterable[AudienceView],
) -> dict[tuple[UUID, UUID], datetime]:
    """The instant until which a person reads an audience, by audience and person, where there is one.

    It concerns people who read it only for parties that have left: what is recorded in it later, they do not read.
    """
    parties, capacities = tuple(parties), tuple(capacities)
    left = {party.id: party.left_at for party in parties if party.left_at is not None}
    if not left:
        return {}
    everybody = _People(case, parties, capacities)
    staying = _People(case, parties, tuple(held for held in capacities if held.party_id not in left))
    limits = dict[tuple[UUID, UUID], datetime]()
    for audience in audiences:
        if any(_is_own(audience, party_id) for party_id in left):
            continue
        leavers = everybody.who_read(audience) - staying.who_read(audience)
        for held in capacities:
            left_at = None if held.party_id is None else left.get(held.party_id)
            if left_at is not None and held.user_id in leavers:
                key = (audience.id, held.user_id)
                limits[key] = max(left_at, limits.get(key, left_at))
    return limits


class _People:
    """The people of the case by their capacities."""

    def __init__(self, case: CaseView, parties: tuple[PartyView, ...], capacities: tuple[CapacityView, ...]) -> None:
        self.case = case
        self.capacities = capacities
        self.parties = {party.id: party for party in parties}
        admitted = {party.id for party in parties if case.served or party.side == "requesting"}
        # By party, since a case may have an audience for each of some hundred parties.
        self.representing: dict[UUID, list[CapacityView]] = {}
        for held in capacities:
            if held.role in REPRESENTATIVES and held.party_id is not None and held.party_id in admitted:
                self.representing.setdefault(held.party_id, []).append(held)
        self.everybody: dict[tuple[int | None, int, bool], frozenset[UUID]] = {}
        self.staff = frozenset({STAFF}) if case.lodged else frozenset()
        # The referring court reads by its API clients; the institution's own clients read what every court reads.
        self.court = frozenset() if case.court_id is None else frozenset({case.court_id, INTEGRATIONS})

    def who_read(self, audience: AudienceView) -> frozenset[UUID]:
        """The principals of an audience; raises ValueError for an unknown name."""
        since = audience.since
        match audience.name:
            case "case" | "participants":
                return self._participants(audience)
            case "court":
                observers = self._holders("observer", since) if self.case.served else frozenset()
                return self._participants(audience) | observers | self.court
            case "public":
                anyone = frozenset({ANYONE}) if self.case.served else frozenset()
                return self._participants(audience) | self.court | anyone
            case "caucus":
                return self._representatives(audience, audience.party_ids) | self._holders("mediator", since)
            case "party":
                return self._representatives(audience, audience.party_ids)
            case "party-registry":
                return self._representatives(audience, audience.party_ids) | self.staff
            case "mediators-registry":
                return self._holders("mediator", since) | self.staff
            case "mediators":
                return self._holders("mediator", since)
            case "registry":
                return self.staff
            case "appointment":
                return self._participants(audience) | (self._holders("candidate", None) & {audience.person_id})
        raise ValueError(f"no such audience: {audience.name}")

    def _participants(self, audience: AudienceView) -> frozenset[UUID]:
        """The participants at the time of an audience that is for all of them."""
        time = (audience.since, audience.generation, audience.name == "case")
        if time not in self.everybody:
            mediators = self._holders("mediator", audience.since)
            self.everybody[time] = self._representatives(audience, self.representing) | mediators | self.staff
        return self.everybody[time]

    def _holders(self, role: str, since: int | None) -> frozenset[UUID]:
        return frozenset(
            held.user_id
            for held in self.capacities
            if held.role == role and (since is None or held.generation <= since)
        )

    def _representatives(self, audience: AudienceView, of: Iterable[UUID]) -> frozenset[UUID]:
        return frozenset(
            held.user_id
            for party_id in of
            for held in self.representing.get(party_id, ())
            if self._was_there(held, self.parties[party_id], audience)
        )

    def _was_there(self, held: CapacityView, party: PartyView, audience: AudienceView) -> bool:
        """Whether a party and its representative take part at the time of an audience."""
        if audience.private and held.user_id != audience.person_id:
            return False
        if audience.kept_for is not None and held.user_id not in {audience.person_id, *audience.kept_for}:
            return False
        if audience.since is None:
            return audience.name == "case" or party.reads_until is None or audience.generation <= party.reads_until
        if held.generation > audience.since:
            return False
        if _is_own(audience, party.id):
            # A party that has left goes on writing to itself and to the registry.
            return party.first <= audience.since
        return party.was_there(audience)


def _is_own(audience: AudienceView, party_id: UUID) -> bool:
    return audience.name in OWN and audience.party_ids == {party_id}
