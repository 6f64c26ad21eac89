"""The named checks of steps: pure functions of the facts of a case, each of which returns what is missing."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from types import MappingProxyType
from uuid import UUID

from app.rules.model import AppointmentFact, Declaration, Facts, PartyFact

STATE = "state"
PENDING = ("proposed", "declared")


@dataclass(frozen=True, slots=True)
class Finding:
    """What is missing, the cure, and for whom the case therefore waits (capacity and party); () is nobody."""

    detail: str
    cure: str
    awaits: tuple[tuple[str, UUID | None], ...] = ()


Question = Callable[[Facts, date], list[Finding]]


def all_parties_consented(facts: Facts, on: date) -> list[Finding]:
    """Every party has consented to mediation."""
    cure = (
        "The party accepts through POST /v1/cases/{case}/steps/accept-invitation (where it came later, through POST"
        " /v1/cases/{case}/steps/join), or the registry confirms its prior instrument through POST"
        " /v1/cases/{case}/consents/{id}/confirm."
    )
    return [
        Finding(f"{party.name} has not consented to mediation.", cure)
        for party in facts.remaining
        if not party.consented
    ]


def contracting_states(facts: Facts, on: date) -> list[Finding]:
    """Every party is a State for which the convention is in force on the day in question."""
    findings = []
    for party in facts.parties:
        if party.kind != STATE:
            detail = f"{party.name} is not a State."
            cure = "The registry declares it through POST /v1/cases/{case}/steps/declare-inadmissible."
        elif not any(membership.covers(on) for membership in party.memberships):
            detail = f"{party.name} is not a contracting State on {on.isoformat()}{_ended_before(party, on)}."
            cure = (
                "If the convention is in force for it, the administrator records the day through"
                " PATCH /v1/members/{id}; otherwise the registry declares it through"
                " POST /v1/cases/{case}/steps/declare-inadmissible."
            )
        else:
            continue
        findings.append(Finding(detail, cure))
    return findings


def _ended_before(party: PartyFact, on: date) -> str:
    """The day on which the party's last membership before a day ended, as the rest of a sentence."""
    ends = [membership.ceases_on for membership in party.memberships if membership.ceases_on is not None]
    ended_on = max((day for day in ends if day <= on), default=None)
    return "" if ended_on is None else f": the convention ceased to be in force for it on {ended_on.isoformat()}"


def no_excluded_subject(facts: Facts, on: date) -> list[Finding]:
    """No subject of the case is excluded by a declaration of a party that was in force on the day of lodging."""
    day = facts.lodged_on or on
    cure = "The requesting party strikes the subject out of its request through PATCH /v1/cases/{case}."
    findings = []
    for party in facts.parties:
        excluded: set[str] = set()
        for declaration in party.declarations:
            if _in_force(declaration, day):
                excluded |= declaration.subjects
        findings += [
            Finding(f"A declaration of {party.name} excludes the subject {subject} from mediation.", cure)
            for subject in sorted(excluded & facts.subjects)
        ]
    return findings


def _in_force(declaration: Declaration, day: date) -> bool:
    begun = declaration.from_on is None or declaration.from_on <= day
    return begun and (declaration.until_on is None or day <= declaration.until_on)


def third_states_consented(facts: Facts, on: date) -> list[Finding]:
    """Every third State that the dispute involves has given its prior consent."""
    cure = (
        "Any party or the registry files the third State's consent through POST /v1/cases/{case}/consents, and the"
        " registry confirms it through POST /v1/cases/{case}/consents/{id}/confirm."
    )
    return [
        Finding(f"The dispute involves {state.name}, whose prior consent is not confirmed.", cure)
        for state in facts.third_states
        if not state.consented
    ]


def mediator_nominated(facts: Facts, on: date) -> list[Finding]:
    """A mediator is nominated whose appointment is pending."""
    if any(item.state in PENDING for item in _nominations(facts)):
        return []
    return [
        Finding(
            "No nomination of a mediator is pending.",
            "Any party or the registry nominates one through POST /v1/cases/{case}/appointments.",
            _nominators(facts),
        )
    ]


def declarations_made(facts: Facts, on: date) -> list[Finding]:
    """The candidate has declared to be independent."""
    nominations = _nominations(facts)
    if any(item.independent is True and item.state != "proposed" for item in nominations):
        return []
    if nominations and all(item.independent is False for item in nominations):
        return [
            Finding(
                "The candidate declared not to be independent.",
                "Any party or the registry nominates another through POST /v1/cases/{case}/appointments.",
                _nominators(facts),
            )
        ]
    return [
        Finding(
            "The candidate has not made the declaration of independence.",
            "The candidate declares through POST /v1/appointments/{id}/declare.",
            (("candidate", None),),
        )
    ]


def accepted_by_all_parties(facts: Facts, on: date) -> list[Finding]:
    """Every party has accepted the candidate."""
    cure = "The party accepts through POST /v1/appointments/{id}/accept, once the candidate has declared."
    nominations = _nominations(facts)
    lacking = [[party for party in facts.remaining if party.id not in item.accepted_by] for item in nominations]
    return [
        Finding(f"{party.name} has not accepted the candidate.", cure, ((party.capacity, party.id),))
        for party in min(lacking, key=len, default=list(facts.remaining))
    ]


