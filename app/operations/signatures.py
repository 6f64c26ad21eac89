"""Every receipt and certificate held against the key that signed it and against the ledger."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import and_, select, tuple_

from app.core.access.session import GatedSession, as_system
from app.core.contents import service as contents
from app.core.db import AnyRow, AnySelect
from app.core.errors import Altered, Destroyed
from app.core.tables.certificates import Certificate
from app.core.tables.contents import Content, DataKey
from app.core.tables.events import Event
from app.core.tables.signing import SigningKey
from app.institution.signing import service as signing
from app.institution.signing.files import Body, NotGenuine, canonical, check

_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Audited:
    """One receipt or certificate: why it does not hold, if it does not; `destroyed` where nobody can read it again."""

    id: UUID
    kind: str
    why: str | None
    destroyed: bool = False


@dataclass(frozen=True, slots=True)
class _Opened:
    row: AnyRow
    opening: contents.Opening

    @property
    def head(self) -> tuple[UUID, int, str] | None:
        """The entry of the ledger that the body names."""
        named = self.opening.body["ledger"]
        return (UUID(named["stream"]), named["seq"], named["hash"]) if named is not None else None


def _statement() -> AnySelect:
    issued = and_(
        Event.case_id == Certificate.case_id,
        Event.content_id == Certificate.content_id,
        Event.type == "certificate-issued",
    )
    columns = (
        Certificate.id,
        Certificate.case_id,
        Certificate.kind,
        Certificate.filing_id,
        Certificate.content_id,
        Certificate.key_id,
        Certificate.signature,
        SigningKey.public_key,
        Content.body,
        DataKey.wrapped,
        Event.payload,
        Event.commitment,
    )
    return (
        select(*columns)
        .join(SigningKey, SigningKey.id == Certificate.key_id)
        .join(DataKey, DataKey.case_id == Certificate.case_id)
        .outerjoin(Content, Content.id == Certificate.content_id)
        .outerjoin(Event, issued)
        .order_by(Certificate.case_id, Certificate.issued_at, Certificate.id)
    )


def audit(db: GatedSession) -> Iterator[Audited]:
    """Every receipt and certificate that was ever issued, each opened, its signature verified, its entries looked up.

    Raises Misconfigured if the master key does not open the contents.
    """
    with as_system(db):
        found = db.execute(_statement(), execution_options={"yield_per": _AT_ONCE})
        for rows in found.partitions():
            yield from _audited(db, rows)


def _audited(db: GatedSession, rows: Sequence[AnyRow]) -> Iterator[Audited]:
    opened = []
    for row in rows:
        try:
            opened.append(_Opened(row, contents.unseal(db, row.wrapped, row.content_id, row.body or b"")))
        except Destroyed:
            yield Audited(row.id, row.kind, None, destroyed=True)
        except Altered:
            yield Audited(row.id, row.kind, "its content is not what was sealed")
    heads = _heads(db, opened)
    for one in opened:
        yield Audited(one.row.id, one.row.kind, _fault(one, heads))


def _heads(db: GatedSession, opened: Sequence[_Opened]) -> set[tuple[UUID, int, str]]:
    """Those entries that the bodies name which are in the ledger, each with its hash."""
    places = {one.head[:2] for one in opened if one.head is not None}
    named = select(Event.audience_id, Event.seq, Event.hash).where(tuple_(Event.audience_id, Event.seq).in_(places))
    return {(row.audience_id, row.seq, row.hash.hex()) for row in db.execute(named)}


def _fault(one: _Opened, heads: set[tuple[UUID, int, str]]) -> str | None:
    row, body = one.row, one.opening.body
    file = signing.signed_file(body, row.key_id, row.public_key, row.signature)
    try:
        check(file.model_dump_json().encode(), row.public_key)
    except NotGenuine as problem:
        return str(problem)
    if not _is_of_its_row(row, body):
        return "what was signed is another one"
    if one.head is not None and one.head not in heads:
        return f"entry {one.head[1]} of stream {one.head[0]}, which it names, is not that of the ledger"
    if row.kind == "receipt":
        return None
    if row.payload is None or row.payload["certificate_id"] != str(row.id):
        return "the ledger does not know of it"
    if contents.commitment(one.opening.salt, canonical(body)) != row.commitment:
        return "it is not the one to which the ledger is committed"
    return None


def _is_of_its_row(row: AnyRow, body: Body) -> bool:
    filing_id = body["filing"]["id"] if row.kind == "receipt" else None
    said = (body["kind"], body["id"], body["case"]["id"], filing_id)
    return said == (row.kind, str(row.id), str(row.case_id), str(row.filing_id) if row.filing_id else None)
