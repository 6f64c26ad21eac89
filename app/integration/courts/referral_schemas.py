"""Referrals of courts, in requests and answers."""

import json
from datetime import date, datetime
from typing import Annotated, Any, Literal, get_args
from uuid import UUID

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError
from typing_extensions import TypeAliasType

from app.core.values import (
    MOST_PARTIES,
    MOST_SHOWN,
    Code,
    Codes,
    Day,
    Email,
    In,
    Languages,
    Line,
    Listed,
    Out,
    Text,
    changes_something,
    clean,
    one_of,
)
from app.institution.procedures.schemas import Phase, SideName
from app.proceedings.cases.schemas import PartyIn, Seat, both_sides
from app.proceedings.parties.schemas import REPRESENTATIVE_ROLES, RepresentativeRole
from app.proceedings.sessions.schemas import SessionState
from app.proceedings.steps.schemas import PowersIn

MOST_BYTES, DEEPEST, LONGEST_NAME = 16_384, 8, 200
STATES = Literal["received", "more-asked", "accepted", "declined", "withdrawn"]
LACKS = Literal["parties", "representatives", "order", "return-date", "subjects", "languages", "other"]
PAPER_KINDS = ("received", "amended", "extended", "withdrawn", "reported")
REFUSALS = Literal["outside-scheme", "not-suitable", "incomplete", "duplicate", "conflict-of-interest", "other"]
AnswerCode = TypeAliasType(
    "AnswerCode",
    Annotated[
        str,
        one_of(
            dict.fromkeys((*get_args(LACKS), *get_args(REFUSALS))),
            "What a referral lacks, or why the registry declined it.",
        ),
    ],
)
PaperKind = TypeAliasType(
    "PaperKind",
    Annotated[
        str,
        one_of(
            PAPER_KINDS,
            "`received`, `amended`, `extended`, `withdrawn`: the court referred the case, changed the referral, set a "
            "later return date, withdrew it. `reported`: the registry reported the outcome.",
        ),
    ],
)


def _bounded(value: dict[str, Any]) -> dict[str, Any]:
    """The court's own fields, unchanged, if they are small, shallow and readable."""
    _readable(value, 1)
    if len(json.dumps(value, ensure_ascii=False).encode()) > MOST_BYTES:
        raise PydanticCustomError(
            "external-size", "These fields take more than 16 KiB as JSON. Send fewer or shorter ones."
        )
    return value


def _readable(value: Any, depth: int) -> None:
    if depth > DEEPEST:
        raise PydanticCustomError("external-depth", "These fields are nested deeper than 8 levels. Send flatter ones.")
    if isinstance(value, str):
        clean(value)
    for item in value if isinstance(value, list) else ():
        _readable(item, depth + 1)
    for name, item in value.items() if isinstance(value, dict) else ():
        if len(name) > LONGEST_NAME:
            raise PydanticCustomError(
                "external-name", "One of these fields has a name of more than 200 characters. Shorten it."
            )
        clean(name)
        _readable(item, depth + 1)


External = Annotated[dict[str, Any], AfterValidator(_bounded)]


class ReferredRepresentative(In):
    """A person who acts for a party before the court."""

    name: Line = Field(description="The person's name.")
    role: Literal["agent", "counsel"] = Field("counsel", description="As what the person acts for the party.")
    email: Email | None = Field(None, description="The person's e-mail address.")


class ReferredParty(PartyIn):
    """A party of the court's case. The first party named is on the requesting side."""

    email: Email | None = Field(None, description="The party's e-mail address.")
    representatives: Annotated[list[ReferredRepresentative], Field(max_length=10)] = Field(
        [], description="The persons who act for the party before the court."
    )


class Order(In):
    """The order by which a court refers a case."""

    number: Line | None = Field(None, description="The number of the order.")
    made_on: Day = Field(description="The day on which the order was made.")
    text: Text = Field(description="The text of the order.")


Parties = Annotated[list[ReferredParty], Field(min_length=2, max_length=MOST_PARTIES), AfterValidator(both_sides)]


class ReferralIn(In):
    """A case that a court refers."""

    external_id: Annotated[Line, Field(max_length=200)] = Field(
        description="The court's own id of the referral, which no other referral of the court has."
    )
    case_number: Line = Field(description="The number of the case at the court.")
    title: Line = Field(description="The title of the case.")
    category: Code = Field("court-referred", description="The category of the dispute.")
    parties: Parties = Field(
        description="The parties: one of the requesting side first, and one of the responding side."
    )
    order: Order = Field(description="The order of referral.")
    return_on: Day = Field(description="The day by which the court wants a report.")
    subjects: Annotated[Codes, Field(min_length=1)] = Field(
        description="What the dispute is about, by codes (`listSubjects`)."
    )
    languages: Annotated[Languages, Field(min_length=1)] = Field(
        description="The languages of the mediation, by codes (`en`, `zh-Hant`)."
    )
    seat: Seat | None = Field(None, description="The seat of the mediation; the court's place if left out.")
    external: External = Field(
        {},
        description="The court's own fields, which the registry keeps unchanged: at most 16 KiB of JSON, nested at "
        "most 8 levels deep.",
    )


