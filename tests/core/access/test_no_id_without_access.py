"""No id, hash, instant, number or word without access: everybody's answers are compared with what is theirs to know."""

import json
import os
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest

from app.core.tables.audiences import INTEGRATIONS
from tests import courts
from tests.confidences import Setting, confide, days_of_their_own
from tests.core.http.world import World, build
from tests.crawling import Crawl, Seen
from tests.installation import House, Person
from tests.registries import Registry
from tests.truth import Reader, Truth, reader_of, truth_of, values_in

# Items of each list that everybody reads; the large run reads all.
MOST = int(os.environ.get("ACCORD_CRAWLED_ITEMS", "2"))


@dataclass
class Planted:
    """A world with every kind of confidential act, and everybody in and around it."""

    world: World
    people: list[tuple[Person, Reader]] = field(default_factory=list)

    def add(self, person: Person, role: str = "user", *bound_to: UUID) -> None:
        """Let somebody read."""
        self.people.append((person, reader_of(person, role, *bound_to)))


def planted(house: House) -> Planted:
    """Every confidential act, each at an instant and on a day of its own, with the people who may look."""
    world = build(house)
    with days_of_their_own(setting := Setting(world.open)):
        confide(setting)
    made = Planted(world)
    dispute, settled = world.open, world.settled
    for person in (dispute.requesting, dispute.responding, dispute.mediator, world.late, settled.requesting):
        made.add(person)
    made.add(house.registrar, "registrar")
    made.add(house.admin, "admin")
    made.add(house.person("Stan Ranger"))
    candidate, entry = house.mediator("Cand Idate")
    dispute.requesting.post(f"{dispute.path}/appointments", {"mediator_id": entry})
    made.add(candidate)
    court_id = courts.court(house)
    court = courts.program(house, court_id)
    referral = court.post("/v1/referrals", courts.referral()).expect(201)
    house.registrar.post(f"/v1/referrals/{referral['id']}/accept").expect(200)
    made.add(court, "client", UUID(court_id))
    made.add(courts.program(house, None), "client", INTEGRATIONS)
    return made


@pytest.fixture
def world(registry: Registry, house: House) -> Planted:
    """The world with everything in it."""
    return registry.moment(house, "confided", lambda: planted(house))


@dataclass(frozen=True)
class Leak:
    """A value that somebody received and that is not theirs to know."""

    reader: str
    operation: str
    kind: str
    value: str
    path: str


def leaks_in(truth: Truth, reader: Reader, seen: Iterable[Seen]) -> list[Leak]:
    """The values in answers that are not the reader's to know."""
    return [
        Leak(reader.name, answer.operation, value.kind, str(value.value), answer.path)
        for answer in seen
        for value in sorted(set(values_in(answer.text)), key=str)
        if not truth.knows(reader, value)
    ]


def test_no_answer_has_a_value_that_is_not_its_readers_to_know(house: House, world: Planted) -> None:
    crawls = [(reader, Crawl(person, MOST).everything()) for person, reader in world.people]
    truth = truth_of(house)
    leaks = [leak for reader, crawl in crawls for leak in leaks_in(truth, reader, crawl.seen)]
    grouped = defaultdict(list)
    for leak in leaks:
        grouped[(leak.reader, leak.operation, leak.kind)].append(leak)
    for key, some in grouped.items():
        print(*key, len(some), some[0].value, some[0].path)
    print(sum(len(crawl.seen) for _, crawl in crawls))
    assert leaks == []
