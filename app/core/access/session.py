"""The session of one actor, and what its transaction carries."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any
from uuid import UUID

from sqlalchemy import Engine

from app.core.access.circle import Circle
from app.core.db import Entropy
from app.core.paging import PagedSession
from app.core.sealer import Sealer
from app.core.tables.cases import Case
from app.core.tables.events import Note

# Everybody reads under as many principals, so that a statement has one text.
PRINCIPALS = 3
flushing = ContextVar("whether a session is flushing", default=False)


class GatedSession(PagedSession):
    """A session that reads under the principals of one actor, or not at all.

    `sealer` is set before contents are read or written. `circles` and `locked` hold what this transaction has read and
    locked of cases, `notes` the events it has recorded but not sealed, and `secrets` the secrets it has made, by id:
    they are shown in its answer and stored nowhere.
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

    def flush(self, objects: Any = None) -> None:
        """Send pending rows; `before_flush` has checked the audiences that they are written into."""
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
        raise RuntimeError("a session belongs to one actor")
    if len(principals) != PRINCIPALS:
        raise ValueError(f"a reader has {PRINCIPALS} principals")
    db.principals = principals


@contextmanager
def as_system(db: GatedSession) -> Iterator[None]:
    """Act beyond one person's view, with columns only: an entity read here could be served to the actor later."""
    db.flush()
    outer = db.is_system
    db.is_system = True
    try:
        yield
        db.flush()
    finally:
        db.is_system = outer
