"""Rule sets as answers show them, and the rules' own words that other answers use."""

from typing import Annotated, Literal, get_args

from pydantic import Field
from typing_extensions import TypeAliasType

from app.core.values import Listed, Out, of_form, one_of
from app.rules.consistency import CATEGORIES, NOUNS
from app.rules.loader import Caucus, Commences, FactOfMediation, Zone
from app.rules.model import (
    AMENDABLE,
    CAPACITIES,
    CLOSED,
    FIELD_BLOCKS,
    OPEN,
    OUTCOMES,
    PARTICIPATIONS,
    PAUSED,
    PHASES,
    STANDINGS,
)
from app.rules.silence import EFFECTS
from app.rules.simulation.timeline import ENDED, PASSED, RUNNING, SUSPENDED, WAIVED
from app.rules.terms import CALENDARS, COUNTINGS, ROLLS, RUNS_FROM

PARTY_KINDS = Literal["state", "organisation", "company", "person", "public-body"]
MOST_SIMULATED = 20
SIDES = ("requesting", "responding", *(f"side-{number}" for number in range(3, 10)))

_SIDE = r"^(requesting|responding|side-[3-9])$"
Side = Annotated[str, Field(pattern=_SIDE), of_form(_SIDE, "side", f"Choose one of: {', '.join(SIDES)}.")]

Phase = TypeAliasType(
    "Phase",
    Annotated[
        str,
        one_of(
            PHASES,
            "The phase of a case, the same under all rule sets. `intake`: until it is clear that there will be a "
            "mediation. `assignment`: a mediator is sought. `sessions`: in mediation. `settlement`: a text is being "
            "signed. `closed`: over.",
        ),
    ],
)
StandingName = TypeAliasType(
    "StandingName",
    Annotated[
        str,
        one_of(
            STANDINGS,
            "How well a rule is established. `text`: read in the instrument. `secondary`: from a secondary source. "
            "`unverified`: believed; neither the text nor a source could be obtained. `institution`: no article says "
            "it; it is the registry's own practice.",
        ),
    ],
)
Outcome = TypeAliasType("Outcome", Annotated[str, one_of(OUTCOMES, "How a case ended.")])
Capacity = TypeAliasType(
    "Capacity",
    Annotated[
        str,
        one_of(
            CAPACITIES,
            "A capacity in which somebody acts under the rules of procedure. `any-party` stands for every party; "
            "`clock` takes the steps that follow when time passes.",
        ),
    ],
)
Participation = TypeAliasType(
    "Participation", Annotated[str, one_of(PARTICIPATIONS, "Whether a party takes part in the mediation.")]
)
SideName = TypeAliasType("SideName", Annotated[str, one_of(SIDES, "The side on which a party stands.")])
PartyKind = TypeAliasType("PartyKind", Annotated[str, one_of(get_args(PARTY_KINDS), "What a party is.")])
Category = TypeAliasType("Category", Annotated[str, one_of(CATEGORIES, "The category of a dispute.")])
DeadlineState = TypeAliasType(
    "DeadlineState",
    Annotated[
        str,
        one_of(
            (RUNNING, PASSED, SUSPENDED, WAIVED, ENDED),
            "`running`: its day is still to come. `passed`: its day is over. `suspended`: it does not run at present. "
            "`waived`: nothing follows from it. `ended`: it was met, or has no object any more.",
        ),
    ],
)
TrackState = TypeAliasType(
    "TrackState", Annotated[str, one_of((OPEN, PAUSED, CLOSED), "Whether a track is open, paused or closed.")]
)
Amendability = TypeAliasType(
    "Amendability",
    Annotated[
        str,
        one_of(
            AMENDABLE,
            "What the requesting side may change of its request. `all`: everything. `strike`: it may only strike out "
            "subjects and instruments. `none`: nothing.",
        ),
    ],
)
SilenceEffect = TypeAliasType(
    "SilenceEffect",
    Annotated[
        str,
        one_of(
            EFFECTS,
            "What follows when a term passes unanswered. `automatic`: the clock takes a step. `at-election`: a party "
            "may end the case. `on-request`: a party may take a step that does not end it. `by-notice`: the registry "
            "or another office may take a step. `none`: nothing follows.",
        ),
    ],
)
TermCalendar = TypeAliasType("TermCalendar", Annotated[str, one_of(CALENDARS, "Whose days off matter to a term.")])
StepBlock = TypeAliasType("StepBlock", Annotated[str, one_of(FIELD_BLOCKS, "A block of fields that a step takes.")])
StepPath = TypeAliasType(
    "StepPath", Annotated[str, one_of(NOUNS, "The path below the case at which an act takes a step.")]
)


