"""A rule set drawn as SVG: its stages by phase, the steps between them, and a key that describes each step."""

import math
import unicodedata
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from app.institution.procedures.diagram.layout import (
    LANE,
    MARGIN,
    ROW_GAP,
    Edge,
    Sheet,
    arrange,
    ending_height,
    endings_of,
    header_of,
    lay_out,
)
from app.institution.procedures.diagram.plan import EarlyEnding, Plan, phases_of, plan_of
from app.institution.procedures.diagram.text import (
    BODY_SIZE,
    BOX_WIDTH,
    HEADING_SIZE,
    PADDING,
    TextLine,
    height_of,
    wrapped,
)
from app.institution.procedures.diagram.words import description_of, ending_lines, key_row
from app.rules.model import Procedure

BLACK, GREY, PALE, WHITE = "#111111", "#c3cad2", "#f1f4f7", "#ffffff"
THIN, HEAVY = 1.5, 4.0


def draw(procedure: Procedure, *, at: str | None = None, way: Sequence[str] = ()) -> str:
    """Draw a rule set as an SVG document; `at` is the stage of a case, `way` the stages it passed, in order.

    Raises KeyError for a stage that the rule set does not have.
    """
    for name in (*way, *([] if at is None else [at])):
        procedure.stage(name)
    plan = plan_of(procedure, at, tuple(way))
    top, header = header_of(plan)
    sheet = lay_out(plan, arrange(plan), top)
    root = _document(plan)
    drawing = ElementTree.SubElement(root, "g", {"font-family": "sans-serif", "fill": BLACK})
    paper = ElementTree.SubElement(drawing, "rect", {"width": "100%", "height": "100%", "fill": WHITE})
    _draw_text(drawing, header, MARGIN, MARGIN)
    _draw_bands(drawing, sheet)
    _draw_arrows(drawing, sheet)
    _draw_endings(drawing, sheet)
    _draw_stages(drawing, sheet)
    bottom = _draw_legend(drawing, plan, sheet.bottoms[-1] + ROW_GAP)
    bottom = _draw_key(drawing, sheet, bottom + ROW_GAP)
    _set_extent(root, paper, sheet.width, bottom + MARGIN)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _document(plan: Plan) -> ElementTree.Element:
    title, description = f"{plan.procedure.id}-title", f"{plan.procedure.id}-description"
    root = ElementTree.Element(
        "svg",
        {"xmlns": "http://www.w3.org/2000/svg", "role": "img", "aria-labelledby": f"{title} {description}"},
    )
    heading = ElementTree.SubElement(root, "title", {"id": title})
    heading.text = _printable(f"{plan.procedure.title}, {plan.procedure.edition}: stages and steps")
    text = ElementTree.SubElement(root, "desc", {"id": description})
    text.text = _printable(description_of(plan))
    return root


def _set_extent(root: ElementTree.Element, paper: ElementTree.Element, width: float, height: float) -> None:
    root.set("viewBox", f"0 0 {_figure(width)} {_figure(height)}")
    for element in (root, paper):
        element.set("width", _figure(width))
        element.set("height", _figure(height))


def _printable(text: str) -> str:
    """Replace the control characters that a rule set may contain and XML may not."""
    return "".join(
        "\ufffd" if unicodedata.category(sign) in ("Cc", "Cs") or sign in "\ufffe\uffff" else sign for sign in text
    )


