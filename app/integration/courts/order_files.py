"""Order of a court as a file: uploaded and sealed like any document, downloaded by readers of the referral."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select

from app.core.access.actors import Actor
from app.core.access.session import GatedSession, as_system
from app.core.contents import service as contents
from app.core.db import AnyRow, new_id
from app.core.errors import NotFound
from app.core.files.downloads import StoredFile
from app.core.files.sealing import Key
from app.core.files.uploads import Arrived
from app.core.tables.courts import CourtPaper, OrderFile, Referral
from app.integration.courts.court_acts import court_act, own_referral, record_court_act, write_changes
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
    """Permission to upload an order: the key that seals it, and where it will be stored."""

    key: Key
    object_key: str


def may_bring(db: GatedSession, actor: Actor, now: datetime, referral_id: UUID) -> OrderTicket:
    """Permit the upload of an order; raises as `amend` does, and `bring` checks again once the bytes are stored."""
    own_referral(db, actor, referral_id, lock=False)
    # A random name: object keys in the storage must not reveal ids.
    name = new_id(db).hex
    return OrderTicket(Key(data_key(db, referral_id), new_id(db)), f"{name[:2]}/{name}")


def bring(db: GatedSession, actor: Actor, now: datetime, referral_id: UUID, arrived: Arrived) -> tuple[UUID]:
    """Enter an order whose bytes are stored; the same file under the same name again changes nothing."""
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
    write_changes(db, now, referral, {"order_file": named})
    record_court_act(db, court_act(actor, now, referral, "amend"), referral, "amended", changed=["order_file"])
    return (referral_id,)


def _last(db: GatedSession, referral_id: UUID) -> AnyRow | None:
    orders = select(*_COLUMNS).where(OrderFile.referral_id == referral_id)
    return db.execute(orders.order_by(OrderFile.number.desc()).limit(1)).one_or_none()


def _name(db: GatedSession, row: AnyRow) -> str:
    return str(contents.read_one(db, row.content_id)["name"])


def leaf(db: GatedSession, actor: Actor, now: datetime, referral_id: UUID) -> StoredFile:
    """Where the order of a referral is stored, with its key; NotFound if the actor may read none."""
    return _leaf(db, _last(db, referral_id))


def leaf_in_case(db: GatedSession, actor: Actor, now: datetime, case_id: UUID) -> StoredFile:
    """Where the order that referred a case is stored, for its participants; NotFound if no court referred the case."""
    if db.execute(select(CourtPaper.id).where(CourtPaper.case_id == case_id).limit(1)).first() is None:
        raise NotFound
    with as_system(db):
        referral_id = db.execute(select(Referral.id).where(Referral.case_id == case_id)).scalar_one()
        return _leaf(db, _last(db, referral_id))


def _leaf(db: GatedSession, row: AnyRow | None) -> StoredFile:
    if row is None:
        raise NotFound
    name = _name(db, row)
    key = Key(data_key(db, row.referral_id), row.id)
    return StoredFile(row.id, name, row.media_type, row.size, row.sha256, row.object_key, key)
