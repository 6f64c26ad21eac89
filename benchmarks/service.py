"""The service under test, with a bare route for comparison, and a switch that removes the gate."""

import os
import socket
import sys
from typing import Any
from uuid import UUID

import anyio.to_thread
import uvicorn
from fastapi import Request
from sqlalchemy import String, Uuid, event, select, text, union_all
from starlette.responses import Response

from app.core.access import gate
from app.core.access.authentication import digest
from app.core.access.session import GatedSession
from app.core.db import Base, Database, DatabaseSession, columns_of_kind
from app.core.http.work import Work
from app.main import create_app
from app.operations.server import configured
from app.proceedings.cases.schemas import CaseMediatorOut, CaseOut, CasePartyOut, SeatOut
from app.settings import Settings

OPEN = "ACCORD_BENCHMARK_WITHOUT_GATE"
_TABLES = Base.metadata.tables
_SHAPE: dict[str, Any] = {
    "id": Uuid(),
    "name": String(),
    "side": String(),
    "kind": String(),
    "member_id": Uuid(),
    "participation": String(),
    "calendar": String(),
    "user_id": Uuid(),
}


def bare_case(db: DatabaseSession, case_id: UUID) -> CaseOut:
    """A case as a service without audiences would read it: the same number of statements, by primary key."""
    cases, parties, contents = _TABLES["cases"], _TABLES["parties"], _TABLES["contents"]
    third, capacities, keys = _TABLES["third_states"], _TABLES["capacities"], _TABLES["data_keys"]
    whole = select(cases, contents.c.body, keys.c.wrapped).where(cases.c.id == case_id)
    whole = whole.join(contents, contents.c.id == cases.c.content_id).join(keys, keys.c.case_id == cases.c.id)
    row = db.execute(whole).mappings().one()
    held = (capacities.c.case_id == case_id) & (capacities.c.role == "mediator")
    people = union_all(
        columns_of_kind("party", _SHAPE, **{name: parties.c[name] for name in _SHAPE if name in parties.c}).where(
            parties.c.case_id == case_id
        ),
        columns_of_kind("third-state", _SHAPE, id=third.c.id, name=third.c.name).where(third.c.case_id == case_id),
        columns_of_kind("mediator", _SHAPE, id=capacities.c.id, user_id=capacities.c.user_id).where(held),
    )
    of_case = [dict(row) for row in db.execute(people).mappings()]
    named = [CasePartyOut.model_validate(person) for person in of_case if person["what"] == "party"]
    mediators = [CaseMediatorOut.model_validate(person) for person in of_case if person["what"] == "mediator"]
    seat = SeatOut(place=row["seat_place"], time_zone=row["seat_time_zone"], calendar=row["seat_calendar"])
    own = {name: row[name] for name in CaseOut.model_fields if name in row}
    return CaseOut(
        **own | {"waiting_for": [], "tracks": []},
        seat=seat,
        parties=named,
        third_states=[],
        mediators=mediators,
        summary="",
        instruments=[],
    )


def main() -> None:
    """Serve on the socket whose file number is the first argument."""
    settings = Settings()
    app = create_app(settings)
    open_database = Database(settings, lambda _engine: None, DatabaseSession)

    @app.get("/bare/{case_id}")
    async def bare(request: Request, case_id: UUID) -> Response:
        work = Work(request, b"")

        def answer() -> bytes:
            with open_database.read(os.urandom) as db:
                digest(request.headers["authorization"])
                db.execute(text("SELECT id FROM users WHERE email_key = 'agent@example.org'")).one()
                return bare_case(db, case_id).model_dump_json(by_alias=True).encode()

        body = await anyio.to_thread.run_sync(answer, limiter=work.seams.database.threads)
        return Response(body, media_type="application/json")

    if os.environ.get(OPEN):
        event.remove(GatedSession, "do_orm_execute", gate._filter)
        app.state.seams.database.dispose()
        ungated = Database(settings, lambda _engine: None, GatedSession)
        object.__setattr__(app.state.seams, "database", ungated)
    listening = socket.socket(fileno=int(sys.argv[1]))
    uvicorn.Server(configured(app, settings)).run(sockets=[listening])


if __name__ == "__main__":
    main()
