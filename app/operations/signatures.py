"""Verifies every receipt and certificate with the key that signed it and with the ledger."""

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
class AuditedSignature:
    """One receipt or certificate: `why` it is not valid, or None; `destroyed` if its key was destroyed."""

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
        """Stream, number and hash of the ledger entry that the body refers to."""
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


def audit(db: GatedSession) -> Iterator[AuditedSignature]:
    """Open every issued receipt and certificate, verify its signature and look up its ledger entries.

    Raises Misconfigured if the master key does not open the contents.
    """
    with as_system(db):
        result = db.execute(_statement(), execution_options={"yield_per": _AT_ONCE})
        for rows in result.partitions():
            yield from _audited(db, rows)


def _audited(db: GatedSession, rows: Sequence[AnyRow]) -> Iterator[AuditedSignature]:
    opened = []
    for row in rows:
        try:
            opened.append(_Opened(row, contents.unseal(db, row.wrapped, row.content_id, row.body or b"")))
        except Destroyed:
            yield AuditedSignature(row.id, row.kind, None, destroyed=True)
        except Altered:
            yield AuditedSignature(row.id, row.kind, "its content was altered after it was sealed")
    heads = _heads(db, opened)
    for certificate in opened:
        yield AuditedSignature(certificate.row.id, certificate.row.kind, _fault(certificate, heads))


def _heads(db: GatedSession, opened: Sequence[_Opened]) -> set[tuple[UUID, int, str]]:
    """The ledger entries that the bodies refer to and that exist, each with its hash."""
    places = {certificate.head[:2] for certificate in opened if certificate.head is not None}
    named = select(Event.audience_id, Event.seq, Event.hash).where(tuple_(Event.audience_id, Event.seq).in_(places))
    return {(row.audience_id, row.seq, row.hash.hex()) for row in db.execute(named)}


def _fault(certificate: _Opened, heads: set[tuple[UUID, int, str]]) -> str | None:
    row, body = certificate.row, certificate.opening.body
    file = signing.signed_file(body, row.key_id, row.public_key, row.signature)
    try:
        check(file.model_dump_json().encode(), row.public_key)
    except NotGenuine as problem:
        return str(problem)
    if not _is_of_its_row(row, body):
        return "its content is that of another certificate"
    if certificate.head is not None and certificate.head not in heads:
        return f"its entry {certificate.head[1]} of stream {certificate.head[0]} differs from the ledger"
    if row.kind == "receipt":
        return None
    if row.payload is None or row.payload["certificate_id"] != str(row.id):
        return "the ledger has no entry for it"
    if contents.commitment(certificate.opening.salt, canonical(body)) != row.commitment:
        return "its content differs from the commitment in the ledger"
    return None


def _is_of_its_row(row: AnyRow, body: Body) -> bool:
    filing_id = body["filing"]["id"] if row.kind == "receipt" else None
    named = (body["kind"], body["id"], body["case"]["id"], filing_id)
    return named == (row.kind, str(row.id), str(row.case_id), str(row.filing_id) if row.filing_id else None)
