"""Acts: who did what, when, and in which stream it is recorded."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from app.core.access.actors import CLOCK, Actor
from app.core.access.session import GatedSession, as_system
from app.core.tables.audiences import Audience


@dataclass(frozen=True, slots=True)
class Subject:
    """Where an event belongs: the case (None for the installation), the audience and its name."""

    case_id: UUID | None
    audience_id: UUID
    audience: str


@dataclass(frozen=True, slots=True)
class Author:
    """Who did something, in which capacity and for which party; the clock and the operator have no id."""

    id: UUID | None
    capacity: str
    party_id: UUID | None = None

    @classmethod
    def from_json(cls, actor: dict[str, Any]) -> "Author":
        """The author whom an event names."""
        id, party_id = actor["id"], actor["party_id"]
        return cls(UUID(id) if id else None, actor["capacity"], UUID(party_id) if party_id else None)

    def as_json(self) -> dict[str, str | None]:
        """The author as an event names them."""
        return {
            "id": str(self.id) if self.id else None,
            "capacity": self.capacity,
            "party_id": str(self.party_id) if self.party_id else None,
        }


# The authors of acts that belong to no account: those on the command line, and those that time brings.
OPERATOR = Author(None, "operator")
BY_CLOCK = Author(None, "clock")


def author_of(actor: Actor, capacity: str, party_id: UUID | None = None) -> Author:
    """An actor as the author of an act."""
    return Author(None if actor is CLOCK else actor.id, capacity, party_id)


@dataclass(frozen=True, slots=True)
class Act:
    """One act: its name, when it was done, by whom, where it is recorded, and on which day at the seat it counts."""

    name: str
    at: datetime
    author: Author
    subject: Subject
    on: date | None = None

    def within(self, subject: Subject) -> "Act":
        """The same act as the readers of another stream learn of it."""
        return replace(self, subject=subject)


def installation_subject(db: GatedSession, name: str) -> Subject:
    """The stream of the installation that everybody (`public`) or its own people (`registry`) may read."""
    with as_system(db):
        mine = (Audience.case_id.is_(None), Audience.name == name)
        return Subject(None, db.execute(select(Audience.id).where(*mine)).scalar_one(), name)
