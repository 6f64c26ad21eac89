"""`accord check` says in a clear word what is well and what is not."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from app import checking
from app.checking import look_at
from app.settings import Settings
from tests.institution import House
from tests.story import Dispute


def found(settings: Settings, **moved: float) -> dict[str, tuple[bool, str]]:
    """What each look says."""
    now = datetime.now(UTC) + timedelta(**moved)
    return {one.name: (one.well, one.says) for one in look_at(settings, lambda: now)}


def test_an_installation_that_is_well_is_well_at_every_look(house: House, dispute: Dispute) -> None:
    dispute.lodged()
    looks = found(house.settings)
    assert all(well for well, _says in looks.values()), looks
    names = [
        "settings",
        "rule sets",
        "master key",
        "zone data",
        "free disk",
        "document storage",
        "database",
        "tables",
        "clock",
    ]
    assert list(looks) == [*names, "rule sets in use", "sealed contents"]
    assert ("SQLite 3." if house.settings.is_sqlite else "PostgreSQL ") in looks["database"][1]


def test_each_fault_has_its_word(
    house: House, dispute: Dispute, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dispute.lodged()
    settings = house.settings

    def fault(name: str, words: str, changed: Settings = settings, **moved: float) -> None:
        well, says = found(changed, **moved)[name]
        assert (well, words in says) == (False, True), says

    other = settings.model_copy(update={"master_key": SecretStr("A" * 43 + "=")})
    fault("sealed contents", "does not open", other)
    fault("master key", "base64", settings.model_copy(update={"master_key": SecretStr("é")}))
    gone = settings.model_copy(update={"database_url": f"sqlite:///{tmp_path}/nothing/here.db"})
    fault("database", "run 'accord migrate'", gone)
    fault("free disk", "no folder", gone)
    nowhere = settings.model_copy(update={"database_url": "postgresql+psycopg://nobody@127.0.0.1:1/none"})
    fault("database", "cannot reach", nowhere)
    if not settings.is_sqlite:
        fault("clock", "apart", hours=1)
    with monkeypatch.context() as older:
        older.setattr("app.migrating.head", lambda: "20990101")
        fault("tables", "accord migrate")
    with monkeypatch.context() as full:
        full.setattr(checking, "LEAST_FREE", 1 << 60)
        fault("free disk", "too little")
