"""A case says by which act a wait ends, and a step which fields its request takes."""

from app.proceedings.cases import awaited_acts
from app.rules.checks import CHECKS
from tests.core.http.operations import OPERATIONS
from tests.story import GIVES, Dispute


def acts(dispute: Dispute) -> list[tuple[str, str, str]]:
    """The awaited acts of the case: capacity, name and operation."""
    waits = dispute.read()["waiting_for"]
    for wait in waits:
        operation = OPERATIONS[wait["act"]["operation_id"]]
        assert operation.method == wait["act"]["method"]
        names = {"case_id": dispute.case["id"], "step": wait["for"]}
        assert wait["act"]["path"] == operation.path.replace("{case_id}", names["case_id"]).replace(
            "{step}", names["step"]
        )
    return [(wait["capacity"], wait["act"]["name"], wait["act"]["operation_id"]) for wait in waits]


def test_a_case_names_the_act_for_which_it_waits(dispute: Dispute) -> None:
    dispute.opened()
    assert acts(dispute) == [("requesting-party", "lodge", "takeStep")]
    dispute.case = {}
    dispute.registered()
    assert {act[1:] for act in acts(dispute)} == {("nominate", "nominateMediator")}
    path = f"/v1/appointments/{dispute.nominate(dispute.requesting, dispute.mediator_id)['id']}"
    assert acts(dispute) == [("candidate", "declare", "declareIndependence")]
    dispute.mediator.post(f"{path}/declare", {"independent": True}).expect(200)
    assert acts(dispute) == [("responding-party", "accept", "acceptAppointment")]
    dispute.responding.post(f"{path}/accept").expect(200)
    assert {act[1:] for act in acts(dispute)} == {("confirm", "confirmAppointment")}


def test_every_check_that_awaits_somebody_has_an_act() -> None:
    assert set(awaited_acts._BY_NEED) <= set(CHECKS)


def test_a_step_says_which_fields_its_request_takes(dispute: Dispute) -> None:
    dispute.opened()
    open_to = dispute.requesting.get(f"{dispute.path}/steps").expect(200)["items"]
    steps = {step["step"]: step for step in open_to}
    lodge = {field["pointer"]: field for field in steps["lodge"]["takes"]}
    assert {pointer for pointer, field in lodge.items() if field["required"]} == {
        f"/fields/{name}" for name in GIVES["fields"]
    }
    ends = [step for step in open_to if step["step"] == "terminate"]
    grounds = [field for step in ends for field in step["takes"] if field["pointer"] == "/fields/ground"]
    assert all(ground["required"] for ground in grounds)
    assert "agreement-of-the-parties" in {code for ground in grounds for code in ground["choices"]}
    assert steps["sign"]["takes"] == []
    without = dispute.step(dispute.requesting, "lodge", {}).expect(422, "invalid")
    assert {fault["pointer"] for fault in without["errors"]} == {
        pointer for pointer, field in lodge.items() if field["required"]
    }
