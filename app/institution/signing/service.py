"""The institution's Ed25519 signing keys: stored wrapped; earlier signatures stay valid when a key is renewed."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import select, update

from app.core.access.actors import Actor
from app.core.access.session import GatedSession
from app.core.db import new_id, random_bytes
from app.core.errors import Misconfigured
from app.core.ledger import service as ledger
from app.core.ledger.acts import OPERATOR, Act, Author, installation_subject
from app.core.paging import Page, Sort, listed
from app.core.sealer import Sealer
from app.core.tables.signing import SigningKey
from app.institution.signing.files import ALGORITHM, FORMAT, Body, canonical, encoded
from app.institution.signing.schemas import KeyOut, SignedOut, SigningKeyList, SigningKeyOut

SEED_BYTES = 32
_RENEWED = "signing-key-renewed"


@dataclass(frozen=True, slots=True)
class Signed:
    """A signed body (which names its key), the key and the signature."""

    body: Body
    key_id: UUID
    signature: bytes


_NEWEST = (
    select(SigningKey.id, SigningKey.wrapped)
    .where(SigningKey.retired_at.is_(None))
    .order_by(SigningKey.made_at.desc(), SigningKey.id)
    .limit(1)
)


def make_key(db: GatedSession, now: datetime) -> UUID:
    """Make a key, which signs everything from now on; its seed is wrapped by the master key (RFC 3394)."""
    sealer = db.sealer
    seed = random_bytes(db, SEED_BYTES)
    key = SigningKey(
        id=new_id(db),
        public_key=Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw(),
        wrapped=sealer.wrap(seed),
        made_at=now,
        retired_at=None,
    )
    db.add(key)
    # Rows that refer to the key need it first: without a relationship the flush does not order tables.
    db.flush()
    return key.id


def ensure_key(db: GatedSession, now: datetime, author: Author = OPERATOR) -> None:
    """Make a key if there is none, before the first signature: otherwise `made_at` would disclose its time."""
    if db.execute(_NEWEST).first() is None:
        act = Act("renew", now, author, installation_subject(db, "public"))
        ledger.record(db, act, _RENEWED, {"key_id": str(make_key(db, now)), "retired_key_id": None})


def renew(db: GatedSession, now: datetime, author: Author) -> UUID:
    """Retire the present keys and make a new one, as a public event for each; their signatures stay valid."""
    retiring = update(SigningKey).where(SigningKey.retired_at.is_(None)).values(retired_at=now).returning(SigningKey.id)
    retired = db.execute(retiring.execution_options(synchronize_session=False)).scalars().all()
    id = make_key(db, now)
    act = Act("renew", now, author, installation_subject(db, "public"))
    for key_id in retired or (None,):
        ledger.record(db, act, _RENEWED, {"key_id": str(id), "retired_key_id": str(key_id) if key_id else None})
    return id


def sign(db: GatedSession, now: datetime, body: Body) -> Signed:
    """Sign the canonical form (RFC 8785) of a body with the newest key, which the signed body names.

    Raises Misconfigured if the master key does not open the institution's key.
    """
    key = db.execute(_NEWEST).first()
    if key is None:
        make_key(db, now)
        key = db.execute(_NEWEST).one()
    sealer = db.sealer
    signed = {**body, "key_id": str(key.id)}
    signature = Ed25519PrivateKey.from_private_bytes(sealer.unwrap(key.wrapped)).sign(canonical(signed))
    return Signed(signed, key.id, signature)


def unusable(db: GatedSession) -> list[UUID]:
    """Ids of keys that cannot be unwrapped or do not match their public key, oldest first."""
    sealer = db.sealer
    columns = (SigningKey.id, SigningKey.public_key, SigningKey.wrapped)
    rows = db.execute(select(*columns).order_by(SigningKey.made_at, SigningKey.id)).all()
    return [row.id for row in rows if not _is_whole(sealer, row.wrapped, row.public_key)]


def _is_whole(sealer: Sealer, wrapped: bytes, public_key: bytes) -> bool:
    try:
        seed = sealer.unwrap(wrapped)
    except Misconfigured:
        return False
    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw() == public_key


def signed_file(body: Body, key_id: UUID, public_key: bytes, signature: bytes) -> SignedOut:
    """The signed file, which anybody can verify without Accord."""
    key = KeyOut(id=key_id, algorithm=ALGORITHM, public_key=encoded(public_key))
    return SignedOut(accord=FORMAT, body=body, key=key, signature=encoded(signature))


def list_keys(db: GatedSession, actor: Actor, now: datetime, page: Page) -> SigningKeyList:
    """List the institution's public keys; every user may."""
    columns = (SigningKey.id, SigningKey.public_key, SigningKey.made_at, SigningKey.retired_at)
    listing = listed(db, select(*columns), page, Sort(SigningKey.made_at, SigningKey.id, datetime))
    items = [
        SigningKeyOut(
            id=row.id,
            algorithm=ALGORITHM,
            public_key=encoded(row.public_key),
            made_at=row.made_at,
            retired_at=row.retired_at,
        )
        for row in listing.rows
    ]
    return SigningKeyList(items=items, next=listing.next, count=listing.count)
