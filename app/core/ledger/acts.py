"""Acts: their authors, their instants, and the streams that record them."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select

from app.core.access.actors import CLOCK, Actor
from app.core.access.session import GatedSession, as_system
from app.core.db import new_id
from app.core.tables.audiences import Audience, AudienceReader


@dataclass(frozen=True, slots=True)
class Subject:
    """What an event is about: the case (None for the installation), and the audience that may read it."""

    case_id: UUID | None
    audience_id: UUID
    audience: str


@dataclass(frozen=True, slots=True)
class Author:
    """The author of an act, with a capacity and a party; the clock and the operator have no id."""

    id: UUID | None
    capacity: str
    party_id: UUID | None = None

    @classmethod
    def from_json(cls, actor: dict[str, Any]) -> "Author":
        """The author in an event."""
        id, party_id = actor["id"], actor["party_id"]
        return cls(UUID(id) if id else None, actor["capacity"], UUID(party_id) if party_id else None)

    def as_json(self) -> dict[str, str | None]:
        """The author in the form of an event."""
        return {
            "id": str(self.id) if self.id else None,
            "capacity": self.capacity,
            "party_id": str(self.party_id) if self.party_id else None,
        }


# The authors without an account: of acts on the command line, and of acts of the clock.
OPERATOR = Author(None, "operator")
BY_CLOCK = Author(None, "clock")


def author_of(actor: Actor, capacity: str, party_id: UUID | None = None) -> Author:
    """The actor as the author of an act."""
    return Author(None if actor is CLOCK else actor.id, capacity, party_id)


@dataclass(frozen=True, slots=True)
class Act:
    """An act: its name, instant, author and subject, and the day at the seat on which it counts."""

    name: str
    at: datetime
    author: Author
    subject: Subject
    on: date | None = None

    def within(self, subject: Subject) -> "Act":
        """The same act in another stream."""
        return replace(self, subject=subject)


def installation_subject(db: GatedSession, name: str) -> Subject:
    """The stream of the installation that everybody (`public`) or only staff (`registry`) may read."""
    with as_system(db):
        named = (Audience.case_id.is_(None), Audience.name == name)
        return Subject(None, db.execute(select(Audience.id).where(*named)).scalar_one(), name)


def account_subject(db: GatedSession, user_id: UUID) -> Subject:
    """The stream of an account, which only its holder reads; it is made with its first event.

    The transaction has locked the account, so that two acts do not both make the stream.
    """
    key = f"person.{user_id.hex}"
    with as_system(db):
        own = (Audience.case_id.is_(None), Audience.key == key)
        audience_id = db.execute(select(Audience.id).where(*own)).scalar_one_or_none()
        if audience_id is None:
            audience_id = new_id(db)
            row = {"id": audience_id, "case_id": None, "key": key, "name": "person", "person_id": user_id}
            db.execute(insert(Audience).values(**row, party_ids=[], generation=0))
            db.execute(insert(AudienceReader).values(audience_id=audience_id, principal_id=user_id))
    return Subject(None, audience_id, "person")
