"""Filings in requests and answers."""

from datetime import date, datetime
from typing import Annotated, Literal, get_args
from uuid import UUID

from pydantic import Field, model_validator
from typing_extensions import TypeAliasType

from app.core.ledger.schemas import AudienceName
from app.core.values import Code, In, Line, Listed, Out, PartyIds, Text, changes_something, one_of
from app.proceedings.cases.schemas import ActingIn, OnPaper, ReceivedVia
from app.proceedings.documents.schemas import EnclosureOut

RETURN_REASONS = Literal[
    "wrong-case",
    "wrong-kind",
    "no-authority",
    "unsigned",
    "incomplete",
    "illegible",
    "wrong-language",
    "confidential-content",
    "other",
]
FILING_KINDS = Literal[
    "request",
    "response",
    "statement",
    "evidence",
    "notice",
    "correspondence",
    "application",
    "power-of-attorney",
]
FilingKind = TypeAliasType("FilingKind", Annotated[str, one_of(get_args(FILING_KINDS), "What a filing is.")])
FilingState = TypeAliasType(
    "FilingState",
    Annotated[
        str,
        one_of(
            ("draft", "submitted"),
            "`draft`: its author alone sees it, or their side once it is shared. `submitted`: its audience has it.",
        ),
    ],
)
Docketing = TypeAliasType(
    "Docketing",
    Annotated[
        str,
        one_of(
            ("pending", "accepted", "returned"),
            "`pending`: the registry has not decided. `accepted`: it is on the docket. `returned`: its side must "
            "correct it.",
        ),
    ],
)
ReturnReason = TypeAliasType(
    "ReturnReason", Annotated[str, one_of(get_args(RETURN_REASONS), "Why the registry returned a filing.")]
)


class FilingIn(OnPaper):
    """A filing to be drafted."""

    kind: FILING_KINDS = Field(description="What the filing is.")
    title: Line = Field(description="The title of the filing.")
    text: Text = Field(description="The text of the filing.")
    audience: Code = Field(
        description="Who will read it: `public`, `court`, `participants`, `caucus`, `party-registry`, "
        "`mediators-registry`, `party`, `mediators` or `registry`."
    )
    party_ids: PartyIds = Field([], description="The parties that the audience names, for those that name parties.")
    joint_with: PartyIds = Field([], description="The parties that are to file it together with yours.")
    resubmits_id: UUID | None = Field(None, description="The returned filing that this one corrects.")
    redacts_id: UUID | None = Field(
        None, description="The confidential filing of which this one is the redacted version for others."
    )


class FilingAmendment(ActingIn):
    """A change of a draft. Fields that you leave out stay as they are."""

    kind: FILING_KINDS | None = Field(None, description="What the filing is.")
    title: Line | None = Field(None, description="The title of the filing.")
    text: Text | None = Field(None, description="The text of the filing.")
    audience: Code | None = Field(None, description="Who will read it, as in a new filing.")
    party_ids: PartyIds | None = Field(
        None, description="The parties that the audience names; they replace the present ones."
    )

    @model_validator(mode="after")
    def says_something(self) -> "FilingAmendment":
        """Refuse a change without any field, and null for a field that a filing must have."""
        return changes_something(self, besides=ActingIn.model_fields)

    @property
    def changed(self) -> set[str]:
        """The names of the fields of the filing that the amendment changes."""
        return self.model_fields_set - set(ActingIn.model_fields)


class AcceptanceIn(In):
    """A note with which the registry accepts a filing."""

    note: Text | None = Field(None, description="The note; it may be left out.")


class ReturnIn(In):
    """Why the registry returns a filing."""

    reasons: Annotated[list[RETURN_REASONS], Field(min_length=1, max_length=9)] = Field(
        description="The reasons, in codes."
    )
    note: Text = Field(description="What the side must correct, in words.")


class JointOut(Out):
    """A party that files jointly."""

    party_id: UUID = Field(description="The party.")
    joined_at: datetime | None = Field(
        description="When it joined the draft, null if it has not; once submitted, when the filing was submitted."
    )


