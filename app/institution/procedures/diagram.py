"""A rule set drawn: its stages by phase, the steps that lead between them, and a key that says what each step is."""

import math
import re
import unicodedata
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from fast_sugiyama import from_edges

from app.rules.model import PHASES, SET_PER_CASE, Citation, Procedure, Stage, Step

TITLE_SIZE, HEADING_SIZE, BODY_SIZE, SMALL_SIZE = 18, 13, 12, 11
# How wide a letter is for its size, on the safe side: the reader's sans-serif is not known.
LETTER, BOLD_LETTER = 0.56, 0.6

MARGIN = 20
BAND_NAME_WIDTH = 104
PITCH = 300
BOX_WIDTH = 260
LABEL_WIDTH = 272
PADDING = 8
ROW_GAP = 38
LANE = 26
ENDING_WIDTH = 280
RAIL_PITCH = 18
LEAST_WIDTH = 980
BLACK, GREY, PALE, WHITE = "#111111", "#c3cad2", "#f1f4f7", "#ffffff"
THIN, HEAVY = 1.5, 4.0
MARKS = {"unverified": " ?", "secondary": " *"}

Edge = tuple[int, int]
Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class _Line:
    text: str
    size: int = BODY_SIZE
    bold: bool = False
    indent: int = 0

    @property
    def height(self) -> int:
        return self.size + 4


@dataclass(frozen=True, slots=True)
class _Numbered:
    number: int
    step: Step


@dataclass(frozen=True, slots=True)
class _Arrow:
    """Steps that lead from the same stages to the same stage; `upward` where that stage stands above."""

    origins: tuple[str, ...]
    to: str
    silent: bool
    upward: bool
    entries: tuple[_Numbered, ...]


@dataclass(frozen=True, slots=True)
class _Ending:
    """Steps by which a case may end at a stage although another step is expected there."""

    origin: str
    to: str
    silent: bool
    entries: tuple[_Numbered, ...]


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is to be drawn, before it has a place. Stages are numbered from 0, the arrows after them."""

    procedure: Procedure
    entries: tuple[_Numbered, ...]
    arrows: tuple[_Arrow, ...]
    endings: tuple[_Ending, ...]
    stays: Mapping[str, tuple[_Numbered, ...]]
    at: str | None
    way: tuple[str, ...]

    @property
    def walked(self) -> frozenset[Pair]:
        """From which stage to which the case went."""
        stages = self.way if self.at is None or self.way[-1:] == (self.at,) else (*self.way, self.at)
        return frozenset(pairwise(stages))

    def node(self, stage: str) -> int:
        """The number of the stage."""
        return [one.name for one in self.procedure.stages].index(stage)

    def arrow_node(self, position: int) -> int:
        """The number of the arrow's label."""
        return len(self.procedure.stages) + position


