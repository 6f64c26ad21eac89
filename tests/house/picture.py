"""Draws the floors of `app/` from its imports, into docs/floors.svg: `python -m tests.house.picture`."""

import ast
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from textwrap import wrap

from tests.house.floors import ROOMS, WINGS, edges_of, room_of, wing_of
from tests.house.source import APP, ROOT, Source

PICTURE = ROOT / "docs" / "floors.svg"

WIDTH, MARGIN, LABELS = 1000, 16, 236
ROW, BOX, GAP, STAGGER = 46, 26, 12, 70
# How wide a letter of the font is for its size, on the safe side.
LETTER, SIZE, SMALL = 0.6, 13, 11.5
INK, GREY, LINE, BAND, PAPER = "#14202b", "#46535f", "#7d8a96", "#eef2f5", "#ffffff"
LEGEND = (
    "A file imports from its own wing or from one below. Inside a band, a line leads from a room to a room that it "
    "imports; imports that follow from others are left out."
)

Pair = tuple[str, str]
Row = tuple[str, ...]


@dataclass(frozen=True)
class Wing:
    """One wing: its rooms on their floors from the top, and the imports between them that no other import implies."""

    name: str
    says: str
    rows: tuple[Row, ...]
    pairs: frozenset[Pair]


@dataclass(frozen=True)
class Box:
    """Where the box of a room stands."""

    left: float
    top: float
    width: float

    @property
    def middle(self) -> float:
        """Its middle, across."""
        return self.left + self.width / 2


def reduced(pairs: Iterable[Pair]) -> frozenset[Pair]:
    """The pairs without those that follow from others: where a imports b and b imports c, a to c is left out."""
    targets: dict[str, set[str]] = defaultdict(set)
    for origin, target in pairs:
        targets[origin].add(target)

    def reached(origin: str) -> set[str]:
        return {each for target in targets.get(origin, ()) for each in (target, *reached(target))}

    return frozenset(
        (origin, target)
        for origin, direct in targets.items()
        for target in direct
        if not any(target in reached(other) for other in direct - {target})
    )


def levels(rooms: Iterable[str], pairs: Iterable[Pair]) -> tuple[Row, ...]:
    """The floors of rooms that have none by name: each room is above all that it imports."""
    below: dict[str, set[str]] = {room: set() for room in sorted(rooms)}
    for origin, target in pairs:
        below[origin].add(target)

    def level(room: str) -> int:
        return 1 + max((level(each) for each in below[room]), default=-1)

    floors: dict[int, list[str]] = defaultdict(list)
    for room in below:
        floors[level(room)].append(room)
    return tuple(tuple(floors[number]) for number in sorted(floors, reverse=True))


def ordered(rows: Sequence[Row], pairs: Iterable[Pair]) -> tuple[Row, ...]:
    """The same rows, each room near those that it imports or that import it, so that few lines cross."""
    beside: dict[str, list[str]] = defaultdict(list)
    for origin, target in sorted(pairs):
        beside[origin].append(target)
        beside[target].append(origin)
    across = {room: (place + 1) / (len(row) + 1) for row in rows for place, room in enumerate(row)}
    arranged = [list(row) for row in rows]
    for _sweep in range(4):
        for row in (*reversed(arranged), *arranged):
            near = {room: [across[each] for each in beside[room] if each not in row] or [across[room]] for room in row}
            row.sort(key=lambda room: (sum(near[room]) / len(near[room]), room))
            across |= {room: (place + 1) / (len(row) + 1) for place, room in enumerate(row)}
    return tuple(tuple(row) for row in arranged)


def wings(files: Sequence[Source]) -> Iterator[Wing]:
    """The wings from the top, each with what its own docstring says."""
    pairs = {(edge.origin, edge.target) for edge in edges_of(files)}
    modules = {file.path.removesuffix(".py").removesuffix("/__init__").replace("/", "."): file for file in files}
    rooms = {room_of(module) for module in modules if module != "app"}
    for name in (name for floor in reversed(WINGS) for name in floor):
        own = {room for room in rooms if wing_of(room) == name}
        inner = {room for room in own if room != name} or own
        if not own:
            continue
        within = {pair for pair in pairs if set(pair) <= inner}
        rows = levels(inner, within)
        if name in ROOMS:
            rows = tuple(tuple(f"{name}.{room}" for room in floor) for floor in reversed(ROOMS[name]))
            if without := sorted(inner - {room for row in rows for room in row}):
                raise ValueError(f"{', '.join(without)}: enter the floor in tests/house/floors.py.")
        drawn = reduced(within)
        docstring = ast.get_docstring(ast.parse(modules[f"app.{name}"].text)) or ""
        yield Wing(name, docstring.splitlines()[0].rstrip(".").replace("`", ""), ordered(rows, drawn), drawn)


def draw(drawn: Iterable[Wing]) -> str:
    """The picture as SVG: a band for each wing, in it a row of boxes for each floor."""
    parts: list[str] = []
    top = 64.0
    for wing in drawn:
        if wing.rows == ((wing.name,),):
            parts += [*_band(top, BOX + GAP, wing.name), text_at(LABELS, top + 24, wing.says, GREY, SMALL)]
            top += BOX + 2 * GAP
            continue
        lines = wrap(wing.says, 33)
        height = max(len(wing.rows) * ROW + GAP, 30 + 15 * len(lines) + GAP)
        parts += _band(top, height, wing.name)
        parts += [text_at(MARGIN + 14, top + 44 + 15 * number, line, GREY, SMALL) for number, line in enumerate(lines)]
        boxes = _places(wing.rows, top + (height - len(wing.rows) * ROW) / 2)
        parts += [_line(boxes, origin, target) for origin, target in sorted(wing.pairs)]
        parts += [_drawn_box(room, box) for room, box in boxes.items()]
        top += height + GAP
    says = "Each band is a wing. " + LEGEND
    return sheet("The floors of app/: imports run down, never up", says, LEGEND, parts, top + 4)


