"""The conditions of the gate: who may read a row, as SQL with a mark by which the tripwire knows them again."""

from collections.abc import Callable
from contextvars import ContextVar
from functools import cache
from typing import Any
from uuid import UUID
from weakref import WeakKeyDictionary

from sqlalchemy import ColumnElement, Uuid, bindparam, case, exists, func, literal_column, null, or_, select
from sqlalchemy.orm import with_loader_criteria
from sqlalchemy.orm.interfaces import ORMOption

from app.core.db import AnySelect
from app.core.tables.audiences import Audience, AudienceReader, Confidential

# Every actor has this number of principals, so that a statement has one text.
PRINCIPALS = 3
# The name of the parameter with a principal of the reader.
READER = "gate_reader_{}"
# The audiences that include every participant; the rules read no others.
KNOWN_TO_PARTICIPANTS = ("case", "appointment", "participants", "court", "public")

# Literals, since the condition is in every statement and each bound value costs at each execution.
_ONE: ColumnElement[int] = literal_column("1")
_ZERO: ColumnElement[int] = literal_column("0")
# Statements with the criteria of the gate, cached: adding them costs more than running the statement.
_marked_statements: dict[tuple[ORMOption, ...], WeakKeyDictionary[Any, Any]] = {}
reading: ContextVar[tuple[UUID, ...]] = ContextVar("reading")


class Ungated(RuntimeError):
    """A statement would have passed the gate: a fault of the service, never of the caller."""


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
    return lambda: reading.get()[index]


def _principals() -> list[Any]:
    # They are read when the statement is executed, so that SQLAlchemy analyses one statement for all readers.
    return [bindparam(READER.format(index), type_=Uuid(), callable_=_principal(index)) for index in range(PRINCIPALS)]


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
def for_reader() -> tuple[ORMOption, ...]:
    """The conditions for rows that the reader may know of."""
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
def for_participants() -> tuple[ORMOption, ...]:
    """The conditions for rows that all participants of the case may know of."""
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


def gated(criteria: tuple[ORMOption, ...], statement: Any) -> Any:
    """The statement with the criteria, cached for each statement."""
    statements = _marked_statements.setdefault(criteria, WeakKeyDictionary())
    marked = statements.get(statement)
    if marked is None:
        marked = statements[statement] = statement.options(*criteria)
    return marked
