"""Whether clients of the last release can go on as they are: what an OpenAPI document takes from them.

    python -m tests.compatibility    writes the present document to tests/releases, once it is released

Clients pass over fields and values in answers that they do not know, so those may grow; what they rely on may not go.
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.cli import _document

LAST_RELEASE = Path(__file__).parent / "releases" / "openapi.json"

Json = dict[str, Any]

# What only speaks to people, or stands elsewhere in the document too.
_SAID = frozenset({"title", "description", "summary", "example", "examples", "tags", "default"})
_HELD = frozenset({"$ref", "allOf", "anyOf", "oneOf", "type", "const", "enum", "format", "pattern"})
_PARTS = frozenset({"properties", "required", "additionalProperties", "items"})
_LEAST = frozenset({"minLength", "minItems", "minimum", "exclusiveMinimum", "minProperties"})
_MOST = frozenset({"maxLength", "maxItems", "maximum", "exclusiveMaximum", "maxProperties"})
# A new keyword in the document must be added here, and the comparison must treat it.
KEYWORDS = _SAID | _HELD | _PARTS | _LEAST | _MOST
_METHODS = frozenset({"get", "put", "post", "delete", "options", "head", "patch", "trace"})


@dataclass(frozen=True, slots=True, order=True)
class Break:
    """What of one operation clients can no longer rely on."""

    operation: str
    says: str


def breaks(before: Json, now: Json) -> list[Break]:
    """Everything that a client of the document before could stumble over now."""
    found: set[Break] = set()
    for group in ("paths", "webhooks"):
        present = dict(_operations(now, group))
        for place, old in _operations(before, group):
            new = present.get(place)
            says = ["it is not there any more"] if new is None else _Comparison(before, now).operation(old, new, group)
            found |= {Break(old["operationId"], one) for one in says}
    return sorted(found)


def unnamed(found: Iterable[Break], changelog: str) -> list[Break]:
    """The breaks whose operations are not named under "Breaking" in the unreleased part of the changelog."""
    unreleased = re.search(r"^## Unreleased$(.*?)(?=^## |\Z)", changelog, re.MULTILINE | re.DOTALL)
    part = re.search(r"^### Breaking$(.*?)(?=^##|\Z)", unreleased[1] if unreleased else "", re.MULTILINE | re.DOTALL)
    named = set(re.findall(r"`(\w+)`", part[1] if part else ""))
    return [one for one in found if one.operation not in named]


def kept(document: Json) -> str:
    """What is compared of a document, as JSON with each operation and each component on a line of its own."""
    bare = _bare({name: document[name] for name in ("info", "paths", "webhooks", "components") if name in document})
    groups = [(name, bare[name]) for name in ("paths", "webhooks") if name in bare]
    groups += [("components", bare["components"])]
    lines = [f'{{\n"info": {json.dumps({"version": document["info"]["version"]})}']
    for name, group in groups:
        inner = [
            f"{json.dumps(place)}: {{\n"
            + ",\n".join(f"{json.dumps(one)}: {json.dumps(each, ensure_ascii=False)}" for one, each in parts.items())
            + "\n}"
            for place, parts in group.items()
        ]
        lines.append(f"{json.dumps(name)}: {{\n" + ",\n".join(inner) + "\n}")
    return ",\n".join(lines) + "\n}\n"


# Whose members bear names of ours and no keywords.
_NAMES = frozenset({"properties", "paths", "webhooks", "headers", "content", "responses", "scopes", "schemas"})
_COMPONENTS = frozenset({"securitySchemes", "parameters"})


def _bare(part: Any, names: bool = False) -> Any:
    if isinstance(part, dict):
        return {
            name: _bare(one, name in _NAMES | _COMPONENTS and not names)
            for name, one in sorted(part.items())
            if names or name not in _SAID
        }
    return [_bare(one) for one in part] if isinstance(part, list) else part


def _operations(document: Json, group: str) -> Iterator[tuple[tuple[str, str], Json]]:
    for path, item in document.get(group, {}).items():
        for method, operation in item.items():
            if method in _METHODS:
                yield (path, method), operation


def schemas_of(document: Json) -> Iterator[Json]:
    """Every schema of a document, with all that are within it."""
    waiting = [*document["components"].get("schemas", {}).values(), *_schemas_within(document)]
    while waiting:
        schema = waiting.pop()
        if isinstance(schema, dict):
            yield schema
            waiting += [*schema.get("properties", {}).values(), schema.get("items"), schema.get("additionalProperties")]
            waiting += [one for name in ("allOf", "anyOf", "oneOf") for one in schema.get(name, ())]


def _schemas_within(part: Any) -> Iterator[Json]:
    if isinstance(part, dict):
        for name, one in part.items():
            if name == "schema":
                yield one
            elif name not in ("example", "schemas"):
                yield from _schemas_within(one)
    elif isinstance(part, list):
        for one in part:
            yield from _schemas_within(one)


class _Comparison:
    """Two documents, and the pairs of schemas that are being compared already: a schema may be within itself."""

    def __init__(self, before: Json, now: Json) -> None:
        self.before, self.now = before, now
        self.open: set[tuple[str, str, bool]] = set()

    def operation(self, old: Json, new: Json, group: str) -> Iterator[str]:
        """What of an operation is gone or narrowed; a webhook's request is what we say and its answers are taken."""
        taken = group == "paths"
        if old["operationId"] != new["operationId"]:
            yield f"its operationId is '{new['operationId']}' now"
        yield from self._callers(old, new)
        yield from self._parameters(old, new, taken)
        yield from self._request(old.get("requestBody"), new.get("requestBody"), taken)
        for status, shared in old["responses"].items():
            if status not in new["responses"]:
                yield f"the answer {status} is gone"
                continue
            answer, present = _followed(shared, self.before), _followed(new["responses"][status], self.now)
            yield from self._content(answer, present, f"answer {status}", not taken)
            gone = set(answer.get("headers", ())) - set(present.get("headers", ()))
            yield from (f"answer {status}: the header {name} is gone" for name in sorted(gone))

    def _callers(self, old: Json, new: Json) -> Iterator[str]:
        present = [] if new.get("security") == [] else new.get("security", [])
        for way in old.get("security", []):
            if present and not any(self._asks_no_more(one, way) for one in present):
                yield f"who shows {json.dumps(way)} is not let in any more"
        if old.get("security") == [] and present:
            yield "a token is needed now"

    @staticmethod
    def _asks_no_more(one: Json, way: Json) -> bool:
        return all(scheme in way and set(scopes) <= set(way[scheme]) for scheme, scopes in one.items())

    def _parameters(self, old: Json, new: Json, taken: bool) -> Iterator[str]:
        given = {(one["in"], one["name"]): one for one in self._all(old, self.before)}
        present = {(one["in"], one["name"]): one for one in self._all(new, self.now)}
        for place, one in given.items():
            where = f"{place[0]} parameter '{place[1]}'"
            if place not in present:
                yield f"the {where} is gone"
                continue
            yield from self._schema(one["schema"], present[place]["schema"], where, taken)
            if not taken and one.get("required") and not present[place].get("required"):
                yield f"the {where} may be missing now"
        for place, one in present.items():
            if taken and one.get("required") and not given.get(place, {}).get("required"):
                yield f"the {place[0]} parameter '{place[1]}' is needed now"

    @staticmethod
    def _all(operation: Json, document: Json) -> list[Json]:
        return [_followed(one, document) for one in operation.get("parameters", ())]

    def _request(self, old: Json | None, new: Json | None, taken: bool) -> Iterator[str]:
        if old is None:
            if taken and new is not None and new.get("required"):
                yield "a body is needed now"
            return
        if new is None:
            yield "it takes no body any more"
            return
        if taken and new.get("required") and not old.get("required"):
            yield "a body is needed now"
        yield from self._content(old, new, "request", taken)

    def _content(self, old: Json, new: Json, where: str, taken: bool) -> Iterator[str]:
        for kind, media in old.get("content", {}).items():
            if kind not in new.get("content", {}):
                yield f"{where}: {kind} is gone"
            elif "schema" in media:
                yield from self._schema(media["schema"], new["content"][kind].get("schema", {}), where, taken)

    def _schema(self, old: Json, new: Json, where: str, taken: bool) -> Iterator[str]:
        """What was sent must still be taken; what is answered must still be what was said."""
        pair = (json.dumps(old, sort_keys=True), json.dumps(new, sort_keys=True), taken)
        if pair in self.open:
            return
        self.open.add(pair)
        olds, news = _alternatives(old, self.before), _alternatives(new, self.now)
        # Each of what may come must be among what is borne.
        coming, borne = (olds, news) if taken else (news, olds)
        for one in coming:
            likely = [other for other in borne if _alike(one, other)]
            tries = [list(self._one(*((one, other) if taken else (other, one)), where, taken)) for other in likely]
            if not tries:
                yield f"{where}: {_named(one)} is refused now" if taken else f"{where}: it may be {_named(one)} now"
            else:
                yield from min(tries, key=len)
        self.open.discard(pair)

    def _one(self, old: Json, new: Json, where: str, taken: bool) -> Iterator[str]:
        """The same for two schemas without alternatives, of one type."""
        yield from _values(old, new, where, taken)
        if taken:
            yield from _limits(old, new, where)
        elif old.get("format") != new.get("format") and old.get("format"):
            yield f"{where}: its format is not {old['format']} any more"
        yield from self._members(old, new, where, taken)
        if "items" in old or ("items" in new and taken):
            yield from self._schema(old.get("items", {}), new.get("items", {}), f"{where}[]", taken)

    def _members(self, old: Json, new: Json, where: str, taken: bool) -> Iterator[str]:
        mine, present = old.get("properties", {}), new.get("properties", {})
        for name, schema in mine.items():
            if name in present:
                yield from self._schema(schema, present[name], f"{where}.{name}", taken)
            else:
                yield f"{where}: the field '{name}' is gone"
        needed, was_needed = set(new.get("required", ())), set(old.get("required", ()))
        if taken:
            yield from (f"{where}: the field '{name}' is needed now" for name in sorted(needed - was_needed))
        else:
            missing = sorted((was_needed - needed) & set(present))
            yield from (f"{where}: the field '{name}' may be missing now" for name in missing)
        others, others_now = old.get("additionalProperties", True), new.get("additionalProperties", True)
        if others_now is False:
            # In an answer, no other field than before may have been wanted of an object with fields of its own.
            if others is not False and (taken or not mine):
                yield f"{where}: it has no other fields any more"
        elif isinstance(others, dict) or (taken and isinstance(others_now, dict) and others is not False):
            both = [{} if one is True else one for one in (others, others_now)]
            yield from self._schema(both[0], both[1], f"{where}.*", taken)


