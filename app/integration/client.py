"""A client for programs of courts: tokens, retries, pages, the feed, webhooks and referrals.

It needs httpx and no other part of this package: import it as `app.integration.client`, or copy the file.
"""

import base64
import binascii
import hmac
import json
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any
from urllib.parse import quote, quote_plus
from uuid import uuid4

import httpx

Json = dict[str, Any]
MOST_TRIES, FIRST_PAUSE, LONGEST_PAUSE = 6, 0.5, 60.0
# Seconds before its end at which a token is renewed, so that a slow request does not arrive with an expired one.
EARLY = 30.0
# Longer than the feed's longest wait.
SECONDS_TO_ANSWER = 45.0
# Seconds by which a webhook's time may differ from ours.
TOLERANCE = 300


class RequestRefused(Exception):
    """Accord refused a request: `code` is stable, `detail` says what to do, `errors` names the faulty fields."""

    def __init__(self, status: int, problem: Json) -> None:
        self.status = status
        self.problem = problem
        # The token endpoint answers in OAuth's format.
        self.code = str(problem.get("code") or problem.get("error") or f"status-{status}")
        self.detail = str(problem.get("detail") or problem.get("error_description") or "")
        self.errors: list[Json] = problem.get("errors") or []
        self.request_id: str | None = problem.get("request_id")
        super().__init__(f"{status} {self.code}: {self.detail}")


class CursorGone(RequestRefused):
    """The registry was restored after this cursor was issued: start without one, and skip ids that you know."""


class ServiceUnreachable(Exception):
    """No answer arrived. A request without an idempotency key may or may not have taken effect: read to find out."""


class NotSigned(Exception):
    """A webhook does not carry a valid signature of this subscription, or its time is too far from now."""


@dataclass(frozen=True, slots=True)
class FeedStretch:
    """A part of the feed: store `next` once you have processed the `items`, and continue after it."""

    items: list[Json]
    next: str
    more: bool


@dataclass(frozen=True, slots=True)
class Timing:
    """The time in seconds since 1970, and how to wait; tests replace both."""

    clock: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep


