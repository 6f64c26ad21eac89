"""Query plans: every read uses an index and starts from the reader's own cases, however many others exist."""

import re

from sqlalchemy import Connection

from app.core.access.gate import gated_tables
from app.core.db import Base
from tests.core.http.operations import OPERATIONS
from tests.core.http.statements import Statement, explained, sent
from tests.core.http.world import build
from tests.installation import House, straight_to

# At most one row, or one for each signing key of the institution.
SMALL = {"institution", "signing_keys"}


def gone_through(connection: Connection, statement: Statement, everything_is_theirs: bool) -> list[str]:
    """The steps of a plan that scan a whole table."""
    if connection.dialect.name == "postgresql":
        plan = [row[0] for row in explained(connection, "EXPLAIN (COSTS OFF)", statement)]
        return [
            step.strip() for step in plan if (match := re.search(r"Seq Scan on (\w+)", step)) and match[1] not in SMALL
        ]
    plan = [row[-1] for row in explained(connection, "EXPLAIN QUERY PLAN", statement)]
    sorts = "USE TEMP B-TREE FOR ORDER BY" in plan
    faults = []
    for step in plan:
        table, in_order = (re.findall(r"^SCAN (\w+)( USING INDEX)?", step) or [("", "")])[0]
        if table not in Base.metadata.tables or table in SMALL:
            continue
        # In the order of the list the scan ends with the page, unless most rows it meets are hidden from the reader.
        ends_with_the_page = in_order and not sorts and (everything_is_theirs or table not in gated_tables())
        if not ends_with_the_page:
            faults.append(step)
    return faults


def test_no_read_scans_a_whole_table(house: House) -> None:
    world = build(house)
    mediating = world.open
    ids = {
        "case_id": mediating.case["id"],
        "party_id": mediating.party("requesting"),
        "filing_id": world.ids["filing"],
        "document_id": world.ids["document"],
        "appointment_id": world.ids["appointment"],
        "session_id": world.ids["session"],
        "procedure_id": mediating.case["procedure"],
    }
    faults, asked = [], set()
    engine = straight_to(house.settings)
    with sent(house.database.engine) as seen, engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            # The tables are small here, so the planner is set to scan one only if there is no other plan.
            connection.exec_driver_sql("SET enable_seqscan = off")
        for person in (mediating.requesting, mediating.mediator, house.registrar, house.admin):
            for operation in OPERATIONS.values():
                seen.clear()
                path = re.sub(r"\{(\w+)\}", lambda name: str(ids.get(name[1], name[1])), operation.path)
                if operation.method != "GET" or person.get(path).status != 200:
                    continue
                asked.add(operation.id)
                everything = person in (house.registrar, house.admin)
                faults += [
                    f"{operation.id}, {person.name}: {step}"
                    for statement in seen
                    for step in gone_through(connection, statement, everything)
                ]
    engine.dispose()
    assert not faults, "\n".join(faults)
    assert {"listCases", "listAllDeadlines", "readDesk", "readFeed", "listNotices", "readCase"} <= asked
