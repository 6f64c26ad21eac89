"""A request sends few statements to the database, whatever the number of parties."""

import os
from typing import Any

import pytest

from app.core.access.gate import insert_rows
from app.core.access.session import GatedSession
from app.core.db import together
from app.core.errors import Conflict
from app.core.tables.cases import ReferenceNumber
from tests.installation import House
from tests.sql_statements import recorded_statements
from tests.story import CONSENT, POWERS, Dispute


def sides(number: int) -> list[dict[str, str]]:
    """So many parties, one on each side."""
    names = ["requesting", "responding", *(f"side-{n}" for n in range(3, number + 1))]
    return [{"side": side, "kind": "state", "name": f"State {side}"} for side in names]


@pytest.mark.parametrize("parties", [2, 9])
def test_reading_a_case_takes_at_most_six_statements(house: House, dispute: Dispute, parties: int) -> None:
    dispute.opened(parties=sides(parties))
    for number in range(5):
        dispute.requesting.post(f"{dispute.path}/third-states", {"name": f"Third {number}"}).expect(201)
    with recorded_statements(house.database.engine) as seen:
        dispute.requesting.get(dispute.path).expect(200)
    assert len(seen) <= 6, seen


@pytest.mark.parametrize("parties", [2, 9])
def test_listing_fifty_cases_takes_at_most_six_statements(house: House, dispute: Dispute, parties: int) -> None:
    for _case in range(51):
        dispute.opened(parties=sides(parties))
    with recorded_statements(house.database.engine) as seen:
        assert len(dispute.requesting.get("/v1/cases").expect(200)["items"]) == 50
    assert len(seen) <= 6, seen


@pytest.mark.parametrize("parties", [2, 9])
def test_a_step_takes_at_most_twenty_statements(house: House, dispute: Dispute, parties: int) -> None:
    gives = {"fields": {"consent": CONSENT, "powers": POWERS}}
    dispute.opened(parties=sides(parties))
    counts: dict[str, list[str]] = {}

    def step(person: Any, name: str, body: Any = None, path: str | None = None, status: int = 200) -> Any:
        with recorded_statements(house.database.engine) as seen:
            answer = person.post(path or f"{dispute.path}/steps/{name}", body).expect(status)
        counts[name] = seen
        return answer

    step(dispute.requesting, "lodge", gives)
    dispute.admit(dispute.registrar, dispute.responding, dispute.party("responding"))
    step(dispute.registrar, "invite", {"due_on": "2026-04-01"})
    step(dispute.responding, "accept-invitation", gives)
    if parties == 2:
        dispute.case = {}
        dispute.consented()
        step(dispute.registrar, "screen")
        step(dispute.registrar, "register", {"due_on": "2026-04-01"})
    step(dispute.requesting, "withdraw", {"reason": "x"})
    assert {name: len(seen) for name, seen in counts.items() if len(seen) > 20} == {}, counts


def test_a_refusal_of_a_batched_write_is_reported_like_any_other(house: House) -> None:
    first = [{"year": 1999, "last": 1}]

    def twice(db: GatedSession) -> None:
        with together(db):
            insert_rows(db, ReferenceNumber, first)
            insert_rows(db, ReferenceNumber, first)

    with pytest.raises(Conflict, match="at the same moment"):
        house.database.in_transaction(twice, os.urandom)
    house.database.in_transaction(lambda db: insert_rows(db, ReferenceNumber, first), os.urandom)
