"""`accord demo`: plays the story on a fresh database, then serves the result."""

import asyncio
import json
import os
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from sqlalchemy import Engine, create_engine, inspect, select
from sqlalchemy.engine import make_url

from app.core.clock import system_clock
from app.core.contents.keys import make_key_file
from app.core.db import Base
from app.core.errors import Misconfigured
from app.core.tables.institution import Institution
from app.demo.story import ACTS, INSTITUTION, Json, Tell
from app.integration.court_in_a_box.command import faults_explained, until_signal, where_it_listens
from app.integration.notices.letters import Office, nomination
from app.operations.migrating import migrate
from app.operations.process_lock import only_process
from app.settings import Settings

HOST = "127.0.0.1"
DATABASE = "sqlite:///.demo/accord.db"
KEY_FILE = Path(".demo/master.key")
DOCUMENTS = Path(".demo/documents")


def demo(
    port: Annotated[int, typer.Option(help="Port to serve on")] = 8000,
    database_url: Annotated[str, typer.Option(help="Database to play it on: a SQLite file, or PostgreSQL")] = DATABASE,
    credentials: Annotated[Path | None, typer.Option(help="Write address, tokens and ids as JSON to this file")] = None,
    serving: Annotated[bool, typer.Option("--serve/--no-serve", help="Serve the result afterwards")] = True,
    with_court: Annotated[bool, typer.Option("--court", help="Run a simulated court as well")] = False,
) -> None:
    """Play a water-sharing dispute from request to signed settlement through the API, then serve it."""
    # Imported here, so that other commands start without loading the service.
    from app.demo.play import play
    from app.main import create_app
    from app.operations.server import bound, serve

    settings = _settings(database_url)
    with only_process(settings):
        # Before the story is played: a port that is taken must not spoil its end.
        listening = bound(HOST, port if serving else 0) if serving or with_court else None
        make_fresh(settings)
        typer.echo("The dispute about the waters of the Orun: two fictional States, a fictional treaty.\n")
        with _narration() as (tell, advance):
            story = asyncio.run(play(settings, system_clock(), tell, advance))
        base_url = f"http://{HOST}:{listening.getsockname()[1] if listening else port}"
        if credentials is not None:
            _write(
                credentials, {"base_url": base_url, **{name: story[name] for name in ("tokens", "clients", "cases")}}
            )
            typer.echo(f"\nAddress, tokens and ids are in {credentials}.")
        if listening is None:
            return
        if with_court:
            _run_both(settings, listening, base_url, story, serving)
            return
        _print_address(base_url, story)
        serve(create_app(settings, works=True), settings, listening)


def _print_address(base_url: str, story: Json) -> None:
    typer.echo(f"\nAccord listens on {base_url}; its pages are at /docs. Read the settled case as its mediator:")
    typer.echo(f"  curl -H 'Authorization: Bearer {story['tokens']['mediator']}' \\")
    typer.echo(f"    {base_url}/v1/cases/{story['cases']['settled']}")
    _print_papers(base_url, story)


def _print_papers(base_url: str, story: Json) -> None:
    """Say where the papers of the open case are, and show a mail that would have gone out."""
    filings, papers = f"{base_url}/v1/cases/{story['cases']['open']}/filings", story["papers"]
    typer.echo("\nIn the open case, as the agent of Tarvand, look at a memorandum, its map and its receipt:")
    typer.echo(f"  TOKEN={story['tokens']['responding_agent']}")
    typer.echo(f'  curl -H "Authorization: Bearer $TOKEN" {filings}/{papers["memorandum"]}')
    typer.echo(
        f'  curl -H "Authorization: Bearer $TOKEN" -o .demo/map.png {base_url}/v1/documents/{papers["map"]}/content'
    )
    typer.echo(
        f'  curl -H "Authorization: Bearer $TOKEN" -o .demo/receipt.pdf {filings}/{papers["memorandum"]}/receipt.pdf'
    )
    typer.echo("and at what everybody else in the case reads of it:")
    typer.echo(
        f"  curl -H 'Authorization: Bearer {story['tokens']['requesting_agent']}' {filings}/{papers['redacted']}"
    )
    letter = nomination("en", Office(INSTITUTION, base_url))
    typer.echo("\nIf ACCORD_SMTP_HOST named a mail server, Tomas Herrera would have been sent this mail:")
    for line in (f"Subject: {letter.subject}", "", *letter.body.splitlines()):
        typer.echo(f"  {line}".rstrip())


