"""The gate: what a person may not know of does not exist in anything that they read or write.

Two halves guard each other. The filter adds a condition to every statement of the ORM and leaves a mark in its SQL. The
tripwire reads the SQL on its way to the driver: where a gated table is named and no mark stands for that very name, the
statement is refused. A statement that the filter does not reach therefore shows nothing instead of everything.
"""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from functools import cache, lru_cache
from typing import Any, cast
from uuid import UUID
from weakref import WeakKeyDictionary

from sqlalchemy import (
    ColumnElement,
    Engine,
    Insert,
    Uuid,
    bindparam,
    event,
    exists,
    insert,
    literal_column,
    null,
    select,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import ORMExecuteState, with_loader_criteria
from sqlalchemy.orm.interfaces import ORMOption

from app.core.access.session import PRINCIPALS, GatedSession, flushing
from app.core.db import AnySelect, Base, together
from app.core.errors import Forbidden
from app.core.tables.audiences import Audience, AudienceReader, Confidential

# What every participant knows of; the rules may rest on this and on nothing else.
KNOWN_TO_PARTICIPANTS = ("case", "appointment", "participants", "court", "public")

# Not bound values: the condition stands in every statement, and each value costs at each execution.
_ONE: ColumnElement[int] = literal_column("1")
_NOUGHT: ColumnElement[int] = literal_column("0")
# Statements that are kept, with the criteria of the gate: marking one anew costs more than running it.
_marked_statements: dict[tuple[ORMOption, ...], WeakKeyDictionary[Any, Any]] = {}
_reading: ContextVar[tuple[UUID, ...]] = ContextVar("under which principals the statement at hand is read")


class Ungated(RuntimeError):
    """A statement would have reached a gated table past the gate: a fault of ours, never of the caller."""


@cache
def gated_tables() -> frozenset[str]:
    """The names of the tables that are read through the gate alone."""
    classes = [mapper.class_ for mapper in Base.registry.mappers]
    return frozenset(
        str(found.__tablename__) for found in classes if found is Audience or issubclass(found, Confidential)
    )


def _marked(column: Any, condition: ColumnElement[bool]) -> ColumnElement[bool]:
    mark: ColumnElement[bool] = column.op("/*gate*/ IS NOT", is_comparison=True)(null())
    return mark & condition


def _row_by_row(of_row: AnySelect) -> ColumnElement[bool]:
    """That there is such a row, looked up for each row of the statement.

    The offset of nought keeps PostgreSQL from making a join of it: planning that took longer than the look-ups, and the
    joins that it chose read all that a person knows of for a page of fifty.
    """
    return exists(of_row.offset(_NOUGHT))


def _principal(place: int) -> Callable[[], UUID]:
    return lambda: _reading.get()[place]


@cache
def _for_reader() -> tuple[ORMOption, ...]:
    # The reader is asked for when the statement is executed and is no part of it, so that one that is made once is
    # analysed once, whoever reads. The tripwire makes sure that it was the right one.
    reader = AudienceReader.__table__.alias("reader")
    principals = [
        bindparam(f"gate_reader_{place}", type_=Uuid(), callable_=_principal(place)) for place in range(PRINCIPALS)
    ]

    def its_audience(cls: Any) -> ColumnElement[bool]:
        mine = select(_ONE).where(reader.c.audience_id == cls.audience_id, reader.c.principal_id.in_(principals))
        return _marked(cls.audience_id, _row_by_row(mine))

    def itself(cls: Any) -> ColumnElement[bool]:
        mine = select(_ONE).where(reader.c.audience_id == cls.id, reader.c.principal_id.in_(principals))
        return _marked(cls.id, _row_by_row(mine))

    return _options(its_audience, itself)


@cache
def _for_participants() -> tuple[ORMOption, ...]:
    wide = Audience.__table__.alias("wide")

    def its_audience(cls: Any) -> ColumnElement[bool]:
        named = _marked(wide.c.id, wide.c.name.in_(KNOWN_TO_PARTICIPANTS))
        return _marked(cls.audience_id, _row_by_row(select(_ONE).where(wide.c.id == cls.audience_id, named)))

    def itself(cls: Any) -> ColumnElement[bool]:
        return _marked(cls.id, cls.name.in_(KNOWN_TO_PARTICIPANTS))

    return _options(its_audience, itself)


def _options(its_audience: Callable[[Any], Any], itself: Callable[[Any], Any]) -> tuple[ORMOption, ...]:
    return (
        with_loader_criteria(Confidential, its_audience, include_aliases=True, track_closure_variables=False),
        with_loader_criteria(Audience, itself, include_aliases=True, track_closure_variables=False),
    )


@event.listens_for(GatedSession, "do_orm_execute")
def _filter(state: ORMExecuteState) -> None:
    db = cast(GatedSession, state.session)
    if state.execution_options.get("known_to_participants"):
        state.statement = _with(_for_participants(), state.statement)
    elif db.is_system:
        _columns_only(state)
        state.update_execution_options(as_system=True)
    elif db.principals:
        _reading.set(db.principals)
        state.update_execution_options(read_under=db.principals)
        state.statement = _with(_for_reader(), state.statement)


def _with(criteria: tuple[ORMOption, ...], statement: Any) -> Any:
    """The statement with these criteria, made once for each statement that is kept."""
    kept = _marked_statements.setdefault(criteria, WeakKeyDictionary())
    marked = kept.get(statement)
    if marked is None:
        marked = kept[statement] = statement.options(*criteria)
    return marked


def _columns_only(state: ORMExecuteState) -> None:
    if state.is_column_load or state.is_relationship_load:
        raise Ungated("a row was loaded again as the system")
    if not state.is_select:
        return
    # A union has no descriptions: it gives columns, never entities.
    for described in getattr(state.statement, "column_descriptions", ()):
        if described["expr"] is described["entity"] and described["entity"] is not None:
            raise Ungated(f"{described['name']} was read whole as the system")


@event.listens_for(GatedSession, "before_flush")
def _check_writes(db: GatedSession, _context: object, _instances: object) -> None:
    """Nobody writes into an audience that does not hold them; Forbidden if somebody tries."""
    rows = [row for row in (*db.new, *db.dirty, *db.deleted) if isinstance(row, Confidential)]
    _check_audiences(db, {row.audience_id for row in rows})


def insert_rows(db: GatedSession, cls: type[Base], rows: list[dict[str, Any]]) -> None:
    """Write new rows of one kind at once: as a flush would, and cheaper.

    Raises Forbidden for an audience that does not hold the actor.
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
    """The rows of a statement as they are once this transaction holds a lock, in one round trip (PostgreSQL).

    The lock is kept to the end of the transaction. Two statements, since one would read what stood before it waited;
    they go straight to the driver, so Ungated unless the system reads.
    """
    if not db.is_system:
        raise Ungated("behind a lock the system reads, and nobody else")
    driver: Any = db.connection().connection.driver_connection
    expanded = _compiled(statement, db.get_bind().dialect).construct_expanded_state(values)
    with together(db):
        driver.execute("SELECT pg_advisory_xact_lock(%s)", [lock])
        rows: Sequence[Sequence[Any]] = driver.execute(expanded.statement, expanded.parameters).fetchall()
    return rows


@cache
def _compiled(statement: Any, dialect: Dialect) -> Any:
    return statement.compile(dialect=dialect)


def _check_audiences(db: GatedSession, audiences: set[UUID]) -> None:
    if db.is_system:
        return
    unknown = audiences - db.writable
    if not unknown:
        return
    readers = AudienceReader.__table__.c
    mine = (readers.audience_id.in_(unknown)) & readers.principal_id.in_(db.principals)
    found = set(db.connection().execute(select(readers.audience_id).where(mine)).scalars())
    if unknown - found:
        raise Forbidden("You cannot write where you cannot read.", code="forbidden")
    db.writable |= found


def set_writable(db: GatedSession, judged: set[UUID], mine: set[UUID]) -> None:
    """Say which of some audiences hold the actor, so that a flush into them asks no more."""
    db.writable = (db.writable - judged) | mine


def guard(engine: Engine) -> None:
    """Install the tripwire on the engine."""

    @event.listens_for(engine, "before_cursor_execute")
    def tripwire(_connection: object, _cursor: object, sql: str, values: Any, context: Any, _many: bool) -> None:
        options = context.execution_options if context is not None else {}
        if flushing.get() or options.get("as_system"):
            return
        if names := past_the_gate(sql):
            raise Ungated(f"{', '.join(names)}: reached past the gate")
        if "read_under" in options and "/*gate*/" in sql:
            _check_reader(values, options["read_under"])


def _check_reader(values: Any, principals: tuple[UUID, ...]) -> None:
    """Make sure that the statement carries this actor's principals and not those of an earlier reader."""
    given = values.values() if isinstance(values, dict) else values
    sent = {value if isinstance(value, UUID) else str(value) for value in given}
    if not all(principal in sent or principal.hex in sent for principal in principals):
        raise Ungated("the gate was set for another reader")


@cache
def _patterns() -> tuple[re.Pattern[str], re.Pattern[str]]:
    tables = "|".join(sorted(gated_tables()))
    # A name counts wherever it stands bare or behind its schema; before a dot it only qualifies a column, after AS or
    # OF it names what was counted already.
    named = re.compile(
        rf"""(?<!\bAS\ )(?<!\bOF\ )(?:(?<![\w."])|(?<=\bpublic\.)|(?<=\bmain\.)|(?<=\bpublic"\.)|(?<=\bmain"\.))"""
        rf"""(?:"({tables})"|({tables}))(?![\w."])(?:\s+AS\s+"?(\w+)"?)?""",
        re.IGNORECASE,
    )
    return named, re.compile(r"\"?(\w+)\"?\.\"?\w+\"? /\*gate\*/")


@lru_cache(maxsize=4096)
def past_the_gate(sql: str) -> tuple[str, ...]:
    """The gated tables, by the name that they bear in this SQL, for which no mark stands."""
    named, mark = _patterns()
    left = Counter((found[3] or found[2] or found[1]).lower() for found in named.finditer(sql))
    left.subtract(Counter(name.lower() for name in mark.findall(sql)))
    return tuple(name for name, count in left.items() if count > 0)
