"""People who represent several parties act for the one that they name or that follows, and only its side reads it."""

import json
import os
import re
from collections.abc import Iterator

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.core.access.policy import REPRESENTATIVES
from tests.acting import ACTS, EVERYBODY, REQUESTING, RESPONDING, Among, Author, PartyAct, drafts_a_text
from tests.core.http.operations import DOCUMENT
from tests.installation import Json
from tests.mixtures import AUDIENCES_OF_PARTIES, Attempted, events_of
from tests.registries import Registry
from tests.story import EARLIER, Dispute

# How many mixtures of people are tried with each act, besides one that succeeds; CI tries a few.
EXAMPLES = int(os.environ.get("ACCORD_TEST_MIXTURES", "1"))
SIDES = ((0, 1), (2, 3, 4))
NAMING = ("acting_for", "on_behalf_of", "party_id", "party_ids", "joint_with")
# Operations that take a party and are not among the acts, each with the reason.
OTHERWISE = {
    "addParty": "a party adds another one only before lodging, when the request's filer represents one party",
    "amendParty": "a party changes another one only before lodging, when the request's filer represents one party",
    "removeParty": "a party removes another one only before lodging, when the request's filer represents one party",
    "openEarlierToRepresentative": "for the party of its path, as in `endRepresentative`; test_agents.py",
    "suspendDeadline": "judged by the function of `extendDeadline`; every kept rule set names the registry alone",
    "resumeDeadline": "judged by the function of `extendDeadline`; every kept rule set names the registry alone",
    "confirmAppointment": "the registry's alone, in its own name",
    "admitNamedRepresentative": "the registry's alone, for the party that its body names; test_courts.py",
    "recordService": "the registry's alone, for the party that its body names; test_deadlines.py",
    "scheduleSession": "the mediators' and the registry's: below",
    "holdSession": "the mediators': below",
}


def operations_that_name_a_party() -> Iterator[str]:
    """The operations that change something and take a party: in the path, in the query or in the body."""
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            sent = json.dumps([operation.get("requestBody"), operation.get("parameters")])
            fields, names = set(re.findall(r"\{(\w+)\}", path)), set(re.findall(r'"name": "(\w+)"', sent))
            pending, known = set(re.findall(r"schemas/(\w+)", sent)), set[str]()
            while pending:
                known |= pending
                schemas = [DOCUMENT["components"]["schemas"][name] for name in pending]
                fields |= {field for schema in schemas for field in schema.get("properties", ())}
                pending = set(re.findall(r"schemas/(\w+)", json.dumps(schemas))) - known
            if method != "get" and not (fields | names).isdisjoint(NAMING):
                yield operation["operationId"]


def test_every_operation_that_takes_a_party_is_tried_with_people_of_several_parties() -> None:
    tried = {operation for act in ACTS.values() for operation in act.operations}
    assert tried.isdisjoint(OTHERWISE)
    assert set(operations_that_name_a_party()) == tried | OTHERWISE.keys()


@st.composite
def attempts(draw: st.DrawFn, names: str) -> Attempted:
    """An act by somebody who represents some of the parties of one side."""
    represented = draw(st.frozensets(st.sampled_from(draw(st.sampled_from(SIDES))), min_size=1))
    acting_for = None if names in ("path", "several") else draw(st.none() | st.integers(0, 4))
    if names in ("one", "path"):
        return Attempted(represented, "one", frozenset({draw(st.integers(0, 4))}), acting_for)
    if names == "none":
        return Attempted(represented, "participants", frozenset(), acting_for)
    audience = "caucus"
    if names in ("audience", "any audience"):
        public = ["public"] if names == "any audience" else []
        audience = draw(st.sampled_from([*public, "participants", *AUDIENCES_OF_PARTIES]))
    named = draw(st.frozensets(st.integers(0, 4), min_size=1)) if audience in AUDIENCES_OF_PARTIES else frozenset()
    return Attempted(represented, audience, named, acting_for)


def is_allowed(act: PartyAct, attempt: Attempted, role: str) -> bool:
    """Whether the act succeeds: for one party that may do it and that it concerns, or for all that it names."""
    if role not in act.roles:
        return False
    if act.names == "several":
        return attempt.party_ids <= attempt.represented
    is_named = not attempt.party_ids or bool(attempt.party_ids & attempt.represented)
    return attempt.party in act.parties and is_named