class Accord:
    """The API of Accord; pass `http` to use a proxy or other certificates."""

    def __init__(
        self,
        base_url: str,
        client_id: str,
        client_secret: str,
        *,
        scopes: Sequence[str] = (),
        http: httpx.Client | None = None,
        timing: Timing | None = None,
    ) -> None:
        self.client_id = client_id
        # May be replaced while the program runs: the next token is obtained with it.
        self.client_secret = client_secret
        self._scopes = scopes
        self._http = http or httpx.Client(base_url=base_url, timeout=SECONDS_TO_ANSWER)
        self._timing = timing or Timing()
        self._token: str | None = None
        self._renew_at = 0.0

    def __enter__(self) -> "Accord":
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, at: TracebackType | None) -> None:
        self._token = None
        self._http.close()

    # Requests

    def send(self, method: str, path: str, *, keyed: bool = True, **options: Any) -> httpx.Response:
        """Send a request with a token, with retries; every POST has an idempotency key, so it takes effect once.

        Routes that show a secret accept no key (`keyed=False`); such a request, a PATCH or a DELETE is repeated only if
        it cannot have taken effect. `options` are those of `httpx.Client.request`.

        Raises RequestRefused and ServiceUnreachable.
        """
        key = {"idempotency-key": str(uuid4())} if keyed and method == "POST" else {}
        headers = {**options.pop("headers", {}), **key}
        repeatable = bool(key) or method == "GET"

        def sent() -> httpx.Response:
            headers["authorization"] = f"Bearer {self._bearer()}"
            return self._try(method, path, repeatable=repeatable, headers=headers, **options)

        answer = sent()
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            # The token was revoked early: once more, with a new one.
            self._token = None
            answer = sent()
        return _checked(answer)

    def read(self, path: str, **query: Any) -> Json:
        """Read a resource."""
        resource: Json = self.send("GET", path, params=_without_none(query)).json()
        return resource

    def act(self, path: str, body: Json | None = None, *, keyed: bool = True) -> Json:
        """Create a resource or act on it; return the resource afterwards."""
        resource: Json = self.send("POST", path, keyed=keyed, json=body).json()
        return resource

    def change(self, path: str, changes: Json) -> Json:
        """Change a resource as it is now; RequestRefused with `precondition-failed` if it has changed meanwhile."""
        headers = {"if-match": self.send("GET", path).headers["etag"]}
        changed: Json = self.send("PATCH", path, json=changes, headers=headers).json()
        return changed

    def listed(self, path: str, **query: Any) -> Iterator[Json]:
        """Yield every item of a list, page by page."""
        after: str | None = None
        while True:
            page = self.read(path, **{"limit": 200, **query, "after": after})
            yield from page["items"]
            after = page["next"]
            if after is None:
                return

    def _try(self, method: str, path: str, *, repeatable: bool, **options: Any) -> httpx.Response:
        turn = 0
        while True:
            turn += 1
            pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2**turn) * (0.5 + random.random() / 2)  # noqa: S311 - no secret
            try:
                answer = self._http.request(method, path, **options)
            except httpx.TransportError as problem:
                never_sent = isinstance(problem, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout)
                if turn == MOST_TRIES or not (repeatable or never_sent):
                    raise ServiceUnreachable(f"{method} {path}: {problem}") from problem
            else:
                pause = max(pause, _retry_after(answer))
                if turn == MOST_TRIES or pause > LONGEST_PAUSE or not _may_repeat(answer, repeatable):
                    return answer
            self._timing.sleep(pause)

    def _bearer(self) -> str:
        if self._token is None or self._timing.clock() >= self._renew_at:
            self._token = None
            form = {"grant_type": "client_credentials", **({"scope": " ".join(self._scopes)} if self._scopes else {})}
            shown = httpx.BasicAuth(quote_plus(self.client_id), quote_plus(self.client_secret))
            asked_at = self._timing.clock()
            granted = _checked(self._try("POST", "/oauth/token", repeatable=True, data=form, auth=shown)).json()
            self._token, life = str(granted["access_token"]), float(granted["expires_in"])
            self._renew_at = asked_at + life - min(EARLY, life / 2)
        return self._token

    # The feed

    def feed(
        self, after: str | None = None, *, wait: int = 0, types: Sequence[str] = (), limit: int = 200
    ) -> FeedStretch:
        """Read the feed after a cursor; wait at most `wait` seconds for the first event. Raises CursorGone."""
        query = _without_none({"after": after, "wait": wait, "type": list(types), "limit": limit})
        answer = self.send("GET", "/v1/events", params=query).json()
        return FeedStretch(answer["items"], answer["next"], answer["more"])

    def follow(self, after: str | None = None, *, wait: int = 30, types: Sequence[str] = ()) -> Iterator[FeedStretch]:
        """Yield one part of the feed after the other: for ever, or with `wait=0` to its present end."""
        while True:
            stretch = self.feed(after, wait=wait, types=types)
            yield stretch
            after = stretch.next
            if not (wait or stretch.more):
                return

    def latest(self) -> str:
        """The cursor of the feed's present end."""
        return str(self.read("/v1/events", latest="true")["next"])

    # Webhooks

    def subscribe(self, url: str, types: Sequence[str] = ()) -> Json:
        """Subscribe an address to events; only this answer contains the `secret` that signs them."""
        return self.act("/v1/webhooks", {"url": url, "types": list(types)}, keyed=False)

    def rotate(self, webhook_id: str) -> Json:
        """Make a new secret, which only this answer contains; the previous one also signs for a day."""
        return self.act(f"/v1/webhooks/{webhook_id}/secret", keyed=False)

    def unsubscribe(self, webhook_id: str) -> None:
        """Remove a subscription with its pending deliveries."""
        path = f"/v1/webhooks/{webhook_id}"
        self.send("DELETE", path, headers={"if-match": self.send("GET", path).headers["etag"]})

    # Referrals

    def refer(self, referral: Json) -> Json:
        """Refer a case; repeating a referral with the same `external_id` creates no second one."""
        return self.act("/v1/referrals", referral)

    def referral(self, id: str) -> Json:
        """Read a referral."""
        return self.read(f"/v1/referrals/{id}")

    def referrals(self, **query: Any) -> Iterator[Json]:
        """List the court's referrals, newest first; filter by `state`, `external_id` or `updated_since`."""
        return self.listed("/v1/referrals", **query)

    def filings(self, id: str) -> Iterator[Json]:
        """List the filings for the court and for the public."""
        return self.listed(f"/v1/referrals/{id}/filings")

    def amend(self, id: str, changes: Json) -> Json:
        """Amend a referral; the parties see the change."""
        return self.change(f"/v1/referrals/{id}", changes)

    def extend(self, id: str, return_on: str) -> Json:
        """Extend the return date."""
        return self.act(f"/v1/referrals/{id}/extend", {"return_on": return_on})

    def withdraw(self, id: str) -> Json:
        """Withdraw a referral."""
        return self.act(f"/v1/referrals/{id}/withdraw")

    def bring_order(self, id: str, name: str, content: bytes, media_type: str = "application/pdf") -> Json:
        """Upload the order of referral as a file."""
        headers = {"content-type": media_type, "content-disposition": f"attachment; filename*=UTF-8''{quote(name)}"}
        referral: Json = self.send("POST", f"/v1/referrals/{id}/order", content=content, headers=headers).json()
        return referral