class CitedOut(Out):
    """A rule: where it is written, and how well that is established."""

    article: str | None = Field(description="The article; null for the registry's own practice.")
    standing: StandingName = Field(description="How well the rule is established.")
    source: str | None = Field(description="Where the rule was read, if not in the instrument itself; otherwise null.")


class StageOut(Out):
    """A stage of the procedure."""

    name: str = Field(description="The name by which steps refer to the stage.")
    phase: Phase = Field(description="The phase to which the stage belongs.")
    title: str = Field(description="The title of the stage, for people.")
    final: bool = Field(description="Whether a case ends at this stage.")
    amendable: Amendability = Field(description="What the requesting side may still change of its request.")


class ProcedureTrackOut(CitedOut):
    """A track: proceedings that run in parallel to the stages. Steps open, pause, resume and close it."""

    name: str = Field(description="The name by which steps refer to the track.")
    title: str = Field(description="The title of the track, for people.")


class SilenceOut(CitedOut):
    """What follows when a term passes unanswered."""

    effect: SilenceEffect = Field(description="The kind of effect.")
    step: str | None = Field(description="The step that is then open or taken; null if nothing follows.")
    title: str | None = Field(description="The title of that step; null if nothing follows.")
    by: list[Capacity] = Field(description="The capacities that may take that step.")
    outcome: Outcome | None = Field(description="The outcome to which that step leads; null if it ends no case.")


class TermOut(CitedOut):
    """A term that a step starts, what may be done to it, and what silence brings."""

    name: str = Field(description="The name by which steps refer to the term.")
    title: str = Field(description="What the term is for.")
    period: str = Field(
        description="Its length, such as `30 days`, `1 month` or `10 working-days`. `set-per-case` means that the "
        "person who takes the step sets the last day."
    )
    settable: bool = Field(description="Whether the person who takes the step may set another last day.")
    runs_from: Annotated[
        str,
        one_of(
            RUNS_FROM,
            "What starts the term: the step itself, the dispatch that the step is, or for each party the receipt of "
            "the request.",
        ),
    ]
    counting: Annotated[str, one_of(COUNTINGS, "From which day it counts: the day after the trigger.")]
    roll: Annotated[
        str,
        one_of(
            ROLLS,
            "Where the last day moves to. `none`: it stays. `next-working-day`: from any day off to the next working "
            "day. `from-saturday-sunday`: only from a Saturday or Sunday to the next working day.",
        ),
    ]
    calendars: list[TermCalendar] = Field(description="Whose days off matter to rolling and to working days.")
    extend_by: list[Capacity] = Field(description="The capacities that may extend the term.")
    extend_with_all: bool = Field(description="Whether an extension needs the agreement of every party.")
    extend_at_most: str | None = Field(
        description="By how much all extensions together may move the last day, as a period; null if without limit."
    )
    waive_by: list[Capacity] = Field(description="The capacities that may waive the term.")
    suspend_by: list[Capacity] = Field(description="The capacities that may suspend and resume the term.")
    silence: list[SilenceOut] = Field(description="What follows when the term passes unanswered.")


class OfficeHoursOut(CitedOut):
    """Until when, on a working day, what arrives by some channels counts that day; later it counts on the next one."""

    name: str = Field(description="The name of the office hours.")
    channels: list[str] = Field(description="The channels, such as `e-mail`; others count until midnight.")
    until: str = Field(description="The time from which it counts on the next working day, such as `16:00`.")
    calendars: list[TermCalendar] = Field(description="Whose days off are not working days.")


class CheckOut(CitedOut):
    """A need that steps name."""

    name: str = Field(description="The name by which steps refer to the check.")
    title: str = Field(description="What must hold.")


class GroundOut(CitedOut):
    """A ground on which a mediation may be ended without a settlement."""

    name: str = Field(description="The name by which steps refer to the ground.")
    title: str = Field(description="The ground, for people.")


