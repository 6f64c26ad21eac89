"""Seeds a registry with many cases: one case made through the API, and bulk copies of it."""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Connection, create_engine, insert, text
from starlette.testclient import TestClient

from app.core.clock import system_clock
from app.core.contents.keys import master_key
from app.core.db import Base
from app.core.ledger import service as ledger
from app.core.ledger.acts import OPERATOR
from app.core.sealer import Sealer
from app.core.tables.audiences import STAFF
from app.institution.people import service as people
from app.institution.people.institution import InstitutionIn, found_institution
from app.institution.people.schemas import TokenIn, UserIn
from app.institution.people.tokens import write_token
from app.main import create_app
from app.operations.migrating import migrate
from app.proceedings.cases.search import search_text
from app.settings import Settings
from tests.request_bodies import REQUESTS

MINE = 200
_BATCH = 2_000
Rows = dict[str, list[dict[str, Any]]]


@dataclass
class Seeded:
    """Tokens of a party's agent, who has MINE of the cases, and of a registrar, and the ids of the cases."""

    agent: str
    registrar: str
    mine: list[str]
    others: list[str]


def seed(settings: Settings, cases: int) -> Seeded:
    """Create a registry with this many lodged cases."""
    migrate(settings)
    app = create_app(settings)
    sealer = Sealer(master_key(settings, os.urandom, print))

    def founded(db: Any) -> dict[str, tuple[UUID, str]]:
        now = system_clock()
        found_institution(db, now, InstitutionIn(name="Benchmark", time_zone="UTC"))
        accounts = {}
        for name, role in (("admin", "admin"), ("registrar", "registrar"), ("agent", "user"), ("other", "user")):
            user = UserIn(name=name, email=f"{name}@example.org", role=role)  # type: ignore[arg-type]
            user_id = people.write_user(db, now, user, OPERATOR)
            db.flush()
            token_id = write_token(db, now, TokenIn(user_id=user_id, label="b"), user_id, OPERATOR)
            accounts[name] = (user_id, db.secrets[token_id])
        ledger.seal(db)
        return accounts

    accounts = app.state.seams.database.in_transaction(founded, os.urandom)
    with TestClient(app) as client:
        bearer = {"authorization": f"Bearer {accounts['agent'][1]}"}
        example = {
            **REQUESTS["CaseIn"],
            "parties": [{**party, "member_id": None} for party in REQUESTS["CaseIn"]["parties"]],
        }
        case = client.post("/v1/cases", json=example, headers=bearer).json()
        step = client.post(f"/v1/cases/{case['id']}/steps/lodge", json=REQUESTS["StepIn"], headers=bearer)
        assert step.status_code == 200, step.text
    engine = create_engine(settings.database_url)
    with engine.begin() as connection:
        template = _template(connection, UUID(case["id"]))
        mine: list[str] = []
        others: list[str] = []
        for number, rows in enumerate(_copies(template, sealer, accounts, cases - 1)):
            ids = [str(row["id"]) for row in rows["cases"]]
            (mine if number == 0 else others).extend(ids)
            for table in ("audiences", "cases", "audience_readers", "parties", "capacities", "data_keys", "contents"):
                connection.execute(insert(Base.metadata.tables[table]), rows[table])
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))
    engine.dispose()
    return Seeded(accounts["agent"][1], accounts["registrar"][1], mine, others)


def _template(connection: Connection, case_id: UUID) -> Rows:
    tables = Base.metadata.tables
    rows_of: Rows = {}
    for name in ("cases", "audiences", "audience_readers", "parties", "capacities", "contents"):
        table = tables[name]
        column = table.c.id if name == "cases" else table.c.case_id
        rows_of[name] = [dict(row) for row in connection.execute(table.select().where(column == case_id)).mappings()]
    case = rows_of["cases"][0]
    rows_of["contents"] = [row for row in rows_of["contents"] if row["id"] == case["content_id"]]
    return rows_of


def _copies(template: Rows, sealer: Sealer, accounts: Any, number: int) -> Iterator[Rows]:
    """Yield batches of copies: the first MINE belong to the agent, the rest to another person."""
    agent, other = accounts["agent"][0], accounts["other"][0]
    start = datetime.now(UTC) - timedelta(days=2000)
    counts = [min(MINE, number), *[_BATCH] * ((number - MINE) // _BATCH), max(0, (number - MINE) % _BATCH)]
    place = 0
    for batch, count in enumerate(counts):
        rows: Rows = {name: [] for name in (*template, "data_keys")}
        for _copy in range(count):
            _copy_of(template, rows, sealer, agent if batch == 0 else other, agent, start + timedelta(minutes=place))
            place += 1
        if count:
            yield rows


def _words(minute: int) -> list[str]:
    """Words that half of the cases have, a tenth, a hundredth, a thousandth, and one in twenty thousand."""
    frequencies = {"alder": 2, "birch": 10, "cedar": 100, "damson": 1_000, "elm-tree": 20_000}
    return [word for word, every in frequencies.items() if minute % every == 0]


def _copy_of(template: Rows, rows: Rows, sealer: Sealer, owner: UUID, agent: UUID, at: datetime) -> None:
    renamed: dict[Any, UUID] = {}
    for name in ("cases", "audiences", "parties", "capacities", "contents"):
        renamed |= {row["id"]: uuid4() for row in template[name]}
    renamed[agent] = owner

    def copy(row: dict[str, Any], **more: Any) -> dict[str, Any]:
        copied: dict[str, Any] = {
            key: renamed.get(value, value) if isinstance(value, UUID) else value for key, value in row.items()
        }
        if "party_ids" in copied:
            copied["party_ids"] = [str(renamed[UUID(party_id)]) for party_id in copied["party_ids"]]
        return copied | more

    (case,) = template["cases"]
    key = os.urandom(32)
    case_id = renamed[case["id"]]
    title = " ".join([case["title"], str(case_id), *_words(int(at.timestamp()) // 60)])
    search = search_text(title, [party["name"] for party in template["parties"]])
    rows["cases"].append(copy(case, opened_at=at, lodged_at=at, updated_at=at, title=title, search=search))
    rows["data_keys"].append({"case_id": case_id, "wrapped": sealer.wrap(key)})
    for row in template["audiences"]:
        rows["audiences"].append(copy(row))
    for row in template["audience_readers"]:
        dated = at if row["opened_at"] is not None else None
        rows["audience_readers"].append(copy(row, opened_at=dated))
    for row in template["parties"]:
        rows["parties"].append(copy(row))
    for row in template["capacities"]:
        rows["capacities"].append(copy(row, powers_id=None))
    for row in template["contents"]:
        id, nonce = renamed[row["id"]], os.urandom(12)
        plain = json.dumps({"summary": "The flow has fallen below the agreed third.", "instruments": []}).encode()
        body = nonce + AESGCM(key).encrypt(nonce, os.urandom(32) + plain, id.bytes)
        rows["contents"].append(copy(row, body=body))


__all__ = ["MINE", "STAFF", "Seeded", "seed"]
