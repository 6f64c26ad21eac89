"""Drafts of the settlement and signatures as they come in and go out."""

from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from app.core.values import Code, In, Language, Line, Listed, Out, PartyIds, Sha256, Text
from app.proceedings.cases.schemas import OnPaper
from app.proceedings.documents.schemas import EnclosureOut
from app.proceedings.steps.schemas import PowersIn


class ClauseIn(In):
    """A numbered clause; its number is text, as treaties write them."""

    number: Annotated[Line, Field(max_length=20)]
    text: Text


def _numbered(clauses: list[ClauseIn]) -> list[ClauseIn]:
    if len({clause.number for clause in clauses}) != len(clauses):
        raise PydanticCustomError("repeated", "Give each clause a number of its own.")
    return clauses


Clauses = Annotated[list[ClauseIn], Field(min_length=1, max_length=500), AfterValidator(_numbered)]


class TextIn(In):
    """The text in another language, equally authentic."""

    title: Line
    language: Language
    clauses: Clauses


class DraftIn(In):
    """A draft of the settlement, of the whole dispute or a part of it.

    Its text is `clauses`, in `language`; `texts` in other languages; and documents that are uploaded to it: one of
    these at least before it is frozen. `prevailing_language` decides where they differ. `replaces` names the draft, of
    the same audience, whose next version it is.
    """

    title: Line
    language: Language
    clauses: Clauses = Field(default_factory=list)
    texts: Annotated[list[TextIn], Field(max_length=20)] = Field(default_factory=list)
    prevailing_language: Language | None = None
    audience: Code
    party_ids: PartyIds = []
    settles: Literal["whole", "part"] = "whole"
    replaces: UUID | None = None

    @model_validator(mode="after")
    def _one_text_in_each_language(self) -> Self:
        languages = [*([self.language] if self.clauses else []), *(one.language for one in self.texts)]
        if len(set(languages)) != len(languages):
            raise PydanticCustomError("repeated", "Give the clauses in each language once.")
        return self


class FreezeIn(In):
    """The text that is to be frozen, by the hash of what was read."""

    sha256: Sha256


class ClauseOut(Out):
    """A numbered clause."""

    number: str
    text: str


class TextOut(Out):
    """The text in another language; `sha256` is of the canonical form (RFC 8785) of its title, language and clauses."""

    title: str
    language: str
    clauses: list[ClauseOut]
    sha256: str


class DraftOut(Out):
    """A draft; `sha256` is of the canonical form (RFC 8785) of title, language and clauses.

    Where there are `texts`, `documents` or a `prevailing_language`, it is of `{"prevailing_language", "texts"}`: each
    text as `{"form", "language", "relation", "sha256"}`, and `of` where a document is of another one (docs/verify.md).
    """

    id: UUID
    version: int
    replaces: UUID | None
    title: str
    language: str
    clauses: list[ClauseOut]
    texts: list[TextOut]
    documents: list[EnclosureOut]
    prevailing_language: str | None
    audience: str
    party_ids: list[UUID]
    author_id: UUID
    settles: str
    state: str
    sha256: str
    drafted_at: datetime
    frozen_at: datetime | None


class DraftList(Listed[DraftOut]):
    """A page of drafts, in the order of drafting."""


class SignerIn(In):
    """Who signed on paper, and on what they act for the party."""

    name: Line
    powers: PowersIn


class SignatureIn(OnPaper):
    """A signature under the frozen text, for a party, in the signer's capacity.

    One that was given on paper the registry enters: on behalf of the party, with who signed and on what powers.
    """

    draft_id: UUID
    sha256: Sha256
    party_id: UUID
    capacity: Literal["agent", "co-agent", "head-of-state", "head-of-government", "foreign-minister"]
    signer: SignerIn | None = None


class SignatureOut(Out):
    """A signature, and the parties that have not signed the text yet; who signed on paper has no `signer_id`."""

    id: UUID
    draft_id: UUID
    sha256: str
    party_id: UUID
    signer_id: UUID | None
    signer_name: str
    capacity: str
    signed_at: datetime
    received_via: str | None
    voided_at: datetime | None
    remaining: list[UUID]


class SignatureList(Listed[SignatureOut]):
    """A page of signatures, in the order of signing."""
