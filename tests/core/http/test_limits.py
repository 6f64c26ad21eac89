"""Limits on requests: only the person or the address that sends too much is refused with 429."""

import json
import re
import time
from datetime import datetime
from typing import Any

import pytest
from pydantic import SecretStr

from app.core.access.authentication import valid_digests
from app.core.access.session import GatedSession
from app.core.db import Collision
from app.core.errors import Invalid, TooManyRequests
from app.core.http import limits, routing, valid_tokens
from app.core.http.limits import Limits
from app.core.ledger import service as ledger
from app.settings import Settings
from tests import courts
from tests.installation import House
from tests.registries import EmptyRegistry
from tests.request_bodies import REQUESTS
from tests.story import Dispute, request

GRANT = {"grant_type": "client_credentials"}


def test_an_address_without_a_valid_token_is_limited_and_requests_with_a_token_are_served(
    empty_registry: EmptyRegistry,
) -> None:
    with House.open(empty_registry().model_copy(update={"anonymous_per_minute": 5})) as house:
        member = house.person("Olga Strand")
        member.get("/v1/me").expect(200)
        nobody = house.person_with_token("No Body", "", "accord_" + "A" * 43)
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


def test_every_request_of_a_stranger_counts(empty_registry: EmptyRegistry) -> None:
    with House.open(empty_registry().model_copy(update={"anonymous_per_minute": 6})) as house:
        for path in (
            "/docs",
            "/v1/openapi.json",
            "/.well-known/oauth-authorization-server",
            "/v1/nowhere",
            "/v1/cases",
        ):
            assert house.client.get(path).status_code in (200, 401, 404)
        nobody = house.person_with_token("No Body", "", "accord_" + "A" * 43)
        nobody.get("/v1/nowhere").expect(404)
        nobody.get("/v1/nowhere").expect(429, "too-many-requests")
        assert house.client.get("/v1/openapi.json").status_code == 429


def test_guesses_of_the_metrics_token_are_limited_and_the_right_token_still_works(
    empty_registry: EmptyRegistry,
) -> None:
    with House.open(
        empty_registry().model_copy(update={"anonymous_per_minute": 8, "metrics_token": SecretStr("watch")})
    ) as house:

        def figures(token: str) -> int:
            return int(house.client.get("/metrics", headers={"authorization": f"Bearer {token}"}).status_code)

        assert figures("watch") == 200
        assert [figures(f"guess-{number}") for number in range(10)] == [404] * 8 + [429] * 2
        assert figures("watch") == 200


def test_a_flood_from_an_address_keeps_out_no_valid_token_or_secret_that_this_process_has_never_seen(
    empty_registry: EmptyRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A limit of its own, as above.
    with House.open(empty_registry().model_copy(update={"anonymous_per_minute": 13})) as house:
        looks: list[datetime] = []

        def counted(db: GatedSession, now: datetime, most: int) -> set[bytes]:
            looks.append(now)
            return valid_digests(db, now, most)

        monkeypatch.setattr(valid_tokens, "valid_digests", counted)
        member, leaver = house.person("Olga Strand"), house.person("Rea Voked")
        made = courts.client(house, None, ["events.read"])
        wrong = courts.basic_authorization(made["id"], "accord_secret." + "A" * 43)
        right = courts.basic_authorization(made["id"], made["client_secret"])
        nobody = house.person_with_token("No Body", "", "accord_" + "A" * 43)
        for _attempt in range(20):
            nobody.get("/v1/me")
            courts.request_token(house, GRANT, wrong)
        nobody.get("/v1/me").expect(429)
        courts.request_token(house, GRANT, wrong).expect(429)
        member.get("/v1/me").expect(200)
        courts.request_token(house, GRANT, right).expect(200)
        # What ended since the database was read is found out by the first request, and limited from then on.
        house.admin.post(f"/v1/users/{leaver.id}/disable").expect(200)
        leaver.get("/v1/me").expect(401)
        leaver.get("/v1/me").expect(429)
        # However many guesses there are, the database is read once in ten seconds.
        assert len(looks) == 1


def refused(counted: Limits, address: str) -> bool:
    """Whether the limit refuses the address."""
    try:
        counted.check_address(address, None)
    except TooManyRequests:
        return True
    return False


def test_addresses_within_one_customers_network_count_as_one() -> None:
    counted = Limits(Settings(anonymous_per_minute=5))
    for number in range(5):
        counted.count_address(f"2001:db8:1:2:{number}::1")
        counted.count_address("203.0.113.7")
    assert refused(counted, "2001:db8:1:2:ffff::1")
    assert refused(counted, "::ffff:203.0.113.7")
    assert not refused(counted, "2001:db8:1:3::1")
    assert not refused(counted, "203.0.113.8")


def test_a_flood_from_many_addresses_takes_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "_COUNTED", 100)
    counted = Limits(Settings(anonymous_per_minute=5))
    for number in range(5000):
        counted.count_address(f"10.{number >> 8}.{number & 255}.1")
        counted.count_address("203.0.113.7")
    assert len(counted._anonymous._times) == 100
    assert refused(counted, "203.0.113.7")


