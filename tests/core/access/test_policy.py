"""The readers of each audience at each stage: a table of the pure function."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID, uuid5

import pytest

from app.core.access.policy import AudienceView, CapacityView, CaseView, PartyView, limits_of, readers_of
from app.core.tables.audiences import ANYONE, INTEGRATIONS, STAFF


def named(name: str) -> UUID:
    """An id that depends only on the name."""
    return uuid5(UUID(int=0), name)


PEOPLE = {
    "olga": CapacityView(named("c1"), named("olga"), "agent", named("ostrava"), 0),
    "cora": CapacityView(named("c2"), named("cora"), "counsel", named("ostrava"), 0),
    "viktor": CapacityView(named("c3"), named("viktor"), "agent", named("vedria"), 0),
    "nino": CapacityView(named("c4"), named("nino"), "candidate", None, 0),
    "mina": CapacityView(named("c5"), named("mina"), "mediator", None, 0),
    "obse": CapacityView(named("c6"), named("obse"), "observer", None, 0),
}
LEFT_AT = datetime(2026, 3, 9, tzinfo=UTC)
PARTIES = [PartyView(named("ostrava"), "requesting", 0), PartyView(named("vedria"), "responding", 0)]
CASE = CaseView(named("case"), named("case-audience"), datetime(2026, 3, 2, tzinfo=UTC), False, False, 0)
LODGED = replace(CASE, lodged=True)
SERVED = replace(LODGED, served=True)
REFERRED = replace(LODGED, court_id=named("high-court"))

AUDIENCES = {
    "public": ("public", ()),
    "court": ("court", ()),
    "participants": ("participants", ()),
    "caucus-ostrava": ("caucus", ("ostrava",)),
    "caucus-vedria": ("caucus", ("vedria",)),
    "caucus-both": ("caucus", ("ostrava", "vedria")),
    "party-registry-vedria": ("party-registry", ("vedria",)),
    "mediators-registry": ("mediators-registry", ()),
    "party-ostrava": ("party", ("ostrava",)),
    "party-vedria": ("party", ("vedria",)),
    "mediators": ("mediators", ()),
    "registry": ("registry", ()),
    "case": ("case", ()),
    "appointment-nino": ("appointment", ()),
}
STARS = {named("olga"): "olga", named("cora"): "cora", named("viktor"): "viktor", named("nino"): "nino"} | {
    named("mina"): "mina",
    named("obse"): "obse",
    STAFF: "staff",
    ANYONE: "anyone",
    INTEGRATIONS: "integrations",
    named("high-court"): "high-court",
}
ALL = "olga cora viktor mina staff"

MOMENTS: dict[str, tuple[CaseView, str, dict[str, str]]] = {
    "a draft is its filer's side's alone": (
        CASE,
        "olga cora viktor",
        {
            "public": "olga cora",
            "court": "olga cora",
            "participants": "olga cora",
            "caucus-ostrava": "olga cora",
            "caucus-vedria": "",
            "caucus-both": "olga cora",
            "party-registry-vedria": "",
            "mediators-registry": "",
            "party-ostrava": "olga cora",
            "party-vedria": "",
            "mediators": "",
            "registry": "",
            "case": "olga cora",
            "appointment-nino": "olga cora",
        },
    ),
    "once lodged the registry knows, the other side's agent does not": (
        LODGED,
        "olga cora viktor",
        {
            "public": "olga cora staff",
            "court": "olga cora staff",
            "participants": "olga cora staff",
            "caucus-ostrava": "olga cora",
            "caucus-vedria": "",
            "caucus-both": "olga cora",
            "party-registry-vedria": "staff",
            "mediators-registry": "staff",
            "party-ostrava": "olga cora",
            "party-vedria": "",
            "mediators": "",
            "registry": "staff",
            "case": "olga cora staff",
            "appointment-nino": "olga cora staff",
        },
    ),
    "once served every side reads; a candidate reads the appointment and nothing else": (
        SERVED,
        "olga viktor nino",
        {
            "public": "olga viktor staff anyone",
            "court": "olga viktor staff",
            "participants": "olga viktor staff",
            "caucus-ostrava": "olga",
            "caucus-vedria": "viktor",
            "caucus-both": "olga viktor",
            "party-registry-vedria": "viktor staff",
            "mediators-registry": "staff",
            "party-ostrava": "olga",
            "party-vedria": "viktor",
            "mediators": "",
            "registry": "staff",
            "case": "olga viktor staff",
            "appointment-nino": "olga viktor staff nino",
        },
    ),
    "the mediator sits in every caucus, and the registry in none; observers read what is the court's": (
        SERVED,
        "olga cora viktor mina obse",
        {
            "public": ALL + " anyone",
            "court": ALL + " obse",
            "participants": ALL,
            "caucus-ostrava": "olga cora mina",
            "caucus-vedria": "viktor mina",
            "caucus-both": "olga cora viktor mina",
            "party-registry-vedria": "viktor staff",
            "mediators-registry": "mina staff",
            "party-ostrava": "olga cora",
            "party-vedria": "viktor",
            "mediators": "mina",
            "registry": "staff",
            "case": ALL,
            "appointment-nino": ALL,
        },
    ),
    "the court that referred a case, and the institution's programs, read what is the court's or everybody's alone": (
        REFERRED,
        "olga viktor",
        {
            "public": "olga staff high-court integrations",
            "court": "olga staff high-court integrations",
            "participants": "olga staff",
            "caucus-ostrava": "olga",
            "party-registry-vedria": "staff",
            "mediators-registry": "staff",
            "party-ostrava": "olga",
            "mediators": "",
            "registry": "staff",
            "case": "olga staff",
            "appointment-nino": "olga staff",
        },
    ),
    "and it stays so once the other side is invited": (
        replace(REFERRED, served=True),
        "olga cora viktor mina obse nino",
        {
            "public": ALL + " anyone high-court integrations",
            "court": ALL + " obse high-court integrations",
            "participants": ALL,
            "caucus-ostrava": "olga cora mina",
            "caucus-vedria": "viktor mina",
            "caucus-both": "olga cora viktor mina",
            "party-registry-vedria": "viktor staff",
            "mediators-registry": "mina staff",
            "party-vedria": "viktor",
            "mediators": "mina",
            "registry": "staff",
            "case": ALL,
            "appointment-nino": ALL + " nino",
        },
    ),
    "after the mediator's end the mediator reads nothing": (
        SERVED,
        "olga viktor",
        {
            "participants": "olga viktor staff",
            "caucus-ostrava": "olga",
            "mediators": "",
            "mediators-registry": "staff",
            "case": "olga viktor staff",
        },
    ),
}


def audiences(generation: int = 0) -> list[AudienceView]:
    """Every audience of the table."""
    return [
        AudienceView(
            named(key),
            name,
            frozenset(named(party) for party in parties),
            named("nino") if name == "appointment" else None,
            generation,
        )
        for key, (name, parties) in AUDIENCES.items()
    ]


def read_by(case: CaseView, people: str, generation: int = 0) -> dict[str, set[str]]:
    """The names of the readers of each audience."""
    capacities = [PEOPLE[name] for name in people.split()]
    readers = readers_of(case, PARTIES, capacities, audiences(generation))
    return {key: {STARS[principal] for principal in readers[named(key)]} for key in AUDIENCES}


@pytest.mark.parametrize("moment", MOMENTS)
def test_each_reader_reads_exactly_the_audiences_of_the_table(moment: str) -> None:
    case, people, expected = MOMENTS[moment]
    readers = read_by(case, people)
    assert {key: readers[key] for key in expected} == {key: set(names.split()) for key, names in expected.items()}


def test_a_newcomer_sees_the_case_and_reads_only_what_is_written_from_then_on() -> None:
    successor = replace(PEOPLE["mina"], generation=1)
    capacities = [PEOPLE["olga"], PEOPLE["viktor"], successor]
    for generation, reads in ((0, False), (1, True)):
        readers = readers_of(SERVED, PARTIES, capacities, audiences(generation))
        for key in ("participants", "caucus-ostrava", "mediators"):
            assert (named("mina") in readers[named(key)]) is reads, (generation, key)
        assert named("mina") in readers[named("case")]
        assert named("olga") in readers[named("participants")]


def test_the_court_reads_its_audience_in_every_generation() -> None:
    for generation in (0, 1):
        readers = readers_of(REFERRED, PARTIES, [PEOPLE["olga"]], audiences(generation))
        held = {key for key in AUDIENCES if readers[named(key)] & {named("high-court"), INTEGRATIONS}}
        assert held == {"court", "public"}


def test_a_party_that_joins_late_reads_only_what_is_written_from_then_on() -> None:
    late = PartyView(named("soli"), "side-3", 1)
    agent = CapacityView(named("c7"), named("soli-agent"), "agent", named("soli"), 0)
    for generation, reads in ((0, False), (1, True)):
        readers = readers_of(SERVED, [*PARTIES, late], [*PEOPLE.values(), agent], audiences(generation))
        assert (named("soli-agent") in readers[named("participants")]) is reads
        assert named("soli-agent") in readers[named("case")]


def test_a_party_that_has_withdrawn_reads_until_then_and_writes_to_itself_and_the_registry() -> None:
    left = replace(PARTIES[1], reads_until=1)
    later = {"case", "public", "party-vedria", "party-registry-vedria"}
    for generation in (0, 1, 2):
        readers = readers_of(SERVED, [PARTIES[0], left], PEOPLE.values(), audiences(generation))
        reads = {key for key in AUDIENCES if named("viktor") in readers[named(key)]}
        everything = {key for key in AUDIENCES if named("viktor") in read_all()[named(key)]}
        assert reads == (everything if generation < 2 else later - {"public"})
        assert named("olga") in readers[named("participants")]


def read_all() -> dict[UUID, frozenset[UUID]]:
    """The readers of each audience where nobody has withdrawn."""
    return readers_of(SERVED, PARTIES, PEOPLE.values(), audiences())


def test_a_representative_reads_from_their_own_generation_on() -> None:
    newcomer = replace(PEOPLE["cora"], generation=1)
    for generation, reads in ((0, False), (1, True), (2, True)):
        readers = readers_of(SERVED, PARTIES, [PEOPLE["olga"], newcomer], audiences(generation))
        for key in ("participants", "caucus-ostrava", "party-ostrava", "party-registry-vedria"):
            assert (named("cora") in readers[named(key)]) is (reads and key != "party-registry-vedria")
        assert named("cora") in readers[named("case")]
        assert named("olga") in readers[named("party-ostrava")]


def test_the_drafts_of_who_has_left_are_read_by_those_of_then_alone() -> None:
    parties = frozenset({named("ostrava")})
    drafts = AudienceView(named("drafts"), "party", parties, named("olga"), 0)
    people = [PEOPLE["olga"], PEOPLE["cora"]]
    for kept_for, reads in ((None, {"olga", "cora"}), (frozenset[UUID](), {"olga"})):
        audience = replace(drafts, kept_for=kept_for)
        assert readers_of(SERVED, PARTIES, people, [audience])[audience.id] == {named(name) for name in reads}
    kept = replace(drafts, kept_for=frozenset({named("cora")}))
    assert readers_of(SERVED, PARTIES, [PEOPLE["cora"]], [kept])[kept.id] == {named("cora")}


def test_what_a_person_has_not_shared_is_read_by_that_person_alone() -> None:
    parties = frozenset({named("ostrava")})
    private = AudienceView(named("drafts"), "party", parties, named("olga"), 0, open_to=5, private=True)
    people = [PEOPLE["olga"], PEOPLE["cora"]]
    assert readers_of(SERVED, PARTIES, people, [private])[private.id] == {named("olga")}
    assert readers_of(SERVED, PARTIES, people[1:], [private])[private.id] == frozenset()
    # A party that has left goes on drafting, and each of its people alone.
    left = replace(PARTIES[0], reads_until=0, left_at=LEFT_AT)
    later = replace(private, generation=2)
    assert readers_of(SERVED, [left, PARTIES[1]], people, [later])[later.id] == {named("olga")}


def test_a_party_that_came_back_reads_what_it_read_before_what_is_written_now_and_what_it_wrote_between() -> None:
    back = replace(PARTIES[1], generation=4, earlier=((0, 1), (3, 3)))
    own = {"party-vedria", "party-registry-vedria"}
    for generation in range(6):
        readers = readers_of(SERVED, [PARTIES[0], back], PEOPLE.values(), audiences(generation))
        reads = {key for key in AUDIENCES if named("viktor") in readers[named(key)]}
        everything = {key for key in AUDIENCES if named("viktor") in read_all()[named(key)]}
        away = own | {"case", "appointment-nino"}
        assert reads == (away if generation == 2 else everything), generation
    opened = [replace(each, open_to=3) for each in audiences(2)]
    assert named("viktor") in readers_of(SERVED, [PARTIES[0], back], PEOPLE.values(), opened)[named("participants")]


def test_who_acts_only_for_a_party_that_left_reads_to_that_instant_but_for_its_own() -> None:
    left = replace(PARTIES[1], reads_until=0, left_at=LEFT_AT)
    both = CapacityView(named("c8"), named("viktor"), "agent", named("soli"), 0)
    soli = PartyView(named("soli"), "responding", 0)
    own = {"party-vedria", "party-registry-vedria"}
    limited = limits_of(SERVED, [PARTIES[0], left], PEOPLE.values(), audiences())
    read = {key for key in AUDIENCES if named("viktor") in read_all()[named(key)]}
    assert limited == {(named(key), named("viktor")): LEFT_AT for key in read - own}
    limited = limits_of(SERVED, [PARTIES[0], left, soli], [*PEOPLE.values(), both], audiences())
    assert {audience for audience, _person in limited} == {named("caucus-vedria"), named("caucus-both")}
    assert limits_of(SERVED, PARTIES, PEOPLE.values(), audiences()) == {}


def test_who_reads_an_audience_does_not_depend_on_the_other_audiences() -> None:
    left = replace(PARTIES[1], reads_until=1)
    for generation in (0, 2):
        of_leavers = AudienceView(
            named("drafts"), "party", frozenset({named("ostrava")}), named("gone"), generation, kept_for=frozenset()
        )
        everything = [of_leavers, *audiences(generation)]
        alone = {
            audience.id: readers_of(SERVED, [PARTIES[0], left], PEOPLE.values(), [audience])[audience.id]
            for audience in everything
        }
        for order in (everything, everything[::-1]):
            assert readers_of(SERVED, [PARTIES[0], left], PEOPLE.values(), order) == alone
