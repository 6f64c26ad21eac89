"""Steps of a case, as requests bring them and answers show them."""

from typing import Literal
from uuid import UUID

from app.core.values import Code, Day, In, Line, Listed, Out
from app.institution.procedures.schemas import ReasonOut
from app.proceedings.cases.schemas import OnPaper


class ConsentIn(In):
    """Consent to mediate: what it rests on, and when it was given."""

    basis: Literal["treaty-clause", "contract-clause", "ad-hoc"]
    instrument: Line | None = None
    given_on: Day


class PowersIn(In):
    """On what a person acts for a party: full powers, a mandate, or the office itself."""

    kind: Literal["full-powers", "mandate", "ex-officio"]
    issued_by: Line
    issued_on: Day


class StepFields(In):
    """What particular steps need."""

    consent: ConsentIn | None = None
    powers: PowersIn | None = None
    ground: Code | None = None
    position: Code | None = None
    party_id: UUID | None = None


class StepIn(OnPaper):
    """A step as it is taken."""

    due_on: Day | None = None
    fields: StepFields = StepFields()


class StepOut(Out):
    """A step of the procedure, as it stands for whoever asks."""

    step: str
    title: str
    available: bool
    by: list[str]
    article: str | None
    source: str | None
    standing: str
    taken_through: str | None
    href: str
    reasons: list[ReasonOut]


class StepList(Listed[StepOut]):
    """Every step that the rule set knows, in its order."""
