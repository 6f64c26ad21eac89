"""Statements that are compiled with the gate once, and then sent with their values alone.

SQLAlchemy analyses a statement each time that it runs it, which takes longer than the database needs for a small one.
Where rows of columns are read, the text, the order of the values and the types are the same each time.
"""

from collections import OrderedDict, namedtuple
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from threading import Lock
from typing import Any
from uuid import UUID
from weakref import WeakKeyDictionary

import sqlalchemy.exc
from sqlalchemy import Connection
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.engine import Dialect
from sqlalchemy.orm.interfaces import ORMOption

from app.core.access.criteria import PRINCIPALS, READER, Ungated, for_reader, gated, reading
from app.core.postgresql import rows_in_one_trip

Values = Mapping[str, Any]
Criteria = tuple[ORMOption, ...]
# Statements of lists differ by their filters; those that were not used for longest are forgotten.
MOST_KEPT = 1_000
_NOBODY = (UUID(int=0),) * PRINCIPALS
# The value of a parameter that each sending gives.
_GIVEN: Any = object()
_READERS = {READER.format(index): index for index in range(PRINCIPALS)}


class KeptStatement:
    """A statement as it is sent, and how its values and rows are converted."""

    def __init__(self, statement: Any, values: Values, dialect: Dialect) -> None:
        """Compile a statement that has its conditions already; raises Ungated if its text depends on these values."""
        compiled: Any = statement.compile(dialect=dialect)
        listed = any(parameter.key in values for parameter in compiled.post_compile_params)
        if listed or compiled.literal_execute_params:
            raise Ungated("the text of a kept statement is the same for all values")
        # The length of each list is part of the text from here on; the reader is named each time that it is sent.
        token = reading.set(_NOBODY)
        try:
            expanded = compiled.construct_expanded_state(values)
        finally:
            reading.reset(token)
        self.sql: str = expanded.statement
        self._names = compiled.bind_names
        # The names of the items of each list.
        self.items: Mapping[str, Sequence[str]] = expanded.parameter_expansion
        self._values: list[tuple[str, int | None, Any, Any]] = []
        for name in expanded.positiontup:
            convert = expanded.processors.get(name)
            default = expanded.parameters[name]
            if name in compiled.binds:
                convert = compiled.binds[name].type.dialect_impl(dialect).bind_processor(dialect)
                default = _GIVEN if compiled.binds[name].required or name in values else default
            self._values.append((name, _READERS.get(name), default, convert))
        self._is_gated = any(name in _READERS for name in expanded.positiontup)
        columns = compiled._result_columns  # noqa: SLF001 - the names and types in the order of the statement
        self.columns = [column.keyname for column in columns]
        converters = [column.type.dialect_impl(dialect).result_processor(dialect, None) for column in columns]
        self._converters = [(place, convert) for place, convert in enumerate(converters) if convert is not None]

    def sent(self, values: Values, principals: Sequence[UUID]) -> tuple[Any, ...]:
        """The values in the order of the statement, for a reader with these principals.

        Raises Ungated for a statement with the gate where there is no reader, and if a value is missing.
        """
        if self._is_gated and not principals:
            raise Ungated("a gated table was read without a reader")
        sent = []
        for name, principal, default, convert in self._values:
            value = values.get(name, default) if principal is None else principals[principal]
            if value is _GIVEN:
                raise Ungated(f"a kept statement was sent without a value for {name}")
            sent.append(value if convert is None else convert(value))
        return tuple(sent)

    def typed(self, fetched: Sequence[Sequence[Any]]) -> Sequence[Sequence[Any]]:
        """The rows that the driver returned, with the types of the columns."""
        if not self._converters:
            return fetched
        typed = []
        for row in fetched:
            cells = list(row)
            for place, convert in self._converters:
                cells[place] = convert(cells[place])
            typed.append(cells)
        return typed

    def names_of(self, parameters: Sequence[Any]) -> list[list[str]]:
        """The names under which each parameter of the statement as it was written is sent: the gate copies some."""
        names: dict[Any, list[str]] = {parameter: [] for parameter in parameters}
        for copy, name in self._names.items():
            for parameter in copy._cloned_set & names.keys():  # noqa: SLF001 - the parameters of which it is a copy
                names[parameter].append(name)
        return [names[parameter] for parameter in parameters]

    def forget(self, names: Iterable[str]) -> None:
        """Forget the values of these parameters, which each sending gives: they are those of one request."""
        given = set(names)
        self._values = [
            (name, principal, _GIVEN if name in given else default, convert)
            for name, principal, default, convert in self._values
        ]

    @cached_property
    def make_row(self) -> Callable[[Sequence[Any]], Any]:
        """Makes a row with named columns."""
        row: Any = namedtuple("_Row", self.columns)  # type: ignore[misc]
        make: Callable[[Sequence[Any]], Any] = row._make
        return make


