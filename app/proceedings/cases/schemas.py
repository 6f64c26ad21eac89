"""Cases in requests and answers."""

from datetime import date, datetime
from typing import Annotated, Literal, TypeVar, get_args
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
    In,
    Instant,
    Languages,
    Line,
    Listed,
    Out,
    Text,
    TimeZone,
    changes_something,
    one_of,
)
from app.institution.calendars.schemas import CalendarCode
from app.institution.procedures.schemas import (
    PARTY_KINDS,
    Capacity,
    Category,
    Outcome,
    Participation,
    PartyKind,
    Phase,
    Side,
    SideName,
    TrackState,
)

RECEIVED_VIA = Literal["post", "courier", "by-hand", "e-mail", "fax", "other"]
ReceivedVia = TypeAliasType(
    "ReceivedVia", Annotated[str, one_of(get_args(RECEIVED_VIA), "How a paper reached the registry.")]
)


class Seat(In):
    """The seat of the mediation. Days are counted in its time zone, unless the rules count them at the institution."""

    place: Line = Field(description="The place of the seat.")
    time_zone: TimeZone = Field(description="The time zone of that place, by its IANA name (`Asia/Hong_Kong`).")
    calendar: CalendarCode | None = Field(
        None,
        description="The calendar of days off at the seat: the code of a country (`HK`) or a part of one (`DE-BY`). "
        "Without it, Saturdays and Sundays are off.",
    )


class Instrument(In):
    """An instrument on which the dispute or the consent rests."""

    kind: Literal["treaty", "resolution", "contract", "judgment", "order", "other"] = Field(
        description="What kind of instrument it is."
    )
    title: Line = Field(description="The title of the instrument.")
    citation: Line | None = Field(None, description="Where the instrument is published, or when it was made.")
    articles: Annotated[list[Line], Field(max_length=50)] = Field([], description="The articles that matter.")


class PartyIn(In):
    """A party of a case. In a new case, the first party is the filer's."""

    side: Side = Field(description="The side on which the party stands: `requesting`, `responding`, or a further one.")
    kind: PARTY_KINDS = Field(description="What the party is.")
    name: Line = Field(description="The name of the party.")
    member_id: UUID | None = Field(None, description="The member of the institution that the party is, if it is one.")
    calendar: CalendarCode | None = Field(
        None,
        description="The calendar of the party's days off: the code of a country (`HK`) or a part of one (`DE-BY`).",
    )


class ThirdStateIn(In):
    """A third State: one that the dispute involves without being a party. It must consent to the mediation."""

    name: Line = Field(description="The name of the State.")
    member_id: UUID | None = Field(None, description="The member of the institution that the State is, if it is one.")


Named = TypeVar("Named", bound=PartyIn)


def both_sides(parties: list[Named]) -> list[Named]:
    """The parties, if the first is on the requesting side and one of them on the responding side."""
    sides = [party.side for party in parties]
    if sides[:1] != ["requesting"]:
        raise PydanticCustomError("sides", "Name a party on the side 'requesting' first.")
    if "responding" not in sides:
        raise PydanticCustomError("sides", "Name a party on the side 'responding' as well.")
    return parties


Instruments = Annotated[list[Instrument], Field(max_length=50)]


class CaseIn(In):
    """A request for mediation."""

    procedure: Code = Field(description="The rule set, by its id (`listProcedures`).")
    category: Code = Field(description="The category of the dispute: one for which the rule set is made.")
    title: Line = Field(description="The title of the case.")
    summary: Text = Field(description="What the dispute is about, in words.")
    parties: Annotated[list[PartyIn], Field(min_length=2, max_length=MOST_PARTIES), AfterValidator(both_sides)] = Field(
        description="The parties: the filer's own first, on the requesting side, and one on the responding side."
    )
    third_states: Annotated[list[ThirdStateIn], Field(max_length=20)] = Field(
        [], description="The third States that the dispute involves."
    )
    instruments: Instruments = Field([], description="The instruments on which the dispute or the consent rests.")
    subjects: Annotated[Codes, Field(min_length=1)] = Field(
        description="What the dispute is about, by codes (`listSubjects`)."
    )
    languages: Annotated[Languages, Field(min_length=1)] = Field(
        description="The languages of the mediation, by codes (`en`, `zh-Hant`)."
    )
    seat: Seat = Field(description="The seat of the mediation.")
    earlier_case_id: UUID | None = Field(None, description="An earlier case of yours that this one follows.")


