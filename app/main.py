"""The application: connects database, seams, routes and error handlers."""

import json
import logging
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, nullcontext
from datetime import datetime
from functools import cache
from importlib.metadata import version
from secrets import compare_digest
from typing import Any

import anyio
import anyio.to_thread
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.staticfiles import StaticFiles

import app.core.tables.every  # noqa: F401 - every table must be known before the gate is installed
from app.core.access.gate import guard
from app.core.access.session import GatedSession
from app.core.clock import system_clock
from app.core.contents.keys import master_key
from app.core.db import Database, Entropy
from app.core.errors import NotFound
from app.core.files.storage import Storage
from app.core.http import errors
from app.core.http.identity import Acquaintances
from app.core.http.limits import Limits
from app.core.http.metrics import exposition
from app.core.http.middleware import Surroundings, bearer
from app.core.http.waiting_room import WaitingRoom
from app.core.logs import set_up
from app.core.outbound import guard_of
from app.core.paging import Cursors
from app.core.sealer import Sealer
from app.core.seams import Seams
from app.institution.calendars import routes as calendars
from app.institution.members import routes as members
from app.institution.people import routes as access
from app.institution.procedures import routes as procedures
from app.institution.signing import routes as signing
from app.integration.clients import routes as clients
from app.integration.courts import routes as courts
from app.integration.courts.case_progress import follow
from app.integration.description.document import TAGS, complete
from app.integration.description.pages import ASSETS, PAGE, POLICY, START
from app.integration.notices import routes as notices
from app.integration.notices.smtp import mailbox_of
from app.integration.webhooks import routes as webhooks
from app.operations.background.worker import look_around, worker_of, working
from app.operations.readiness import Readiness
from app.operations.server import set_patience
from app.proceedings.cases import routes as cases
from app.proceedings.cases.lock import lock_case_as_system
from app.proceedings.certificates import routes as certificates
from app.proceedings.deadlines import routes as deadlines
from app.proceedings.desk import routes as desk
from app.proceedings.disclosures import routes as disclosures
from app.proceedings.documents import routes as documents
from app.proceedings.events import routes as ledger
from app.proceedings.filings import routes as filings
from app.proceedings.mediators import routes as mediators
from app.proceedings.mediators.departures import end_with_account
from app.proceedings.parties import routes as parties
from app.proceedings.rectifications import routes as rectifications
from app.proceedings.service_of_process import routes as service_of_process
from app.proceedings.sessions import routes as sessions
from app.proceedings.settlements import routes as settlements
from app.proceedings.steps import routes as steps
from app.proceedings.steps.by_clock import is_behind, take_due_steps
from app.proceedings.steps.derived_columns import keep_columns
from app.rules.loader import library, use_folder
from app.settings import Settings

log = logging.getLogger("accord")

ROUTERS = (
    procedures.router,
    procedures.vocabulary,
    members.router,
    mediators.roster,
    cases.router,
    steps.router,
    parties.router,
    mediators.appointments,
    sessions.router,
    filings.router,
    documents.uploads,
    documents.router,
    settlements.router,
    certificates.router,
    signing.router,
    disclosures.router,
    rectifications.router,
    deadlines.router,
    deadlines.closures_router,
    service_of_process.router,
    calendars.router,
    desk.router,
    ledger.router,
    ledger.feed_router,
    access.router,
    access.entrance,
    notices.router,
    courts.router,
    courts.uploads,
    courts.referrals,
    courts.in_case,
    clients.router,
    clients.oauth,
    webhooks.router,
)


def system_entropy(_request_id: str) -> Entropy:
    """Random bytes from the operating system, for every request."""
    return os.urandom


