"""Several people act at once, each on their own connection, released by a barrier."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial

from sqlalchemy import text

from tests.installation import Answer, House, Json, Person, outside, straight_to
from tests.story import EARLIER, Dispute, request

EQUAL_REQUESTS = 20
CASES_TO_REGISTER = 24


def at_once(acts: list[Callable[[], Answer]]) -> list[Answer]:
    """The answers to acts that all begin at the same moment."""
    barrier = threading.Barrier(len(acts))

    def released(act: Callable[[], Answer]) -> Answer:
        barrier.wait()
        return act()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(released, acts))


def statuses(answers: list[Answer]) -> dict[int, int]:
    """The number of answers with each status."""
    return dict(Counter(answer.status for answer in answers))


def test_equal_requests_with_the_same_key_make_one_case(served: House) -> None:
    dispute = Dispute(served)
    body = request()
    with outside(served, *[dispute.requesting] * EQUAL_REQUESTS) as people:
        answers = at_once([partial(person.post, "/v1/cases", body, idempotency_key="same") for person in people])
    made = [answer for answer in answers if answer.status == 201]
    assert set(statuses(answers)) <= {201, 409}
    assert all(
        answer.code == "key-in-progress" and answer.headers["retry-after"] for answer in answers if answer.status == 409
    )
    assert len({answer.json["id"] for answer in made}) == 1
    assert len(dispute.requesting.get("/v1/cases").expect(200)["items"]) == 1


def test_of_concurrent_changes_to_the_same_version_one_wins(served: House) -> None:
    dispute = Dispute(served)
    dispute.opened()
    tag = dispute.requesting.get(dispute.path).headers["etag"]
    with outside(served, *[dispute.requesting] * EQUAL_REQUESTS) as people:
        answers = at_once(
            [
                partial(person.patch, dispute.path, {"title": f"Title {number}"}, if_match=tag)
                for number, person in enumerate(people)
            ]
        )
    assert statuses(answers) == {200: 1, 412: EQUAL_REQUESTS - 1}
    (winner,) = [answer for answer in answers if answer.status == 200]
    assert dispute.read()["title"] == winner.json["title"]


def test_concurrent_registrations_get_references_without_gap_or_repeat(served: House) -> None:
    dispute = Dispute(served)
    paths = []
    for _case in range(CASES_TO_REGISTER):
        dispute.consented()
        dispute.step(dispute.registrar, "screen").expect(200)
        paths.append(f"{dispute.path}/steps/register")
    with outside(served, *[served.registrar] * CASES_TO_REGISTER) as people:
        answers = at_once([partial(person.post, path, {}) for person, path in zip(people, paths, strict=True)])
    assert statuses(answers) == {200: CASES_TO_REGISTER}
    references = sorted(answer.json["reference"] for answer in answers)
    assert references == [f"2026-{number:04d}" for number in range(1, CASES_TO_REGISTER + 1)]


def test_twenty_concurrent_submissions_of_a_draft_make_one_filing_and_one_receipt(served: House) -> None:
    dispute = Dispute(served)
    dispute.mediating()
    body = {"kind": "statement", "title": "Memorial", "text": "As set out.", "audience": "participants"}
    draft = dispute.requesting.post(f"{dispute.path}/filings", body).expect(201)
    path = f"{dispute.path}/filings/{draft['id']}"
    with outside(served, *[dispute.requesting] * EQUAL_REQUESTS) as people:
        answers = at_once([partial(person.post, f"{path}/submit") for person in people])
    assert statuses(answers) == {200: 1, 409: EQUAL_REQUESTS - 1}
    assert {answer.code for answer in answers if answer.status == 409} == {"filing-state"}
    listed = dispute.responding.get(f"{dispute.path}/filings").expect(200)["items"]
    assert [(item["id"], item["docket_number"]) for item in listed] == [(draft["id"], 1)]
    submitted = dispute.events(kind="filing-submitted")
    assert [event["payload"]["filing_id"] for event in submitted] == [draft["id"]]
    receipt = dispute.responding.get(f"{path}/receipt").expect(200)["body"]
    assert (receipt["filing"]["id"], receipt["received_at"]) == (draft["id"], listed[0]["received_at"])
    engine = straight_to(served.settings)
    with engine.connect() as db:
        assert db.execute(text("SELECT count(*) FROM certificates")).scalar_one() == 1
    engine.dispose()


def test_two_concurrent_last_signatures_settle_the_case_once(served: House) -> None:
    dispute = Dispute(served)
    frozen = dispute.frozen()
    with outside(served, dispute.requesting, dispute.responding) as (requesting, responding):
        answers = at_once(
            [
                lambda: dispute.sign(requesting, "requesting", frozen),
                lambda: dispute.sign(responding, "responding", frozen),
            ]
        )
    assert statuses(answers) == {201: 2}
    assert sorted(len(answer.json["remaining"]) for answer in answers) == [0, 1]
    assert dispute.read()["outcome"] == "settled"
    events = dispute.events()
    assert [event["payload"]["to"] for event in events if event["act"] == "sign" and event["type"] == "step-taken"] == [
        "settling",
        "closed",
    ]


def test_of_two_concurrent_endings_one_wins(served: House) -> None:
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


def test_concurrent_invitations_of_one_address_make_one_account(served: House) -> None:
    account = {"name": "Dana Ruiz", "role": "user"}
    spellings = ["Dana.Ruiz@Example.org", "dana.ruiz@example.org", "DANA.RUIZ@EXAMPLE.ORG ", " dana.ruiz@Example.org"]
    with outside(served, *[served.admin] * len(spellings)) as people:
        answers = at_once(
            [
                partial(person.post, "/v1/users", {**account, "email": email})
                for person, email in zip(people, spellings, strict=True)
            ]
        )
    assert statuses(answers) == {201: 1, 409: 3}


WHY = {"reason": "As the rules allow."}


def test_twenty_concurrent_steps_each_see_the_case_as_the_previous_step_left_it(served: House) -> None:
    dispute = Dispute(served)
    dispute.mediating()
    no_prospect = {**WHY, "fields": {"ground": "no-prospect-of-settlement"}}
    agreed = {"fields": {"ground": "agreement-of-the-parties"}}
    session, draft = dispute.session(**EARLIER), dispute.draft()
    held = {"attendance": [{"name": "Mina Datar", "capacity": "mediator"}]}
    (appointment,) = dispute.appointments()
    steps, mine = f"{dispute.path}/steps", f"/v1/appointments/{appointment['id']}"
    requesting, responding, registrar, mediator = (
        dispute.requesting,
        dispute.responding,
        dispute.registrar,
        dispute.mediator,
    )
    acts: list[tuple[Person, str, Json]] = [
        (requesting, f"{steps}/withdraw", WHY),
        (responding, f"{steps}/withdraw", WHY),
        (mediator, f"{steps}/terminate", no_prospect),
        (registrar, f"{steps}/terminate", no_prospect),
        (requesting, f"{steps}/terminate", agreed),
        (responding, f"{steps}/terminate", agreed),
        (mediator, f"{mine}/resign", WHY),
        (registrar, f"{mine}/replace", WHY),
        (mediator, f"{dispute.path}/sessions/{session['id']}/hold", held),
        (mediator, f"{dispute.path}/sessions/{session['id']}/cancel", WHY),
        (mediator, f"{dispute.path}/settlement/drafts/{draft['id']}/freeze", {"sha256": draft["sha256"]}),
        (requesting, f"{dispute.path}/appointments", {"mediator_id": dispute.mediator_id}),
        (responding, f"{steps}/decline-invitation", WHY),
        (registrar, f"{steps}/screen", {}),
        (registrar, f"{steps}/register", {}),
        (registrar, f"{steps}/declare-inadmissible", WHY),
        (registrar, f"{steps}/invite", {}),
        (registrar, f"{steps}/lapse", WHY),
        (registrar, f"{steps}/confirm-mediator", {}),
        (requesting, f"{steps}/sign", {}),
    ]
    assert len(acts) == EQUAL_REQUESTS
    with outside(served, *(person for person, _path, _body in acts)) as people:
        answers = at_once(
            [partial(sender.post, path, body) for sender, (_person, path, body) in zip(people, acts, strict=True)]
        )
    # A mediator who resigned or was replaced finds nothing any more.
    assert set(statuses(answers)) <= {200, 201, 204, 403, 404, 409}
    case = dispute.read()
    taken = [event["payload"] for event in dispute.events(kind="step-taken")]
    assert [event["from"] for event in taken[1:]] == [event["to"] for event in taken[:-1]]
    assert taken[-1]["to"] == case["stage"] == "closed"
    assert [event["to"] for event in taken].count("closed") == 1
    assert len([event for event in taken if event["step"] in ("resign", "replace-mediator")]) <= 1
    held_or_cancelled = [event for event in dispute.events() if event["type"] in ("session-held", "session-cancelled")]
    assert len(held_or_cancelled) == 1


@contextmanager
def holding_the_lock(house: House, case_id: str) -> Iterator[Callable[[int], None]]:
    """Keep every act on the case waiting; gives a function that waits until so many acts wait."""
    engine = straight_to(house.settings)
    blocked = "wait_event_type = 'Lock' AND datname = current_database()"
    waiting = text(f"SELECT count(*) FROM pg_stat_activity WHERE {blocked}")
    with engine.connect() as connection, engine.connect() as watch:
        if house.database.is_sqlite:
            connection.connection.driver_connection.isolation_level = None  # type: ignore[union-attr]
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            connection.execute(text("SELECT id FROM cases WHERE id = :id FOR UPDATE"), {"id": case_id})

        def until(number: int) -> None:
            if house.database.is_sqlite:
                time.sleep(0.5)
                return
            for _attempt in range(500):
                if watch.execute(waiting).scalar_one() >= number:
                    return
                watch.rollback()
                time.sleep(0.02)
            raise AssertionError(f"{number} acts did not come to wait")

        yield until
        connection.rollback()
    engine.dispose()


def test_a_write_that_waits_while_its_authors_access_ends_is_refused(served: House) -> None:
    dispute = Dispute(served)
    dispute.mediating()
    second = served.person("Second Agent")
    path = dispute.representatives()
    ending = f"{path}/{dispute.admit(dispute.requesting, second, dispute.party('requesting'))['id']}/end"
    body = {"kind": "notice", "title": "x", "text": "x", "audience": "participants"}
    with outside(served, dispute.requesting, second) as (first, other), ThreadPoolExecutor(2) as pool:
        with holding_the_lock(served, dispute.case["id"]) as until:
            ended = pool.submit(first.post, ending)
            until(1)
            filed = pool.submit(other.post, f"{dispute.path}/filings", body)
            until(2)
        ended.result(60).expect(200)
        filed.result(60).expect(404, "not-found")
    assert dispute.requesting.get(f"{dispute.path}/filings").expect(200)["items"] == []


def test_a_disabled_user_is_refused_from_the_next_request_on(served: House) -> None:
    dispute = Dispute(served)
    dispute.mediating()
    answers: list[tuple[float, int]] = []
    stop = threading.Event()

    def loop(person: Person) -> None:
        while not stop.is_set():
            began = time.monotonic()
            answers.append((began, person.get(dispute.path).status))

    with outside(served, dispute.mediator, served.admin) as (mediator, admin), ThreadPoolExecutor(1) as pool:
        looping = pool.submit(loop, mediator)
        while len(answers) < 5:
            time.sleep(0.01)
        admin.post(f"/v1/users/{mediator.id}/disable").expect(200)
        disabled, before = time.monotonic(), len(answers)
        while len(answers) < before + 5:
            time.sleep(0.01)
        stop.set()
        looping.result(60)
    assert {status for began, status in answers[:5]} == {200}
    assert {status for began, status in answers if began > disabled} == {401}


def test_equal_closures_that_are_entered_at_once_are_entered_once(served: House) -> None:
    closure = {"from_on": "2026-03-30", "until_on": "2026-04-02", "name": "The registry moves house"}
    with outside(served, *[served.registrar] * 6) as people:
        answers = at_once([partial(person.post, "/v1/closures", closure) for person in people])
    assert statuses(answers) == {201: 1, 409: 5}
    assert {answer.code for answer in answers if answer.status == 409} == {"closure-entered"}
