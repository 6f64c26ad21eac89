"""At which line of a rule set's file a fault lies."""

import re

_HEADER = re.compile(r"\s*\[\[\s*(\w+)\s*\]\]")
_NAME = re.compile(r"\s*name\s*=\s*[\"']([^\"']*)[\"']")


def line_of(text: str, table: str, fault: str) -> int | None:
    """The line (from 1) of the key that a fault names, else of its table; None if the text does not tell."""
    lines = text.split("\n")
    key = fault.partition(":")[0].partition(".")[0]
    places = _places(lines, table)
    keys = [found for start, end in places for found in _keys(lines, start, end, key)]
    # Two steps may bear one name: the fault quotes what the right one says.
    quoted = re.findall(r"'([^']+)'", fault)
    telling = [found for found in keys if any(word in lines[found - 1] for word in quoted)]
    return next(iter([*telling, *keys, *(start for start, _end in places if start)]), None)


def _places(lines: list[str], table: str) -> list[tuple[int, int]]:
    """The tables of that kind and name: the line of each header, and that of its last line; the top has no header."""
    heads = [number for number, line in enumerate(lines, 1) if line.lstrip().startswith("[")]
    ends = [*(number - 1 for number in heads[1:]), len(lines)][: len(heads)]
    wanted = re.fullmatch(r"\[\[(\w+)\]\] ?(.*)", table)
    if wanted is None:
        return [(0, heads[0] - 1 if heads else len(lines))]
    kind, name = wanted.groups()
    of_kind = [
        (start, end)
        for start, end in zip(heads, ends, strict=True)
        if (found := _HEADER.match(lines[start - 1])) and found[1] == kind
    ]
    if numbered := re.fullmatch(r"number (\d+)", name):
        return of_kind[int(numbered[1]) - 1 : int(numbered[1])]
    return [place for place in of_kind if name in ("", _name(lines, *place))]


def _name(lines: list[str], start: int, end: int) -> str | None:
    names = [found[1] for line in lines[start:end] if (found := _NAME.match(line))]
    return names[0] if names else None


def _keys(lines: list[str], start: int, end: int, key: str) -> list[int]:
    pattern = re.compile(rf"\s*{re.escape(key)}\s*=")
    return [number for number in range(start + 1, end + 1) if pattern.match(lines[number - 1])]
