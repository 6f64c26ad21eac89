"""Drafts of the settlement and signatures as they come in and go out."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from app.cases.schemas import OnPaper, PowersIn
from app.values import Code, In, Language, Line, Listed, Out, PartyIds, Sha256, Text


class ClauseIn(In):
    """A numbered clause; its number is text, as treaties write them."""

    number: Annotated[Line, Field(max_length=20)]
    text: Text


def _numbered(clauses: list[ClauseIn]) -> list[ClauseIn]:
    if len({clause.number for clause in clauses}) != len(clauses):
        raise PydanticCustomError("repeated", "Give each clause a number of its own.")
    return clauses


class DraftIn(In):
    """A draft of the settlement, of the whole dispute or a part of it.

    `replaces` names the draft, of the same audience, whose next version it is.
    """

    title: Line
    language: Language
    clauses: Annotated[list[ClauseIn], Field(min_length=1, max_length=500), AfterValidator(_numbered)]
    audience: Code
    party_ids: PartyIds = []
    settles: Literal["whole", "part"] = "whole"
    replaces: UUID | None = None


class FreezeIn(In):
    """The text that is to be frozen, by the hash of what was read."""

    sha256: Sha256


class ClauseOut(Out):
    """A numbered clause."""

    number: str
    text: str


class DraftOut(Out):
    """A draft; `sha256` is of the canonical form (RFC 8785) of title, language and clauses."""

    id: UUID
    version: int
    replaces: UUID | None
    title: str
    language: str
    clauses: list[ClauseOut]
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
