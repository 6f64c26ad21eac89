"""Courts: corrected, suspended, and warned where one matter comes twice under differently written numbers."""

import pytest

from app.integration.courts.case_numbers import compared
from tests.courts import COURT, court, program, referral, referred_dispute
from tests.installation import Answer, House, Json, Person
from tests.story import MANDATE


def change(person: Person, court_id: str, fields: Json) -> Answer:
    """The answer to a change of a court's entry."""
    path = f"/v1/courts/{court_id}"
    return person.patch(path, fields, if_match=person.get(path).headers.get("etag", '"x"'))


def test_a_court_is_corrected(house: House) -> None:
    court_id = court(house, calendar="CZ")
    court(house, name="Other Court")
    before = house.registrar.get(f"/v1/courts/{court_id}").expect(200)
    fields = {"name": "High Court of Orlin", "place": "New Orlin", "time_zone": "Europe/Vienna", "calendar": None}
    assert change(house.admin, court_id, fields).expect(200) == {**before, **fields}
    change(house.admin, court_id, {"name": "Other Court"}).expect(409, "exists")
    change(house.admin, court_id, {"name": "Other Court", "jurisdiction": "Vedria"}).expect(200)
    change(house.admin, court_id, {"place": "New Orlin"}).expect(200)
    change(house.registrar, court_id, {"place": "x"}).expect(403, "forbidden")
    change(house.person("Any Body"), court_id, {"place": "x"}).expect(404)
    change(house.admin, court_id, {"time_zone": "Mars"}).expect(422)
    change(house.admin, court_id, {"place": None}).expect(422)
    events = house.registrar.get("/v1/events?type=court-changed").expect(200)["items"]
    assert [event["data"]["about"] for event in events] == [{"court_id": court_id}] * 2


def test_a_suspended_court_refers_no_more_and_goes_on_with_its_earlier_referrals(house: House) -> None:
    court_id = court(house)
    holder = program(house, court_id)
    sent = holder.post("/v1/referrals", referral("HC-1")).expect(201)
    assert change(house.admin, court_id, {"active": False}).expect(200)["active"] is False
    holder.post("/v1/referrals", referral("HC-2")).expect(403, "court-suspended")
    # The same referral again is the one that was received.
    assert holder.post("/v1/referrals", referral("HC-1")).expect(200) == sent
    path = f"/v1/referrals/{sent['id']}"
    assert holder.get(path).expect(200) == sent
    house.registrar.post(f"{path}/accept", {"procedure": "court-referred"}).expect(200)
    assert holder.get(path).expect(200)["state"] == "accepted"
    holder.post(f"{path}/extend", {"return_on": "2026-09-30"}).expect(200)
    change(house.admin, court_id, {"active": True}).expect(200)
    holder.post("/v1/referrals", referral("HC-2", case_number="2/2026")).expect(201)


@pytest.mark.parametrize(
    ("number", "same"),
    [
        ("31-01905", True),
        ("31-1905 ", True),
        ("31 / 1905", True),
        ("０31–1905", True),
        ("31-1906", False),
        ("311905", False),
        ("31-19-05", False),
        ("C 31-1905", False),
    ],
)
def test_a_number_is_recognised_however_it_is_written(number: str, same: bool) -> None:
    assert (compared(number) == compared("31-1905")) is same


