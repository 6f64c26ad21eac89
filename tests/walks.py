"""Walks through every rule set, written by hand as data, and the walker that takes them over HTTP."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from app.rules.engine import acts_as
from app.rules.loader import library
from app.rules.model import SET_PER_CASE, Procedure, Step
from tests.background import worker
from tests.installation import Json, Person
from tests.story import CONSENT, GIVES, Dispute

WHY = {"reason": "As the rules allow."}
CAPACITIES = {
    "requesting": "requesting-party",
    "responding": "responding-party",
    "side-3": "responding-party",
    "all": "any-party",
    "registry": "registry",
    "mediator": "mediator",
    "authority": "appointing-authority",
    "clock": "clock",
}


@dataclass(frozen=True)
class Walk:
    """The end of a case: from a stage, by these acts, with this outcome and ground.

    An act is a person and a step (`registry invite`, `all sign`), a term with the word `passes`, or `registry serves`.
    """

    rule_set: str
    outcome: str
    ground: str | None
    stage: str
    acts: tuple[str, ...]

    def __str__(self) -> str:
        ground = f" on {self.ground}" if self.ground else ""
        return f"{self.rule_set} {self.outcome}{ground} by {self.acts[-1]} from {self.stage}"


@dataclass(frozen=True)
class Map:
    """The shortest way to each stage of a rule set (`stage: previous stage: acts`), and a walk to each of its ends.

    A line of the ends has the outcome, the ground (`-` for none), the stage from which the walk starts, and its acts.
    """

    ways: str
    ends: str

    def way(self, stage: str) -> tuple[str, ...]:
        """The acts that bring a case from its opening to that stage."""
        ways = {name: (before, _acts(acts)) for name, before, acts in map(_split, _lines(self.ways))}
        if stage not in ways:
            return ()
        before, acts = ways[stage]
        return (*self.way(before), *acts)

    def walks(self, rule_set: str) -> list[Walk]:
        """The walks to the ends."""
        return [
            Walk(rule_set, outcome, None if ground == "-" else ground, stage, _acts(acts))
            for outcome, ground, stage, acts in (line.split(maxsplit=3) for line in _lines(self.ends))
        ]


def _lines(text: str) -> list[str]:
    return text.strip().splitlines()


def _split(line: str) -> tuple[str, str, str]:
    name, before, acts = (part.strip() for part in line.split(":"))
    return name, before, acts


def _acts(text: str) -> tuple[str, ...]:
    return tuple(act.strip() for act in text.split(","))


IOMED_WAYS = """
    lodged:     draft:      requesting lodge
    invited:    lodged:     registry invite
    consented:  invited:    responding accept-invitation
    screened:   consented:  registry screen
    registered: screened:   registry register
    mediating:  registered: requesting nominate, registry confirm-mediator
    settling:   mediating:  mediator freeze-text
    closed:     settling:   all sign
    """
IOMED_ENDS = """
    declined       -                          invited     responding decline-invitation
    lapsed         -                          invited     reply passes, registry lapse
    inadmissible   -                          lodged      registry declare-inadmissible
    inadmissible   -                          consented   registry declare-inadmissible
    settled        -                          settling    all sign
    partly-settled -                          settling    all sign
    withdrawn      -                          draft       requesting withdraw
    withdrawn      -                          consented   responding withdraw
    not-settled    no-prospect-of-settlement  mediating   mediator terminate
    not-settled    party-does-not-take-part   registered  registry terminate
    not-settled    agreement-of-the-parties   registered  all terminate
    """

MAPS = {
    "iomed-state-2025": Map(IOMED_WAYS, IOMED_ENDS),
    "iomed-commercial-2025": Map(IOMED_WAYS, IOMED_ENDS),
    "uncitral-2021": Map(
        """
        lodged:    draft:     requesting lodge
        invited:   lodged:    registry invite
        agreed:    invited:   responding accept-invitation
        mediating: agreed:    requesting nominate, registry confirm-mediator
        settling:  mediating: mediator freeze-text
        closed:    settling:  all sign
        """,
        """
        declined       -                            invited    responding decline-invitation
        lapsed         -                            invited    reply passes, requesting lapse
        settled        -                            settling   all sign
        partly-settled -                            settling   all sign
        withdrawn      -                            lodged     requesting withdraw
        withdrawn      -                            agreed     responding withdraw
        not-settled    declaration-of-the-mediator  mediating  mediator terminate
        not-settled    deposit-unpaid               mediating  mediator terminate
        not-settled    deposit-unpaid               agreed     registry terminate
        not-settled    mandatory-period-expired     agreed     registry terminate
        not-settled    declaration-of-the-parties   agreed     all terminate
        """,
    ),
    "icsid-2022": Map(
        """
        lodged:                draft:       requesting lodge
        invited:               lodged:      registry invite
        accepted:              invited:     responding accept-invitation
        registered:            accepted:    registry register
        appointment-requested: registered:  appointment passes, requesting request-appointment
        transmitted:           registered:  requesting nominate, registry confirm-mediator
        mediating:             transmitted: mediator hold-session
        vacant:                transmitted: mediator resign
        settling:              mediating:   mediator freeze-text
        closed:                settling:    all sign
        """,
        """
        declined       -                    invited                responding decline-invitation
        lapsed         -                    invited                registry serves, reply passes, registry lapse
        inadmissible   -                    accepted               registry declare-inadmissible
        settled        -                    settling               all sign
        partly-settled -                    settling               all sign
        withdrawn      -                    invited                requesting withdraw
        withdrawn      -                    accepted               responding withdraw
        withdrawn      party-withdrew       transmitted            responding withdraw, mediator end-on-withdrawal
        not-settled    no-likelihood        transmitted            mediator terminate
        not-settled    advances-unpaid      registered             registry call-advance, advance passes, \
