"""Who admitted whom is shown; those whom an ended agent admitted end too, or bind nobody until there is an agent."""

from dataclasses import dataclass

import pytest

from tests.installation import House, Json, Person
from tests.own_rules import OwnTerm
from tests.story import GIVES, POWERS, Dispute

NO_AGENT = "no-agent"


@dataclass
class Side:
    """The responding side: its agent, and a counsel and a co-agent whom the agent admitted, by their items."""

    dispute: Dispute
    counsel: Person
    deputy: Person
    agent_item: Json
    counsel_item: Json
    deputy_item: Json

    @property
    def path(self) -> str:
        """The path of the representatives."""
        return self.dispute.representatives("responding")

    def end(self, by: Person, item: Json, *also: Json) -> Json:
        """End a representative, with some of those whom that person admitted."""
        body = {"reason": "Recalled.", "also": [each["id"] for each in also]}
        return dict(by.post(f"{self.path}/{item['id']}/end", body).expect(200))

    def waits(self) -> list[tuple[str, str]]:
        """For whom the case waits on behalf of the responding party."""
        entries = self.dispute.read()["waiting_for"]
        party_id = self.dispute.party("responding")
        return [(each["capacity"], each["for"]) for each in entries if each["party_id"] == party_id]


def beside(dispute: Dispute) -> Side:
    """The responding side with a counsel and a co-agent."""
    counsel, deputy = dispute.house.person("Cora Unsel"), dispute.house.person("Dee Puty")
    counsel_item = dispute.admit(dispute.responding, counsel, dispute.party("responding"), "counsel")
    deputy_item = dispute.admit(dispute.responding, deputy, dispute.party("responding"), "co-agent")
    listed = dispute.responding.get(dispute.representatives("responding")).expect(200)["items"]
    (agent_item,) = [item for item in listed if item["user_id"] == dispute.responding.id]
    return Side(dispute, counsel, deputy, agent_item, counsel_item, deputy_item)


def test_who_admitted_whom_is_shown(dispute: Dispute) -> None:
    dispute.invited()
    side = beside(dispute)
    listed = dispute.requesting.get(side.path).expect(200)["items"]
    assert {item["user_id"]: (item["admitted_by"], set(item["admitted"])) for item in listed} == {
        dispute.responding.id: (dispute.registrar.id, {side.counsel_item["id"], side.deputy_item["id"]}),
        side.counsel.id: (dispute.responding.id, set()),
        side.deputy.id: (dispute.responding.id, set()),
    }
    (filer,) = dispute.requesting.get(dispute.representatives()).expect(200)["items"]
    assert (filer["admitted_by"], filer["admitted"]) == (None, [])


def test_those_whom_an_ended_agent_admitted_end_in_the_same_act(house: House, dispute: Dispute) -> None:
    dispute.mediating()
    side = beside(dispute)
    second = house.person("Second Agent")
    agent = dispute.admit(dispute.responding, second, dispute.party("responding"))
    aide = house.person("Aide Camp")
    aided = dispute.admit(second, aide, dispute.party("responding"), "counsel")
    own = dispute.requesting.get(dispute.representatives()).expect(200)["items"][0]
    for wrong in (own, side.agent_item, aided):
        body = {"also": [side.counsel_item["id"], wrong["id"]]}
        path = f"{side.path}/{side.agent_item['id']}/end"
        refused = dispute.registrar.post(path, body).expect(422, "invalid")
        assert [(fault["pointer"], fault["code"]) for fault in refused["errors"]] == [("/also/1", "not-admitted")]
    ended = side.end(dispute.registrar, side.agent_item, aided, side.counsel_item, agent)
    assert ended["admitted"] == [side.deputy_item["id"]]
    for person in (dispute.responding, side.counsel, second, aide):
        person.get(dispute.path).expect(404)
    side.deputy.get(dispute.path).expect(200)
    gone = [event["payload"]["representative_id"] for event in dispute.events(kind="representative-ended")]
    assert sorted(gone) == sorted(item["id"] for item in (side.agent_item, side.counsel_item, agent, aided))
    assert len(dispute.events(side.deputy, "powers-ended")) == 4


def test_a_party_without_an_agent_does_not_accept_and_the_registry_is_to_admit_one(
    house: House, dispute: Dispute
) -> None:
    dispute.invited()
    side = beside(dispute)
    side.end(dispute.registrar, side.agent_item)
    for person in (side.counsel, side.deputy):
        refused = dispute.step(person, "accept-invitation", GIVES).expect(409, NO_AGENT)
        assert [(reason["code"], bool(reason["cure"])) for reason in refused["reasons"]] == [(NO_AGENT, True)]
        steps = person.get(f"{dispute.path}/steps").expect(200)["items"]
        assert not any(step["available"] for step in steps)
        codes = [reason["code"] for step in steps for reason in step["reasons"] if step["step"] == "accept-invitation"]
        assert NO_AGENT in codes
    assert side.waits() == [("registry", "accept-invitation")]
    assert side.counsel.get("/v1/me/desk").expect(200)["waiting"] == []
    dispute.admit(dispute.registrar, house.person("Nova Gent"), dispute.party("responding"))
    assert side.waits() == [("responding-party", "accept-invitation")]
    dispute.step(side.counsel, "accept-invitation", GIVES).expect(200)


