"""What every entry point of the service needs, wired once by `main` and passed down."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.core.access.session import GatedSession
from app.core.db import AnyRow, Database, Entropy
from app.core.files.storage import Storage
from app.core.ledger.acts import Act
from app.core.outbound import Guard
from app.core.paging import Cursors
from app.core.sealer import Sealer
from app.core.tables.cases import Case


@dataclass(frozen=True, slots=True)
class Seams:
    """The database, the sealer of contents, the clock, the source of random bytes, and the storage of files.

    `after_act` runs in the transaction of every write, between the act and the answer. Wings below the cases are handed
    functions: `lock_case` locks a case by its id and returns its columns, `end_appointment` ends an appointment in a
    case, by their ids, with the account of the person, `is_behind` says whether a step that time brings may be due in a
    case, and `take_due_steps` takes such steps.
    """

    database: Database[GatedSession]
    sealer: Sealer
    cursors: Cursors
    clock: Callable[[], datetime]
    entropy: Callable[[str], Entropy]
    after_act: Callable[[GatedSession, datetime], None]
    storage: Storage
    guard: Guard
    lock_case: Callable[[GatedSession, UUID], AnyRow]
    end_appointment: Callable[[GatedSession, Act, UUID, UUID], None]
    is_behind: Callable[[Case | AnyRow, datetime], bool]
    take_due_steps: Callable[[GatedSession, datetime, UUID], int]
