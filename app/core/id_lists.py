"""Lists of ids in statements: one value on both databases, so that a statement is the same however long its list is."""

import json
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Boolean, ColumnElement, String, Uuid, bindparam
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.operators import OperatorType
from sqlalchemy.types import TypeDecorator, TypeEngine


class IdList(TypeDecorator[Iterable[UUID]]):
    """A list of ids as one value: an array on PostgreSQL, and JSON on SQLite."""

    impl = String
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """The type on this database."""
        return dialect.type_descriptor(ARRAY(Uuid()) if dialect.name == "postgresql" else String())

    def process_bind_param(self, value: Iterable[UUID] | None, dialect: Dialect) -> Any:
        """The value for the database."""
        ids = list(value or ())
        return ids if dialect.name == "postgresql" else json.dumps([id.hex for id in ids])


class _Among(FunctionElement[bool]):
    """A column and a list of ids, one of which it must be."""

    type = Boolean()
    name = "among"
    inherit_cache = True

    def self_group(self, against: OperatorType | None = None) -> Any:
        """The condition as it is: compared with true, as SQLAlchemy writes it for SQLite, it would use no index."""
        return self


def among(column: Any, parameter: str) -> ColumnElement[bool]:
    """Whether a column is one of the ids that the parameter of this name lists."""
    return _Among(column, bindparam(parameter, type_=IdList()))


@compiles(_Among, "postgresql")
def _any_of_an_array(element: _Among, compiler: SQLCompiler, **more: Any) -> str:
    column, ids = (compiler.process(clause, **more) for clause in element.clauses)
    return f"{column} = ANY ({ids})"


@compiles(_Among, "sqlite")
def _one_of_json(element: _Among, compiler: SQLCompiler, **more: Any) -> str:
    column, ids = (compiler.process(clause, **more) for clause in element.clauses)
    return f"{column} IN (SELECT value FROM json_each({ids}))"  # noqa: S608 - both parts are compiled SQL