def _figure(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")


def _draw_text(
    parent: ElementTree.Element, lines: Iterable[TextLine], x: float, top: float, anchor: str = "start"
) -> float:
    """Draw lines below each other; return where the next would start."""
    for line in lines:
        attributes = {"x": _figure(x + line.indent), "y": _figure(top + line.size), "font-size": str(line.size)}
        if anchor != "start":
            attributes["text-anchor"] = anchor
        if line.bold:
            attributes["font-weight"] = "bold"
        element = ElementTree.SubElement(parent, "text", attributes)
        element.text = _printable(line.text)
        top += line.height
    return top


def _draw_path(parent: ElementTree.Element, path: str, *, dashed: bool = False, heavy: bool = False) -> None:
    attributes = {"d": path, "fill": "none", "stroke": BLACK, "stroke-width": _figure(HEAVY if heavy else THIN)}
    if dashed:
        attributes["stroke-dasharray"] = "7 5"
    ElementTree.SubElement(parent, "path", attributes)


def _draw_head(parent: ElementTree.Element, x: float, y: float, direction: str, *, heavy: bool = False) -> None:
    long, half = (14, 8) if heavy else (10, 5)
    back_x, back_y = {"down": (0, -long), "up": (0, long), "left": (long, 0), "right": (-long, 0)}[direction]
    side_x, side_y = (0, half) if back_x else (half, 0)
    corners = [(x, y), (x + back_x + side_x, y + back_y + side_y), (x + back_x - side_x, y + back_y - side_y)]
    points = " ".join(f"{_figure(corner_x)},{_figure(corner_y)}" for corner_x, corner_y in corners)
    ElementTree.SubElement(parent, "polygon", {"points": points})


def _draw_rectangle(
    parent: ElementTree.Element, x: float, y: float, width: float, height: float, **attributes: str
) -> None:
    figures = {"x": x, "y": y, "width": width, "height": height}
    ElementTree.SubElement(parent, "rect", {name: _figure(figure) for name, figure in figures.items()} | attributes)


def _draw_bands(parent: ElementTree.Element, sheet: Sheet) -> None:
    phases = phases_of(sheet.plan.procedure)
    starts = [min(sheet.arrangement.row[sheet.plan.node(name)] for name in names) for names in phases]
    edges = [sheet.tops[row] - ROW_GAP / 2 for row in starts] + [sheet.bottoms[-1] + ROW_GAP / 2]
    for position, (names, (top, bottom)) in enumerate(zip(phases, pairwise(edges), strict=True)):
        fill = WHITE if position % 2 else PALE
        _draw_rectangle(parent, 0, top, sheet.width, bottom - top, fill=fill, stroke=GREY)
        phase = sheet.plan.procedure.stage(names[0]).phase.capitalize()
        _draw_text(parent, [TextLine(phase, HEADING_SIZE, True)], MARGIN, top + PADDING)


def _draw_stages(parent: ElementTree.Element, sheet: Sheet) -> None:
    for node, stage in enumerate(sheet.plan.procedure.stages):
        left, top = sheet.arrangement.across[node] - BOX_WIDTH / 2, sheet.tops[sheet.arrangement.row[node]]
        height, here = sheet.heights[node], sheet.plan.at == stage.name
        border = _figure(HEAVY if here else THIN)
        group = ElementTree.SubElement(parent, "g", {"class": "stage"})
        _draw_rectangle(group, left, top, BOX_WIDTH, height, **{"fill": WHITE, "stroke": BLACK, "stroke-width": border})
        if stage.final:
            _draw_rectangle(group, left + 4, top + 4, BOX_WIDTH - 8, height - 8, fill="none", stroke=BLACK)
        _draw_text(group, sheet.blocks[node], left + PADDING + 2, top + PADDING)


def _draw_arrows(parent: ElementTree.Element, sheet: Sheet) -> None:
    plan = sheet.plan
    for position, arrow in enumerate(plan.arrows):
        label, to = plan.arrow_node(position), plan.node(arrow.to)
        walked = [(origin, arrow.to) in plan.walked for origin in arrow.origins]
        for origin, heavy in zip(arrow.origins, walked, strict=True):
            edge = (label, plan.node(origin)) if arrow.upward else (plan.node(origin), label)
            _draw_path(parent, _path(sheet, edge), dashed=arrow.silent, heavy=heavy)
        edge = (to, label) if arrow.upward else (label, to)
        _draw_path(parent, _path(sheet, edge), dashed=arrow.silent, heavy=any(walked))
        y = _foot(sheet, to) if arrow.upward else sheet.tops[sheet.arrangement.row[to]]
        port = _port(sheet, to, edge)
        _draw_head(parent, port, y, "up" if arrow.upward else "down", heavy=any(walked))
        group = ElementTree.SubElement(parent, "g", {"class": "label"})
        top = sheet.tops[sheet.arrangement.row[label]] + PADDING / 2
        _draw_text(group, sheet.blocks[label], sheet.arrangement.across[label], top, "middle")


def _foot(sheet: Sheet, node: int) -> float:
    return sheet.tops[sheet.arrangement.row[node]] + sheet.heights[node]


def _port(sheet: Sheet, node: int, edge: Edge) -> float:
    """Where across a node a line starts or ends: the lines of a stage stand side by side, in the order they run."""
    middle = sheet.arrangement.across[node]
    if node >= len(sheet.plan.procedure.stages):
        return middle
    side = 0 if edge[0] == node else 1
    lines = [
        line if side == 0 else line[::-1] for other, line in sheet.arrangement.lines.items() if other[side] == node
    ]
    lines.sort(key=lambda line: (sheet.arrangement.across[line[1]], line[-1]))
    place = [line[-1] for line in lines].index(edge[1 - side])
    return middle + (place - (len(lines) - 1) / 2) * min(LANE, BOX_WIDTH / (len(lines) + 1))


def _path(sheet: Sheet, edge: Edge) -> str:
    """Path of a line: straight through rows, bent only between them."""
    line = sheet.arrangement.lines[edge]
    x, row = _port(sheet, edge[0], edge), sheet.arrangement.row
    path = f"M{_figure(x)} {_figure(_foot(sheet, edge[0]))} V{_figure(sheet.bottoms[row[edge[0]]] + PADDING)}"
    for node in line[1:]:
        onward = _port(sheet, node, edge) if node == edge[1] else sheet.arrangement.across[node]
        start, end = sheet.bottoms[row[node] - 1] + PADDING, sheet.tops[row[node]]
        # Either end may carry an arrow head, which the line must reach straight.
        bend = end - PADDING
        middle = (start + bend) / 2
        path += (
            f" C{_figure(x)} {_figure(middle)} {_figure(onward)} {_figure(middle)} {_figure(onward)} {_figure(bend)}"
        )
        path += f" V{_figure(end if node == edge[1] else sheet.bottoms[row[node]] + PADDING)}"
        x = onward
    return path


def _draw_endings(parent: ElementTree.Element, sheet: Sheet) -> None:
    """Draw early endings: each leaves its stage to the right and joins a rail down to the final stage."""
    if sheet.plan.endings:
        heading = TextLine("Ways to end the case", HEADING_SIZE, True)
        top = sheet.tops[0] - ROW_GAP / 2 - heading.height - PADDING / 2
        _draw_text(parent, [heading], sheet.endings_left + PADDING, top)
    highest: dict[str, float] = {}
    walked: dict[str, float] = {}
    for stage in sheet.plan.procedure.stages:
        for ending, y in _ending_heights(sheet, stage.name):
            heavy = (ending.origin, ending.to) in sheet.plan.walked
            _draw_ending(parent, sheet, ending, y, heavy)
            highest[ending.to] = min(y, highest.get(ending.to, math.inf))
            if heavy:
                walked[ending.to] = min(y, walked.get(ending.to, math.inf))
    for final, top in highest.items():
        _draw_rail(parent, sheet, final, top, heavy=False)
    for final, top in walked.items():
        _draw_rail(parent, sheet, final, top, heavy=True)


def _ending_heights(sheet: Sheet, stage: str) -> Iterator[tuple[EarlyEnding, float]]:
    y = sheet.under.get(stage, sheet.tops[sheet.arrangement.row[sheet.plan.node(stage)]])
    for ending in endings_of(sheet.plan, stage):
        y += ending_height(sheet.plan, ending)
        yield ending, y


def _draw_ending(parent: ElementTree.Element, sheet: Sheet, ending: EarlyEnding, y: float, heavy: bool) -> None:
    node = sheet.plan.node(ending.origin)
    right = sheet.arrangement.across[node] + BOX_WIDTH / 2
    rail = sheet.rails[ending.to]
    if ending.origin in sheet.under:
        ways = [each for each, _ in _ending_heights(sheet, ending.origin)]
        start = right - PADDING - ways.index(ending) * PADDING
        path = f"M{_figure(start)} {_figure(_foot(sheet, node))} V{_figure(y)} H{_figure(rail)}"
    else:
        path = f"M{_figure(right)} {_figure(y)} H{_figure(rail)}"
    _draw_path(parent, path, dashed=ending.silent, heavy=heavy)
    ElementTree.SubElement(parent, "circle", {"cx": _figure(rail), "cy": _figure(y), "r": "3.5"})
    lines = ending_lines(sheet.plan, ending)
    group = ElementTree.SubElement(parent, "g", {"class": "label"})
    _draw_text(group, lines, sheet.endings_left + PADDING, y - height_of(lines) - 2)


def _draw_rail(parent: ElementTree.Element, sheet: Sheet, final: str, top: float, *, heavy: bool) -> None:
    node = sheet.plan.node(final)
    rail, right = sheet.rails[final], sheet.arrangement.across[node] + BOX_WIDTH / 2
    path = f"M{_figure(rail)} {_figure(top)} "
    if final in sheet.under:
        y, port = sheet.under[final] + PADDING, right - PADDING
        _draw_path(parent, f"{path} V{_figure(y)} H{_figure(port)} V{_figure(_foot(sheet, node))}", heavy=heavy)
        _draw_head(parent, port, _foot(sheet, node), "up", heavy=heavy)
    else:
        y = sheet.tops[sheet.arrangement.row[node]] + sheet.heights[node] / 2
        _draw_path(parent, f"{path} V{_figure(y)} H{_figure(right + PADDING)}", heavy=heavy)
        _draw_head(parent, right, y, "left", heavy=heavy)


def _draw_legend(parent: ElementTree.Element, plan: Plan, top: float) -> float:
    samples = [
        ("double", "final stage: the case ends there"),
        ("plain", "a step that leads from one stage to another; a ? or * after its article is explained below"),
        ("dashed", "silence: a step that is open only once its term has passed"),
    ]
    if plan.walked:
        samples.append(("heavy", "the way that the case took, in the order of the numbers in the boxes"))
    for kind, meaning in samples:
        middle = top + BODY_SIZE / 2 + 3
        if kind == "double":
            _draw_rectangle(parent, MARGIN, middle - 8, 40, 16, fill=WHITE, stroke=BLACK)
            _draw_rectangle(parent, MARGIN + 3, middle - 5, 34, 10, fill="none", stroke=BLACK)
        else:
            path = f"M{MARGIN} {_figure(middle)} H{MARGIN + 32}"
            _draw_path(parent, path, dashed=kind == "dashed", heavy=kind == "heavy")
            _draw_head(parent, MARGIN + 42, middle, "right", heavy=kind == "heavy")
        top = _draw_text(parent, [TextLine(meaning)], MARGIN + 64, top) + 4
    meanings = [
        ("?", "the article was not seen by those who wrote the file: unverified"),
        ("*", "the article was seen in a secondary source only"),
        ("practice", "no article: the registry's own practice"),
        ("·", "in a box: a step that leaves the case at its stage"),
    ]
    for sign, meaning in meanings:
        _draw_text(parent, [TextLine(sign, bold=True)], MARGIN, top)
        top = _draw_text(parent, [TextLine(meaning)], MARGIN + 64, top) + 4
    return top


def _draw_key(parent: ElementTree.Element, sheet: Sheet, top: float) -> float:
    room = sheet.width - 2 * MARGIN - 34
    widths = [34, room * 0.34, room * 0.17, room * 0.28, room * 0.21]
    rows = [("", "Step", "Who", "From → to (outcome)", "Rests on")]
    rows += [key_row(sheet.plan, entry) for entry in sheet.plan.entries]
    for position, row in enumerate(rows):
        x, bottom = float(MARGIN), top
        for text, width in zip(row, widths, strict=True):
            bold = position == 0 or x == MARGIN
            lines = wrapped(text, width - 12, BODY_SIZE, bold=bold)
            bottom = max(bottom, _draw_text(parent, lines, x, top, "start"))
            x += width
        ElementTree.SubElement(
            parent,
            "path",
            {"d": f"M{MARGIN} {_figure(bottom + 4)} H{_figure(sheet.width - MARGIN)}", "stroke": GREY},
        )
        top = bottom + PADDING
    return top