class KeptStatements:
    """The kept statements of one database."""

    def __init__(self, dialect: Dialect) -> None:
        # Parameters as PostgreSQL itself writes them, so that the driver need not translate the statement.
        numbered = dialect.name == "postgresql"
        own: Any = PGDialect_psycopg
        self._dialect: Dialect = own(paramstyle="numeric_dollar") if numbered else dialect
        self._by_statement: WeakKeyDictionary[Any, KeptStatement] = WeakKeyDictionary()
        self._by_form: OrderedDict[Any, _Form | None] = OrderedDict()
        self._lock = Lock()

    def of(self, statement: Any, values: Values) -> KeptStatement:
        """The kept form of a statement that is made once, with the gate; raises Ungated if it returns entities."""
        kept = self._by_statement.get(statement)
        if kept is None:
            if returns_entities(statement):
                raise Ungated("a kept statement returns columns")
            kept = self._by_statement[statement] = KeptStatement(gated(for_reader(), statement), values, self._dialect)
        return kept

    def of_form(self, statement: Any, criteria: Criteria, values: Values) -> tuple[KeptStatement, Values] | None:
        """The kept form of a statement that is made again each time, with other values, and its values.

        None for a statement that returns entities, or whose text depends on its values. The text says how many words a
        list has, not which.
        """
        form = statement._generate_cache_key()  # noqa: SLF001 - what SQLAlchemy itself keeps compiled statements by
        if form is None:
            return None
        lists = [parameter.effective_value for parameter in form.bindparams if parameter.expanding]
        if not all(isinstance(item, str) for items in lists for item in items or (None,)):
            return None
        key = (form.key, criteria, tuple(map(len, lists)))
        with self._lock:
            found = self._by_form.get(key, _UNKNOWN)
            if found is not _UNKNOWN:
                self._by_form.move_to_end(key)
        if found is _UNKNOWN:
            found = self._made(statement, criteria, values, form.bindparams)
            with self._lock:
                self._by_form[key] = found
                while len(self._by_form) > MOST_KEPT:
                    self._by_form.popitem(last=False)
        if found is None:
            return None
        kept, names = found
        given: dict[str, Any] = {}
        for copies, parameter in zip(names, form.bindparams, strict=True):
            for name in copies:
                if parameter.expanding:
                    given.update(zip(kept.items[name], parameter.effective_value, strict=True))
                elif not parameter.required:
                    given[name] = parameter.effective_value
        return kept, {**given, **values}

    def _made(self, statement: Any, criteria: Criteria, values: Values, parameters: Sequence[Any]) -> "_Form | None":
        if returns_entities(statement):
            return None
        try:
            kept = KeptStatement(gated(criteria, statement) if criteria else statement, values, self._dialect)
        except Ungated:
            return None
        names = kept.names_of(parameters)
        kept.forget(item for copies in names for name in copies for item in kept.items.get(name, (name,)))
        return kept, names


# A statement, and the names of each of its parameters.
_Form = tuple[KeptStatement, list[list[str]]]
_UNKNOWN: Any = object()


def returns_entities(statement: Any) -> bool:
    """Whether a statement returns whole rows as objects, which the session keeps."""
    # A union has no descriptions: it returns columns, never entities.
    descriptions = getattr(statement, "column_descriptions", ())
    return any(each.get("entity") is not None and each["expr"] is each["entity"] for each in descriptions)


def kept_statements(dialect: Dialect) -> KeptStatements:
    """The kept statements of the database with this dialect, of which each engine has its own."""
    # With the dialect, so that they end with it: they refer to it.
    of_dialect = vars(dialect)
    kept: KeptStatements | None = of_dialect.get("accord_kept_statements")
    if kept is None:
        kept = of_dialect.setdefault("accord_kept_statements", KeptStatements(dialect))
    return kept


@dataclass(frozen=True, slots=True)
class _Context:
    """What the tripwire sees of a statement that SQLAlchemy does not send."""

    execution_options: Mapping[str, Any]


def send(
    connection: Connection, asked: Sequence[tuple[KeptStatement, tuple[Any, ...]]], options: Mapping[str, Any]
) -> list[Sequence[Sequence[Any]]]:
    """The rows of each statement, in one round trip on PostgreSQL; raises DBAPIError if the database fails."""
    driver: Any = connection.connection.driver_connection
    context = _Context(options)
    for kept, values in asked:
        for listener in connection.dispatch.before_cursor_execute:
            listener(connection, None, kept.sql, values, context, False)
    with _errors_of(connection):
        if connection.dialect.name == "postgresql":
            fetched = rows_in_one_trip(driver, [(kept.sql, values) for kept, values in asked])
        else:
            fetched = [driver.execute(kept.sql, values).fetchall() for kept, values in asked]
    return [kept.typed(rows) for (kept, _values), rows in zip(asked, fetched, strict=True)]


@contextmanager
def _errors_of(connection: Connection) -> Iterator[None]:
    """Raise an error of the driver as SQLAlchemy would."""
    errors: Any = connection.dialect.dbapi
    try:
        yield
    except errors.Error as problem:
        raise sqlalchemy.exc.DBAPIError.instance(
            None, None, problem, errors.Error, hide_parameters=True, dialect=connection.dialect
        ) from problem
