"""Refusals by the registry's own practice, in the shape of those by the rules."""

from app.core.errors import Conflict
from app.core.tables.cases import Case


def refused_by_practice(
    case: Case, code: str, detail: str, reason: str | None = None, cure: str | None = None
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
