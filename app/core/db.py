"""The database: column types, engines, sessions, and the transactions of every act."""

import logging
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from importlib import import_module
from typing import Any, Generic, TypeVar
from uuid import UUID

import anyio
import psycopg
import sqlalchemy.exc
from pydantic_core import from_json
from sqlalchemy import (
    JSON,
    Connection,
    DateTime,
    Engine,
    MetaData,
    Row,
    Select,
    cast,
    create_engine,
    event,
    func,
    literal,
    null,
    select,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Dialect, make_url
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.types import TypeDecorator

from app.core.errors import Conflict, Misconfigured, OutcomeUnknown, Unavailable
from app.core.postgresql import (
    SECONDS_OF_A_STATEMENT,
    SECONDS_TO_CONNECT,
    WrongSettings,
    bound_waits,
    is_disconnection,
)
from app.settings import Settings

log = logging.getLogger("accord.database")
sqlite: Any = sqlite3
with suppress(ImportError):  # On Linux a wheel has a newer SQLite than most systems.
    sqlite = import_module("pysqlite3")

Entropy = Callable[[int], bytes]
Answer = TypeVar("Answer")
# Rows and statements of whatever columns.
AnyRow = Row[*tuple[Any, ...]]
AnySelect = Select[*tuple[Any, ...]]

# In earlier releases a checkpoint could corrupt a database in write-ahead mode (the WAL-reset bug).
WAL_SAFE = ((3, 44, 6), (3, 50, 7), (3, 51, 3))
SERIALIZATION_FAILURE, DEADLOCK, LOCK_NOT_AVAILABLE = "40001", "40P01", "55P03"
ATTEMPTS = 4
# What the driver and the service rely on, whatever the role, the database or the server has: the driver reads instants
# in the ISO form alone.
RELIED_ON = {
    "TimeZone": "UTC",
    "DateStyle": "ISO, MDY",
    "IntervalStyle": "postgres",
    "client_encoding": "UTF8",
    "bytea_output": "hex",
}
# The settings of the service's sessions, each as PostgreSQL shows it.
OF_SESSIONS = {
    # The generic plan of a prepared statement is very slow for people with many cases.
    "plan_cache_mode": "force_custom_plan",
    # In memory and on solid-state disks, index pages cost no more than others: with the default of 4, a list reads
    # a whole table rather than look up fifty rows.
    "random_page_cost": "1.1",
    # Compiling a statement to machine code takes longer than running any statement of ours.
    "jit": "off",
    "statement_timeout": f"{SECONDS_OF_A_STATEMENT}s",
    "lock_timeout": "10s",
    "idle_in_transaction_session_timeout": "1min",
    **RELIED_ON,
}
# A command of the operator takes as long as it takes, even where the role has the limits of the service.
_WITHOUT_LIMITS = {"statement_timeout": "0", "lock_timeout": "0", "idle_in_transaction_session_timeout": "0"}


class UtcDateTime(TypeDecorator[datetime]):
    """An instant, aware and in UTC in Python, whatever the database stores."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """The value for the database; raises ValueError for an instant without a zone."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("an instant needs a zone")
        instant = value.astimezone(UTC)
        return instant.replace(tzinfo=None) if dialect.name == "sqlite" else instant

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """The value from the database, in UTC."""
        return None if value is None else value.replace(tzinfo=UTC)

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any] | None:
        """None for PostgreSQL, whose sessions return instants in UTC (RELIED_ON)."""
        return super().result_processor(dialect, coltype) if dialect.name == "sqlite" else None


Json = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


class Base(DeclarativeBase):
    """The parent of every table."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: UtcDateTime(), dict[str, Any]: Json, list[Any]: Json, list[str]: Json}


class DatabaseSession(Session):
    """A session with the source of random bytes for its transaction."""

    def __init__(self, bind: Engine, entropy: Entropy) -> None:
        super().__init__(bind)
        self.entropy = entropy


def random_bytes(db: DatabaseSession, length: int) -> bytes:
    """`length` random bytes from the source of the transaction."""
    return db.entropy(length)


def new_id(db: DatabaseSession) -> UUID:
    """A random identifier (UUID version 4, which does not reveal when it was made)."""
    return UUID(bytes=random_bytes(db, 16), version=4)


def is_postgresql(db: Session) -> bool:
    """Whether the session is connected to PostgreSQL."""
    return db.get_bind().dialect.name == "postgresql"


@contextmanager
def together(db: Session) -> Iterator[None]:
    """Send the writes of a block in one round trip, which ends with the block; nothing can be read inside it.

    SQLite, which needs no round trip, executes them one by one.
    """
    if not is_postgresql(db):
        yield
        return
    driver: Any = db.connection().connection.driver_connection
    try:
        with driver.pipeline():
            yield
    except psycopg.Error as problem:
        # SQLAlchemy wraps the errors of the statements that it waits for; this one it did not wait for.
        raise sqlalchemy.exc.DBAPIError.instance(
            None, None, problem, psycopg.Error, hide_parameters=True, dialect=db.get_bind().dialect
        ) from problem


def sqlstate(problem: sqlalchemy.exc.DBAPIError) -> str | None:
    """PostgreSQL's code of an error, if it has one."""
    return getattr(problem.orig, "sqlstate", None)


