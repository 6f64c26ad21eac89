"""Steps: listed as they are enforced, refused with reasons, and taken on the day in a person's own capacity."""

from typing import Any

import pytest

from tests.story import CONSENT, POWERS, Dispute


def shown(dispute: Dispute, who: str) -> dict[str, list[str]]:
    """The reasons why each step is closed to a person; empty where it is open."""
    reasons_of: dict[str, list[str]] = {}
    for step in getattr(dispute, who).get(f"{dispute.path}/steps").expect(200)["items"]:
        reasons = [reason["code"] for reason in step["reasons"]]
        assert step["available"] == (reasons == [])
        if step["step"] not in reasons_of or step["available"]:
            reasons_of[step["step"]] = reasons
    return reasons_of


def test_the_steps_shown_as_open_are_the_steps_that_succeed(dispute: Dispute) -> None:
    dispute.invited()
    registry, responding = shown(dispute, "registrar"), shown(dispute, "responding")
    assert registry["screen"] == ["all-parties-consented"]
    assert registry["invite"] == ["step-not-open"]
    assert registry["sign"] == ["not-your-capacity"]
    assert [step for step, reasons in responding.items() if not reasons] == ["accept-invitation", "decline-invitation"]
    for step in ("screen", "invite", "sign"):
        answer = dispute.step(dispute.registrar, step)
        assert answer.status in (403, 409)
        assert {reason["code"] for reason in answer.json["reasons"]} == set(registry[step])


def test_a_step_of_another_noun_is_not_taken_directly(dispute: Dispute) -> None:
    dispute.registered()
    refused = dispute.step(dispute.requesting, "nominate").expect(409, "taken-through")
    assert refused["href"] == f"{dispute.path}/appointments"
    dispute.step(dispute.mediator, "nominate").expect(404)
    dispute.step(dispute.registrar, "hold-session").expect(403, "not-your-capacity")


def test_an_unknown_step_is_not_found(dispute: Dispute) -> None:
    dispute.invited()
    for step in ("no-such-step", "LODGE", "lodge ", "%00"):
        unknown = dispute.step(dispute.registrar, step).expect(404, "not-found")
        # The rules are public; whether there is a case is not.
        assert unknown["detail"].endswith("Its list of steps has their names.")
    hidden = dispute.step(dispute.house.person("Stan Ranger"), "no-such-step").expect(404, "not-found")
    assert hidden["detail"] == "This does not exist, or you may not see it."


FIELDS: list[tuple[dict[str, Any], str]] = [
    ({"on": "2026-03-01"}, "/reason"),
    ({"on": "2026-03-01", "reason": "The letter lay in the wrong tray."}, "/on"),
    ({"on": "2026-03-03"}, "/on"),
    ({"on": "2026-02-30"}, "/on"),
    ({"received_at": "2026-03-01T00:00:00Z"}, "/reason"),
    ({"received_at": "2026-03-02T09:00:01Z"}, "/received_at"),
    ({"received_via": "post"}, "/on_behalf_of"),
    ({"received_via": "pigeon"}, "/received_via"),
    ({"on_behalf_of": "00000000-0000-4000-8000-000000000000"}, "/on_behalf_of"),
    ({"due_on": "2026-03-02"}, "/due_on"),
    ({"due_on": "2026-01-01"}, "/due_on"),
    ({"fields": {"consent": CONSENT}}, "/fields/consent"),
    ({"fields": {"nonsense": True}}, "/fields/nonsense"),
    ({"nonsense": True}, "/nonsense"),
]


@pytest.mark.parametrize(("body", "pointer"), FIELDS)
def test_a_step_refuses_fields_that_it_does_not_have(dispute: Dispute, body: Any, pointer: str) -> None:
    dispute.lodged()
    refused = dispute.step(dispute.registrar, "invite", body).expect(422, "invalid")
    assert [fault["pointer"] for fault in refused["errors"]] == [pointer]
    assert dispute.read()["stage"] == "lodged"


@pytest.mark.parametrize(
    ("step", "body", "act"),
    [
        ("invite", {"due_on": "2026-03-02"}, {"due_on": "2026-03-02"}),
        ("declare-inadmissible", {"reason": "No State.", "due_on": "2026-04-01"}, {"due_on": "2026-04-01"}),
        ("invite", {"fields": {"ground": "agreement-of-the-parties"}}, {"ground": "agreement-of-the-parties"}),
    ],
)
def test_the_service_and_a_simulation_refuse_the_same_fields(
    dispute: Dispute, step: str, body: Any, act: dict[str, str]
) -> None:
    dispute.lodged()
    (refused,) = dispute.step(dispute.registrar, step, body).expect(422, "invalid")["errors"]
    assumed = {
        "parties": [{"side": "requesting", "name": "Ostrava"}, {"side": "responding", "name": "Vedria"}],
        "acts": [{"step": "lodge", "on": "2026-03-02"}, {"step": step, "on": "2026-03-02", **act}],
        "until": "2026-03-02",
    }
    path = f"/v1/procedures/{dispute.read()['procedure']}/simulations"
    (simulated,) = dispute.registrar.post(path, assumed).expect(422, "invalid")["errors"]
    assert refused["message"] == simulated["message"]
    assert refused["pointer"].rpartition("/")[2] == simulated["pointer"].rpartition("/")[2]


def test_a_day_can_be_set_only_by_a_step_that_starts_a_term(dispute: Dispute) -> None:
    dispute.consented()
    refused = dispute.step(dispute.registrar, "screen", {"due_on": "2026-05-01"}).expect(422)
    assert refused["errors"][0]["code"] == "no-term"


def test_fields_are_judged_after_the_capacity(dispute: Dispute) -> None:
    dispute.invited()
    dispute.step(dispute.requesting, "decline-invitation", {}).expect(403, "not-your-capacity")
    dispute.step(dispute.responding, "decline-invitation", {}).expect(422)
    dispute.step(dispute.responding, "accept-invitation", {"fields": {"consent": CONSENT}}).expect(422)


def test_a_deadline_explains_itself_in_ordered_lines(dispute: Dispute) -> None:
    dispute.lodged()
    case = dispute.step(dispute.registrar, "invite", {"due_on": "2026-04-01"}).expect(200)
    assert case["next_due_on"] == "2026-04-01"
    (waiting,) = case["waiting_for"]
    assert (waiting["for"], waiting["due_on"]) == ("accept-invitation", "2026-04-01")
    (deadline,) = dispute.deadlines()
    assert dispute.requesting.get(f"{dispute.path}/deadlines/{deadline['id']}").expect(200) == deadline
    assert deadline["trigger"] == {"step": "invite", "on": "2026-03-02"}
    assert (deadline["period"], deadline["standing"], deadline["article"]) == ("set-per-case", "institution", None)
    assert deadline["due_at"] == "2026-04-01T16:00:00Z"
    assert len(deadline["explanation"]) >= 3
    assert "2026-04-01" in " ".join(deadline["explanation"])
    gives = {"fields": {"consent": CONSENT, "powers": POWERS}}
    after = dispute.step(dispute.responding, "accept-invitation", gives).expect(200)
    assert after["next_due_on"] is None
    (ended,) = dispute.deadlines()
    assert ended["state"] == "ended"
