"""At which line of a rule set's file a fault lies, and what its tables are called."""

import re
from collections.abc import Sequence

_HEADER = re.compile(r"\s*\[\[\s*(\w+)\s*\]\]")
_NAME = re.compile(r"\s*name\s*=\s*[\"']([^\"']*)[\"']")
_PLACE = re.compile(r"\(at (?:line (\d+), column \d+|end of document)\)$")
_TABLE = re.compile(r"\[\[(\w+)\]\] ?(.*?)(?: \((\d+) of \d+\))?")


def table_of(kind: str, names: Sequence[str], index: int) -> str:
    """What a table of that kind is called: by its name and, where others bear it too, by its place among them."""
    name = names[index]
    place = f" ({names[: index + 1].count(name)} of {names.count(name)})" if names.count(name) > 1 else ""
    return f"[[{kind}]] {name}{place}"


def line_of(text: str, table: str, fault: str) -> int | None:
    """The line (from 1) of the key that a fault names, else of its table; None if the text does not tell."""
    lines = text.split("\n")
    if table == "the file":
        return _told(fault, lines)
    key = fault.partition(":")[0].partition(".")[0]
    places = _places(lines, table)
    keys = [found for start, end in places for found in _keys(lines, start, end, key)]
    return next(iter([*keys, *(start for start, _end in places if start)]), None) or _header(lines, key)


def _told(fault: str, lines: list[str]) -> int | None:
    """The line that the reader of the file itself told."""
    found = _PLACE.search(fault)
    return int(found[1] or len(lines)) if found else None


def _header(lines: list[str], key: str) -> int | None:
    """The first table of that kind, for a fault of the whole kind."""
    pattern = re.compile(rf"\s*\[+\s*{re.escape(key)}\s*\]")
    return next((number for number, line in enumerate(lines, 1) if pattern.match(line)), None)


def _places(lines: list[str], table: str) -> list[tuple[int, int]]:
    """The tables of that kind and name: the line of each header, and that of its last line; the top has no header."""
    heads = [number for number, line in enumerate(lines, 1) if line.lstrip().startswith("[")]
    ends = [*(number - 1 for number in heads[1:]), len(lines)][: len(heads)]
    wanted = _TABLE.fullmatch(table)
    if wanted is None:
        return [(0, heads[0] - 1 if heads else len(lines))]
    kind, name, place = wanted.groups()
    of_kind = [
        (start, end)
        for start, end in zip(heads, ends, strict=True)
        if (found := _HEADER.match(lines[start - 1])) and found[1] == kind
    ]
    if numbered := re.fullmatch(r"number (\d+)", name):
        return of_kind[int(numbered[1]) - 1 : int(numbered[1])]
    named = [found for found in of_kind if name in ("", _name(lines, *found))]
    return named[int(place) - 1 : int(place)] if place else named


def _name(lines: list[str], start: int, end: int) -> str | None:
    names = [found[1] for line in lines[start:end] if (found := _NAME.match(line))]
    return names[0] if names else None


def _keys(lines: list[str], start: int, end: int, key: str) -> list[int]:
    pattern = re.compile(rf"\s*{re.escape(key)}\s*=")
    return [number for number in range(start + 1, end + 1) if pattern.match(lines[number - 1])]
