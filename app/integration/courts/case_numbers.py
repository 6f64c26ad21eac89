"""The numbers of cases at a court, which are recognised however they are written."""

import hashlib
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select, update

from app.core.access.session import GatedSession
from app.core.contents import service as contents
from app.core.db import AnyRow
from app.core.sealer import NO_KEY
from app.core.tables.contents import DataKey
from app.core.tables.courts import Referral
from app.core.values import folded

_PARTS = re.compile(r"\d+|[^\W\d_]+")


def compared(number: str) -> str:
    """The form of a number for comparison: its words and figures, without signs, spaces, case and leading zeros."""
    return "-".join(part.lstrip("0") or "0" for part in _PARTS.findall(folded(number)))


def bucket_of(court_id: UUID, number: str) -> int:
    """One of 256 buckets for a number: few referrals are opened to compare them, and a column tells little of it."""
    return hashlib.sha256(court_id.bytes + compared(number).encode()).digest()[0]


def earlier_referral(
    db: GatedSession, court_id: UUID, number: str, before: tuple[datetime, UUID] | None = None
) -> UUID | None:
    """The last referral of a court with the same number; `before` are the instant and id of the one that asks."""
    same = _same_number(db, court_id, number)
    if before is not None:
        same = [row for row in same if (row.received_at, row.id) < before]
    return same[-1].id if same else None


def renumber(db: GatedSession, referral: Referral, number: str) -> list[tuple[AnyRow, UUID | None]]:
    """Compare a referral with the others after its number has changed, and the later ones with it.

    Return those of the later ones that name another earlier referral now, or none any more, each with that one's id.
    """
    own = (referral.received_at, referral.id)
    referral.number_bucket = bucket_of(referral.court_id, number)
    referral.earlier_referral_id = earlier_referral(db, referral.court_id, number, own)
    db.flush()
    # Those that named this one, and those that it has the number of now.
    named = select(*_COLUMNS).where(Referral.earlier_referral_id == referral.id)
    later = [row for row in _same_number(db, referral.court_id, number) if (row.received_at, row.id) > own]
    followed = []
    for row in {row.id: row for row in (*db.execute(named).all(), *later)}.values():
        its_number = contents.read_one(db, row.content_id)["case_number"]
        earlier_id = earlier_referral(db, referral.court_id, its_number, (row.received_at, row.id))
        if earlier_id != row.earlier_referral_id:
            changed = update(Referral).where(Referral.id == row.id).values(earlier_referral_id=earlier_id)
            db.execute(changed.execution_options(synchronize_session=False))
            followed.append((row, earlier_id))
    return followed


_COLUMNS: tuple[Any, ...] = (
    Referral.id,
    Referral.court_id,
    Referral.audience_id,
    Referral.content_id,
    Referral.received_at,
    Referral.earlier_referral_id,
)


def _same_number(db: GatedSession, court_id: UUID, number: str) -> Sequence[AnyRow]:
    """The readable referrals of a court with this number, the oldest first."""
    # Referrals from before numbers were compared have no bucket.
    bucket = or_(Referral.number_bucket == bucket_of(court_id, number), Referral.number_bucket.is_(None))
    statement = select(*_COLUMNS).join(DataKey, DataKey.case_id == Referral.id)
    statement = statement.where(Referral.court_id == court_id, bucket, DataKey.wrapped != NO_KEY)
    rows = db.execute(statement.order_by(Referral.received_at, Referral.id)).all()
    bodies = contents.read_many(db, [row.content_id for row in rows])
    return [row for row in rows if compared(bodies[row.content_id]["case_number"]) == compared(number)]
