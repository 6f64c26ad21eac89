"""People, their accounts and tokens, members, the roster, and the representatives of a party."""

from typing import Any

import pytest

from tests.installation import House
from tests.story import CONSENT, POWERS, Dispute, request

LODGING = {"fields": {"consent": CONSENT, "powers": POWERS}}


def test_an_address_has_one_account_however_it_is_spelled(house: House) -> None:
    body = {"name": "Dana Ruiz", "role": "user"}
    made = house.admin.post("/v1/users", {**body, "email": "Dana.Ruiz@Example.org"}).expect(201)
    assert made["email"] == "Dana.Ruiz@Example.org"
    for same in ("dana.ruiz@example.org", "DANA.RUIZ@EXAMPLE.ORG", " Dana.Ruiz@Example.org "):
        house.admin.post("/v1/users", {**body, "email": same}).expect(409, "exists")
    house.admin.post("/v1/users", {**body, "email": "dana.ruız@example.org"}).expect(201)
    for bad in ("dana", "dana@", "@example.org", "da na@example.org", "<dana@example.org>", "d" * 320 + "@example.org"):
        house.admin.post("/v1/users", {**body, "email": bad}).expect(422)


def test_only_administrators_administer(house: House) -> None:
    person = house.person("Pat Erson")
    user = {"name": "x", "email": "x@example.org", "role": "user"}
    member = {"name": "x", "kind": "state", "status": "observer"}
    entry = {"user_id": person.id, "nationalities": ["KE"], "languages": ["en"]}
    for somebody in (person, house.registrar):
        somebody.post("/v1/users", user).expect(403)
        somebody.post("/v1/members", member).expect(403)
    for somebody in (person, house.admin):
        somebody.post("/v1/mediators", entry).expect(403)
    person.get("/v1/users").expect(403)
    person.get(f"/v1/users/{house.admin.id}").expect(404)
    person.get(f"/v1/users/{person.id}").expect(200)
    assert len(house.registrar.get("/v1/users").expect(200)["items"]) == 3


def test_a_token_belongs_to_its_owner_and_has_a_bounded_lifetime(house: House) -> None:
    owner, other = house.person("One Person"), house.person("Other Person")
    (token,) = owner.get("/v1/tokens").expect(200)["items"]
    for somebody in (owner, house.registrar, house.admin):
        somebody.post("/v1/tokens", {"user_id": other.id, "label": "x"}).expect(403, "forbidden")
    made = owner.post("/v1/tokens", {"user_id": owner.id, "label": "second"}).expect(201)
    owner.post(f"/v1/tokens/{made['id']}/revoke").expect(200)
    other.get(f"/v1/tokens/{token['id']}").expect(404)
    other.post(f"/v1/tokens/{token['id']}/revoke").expect(404)
    for bad in ("2026-03-02T08:59:59Z", "2027-05-01T00:00:00Z", "tomorrow", "2026-05-01", "2026-05-01T00:00:00"):
        owner.post("/v1/tokens", {"label": "x", "expires_at": bad}).expect(422)
    house.admin.post(f"/v1/tokens/{token['id']}/revoke").expect(200)
    owner.get("/v1/me").expect(401)


MEMBERS: list[tuple[dict[str, Any], int]] = [
    ({"status": "contracting", "in_force_on": "2025-08-29"}, 201),
    ({"status": "contracting"}, 422),
    ({"status": "signatory", "in_force_on": "2025-08-29"}, 422),
    ({"status": "observer", "declarations": [{"subjects": ["witchcraft"]}]}, 422),
    ({"status": "observer", "declarations": [{"subjects": []}]}, 422),
    ({"status": "observer", "founding": "yes"}, 422),
    ({"status": "observer", "signed_on": "30 May 2025"}, 422),
    ({"status": "observer", "signed_on": 20250530}, 422),
]


@pytest.mark.parametrize(("fields", "status"), MEMBERS)
def test_a_member_is_entered_with_what_the_register_requires(house: House, fields: dict[str, Any], status: int) -> None:
    body = {"name": "Republic of Ostrava", "kind": "state", **fields}
    made = house.admin.post("/v1/members", body).expect(status)
    if status == 201:
        assert house.person("Any Body").get(f"/v1/members/{made['id']}").expect(200) == made
        house.admin.post("/v1/members", body).expect(409, "exists")