registry terminate
        not-settled    joint-agreement      appointment-requested  authority nominate, authority confirm-mediator, \
all terminate
        not-settled    no-appointment-step  registered             number-of-mediators passes, \
clock default-to-one-mediator, no-step passes, registry terminate-by-notice
        """,
    ),
    "icc-2014": Map(
        """
        lodged:     draft:      requesting lodge
        invited:    lodged:     registry invite
        agreed:     invited:    responding accept-invitation
        commenced:  agreed:     registry register
        appointed:  commenced:  requesting nominate, registry confirm-mediator
        conducting: appointed:  mediator note-on-conduct
        replacing:  conducting: mediator resign
        settling:   conducting: mediator freeze-text
        closed:     settling:   all sign
        """,
        """
        declined       -                          invited     responding decline-invitation
        lapsed         -                          invited     reply passes, clock lapse
        settled        -                          settling    all sign
        partly-settled -                          settling    all sign
        withdrawn      -                          agreed      requesting withdraw
        withdrawn      -                          conducting  responding withdraw
        not-settled    mediation-completed        conducting  mediator terminate
        not-settled    no-prospect-of-settlement  appointed   mediator terminate
        not-settled    no-mediator                replacing   registry terminate
        not-settled    time-limit-expired         appointed   duration passes, registry terminate-at-time-limit
        not-settled    advance-unpaid             commenced   registry note-payment-due, payment passes, \
registry terminate-for-non-payment
        """,
    ),
    "indus-waters-1960": Map(
        """
        lodged:              draft:               requesting lodge
        question:            lodged:              registry invite
        difference:          question:            requesting deem-difference
        dispute:             difference:          requesting deem-dispute
        invited-to-negotiate: dispute:            requesting invite-to-negotiate
        negotiating:         invited-to-negotiate: registry open-negotiations
        mediating:           negotiating:         responding accept-invitation, requesting nominate, \
