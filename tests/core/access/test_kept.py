"""Kept statements return what SQLAlchemy would, to each reader their own, and stand under the gate like all others."""

import gc
import sys
import weakref
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import bindparam, func, insert, select, union_all
from sqlalchemy.orm import aliased

from app.core.access import kept
from app.core.access.criteria import Ungated
from app.core.access.session import GatedSession, as_system, read_under
from app.core.db import Database
from app.core.id_lists import among
from app.core.tables.audiences import Audience, AudienceReader
from app.core.tables.contents import Content
from app.settings import Settings
from tests.installation import entropy_of, guarded

WIDE, NARROW = uuid4(), uuid4()
INSIDER, OUTSIDER = uuid4(), uuid4()
CASE = uuid4()
READERS = {WIDE: (INSIDER, OUTSIDER), NARROW: (INSIDER,)}
ALL = select(Content.id, Content.body).order_by(Content.id)
OF_IDS = select(Content.id).where(among(Content.id, "ids"))


@pytest.fixture
def database(settings: Settings) -> Iterator[Database[GatedSession]]:
    """Two contents: the insider may read both, the outsider one."""
    opened = guarded(settings)
    with opened.write(entropy_of("kept")) as db, as_system(db):
        for audience, name in ((WIDE, "participants"), (NARROW, "caucus")):
            row = {"id": audience, "case_id": CASE, "key": name, "name": name, "party_ids": [], "generation": 0}
            db.execute(insert(Audience).values(row))
            for reader in READERS[audience]:
                db.execute(insert(AudienceReader).values(audience_id=audience, principal_id=reader, case_id=CASE))
            content = {"id": audience, "case_id": CASE, "audience_id": audience, "body": name.encode()}
            db.execute(insert(Content).values(content))
    yield opened
    opened.dispose()


def rows(database: Database[GatedSession], reader: UUID, statement: Any, values: dict[str, Any] | None = None) -> Any:
    """The rows of a statement for a reader, read as a kept statement and through the session."""
    with database.read(entropy_of("rows")) as db:
        read_under(db, (reader,) * 3)
        by_form = db.execute(statement, values or {}).all()
        by_statement = db.rows(statement, values or {})
        assert [tuple(row) for row in by_form] == [tuple(row) for row in by_statement]
        return by_form


