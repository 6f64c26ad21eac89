"""Documents, as answers show them."""

from datetime import datetime
from typing import Annotated, Literal, get_args
from uuid import UUID

from pydantic import Field
from typing_extensions import TypeAliasType

from app.core.values import Language, Listed, Out, Text, one_of
from app.proceedings.cases.schemas import ActingIn

Relation = Literal["original", "authentic-text", "translation-of", "redaction-of", "annex-to"]
DocumentRelation = TypeAliasType(
    "DocumentRelation",
    Annotated[str, one_of(get_args(Relation), "What a document is, on its own or in relation to another one.")],
)
DocumentState = TypeAliasType(
    "DocumentState",
    Annotated[
        str,
        one_of(
            ("stored", "quarantined", "refused", "removed"),
            "`stored`: it can be read. `quarantined`: a scanner has still to look at it, and nobody can read it. "
            "`refused`: a scanner refused it. `removed`: it was taken out of its draft.",
        ),
    ],
)
# Relations to another document, which is then named.
OF_ANOTHER = frozenset({"translation-of", "redaction-of", "annex-to"})
# What a document may be among the texts of a settlement; the first two are authentic.
OF_A_TEXT = ("authentic-text", "original", "translation-of", "annex-to")


class About(Out):
    """What a request says of the document that it uploads."""

    language: Language | None = Field(description="The language of the document, by its code.")
    relation: Relation = Field(description="What the document is.")
    related_id: UUID | None = Field(description="The document to which the relation is.")
    replaces_id: UUID | None = Field(description="The document whose next version it is.")
    acting_for: UUID | None = Field(description="The party for which it is uploaded.")


class WithdrawalIn(ActingIn):
    """Why a document is withdrawn."""

    reason: Text | None = Field(None, description="The reason, for your own side.")


class ReaderOut(Out):
    """Somebody who had read a document before it was withdrawn."""

    user_id: UUID = Field(description="The person.")
    name: str = Field(description="The person's name.")
    first_read_at: datetime = Field(description="When the person first read it.")


class WithdrawalOut(Out):
    """The withdrawal of a document, as its own side sees it."""

    reason: str | None = Field(description="The reason; null if none was given.")
    read_by: list[ReaderOut] | None = Field(
        description="Who had read it; null if all participants could, since such reads are not noted."
    )


class DocumentOut(Out):
    """A document: a file of a filing, or of a draft of the settlement."""

    id: UUID = Field(description="The id of the document.")
    case_id: UUID = Field(description="The case.")
    filing_id: UUID | None = Field(description="The filing to which it belongs; null if it belongs to a draft.")
    draft_id: UUID | None = Field(description="The draft of the settlement to which it belongs; null for a filing's.")
    number: int = Field(description="The number of the document in its filing or draft, from 1.")
    name: str = Field(description="The name of the file.")
    media_type: str = Field(description="The media type of the file.")
    size: int = Field(description="The size of the file in bytes.")
    sha256: str = Field(description="The SHA-256 of the file, in hexadecimal.")
    language: str | None = Field(description="The language of the document, by its code; null if nobody said.")
    relation: DocumentRelation = Field(description="What the document is, on its own or in relation to `related_id`.")
    related_id: UUID | None = Field(
        description="The document to which the relation is; null if it is to none, or if you cannot read that document."
    )
    version: int = Field(description="The version, from 1, counted among the versions that you can read.")
    replaces_id: UUID | None = Field(
        description="The document whose next version it is; null for a first version, or if you cannot read that one."
    )
    state: DocumentState = Field(description="Whether it can be read.")
    author_id: UUID = Field(description="The person who uploaded it; of a submitted filing, who submitted that.")
    author_party_id: UUID | None = Field(description="The party for which it was uploaded; null if for none.")
    stored_at: datetime = Field(description="When it was uploaded; of a submitted filing, when that was submitted.")
    withdrawn_at: datetime | None = Field(
        description="When its side withdrew it, and since when only that side reads it; null if it was not withdrawn."
    )
    withdrawal: WithdrawalOut | None = Field(description="Its withdrawal; null if it was not withdrawn.")


class DocumentList(Listed[DocumentOut]):
    """A page of documents, in the order of their numbers."""


class EnclosureOut(Out):
    """A document, as its filing or its draft of the settlement lists it."""

    id: UUID = Field(description="The id of the document.")
    number: int = Field(description="The number of the document in its filing or draft, from 1.")
    name: str = Field(description="The name of the file.")
    media_type: str = Field(description="The media type of the file.")
    size: int = Field(description="The size of the file in bytes.")
    sha256: str = Field(description="The SHA-256 of the file, in hexadecimal.")
    language: str | None = Field(description="The language of the document, by its code; null if nobody said.")
    relation: DocumentRelation = Field(description="What the document is, on its own or in relation to `related_id`.")
    related_id: UUID | None = Field(
        description="The document to which the relation is; null if it is to none, or if you cannot read that document."
    )
    state: DocumentState = Field(description="Whether it can be read.")


class AccessOut(Out):
    """A read of a confidential document by somebody other than its author."""

    id: UUID = Field(description="The id of the read.")
    document_id: UUID = Field(description="The document.")
    user_id: UUID = Field(description="The reader.")
    name: str = Field(description="The reader's name.")
    read_at: datetime = Field(description="When the document was read.")
    bytes_from: int = Field(description="The first byte that was sent, counted from 0.")
    bytes_until: int = Field(
        description="The byte before which sending ended: the size of the file if it was read whole."
    )


class AccessList(Listed[AccessOut]):
    """A page of reads, the newest first."""