class ReferralAmendment(In):
    """A change of a referral. Fields that you leave out stay as they are. `extendReturnDate` moves the return date."""

    case_number: Line | None = Field(None, description="The number of the case at the court.")
    title: Line | None = Field(None, description="The title of the case.")
    parties: Parties | None = Field(None, description="All parties; they replace the present ones.")
    order: Order | None = Field(None, description="The order of referral.")
    subjects: Annotated[Codes, Field(min_length=1)] | None = Field(
        None, description="What the dispute is about, by codes; they replace the present ones."
    )
    languages: Annotated[Languages, Field(min_length=1)] | None = Field(
        None, description="The languages of the mediation, by codes; they replace the present ones."
    )
    external: External | None = Field(None, description="The court's own fields; they replace the present ones.")

    @model_validator(mode="after")
    def says_something(self) -> "ReferralAmendment":
        """Refuse an amendment without any field, and null for a field that a referral must have."""
        return changes_something(self)


class ReturnDateIn(In):
    """A later day by which the court wants a report."""

    return_on: Day = Field(description="The new return date, which must be later than the present one.")


class AskIn(In):
    """What the registry asks the court for."""

    lacks: Annotated[list[LACKS], Field(min_length=1, max_length=7)] = Field(
        description="What the referral lacks, in codes."
    )
    note: Text | None = Field(None, description="The same in words.")


class RefusalIn(In):
    """Why the registry declines a referral."""

    reason: REFUSALS = Field(description="The reason, in a code.")
    note: Text | None = Field(None, description="The same in words.")


class ReferralAcceptance(In):
    """How the registry accepts a referral."""

    procedure: Code = Field("court-referred", description="The rule set under which the case is opened.")
    category: Code | None = Field(None, description="The category of the case; that of the rule set if left out.")
    seat: Seat | None = Field(None, description="The seat of the mediation; the one of the referral if left out.")


class OrderFileOut(Out):
    """The order as a file. Download it at `…/order` of the referral or of the case."""

    id: UUID = Field(description="The id of the file.")
    name: str = Field(description="The name of the file.")
    media_type: str = Field(description="The media type of the file.")
    size: int = Field(description="The size of the file in bytes.")
    sha256: str = Field(description="The SHA-256 of the file, in hexadecimal.")


class AnswerOut(Out):
    """The registry's answer to the court: what the referral lacks, or why it is declined."""

    codes: list[AnswerCode] = Field(description="The answer, in codes.")
    note: str | None = Field(description="The answer in words; null if there are none.")
    at: datetime = Field(description="When the registry answered.")


class SessionDates(Out):
    """The date of a joint session."""

    starts_at: datetime = Field(description="When the session begins.")
    ends_at: datetime = Field(description="When the session ends.")
    state: SessionState = Field(description="What became of the session.")


class Suspension(Out):
    """A time during which the court's own proceedings are suspended."""

    from_at: datetime = Field(description="The beginning of the suspension.")
    until_at: datetime | None = Field(description="Its end; null if the proceedings are still suspended.")


class Attendance(Out):
    """Whether a party was represented at a joint session."""

    side: SideName = Field(description="The side on which the party stands.")
    name: str = Field(description="The name of the party.")
    attended: bool = Field(description="Whether it was represented at any joint session.")


class ReportOut(Out):
    """What the court may know of how the mediation ended."""

    took_place: bool = Field(description="Whether a mediation took place.")
    ended_on: date = Field(description="The day at the seat on which it ended.")
    settled: Literal["whole", "part", "none"] = Field(
        description="Whether the whole dispute was settled, a part of it, or nothing."
    )
    reason: str | None = Field(
        description="Why it ended, in a code of the rules that courts may know; null if there is no such code."
    )
    attendance: list[Attendance] = Field(description="Whether each party was represented.")
    reported_at: datetime = Field(description="When the report was made to the court.")