@dataclass(frozen=True, slots=True)
class _Arrangement:
    """Across and row of every node, and the nodes that each line passes on its way from one row to a lower one."""

    across: Mapping[int, float]
    row: Mapping[int, int]
    lines: Mapping[Edge, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class _Sheet:
    """Where everything stands on the page. A row ends at its bottom; between two rows lines may bend."""

    plan: _Plan
    arrangement: _Arrangement
    blocks: Mapping[int, tuple[_Line, ...]]
    heights: Mapping[int, float]
    tops: tuple[float, ...]
    bottoms: tuple[float, ...]
    under: Mapping[str, float]
    endings_left: float
    rails: Mapping[str, float]
    width: float


def draw(procedure: Procedure, *, at: str | None = None, way: Sequence[str] = ()) -> str:
    """The rule set as an SVG document; `at` is where a case stands, `way` the stages through which it came, in order.

    KeyError if the rule set has no stage of such a name.
    """
    for name in (*way, *([] if at is None else [at])):
        procedure.stage(name)
    plan = _plan(procedure, at, tuple(way))
    top, header = _header(plan)
    sheet = _sheet(plan, _arrangement(plan), top)
    root = _document(plan)
    drawing = ElementTree.SubElement(root, "g", {"font-family": "sans-serif", "fill": BLACK})
    paper = ElementTree.SubElement(drawing, "rect", {"width": "100%", "height": "100%", "fill": WHITE})
    _draw_lines(drawing, header, MARGIN, MARGIN)
    _draw_bands(drawing, sheet)
    _draw_arrows(drawing, sheet)
    _draw_endings(drawing, sheet)
    _draw_stages(drawing, sheet)
    bottom = _draw_legend(drawing, plan, sheet.bottoms[-1] + ROW_GAP)
    bottom = _draw_key(drawing, sheet, bottom + ROW_GAP)
    _set_extent(root, paper, sheet.width, bottom + MARGIN)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


# What is drawn


def _plan(procedure: Procedure, at: str | None, way: tuple[str, ...]) -> _Plan:
    entries = tuple(_Numbered(number, step) for number, step in enumerate(procedure.steps, start=1))
    return _Plan(
        procedure=procedure,
        entries=entries,
        arrows=_arrows(procedure, entries),
        endings=_endings(procedure, entries),
        stays={
            stage.name: tuple(
                one for one in entries if stage.name in one.step.origin and one.step.to in (None, stage.name)
            )
            for stage in procedure.stages
        },
        at=at,
        way=way,
    )


def _ends_aside(procedure: Procedure, step: Step) -> bool:
    return step.to is not None and procedure.stage(step.to).final and not step.expected


def _arrows(procedure: Procedure, entries: Iterable[_Numbered]) -> tuple[_Arrow, ...]:
    found: dict[tuple[tuple[str, ...], str, bool, bool], list[_Numbered]] = {}
    for one in entries:
        if one.step.to is None or _ends_aside(procedure, one.step):
            continue
        for upward in (False, True):
            origins = tuple(
                stage.name
                for stage in procedure.stages
                if stage.name in one.step.origin
                and stage.name != one.step.to
                and (_standing(procedure, stage.name) > _standing(procedure, one.step.to)) is upward
            )
            if origins:
                found.setdefault((origins, one.step.to, one.step.after is not None, upward), []).append(one)
    return tuple(
        _Arrow(origins, to, silent, upward, tuple(steps)) for (origins, to, silent, upward), steps in found.items()
    )


def _standing(procedure: Procedure, stage: str) -> tuple[int, int]:
    names = [one.name for one in procedure.stages]
    return PHASES.index(procedure.stage(stage).phase), names.index(stage)


def _endings(procedure: Procedure, entries: Iterable[_Numbered]) -> tuple[_Ending, ...]:
    found: dict[tuple[str, str, bool], list[_Numbered]] = {}
    for one in entries:
        if one.step.to is not None and _ends_aside(procedure, one.step):
            for origin in one.step.origin:
                if origin != one.step.to:
                    found.setdefault((origin, one.step.to, one.step.after is not None), []).append(one)
    return tuple(_Ending(*where, tuple(steps)) for where, steps in found.items())


# In which words


def _plain(name: str) -> str:
    return name.replace("-", " ")


def _who(step: Step) -> str:
    if step.each is None:
        return " or ".join(_plain(capacity) for capacity in step.by)
    whom = f"each {_plain(step.each.removeprefix('any-'))}"
    others = [_plain(capacity) for capacity in step.by if capacity != step.each]
    return f"{' or '.join(others)}, for {whom}" if others else whom


def _rests_on(citation: Citation) -> str:
    if citation.article is None and citation.standing == "institution":
        return "practice"
    where = citation.article or citation.source or "no article"
    if citation.standing == "institution":
        where = f"{where}, practice"
    return where + MARKS.get(citation.standing, "")


def _period(procedure: Procedure, step: Step) -> str:
    if step.after is None:
        return ""
    period = procedure.term(step.after).period
    return "the period set for the case" if period == SET_PER_CASE else _plain(period)


def _silence(procedure: Procedure, step: Step) -> str:
    return "" if step.after is None else f"after {_period(procedure, step)}, {_plain(step.after)}"


def _stage_lines(plan: _Plan, stage: Stage) -> tuple[_Line, ...]:
    lines = [_Line(text, SMALL_SIZE, True) for text in _marks(plan, stage.name)]
    lines += _wrapped(stage.title, BOX_WIDTH - 2 * PADDING, HEADING_SIZE, bold=True)
    lines += _wrapped(f"{stage.name}{', final' if stage.final else ''}", BOX_WIDTH - 2 * PADDING, SMALL_SIZE)
    for text in _by_name(plan, plan.stays[stage.name]):
        lines += _wrapped(f"· {text}", BOX_WIDTH - 2 * PADDING, SMALL_SIZE, hanging=PADDING)
    return tuple(lines)


def _marks(plan: _Plan, stage: str) -> Iterator[str]:
    numbers = [str(number) for number, name in enumerate(plan.way, start=1) if name == stage]
    if numbers:
        yield f"on the way: {', '.join(numbers)}"
    if plan.at == stage:
        yield "▶ here: the case stands at this stage"


def _by_name(plan: _Plan, entries: Iterable[_Numbered], *, cited: bool = False) -> Iterator[str]:
    """Entries of one name in one line: their numbers, the name, who takes them and, if asked, what they rest on."""
    named: dict[str, list[_Numbered]] = {}
    for one in entries:
        named.setdefault(one.step.name, []).append(one)
    for name, same in named.items():
        numbers = ", ".join(str(one.number) for one in same)
        takers = "; ".join(dict.fromkeys(_who(one.step) for one in same))
        told = _rests_on if cited else None
        more = dict.fromkeys(told(one.step.citation) if told else _aside(plan.procedure, one.step) for one in same)
        yield " · ".join([f"{numbers} {_plain(name)}: {takers}", *(one for one in more if one)])


def _aside(procedure: Procedure, step: Step) -> str:
    """What a step that leaves the case where it is does beside the stages, and for what it waits."""
    acts = (("opens", step.opens), ("pauses", step.pauses), ("resumes", step.reopens), ("closes", step.closes))
    told = [f"{word} {_plain(name)}" for word, names in acts for name in names]
    waits = [f"after {_period(procedure, step)}"] if step.after else []
    return ", ".join((*waits, *told))


def _arrow_lines(plan: _Plan, arrow: _Arrow) -> tuple[_Line, ...]:
    lines: list[_Line] = []
    for one in arrow.entries:
        lines += _wrapped(f"{one.number} {one.step.title}", LABEL_WIDTH, BODY_SIZE, bold=True)
        silence = _silence(plan.procedure, one.step)
        lines += _wrapped(silence, LABEL_WIDTH, SMALL_SIZE) if silence else ()
        lines += _wrapped(f"{_who(one.step)} · {_rests_on(one.step.citation)}", LABEL_WIDTH, SMALL_SIZE)
    return tuple(lines)


def _ending_lines(plan: _Plan, ending: _Ending) -> tuple[_Line, ...]:
    lines: list[_Line] = []
    for text in _by_name(plan, ending.entries, cited=True):
        lines += _wrapped(text, ENDING_WIDTH - 2 * PADDING, SMALL_SIZE, hanging=PADDING)
    for silence in dict.fromkeys(_silence(plan.procedure, one.step) for one in ending.entries if one.step.after):
        lines += _wrapped(silence, ENDING_WIDTH - 2 * PADDING, SMALL_SIZE)
    if sum(1 for stage in plan.procedure.stages if stage.final) > 1:
        lines += _wrapped(f"to {_plain(ending.to)}", ENDING_WIDTH - 2 * PADDING, SMALL_SIZE)
    return tuple(lines)


def _leads(step: Step) -> str:
    outcomes = " or ".join(_plain(one) for one in (step.outcome, step.partial_outcome) if one)
    ends = f" ({outcomes})" if outcomes else ""
    return f"{', '.join(step.origin)} → {step.to or 'stays there'}{ends}"


def _sentence(plan: _Plan, one: _Numbered) -> str:
    step = one.step
    to = "leaves the case where it is" if step.to is None else f"leads to {step.to}"
    silence = _silence(plan.procedure, step)
    when = f", {silence}," if silence else ""
    return (
        f"Step {one.number}, {step.title} ({step.name}), by {_who(step)}, from {', '.join(step.origin)}{when} {to}; "
        f"it rests on {_rests_on(step.citation)}."
    )


def _description(plan: _Plan) -> str:
    sentences = [
        f"Stage {stage.name}, in the phase {stage.phase}{', final' if stage.final else ''}: {stage.title}."
        for stage in plan.procedure.stages
    ]
    sentences += [_sentence(plan, one) for one in plan.entries]
    if plan.way:
        sentences.append(f"The case came through {', '.join(plan.way)}.")
    if plan.at is not None:
        sentences.append(f"The case stands at {plan.at}.")
    return " ".join(sentences)


# How text is broken


def _width(text: str, size: int, bold: bool = False) -> float:
    letter = BOLD_LETTER if bold else LETTER
    return sum(size * (1.0 if unicodedata.east_asian_width(sign) in "WF" else letter) for sign in text)


def _wrapped(text: str, width: float, size: int, *, bold: bool = False, hanging: int = 0) -> list[_Line]:
    """The text in lines that fit; a word that does not fit in a line is broken, where it can be after a mark."""
    lines = [""]
    for space, piece in _pieces(text, width - hanging, size, bold):
        longer = lines[-1] + space + piece if lines[-1] else piece
        if _width(longer, size, bold) <= width - hanging:
            lines[-1] = longer
        else:
            lines.append(piece)
    return [_Line(line, size, bold, hanging if position else 0) for position, line in enumerate(lines)]


def _pieces(text: str, width: float, size: int, bold: bool) -> Iterator[tuple[str, str]]:
    """Words and parts of words that fit in a line, each with what parts it from the one before."""
    for word in text.split():
        parts = [word] if _width(word, size, bold) <= width else re.split(r"(?<=[/.-])", word)
        space = " "
        for part in parts:
            for piece in _broken(part, width, size, bold):
                yield space, piece
                space = ""


def _broken(word: str, width: float, size: int, bold: bool) -> Iterator[str]:
    piece = ""
    for sign in word:
        if piece and _width(piece + sign, size, bold) > width:
            yield piece
            piece = ""
        piece += sign
    yield piece


def _height(lines: Iterable[_Line]) -> int:
    return sum(line.height for line in lines)


# Where it stands


def _arrangement(plan: _Plan) -> _Arrangement:
    """Rows, order and places as the layout library finds them, for a graph in which labels are nodes like stages."""
    edges = _downward(plan)
    root = len(plan.procedure.stages) + len(plan.arrows)
    headless = sorted(set(range(root)) - {low for _, low in edges})
    hidden = [(root, node) for node in headless] + _phase_order(plan, edges)
    ((positions, _, _, passed),) = from_edges(
        [*edges, *hidden], vertex_spacing=PITCH, dummy_size=0.25, ranking_type="down", check_layout=True
    )
    places = {int(node): (float(x), float(y)) for node, (x, y) in sorted(positions)}
    lines = _lines(edges, [(int(high), int(low)) for high, low in passed or ()], root)
    drawn = set(range(root)).union(*lines.values())
    levels = sorted({places[node][1] for node in drawn}, reverse=True)
    row = {node: levels.index(places[node][1]) for node in sorted(drawn)}
    return _Arrangement(_apart({node: places[node][0] for node in row}, row, root), row, lines)


def _lines(edges: Iterable[Edge], passed: Iterable[Edge], root: int) -> dict[Edge, tuple[int, ...]]:
    """The lines that are drawn, each with the nodes of its own, numbered above the root, that it passes on its way."""
    following: dict[int, list[int]] = {}
    for high, low in sorted(passed):
        following.setdefault(high, []).append(low)
    lines = [_line(high, low, following, root) for high in range(root) for low in following.get(high, ())]
    wanted = set(edges)
    return {(line[0], line[-1]): line for line in lines if (line[0], line[-1]) in wanted}


def _downward(plan: _Plan) -> list[Edge]:
    edges: list[Edge] = []
    for position, arrow in enumerate(plan.arrows):
        label = plan.arrow_node(position)
        for origin in arrow.origins:
            edges.append((label, plan.node(origin)) if arrow.upward else (plan.node(origin), label))
        edges.append((plan.node(arrow.to), label) if arrow.upward else (label, plan.node(arrow.to)))
    return edges


def _phase_order(plan: _Plan, edges: Sequence[Edge]) -> list[Edge]:
    """What must be added so that every stage of a phase stands above every stage of the next."""
    below = _below(edges)
    added: list[Edge] = []
    for earlier, later in pairwise(_phases(plan.procedure)):
        for high in earlier:
            for low in later:
                if plan.node(low) not in below.get(plan.node(high), set()):
                    added.append((plan.node(high), plan.node(low)))
                    below = _below([*edges, *added])
    return added


def _phases(procedure: Procedure) -> list[tuple[str, ...]]:
    stages = [tuple(stage.name for stage in procedure.stages if stage.phase == phase) for phase in PHASES]
    return [names for names in stages if names]


def _below(edges: Sequence[Edge]) -> dict[int, set[int]]:
    direct: dict[int, set[int]] = {}
    for high, low in edges:
        direct.setdefault(high, set()).add(low)
    found: dict[int, set[int]] = {}
    for node in direct:
        waiting = [node]
        found[node] = set()
        while waiting:
            fresh = direct.get(waiting.pop(), set()) - found[node]
            found[node] |= fresh
            waiting += fresh
    return found


def _apart(across: Mapping[int, float], row: Mapping[int, int], root: int) -> dict[int, float]:
    """Places from 0 on, in the same order, in which no line runs through a box or upon another line."""
    apart: dict[int, float] = {}
    for level in sorted(set(row.values())):
        before: int | None = None
        for node in sorted((one for one in row if row[one] == level), key=lambda one: (across[one], one)):
            room = PITCH / 2 * ((node < root) + (before is not None and before < root)) or LANE
            apart[node] = across[node] if before is None else max(across[node], apart[before] + room)
            before = node
    left = min(apart[node] for node in apart)
    return {node: place - left for node, place in apart.items()}


def _line(high: int, low: int, following: Mapping[int, Sequence[int]], root: int) -> tuple[int, ...]:
    line = [high, low]
    while line[-1] > root:
        line.append(following[line[-1]][0])
    return tuple(line)


def _header(plan: _Plan) -> tuple[float, list[_Line]]:
    procedure, width = plan.procedure, LEAST_WIDTH - 2 * MARGIN
    lines = _wrapped(f"{procedure.title}, {procedure.edition}", width, TITLE_SIZE, bold=True)
    lines += _wrapped(procedure.source, width, BODY_SIZE)
    return MARGIN + _height(lines) + 2 * ROW_GAP, lines


def _sheet(plan: _Plan, arrangement: _Arrangement, top: float) -> _Sheet:
    nodes = len(plan.procedure.stages) + len(plan.arrows)
    left = MARGIN + BAND_NAME_WIDTH + PITCH / 2
    placed = _Arrangement(
        {node: place + left for node, place in arrangement.across.items()}, arrangement.row, arrangement.lines
    )
    blocks: dict[int, tuple[_Line, ...]] = {}
    heights: dict[int, float] = {}
    for node, stage in enumerate(plan.procedure.stages):
        blocks[node] = _stage_lines(plan, stage)
        aside = _endings_height(plan, stage.name) if _is_last_in_row(placed, node, nodes) else 0
        heights[node] = max(_height(blocks[node]) + 2 * PADDING, aside)
    for position, arrow in enumerate(plan.arrows):
        blocks[plan.arrow_node(position)] = _arrow_lines(plan, arrow)
        heights[plan.arrow_node(position)] = _height(blocks[plan.arrow_node(position)]) + PADDING
    tops, bottoms, under = _rows(plan, placed, heights, top)
    endings_left = max(place for node, place in placed.across.items()) + PITCH / 2
    finals = sorted(
        {ending.to for ending in plan.endings}, key=lambda name: (-placed.across[plan.node(name)], plan.node(name))
    )
    rails = {name: endings_left + ENDING_WIDTH + RAIL_PITCH * position for position, name in enumerate(finals)}
    width = max(LEAST_WIDTH, *rails.values(), endings_left) + MARGIN
    return _Sheet(plan, placed, blocks, heights, tops, bottoms, under, endings_left, rails, width)


def _is_last_in_row(arrangement: _Arrangement, node: int, nodes: int) -> bool:
    return not any(
        arrangement.row[other] == arrangement.row[node] and arrangement.across[other] > arrangement.across[node]
        for other in range(nodes)
    )


def _endings_of(plan: _Plan, stage: str) -> list[_Ending]:
    return [ending for ending in plan.endings if ending.origin == stage]


def _ending_height(plan: _Plan, ending: _Ending) -> float:
    return _height(_ending_lines(plan, ending)) + PADDING


def _endings_height(plan: _Plan, stage: str) -> float:
    return sum(_ending_height(plan, ending) for ending in _endings_of(plan, stage)) + PADDING


def _rows(
    plan: _Plan, arrangement: _Arrangement, heights: Mapping[int, float], top: float
) -> tuple[tuple[float, ...], tuple[float, ...], dict[str, float]]:
    """Top and bottom of every row, and where below its boxes the lines of a stage start that cannot leave sideways."""
    tops: list[float] = []
    bottoms: list[float] = []
    under: dict[str, float] = {}
    for level in range(max(arrangement.row.values()) + 1):
        bottom = top + max((height for node, height in heights.items() if arrangement.row[node] == level), default=0)
        for node, stage in enumerate(plan.procedure.stages):
            if arrangement.row[node] == level and not _is_last_in_row(arrangement, node, len(heights)):
                under[stage.name] = bottom
                bottom += _endings_height(plan, stage.name) if _endings_of(plan, stage.name) else 0
                bottom += RAIL_PITCH if any(ending.to == stage.name for ending in plan.endings) else 0
        tops.append(top)
        bottoms.append(bottom)
        top = bottom + ROW_GAP
    return tuple(tops), tuple(bottoms), under


# How it is drawn


def _document(plan: _Plan) -> ElementTree.Element:
    title, description = f"{plan.procedure.id}-title", f"{plan.procedure.id}-description"
    root = ElementTree.Element(
        "svg",
        {"xmlns": "http://www.w3.org/2000/svg", "role": "img", "aria-labelledby": f"{title} {description}"},
    )
    heading = ElementTree.SubElement(root, "title", {"id": title})
    heading.text = _printable(f"{plan.procedure.title}, {plan.procedure.edition}: stages and steps")
    text = ElementTree.SubElement(root, "desc", {"id": description})
    text.text = _printable(_description(plan))
    return root


def _set_extent(root: ElementTree.Element, paper: ElementTree.Element, width: float, height: float) -> None:
    root.set("viewBox", f"0 0 {_figure(width)} {_figure(height)}")
    for element in (root, paper):
        element.set("width", _figure(width))
        element.set("height", _figure(height))


def _printable(text: str) -> str:
    """The text without the control characters that a rule set may hold and XML may not."""
    return "".join(
        "\ufffd" if unicodedata.category(sign) in ("Cc", "Cs") or sign in "\ufffe\uffff" else sign for sign in text
    )


def _figure(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")


def _draw_lines(
    parent: ElementTree.Element, lines: Iterable[_Line], x: float, top: float, anchor: str = "start"
) -> float:
    """The lines drawn one below the other; returns where the next would start."""
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
    points = " ".join(f"{_figure(one)},{_figure(other)}" for one, other in corners)
    ElementTree.SubElement(parent, "polygon", {"points": points})


def _draw_rectangle(
    parent: ElementTree.Element, x: float, y: float, width: float, height: float, **attributes: str
) -> None:
    figures = {"x": x, "y": y, "width": width, "height": height}
    ElementTree.SubElement(parent, "rect", {name: _figure(one) for name, one in figures.items()} | attributes)


def _draw_bands(parent: ElementTree.Element, sheet: _Sheet) -> None:
    phases = _phases(sheet.plan.procedure)
    starts = [min(sheet.arrangement.row[sheet.plan.node(name)] for name in names) for names in phases]
    edges = [sheet.tops[row] - ROW_GAP / 2 for row in starts] + [sheet.bottoms[-1] + ROW_GAP / 2]
    for position, (names, (top, bottom)) in enumerate(zip(phases, pairwise(edges), strict=True)):
        fill = WHITE if position % 2 else PALE
        _draw_rectangle(parent, 0, top, sheet.width, bottom - top, fill=fill, stroke=GREY)
        phase = sheet.plan.procedure.stage(names[0]).phase.capitalize()
        _draw_lines(parent, [_Line(phase, HEADING_SIZE, True)], MARGIN, top + PADDING)


def _draw_stages(parent: ElementTree.Element, sheet: _Sheet) -> None:
    for node, stage in enumerate(sheet.plan.procedure.stages):
        left, top = sheet.arrangement.across[node] - BOX_WIDTH / 2, sheet.tops[sheet.arrangement.row[node]]
        height, here = sheet.heights[node], sheet.plan.at == stage.name
        border = _figure(HEAVY if here else THIN)
        group = ElementTree.SubElement(parent, "g", {"class": "stage"})
        _draw_rectangle(group, left, top, BOX_WIDTH, height, **{"fill": WHITE, "stroke": BLACK, "stroke-width": border})
        if stage.final:
            _draw_rectangle(group, left + 4, top + 4, BOX_WIDTH - 8, height - 8, fill="none", stroke=BLACK)
        _draw_lines(group, sheet.blocks[node], left + PADDING + 2, top + PADDING)


def _draw_arrows(parent: ElementTree.Element, sheet: _Sheet) -> None:
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
        _draw_lines(group, sheet.blocks[label], sheet.arrangement.across[label], top, "middle")


def _foot(sheet: _Sheet, node: int) -> float:
    return sheet.tops[sheet.arrangement.row[node]] + sheet.heights[node]


def _port(sheet: _Sheet, node: int, edge: Edge) -> float:
    """Where on the upper or lower side of the node the line starts or ends: side by side at a stage, as they run."""
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


def _path(sheet: _Sheet, edge: Edge) -> str:
    """Straight through the rows, bending only between them."""
    line = sheet.arrangement.lines[edge]
    x, row = _port(sheet, edge[0], edge), sheet.arrangement.row
    path = f"M{_figure(x)} {_figure(_foot(sheet, edge[0]))} V{_figure(sheet.bottoms[row[edge[0]]] + PADDING)}"
    for node in line[1:]:
        onward = _port(sheet, node, edge) if node == edge[1] else sheet.arrangement.across[node]
        start, end = sheet.bottoms[row[node] - 1] + PADDING, sheet.tops[row[node]]
        # A head may be drawn at either end: the line comes to it straight.
        bend = end - PADDING
        middle = (start + bend) / 2
        path += (
            f" C{_figure(x)} {_figure(middle)} {_figure(onward)} {_figure(middle)} {_figure(onward)} {_figure(bend)}"
        )
        path += f" V{_figure(end if node == edge[1] else sheet.bottoms[row[node]] + PADDING)}"
        x = onward
    return path


def _draw_endings(parent: ElementTree.Element, sheet: _Sheet) -> None:
    """Ways out leave a stage to the right and come down together at the stage at which they end the case."""
    if sheet.plan.endings:
        heading = _Line("Ways to end the case", HEADING_SIZE, True)
        top = sheet.tops[0] - ROW_GAP / 2 - heading.height - PADDING / 2
        _draw_lines(parent, [heading], sheet.endings_left + PADDING, top)
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


def _ending_heights(sheet: _Sheet, stage: str) -> Iterator[tuple[_Ending, float]]:
    y = sheet.under.get(stage, sheet.tops[sheet.arrangement.row[sheet.plan.node(stage)]])
    for ending in _endings_of(sheet.plan, stage):
        y += _ending_height(sheet.plan, ending)
        yield ending, y


def _draw_ending(parent: ElementTree.Element, sheet: _Sheet, ending: _Ending, y: float, heavy: bool) -> None:
    node = sheet.plan.node(ending.origin)
    right = sheet.arrangement.across[node] + BOX_WIDTH / 2
    rail = sheet.rails[ending.to]
    if ending.origin in sheet.under:
        ways = [one for one, _ in _ending_heights(sheet, ending.origin)]
        start = right - PADDING - ways.index(ending) * PADDING
        path = f"M{_figure(start)} {_figure(_foot(sheet, node))} V{_figure(y)} H{_figure(rail)}"
    else:
        path = f"M{_figure(right)} {_figure(y)} H{_figure(rail)}"
    _draw_path(parent, path, dashed=ending.silent, heavy=heavy)
    ElementTree.SubElement(parent, "circle", {"cx": _figure(rail), "cy": _figure(y), "r": "3.5"})
    lines = _ending_lines(sheet.plan, ending)
    group = ElementTree.SubElement(parent, "g", {"class": "label"})
    _draw_lines(group, lines, sheet.endings_left + PADDING, y - _height(lines) - 2)


def _draw_rail(parent: ElementTree.Element, sheet: _Sheet, final: str, top: float, *, heavy: bool) -> None:
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


def _draw_legend(parent: ElementTree.Element, plan: _Plan, top: float) -> float:
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
        top = _draw_lines(parent, [_Line(meaning)], MARGIN + 64, top) + 4
    meanings = [
        ("?", "the article was not seen by those who wrote the file: unverified"),
        ("*", "the article was seen in a secondary source only"),
        ("practice", "no article: the registry's own practice"),
        ("·", "in a box: a step that leaves the case at its stage"),
    ]
    for sign, meaning in meanings:
        _draw_lines(parent, [_Line(sign, bold=True)], MARGIN, top)
        top = _draw_lines(parent, [_Line(meaning)], MARGIN + 64, top) + 4
    return top


def _draw_key(parent: ElementTree.Element, sheet: _Sheet, top: float) -> float:
    room = sheet.width - 2 * MARGIN - 34
    widths = [34, room * 0.34, room * 0.17, room * 0.28, room * 0.21]
    rows = [("", "Step", "Who", "From → to (outcome)", "Rests on")]
    rows += [_key_row(sheet.plan, one) for one in sheet.plan.entries]
    for position, row in enumerate(rows):
        x, bottom = float(MARGIN), top
        for text, width in zip(row, widths, strict=True):
            bold = position == 0 or x == MARGIN
            lines = _wrapped(text, width - 12, BODY_SIZE, bold=bold)
            bottom = max(bottom, _draw_lines(parent, lines, x, top, "start"))
            x += width
        ElementTree.SubElement(
            parent,
            "path",
            {"d": f"M{MARGIN} {_figure(bottom + 4)} H{_figure(sheet.width - MARGIN)}", "stroke": GREY},
        )
        top = bottom + PADDING
    return top


def _key_row(plan: _Plan, one: _Numbered) -> tuple[str, str, str, str, str]:
    step = one.step
    silence = f", after {_period(plan.procedure, step)} {plan.procedure.term(step.after).title}" if step.after else ""
    return (
        str(one.number),
        f"{step.title} ({step.name}){silence}",
        _who(step),
        _leads(step),
        _rests_on(step.citation),
    )
