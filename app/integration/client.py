"""A client for programs of courts: tokens, retries, pages, the feed, webhooks and referrals.

It needs httpx and nothing else of this package: import it as `app.client`, or copy the file and make it yours.
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
# A token is renewed so many seconds before its end: a request that takes its time must not arrive with a dead one.
EARLY = 30.0
# Longer than the feed lets anybody wait.
SECONDS_TO_ANSWER = 45.0
# How far a webhook's time may lie from ours, in seconds.
TOLERANCE = 300


class RequestRefused(Exception):
    """Accord refused a request: `code` is stable, `detail` says what to mend, and `errors` where in the body."""

    def __init__(self, status: int, problem: Json) -> None:
        self.status = status
        self.problem = problem
        # The token endpoint speaks OAuth's words.
        self.code = str(problem.get("code") or problem.get("error") or f"status-{status}")
        self.detail = str(problem.get("detail") or problem.get("error_description") or "")
        self.errors: list[Json] = problem.get("errors") or []
        self.request_id: str | None = problem.get("request_id")
        super().__init__(f"{status} {self.code}: {self.detail}")


class CursorGone(RequestRefused):
    """A cursor from before the registry was restored: begin without one, and pass over the ids that you know."""


class ServiceUnreachable(Exception):
    """No answer came. An act that could not be sent again under its key may have been done or not: read, and see."""


class NotSigned(Exception):
    """What came is no event of this subscription, or comes too late to be trusted."""


@dataclass(frozen=True, slots=True)
class FeedStretch:
    """A part of the feed: keep `next` once you have dealt with the `items`, and ask again after it."""

    items: list[Json]
    next: str
    more: bool


class Accord:
    """Accord as a program finds it; `clock` and `sleep` are for tests, `http` for proxies and certificates."""

    def __init__(
        self,
        base_url: str,
        client_id: str,
        client_secret: str,
        *,
        scopes: Sequence[str] = (),
        http: httpx.Client | None = None,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.client_id = client_id
        # May be replaced while the program runs: the next token is got by it.
        self.client_secret = client_secret
        self._scopes = scopes
        self._http = http or httpx.Client(base_url=base_url, timeout=SECONDS_TO_ANSWER)
        self._clock, self._sleep = clock, sleep
        self._token: str | None = None
        self._renew_at = 0.0

    def __enter__(self) -> "Accord":
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, at: TracebackType | None) -> None:
        self._token = None
        self._http.close()

    # Requests

    def send(self, method: str, path: str, *, keyed: bool = True, **given: Any) -> httpx.Response:
        """Send a request, with a token, and again if need be; every POST has a key, so it is done once.

        Routes that show a secret take no key (`keyed=False`); such a request, a PATCH or a DELETE is sent again only if
        it cannot have been done. Raises RequestRefused or ServiceUnreachable.
        """
        key = {"idempotency-key": str(uuid4())} if keyed and method == "POST" else {}
        headers = {**given.pop("headers", {}), **key}
        repeatable = bool(key) or method == "GET"

        def sent() -> httpx.Response:
            headers["authorization"] = f"Bearer {self._bearer()}"
            return self._try(method, path, repeatable=repeatable, headers=headers, **given)

        answer = sent()
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            # The token was ended before its time: once more, with another.
            self._token = None
            answer = sent()
        return _checked(answer)

    def read(self, path: str, **query: Any) -> Json:
        """Read one thing."""
        found: Json = self.send("GET", path, params=_told(query)).json()
        return found

    def act(self, path: str, body: Json | None = None, *, keyed: bool = True) -> Json:
        """Create something, or do something to it; the answer is the thing as it stands then."""
        done: Json = self.send("POST", path, keyed=keyed, json=body).json()
        return done

    def change(self, path: str, changes: Json) -> Json:
        """Change a thing as it is now; RequestRefused with `precondition-failed` if somebody else was faster."""
        headers = {"if-match": self.send("GET", path).headers["etag"]}
        changed: Json = self.send("PATCH", path, json=changes, headers=headers).json()
        return changed

    def listed(self, path: str, **query: Any) -> Iterator[Json]:
        """Every item of a list, page after page."""
        after: str | None = None
        while True:
            page = self.read(path, **{"limit": 200, **query, "after": after})
            yield from page["items"]
            after = page["next"]
            if after is None:
                return

    def _try(self, method: str, path: str, *, repeatable: bool, **given: Any) -> httpx.Response:
        turn = 0
        while True:
            turn += 1
            pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2**turn) * (0.5 + random.random() / 2)  # noqa: S311 - no secret
            try:
                answer = self._http.request(method, path, **given)
            except httpx.TransportError as problem:
                never_sent = isinstance(problem, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout)
                if turn == MOST_TRIES or not (repeatable or never_sent):
                    raise ServiceUnreachable(f"{method} {path}: {problem}") from problem
            else:
                pause = max(pause, _asked(answer))
                if turn == MOST_TRIES or pause > LONGEST_PAUSE or not _may_repeat(answer, repeatable):
                    return answer
            self._sleep(pause)

    def _bearer(self) -> str:
        if self._token is None or self._clock() >= self._renew_at:
            self._token = None
            form = {"grant_type": "client_credentials", **({"scope": " ".join(self._scopes)} if self._scopes else {})}
            shown = httpx.BasicAuth(quote_plus(self.client_id), quote_plus(self.client_secret))
            asked_at = self._clock()
            granted = _checked(self._try("POST", "/oauth/token", repeatable=True, data=form, auth=shown)).json()
            self._token, life = str(granted["access_token"]), float(granted["expires_in"])
            self._renew_at = asked_at + life - min(EARLY, life / 2)
        return self._token

    # The feed

    def feed(
        self, after: str | None = None, *, wait: int = 0, types: Sequence[str] = (), limit: int = 200
    ) -> FeedStretch:
        """What follows a cursor; with `wait`, the first event is waited for so many seconds. Raises CursorGone."""
        query = _told({"after": after, "wait": wait, "type": list(types), "limit": limit})
        answer = self.send("GET", "/v1/events", params=query).json()
        return FeedStretch(answer["items"], answer["next"], answer["more"])

    def follow(self, after: str | None = None, *, wait: int = 30, types: Sequence[str] = ()) -> Iterator[FeedStretch]:
        """One part of the feed after the other: for ever, or where `wait` is 0 to where the feed ends now."""
        while True:
            stretch = self.feed(after, wait=wait, types=types)
            yield stretch
            after = stretch.next
            if not (wait or stretch.more):
                return

    def latest(self) -> str:
        """The cursor of now."""
        return str(self.read("/v1/events", latest="true")["next"])

    # Webhooks

    def subscribe(self, url: str, types: Sequence[str] = ()) -> Json:
        """Have events sent to an address; the answer shows the `secret` that signs them, this once."""
        return self.act("/v1/webhooks", {"url": url, "types": list(types)}, keyed=False)

    def rotate(self, webhook_id: str) -> Json:
        """Another secret, shown this once; for a day the one before signs beside it."""
        return self.act(f"/v1/webhooks/{webhook_id}/secret", keyed=False)

    def unsubscribe(self, webhook_id: str) -> None:
        """End a subscription, with what was still to be sent."""
        path = f"/v1/webhooks/{webhook_id}"
        self.send("DELETE", path, headers={"if-match": self.send("GET", path).headers["etag"]})

    # Referrals

    def refer(self, referral: Json) -> Json:
        """Refer a case: send it as often as you like, there is one for your court and `external_id`."""
        return self.act("/v1/referrals", referral)

    def referral(self, id: str) -> Json:
        """A referral as it stands."""
        return self.read(f"/v1/referrals/{id}")

    def referrals(self, **query: Any) -> Iterator[Json]:
        """The court's referrals, the newest first; `state`, `external_id` and `updated_since` narrow them."""
        return self.listed("/v1/referrals", **query)

    def filings(self, id: str) -> Iterator[Json]:
        """What was filed for the court, or for everybody."""
        return self.listed(f"/v1/referrals/{id}/filings")

    def amend(self, id: str, changes: Json) -> Json:
        """Amend a referral; the parties see what you send."""
        return self.change(f"/v1/referrals/{id}", changes)

    def extend(self, id: str, return_on: str) -> Json:
        """Give a later return date."""
        return self.act(f"/v1/referrals/{id}/extend", {"return_on": return_on})

    def withdraw(self, id: str) -> Json:
        """Take a referral back."""
        return self.act(f"/v1/referrals/{id}/withdraw")

    def bring_order(self, id: str, name: str, content: bytes, media_type: str = "application/pdf") -> Json:
        """Bring the order as a file."""
        headers = {"content-type": media_type, "content-disposition": f"attachment; filename*=UTF-8''{quote(name)}"}
        brought: Json = self.send("POST", f"/v1/referrals/{id}/order", content=content, headers=headers).json()
        return brought


