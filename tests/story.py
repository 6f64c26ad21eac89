"""The dispute between two States about the waters of a river, played as far as a test needs it."""

from collections.abc import Callable
from copy import deepcopy
from functools import wraps
from typing import Any, Protocol, TypeVar, cast

from tests.installation import Answer, House, Json, Person

CONSENT = {"basis": "treaty-clause", "instrument": "Serin Waters Treaty, article 12", "given_on": "2026-02-20"}
POWERS = {"kind": "full-powers", "issued_by": "Head of State", "issued_on": "2026-02-10"}
MANDATE = {**POWERS, "kind": "mandate"}
GIVES = {"fields": {"consent": CONSENT, "powers": POWERS}}
UNCITRAL = {"procedure": "uncitral-2021", "category": "state-state"}
# The times of a session that has taken place when the story begins.
EARLIER = {"starts_at": "2026-03-02T10:00", "ends_at": "2026-03-02T12:00"}
CLAUSES = [
    {"number": "1", "text": "The flow at the border gauge is shared by thirds."},
    {"number": "2", "text": "A joint gauge is read by both sides each month."},
]


def request(**more: Any) -> Json:
    """A request that passes every gate once all parties have consented."""
    return {
        "procedure": "iomed-state-2025",
        "category": "state-state",
        "title": "Sharing of the waters of the Serin",
        "summary": "The flow at the border gauge has fallen below the agreed third.",
        "parties": [
            {"side": "requesting", "kind": "state", "name": "Republic of Ostrava"},
            {"side": "responding", "kind": "state", "name": "Kingdom of Vedria"},
        ],
        "instruments": [{"kind": "treaty", "title": "Serin Waters Treaty", "articles": ["7", "12"]}],
        "subjects": ["water-allocation"],
        "languages": ["en"],
        "seat": {"place": "Hong Kong", "time_zone": "Asia/Hong_Kong"},
        **more,
    }


def deadlines_of(person: Person, path: str) -> list[Json]:
    """The deadlines of the case at that path as somebody sees them, the earliest first."""
    return list(person.get(f"{path}/deadlines?limit=200").expect(200)["items"])


Made = TypeVar("Made")
Act = TypeVar("Act", bound=Callable[..., Json])


class Moments(Protocol):
    """A registry under test, which plays a beginning once and restores it for later tests."""

    def moment(self, house: House, name: str, play: Callable[[], Made]) -> Made:
        """What `play` makes in the house."""


def beginning(act: Act) -> Act:
    """Restore the case to which an act leads, if an earlier test has played it from the same moment.

    This is for acts without options, or under UNCITRAL's rules: what many tests begin with.
    """

    @wraps(act)
    def played(dispute: "Dispute", **more: Any) -> Json:
        if more not in ({}, UNCITRAL) or dispute.case or dispute.moments is None:
            return act(dispute, **more)

        def play() -> tuple[Json, Json]:
            answer = act(dispute, **more)
            return dispute.case, answer

        name = f"{act.__name__}_uncitral" if more else act.__name__
        dispute.case, answer = deepcopy(dispute.moments.moment(dispute.house, name, play))
        return answer

    return cast(Act, played)


