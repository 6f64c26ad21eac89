"""Whether an installation is well: one look after the other, each with a word on what it found."""

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
from app.core.db import Database, is_postgresql, sqlite
from app.core.errors import Misconfigured, Problem, Unavailable
from app.core.files.storage import Storage
from app.core.sealer import Sealer
from app.core.tables.cases import Case
from app.core.tables.contents import DataKey
from app.core.tables.institution import Institution
from app.core.tables.signing import SigningKey
from app.institution.signing import service as signing
from app.operations import readers as access
from app.operations import signatures
from app.operations.migrating import is_ahead, is_at_head, unreachable
from app.proceedings.documents import inventory
from app.rules.loader import BadRuleSet, library, use_folder
from app.settings import Settings, unknown_settings

# More than a clock drifts between two looks of a time service; deadlines end on the second.
MOST_APART = 5
LEAST_FREE = 200 * 1024 * 1024
OLDEST_POSTGRESQL = 14


@dataclass(frozen=True, slots=True)
class HealthFinding:
    """What one look found, and whether it is well."""

    name: str
    says: str
    well: bool


def look_at(settings: Settings, now: Callable[[], datetime], *, documents: bool = False) -> Iterator[HealthFinding]:
    """Every look at an installation, the settings first; what cannot be looked at is a finding too.

    With `documents` each is read to its end and held against what is known of it.
    """
    yield HealthFinding("settings", f"read, for {'SQLite' if settings.is_sqlite else 'PostgreSQL'}", True)
    for name in unknown_settings():
        yield HealthFinding("settings", f"there is none of this name: {name}", False)
    yield _found("rule sets", lambda: _rule_sets(settings))
    yield _found("master key", lambda: _key(settings))
    yield _found("zone data", _zones)
    yield _found("free disk", lambda: _free_disk(settings))
    yield _found("document storage", lambda: _storage(settings))
    yield from _database(settings, now)
    if documents:
        yield from _documents(settings, now)


def _storage(settings: Settings) -> str:
    storage = Storage(settings)
    if storage.folder is not None and not storage.folder.exists():
        # Asked, it would be made: a volume that is not mounted would look like one without a document.
        return f"not made yet; it will be, in {storage.place}"
    try:
        storage.check()
    except Unavailable as problem:
        raise Misconfigured(f"{storage.place} cannot be reached, or not be written to.") from problem
    return f"{storage.place} answers"


def _documents(settings: Settings, now: Callable[[], datetime]) -> Iterator[HealthFinding]:
    """Storage and database held against each other: each fault by name, and one word if there is none."""
    database = Database(settings, guard, GatedSession)
    try:
        with database.read(os.urandom) as db:
            db.sealer = _sealer(settings)
            known = inventory.expected(db)
        faults = list(inventory.compare(known, Storage(settings), now()))
    except (Problem, Misconfigured) as problem:
        yield HealthFinding("documents", str(problem), False)
        return
    finally:
        database.dispose()
    for fault in faults:
        named = f"document {fault.document_id}, " if fault.document_id else ""
        yield HealthFinding("documents", f"{fault.kind}: {named}object {fault.object_key}", False)
    if not faults:
        yield HealthFinding("documents", f"{len(known)}, each whole and what was uploaded", True)


def _found(name: str, look: Callable[[], str]) -> HealthFinding:
    try:
        return HealthFinding(name, look(), True)
    except (Problem, Misconfigured, BadRuleSet) as problem:
        return HealthFinding(name, str(problem), False)


def _rule_sets(settings: Settings) -> str:
    if settings.rules_folder is not None:
        use_folder(settings.rules_folder)
    own = f", your own from {settings.rules_folder} among them" if settings.rules_folder else ""
    return f"{len(library())} loaded{own}"


def _key(settings: Settings) -> str:
    if _is_without_key(settings):
        return f"not there yet; made on first use, in {key_file(settings)}"
    _sealer(settings)
    return "given"


def _is_without_key(settings: Settings) -> bool:
    """Whether the service would make a master key, which a look must not."""
    return settings.is_sqlite and settings.master_key is None and not key_file(settings).exists()