class ActingIn(In):
    """An act. Somebody who represents several parties of the case says for which of them they act."""

    acting_for: UUID | None = Field(
        None,
        description="The party for which you act, by its id. Needed only if you represent several parties of the case "
        "and the act does not name exactly one of them.",
    )


class CaseAmendment(ActingIn):
    """A change of a request. Fields that you leave out stay as they are."""

    title: Line | None = Field(None, description="The title of the case.")
    summary: Text | None = Field(None, description="What the dispute is about, in words.")
    instruments: Instruments | None = Field(None, description="All instruments; they replace the present ones.")
    subjects: Annotated[Codes, Field(min_length=1)] | None = Field(
        None, description="What the dispute is about, by codes; they replace the present ones."
    )
    languages: Annotated[Languages, Field(min_length=1)] | None = Field(
        None, description="The languages of the mediation, by codes; they replace the present ones."
    )
    seat: Seat | None = Field(None, description="The seat of the mediation.")

    @model_validator(mode="after")
    def says_something(self) -> "CaseAmendment":
        """Refuse an amendment without any field, and null for a field that a case must have."""
        return changes_something(self, besides=ActingIn.model_fields)

    @property
    def changed(self) -> set[str]:
        """The names of the fields of the case that the amendment changes."""
        return self.model_fields_set - set(ActingIn.model_fields)


class OnPaper(ActingIn):
    """An act. The registry uses these fields to enter what a party sent on paper; everybody else may leave them out."""

    on: Day | None = Field(
        None,
        description="The day at the seat on which the act counts; today if left out. An earlier day needs a reason.",
    )
    received_at: Instant | None = Field(
        None, description="When the registry received the paper; its day is then the day on which the act counts."
    )
    received_via: RECEIVED_VIA | None = Field(None, description="How the paper reached the registry.")
    on_behalf_of: UUID | None = Field(None, description="The party that sent the paper, by its id.")
    reason: Text | None = Field(None, description="Why the act is done, or why it counts on an earlier day.")


class SeatOut(Out):
    """The seat of the mediation."""

    place: str = Field(description="The place of the seat.")
    time_zone: str = Field(description="The time zone of that place, by its IANA name.")
    calendar: str | None = Field(description="The code of the calendar of days off at the seat; null if none is named.")


class TrackOut(Out):
    """Proceedings that run in parallel to the stages of the case."""

    name: str = Field(description="The name of the track in the rule set.")
    title: str = Field(description="The title of the track, for people.")
    state: TrackState = Field(description="Whether it is open, paused or closed.")


class CasePartyOut(Out):
    """A party, as a case shows it."""

    id: UUID = Field(description="The id of the party.")
    side: SideName = Field(description="The side on which the party stands.")
    kind: PartyKind = Field(description="What the party is.")
    name: str = Field(description="The name of the party.")
    member_id: UUID | None = Field(description="The member of the institution that the party is; null if it is none.")
    participation: Participation = Field(description="Whether the party takes part.")
    calendar: str | None = Field(description="The code of the calendar of the party's days off; null if none is named.")
    represented: bool = Field(
        description="Whether somebody represents the party. If not, the case waits for the registry in its place: it "
        "admits an agent, or enters what the party sends on paper."
    )


class CaseThirdStateOut(Out):
    """A third State, as a case shows it."""

    id: UUID = Field(description="The id of the third State in this case.")
    name: str = Field(description="The name of the State.")
    member_id: UUID | None = Field(description="The member of the institution that the State is; null if it is none.")
    consented: bool = Field(description="Whether its consent is confirmed.")


class CaseMediatorOut(Out):
    """A mediator of the case."""

    appointment_id: UUID = Field(description="The appointment.")
    user_id: UUID = Field(description="The person.")
    name: str = Field(description="The mediator's name.")
    since: datetime = Field(description="Since when the person mediates in the case.")


class AwaitedActOut(Out):
    """The act by which a wait ends."""

    name: str = Field(description="The name of the act; for a step that is taken itself, the name of the step.")
    operation_id: str = Field(description="The operation of this API that does the act.")
    method: Literal["POST"] = Field(description="The method of the operation.")
    path: str = Field(
        description="The path of the operation. Fill in the id of an appointment, a draft or a session in braces."
    )


