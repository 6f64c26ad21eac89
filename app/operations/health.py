"""Health checks of an installation, from its settings to each certificate."""

import os
import shutil
import zoneinfo
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from sqlalchemy import exists, or_, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from app.core.access.gate import guard
from app.core.access.session import GatedSession, as_system
from app.core.contents.keys import key_file, master_key
from app.core.contents.service import check_key
from app.core.db import Database, WrongSession, is_postgresql, missing_settings, sqlite
from app.core.errors import Misconfigured, Problem, Unavailable
from app.core.files.storage import Storage
from app.core.ledger.verification import verify_part
from app.core.sealer import Sealer
from app.core.tables.cases import Case
from app.core.tables.contents import DataKey
from app.core.tables.institution import Institution
from app.core.tables.signing import SigningKey
from app.institution.signing import service as signing
from app.operations import readers, signatures
from app.operations.migrating import is_ahead, is_at_head, unreachable
from app.proceedings.documents import inventory
from app.rules.loader import BadRuleSet, library, use_folder
from app.settings import Settings, unknown_settings

# Seconds; more than a clock drifts between two synchronisations. Deadlines end on the second.
MOST_APART = 5
LEAST_FREE = 200 * 1024 * 1024
OLDEST_POSTGRESQL = 14
# So many are verified in a few seconds.
MOST_EVENTS = 20_000


@dataclass(frozen=True, slots=True)
class HealthFinding:
    """Result of one check: what it found, and whether that is in order."""

    name: str
    says: str
    well: bool


def look_at(settings: Settings, now: Callable[[], datetime], *, documents: bool = False) -> Iterator[HealthFinding]:
    """Run every check, settings first; a check that cannot run is a finding too.

    With `documents`, read every document completely and compare it with its record.
    """
    yield HealthFinding("settings", f"read, for {'SQLite' if settings.is_sqlite else 'PostgreSQL'}", True)
    for name in unknown_settings():
        yield HealthFinding("settings", f"unknown setting: {name}", False)
    yield _checked("rule sets", lambda: _rule_sets(settings))
    yield _checked("master key", lambda: _key(settings))
    yield _checked("zone data", _zones)
    yield _checked("free disk", lambda: _free_disk(settings))
    yield _checked("document storage", lambda: _storage(settings))
    yield from _database(settings, now)
    if documents:
        yield from _documents(settings, now)


def _storage(settings: Settings) -> str:
    storage = Storage(settings)
    if storage.folder is not None and not storage.folder.exists():
        # `check` would create the folder, and an unmounted volume would look like an empty storage.
        return f"not created yet; the service creates {storage.place} on first use"
    try:
        storage.check()
    except Unavailable as problem:
        raise Misconfigured(f"{storage.place} cannot be reached or is not writable.") from problem
    return f"{storage.place} is available"


def _documents(settings: Settings, now: Callable[[], datetime]) -> Iterator[HealthFinding]:
    """Compare storage and database: one finding for each fault, or one if there is none."""
    database = Database(settings, guard, GatedSession)
    try:
        with database.read(os.urandom) as db:
            db.sealer = _sealer(settings)
            expected = inventory.expected(db)
        faults = list(inventory.compare(expected, Storage(settings), now()))
    except (Problem, Misconfigured) as problem:
        yield HealthFinding("documents", str(problem), False)
        return
    finally:
        database.dispose()
    for fault in faults:
        document = f"document {fault.document_id}, " if fault.document_id else ""
        yield HealthFinding("documents", f"{fault.kind}: {document}object {fault.object_key}", False)
    if not faults:
        yield HealthFinding("documents", f"{len(expected)} documents, each complete and as uploaded", True)


def _checked(name: str, check: Callable[[], str]) -> HealthFinding:
    try:
        return HealthFinding(name, check(), True)
    except (Problem, Misconfigured, BadRuleSet) as problem:
        return HealthFinding(name, str(problem), False)


def _rule_sets(settings: Settings) -> str:
    if settings.rules_folder is not None:
        use_folder(settings.rules_folder)
    own = f", including your own from {settings.rules_folder}" if settings.rules_folder else ""
    return f"{len(library())} loaded{own}"


def _key(settings: Settings) -> str:
    if _is_without_key(settings):
        return f"not created yet; the service creates it in {key_file(settings)} on first use"
    _sealer(settings)
    return "available"


def _is_without_key(settings: Settings) -> bool:
    """Whether the service would create a master key, which a check must not do."""
    return settings.is_sqlite and settings.master_key is None and not key_file(settings).exists()


def _sealer(settings: Settings) -> Sealer:
    if _is_without_key(settings):
        raise Misconfigured(
            f"The master key that sealed this registry is missing: put it back, in {key_file(settings)}."
        )
    return Sealer(master_key(settings, os.urandom, lambda _message: None))


