"""The order of a court as a file: streamed in and sealed like any document, handed out to who reads the referral."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select

from app.core.access.actors import Actor
from app.core.access.session import GatedSession, as_system
from app.core.contents import service as contents
from app.core.db import AnyRow, new_id
from app.core.errors import NotFound
from app.core.files.sealing import Key
from app.core.files.transfers import Arrived, Leaf
from app.core.tables.courts import CourtPaper, OrderFile, Referral
from app.integration.courts.court_acts import own_referral, send_anew, tell
from app.proceedings.documents.service import data_key

_COLUMNS = (
    OrderFile.id,
    OrderFile.referral_id,
    OrderFile.content_id,
    OrderFile.media_type,
    OrderFile.size,
    OrderFile.sha256,
    OrderFile.object_key,
)


@dataclass(frozen=True, slots=True)
class OrderTicket:
    """Leave to bring an order: the key that seals it, and where it will lie."""

    key: Key
    object_key: str


def may_bring(db: GatedSession, actor: Actor, now: datetime, referral_id: UUID) -> OrderTicket:
    """Leave to bring the order of a referral; judged again once the bytes lie, with the same refusals as `amend`."""
    own_referral(db, actor, referral_id, lock=False)
    # Another random number than the order's: who sees the storage learns no ids.
    name = new_id(db).hex
    return OrderTicket(Key(data_key(db, referral_id), new_id(db)), f"{name[:2]}/{name}")


def bring(db: GatedSession, actor: Actor, now: datetime, referral_id: UUID, arrived: Arrived) -> tuple[UUID]:
    """Enter an order whose bytes lie already; the same file under the same name is the one that is there."""
    referral = own_referral(db, actor, referral_id)
    last = _last(db, referral_id)
    if last is not None and last.sha256 == arrived.sha256 and _name(db, last) == arrived.file.name:
        return (referral_id,)
    file = {"media_type": arrived.file.kind.media_type, "size": arrived.size}
    written = contents.write(db, referral_id, referral.audience_id, {"name": arrived.file.name})
    number = db.execute(select(func.max(OrderFile.number)).where(OrderFile.referral_id == referral_id)).scalar()
    db.add(
        OrderFile(
            id=arrived.id,
            referral_id=referral_id,
            audience_id=referral.audience_id,
            number=(number or 0) + 1,
            content_id=written.id,
            sha256=arrived.sha256,
            object_key=arrived.object_key,
            stored_at=now,
            **file,
        )
    )
    db.flush()
    named = {"id": str(arrived.id), "name": arrived.file.name, "sha256": arrived.sha256.hex(), **file}
    send_anew(db, now, referral, {"order_file": named})
    tell(db, actor, now, referral, "amended", "amend", changed=["order_file"])
    return (referral_id,)


def _last(db: GatedSession, referral_id: UUID) -> AnyRow | None:
    mine = select(*_COLUMNS).where(OrderFile.referral_id == referral_id)
    return db.execute(mine.order_by(OrderFile.number.desc()).limit(1)).one_or_none()


def _name(db: GatedSession, row: AnyRow) -> str:
    return str(contents.read_one(db, row.content_id)["name"])


def leaf(db: GatedSession, actor: Actor, now: datetime, referral_id: UUID) -> Leaf:
    """What is needed to hand out the order of a referral; NotFound if there is none that the actor may know of."""
    return _leaf(db, _last(db, referral_id))


def leaf_in_case(db: GatedSession, actor: Actor, now: datetime, case_id: UUID) -> Leaf:
    """The same for a participant of the case, who reads what the court sent about it."""
    if db.execute(select(CourtPaper.id).where(CourtPaper.case_id == case_id).limit(1)).first() is None:
        raise NotFound
    with as_system(db):
        referral_id = db.execute(select(Referral.id).where(Referral.case_id == case_id)).scalar_one()
        return _leaf(db, _last(db, referral_id))


def _leaf(db: GatedSession, row: AnyRow | None) -> Leaf:
    if row is None:
        raise NotFound
    name = _name(db, row)
    key = Key(data_key(db, row.referral_id), row.id)
    return Leaf(row.id, name, row.media_type, row.size, row.sha256, row.object_key, key)