registry confirm-mediator
        settling:            mediating:           mediator freeze-text
        closed:              settling:            all sign
        """,
        """
        inadmissible   -                         question    registry declare-inadmissible
        settled        -                         question    all resolve-in-commission
        settled        -                         settling    all sign
        partly-settled -                         settling    all sign
        withdrawn      -                         question    requesting withdraw
        not-settled    agreement-of-the-parties  difference  requesting notify-intention, \
responding request-neutral-expert, all terminate
        referred       -                         dispute     all agree-to-court, requesting request-neutral-expert, \
authority pause-neutral-expert, registry close
        """,
    ),
    "watercourses-1997": Map(
        """
        lodged:      draft:       requesting lodge
        invited:     lodged:      registry invite
        negotiating: invited:     requesting request-negotiations
        agreed:      negotiating: responding accept-invitation
        mediating:   agreed:      requesting nominate, registry confirm-mediator
        settling:    mediating:   mediator freeze-text
        closed:      settling:    all sign
        """,
        """
        inadmissible   -                          negotiating  registry declare-inadmissible
        settled        -                          settling     all sign
        partly-settled -                          settling     all sign
        withdrawn      -                          invited      requesting withdraw
        not-settled    agreement-of-the-parties   mediating    negotiation passes, requesting request-fact-finding, \
all terminate
        not-settled    fact-finding-concluded     negotiating  negotiation passes, responding request-fact-finding, \
members passes, requesting request-single-member, authority appoint-single-member, registry deliver-report, \
registry terminate
        not-settled    no-prospect-of-settlement  mediating    mediator end-mediation, registry terminate
        """,
    ),
    "court-referred": Map(
        """
        lodged:     draft:      requesting lodge
        invited:    lodged:     registry invite
        accepted:   invited:    registry accept-invitation
        registered: accepted:   registry register
        mediating:  registered: requesting nominate, registry confirm-mediator
        settling:   mediating:  mediator freeze-text
        agreed:     settling:   all sign
        not-agreed: mediating:  mediator terminate
        closed:     agreed:     mediator report
        """,
        """
        inadmissible   -                     invited     registry declare-inadmissible
        settled        -                     agreed      mediator report
        partly-settled -                     agreed      registry report
        withdrawn      -                     lodged      requesting withdraw
        not-settled    party-declined        invited     responding decline-invitation, registry report
        not-settled    party-left            accepted    responding withdraw, registry report
        not-settled    party-did-not-attend  mediating   registry terminate, mediator report
        not-settled    no-agreement          mediating   mediator terminate, mediator report
        not-settled    no-agreement          registered  all terminate, registry report
        not-settled    return-date-passed    mediating   return-date passes, registry terminate-at-return-date, \
