"""Drafts of the settlement and signatures, in requests and answers."""

from datetime import datetime
from typing import Annotated, Literal, Self, get_args
from uuid import UUID

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError
from typing_extensions import TypeAliasType

from app.core.ledger.schemas import AudienceName
from app.core.values import MOST_SHOWN, Code, In, Language, Line, Listed, Out, PartyIds, Sha256, Text, one_of
from app.proceedings.cases.schemas import ActingIn, OnPaper, ReceivedVia
from app.proceedings.documents.schemas import EnclosureOut
from app.proceedings.steps.schemas import PowersIn

SETTLES = Literal["whole", "part"]
SIGNERS = Literal[
    "agent",
    "co-agent",
    "plenipotentiary",
    "head-of-state",
    "head-of-government",
    "foreign-minister",
    "executive-head",
    "director",
    "authorised-signatory",
    "attorney",
    "in-person",
]
STATES = ("draft", "frozen", "superseded")
Settles = TypeAliasType(
    "Settles", Annotated[str, one_of(get_args(SETTLES), "Whether a text settles the whole dispute or a part of it.")]
)
SignerCapacity = TypeAliasType(
    "SignerCapacity",
    Annotated[
        str,
        one_of(
            get_args(SIGNERS),
            "In which capacity somebody signs. `agent`, `co-agent`: in that role. `plenipotentiary`: for a State or an "
            "organisation, on full powers. `head-of-state`, `head-of-government`, `foreign-minister`: for a State, by "
            "that office. `executive-head`: for an organisation, as its head. `director`: for a company, by that "
            "office. `authorised-signatory`: for a company or a public body, on a mandate. `attorney`: for a company, "
            "a public body or a person, on a mandate. `in-person`: a person who is the party.",
        ),
    ],
)
DraftState = TypeAliasType(
    "DraftState",
    Annotated[
        str,
        one_of(
            STATES,
            "`draft`: a proposal. `frozen`: the text to sign. `superseded`: another draft or text replaced it.",
        ),
    ],
)


class ClauseIn(In):
    """A numbered clause."""

    number: Annotated[Line, Field(max_length=20)] = Field(
        description="The number of the clause, such as `1` or `2 bis`."
    )
    text: Text = Field(description="The text of the clause.")


def _numbered(clauses: list[ClauseIn]) -> list[ClauseIn]:
    if len({clause.number for clause in clauses}) != len(clauses):
        raise PydanticCustomError("repeated", "Two clauses have the same number. Give each clause its own.")
    return clauses


Clauses = Annotated[list[ClauseIn], Field(min_length=1, max_length=500), AfterValidator(_numbered)]


class TextIn(In):
    """The text in another language, which is equally authentic."""

    title: Line = Field(description="The title of the text.")
    language: Language = Field(description="The language of the text, by its code.")
    clauses: Clauses = Field(description="The clauses.")


class DraftIn(ActingIn):
    """A draft of the settlement.

    Its text may be clauses, clauses in further languages, and documents that are uploaded to it. It needs at least one
    of these before it can be frozen.
    """

    title: Line = Field(description="The title of the draft.")
    language: Language = Field(description="The language of `clauses`, by its code.")
    clauses: Clauses = Field(default_factory=list, description="The text, in clauses.")
    texts: Annotated[list[TextIn], Field(max_length=20)] = Field(
        default_factory=list, description="The text in further languages."
    )
    prevailing_language: Language | None = Field(
        None, description="The language whose text decides where the texts differ; none if left out."
    )
    audience: Code = Field(
        description="Who may read the draft, by the name of an audience to which you belong; `participants` for a text "
        "that is to be signed. A draft for `party` and yours alone is read by you alone until you share it."
    )
    party_ids: PartyIds = Field([], description="The parties that the audience names, for those that name parties.")
    settles: SETTLES = Field("whole", description="Whether it settles the whole dispute or a part of it.")
    replaces: UUID | None = Field(
        None, description="The draft whose next version it is. Both must have the same audience."
    )

    @model_validator(mode="after")
    def _one_text_in_each_language(self) -> Self:
        languages = [*([self.language] if self.clauses else []), *(text.language for text in self.texts)]
        if len(set(languages)) != len(languages):
            raise PydanticCustomError("repeated", "Two texts are in the same language. Send each language once.")
        return self


class FreezeIn(In):
    """The text that is to be frozen."""

    sha256: Sha256 = Field(description="The hash of the text that you read, as `readDraft` shows it, in hexadecimal.")


