"""Every rule set, walked over HTTP from the opening of a case to each of its outcomes and grounds."""

import pytest

from app.rules.loader import library
from app.rules.model import Procedure, Step
from tests.installation import Json
from tests.proofs import verify_ledger
from tests.story import Dispute
from tests.walks import MAPS, WALKS, WHY, Walk, Walker, among_three, entries_on

ICSID, INDUS = "icsid-2022", "indus-waters-1960"
End = tuple[str, int, str | None, str | None]


# Every run of the tests reaches one end of each rule set; the slow set reaches the others.
FIRST = {walk.rule_set: walk for walk in reversed(WALKS)}
TAKEN = [pytest.param(one, id=str(one), marks=[] if one in FIRST.values() else pytest.mark.slow) for one in WALKS]


@pytest.mark.parametrize("walk", TAKEN)
def test_a_walk_ends_with_this_outcome(dispute: Dispute, walk: Walk) -> None:
    walker = Walker(dispute, walk.rule_set, walk.ground, "part" if walk.outcome == "partly-settled" else "whole")
    case = walker.walk(walk)
    assert (case["stage"], case["phase"]) == ("closed", "closed")
    assert (case["outcome"], case["ground"]) == (walk.outcome, walk.ground)
    event = taken(dispute)[-1]
    assert (event["payload"]["to"], event["payload"]["outcome"]) == ("closed", walk.outcome)
    everything_is_ended(dispute)


def taken(dispute: Dispute, step: str | None = None) -> list[Json]:
    """The events of the steps that were taken, or of one of them, as the requesting side reads them."""
    return [event for event in dispute.events(kind="step-taken") if step in (None, event["act"])]


def everything_is_ended(dispute: Dispute) -> None:
    """A closed case has no open items, awaits nobody, and its ledger is whole."""
    case = dispute.read()
    assert (case["waiting_for"], case["next_due_on"]) == ([], None)
    assert {track["state"] for track in case["tracks"]} <= {"closed"}
    for noun, ends in (("deadlines", {"ended"}), ("sessions", {"held", "cancelled"})):
        items = dispute.requesting.get(f"{dispute.path}/{noun}").expect(200)["items"]
        assert {item["state"] for item in items} <= ends
    for person in (dispute.requesting, dispute.responding, dispute.registrar, dispute.mediator):
        steps = person.get(f"{dispute.path}/steps")
        assert steps.status == 404 or not any(step["available"] for step in steps.json["items"])
    assert verify_ledger(dispute.house).faults == ()


def ends_of(procedure: Procedure) -> set[End]:
    """The ends of a rule set: the position of the entry, its outcome if it states one, and its ground if it has one."""
    return {
        (procedure.id, place, outcome, ground)
        for place, step in enumerate(procedure.steps)
        for outcome in {step.outcome, step.partial_outcome or step.outcome}
        for ground in step.grounds or (None,)
        if outcome is not None or ground is not None
    }


def shown_by(walk: Walk) -> set[End]:
    """The same, as one walk reaches it."""
    steps = library()[walk.rule_set].steps

    def end(step: Step) -> End:
        outcome = walk.outcome if step.outcome is not None else None
        return walk.rule_set, steps.index(step), outcome, walk.ground if walk.ground in step.grounds else None

    return {end(step) for step in entries_on(walk)}


def test_the_walks_lead_to_every_stage_outcome_and_ground_of_every_rule_set() -> None:
    assert set(MAPS) == set(library())
    for id, procedure in library().items():
        assert [stage.name for stage in procedure.stages if MAPS[id].way(stage.name)] == [
            stage.name for stage in procedure.stages[1:]
        ]
        shown = {end for walk in WALKS if walk.rule_set == id for end in shown_by(walk)}
        assert ends_of(procedure) <= shown


def participation(dispute: Dispute) -> dict[str, str]:
    """The participation of each side."""
    return {party["side"]: party["participation"] for party in dispute.read()["parties"]}


@pytest.mark.usefixtures("watched")
def test_when_one_of_three_parties_withdraws_the_other_two_settle(dispute: Dispute) -> None:
    walker = Walker(dispute, ICSID)
    among_three(walker, "settling")
    walker.go("requesting sign", "side-3 withdraw")
    assert (dispute.case["stage"], dispute.case["outcome"]) == ("settling", None)
    assert participation(dispute) == {"requesting": "appearing", "responding": "appearing", "side-3": "withdrawn"}
    gone = walker.sides.pop("side-3")
    dispute.sign(gone, "side-3", walker.text).expect(403, "not-your-capacity")
    # The texts signed with the party that left are signed again without it.
    both = {dispute.party("requesting"), dispute.party("responding")}
    assert {entry["party_id"] for entry in dispute.case["waiting_for"]} == both
    walker.go("requesting sign", "responding sign")
    assert (dispute.case["stage"], dispute.case["outcome"]) == ("closed", "settled")
    everything_is_ended(dispute)


