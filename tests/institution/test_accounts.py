"""Accounts are activated by their holders alone; they are corrected, and come back; staff need a second person."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import select

from app.core.access.session import GatedSession
from app.core.ledger import service as ledger
from app.core.ledger.acts import OPERATOR
from app.core.tables.people import User
from app.institution.people.activations import print_link
from app.institution.people.schemas import TokenIn
from app.institution.people.tokens import issue_as_operator
from tests.installation import Answer, House, Json, Person
from tests.story import MANDATE, Dispute

SENDING = {"smtp_host": "127.0.0.1", "mail_from": "no-reply@example.org", "public_url": "https://registry.example.org"}


def enter(house: House, name: str, role: str = "user") -> Json:
    """An account that the administrator enters, whose holder has no token yet."""
    email = f"{name.lower().replace(' ', '.')}@example.org"
    return dict(house.admin.post("/v1/users", {"name": name, "email": email, "role": role}).expect(201))


def printed(house: House, email: str) -> str:
    """The secret of a link that the operator prints."""

    def write(db: GatedSession) -> str:
        user_id = db.execute(select(User.id).where(User.email == email)).scalar_one()
        secret = print_link(db, house.clock.now, user_id, OPERATOR)
        ledger.seal(db)
        return secret

    return house.database.in_transaction(write, house.app.state.seams.entropy(house.next_request_id()))


def use(house: House, secret: str, **more: Any) -> Answer:
    """Use a link up."""
    return Answer(house.client.post("/v1/activations", json={"secret": secret, **more}))


def feed(person: Person, *types: str) -> list[Json]:
    """The events of some types in a person's feed."""
    events = person.get("/v1/events?limit=200").expect(200)["items"]
    return [event for event in events if event["type"] in types]


def changed(house: House, person: Json, by: Person, **change: str) -> Answer:
    """A correction of an account."""
    path = f"/v1/users/{person['id']}"
    return by.patch(path, change, if_match=by.get(path).headers["etag"])


