"""Documents as they come in and go out."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from app.core.values import Language, Listed, Out

Relation = Literal["original", "authentic-text", "translation-of", "redaction-of", "annex-to"]
# What is of something else, which is then named.
OF_ANOTHER = frozenset({"translation-of", "redaction-of", "annex-to"})
# What a document may be among the texts of a settlement; the first two are authentic.
OF_A_TEXT = ("authentic-text", "original", "translation-of", "annex-to")


class About(Out):
    """What a request says of a document beside its bytes."""

    language: Language | None
    relation: Relation
    related_id: UUID | None
    replaces_id: UUID | None


class DocumentOut(Out):
    """A document: a file that lies whole and sealed; `number` counts within its filing or its draft of a settlement.

    While it is `quarantined`, its bytes are not handed out. `size` (bytes) and `sha256` are those of the file.
    """

    id: UUID
    case_id: UUID
    filing_id: UUID | None
    draft_id: UUID | None
    number: int
    name: str
    media_type: str
    size: int
    sha256: str
    language: str | None
    relation: str
    related_id: UUID | None
    version: int
    replaces_id: UUID | None
    state: str
    author_id: UUID
    author_party_id: UUID | None
    stored_at: datetime


class DocumentList(Listed[DocumentOut]):
    """A page of documents, in the order of their numbers."""


class EnclosureOut(Out):
    """A document as its filing, or its draft of a settlement, lists it."""

    id: UUID
    number: int
    name: str
    media_type: str
    size: int
    sha256: str
    language: str | None
    relation: str
    related_id: UUID | None
    state: str


class AccessOut(Out):
    """A read of a document by somebody else than its author: the bytes `bytes_from` up to `bytes_until` went out."""

    id: UUID
    document_id: UUID
    user_id: UUID
    name: str
    read_at: datetime
    bytes_from: int
    bytes_until: int


class AccessList(Listed[AccessOut]):
    """A page of reads, the newest first."""
