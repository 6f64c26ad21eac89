"""The parts that every entry to the service stands on, wired once by `main` and passed down."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from app.contents.service import Sealer
from app.db import Database, Entropy
from app.documents.storage import Storage
from app.paging import Cursors
from app.webhooks.guard import Guard


@dataclass(frozen=True, slots=True)
class Seams:
    """The database, the sealer of contents, the clock, the source of random bytes, and the storage of files.

    `after_act` runs in every write's transaction between the act and the answer.
    """

    database: Database
    sealer: Sealer
    cursors: Cursors
    clock: Callable[[], datetime]
    entropy: Callable[[str], Entropy]
    after_act: Callable[[Session, datetime], None]
    storage: Storage
    guard: Guard