def test_the_representatives_whom_a_court_names_are_proposed_for_the_registry_to_admit(house: House) -> None:
    cora = {"name": "Cora Unsel", "role": "counsel", "email": "cora.unsel@example.org"}
    ada, walk_in = {"name": "Ada Gent", "role": "agent"}, house.person("Dora Efence")
    sides = [("requesting", "Ilmar Power", [cora, ada]), ("responding", "Kesh Turbines", [{"name": "Dora  Efence"}])]
    parties = [{"side": side, "kind": "company", "name": name, "representatives": named} for side, name, named in sides]
    holder = program(house, court(house))
    sent = holder.post("/v1/referrals", referral(parties=parties)).expect(201)
    house.registrar.post(f"/v1/referrals/{sent['id']}/accept", {"procedure": "court-referred"}).expect(200)
    case_id = holder.get(f"/v1/referrals/{sent['id']}").expect(200)["case_id"]
    path = f"/v1/cases/{case_id}"
    power, turbines = (party["id"] for party in house.registrar.get(path).expect(200)["parties"])

    def shown() -> list[tuple[str, str, str, bool]]:
        items = house.registrar.get(f"{path}/referral").expect(200)["proposed_representatives"]
        return [(item["party_id"], item["name"], item["role"], item["representative_id"] is not None) for item in items]

    assert shown() == [
        (power, "Cora Unsel", "counsel", False),
        (power, "Ada Gent", "agent", False),
        (turbines, "Dora  Efence", "counsel", False),
    ]

    def admit(person: Person, party_id: str, name: str, **more: str) -> Answer:
        body = {"party_id": party_id, "name": name, "powers": MANDATE, **more}
        return person.post(f"{path}/referral/admit-representative", body)

    # The first representative of a party is an agent, and the court gave no address of this one.
    admit(house.registrar, power, "Cora Unsel").expect(422, "invalid")
    admit(house.registrar, power, "Ada Gent").expect(422, "invalid")
    admit(house.registrar, power, "Ada Gent", email="ada@example.org").expect(200)
    (invited,) = house.registrar.get("/v1/users?awaits_approval=true").expect(200)["items"]
    house.registrar.post(f"/v1/users/{invited['id']}/approve").expect(200)
    # The registry admits a second person whom the court named, and nobody whom it did not name.
    admit(house.registrar, power, "Cora Unsel").expect(200)
    admit(house.registrar, power, "Cora Unsel").expect(409, "already-in-case")
    (fault,) = admit(house.registrar, power, "Sue Donym", email="s@example.org").expect(422, "invalid")["errors"]
    assert (fault["pointer"], fault["code"]) == ("/name", "not-named")
    admit(house.registrar, turbines, "Ada Gent").expect(422, "invalid")
    admit(house.registrar, turbines, "Dora Efence", user_id=walk_in.id, role="agent").expect(200)
    admit(walk_in, turbines, "Dora Efence").expect(404)
    assert [admitted for *_named, admitted in shown()] == [True] * 3
    listed = house.registrar.get(f"{path}/representatives").expect(200)["items"]
    assert {(item["name"], item["role"], item["pending"]) for item in listed} == {
        ("Ada Gent", "agent", False),
        (None, "counsel", True),
        ("Dora Efence", "agent", False),
    }


def test_the_registry_cannot_let_somebody_into_the_past_of_a_party_that_has_an_agent(house: House) -> None:
    first, second = referral()["parties"]
    parties = [first, {**second, "representatives": [{"name": "Dora Efence"}]}]
    dispute = referred_dispute(house, program(house, court(house)), parties=parties)
    earlier = [dispute.filing(dispute.responding, name, "responding") for name in ("caucus", "party")]
    stranger = house.person("Stran Ger")
    body = {"party_id": dispute.party("responding"), "name": "Dora Efence", "user_id": stranger.id, "powers": MANDATE}
    dispute.registrar.post(f"{dispute.path}/referral/admit-representative", body).expect(200)
    for filing in earlier:
        stranger.get(f"{dispute.path}/filings/{filing['id']}").expect(404)
    later = dispute.filing(dispute.responding, "caucus", "responding")
    assert stranger.get(f"{dispute.path}/filings").expect(200)["items"] == [later]


@pytest.mark.usefixtures("watched")
def test_a_matter_that_was_referred_before_is_named_to_registrar_and_court(house: House) -> None:
    first_court, second_court = program(house, court(house)), program(house, court(house, name="Other Court"))
    assert COURT["name"] != "Other Court"

    def refer(holder: Person, external_id: str, number: str) -> Json:
        house.clock.pass_by(minutes=1)
        return dict(holder.post("/v1/referrals", referral(external_id, case_number=number)).expect(201))

    first = refer(first_court, "A", "31-1905")
    assert first["earlier_referral_id"] is None
    second = refer(first_court, "B", "31-01905 ")
    assert second["earlier_referral_id"] == first["id"]
    assert house.registrar.get(f"/v1/referrals/{second['id']}").expect(200) == second
    (event,) = [
        event
        for event in house.registrar.get("/v1/events?type=referral-received").expect(200)["items"]
        if event["data"]["about"].get("earlier_referral_id")
    ]
    assert event["data"]["about"]["earlier_referral_id"] == first["id"]
    # Another matter, and the same number at another court, are not warned of.
    other = refer(first_court, "C", "31-1906")
    assert other["earlier_referral_id"] is None
    assert refer(second_court, "A", "31-1905")["earlier_referral_id"] is None
    assert refer(first_court, "D", "31/1905")["earlier_referral_id"] == second["id"]

    def amended(sent: Json, number: str) -> Json:
        path = f"/v1/referrals/{sent['id']}"
        tag = first_court.get(path).headers["etag"]
        return dict(first_court.patch(path, {"case_number": number}, if_match=tag).expect(200))

    # A corrected number is compared again, for the referral itself and for those that came after it.
    assert amended(other, "31 01905")["earlier_referral_id"] == second["id"]
    last = first_court.get("/v1/referrals?external_id=D").expect(200)["items"][0]
    assert last["earlier_referral_id"] == other["id"]
    assert amended(first, "32-1")["earlier_referral_id"] is None
    assert first_court.get(f"/v1/referrals/{second['id']}").expect(200)["earlier_referral_id"] is None