def verified(
    secrets: Sequence[str], headers: Mapping[str, str], body: bytes, now: float, tolerance: float = TOLERANCE
) -> Json:
    """Return the event of a webhook if one of the secrets signed its body within `tolerance` seconds of `now`.

    Raises NotSigned; answer that with a 4xx, and every accepted event with a 2xx, known ids included.
    """
    named = {name.lower(): value for name, value in headers.items()}
    try:
        id, stamp, signatures = (named[f"webhook-{name}"] for name in ("id", "timestamp", "signature"))
        age = abs(now - int(stamp))
        keys = [base64.b64decode(secret.removeprefix("whsec_"), validate=True) for secret in secrets]
    except (KeyError, ValueError, binascii.Error) as problem:
        raise NotSigned("Headers of the webhook are missing, or a secret is malformed.") from problem
    if age > tolerance:
        raise NotSigned("The time of the webhook is too far from now.")
    content = f"{id}.{stamp}.".encode() + body
    valid = False
    for key in keys:
        expected = b"v1," + base64.b64encode(hmac.digest(key, content, "sha256"))
        # Every pair is compared in constant time: the duration reveals nothing.
        for signature in signatures.split(" "):
            valid |= hmac.compare_digest(signature.encode(), expected)
    if not valid:
        raise NotSigned("None of the secrets signed the webhook.")
    event: Json = json.loads(body)
    return event


def _without_none(query: Json) -> Json:
    return {name: value for name, value in query.items() if value is not None}


def _retry_after(answer: httpx.Response) -> float:
    """The seconds that an answer asks to wait."""
    header = answer.headers.get("retry-after", "")
    return float(header) if header.isascii() and header.isdecimal() else 0.0


def _may_repeat(answer: httpx.Response, repeatable: bool) -> bool:
    """Whether to repeat a request: it took no effect (429), or its key lets it take effect only once."""
    status, in_progress = answer.status_code, answer.status_code == httpx.codes.CONFLICT and _retry_after(answer) > 0
    unknown = status == httpx.codes.SERVICE_UNAVAILABLE or in_progress
    return status == httpx.codes.TOO_MANY_REQUESTS or (repeatable and unknown)


def _checked(answer: httpx.Response) -> httpx.Response:
    if answer.is_success:
        return answer
    try:
        problem = answer.json()
    except ValueError:
        problem = {}
    refusal = CursorGone if answer.status_code == httpx.codes.GONE else RequestRefused
    raise refusal(answer.status_code, problem if isinstance(problem, dict) else {})
