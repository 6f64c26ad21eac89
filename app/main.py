"""The application, wired: database, seams, routes and error handlers."""

import logging
import os
import zoneinfo
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

import anyio.to_thread
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

import app.models  # noqa: F401 - every table must be known before the gate is installed
from app.access import routes as access
from app.access.gate import GatedSession, guard
from app.cases import routes as cases
from app.cases.service import keep_columns
from app.contents.keys import master_key
from app.contents.service import Sealer, check_key
from app.db import Database, Entropy
from app.deadlines import routes as deadlines
from app.disclosures import routes as disclosures
from app.errors import Misconfigured, Problem
from app.filings import routes as filings
from app.http import errors
from app.http.middleware import Surroundings
from app.http.openapi import complete
from app.http.work import Seams
from app.ledger import routes as ledger
from app.mediators import routes as mediators
from app.members import routes as members
from app.migrating import is_at_head
from app.paging import Cursors
from app.parties import routes as parties
from app.procedures import routes as procedures
from app.rectifications import routes as rectifications
from app.rules.loader import library
from app.sessions import routes as sessions
from app.settings import Settings
from app.settlements import routes as settlements

log = logging.getLogger("accord")
# An operating system's zone files may be older than the pinned ones: the same dates everywhere.
zoneinfo.reset_tzpath(())

ROUTERS = (
    procedures.router,
    members.router,
    mediators.roster,
    cases.router,
    parties.router,
    mediators.appointments,
    sessions.router,
    filings.router,
    settlements.router,
    disclosures.router,
    rectifications.router,
    deadlines.router,
    ledger.router,
    access.router,
)
TAGS = {
    "procedures": "Rules of procedure: stages, steps and terms with their articles",
    "members": "Members of the institution and what their declarations exclude",
    "mediators": "The roster of mediators",
    "cases": "Cases, and the steps of their procedure",
    "parties": "Parties, their representatives, third States and consents",
    "appointments": "A mediator's way into a case",
    "sessions": "Joint sessions and caucuses",
    "filings": "Formal submissions, each to one audience",
    "disclosures": "Earlier items opened to those who came later, by those whom they protect",
    "settlement": "Drafts, the frozen text and signatures",
    "deadlines": "Deadlines that explain themselves",
    "events": "What was done, chained so that it can be proved",
    "people": "Who you are, accounts and tokens",
    "operation": "Whether the service is well",
}


def system_clock() -> datetime:
    """The present instant, in UTC."""
    return datetime.now(UTC)


def system_entropy(_request_id: str) -> Entropy:
    """Random bytes from the operating system, whatever the request."""
    return os.urandom


def create_app(
    settings: Settings,
    clock: Callable[[], datetime] = system_clock,
    entropy: Callable[[str], Entropy] = system_entropy,
) -> FastAPI:
    """The service on a database; `clock` says what time it is, `entropy` gives each request its random bytes.

    Raises Misconfigured if the settings cannot work, and BadRuleSet if a rule set cannot.
    """
    library()
    sealer = Sealer(master_key(settings, os.urandom, log.warning))
    database = Database(settings, guard, GatedSession)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        database.dispose()

    app = FastAPI(
        title="Accord",
        version=version("accord-registry"),
        summary="The registry of a mediation institution",
        openapi_url="/v1/openapi.json",
        docs_url="/docs",
        redoc_url=None,
        lifespan=lifespan,
        openapi_tags=[{"name": name, "description": says} for name, says in TAGS.items()],
        redirect_slashes=False,
    )
    app.state.seams = Seams(database, sealer, Cursors(), clock, entropy, keep_columns)
    for router in ROUTERS:
        app.include_router(router)
    _install_health(app)
    errors.install(app)
    app.add_middleware(Surroundings, body_limit=settings.body_limit)
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]
    return app


NOT_READY: dict[int | str, dict[str, Any]] = {503: {"description": "It cannot: `checks` says what is wrong"}}


def _install_health(app: FastAPI) -> None:
    @app.get("/livez", tags=["operation"], operation_id="live", summary="Is the process alive")
    async def live() -> dict[str, str]:
        return {"status": "alive"}

    @app.get("/readyz", tags=["operation"], operation_id="ready", summary="Can the service serve", responses=NOT_READY)
    async def ready(request: Request) -> Response:
        seams: Seams = app.state.seams
        checks = await anyio.to_thread.run_sync(_readiness, seams, limiter=seams.database.threads)
        well = all(state == "ok" for state in checks.values())
        return JSONResponse({"status": "ready" if well else "not-ready", "checks": checks}, 200 if well else 503)


def _readiness(seams: Seams) -> dict[str, str]:
    checks = {"database": "ok", "migrations": "ok", "key": "ok"}
    try:
        with seams.database.read(os.urandom) as db:
            if not is_at_head(db.connection()):
                return checks | {"migrations": "not at head: run 'accord migrate'", "key": "unknown"}
            db.info["sealer"] = seams.sealer
            check_key(db)
    except Misconfigured:
        checks["key"] = "not the one that sealed this registry"
    except Problem:
        checks = dict.fromkeys(checks, "unknown") | {"database": "cannot be reached"}
    return checks


def _openapi(app: FastAPI) -> dict[str, Any]:
    if app.openapi_schema is None:
        document = get_openapi(
            title=app.title,
            version=app.version,
            summary=app.summary,
            routes=app.routes,
            tags=app.openapi_tags,
        )
        complete(document)
        app.openapi_schema = document
    return app.openapi_schema