def require_key(db: GatedSession, settings: Settings) -> None:
    """Raise Misconfigured unless the master key sealed this registry; any key will do if nothing is sealed."""
    sealed = select(or_(exists(select(DataKey.case_id)), exists(select(SigningKey.id))))
    if _is_without_key(settings) and not db.execute(sealed).scalar_one():
        return
    db.sealer = _sealer(settings)
    check_key(db)


def _zones() -> str:
    try:
        offset = zoneinfo.ZoneInfo("Asia/Hong_Kong").utcoffset(datetime(2026, 1, 1, tzinfo=UTC).replace(tzinfo=None))
    except zoneinfo.ZoneInfoNotFoundError as problem:
        raise Misconfigured("The time zone data is missing: install tzdata.") from problem
    if offset is None or offset.total_seconds() != 8 * 3600:
        raise Misconfigured("The time zone data is wrong: Hong Kong is not at +08:00. Reinstall tzdata.")
    return f"tzdata {version('tzdata')}"


def _free_disk(settings: Settings) -> str:
    folders = []
    if settings.is_sqlite:
        folders.append(Path(make_url(settings.database_url).database or ".").resolve().parent)
    if (documents := Storage(settings).folder) is not None:
        # The service creates the last folder when it is needed.
        candidates = (documents.resolve(), *documents.resolve().parents)
        folders.append(next(folder for folder in candidates if folder.exists()))
    return ", ".join(_free_in(folder) for folder in dict.fromkeys(folders)) or "no data on this machine"


def _free_in(folder: Path) -> str:
    if not folder.is_dir():
        raise Misconfigured(f"There is no folder {folder}.")
    if not os.access(folder, os.W_OK):
        raise Misconfigured(f"The folder {folder} is not writable.")
    free = shutil.disk_usage(folder).free
    if free < LEAST_FREE:
        least = LEAST_FREE // 1024**2
        raise Misconfigured(f"{free // 1024**2} MiB are free in {folder}: too little, at least {least} MiB are needed.")
    return f"{free // 1024**2} MiB free in {folder}"


def no_database(path: str | None) -> str:
    """What is wrong where the file of a SQLite database is missing, and what to do."""
    return (
        f"There is no database at {path}: run 'accord migrate' first, or set ACCORD_DATABASE_URL if yours is elsewhere."
    )


def _database(settings: Settings, now: Callable[[], datetime]) -> Iterator[HealthFinding]:
    path = make_url(settings.database_url).database
    if settings.is_sqlite and not Path(path or "").exists():
        yield HealthFinding("database", no_database(path), False)
        return
    try:
        database = Database(settings, guard, GatedSession)
    except Misconfigured as problem:
        yield HealthFinding("database", str(problem), False)
        return
    checks: dict[str, Callable[[GatedSession], str]] = {
        "database": _version,
        **({} if settings.is_sqlite else {"sessions": _sessions}),
        "tables": _tables,
        "clock": lambda db: _clock(db, now),
        "worker": lambda db: _worker(db, now),
        "rule sets in use": rule_sets_in_use,
        "sealed contents": lambda db: _opens(db, settings),
    }
    opens = False
    try:
        for name, check in checks.items():
            finding = _checked(name, lambda check=check: _with(database, check))  # type: ignore[misc]
            yield finding
            if not finding.well and name in ("database", "tables"):
                return
            opens = finding.well
        yield from _readers(database)
        if opens and not _is_without_key(settings):
            yield from _ledger(database, settings)
            yield from _signed(database, settings)
    finally:
        database.dispose()


def _with(database: Database[GatedSession], check: Callable[[GatedSession], str]) -> str:
    try:
        with database.read(os.urandom) as db:
            return check(db)
    except Unavailable as problem:
        cause, settings = problem.__cause__, database.settings
        if isinstance(problem, WrongSession) and isinstance(cause, DBAPIError):
            raise Misconfigured(f"{cause.orig}") from problem
        cause = cause if isinstance(cause, DBAPIError) else None
        raise Misconfigured(unreachable(settings.service_url, cause)) from problem


def _readers(database: Database[GatedSession]) -> Iterator[HealthFinding]:
    """Compare the stored readers with the policy: one finding for each difference, or one if there is none.

    Reads in parts, so that a running service does not have to wait.
    """
    cases = rows = differences = 0
    for audit in (readers.audit_cases, readers.audit_outside_cases):
        after: Any = None
        while True:
            try:
                with database.read(os.urandom) as db:
                    part = audit(db, after)
            except Problem as problem:
                yield HealthFinding("readers", str(problem), False)
                return
            cases, rows, differences = cases + part.cases, rows + part.rows, differences + len(part.differences)
            for difference in part.differences:
                case = f"case {difference.case_id}, " if difference.case_id else ""
                reader = f"audience {difference.audience_id}: {difference.principal_id}"
                yield HealthFinding("readers", f"{case}{reader} {difference.why}", False)
            after = part.last
            if after is None:
                break
    if not differences:
        says = f"{rows} readers in {cases} cases and at the institution, all as the policy requires"
        yield HealthFinding("readers", says, True)


