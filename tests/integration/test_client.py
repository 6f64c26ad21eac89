"""Accord's client renews tokens, repeats requests safely, pages, follows the feed and verifies webhooks."""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
from sqlalchemy import update

from app.core.paging import Cursors
from app.core.tables.institution import Institution
from app.integration.client import (
    LONGEST_PAUSE,
    MOST_TRIES,
    Accord,
    CursorGone,
    NotSigned,
    RequestRefused,
    ServiceUnreachable,
    Timing,
    verified,
)
from tests.courts import client, court, referral
from tests.installation import House, Json
from tests.pdfs import PDF
from tests.webhooks import SECRET, signed_headers


class Wire(httpx.BaseTransport):
    """A transport that notes each request and sometimes loses the answer."""

    def __init__(self) -> None:
        self._real = httpx.HTTPTransport()
        self.seen: list[httpx.Request] = []
        self.lose_answers = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request, and note it."""
        self.seen.append(request)
        answer = self._real.handle_request(request)
        if self.lose_answers:
            self.lose_answers -= 1
            answer.read()
            answer.close()
            raise httpx.ReadError("the connection was lost")
        return answer

    def close(self) -> None:
        """Close the transport."""
        self._real.close()

    def asked_for_tokens(self) -> int:
        """The number of requests for a token."""
        return sum(request.url.path == "/oauth/token" for request in self.seen)


class Reached:
    """A court with an API client, on the house's clock, and the transport between them."""

    def __init__(self, house: House) -> None:
        self.house, self.wire, self.slept = house, Wire(), list[float]()
        self.made = client(house, court(house))
        self.accord = self.with_client(self.made)

    def with_client(self, made: Json, **more: Any) -> Accord:
        """A client for credentials that an administrator created."""
        http = httpx.Client(base_url=self.house.base_url, transport=self.wire, timeout=30)
        timing = Timing(lambda: self.house.clock().timestamp(), self.slept.append)
        return Accord(self.house.base_url, made["id"], made["client_secret"], http=http, timing=timing, **more)


@pytest.fixture
def reached(served: House) -> Iterator[Reached]:
    """A client that reaches the service over a loopback port."""
    court_client = Reached(served)
    with court_client.accord:
        yield court_client


