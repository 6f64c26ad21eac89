"""People who represent several parties act for the one that they name or that follows, and only its side reads it."""

import os
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.access.policy import REPRESENTATIVES
from tests.installation import Answer, Json, Person
from tests.mixtures import AUDIENCES_OF_PARTIES, Attempted, events_of, statement
from tests.pdfs import pdf
from tests.story import GIVES, UNCITRAL, Dispute
from tests.uploads import Desk

# How many mixtures of people and acts are tried with each act; CI tries a few.
EXAMPLES = int(os.environ.get("ACCORD_TEST_MIXTURES", "2"))
SIDES = ((0, 1), (2, 3, 4))
EVERYBODY = frozenset(range(5))
UPLOADED = {"content-type": "application/pdf", "content-disposition": "attachment; filename=text.pdf"}


@dataclass
class Among:
    """A case of five parties on two sides that is being mediated, with an agent for each party."""

    dispute: Dispute
    party_ids: list[str]
    agents: list[Person]
    people: int = 0

    def author(self, represented: frozenset[int], role: str) -> Person:
        """A new person who represents these parties in that role."""
        self.people += 1
        author = self.dispute.house.person(f"Author {self.people}")
        for number in represented:
            self.dispute.admit(self.agents[number], author, self.party_ids[number], role)
        return author

    def readers(self, event_id: str) -> frozenset[int]:
        """The parties whose agents read an event."""
        return frozenset(
            number
            for number, agent in enumerate(self.agents)
            if agent.get(f"{self.dispute.path}/events/{event_id}").status == 200
        )

    def ids(self, numbers: frozenset[int]) -> list[str]:
        """The ids of these parties."""
        return [self.party_ids[number] for number in sorted(numbers)]

    def done(self, attempt: Attempted, **body: object) -> Json:
        """The body of an act, with the party for which its author says that they act."""
        acting_for = {} if attempt.acting_for is None else {"acting_for": self.party_ids[attempt.acting_for]}
        return {**body, **acting_for}


@pytest.fixture
def among(dispute: Dispute) -> Among:
    """The case in mediation."""
    names = ["requesting"] * 2 + ["responding"] * 3
    parties = [{"kind": "state", "side": side, "name": f"State {number}"} for number, side in enumerate(names)]
    dispute.opened(parties=parties, **UNCITRAL)
    dispute.step(dispute.requesting, "lodge", GIVES).expect(200)
    party_ids = [party["id"] for party in dispute.case["parties"]]
    agents = [dispute.requesting]
    for number, party_id in enumerate(party_ids[1:], 1):
        agents.append(dispute.responding if number == 2 else dispute.house.person(f"Agent {number}"))
        dispute.admit(dispute.registrar, agents[number], party_id)
    dispute.step(dispute.registrar, "invite", {}).expect(200)
    for agent in agents[2:]:
        dispute.step(agent, "accept-invitation", GIVES).expect(200)
    dispute.step(agents[1], "join", GIVES).expect(200)
    path = f"/v1/appointments/{dispute.nominate(dispute.requesting, dispute.mediator_id)['id']}"
    dispute.mediator.post(f"{path}/declare", {"independent": True}).expect(200)
    for agent in agents[1:]:
        agent.post(f"{path}/accept").expect(200)
    dispute.registrar.post(f"{path}/confirm").expect(200)
    assert dispute.read()["phase"] == "sessions"
    return Among(dispute, party_ids, agents)


@dataclass(frozen=True)
class Tried:
    """An act that was tried: the answer, the type of its event, and the parties that may read of it."""

    answer: Answer
    event: str
    readers: frozenset[int]


def names_a_third_state(among: Among, author: Person, attempt: Attempted) -> Tried:
    """An act that names no party, and that everybody reads."""
    body = among.done(attempt, name=f"State of {author.name}")
    return Tried(author.post(f"{among.dispute.path}/third-states", body), "third-state-named", EVERYBODY)


def files_a_consent(among: Among, author: Person, attempt: Attempted) -> Tried:
    """The consent of a third State, filed for a party."""
    state = among.agents[0].post(f"{among.dispute.path}/third-states", {"name": f"Of {author.name}"}).expect(201)
    consent = {"third_state_id": state["id"], "basis": "ad-hoc", "given_on": "2026-02-20"}
    answer = author.post(f"{among.dispute.path}/consents", among.done(attempt, **consent))
    return Tried(answer, "consent-filed", EVERYBODY)


def drafts_a_text(among: Among, author: Person, attempt: Attempted) -> Tried:
    """A draft of the settlement, to whom it names."""
    body = {"title": "A draft", "language": "en", "clauses": [{"number": "1", "text": "x"}]}
    to = {"audience": attempt.audience, "party_ids": among.ids(attempt.party_ids)}
    answer = author.post(f"{among.dispute.path}/settlement/drafts", among.done(attempt, **body, **to))
    event = "text-drafted"
    if answer.status == 201:
        draft = answer.expect(201)
        assert attempt.party is not None
        assert draft["author_party_id"] == among.party_ids[attempt.party]
        if attempt.audience == "party" and draft["shared_at"] is None:
            # Its author's alone until then.
            event = "text-shared"
            author.post(f"{among.dispute.path}/settlement/drafts/{draft['id']}/share").expect(200)
        for number in sorted(attempt.party_ids or EVERYBODY):
            path = f"{among.dispute.path}/settlement/drafts/{draft['id']}/documents?language=zh&relation=authentic-text"
            sent = among.agents[number].send("POST", path, content=pdf(900), headers=UPLOADED)
            assert sent.status == (201 if number == attempt.party else 403), sent.response.text
    return Tried(answer, event, attempt.party_ids or EVERYBODY)


