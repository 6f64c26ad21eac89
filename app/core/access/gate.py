"""The gate: rows that an actor may not know of do not exist in anything that the actor reads or writes.

It has two parts. The filter adds a condition with a mark to every statement of the ORM. The tripwire reads the SQL on
its way to the driver, and refuses a statement that names a gated table without a mark for that name. A statement that
the filter does not reach therefore returns nothing instead of everything.
"""

import re
from collections import Counter
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Any, cast
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Engine,
    Insert,
    event,
    insert,
    or_,
    select,
)
from sqlalchemy.engine import Dialect, IteratorResult, Result
from sqlalchemy.engine.result import SimpleResultMetaData
from sqlalchemy.orm import ORMExecuteState

from app.core.access.criteria import Ungated, for_participants, for_reader, gated, reading
from app.core.access.kept import Criteria, kept_statements, returns_entities, send
from app.core.access.session import GatedSession, flushing
from app.core.db import Base, together
from app.core.errors import Forbidden
from app.core.tables.audiences import Audience, AudienceReader, Confidential

AnyResult = Result[*tuple[Any, ...]]


@cache
def gated_tables() -> frozenset[str]:
    """The names of the tables that can be read only through the gate."""
    classes = [mapper.class_ for mapper in Base.registry.mappers]
    return frozenset(str(cls.__tablename__) for cls in classes if cls is Audience or issubclass(cls, Confidential))


@event.listens_for(GatedSession, "do_orm_execute")
def _filter(state: ORMExecuteState) -> AnyResult | None:
    """Add the conditions of the gate; rows of columns are read by a kept statement."""
    db = cast(GatedSession, state.session)
    criteria: Criteria = ()
    options: dict[str, Any] = {}
    if state.execution_options.get("known_to_participants"):
        criteria = for_participants()
    elif db.is_system:
        _columns_only(state)
        options = {"as_system": True}
    elif db.principals:
        reading.set(db.principals)
        criteria, options = for_reader(), {"read_under": db.principals}
    if state.is_select and (rows := _rows_of_columns(db, state, criteria, options)) is not None:
        return rows
    if criteria:
        state.statement = gated(criteria, state.statement)
    state.update_execution_options(**options)
    return None


def _rows_of_columns(
    db: GatedSession, state: ORMExecuteState, criteria: Criteria, options: dict[str, Any]
) -> AnyResult | None:
    """The rows of a statement that can be kept; None for another."""
    values = state.parameters or {}
    if isinstance(values, Sequence):
        return None
    found = kept_statements(db.get_bind().dialect).of_form(state.statement, criteria, values)
    if found is None:
        return None
    kept, values = found
    if db.autoflush:
        db.flush()
    (rows,) = send(db.connection(), [(kept, kept.sent(values, db.principals))], options)
    return IteratorResult(SimpleResultMetaData(kept.columns), iter(rows))


def _columns_only(state: ORMExecuteState) -> None:
    if state.is_column_load or state.is_relationship_load:
        raise Ungated("a row was reloaded as the system")
    if state.is_select and returns_entities(state.statement):
        raise Ungated("an entity was read by the system")


@event.listens_for(GatedSession, "before_flush")
def _check_writes(db: GatedSession, _context: object, _instances: object) -> None:
    """Check that the actor belongs to the audiences of pending rows; raises Forbidden otherwise."""
    rows = [row for row in (*db.new, *db.dirty, *db.deleted) if isinstance(row, Confidential)]
    _check_audiences(db, {row.audience_id for row in rows if not row.WRITTEN_BY_LEAVERS})
    if leavers := {row.audience_id for row in rows if row.WRITTEN_BY_LEAVERS}:
        _check_audiences(db, leavers, by_leavers=True)


def insert_rows(db: GatedSession, cls: type[Base], rows: list[dict[str, Any]]) -> None:
    """Insert rows of one table at once, which is cheaper than a flush.

    Raises Forbidden for an audience to which the actor does not belong.
    """
    if not rows:
        return
    if issubclass(cls, Confidential):
        _check_audiences(db, {row["audience_id"] for row in rows})
    token = flushing.set(True)
    try:
        db.connection().execute(_insert_into(cls), rows)
    finally:
        flushing.reset(token)


