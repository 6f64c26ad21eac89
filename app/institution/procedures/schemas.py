"""Rule sets as they go out."""

from typing import Annotated, Literal

from pydantic import Field

from app.core.values import Listed, Out


class CitedOut(Out):
    """Where a rule is written, and how well that is established."""

    article: str | None
    standing: str
    source: str | None


class StageOut(Out):
    """A stage of the procedure."""

    name: str
    phase: str
    title: str
    final: bool
    amendable: str


class ProcedureTrackOut(CitedOut):
    """Proceedings that run beside the stages, opened, paused, resumed and closed by steps."""

    name: str
    title: str


class SilenceOut(CitedOut):
    """What follows when a term passes unanswered: `automatic`, `at-election`, `on-request`, `by-notice` or `none`."""

    effect: str
    step: str | None
    title: str | None
    by: list[str]
    outcome: str | None


class TermOut(CitedOut):
    """A term that a step starts, what may be done to it, and what silence brings."""

    name: str
    title: str
    period: str
    settable: bool
    runs_from: str
    counting: str
    roll: str
    calendars: list[str]
    extend_by: list[str]
    extend_with_all: bool
    extend_at_most: str | None
    waive_by: list[str]
    suspend_by: list[str]
    silence: list[SilenceOut]


class CheckOut(CitedOut):
    """A need that steps name."""

    name: str
    title: str


class GroundOut(CitedOut):
    """Why a mediation may be ended without a settlement."""

    name: str
    title: str


class ProcedureStepOut(CitedOut):
    """A step of the procedure; `each` names the capacity of which every party must act.

    It is open `within` a track, acts on terms, tracks and earlier acts, and may change a party's participation. In its
    `expected` stages the case waits for it.
    """

    name: str
    title: str
    by: list[str]
    each: str | None
    from_stages: list[str]
    to: str | None
    needs: list[str]
    fails: list[str]
    after: str | None
    within: str | None
    starts: list[str]
    ends: list[str]
    suspends: list[str]
    resumes: list[str]
    opens: list[str]
    pauses: list[str]
    reopens: list[str]
    closes: list[str]
    voids: list[str]
    participation: str | None
    outcome: str | None
    partial_outcome: str | None
    grounds: list[str]
    positions: list[str]
    fields: list[str]
    reason: bool
    expected: list[str]
    lodges: bool
    serves: bool
    numbers: bool
    taken_through: str | None


class ProcedureItem(Out):
    """A rule set as lists show it."""

    id: str
    title: str
    edition: str
    categories: list[str]
    source: str


class ProcedureOut(ProcedureItem):
    """A rule set, whole."""

    commences: str
    fact_of_mediation: str
    caucus: str
    zone: str
    resubmission: str | None
    note: str
    stages: list[StageOut]
    tracks: list[ProcedureTrackOut]
    steps: list[ProcedureStepOut]
    terms: list[TermOut]
    checks: list[CheckOut]
    grounds: list[GroundOut]


class ProcedureList(Listed[ProcedureItem]):
    """Every rule set."""


class SubjectOut(Out):
    """What a dispute can be about."""

    code: str
    title: str


class SubjectList(Listed[SubjectOut]):
    """Every subject of the vocabulary."""


PARTY_KINDS = Literal["state", "organisation", "company", "person", "public-body"]


MOST_PARTIES = 20


Side = Annotated[str, Field(pattern=r"^(requesting|responding|side-[3-9])$")]


class ReasonOut(Out):
    """Why a step is not open, under which rule, and what would cure it."""

    code: str
    detail: str
    article: str | None
    source: str | None
    standing: str
    cure: str | None
