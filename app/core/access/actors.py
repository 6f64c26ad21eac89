"""Who asks: a person, an API client, or the clock."""

from dataclasses import dataclass
from uuid import UUID

from app.core.tables.audiences import ANYONE, CLOCK_ID, INTEGRATIONS, STAFF


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks: a person, with the role that the institution gave them, or a program (a client).

    A program may do what its `scopes` say, and reads under what it is `bound_to`: a court, or INTEGRATIONS.
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
        """Whether it reads as the registry does, in every case: staff, the clock, and the institution's programs."""
        return self.is_staff or self.role == "clock" or self.bound_to == INTEGRATIONS

    @property
    def principals(self) -> tuple[UUID, ...]:
        """The ids under which the actor reads: always three, so that a statement has one shape for everybody."""
        return (self.id, ANYONE, STAFF if self.is_staff or self.role == "clock" else self.bound_to or self.id)

    @property
    def court_id(self) -> UUID | None:
        """The court whose program this is, if it is one's."""
        return None if self.bound_to == INTEGRATIONS else self.bound_to

    @property
    def walks_as(self) -> UUID:
        """The principal whose reader rows list this person's cases: staff hold no capacity of their own."""
        return STAFF if self.is_staff else self.id


# What acts when time passes: it reads as the staff do, and holds nothing but its own capacity.
CLOCK = Actor(CLOCK_ID, "clock", "clock")
