"""Another master key in the place of the one that is, and the destruction of a case's own key."""

import base64
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from uuid import UUID

from sqlalchemy import select, update

from app.core.access.session import GatedSession, as_system
from app.core.contents.keys import KEY_BYTES, make_key_file
from app.core.db import is_postgresql
from app.core.errors import Misconfigured
from app.core.ledger import service as ledger
from app.core.ledger.acts import Act, Author, installation_subject
from app.core.sealer import NO_KEY, Sealer
from app.core.tables.cases import Case
from app.core.tables.contents import DataKey
from app.core.tables.signing import SigningKey
from app.core.tables.webhooks import WebhookSecret


def new_key(entropy: Callable[[int], bytes], out: Path | None) -> str | None:
    """A new master key in base64, or None where it is written to a file; Misconfigured if the file is there already."""
    if out is None:
        return base64.b64encode(entropy(KEY_BYTES)).decode()
    try:
        make_key_file(out, entropy)
    except FileExistsError as problem:
        raise Misconfigured(f"{out} is there already; a key is never written over.") from problem
    return None


def rotate(db: GatedSession, now: datetime, old: Sealer, new: Sealer, by: Author) -> int:
    """Wrap every key anew under another master key; what the keys seal stays as it is. How many were wrapped.

    Raises Misconfigured if the old master key does not open them, or while the service runs.
    """
    _must_be_alone(db)
    wrapped = 0
    for table, name in ((DataKey, "case_id"), (SigningKey, "id"), (WebhookSecret, "id")):
        column = getattr(table, name)
        rows = db.execute(select(column, table.wrapped).where(table.wrapped != NO_KEY)).all()
        for id, kept in rows:
            row = update(table).where(column == id).values(wrapped=new.wrap(old.unwrap(kept)))
            db.execute(row.execution_options(synchronize_session=False))
        wrapped += len(rows)
    subject = installation_subject(db, "registry")
    ledger.record(db, Act("rotate", now, by, subject), "master-key-rotated", {"keys": wrapped})
    return wrapped


def _must_be_alone(db: GatedSession) -> None:
    """A process that runs on would wrap the keys of new cases under the old master key."""
    if not is_postgresql(db):
        return
    here = "datname = current_database() AND application_name = 'accord' AND pid <> pg_backend_pid()"
    found = db.connection().exec_driver_sql(f"SELECT count(*) FROM pg_stat_activity WHERE {here}").scalar()  # noqa: S608
    if found:
        raise Misconfigured("The service is connected to this database: stop it, and the worker, before the rotation.")


def destroy(db: GatedSession, now: datetime, case_id: UUID, by: Author) -> str:
    """Destroy the key of a closed case, by which all that people wrote in it becomes unreadable; its title.

    Raises Misconfigured for a case that is not there, is not closed, or whose key was destroyed already.
    """
    with as_system(db):
        columns = (Case.title, Case.closed_at, Case.referral_id)
        case = db.execute(select(*columns).where(Case.id == case_id)).one_or_none()
        if case is None:
            raise Misconfigured("There is no case of that id.")
        if case.closed_at is None:
            raise Misconfigured("The case is not closed: its parties still need what they wrote.")
        # What a court wrote of it goes with it.
        both = (case_id, case.referral_id)
        mine = update(DataKey).where(DataKey.case_id.in_(both), DataKey.wrapped != NO_KEY)
        gone = db.execute(mine.values(wrapped=NO_KEY).execution_options(synchronize_session=False))
        if gone.rowcount == 0:  # type: ignore[attr-defined]
            raise Misconfigured("The key of this case was destroyed already.")
    subject = installation_subject(db, "registry")
    ledger.record(db, Act("destroy", now, by, subject), "case-key-destroyed", {"case_id": str(case_id)})
    return str(case.title)
