"""The layout of a diagram: rows, places within the rows, and the lines between them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from fast_sugiyama import from_edges

from app.institution.procedures.diagram.plan import EarlyEnding, Plan, phases_of
from app.institution.procedures.diagram.text import (
    BODY_SIZE,
    ENDING_WIDTH,
    PADDING,
    TITLE_SIZE,
    TextLine,
    height_of,
    wrapped,
)
from app.institution.procedures.diagram.words import arrow_lines, ending_lines, stage_lines

MARGIN = 20
BAND_NAME_WIDTH = 104
PITCH = 300
ROW_GAP = 38
LANE = 26
RAIL_PITCH = 18
LEAST_WIDTH = 980
Edge = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Arrangement:
    """Position across and row of every node, and the nodes that each line passes on its way down."""

    across: Mapping[int, float]
    row: Mapping[int, int]
    lines: Mapping[Edge, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Sheet:
    """The positions of everything on the page; lines bend only between the bottom of a row and the top of the next."""

    plan: Plan
    arrangement: Arrangement
    blocks: Mapping[int, tuple[TextLine, ...]]
    heights: Mapping[int, float]
    tops: tuple[float, ...]
    bottoms: tuple[float, ...]
    under: Mapping[str, float]
    endings_left: float
    rails: Mapping[str, float]
    width: float


def arrange(plan: Plan) -> Arrangement:
    """Let the layout library find rows, order and positions in a graph whose nodes are stages and labels."""
    edges = _downward(plan)
    root = len(plan.procedure.stages) + len(plan.arrows)
    headless = sorted(set(range(root)) - {low for _, low in edges})
    hidden = [(root, node) for node in headless] + _phase_order(plan, edges)
    ((positions, _, _, passed),) = from_edges(
        [*edges, *hidden], vertex_spacing=PITCH, dummy_size=0.25, ranking_type="down", check_layout=True
    )
    places = {int(node): (float(x), float(y)) for node, (x, y) in sorted(positions)}
    lines = _drawn_lines(edges, [(int(high), int(low)) for high, low in passed or ()], root)
    drawn = set(range(root)).union(*lines.values())
    levels = sorted({places[node][1] for node in drawn}, reverse=True)
    row = {node: levels.index(places[node][1]) for node in sorted(drawn)}
    return Arrangement(_apart({node: places[node][0] for node in row}, row, root), row, lines)


def _drawn_lines(edges: Iterable[Edge], passed: Iterable[Edge], root: int) -> dict[Edge, tuple[int, ...]]:
    """Give each line that is drawn the nodes that it passes: the library numbers them above the root."""
    following: dict[int, list[int]] = {}
    for high, low in sorted(passed):
        following.setdefault(high, []).append(low)
    lines = [_line_through(high, low, following, root) for high in range(root) for low in following.get(high, ())]
    wanted = set(edges)
    return {(line[0], line[-1]): line for line in lines if (line[0], line[-1]) in wanted}


def _downward(plan: Plan) -> list[Edge]:
    edges: list[Edge] = []
    for position, arrow in enumerate(plan.arrows):
        label = plan.arrow_node(position)
        for origin in arrow.origins:
            edges.append((label, plan.node(origin)) if arrow.upward else (plan.node(origin), label))
        edges.append((plan.node(arrow.to), label) if arrow.upward else (label, plan.node(arrow.to)))
    return edges


def _phase_order(plan: Plan, edges: Sequence[Edge]) -> list[Edge]:
    """Edges to add so that every stage of a phase stands above every stage of the next phase."""
    below = _below(edges)
    added: list[Edge] = []
    for earlier, later in pairwise(phases_of(plan.procedure)):
        for high in earlier:
            for low in later:
                if plan.node(low) not in below.get(plan.node(high), set()):
                    added.append((plan.node(high), plan.node(low)))
                    below = _below([*edges, *added])
    return added


def _below(edges: Sequence[Edge]) -> dict[int, set[int]]:
    direct: dict[int, set[int]] = {}
    for high, low in edges:
        direct.setdefault(high, set()).add(low)
    reached: dict[int, set[int]] = {}
    for node in direct:
        waiting = [node]
        reached[node] = set()
        while waiting:
            fresh = direct.get(waiting.pop(), set()) - reached[node]
            reached[node] |= fresh
            waiting += fresh
    return reached


def _apart(across: Mapping[int, float], row: Mapping[int, int], root: int) -> dict[int, float]:
    """Move nodes apart, in the same order from 0 on, until no line runs through a box or along another line."""
    apart: dict[int, float] = {}
    for level in sorted(set(row.values())):
        before: int | None = None
        for node in sorted((each for each in row if row[each] == level), key=lambda each: (across[each], each)):
            room = PITCH / 2 * ((node < root) + (before is not None and before < root)) or LANE
            apart[node] = across[node] if before is None else max(across[node], apart[before] + room)
            before = node
    left = min(apart[node] for node in apart)
    return {node: place - left for node, place in apart.items()}


def _line_through(high: int, low: int, following: Mapping[int, Sequence[int]], root: int) -> tuple[int, ...]:
    line = [high, low]
    while line[-1] > root:
        line.append(following[line[-1]][0])
    return tuple(line)


def header_of(plan: Plan) -> tuple[float, list[TextLine]]:
    """Return the lines above the diagram, and where the first row starts below them."""
    procedure, width = plan.procedure, LEAST_WIDTH - 2 * MARGIN
    lines = wrapped(f"{procedure.title}, {procedure.edition}", width, TITLE_SIZE, bold=True)
    lines += wrapped(procedure.source, width, BODY_SIZE)
    return MARGIN + height_of(lines) + 2 * ROW_GAP, lines


def lay_out(plan: Plan, arrangement: Arrangement, top: float) -> Sheet:
    """Turn the arrangement into positions on the page, with the texts of boxes and labels."""
    nodes = len(plan.procedure.stages) + len(plan.arrows)
    left = MARGIN + BAND_NAME_WIDTH + PITCH / 2
    placed = Arrangement(
        {node: place + left for node, place in arrangement.across.items()}, arrangement.row, arrangement.lines
    )
    blocks: dict[int, tuple[TextLine, ...]] = {}
    heights: dict[int, float] = {}
    for node, stage in enumerate(plan.procedure.stages):
        blocks[node] = stage_lines(plan, stage)
        aside = _endings_height(plan, stage.name) if _is_last_in_row(placed, node, nodes) else 0
        heights[node] = max(height_of(blocks[node]) + 2 * PADDING, aside)
    for position, arrow in enumerate(plan.arrows):
        blocks[plan.arrow_node(position)] = arrow_lines(plan, arrow)
        heights[plan.arrow_node(position)] = height_of(blocks[plan.arrow_node(position)]) + PADDING
    tops, bottoms, under = _rows(plan, placed, heights, top)
    endings_left = max(place for node, place in placed.across.items()) + PITCH / 2
    finals = sorted(
        {ending.to for ending in plan.endings}, key=lambda name: (-placed.across[plan.node(name)], plan.node(name))
    )
    rails = {name: endings_left + ENDING_WIDTH + RAIL_PITCH * position for position, name in enumerate(finals)}
    width = max(LEAST_WIDTH, *rails.values(), endings_left) + MARGIN
    return Sheet(plan, placed, blocks, heights, tops, bottoms, under, endings_left, rails, width)


def _is_last_in_row(arrangement: Arrangement, node: int, nodes: int) -> bool:
    return not any(
        arrangement.row[other] == arrangement.row[node] and arrangement.across[other] > arrangement.across[node]
        for other in range(nodes)
    )


def endings_of(plan: Plan, stage: str) -> list[EarlyEnding]:
    """Early endings that leave this stage."""
    return [ending for ending in plan.endings if ending.origin == stage]


def ending_height(plan: Plan, ending: EarlyEnding) -> float:
    """Height of an early ending's label, with its padding."""
    return height_of(ending_lines(plan, ending)) + PADDING


def _endings_height(plan: Plan, stage: str) -> float:
    return sum(ending_height(plan, ending) for ending in endings_of(plan, stage)) + PADDING


def _rows(
    plan: Plan, arrangement: Arrangement, heights: Mapping[int, float], top: float
) -> tuple[tuple[float, ...], tuple[float, ...], dict[str, float]]:
    """Top and bottom of each row, and the height below the boxes for lines of stages with a neighbour on the right."""
    tops: list[float] = []
    bottoms: list[float] = []
    under: dict[str, float] = {}
    for level in range(max(arrangement.row.values()) + 1):
        bottom = top + max((height for node, height in heights.items() if arrangement.row[node] == level), default=0)
        for node, stage in enumerate(plan.procedure.stages):
            if arrangement.row[node] == level and not _is_last_in_row(arrangement, node, len(heights)):
                under[stage.name] = bottom
                bottom += _endings_height(plan, stage.name) if endings_of(plan, stage.name) else 0
                bottom += RAIL_PITCH if any(ending.to == stage.name for ending in plan.endings) else 0
        tops.append(top)
        bottoms.append(bottom)
        top = bottom + ROW_GAP
    return tuple(tops), tuple(bottoms), under
