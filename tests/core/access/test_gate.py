"""The gate returns only the reader's rows in every form of statement, and refuses the forms that it cannot filter."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as drawing
from hypothesis import strategies as st
from sqlalchemy import delete, exists, func, insert, select, text, union_all, update
from sqlalchemy.orm import aliased, join

from app.core.access.criteria import Ungated
from app.core.access.gate import gated_tables, insert_rows, read_locked
from app.core.access.session import GatedSession, as_system, read_under
from app.core.db import Base, Database
from app.core.errors import Forbidden
from app.core.tables.audiences import ANYONE, Audience, AudienceReader
from app.core.tables.contents import Content
from app.settings import Settings
from tests.installation import entropy_of, guarded

WIDE, NARROW = uuid4(), uuid4()
INSIDER, OUTSIDER, STRANGER = uuid4(), uuid4(), uuid4()
CASE = uuid4()
READERS = {WIDE: (INSIDER, OUTSIDER), NARROW: (INSIDER,)}
Query = Callable[[GatedSession], object]


@pytest.fixture
def database(settings: Settings) -> Iterator[Database[GatedSession]]:
    """Two contents: two people may read the first, only one of them the second."""
    opened = guarded(settings)
    with opened.write(entropy_of("gate")) as db, as_system(db):
        for audience, name in ((WIDE, "participants"), (NARROW, "caucus")):
            row = {"id": audience, "case_id": CASE, "key": name, "name": name, "party_ids": [], "generation": 0}
            db.execute(insert(Audience).values(row))
            for reader in READERS[audience]:
                db.execute(insert(AudienceReader).values(audience_id=audience, principal_id=reader, case_id=CASE))
            content = {"id": audience, "case_id": CASE, "audience_id": audience, "body": b"b"}
            db.execute(insert(Content).values(content))
    yield opened
    opened.dispose()


class Undone(Exception):
    """Rolls a transaction back on purpose."""


@contextmanager
def reading_as(database: Database[GatedSession], *principals: UUID) -> Iterator[GatedSession]:
    """A transaction of a reader with these principals, rolled back at its end."""
    try:
        with database.write(entropy_of("reader")) as db:
            read_under(db, principals)
            yield db
            raise Undone
    except Undone:
        pass


def count(result: object) -> int:
    """The number of rows, or the number that the statement returns."""
    return result if isinstance(result, int) else len(list(result))  # type: ignore[call-overload]


def alias_in_a_join(db: GatedSession) -> object:
    """An alias joined to its own table: both sides are filtered."""
    other = aliased(Content)
    return db.execute(select(Content.id, other.id).join(other, other.case_id == Content.case_id)).all()


def in_a_cte(db: GatedSession) -> object:
    """A common table expression."""
    inner = select(Content.id).cte()
    return db.execute(select(inner.c.id)).all()


def in_a_union(db: GatedSession) -> object:
    """Both halves of a union."""
    other = aliased(Content)
    return db.execute(union_all(select(Content.id), select(other.id))).all()


def as_correlated(db: GatedSession) -> object:
    """A correlated subquery in the list of columns."""
    other = aliased(Content)
    inner = select(func.count()).select_from(other).where(other.case_id == Content.case_id).scalar_subquery()
    return db.execute(select(Content.id, inner)).all()


FILTERED: dict[str, tuple[Query, dict[UUID, int]]] = {
    "an entity": (lambda db: db.scalars(select(Content)).all(), {INSIDER: 2, OUTSIDER: 1, STRANGER: 0}),
    "columns": (lambda db: db.execute(select(Content.body)).all(), {INSIDER: 2, OUTSIDER: 1, STRANGER: 0}),
    "a count": (
        lambda db: db.scalar(select(func.count()).select_from(Content)),
        {INSIDER: 2, OUTSIDER: 1, STRANGER: 0},
    ),
    "an alias": (
        lambda db: db.scalars(select(aliased(Content))).all(),
        {INSIDER: 2, OUTSIDER: 1, STRANGER: 0},
    ),
    "a join of an alias": (alias_in_a_join, {INSIDER: 4, OUTSIDER: 1, STRANGER: 0}),
    "a common table expression": (in_a_cte, {INSIDER: 2, OUTSIDER: 1, STRANGER: 0}),
    "a union": (in_a_union, {INSIDER: 4, OUTSIDER: 2, STRANGER: 0}),
    "a correlated subquery": (as_correlated, {INSIDER: 2, OUTSIDER: 1, STRANGER: 0}),
    "an EXISTS": (
        lambda db: db.execute(
            select(AudienceReader.principal_id).where(
                exists(select(Content.id).where(Content.audience_id == AudienceReader.audience_id))
            )
        ).all(),
        {INSIDER: 3, OUTSIDER: 2, STRANGER: 0},
    ),
    "an outer join": (
        lambda db: (
            db.execute(
                select(AudienceReader.principal_id, Content.id).outerjoin(
                    Content, Content.audience_id == AudienceReader.audience_id
                )
            )
            .scalars()
            .all()
        ),
        {INSIDER: 3, OUTSIDER: 3, STRANGER: 3},
    ),
    "the audiences themselves": (
        lambda db: db.scalars(select(Audience)).all(),
        {INSIDER: 2, OUTSIDER: 1, STRANGER: 0},
    ),
    "a lock": (
        lambda db: db.scalars(select(Content).with_for_update(key_share=True, of=Content)).all(),
        {INSIDER: 2, OUTSIDER: 1, STRANGER: 0},
    ),
    "get": (
        lambda db: int(db.get(Content, NARROW) is not None),
        {INSIDER: 1, OUTSIDER: 0, STRANGER: 0},
    ),
    "an UPDATE with RETURNING": (
        lambda db: db.execute(update(Content).values(body=b"x").returning(Content.id)).all(),
        {INSIDER: 2, OUTSIDER: 1, STRANGER: 0},
    ),
    "a DELETE with RETURNING": (
        lambda db: db.execute(delete(Content).returning(Content.id)).all(),
        {INSIDER: 2, OUTSIDER: 1, STRANGER: 0},
    ),
}


@pytest.mark.parametrize("form", FILTERED)
def test_each_form_of_statement_shows_a_reader_their_own_rows(database: Database[GatedSession], form: str) -> None:
    query, expected = FILTERED[form]
    # Readers alternate in one process: no reader is served a result that was cached for another.
    for reader in (INSIDER, OUTSIDER, STRANGER, OUTSIDER, INSIDER):
        with reading_as(database, reader, ANYONE, reader) as db:
            assert count(query(db)) == expected[reader], form


REFUSED: dict[str, Query] = {
    "text": lambda db: db.execute(text("SELECT * FROM contents")).all(),
    "text with an alias": lambda db: db.execute(text("SELECT c.body FROM contents c")).all(),
    "text in capitals": lambda db: db.execute(text('SELECT * FROM "contents"')).all(),
    "text behind a comment": lambda db: db.execute(text("SELECT * FROM/**/contents")).all(),
    "text among others": lambda db: db.execute(text("SELECT 1 FROM users, contents")).all(),
    "a bare table": lambda db: db.execute(select(Content.__table__)).all(),
    "a bare table in a subquery": lambda db: db.execute(
        select(Audience.id).where(exists(select(Content.__table__.c.id)))
    ).all(),
    "the raw connection": lambda db: db.connection().exec_driver_sql("SELECT count(*) FROM contents").all(),
    "columns only inside OVER": lambda db: db.execute(select(func.row_number().over(order_by=Content.id))).all(),
    "a join of the ORM's own": lambda db: db.execute(
        select(AudienceReader.principal_id).select_from(
            join(AudienceReader, Content, Content.audience_id == AudienceReader.audience_id)
        )
    ).all(),
    "an INSERT past the flush": lambda db: db.execute(
        insert(Content).values(id=uuid4(), case_id=CASE, audience_id=NARROW, body=b"")
    ),
    "an UPDATE of the bare table": lambda db: db.execute(update(Base.metadata.tables["contents"]).values(body=b"")),
    "an entity as the system": lambda db: whole_as_system(db),
}


def whole_as_system(db: GatedSession) -> object:
    """An entity that the system loads and the session would later serve to the actor."""
    with as_system(db):
        return db.scalars(select(Content)).all()


@pytest.mark.parametrize("form", REFUSED)
def test_a_statement_that_the_filter_cannot_reach_is_refused_and_returns_nothing(
    database: Database[GatedSession], form: str
) -> None:
    with reading_as(database, OUTSIDER, ANYONE, OUTSIDER) as db, pytest.raises(Ungated):
        REFUSED[form](db)


def test_a_session_without_an_actor_sees_nothing(database: Database[GatedSession]) -> None:
    with pytest.raises(Ungated), database.read(entropy_of("nobody")) as db:
        db.scalars(select(Content)).all()


def test_a_session_belongs_to_one_actor(database: Database[GatedSession]) -> None:
    with database.read(entropy_of("one")) as db:
        read_under(db, (OUTSIDER, ANYONE, OUTSIDER))
        with pytest.raises(RuntimeError):
            read_under(db, (INSIDER, ANYONE, INSIDER))


def test_nobody_writes_into_an_audience_that_does_not_hold_them(database: Database[GatedSession]) -> None:
    with reading_as(database, OUTSIDER, ANYONE, OUTSIDER) as db:
        db.add(Content(id=uuid4(), case_id=CASE, audience_id=NARROW, body=b""))
        with pytest.raises(Forbidden):
            db.flush()


def test_bulk_inserts_are_checked_against_the_audience_too(database: Database[GatedSession]) -> None:
    def row(audience: UUID) -> dict[str, object]:
        return {"id": uuid4(), "case_id": CASE, "audience_id": audience, "body": b""}

    with reading_as(database, OUTSIDER, ANYONE, OUTSIDER) as db:
        with pytest.raises(Forbidden):
            insert_rows(db, Content, [row(WIDE), row(NARROW)])
        with pytest.raises(Ungated):
            db.execute(text("SELECT * FROM contents"))
    with reading_as(database, INSIDER, ANYONE, INSIDER) as db:
        insert_rows(db, Content, [row(WIDE), row(NARROW)])
        assert count(db.execute(select(Content.id)).scalars()) == 4


def test_a_reader_has_three_principals(database: Database[GatedSession]) -> None:
    with database.read(entropy_of("two")) as db, pytest.raises(ValueError, match="3 principals"):
        read_under(db, (INSIDER, ANYONE))


def test_nobody_moves_a_row_into_an_audience_that_does_not_hold_them(database: Database[GatedSession]) -> None:
    with reading_as(database, OUTSIDER, ANYONE, OUTSIDER) as db:
        row = db.scalars(select(Content)).one()
        row.audience_id = NARROW
        with pytest.raises(Forbidden):
            db.flush()


def test_a_failed_flush_does_not_leave_the_gate_open(database: Database[GatedSession]) -> None:
    with reading_as(database, OUTSIDER, ANYONE, OUTSIDER) as db:
        db.add(Content(id=uuid4(), case_id=CASE, audience_id=NARROW, body=b""))
        with pytest.raises(Forbidden):
            db.flush()
        db.expunge_all()
        with pytest.raises(Ungated):
            db.execute(text("SELECT * FROM contents"))


def test_the_facts_for_the_rules_do_not_depend_on_the_reader(database: Database[GatedSession]) -> None:
    for reader in (INSIDER, STRANGER, OUTSIDER):
        with reading_as(database, reader, ANYONE, reader) as db:
            visible = db.execute(select(Content.id), execution_options={"known_to_participants": True}).scalars().all()
            assert visible == [WIDE]


@drawing(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.lists(st.sampled_from([INSIDER, OUTSIDER, STRANGER]), min_size=2, max_size=8), st.sampled_from(sorted(FILTERED))
)
def test_readers_in_any_order_see_only_their_own_rows(
    database: Database[GatedSession], readers: list[UUID], form: str
) -> None:
    query, expected = FILTERED[form]
    for reader in readers:
        with reading_as(database, reader, uuid4(), uuid4()) as db:
            assert count(query(db)) == expected[reader]


# Every table that is not behind the gate, and the reason.
OPEN = {
    "institution": "one row, its name and zone; the cursor key is read by paging alone",
    "users": "people, whom administrators and registrars list; the role decides in access.people",
    "tokens": "hashes, read by authentication and by their owner",
    "activations": "hashes of one-time links, read by who holds one alone",
    "corrections": "earlier names and addresses of people, which administrators, registrars and the holder list",
    "courts": "courts by name, which administrators and registrars list",
    "clients": "programs by name, which administrators and registrars list",
    "client_secrets": "hashes, read by the token endpoint alone",
    "access_tokens": "hashes, read by authentication alone",
    "feed_entries": "positions by principal; who reads a feed gets the events themselves, through the gate",
    "audience_readers": "what the gate itself reads; no route answers from it",
    "data_keys": "wrapped keys, useless without the master key",
    "closures": "days on which places rest, open to everybody with an account",
    "signing_keys": "public keys, open to everybody; their private halves are wrapped",
    "members": "the institution's register, open to everybody with an account",
    "mediators": "the roster, open to everybody with an account",
    "webhooks": "subscriptions, each its owner's alone; the events themselves pass the gate when they are sent",
    "webhook_secrets": "sealed secrets of subscriptions, opened by the sender alone",
    "webhook_deliveries": "ids and how they fared, read by the owner of the subscription",
    "notices": "who is to be mailed and what came back, no word of a case; what a mail says passes the gate when sent",
    "notice_choices": "a person's own choices about mail",
    "notice_marks": "positions by person; what comes after them is read through the gate",
    "reference_numbers": "one counter a year",
    "idempotency_records": "private to their principal, ids only, read by http.idempotency alone",
}


def test_every_table_is_gated_or_states_why_not() -> None:
    tables = set(Base.metadata.tables)
    assert tables == gated_tables() | set(OPEN)
    assert not gated_tables() & set(OPEN)


def test_the_session_of_the_service_is_the_gated_one(settings: Settings) -> None:
    opened = guarded(settings)
    with opened.read(entropy_of("class")) as db:
        assert type(db) is GatedSession
    opened.dispose()


def test_only_the_system_reads_with_a_lock(database: Database[GatedSession]) -> None:
    with reading_as(database, STRANGER, ANYONE, STRANGER) as db, pytest.raises(Ungated):
        read_locked(db, 1, select(Content.id), {})
