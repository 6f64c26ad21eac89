"""The session of one actor, with the state of its transaction."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any
from uuid import UUID

from sqlalchemy import Engine

from app.core.access.circle import Circle
from app.core.access.criteria import PRINCIPALS
from app.core.access.kept import KeptStatement, Values, kept_statements, send
from app.core.db import AnyRow, Entropy
from app.core.paging import PagedSession
from app.core.sealer import Sealer
from app.core.tables.cases import Case
from app.core.tables.events import Note

flushing = ContextVar("flushing", default=False)
_NO_VALUES: Values = {}


class CaseBehind(Exception):
    """Time has brought a step of a case that is not recorded yet: it comes before the act, which is then repeated."""

    def __init__(self, case_id: UUID) -> None:
        super().__init__(f"a step of case {case_id} comes first")
        self.case_id = case_id


def _nothing_first(case: Case | AnyRow) -> None:
    """Nothing comes before an act of the clock itself, or of the operator."""


class GatedSession(PagedSession):
    """A session that reads under the principals of its actor; without them the gate refuses gated tables.

    `sealer` is set before contents are read or written. `is_system` is true inside `as_system`, and `writable` are the
    audiences to which the actor is known to belong. `circles` and `locked` are the circles and rows, by case, of the
    cases that this transaction has locked, `notes` the events that it has recorded but not sealed, and `secrets` the
    secrets that it has created, by id: its answer shows them, and they are stored nowhere. `before_act` is called with
    each case that an act has locked; it raises CaseBehind where something else has to happen first.
    """

    sealer: Sealer

    def __init__(self, bind: Engine, entropy: Entropy) -> None:
        super().__init__(bind, entropy)
        self.principals: tuple[UUID, ...] = ()
        self.is_system = False
        self.writable: set[UUID] = set()
        self.circles: dict[UUID, Circle] = {}
        self.locked: dict[UUID, Case] = {}
        self.notes: list[Note] = []
        self.secrets: dict[UUID, str] = {}
        self.before_act: Callable[[Case | AnyRow], None] = _nothing_first
        self._first: list[tuple[KeptStatement, tuple[Any, ...], Callable[[list[Any]], None]]] = []

    def rows(self, statement: Any, values: Values = _NO_VALUES) -> Sequence[AnyRow]:
        """The rows of columns that a statement returns to the actor; it is made once, and kept as it is compiled."""
        (rows,) = self.rows_of([(statement, values)])
        return rows

    def rows_of(self, asked: Sequence[tuple[Any, Values]]) -> list[Sequence[AnyRow]]:
        """The rows of several such statements, in one round trip."""
        if self.is_system:
            return [self.execute(statement, values).all() for statement, values in asked]
        self.flush()
        kept = kept_statements(self.get_bind().dialect)
        forms = [(kept.of(statement, values), values) for statement, values in asked]
        return self._sent([(form, form.sent(values, self.principals)) for form, values in forms])

    def ask_first(self, statement: Any, values: Values, judge: Callable[[list[Any]], None]) -> None:
        """Send a statement along with the first of the others, and let `judge` see its rows before theirs are used.

        The statement reads no gated table. Where the session was opened, `settle` is called before anything is
        answered.
        """
        form = kept_statements(self.get_bind().dialect).of(statement, values)
        self._first.append((form, form.sent(values, self.principals), judge))

    def settle(self) -> None:
        """Send what `ask_first` has put off, if nothing was sent since."""
        if self._first:
            self._sent([])

    def _sent(self, asked: Sequence[tuple[KeptStatement, tuple[Any, ...]]]) -> list[Any]:
        first = self._first
        sent = [(form, values) for form, values, _judge in first]
        sent += asked
        answers = send(self.connection(), sent, {"read_under": self.principals} if self.principals else {})
        rows = [[form.make_row(row) for row in fetched] for (form, _values), fetched in zip(sent, answers, strict=True)]
        for (_form, _values, judge), found in zip(first, rows, strict=False):
            judge(found)
        self._first = []
        return rows[len(first) :]

    def flush(self, objects: Any = None) -> None:
        """Send pending rows, whose audiences `before_flush` has checked."""
        token = flushing.set(True)
        try:
            super().flush(objects)
        finally:
            flushing.reset(token)


def read_under(db: GatedSession, principals: tuple[UUID, ...]) -> None:
    """Bind a session to the principals of its actor.

    Raises RuntimeError if it is bound already, and ValueError if there are not exactly PRINCIPALS of them.
    """
    if db.principals:
        raise RuntimeError("a session has one actor")
    if len(principals) != PRINCIPALS:
        raise ValueError(f"an actor has {PRINCIPALS} principals")
    db.principals = principals


@contextmanager
def acting_under(db: GatedSession, principals: tuple[UUID, ...]) -> Iterator[None]:
    """Act under other principals for a while: for what an act entails in cases that its actor does not see.

    What was read meanwhile is forgotten at the end, because an entity could be served to the actor later.
    """
    db.flush()
    outer, entities, locked = (db.principals, db.writable), set(db), set(db.locked)
    db.principals, db.writable = principals, set()
    try:
        yield
        db.flush()
    finally:
        for entity in set(db) - entities:
            db.expunge(entity)
        db.locked = {case_id: case for case_id, case in db.locked.items() if case_id in locked}
        db.principals, db.writable = outer


@contextmanager
def as_system(db: GatedSession) -> Iterator[None]:
    """Act beyond the actor's view. Only columns can be read: an entity could be served to the actor later."""
    db.flush()
    outer = db.is_system
    db.is_system = True
    try:
        yield
        db.flush()
    finally:
        db.is_system = outer
