"""What people write, sealed: `write`, `read_many`, and `unseal` for a content that was read with its row."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import rfc8785
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import select, update

from app.core.access.gate import insert_rows
from app.core.access.session import GatedSession
from app.core.db import AnySelect, new_id, random_bytes
from app.core.errors import Altered, Destroyed
from app.core.id_lists import among
from app.core.sealer import NO_KEY
from app.core.tables.contents import Content, DataKey

Body = dict[str, Any]
SALT_BYTES = 32


@dataclass(frozen=True, slots=True)
class Written:
    """A sealed content that was written: its id, and the commitment by which the ledger proves it."""

    id: UUID
    commitment: bytes


def open_case(db: GatedSession, case_id: UUID) -> None:
    """Create the data key of a new case."""
    key = random_bytes(db, 32)
    insert_rows(db, DataKey, [{"case_id": case_id, "wrapped": db.sealer.wrap(key)}])
    db.sealer.remember(case_id, key)


def write(db: GatedSession, case_id: UUID, audience_id: UUID, body: Body, id: UUID | None = None) -> Written:
    """Seal a body for an audience, and store it."""
    id = id or new_id(db)
    salt, nonce = random_bytes(db, SALT_BYTES), random_bytes(db, 12)
    plain = rfc8785.dumps(body)
    # The salt is sealed too: with it, anybody who has the database could test guesses against the commitment.
    sealed = nonce + _cipher(db, case_id).encrypt(nonce, salt + plain, id.bytes)
    insert_rows(db, Content, [{"id": id, "case_id": case_id, "audience_id": audience_id, "body": sealed}])
    return Written(id, commitment(salt, plain))


@dataclass(frozen=True, slots=True)
class Opening:
    """A content with the salt of its commitment, with which a reader can check the ledger."""

    body: Body
    salt: bytes


def unseal(db: GatedSession, wrapped: bytes, id: UUID, sealed: bytes) -> Opening:
    """Open a content with its case's wrapped key.

    Raises Altered if it is not what was written, Destroyed if the key was destroyed, and Misconfigured if another
    master key wrapped it.
    """
    salt, plain = _unseal(db.sealer.opened(wrapped), id, sealed)
    return Opening(json.loads(plain), salt)


# Both databases accept about three times as many values in one statement.
_AT_ONCE = 10_000
_OPENED = (
    select(Content.id, Content.body, DataKey.wrapped)
    .join(DataKey, DataKey.case_id == Content.case_id)
    .where(among(Content.id, "ids"))
)


_NOT_DESTROYED = _OPENED.where(DataKey.wrapped != NO_KEY)


def openings(db: GatedSession, ids: list[UUID]) -> dict[UUID, Opening]:
    """The contents that the actor may read, with their salts, by id; one statement for each 10,000.

    Raises Destroyed if the key of one was destroyed.
    """
    return _openings(db, _OPENED, ids)


def openings_left(db: GatedSession, ids: list[UUID]) -> dict[UUID, Opening]:
    """The contents that the actor may read, as `openings` gives them, without those whose key was destroyed."""
    return _openings(db, _NOT_DESTROYED, ids)


def destroyed_among(db: GatedSession, ids: list[UUID]) -> set[UUID]:
    """Those of the contents that the actor could read if their key were not destroyed."""
    if not ids:
        return set()
    destroyed = select(Content.id).join(DataKey, DataKey.case_id == Content.case_id)
    return set(db.execute(destroyed.where(Content.id.in_(ids), DataKey.wrapped == NO_KEY)).scalars())


def _openings(db: GatedSession, statement: AnySelect, ids: list[UUID]) -> dict[UUID, Opening]:
    parts = [ids[start : start + _AT_ONCE] for start in range(0, len(ids), _AT_ONCE)]
    rows = [row for part in parts for row in db.execute(statement, {"ids": part})]
    sealer = db.sealer
    opened = {row.id: _unseal(sealer.opened(row.wrapped), row.id, row.body) for row in rows}
    return {id: Opening(json.loads(plain), salt) for id, (salt, plain) in opened.items()}


def read_many(db: GatedSession, ids: list[UUID]) -> dict[UUID, Body]:
    """The bodies that the actor may read, by id; one statement for each 10,000."""
    return {id: opening.body for id, opening in openings(db, ids).items()}


def read_one(db: GatedSession, id: UUID) -> Body:
    """The body of a content; raises KeyError if the actor may not read it."""
    return read_many(db, [id])[id]


def committed(db: GatedSession, id: UUID) -> Written:
    """A content that was written earlier, with its commitment; raises NoResultFound if the actor may not read it."""
    row = db.execute(select(Content.case_id, Content.body).where(Content.id == id)).one()
    return Written(id, commitment(*_unseal(_cipher(db, row.case_id), id, row.body)))


def move(db: GatedSession, id: UUID, audience_id: UUID) -> None:
    """Move a content, which the actor can read now, to another audience."""
    moved = update(Content).where(Content.id == id).values(audience_id=audience_id)
    db.execute(moved.execution_options(synchronize_session=False))


def destroy(db: GatedSession, case_id: UUID) -> None:
    """Destroy the key of a case: what was written in it can never be read again."""
    row = update(DataKey).where(DataKey.case_id == case_id).values(wrapped=NO_KEY)
    db.execute(row.execution_options(synchronize_session=False))


def check_key(db: GatedSession) -> None:
    """Check that the master key unwraps the stored keys; raises Misconfigured if it does not."""
    wrapped = db.execute(select(DataKey.wrapped).where(DataKey.wrapped != NO_KEY).limit(1)).scalar_one_or_none()
    if wrapped is not None:
        db.sealer.unwrap(wrapped)


def proves(db: GatedSession, case_id: UUID, id: UUID, body: bytes, committed: bytes) -> bool:
    """Whether a stored content matches its commitment in the ledger; true for one that was destroyed."""
    try:
        return commitment(*_unseal(_cipher(db, case_id), id, body)) == committed
    except Destroyed:
        return True
    except Altered:
        return False


def commitment(salt: bytes, plain: bytes) -> bytes:
    """The salted SHA-256 of a body's canonical form (RFC 8785)."""
    return hashlib.sha256(salt + plain).digest()


def _unseal(cipher: AESGCM, id: UUID, sealed: bytes) -> tuple[bytes, bytes]:
    """The salt and the body of a sealed content; raises Altered if it is not what was written."""
    try:
        opened = cipher.decrypt(sealed[:12], sealed[12:], id.bytes)
    except (InvalidTag, ValueError) as problem:
        raise Altered from problem
    return opened[:SALT_BYTES], opened[SALT_BYTES:]


def _cipher(db: GatedSession, case_id: UUID) -> AESGCM:
    """The cipher of a case; raises Destroyed for a destroyed key, Misconfigured if another master key wrapped it."""
    if (cipher := db.sealer.open_cipher(case_id)) is not None:
        return cipher
    wrapped = db.execute(select(DataKey.wrapped).where(DataKey.case_id == case_id)).scalar_one()
    return db.sealer.remember(case_id, db.sealer.unwrap(wrapped))