def _sealer(settings: Settings) -> Sealer:
    if _is_without_key(settings):
        raise Misconfigured(
            f"The master key that sealed this registry is not there: put it back, in {key_file(settings)}."
        )
    return Sealer(master_key(settings, os.urandom, lambda _said: None))


def require_key(db: GatedSession, settings: Settings) -> None:
    """Misconfigured unless the master key is the one that sealed this registry; if nothing is sealed, any will do."""
    sealed = select(or_(exists(select(DataKey.case_id)), exists(select(SigningKey.id))))
    if _is_without_key(settings) and not db.execute(sealed).scalar_one():
        return
    db.sealer = _sealer(settings)
    check_key(db)


def _zones() -> str:
    try:
        known = zoneinfo.ZoneInfo("Asia/Hong_Kong").utcoffset(datetime(2026, 1, 1, tzinfo=UTC).replace(tzinfo=None))
    except zoneinfo.ZoneInfoNotFoundError as problem:
        raise Misconfigured("There is no data of time zones: install tzdata.") from problem
    if known is None or known.total_seconds() != 8 * 3600:
        raise Misconfigured("The data of time zones is wrong: Hong Kong is not at +08:00.")
    return f"tzdata {version('tzdata')}"


def _free_disk(settings: Settings) -> str:
    folders = []
    if settings.is_sqlite:
        folders.append(Path(make_url(settings.database_url).database or ".").resolve().parent)
    if (documents := Storage(settings).folder) is not None:
        # The last folder is made when it is needed.
        folders.append(next(one for one in (documents.resolve(), *documents.resolve().parents) if one.exists()))
    return ", ".join(_free_in(folder) for folder in dict.fromkeys(folders)) or "nothing is kept on this machine"


def _free_in(folder: Path) -> str:
    if not folder.is_dir():
        raise Misconfigured(f"There is no folder {folder}.")
    if not os.access(folder, os.W_OK):
        raise Misconfigured(f"The folder {folder} cannot be written to.")
    free = shutil.disk_usage(folder).free
    if free < LEAST_FREE:
        least = LEAST_FREE // 1024**2
        raise Misconfigured(f"{free // 1024**2} MiB are free in {folder}: too little, {least} MiB are needed.")
    return f"{free // 1024**2} MiB in {folder}"


def _database(settings: Settings, now: Callable[[], datetime]) -> Iterator[HealthFinding]:
    path = make_url(settings.database_url).database
    if settings.is_sqlite and not Path(path or "").exists():
        yield HealthFinding("database", f"There is no database at {path}: run 'accord migrate' first.", False)
        return
    try:
        database = Database(settings, guard, GatedSession)
    except Misconfigured as problem:
        yield HealthFinding("database", str(problem), False)
        return
    looks: dict[str, Callable[[GatedSession], str]] = {
        "database": _version,
        "tables": _tables,
        "clock": lambda db: _clock(db, now),
        "worker": lambda db: _worker(db, now),
        "rule sets in use": rule_sets_in_use,
        "sealed contents": lambda db: _opens(db, settings),
    }
    opens = False
    try:
        for name, look in looks.items():
            finding = _found(name, lambda look=look: _with(database, look))  # type: ignore[misc]
            yield finding
            if not finding.well and name in ("database", "tables"):
                return
            opens = finding.well
        yield from _readers(database)
        if opens and not _is_without_key(settings):
            yield from _signed(database, settings)
    finally:
        database.dispose()


def _with(database: Database[GatedSession], look: Callable[[GatedSession], str]) -> str:
    try:
        with database.read(os.urandom) as db:
            return look(db)
    except Unavailable as problem:
        cause = problem.__cause__ if isinstance(problem.__cause__, DBAPIError) else None
        raise Misconfigured(unreachable(database.settings, cause)) from problem


