"""Refusals by the registry's own practice, in the shape of those by the rules."""

from uuid import UUID

from app.core.access.actors import Actor
from app.core.access.circle import Circle
from app.core.db import AnyRow
from app.core.errors import Conflict
from app.core.tables.cases import Case
from app.rules.model import Citation, Reason

# Why nobody acts for a party without an agent: the registry's own practice.
NO_AGENT = Reason(
    "no-agent",
    "The party has no agent: until it has one, its other representatives cannot bind it.",
    Citation(None, "institution", None),
    "Ask the registry to admit an agent of the party.",
)

# Why a party that has left takes no steps; what the others still have to do is not shown to it.
HAS_LEFT = Reason(
    "withdrawn",
    "Your party has withdrawn from the case.",
    Citation(None, "institution", None),
    None,
)


def refused_by_practice(
    case: Case | AnyRow, code: str, detail: str, reason: str | None = None, cure: str | None = None
) -> Conflict:
    """A Conflict with one reason, which no article states: its code (or `reason`), what was wrong, and its cure."""
    reasons = [
        {
            "code": reason or code,
            "detail": detail,
            "article": None,
            "source": None,
            "standing": "institution",
            "cure": cure,
        }
    ]
    return Conflict(detail, code, stage=case.stage, rule_set=case.procedure, article=None, reasons=reasons)


def check_agent(circle: Circle, actor: Actor, case: Case | AnyRow, party_id: UUID | None) -> None:
    """Check that somebody who binds a party in person may do so; raises Conflict if the party has lost its agent."""
    if party_id is not None and party_id in circle.parties_of(actor) and circle.has_lost_agents(party_id):
        raise refused_by_practice(case, NO_AGENT.code, NO_AGENT.detail, cure=NO_AGENT.cure)
