"""Actors: people, API clients and the clock."""

from dataclasses import dataclass
from uuid import UUID

from app.core.tables.audiences import ANYONE, CLOCK_ID, INTEGRATIONS, STAFF


@dataclass(frozen=True, slots=True)
class Actor:
    """A person with a role in the institution, an API client, or the clock.

    An API client may do what its `scopes` allow, and reads under what it is `bound_to`: a court, or INTEGRATIONS.
    """

    id: UUID
    role: str
    name: str
    scopes: frozenset[str] = frozenset()
    bound_to: UUID | None = None

    @property
    def is_staff(self) -> bool:
        """Whether the person works in the registry."""
        return self.role == "registrar"

    @property
    def is_the_institutions(self) -> bool:
        """Whether the actor reads every case as the registry does: staff, the clock, and the institution's clients."""
        return self.is_staff or self.role == "clock" or self.bound_to == INTEGRATIONS

    @property
    def principals(self) -> tuple[UUID, ...]:
        """The ids under which the actor reads: always three, so that every actor has the same statements."""
        return (self.id, ANYONE, STAFF if self.is_staff or self.role == "clock" else self.bound_to or self.id)

    @property
    def court_id(self) -> UUID | None:
        """The court whose API client this is, if any."""
        return None if self.bound_to == INTEGRATIONS else self.bound_to

    @property
    def walks_as(self) -> UUID:
        """The principal whose reader rows list the cases of this person: STAFF for staff, who hold no capacity."""
        return STAFF if self.is_staff else self.id


# The actor of steps that time takes: it reads as staff do, and holds only its own capacity.
CLOCK = Actor(CLOCK_ID, "clock", "clock")
