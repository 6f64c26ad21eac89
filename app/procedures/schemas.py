"""Rule sets as they go out."""

from app.values import Listed, Out


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


class TermOut(CitedOut):
    """A term that a step starts."""

    name: str
    title: str
    period: str
    counting: str
    roll: str
    settable: bool


class CheckOut(CitedOut):
    """A need that steps name."""

    name: str
    title: str


class GroundOut(CitedOut):
    """Why a mediation may be ended without a settlement."""

    name: str
    title: str


class ProcedureStepOut(CitedOut):
    """A step of the procedure; `each` names the capacity of which every party must act."""

    name: str
    title: str
    by: list[str]
    each: str | None
    from_stages: list[str]
    to: str | None
    needs: list[str]
    fails: list[str]
    after: str | None
    starts: list[str]
    ends: list[str]
    outcome: str | None
    partial_outcome: str | None
    grounds: list[str]
    fields: list[str]
    reason: bool
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
    note: str
    stages: list[StageOut]
    steps: list[ProcedureStepOut]
    terms: list[TermOut]
    checks: list[CheckOut]
    grounds: list[GroundOut]


class ProcedureList(Listed[ProcedureItem]):
    """Every rule set."""