def _ledger(database: Database[GatedSession], settings: Settings) -> Iterator[HealthFinding]:
    """Verify the chains of at most MOST_EVENTS events: one finding for each fault, or one if there is none."""
    try:
        with database.read(os.urandom) as db:
            db.sealer = _sealer(settings)
            part, length = verify_part(db, MOST_EVENTS)
    except Problem as problem:
        yield HealthFinding("ledger", str(problem), False)
        return
    for fault in part.faults:
        entry = f"stream {fault.stream}, entry {fault.seq} ({fault.event_id})"
        yield HealthFinding("ledger", f"{entry}: {fault.why}", False)
    if not part.faults:
        covered = f"{part.events} events in {part.streams} streams"
        if part.events < length:
            covered += f", of {length} in all ('accord ledger verify' verifies every one)"
        yield HealthFinding("ledger", f"{covered}: every chain holds", True)


def rule_sets_in_use(db: GatedSession) -> str:
    """Raise Misconfigured unless the rule set of every case is loaded; a case keeps its rule set for ever."""
    with as_system(db):
        in_use = set(db.execute(select(Case.procedure).distinct()).scalars())
    if missing := sorted(in_use - set(library())):
        named = ", ".join(missing)
        raise Misconfigured(f"Cases use rule sets that are not loaded: {named}. Put them back in ACCORD_RULES_FOLDER.")
    return f"{len(in_use)}, all loaded"


def _version(db: GatedSession) -> str:
    if is_postgresql(db):
        number = int(db.execute(text("SHOW server_version_num")).scalar_one())
        if number < OLDEST_POSTGRESQL * 10_000:
            raise Misconfigured(f"PostgreSQL {number // 10_000} is too old: use {OLDEST_POSTGRESQL} or later.")
        return f"available, PostgreSQL {number // 10_000}.{number % 10_000}"
    journal = db.execute(text("PRAGMA journal_mode")).scalar_one()
    return f"available, SQLite {sqlite.sqlite_version}, journal {journal}"


def _sessions(db: GatedSession) -> str:
    """Raise Misconfigured unless the session has its settings: a pooler does not pass them on."""
    if missing := missing_settings(db):
        raise Misconfigured(
            f"Sessions lack the settings {', '.join(missing)}: run 'accord migrate', then let the pooler reconnect."
        )
    return "have the settings of the service"


def _tables(db: GatedSession) -> str:
    if is_ahead(db.connection()):
        return "at a later release, whose tables include this release's"
    if not is_at_head(db.connection()):
        raise Misconfigured("not at this release's tables: run 'accord migrate'")
    return "at this release"


def _clock(db: GatedSession, now: Callable[[], datetime]) -> str:
    """Compare the clocks of this machine and of the database's."""
    if not is_postgresql(db):
        return f"{now().isoformat(timespec='seconds')}"
    database_now: datetime = db.execute(text("SELECT clock_timestamp()")).scalar_one()
    apart = abs((now() - database_now).total_seconds())
    if apart > MOST_APART:
        raise Misconfigured(
            f"The clocks of this machine and of the database are {apart:.0f} s apart: synchronise them."
        )
    return f"within {MOST_APART} s of the database's"


def _worker(db: GatedSession, now: Callable[[], datetime]) -> str:
    """When the worker ran last; only the operator knows whether it should have."""
    worked_at = db.execute(select(Institution.worked_at)).scalar()
    if worked_at is None:
        return "has not run yet"
    return f"last ran {max((now() - worked_at).total_seconds(), 0):.0f} s ago"


def _signed(database: Database[GatedSession], settings: Settings) -> Iterator[HealthFinding]:
    """Verify the institution's keys, receipts and certificates: one finding for each fault, or one if there is none."""
    with database.read(os.urandom) as db:
        db.sealer = _sealer(settings)
        unusable = signing.unusable(db)
        for key_id in unusable:
            why = "the master key does not open it, or its private and public halves differ"
            yield HealthFinding("signing keys", f"key {key_id}: {why}", False)
        if not unusable:
            yield HealthFinding("signing keys", "the master key opens each, and each matches its public half", True)
        valid = destroyed = faulty = 0
        for signature in signatures.audit(db):
            if signature.why is not None:
                faulty += 1
                yield HealthFinding("certificates", f"{signature.kind} {signature.id}: {signature.why}", False)
            destroyed += signature.destroyed
            valid += not signature.destroyed
        if not faulty:
            unread = (
                f"; {destroyed} more are unreadable because the key of their case was destroyed" if destroyed else ""
            )
            yield HealthFinding("certificates", f"{valid} certificates and receipts, all valid{unread}", True)


def _opens(db: GatedSession, settings: Settings) -> str:
    require_key(db, settings)
    return "nothing is sealed yet" if _is_without_key(settings) else "the master key opens them"