registry report
        """,
    ),
}
WALKS = [walk for id, each in MAPS.items() for walk in each.walks(id)]


def entry_of(procedure: Procedure, who: str, step: str, stage: str) -> Step:
    """The entry of that name that a person takes at that stage, or else their first, or else the first."""
    entries, capacity = procedure.entries(step), CAPACITIES.get(who, who)
    theirs = [entry for entry in entries if acts_as(entry.by, capacity) or capacity in entry.by] or list(entries)
    return next((entry for entry in theirs if stage in entry.origin), theirs[0])


def entries_on(walk: Walk) -> Iterator[Step]:
    """The entries that a walk takes from its stage on; the rule set says to which stage each leads."""
    procedure, stage = library()[walk.rule_set], walk.stage
    for who, step in (act.split() for act in walk.acts):
        if step not in ("passes", "serves"):
            entry = entry_of(procedure, who, step, stage)
            yield entry
            stage = entry.to or stage


def body_of(entry: Step, party_id: str, due_on: date | None = None, ground: str | None = None) -> Json:
    """The body that the step requires: the first of several grounds, unless another is named."""
    fields: Json = {name: value for name, value in GIVES["fields"].items() if name in entry.fields}
    if entry.grounds:
        fields["ground"] = ground if ground in entry.grounds else entry.grounds[0]
    if entry.participation is not None and not any(capacity.endswith("party") for capacity in entry.by):
        fields["party_id"] = party_id
    return {"fields": fields} | (WHY if entry.reason else {}) | ({"due_on": due_on.isoformat()} if due_on else {})


class Walker:
    """Takes walks in a dispute: each step by the people whom the rules name, through the noun that takes it."""

    def __init__(self, dispute: Dispute, rule_set: str, ground: str | None = None, settles: str = "whole") -> None:
        self.dispute, self.rule_set, self.ground, self.settles = dispute, rule_set, ground, settles
        self.procedure = library()[rule_set]
        self.sides = {"requesting": dispute.requesting, "responding": dispute.responding}
        self.appointment = self.nominator = ""
        self.text: Json = {}
        self.successors = 0
        self.through: dict[str, Callable[[str, Step], None]] = {
            "accept-invitation": self._confirm_consent,
            "nominate": self._nominate,
            "confirm-mediator": self._confirm_mediator,
            "resign": self._leave,
            "replace-mediator": self._leave,
            "hold-session": self._hold_session,
            "freeze-text": self._freeze_text,
            "sign": self._sign,
        }

    def open(self, **more: Any) -> None:
        """Open the case."""
        self.appointment = ""
        self.dispute.opened(procedure=self.rule_set, category=self.procedure.categories[0], **more)

    def bring_to(self, stage: str) -> Json:
        """Open a case and bring it to that stage."""
        self.open()
        self.go(*MAPS[self.rule_set].way(stage))
        assert self.dispute.case["stage"] == stage
        return self.dispute.case

    def walk(self, walk: Walk) -> Json:
        """Open a case and walk it to its end."""
        if any(entry.fails for entry in entries_on(walk)):
            self.dispute.members[1] = self.dispute.house.member("Vedria as declared", excludes=["water-allocation"])
        self.bring_to(walk.stage)
        self.go(*walk.acts)
        return self.dispute.case

    def go(self, *acts: str) -> None:
        """Take these acts, one after the other."""
        for act in acts:
            who, step = act.split()
            if step == "passes":
                self._pass(who)
            elif step == "serves":
                self._serve()
            elif who == "clock":
                assert worker(self.dispute.house).round()["clock-step"] == 1
            else:
                for each in self.sides if who == "all" else (who,):
                    self._take(each, step)
            self.dispute.read()

    def person(self, who: str) -> Person:
        """The person with that name."""
        offices = {"registry": self.dispute.registrar, "authority": self.dispute.registrar}
        return {**self.sides, **offices, "mediator": self.dispute.mediator}[who]

    def _take(self, who: str, step: str) -> None:
        entry = entry_of(self.procedure, who, step, self.dispute.case["stage"])
        if entry.taken_through is not None:
            self.through[step](who, entry)
            return
        by_day = any(self.procedure.term(name).period == SET_PER_CASE for name in entry.starts)
        due_on = self._today() + timedelta(days=30) if by_day else None
        body = body_of(entry, self.dispute.party("responding"), due_on, self.ground)
        self.dispute.step(self.person(who), step, body).expect(200)
        if entry.lodges:
            self._admit()

    def _admit(self) -> None:
        for side, person in self.sides.items():
            if side != "requesting":
                self.dispute.admit(self.dispute.registrar, person, self.dispute.party(side))

    def _today(self) -> date:
        return self.dispute.house.clock.now.astimezone(self._zone()).date()

    def _zone(self) -> ZoneInfo:
        return ZoneInfo(self.dispute.case["seat"]["time_zone"])

    def _pass(self, term: str) -> None:
        """Move the clock to the morning after the last day of a running term."""
        path = f"{self.dispute.path}/deadlines"
        deadlines = self.dispute.requesting.get(path).expect(200)["items"]
        days = [
            deadline["due_on"] for deadline in deadlines if deadline["term"] == term and deadline["state"] == "running"
        ]
        morning = date.fromisoformat(max(days)) + timedelta(days=1)
        self.dispute.house.clock.now = datetime.combine(morning, time(9), self._zone())

    def _serve(self) -> None:
        for side in self.sides:
            if side != "requesting":
                body = {
                    "party_id": self.dispute.party(side),
                    "method": "courier",
                    "attempted_on": self._today().isoformat(),
                    "served_at": self.dispute.house.clock.now.isoformat(),
                    "proof": "Signed for at the ministry.",
                }
                self.dispute.registrar.post(f"{self.dispute.path}/service", body).expect(201)

    def _confirm_consent(self, who: str, entry: Step) -> None:
        path = f"{self.dispute.path}/consents"
        body = {**CONSENT, "party_id": self.dispute.party("responding")}
        consent = self.person(who).post(path, body).expect(201)
        self.person(who).post(f"{path}/{consent['id']}/confirm").expect(200)

    def _nominate(self, who: str, entry: Step) -> None:
        if self.appointment:
            self.successors += 1
            self.dispute.mediator, self.dispute.mediator_id = self.dispute.house.mediator(
                f"Successor {self.successors}"
            )
        body = {"mediator_id": self.dispute.mediator_id}
        made = self.person(who).post(f"{self.dispute.path}/appointments", body).expect(201)
        self.appointment = f"/v1/appointments/{made['id']}"
        self.nominator = who

    def _confirm_mediator(self, who: str, entry: Step) -> None:
        """Declare, accept where the rules ask for it, and confirm; and schedule a session that nobody holds."""
        self.dispute.mediator.post(f"{self.appointment}/declare", {"independent": True}).expect(200)
        if "accepted-by-all-parties" in entry.needs:
            for side, person in self.sides.items():
                if side != self.nominator:
                    person.post(f"{self.appointment}/accept").expect(200)
        self.person(who).post(f"{self.appointment}/confirm").expect(200)
        self.dispute.session(starts_at="2029-06-01T10:00", ends_at="2029-06-01T12:00")

    def _leave(self, who: str, entry: Step) -> None:
        act = "resign" if who == "mediator" else "replace"
        answer = self.person(who).post(f"{self.appointment}/{act}", WHY)
        assert answer.status in (200, 204), answer.response.text

    def _hold_session(self, who: str, entry: Step) -> None:
        day = self._today().isoformat()
        session = self.dispute.session(starts_at=f"{day}T22:00", ends_at=f"{day}T23:00")
        self.dispute.house.clock.pass_by(days=1)
        attendance = [{"name": self.dispute.requesting.name, "capacity": "agent"}]
        path = f"{self.dispute.path}/sessions/{session['id']}/hold"
        self.person(who).post(path, {"attendance": attendance}).expect(200)

    def _freeze_text(self, who: str, entry: Step) -> None:
        self.text = self.dispute.frozen(settles=self.settles)

    def _sign(self, who: str, entry: Step) -> None:
        self.dispute.sign(self.person(who), who, self.text).expect(201)


SOLI = {"side": "side-3", "kind": "state", "name": "Republic of Soli"}


def among_three(walker: Walker, stage: str) -> None:
    """A case of three parties, all of which have consented, at that stage."""
    walker.sides["side-3"] = walker.dispute.house.person("Sora Lind")
    names = [("requesting", "Republic of Ostrava"), ("responding", "Kingdom of Vedria")]
    walker.open(parties=[*({"side": side, "kind": "state", "name": name} for side, name in names), SOLI])
    for act in MAPS[walker.rule_set].way(stage):
        walker.go(act, *(["side-3 accept-invitation"] if act == "responding accept-invitation" else []))
    assert walker.dispute.case["stage"] == stage