def _band(top: float, height: float, name: str) -> list[str]:
    band = f'<rect x="{MARGIN}" y="{top:g}" width="{WIDTH - 2 * MARGIN}" height="{height:g}" rx="6" fill="{BAND}"/>'
    return [band, text_at(MARGIN + 14, top + 24, name, weight="bold", size=15)]


def _places(rows: Sequence[Row], top: float) -> dict[str, Box]:
    """Where each room's box stands: those of a row are spread over the width, and single ones alternate sideways."""
    boxes: dict[str, Box] = {}
    for number, row in enumerate(rows):
        widths = [len(_label(room)) * SIZE * LETTER + 22 for room in row]
        space = (WIDTH - MARGIN - LABELS - sum(widths)) / (len(row) + 1)
        left = LABELS + space
        if len(row) == 1:
            left += STAGGER if number % 2 else -STAGGER
        for room, width in zip(row, widths, strict=True):
            boxes[room] = Box(left, top + number * ROW + (ROW - BOX) / 2, width)
            left += width + space
    return boxes


def _label(room: str) -> str:
    return room.rpartition(".")[2]


def _line(boxes: Mapping[str, Box], origin: str, target: str) -> str:
    """A line from a box down to another, bent around the boxes between them."""
    x, y = boxes[origin].middle, boxes[origin].top + BOX
    to_x, to_y = boxes[target].middle, boxes[target].top - 5
    aside = 0.0
    for box in boxes.values():
        if y < box.top < to_y - BOX:
            on_the_way = x + (to_x - x) * (box.top - y) / (to_y - y)
            distance = on_the_way - box.middle
            needed = box.width / 2 + 16 - abs(distance)
            if needed > 0:
                # A curve reaches three quarters of the way to its two control points.
                aside = max(aside, needed / 0.75, key=abs) if distance >= 0 else min(aside, -needed / 0.75)
    bend = (to_y - y) / 2
    path = f"M{x:.1f} {y:.1f}C{x + aside:.1f} {y + bend:.1f} {to_x + aside:.1f} {to_y - bend:.1f} {to_x:.1f} {to_y:.1f}"
    return f'<path d="{path}" fill="none" stroke="{LINE}" stroke-width="1.4" marker-end="url(#head)"/>'


def _drawn_box(room: str, box: Box) -> str:
    shape = f'x="{box.left:.1f}" y="{box.top:.1f}" width="{box.width:.1f}" height="{BOX}" rx="4"'
    drawn = f'<rect {shape} fill="{PAPER}" stroke="{INK}"/>'
    return drawn + text_at(box.middle, box.top + 17.5, _label(room), anchor="middle")


def text_at(
    x: float,
    y: float,
    words: str,
    fill: str = INK,
    size: float = SIZE,
    *,
    weight: str = "normal",
    anchor: str = "start",
) -> str:
    # What differs from the sheet's own settings, so that the file stays small and easy to compare.
    own = {"font-weight": (weight, "normal"), "text-anchor": (anchor, "start"), "fill": (fill, INK)}
    own["font-size"] = (f"{size:g}", f"{SIZE:g}")
    attributes = "".join(f' {name}="{value}"' for name, (value, usual) in own.items() if value != usual)
    return f'<text x="{x:.1f}" y="{y:.1f}"{attributes}>{escape(words)}</text>'


def sheet(title: str, says: str, shown: str, parts: Sequence[str], height: float) -> str:
    """The whole SVG file: the title, the line `shown` below it and the parts; `says` is for screen readers."""
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-labelledby="title says" width="{WIDTH}" '
        f'height="{height:g}" viewBox="0 0 {WIDTH} {height:g}" font-family="Helvetica, Arial, sans-serif" '
        f'font-size="{SIZE}" fill="{INK}">'
    )
    marker = (
        '<marker id="head" viewBox="0 0 8 8" refX="4" refY="4" markerWidth="6" markerHeight="6" orient="auto">'
        f'<path d="M0 0L8 4L0 8z" fill="{LINE}"/></marker>'
    )
    return "\n".join(
        [
            head,
            f'<title id="title">{escape(title)}</title>',
            f'<desc id="says">{escape(says)}</desc>',
            f"<defs>{marker}</defs>",
            # A background of its own, so that the picture reads the same on a light and on a dark page.
            f'<rect width="{WIDTH}" height="{height:g}" rx="8" fill="{PAPER}"/>',
            text_at(MARGIN, 30, title, size=17, weight="bold"),
            text_at(MARGIN, 50, shown, GREY, SMALL),
            *parts,
            "</svg>",
            "",
        ]
    )


def picture() -> str:
    """The picture of the code as it is."""
    return draw(wings(APP))


def write(path: Path = PICTURE) -> None:
    """Write the picture to its place."""
    path.write_text(picture(), encoding="utf-8")


if __name__ == "__main__":
    write()