@pytest.mark.parametrize("ended_by", ["registry", "account"])
def test_a_party_without_an_agent_neither_signs_nor_withdraws(house: House, dispute: Dispute, ended_by: str) -> None:
    text = dispute.frozen()
    side = beside(dispute)
    assert side.waits() == [("responding-party", "sign")]
    if ended_by == "registry":
        side.end(dispute.registrar, side.agent_item)
    else:
        house.admin.post(f"/v1/users/{dispute.responding.id}/disable").expect(200)
    dispute.sign(side.counsel, "responding", text, "plenipotentiary").expect(409, NO_AGENT)
    dispute.sign(side.deputy, "responding", text, "co-agent").expect(409, NO_AGENT)
    for person in (side.counsel, side.deputy):
        dispute.step(person, "withdraw", {"reason": "We leave."}).expect(409, NO_AGENT)
    assert dispute.read()["stage"] == "settling"
    assert side.waits() == [("registry", "sign")]
    dispute.filing(side.counsel, "participants")


def test_the_registry_is_to_admit_an_agent_also_where_the_case_does_not_wait_for_the_party(dispute: Dispute) -> None:
    dispute.mediating()
    side = beside(dispute)
    assert side.waits() == []
    side.end(dispute.responding, side.counsel_item)
    side.end(dispute.registrar, side.agent_item, side.deputy_item)
    assert side.waits() == [("registry", "admit-representative")]
    (waiting,) = dispute.registrar.get("/v1/me/desk").expect(200)["waiting"]
    assert (waiting["step"], waiting["party_id"]) == ("admit-representative", dispute.party("responding"))
    (listed,) = dispute.registrar.get("/v1/cases?waiting_for=registry").expect(200)["items"]
    assert listed["id"] == dispute.case["id"]
    dispute.admit(dispute.registrar, dispute.house.person("Nova Gent"), dispute.party("responding"))
    assert side.waits() == []


def test_counsel_changes_no_term_of_a_party_without_an_agent(dispute: Dispute, ours: OwnTerm) -> None:
    by_both = '["requesting-party", "responding-party"]'
    dispute.invited(**ours(period='"30 days"', extend_by=by_both, waive_by=by_both, suspend_by=by_both))
    side = beside(dispute)
    side.end(dispute.registrar, side.agent_item)
    (term,) = [each for each in dispute.deadlines() if each["term"] == "reply"]
    path = f"{dispute.path}/deadlines/{term['id']}"
    acts = {"extend": {"until_on": "2026-04-15", "reason": "x"}, "waive": {"reason": "x"}, "suspend": {"reason": "x"}}
    for act, body in acts.items():
        for person in (side.counsel, side.deputy):
            person.post(f"{path}/{act}", body).expect(409, NO_AGENT)
    dispute.requesting.post(f"{path}/suspend", acts["suspend"]).expect(200)
    side.counsel.post(f"{path}/resume").expect(409, NO_AGENT)
    dispute.admit(dispute.registrar, dispute.house.person("Nova Gent"), dispute.party("responding"))
    side.counsel.post(f"{path}/resume").expect(200)


def test_counsel_accepts_no_candidate_for_a_party_without_an_agent(dispute: Dispute) -> None:
    path = f"/v1/appointments/{dispute.nominated()['id']}"
    side = beside(dispute)
    dispute.mediator.post(f"{path}/declare", {"independent": True}).expect(200)
    side.end(dispute.registrar, side.agent_item)
    side.counsel.post(f"{path}/accept").expect(409, NO_AGENT)
    paper = {"on_behalf_of": dispute.party("responding"), "received_via": "courier"}
    dispute.registrar.post(f"{path}/accept", paper).expect(200)


def test_only_agents_and_the_registry_end_those_whom_somebody_admitted(house: House, dispute: Dispute) -> None:
    dispute.mediating()
    side = beside(dispute)
    second = house.person("Second Agent")
    dispute.admit(dispute.responding, second, dispute.party("responding"))
    side.end(second, side.agent_item)
    again = dispute.admit(second, dispute.responding, dispute.party("responding"), "counsel", POWERS)
    body = {"also": [side.counsel_item["id"]]}
    dispute.responding.post(f"{side.path}/{again['id']}/end", body).expect(403, "not-your-capacity")
    dispute.responding.post(f"{side.path}/{again['id']}/end").expect(204)