AnySession = TypeVar("AnySession", bound=DatabaseSession)


class Database(Generic[AnySession]):
    """The engine of an installation, and its transactions.

    `guard` installs the audience gate on the engine; no database is opened without it.
    """

    def __init__(self, settings: Settings, guard: Callable[[Engine], None], session_class: type[AnySession]) -> None:
        self.settings = settings
        self.is_sqlite = settings.is_sqlite
        self.engine = _sqlite_engine(settings) if self.is_sqlite else _postgresql_engine(settings)
        guard(self.engine)
        self._session_class = session_class
        self._reading, self._writing = self._engines()
        self.threads = anyio.CapacityLimiter(settings.pool_size)
        # SQLite has one writer. Others wait here, in order and without holding a thread.
        self.writer = anyio.CapacityLimiter(1) if self.is_sqlite else self.threads

    def _engines(self) -> tuple[Engine, Engine]:
        if self.is_sqlite:
            return self.engine, self.engine.execution_options(writes=True)
        reading = self.engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        return reading, self.engine

    @contextmanager
    def read(self, entropy: Entropy) -> Iterator[AnySession]:
        """A consistent, read-only snapshot; raises Unavailable if the database is lost."""
        with _domain_errors(), self._session_class(self._reading, entropy) as db:
            yield db
            # After a rollback the driver would forget the statements that it has prepared.
            db.commit()

    @contextmanager
    def write(self, entropy: Entropy) -> Iterator[AnySession]:
        """A transaction, committed at the end and rolled back on any exception.

        Raises Unavailable if the database is lost before the commit was sent, and OutcomeUnknown if it is lost then.
        """
        with _domain_errors(), self._session_class(self._writing, entropy) as db:
            yield db
            db.flush()
            with _commit_errors():
                db.commit()

    def in_transaction(self, act: Callable[[AnySession], Answer], entropy: Entropy) -> Answer:
        """Run `act` in a transaction, and again after a collision, or once if the connection is lost before the commit.

        Raises Unavailable after ATTEMPTS collisions or a second loss.
        """
        losses = 0
        for _attempt in range(ATTEMPTS):
            try:
                with self.write(entropy) as db:
                    return act(db)
            except Collision:
                continue
            except Disconnected:
                losses += 1
                if losses > 1:
                    raise
        raise Unavailable

    def dispose(self) -> None:
        """Close every connection."""
        self.engine.dispose()


class Disconnected(Unavailable):
    """The connection to the database was lost at once; another one may work."""


class WrongSession(Unavailable):
    """The pooler's sessions lack settings that the service relies on, so none of them is used."""


class Collision(Exception):
    """The transaction collided with another and was rolled back; it may be tried again."""


@contextmanager
def _domain_errors() -> Iterator[None]:
    try:
        yield
    except sqlalchemy.exc.IntegrityError as problem:
        # Services check before they write: this transaction lost a race for a unique value.
        raise Conflict(
            "It already exists: another request created it at the same moment. Read it before you send yours again.",
            "exists",
        ) from problem
    except sqlalchemy.exc.DBAPIError as problem:
        if sqlstate(problem) in (SERIALIZATION_FAILURE, DEADLOCK):
            raise Collision from problem
        if isinstance(problem, sqlalchemy.exc.OperationalError | sqlalchemy.exc.InterfaceError):
            if isinstance(problem.orig, WrongSettings):
                log.warning("the database cannot be used: %s", problem.orig)
                raise WrongSession from problem
            # The kind only: the message may contain a value.
            kind = getattr(problem.orig, "sqlite_errorname", None) or sqlstate(problem) or type(problem.orig).__name__
            log.warning("the database failed: %s", kind)
            raise (Disconnected if is_disconnection(problem.orig) else Unavailable) from problem
        raise
    except sqlalchemy.exc.TimeoutError as problem:
        raise Unavailable from problem


@contextmanager
def _commit_errors() -> Iterator[None]:
    """Raise OutcomeUnknown for a lost connection; errors that the database itself answered are as before."""
    try:
        yield
    except sqlalchemy.exc.DBAPIError as problem:
        if _has_refused(problem):
            raise
        kind = getattr(problem.orig, "sqlite_errorname", None) or sqlstate(problem) or type(problem.orig).__name__
        log.warning("the database was lost during a commit: %s", kind)
        raise OutcomeUnknown from problem


