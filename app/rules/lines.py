"""The names of the tables of a rule set's file, and the line of a fault in it."""

import re
from collections.abc import Sequence

_HEADER = re.compile(r"\s*\[\[\s*(\w+)\s*\]\]")
_NAME = re.compile(r"\s*name\s*=\s*[\"']([^\"']*)[\"']")
_PLACE = re.compile(r"\(at (?:line (\d+), column \d+|end of document)\)$")
_TABLE = re.compile(r"\[\[(\w+)\]\] ?(.*?)(?: \((\d+) of \d+\))?")


def table_of(kind: str, names: Sequence[str], index: int) -> str:
    """The label of a table: its kind and name and, where others share the name, its position among them."""
    name = names[index]
    place = f" ({names[: index + 1].count(name)} of {names.count(name)})" if names.count(name) > 1 else ""
    return f"[[{kind}]] {name}{place}"


def line_of(text: str, table: str, fault: str) -> int | None:
    """The line (from 1) of the key that a fault names, else of its table; None if neither is in the text."""
    lines = text.split("\n")
    if table == "the file":
        return _line_in(fault, lines)
    key = fault.partition(":")[0].partition(".")[0]
    places = _places(lines, table)
    keys = [number for start, end in places for number in _keys(lines, start, end, key)]
    return next(iter([*keys, *(start for start, _end in places if start)]), None) or _header(lines, key)


def _line_in(fault: str, lines: list[str]) -> int | None:
    """The line that the TOML parser named in its message."""
    match = _PLACE.search(fault)
    return int(match[1] or len(lines)) if match else None


def _header(lines: list[str], key: str) -> int | None:
    """The first table of a kind, for a fault of the whole kind."""
    pattern = re.compile(rf"\s*\[+\s*{re.escape(key)}\s*\]")
    return next((number for number, line in enumerate(lines, 1) if pattern.match(line)), None)


def _places(lines: list[str], table: str) -> list[tuple[int, int]]:
    """The first and last line of each table of that label; the top of the file has no header."""
    heads = [number for number, line in enumerate(lines, 1) if line.lstrip().startswith("[")]
    ends = [*(number - 1 for number in heads[1:]), len(lines)][: len(heads)]
    label = _TABLE.fullmatch(table)
    if label is None:
        return [(0, heads[0] - 1 if heads else len(lines))]
    kind, name, place = label.groups()
    of_kind = [
        (start, end)
        for start, end in zip(heads, ends, strict=True)
        if (match := _HEADER.match(lines[start - 1])) and match[1] == kind
    ]
    if numbered := re.fullmatch(r"number (\d+)", name):
        return of_kind[int(numbered[1]) - 1 : int(numbered[1])]
    named = [(start, end) for start, end in of_kind if name in ("", _name(lines, start, end))]
    return named[int(place) - 1 : int(place)] if place else named


def _name(lines: list[str], start: int, end: int) -> str | None:
    names = [match[1] for line in lines[start:end] if (match := _NAME.match(line))]
    return names[0] if names else None


def _keys(lines: list[str], start: int, end: int, key: str) -> list[int]:
    pattern = re.compile(rf"\s*{re.escape(key)}\s*=")
    return [number for number in range(start + 1, end + 1) if pattern.match(lines[number - 1])]