def uploads_a_document(among: Among, author: Person, attempt: Attempted) -> Tried:
    """A document to the draft filing of a party."""
    (number,) = attempt.party_ids
    draft = among.agents[number].post(f"{among.dispute.path}/filings", statement()).expect(201)
    among.agents[number].post(f"{among.dispute.path}/filings/{draft['id']}/share").expect(200)
    query = "" if attempt.acting_for is None else f"?acting_for={among.party_ids[attempt.acting_for]}"
    desk = Desk(among.dispute, draft)
    answer = desk.send(person=author, query=query)
    return Tried(answer, "document-stored", frozenset({number}))


def joins_a_filing(among: Among, author: Person, attempt: Attempted) -> Tried:
    """A joint filing of all parties that is joined for one of them, and then not."""
    first = 0 if 0 not in attempt.represented else 2
    others = EVERYBODY - {first}
    body = statement("participants", joint_with=among.ids(others))
    draft = among.agents[first].post(f"{among.dispute.path}/filings", body).expect(201)
    path = f"{among.dispute.path}/filings/{draft['id']}"
    answer = author.post(f"{path}/join", among.done(attempt))
    if answer.status == 200:
        answer = author.post(f"{path}/withdraw-joinder", among.done(attempt))
    return Tried(answer, "filing-joinder-withdrawn", EVERYBODY)


def signs(among: Among, author: Person, attempt: Attempted) -> Tried:
    """A signature for the party that it names, under a text that is newly frozen."""
    text = among.dispute.freeze(among.dispute.draft()).expect(200)
    (number,) = attempt.party_ids
    signature = {"draft_id": text["id"], "sha256": text["sha256"], "party_id": among.party_ids[number]}
    answer = author.post(
        f"{among.dispute.path}/settlement/signatures",
        among.done(attempt, **signature, capacity="plenipotentiary"),
    )
    return Tried(answer, "text-signed", EVERYBODY)


# Each act, and whether it names no party, one party, or an audience.
ACTS: dict[str, tuple[Callable[[Among, Person, Attempted], Tried], str]] = {
    "third State": (names_a_third_state, "none"),
    "consent": (files_a_consent, "none"),
    "text": (drafts_a_text, "audience"),
    "document": (uploads_a_document, "one"),
    "joinder": (joins_a_filing, "none"),
    "signature": (signs, "one"),
}


@st.composite
def attempts(draw: st.DrawFn, names: str) -> Attempted:
    """An act by somebody who represents some of the parties of one side."""
    represented = draw(st.frozensets(st.sampled_from(draw(st.sampled_from(SIDES))), min_size=1))
    acting_for = draw(st.none() | st.integers(0, 4))
    if names == "one":
        return Attempted(represented, "one", frozenset({draw(st.integers(0, 4))}), acting_for)
    if names == "none":
        return Attempted(represented, "participants", frozenset(), acting_for)
    audience = draw(st.sampled_from(["participants", *AUDIENCES_OF_PARTIES]))
    named = draw(st.frozensets(st.integers(0, 4), min_size=1)) if audience in AUDIENCES_OF_PARTIES else frozenset()
    return Attempted(represented, audience, named, acting_for)


@pytest.mark.parametrize("name", ACTS)
def test_whatever_is_done_is_done_for_one_party_and_read_by_those_whom_it_names(among: Among, name: str) -> None:
    perform, names = ACTS[name]

    @settings(max_examples=EXAMPLES, deadline=None, database=None)
    @given(attempt=attempts(names), role=st.sampled_from(REPRESENTATIVES))
    def tried(attempt: Attempted, role: str) -> None:
        author = among.author(attempt.represented, role)
        done = perform(among, author, attempt)
        is_named = not attempt.party_ids or bool(attempt.party_ids & attempt.represented)
        own = [
            event for event in events_of(author, among.dispute.path, done.event) if event["actor"]["id"] == author.id
        ]
        if attempt.party is None or not is_named:
            assert done.answer.status in (403, 404, 422), done.answer.response.text
            assert own == []
            return
        assert done.answer.status in (200, 201), done.answer.response.text
        assert [event["actor"]["party_id"] for event in own] == [among.party_ids[attempt.party]]
        assert among.readers(own[0]["id"]) == done.readers

    tried()


@pytest.mark.parametrize("party", [2, 3])
def test_a_text_for_one_party_takes_no_document_of_another_that_its_author_represents(among: Among, party: int) -> None:
    author = among.author(frozenset({2, 3}), "agent")
    attempt = Attempted(frozenset({2, 3}), "participants", frozenset(), party)
    drafts_a_text(among, author, attempt).answer.expect(201)