def _run_both(settings: Settings, listening: socket.socket, base_url: str, story: Json, serving: bool) -> None:
    """Run the service and a court on this machine; exit with code 1 if their notes differ."""
    from app.demo.court import court_beside, play_court
    from app.main import create_app
    from app.operations.server import served_in_background

    allowed = ",".join(filter(None, (settings.webhook_allowed, HOST)))
    settings = settings.model_copy(update={"webhook_allowed": allowed})
    with (
        served_in_background(create_app(settings, works=True), settings, listening),
        faults_explained(),
        court_beside(base_url, story["clients"]["court"]) as court,
    ):
        agree = play_court(court, base_url, story["tokens"], system_clock(), typer.echo)
        if serving:
            _print_address(base_url, story)
            typer.echo("\nThe court runs as well, until a signal ends both.")
            for line in where_it_listens(court):
                typer.echo(line)
            until_signal()
    sys.exit(0 if agree else 1)


@contextmanager
def _narration() -> Iterator[tuple[Tell, Callable[[], None]]]:
    """Print the story in lines; on a terminal also show a progress bar."""
    console = Console(highlight=False)
    if not console.is_terminal or console.is_dumb_terminal:
        yield typer.echo, lambda: None
        return
    columns = (TextColumn("Playing the story"), BarColumn(), MofNCompleteColumn(), TextColumn("acts"))
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("story", total=ACTS)
        yield partial(console.print, markup=False, soft_wrap=True), partial(progress.advance, task)


# The tables of the index of words, which SQLite's triggers keep, begin with this.
_SEARCH = "case_search"


def _settings(database_url: str) -> Settings:
    """Settings of the environment with the demo's database; on PostgreSQL with the demo's own key if none is set."""
    settings = Settings(database_url=database_url)
    if settings.is_sqlite:
        Path(make_url(database_url).database or "").parent.mkdir(parents=True, exist_ok=True)
    elif settings.master_key is None and settings.master_key_file is None:
        KEY_FILE.parent.mkdir(parents=True, exist_ok=True)
        if not KEY_FILE.exists():
            make_key_file(KEY_FILE, os.urandom)
        settings = settings.model_copy(update={"master_key_file": KEY_FILE})
    if not settings.is_sqlite and settings.storage is None:
        settings = settings.model_copy(update={"storage": str(DOCUMENTS)})
    return settings


def make_fresh(settings: Settings) -> None:
    """Empty the database and create its tables; Misconfigured if it contains anything not made by the demo."""
    engine = create_engine(settings.database_url)
    try:
        if inspect(engine).get_table_names():
            _check_own(engine)
            _drop(engine)
    finally:
        engine.dispose()
    migrate(settings)


def _check_own(engine: Engine) -> None:
    own = {*Base.metadata.tables, "alembic_version"}
    foreign = [name for name in inspect(engine).get_table_names() if name not in own and not name.startswith(_SEARCH)]
    names: list[str] = []
    if "institution" in inspect(engine).get_table_names():
        with engine.connect() as connection:
            names = list(connection.execute(select(Institution.name)).scalars())
    if foreign or names not in ([], [INSTITUTION]):
        raise Misconfigured(
            "This database contains data that the demo did not make, so the demo does not touch it. "
            "Name an empty database with --database-url."
        )


def _drop(engine: Engine) -> None:
    Base.metadata.drop_all(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE IF EXISTS alembic_version")
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("DROP FUNCTION IF EXISTS accord_keep_events() CASCADE")
            connection.exec_driver_sql("DROP FUNCTION IF EXISTS accord_runs(text)")
        else:
            for name in ("case_search_runs", _SEARCH, "case_search_ids"):
                connection.exec_driver_sql(f"DROP TABLE IF EXISTS {name}")


def _write(path: Path, credentials: dict[str, object]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(credentials, file, indent=2)
        file.write("\n")