class ReferralOut(Out):
    """A referral, and what became of it, as far as a court may know."""

    id: UUID = Field(description="The id of the referral.")
    court_id: UUID = Field(description="The court.")
    court: str = Field(description="The name of the court.")
    external_id: str = Field(description="The court's own id of the referral.")
    state: STATES = Field(
        description="`received`: the registry has not decided. `more-asked`: it asked the court for something. "
        "`accepted`: a case was opened. `declined`: the registry declined it. `withdrawn`: the court withdrew it."
    )
    case_number: str = Field(description="The number of the case at the court.")
    earlier_referral_id: UUID | None = Field(
        description="A warning: an earlier referral of the same court with the same case number, whatever its spaces, "
        "signs, capitals and leading zeros; null if there is none."
    )
    title: str = Field(description="The title of the case.")
    category: str = Field(description="The category of the dispute, as the court named it.")
    parties: list[ReferredParty] = Field(
        description=f"The parties: `listReferrals` shows the first {MOST_SHOWN}, and every other operation all."
    )
    party_count: int = Field(description="How many parties the referral names.")
    order: Order = Field(description="The order of referral.")
    order_file: OrderFileOut | None = Field(description="The order as a file; null if none was uploaded.")
    return_on: date = Field(description="The day by which the court wants a report.")
    subjects: list[str] = Field(description="What the dispute is about, by codes.")
    languages: list[str] = Field(description="The languages of the mediation, by codes.")
    seat: Seat | None = Field(description="The seat that the court named; null if it named none.")
    external: dict[str, Any] = Field(description="The court's own fields, unchanged.")
    external_text: str = Field(description="The same fields as JSON text, for readers that would round large numbers.")
    answer: AnswerOut | None = Field(
        description="The registry's answer; null if it has neither asked a question nor declined."
    )
    case_id: UUID | None = Field(description="The case that was opened; null if there is none.")
    reference: str | None = Field(description="The registry's reference of the case; null before it has one.")
    phase: Phase | None = Field(description="The phase of the case; null if there is no case.")
    sessions: list[SessionDates] | None = Field(
        description="The dates of joint sessions; null until every party has agreed to share them."
    )
    suspensions: list[Suspension] = Field(description="When the court's own proceedings are suspended.")
    report: ReportOut | None = Field(description="How the mediation ended; null while it goes on.")
    received_at: datetime = Field(description="When the referral was received.")
    updated_at: datetime = Field(description="When the referral, or what the court sees of it, last changed.")


class ReferralList(Listed[ReferralOut]):
    """A page of referrals, the newest first."""


class PaperOut(Out):
    """A paper that passed between the court and the registry."""

    kind: PaperKind = Field(description="What kind of paper it was.")
    at: datetime = Field(description="When it passed.")


class ProposedRepresentative(Out):
    """A person whom the court named to act for a party, and whom the registry may admit."""

    party_id: UUID = Field(description="The party of the case.")
    name: str = Field(description="The person's name.")
    role: RepresentativeRole = Field(description="As what the court named the person.")
    email: str | None = Field(description="The person's e-mail address; null if the court gave none.")
    representative_id: UUID | None = Field(
        description="The representative as whom the person was admitted or invited; null while nobody was."
    )


class NamedRepresentativeIn(In):
    """The admission of a person whom the court named."""

    party_id: UUID = Field(description="The party for which the court named the person.")
    name: Line = Field(description="The name of the person, as the court gave it.")
    user_id: UUID | None = Field(None, description="The person's account, if you know it.")
    email: Email | None = Field(None, description="The person's e-mail address; that of the order if left out.")
    role: REPRESENTATIVE_ROLES | None = Field(
        None,
        description="As what the person is admitted; that of the order if left out. A party's first is an `agent`.",
    )
    powers: PowersIn = Field(description="The powers by which the person acts.")


class ReferralInCase(Out):
    """The present state of what the court sent about a case, and the report that it received when the case ended."""

    referral_id: UUID = Field(description="The referral.")
    court_id: UUID = Field(description="The court.")
    court: str = Field(description="The name of the court.")
    external_id: str = Field(description="The court's own id of the referral.")
    case_number: str = Field(description="The number of the case at the court.")
    title: str = Field(description="The title of the case.")
    parties: list[ReferredParty] = Field(description="The parties.")
    proposed_representatives: list[ProposedRepresentative] = Field(
        description="The persons whom the court named to act for the parties; the registry admits them."
    )
    order: Order = Field(description="The order of referral.")
    order_file: OrderFileOut | None = Field(description="The order as a file; null if none was uploaded.")
    return_on: date = Field(description="The day by which the court wants a report.")
    subjects: list[str] = Field(description="What the dispute is about, by codes.")
    languages: list[str] = Field(description="The languages of the mediation, by codes.")
    external: dict[str, Any] = Field(description="The court's own fields, unchanged.")
    external_text: str = Field(description="The same fields as JSON text, for readers that would round large numbers.")
    withdrawn_at: datetime | None = Field(description="When the court withdrew the referral; null if it did not.")
    dates_shared_by: list[UUID] = Field(description="The parties that let the court know the dates of joint sessions.")
    report: ReportOut | None = Field(
        description="The report to the court on the end of the case; null while the case goes on."
    )
    papers: list[PaperOut] = Field(description="What passed between the court and the registry, the oldest first.")