def test_the_institutions_staff_open_no_case_and_represent_no_party(house: House, dispute: Dispute) -> None:
    for person in (house.admin, house.registrar):
        person.post("/v1/cases", request()).expect(403)
        entry = {"user_id": person.id, "nationalities": ["KE"], "languages": ["en"]}
        house.registrar.post("/v1/mediators", entry).expect(422)
    dispute.opened()
    dispute.step(dispute.requesting, "lodge", LODGING).expect(200)
    path = dispute.representatives("responding")
    for person in (house.admin, house.registrar):
        house.registrar.post(path, {"user_id": person.id, "role": "agent", "powers": POWERS}).expect(422)


def test_the_registry_admits_the_first_agent_and_the_agent_admits_the_others(house: House, dispute: Dispute) -> None:
    dispute.opened()
    dispute.step(dispute.requesting, "lodge", LODGING).expect(200)
    path = dispute.representatives("responding")
    agent = {"user_id": dispute.responding.id, "role": "agent", "powers": POWERS}
    dispute.requesting.post(path, agent).expect(403)
    dispute.registrar.post(path, {**agent, "role": "counsel"}).expect(422)
    dispute.registrar.post(path, {**agent, "user_id": dispute.requesting.id}).expect(409, "already-in-case")
    dispute.registrar.post(path, agent).expect(201)
    dispute.step(dispute.registrar, "invite", {}).expect(200)
    counsel = house.person("Cora Unsel")
    added = {"user_id": counsel.id, "role": "counsel", "powers": {**POWERS, "kind": "mandate"}}
    dispute.registrar.post(path, added).expect(403)
    dispute.requesting.post(path, added).expect(403)
    dispute.responding.post(path, added).expect(201)
    counsel.get(dispute.path).expect(200)
    names = [item["name"] for item in dispute.requesting.get(path).expect(200)["items"]]
    assert sorted(names) == ["Cora Unsel", "Viktor Drian"]


def test_a_representative_cannot_mediate_in_the_same_case(house: House, dispute: Dispute) -> None:
    dispute.registered()
    entry_in = {"user_id": dispute.requesting.id, "nationalities": ["KE"], "languages": ["en"]}
    entry = house.registrar.post("/v1/mediators", entry_in).expect(201)
    path = f"{dispute.path}/appointments"
    dispute.responding.post(path, {"mediator_id": entry["id"]}).expect(409, "already-in-case")
    dispute.responding.post(path, {"mediator_id": entry["user_id"]}).expect(422)
    dispute.responding.post(path, {"mediator_id": dispute.mediator_id}).expect(201)
    dispute.requesting.post(path, {"mediator_id": dispute.mediator_id}).expect(409, "already-in-case")


def test_an_administrator_changes_a_members_entry_with_the_current_version(house: House) -> None:
    path = f"/v1/members/{house.member('Republic of Ostrava', status='signatory', in_force_on=None)}"
    tag = house.admin.get(path).headers["etag"]
    bound = {"status": "contracting", "in_force_on": "2026-02-01"}
    house.admin.patch(path, bound).expect(428)
    house.registrar.patch(path, bound, if_match=tag).expect(403)
    house.admin.patch(path, {"status": "contracting"}, if_match=tag).expect(422)
    house.admin.patch(path, {"kind": "organisation"}, if_match=tag).expect(422)
    changed = house.admin.patch(path, bound, if_match=tag).expect(200)
    assert (changed["status"], changed["in_force_on"], changed["kind"]) == ("contracting", "2026-02-01", "state")
    house.admin.patch(path, {"founding": True}, if_match=tag).expect(412)
    house.member("Kingdom of Vedria")
    tag = house.admin.get(path).headers["etag"]
    house.admin.patch(path, {"name": "Kingdom of Vedria"}, if_match=tag).expect(409, "exists")


def test_entry_into_force_recorded_as_the_cure_says_lets_the_screening_pass(house: House, dispute: Dispute) -> None:
    dispute.members[0] = house.member("Ostrava unbound", status="signatory", in_force_on=None)
    dispute.consented()
    (reason,) = dispute.step(dispute.registrar, "screen").expect(409)["reasons"]
    assert "PATCH /v1/members/{id}" in reason["cure"]
    path = f"/v1/members/{dispute.members[0]}"
    bound = {"status": "contracting", "in_force_on": "2026-02-01"}
    house.admin.patch(path, bound, if_match=house.admin.get(path).headers["etag"]).expect(200)
    dispute.step(dispute.registrar, "screen").expect(200)