def create_app(
    settings: Settings,
    clock: Callable[[], datetime] = system_clock,
    entropy: Callable[[str], Entropy] = system_entropy,
    *,
    works: bool = False,
) -> FastAPI:
    """Create the service; `clock` returns the time, `entropy` the source of random bytes of a request id.

    With `works`, the background worker runs in the same process.

    Raises Misconfigured for settings that cannot work, and BadRuleSet for a faulty rule set.
    """
    if settings.rules_folder is not None:
        use_folder(settings.rules_folder)
    library()
    sealer = Sealer(master_key(settings, os.urandom, log.warning))
    database = Database(settings, guard, GatedSession)
    limits = Limits(settings)
    # Report faulty mail settings at the start, and not when the first mail is due.
    mailbox_of(settings)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        with working(worker_of(app.state.seams, settings)) if works else nullcontext():
            yield
        database.dispose()

    app = FastAPI(
        title="Accord",
        version=version("accord-registry"),
        summary="The registry of a mediation institution",
        # Served by `_install_document`: FastAPI would write the document again for every request.
        openapi_url=None,
        lifespan=lifespan,
        openapi_tags=[{"name": name, "description": says} for name, says in TAGS.items()],
        redirect_slashes=False,
    )
    app.state.seams = Seams(
        database,
        sealer,
        Cursors(),
        clock,
        entropy,
        _after_act,
        Storage(settings),
        guard_of(settings.webhook_allowed),
        lock_case_as_system,
        end_with_account,
        is_behind,
        take_due_steps,
    )
    app.state.limits = limits
    app.state.acquaintances = Acquaintances()
    app.state.waiting_room = WaitingRoom(database)
    app.state.look = lambda: look_around(app.state.seams)
    for router in ROUTERS:
        app.include_router(router)
    _install_document(app)
    _install_health(app)
    _install_metrics(app, settings)
    errors.install(app)
    sizes = {"body_limit": settings.body_limit, "upload_limit": settings.document_limit}
    app.add_middleware(Surroundings, **sizes, limits=limits)
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]
    return app


def _after_act(db: GatedSession, now: datetime) -> None:
    """After every act: inform courts of their cases, then update the derived columns of the cases."""
    follow(db, now)
    keep_columns(db, now)


DOCUMENT = "/v1/openapi.json"
NOT_READY: dict[int | str, dict[str, Any]] = {503: {"description": "The service cannot. `checks` says what is wrong."}}


def from_environment() -> FastAPI:
    """Create the service from the environment, for one of several processes."""
    settings = Settings()
    set_up(settings)
    set_patience(settings)
    return create_app(settings, works=settings.run_worker)


def _install_document(app: FastAPI) -> None:
    @cache
    def written() -> bytes:
        return json.dumps(app.openapi(), ensure_ascii=False, separators=(",", ":")).encode()

    @app.get(DOCUMENT, include_in_schema=False)
    async def document() -> Response:
        return Response(await anyio.to_thread.run_sync(written), media_type="application/json")

    @app.get("/docs", include_in_schema=False)
    async def pages() -> Response:
        return HTMLResponse(PAGE, headers={"content-security-policy": POLICY})

    @app.get("/docs/start.js", include_in_schema=False)
    async def start() -> Response:
        return Response(START, media_type="text/javascript")

    app.mount("/docs", StaticFiles(packages=[ASSETS]))


def _install_health(app: FastAPI) -> None:
    @app.get("/livez", tags=["operation"], operation_id="live", summary="Say whether the process is alive.")
    async def live() -> dict[str, str]:
        return {"status": "alive"}

    @app.get(
        "/readyz",
        tags=["operation"],
        operation_id="ready",
        summary="Say whether the service can answer requests.",
        responses=NOT_READY,
    )
    async def ready(request: Request) -> Response:
        checks = await readiness_of(app).findings()
        # Late events mean that no worker runs; requests can be served all the same.
        well = all(state == "ok" for name, state in checks.items() if name != "outbox")
        return JSONResponse({"status": "ready" if well else "not-ready", "checks": checks}, 200 if well else 503)


def readiness_of(app: FastAPI) -> Readiness:
    """What looks at the service; another one once the service has other seams."""
    readiness: Readiness | None = getattr(app.state, "readiness", None)
    if readiness is None or readiness.seams is not app.state.seams:
        readiness = app.state.readiness = Readiness(app.state.seams)
    return readiness


def _install_metrics(app: FastAPI, settings: Settings) -> None:
    # For the operator's tools; not part of the API.
    @app.get("/metrics", include_in_schema=False)
    async def metrics(request: Request) -> PlainTextResponse:
        expected, token = settings.metrics_token, bearer(request)
        if expected is None or token is None or not compare_digest(expected.get_secret_value(), token):
            raise NotFound
        seams: Seams = app.state.seams
        app.state.limits.remember(token)
        figures = await anyio.to_thread.run_sync(exposition, app.state.look, limiter=seams.database.threads)
        return PlainTextResponse(figures, media_type="text/plain; version=0.0.4")


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