def mediator_vacant(facts: Facts, on: date) -> list[Finding]:
    """No mediator is in office."""
    if all(item.state != "confirmed" for item in facts.appointments):
        return []
    return [
        Finding(
            "The case has its mediator.",
            "The mediator resigns through POST /v1/appointments/{id}/resign, or the registry replaces them through"
            " POST /v1/appointments/{id}/replace.",
        )
    ]


def consent_lacking(facts: Facts, on: date) -> list[Finding]:
    """The acting party has not consented yet; without an acting party, some party has not."""
    acting = [party for party in facts.parties if facts.subject in (None, party.id)]
    if any(not party.consented for party in acting):
        return []
    return [Finding("The party has consented already, so there is nothing to join.", "No further act is needed.")]


def text_frozen(facts: Facts, on: date) -> list[Finding]:
    """A text of the settlement is frozen for signature."""
    if any(act.step == "freeze-text" for act in facts.acts):
        return []
    return [
        Finding(
            "No text of the settlement is frozen.",
            "The mediator freezes a draft through POST /v1/cases/{case}/settlement/drafts/{id}/freeze.",
            (("mediator", None),),
        )
    ]


def first_session_held(facts: Facts, on: date) -> list[Finding]:
    """A joint session was held."""
    if any(act.step == "hold-session" for act in facts.acts):
        return []
    return [
        Finding(
            "No joint session was held yet.",
            "The mediator holds one through POST /v1/cases/{case}/sessions/{id}/hold.",
            (("mediator", None),),
        )
    ]


def all_parties_served(facts: Facts, on: date) -> list[Finding]:
    """The request was served on every responding party."""
    cure = "The registry records how and when it was served through POST /v1/cases/{case}/service."
    return [
        Finding(f"The request is not served on {party.name}.", cure, (("registry", None),))
        for party in facts.remaining
        if party.capacity == "responding-party" and party.served_on is None
    ]


def a_party_withdrew(facts: Facts, on: date) -> list[Finding]:
    """A party has withdrawn from the mediation."""
    if len(facts.remaining) < len(facts.parties):
        return []
    return [Finding("No party has withdrawn.", "A party withdraws through POST /v1/cases/{case}/steps/withdraw.")]


def two_sides_remain(facts: Facts, on: date) -> list[Finding]:
    """Parties of at least two sides remain."""
    if len({party.side for party in facts.remaining}) > 1:
        return []
    return [Finding("Only parties of one side remain.", "The mediation can only be ended.")]


def _nominations(facts: Facts) -> tuple[AppointmentFact, ...]:
    """The appointment that is acted on; if the subject is a party or nothing, all that are still pending."""
    if facts.subject is None or any(party.id == facts.subject for party in facts.parties):
        return tuple(item for item in facts.appointments if item.state in PENDING)
    return tuple(item for item in facts.appointments if item.id == facts.subject)


def _nominators(facts: Facts) -> tuple[tuple[str, UUID | None], ...]:
    return (*((party.capacity, party.id) for party in facts.remaining), ("registry", None))


CHECKS: Mapping[str, Question] = MappingProxyType(
    {
        "all-parties-consented": all_parties_consented,
        "contracting-states": contracting_states,
        "no-excluded-subject": no_excluded_subject,
        "third-states-consented": third_states_consented,
        "mediator-nominated": mediator_nominated,
        "declarations-made": declarations_made,
        "accepted-by-all-parties": accepted_by_all_parties,
        "mediator-vacant": mediator_vacant,
        "consent-lacking": consent_lacking,
        "text-frozen": text_frozen,
        "first-session-held": first_session_held,
        "all-parties-served": all_parties_served,
        "a-party-withdrew": a_party_withdrew,
        "two-sides-remain": two_sides_remain,
    }
)
ABOUT_ONE_APPOINTMENT = frozenset({"mediator-nominated", "declarations-made", "accepted-by-all-parties"})


def views(names: Sequence[str], facts: Facts) -> tuple[Facts, ...]:
    """The facts for these checks: once for each pending nomination if a check is about an appointment, else once."""
    if ABOUT_ONE_APPOINTMENT.isdisjoint(names):
        return (facts,)
    return tuple(replace(facts, subject=item.id) for item in _nominations(facts)) or (facts,)


def unmet(names: Sequence[str], facts: Facts, on: date) -> tuple[tuple[str, Finding], ...]:
    """What is missing for all these checks together, check by check.

    Checks about an appointment must all hold for the same appointment; where none is named, the findings are those of
    the nomination that lacks least. Raises KeyError for an unknown check.
    """
    answers = (
        tuple((name, finding) for name in names for finding in CHECKS[name](view, on)) for view in views(names, facts)
    )
    return min(answers, key=lambda answer: (len({name for name, _ in answer}), len(answer)))