class WaitingOut(Out):
    """Somebody for whom the case waits."""

    capacity: Capacity = Field(
        description="The capacity for which the case waits: `registry` instead of a party that has no agent, "
        "or of a mediator who has left."
    )
    party_id: UUID | None = Field(description="The party for which it waits; null if for none.")
    for_: str = Field(
        serialization_alias="for",
        validation_alias="for",
        description="The step for which it waits, by its name; "
        "`admit-representative` where the registry is to admit an agent of a party that has lost its own.",
    )
    act: AwaitedActOut | None = Field(
        None,
        description="The act that is awaited: the step itself, or what the step still needs. Null in a case in which "
        "nothing has happened since an earlier release.",
    )
    since: datetime = Field(description="Since when it waits.")
    due_on: date | None = Field(description="The day by which the step is due; null if no term runs.")
    article: str | None = Field(description="The article of the step; null for the registry's own practice.")


class CaseItem(Out):
    """A case, as lists show it."""

    id: UUID = Field(description="The id of the case.")
    reference: str | None = Field(
        description="The registry's reference, such as `2026-0001`; null until the case is registered."
    )
    title: str = Field(description="The title of the case.")
    category: Category = Field(description="The category of the dispute.")
    procedure: str = Field(description="The rule set, by its id.")
    phase: Phase = Field(description="The phase of the case, the same under all rule sets.")
    stage: str = Field(description="The stage of the case, by its name in the rule set.")
    outcome: Outcome | None = Field(description="How the case ended; null while it goes on.")
    ground: str | None = Field(
        description="The ground on which it ended without a settlement, by its name in the rule set; otherwise null."
    )
    tracks: list[TrackOut] = Field(description="The tracks that were opened.")
    subjects: list[str] = Field(description="What the dispute is about, by codes.")
    languages: list[str] = Field(description="The languages of the mediation, by codes.")
    seat: SeatOut = Field(description="Where the mediation is seated.")
    parties: list[CasePartyOut] = Field(
        description=f"The first {MOST_SHOWN} parties, in the order in which they were named; `listParties` lists all."
    )
    party_count: int = Field(description="How many parties the case has.")
    third_states: list[CaseThirdStateOut] = Field(description="The third States that the dispute involves.")
    mediators: list[CaseMediatorOut] = Field(description="The mediators of the case.")
    waiting_for: list[WaitingOut] = Field(
        description=f"For whom the case waits, and for which step: the first {MOST_SHOWN} entries. `listParties` with "
        "`awaited` lists all parties for which it waits."
    )
    waiting_count: int = Field(description="How many entries `waiting_for` would have in full.")
    next_due_on: date | None = Field(description="The earliest day on which something is due; null if nothing is.")
    opened_at: datetime = Field(description="When the case was opened.")
    closed_at: datetime | None = Field(
        description="When the case was closed; null while it goes on. If the passing of a term closed it, the end of "
        "that term, also where it was recorded later."
    )
    updated_at: datetime | None = Field(description="When something last happened of which all participants may know.")
    seq: int | None = Field(description="A number that grows with every such event, by which you can compare versions.")


class CaseOut(CaseItem):
    """A case, whole."""

    summary: str = Field(description="What the dispute is about, in words.")
    instruments: list[Instrument] = Field(description="The instruments on which the dispute or the consent rests.")
    earlier_case_id: UUID | None = Field(description="The earlier case that this one follows; null if there is none.")
    referral_id: UUID | None = Field(description="The referral by a court on which the case was opened; null if none.")


class CaseFilters(In):
    """Which cases a list shows: those that meet every condition."""

    phase: str | None = Field(None, description="Cases in this phase.")
    stage: str | None = Field(None, description="Cases at this stage of their rule set.")
    procedure: str | None = Field(None, description="Cases under this rule set.")
    category: str | None = Field(None, description="Cases of this category.")
    party: UUID | None = Field(None, description="Cases of this party, or of this member of the institution.")
    mediator: UUID | Literal["me"] | None = Field(None, description="Cases of this mediator, or of the reader.")
    waiting_for: str | None = Field(None, description="Cases that wait for this capacity.")
    due_before: Day | None = Field(None, description="Cases with something due before this day.")
    updated_since: Instant | None = Field(None, description="Cases in which something happened since this instant.")
    q: str | None = Field(None, description="Words of the title, of a party's name, or a reference.")

    @property
    def tells_more_than_the_state(self) -> bool:
        """Whether they ask for what a case does not show to a party that has left."""
        return not (self.waiting_for is None and self.due_before is None and self.updated_since is None)


class CaseList(Listed[CaseItem]):
    """A page of cases, the newest first."""
