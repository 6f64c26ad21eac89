"""Newcomers read what is written after they join; they read earlier items only if the protected parties open them."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tests.docs.who_may_see_what import (
    AGENT,
    ENDED,
    FORMER,
    LATE_AGENT,
    REGISTRAR,
    SUCCESSOR,
    THINGS,
    Reader,
    cell,
)
from tests.installation import House, Json, Person
from tests.mixtures import events_of
from tests.registries import Registry
from tests.story import GIVES, POWERS, Dispute

COLLECTIONS = (
    "filings",
    "sessions",
    "settlement/drafts",
    "settlement/signatures",
    "appointments",
    "deadlines",
    "disclosures",
    "rectifications",
    "parties",
    "third-states",
    "consents",
)
# The items written at each time, the type of the event about them, and the name of the id in it.
TOLD = {
    "filings": ("filing-submitted", "filing_id"),
    "sessions": ("session-scheduled", "session_id"),
    "settlement/drafts": ("text-drafted", "draft_id"),
}


@dataclass
class Changed:
    """A dispute in which a third State joined, counsel left and the mediator was replaced, one after the other."""

    dispute: Dispute
    late: Person
    successor: Person
    counsel: Person
    mediator: Person
    items: dict[str, tuple[str, str]]
    late_party: str


def written(dispute: Dispute, when: str) -> dict[str, tuple[str, str]]:
    """The items written for each audience at this time of the case, named by time, audience and kind."""
    both = (dispute.requesting, dispute.responding)
    items: dict[str, tuple[str, str]] = {}

    def keep(audience: str, collection: str, item: Json) -> None:
        items[f"{when}: {audience} ({collection})"] = (collection, item["id"])

    keep("participants", "filings", dispute.filing(dispute.requesting, "participants"))
    keep("participants", "sessions", dispute.session())
    keep("participants", "settlement/drafts", dispute.draft())
    for side, person in zip(("requesting", "responding"), both, strict=True):
        for audience in ("caucus", "party", "party-registry"):
            keep(f"{audience} {side}", "filings", dispute.filing(person, audience, side))
        keep(f"caucus {side}", "sessions", dispute.session("caucus", side))
        party_ids = [dispute.party(side)]
        draft = dispute.draft(audience="caucus", party_ids=party_ids)
        keep(f"caucus {side}", "settlement/drafts", draft)
    keep("registry", "filings", dispute.filing(dispute.registrar, "registry"))
    return items


@pytest.fixture
def changed(registry: Registry, house: House, dispute: Dispute) -> Changed:
    """The dispute with everyone who joined or left it."""
    return registry.moment(house, "changed", lambda: _changed(house, dispute))


def _changed(house: House, dispute: Dispute) -> Changed:
    dispute.mediating()
    representatives = dispute.representatives()
    counsel = house.person("Cora Unsel")
    dispute.admit_counsel(counsel)
    items = written(dispute, "first")
    late, party = dispute.third_party_joined()
    items |= written(dispute, "second")
    (listed,) = [
        item for item in dispute.requesting.get(representatives).expect(200)["items"] if item["user_id"] == counsel.id
    ]
    dispute.requesting.post(f"{representatives}/{listed['id']}/end", {"reason": "Retired."}).expect(200)
    first = dispute.mediator
    dispute.resign()
    successor, entry = house.mediator("Suki Cessor")
    path = dispute.accepted(successor, dispute.nominate(dispute.requesting, entry))
    late.post(f"{path}/accept").expect(200)
    dispute.registrar.post(f"{path}/confirm").expect(200)
    dispute.mediator = successor
    items |= written(dispute, "third")
    return Changed(dispute, late, successor, counsel, first, items, party)


def read_by(person: Person, changed: Changed) -> set[str]:
    """The names of the items that a person reads, on which list, item and events must agree."""
    path = changed.dispute.path
    if person.get(path).status == 404:
        for collection in ("events", *COLLECTIONS):
            person.get(f"{path}/{collection}?count=true").expect(404)
        for collection, id in changed.items.values():
            person.get(f"{path}/{collection}/{id}").expect(404)
        return set()
    shown: set[str] = set()
    for collection in TOLD:
        listed = person.get(f"{path}/{collection}?limit=200&count=true").expect(200)
        assert listed["count"]["total"] == len(listed["items"])
        shown |= {item["id"] for item in listed["items"]}
    events = person.get(f"{path}/events?limit=200&count=true").expect(200)
    assert events["count"]["total"] == len(events["items"]) or events["next"]
    recorded = {event["payload"][id] for kind, id in TOLD.values() for event in events_of(person, path, kind)}
    names = {name for name, (_collection, id) in changed.items.items() if id in shown}
    for name, (collection, id) in changed.items.items():
        assert person.get(f"{path}/{collection}/{id}").status == (200 if name in names else 404), name
        assert (id in recorded) == (name in names), name
    return {name.partition(" (")[0] for name in names if _whole(name, names, changed)}


def _whole(name: str, read: set[str], changed: Changed) -> bool:
    """The items for an audience at a time, if all of them are read; a part of them fails the test."""
    head = name.partition(" (")[0]
    same = {other for other in changed.items if other.partition(" (")[0] == head}
    assert same <= read, head
    return True


TIMES = ("first", "second", "third")


def always(*audiences: str) -> set[str]:
    """The items of these audiences at every time."""
    return {f"{when}: {audience}" for when in TIMES for audience in audiences}


READS: dict[str, tuple[Callable[[Changed], Person], set[str]]] = {
    "the requesting side's agent": (
        lambda people: people.dispute.requesting,
        always("participants", "caucus requesting", "party requesting", "party-registry requesting"),
    ),
    "the responding side's agent": (
        lambda people: people.dispute.responding,
        always("participants", "caucus responding", "party responding", "party-registry responding"),
    ),
    "the registrar": (
        lambda people: people.dispute.registrar,
        always("participants", "party-registry requesting", "party-registry responding", "registry"),
    ),
    "the late party's agent": (lambda people: people.late, {"second: participants", "third: participants"}),
    "the successor mediator": (
        lambda people: people.successor,
        {"third: participants", "third: caucus requesting", "third: caucus responding"},
    ),
    "the mediator who resigned": (lambda people: people.mediator, set()),
    "the requesting side's former counsel": (lambda people: people.counsel, set()),
}


# For each kind of person on the page: the reader there, their side, and the time at which they came.
ON_THE_PAGE = {
    "the requesting side's agent": (AGENT, "requesting", "first"),
    "the responding side's agent": (AGENT, "responding", "first"),
    "the registrar": (REGISTRAR, "", "first"),
    "the late party's agent": (LATE_AGENT, "", "second"),
    "the successor mediator": (SUCCESSOR, "", "third"),
    "the mediator who resigned": (FORMER, "", "first"),
    "the requesting side's former counsel": (ENDED, "requesting", "first"),
}


def promised(reader: Reader, side: str, came: str) -> set[str]:
    """The items that docs/who-may-see-what.md promises to a kind of person."""
    items = set()
    for audience in EVERYTHING:
        name, _, of = audience.partition(" ")
        whose = ("own" if of == side else "other") if of else ""
        (thing,) = [each for each in THINGS if (each.audience, each.whose, each.private) == (name, whose, False)]
        times = {"–": (), "from then on": TIMES[TIMES.index(came) :]}.get(cell(reader, thing), TIMES)
        items |= {f"{when}: {audience}" for when in times}
    return items


EVERYTHING = sorted({item.partition(": ")[2] for _person, items in READS.values() for item in items})


@pytest.mark.parametrize("who", READS)
def test_the_page_on_who_may_see_what_promises_what_the_table_says(who: str) -> None:
    assert promised(*ON_THE_PAGE[who]) == READS[who][1]


def test_newcomers_and_leavers_read_exactly_what_the_table_says(changed: Changed) -> None:
    for who, (person, reads) in READS.items():
        assert read_by(person(changed), changed) == reads, who


def test_people_who_left_find_nothing_of_the_case(changed: Changed) -> None:
    for person in (changed.mediator, changed.counsel):
        assert person.get("/v1/cases").expect(200)["items"] == []
        assert person.get("/v1/me").expect(200)["capacities"] == []
        for collection in ("", "/steps", "/parties", *(f"/{name}" for name in COLLECTIONS)):
            person.get(f"{changed.dispute.path}{collection}").expect(404)


def stream_of(person: Person, changed: Changed, name: str) -> str:
    """The stream of the event about an item."""
    _collection, wanted = changed.items[f"{name} (filings)"]
    events = events_of(person, changed.dispute.path, "filing-submitted")
    return next(str(event["stream"]) for event in events if event["payload"]["filing_id"] == wanted)


def test_a_side_opens_its_earlier_caucus_to_the_successor_by_its_own_act(changed: Changed) -> None:
    dispute, opened = changed.dispute, "first: caucus requesting"
    path = f"{dispute.path}/disclosures"
    body = {"stream": stream_of(dispute.requesting, changed, opened)}
    dispute.responding.post(path, body).expect(422)
    dispute.registrar.post(path, body).expect(422)
    changed.successor.post(path, body).expect(422)
    made = dispute.requesting.post(path, body).expect(201)
    assert (made["state"], made["remaining"]) == ("opened", [])
    assert read_by(changed.successor, changed) == READS["the successor mediator"][1] | {opened}
    assert read_by(changed.late, changed) == READS["the late party's agent"][1]
    assert read_by(dispute.responding, changed) == READS["the responding side's agent"][1]
    dispute.requesting.post(path, body).expect(409, "nothing-to-open")
    dispute.responding.get(f"{path}/{made['id']}").expect(404)


def test_shared_items_are_opened_once_every_protected_party_has_agreed(changed: Changed) -> None:
    dispute, opened = changed.dispute, "first: participants"
    path = f"{dispute.path}/disclosures"
    body = {"stream": stream_of(dispute.requesting, changed, opened)}
    made = dispute.requesting.post(path, body).expect(201)
    assert (made["state"], made["remaining"]) == ("proposed", [dispute.party("responding")])
    assert opened not in read_by(changed.late, changed)
    dispute.requesting.post(f"{path}/{made['id']}/agree").expect(409, "already-agreed")
    dispute.registrar.post(f"{path}/{made['id']}/agree").expect(403, "not-your-capacity")
    changed.late.post(f"{path}/{made['id']}/agree").expect(404)
    done = dispute.responding.post(f"{path}/{made['id']}/agree").expect(200)
    assert (done["state"], done["remaining"]) == ("opened", [])
    assert read_by(changed.late, changed) == READS["the late party's agent"][1] | {opened}
    assert read_by(changed.successor, changed) == READS["the successor mediator"][1] | {opened}
    newest = changed.dispute.events(changed.late)
    assert "disclosure-opened" in {event["type"] for event in newest}


def test_a_text_that_a_newcomer_cannot_read_is_not_frozen(house: House, dispute: Dispute) -> None:
    dispute.mediating()
    early = dispute.draft()
    dispute.third_party_joined()
    refused = dispute.freeze(early).expect(409, "need-not-met")
    assert refused["reasons"][0]["code"] == "draft-to-participants"
    dispute.frozen()


def test_no_text_is_frozen_before_a_party_that_joined_has_consented(house: House, dispute: Dispute) -> None:
    dispute.mediating()
    body = {"side": "side-3", "kind": "state", "name": "Soli", "member_id": house.member("Soli")}
    dispute.registrar.post(f"{dispute.path}/parties", body).expect(201)
    text = dispute.draft()
    refused = dispute.freeze(text).expect(409, "need-not-met")
    assert "all-parties-consented" in {reason["code"] for reason in refused["reasons"]}


def test_the_registry_replaces_a_mediator_and_confirms_a_successor(house: House, dispute: Dispute) -> None:
    dispute.mediating()
    appointment = dispute.appointments()[0]
    path = f"/v1/appointments/{appointment['id']}"
    dispute.requesting.post(f"{path}/replace", {"reason": "No."}).expect(403, "not-your-capacity")
    dispute.registrar.post(f"{path}/resign", {"reason": "No."}).expect(403, "not-your-capacity")
    dispute.registrar.post(f"{path}/replace").expect(422)
    ended = dispute.registrar.post(f"{path}/replace", {"reason": "Unable to act."}).expect(200)
    assert ended["state"] == "replaced"
    dispute.mediator.get(dispute.path).expect(404)
    case = dispute.read()
    assert (case["stage"], case["phase"], case["mediators"]) == ("registered", "assignment", [])
    successor, appointment_path = dispute.succeeded()
    dispute.registrar.post(f"{appointment_path}/confirm").expect(200)
    assert dispute.read()["stage"] == "mediating"
    assert successor.get(dispute.path).expect(200)["mediators"][0]["name"] == "Suki Cessor"


def test_a_frozen_text_can_be_signed_after_the_mediator_resigns(dispute: Dispute) -> None:
    text = dispute.frozen()
    dispute.resign("Ill.")
    assert dispute.read()["stage"] == "settling"
    dispute.sign(dispute.requesting, "requesting", text).expect(201)
    dispute.sign(dispute.responding, "responding", text).expect(201)
    assert dispute.read()["outcome"] == "settled"


def test_several_parties_on_one_side_each_consent_and_each_sign(house: House, dispute: Dispute) -> None:
    soli = dispute.lodged_with_third_state("responding")
    agent = house.person("Sol Agent")
    dispute.admit(dispute.registrar, agent, soli)
    dispute.step(dispute.registrar, "invite", {}).expect(200)
    dispute.step(dispute.responding, "accept-invitation", GIVES).expect(200)
    assert dispute.read()["stage"] == "invited"
    dispute.step(agent, "accept-invitation", GIVES).expect(200)
    assert dispute.read()["stage"] == "consented"
    dispute.filing(dispute.responding, "party", "responding")
    assert agent.get(f"{dispute.path}/filings").expect(200)["items"] == []


def test_a_person_may_mediate_in_one_case_and_be_counsel_in_another(house: House) -> None:
    mediated, other = Dispute(house, "a"), Dispute(house, "b")
    mediated.mediating()
    other.lodged()
    mediator = mediated.mediator
    admitted = {"user_id": mediator.id, "role": "counsel", "powers": POWERS}
    other.admit_counsel(mediator)
    capacities = mediator.get("/v1/me").expect(200)["capacities"]
    assert sorted(held["capacity"] for held in capacities) == ["counsel", "mediator"]
    mediated.requesting.post(mediated.representatives(), admitted).expect(409, "already-in-case")
    mediator.post(f"{other.path}/steps/withdraw", {"reason": "As counsel."}).expect(200)
