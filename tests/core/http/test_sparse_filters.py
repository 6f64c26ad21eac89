"""A filter that matches few of many cases finds them by an index, and does not walk past all the others."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Connection, Engine, insert, select

from app.core.db import Base
from app.settings import Settings
from tests.core.http.statements import Statement, explained, sent
from tests.installation import House, straight_to
from tests.story import Dispute

# Copies of a case; the oldest FEW of them are closed.
MANY, FEW = 2_000, 10
PATHS = (
    "/v1/cases?phase=closed",
    "/v1/cases?stage=closed",
    "/v1/cases?procedure=icc-2014",
    "/v1/cases?category=commercial",
    "/v1/cases?phase=closed&procedure=icc-2014",
    "/v1/cases?party={unknown}",
    "/v1/cases?mediator={unknown}",
    "/v1/cases?due_before=2020-01-01",
    "/v1/cases?updated_since=2030-01-01T00:00:00Z",
    "/v1/cases?phase=closed&count=true",
    "/v1/cases?q=nothing like it",
    "/v1/cases?q=xq",
    "/v1/cases?q=nothing&phase=intake&count=true",
    "/v1/me/desk",
)


@pytest.fixture
def crowded(settings: Settings) -> Iterator[House]:
    """An institution with many lodged cases, of which few are closed or await the registry."""
    with House.open(settings) as house:
        dispute = Dispute(house)
        dispute.lodged()
        engine = straight_to(settings)
        with engine.begin() as connection:
            _copy(connection, UUID(dispute.case["id"]))
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("ANALYZE")
        yield house
        engine.dispose()


def _copy(connection: Connection, case_id: UUID) -> None:
    """Insert copies of a lodged case with its audience and the readers of that audience."""
    tables = {name: Base.metadata.tables[name] for name in ("audiences", "audience_readers", "cases")}
    case = _row(connection, tables["cases"], "id", case_id)
    audience = _row(connection, tables["audiences"], "id", case["audience_id"])
    readers = tables["audience_readers"]
    theirs = connection.execute(select(readers).where(readers.c.audience_id == audience["id"])).mappings().all()
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in tables}
    for number in range(MANY):
        ids = {"case_id": uuid4(), "audience_id": uuid4()}
        at = case["opened_at"] - timedelta(days=MANY - number)
        state = {"phase": "closed", "stage": "closed"} if number < FEW else {}
        awaits = " registry " if number < FEW else " mediator "
        dated = {"opened_at": at, "updated_at": at, "awaits": awaits, "waiting_for": []}
        rows["audiences"].append({**audience, "id": ids["audience_id"], "case_id": ids["case_id"]})
        rows["cases"].append({**case, "id": ids["case_id"], "audience_id": ids["audience_id"], **dated, **state})
        rows["audience_readers"] += [{**reader, **ids, "opened_at": at} for reader in theirs]
    for name, table in tables.items():
        connection.execute(insert(table), rows[name])


def _row(connection: Connection, table: Any, column: str, value: UUID) -> dict[str, Any]:
    return dict(connection.execute(select(table).where(table.c[column] == value)).mappings().one())


def walked(connection: Connection, statement: Statement) -> int:
    """How many rows PostgreSQL reads for a statement: those that its scans return, and those that they discard."""
    (((plan,),),) = explained(connection, "EXPLAIN (ANALYZE, FORMAT JSON)", statement)
    return sum(_walked(node) for node in _nodes(plan["Plan"]))


def _walked(node: dict[str, Any]) -> int:
    read = (node.get("Rows Removed by Filter", 0) + node["Actual Rows"]) * node["Actual Loops"]
    return int(read) if "Scan" in node["Node Type"] else 0


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for part in node.get("Plans", []):
        yield from _nodes(part)


def scans(connection: Connection, statement: Statement) -> list[str]:
    """The steps of SQLite's plan that go through all cases or all that somebody reads."""
    steps = [row[-1] for row in explained(connection, "EXPLAIN QUERY PLAN", statement)]
    walks = ("SCAN cases", "SCAN audience_readers", "ix_audience_readers_walk")
    return [step for step in steps if any(walk in step for walk in walks)]


def test_few_cases_among_many_are_found_without_walking_past_the_others(crowded: House) -> None:
    engine: Engine = straight_to(crowded.settings)
    faults = []
    with sent(crowded.database.engine) as seen, engine.connect() as connection:
        for path in PATHS:
            seen.clear()
            crowded.registrar.get(path.format(unknown=uuid4())).expect(200)
            for statement in list(seen):
                if "has_words" in statement[0]:
                    # A search looks at the newest 500 cases first, whatever there is.
                    assert "LIMIT" in statement[0]
                    continue
                if connection.dialect.name == "sqlite":
                    faults += [f"{path}: {step}" for step in scans(connection, statement)]
                # A walk past all cases reads three rows for each; statistics of small tables let the planner read some.
                elif (rows := walked(connection, statement)) > MANY:
                    faults.append(f"{path}: {rows} rows")
    engine.dispose()
    assert not faults, "\n".join(faults)


def test_a_list_of_few_cases_holds_them_all_in_its_order(crowded: House) -> None:
    closed = crowded.registrar.get("/v1/cases?phase=closed").expect(200)["items"]
    assert len(closed) == FEW
    opened = [case["opened_at"] for case in closed]
    assert opened == sorted(opened, reverse=True)
    everything: list[str] = []
    after: str | None = ""
    while after is not None:
        page = crowded.registrar.get(f"/v1/cases?limit=200{after and f'&after={after}'}").expect(200)
        everything += [case["id"] for case in page["items"]]
        after = page["next"]
    assert len(everything) == len(set(everything)) == MANY + 1
