"""What may be amended in a request, at which stage, and by whom."""

from typing import Any

import pytest

from tests.installation import Answer, House, Person
from tests.story import Dispute

SEAT = {"place": "Geneva", "time_zone": "Europe/Zurich", "calendar": "GB-SCT"}


def amend(dispute: Dispute, person: Person, **fields: Any) -> Answer:
    """An amendment with the version that the person sees now."""
    return person.patch(dispute.path, fields, if_match=person.get(dispute.path).headers.get("etag", "*"))


# (stage, person, field, status): the fields that each person may amend.
TABLE = [
    ("opened", "requesting", {"subjects": ["fisheries"]}, 200),
    ("opened", "requesting", {"seat": SEAT}, 200),
    ("opened", "registrar", {"title": "x"}, 404),
    ("lodged", "requesting", {"title": "x"}, 200),
    ("lodged", "requesting", {"summary": "x"}, 200),
    ("lodged", "registrar", {"seat": SEAT}, 200),
    ("lodged", "registrar", {"subjects": ["fisheries"]}, 403),
    ("lodged", "responding", {"title": "x"}, 404),
    ("invited", "requesting", {"title": "x"}, 409),
    ("invited", "requesting", {"subjects": ["water-allocation"]}, 200),
    ("invited", "requesting", {"subjects": ["fisheries"]}, 409),
    ("invited", "requesting", {"instruments": []}, 200),
    ("invited", "requesting", {"instruments": [{"kind": "other", "title": "New"}]}, 409),
    ("invited", "responding", {"title": "x"}, 403),
    ("invited", "registrar", {"title": "x"}, 200),
    ("invited", "registrar", {"languages": ["fr"]}, 200),
    ("invited", "registrar", {"seat": SEAT}, 409),
    ("registered", "requesting", {"subjects": ["water-allocation"]}, 409),
    ("registered", "registrar", {"summary": "x"}, 403),
    ("mediating", "mediator", {"title": "x"}, 403),
    ("settled", "registrar", {"title": "x"}, 409),
    ("settled", "requesting", {"title": "x"}, 409),
]


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row[0]}-{row[1]}-{'-'.join(row[2])}-{row[3]}")
def test_each_field_can_be_amended_at_the_stages_and_by_the_people_of_the_table(
    dispute: Dispute, row: tuple[str, str, dict[str, Any], int]
) -> None:
    stage, who, fields, status = row
    getattr(dispute, stage)()
    before = dispute.requesting.get(dispute.path).json
    answer = amend(dispute, getattr(dispute, who), **fields)
    answer.expect(status)
    after = dispute.requesting.get(dispute.path).json
    if status == 200:
        assert {name: after[name] for name in fields} == {
            name: value if name != "instruments" else [] for name, value in fields.items()
        }
        assert after["seq"] == before["seq"] + (0 if stage in ("opened", "lodged") else 1)
    else:
        assert after == before


def test_an_empty_amendment_and_one_that_removes_a_field_are_refused(dispute: Dispute) -> None:
    dispute.opened()
    nothings: list[dict[str, Any]] = [
        {},
        {"title": None},
        {"subjects": []},
        {"procedure": "other"},
        {"parties": []},
        {"category": "x"},
    ]
    for fields in nothings:
        amend(dispute, dispute.requesting, **fields).expect(422, "invalid")


def test_a_subject_excluded_by_a_declaration_is_struck_out_and_the_request_passes(
    house: House, dispute: Dispute
) -> None:
    dispute.members[1] = house.member("Vedria as declared", excludes=["territorial-sovereignty"])
    dispute.consented(subjects=["water-allocation", "territorial-sovereignty"])
    refused = dispute.step(dispute.registrar, "screen").expect(409, "need-not-met")
    (reason,) = refused["reasons"]
    assert reason["code"] == "no-excluded-subject"
    assert reason["source"] == "international-mediation.org/scope-of-cases"
    assert "territorial-sovereignty" in reason["detail"]
    assert "PATCH /v1/cases/{case}" in reason["cure"]
    amend(dispute, dispute.requesting, subjects=["water-allocation"]).expect(200)
    dispute.step(dispute.registrar, "screen").expect(200)


def test_a_declaration_counts_as_of_the_day_of_lodging(house: House, dispute: Dispute) -> None:
    declared = [{"subjects": ["water-allocation"], "from_on": "2026-03-03"}]
    dispute.members[1] = house.member("Vedria as declared later", declarations=declared)
    dispute.lodged()
    house.clock.pass_by(days=3)
    dispute.step(dispute.registrar, "invite", {}).expect(200)
    reasons = {
        step["step"]: [reason["code"] for reason in step["reasons"]]
        for step in dispute.registrar.get(f"{dispute.path}/steps").expect(200)["items"]
    }
    assert "no-excluded-subject" not in reasons["screen"]