def verified(
    secrets: Sequence[str], headers: Mapping[str, str], body: bytes, now: float, tolerance: float = TOLERANCE
) -> Json:
    """The event that a webhook brings, if one of the secrets signed its body as it came, not long ago.

    Raises NotSigned. Answer it with a 4xx, and everything that you took with a 2xx, known ids too.
    """
    given = {name.lower(): value for name, value in headers.items()}
    try:
        id, stamp, shown = (given[f"webhook-{name}"] for name in ("id", "timestamp", "signature"))
        distance = abs(now - int(stamp))
        keys = [base64.b64decode(secret.removeprefix("whsec_"), validate=True) for secret in secrets]
    except (KeyError, ValueError, binascii.Error) as problem:
        raise NotSigned("The headers of a webhook are missing, or a secret is none.") from problem
    if distance > tolerance:
        raise NotSigned("Its time lies too far from ours.")
    content = f"{id}.{stamp}.".encode() + body
    good = False
    for key in keys:
        wanted = b"v1," + base64.b64encode(hmac.digest(key, content, "sha256"))
        # Every pair is compared, and none ends early: how long it takes tells nothing.
        for one in shown.split(" "):
            good |= hmac.compare_digest(one.encode(), wanted)
    if not good:
        raise NotSigned("None of the secrets signed it.")
    event: Json = json.loads(body)
    return event


def _told(query: Json) -> Json:
    return {name: value for name, value in query.items() if value is not None}


def _asked(answer: httpx.Response) -> float:
    """The seconds of patience that an answer asks for."""
    asked = answer.headers.get("retry-after", "")
    return float(asked) if asked.isascii() and asked.isdecimal() else 0.0


def _may_repeat(answer: httpx.Response, repeatable: bool) -> bool:
    """Whether to send again what was answered so: it was not done (429), or its key lets it be done only once."""
    status, in_progress = answer.status_code, answer.status_code == httpx.codes.CONFLICT and _asked(answer) > 0
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