@cache
def _insert_into(cls: type[Base]) -> Insert:
    return insert(Base.metadata.tables[cls.__tablename__])


def read_locked(db: GatedSession, lock: int, statement: Any, values: dict[str, Any]) -> Sequence[Sequence[Any]]:
    """Take a lock until the end of the transaction, and read rows under it, in one round trip (PostgreSQL).

    There are two statements, since a single one would read the rows as they were before it waited. They go straight to
    the driver: raises Ungated outside `as_system`.
    """
    if not db.is_system:
        raise Ungated("only the system reads rows under a lock")
    driver: Any = db.connection().connection.driver_connection
    expanded = _compiled(statement, db.get_bind().dialect).construct_expanded_state(values)
    with together(db):
        driver.execute("SELECT pg_advisory_xact_lock(%s)", [lock])
        rows: Sequence[Sequence[Any]] = driver.execute(expanded.statement, expanded.parameters).fetchall()
    return rows


@cache
def _compiled(statement: Any, dialect: Dialect) -> Any:
    return statement.compile(dialect=dialect)


def _check_audiences(db: GatedSession, audiences: set[UUID], *, by_leavers: bool = False) -> None:
    if db.is_system:
        return
    unknown = audiences - db.writable
    if not unknown:
        return
    readers = AudienceReader.__table__.c
    own: list[ColumnElement[bool]] = [readers.audience_id.in_(unknown), readers.principal_id.in_(db.principals)]
    if not by_leavers:
        # A party that has left writes nothing more where it reads what was written until then.
        own.append(or_(readers.until.is_(None), readers.opened_at.is_not(None)))
    readable = set(db.connection().execute(select(readers.audience_id).where(*own)).scalars())
    if unknown - readable:
        raise Forbidden("Only the readers of an audience may write to it.", code="forbidden")
    if not by_leavers:
        db.writable |= readable


def set_writable(db: GatedSession, audiences: set[UUID], own: set[UUID]) -> None:
    """Note which of these audiences the actor belongs to, so that a flush need not read it again."""
    db.writable = (db.writable - audiences) | own


def guard(engine: Engine) -> None:
    """Install the tripwire on the engine."""

    @event.listens_for(engine, "before_cursor_execute")
    def tripwire(_connection: object, _cursor: object, sql: str, values: Any, context: Any, _many: bool) -> None:
        options = context.execution_options if context is not None else {}
        if flushing.get() or options.get("as_system"):
            return
        if names := past_the_gate(sql):
            raise Ungated(f"{', '.join(names)}: read without the gate")
        if "read_under" in options and "/*gate*/" in sql:
            _check_reader(values, options["read_under"])


def _check_reader(values: Any, principals: tuple[UUID, ...]) -> None:
    """Check that the statement carries the principals of this actor, and not those of an earlier reader."""
    bound = values.values() if isinstance(values, dict) else values
    sent = {value if isinstance(value, UUID) else str(value) for value in bound}
    if not all(principal in sent or principal.hex in sent for principal in principals):
        raise Ungated("the gate was set for another reader")


@cache
def _patterns() -> tuple[re.Pattern[str], re.Pattern[str]]:
    tables = "|".join(sorted(gated_tables()))
    # A table name counts where it is bare or follows its schema. Before a dot it only qualifies a column; after AS or
    # OF it names a table that was counted already.
    named = re.compile(
        rf"""(?<!\bAS\ )(?<!\bOF\ )(?:(?<![\w."])|(?<=\bpublic\.)|(?<=\bmain\.)|(?<=\bpublic"\.)|(?<=\bmain"\.))"""
        rf"""(?:"({tables})"|({tables}))(?![\w."])(?:\s+AS\s+"?(\w+)"?)?""",
        re.IGNORECASE,
    )
    return named, re.compile(r"\"?(\w+)\"?\.\"?\w+\"? /\*gate\*/")


@lru_cache(maxsize=4096)
def past_the_gate(sql: str) -> tuple[str, ...]:
    """The gated tables without a mark in this SQL, by their alias or name."""
    named, mark = _patterns()
    unmarked = Counter((match[3] or match[2] or match[1]).lower() for match in named.finditer(sql))
    unmarked.subtract(Counter(name.lower() for name in mark.findall(sql)))
    return tuple(name for name, count in unmarked.items() if count > 0)