def _followed(part: Json, document: Json) -> Json:
    while "$ref" in part:
        _root, components, kind, name = part["$ref"].split("/")
        part = document[components][kind][name]
    return part


def _alternatives(schema: Json, document: Json) -> list[Json]:
    """What a schema may be, each without a reference, an alternative or several types; {} is anything."""
    schema = _followed(schema, document)
    if "allOf" in schema:
        return [_merged(_at_once(schema, document))]
    for name in ("anyOf", "oneOf"):
        if name in schema:
            return [each for one in schema[name] for each in _alternatives(one, document)]
    if isinstance(schema.get("type"), list):
        return [{**schema, "type": one} for one in schema["type"]]
    return [schema]


def _at_once(schema: Json, document: Json) -> Iterator[Json]:
    """A schema and all that it says must hold with it."""
    schema = _followed(schema, document)
    yield schema
    for one in schema.get("allOf", ()):
        yield from _at_once(one, document)


def _merged(parts: Iterable[Json]) -> Json:
    """One schema for several that hold at once."""
    whole: Json = {}
    for part in parts:
        for name, one in part.items():
            if name == "properties":
                known = whole.setdefault("properties", {})
                for member, schema in one.items():
                    known[member] = {"allOf": [known[member], schema]} if member in known else schema
            elif name == "required":
                whole["required"] = sorted({*whole.get("required", ()), *one})
            elif name != "allOf":
                whole[name] = one
    return whole


