"""Steps of a case, in requests and answers."""

from typing import Annotated, Literal, Self, get_args
from uuid import UUID

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError
from typing_extensions import TypeAliasType

from app.core.values import Code, Day, In, Line, Listed, Out, one_of
from app.institution.procedures.schemas import Capacity, ReasonOut, StandingName, StepPath
from app.proceedings.cases.schemas import OnPaper

BASES = Literal["treaty-clause", "contract-clause", "ad-hoc"]
POWERS = Literal["full-powers", "mandate", "ex-officio"]
OFFICES = Literal["head-of-state", "head-of-government", "foreign-minister", "executive-head", "director"]
ConsentBasis = TypeAliasType("ConsentBasis", Annotated[str, one_of(get_args(BASES), "What a consent rests on.")])
PowersKind = TypeAliasType(
    "PowersKind",
    Annotated[
        str,
        one_of(
            get_args(POWERS),
            "The powers by which a person acts for a party. `ex-officio`: by the person's office, without a paper; or "
            "the person is the party.",
        ),
    ],
)
Office = TypeAliasType(
    "Office",
    Annotated[
        str,
        one_of(
            get_args(OFFICES),
            "An office whose holder represents a State, an organisation (`executive-head`) or a company (`director`).",
        ),
    ],
)


class ConsentIn(In):
    """A consent to mediate."""

    basis: BASES = Field(description="What the consent rests on.")
    instrument: Line | None = Field(None, description="The instrument in which the consent is given.")
    given_on: Day = Field(description="The day on which the consent was given.")


class PowersIn(In):
    """The powers by which a person acts for a party."""

    kind: POWERS = Field(description="Full powers, a mandate, or the person's office (`ex-officio`).")
    issued_by: Line = Field(description="Who issued the powers.")
    issued_on: Day = Field(description="The day on which they were issued.")
    office: OFFICES | None = Field(
        None,
        description="The office that the person holds, for powers `ex-officio`. Powers that name none bear out each "
        "office that a party of this kind has.",
    )

    @model_validator(mode="after")
    def of_an_office(self) -> Self:
        """Refuse an office for powers that do not come from an office."""
        if self.office is not None and self.kind != "ex-officio":
            raise PydanticCustomError("office", "An 'office' goes with powers 'ex-officio' only. Leave it out.")
        return self


class StepFields(In):
    """The fields that particular steps need. `readProcedure` says which step needs which."""

    consent: ConsentIn | None = Field(None, description="The party's consent to mediate.")
    powers: PowersIn | None = Field(None, description="The powers of the person who acts.")
    ground: Code | None = Field(
        None, description="The ground on which the mediation ends, by its name in the rule set."
    )
    position: Code | None = Field(None, description="A position that the party states, by its name in the rule set.")
    party_id: UUID | None = Field(None, description="The party whom the step concerns, if no party takes it.")


class StepIn(OnPaper):
    """A step to be taken."""

    due_on: Day | None = Field(None, description="The last day of the term that the step starts, where it may be set.")
    fields: StepFields = Field(StepFields(), description="The fields that the step needs.")


class TakenFieldOut(Out):
    """A field that the request of a step takes."""

    pointer: str = Field(description="Where the field is in the request, as a JSON pointer.")
    type: Annotated[
        str,
        one_of(
            ("text", "date", "code", "id", "consent", "powers"),
            "What the field holds. `consent`, `powers`: the objects `ConsentIn` and `PowersIn`.",
        ),
    ] = Field()
    required: bool = Field(description="Whether the step needs the field.")
    choices: list[str] = Field(description="The codes from which to choose; empty for other fields.")


class StepOut(Out):
    """A step of the procedure, and whether you can take it now."""

    step: str = Field(description="The name of the step.")
    title: str = Field(description="The title of the step, for people.")
    available: bool = Field(description="Whether you can take it now.")
    by: list[Capacity] = Field(description="The capacities that may take it.")
    article: str | None = Field(description="The article of the step; null for the registry's own practice.")
    source: str | None = Field(description="Where the rule was read, if not in the instrument itself; otherwise null.")
    standing: StandingName = Field(description="How well the rule is established.")
    taken_through: StepPath | None = Field(
        description="The path below the case at which an act takes the step; null if it is taken under `/steps`."
    )
    href: str = Field(description="The path to which the request that takes the step is sent.")
    takes: list[TakenFieldOut] = Field(
        description="The fields that the request takes, such as reason, ground and consent, besides those by which the "
        "registry enters a paper; empty if an act at another address takes the step."
    )
    reasons: list[ReasonOut] = Field(description="Why you cannot take it now; empty if you can.")


class StepList(Listed[StepOut]):
    """Every step of the rule set, in its order, on one page."""