@pytest.fixture
def sends_mail(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the house send mail."""
    monkeypatch.setattr(house.database, "settings", house.settings.model_copy(update=SENDING))


def test_a_link_gives_its_holder_one_token_once(house: House) -> None:
    account = enter(house, "Hol Der")
    secret = printed(house, account["email"])
    made = use(house, secret, label="laptop").expect(200)
    assert (made["user_id"], made["label"]) == (account["id"], "laptop")
    holder = house.person_with_token("Hol Der", account["id"], made["token"])
    assert holder.get("/v1/me").expect(200)["id"] == account["id"]
    own = feed(holder, "link-issued", "account-activated")
    assert [(event["type"], event["data"]["audience"], event["data"]["actor"]["capacity"]) for event in own] == [
        ("link-issued", "person", "operator"),
        ("account-activated", "person", "user"),
    ]
    assert own[1]["data"]["about"] == {"user_id": account["id"], "token_id": made["id"]}
    assert len(feed(house.registrar, "link-issued", "account-activated")) == 2
    use(house, secret).expect(422, "invalid")


def test_unknown_used_replaced_and_late_links_answer_the_same(house: House) -> None:
    account, ended = enter(house, "Hol Der"), enter(house, "En Ded")
    secrets = {"unknown": "accord_link." + "A" * 43}
    secrets["used"] = printed(house, account["email"])
    use(house, secrets["used"]).expect(200)
    secrets["replaced"] = printed(house, account["email"])
    secrets["late"] = printed(house, account["email"])
    secrets["of a disabled account"] = printed(house, ended["email"])
    house.admin.post(f"/v1/users/{ended['id']}/disable").expect(200)
    house.clock.pass_by(hours=72)
    answers = [use(house, secret).expect(422, "invalid") for secret in secrets.values()]
    assert len(answers) == 5
    assert all(answer["errors"] == answers[0]["errors"] for answer in answers)
    assert answers[0]["errors"][0]["code"] == "link-not-valid"


def test_a_link_is_valid_for_72_hours(house: House) -> None:
    account = enter(house, "Hol Der")
    secret = printed(house, account["email"])
    house.clock.pass_by(hours=71, minutes=59)
    use(house, secret).expect(200)


def test_two_who_use_a_link_at_once_get_one_token(house: House) -> None:
    secret = printed(house, enter(house, "Hol Der")["email"])
    with ThreadPoolExecutor(4) as pool:
        statuses = sorted(answer.status for answer in pool.map(lambda _number: use(house, secret), range(4)))
    assert statuses == [200, 422, 422, 422]


def test_an_activation_is_judged_like_every_body_and_needs_no_token(house: House) -> None:
    send = house.client.post
    for body in (b"{", b'{"secret": 1}', b'{"secret": "x", "token": "y"}', b"{}"):
        answer = Answer(send("/v1/activations", content=body, headers={"content-type": "application/json"}))
        answer.expect(422, "invalid")
    assert Answer(send("/v1/activations", content=b"{}", headers={"content-type": "text/xml"})).status == 415
    large = b'{"secret": "' + b"x" * 70_000 + b'"}'
    sent = send("/v1/activations", content=large, headers={"content-type": "application/json"})
    Answer(sent).expect(413, "too-large")
    account = enter(house, "Hol Der")
    answer = use(house, printed(house, account["email"]))
    answer.expect(200)
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.usefixtures("sends_mail")
def test_nobody_is_shown_a_link_that_is_mailed_to_the_holder(house: House) -> None:
    account = enter(house, "Hol Der")
    path = f"/v1/users/{account['id']}/link"
    house.person("Some Body").post(path).expect(404)
    for somebody in (house.admin, house.registrar):
        assert somebody.post(path).expect(200) == somebody.get(f"/v1/users/{account['id']}").expect(200)
    holder = house.holder("Hol Der", account["id"])
    assert [event["data"]["act"] for event in feed(holder, "link-issued")] == ["mail", "mail"]
    house.admin.post(f"/v1/users/{account['id']}/disable").expect(200)
    house.admin.post(path).expect(409, "not-active")


def test_without_a_mail_server_no_link_can_be_mailed(house: House) -> None:
    house.admin.post(f"/v1/users/{enter(house, 'Hol Der')['id']}/link").expect(409, "no-mail")


def test_the_operator_tells_the_holder_of_a_token_and_an_administrator_of_its_end(house: House) -> None:
    holder = house.person("Hol Der")

    def issue(db: GatedSession) -> None:
        user_id = db.execute(select(User.id).where(User.name == "Hol Der")).scalar_one()
        issue_as_operator(db, house.clock.now, TokenIn(label="x"), user_id)
        ledger.seal(db)

    house.database.in_transaction(issue, house.app.state.seams.entropy("operator"))
    (event,) = feed(holder, "token-issued")
    assert (event["data"]["audience"], event["data"]["actor"]["capacity"]) == ("person", "operator")
    token = event["data"]["about"]["token_id"]
    house.admin.post(f"/v1/tokens/{token}/revoke").expect(200)
    (event,) = feed(holder, "token-revoked")
    assert (event["data"]["about"]["token_id"], event["data"]["actor"]["id"]) == (token, house.admin.id)


def test_a_second_person_approves_new_administrators_and_registrars(house: House) -> None:
    proposed = enter(house, "Sue Cond", role="admin")
    assert (proposed["active"], proposed["awaits_approval"]) == (False, True)
    assert proposed["proposed_by_id"] == house.admin.id
    (event,) = feed(house.registrar, "user-proposed")
    assert event["data"]["about"] == {"user_id": proposed["id"]}
    approve = f"/v1/users/{proposed['id']}/approve"
    house.admin.post(approve).expect(403, "forbidden")
    assert house.registrar.post(approve).expect(200)["active"]
    second = house.holder("Sue Cond", proposed["id"])
    # Now there is another administrator, so it is no longer the registrar's to approve.
    registrar = enter(house, "Rae Gistra", role="registrar")
    approve = f"/v1/users/{registrar['id']}/approve"
    for somebody in (house.registrar, house.admin):
        somebody.post(approve).expect(403, "forbidden")
    approved = second.post(approve).expect(200)
    assert (approved["active"], approved["proposed_by_id"]) == (True, None)
    assert {event["data"]["about"]["user_id"] for event in feed(house.registrar, "user-approved")} == {
        proposed["id"],
        registrar["id"],
    }


def test_an_administrator_alone_on_the_staff_needs_no_second_person(house: House) -> None:
    proposed = enter(house, "Sue Cond", role="registrar")
    house.admin.post(f"/v1/users/{house.registrar.id}/disable").expect(200)
    house.admin.post(f"/v1/users/{proposed['id']}/approve").expect(200)
    house.admin.post(f"/v1/users/{proposed['id']}/disable").expect(200)
    assert enter(house, "Rae Gistra", role="registrar")["active"]


def test_a_corrected_address_keeps_the_account_and_its_cases(house: House, dispute: Dispute) -> None:
    dispute.mediating()
    agent = dispute.requesting
    before = agent.get("/v1/me").expect(200)
    account = house.admin.get(f"/v1/users/{agent.id}").expect(200)
    taken = changed(house, account, house.admin, email="VIKTOR.DRIAN@example.org")
    taken.expect(409, "exists")
    changed(house, account, house.admin, email="Olga.Strand@Example.org").expect(200)
    house.clock.pass_by(minutes=1)
    corrected = changed(house, account, house.admin, email="olga@example.org", name="Olga Strand-Berg").expect(200)
    assert (corrected["email"], corrected["name"]) == ("olga@example.org", "Olga Strand-Berg")
    after = agent.get("/v1/me").expect(200)
    assert after == {**before, "email": "olga@example.org", "name": "Olga Strand-Berg"}
    agent.get(dispute.path).expect(200)
    history = house.registrar.get(f"/v1/users/{agent.id}/corrections?count=true").expect(200)
    assert [(item["old_email"], item["new_email"]) for item in history["items"]] == [
        ("olga.strand@example.org", "Olga.Strand@Example.org"),
        ("Olga.Strand@Example.org", "olga@example.org"),
    ]
    assert history["items"][1]["corrected_by_id"] == house.admin.id
    assert agent.get(f"/v1/users/{agent.id}/corrections").expect(200)["items"] == history["items"]
    dispute.responding.get(f"/v1/users/{agent.id}/corrections").expect(404)
    for reader in (house.registrar, agent):
        events = feed(reader, "user-changed")
        assert [event["data"]["actor"]["id"] for event in events] == [house.admin.id] * 2
    # The address before the correction is free.
    house.admin.post("/v1/users", {"name": "Olga Strand", "email": "olga.strand@example.org", "role": "user"}).expect(
        201
    )


@pytest.mark.usefixtures("watched")
def test_what_was_signed_before_a_correction_keeps_the_name(house: House, dispute: Dispute) -> None:
    dispute.settled()
    path = f"{dispute.path}/settlement/certificates"
    path = f"{path}/{dispute.responding.get(path).expect(200)['items'][0]['id']}"
    before = dispute.responding.get(path).response.text
    assert "Olga Strand" in before
    account = house.admin.get(f"/v1/users/{dispute.requesting.id}").expect(200)
    changed(house, account, house.admin, name="Olga Berg").expect(200)
    assert dispute.responding.get(path).response.text == before
    assert dispute.requesting.get("/v1/me").expect(200)["name"] == "Olga Berg"


def test_a_correction_without_a_difference_leaves_no_trace(house: House) -> None:
    account = enter(house, "Hol Der")
    assert changed(house, account, house.admin, name="Hol Der", email="hol.der@example.org").expect(200) == account
    assert house.registrar.get(f"/v1/users/{account['id']}/corrections").expect(200)["items"] == []


@pytest.mark.usefixtures("sends_mail")
def test_an_administrator_who_corrects_the_address_of_a_person_in_a_case_cannot_send_a_link_there(
    house: House, dispute: Dispute
) -> None:
    dispute.mediating()
    account = house.admin.get(f"/v1/users/{dispute.mediator.id}").expect(200)
    secret = printed(house, account["email"])
    changed(house, account, house.admin, email="ada@attacker.example").expect(200)
    use(house, secret).expect(422)
    path = f"/v1/users/{account['id']}/link"
    house.admin.post(path).expect(403, "forbidden")
    house.registrar.post(path).expect(200)
    use(house, printed(house, "ada@attacker.example")).expect(200)
    house.admin.post(path).expect(200)


def test_an_administrator_who_corrects_the_address_of_an_invited_person_cannot_approve_them(
    house: House, dispute: Dispute
) -> None:
    dispute.registered()
    body = {"email": "cora.unsel@example.org", "role": "counsel", "powers": MANDATE}
    dispute.requesting.post(dispute.representatives(), body).expect(201)
    (waiting,) = house.admin.get("/v1/users?awaits_approval=true").expect(200)["items"]
    changed(house, waiting, house.admin, email="ada@attacker.example").expect(200)
    approve = f"/v1/users/{waiting['id']}/approve"
    house.admin.post(approve).expect(403, "forbidden")
    house.registrar.post(approve).expect(200)


@pytest.mark.usefixtures("sends_mail")
def test_an_account_comes_back_without_tokens_and_capacities(house: House, dispute: Dispute) -> None:
    dispute.mediating()
    agent = dispute.requesting
    path = f"/v1/users/{agent.id}"
    house.admin.post(f"{path}/enable").expect(409, "not-disabled")
    house.admin.post(f"{path}/disable").expect(200)
    house.registrar.post(f"{path}/enable").expect(403)
    enabled = house.admin.post(f"{path}/enable").expect(200)
    assert (enabled["active"], enabled["disabled_at"]) == (True, None)
    agent.get("/v1/me").expect(401)
    again = house.activated("Olga Strand", "olga.strand@example.org")
    assert again.get("/v1/me").expect(200)["capacities"] == []
    again.get(dispute.path).expect(404)
    assert [event["data"]["act"] for event in feed(again, "user-enabled", "link-issued")] == ["enable", "mail", "print"]


def test_a_registrar_comes_back_once_a_second_person_approves(house: House) -> None:
    other = house.person("Rae Gistra", role="registrar")
    house.admin.post(f"/v1/users/{other.id}/disable").expect(200)
    enabled = house.admin.post(f"/v1/users/{other.id}/enable").expect(200)
    assert (enabled["active"], enabled["awaits_approval"]) == (False, True)
    house.admin.post(f"/v1/users/{other.id}/approve").expect(403)
    assert house.registrar.post(f"/v1/users/{other.id}/approve").expect(200)["active"]


def test_the_address_of_a_disabled_account_can_be_used_again(house: House) -> None:
    first = house.person("Hol Der")
    house.admin.post(f"/v1/users/{first.id}/disable").expect(200)
    second = enter(house, "Hol Der")
    assert second["id"] != first.id
    house.admin.post(f"/v1/users/{first.id}/enable").expect(409, "exists")
    changed(house, {"id": first.id}, house.admin, email="hol.der.senior@example.org").expect(200)
    house.admin.post(f"/v1/users/{first.id}/enable").expect(200)
    assert house.activated("Hol Der", "hol.der.senior@example.org").id == first.id
    assert house.activated("Hol Der", "hol.der@example.org").id == second["id"]


def test_a_program_reads_referrals_of_one_court_only(house: House) -> None:
    body = {"name": "Sync", "scopes": ["referrals.read"]}
    refused = house.admin.post("/v1/clients", body).expect(422, "invalid")
    assert [(fault["pointer"], fault["code"]) for fault in refused["errors"]] == [("/court_id", "court-needed")]
    house.admin.post("/v1/clients", {**body, "scopes": ["events.read"]}).expect(201)
