"""A refusal names its cure: after following it to the letter, the refused step can be taken."""

import re
from collections.abc import Callable

import pytest

from tests.installation import Answer, House, Json, Person
from tests.story import GIVES, POWERS, Dispute

C = "/v1/cases/{case}"
REQUEST = re.compile(r"(POST|PATCH) (/v1/[^\s,;)]+[^\s,;).])")


class Follower:
    """A person who does what a cure says, and nothing else."""

    def __init__(self, house: House, dispute: Dispute) -> None:
        self.house, self.dispute = house, dispute
        self.consents: list[str] = []
        self.acts: dict[str, Callable[[], Answer | None]] = {
            f"POST {C}/steps/accept-invitation": self.accept_invitation,
            f"POST {C}/steps/join": self.join,
            f"POST {C}/steps/invite": lambda: dispute.step(dispute.registrar, "invite", {}),
            f"POST {C}/steps/screen": lambda: dispute.step(dispute.registrar, "screen"),
            f"POST {C}/steps/register": lambda: dispute.step(dispute.registrar, "register"),
            f"POST {C}/consents": self.file_consent,
            f"POST {C}/consents/{{id}}/confirm": self.confirm_consent,
            f"PATCH {C}": self.strike_out,
            "PATCH /v1/members/{id}": self.record_entry_into_force,
            f"POST {C}/appointments": self.nominate,
            "POST /v1/appointments/{id}/declare": self.declare,
            "POST /v1/appointments/{id}/accept": self.accept,
            "POST /v1/appointments/{id}/replace": lambda: self.leave("replace", dispute.registrar),
            "POST /v1/appointments/{id}/resign": lambda: self.leave("resign", dispute.mediator),
        }

    def accept_invitation(self) -> Answer:
        """Let the party accept."""
        return self.dispute.step(self.dispute.responding, "accept-invitation", GIVES)

    def join(self) -> Answer | None:
        """Let the late party join, if there is one."""
        return None

    def file_consent(self) -> Answer:
        """Let any party file the third State's consent."""
        state = self.dispute.read()["third_states"][0]["id"]
        body = {"third_state_id": state, "basis": "ad-hoc", "given_on": "2026-02-20"}
        return self.dispute.responding.post(f"{self.dispute.path}/consents", body)

    def confirm_consent(self) -> Answer | None:
        """Let the registry confirm the filed consent."""
        filed = self.dispute.registrar.get(f"{self.dispute.path}/consents").expect(200)["items"]
        waiting = [item for item in filed if item["confirmed_at"] is None]
        if not waiting:
            return None
        return self.dispute.registrar.post(f"{self.dispute.path}/consents/{waiting[0]['id']}/confirm")

    def strike_out(self) -> Answer:
        """Let the requesting party strike the subject out."""
        tag = self.dispute.requesting.get(self.dispute.path).headers["etag"]
        return self.dispute.requesting.patch(self.dispute.path, {"subjects": ["water-allocation"]}, if_match=tag)

    def record_entry_into_force(self) -> Answer:
        """Let the administrator record the day."""
        path = f"/v1/members/{self.dispute.members[0]}"
        bound = {"status": "contracting", "in_force_on": "2026-02-01"}
        return self.house.admin.patch(path, bound, if_match=self.house.admin.get(path).headers["etag"])

    def _appointment(self) -> str:
        listed = self.dispute.appointments()
        pending = [item for item in listed if item["state"] in ("proposed", "declared", "confirmed")]
        return f"/v1/appointments/{pending[-1]['id']}"

    def nominate(self) -> Answer:
        """Let any party nominate."""
        body = {"mediator_id": self.dispute.mediator_id}
        return self.dispute.requesting.post(f"{self.dispute.path}/appointments", body)

    def declare(self) -> Answer:
        """Let the candidate declare."""
        return self.dispute.mediator.post(f"{self._appointment()}/declare", {"independent": True})

    def accept(self) -> Answer | None:
        """Let the party accept, once the candidate has declared."""
        shown = self.dispute.requesting.get(self._appointment()).expect(200)
        return self.dispute.responding.post(f"{self._appointment()}/accept") if shown["state"] == "declared" else None

    def leave(self, act: str, person: Person) -> Answer:
        """Let the mediator leave."""
        return person.post(f"{self._appointment()}/{act}", {"reason": "As the cure says."})

    def follow(self, refused: Json) -> None:
        """Do what each of the reasons names."""
        for reason in refused["reasons"]:
            requests = [" ".join(match) for match in REQUEST.findall(reason["cure"] or "")]
            assert requests, reason
            for request in requests:
                if request.endswith("declare-inadmissible"):
                    continue
                answer = self.acts[request]()
                if answer is not None:
                    assert answer.status in (200, 201, 204, 409), (request, answer.response.text)


def cured(follower: Follower, act: Callable[[], Answer], most: int = 4) -> list[str]:
    """Follow the cures of each refusal until the act succeeds; gives the codes of all reasons on the way."""
    codes: list[str] = []
    for _attempt in range(most):
        answer = act()
        if answer.status != 409 or answer.code == "taken-through":
            return codes
        codes += [reason["code"] for reason in answer.json["reasons"]]
        follower.follow(answer.json)
    raise AssertionError(f"not cured after {codes}: {act().response.text}")


def test_a_screening_that_fails_at_every_gate_passes_once_its_cures_are_followed(
    house: House, dispute: Dispute
) -> None:
    dispute.members[0] = house.member("Ostrava unbound", status="signatory", in_force_on=None)
    dispute.members[1] = house.member("Vedria as declared", excludes=["territorial-sovereignty"])
    subjects = ["water-allocation", "territorial-sovereignty"]
    dispute.invited(subjects=subjects, third_states=[{"name": "Soli"}])
    codes = cured(Follower(house, dispute), lambda: dispute.step(dispute.registrar, "screen"))
    gates = {"all-parties-consented", "contracting-states", "no-excluded-subject", "third-states-consented"}
    assert set(codes) == gates
    assert dispute.read()["stage"] == "screened"


