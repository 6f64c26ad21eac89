"""A case in mediation and a settled case, with an item of each kind in them."""

from dataclasses import dataclass
from datetime import timedelta
from zoneinfo import ZoneInfo

from tests.installation import House, Json, Person
from tests.pdfs import PDF
from tests.request_bodies import REQUESTS
from tests.story import GIVES, Dispute


@dataclass
class World:
    """A case in mediation with a late party, and a settled one."""

    house: House
    open: Dispute
    settled: Dispute
    late: Person
    ids: dict[str, str]


def build(house: House) -> World:
    """A world with everything that an operation can act on."""
    dispute, other = Dispute(house, "a"), Dispute(house, "b")
    ids = {}
    dispute.lodged(third_states=[{"name": "Soli"}])
    ids["third"] = dispute.case["third_states"][0]["id"]
    filed = {"third_state_id": ids["third"], "basis": "ad-hoc", "given_on": "2026-02-20"}
    ids["consent"] = dispute.registrar.post(f"{dispute.path}/consents", filed).expect(201)["id"]
    dispute.registrar.post(f"{dispute.path}/consents/{ids['consent']}/confirm").expect(200)
    _brought_to_mediation(dispute)
    ids["appointment"] = dispute.appointments()[0]["id"]
    # It has begun, on the day of the mediator's confirmation, whatever the clock of the house says.
    day = house.clock.now.astimezone(ZoneInfo("Asia/Hong_Kong")).date().isoformat()
    ids["session"] = dispute.hold(dispute.session(starts_at=f"{day}T00:00", ends_at=f"{day}T00:30"))["id"]
    ids["filing"] = dispute.filing(dispute.requesting, "participants")["id"]
    dispute.registrar.post(f"{dispute.path}/filings/{ids['filing']}/acceptance").expect(200)
    ids["withdrawn filing"] = dispute.filing(dispute.requesting, "participants")["id"]
    dispute.requesting.post(f"{dispute.path}/filings/{ids['withdrawn filing']}/withdraw").expect(200)
    ids["document"] = _filed_document(dispute)
    ids["text"] = _text_document(dispute)
    counsel = house.person("Corvin Unsel")
    path = dispute.representatives()
    ids["counsel"] = dispute.admit_counsel(counsel)["id"]
    dispute.requesting.post(f"{path}/{ids['counsel']}/end").expect(200)
    late_party = {"side": "side-3", "kind": "state", "name": "Late", "member_id": house.member("Late")}
    party = dispute.registrar.post(f"{dispute.path}/parties", late_party).expect(201)["id"]
    late = house.person("Lata Comer")
    dispute.admit(dispute.registrar, late, party)
    dispute.filing(late, "participants")
    proposed = {"stream": shared_stream(dispute.requesting, dispute)}
    ids["closure"] = dispute.registrar.post("/v1/closures", REQUESTS["ClosureIn"]).expect(201)["id"]
    dispute.registrar.post(f"/v1/closures/{ids['closure']}/withdraw").expect(200)
    dispute.registrar.post("/v1/closures", REQUESTS["ClosureIn"]).expect(201)
    ids["disclosure"] = dispute.requesting.post(f"{dispute.path}/disclosures", proposed).expect(201)["id"]
    other.settled()
    ids["closed appointment"] = other.appointments()[0]["id"]
    ids["draft"] = other.requesting.get(f"{other.path}/settlement/drafts").expect(200)["items"][0]["id"]
    return World(house, dispute, other, late, ids)


def _filed_document(dispute: Dispute) -> str:
    body = {"kind": "notice", "title": "x", "text": "x", "audience": "participants"}
    filing = f"{dispute.path}/filings/{dispute.requesting.post(f'{dispute.path}/filings', body).expect(201)['id']}"
    head = {"content-type": "text/plain", "content-disposition": "attachment; filename=annex.txt"}
    sent = dispute.requesting.send("POST", f"{filing}/documents", content=b"Annex", headers=head).expect(201)
    dispute.requesting.post(f"{filing}/submit").expect(200)
    return str(sent["id"])


def _text_document(dispute: Dispute) -> str:
    path = f"{dispute.path}/settlement/drafts/{dispute.draft(dispute.requesting)['id']}/documents"
    head = {"content-type": "application/pdf", "content-disposition": "attachment; filename=text.pdf"}
    sent = dispute.requesting.send("POST", f"{path}?language=en&relation=authentic-text", content=PDF, headers=head)
    return str(sent.expect(201)["id"])


def events_of(person: Person, dispute: Dispute) -> list[Json]:
    """The events that a person reads."""
    return list(dispute.events(person))


def shared_stream(person: Person, dispute: Dispute) -> str:
    """The oldest stream of all participants that a person reads."""
    return next(str(event["stream"]) for event in events_of(person, dispute) if event["audience"] == "participants")


def _brought_to_mediation(dispute: Dispute) -> None:
    now = dispute.house.clock.now
    dispute.step(dispute.registrar, "invite", {"due_on": (now + timedelta(days=30)).date().isoformat()}).expect(200)
    # A day and an instant in the past, at the seat too, whatever the clock of the house shows.
    served = {
        **REQUESTS["ServiceIn"],
        "party_id": dispute.party("responding"),
        "attempted_on": now.astimezone(ZoneInfo("Asia/Hong_Kong")).date().isoformat(),
        "served_at": now.isoformat(),
    }
    dispute.registrar.post(f"{dispute.path}/service", served).expect(201)
    dispute.step(dispute.responding, "accept-invitation", GIVES).expect(200)
    for step in ("screen", "register"):
        dispute.step(dispute.registrar, step).expect(200)
    dispute.confirmed(dispute.mediator, dispute.nominate(dispute.requesting, dispute.mediator_id))
    dispute.read()