def succeeding(act: PartyAct) -> Attempted:
    """An act of somebody who represents two parties, and who names one as the act allows it."""
    first, second = sorted(act.parties & (REQUESTING if act.parties == REQUESTING else RESPONDING))[-2:]
    audience = {"audience": "caucus", "any audience": "party"}.get(act.names, act.names)
    named = {"none": frozenset[int](), "several": frozenset({first, second})}.get(act.names, frozenset({second}))
    attempt = Attempted(frozenset({first, second}), audience, named, second if act.names == "none" else None)
    assert is_allowed(act, attempt, "agent")
    return attempt


# What is judged is the same on both engines.
@pytest.mark.parametrize("registry", ["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)], indirect=True)
@pytest.mark.parametrize("name", ACTS)
def test_whatever_is_done_is_done_for_one_party_and_read_by_those_whom_it_names(
    registry: Registry, dispute: Dispute, name: str
) -> None:
    act = ACTS[name]
    among = act.at(registry, dispute)
    moment = among.dispute.house.moment()
    assert moment is not None

    @settings(max_examples=EXAMPLES, deadline=None, database=None)
    @given(attempt=attempts(act.names), role=st.sampled_from(REPRESENTATIVES))
    @example(attempt=succeeding(act), role="agent")
    def tried(attempt: Attempted, role: str) -> None:
        if act.once:
            registry.return_to(among.dispute.house, moment)
            among.newcomer = None
        author = among.author(attempt.represented, role)
        done = act.perform(among, author, attempt)
        own = {kind: _own_events(among, author, kind) for kind in done.events}
        if not is_allowed(act, attempt, role):
            assert done.answer.status in (403, 404, 409, 422), done.answer.response.text
            assert not any(own.values())
            return
        assert done.answer.status < 300, done.answer.response.text
        assert author.sent >= set(act.operations)
        party = None if act.names == "several" and len(attempt.party_ids) > 1 else attempt.party
        party_id = None if party is None else among.party_ids[party]
        for kind, readers in done.events.items():
            assert {event["actor"]["party_id"] for event in own[kind]} == {party_id}, kind
            assert sorted(map(sorted, (among.readers(event["id"]) for event in own[kind]))) == sorted(
                map(sorted, readers)
            ), kind

    tried()


def _own_events(among: Among, author: Author, kind: str) -> list[Json]:
    """The events of a type that an author caused, as the author and anybody of the case read them."""
    people = [*among.agents, among.dispute.registrar, among.dispute.mediator, author]
    reading = [person for person in people if person.get(among.path).status == 200]
    events = [event for person in reading for event in events_of(person, among.path, kind)]
    return list({event["id"]: event for event in events if event["actor"]["id"] == author.id}.values())


@pytest.mark.parametrize("party", [2, 3])
def test_a_text_for_one_party_takes_no_document_of_another_that_its_author_represents(
    registry: Registry, dispute: Dispute, party: int
) -> None:
    among = ACTS["text"].at(registry, dispute)
    author = among.author({2, 3}, "agent")
    attempt = Attempted(frozenset({2, 3}), "participants", frozenset(), party)
    drafts_a_text(among, author, attempt).answer.expect(201)


def test_a_session_is_planned_put_off_and_held_before_the_parties_that_it_names(
    registry: Registry, dispute: Dispute
) -> None:
    among = ACTS["text"].at(registry, dispute)
    mediator = among.dispute.mediator

    @settings(max_examples=EXAMPLES, deadline=None, database=None)
    @given(
        named=st.frozensets(st.integers(0, 4)),
        attending=st.integers(0, 4),
        end=st.sampled_from(["hold", "adjourn", "cancel"]),
    )
    def tried(named: frozenset[int], attending: int, end: str) -> None:
        session = {"kind": "caucus", "audience": "caucus"} if named else {"kind": "joint", "audience": "participants"}
        session |= {"title": "x", "party_ids": among.ids(named), "despite_overlap": True, **EARLIER}  # type: ignore[dict-item]
        for agent in among.agents:
            agent.post(f"{among.path}/sessions", session).expect(403)
        planned = mediator.post(f"{among.path}/sessions", session).expect(201)
        attendee = {"name": "A", "capacity": "agent", "party_id": among.party_ids[attending]}
        body: Json = {"attendance": [attendee]} if end == "hold" else {"reason": "x"}
        ended = mediator.post(f"{among.path}/sessions/{planned['id']}/{end}", body).expect(200)
        if end == "hold":
            assert [each["party_id"] for each in ended["attendance"]] == [attendee["party_id"]]
        kept = [event for event in among.dispute.events(mediator) if event["payload"].get("session_id") == ended["id"]]
        assert [event["type"] for event in kept] == ["session-scheduled", f"session-{ended['state']}"]
        assert [among.readers(event["id"]) for event in kept] == [named or EVERYBODY] * 2
        assert {event["actor"]["party_id"] for event in kept} == {None}

    tried()
