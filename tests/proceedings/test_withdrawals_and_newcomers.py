"""The withdrawal of a document opens nothing earlier to those who came to its side later."""

from tests.installation import House
from tests.pdfs import pdf
from tests.story import Dispute


def test_a_withdrawal_opens_no_earlier_document_to_a_later_agent_of_its_side(house: House, dispute: Dispute) -> None:
    dispute.mediating()
    counsel, successor, path = house.person("Carl Ounsel"), house.person("Suki Cessor"), dispute.representatives()
    dispute.admit_counsel(counsel)
    body = {"kind": "statement", "title": "Levels", "text": "As set out.", "audience": "participants", "party_ids": []}
    draft = dispute.requesting.post(f"{dispute.path}/filings", body).expect(201)
    head = {"content-type": "application/pdf", "content-disposition": "attachment; filename=levels.pdf"}
    upload = f"{dispute.path}/filings/{draft['id']}/documents"
    document = dispute.requesting.send("POST", upload, content=pdf(900), headers=head).expect(201)
    dispute.requesting.post(f"{dispute.path}/filings/{draft['id']}/submit").expect(200)
    listed = dispute.requesting.get(path).expect(200)["items"]
    agent = next(one["id"] for one in listed if one["user_id"] == dispute.requesting.id)
    dispute.registrar.post(f"{path}/{agent}/end").expect(200)
    dispute.admit(dispute.registrar, successor, dispute.party("requesting"))
    successor.get(f"/v1/documents/{document['id']}").expect(404)
    counsel.post(f"/v1/documents/{document['id']}/withdraw", {"reason": "By mistake."}).expect(200)
    successor.get(f"/v1/documents/{document['id']}").expect(404)
    successor.get(f"/v1/documents/{document['id']}/content").expect(404)
    counsel.get(f"/v1/documents/{document['id']}").expect(200)
    assert all(document["id"] not in str(event) for event in dispute.events(successor))
