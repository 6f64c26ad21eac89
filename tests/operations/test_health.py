"""`accord check` reports what is sound and what is not."""

import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from pydantic import SecretStr
from sqlalchemy import Connection, Engine, text
from sqlalchemy.event import listens_for

from app.core.contents.keys import make_key_file
from app.core.sealer import NO_KEY
from app.operations import health
from app.operations.health import look_at
from app.operations.migrating import migrate
from app.settings import Settings
from tests.installation import House, straight_to
from tests.story import Dispute


def reports(settings: Settings, **moved: float) -> dict[str, tuple[bool, str]]:
    """The report of each check."""
    now = datetime.now(UTC) + timedelta(**moved)
    return {look.name: (look.well, look.says) for look in look_at(settings, lambda: now)}


def test_every_check_of_a_sound_installation_passes(house: House, dispute: Dispute) -> None:
    dispute.lodged()
    looks = reports(house.settings)
    assert all(well for well, _says in looks.values()), looks
    names = [
        "settings",
        "rule sets",
        "master key",
        "zone data",
        "free disk",
        "document storage",
        "database",
        *(() if house.settings.is_sqlite else ("sessions",)),
        "tables",
        "clock",
    ]
    assert list(looks) == [
        *names,
        "worker",
        "rule sets in use",
        "sealed contents",
        "readers",
        "ledger",
        "signing keys",
        "certificates",
    ]
    assert ("SQLite 3." if house.settings.is_sqlite else "PostgreSQL ") in looks["database"][1]


