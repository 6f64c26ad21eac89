"""The gate: rows that an actor may not know of do not exist in anything that the actor reads or writes.

It has two parts. The filter adds a condition with a mark to every statement of the ORM. The tripwire reads the SQL on
its way to the driver, and refuses a statement that names a gated table without a mark for that name. A statement that
the filter does not reach therefore returns nothing instead of everything.
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
    case,
    event,
    exists,
    func,
    insert,
    literal_column,
    null,
    or_,
    select,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import ORMExecuteState, with_loader_criteria
from sqlalchemy.orm.interfaces import ORMOption

from app.core.access.session import PRINCIPALS, GatedSession, flushing
from app.core.db import AnySelect, Base, together
from app.core.errors import Forbidden
from app.core.tables.audiences import Audience, AudienceReader, Confidential

# The audiences that include every participant; the rules read no others.
KNOWN_TO_PARTICIPANTS = ("case", "appointment", "participants", "court", "public")

# Literals, since the condition is in every statement and each bound value costs at each execution.
_ONE: ColumnElement[int] = literal_column("1")
_ZERO: ColumnElement[int] = literal_column("0")
# Statements with the criteria of the gate, cached: adding them costs more than running the statement.
_marked_statements: dict[tuple[ORMOption, ...], WeakKeyDictionary[Any, Any]] = {}
_reading: ContextVar[tuple[UUID, ...]] = ContextVar("reading")


class Ungated(RuntimeError):
    """A statement would have passed the gate: a fault of the service, never of the caller."""


@cache
def gated_tables() -> frozenset[str]:
    """The names of the tables that can be read only through the gate."""
    classes = [mapper.class_ for mapper in Base.registry.mappers]
    return frozenset(str(cls.__tablename__) for cls in classes if cls is Audience or issubclass(cls, Confidential))


def _marked(column: Any, condition: ColumnElement[bool]) -> ColumnElement[bool]:
    mark: ColumnElement[bool] = column.op("/*gate*/ IS NOT", is_comparison=True)(null())
    return mark & condition


def _row_by_row(of_row: AnySelect) -> ColumnElement[bool]:
    """Whether a row exists, looked up for each row of the statement.

    The offset of zero keeps PostgreSQL from turning it into a join: planning took longer than the look-ups, and for a
    page of fifty the chosen joins read everything that the person may know of.
    """
    return exists(of_row.offset(_ZERO))


def _principal(index: int) -> Callable[[], UUID]:
    return lambda: _reading.get()[index]


def _principals() -> list[Any]:
    # They are read when the statement is executed, so that SQLAlchemy analyses one statement for all readers.
    return [bindparam(f"gate_reader_{index}", type_=Uuid(), callable_=_principal(index)) for index in range(PRINCIPALS)]


def left_at(cls: type[Confidential]) -> Any:
    """The column, of a row that is read by people, that says when its reader's party left; null for those who stay.

    What has changed in the row since is not for such a reader.
    """
    reader = AudienceReader.__table__.alias("left_reader")
    of_row = (reader.c.audience_id == cls.audience_id, reader.c.principal_id.in_(_principals()))
    # Somebody who also reads the row in another way reads it whole.
    last = case((func.count() == func.count(reader.c.until), func.max(reader.c.until)))
    return select(last).where(*of_row).scalar_subquery().label("left_at")


@cache
def _for_reader() -> tuple[ORMOption, ...]:
    # The tripwire checks that the principals are those of the actor.
    reader = AudienceReader.__table__.alias("reader")
    principals = _principals()

    def its_audience(cls: Any) -> ColumnElement[bool]:
        own = select(_ONE).where(reader.c.audience_id == cls.audience_id, reader.c.principal_id.in_(principals))
        if cls.WRITTEN_AT is not None:
            # What was written after a party left does not exist for it, except of the case itself.
            is_read = [reader.c.until.is_(None), reader.c.opened_at.is_not(None)]
            is_read += [reader.c.until >= getattr(cls, cls.WRITTEN_AT)]
            if cls.READ_BY_LEAVERS:
                is_read += [cls.type.in_([literal_column(f"'{each}'") for each in cls.READ_BY_LEAVERS])]
            own = own.where(or_(*is_read))
        return _marked(cls.audience_id, _row_by_row(own))

    def itself(cls: Any) -> ColumnElement[bool]:
        own = select(_ONE).where(reader.c.audience_id == cls.id, reader.c.principal_id.in_(principals))
        return _marked(cls.id, _row_by_row(own))

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
    """The statement with the criteria, cached for each statement."""
    statements = _marked_statements.setdefault(criteria, WeakKeyDictionary())
    marked = statements.get(statement)
    if marked is None:
        marked = statements[statement] = statement.options(*criteria)
    return marked


def _columns_only(state: ORMExecuteState) -> None:
    if state.is_column_load or state.is_relationship_load:
        raise Ungated("a row was reloaded as the system")
    if not state.is_select:
        return
    # A union has no descriptions: it returns columns, never entities.
    for described in getattr(state.statement, "column_descriptions", ()):
        if described["expr"] is described["entity"] and described["entity"] is not None:
            raise Ungated(f"{described['name']} was read as an entity by the system")


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
