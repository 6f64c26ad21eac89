"""docs/stages.svg shows the stages of the rule set as it is."""

from app.rules.loader import library
from tests.docs.stages import PICTURE, RULE_SET, picture

RENEW = f"docs/stages.svg does not show the present rule set {RULE_SET}: run 'make picture' and commit the result."


def test_the_picture_is_the_one_of_the_rule_set() -> None:
    assert PICTURE.read_text(encoding="utf-8") == picture(), RENEW


def test_the_picture_names_every_stage_and_every_outcome() -> None:
    drawn, rules = picture(), library()[RULE_SET]
    assert [stage.name for stage in rules.stages if f">{stage.name}<" not in drawn] == []
    assert [step.outcome for step in rules.steps if step.outcome and step.outcome not in drawn] == []
