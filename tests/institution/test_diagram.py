"""Diagrams of rule sets: complete, without overlaps, and the same in every process."""

import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations, pairwise

import pytest

from app.institution.procedures.diagram.svg import draw
from app.rules.loader import library
from app.rules.model import Citation, Procedure
from tests.rules.wide import IOMED, wide

SVG = "{http://www.w3.org/2000/svg}"
LETTER = 0.55
UNCITRAL: Procedure = library()["uncitral-2021"]

Box = tuple[float, float, float, float]


def lonely() -> Procedure:
    return replace(IOMED, stages=IOMED.stages[:1], steps=())


def hostile() -> Procedure:
    title = "<script>alert('x')</script> & \"so on\" ]]> \x07 " + "W" * 300
    first, *stages = IOMED.stages
    opening, *steps = IOMED.steps
    citation = Citation('"><g onload="x"', "unverified", "</svg>")
    return replace(
        IOMED,
        title=title,
        source=title,
        stages=(replace(first, title=title), *stages),
        steps=(replace(opening, title=title, citation=citation), *steps),
    )


PROCEDURES = [IOMED, UNCITRAL, wide(), lonely(), hostile()]
drawn = pytest.mark.parametrize("procedure", PROCEDURES, ids=["iomed", "uncitral", "wide", "lonely", "hostile"])


def parsed(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg.encode())  # noqa: S314 -- our own


def words(element: ElementTree.Element) -> str:
    """All the text in the drawing, lines joined."""
    return " ".join(text.text or "" for text in element.iter(f"{SVG}text"))


def compact(text: str) -> str:
    return re.sub(r"\s", "", text)


def attributes(element: ElementTree.Element, *names: str) -> list[float]:
    return [float(element.get(name, "0")) for name in names]


def text_boxes(root: ElementTree.Element) -> list[Box]:
    boxes: list[Box] = []
    for text in root.iter(f"{SVG}text"):
        x, y, size = attributes(text, "x", "y", "font-size")
        width = len(text.text or "") * size * LETTER
        left = x - width / 2 if text.get("text-anchor") == "middle" else x
        boxes.append((left, y - size * 0.8, left + width, y + size * 0.2))
    return boxes


def stage_boxes(root: ElementTree.Element) -> list[Box]:
    boxes: list[Box] = []
    for group in root.iter(f"{SVG}g"):
        if group.get("class") == "stage":
            x, y, width, height = attributes(group[0], "x", "y", "width", "height")
            boxes.append((x, y, x + width, y + height))
    return boxes


def overlap(first: Box, other: Box) -> bool:
    return first[0] < other[2] and other[0] < first[2] and first[1] < other[3] and other[1] < first[3]


def inside(inner: Box, other: Box) -> bool:
    return other[0] <= inner[0] and other[1] <= inner[1] and inner[2] <= other[2] and inner[3] <= other[3]


def straights(root: ElementTree.Element) -> Iterator[Box]:
    """The vertical and horizontal parts of all lines, as boxes without width, and the chords of the bends."""
    for path in root.iter(f"{SVG}path"):
        points: list[tuple[float, float]] = []
        for command, rest in re.findall(r"([MVHC])([^MVHC]*)", path.get("d", "")):
            figures = [float(figure) for figure in rest.split()]
            if command == "V":
                points.append((points[-1][0], figures[0]))
            elif command == "H":
                points.append((figures[0], points[-1][1]))
            else:
                points.append((figures[-2], figures[-1]))
        for (x, y), (next_x, next_y) in pairwise(points):
            yield min(x, next_x), min(y, next_y), max(x, next_x), max(y, next_y)


@drawn
def test_the_drawing_is_a_well_formed_svg_document_with_a_title_and_a_description(procedure: Procedure) -> None:
    root = parsed(draw(procedure))
    assert root.tag == f"{SVG}svg"
    assert root.get("role") == "img"
    named = [root.find(f"{SVG}title"), root.find(f"{SVG}desc")]
    assert (root.get("aria-labelledby") or "").split() == [
        element.get("id") for element in named if element is not None
    ]
    assert all(element is not None and element.text for element in named)


@drawn
def test_every_stage_and_every_step_is_on_the_drawing_and_in_its_description(procedure: Procedure) -> None:
    root = parsed(draw(procedure))
    description = compact(root.findtext(f"{SVG}desc") or "")
    written = compact(words(root))
    items = [(stage.name, stage.title) for stage in procedure.stages]
    items += [(step.name, step.title) for step in procedure.steps]
    for name, title in items:
        shown = compact(title.replace("\x07", "\ufffd"))
        assert shown in written
        assert shown in description
        assert name in description


def test_a_stage_box_shows_its_title_its_name_and_the_steps_that_stay_in_the_stage() -> None:
    root = parsed(draw(UNCITRAL))
    groups = [group for group in root.iter(f"{SVG}g") if group.get("class") == "stage"]
    agreed = words(groups[3])
    assert "All agreed to mediate; a mediator is sought" in agreed
    assert "agreed" in agreed.split()
    assert "9 nominate: any party or registry" in agreed
    assert "withdraw" not in agreed


def test_a_final_stage_has_a_double_border() -> None:
    root = parsed(draw(IOMED))
    groups = [group for group in root.iter(f"{SVG}g") if group.get("class") == "stage"]
    assert [len(group.findall(f"{SVG}rect")) for group in groups] == [1] * 8 + [2]


def test_phases_are_drawn_one_below_the_other_in_order() -> None:
    for procedure in PROCEDURES:
        boxes = stage_boxes(parsed(draw(procedure)))
        for (earlier, above), (later, below) in combinations(zip(procedure.stages, boxes, strict=True), 2):
            if earlier.phase != later.phase:
                assert above[3] < below[1]


