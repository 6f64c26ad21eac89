"""Receipts and certificates: signed and stored, and read as signed files or as PDFs."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from app.core.access import service as access
from app.core.access.actors import Actor
from app.core.access.session import GatedSession
from app.core.contents import service as contents
from app.core.db import AnySelect, new_id
from app.core.errors import NotFound
from app.core.paging import Page, Sort, listed
from app.core.tables.cases import Case
from app.core.tables.certificates import Certificate
from app.core.tables.events import Event
from app.core.tables.institution import Institution
from app.core.tables.signing import SigningKey
from app.core.values import Rendered
from app.institution.signing import service as signing
from app.institution.signing.schemas import SignedOut
from app.proceedings.cases.lock import require_case
from app.proceedings.certificates import pdf
from app.proceedings.certificates.schemas import CertificateList, CertificateOut
from app.rules.loader import library

AT_THE_END = ("settlement", "non-settlement")


@dataclass(frozen=True, slots=True)
class Statement:
    """What is to be certified: the kind of certificate, its own members, and the filing if it is a receipt."""

    kind: str
    members: dict[str, Any]
    filing_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate that was just signed: its id, its signed body, and the sealed content that holds the body."""

    id: UUID
    body: dict[str, Any]
    content: contents.Written


def issue(db: GatedSession, now: datetime, case: Case, audience_id: UUID, statement: Statement) -> Issued:
    """Sign a statement together with the institution, the case and the instant; Misconfigured without an open key."""
    id = new_id(db)
    procedure = library()[case.procedure]
    institution, head = _surroundings(db, audience_id)
    body = {
        "kind": statement.kind,
        "id": str(id),
        "institution": institution,
        "issued_at": instant(now),
        "case": {
            "id": str(case.id),
            "reference": case.reference,
            "title": case.title,
            "category": case.category,
            "rules": {"id": procedure.id, "title": procedure.title, "edition": procedure.edition},
        },
        **statement.members,
        "ledger": head,
    }
    signed = signing.sign(db, now, body)
    written = contents.write(db, case.id, audience_id, signed.body)
    row = Certificate(
        id=id,
        case_id=case.id,
        audience_id=audience_id,
        kind=statement.kind,
        filing_id=statement.filing_id,
        content_id=written.id,
        key_id=signed.key_id,
        signature=signed.signature,
        issued_at=now,
    )
    db.add(row)
    return Issued(id, signed.body, written)


def instant(at: datetime) -> str:
    """An instant in UTC, to the second or finer, as signed files write it (RFC 3339)."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _surroundings(db: GatedSession, audience_id: UUID) -> tuple[str, dict[str, Any] | None]:
    """The institution's name, and the last event of the stream before the present act, or None if it is empty."""
    stream = select(Institution.name, Event.seq, Event.hash).outerjoin(Event, Event.audience_id == audience_id)
    row = db.execute(stream.order_by(Event.seq.desc()).limit(1)).one()
    if row.seq is None:
        return row.name, None
    return row.name, {"stream": str(audience_id), "seq": row.seq, "hash": row.hash.hex()}


def known_to_all(db: GatedSession, case_id: UUID, audience_id: UUID) -> set[UUID]:
    """The audiences of a case that every reader of this audience also reads: its certificates may name their items."""
    readers = access.known_circle(db, case_id).readers()
    return {other_id for other_id, principals in readers.items() if readers[audience_id] <= principals}


_FILE = select(
    Certificate.id,
    Certificate.kind,
    Certificate.content_id,
    Certificate.key_id,
    Certificate.signature,
    SigningKey.public_key,
).join(SigningKey, SigningKey.id == Certificate.key_id)


def read_certificate(db: GatedSession, actor: Actor, now: datetime, case_id: UUID, certificate_id: UUID) -> SignedOut:
    """A certificate of how a case ended, as a signed file; NotFound if the actor may not know of it."""
    chosen = (Certificate.id == certificate_id, Certificate.kind.in_(AT_THE_END))
    return _signed_file(db, _FILE.where(Certificate.case_id == case_id, *chosen))


def draw_certificate(db: GatedSession, actor: Actor, now: datetime, case_id: UUID, certificate_id: UUID) -> Rendered:
    """A certificate of how a case ended, as a PDF; NotFound if the actor may not know of it."""
    return _drawn(read_certificate(db, actor, now, case_id, certificate_id))


def read_receipt(db: GatedSession, actor: Actor, now: datetime, case_id: UUID, filing_id: UUID) -> SignedOut:
    """The receipt of a filing, as a signed file; NotFound if the actor may not know of it."""
    chosen = (Certificate.filing_id == filing_id, Certificate.kind == "receipt")
    return _signed_file(db, _FILE.where(Certificate.case_id == case_id, *chosen))


def draw_receipt(db: GatedSession, actor: Actor, now: datetime, case_id: UUID, filing_id: UUID) -> Rendered:
    """The receipt of a filing, as a PDF; NotFound if the actor may not know of it."""
    return _drawn(read_receipt(db, actor, now, case_id, filing_id))


def _signed_file(db: GatedSession, statement: AnySelect) -> SignedOut:
    row = db.execute(statement).one_or_none()
    if row is None:
        raise NotFound
    body = contents.read_one(db, row.content_id)
    return signing.signed_file(body, row.key_id, row.public_key, row.signature)


def _drawn(file: SignedOut) -> Rendered:
    content = pdf.render(file.model_dump_json().encode())
    name = f"{file.body['kind']}-{file.body['id']}.pdf"
    return Rendered(content=content, media_type="application/pdf", file_name=name)


def list_certificates(db: GatedSession, actor: Actor, now: datetime, case_id: UUID, page: Page) -> CertificateList:
    """The certificates of how a case ended; NotFound if the case is not the actor's to see."""
    require_case(db, case_id)
    columns = (Certificate.id, Certificate.kind, Certificate.key_id, Certificate.issued_at)
    statement = select(*columns).where(Certificate.case_id == case_id, Certificate.kind.in_(AT_THE_END))
    certificates = listed(db, statement, page, Sort(Certificate.issued_at, Certificate.id, datetime))
    items = [CertificateOut.model_validate(row) for row in certificates.rows]
    return CertificateList(items=items, next=certificates.next, count=certificates.count)
