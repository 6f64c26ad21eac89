"""Rotation of the master key, and destruction of a case's own key."""

import base64
import socket
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.engine import make_url

from app.core.access.session import GatedSession, as_system
from app.core.contents.keys import KEY_BYTES, make_key_file
from app.core.db import is_postgresql
from app.core.errors import Misconfigured
from app.core.ledger import service as ledger
from app.core.ledger.acts import Act, Author, installation_subject
from app.core.postgresql import SECONDS_TO_CONNECT
from app.core.sealer import NO_KEY, Sealer
from app.core.tables.cases import Case
from app.core.tables.contents import DataKey
from app.core.tables.signing import SigningKey
from app.core.tables.webhooks import WebhookSecret


def new_key(entropy: Callable[[int], bytes], out: Path | None) -> str | None:
    """Make a master key; return it in base64, or None if it was written to `out`. Misconfigured if that file exists."""
    if out is None:
        return base64.b64encode(entropy(KEY_BYTES)).decode()
    try:
        make_key_file(out, entropy)
    except FileExistsError as problem:
        raise Misconfigured(f"{out} already exists, and a key is never written over: name a new file.") from problem
    return None


def rotate(db: GatedSession, now: datetime, old: Sealer, new: Sealer, author: Author) -> int:
    """Wrap every key with a new master key; what the keys seal is not changed. Return how many keys were wrapped.

    Raises Misconfigured if the old master key does not unwrap them, or while the service runs.
    """
    _require_no_service(db)
    wrapped = 0
    for table, name in ((DataKey, "case_id"), (SigningKey, "id"), (WebhookSecret, "id")):
        column = getattr(table, name)
        rows = db.execute(select(column, table.wrapped).where(table.wrapped != NO_KEY)).all()
        for id, old_wrapped in rows:
            row = update(table).where(column == id).values(wrapped=new.wrap(old.unwrap(old_wrapped)))
            db.execute(row.execution_options(synchronize_session=False))
        wrapped += len(rows)
    subject = installation_subject(db, "registry")
    ledger.record(db, Act("rotate", now, author, subject), "master-key-rotated", {"keys": wrapped})
    return wrapped


def _require_no_service(db: GatedSession) -> None:
    """Raise Misconfigured while a service is connected: it would wrap new keys with the old master key."""
    if not is_postgresql(db):
        return
    here = "datname = current_database() AND application_name = 'accord' AND pid <> pg_backend_pid()"
    connections = db.connection().exec_driver_sql(f"SELECT count(*) FROM pg_stat_activity WHERE {here}").scalar()  # noqa: S608
    if connections:
        raise Misconfigured("The service is connected to this database: stop it, and the worker, before the rotation.")


def require_no_pooler(url: str) -> None:
    """Raise Misconfigured while a pooler answers at this address: PostgreSQL does not show who is connected to it."""
    address = make_url(url)
    try:
        socket.create_connection((address.host or "localhost", address.port or 5432), SECONDS_TO_CONNECT).close()
    except ConnectionRefusedError:
        return
    except OSError as problem:
        raise Misconfigured(
            "The pooler may still run: it cannot be seen from here. Run this command where it refuses connections."
        ) from problem
    raise Misconfigured("The pooler still runs: stop the service, every worker and the pooler before the rotation.")


def destroy(db: GatedSession, now: datetime, case_id: UUID, author: Author) -> str:
    """Destroy the key of a closed case, which makes people's contents in it unreadable; return the case's title.

    Raises Misconfigured for an unknown case, a case that is not closed, and a key that was destroyed before.
    """
    with as_system(db):
        columns = (Case.title, Case.closed_at, Case.referral_id)
        case = db.execute(select(*columns).where(Case.id == case_id)).one_or_none()
        if case is None:
            raise Misconfigured("There is no case with this id.")
        if case.closed_at is None:
            raise Misconfigured("The case is not closed: its key can be destroyed only after it is closed.")
        # The referral's key goes with it: it seals what the court wrote about the case.
        with_referral = (case_id, case.referral_id)
        keys = update(DataKey).where(DataKey.case_id.in_(with_referral), DataKey.wrapped != NO_KEY)
        destroyed = db.execute(keys.values(wrapped=NO_KEY).execution_options(synchronize_session=False))
        if destroyed.rowcount == 0:  # type: ignore[attr-defined]
            raise Misconfigured("The key of this case is already destroyed.")
    subject = installation_subject(db, "registry")
    ledger.record(db, Act("destroy", now, author, subject), "case-key-destroyed", {"case_id": str(case_id)})
    return str(case.title)