class ProcedureStepOut(CitedOut):
    """A step of the procedure. Two entries may have the same name if they differ in who takes them, or from where."""

    name: str = Field(description="The name of the step, as used in the path of `takeStep`.")
    title: str = Field(description="The title of the step, for people.")
    by: list[Capacity] = Field(description="The capacities that may take the step.")
    each: Capacity | None = Field(
        description="The capacity of which every party must take the step before it has effect; null if one act is "
        "enough."
    )
    from_stages: list[str] = Field(description="The stages from which the step can be taken.")
    to: str | None = Field(description="The stage to which the step leads; null if the case stays where it is.")
    needs: list[str] = Field(description="The checks that must hold.")
    fails: list[str] = Field(description="Checks of which at least one must fail.")
    after: str | None = Field(description="The term that must have passed; null if none.")
    within: str | None = Field(description="The track that must be open; null if none.")
    starts: list[str] = Field(description="The terms that the step starts.")
    ends: list[str] = Field(description="The terms that the step ends.")
    suspends: list[str] = Field(description="The terms that the step suspends.")
    resumes: list[str] = Field(description="The terms that the step resumes.")
    opens: list[str] = Field(description="The tracks that the step opens.")
    pauses: list[str] = Field(description="The tracks that the step pauses.")
    reopens: list[str] = Field(description="The paused tracks that the step resumes.")
    closes: list[str] = Field(description="The tracks that the step closes.")
    voids: list[str] = Field(description="The steps whose acts the step undoes.")
    participation: Participation | None = Field(
        description="The participation that the party has after the step; null if the step does not change it."
    )
    outcome: Outcome | None = Field(description="The outcome of a case that the step ends; null if it ends none.")
    partial_outcome: Outcome | None = Field(
        description="The outcome if the text settles only a part of the dispute; null if that makes no difference."
    )
    grounds: list[str] = Field(description="The grounds of which the request must name one.")
    positions: list[str] = Field(description="The positions of which the request may state one.")
    fields: list[StepBlock] = Field(description="The blocks of fields that the request must have.")
    reason: bool = Field(description="Whether the request must give a reason.")
    expected: list[str] = Field(description="The stages in which the case waits for this step.")
    lodges: bool = Field(description="Whether the step lodges the request, which opens the case to the registry.")
    serves: bool = Field(description="Whether the step opens the case to the other sides.")
    numbers: bool = Field(description="Whether the step gives the case its reference.")
    taken_through: StepPath | None = Field(
        description="The path below the case at which an act takes the step; null if it is taken under `/steps`."
    )


class ProcedureItem(Out):
    """A rule set, as lists show it."""

    id: str = Field(description="The id of the rule set, with its edition.")
    title: str = Field(description="The title of the rules.")
    edition: str = Field(description="The edition, usually a year.")
    categories: list[Category] = Field(description="The categories of dispute for which the rules are made.")
    source: str = Field(description="The instrument in which the rules are written.")


class ProcedureOut(ProcedureItem):
    """A rule set, whole."""

    commences: Annotated[str, one_of(get_args(Commences), "The event with which the mediation commences.")]
    fact_of_mediation: Annotated[
        str, one_of(get_args(FactOfMediation), "Whether the fact of the mediation itself is confidential.")
    ]
    caucus: Annotated[
        str,
        one_of(
            get_args(Caucus),
            "`sealed`: what a party says in confidence is passed on only if the party releases it. `conditioned`: the "
            "mediator may pass it on unless the party says otherwise.",
        ),
    ]
    zone: Annotated[
        str, one_of(get_args(Zone), "In which time zone days are counted: at the seat, or where the institution is.")
    ]
    resubmission: str | None = Field(
        description="The period within which a returned filing can be submitted again and keep its first receipt; "
        "null if there is none."
    )
    note: str = Field(description="What people should know about this rule set.")
    stages: list[StageOut] = Field(description="The stages; a case begins at the first.")
    tracks: list[ProcedureTrackOut] = Field(description="The tracks that run in parallel to the stages.")
    steps: list[ProcedureStepOut] = Field(description="The steps.")
    terms: list[TermOut] = Field(description="The terms.")
    office_hours: list[OfficeHoursOut] = Field(
        description="Until when what arrives by some channels counts on the same day."
    )
    checks: list[CheckOut] = Field(description="The checks that steps name.")
    grounds: list[GroundOut] = Field(description="The grounds on which a mediation may end.")


class ProcedureList(Listed[ProcedureItem]):
    """Every rule set, on one page."""


class SubjectOut(Out):
    """A subject that a dispute can have."""

    code: str = Field(description="The code of the subject.")
    title: str = Field(description="The title of the subject, for people.")


class SubjectList(Listed[SubjectOut]):
    """Every subject of the vocabulary, on one page."""


class ReasonOut(Out):
    """A reason why a step is not open, the rule on which it rests, and what would cure it."""

    code: str = Field(description="A stable code: `need-not-met`, `term-not-passed`, `not-your-capacity` and others.")
    detail: str = Field(description="The reason, in a sentence.")
    article: str | None = Field(description="The article of the rule; null for the registry's own practice.")
    source: str | None = Field(description="Where the rule was read, if not in the instrument itself; otherwise null.")
    standing: StandingName = Field(description="How well the rule is established.")
    cure: str | None = Field(description="What would open the step; null if nothing does at present.")
