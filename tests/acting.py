"""A case of five parties on two sides at several moments, and every act that somebody does in it for a party."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from app.core.access.policy import REPRESENTATIVES
from tests.core.http.operations import EVERY
from tests.courts import court, program, referral
from tests.installation import Answer, House, Json, Person
from tests.mixtures import Attempted, statement
from tests.pdfs import pdf
from tests.registries import Registry
from tests.story import GIVES, MANDATE, UNCITRAL, Dispute

EVERYBODY = frozenset(range(5))
REQUESTING, RESPONDING = frozenset({0, 1}), frozenset({2, 3, 4})
UPLOADED = {"content-type": "application/pdf", "content-disposition": "attachment; filename=text.pdf"}
PATHS = {
    operation.id: (operation.method, re.compile(re.sub(r"\{\w+\}", "[^/]+", operation.path)))
    for operation in EVERY.values()
}


@dataclass
class Author(Person):
    """A person whose requests are noted by their operations."""

    sent: set[str] = field(default_factory=set)

    def send(self, method: str, path: str, **request: Any) -> Answer:
        """Send a request as this person."""
        asked = path.partition("?")[0]
        self.sent |= {id for id, (of, shape) in PATHS.items() if of == method and shape.fullmatch(asked)}
        return super().send(method, path, **request)


@dataclass
class Among:
    """A case of five parties on two sides, with an agent for each party, and somebody who came later if they did."""

    dispute: Dispute
    party_ids: list[str] = field(default_factory=list)
    agents: list[Person] = field(default_factory=list)
    appointment: str = ""
    newcomer: Person | None = None
    people: int = 0

    @property
    def path(self) -> str:
        """The path of the case."""
        return self.dispute.path

    def author(self, represented: Iterable[int], role: str) -> Author:
        """A new person who represents these parties in that role."""
        self.people += 1
        person = self.dispute.house.person(f"Author {self.people}")
        for number in represented:
            self.dispute.admit(self.agents[number], person, self.party_ids[number], role)
        return Author(person.name, person.id, person.token, person.client, person.next_request_id)

    def readers(self, event_id: str) -> frozenset[int]:
        """The parties whose agents read an event; nobody reads it who came later."""
        path = f"{self.path}/events/{event_id}"
        if self.newcomer is not None:
            self.newcomer.get(path).expect(404)
        return frozenset(number for number, agent in enumerate(self.agents) if agent.get(path).status == 200)

    def ids(self, numbers: Iterable[int]) -> list[str]:
        """The ids of these parties."""
        return [self.party_ids[number] for number in sorted(numbers)]

    def done(self, attempt: Attempted, **body: object) -> Json:
        """The body of an act, with the party for which its author says that they act."""
        acting_for = {} if attempt.acting_for is None else {"acting_for": self.party_ids[attempt.acting_for]}
        return {**body, **acting_for}

    def query(self, attempt: Attempted) -> str:
        """The query of an upload, with the party for which its author says that they act."""
        return "" if attempt.acting_for is None else f"acting_for={self.party_ids[attempt.acting_for]}"

    def representatives(self, number: int) -> str:
        """The path of the representatives of a party."""
        return f"{self.path}/parties/{self.party_ids[number]}/representatives"

    def other_than(self, numbers: frozenset[int]) -> int:
        """A party of another side than these parties."""
        return 2 if 0 in numbers or 1 in numbers else 0


def invited(house: House, dispute: Dispute) -> Among:
    """The invitation has gone out; every party has an agent."""
    names = ["requesting"] * 2 + ["responding"] * 3
    parties = [{"kind": "state", "side": side, "name": f"State {number}"} for number, side in enumerate(names)]
    dispute.opened(parties=parties, subjects=["water-allocation", "boundary-watercourse"], **UNCITRAL)
    dispute.step(dispute.requesting, "lodge", GIVES).expect(200)
    among = Among(dispute, [party["id"] for party in dispute.case["parties"]], [dispute.requesting])
    for number, party_id in enumerate(among.party_ids[1:], 1):
        among.agents.append(dispute.responding if number == 2 else house.person(f"Agent {number}"))
        dispute.admit(dispute.registrar, among.agents[number], party_id)
    dispute.step(dispute.registrar, "invite", {"due_on": "2026-05-01"}).expect(200)
    return among


def agreed(house: House, dispute: Dispute) -> Among:
    """Every party has consented; a mediator is to be nominated."""
    among = invited(house, dispute)
    for agent in among.agents[2:]:
        dispute.step(agent, "accept-invitation", GIVES).expect(200)
    dispute.step(among.agents[1], "join", GIVES).expect(200)
    return among


def declared(house: House, dispute: Dispute) -> Among:
    """The first party has nominated a candidate, who has declared independence."""
    among = agreed(house, dispute)
    nominated = dispute.nominate(dispute.requesting, dispute.mediator_id)
    among.appointment = f"/v1/appointments/{nominated['id']}"
    dispute.mediator.post(f"{among.appointment}/declare", {"independent": True}).expect(200)
    return among


def mediating(house: House, dispute: Dispute) -> Among:
    """The case is being mediated."""
    among = declared(house, dispute)
    for agent in among.agents[1:]:
        agent.post(f"{among.appointment}/accept").expect(200)
    dispute.registrar.post(f"{among.appointment}/confirm").expect(200)
    assert dispute.read()["phase"] == "sessions"
    return among


def referred(house: House, dispute: Dispute) -> Among:
    """A case that a court referred has been opened; every party has an agent and sees it."""
    names = ["requesting"] * 2 + ["responding"] * 3
    parties = [{"kind": "company", "side": side, "name": f"Company {number}"} for number, side in enumerate(names)]
    sent = program(house, court(house)).post("/v1/referrals", referral(parties=parties)).expect(201)
    case_id = house.registrar.post(f"/v1/referrals/{sent['id']}/accept").expect(200)["case_id"]
    dispute.case = house.registrar.get(f"/v1/cases/{case_id}").expect(200)
    among = Among(dispute, [party["id"] for party in dispute.case["parties"]])
    for number, party_id in enumerate(among.party_ids):
        among.agents.append(house.person(f"Agent {number}"))
        dispute.admit(dispute.registrar, among.agents[number], party_id, powers=MANDATE)
    dispute.step(dispute.registrar, "invite").expect(200)
    return among


@dataclass(frozen=True)
class Tried:
    """An act that was tried: the answer, and the parties that may read of it, by the types of its events."""

    answer: Answer
    events: dict[str, list[frozenset[int]]]


Perform = Callable[[Among, Author, Attempted], Tried]


@dataclass(frozen=True)
class PartyAct:
    """An act for a party: what it names, from where it starts, who may do it, and the operations that it takes.

    It names no party (`none`), one (`one`), an audience (`audience`, `any audience`, `caucus`), or, without saying for
    whom its author acts, the party of its path (`path`) or several parties at once (`several`).
    """

    perform: Perform
    names: str
    operations: tuple[str, ...]
    moment: Callable[[House, Dispute], Among] = mediating
    roles: tuple[str, ...] = REPRESENTATIVES
    parties: frozenset[int] = EVERYBODY
    # Whether it can be done once in a case, so that each trial begins at the moment again.
    once: bool = False

    def at(self, registry: Registry, dispute: Dispute) -> Among:
        """The case from which the act starts."""
        house, begin = dispute.house, self.moment
        return registry.moment(house, f"among_{begin.__name__}", lambda: begin(house, dispute))


ACTS: dict[str, PartyAct] = {}


def party_act(name: str, names: str, *operations: str, **more: Any) -> Callable[[Perform], Perform]:
    """Enter an act."""

    def entered(perform: Perform) -> Perform:
        ACTS[name] = PartyAct(perform, names, operations, **more)
        return perform

    return entered


@party_act("third State", "none", "nameThirdState")
def names_a_third_state(among: Among, author: Author, attempt: Attempted) -> Tried:
    """An act that names no party, and that everybody reads."""
    body = among.done(attempt, name=f"State of {author.name}")
    return Tried(author.post(f"{among.path}/third-states", body), {"third-state-named": [EVERYBODY]})


@party_act("consent", "none", "fileConsent")
def files_a_consent(among: Among, author: Author, attempt: Attempted) -> Tried:
    """The consent of a third State, filed for a party."""
    state = among.agents[0].post(f"{among.path}/third-states", {"name": f"Of {author.name}"}).expect(201)
    consent = {"third_state_id": state["id"], "basis": "ad-hoc", "given_on": "2026-02-20"}
    answer = author.post(f"{among.path}/consents", among.done(attempt, **consent))
    return Tried(answer, {"consent-filed": [EVERYBODY]})


@party_act("answer to the invitation", "none", "takeStep", moment=invited, parties=RESPONDING, once=True)
def accepts_the_invitation(among: Among, author: Author, attempt: Attempted) -> Tried:
    """The acceptance of the invitation, with the consent of the party and the powers of its agent."""
    answer = author.post(f"{among.path}/steps/accept-invitation", among.done(attempt, **GIVES))
    if answer.status == 200:
        consents = author.get(f"{among.path}/consents").expect(200)["items"]
        assert attempt.party is not None
        assert {consent["party_id"] for consent in consents} == set(among.ids({0, attempt.party}))
        return Tried(answer, {"step-taken": [EVERYBODY], "powers-recorded": [frozenset({attempt.party})]})
    return Tried(answer, {"step-taken": []})


@party_act("refusal of the invitation", "none", "takeStep", moment=invited, parties=RESPONDING, once=True)
def declines_the_invitation(among: Among, author: Author, attempt: Attempted) -> Tried:
    """The refusal of the invitation."""
    answer = author.post(f"{among.path}/steps/decline-invitation", among.done(attempt, reason="No."))
    return Tried(answer, {"step-taken": [EVERYBODY]})


@party_act("amended request", "none", "amendCase", moment=invited, parties=REQUESTING, once=True)
def strikes_out_a_subject(among: Among, author: Author, attempt: Attempted) -> Tried:
    """A subject struck out of the request."""
    body = among.done(attempt, subjects=["boundary-watercourse"])
    return Tried(author.patch(among.path, body, if_match="*"), {"case-amended": [EVERYBODY]})


def _deadline(among: Among) -> str:
    (deadline,) = among.dispute.deadlines()
    return f"{among.path}/deadlines/{deadline['id']}"


@party_act("longer term", "none", "extendDeadline", moment=invited, parties=REQUESTING, once=True)
def extends_a_term(among: Among, author: Author, attempt: Attempted) -> Tried:
    """More time for the answer to the invitation."""
    body = among.done(attempt, until_on="2026-06-01", reason="Elections.")
    return Tried(author.post(f"{_deadline(among)}/extend", body), {"deadline-extended": [EVERYBODY]})


@party_act("waived term", "none", "waiveDeadline", moment=invited, parties=REQUESTING, once=True)
def waives_a_term(among: Among, author: Author, attempt: Attempted) -> Tried:
    """No term any more for the answer to the invitation."""
    body = among.done(attempt, reason="We wait.")
    return Tried(author.post(f"{_deadline(among)}/waive", body), {"deadline-waived": [EVERYBODY]})


@party_act("nomination", "none", "nominateMediator", moment=agreed, once=True)
def nominates(among: Among, author: Author, attempt: Attempted) -> Tried:
    """A nomination, by which the party accepts the candidate."""
    body = among.done(attempt, mediator_id=among.dispute.mediator_id)
    answer = author.post(f"{among.path}/appointments", body)
    if answer.status == 201 and attempt.party is not None:
        assert answer.json["accepted_by"] == among.ids({attempt.party})
    return Tried(answer, {"appointment-proposed": [EVERYBODY], "step-taken": [EVERYBODY]})


@party_act(
    "acceptance of a candidate", "none", "acceptAppointment", moment=declared, parties=EVERYBODY - {0}, once=True
)
def accepts_a_candidate(among: Among, author: Author, attempt: Attempted) -> Tried:
    """The acceptance of a candidate whom the first party has nominated."""
    answer = author.post(f"{among.appointment}/accept", among.done(attempt))
    if answer.status == 200 and attempt.party is not None:
        assert set(answer.json["accepted_by"]) == set(among.ids({0, attempt.party}))
    return Tried(answer, {"appointment-accepted": [EVERYBODY]})


@party_act("filing", "any audience", "draftFiling", "amendFiling", "shareFiling", "submitFiling")
def files(among: Among, author: Author, attempt: Attempted) -> Tried:
    """A filing: drafted and changed by its author alone, shared with their side, and submitted."""
    body = statement(attempt.audience, *among.ids(attempt.party_ids))
    answer = author.post(f"{among.path}/filings", among.done(attempt, **body))
    kinds = ("filing-drafted", "filing-amended", "filing-shared", "filing-submitted")
    if answer.status != 201:
        return Tried(answer, {kind: [] for kind in kinds})
    path, own = f"{among.path}/filings/{answer.json['id']}", frozenset({attempt.party or 0})
    author.patch(path, among.done(attempt, text="y"), if_match="*").expect(200)
    author.post(f"{path}/share", among.done(attempt)).expect(200)
    author.post(f"{path}/submit", among.done(attempt)).expect(200)
    assert author.get(f"{path}/receipt").expect(200)["body"]["by"]["party"]["id"] in among.ids(own)
    reading = {number for number, agent in enumerate(among.agents) if agent.get(path).status == 200}
    assert reading == (attempt.party_ids or EVERYBODY)
    nobody, named = frozenset[int](), attempt.party_ids or EVERYBODY
    return Tried(answer, dict(zip(kinds, ([nobody], [nobody], [own], [named]), strict=True)))


@party_act("text", "audience", "draftText", "uploadText")
def drafts_a_text(among: Among, author: Author, attempt: Attempted) -> Tried:
    """A draft of the settlement, to whom it names, with a document in another language.

    One for the author's own side is the author's alone until it is shared.
    """
    body = {"title": "A draft", "language": "en", "clauses": [{"number": "1", "text": "x"}]}
    to = {"audience": attempt.audience, "party_ids": among.ids(attempt.party_ids)}
    answer = author.post(f"{among.path}/settlement/drafts", among.done(attempt, **body, **to))
    if answer.status != 201:
        return Tried(answer, {"text-drafted": []})
    assert attempt.party is not None
    assert answer.json["author_party_id"] == among.party_ids[attempt.party]
    readers = drafted = attempt.party_ids or EVERYBODY
    shared = {}
    if attempt.audience == "party":
        author.post(f"{among.path}/settlement/drafts/{answer.json['id']}/share", among.done(attempt)).expect(200)
        drafted, shared = frozenset(), {"text-shared": [readers]}
    path = f"{among.path}/settlement/drafts/{answer.json['id']}/documents?relation=authentic-text"
    for number in sorted(readers):
        sent = among.agents[number].send("POST", f"{path}&language=zh", content=pdf(900), headers=UPLOADED)
        assert sent.status == (201 if number == attempt.party else 403), sent.response.text
    own = f"{path}&language=fr&{among.query(attempt)}"
    author.send("POST", own, content=pdf(901), headers=UPLOADED).expect(201)
    return Tried(answer, {"text-drafted": [drafted], "document-stored": [readers], **shared})


@party_act("shared text", "one", "shareDraft")
def shares_a_text(among: Among, author: Author, attempt: Attempted) -> Tried:
    """A draft of the settlement for the side of a party, which its author alone sees until it is shared."""
    body = {"title": "Own", "language": "en", "clauses": [{"number": "1", "text": "x"}]}
    to = {"audience": "party", "party_ids": among.ids(attempt.party_ids)}
    answer = author.post(f"{among.path}/settlement/drafts", among.done(attempt, **body, **to))
    if answer.status == 201:
        answer = author.post(f"{among.path}/settlement/drafts/{answer.json['id']}/share", among.done(attempt))
    return Tried(answer, {"text-drafted": [frozenset()], "text-shared": [attempt.party_ids]})


def _draft_of(among: Among, number: int, audience: str = "participants") -> str:
    draft = among.agents[number].post(f"{among.path}/filings", statement(audience)).expect(201)
    path = f"{among.path}/filings/{draft['id']}"
    among.agents[number].post(f"{path}/share").expect(200)
    return path


@party_act("document", "one", "uploadDocument", "removeDocument")
def uploads_and_removes_a_document(among: Among, author: Author, attempt: Attempted) -> Tried:
    """A document to the draft filing of a party, and its removal."""
    (number,) = attempt.party_ids
    path = f"{_draft_of(among, number)}/documents?{among.query(attempt)}"
    answer = author.send("POST", path, content=pdf(902), headers=UPLOADED)
    if answer.status == 201:
        author.post(f"/v1/documents/{answer.json['id']}/remove", among.done(attempt)).expect(204)
    readers = [frozenset({number})]
    return Tried(answer, {"document-stored": readers, "document-removed": readers})


@party_act("withdrawn document", "one", "withdrawDocument")
def withdraws_a_document(among: Among, author: Author, attempt: Attempted) -> Tried:
    """The withdrawal of a document that the agent of a party filed, of which its side alone keeps the document."""
    (number,) = attempt.party_ids
    path, agent = _draft_of(among, number), among.agents[number]
    document = agent.send("POST", f"{path}/documents", content=pdf(903), headers=UPLOADED).expect(201)
    agent.post(f"{path}/submit").expect(200)
    answer = author.post(f"/v1/documents/{document['id']}/withdraw", among.done(attempt))
    return Tried(answer, {"document-withdrawn": [EVERYBODY, frozenset({number})]})


@party_act("withdrawn filing", "one", "withdrawFiling")
def withdraws_a_filing(among: Among, author: Author, attempt: Attempted) -> Tried:
    """The withdrawal of what the agent of a party filed, of which its side alone keeps the text."""
    (number,) = attempt.party_ids
    path = _draft_of(among, number)
    among.agents[number].post(f"{path}/submit").expect(200)
    answer = author.post(f"{path}/withdraw", among.done(attempt))
    return Tried(answer, {"filing-withdrawn": [EVERYBODY, frozenset({number})]})


@party_act("objection to the mediator", "none", "objectToMediator", once=True)
def objects_to_the_mediator(among: Among, author: Author, attempt: Attempted) -> Tried:
    """An objection to the mediator, once for each party."""
    answer = author.post(f"{among.appointment}/object", among.done(attempt, reason="Counsel for a party before."))
    return Tried(answer, {"appointment-objected": [EVERYBODY]})


@party_act("joinder", "none", "joinFiling", "withdrawJoinder")
def joins_a_filing(among: Among, author: Author, attempt: Attempted) -> Tried:
    """A joint filing of all parties that is joined for one of them, and then not."""
    first = among.other_than(attempt.represented)
    body = statement("participants", joint_with=among.ids(EVERYBODY - {first}))
    draft = among.agents[first].post(f"{among.path}/filings", body).expect(201)
    path = f"{among.path}/filings/{draft['id']}"
    answer = author.post(f"{path}/join", among.done(attempt))
    if answer.status == 200:
        answer = author.post(f"{path}/withdraw-joinder", among.done(attempt))
    return Tried(answer, {"filing-joined": [EVERYBODY], "filing-joinder-withdrawn": [EVERYBODY]})


@party_act("signature", "one", "signText")
def signs(among: Among, author: Author, attempt: Attempted) -> Tried:
    """A signature for the party that it names, under a text that is newly frozen."""
    text = among.dispute.freeze(among.dispute.draft()).expect(200)
    (number,) = attempt.party_ids
    signature = {"draft_id": text["id"], "sha256": text["sha256"], "party_id": among.party_ids[number]}
    body = among.done(attempt, **signature, capacity="plenipotentiary")
    return Tried(author.post(f"{among.path}/settlement/signatures", body), {"text-signed": [EVERYBODY]})


def _stream(among: Among, parties: frozenset[int]) -> str:
    """The stream of a caucus with these parties."""
    body = statement("caucus", *among.ids(parties))
    filing = among.dispute.mediator.post(f"{among.path}/filings", body).expect(201)
    path = f"{among.path}/filings/{filing['id']}"
    return str(among.dispute.mediator.post(f"{path}/submit").expect(200)["stream"])


def _add_newcomer(among: Among) -> None:
    """Let a State join that reads nothing earlier."""
    among.newcomer, _party_id = among.dispute.third_party_admitted()


@party_act("proposed disclosure", "caucus", "proposeDisclosure", roles=("agent",), once=True)
def proposes_a_disclosure(among: Among, author: Author, attempt: Attempted) -> Tried:
    """The opening of a caucus to a newcomer, which the agreement of its only party completes."""
    stream = _stream(among, attempt.party_ids)
    _add_newcomer(among)
    answer = author.post(f"{among.path}/disclosures", among.done(attempt, stream=stream))
    if answer.status == 201 and attempt.party is not None:
        assert answer.json["agreed_by"] == among.ids({attempt.party})
    change = "opened" if len(attempt.party_ids) == 1 else "proposed"
    return Tried(answer, {f"disclosure-{change}": [attempt.party_ids]})


@party_act("agreed disclosure", "none", "agreeToDisclosure", roles=("agent",), once=True)
def agrees_to_a_disclosure(among: Among, author: Author, attempt: Attempted) -> Tried:
    """The agreement to open what all parties wrote, which a party of the other side has proposed."""
    filing = among.dispute.filing(among.agents[0], "participants")
    _add_newcomer(among)
    first = among.agents[among.other_than(attempt.represented)]
    proposed = first.post(f"{among.path}/disclosures", {"stream": filing["stream"]}).expect(201)
    answer = author.post(f"{among.path}/disclosures/{proposed['id']}/agree", among.done(attempt))
    return Tried(answer, {"disclosure-agreed": [EVERYBODY]})


@party_act("shared dates", "none", "shareSessionDates", moment=referred, once=True)
def shares_dates_with_the_court(among: Among, author: Author, attempt: Attempted) -> Tried:
    """The agreement that the court may know the dates of joint sessions."""
    answer = author.post(f"{among.path}/referral/share-dates", among.done(attempt))
    return Tried(answer, {"session-dates-agreed": [EVERYBODY]})


@party_act("representative", "path", "admitRepresentative", "recordPowers", roles=("agent",))
def admits_a_representative(among: Among, author: Author, attempt: Attempted) -> Tried:
    """Somebody who is admitted for the party of the path, with powers that only its side and the registry read."""
    (number,) = attempt.party_ids
    person = among.dispute.house.person(f"Admitted by {author.name}")
    body = {"user_id": person.id, "role": "counsel", "powers": MANDATE}
    answer = author.post(among.representatives(number), body)
    if answer.status == 201:
        author.post(f"{among.representatives(number)}/{answer.json['id']}/powers", MANDATE).expect(200)
    own = frozenset({number})
    return Tried(answer, {"representative-admitted": [EVERYBODY], "powers-recorded": [own, own]})


@party_act("end of a representative", "path", "endRepresentative", roles=("agent",))
def ends_a_representative(among: Among, author: Author, attempt: Attempted) -> Tried:
    """Somebody who no longer acts for the party of the path, for a reason that its side and the registry read."""
    (number,) = attempt.party_ids
    person = among.dispute.house.person(f"Ended by {author.name}")
    admitted = among.dispute.admit(among.agents[number], person, among.party_ids[number], "counsel", MANDATE)
    answer = author.post(f"{among.representatives(number)}/{admitted['id']}/end", {"reason": "Retired."})
    return Tried(answer, {"representative-ended": [EVERYBODY], "powers-ended": [frozenset({number})]})


@party_act("common representative", "several", "admitCommonRepresentative", roles=("agent",))
def admits_a_common_representative(among: Among, author: Author, attempt: Attempted) -> Tried:
    """Somebody who is admitted for several parties at once, with powers that their sides and the registry read."""
    person = among.dispute.house.person(f"Common of {author.name}")
    body = {"user_id": person.id, "role": "counsel", "powers": MANDATE, "party_ids": among.ids(attempt.party_ids)}
    answer = author.post(f"{among.path}/representatives", body)
    return Tried(answer, {"common-representative-admitted": [EVERYBODY], "powers-recorded": [attempt.party_ids]})
