"""Crawls: every GET operation of the OpenAPI document, as one person, for every id that a person can find or try."""

import io
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pypdf

from tests.core.http.operations import EVERY, Operation
from tests.installation import Answer, Person

Binding = tuple[tuple[str, str], ...]
# What the last part of a list's path calls its items, where that is not the path's word without its last letter.
_SINGULAR = {
    "parties": "party_id",
    "third-states": "third_state_id",
    "service": "service_id",
    "deliveries": "delivery_id",
    "secrets": "secret_id",
    "desk": "",
}
READS = tuple(operation for operation in EVERY.values() if operation.method == "GET")
# The feed and the lists are read whole.
_QUERIES = {"readFeed": "?limit=200"}
_OF_A_LIST = "?limit=200&count=true"


@dataclass
class Seen:
    """An answer that a person received: the operation, its path, and the answer."""

    operation: str
    path: str
    answer: Answer

    @property
    def body(self) -> Any:
        """The body, if it is JSON."""
        return self.answer.json if "json" in self.answer.headers.get("content-type", "") else None

    @property
    def text(self) -> str:
        """Everything in the answer that can be read, with its headers."""
        response = self.answer.response
        headers = "\n".join(f"{name}: {value}" for name, value in response.headers.items() if name != "x-request-id")
        if response.headers.get("content-type") == "application/pdf" and response.content.startswith(b"%PDF"):
            pages = pypdf.PdfReader(io.BytesIO(response.content)).pages
            # Lines break inside ids and hashes.
            return headers + "\n" + "".join(page.extract_text() for page in pages).replace("\n", "")
        return headers + "\n" + without_request_id(response.text)


def without_request_id(text: str) -> str:
    """A body without the id of its request, which problems contain."""
    return re.sub(r'"request_id": ?"[^"]*"', '"request_id":""', text)


def whole_answer(answer: Answer) -> tuple[int, list[tuple[str, str]], bytes]:
    """Everything that the caller receives, byte by byte, without the id of the request."""
    headers = [(name, value) for name, value in answer.headers.items() if name != "x-request-id"]
    is_problem = answer.headers.get("content-type") == "application/problem+json"
    content = answer.response.content
    return answer.status, headers, without_request_id(answer.response.text).encode() if is_problem else content


def parameters_of(operation: Operation) -> tuple[str, ...]:
    """The parameters of an operation's path."""
    return tuple(re.findall(r"\{(\w+)\}", operation.path))


@dataclass
class Crawl:
    """Reads all that one person can find, following ids from lists to items; `most` bounds the items of each list."""

    person: Person
    most: int
    seen: list[Seen] = field(default_factory=list)
    bindings: dict[str, set[Binding]] = field(default_factory=lambda: defaultdict(set))
    _done: set[tuple[str, Binding]] = field(default_factory=set)

    def everything(self, operations: Iterable[Operation] = READS) -> "Crawl":
        """Read every list and the items that it names, until no id is new."""
        operations = tuple(operations)
        while pending := [
            (operation, binding)
            for operation in operations
            for binding in self._bindings_for(operation)
            if (operation.id, binding) not in self._done
        ]:
            for operation, binding in pending:
                self._done.add((operation.id, binding))
                self.read(operation, binding)
        return self

    def read(self, operation: Operation, binding: Binding) -> Answer:
        """One operation with these ids."""
        path = filled(operation, binding)
        is_list = operation.path.rpartition("/")[2] in _LISTS
        more = _QUERIES.get(operation.id, _OF_A_LIST if is_list else "")
        answer = self.person.get(path + more)
        if answer.status == 422 and is_list:
            answer = self.person.get(path)
        self.seen.append(Seen(operation.id, path, answer))
        body = self.seen[-1].body
        if answer.status == 200 and isinstance(body, dict) and isinstance(body.get("items"), list):
            self._note(operation, binding, body["items"])
        return answer

    def _note(self, operation: Operation, binding: Binding, items: list[Any]) -> None:
        name = parameter_named(operation.path.rpartition("/")[2])
        ids = [item["id"] for item in items if isinstance(item, dict) and isinstance(item.get("id"), str)]
        # From both ends: the newest and the oldest.
        for id in {*ids[: (self.most + 1) // 2], *ids[-(self.most // 2 or 1) :]} if ids else ():
            self.bindings[name].add((*binding, (name, id)))

    def _bindings_for(self, operation: Operation) -> set[Binding]:
        return fitting(operation, self.bindings)


def fitting(operation: Operation, bindings: dict[str, set[Binding]]) -> set[Binding]:
    """The bindings that name each parameter of an operation, without the others."""
    names = parameters_of(operation)
    if not names:
        return {()}
    whole = set()
    for binding in bindings.get(names[-1], ()):
        named = dict(binding)
        if set(names) <= set(named):
            whole.add(tuple((name, named[name]) for name in names))
    return whole


def filled(operation: Operation, binding: Binding) -> str:
    """The path of an operation with these ids."""
    return operation.path.format(**{"step": "lodge", **dict(binding)})


def parameter_named(collection: str) -> str:
    """The parameter that stands for an item of a list in paths."""
    return _SINGULAR.get(collection, f"{collection.removesuffix('s').replace('-', '_')}_id")


def _lists() -> Iterator[str]:
    for operation in READS:
        above, _, last = operation.path.rpartition("/")
        if last.startswith("{"):
            yield above.rpartition("/")[2]
        elif operation.id.startswith("list"):
            yield last


_LISTS = frozenset(_lists())
