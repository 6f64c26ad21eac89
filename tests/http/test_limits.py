"""Who sends too much is told to wait, and nobody else is."""

import pytest

from tests.conftest import Fresh
from tests.institution import House, Person
from tests.story import Dispute, request


def test_an_address_without_a_valid_token_is_told_to_wait_and_those_with_one_are_served(fresh: Fresh) -> None:
    with House.open(fresh().model_copy(update={"anonymous_per_minute": 5})) as house:
        member = house.person("Olga Strand")
        member.get("/v1/me").expect(200)
        nobody = Person("No Body", "", "accord_" + "A" * 43, house.client, house.number)
        for _attempt in range(5):
            nobody.get("/v1/me").expect(401)
        for path in ("/v1/me", "/v1/cases", "/v1/nowhere"):
            answer = nobody.get(path)
            answer.expect(429, "too-many-requests")
            assert 1 <= int(answer.headers["retry-after"]) <= 60
        huge = nobody.send("POST", "/v1/cases", content=b"x" * (1 << 20 | 1))
        huge.expect(429)
        member.get("/v1/me").expect(200)
        assert house.client.get("/livez").status_code == 200
        assert house.client.get("/readyz").status_code == 200


def test_a_token_that_was_good_once_is_limited_like_any_other_when_it_has_ended(fresh: Fresh) -> None:
    # Another number than above: apps of the same settings are shared by the tests, and so are their counts.
    with House.open(fresh().model_copy(update={"anonymous_per_minute": 7})) as house:
        person = house.person("Rea Voked")
        person.get("/v1/me").expect(200)
        house.admin.post(f"/v1/users/{person.id}/disable").expect(200)
        statuses = [person.get("/v1/me").status for _attempt in range(10)]
        assert statuses == [401] * 7 + [429] * 3
        house.admin.get("/v1/me").expect(200)


def test_a_person_who_writes_too_much_is_told_to_wait_and_may_read_on(fresh: Fresh) -> None:
    with House.open(fresh().model_copy(update={"writes_per_minute": 40})) as house:
        dispute = Dispute(house)
        dispute.opened()
        path = f"{dispute.path}/third-states"
        answers = [dispute.requesting.post(path, {"name": f"State {number}"}) for number in range(45)]
        refused = [answer for answer in answers if answer.status == 429]
        assert len(refused) == 6
        assert all(answer.headers["retry-after"] for answer in refused)
        listed = dispute.requesting.get(f"{path}?count=true").expect(200)
        assert listed["count"]["total"] == 39
        dispute.responding.post("/v1/cases", request()).expect(201)


@pytest.mark.parametrize("place", ["body", "precondition", "key", "there"])
def test_a_limit_of_writes_comes_after_the_form_and_before_what_is_named(fresh: Fresh, place: str) -> None:
    with House.open(fresh().model_copy(update={"writes_per_minute": 60})) as house:
        person = house.person("Stan Ranger")
        while person.post("/v1/cases", request()).status == 201:
            pass
        nowhere = "/v1/cases/00000000-0000-4000-8000-000000000000"
        match place:
            case "body":
                person.post("/v1/cases", {"nonsense": 1}).expect(422)
            case "precondition":
                person.patch(nowhere, {"title": "x"}).expect(428)
            case "key":
                person.post("/v1/cases", request(), idempotency_key="new").expect(429)
            case _:
                person.post(f"{nowhere}/steps/lodge").expect(429)
