"""The dispute between two States about the waters of a river, brought as far as a test needs it."""

from collections.abc import Callable
from copy import copy
from typing import Any

from tests.installation import Answer, House, Json, Person

CONSENT = {"basis": "treaty-clause", "instrument": "Serin Waters Treaty, article 12", "given_on": "2026-02-20"}
POWERS = {"kind": "full-powers", "issued_by": "Head of State", "issued_on": "2026-02-10"}
GIVES = {"fields": {"consent": CONSENT, "powers": POWERS}}
UNCITRAL = {"procedure": "uncitral-2021", "category": "state-state"}
CLAUSES = [
    {"number": "1", "text": "The flow at the border gauge is shared by thirds."},
    {"number": "2", "text": "A joint gauge is read by both sides each month."},
]


def request(**more: Any) -> Json:
    """A request that every gate would let pass once all have consented."""
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


class Dispute:
    """One case with its people; each method takes the story one act further and returns what was answered."""

    def __init__(self, house: House, number: str = "") -> None:
        self.house = house
        self.registrar = house.registrar
        self.requesting = house.person(f"Olga Strand{number}")
        self.responding = house.person(f"Viktor Drian{number}")
        self.mediator, self.mediator_id = house.mediator(f"Mina Datar{number}")
        self.members = [house.member(f"Republic of Ostrava{number}"), house.member(f"Kingdom of Vedria{number}")]
        self.case: Json = {}

    def again(self, house: House) -> "Dispute":
        """The same people in another day of their house, before anything is opened."""
        dispute = copy(self)
        dispute.house, dispute.registrar, dispute.members, dispute.case = house, house.registrar, [*self.members], {}
        dispute.requesting, dispute.responding = house.knowing(self.requesting), house.knowing(self.responding)
        dispute.mediator = house.knowing(self.mediator)
        house.requests = self.house.requests
        return dispute

    @property
    def path(self) -> str:
        """The case's address."""
        return f"/v1/cases/{self.case['id']}"

    def party(self, side: str) -> str:
        """The id of the party on that side."""
        return next(str(party["id"]) for party in self.case["parties"] if party["side"] == side)

    def step(self, person: Person, step: str, body: Json | None = None) -> Answer:
        """Take a step."""
        return person.post(f"{self.path}/steps/{step}", body)

    def read(self) -> Json:
        """The case as the requesting side sees it now."""
        self.case = self.requesting.get(self.path).expect(200)
        return self.case

    def opened(self, **more: Any) -> Json:
        """Opened as a draft by the requesting side."""
        given = request(**more)
        for party, member in zip(given["parties"], self.members, strict=False):
            party.setdefault("member_id", member)
        self.case = self.requesting.post("/v1/cases", given).expect(201)
        return self.case

    def lodged(self, **more: Any) -> Json:
        """Lodged, with the responding side's agent admitted."""
        self.opened(**more)
        self.step(self.requesting, "lodge", GIVES).expect(200)
        agent = {"user_id": self.responding.id, "role": "agent", "powers": POWERS}
        self.registrar.post(f"{self.path}/parties/{self.party('responding')}/representatives", agent).expect(201)
        return self.read()

    def invited(self, **more: Any) -> Json:
        """The other side invited."""
        self.lodged(**more)
        self.step(self.registrar, "invite", {}).expect(200)
        return self.read()

    def consented(self, **more: Any) -> Json:
        """The invitation accepted."""
        self.invited(**more)
        self.step(self.responding, "accept-invitation", GIVES).expect(200)
        return self.read()

    def registered(self, **more: Any) -> Json:
        """Screened and registered, where the rules know that; from here on a mediator is sought."""
        self.consented(**more)
        if self.case["procedure"] == "iomed-state-2025":
            self.step(self.registrar, "screen").expect(200)
            self.step(self.registrar, "register").expect(200)
        return self.read()

    def nominated(self, **more: Any) -> Json:
        """A mediator nominated by the requesting side; the answer is the appointment."""
        self.registered(**more)
        given = {"mediator_id": self.mediator_id}
        appointment: Json = self.requesting.post(f"{self.path}/appointments", given).expect(201)
        self.read()
        return appointment

    def mediating(self, **more: Any) -> Json:
        """The mediator declared, accepted and confirmed."""
        appointment = f"/v1/appointments/{self.nominated(**more)['id']}"
        self.mediator.post(f"{appointment}/declare", {"independent": True}).expect(200)
        self.responding.post(f"{appointment}/accept").expect(200)
        self.registrar.post(f"{appointment}/confirm").expect(200)
        return self.read()

    def session(self, kind: str = "joint", side: str | None = None, **more: Any) -> Json:
        """A session scheduled by the mediator."""
        given = {
            "kind": kind,
            "title": "First meeting",
            "starts_at": "2026-06-01T10:00",
            "ends_at": "2026-06-01T12:00",
            "audience": "participants" if kind == "joint" else "caucus",
            "party_ids": [self.party(side)] if side else [],
            **more,
        }
        return dict(self.mediator.post(f"{self.path}/sessions", given).expect(201))

    def filing(self, person: Person, audience: str, *sides: str, text: str = "As set out.", **more: Any) -> Json:
        """A filing drafted and submitted."""
        parties = [self.party(side) for side in sides]
        given = {"kind": "statement", "title": "Statement", "text": text, "audience": audience, "party_ids": parties}
        draft = person.post(f"{self.path}/filings", {**given, **more}).expect(201)
        return dict(person.post(f"{self.path}/filings/{draft['id']}/submit").expect(200))

    def draft(self, person: Person | None = None, **more: Any) -> Json:
        """A draft of the settlement before all participants."""
        given = {
            "title": "Agreement on the Serin",
            "language": "en",
            "clauses": CLAUSES,
            "audience": "participants",
            **more,
        }
        return dict((person or self.mediator).post(f"{self.path}/settlement/drafts", given).expect(201))

    def brought_to(self, stage: str, **more: Any) -> Json:
        """Brought to that stage of its rules by the shortest way."""
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
                self.sign(self.requesting, "requesting", text).expect(201)
                self.sign(self.responding, "responding", text).expect(201)
        return self.read()

    def frozen(self, **more: Any) -> Json:
        """A draft frozen as the text to sign."""
        if not self.case:
            self.mediating()
        draft = self.draft(**more)
        path = f"{self.path}/settlement/drafts/{draft['id']}/freeze"
        return dict(self.mediator.post(path, {"sha256": draft["sha256"]}).expect(200))

    def sign(self, person: Person, side: str, text: Json, **headers: str) -> Answer:
        """A party's signature under the frozen text."""
        given = {
            "draft_id": text["id"],
            "sha256": text["sha256"],
            "party_id": self.party(side),
            "capacity": "agent",
        }
        return person.post(f"{self.path}/settlement/signatures", given, **headers)

    def settled(self) -> Json:
        """Both sides have signed."""
        text = self.frozen()
        self.sign(self.requesting, "requesting", text).expect(201)
        self.sign(self.responding, "responding", text).expect(201)
        return self.read()
