"""People who join a case after it began."""

from tests.installation import House, Person
from tests.story import CONSENT, POWERS, Dispute


def successor_of(house: House, dispute: Dispute) -> Person:
    """A mediator in the place of one who resigned, accepted by every party."""
    person, entry = house.mediator("Suki Cessor")
    appointment = dispute.requesting.post(f"{dispute.path}/appointments", {"mediator_id": entry}).expect(201)
    path = f"/v1/appointments/{appointment['id']}"
    person.post(f"{path}/declare", {"independent": True}).expect(200)
    dispute.responding.post(f"{path}/accept").expect(200)
    return person


def joined(house: House, dispute: Dispute) -> tuple[Person, str]:
    """A third State that joins while the case is in mediation, with its agent."""
    agent = house.person("Lata Comer")
    given = {"side": "side-3", "kind": "state", "name": "Soli", "member_id": house.member("Soli")}
    party = dispute.registrar.post(f"{dispute.path}/parties", given).expect(201)
    admitted = {"user_id": agent.id, "role": "agent", "powers": POWERS}
    dispute.registrar.post(f"{dispute.path}/parties/{party['id']}/representatives", admitted).expect(201)
    dispute.step(agent, "join", {"fields": {"consent": CONSENT, "powers": POWERS}}).expect(200)
    return agent, str(party["id"])
