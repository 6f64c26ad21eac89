"""Twin worlds: with and without confidential acts, everybody who is not of the confidence receives the same bytes.

In each confided world all acts happen that are hidden from one person. `ACCORD_TEST_WORLDS=all` is the large run: a
world for every person of the case, and one for each act alone.
"""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests import courts
from tests.confidences import ACTS, CONFIDED, ELSEWHERE, FROM_THE_COURT, Confidence, Setting, confide, narrow_types
from tests.crawling import Crawl, whole_answer
from tests.installation import House, Json, Person
from tests.registries import EmptyRegistry
from tests.story import Dispute

LARGE = os.environ.get("ACCORD_TEST_WORLDS") == "all"
OUTSIDERS = ("responding", "registrar", "mediator", "requesting")
# Outside of every confidence: the court, the institution's client, the administrator, and a stranger.
ALWAYS = ("court", "client", "admin", "stranger")
Look = list[tuple[str, str, Any]]


@dataclass
class Twin:
    """One of the worlds: what happens in it in confidence, and what everybody received."""

    house: House
    acts: tuple[Confidence, ...]
    outsiders: tuple[str, ...]
    received: dict[str, Look] = field(default_factory=dict)
    confided: set[str] = field(default_factory=set)

    def play(self) -> "Twin":
        """The visible story, with the confidential acts of this world at three places."""
        court_id = courts.court(self.house)
        court, client = courts.program(self.house, court_id), courts.program(self.house, None)
        dispute = courts.referred_dispute(self.house, court)
        stranger = self.house.person("Stan Ranger")
        named = {name: getattr(dispute, name) for name in OUTSIDERS}
        people = {**named, "court": court, "client": client, "admin": self.house.admin, "stranger": stranger}
        self.confide(dispute, "a")
        session = self.act(dispute, dispute.mediator, "/sessions", _session())
        self.look(people, "first")
        self.confide(dispute, "b")
        filing = self.act(dispute, dispute.responding, "/filings", STATEMENT)
        self.act(dispute, dispute.responding, f"/filings/{filing['id']}/submit")
        to_court = self.act(dispute, dispute.responding, "/filings", {**STATEMENT, "audience": "court"})
        self.act(dispute, dispute.responding, f"/filings/{to_court['id']}/submit")
        self.act(dispute, dispute.mediator, f"/sessions/{session['id']}/hold", HELD)
        self.act(dispute, dispute.mediator, "/settlement/drafts", TEXT)
        # Somebody joins to whom the parties may open what is earlier.
        self.act(dispute, dispute.registrar, "/parties", NEWCOMER)
        self.confide(dispute, "c")
        # The case ends while hidden sessions and drafts are open, and another one gets the next reference.
        self.act(dispute, dispute.responding, "/steps/withdraw", {"reason": "No.", "fields": {"ground": "party-left"}})
        other = Dispute(self.house, "next")
        other.lodged()
        self.look(people, "last")
        self.confided = narrow_types(self.house)
        return self

    def confide(self, dispute: Dispute, place: str) -> None:
        """Let the confidential acts happen, with requests numbered apart, so that the others keep their ids."""
        with self.house.apart(f"hidden-{place}"):
            confide(Setting(dispute, place), self.acts)

    def act(self, dispute: Dispute, person: Person, path: str, body: Json | None = None) -> Json:
        """A visible act, whose answer its author receives."""
        answer = person.post(dispute.path + path, body)
        name = next(name for name in OUTSIDERS if getattr(dispute, name) is person)
        self.received.setdefault(name, []).append(("POST", path, whole_answer(answer)))
        assert answer.status < 300, answer.response.text
        return dict(answer.json)

    def look(self, people: dict[str, Person], place: str) -> None:
        """Let every outsider read all that they can find."""
        for name in self.outsiders:
            with self.house.apart(f"look-{place}-{name}"):
                crawl = Crawl(people[name], 2).everything()
            answers = [(seen.operation, seen.path, whole_answer(seen.answer)) for seen in crawl.seen]
            self.received.setdefault(name, []).extend(answers)


STATEMENT: Json = {"kind": "statement", "title": "Ours", "text": "Our words.", "audience": "participants"}
HELD: Json = {"attendance": [{"name": "All", "capacity": "all"}]}
NEWCOMER: Json = {"side": "side-3", "kind": "company", "name": "Late Works"}
TEXT: Json = {
    "title": "Agreement",
    "language": "en",
    "clauses": [{"number": "1", "text": "The flow is shared by thirds."}],
    "audience": "participants",
}


def _session() -> Json:
    return {
        "kind": "joint",
        "title": "Together",
        "starts_at": "2026-03-02T09:00",
        "ends_at": "2026-03-02T09:05",
        "audience": "participants",
        # A hidden session may be at that time, of which the mediator alone would be warned.
        "despite_overlap": True,
    }


def hidden_from(outsider: str) -> tuple[Confidence, ...]:
    """The acts of whose confidence this person is not."""
    return tuple(act for act in ACTS if outsider not in act.insiders)


def worlds() -> Iterator[tuple[str, tuple[Confidence, ...], tuple[str, ...]]]:
    """The confided worlds, by name: their acts, and the outsiders of all of these."""
    # Each act is hidden from the responding side, from the registry or from all who are no participants.
    for outsider in OUTSIDERS if LARGE else OUTSIDERS[:2]:
        yield outsider, hidden_from(outsider), (outsider,)
    yield "outside", (*ACTS, *FROM_THE_COURT), ALWAYS
    for act in ACTS if LARGE else ():
        yield act.name, (act,), (*(name for name in OUTSIDERS if name not in act.insiders), *ALWAYS)


def differences(plain: Look, confided: Look) -> list[tuple[Any, Any]]:
    """The answers that differ between two worlds."""
    assert len(plain) > 20
    longer = max(len(plain), len(confided))
    filled = [[*look, *[("missing", "", None)] * (longer - len(look))] for look in (plain, confided)]
    return [(one, other) for one, other in zip(*filled, strict=True) if one != other]


# What is compared is what the service answers; the slow tests do it on PostgreSQL as well.
@pytest.mark.parametrize("registry", ["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)], indirect=True)
def test_confidential_acts_change_no_byte_that_others_receive(empty_registry: EmptyRegistry) -> None:
    def twin(acts: tuple[Confidence, ...], outsiders: Iterable[str]) -> Twin:
        with House.open(empty_registry(), predictable=True) as house:
            return Twin(house, acts, tuple(outsiders)).play()

    plain, confided_types = twin((), (*OUTSIDERS, *ALWAYS)), set[str]()
    for name, acts, outsiders in worlds():
        confided = twin(acts, outsiders)
        found = {who: differences(plain.received[who], confided.received[who]) for who in outsiders}
        assert {who: some[:1] for who, some in found.items() if some} == {}, name
        confided_types |= confided.confided
    # What the visible story does before the request is lodged is in a narrow audience too.
    assert confided_types - ELSEWHERE.keys() == CONFIDED