def test_each_fault_is_named(house: House, dispute: Dispute, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dispute.lodged()
    settings = house.settings

    def fault(name: str, words: str, changed: Settings = settings, **moved: float) -> None:
        well, says = reports(changed, **moved)[name]
        assert (well, words in says) == (False, True), says

    other = settings.model_copy(update={"master_key": SecretStr("A" * 43 + "=")})
    fault("sealed contents", "does not open", other)
    fault("master key", "base64", settings.model_copy(update={"master_key": SecretStr("é")}))
    gone = settings.model_copy(update={"database_url": f"sqlite:///{tmp_path}/nothing/here.db"})
    fault("database", "run 'accord migrate'", gone)
    fault("free disk", "no folder", gone)
    nowhere = settings.model_copy(update={"database_url": "postgresql+psycopg://nobody@127.0.0.1:1/none"})
    fault("database", "nobody@127.0.0.1:1/none: connection failed", nowhere)
    if not settings.is_sqlite:
        fault("clock", "apart", hours=1)
    with monkeypatch.context() as older:
        older.setattr("app.operations.migrating.head", lambda: "20990101")
        fault("tables", "accord migrate")
    with monkeypatch.context() as full:
        full.setattr(health, "LEAST_FREE", 1 << 60)
        fault("free disk", "too little")


def test_the_check_creates_no_master_key_and_reports_a_missing_one(tmp_path: Path, without_tables: Settings) -> None:
    settings = Settings(database_url=f"sqlite:///{tmp_path / 'own.db'}")
    if not without_tables.is_sqlite:
        settings = without_tables.model_copy(update={"master_key": None, "master_key_file": tmp_path / "own.db.key"})
    migrate(settings)
    key = tmp_path / "own.db.key"
    looks = reports(settings)
    assert not key.exists()
    if not settings.is_sqlite:
        assert (looks["master key"][0], looks["sealed contents"][0]) == (False, False)
        return
    assert looks["sealed contents"] == (True, "nothing is sealed yet")
    make_key_file(key, os.urandom)
    with House.open(settings) as house:
        Dispute(house).opened()
    key.rename(tmp_path / "kept")
    well, says = reports(settings)["sealed contents"]
    assert (well, f"put it back, in {key}" in says, key.exists()) == (False, True, False), says


def test_a_database_migrated_by_a_later_release_is_served_and_reported(
    house: House, dispute: Dispute, sweeper: Engine
) -> None:
    dispute.lodged()
    version = text("SELECT version_num FROM alembic_version")
    write = text("UPDATE alembic_version SET version_num = :given")
    with sweeper.begin() as db:
        kept = db.execute(version).scalar_one()
        db.execute(write, {"given": "20990101_later"})
    try:
        assert reports(house.settings)["tables"] == (True, "at a later release, whose tables include this release's")
        assert house.client.get("/readyz").status_code == 200
        migrate(house.settings)
        with sweeper.connect() as db:
            assert db.execute(version).scalar_one() == "20990101_later"
    finally:
        with sweeper.begin() as db:
            db.execute(write, {"given": kept})


def test_free_disk_space_is_checked_in_the_document_storage_too(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    documents = tmp_path / "documents"
    documents.mkdir()
    real = shutil.disk_usage
    full = lambda folder: real(folder)._replace(free=0) if folder == documents else real(folder)  # noqa: E731
    monkeypatch.setattr("app.operations.health.shutil.disk_usage", full)
    well, says = reports(house.settings.model_copy(update={"storage": str(documents)}))["free disk"]
    assert (well, f"0 MiB are free in {documents}" in says) == (False, True), says


def test_a_misspelled_setting_is_reported(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACCORD_MASTERKEY", "secret")
    (fault,) = [fault for fault in faults(settings) if fault.startswith("settings: ")]
    assert fault == "settings: unknown setting: ACCORD_MASTERKEY (did you mean ACCORD_MASTER_KEY?)"


def faults(settings: Settings) -> list[str]:
    """The faults that the check reports, each by name."""
    return [f"{look.name}: {look.says}" for look in look_at(settings, lambda: datetime.now(UTC)) if not look.well]


@pytest.fixture
def sweeper(house: House, settings: Settings) -> Iterator[Engine]:
    """A connection that bypasses the service; its transactions switch the triggers off."""
    engine = straight_to(settings)

    @listens_for(engine, "begin")
    def switch_off(connection: Connection) -> None:
        # At each beginning: a restored beginning of a story brings its triggers back.
        if settings.is_sqlite:
            query = "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'events'"
            for name in connection.execute(text(query)).scalars().all():
                connection.execute(text(f"DROP TRIGGER {name}"))
        else:
            connection.execute(text("ALTER TABLE events DISABLE TRIGGER USER"))

    yield engine
    if not settings.is_sqlite:
        with engine.begin() as connection:
            connection.execute(text("ALTER TABLE events ENABLE TRIGGER USER"))
    engine.dispose()


def flipped(data: bytes, place: int) -> bytes:
    """The same value with one bit flipped."""
    changed = bytearray(data)
    changed[place] ^= 1 << (place % 8)
    return bytes(changed)


def test_a_flipped_bit_in_any_certificate_receipt_or_key_is_detected_and_named(
    house: House, dispute: Dispute, sweeper: Engine
) -> None:
    dispute.settled()
    other = Dispute(house, " II")
    other.mediating()
    for audience, sides in (("participants", ()), ("caucus", ("requesting",)), ("court", ())):
        other.filing(other.requesting, audience, *sides)
    assert faults(house.settings) == []
    with sweeper.connect() as db:
        certificates = db.execute(text("SELECT id, kind, content_id, signature FROM certificates")).all()
        (key,) = db.execute(text("SELECT id, public_key, wrapped FROM signing_keys")).all()
    assert sorted(certificate.kind for certificate in certificates) == ["receipt", "receipt", "receipt", "settlement"]

    def reports(table: str, column: str, id: object, place: int) -> list[str]:
        """The faults reported after a bit of a value was flipped; the value is restored afterwards."""
        read = text(f"SELECT {column} FROM {table} WHERE id = :id")
        write = text(f"UPDATE {table} SET {column} = :value WHERE id = :id")
        with sweeper.begin() as db:
            kept = bytes(db.execute(read, {"id": id}).scalar_one())
            db.execute(write, {"id": id, "value": flipped(kept, place % len(kept))})
        reported = faults(house.settings)
        with sweeper.begin() as db:
            db.execute(write, {"id": id, "value": kept})
        return reported

    for number, document in enumerate(certificates):
        for table, column, id in (
            ("certificates", "signature", document.id),
            ("contents", "body", document.content_id),
        ):
            for place in (0, -1, 20 + number):
                reported, *ledger = reports(table, column, id, place)[::-1]
                assert reported.startswith(f"certificates: {document.kind} {UUID(str(document.id))}: "), reported
                # The ledger may have a commitment to a sealed content, and has none to a signature.
                assert [fault.partition(":")[0] for fault in ledger] in ([], ["ledger"] * (table == "contents"))
    assert len(reports("signing_keys", "public_key", key.id, 5)) == 1 + len(certificates)
    assert len(reports("signing_keys", "wrapped", key.id, 5)) == 1
    assert faults(house.settings) == []


OTHERS = "(SELECT content_id, signature FROM certificates WHERE kind = 'receipt' ORDER BY id LIMIT 1)"
ANOTHER = "(SELECT commitment FROM events WHERE type = 'text-frozen')"
# A change that bypasses the service, and the report about the settlement's certificate or about a receipt.
BEHIND: list[tuple[str, str, str]] = [
    ("DELETE FROM events WHERE type = 'certificate-issued'", "settlement", "the ledger has no entry for it"),
    (
        f"UPDATE events SET commitment = {ANOTHER} WHERE type = 'certificate-issued'",
        "settlement",
        "its content differs from the commitment in the ledger",
    ),
    ("UPDATE events SET seq = seq + 1000", "receipt", "differs from the ledger"),
    ("UPDATE events SET hash = previous_hash WHERE seq > 1", "settlement", "differs from the ledger"),
    (
        f"UPDATE certificates SET (content_id, signature) = {OTHERS} WHERE kind = 'receipt'",
        "receipt",
        "its content is that of another certificate",
    ),
    (
        "DELETE FROM contents WHERE id IN (SELECT content_id FROM certificates)",
        "receipt",
        "was altered after it was sealed",
    ),
]


@pytest.mark.parametrize(("statement", "kind", "why"), BEHIND, ids=[why for _statement, _kind, why in BEHIND])
def test_a_certificate_that_contradicts_the_ledger_is_detected_and_named(
    house: House, dispute: Dispute, sweeper: Engine, statement: str, kind: str, why: str
) -> None:
    dispute.mediating()
    for _number in range(2):
        dispute.filing(dispute.requesting, "participants")
    dispute.settled()
    with sweeper.begin() as db:
        db.execute(text(statement))
    reported = [fault for fault in faults(house.settings) if fault.startswith("certificates: ")]
    assert any(fault.startswith(f"certificates: {kind} ") and fault.endswith(why) for fault in reported), reported


def test_contents_destroyed_with_their_case_are_reported_and_are_no_fault(
    house: House, dispute: Dispute, sweeper: Engine
) -> None:
    dispute.settled()
    other = Dispute(house, " II")
    other.lodged()
    other.filing(other.requesting, "party-registry", "requesting")
    with sweeper.begin() as db:
        gone = text(
            "UPDATE data_keys SET wrapped = :none "
            "WHERE case_id = (SELECT case_id FROM certificates WHERE kind = 'settlement')"
        )
        db.execute(gone, {"none": NO_KEY})
    report = reports(house.settings)["certificates"]
    why = "1 more are unreadable because the key of their case was destroyed"
    assert report == (True, f"1 certificates and receipts, all valid; {why}")


def test_the_check_does_not_create_a_missing_document_folder(house: House, tmp_path: Path) -> None:
    absent = tmp_path / "not mounted"
    well, says = reports(house.settings.model_copy(update={"storage": str(absent)}))["document storage"]
    assert well
    assert says == f"not created yet; the service creates {absent} on first use"
    assert not absent.exists()