def test_a_kept_statement_returns_to_each_reader_what_is_theirs(database: Database[GatedSession]) -> None:
    for reader, expected in ((INSIDER, 2), (OUTSIDER, 1), (INSIDER, 2), (uuid4(), 0)):
        assert len(rows(database, reader, ALL)) == expected
    assert {bytes(row.body) for row in rows(database, INSIDER, ALL)} == {b"participants", b"caucus"}


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The statements that are compiled during a test."""
    made: list[Any] = []
    original = kept.KeptStatement.__init__

    def noted(self: kept.KeptStatement, *statement: Any) -> None:
        made.append(statement)
        original(self, *statement)

    monkeypatch.setattr(kept.KeptStatement, "__init__", noted)
    return made


def test_statements_of_one_form_are_compiled_once_and_keep_their_own_values(
    database: Database[GatedSession], made: list[Any]
) -> None:
    def of_audience(audience: UUID, name: str) -> Any:
        other = aliased(Content)
        inner = select(other.id).where(other.audience_id == audience).scalar_subquery()
        return select(Content.id, inner.label("other")).where(Content.body == name.encode())

    with database.read(entropy_of("forms")) as db:
        read_under(db, (INSIDER,) * 3)
        for audience, name, expected in (
            (NARROW, "caucus", (NARROW, NARROW)),
            (WIDE, "caucus", (NARROW, WIDE)),
            (WIDE, "participants", (WIDE, WIDE)),
        ):
            assert tuple(db.execute(of_audience(audience, name)).one()) == expected
    assert len(made) == 1


def test_the_number_of_words_in_a_list_is_part_of_a_statements_form_and_the_words_are_not(
    database: Database[GatedSession], made: list[Any]
) -> None:
    lists: tuple[tuple[list[str], int], ...] = (
        (["caucus"], 1),
        (["caucus", "participants"], 2),
        ([], 0),
        (["case", "joint"], 0),
        (["joint"], 0),
    )
    with database.read(entropy_of("words")) as db:
        read_under(db, (INSIDER,) * 3)
        for names, count in lists:
            statement = select(func.count()).select_from(Audience).where(Audience.name.in_(names), Audience.key != "x")
            assert db.execute(statement).scalar_one() == count
    assert len(made) == 2


@pytest.mark.parametrize("is_made_again", [False, True])
def test_no_value_of_one_request_is_sent_for_another_that_gives_none(
    database: Database[GatedSession], is_made_again: bool
) -> None:
    def of_body() -> Any:
        return select(Content.id).where(Content.body == bindparam("body"))

    kept_once = of_body()
    with database.read(entropy_of("missing")) as db:
        read_under(db, (INSIDER,) * 3)
        read = (
            (lambda values: db.execute(of_body(), values))
            if is_made_again
            else (lambda values: db.rows(kept_once, values))
        )
        assert [row.id for row in read({"body": b"caucus"})] == [NARROW]
        with pytest.raises(Ungated, match="without a value"):
            read({})


def test_many_forms_at_once_keep_those_that_are_in_use(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, made: list[Any]
) -> None:
    monkeypatch.setattr(kept, "MOST_KEPT", 3)
    opened = guarded(settings)
    statements = kept.kept_statements(opened.engine.dialect)
    frequent = select(Audience.id)

    def ask(*forms: Any) -> None:
        for form in forms:
            assert statements.of_form(form, (), {}) is not None

    ask(frequent)
    rare = [select(Audience.id.label(f"id_{number}")) for number in range(6)]
    for form in rare:
        ask(form, frequent)
    assert len(made) == 1 + len(rare)
    monkeypatch.setattr(kept, "MOST_KEPT", 0)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(4) as threads:
            for asked in [threads.submit(ask, *rare * 40) for _thread in range(4)]:
                asked.result()
    finally:
        sys.setswitchinterval(interval)
        opened.dispose()


def test_the_kept_statements_of_a_database_end_with_it(settings: Settings) -> None:
    opened = guarded(settings)
    ended = weakref.ref(kept.kept_statements(opened.engine.dialect))
    opened.dispose()
    del opened
    gc.collect()
    assert ended() is None


def test_a_list_of_ids_is_one_value_whatever_its_length(database: Database[GatedSession]) -> None:
    for ids in ([], [WIDE], [WIDE, NARROW], [uuid4()]):
        assert {row.id for row in rows(database, INSIDER, OF_IDS, {"ids": ids})} == set(ids) & {WIDE, NARROW}
        assert {row.id for row in rows(database, OUTSIDER, OF_IDS, {"ids": ids})} == set(ids) & {WIDE}


def test_both_halves_of_a_kept_union_are_gated(database: Database[GatedSession]) -> None:
    both = union_all(select(Content.id), select(aliased(Content).id))
    assert len(rows(database, INSIDER, both)) == 4
    assert len(rows(database, OUTSIDER, both)) == 2


def test_a_kept_statement_of_a_gated_table_needs_a_reader(database: Database[GatedSession]) -> None:
    with database.read(entropy_of("nobody")) as db:
        for _attempt in range(2):
            with pytest.raises(Ungated):
                db.rows(ALL)
            with pytest.raises(Ungated):
                db.execute(ALL)


def test_a_kept_statement_returns_columns_alone_and_has_one_text(database: Database[GatedSession]) -> None:
    by_word: Any = bindparam("names", expanding=True)
    with database.read(entropy_of("entities")) as db:
        read_under(db, (INSIDER,) * 3)
        with pytest.raises(Ungated):
            db.rows(select(Content))
        with pytest.raises(Ungated):
            db.rows(select(Audience.id).where(Audience.name.in_(by_word)), {"names": ["caucus"]})


def test_a_kept_statement_sees_what_its_own_transaction_has_written(database: Database[GatedSession]) -> None:
    with database.write(entropy_of("pending")) as db:
        read_under(db, (INSIDER,) * 3)
        db.add(Content(id=uuid4(), case_id=CASE, audience_id=NARROW, body=b"new"))
        assert len(db.execute(ALL).all()) == 3
        db.add(Content(id=uuid4(), case_id=CASE, audience_id=NARROW, body=b"newer"))
        assert len(db.rows(ALL)) == 4
