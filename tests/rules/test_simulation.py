"""The effects of silence, and simulations of cases: small stories with their whole timeline."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from app.institution.calendars.countries import calendar_of, plain
from app.rules.loader import library
from app.rules.model import SET_PER_CASE, Procedure
from app.rules.silence import EFFECTS, effects
from app.rules.simulation.assumed import AssumedAct, AssumedParty, Calendars, SimulationFault
from app.rules.simulation.machine import simulate
from app.rules.simulation.timeline import Simulation

OSTRAVA, VEDRIA, LUMEA = "Ostrava", "Vedria", "Lumea"
TWO = (AssumedParty(OSTRAVA, "requesting"), AssumedParty(VEDRIA, "responding"))
THREE = (*TWO, AssumedParty(LUMEA, "side-3"))
EVERY = list(library().values())
UNCITRAL, ICC, ICSID = (library()[id] for id in ("uncitral-2021", "icc-2014", "icsid-2022"))
WATERS, INDUS, IOMED = (library()[id] for id in ("watercourses-1997", "indus-waters-1960", "iomed-state-2025"))


def march(day: int) -> date:
    """A day in March."""
    return date(2026, 3, day)


def run(
    procedure: Procedure,
    *acts: AssumedAct,
    until: date = date(2026, 12, 31),
    parties: Sequence[AssumedParty] = TWO,
    institution: str | None = None,
) -> Simulation:
    """The simulation of these acts."""
    resting = calendar_of(institution) if institution else plain("the institution")
    calendars = Calendars(plain("the seat"), resting, tuple(plain(party.name) for party in parties))
    return simulate(procedure, parties, acts, calendars, until)


def invited(*, lodge: int = 2, invite: int = 4, **options: Any) -> tuple[AssumedAct, AssumedAct]:
    """The request lodged, and the other side invited."""
    return AssumedAct("lodge", march(lodge)), AssumedAct("invite", march(invite), **options)


def timeline(simulation: Simulation) -> list[str]:
    """The timeline, one line for each entry."""
    return [line_of(entry) for entry in simulation.entries]


def line_of(entry: Any) -> str:
    """An entry of the timeline in one line."""
    day = f"{entry.on:%m-%d} {entry.kind}"
    if entry.taken is not None:
        taken = entry.taken
        who = f"{taken.by} {taken.party}" if taken.party else taken.by
        way = f"{taken.from_stage} > {taken.stage}" + (f" ({taken.outcome})" if taken.outcome else "")
        return f"{day}: {taken.step.name} by {who}, {way}" + ("" if taken.completes else ", not complete")
    if entry.deadline is not None:
        who = f" of {entry.deadline.party.name}" if entry.deadline.party else ""
        return f"{day}: {entry.deadline.term.name}{who}, {entry.deadline.due_on:%m-%d}"
    if entry.refused is not None:
        return f"{day}: {entry.refused.code}"
    return f"{day}: {entry.party}"


# Effects of silence.


@pytest.mark.parametrize(
    ("rule_set", "term", "brings"),
    [
        ("uncitral-2021", "reply", [("at-election", "lapse", ("requesting-party",), "lapsed", "article 2")]),
        ("icc-2014", "reply", [("automatic", "lapse", ("clock",), "lapsed", "article 3(4)")]),
        (
            "icsid-2022",
            "number-of-mediators",
            [("automatic", "default-to-one-mediator", ("clock",), None, "Rule 13(2)")],
        ),
        ("icsid-2022", "appointment", [("on-request", "request-appointment", ("any-party",), None, "Rule 13(4)")]),
        ("icsid-2022", "no-step", [("by-notice", "terminate-by-notice", ("registry",), "not-settled", "Rule 13(5)")]),
        ("icsid-2022", "first-session", [("none", None, (), None, "Rule 20(1)")]),
        ("iomed-state-2025", "reply", [("by-notice", "lapse", ("registry",), "lapsed", None)]),
        (
            "watercourses-1997",
            "chairman",
            [
                ("on-request", "request-chairman", ("any-party",), None, "article 33(5)"),
                ("by-notice", "appoint-chairman", ("appointing-authority",), None, "article 33(5)"),
            ],
        ),
    ],
)
def test_silence_has_four_effects_or_none(rule_set: str, term: str, brings: list[tuple[Any, ...]]) -> None:
    shown = effects(library()[rule_set], term)
    assert [(item.effect, item.step, item.by, item.outcome, item.citation.article) for item in shown] == brings


@pytest.mark.parametrize("procedure", EVERY, ids=lambda procedure: procedure.id)
def test_every_step_that_waits_for_a_term_is_an_effect_of_silence(procedure: Procedure) -> None:
    for term in procedure.terms:
        brings = effects(procedure, term.name)
        steps: set[str | None] = {step.name for step in procedure.steps if step.after == term.name}
        assert {effect.step for effect in brings} == (steps or {None})
        assert all((effect.effect == "none") is (effect.step is None) and effect.effect in EFFECTS for effect in brings)


def test_the_stage_of_the_case_limits_the_effects_of_silence() -> None:
    assert [effect.effect for effect in effects(UNCITRAL, "reply", "invited")] == ["at-election"]
    assert [effect.effect for effect in effects(UNCITRAL, "reply", "agreed")] == ["none"]


def test_a_step_open_to_a_party_and_the_registry_is_listed_for_each() -> None:
    steps = [replace(step, by=("registry", "any-party", "clock")) for step in UNCITRAL.entries("lapse")]
    brings = effects(replace(UNCITRAL, steps=tuple(steps)), "reply")
    assert [(effect.effect, effect.by) for effect in brings] == [
        ("automatic", ("clock",)),
        ("at-election", ("any-party",)),
        ("by-notice", ("registry",)),
    ]


# Whole stories.


def test_silence_under_the_icc_rules_ends_the_matter_automatically_on_the_day_after() -> None:
    simulation = run(ICC, *invited())
    assert timeline(simulation) == [
        "03-02 step: lodge by requesting-party Ostrava, draft > lodged",
        "03-04 step: invite by registry, lodged > invited",
        "03-04 deadline-set: reply, 03-19",
        "03-20 deadline-passed: reply, 03-19",
        "03-20 clock-step: lapse by clock, invited > closed (lapsed)",
        "03-20 deadline-ended: reply, 03-19",
    ]
    assert (simulation.stage.name, simulation.stage.phase, simulation.outcome) == ("closed", "closed", "lapsed")
    assert (simulation.waiting, simulation.open_steps) == ((), ())


def test_the_answer_is_awaited_until_that_day() -> None:
    simulation = run(ICC, *invited(), until=march(19))
    assert [(entry.capacity, entry.step, entry.due_on) for entry in simulation.waiting] == [
        ("responding-party", "accept-invitation", march(19))
    ]
    (reply,) = simulation.deadlines
    assert (reply.state, [effect.effect for effect in reply.silence]) == ("running", ["automatic"])
    assert reply.explanation[0] == "Trigger: 'invite' on Wednesday 2026-03-04."


def test_an_answer_on_the_day_after_comes_after_the_step_of_the_clock() -> None:
    simulation = run(ICC, *invited(), AssumedAct("accept-invitation", march(20)))
    assert timeline(simulation)[4:] == [
        "03-20 clock-step: lapse by clock, invited > closed (lapsed)",
        "03-20 deadline-ended: reply, 03-19",
        "03-20 refused: step-not-open",
    ]


def test_silence_under_the_uncitral_rules_ends_nothing_until_the_inviter_elects() -> None:
    early, late = AssumedAct("lapse", march(10)), AssumedAct("lapse", date(2026, 4, 20))
    simulation = run(UNCITRAL, *invited(), early, late)
    assert timeline(simulation)[2:] == [
        "03-04 deadline-set: reply, 04-03",
        "03-10 refused: term-not-passed",
        "04-04 deadline-passed: reply, 04-03",
        "04-20 step: lapse by requesting-party Ostrava, invited > closed (lapsed)",
        "04-20 deadline-ended: reply, 04-03",
    ]
    refused = simulation.entries[3].refused
    assert refused is not None
    assert [(reason.code, reason.citation.article, reason.cure) for reason in refused.reasons] == [
        ("term-not-passed", "article 2", "Wait until 2026-04-03 has passed at the seat.")
    ]


def test_under_the_icsid_rules_the_reply_counts_for_each_party_from_its_own_receipt() -> None:
    served = (AssumedAct("serve", march(9), party=VEDRIA), AssumedAct("serve", march(20), party=LUMEA))
    simulation = run(ICSID, *invited(), *served, parties=THREE, until=date(2026, 5, 9), institution="US")
    assert timeline(simulation)[2:] == [
        "03-09 served: Vedria",
        "03-09 deadline-set: reply of Vedria, 05-08",
        "03-20 served: Lumea",
        "03-20 deadline-set: reply of Lumea, 05-19",
        "05-09 deadline-passed: reply of Vedria, 05-08",
    ]
    assert [deadline.state for deadline in simulation.deadlines] == ["passed", "running"]
    assert "lapse" not in [step.name for holder in simulation.open_steps for step in holder.steps]
    later = run(ICSID, *invited(), *served, AssumedAct("lapse", date(2026, 5, 20)), parties=THREE, institution="US")
    assert later.outcome == "lapsed"


def test_a_party_that_is_served_after_another_has_answered_still_has_its_time() -> None:
    acts = (
        *invited(),
        AssumedAct("serve", march(9), party=VEDRIA),
        AssumedAct("accept-invitation", march(10), party=VEDRIA),
        AssumedAct("serve", march(20), party=LUMEA),
    )
    simulation = run(ICSID, *acts, parties=THREE, until=march(20))
    assert [(deadline.party.name if deadline.party else None, deadline.state) for deadline in simulation.deadlines] == [
        (VEDRIA, "running"),
        (LUMEA, "running"),
    ]


def test_each_term_that_passes_has_the_effect_that_its_rule_states() -> None:
    simulation = run(
        ICSID,
        *invited(),
        AssumedAct("serve", march(5)),
        AssumedAct("accept-invitation", march(9)),
        AssumedAct("register", march(10)),
        AssumedAct("request-appointment", date(2026, 5, 12), party=OSTRAVA),
        institution="US",
    )
    assert timeline(simulation)[4:] == [
        "03-09 step: accept-invitation by responding-party Vedria, invited > accepted",
        "03-09 deadline-ended: reply of Vedria, 05-04",
        "03-10 step: register by registry, accepted > registered",
        "03-10 deadline-set: number-of-mediators, 04-09",
        "03-10 deadline-set: appointment, 05-11",
        "03-10 deadline-set: no-step, 07-08",
        "04-10 deadline-passed: number-of-mediators, 04-09",
        "04-10 clock-step: default-to-one-mediator by clock, registered > registered",
        "04-10 deadline-ended: number-of-mediators, 04-09",
        "05-12 deadline-passed: appointment, 05-11",
        "05-12 step: request-appointment by requesting-party Ostrava, registered > appointment-requested",
        "05-12 deadline-set: institution-appoints, 06-11",
        "05-12 deadline-ended: appointment, 05-11",
        "05-12 deadline-ended: no-step, 07-08",
        "06-12 deadline-passed: institution-appoints, 06-11",
    ]
    appointment = next(deadline for deadline in simulation.deadlines if deadline.term.name == "appointment")
    # Sixty days end on Saturday 9 May.
    assert "Roll: from Saturday 2026-05-09 to the next working day, Monday 2026-05-11." in appointment.explanation


def test_a_whole_mediation_lists_its_assumptions() -> None:
    simulation = run(
        UNCITRAL,
        *invited(),
        AssumedAct("accept-invitation", march(10), party=VEDRIA),
        AssumedAct("accept-invitation", march(12), party=LUMEA),
        AssumedAct("nominate", march(13), party=OSTRAVA),
        AssumedAct("confirm-mediator", march(16)),
        AssumedAct("hold-session", march(20)),
        AssumedAct("freeze-text", march(23), settles="part"),
        AssumedAct("sign", march(24), party=OSTRAVA),
        AssumedAct("freeze-text", march(25), settles="part"),
        AssumedAct("sign", march(26), party=OSTRAVA),
        AssumedAct("sign", march(27), party=VEDRIA),
        AssumedAct("sign", march(27), party=LUMEA),
        parties=THREE,
    )
    assert timeline(simulation)[3:7] == [
        "03-10 step: accept-invitation by responding-party Vedria, invited > invited, not complete",
        "03-12 step: accept-invitation by responding-party Lumea, invited > agreed",
        "03-12 deadline-ended: reply, 04-03",
        "03-13 step: nominate by requesting-party Ostrava, agreed > agreed",
    ]
    assert timeline(simulation)[-3:] == [
        "03-26 step: sign by requesting-party Ostrava, settling > settling, not complete",
        "03-27 step: sign by responding-party Vedria, settling > settling, not complete",
        "03-27 step: sign by responding-party Lumea, settling > closed (partly-settled)",
    ]
    assert (
        "A nominee declares independence, and every party accepts the nominee, on the same day."
        in simulation.assumptions
    )


def test_a_mediator_who_leaves_can_act_no_more_and_is_replaced() -> None:
    mediating = (
        *invited(),
        AssumedAct("accept-invitation", march(5)),
        AssumedAct("nominate", march(6), by="registry"),
        AssumedAct("confirm-mediator", march(9)),
    )
    simulation = run(
        UNCITRAL, *mediating, AssumedAct("resign", march(10)), AssumedAct("terminate", march(11), by="mediator")
    )
    assert timeline(simulation)[-2:] == [
        "03-10 step: resign by mediator, mediating > agreed",
        "03-11 refused: not-your-capacity",
    ]
    again = run(
        UNCITRAL,
        *mediating,
        AssumedAct("freeze-text", march(10)),
        AssumedAct("replace-mediator", march(11)),
        AssumedAct("replace-mediator", march(12)),
        AssumedAct("nominate", march(13), party=VEDRIA),
        AssumedAct("confirm-mediator", march(13)),
        AssumedAct("terminate", march(16), by="mediator"),
    )
    assert timeline(again)[-5:] == [
        "03-11 step: replace-mediator by registry, settling > settling",
        "03-12 refused: appointment-state",
        "03-13 step: nominate by responding-party Vedria, settling > settling",
        "03-13 step: confirm-mediator by registry, settling > settling",
        "03-16 step: terminate by mediator, settling > closed (not-settled)",
    ]


def test_the_registry_confirms_a_prior_instrument_for_the_named_party() -> None:
    confirmed = AssumedAct("accept-invitation", march(9), by="registry", party=VEDRIA)
    simulation = run(UNCITRAL, *invited(), confirmed)
    assert timeline(simulation)[3] == "03-09 step: accept-invitation by registry Vedria, invited > agreed"
    assert all(party.consented for party in simulation.parties)


def test_tracks_run_parallel_to_the_stages_and_a_party_that_does_not_appear_stays_a_party() -> None:
    simulation = run(
        INDUS,
        *_to_a_difference(),
        AssumedAct("request-neutral-expert", march(10), party=OSTRAVA),
        AssumedAct("pause-neutral-expert", march(11)),
        AssumedAct("decide-difference", march(12)),
        AssumedAct("note-non-appearance", march(13), party=VEDRIA),
        until=march(13),
    )
    assert [(track.name, track.state) for track in simulation.tracks] == [("neutral-expert", "paused")]
    assert timeline(simulation)[-2].endswith("refused: need-not-met")
    assert [party.participation for party in simulation.parties] == ["appearing", "not-appearing"]


def _to_a_difference() -> tuple[AssumedAct, ...]:
    """The shortest way to a difference, by whichever capacity takes its steps."""
    way: list[AssumedAct] = []
    stage = INDUS.initial.name
    while stage != "difference":
        step = next(step for step in INDUS.steps if stage in step.expected and step.to is not None)
        way.append(AssumedAct(step.name, march(2 + len(way)), party=OSTRAVA if "party" in step.by[0] else None))
        stage = str(step.to)
    return tuple(way)


def test_a_term_is_extended_waived_suspended_and_resumed_by_the_capacities_of_its_rule() -> None:
    late = AssumedAct("extend", march(6), by="registry", term="reply", until_on=date(2026, 4, 1))
    simulation = run(ICC, *invited(), replace(late, by="requesting-party", party=OSTRAVA), late, until=date(2026, 4, 2))
    assert timeline(simulation)[3:] == [
        "03-06 refused: not-your-capacity",
        "03-06 deadline-extended: reply, 04-01",
        "04-02 deadline-passed: reply, 04-01",
        "04-02 clock-step: lapse by clock, invited > closed (lapsed)",
        "04-02 deadline-ended: reply, 04-01",
    ]
    ours = replace(
        ICC,
        terms=tuple(replace(term, waive_by=("any-party",), suspend_by=("registry",)) for term in ICC.terms),
    )
    kept = run(
        ours,
        *invited(),
        AssumedAct("suspend", march(9), term="reply"),
        AssumedAct("suspend", march(10), term="reply"),
        AssumedAct("resume", march(30), term="reply"),
        AssumedAct("waive", march(31), party=VEDRIA, term="reply"),
    )
    assert timeline(kept)[3:] == [
        "03-09 deadline-suspended: reply, 03-19",
        "03-10 refused: deadline-suspended",
        "03-30 deadline-resumed: reply, 04-09",
        "03-31 deadline-waived: reply, 04-09",
    ]
    assert kept.stage.name == "invited"


def test_an_extension_that_needs_all_parties_assumes_their_agreement() -> None:
    acts = (*invited(), AssumedAct("request-negotiations", march(5), party=OSTRAVA))
    extended = AssumedAct("extend", march(9), party=VEDRIA, term="negotiation", until_on=date(2027, 1, 1))
    simulation = run(WATERS, *acts, extended, until=march(10))
    assert timeline(simulation)[-1] == "03-09 deadline-extended: negotiation, 01-01"
    assert "Every party agrees to an extension that needs it, on the same day." in simulation.assumptions
    again = run(WATERS, *acts, replace(extended, until_on=march(20)), until=march(10))
    assert timeline(again)[-1] == "03-09 refused: until-on"


def test_a_term_set_per_case_runs_only_if_its_day_is_stated() -> None:
    assert IOMED.term("reply").period == SET_PER_CASE
    assert run(IOMED, *invited()).deadlines == ()
    assert timeline(run(IOMED, *invited(due_on=march(20)), until=march(10)))[-1] == "03-04 deadline-set: reply, 03-20"


def test_the_open_steps_are_listed_for_each_capacity() -> None:
    simulation = run(IOMED, *invited(), until=march(5))
    assert {
        (holder.capacity, holder.party): [step.name for step in holder.steps] for holder in simulation.open_steps
    } == {
        ("requesting-party", OSTRAVA): ["withdraw"],
        ("responding-party", VEDRIA): ["accept-invitation", "decline-invitation"],
        ("registry", None): ["accept-invitation"],
    }


def test_closures_and_countries_move_a_day_that_rolls() -> None:
    resting = plain("the institution", [(date(2026, 5, 11), date(2026, 5, 12), "The registry moves")])
    calendars = Calendars(plain("the seat"), resting, (plain(OSTRAVA), plain(VEDRIA)))
    acts = (*invited(), AssumedAct("accept-invitation", march(9)), AssumedAct("register", march(10)))
    simulation = simulate(ICSID, TWO, acts, calendars, march(11))
    assert {deadline.term.name: deadline.due_on for deadline in simulation.deadlines}["appointment"] == date(
        2026, 5, 13
    )


def test_a_simulation_is_reproducible() -> None:
    for procedure in EVERY:
        acts = (*invited(), AssumedAct("accept-invitation", march(9), party=VEDRIA))
        assert repr(run(procedure, *acts)) == repr(run(procedure, *acts))


@pytest.mark.parametrize("procedure", EVERY, ids=lambda procedure: procedure.id)
def test_without_an_act_nothing_happens_and_the_awaited_steps_are_listed(procedure: Procedure) -> None:
    simulation = run(procedure)
    assert (simulation.entries, simulation.deadlines, simulation.stage) == ((), (), procedure.initial)
    assert {entry.step for entry in simulation.waiting} == {"lodge"}
    assert [holder.capacity for holder in simulation.open_steps] == ["requesting-party"]


def test_an_endless_series_of_clock_steps_is_stopped() -> None:
    steps = tuple(replace(step, ends=()) if step.name == "default-to-one-mediator" else step for step in ICSID.steps)
    acts = (*invited(), AssumedAct("accept-invitation", march(9)), AssumedAct("register", march(10)))
    simulation = run(replace(ICSID, steps=steps), *acts, until=date(2026, 4, 30))
    assert [entry.kind for entry in simulation.entries].count("clock-step") == 1


def test_an_endless_series_of_terms_is_stopped() -> None:
    steps = tuple(
        replace(step, starts=("number-of-mediators",), ends=()) if step.name == "default-to-one-mediator" else step
        for step in ICSID.steps
    )
    again = replace(ICSID, steps=steps)
    acts = (*invited(), AssumedAct("accept-invitation", march(9)), AssumedAct("register", march(10)))
    with pytest.raises(SimulationFault) as fault:
        run(again, *acts, until=date(2999, 1, 1))
    assert (fault.value.field, fault.value.code) == ("until", "too-long")


# Invalid simulations.


@pytest.mark.parametrize(
    ("act", "field", "code"),
    [
        (AssumedAct("sing", march(4)), "step", "unknown-step"),
        (AssumedAct("invite", march(1)), "on", "not-in-order"),
        (AssumedAct("invite", march(4), by="king"), "by", "unknown-capacity"),
        (AssumedAct("invite", march(4), by="clock"), "by", "unknown-capacity"),
        (AssumedAct("lapse", march(4)), "step", "by-the-clock"),
        (AssumedAct("join", march(4), party="Marrow"), "party", "unknown-party"),
        (AssumedAct("join", march(4), by="any-party"), "party", "missing"),
        (AssumedAct("join", march(4), by="responding-party", party=OSTRAVA), "party", "another-capacity"),
        (AssumedAct("accept-invitation", march(4), by="registry"), "party", "missing"),
        (AssumedAct("invite", march(4), due_on=march(20)), "due_on", "no-term"),
        (AssumedAct("register", march(4), due_on=march(4)), "due_on", "not-after"),
        (AssumedAct("terminate", march(4), by="registry", ground="boredom"), "ground", "ground"),
        (AssumedAct("invite", march(4), ground="no-mediator"), "ground", "unknown-field"),
        (AssumedAct("serve", march(4), by="mediator"), "by", "another-capacity"),
        (AssumedAct("serve", march(4), party=OSTRAVA), "party", "another-capacity"),
        (AssumedAct("extend", march(4), term="reply"), "until_on", "missing"),
        (AssumedAct("waive", march(4)), "term", "missing"),
        (AssumedAct("waive", march(4), term="eternity"), "term", "unknown-term"),
    ],
    ids=lambda value: value.step if isinstance(value, AssumedAct) else value,
)
def test_an_invalid_simulation_is_refused_with_the_place_of_the_fault(act: AssumedAct, field: str, code: str) -> None:
    with pytest.raises(SimulationFault) as fault:
        run(ICC, AssumedAct("lodge", march(2)), act)
    assert (fault.value.act, fault.value.field, fault.value.code) == (1, field, code)


def test_a_simulation_ends_on_the_day_of_its_last_act_or_later() -> None:
    with pytest.raises(SimulationFault) as fault:
        run(ICC, AssumedAct("lodge", march(2)), until=march(1))
    assert (fault.value.act, fault.value.field) == (None, "until")


@pytest.mark.parametrize(
    ("acts", "code"),
    [
        ((AssumedAct("serve", march(3)),), "step-not-open"),
        ((*invited(lodge=3)[1:], AssumedAct("serve", march(5)), AssumedAct("serve", march(6))), "already-served"),
        ((AssumedAct("withdraw", march(3)), AssumedAct("serve", march(4))), "step-not-open"),
        ((AssumedAct("waive", march(3), term="reply"),), "deadline-not-set"),
        (
            (AssumedAct("invite", march(4)), AssumedAct("resume", march(5), by="registry", term="reply")),
            "not-your-capacity",
        ),
    ],
)
def test_a_request_that_the_registry_would_refuse_is_refused(acts: tuple[AssumedAct, ...], code: str) -> None:
    assert timeline(run(ICC, AssumedAct("lodge", march(2)), *acts, until=march(6)))[-1].endswith(f"refused: {code}")
