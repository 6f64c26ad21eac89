"""The floors of the code: the order of its wings and rooms, and the imports between them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tests.house.source import Source

# From the ground up. A file imports from its own wing or from one below.
WINGS: tuple[tuple[str, ...], ...] = (
    ("rules", "settings"),
    ("core",),
    ("institution",),
    ("proceedings",),
    ("integration",),
    ("operations", "portal"),
    ("main",),
    ("demo",),
    ("cli",),
    ("__main__",),
)
# Inside these wings the rooms have floors of their own, and rooms of one floor do not know each other.
ROOMS: dict[str, tuple[tuple[str, ...], ...]] = {
    "core": (
        ("values", "clock"),
        ("errors", "postgresql"),
        ("files", "db", "id_lists", "logs", "outbound", "sealer"),
        ("tables",),
        ("paging",),
        ("access",),
        ("contents",),
        ("ledger",),
        ("seams",),
        ("http",),
    ),
    "proceedings": (
        ("cases",),
        ("documents", "disclosures", "rectifications", "deadlines", "events"),
        ("texts", "service_of_process", "desk"),
        ("certificates",),
        ("filings", "steps"),
        ("settlements", "parties", "sessions", "mediators"),
    ),
}
# A wing is a folder of rooms, each of them a package or a file.
FOLDERS = ("core", "institution", "proceedings", "integration", "operations")


@dataclass(frozen=True, order=True)
class Edge:
    """One import of our own code: where it stands, and between which rooms."""

    path: str
    line: int
    name: str
    origin: str
    target: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line} {self.origin} imports {self.name}"


def room_of(module: str) -> str:
    """The room of a module: `core.ledger` of `app.core.ledger.feed`, `main` of `app.main`."""
    parts = module.split(".")[1:]
    if parts[0] in FOLDERS:
        return ".".join(parts[:2])
    return parts[0]


def wing_of(room: str) -> str:
    """The wing of a room: `core` of `core.ledger`."""
    return room.split(".")[0]


def edges_of(files: Iterable[Source]) -> Iterator[Edge]:
    """The imports of our own code that lead from one room to another."""
    for file in files:
        module = file.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        if module == "app":
            continue
        origin = room_of(module)
        for each in file.imports:
            if each.is_within("app") and each.name.count(".") >= 1 and room_of(each.name) != origin:
                yield Edge(file.path, each.line, each.name, origin, room_of(each.name))


def _floor(name: str, floors: tuple[tuple[str, ...], ...]) -> int | None:
    return next((number for number, names in enumerate(floors) if name in names), None)


def faults_of(edge: Edge) -> Iterator[str]:
    """Why an import breaks the order of the floors, if it does."""
    wings = wing_of(edge.origin), wing_of(edge.target)
    if wings[0] == wings[1]:
        if wings[0] not in ROOMS:
            return
        rooms = ROOMS[wings[0]]
        own, other = (_floor(room.partition(".")[2], rooms) for room in (edge.origin, edge.target))
        where = f"the floors of {wings[0]}"
    else:
        own, other = (_floor(wing, WINGS) for wing in wings)
        where = "the wings"
    if own is None or other is None:
        yield f"{edge}: {where} do not name {edge.origin if own is None else edge.target}"
    elif other >= own:
        yield f"{edge}: {'level with' if other == own else 'above'} it in {where}"


def pairs_of(edges: Iterable[Edge]) -> list[tuple[str, str]]:
    """The rooms that import each other."""
    known = {(edge.origin, edge.target) for edge in edges}
    return sorted(pair for pair in known if pair[0] < pair[1] and pair[::-1] in known)