def _has_refused(problem: sqlalchemy.exc.DBAPIError) -> bool:
    """Whether the database said that the commit failed and was rolled back."""
    if isinstance(problem.orig, sqlite.Error):
        # An error of the disk while the pages are written: a crash after it may replay them or not.
        return not str(getattr(problem.orig, "sqlite_errorname", "")).startswith("SQLITE_IOERR")
    state = sqlstate(problem)
    # 57P01 to 57P03 end the connection in whatever state the commit was; 40003 says that it is not known.
    return state is not None and not state.startswith(("08", "57P", "40003"))


def _wal_is_safe(version: tuple[int, int, int]) -> bool:
    same_line = [fixed for fixed in WAL_SAFE if fixed[:2] == version[:2]]
    return version >= max(WAL_SAFE) or any(version >= fixed for fixed in same_line)


def _sqlite_engine(settings: Settings) -> Engine:
    engine = create_engine(
        settings.database_url,
        module=sqlite,
        pool_size=settings.pool_size + 2,
        max_overflow=0,
        pool_timeout=10,
        hide_parameters=True,
        json_deserializer=from_json,
        connect_args={"timeout": 15, "isolation_level": None},
    )
    journal = "WAL" if _wal_is_safe(sqlite.sqlite_version_info) else "DELETE"

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: object) -> None:
        for pragma in ("foreign_keys=ON", "synchronous=FULL", f"journal_mode={journal}", "trusted_schema=OFF"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Any) -> None:
        # A deferred transaction that reads and then writes fails if another has written in between.
        writes = connection.get_execution_options().get("writes")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _session_options(options: dict[str, str]) -> str:
    # A space within a value would end it.
    return " ".join(f"-c {name}={value}" for name, value in options.items()).replace(", ", ",\\ ")


def bare_engine(database_url: str, **more: Any) -> Engine:
    """An engine without the gate, for commands of the operator; on PostgreSQL it sets what sessions rely on."""
    if make_url(database_url).get_backend_name() == "postgresql":
        more["connect_args"] = {"options": _session_options(_WITHOUT_LIMITS | RELIED_ON)}
    return create_engine(database_url, **more)


def _postgresql_engine(settings: Settings) -> Engine:
    if make_url(settings.database_url).drivername != "postgresql+psycopg":
        raise Misconfigured("ACCORD_DATABASE_URL must begin with sqlite:/// or postgresql+psycopg://")
    connect: dict[str, Any] = {
        "application_name": "accord",
        "connect_timeout": SECONDS_TO_CONNECT,
        # A machine that is gone acknowledges nothing: give it up. (`bound_waits` is for a server that hangs.)
        "tcp_user_timeout": 15000,
        "keepalives_idle": 15,
        "keepalives_interval": 5,
        "keepalives_count": 3,
    }
    if settings.pooler_url is None:
        connect["options"] = _session_options(OF_SESSIONS)
    else:
        # The role has the settings: a pooler of transactions takes none, and each transaction may have another session,
        # which does not know what was prepared in the last one.
        connect["prepare_threshold"] = None
    engine = create_engine(
        settings.service_url,
        pool_size=settings.pool_size + 2,
        max_overflow=0,
        pool_timeout=10,
        pool_pre_ping=True,
        hide_parameters=True,
        json_deserializer=from_json,
        connect_args=connect,
    )
    bound_waits(engine, RELIED_ON)
    # Rows that are written together go in one statement: with one each, they would be most of the cost of a new case.
    engine.dialect.use_insertmanyvalues_wo_returning = True
    return engine


def set_on_role(connection: Connection, role: str) -> None:
    """Let a role have the settings of the service's sessions in this database, also where a pooler opens them.

    Raises Misconfigured if the role of the connection may not change that role.
    """
    quoted = select(func.quote_ident(role), func.quote_ident(func.current_database()))
    name, database = connection.execute(quoted).one()
    try:
        for setting, value in OF_SESSIONS.items():
            text = f"ALTER ROLE {name} IN DATABASE {database} SET {setting} TO '{value}'"
            connection.exec_driver_sql(text.replace("%", "%%"))
    except sqlalchemy.exc.ProgrammingError as problem:
        raise Misconfigured(
            "ACCORD_POOLER_URL must name the role of ACCORD_DATABASE_URL, or one that this role may change."
        ) from problem


def missing_settings(db: Session) -> list[str]:
    """The names of the settings of the service's sessions that the present session does not have."""
    shown = db.execute(select(*(func.current_setting(name).label(name) for name in OF_SESSIONS))).one()
    return [name for name, value in OF_SESSIONS.items() if getattr(shown, name) != value]


def columns_of_kind(what: str, shape: dict[str, Any], **columns: Any) -> AnySelect:
    """Select the columns of one kind of row for a UNION of several kinds; columns that the kind lacks are NULL."""
    selected: list[Any] = [columns.get(name, cast(null(), type_)).label(name) for name, type_ in shape.items()]
    return select(literal(what).label("what"), *selected)


def like(pattern: str) -> str:
    """A LIKE pattern that finds the literal text anywhere (escape character: backslash)."""
    return "%" + re.sub(r"([\\%_])", r"\\\1", pattern) + "%"
