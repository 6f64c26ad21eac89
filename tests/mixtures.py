"""Acts of people who represent some of the parties of a case, and every event that somebody reads."""

from dataclasses import dataclass

from tests.installation import Json, Person

AUDIENCES_OF_PARTIES = ("caucus", "party-registry", "party")


def statement(audience: str = "participants", *party_ids: str, **more: str | list[str]) -> Json:
    """A filing to that audience."""
    return {
        "kind": "statement",
        "title": "On the dam",
        "text": "x",
        "audience": audience,
        "party_ids": party_ids,
    } | more


@dataclass(frozen=True)
class Attempted:
    """A filing that somebody tries to draft: numbers stand for the parties of the case."""

    represented: frozenset[int]
    audience: str
    party_ids: frozenset[int]
    acting_for: int | None

    @property
    def party(self) -> int | None:
        """The party for which it is done; None if that is not clear."""
        concerned = self.represented & self.party_ids or self.represented
        choice = concerned if self.acting_for is None else concerned & {self.acting_for}
        if self.acting_for is None and len(self.represented) == 1:
            choice = self.represented
        return next(iter(choice)) if len(choice) == 1 else None


def events_of(person: Person, path: str, kind: str) -> list[Json]:
    """The events of a type that a person reads, from every page."""
    read: list[Json] = []
    after = ""
    while True:
        page = person.get(f"{path}/events?limit=200{after}").expect(200)
        read += [event for event in page["items"] if event["type"] == kind]
        if page["next"] is None:
            return read
        after = f"&after={page['next']}"
