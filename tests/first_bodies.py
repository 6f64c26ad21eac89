"""What the first release stored of each kind of sealed body and JSON column, and rows of today with no more than that.

    python -m tests.first_bodies    enters new kinds into tests/first_bodies.json; a kind that is there never changes

A kind is the column that has the body or names it (`filings.content_id`), or the type of event that alone names it. Of
each kind the fields are kept that all its bodies had in the first sample that has it.
"""

import asyncio
import base64
import json
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, Uuid

from app.core.contents.service import SALT_BYTES
from app.core.db import Base, sqlite
from app.core.sealer import NO_KEY, Sealer
from app.demo.play import StoryClock
from app.main import create_app
from app.operations.migrating import migrate
from app.settings import Settings
from tests.installation import MASTER_KEY
from tests.recording import MAIL, PRESENT, Bytes, Recorder, play_everything
from tests.upgrade_sample import SAMPLES

KEPT = Path(__file__).with_suffix(".json")
NONCE_BYTES = 12
# Tables whose rows have another body for each kind.
OF_KINDS = ("certificates", "court_papers")
# JSON columns whose fields are names or texts of their own, or that only the ledger reads, which never changes.
LEFT = {"events.payload", "events.actor", "cases.tracks", "idempotency_records.ids"}
Row = dict[str, Any]
# The fields of an object with the shape of each; of a list, the shape of its items in a list; None for anything else.
Shape = dict[str, Any] | list[Any] | None
COLUMNS = [
    (table.name, column.name)
    for table in Base.metadata.sorted_tables
    for column in table.columns
    if isinstance(column.type, JSON) and f"{table.name}.{column.name}" not in LEFT
]

REFERENCES = {
    (table.name, column.name)
    for table in Base.metadata.sorted_tables
    for column in table.columns
    if isinstance(column.type, Uuid)
}


class Rows:
    """The rows of a registry, from a sample or from a database, with the key that opens what is sealed."""

    def __init__(self, tables: dict[str, list[Row]]) -> None:
        self.tables = tables
        self.sealer = Sealer(base64.b64decode(MASTER_KEY.get_secret_value()))
        self.keys = {_id(row["case_id"]): _bytes(row["wrapped"]) for row in tables["data_keys"]}

    @classmethod
    def of_sample(cls, path: Path) -> "Rows":
        """The rows of a backup."""
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if name.startswith("tables/")]
            return cls({Path(name).stem: list(map(json.loads, archive.read(name).splitlines())) for name in names})

    @classmethod
    def of_database(cls, path: str) -> "Rows":
        """The rows of a SQLite database."""
        with sqlite.connect(path) as database:
            database.row_factory = sqlite.Row
            tables = [table.name for table in Base.metadata.sorted_tables]
            return cls({name: [dict(row) for row in database.execute(f"SELECT * FROM {name}")] for name in tables})

    def sealed(self) -> Iterator[tuple[str, Row, bytes, Any]]:
        """Each sealed content with its kind, its row, its salt and its body; not those that were destroyed."""
        kinds = self._kinds()
        for row in self.tables["contents"]:
            id, wrapped, body = _id(row["id"]), self.keys[_id(row["case_id"])], _bytes(row["body"])
            if wrapped != NO_KEY and id in kinds:
                opened = self.sealer.opened(wrapped).decrypt(body[:NONCE_BYTES], body[NONCE_BYTES:], id.bytes)
                yield kinds[id], row, opened[:SALT_BYTES], json.loads(opened[SALT_BYTES:])

    def _kinds(self) -> dict[UUID, str]:
        ids = {_id(row["id"]) for row in self.tables["contents"]}
        by_event = {
            _id(row["content_id"]): f"event {row['type']}" for row in self.tables["events"] if row["content_id"]
        }
        by_column = {
            _id(value): f"{table}.{column}" + (f" {row['kind']}" if table in OF_KINDS else "")
            for table, rows in self.tables.items()
            if table not in ("contents", "events")
            for row in rows
            for column, value in row.items()
            if (table, column) in REFERENCES and value and _id(value) in ids
        }
        return by_event | by_column

    def columns(self) -> Iterator[tuple[str, Any]]:
        """Each value of a JSON column with its kind."""
        for table, column in COLUMNS:
            for row in self.tables.get(table, ()):
                if row.get(column) is not None:
                    yield f"{table}.{column}", _json(row[column])

    def shapes(self) -> dict[str, Shape]:
        """Of each kind, the fields that all its bodies have."""
        found: dict[str, Shape] = {}
        bodies = [(kind, body) for kind, _row, _salt, body in self.sealed()]
        for kind, body in (*bodies, *self.columns()):
            found[kind] = common(found[kind], shape_of(body)) if kind in found else shape_of(body)
        return {kind: shape for kind, shape in found.items() if _says_something(shape)}