class Dispute:
    """One case with its people; each method plays the next act and returns the answer to it."""

    def __init__(self, house: House, number: str = "") -> None:
        self.house = house
        self.registrar = house.registrar
        self.requesting = house.person(f"Olga Strand{number}")
        self.responding = house.person(f"Viktor Drian{number}")
        self.mediator, self.mediator_id = house.mediator(f"Mina Datar{number}")
        self.members = [house.member(f"Republic of Ostrava{number}"), house.member(f"Kingdom of Vedria{number}")]
        self.case: Json = {}
        self.moments: Moments | None = None

    @property
    def path(self) -> str:
        """The path of the case."""
        return f"/v1/cases/{self.case['id']}"

    def party(self, side: str) -> str:
        """The id of the party on that side."""
        return next(str(party["id"]) for party in self.case["parties"] if party["side"] == side)

    def representatives(self, side: str = "requesting") -> str:
        """The path of the representatives of the party on that side."""
        return f"{self.path}/parties/{self.party(side)}/representatives"

    def appointments(self) -> list[Json]:
        """The appointments of the case, in the order of their nomination."""
        return list(self.requesting.get(f"{self.path}/appointments").expect(200)["items"])

    def deadlines(self, person: Person | None = None) -> list[Json]:
        """The deadlines of the case as somebody sees them, by default the requesting side."""
        return deadlines_of(person or self.requesting, self.path)

    def events(self, person: Person | None = None, kind: str | None = None) -> list[Json]:
        """The events of the case, or those of one type, as somebody sees them, by default the requesting side."""
        events = (person or self.requesting).get(f"{self.path}/events?limit=200").expect(200)["items"]
        return [event for event in events if kind in (None, event["type"])]

    def step(self, person: Person, step: str, body: Json | None = None) -> Answer:
        """Take a step."""
        return person.post(f"{self.path}/steps/{step}", body)

    def read(self) -> Json:
        """The case as the requesting side sees it now."""
        self.case = self.requesting.get(self.path).expect(200)
        return self.case

    @beginning
    def opened(self, **more: Any) -> Json:
        """Opened as a draft by the requesting side."""
        body = request(**more)
        for party, member in zip(body["parties"], self.members, strict=False):
            party.setdefault("member_id", member)
        self.case = self.requesting.post("/v1/cases", body).expect(201)
        return self.case

    @beginning
    def lodged(self, **more: Any) -> Json:
        """Lodged, with the responding side's agent admitted."""
        self.opened(**more)
        self.step(self.requesting, "lodge", GIVES).expect(200)
        self.admit(self.registrar, self.responding, self.party("responding"))
        return self.read()

    def admit(
        self, by: Person, person: Person, party_id: str, role: str = "agent", powers: Json | None = POWERS
    ) -> Json:
        """Admit a person as a representative of a party; gives the representative."""
        body = {"user_id": person.id, "role": role, "powers": powers}
        return dict(by.post(f"{self.path}/parties/{party_id}/representatives", body).expect(201))

    def admit_counsel(self, person: Person, side: str = "requesting") -> Json:
        """Let the party on that side admit a person as its counsel, with a mandate; gives the representative."""
        agent = {"requesting": self.requesting, "responding": self.responding}[side]
        return self.admit(agent, person, self.party(side), "counsel", MANDATE)

    @beginning
    def invited(self, **more: Any) -> Json:
        """The other side invited."""
        self.lodged(**more)
        self.step(self.registrar, "invite", {}).expect(200)
        return self.read()

    @beginning
    def consented(self, **more: Any) -> Json:
        """The invitation accepted."""
        self.invited(**more)
        self.step(self.responding, "accept-invitation", GIVES).expect(200)
        return self.read()

    @beginning
    def registered(self, **more: Any) -> Json:
        """Screened and registered, where the rules have these steps; the next step is to nominate a mediator."""
        self.consented(**more)
        if self.case["procedure"] == "iomed-state-2025":
            self.step(self.registrar, "screen").expect(200)
            self.step(self.registrar, "register").expect(200)
        return self.read()

    @beginning
    def nominated(self, **more: Any) -> Json:
        """The mediator nominated by the requesting side; the answer is the appointment."""
        self.registered(**more)
        appointment = self.nominate(self.requesting, self.mediator_id)
        self.read()
        return appointment

    def nominate(self, by: Person, mediator_id: str) -> Json:
        """Nominate somebody of the roster; gives the appointment."""
        return dict(by.post(f"{self.path}/appointments", {"mediator_id": mediator_id}).expect(201))

    def accepted(self, mediator: Person, appointment: Json) -> str:
        """The declaration made and the responding side's acceptance given; the answer is the appointment's path."""
        path = f"/v1/appointments/{appointment['id']}"
        mediator.post(f"{path}/declare", {"independent": True}).expect(200)
        self.responding.post(f"{path}/accept").expect(200)
        return path

    @beginning
    def mediating(self, **more: Any) -> Json:
        """The mediator declared, accepted and confirmed."""
        self.confirmed(self.mediator, self.nominated(**more))
        return self.read()

    def confirmed(self, mediator: Person, appointment: Json) -> str:
        """A nominated mediator accepted by the responding side and confirmed; the answer is the appointment's path."""
        path = self.accepted(mediator, appointment)
        self.registrar.post(f"{path}/confirm").expect(200)
        return path

    def resign(self, reason: str = "Called to office.") -> None:
        """Let the mediator resign from the first appointment."""
        self.mediator.post(f"/v1/appointments/{self.appointments()[0]['id']}/resign", {"reason": reason}).expect(204)

    def succeeded(self) -> tuple[Person, str]:
        """A successor nominated and accepted by every party, to be confirmed; with the appointment's path."""
        successor, mediator_id = self.house.mediator("Suki Cessor")
        return successor, self.accepted(successor, self.nominate(self.requesting, mediator_id))

    def lodged_with_third_state(self, side: str) -> str:
        """Lodged with Soli as a second party on that side, which has no agent yet; gives the id of that party."""
        names = {"requesting": "Republic of Ostrava", "responding": "Kingdom of Vedria"}
        parties = [{"side": each, "kind": "state", "name": name} for each, name in names.items()]
        soli = {"side": side, "kind": "state", "name": "Soli", "member_id": self.house.member("Soli")}
        self.lodged(parties=[*parties, soli])
        return next(str(party["id"]) for party in self.case["parties"] if party["name"] == "Soli")

    def third_party_admitted(self) -> tuple[Person, str]:
        """A third State added on a side of its own, with its agent; the State must still join. With the party's id."""
        agent = self.house.person("Lata Comer")
        body = {"side": "side-3", "kind": "state", "name": "Soli", "member_id": self.house.member("Soli")}
        party_id = str(self.registrar.post(f"{self.path}/parties", body).expect(201)["id"])
        self.admit(self.registrar, agent, party_id)
        return agent, party_id

    def third_party_joined(self) -> tuple[Person, str]:
        """A third State that joined after the case began: its agent, and the party's id."""
        agent, party_id = self.third_party_admitted()
        self.step(agent, "join", GIVES).expect(200)
        return agent, party_id

    def session(self, kind: str = "joint", side: str | None = None, **more: Any) -> Json:
        """A session scheduled by the mediator, by default for June, even where it overlaps another one."""
        body = {
            "kind": kind,
            "title": "First meeting",
            "starts_at": "2026-06-01T10:00",
            "ends_at": "2026-06-01T12:00",
            "audience": "participants" if kind == "joint" else "caucus",
            "party_ids": [self.party(side)] if side else [],
            "despite_overlap": True,
            **more,
        }
        return dict(self.mediator.post(f"{self.path}/sessions", body).expect(201))

    def hold(self, session: Json, name: str = "Mina Datar", capacity: str = "mediator", **attendee: str) -> Json:
        """A session held, with one person in attendance."""
        body = {"attendance": [{"name": name, "capacity": capacity, **attendee}]}
        return dict(self.mediator.post(f"{self.path}/sessions/{session['id']}/hold", body).expect(200))

    def filing(self, person: Person, audience: str, *sides: str, text: str = "As set out.", **more: Any) -> Json:
        """A filing drafted and submitted."""
        parties = [self.party(side) for side in sides]
        body = {"kind": "statement", "title": "Statement", "text": text, "audience": audience, "party_ids": parties}
        draft = person.post(f"{self.path}/filings", {**body, **more}).expect(201)
        return dict(person.post(f"{self.path}/filings/{draft['id']}/submit").expect(200))

    def draft(self, person: Person | None = None, **more: Any) -> Json:
        """A draft of the settlement that all participants read."""
        body = {
            "title": "Agreement on the Serin",
            "language": "en",
            "clauses": CLAUSES,
            "audience": "participants",
            **more,
        }
        return dict((person or self.mediator).post(f"{self.path}/settlement/drafts", body).expect(201))

    def brought_to(self, stage: str, **more: Any) -> Json:
        """The case at that stage of its rules, by the shortest way."""
        ways: dict[str, Callable[..., Json]] = {
            "draft": self.opened,
            "lodged": self.lodged,
            "invited": self.invited,
            "consented": self.consented,
            "agreed": self.registered,
            "registered": self.registered,
            "mediating": self.mediating,
        }
        if stage in ways:
            ways[stage](**more)
        elif stage == "screened":
            self.consented(**more)
            self.step(self.registrar, "screen").expect(200)
        else:
            self.mediating(**more)
            text = self.frozen()
            if stage == "closed":
                self.signed(text)
        return self.read()

    @beginning
    def frozen(self, **more: Any) -> Json:
        """A draft frozen as the text to sign."""
        if not self.case:
            self.mediating()
        return dict(self.freeze(self.draft(**more)).expect(200))

    def freeze(self, draft: Json, **headers: str) -> Answer:
        """The mediator's request to freeze a draft."""
        path = f"{self.path}/settlement/drafts/{draft['id']}/freeze"
        return self.mediator.post(path, {"sha256": draft["sha256"]}, **headers)

    def sign(self, person: Person, side: str, text: Json, capacity: str = "agent", **headers: str) -> Answer:
        """A party's request to sign the frozen text, by its agent or in another capacity."""
        body = {
            "draft_id": text["id"],
            "sha256": text["sha256"],
            "party_id": self.party(side),
            "capacity": capacity,
        }
        return person.post(f"{self.path}/settlement/signatures", body, **headers)

    @beginning
    def settled(self) -> Json:
        """The case closed by the signatures of both sides."""
        return self.signed(self.frozen())

    def signed(self, text: Json) -> Json:
        """The case after both sides have signed a frozen text."""
        self.sign(self.requesting, "requesting", text).expect(201)
        self.sign(self.responding, "responding", text).expect(201)
        return self.read()
