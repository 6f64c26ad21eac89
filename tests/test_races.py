"""Several people at once, each on a connection of their own, released by a barrier."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial

import httpx
import pytest
import uvicorn

from tests.institution import Answer, House, Person
from tests.story import Dispute, request

EQUAL_REQUESTS = 20
CASES_TO_REGISTER = 64


@pytest.fixture
def served(house: House) -> Iterator[House]:
    """The house, served on a loopback port by a real server, as outside clients find it."""
    config = uvicorn.Config(house.app, host="127.0.0.1", port=0, log_level="error", lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        thread.join(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    house.base_url = f"http://127.0.0.1:{port}"
    yield house
    server.should_exit = True
    thread.join()


@contextmanager
def outside(house: House, *people: Person) -> Iterator[list[Person]]:
    """The same people, each with a connection of their own."""
    clients = [httpx.Client(base_url=house.base_url, timeout=60) for _person in people]
    try:
        yield [
            Person(person.name, person.id, person.token, client, house.number)
            for person, client in zip(people, clients, strict=True)
        ]
    finally:
        for client in clients:
            client.close()


def at_once(acts: list[Callable[[], Answer]]) -> list[Answer]:
    """The answers to acts that all begin at the same moment."""
    barrier = threading.Barrier(len(acts))

    def released(act: Callable[[], Answer]) -> Answer:
        barrier.wait()
        return act()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(released, acts))


def statuses(answers: list[Answer]) -> dict[int, int]:
    """How often each status was answered."""
    return dict(Counter(answer.status for answer in answers))


def test_equal_requests_with_one_key_make_one_case(served: House) -> None:
    dispute = Dispute(served)
    given = request()
    with outside(served, *[dispute.requesting] * EQUAL_REQUESTS) as people:
        answers = at_once([partial(one.post, "/v1/cases", given, idempotency_key="same") for one in people])
    made = [answer for answer in answers if answer.status == 201]
    assert set(statuses(answers)) <= {201, 409}
    assert all(
        answer.code == "key-in-progress" and answer.headers["retry-after"] for answer in answers if answer.status == 409
    )
    assert len({answer.json["id"] for answer in made}) == 1
    assert len(dispute.requesting.get("/v1/cases").expect(200)["items"]) == 1


def test_of_equal_changes_that_rest_on_one_version_one_wins(served: House) -> None:
    dispute = Dispute(served)
    dispute.opened()
    tag = dispute.requesting.get(dispute.path).headers["etag"]
    with outside(served, *[dispute.requesting] * EQUAL_REQUESTS) as people:
        answers = at_once(
            [
                partial(one.patch, dispute.path, {"title": f"Title {number}"}, if_match=tag)
                for number, one in enumerate(people)
            ]
        )
    assert statuses(answers) == {200: 1, 412: EQUAL_REQUESTS - 1}
    (winner,) = [answer for answer in answers if answer.status == 200]
    assert dispute.read()["title"] == winner.json["title"]


def test_registrations_at_once_get_references_without_gap_or_repeat(served: House) -> None:
    dispute = Dispute(served)
    paths = []
    for _case in range(CASES_TO_REGISTER):
        dispute.consented()
        dispute.step(dispute.registrar, "screen").expect(200)
        paths.append(f"{dispute.path}/steps/register")
    with outside(served, *[served.registrar] * CASES_TO_REGISTER) as people:
        answers = at_once([partial(one.post, path, {}) for one, path in zip(people, paths, strict=True)])
    assert statuses(answers) == {200: CASES_TO_REGISTER}
    references = sorted(answer.json["reference"] for answer in answers)
    assert references == [f"2026-{number:04d}" for number in range(1, CASES_TO_REGISTER + 1)]


def test_two_last_signatures_at_once_settle_once(served: House) -> None:
    dispute = Dispute(served)
    text = dispute.frozen()
    with outside(served, dispute.requesting, dispute.responding) as (requesting, responding):
        answers = at_once(
            [
                lambda: dispute.sign(requesting, "requesting", text),
                lambda: dispute.sign(responding, "responding", text),
            ]
        )
    assert statuses(answers) == {201: 2}
    assert sorted(len(answer.json["remaining"]) for answer in answers) == [0, 1]
    assert dispute.read()["outcome"] == "settled"
    events = dispute.requesting.get(f"{dispute.path}/events?limit=200").expect(200)["items"]
    assert [event["payload"]["to"] for event in events if event["act"] == "sign" and event["type"] == "step-taken"] == [
        "settling",
        "closed",
    ]


def test_one_of_two_different_ends_at_once_wins(served: House) -> None:
    dispute = Dispute(served)
    dispute.invited()
    with outside(served, dispute.requesting, dispute.responding) as (requesting, responding):
        answers = at_once(
            [
                lambda: dispute.step(requesting, "withdraw", {"reason": "We withdraw."}),
                lambda: dispute.step(responding, "decline-invitation", {"reason": "We decline."}),
            ]
        )
    assert statuses(answers) == {200: 1, 409: 1}
    (loser,) = [answer for answer in answers if answer.status == 409]
    assert loser.json["stage"] == "closed"


def test_people_invited_at_once_under_one_address_get_one_account(served: House) -> None:
    given = {"name": "Dana Ruiz", "role": "user"}
    spellings = ["Dana.Ruiz@Example.org", "dana.ruiz@example.org", "DANA.RUIZ@EXAMPLE.ORG ", " dana.ruiz@Example.org"]
    with outside(served, *[served.admin] * len(spellings)) as people:
        answers = at_once(
            [
                partial(one.post, "/v1/users", {**given, "email": email})
                for one, email in zip(people, spellings, strict=True)
            ]
        )
    assert statuses(answers) == {201: 1, 409: 3}