class PossibleReaderOut(Out):
    """Somebody who could read a filing before it was withdrawn."""

    user_id: UUID | None = Field(description="The person; null for the registry.")
    name: str | None = Field(description="The person's name; null for the registry.")
    capacity: str = Field(description="The person's capacity in the case, or `registry` for its staff.")


class FilingWithdrawalOut(Out):
    """The withdrawal of a filing, as its own side sees it."""

    reason: str | None = Field(description="The reason; null if none was given.")
    could_read: list[PossibleReaderOut] | None = Field(
        description="Who of the others could read it until then, also if they have left since; null if all "
        "participants could. Who had read a document is in the document's own `withdrawal`."
    )


class FilingOut(Out):
    """A filing: a formal submission to one audience.

    Filings to the participants, the court or the public are docketed: they get a number, and the registry accepts or
    returns them.
    """

    id: UUID = Field(description="The id of the filing.")
    kind: FilingKind = Field(description="What the filing is.")
    state: FilingState = Field(description="Whether it was submitted.")
    title: str | None = Field(description="The title of the filing; null if it was withdrawn and is not of your side.")
    text: str | None = Field(description="The text of the filing; null if it was withdrawn and is not of your side.")
    audience: AudienceName = Field(description="Who may read it; for a draft, who will be able to read it.")
    party_ids: list[UUID] = Field(description="The parties that the audience names; empty if it names none.")
    author_id: UUID = Field(description="The person who submitted it; for a draft, the person who drafted it.")
    author_party_id: UUID | None = Field(description="The party that files it; null if none does.")
    listed_at: datetime = Field(
        description="When it was submitted, or drafted if it is a draft. Where it counts as received with the filing "
        "that it corrects, `received_at` is earlier."
    )
    shared_at: datetime | None = Field(
        description="When its author shared the draft with their side; null while it is its author's alone, once it is "
        "submitted, and for drafts of the mediators and the registry, which they have in common."
    )
    received_at: datetime | None = Field(
        description="When the registry received it, or is deemed to have received it; null for a draft."
    )
    received_via: ReceivedVia | None = Field(description="How the paper came; null if it did not come on paper.")
    entered_at: datetime | None = Field(description="When the registry entered the paper; null if it was not on paper.")
    effective_on: date | None = Field(description="The day at the seat on which it counts as filed; null for a draft.")
    stream: UUID = Field(description="The stream of events that it belongs to.")
    docket_number: int | None = Field(
        description="Its number on the docket among the filings of its stream, from 1; null if it is not docketed. A "
        "confidential filing has the number of its redacted version."
    )
    docketing: Docketing | None = Field(description="What the registry decided; null if it is not docketed.")
    decided_at: datetime | None = Field(description="When the registry decided; null if it has not.")
    reasons: list[ReturnReason] = Field(description="Why the registry returned it, in codes.")
    note: str | None = Field(description="The registry's note to its decision; null if there is none.")
    resubmits_id: UUID | None = Field(
        description="The returned filing that this one corrects; null if it corrects none, or if you may not know of "
        "that filing."
    )
    redacts_id: UUID | None = Field(
        description="The confidential filing of which this is the redacted version; null if it is none, or if you may "
        "not know of that filing."
    )
    joint: list[JointOut] = Field(description="The other parties that file it jointly.")
    documents: list[EnclosureOut] = Field(description="Its documents.")
    reason: str | None = Field(None, description="Why it counts on an earlier day; null if it does not.")
    withdrawn_at: datetime | None = Field(
        description="When its side withdrew it, and since when only that side reads its title, text, documents and "
        "receipt; null if it was not withdrawn."
    )
    withdrawal: FilingWithdrawalOut | None = Field(
        description="Its withdrawal; null if it was not withdrawn, or is not of your side."
    )


class FilingList(Listed[FilingOut]):
    """A page of filings, in the order in which they were drafted or received."""