def _type(schema: Json) -> str | None:
    kind = schema.get("type")
    if kind is None and "const" in schema:
        return {str: "string", bool: "boolean", int: "integer"}.get(type(schema["const"]))
    return str(kind) if kind else "object" if "properties" in schema else None


def _alike(coming: Json, borne: Json) -> bool:
    """Whether the type that comes is accepted; integers are numbers, and a schema without a type accepts all."""
    kind = _type(borne)
    return kind is None or kind == _type(coming) or (kind, _type(coming)) == ("number", "integer")


def _named(schema: Json) -> str:
    return _type(schema) or "anything"


def _values(old: Json, new: Json, where: str, taken: bool) -> Iterator[str]:
    mine, present = ([one["const"]] if "const" in one else one.get("enum") for one in (old, new))
    if mine is not None and present is not None:
        yield from (f"{where}: the value {json.dumps(one)} is gone" for one in mine if one not in present)
    elif present is not None and taken:
        yield f"{where}: only {json.dumps(present)} is taken now"


def _limits(old: Json, new: Json, where: str) -> Iterator[str]:
    for name in ("pattern", "format"):
        if name in new and old.get(name) != new[name]:
            yield f"{where}: the {name} is {new[name]} now"
    for name in sorted((_LEAST | _MOST) & set(new)):
        limit, was = new[name], old.get(name)
        if was is None or (limit > was if name in _LEAST else limit < was):
            yield f"{where}: {name} is {limit} now"


if __name__ == "__main__":
    LAST_RELEASE.write_text(kept(_document()))