def answering(*answers: httpx.Response | Exception) -> tuple[Accord, list[httpx.Request], list[float]]:
    """A client of a service that gives these answers in order; with the requests it sent and the seconds it slept."""
    seen: list[httpx.Request] = []
    slept: list[float] = []
    left = iter(answers)

    def handle(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/oauth/token":
            return httpx.Response(200, json={"access_token": "t", "expires_in": 900})
        seen.append(request)
        answer = next(left)
        if isinstance(answer, Exception):
            raise answer
        return answer

    http = httpx.Client(base_url="http://accord.test", transport=httpx.MockTransport(handle))
    return Accord("http://accord.test", "id", "secret", http=http, timing=Timing(sleep=slept.append)), seen, slept


def test_a_token_serves_many_requests_and_is_renewed_before_it_ends(reached: Reached) -> None:
    for _time in range(3):
        reached.accord.feed()
    assert reached.wire.asked_for_tokens() == 1
    reached.house.clock.pass_by(minutes=14, seconds=45)
    reached.accord.feed()
    assert reached.wire.asked_for_tokens() == 2
    assert [request.url.path for request in reached.wire.seen].count("/v1/events") == 4


def test_an_ended_token_is_replaced_once(reached: Reached) -> None:
    reached.accord.feed()
    path = f"/v1/clients/{reached.made['id']}"
    new = reached.house.admin.post(f"{path}/rotate").expect(200)
    reached.house.admin.post(f"{path}/secrets/{reached.made['secrets'][0]['id']}/revoke").expect(200)
    with pytest.raises(RequestRefused) as refused:
        reached.accord.feed()
    assert (refused.value.status, refused.value.code) == (401, "invalid_client")
    reached.accord.client_secret = new["client_secret"]
    reached.accord.feed()
    accord, seen, _slept = answering(*(httpx.Response(401, json={"code": "unauthenticated"}) for _time in range(2)))
    with pytest.raises(RequestRefused, match="unauthenticated"):
        accord.feed()
    assert len(seen) == 2


def test_the_token_holds_only_the_requested_scopes(reached: Reached) -> None:
    narrow = reached.with_client(reached.made, scopes=["referrals.read"])
    assert list(narrow.referrals()) == []
    with pytest.raises(RequestRefused) as refused:
        narrow.feed()
    assert (refused.value.status, refused.value.code) == (403, "insufficient-scope")
    assert "events.read" in refused.value.detail


def test_an_act_whose_answer_is_lost_has_one_effect(reached: Reached) -> None:
    made = reached.accord.refer(referral())
    reached.wire.lose_answers = 2
    extended = reached.accord.extend(made["id"], "2026-09-30")
    assert extended["return_on"] == "2026-09-30"
    sent = [request for request in reached.wire.seen if request.url.path.endswith("/extend")]
    assert len(sent) == 3
    assert len({request.headers["idempotency-key"] for request in sent}) == 1
    (moved,) = [
        event
        for stretch in reached.accord.follow(wait=0)
        for event in stretch.items
        if event["data"]["act"] == "extend"
    ]
    assert moved["data"]["about"]["referral_id"] == made["id"]
    assert len(reached.slept) == 2


def test_a_request_without_a_key_is_not_repeated_if_it_may_have_taken_effect(reached: Reached) -> None:
    made = reached.accord.refer(referral())
    reached.wire.lose_answers = 1
    with pytest.raises(ServiceUnreachable):
        reached.accord.send("PATCH", f"/v1/referrals/{made['id']}", json={"title": "New"}, headers={"if-match": "*"})
    reached.wire.lose_answers = 1
    with pytest.raises(ServiceUnreachable):
        reached.accord.subscribe("https://example.org/hook")
    assert reached.slept == []
    never_sent = httpx.ConnectError("refused")
    accord, seen, slept = answering(never_sent, httpx.Response(429), httpx.Response(201, json={"secret": "s"}))
    assert accord.subscribe("https://example.org/hook") == {"secret": "s"}
    assert "idempotency-key" not in seen[-1].headers
    assert len(slept) == 2
    accord, _seen, _slept = answering(httpx.Response(503))
    with pytest.raises(RequestRefused):
        accord.subscribe("https://example.org/hook")


def test_the_client_waits_as_long_as_the_server_asks_within_its_own_limit() -> None:
    busy = httpx.Response(503, headers={"retry-after": "7"})
    in_progress = httpx.Response(409, headers={"retry-after": "1"}, json={"code": "key-in-progress"})
    accord, seen, slept = answering(busy, in_progress, httpx.ReadTimeout("late"), httpx.Response(200, json={"id": "1"}))
    assert accord.refer({}) == {"id": "1"}
    assert len({request.headers["idempotency-key"] for request in seen}) == 1
    assert slept[0] == 7
    assert all(1 <= pause <= LONGEST_PAUSE for pause in slept)
    accord, seen, slept = answering(httpx.Response(429, headers={"retry-after": "3600"}))
    with pytest.raises(RequestRefused) as refused:
        accord.refer({})
    assert (refused.value.status, slept) == (429, [])
    accord, seen, slept = answering(*(httpx.ReadError("lost") for _time in range(MOST_TRIES)))
    with pytest.raises(ServiceUnreachable):
        accord.refer({})
    assert (len(seen), len(slept)) == (MOST_TRIES, MOST_TRIES - 1)
    assert sum(slept) < MOST_TRIES * LONGEST_PAUSE


def test_a_refusal_names_the_fault_and_its_place(reached: Reached) -> None:
    with pytest.raises(RequestRefused) as refused:
        reached.accord.refer(referral(subjects=["weather"]))
    assert (refused.value.status, refused.value.code) == (422, "invalid")
    assert [error["pointer"] for error in refused.value.errors] == ["/subjects/0"]
    assert refused.value.request_id
    with pytest.raises(RequestRefused) as refused:
        reached.accord.referral("85755b79-99a1-4232-adca-d1eabba34b00")
    assert (refused.value.status, refused.value.code) == (404, "not-found")
    accord, _seen, _slept = answering(httpx.Response(502, text="<html>Bad gateway</html>"))
    with pytest.raises(RequestRefused, match="status-502"):
        accord.feed()


def test_every_item_of_a_list_comes_exactly_once(reached: Reached) -> None:
    names = [f"HC-{number}" for number in range(5)]
    for name in names:
        reached.accord.refer(referral(name))
    ids = [referral["external_id"] for referral in reached.accord.listed("/v1/referrals", limit=2)]
    assert sorted(ids) == names
    assert [referral["external_id"] for referral in reached.accord.referrals(external_id="HC-3")] == ["HC-3"]


def test_a_referral_is_amended_withdrawn_and_sent_its_order(reached: Reached) -> None:
    made = reached.accord.refer(referral())
    assert reached.accord.amend(made["id"], {"title": "Another"})["title"] == "Another"
    brought = reached.accord.bring_order(made["id"], "Beschluß.pdf", PDF)
    assert brought["order_file"]["name"] == "Beschluß.pdf"
    assert list(reached.accord.filings(made["id"])) == []
    assert reached.accord.withdraw(made["id"])["state"] == "withdrawn"


def test_the_feed_is_followed_from_the_readers_cursor(reached: Reached) -> None:
    for number in range(4):
        reached.accord.refer(referral(f"HC-{number}"))
    whole = [event["id"] for stretch in reached.accord.follow(wait=0) for event in stretch.items]
    first = reached.accord.feed(limit=2)
    assert ([event["id"] for event in first.items], first.more) == (whole[:2], True)
    rest = [event["id"] for stretch in reached.accord.follow(first.next, wait=0) for event in stretch.items]
    assert rest == whole[2:]
    assert reached.accord.feed(reached.accord.latest()).items == []


def test_a_follower_receives_an_event_as_soon_as_it_happens(reached: Reached) -> None:
    reached.accord.refer(referral())
    followed = reached.accord.follow(reached.accord.latest(), wait=20)
    received: list[Json] = []
    reader = threading.Thread(target=lambda: received.extend(next(followed).items))
    reader.start()
    reached.with_client(reached.made).refer(referral("HC-2"))
    reader.join(10)
    assert [event["type"] for event in received] == ["referral-received"]


def test_a_cursor_from_before_a_restore_raises_cursor_gone(reached: Reached) -> None:
    reached.accord.refer(referral())
    cursor = reached.accord.latest()
    epoch = update(Institution).values(epoch=Institution.epoch + 1)
    reached.house.database.in_transaction(lambda db: db.execute(epoch), lambda length: b"0" * length)
    # A restored service is always restarted: it then reads the epoch again.
    seams = reached.house.app.state.seams
    reached.house.app.state.seams = replace(seams, cursors=Cursors())
    with pytest.raises(CursorGone) as gone:
        next(reached.accord.follow(cursor))
    assert gone.value.status == 410
    assert next(reached.accord.follow(wait=0)).items


def test_a_webhook_is_accepted_if_one_of_the_secrets_signed_it() -> None:
    body, other = json.dumps({"id": "e-1", "type": "é"}, ensure_ascii=False).encode(), "whsec_" + "B" * 44
    for signers, accepted in (([SECRET], [SECRET]), ([other, SECRET], [SECRET]), ([SECRET], [other, SECRET])):
        assert verified(accepted, signed_headers(body, 1000, *signers), body, 1000) == {"id": "e-1", "type": "é"}


def altered(name: str, value: str) -> Callable[[dict[str, str]], dict[str, str]]:
    """Headers with one value changed."""
    return lambda headers: {**headers, name: value}


@pytest.mark.parametrize(
    "change",
    [
        altered("Webhook-Id", "e-2"),
        altered("Webhook-Timestamp", "1001"),
        altered("Webhook-Timestamp", "now"),
        altered("Webhook-Signature", ""),
        altered("Webhook-Signature", "v1,é"),
        altered("Webhook-Signature", "v1," + "A" * 44),
        lambda headers: altered("Webhook-Signature", headers["Webhook-Signature"][:-1])(headers),
        lambda headers: altered("Webhook-Signature", headers["Webhook-Signature"].replace("v1,", "v2,"))(headers),
        lambda headers: {name: value for name, value in headers.items() if name != "Webhook-Timestamp"},
    ],
)
def test_an_altered_webhook_is_rejected(change: Callable[[dict[str, str]], dict[str, str]]) -> None:
    body = b'{"id": "e-1"}'
    with pytest.raises(NotSigned):
        verified([SECRET], change(signed_headers(body, 1000, SECRET)), body, 1000)


def test_a_webhook_with_another_body_secret_or_time_is_rejected() -> None:
    body, headers = b'{"id": "e-1"}', signed_headers(b'{"id": "e-1"}', 1000, SECRET)
    for now in (1000 - 300, 1000 + 300):
        verified([SECRET], headers, body, now)
    for secrets, sent, now in (
        ([SECRET], body + b" ", 1000),
        (["whsec_" + "B" * 44], body, 1000),
        (["not a secret"], body, 1000),
        ([], body, 1000),
        ([SECRET], body, 1000 - 301),
        ([SECRET], body, 1000 + 301),
    ):
        with pytest.raises(NotSigned):
            verified(secrets, headers, sent, now)