def test_a_wait_ends_after_a_minute_even_if_the_wall_clock_is_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    counted, began, wall = Limits(Settings(anonymous_per_minute=2)), time.monotonic(), time.time()
    for number in range(2):
        counted.count_address(f"2001:db8:1:2:{number}::1")
    assert refused(counted, "2001:db8:1:2::1")
    monkeypatch.setattr(time, "time", lambda: wall - 3600)
    monkeypatch.setattr(time, "monotonic", lambda: began + 61)
    assert not refused(counted, "2001:db8:1:2::1")


def test_every_body_is_parsed_in_linear_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unterminated escaped quotes once took an hour for a mebibyte, and blocked everybody."""
    for body in (b'"' + b'\\"' * 40_000, b'"\\' * 40_000, b'"' * 80_000, b'\\"' * 40_000):
        began = time.monotonic()
        with pytest.raises(Invalid):
            routing.parse(body)
        assert time.monotonic() - began < 2, body[:8]


def test_a_strangers_large_body_is_not_parsed(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    member = house.person("Olga Strand")

    def parsed(_raw: bytes) -> object:
        raise AssertionError("it was looked into")

    monkeypatch.setattr(routing, "parse", parsed)
    body, json_ = json.dumps({"title": "x" * 70_000}).encode(), {"content-type": "application/json"}
    nobody = house.person_with_token("No Body", "", "accord_" + "A" * 43)
    nobody.send("POST", "/v1/cases", content=body, headers=json_).expect(401)
    monkeypatch.undo()
    member.send("POST", "/v1/cases", content=body, headers=json_).expect(422)


def test_an_ended_token_is_limited_like_an_unknown_token(empty_registry: EmptyRegistry) -> None:
    # A limit of its own: the tests share apps with equal settings, and their counts with them.
    with House.open(empty_registry().model_copy(update={"anonymous_per_minute": 7})) as house:
        person = house.person("Rea Voked")
        person.get("/v1/me").expect(200)
        house.admin.post(f"/v1/users/{person.id}/disable").expect(200)
        statuses = [person.get("/v1/me").status for _attempt in range(10)]
        assert statuses == [401] * 7 + [429] * 3
        house.admin.get("/v1/me").expect(200)


def test_a_person_who_writes_too_much_is_limited_and_may_still_read(empty_registry: EmptyRegistry) -> None:
    with House.open(empty_registry().model_copy(update={"writes_per_minute": 40})) as house:
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


def test_a_write_that_is_tried_again_counts_once(
    empty_registry: EmptyRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    collisions = iter((True, True, False))
    seal = ledger.seal

    def collides(db: GatedSession) -> Any:
        if next(collisions, False):
            raise Collision
        return seal(db)

    with House.open(empty_registry().model_copy(update={"writes_per_minute": 40})) as house:
        person = house.person("Stan Ranger")
        monkeypatch.setattr(ledger, "seal", collides)
        answer = person.post("/v1/cases", request())
        answer.expect(201)
        assert answer.headers["ratelimit"].startswith('"writes";r=39;')


@pytest.mark.parametrize("place", ["body", "precondition", "key", "there"])
def test_the_limit_on_writes_is_checked_after_the_form_and_before_the_named_items(
    empty_registry: EmptyRegistry, place: str
) -> None:
    with House.open(empty_registry().model_copy(update={"writes_per_minute": 60})) as house:
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


NOWHERE = "/v1/cases/00000000-0000-4000-8000-000000000000"
REFUSED_READS: dict[str, dict[str, Any]] = {
    "a query that is refused": {"path": "/v1/cases?nonsense=1"},
    "a body that is not JSON": {"path": "/v1/cases", "content": b"x"},
    "a large body": {
        "path": "/v1/cases",
        "content": b'{"x":"' + b"x" * 70_000 + b'"}',
        "headers": {"content-type": "application/json"},
    },
    "a body beyond the limit": {"path": "/v1/cases", "content": b"x" * (1 << 20 | 1)},
    "an item that is hidden": {"path": NOWHERE},
    "an unknown path": {"path": "/v1/nowhere"},
    "an unknown method": {"path": "/v1/cases", "method": "OPTIONS"},
    "a HEAD request": {"path": NOWHERE, "method": "HEAD"},
}


def test_refused_reads_count_whatever_they_were_refused_for(empty_registry: EmptyRegistry) -> None:
    most = len(REFUSED_READS) + 1
    with House.open(empty_registry().model_copy(update={"refused_reads_per_minute": most})) as house:
        person = house.person("Stan Ranger")
        person.get("/v1/cases").expect(200)
        for sent_before, (kind, sent) in enumerate(REFUSED_READS.items()):
            answer = person.send(sent.get("method", "GET"), **{key: sent[key] for key in sent if key != "method"})
            assert 400 <= answer.status < 429, kind
            assert answer.headers["ratelimit"].startswith(f'"refused-reads";r={most - sent_before - 1};'), kind
        person.get("/v1/nowhere").expect(404)
        for path in ("/v1/cases", "/v1/nowhere", "/v1/cases?nonsense=1"):
            answer = person.get(path)
            answer.expect(429, "too-many-requests")
            assert 1 <= int(answer.headers["retry-after"]) <= 60
        # The person may still act, other people may still read, and another token of the person is no way round it.
        person.post("/v1/cases", request()).expect(201)
        house.person("Olga Strand").get("/v1/nowhere").expect(404)
        again = house.holder(person.name, person.id)
        again.get("/v1/me").expect(200)
        again.get("/v1/me").expect(429)


def test_only_refused_reads_count(empty_registry: EmptyRegistry) -> None:
    with House.open(empty_registry().model_copy(update={"refused_reads_per_minute": 5})) as house:
        person = house.person("Stan Ranger")
        for _attempt in range(8):
            tag = person.get("/v1/me").headers["etag"]
            assert person.get("/v1/me", if_none_match=tag).status == 304
        person.get(NOWHERE).expect(404)


@pytest.mark.parametrize("forgets", ["a refused grant", "many other tokens"])
def test_a_sender_whom_the_limits_forgot_is_no_stranger_after_the_next_read(
    empty_registry: EmptyRegistry, forgets: str
) -> None:
    limit = {"refused_reads_per_minute": 5, "anonymous_per_minute": 8}
    with House.open(empty_registry().model_copy(update=limit)) as house:
        person = house.person("Stan Ranger")
        person.get("/v1/me").expect(200)
        if forgets == "a refused grant":
            assert person.send("POST", "/oauth/token", data=GRANT).status == 401
        else:
            for number in range(limits._REMEMBERED):
                house.app.state.limits.remember(f"accord_{number}")
        for _attempt in range(9):
            person.get("/v1/me").expect(200)
        assert house.client.get("/v1/openapi.json").status_code == 200
        for _attempt in range(5):
            person.get(NOWHERE).expect(404)
        person.get(NOWHERE).expect(429, "too-many-requests")


def test_acts_at_no_address_and_refused_uploads_count_as_writes(empty_registry: EmptyRegistry) -> None:
    with House.open(empty_registry().model_copy(update={"writes_per_minute": 9})) as house:
        person, file = house.person("Stan Ranger"), {"content-disposition": "attachment; filename=a.pdf"}
        person.get("/v1/me").expect(200)
        for _attempt in range(3):
            person.post("/v1/nowhere").expect(404)
            person.post("/v1/me").expect(405)
            path = f"{NOWHERE}/filings/{NOWHERE[-36:]}/documents"
            person.send("POST", path, content=b"%PDF", headers=file | {"content-type": "application/pdf"}).expect(404)
        person.post("/v1/cases", request()).expect(429)


def test_the_limits_on_refused_reads_leave_a_person_room_for_errors() -> None:
    assert Settings().refused_reads_per_minute >= 5 * 60


HOSTILE = {
    "unknown fields": b"{" + b",".join(b'"f%d":1' % number for number in range(80_000)) + b"}",
    "unknown fields in many objects": b'{"parties":['
    + b",".join(b"{" + b",".join(b'"f%d":1' % field for field in range(499)) + b"}" for _object in range(150))
    + b"]}",
    "empty lists": b'{"title":[' + b"[]," * 300_000 + b"[]]}",
    "empty objects": b'{"title":[' + b"{}," * 300_000 + b"{}]}",
    "numbers": b'{"title":[' + b"1," * 400_000 + b"1]}",
    "strings": b'{"title":[' + b'"",' * 300_000 + b'""]}',
    "closing brackets": b"]" * 1_000_000,
    "opening brackets": b"[" * 1_000_000,
    "strings side by side": b'""' * 500_000,
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_crafted_body_is_refused_before_it_is_built(house: House, kind: str) -> None:
    person, json_ = house.person("Stan Ranger"), {"content-type": "application/json"}
    prose = json.dumps({"title": "x, " * 330_000}).encode()
    took = []
    for body in (prose, HOSTILE[kind], prose, HOSTILE[kind], prose, HOSTILE[kind]):
        began = time.process_time()
        problem = person.send("POST", "/v1/cases", content=body, headers=json_).expect(422, "invalid")
        took.append(time.process_time() - began)
        assert body is prose or problem["errors"][0]["code"] in ("json-values", "json-members", "json-depth")
    # Compared with plain text of the same size, since machines differ.
    assert min(took[1::2]) < 5 * min(took[0::2]) + 0.05, took


def test_a_body_within_the_bounds_has_at_most_a_hundred_faults(house: House) -> None:
    person = house.person("Stan Ranger")
    fields = {f"f{number}": 1 for number in range(routing.MOST_MEMBERS)}
    assert len(person.post("/v1/cases", fields).expect(422, "invalid")["errors"]) == 100
    (fault,) = person.post("/v1/cases", fields | {"more": 1}).expect(422, "invalid")["errors"]
    assert fault["code"] == "json-members"


def test_a_text_of_settlement_with_all_its_clauses_is_within_the_bounds() -> None:
    clauses = [{"number": str(number), "text": 'a, [b] {c}, "d", ' * 20} for number in range(500)]
    assert routing.parse(json.dumps({"title": "x", "language": "en", "clauses": clauses}).encode())


def test_refused_writes_count_and_large_ones_are_no_longer_read(empty_registry: EmptyRegistry) -> None:
    with House.open(empty_registry().model_copy(update={"writes_per_minute": 9})) as house:
        person = house.person("Stan Ranger")
        for _attempt in range(4):
            person.post("/v1/cases", {"nonsense": 1}).expect(422)
            person.patch("/v1/cases/00000000-0000-4000-8000-000000000000", {"title": "x"}).expect(428)
        person.send("POST", "/v1/cases", content=b"x").expect(415)
        person.post("/v1/cases", request()).expect(429, "too-many-requests")
        person.post("/v1/cases", {"nonsense": 1}).expect(422)
        person.post("/v1/cases", {"nonsense": "x" * 70_000}).expect(429, "too-many-requests")
        person.get("/v1/cases").expect(200)


def test_answers_say_what_is_left_of_the_limit(empty_registry: EmptyRegistry) -> None:
    limits_set = {"writes_per_minute": 4, "anonymous_per_minute": 3, "refused_reads_per_minute": 300}
    with House.open(empty_registry().model_copy(update=limits_set)) as house:
        person = house.person("Stan Ranger")

        def left(answer: Any) -> tuple[str | None, str | None]:
            rate = answer.headers.get("ratelimit")
            seconds = re.search(r";t=(\d+)$", rate or ";t=60")
            assert seconds is not None
            assert 0 <= int(seconds[1]) <= 60
            return answer.headers.get("ratelimit-policy"), rate and rate.rpartition(";")[0]

        writes, anonymous = '"writes";q=4;w=60', '"anonymous";q=3;w=60'
        assert left(person.post("/v1/cases", request())) == (writes, '"writes";r=3')
        assert left(person.post("/v1/cases", {"nonsense": 1})) == (writes, '"writes";r=2')
        assert left(person.post("/v1/users", REQUESTS["UserIn"])) == (writes, '"writes";r=1')
        assert left(person.get("/v1/cases")) == (None, None)
        assert left(person.get("/v1/cases?x=1")) == ('"refused-reads";q=300;w=60', '"refused-reads";r=299')
        assert left(person.post("/v1/cases", request())) == (writes, '"writes";r=0')
        refused = person.post("/v1/cases", request())
        assert (refused.status, left(refused)) == (429, (writes, '"writes";r=0'))
        nobody = house.person_with_token("No Body", "", "accord_" + "A" * 43)
        for remaining in (2, 1, 0):
            assert left(nobody.get("/v1/me")) == (anonymous, f'"anonymous";r={remaining}')
        refused = nobody.get("/v1/me")
        assert (refused.status, left(refused)) == (429, (anonymous, '"anonymous";r=0'))
        assert left(nobody.get("/livez")) == (None, None)
