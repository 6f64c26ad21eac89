"""The requests that are measured: what each reader asks for, and which variants of the service are compared by it."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import cycle
from urllib.parse import urlencode

from benchmarks.seeding import UNUSED, Seeded, opening

UNGATED, BY_TWO, BEFORE = ", without the gate", ", two processes", ", the other checkout"
READ, LIST = "read a case", "list 50 of one's own"
BARE, CREATE, STEP = "bare read", "create a case", "take a step"
READERS = ("registrar", "agent", "second agent", "mediator")
# What is measured in turn, by its variants: "" is the service as it is.
COMPARED = [
    [(BARE, ""), (READ, ""), (READ, UNGATED), (READ, BY_TWO), (READ, BEFORE)],
    [(LIST, ""), (LIST, UNGATED), (LIST, BY_TWO), (LIST, BEFORE)],
    [("list 50, second agent", ""), ("list 50, second agent", UNGATED), ("list 50, second agent", BEFORE)],
    [("list 50, registrar", ""), ("list 50, registrar", UNGATED), ("list 50, registrar", BEFORE)],
    [("list 50, mediator", ""), ("list 50, mediator", BEFORE)],
    [("who am I, registrar", ""), ("who am I, registrar", BEFORE)],
    [("events of a case", ""), ("events of a case", UNGATED), ("events of a case", BEFORE)],
    [("feed, agent", ""), ("feed, agent", BEFORE)],
    [("feed, registrar", ""), ("feed, registrar", BEFORE)],
    [("desk, agent", ""), ("desk, agent", BEFORE)],
    [("desk, mediator", ""), ("desk, mediator", BEFORE)],
    [("desk, registrar", ""), ("desk, registrar", BEFORE)],
    [(CREATE, ""), (CREATE, BY_TWO), (CREATE, BEFORE)],
    [(STEP, ""), (STEP, BEFORE)],
]
NextRequest = Callable[[], bytes]


def head(method: str, path: str, token: str, body: bytes = b"") -> bytes:
    """Build a request as bytes once, so that the client uses little time."""
    kind = f"content-type: application/json\r\ncontent-length: {len(body)}\r\n" if body else ""
    return f"{method} {path} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {token}\r\n{kind}\r\n".encode() + body


def operations(seeded: Seeded) -> dict[str, NextRequest]:
    """Functions that make the next request of each operation; one without a request left returns nothing."""
    token = seeded.tokens
    steps = iter([head("POST", f"/v1/cases/{id}/steps/invite", token["registrar"], b"{}") for id in seeded.lodged])
    body = json.dumps(opening()).encode()

    def each(path: str) -> NextRequest:
        """One of the agent's cases after the other."""
        requests: Iterator[bytes] = cycle([head("GET", path.format(id), token["agent"]) for id in seeded.mine])
        return lambda: next(requests)

    def same(path: str, reader: str) -> NextRequest:
        request = head("GET", path, token[reader])
        return lambda: request

    made = {BARE: each("/bare/{}"), READ: each("/v1/cases/{}"), "events of a case": each("/v1/cases/{}/events")}
    made |= {LIST: same("/v1/cases", "agent"), "who am I, registrar": same("/v1/me", "registrar")}
    for reader in READERS:
        made[f"list 50, {reader}"] = same("/v1/cases", reader)
        made[f"feed, {reader}"] = same("/v1/events", reader)
        made[f"desk, {reader}"] = same("/v1/me/desk", reader)
    created = head("POST", "/v1/cases", token["agent"], body)
    return made | {CREATE: lambda: created, STEP: lambda: next(steps, b"")}


@dataclass(frozen=True)
class Filter:
    """A filter of lists of cases, or a pair, as the page names it, and its query; the plain list has none."""

    name: str
    query: dict[str, str]

    def request(self, token: str) -> bytes:
        """The request of a page under it."""
        return head("GET", f"/v1/cases?{urlencode(self.query)}", token)


PLAIN = Filter("none", {})


def filters(seeded: Seeded) -> list[Filter]:
    """The plain list, then every filter that some cases meet and that no case meets, and some pairs."""
    now, nothing = datetime.now(UTC), "6b1f0c52-8d1e-4c57-9a63-0000000000ff"
    soon, never = (now + timedelta(days=40)).date().isoformat(), "2001-01-01"
    lately, future = (now - timedelta(days=2)).isoformat(), (now + timedelta(days=1)).isoformat()
    alone = {
        "phase": ("closed", None),
        "stage": ("mediating", "conducting"),
        "procedure": ("iomed-state-2025", UNUSED),
        "category": ("state-state", None),
        "party": (seeded.party, nothing),
        "mediator": (seeded.mediator, nothing),
        "waiting_for": ("registry", "candidate"),
        "due_before": (soon, never),
        "updated_since": (lately, future),
        "q": ("cedar", "no case has these words"),
    }
    found = [PLAIN]
    for name, (some, none) in alone.items():
        found.append(Filter(f"`{name}`", {name: some}))
        if none is not None:
            found.append(Filter(f"`{name}`, no case", {name: none}))
    found.append(Filter("`q`, every second case", {"q": "alder"}))
    found.append(Filter("`count`", {"count": "true"}))
    pairs = [
        {"phase": "closed", "procedure": "iomed-state-2025"},
        {"phase": "closed", "q": "cedar"},
        {"phase": "closed", "due_before": soon},
        {"mediator": seeded.mediator, "stage": "mediating"},
        {"waiting_for": "registry", "category": "state-state"},
        {"due_before": soon, "category": "state-state"},
        {"updated_since": lately, "phase": "closed"},
        {"procedure": UNUSED, "q": "alder"},
        {"phase": "closed", "count": "true"},
    ]
    return found + [Filter(" and ".join(f"`{name}`" for name in pair), pair) for pair in pairs]
