"""Writes the figures to docs/performance.md: a table, ratios, query plans and a plot."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

DOCS = Path(__file__).resolve().parent.parent / "docs"
BEGIN, END = "<!-- figures: made by `make bench`, not by hand -->", "<!-- end of the figures -->"


def write(figures: Sequence[Any], plans: dict[str, list[str]], machine: str) -> None:
    """Write the figures into the page, and the plot to its own file."""
    page = DOCS / "performance.md"
    before, _, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    _old, _, after = rest.partition(END)
    day = datetime.now(UTC).date().isoformat()
    parts = [
        f"{BEGIN}\n\n{day}, {machine}. One process where no other number is named; `make bench`.\n",
        _table(figures),
        _ratios(figures),
        _plans(plans),
    ]
    page.write_text(before + "\n".join(parts) + f"\n{END}" + after, encoding="utf-8")
    (DOCS / "performance.svg").write_text(plot(figures), encoding="utf-8")


def _table(figures: Sequence[Any]) -> str:
    lines = [
        "| engine | cases | what | clients | requests/s | median ms | p99 ms |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| {figure.engine} | {figure.cases:,} | {figure.operation} | {figure.clients} | {figure.per_second:,.0f} | {figure.p50:.1f} | {figure.p99:.1f} |"
        for figure in figures
    ]
    return "\n".join(lines) + "\n"


def _ratios(figures: Sequence[Any]) -> str:
    """Targets and results, each a ratio within one run."""
    speed = {(figure.engine, figure.cases, figure.operation, figure.clients): figure.per_second for figure in figures}
    sizes = sorted({figure.cases for figure in figures})
    lines = ["| engine | clients | what | aim | reached |", "| --- | --- | --- | --- | --- |"]
    for engine in dict.fromkeys(figure.engine for figure in figures):
        for clients in (1, 16):

            def at(operation: str, cases: int = sizes[-1], engine: str = engine, clients: int = clients) -> float:
                return float(speed[engine, cases, operation, clients])

            mine = "list 50 of one's own"
            rows = [
                ("read a case, of the bare route", "≥ 0.7", at("read a case") / at("bare read")),
                (f"time of a list at {sizes[-1]:,} cases, of {sizes[0]:,}", "≤ 1.2", at(mine, sizes[0]) / at(mine)),
                (
                    "time of a read with the gate, of without",
                    "≤ 1.2",
                    at("read a case, without the gate") / at("read a case"),
                ),
                ("time of a list with the gate, of without", "≤ 1.2", at(f"{mine}, without the gate") / at(mine)),
            ]
            lines += [f"| {engine} | {clients} | {what} | {aim} | {reached:.2f} |" for what, aim, reached in rows]
        for operation in ("create a case", "create a case, two processes"):
            if engine == "PostgreSQL" and (reached := speed.get((engine, sizes[-1], operation, 16))):
                lines.append(f"| {engine} | 16 | {operation}, a second | ≥ 150 | {reached:.0f} |")
    return "\n" + "\n".join(lines) + "\n"


def _plans(plans: dict[str, list[str]]) -> str:
    parts = ["\nHow the page of a list is found, for a party's agent and for a registrar:\n"]
    for name, listed in plans.items():
        for who, plan in zip(("the agent", "the registrar"), listed, strict=True):
            parts.append(f"{name}, {who}:\n\n```\n{plan}\n```\n")
    return "\n".join(parts)


def plot(figures: Sequence[Any]) -> str:
    """Draw bars: requests per second at 16 clients on the larger registry, for each operation and engine."""
    most = max(figure.cases for figure in figures)
    shown = [figure for figure in figures if figure.cases == most and figure.clients == 16]
    widest, row, left = max(figure.per_second for figure in shown), 22, 300
    height = row * len(shown) + 50
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="820" height="{height}" font-family="sans-serif" font-size="12">',
        f"<title>Requests a second at 16 clients, {most:,} cases</title>",
        f'<text x="10" y="20" font-size="14">Requests a second at 16 clients, {most:,} cases</text>',
    ]
    colours = {"SQLite": "#0b6e4f", "PostgreSQL": "#2a4d8f"}
    for place, figure in enumerate(shown):
        y = 40 + place * row
        width = figure.per_second / widest * 420
        parts += [
            f'<text x="{left - 8}" y="{y + 13}" text-anchor="end">{figure.engine}: {figure.operation}</text>',
            f'<rect x="{left}" y="{y}" width="{width:.0f}" height="16" fill="{colours[figure.engine]}"/>',
            f'<text x="{left + width + 6:.0f}" y="{y + 13}">{figure.per_second:,.0f}</text>',
        ]
    return "\n".join([*parts, "</svg>"]) + "\n"
