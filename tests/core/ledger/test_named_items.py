"""Events name every item that their act changed, and no item that one of their readers cannot read."""

import os
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import update

from app.core.access.session import GatedSession
from app.core.ledger import service as ledger
from app.core.tables.members import Member
from tests.changes import Unnamed, watching
from tests.installation import House
from tests.recording import record


def test_the_events_of_every_operation_name_what_it_changed(tmp_path: Path) -> None:
    """Each operation that acts succeeds once; `ACCORD_TEST_CHANGES=1` has every other test watched as well."""
    with watching() as watch:
        record(tmp_path)
    assert len(watch.types) > 90
    assert watch.unnamed == set()
    assert watch.hidden == set()


def test_an_act_without_an_event_and_an_event_without_its_item_are_found(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    member_id = house.member("Kesh")

    def withdraw(db: GatedSession) -> None:
        db.execute(update(Member).where(Member.id == UUID(member_id)).values(standing="exited"))

    with watching() as watch:
        house.database.in_transaction(withdraw, os.urandom)
    assert watch.unnamed == {Unnamed("members", ("standing",), ())}
    recorded = ledger.record

    def record_nothing(db: GatedSession, act: Any, kind: str, payload: Any, *more: Any) -> None:
        recorded(db, act, kind, {}, *more)

    monkeypatch.setattr(ledger, "record", record_nothing)
    with watching() as watch:
        house.member("Ilmar")
    assert watch.unnamed == {Unnamed("members", (), ("member-entered",))}