def _readers(database: Database[GatedSession]) -> Iterator[HealthFinding]:
    """Who may read what, as it is written and as the policy says: each difference by its ids, and one word if none.

    It is read part by part, so that a service beside it waits for nothing.
    """
    cases = rows = differences = 0
    for audit in (access.audit_cases, access.audit_outside_cases):
        after: Any = None
        while True:
            try:
                with database.read(os.urandom) as db:
                    part = audit(db, after)
            except Problem as problem:
                yield HealthFinding("readers", str(problem), False)
                return
            cases, rows, differences = cases + part.cases, rows + part.rows, differences + len(part.differences)
            for one in part.differences:
                where = f"case {one.case_id}, " if one.case_id else ""
                yield HealthFinding(
                    "readers", f"{where}audience {one.audience_id}: {one.principal_id} {one.why}", False
                )
            after = part.last
            if after is None:
                break
    if not differences:
        yield HealthFinding("readers", f"{rows} of {cases} cases and of the institution, each as its policy says", True)


def rule_sets_in_use(db: GatedSession) -> str:
    """A case keeps its rule set for life: Misconfigured unless each that a case is under is there."""
    with as_system(db):
        used = set(db.execute(select(Case.procedure).distinct()).scalars())
    if missing := sorted(used - set(library())):
        raise Misconfigured(f"Cases are under rule sets that are not loaded: {', '.join(missing)}.")
    return f"{len(used)}, each loaded"


def _version(db: GatedSession) -> str:
    if is_postgresql(db):
        number = int(db.execute(text("SHOW server_version_num")).scalar_one())
        if number < OLDEST_POSTGRESQL * 10_000:
            raise Misconfigured(f"PostgreSQL {number // 10_000} is too old: {OLDEST_POSTGRESQL} is the oldest.")
        return f"answers, PostgreSQL {number // 10_000}.{number % 10_000}"
    journal = db.execute(text("PRAGMA journal_mode")).scalar_one()
    return f"answers, SQLite {sqlite.sqlite_version}, journal {journal}"


def _tables(db: GatedSession) -> str:
    if is_ahead(db.connection()):
        return "at a later release, whose tables hold this one's"
    if not is_at_head(db.connection()):
        raise Misconfigured("not at this release's tables: run 'accord migrate'")
    return "at this release"


def _clock(db: GatedSession, now: Callable[[], datetime]) -> str:
    """Hold this machine's clock against the database's, which is another machine's where it is another machine."""
    if not is_postgresql(db):
        return f"{now().isoformat(timespec='seconds')}"
    theirs: datetime = db.execute(text("SELECT clock_timestamp()")).scalar_one()
    apart = abs((now() - theirs).total_seconds())
    if apart > MOST_APART:
        raise Misconfigured(f"This machine's clock and the database's are {apart:.0f} s apart.")
    return f"within {MOST_APART} s of the database's"


def _worker(db: GatedSession, now: Callable[[], datetime]) -> str:
    """When the worker was last here; whether it should have been, only the operator knows."""
    worked_at = db.execute(select(Institution.worked_at)).scalar()
    if worked_at is None:
        return "has not been here yet"
    return f"was last here {max((now() - worked_at).total_seconds(), 0):.0f} s ago"


def _signed(database: Database[GatedSession], settings: Settings) -> Iterator[HealthFinding]:
    """The institution's keys, its receipts and its certificates: each fault by name, and one word if there is none."""
    with database.read(os.urandom) as db:
        db.sealer = _sealer(settings)
        unusable = signing.unusable(db)
        for key_id in unusable:
            why = "does not open by the master key, or its halves do not belong together."
            yield HealthFinding("signing keys", f"Key {key_id} {why}", False)
        if not unusable:
            yield HealthFinding("signing keys", "each opens, and signs what its public half verifies", True)
        whole = destroyed = altered = 0
        for one in signatures.audit(db):
            if one.why is not None:
                altered += 1
                yield HealthFinding("certificates", f"{one.kind} {one.id}: {one.why}", False)
            destroyed += one.destroyed
            whole += not one.destroyed
        if not altered:
            gone = f"; {destroyed} more cannot be read since the key of their case was destroyed" if destroyed else ""
            yield HealthFinding("certificates", f"{whole}, receipts too, each as it was signed{gone}", True)


def _opens(db: GatedSession, settings: Settings) -> str:
    require_key(db, settings)
    return "nothing is sealed yet" if _is_without_key(settings) else "the master key opens them"
