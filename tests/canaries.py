"""Words planted in every confidential act, to search for afterwards."""

from tests.installation import House
from tests.story import Dispute

WORDS = {
    place: f"{place}quetzal"
    for place in (
        "summary",
        "instrument",
        "consent",
        "powers",
        "reason",
        "disclosures",
        "decline",
        "filingtitle",
        "filingtext",
        "confidence",
        "sessiontitle",
        "sessionplace",
        "attendance",
        "drafttitle",
        "clause",
    )
}


def plant(house: House) -> Dispute:
    """A story with a word of its own in everything that people write."""
    dispute = Dispute(house)
    words = WORDS
    dispute.opened(
        summary=words["summary"], instruments=[{"kind": "treaty", "title": words["instrument"], "articles": ["1"]}]
    )
    gives = {
        "consent": {"basis": "ad-hoc", "instrument": words["consent"], "given_on": "2026-03-01"},
        "powers": {"kind": "full-powers", "issued_by": words["powers"], "issued_on": "2026-03-01"},
    }
    dispute.step(dispute.requesting, "lodge", {"fields": gives}).expect(200)
    agent = {"user_id": dispute.responding.id, "role": "agent", "powers": gives["powers"]}
    path = f"{dispute.path}/parties/{dispute.party('responding')}/representatives"
    dispute.registrar.post(path, agent).expect(201)
    dispute.step(dispute.registrar, "invite", {"reason": words["reason"]}).expect(200)
    dispute.step(dispute.responding, "accept-invitation", {"fields": gives}).expect(200)
    dispute.step(dispute.registrar, "screen").expect(200)
    dispute.step(dispute.registrar, "register").expect(200)
    other, other_id = house.mediator("Nino Tane")
    declined = dispute.requesting.post(f"{dispute.path}/appointments", {"mediator_id": other_id}).expect(201)
    other.post(f"/v1/appointments/{declined['id']}/decline", {"reason": words["decline"]}).expect(204)
    appointment = dispute.requesting.post(f"{dispute.path}/appointments", {"mediator_id": dispute.mediator_id}).expect(
        201
    )
    path = f"/v1/appointments/{appointment['id']}"
    dispute.mediator.post(f"{path}/declare", {"independent": True, "disclosures": words["disclosures"]}).expect(200)
    dispute.responding.post(f"{path}/accept").expect(200)
    dispute.registrar.post(f"{path}/confirm").expect(200)
    dispute.filing(dispute.requesting, "participants", title=words["filingtitle"], text=words["filingtext"])
    dispute.filing(dispute.requesting, "caucus", "requesting", text=words["confidence"])
    session = dispute.session(title=words["sessiontitle"], place=words["sessionplace"])
    attendance = {"attendance": [{"name": words["attendance"], "capacity": "agent"}]}
    dispute.mediator.post(f"{dispute.path}/sessions/{session['id']}/hold", attendance).expect(200)
    dispute.frozen(title=words["drafttitle"], clauses=[{"number": "1", "text": words["clause"]}])
    return dispute