def shape_of(body: Any) -> Shape:
    """The fields of a body."""
    if isinstance(body, dict):
        return {name: shape_of(value) for name, value in body.items()}
    if isinstance(body, list):
        shapes = [shape_of(value) for value in body]
        return [merged(shapes)] if shapes else []
    return None


def merged(shapes: Iterable[Shape]) -> Shape:
    """The fields that all shapes have."""
    first, *others = shapes
    for other in others:
        first = common(first, other)
    return first


def common(one: Shape, other: Shape) -> Shape:
    """The fields that both shapes have; where one has none, as in an empty list, those of the other."""
    if isinstance(one, dict) and isinstance(other, dict):
        return {name: common(one[name], other[name]) for name in one if name in other}
    if isinstance(one, list) and isinstance(other, list):
        return [merged([*one, *other])] if one or other else []
    return one if other is None else other


def _says_something(shape: Shape) -> bool:
    return isinstance(shape, dict) or (isinstance(shape, list) and any(map(_says_something, shape)))


def cut(body: Any, shape: Shape) -> Any:
    """A body with only the fields of its kind's first shape."""
    if isinstance(body, dict) and isinstance(shape, dict):
        return {name: cut(value, shape[name]) for name, value in body.items() if name in shape}
    if isinstance(body, list) and isinstance(shape, list) and shape:
        return [cut(value, shape[0]) for value in body]
    return body


def cut_database(path: str, shapes: dict[str, Shape]) -> None:
    """Leave in a SQLite database of today only what the first release stored; events keep their payloads."""
    rows = Rows.of_database(path)
    with sqlite.connect(path) as database:
        for kind, row, salt, body in rows.sealed():
            plain = json.dumps(cut(body, shapes.get(kind))).encode()
            id, nonce = _id(row["id"]), bytes(row["body"][:NONCE_BYTES])
            cipher = rows.sealer.opened(rows.keys[_id(row["case_id"])])
            sealed = nonce + cipher.encrypt(nonce, salt + plain, id.bytes)
            database.execute("UPDATE contents SET body = ? WHERE id = ?", (sealed, row["id"]))
        for table, column in COLUMNS:
            shape = shapes.get(f"{table}.{column}")
            for row in rows.tables[table]:
                if shape is not None and row[column] is not None:
                    value = json.dumps(cut(_json(row[column]), shape))
                    database.execute(f"UPDATE {table} SET {column} = ? WHERE id = ?", (value, row["id"]))


def played(folder: Path) -> tuple[Recorder, str]:
    """A registry on SQLite in which each operation that acts has succeeded, and the path of its database."""
    path = f"{folder}/accord.db"
    settings = Settings(
        database_url=f"sqlite:///{path}",
        master_key=MASTER_KEY,
        storage=f"{folder}/documents",
        anonymous_per_minute=0,
        writes_per_minute=0,
        refused_reads_per_minute=0,
        **MAIL,
    )
    migrate(settings)
    clock, entropy = StoryClock(PRESENT), Bytes()
    play = Recorder(create_app(settings, clock, lambda _request_id: entropy), clock, entropy)
    asyncio.run(play_everything(play))
    return play, path


def kept() -> dict[str, Shape]:
    """The first shapes that are entered."""
    shapes: dict[str, Shape] = json.loads(KEPT.read_text(encoding="utf-8")) if KEPT.exists() else {}
    return shapes


def _id(value: Any) -> UUID:
    return UUID(str(value))


def _bytes(value: Any) -> bytes:
    return base64.b64decode(value) if isinstance(value, str) else bytes(value)


def _json(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value


def enter_new_kinds() -> None:
    """Enter the kinds that are not there yet: from the first sample that has them, or else as they are stored today."""
    shapes = kept()
    for sample in sorted(SAMPLES.glob("*.zip")):
        shapes = Rows.of_sample(sample).shapes() | shapes
    with tempfile.TemporaryDirectory() as folder:
        _play, path = played(Path(folder))
        shapes = Rows.of_database(path).shapes() | shapes
    lines = (f"{json.dumps(kind)}: {json.dumps(shapes[kind], sort_keys=True)}" for kind in sorted(shapes))
    KEPT.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    enter_new_kinds()
