"""A world with every kind of confidential act, for crawls and for attempts with hidden ids."""

from dataclasses import dataclass, field
from uuid import UUID

from app.core.tables.audiences import INTEGRATIONS
from tests import courts
from tests.confidences import ACTS, Setting, confide, days_of_their_own
from tests.core.http.world import World, build
from tests.installation import House, Json, Person
from tests.truth import Reader, reader_of


@dataclass
class Planted:
    """A world with every kind of confidential act, and everybody in and around it."""

    world: World
    referred: Setting
    confided: dict[str, Json] = field(default_factory=dict)
    people: list[tuple[Person, Reader]] = field(default_factory=list)

    def add(self, person: Person, role: str = "user", *bound_to: UUID) -> None:
        """Let somebody read."""
        self.people.append((person, reader_of(person, role, *bound_to)))

    def of(self, *people: Person) -> list[tuple[Person, Reader]]:
        """These people, as readers."""
        ids = {person.id for person in people}
        return [(person, reader) for person, reader in self.people if person.id in ids]


def planted(house: House) -> Planted:
    """Every confidential act, each at an instant and on a day of its own, with the people who may look."""
    world = build(house)
    court_id = courts.court(house)
    court = courts.program(house, court_id)
    made = Planted(world, Setting(courts.referred_dispute(house, court), "r"))
    for setting, acts in ((Setting(world.open), ACTS), (made.referred, ACTS[:2])):
        with days_of_their_own(setting):
            made.confided |= confide(setting, acts).made
    share = f"{made.referred.path}/referral/share-dates"
    made.referred.dispute.requesting.post(share).expect(200)
    dispute = world.open
    twin = {"kind": "statement", "title": "Redacted", "text": "x", "audience": "participants"}
    twin |= {"redacts_id": made.confided["sealed"]["id"]}
    twin = dispute.requesting.post(f"{dispute.path}/filings", twin).expect(201)
    dispute.requesting.post(f"{dispute.path}/filings/{twin['id']}/submit").expect(200)
    candidate, entry = house.mediator("Cand Idate")
    dispute.requesting.post(f"{dispute.path}/appointments", {"mediator_id": entry})
    for person in (dispute.requesting, dispute.responding, dispute.mediator, world.late, candidate):
        made.add(person)
    for person in (world.settled.requesting, made.referred.dispute.responding, house.person("Stan Ranger")):
        made.add(person)
    made.add(house.registrar, "registrar")
    made.add(house.admin, "admin")
    made.add(court, "client", UUID(court_id))
    made.add(courts.program(house, None), "client", INTEGRATIONS)
    return made