class ClauseOut(Out):
    """A numbered clause."""

    number: str = Field(description="The number of the clause.")
    text: str = Field(description="The text of the clause.")


class TextOut(Out):
    """The text in another language."""

    title: str = Field(description="The title of the text.")
    language: str = Field(description="The language of the text, by its code.")
    clauses: list[ClauseOut] = Field(description="The clauses.")
    sha256: str = Field(
        description="The SHA-256 of the canonical form (RFC 8785) of title, language and clauses, in hexadecimal."
    )


class DraftOut(Out):
    """A draft of the settlement."""

    id: UUID = Field(description="The id of the draft.")
    version: int = Field(description="The version, from 1.")
    replaces: UUID | None = Field(description="The draft whose next version it is; null for a first version.")
    title: str = Field(description="The title of the draft.")
    language: str = Field(description="The language of `clauses`, by its code.")
    clauses: list[ClauseOut] = Field(description="The text, in clauses.")
    texts: list[TextOut] = Field(description="The text in further languages.")
    documents: list[EnclosureOut] = Field(description="The documents that are texts of the settlement.")
    prevailing_language: str | None = Field(
        description="The language whose text decides where the texts differ; null if none does."
    )
    audience: AudienceName = Field(description="Who may read the draft.")
    party_ids: list[UUID] = Field(description="The parties that the audience names; empty if it names none.")
    author_id: UUID = Field(description="The person who wrote the draft.")
    author_party_id: UUID | None = Field(
        description="The party for which it was written; null for a mediator's, and for those of earlier releases."
    )
    settles: Settles = Field(description="Whether it settles the whole dispute or a part of it.")
    state: DraftState = Field(description="What the draft is now.")
    sha256: str = Field(
        description="The hash by which the text is frozen and signed: the SHA-256, in hexadecimal, of the canonical "
        "form (RFC 8785) of title, language and clauses. With further texts, documents or a prevailing language it is "
        "made from the hashes of all of them (docs/verify.md)."
    )
    drafted_at: datetime = Field(description="When the draft was written.")
    shared_at: datetime | None = Field(
        description="When the author of a draft for one side (`party`) shared it; null while it is the author's "
        "alone, and for other audiences."
    )
    frozen_at: datetime | None = Field(description="When the text was frozen; null if it was not.")


class DraftList(Listed[DraftOut]):
    """A page of drafts, in the order in which they were written."""


class SignerIn(In):
    """A person who signed on paper."""

    name: Line = Field(description="The person's name.")
    powers: PowersIn = Field(description="The powers by which the person acts for the party.")


class SignatureIn(OnPaper):
    """A signature under the frozen text. The registry enters signatures on paper, with `on_behalf_of` and `signer`."""

    draft_id: UUID = Field(description="The frozen draft.")
    sha256: Sha256 = Field(description="The hash of the text that you sign, as `readDraft` shows it, in hexadecimal.")
    party_id: UUID = Field(description="The party for which you sign.")
    capacity: SIGNERS = Field(
        description="In which capacity you sign: one that parties of this kind have, and that your role and powers "
        "on record bear out."
    )
    signer: SignerIn | None = Field(None, description="The person who signed on paper.")


class SignatureOut(Out):
    """A signature under a frozen text."""

    id: UUID = Field(description="The id of the signature.")
    draft_id: UUID = Field(description="The draft that was signed.")
    sha256: str = Field(description="The hash of the text that was signed, in hexadecimal.")
    party_id: UUID = Field(description="The party for which it was signed.")
    signer_id: UUID | None = Field(description="The person who signed; null if it was signed on paper.")
    signer_name: str = Field(description="The signer's name.")
    capacity: SignerCapacity = Field(description="In which capacity the person signed.")
    signed_at: datetime = Field(description="When it was signed.")
    received_via: ReceivedVia | None = Field(
        description="How the signature on paper came; null if it was not on paper."
    )
    voided_at: datetime | None = Field(
        description="When the signature lost its effect because another text was frozen; null if it has effect."
    )
    remaining: list[UUID] = Field(
        description=f"The first {MOST_SHOWN} parties that have not yet signed the text; `listParties` with "
        "`signed=false` lists all for the frozen text."
    )
    remaining_count: int = Field(description="How many parties have not yet signed the text.")


class SignatureList(Listed[SignatureOut]):
    """A page of signatures, in the order in which they were made."""