@pytest.mark.parametrize("who", ["mediator", "registry"])
def test_when_one_of_two_parties_withdraws_signing_is_refused_and_the_mediation_can_be_ended(
    dispute: Dispute, who: str
) -> None:
    walker = Walker(dispute, ICSID)
    walker.bring_to("settling")
    early = {"fields": {"ground": "party-withdrew"}}
    dispute.step(walker.person(who), "end-on-withdrawal", early).expect(409, "need-not-met")
    walker.go("responding withdraw")
    assert (dispute.case["stage"], dispute.case["outcome"]) == ("settling", None)
    dispute.sign(dispute.requesting, "requesting", walker.text).expect(409, "need-not-met")
    walker.go(f"{who} end-on-withdrawal")
    assert (dispute.case["outcome"], dispute.case["ground"]) == ("withdrawn", "party-withdrew")
    everything_is_ended(dispute)


def tracks(dispute: Dispute) -> dict[str, str]:
    """The opened tracks, with their states."""
    return {track["name"]: track["state"] for track in dispute.read()["tracks"]}


def on_both_tracks(dispute: Dispute) -> Walker:
    """A matter with a request for a Neutral Expert and one for a Court of Arbitration."""
    walker = Walker(dispute, INDUS)
    walker.bring_to("dispute")
    walker.go("requesting request-neutral-expert", "all agree-to-court")
    assert tracks(dispute) == {"neutral-expert": "open", "court-of-arbitration": "open"}
    return walker


def test_both_tracks_run_at_once_and_competence_is_contested_and_decided_on_each(dispute: Dispute) -> None:
    walker = on_both_tracks(dispute)
    walker.go("requesting contest-neutral-expert", "responding contest-court")
    assert tracks(dispute) == {"neutral-expert": "open", "court-of-arbitration": "open"}
    walker.go("registry uphold-neutral-expert", "registry decline-court")
    assert tracks(dispute) == {"neutral-expert": "open", "court-of-arbitration": "closed"}
    walker.go("registry decide-difference")
    assert set(tracks(dispute).values()) == {"closed"}
    walker.go("all agree-to-court", "registry uphold-court", "registry record-award")
    assert tracks(dispute)["court-of-arbitration"] == "closed"
    assert (dispute.case["stage"], dispute.case["outcome"]) == ("dispute", None)


def test_one_track_is_paused_and_resumed_while_the_other_continues(dispute: Dispute) -> None:
    walker = on_both_tracks(dispute)
    walker.go("authority pause-court")
    assert tracks(dispute) == {"neutral-expert": "open", "court-of-arbitration": "paused"}
    dispute.step(dispute.registrar, "pause-court", WHY).expect(409, "need-not-met")
    dispute.step(dispute.registrar, "record-arbitrators").expect(409, "need-not-met")
    walker.go("all appoint-neutral-expert", "authority resume-court", "registry record-arbitrators")
    assert tracks(dispute) == {"neutral-expert": "open", "court-of-arbitration": "open"}
    (paused,) = taken(dispute, "pause-court")
    assert paused["payload"]["tracks"] == {"court-of-arbitration": "paused"}
    assert paused["actor"]["capacity"] == "appointing-authority"


def test_a_party_that_does_not_appear_stays_a_party_and_may_appear_again(dispute: Dispute) -> None:
    walker = on_both_tracks(dispute)
    walker.go("registry note-non-appearance")
    assert participation(dispute) == {"requesting": "appearing", "responding": "not-appearing"}
    (noted,) = taken(dispute, "note-non-appearance")
    absent = dispute.party("responding")
    assert (noted["payload"]["participation"], noted["payload"]["party_id"]) == ("not-appearing", absent)
    walker.go("responding contest-court")
    assert participation(dispute)["responding"] == "not-appearing"
    walker.go("responding appear")
    assert participation(dispute) == {"requesting": "appearing", "responding": "appearing"}


def test_a_position_is_recorded_with_the_step_and_decides_nothing(dispute: Dispute) -> None:
    walker = Walker(dispute, INDUS)
    walker.bring_to("difference")
    sequential, parallel = ({"fields": {"position": position}} for position in ("sequential", "parallel"))
    dispute.step(dispute.responding, "state-position", {**sequential, **WHY}).expect(200)
    dispute.step(dispute.requesting, "request-neutral-expert", parallel).expect(200)
    assert tracks(dispute) == {"neutral-expert": "open"}
    dispute.step(dispute.requesting, "deem-dispute", {**parallel, **WHY}).expect(200)
    dispute.step(dispute.requesting, "agree-to-court", parallel).expect(200)
    dispute.step(dispute.responding, "agree-to-court", sequential).expect(200)
    assert tracks(dispute) == {"neutral-expert": "open", "court-of-arbitration": "open"}
    positions = [(event["act"], event["payload"].get("position")) for event in taken(dispute)]
    assert positions[-5:] == [
        ("state-position", "sequential"),
        ("request-neutral-expert", "parallel"),
        ("deem-dispute", "parallel"),
        ("agree-to-court", "parallel"),
        ("agree-to-court", "sequential"),
    ]
    dispute.step(dispute.requesting, "state-position", {**WHY, "fields": {"position": "never"}}).expect(422)
    stray = dispute.step(dispute.requesting, "appear", sequential).expect(422)
    assert [fault["pointer"] for fault in stray["errors"]] == ["/fields/position"]