@pytest.mark.parametrize("rule_set", ["iomed-state-2025", "uncitral-2021"])
def test_a_mediator_can_be_confirmed_once_the_cures_are_followed(house: House, dispute: Dispute, rule_set: str) -> None:
    dispute.registered(procedure=rule_set)
    codes = cured(Follower(house, dispute), lambda: dispute.step(dispute.registrar, "confirm-mediator"))
    assert set(codes) == {"mediator-nominated", "declarations-made", "accepted-by-all-parties"}
    (appointment,) = dispute.appointments()
    dispute.registrar.post(f"/v1/appointments/{appointment['id']}/confirm").expect(200)


def test_another_candidate_is_confirmed_after_one_who_is_not_independent(house: House, dispute: Dispute) -> None:
    path = f"/v1/appointments/{dispute.nominated()['id']}"
    dispute.mediator.post(f"{path}/declare", {"independent": False}).expect(200)
    dispute.responding.post(f"{path}/accept").expect(200)
    (reason,) = dispute.registrar.post(f"{path}/confirm").expect(409, "need-not-met")["reasons"]
    assert reason["cure"] == "Any party or the registry nominates another through POST /v1/cases/{case}/appointments."
    house.clock.pass_by(minutes=1)
    dispute.mediator, dispute.mediator_id = house.mediator("Suki Cessor")
    follower = Follower(house, dispute)
    for act in (follower.nominate, follower.declare):
        act().expect(201 if act == follower.nominate else 200)
    dispute.responding.post(f"{follower._appointment()}/accept").expect(200)
    dispute.registrar.post(f"{follower._appointment()}/confirm").expect(200)


@pytest.mark.parametrize("leaving", ["resign", "replace"])
def test_a_successor_is_nominated_once_the_office_is_vacant(house: House, dispute: Dispute, leaving: str) -> None:
    dispute.frozen()
    follower = Follower(house, dispute)
    follower.acts = {name: act for name, act in follower.acts.items() if name.endswith(leaving)} | {
        f"POST /v1/appointments/{{id}}/{other}": lambda: None for other in {"resign", "replace"} - {leaving}
    }
    codes = cured(follower, lambda: dispute.step(dispute.requesting, "nominate"))
    assert codes == ["mediator-vacant"]
    _successor, mediator_id = house.mediator("Suki Cessor")
    dispute.nominate(dispute.requesting, mediator_id)


@pytest.mark.parametrize(("stage", "step"), [("lodged", "screen"), ("consented", "register"), ("screened", "nominate")])
def test_a_step_that_is_not_open_yet_names_the_steps_before_it(
    house: House, dispute: Dispute, stage: str, step: str
) -> None:
    dispute.brought_to(stage)
    codes = cured(Follower(house, dispute), lambda: dispute.step(dispute.registrar, step))
    assert "step-not-open" in codes


def test_a_text_can_be_frozen_once_the_late_party_has_joined(house: House, dispute: Dispute) -> None:
    dispute.mediating()
    agent, _party_id = dispute.third_party_admitted()
    text = dispute.draft()
    (reason,) = dispute.freeze(text).expect(409, "need-not-met")["reasons"]
    assert "POST /v1/cases/{case}/steps/join" in reason["cure"]
    dispute.step(agent, "join", GIVES).expect(200)
    dispute.freeze(text).expect(200)


def test_a_step_waits_for_a_term_that_runs(dispute: Dispute) -> None:
    dispute.lodged()
    dispute.step(dispute.registrar, "invite", {"due_on": "2026-03-20"}).expect(200)
    lapse = {"reason": "No answer came."}
    (reason,) = dispute.step(dispute.registrar, "lapse", lapse).expect(409, "term-not-passed")["reasons"]
    assert reason["cure"] == "Wait until 2026-03-20 has passed at the seat."
    dispute.house.clock.pass_by(days=18, hours=7)
    dispute.step(dispute.registrar, "lapse", lapse).expect(200)


def test_texts_and_signatures_succeed_once_their_cures_are_followed(house: House, dispute: Dispute) -> None:
    dispute.mediating()
    caucus = dispute.draft(audience="caucus", party_ids=[dispute.party("requesting")])
    drafts = f"{dispute.path}/settlement/drafts"
    (reason,) = dispute.freeze(caucus).expect(409)["reasons"]
    assert reason["cure"].startswith("Put the same text before the participants as a new draft")
    text = dispute.draft()
    (reason,) = dispute.freeze({**text, "sha256": "0" * 64}).expect(409)["reasons"]
    assert reason["cure"] == "Read the draft again and send the hash that it shows."
    shown = dispute.mediator.get(f"{drafts}/{text['id']}").expect(200)
    dispute.freeze(shown).expect(200)
    counsel = house.person("Cora Unsel")
    admitted = dispute.admit_counsel(counsel, "responding")
    (reason,) = dispute.sign(counsel, "responding", text).expect(409)["reasons"]
    assert reason["cure"] == "Have a representative with full powers sign, or one whose office needs none."
    dispute.responding.post(f"{dispute.representatives('responding')}/{admitted['id']}/powers", POWERS).expect(200)
    (reason,) = dispute.sign(counsel, "responding", text).expect(409)["reasons"]
    assert reason["cure"] == "Sign in the capacity that you have, or let the party's agent sign."
    dispute.sign(counsel, "responding", text, "plenipotentiary").expect(201)