def test_an_arrow_names_the_capacity_that_takes_the_step_and_its_article() -> None:
    written = words(parsed(draw(UNCITRAL)))
    assert "each responding party · article 2 ?" in written
    assert "registry, for each responding party · article 2 ?" in written
    assert "requesting party · practice" in written
    assert "registry · Convention, article 24 *" in words(parsed(draw(IOMED)))


def test_the_legend_explains_the_marks() -> None:
    written = words(parsed(draw(IOMED)))
    assert "unverified" in written
    assert "secondary source" in written
    assert "the registry's own practice" in written


def test_the_effect_of_silence_is_dashed_and_names_its_term() -> None:
    def dashes(procedure: Procedure) -> int:
        return sum(1 for path in parsed(draw(procedure)).iter(f"{SVG}path") if path.get("stroke-dasharray"))

    spoken = replace(UNCITRAL, steps=tuple(replace(step, after=None) for step in UNCITRAL.steps))
    # In each drawing with an effect of silence the legend has a sample of it.
    assert dashes(UNCITRAL) == dashes(spoken) + 1
    assert "after 30 days, reply" in words(parsed(draw(UNCITRAL)))
    assert "after the period set for the case, reply" in words(parsed(draw(IOMED)))


def test_the_current_stage_is_marked_in_words_and_by_its_border() -> None:
    root = parsed(draw(UNCITRAL, at="mediating"))
    (here,) = [group for group in root.iter(f"{SVG}g") if group.get("class") == "stage" and "▶ here" in words(group)]
    assert "In mediation" in words(here)
    assert float(here[0].get("stroke-width", "0")) > 2
    assert "The case stands at mediating." in (root.findtext(f"{SVG}desc") or "")


def test_without_a_case_nothing_is_marked() -> None:
    written = words(parsed(draw(UNCITRAL)))
    assert "▶" not in written
    assert "on the way" not in written


def test_the_steps_taken_are_numbered_and_drawn_heavier() -> None:
    way = ["draft", "lodged", "invited", "agreed", "mediating", "agreed"]
    root = parsed(draw(UNCITRAL, at="mediating", way=way))
    groups = [group for group in root.iter(f"{SVG}g") if group.get("class") == "stage"]
    marks = [re.findall(r"on the way: ([\d, ]*\d)", words(group)) for group in groups]
    assert marks == [["1"], ["2"], ["3"], ["4, 6"], ["5"], [], []]
    heavy = [path for path in root.iter(f"{SVG}path") if float(path.get("stroke-width", "0")) > 2]
    # Two lines for each of the five steps taken, and the sample in the legend.
    assert len(heavy) == 2 * 5 + 1


def test_the_step_that_ended_the_case_is_drawn_heavier_too() -> None:
    root = parsed(draw(UNCITRAL, at="closed", way=["draft"]))
    heavy = [path for path in root.iter(f"{SVG}path") if float(path.get("stroke-width", "0")) > 2]
    assert len(heavy) == 2 + 1


def test_a_stage_that_the_rule_set_does_not_have_is_refused() -> None:
    with pytest.raises(KeyError):
        draw(UNCITRAL, at="nowhere")
    with pytest.raises(KeyError):
        draw(UNCITRAL, way=["draft", "nowhere"])


@drawn
def test_no_box_overlaps_another_and_no_text_overlaps_anything(procedure: Procedure) -> None:
    root = parsed(draw(procedure, at=procedure.initial.name, way=[procedure.initial.name]))
    texts, stages = text_boxes(root), stage_boxes(root)
    width, height = attributes(root, "width", "height")
    assert not [pair for pair in combinations(stages, 2) if overlap(*pair)]
    assert not [pair for pair in combinations(texts, 2) if overlap(*pair)]
    for text in texts:
        assert inside(text, (0, 0, width, height))
        assert all(inside(text, stage) or not overlap(text, stage) for stage in stages)


@drawn
def test_no_line_runs_through_text_or_through_a_box(procedure: Procedure) -> None:
    root = parsed(draw(procedure))
    lines = list(straights(root))
    for box in (*text_boxes(root), *stage_boxes(root)):
        within = (box[0] + 2, box[1] + 2, box[2] - 2, box[3] - 2)
        assert not [line for line in lines if overlap(line, within)]


@drawn
def test_text_is_never_too_small_to_read(procedure: Procedure) -> None:
    assert min(float(text.get("font-size", "0")) for text in parsed(draw(procedure)).iter(f"{SVG}text")) >= 11


def test_the_texts_of_a_rule_set_are_escaped() -> None:
    svg = draw(hostile())
    root = parsed(svg)
    assert "<script>" not in svg
    assert {element.tag.removeprefix(SVG) for element in root.iter()} <= {
        *("svg", "title", "desc", "g", "rect", "path", "polygon", "circle", "text")
    }
    assert "<script>alert('x')</script>" in (root.findtext(f"{SVG}desc") or "")
    assert not [element for element in root.iter() if any(name.startswith("on") for name in element.attrib)]


def test_every_process_draws_the_same_diagram() -> None:
    program = (
        "from app.institution.procedures.diagram.svg import draw; from tests.rules.wide import IOMED, wide;"
        "print(draw(IOMED, at='invited', way=['draft', 'lodged']), draw(wide()))"
    )
    first, second = (
        subprocess.run(
            [sys.executable, "-c", program], env={"PYTHONHASHSEED": seed}, capture_output=True, check=True, timeout=60
        ).stdout
        for seed in ("1", "2")
    )
    assert first == second
    assert first.decode().startswith(draw(IOMED, at="invited", way=["draft", "lodged"]))
