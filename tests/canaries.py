"""Canaries: words in every confidential act, which tests search for afterwards."""

from tests.installation import House
from tests.story import EARLIER, Dispute

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
    """A story in which each text that people write contains its own canary."""
    dispute = Dispute(house)
    words = WORDS
    dispute.opened(
        summary=words["summary"], instruments=[{"kind": "treaty", "title": words["instrument"], "articles": ["1"]}]
    )
    fields = {
        "consent": {"basis": "ad-hoc", "instrument": words["consent"], "given_on": "2026-03-01"},
        "powers": {"kind": "full-powers", "issued_by": words["powers"], "issued_on": "2026-03-01"},
    }
    dispute.step(dispute.requesting, "lodge", {"fields": fields}).expect(200)
    dispute.admit(dispute.registrar, dispute.responding, dispute.party("responding"), powers=fields["powers"])
    dispute.step(dispute.registrar, "invite", {"reason": words["reason"]}).expect(200)
    dispute.step(dispute.responding, "accept-invitation", {"fields": fields}).expect(200)
    dispute.step(dispute.registrar, "screen").expect(200)
    dispute.step(dispute.registrar, "register").expect(200)
    other, other_id = house.mediator("Nino Tane")
    declined = dispute.nominate(dispute.requesting, other_id)
    other.post(f"/v1/appointments/{declined['id']}/decline", {"reason": words["decline"]}).expect(204)
    appointment = dispute.nominate(dispute.requesting, dispute.mediator_id)
    path = f"/v1/appointments/{appointment['id']}"
    dispute.mediator.post(f"{path}/declare", {"independent": True, "disclosures": words["disclosures"]}).expect(200)
    dispute.responding.post(f"{path}/accept").expect(200)
    dispute.registrar.post(f"{path}/confirm").expect(200)
    dispute.filing(dispute.requesting, "participants", title=words["filingtitle"], text=words["filingtext"])
    dispute.filing(dispute.requesting, "caucus", "requesting", text=words["confidence"])
    session = dispute.session(title=words["sessiontitle"], place=words["sessionplace"], **EARLIER)
    dispute.hold(session, words["attendance"], "agent")
    dispute.frozen(title=words["drafttitle"], clauses=[{"number": "1", "text": words["clause"]}])
    return dispute
