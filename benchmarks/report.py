"""Writes what was measured into docs/performance.md: the results on one page, all figures below, and a plot."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.requests import (
    BARE,
    BEFORE,
    BY_TWO,
    CREATE,
    LIST,
    PLAIN,
    READ,
    READERS,
    STEP,
    UNGATED,
)

DOCS = Path(__file__).resolve().parent.parent / "docs"
RESULTS, RESULTS_END = "<!-- results: made by `make bench`, not by hand -->", "<!-- end of the results -->"
BEGIN, END = "<!-- figures: made by `make bench`, not by hand -->", "<!-- end of the figures -->"
SHOWN = (READ, LIST, "list 50, registrar", "desk, registrar", "feed, agent", CREATE, STEP)
ENGINES = ("PostgreSQL", "SQLite")


@dataclass
class Figure:
    """Result of one operation: requests per second, latencies and the time of processors, in milliseconds."""

    engine: str
    cases: int
    operation: str
    clients: int
    per_second: float
    p50: float
    p99: float
    service: float
    database: float | None

    def line(self) -> str:
        """The figure, for the terminal."""
        database = "" if self.database is None else f", database {self.database:.1f}"
        return (
            f"{self.operation:<44} {self.clients:>2} clients {self.per_second:8.0f}/s  p50 {self.p50:.1f}"
            f"  p99 {self.p99:.1f}  service {self.service:.1f}{database} ms"
        )


@dataclass(frozen=True)
class Filtered:
    """The median milliseconds of a page of cases under a filter."""

    engine: str
    cases: int
    reader: str
    filter: str
    p50: float


@dataclass
class Results:
    """Everything that one run measured."""

    seconds: float
    machine: str
    figures: list[Figure] = field(default_factory=list)
    filtered: list[Filtered] = field(default_factory=list)
    day: str = field(default_factory=lambda: datetime.now(UTC).date().isoformat())

    def sizes(self, engine: str) -> list[int]:
        """The sizes that were measured on an engine."""
        return sorted({figure.cases for figure in self.figures if figure.engine == engine})

    def of(self, engine: str, cases: int, operation: str, clients: int) -> Figure | None:
        """A figure, if it was measured."""
        own = (engine, cases, operation, clients)
        return next((f for f in self.figures if (f.engine, f.cases, f.operation, f.clients) == own), None)


def write(results: Results, page: str | None = None) -> None:
    """Write the results into the page, and the plot next to it."""
    path = Path(page) if page else DOCS / "performance.md"
    written = path.read_text(encoding="utf-8")
    written = _between(written, RESULTS, RESULTS_END, "\n".join(_summary(results)))
    written = _between(written, BEGIN, END, "\n".join(_details(results)))
    path.write_text(written, encoding="utf-8")
    path.with_suffix(".svg").write_text(plot(results.figures), encoding="utf-8")


def _between(page: str, begin: str, end: str, content: str) -> str:
    before, found, rest = page.partition(begin)
    _old, found_end, after = rest.partition(end)
    if not (found and found_end):
        raise ValueError(f"the page has no {begin}")
    return f"{before}{begin}\n\n{content}\n\n{end}{after}"


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """The lines of a table, and an empty one."""
    yield f"| {' | '.join(columns)} |"
    yield f"|{' --- |' * len(columns)}"
    yield from (f"| {' | '.join(row)} |" for row in rows)
    yield ""


def _summary(results: Results) -> Iterator[str]:
    """The results that matter: requests that people send, ratios with their aims, and the slowest filters."""
    largest = {engine: max(results.sizes(engine)) for engine in ENGINES}
    yield (
        f"One process of Accord, with {largest['PostgreSQL']:,} cases on PostgreSQL and {largest['SQLite']:,} on SQLite,"
        f" and 16 clients that send requests without a pause. Service, clients and database share one machine: "
        f"{results.machine}."
    )
    yield (f"Measured on {results.day}; the complete figures are [below](#all-figures).")
    yield ""
    cells = {
        operation: [results.of(engine, largest[engine], operation, 16) for engine in ENGINES] for operation in SHOWN
    }
    rows = [
        [operation, *(cell for f in found for cell in ((f"{f.per_second:,.0f}", f"{f.p50:.1f}") if f else ("", "")))]
        for operation, found in cells.items()
    ]
    yield from table(["request", "PostgreSQL: requests/s", "median ms", "SQLite: requests/s", "median ms"], rows)
    yield "With a single client, the median time of a request is:"
    yield ""
    alone = {
        operation: [results.of(engine, largest[engine], operation, 1) for engine in ENGINES] for operation in SHOWN
    }
    rows = [[operation, *(f"{f.p50:.1f}" if f else "" for f in found)] for operation, found in alone.items()]
    yield from table(["request", "PostgreSQL: ms", "SQLite: ms"], rows)
    yield "Ratios, each within this run, measured in turn:"
    yield ""
    yield from table(
        ["engine", "what", "aim", "1 client", "16 clients"],
        [row for engine in ENGINES for row in _ratios(results, engine)],
    )
    yield from _slowest(results, largest)


def _ratios(results: Results, engine: str) -> Iterator[list[str]]:
    sizes = results.sizes(engine)
    most = sizes[-1]

    def ratio(
        what: str, aim: str, above: tuple[int, str], below: tuple[int, str], *, of_p50: bool = False
    ) -> list[str]:
        cells = []
        for clients in (1, 16):
            upper, lower = results.of(engine, *above, clients), results.of(engine, *below, clients)
            if upper is None or lower is None:
                cells.append("")
            else:
                cells.append(f"{upper.p50 / lower.p50 if of_p50 else upper.per_second / lower.per_second:.2f}")
        return [engine, what, aim, *cells]

    rows = [ratio("reads, of those of a bare route", "≥ 0.8", (most, READ), (most, BARE))]
    for operation in (READ, LIST, "list 50, registrar"):
        plain, ungated = (most, operation), (most, f"{operation}{UNGATED}")
        rows.append(ratio(f"{operation}: requests without the gate, of with it", "≤ 1.15", ungated, plain))
    for operation in (READ, LIST):
        rows.append(ratio(f"{operation}: two processes, of one", "", (most, f"{operation}{BY_TWO}"), (most, operation)))
    rows.append(ratio(f"{CREATE}: two processes, of one", "", (most, f"{CREATE}{BY_TWO}"), (most, CREATE)))
    if len(sizes) > 1:
        for operation in (READ, LIST, "list 50, registrar"):
            grown = f"{operation}: time with {most:,} cases, of {sizes[0]:,}"
            rows.append(ratio(grown, "≤ 1.2", (most, operation), (sizes[0], operation), of_p50=True))
    for operation in dict.fromkeys(figure.operation for figure in results.figures):
        if operation.endswith(BEFORE):
            own = operation.removesuffix(BEFORE)
            aim = {READ: "≥ 2.5", LIST: "≥ 2.5", CREATE: "≥ 2"}.get(own, "")
            rows.append(ratio(f"{own}: requests, of the other checkout", aim, (most, own), (most, operation)))
    yield from (row for row in rows if any(row[3:]))


def _slowest(results: Results, largest: dict[str, int]) -> Iterator[str]:
    """For each reader, the filter whose page takes longest, of the plain list."""
    rows = []
    for engine in ENGINES:
        for reader in READERS:
            of_reader = {
                f.filter: f.p50
                for f in results.filtered
                if (f.engine, f.cases, f.reader) == (engine, largest[engine], reader)
            }
            if of_reader:
                plain = of_reader.pop(PLAIN.name)
                slowest = max(of_reader, key=lambda name: of_reader[name])
                rows.append([engine, reader, f"{plain:.1f}", slowest, f"{of_reader[slowest] / plain:.1f}"])
    if rows:
        yield "The slowest filter of each reader, of all that are listed below; the aim is at most 3:"
        yield ""
        yield from table(["engine", "reader", "plain list, ms", "slowest filter", "times as long"], rows)


def _details(results: Results) -> Iterator[str]:
    yield f"{results.day}, {results.machine}. {results.seconds:g} seconds for each figure; `make bench`."
    yield ""
    yield from table(
        ["engine", "cases", "what", "clients", "requests/s", "median ms", "p99 ms", "service, ms", "database, ms"],
        [
            [
                f.engine,
                f"{f.cases:,}",
                f.operation,
                str(f.clients),
                f"{f.per_second:,.0f}",
                f"{f.p50:.1f}",
                f"{f.p99:.1f}",
                f"{f.service:.1f}",
                "in the service" if f.engine == "SQLite" else "not seen" if f.database is None else f"{f.database:.1f}",
            ]
            for f in results.figures
        ],
    )
    for engine, cases in dict.fromkeys((f.engine, f.cases) for f in results.filtered):
        own = {(f.filter, f.reader): f.p50 for f in results.filtered if (f.engine, f.cases) == (engine, cases)}
        plain = {reader: own[PLAIN.name, reader] for reader in READERS}
        yield f"Pages of 50 under a filter, {engine}, {cases:,} cases, one client: the median time, of the plain list's."
        yield ""
        names = [name for name in dict.fromkeys(name for name, _reader in own) if name != PLAIN.name]
        first = ["none, ms", *(f"{plain[reader]:.1f}" for reader in READERS)]
        yield from table(
            ["filter", *READERS],
            [first, *([name, *(f"{own[name, reader] / plain[reader]:.2f}" for reader in READERS)] for name in names)],
        )


def plot(figures: Sequence[Figure]) -> str:
    """Draw bars: requests per second at 16 clients on the largest registry, for each operation and engine."""
    most = {engine: max(f.cases for f in figures if f.engine == engine) for engine in {f.engine for f in figures}}
    shown = [figure for figure in figures if figure.cases == most[figure.engine] and figure.clients == 16]
    widest, row, left = max(figure.per_second for figure in shown), 22, 340
    height = row * len(shown) + 50
    named = ", ".join(f"{most[engine]:,} cases on {engine}" for engine in ENGINES if engine in most)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="860" height="{height}" font-family="sans-serif" font-size="12">',
        f"<title>Requests a second at 16 clients: {named}</title>",
        f'<text x="10" y="20" font-size="14">Requests a second at 16 clients: {named}</text>',
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
