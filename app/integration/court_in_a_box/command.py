"""`accord court`: the simulated court as a program of its own."""

import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from app.core.errors import Misconfigured
from app.integration.client import Accord, RequestRefused, ServiceUnreachable, Timing
from app.integration.court_in_a_box.receiver import Receiver
from app.integration.court_in_a_box.simulated_court import BadOrder, SimulatedCourt
from app.integration.court_in_a_box.store import Store

SECONDS_TO_SETTLE, SECONDS_TO_FOLLOW = 20, 3
IN_MEMORY = ":memory:"


@dataclass(frozen=True, slots=True)
class CourtPlace:
    """Where the court stores its notes and listens; without a port it reads the feed only."""

    store: str = IN_MEMORY
    host: str = "127.0.0.1"
    port: int | None = None
    url: str | None = None
    orders_port: int | None = None


def court(
    base_url: Annotated[str, typer.Option(help="Base URL of Accord")],
    client_id: Annotated[str, typer.Option(help="The court's client id, as `accord client add` printed it")],
    client_secret_file: Annotated[Path, typer.Option(help="File with the client's secret", exists=True)],
    port: Annotated[
        int | None, typer.Option(help="Receive webhooks on this port; without it, read the feed only")
    ] = None,
    host: Annotated[str, typer.Option(help="Address to listen on")] = "127.0.0.1",
    url: Annotated[str | None, typer.Option(help="URL of that port for Accord, if it runs on another machine")] = None,
    orders_port: Annotated[int | None, typer.Option(help="Accept orders on this port, from this machine only")] = None,
    store: Annotated[Path, typer.Option(help="File of the court's database")] = Path("court.db"),
    do: Annotated[list[str] | None, typer.Option(help="An order; repeatable")] = None,
    script: Annotated[Path | None, typer.Option(help="File with one order per line", exists=True)] = None,
    stream: Annotated[int, typer.Option(help="Number of cases to refer per minute meanwhile", min=0, max=6000)] = 0,
) -> None:
    """Run a simulated court: refer cases, receive events, and at the end list differences from Accord.

    Ends after the last order, without orders at a signal; the exit code is 1 if there are differences.
    """
    orders = [*(script.read_text(encoding="utf-8").splitlines() if script is not None else ()), *(do or ())]
    orders = [order for order in orders if order.strip() and not order.lstrip().startswith("#")]
    place = CourtPlace(str(store), host, port, url, orders_port)
    accord = Accord(base_url, client_id, secret_in(client_secret_file))
    with faults_explained(), running(accord, place) as simulated:
        for line in where_it_listens(simulated):
            typer.echo(line)
        with streaming(simulated, stream):
            obey(simulated, orders)
            if not orders:
                until_signal()
        differences = settled(simulated)
    for line in differences or ["The court and Accord agree."]:
        typer.echo(line)
    sys.exit(1 if differences else 0)


def secret_in(file: Path) -> str:
    """Read the secret from a file, which contains it alone or as `accord client add` printed it."""
    lines = (line.strip() for line in file.read_text(encoding="utf-8").splitlines())
    secrets = [line.removeprefix("client_secret=") for line in lines if line and not line.startswith("client_id=")]
    if len(secrets) == 1:
        return secrets[0]
    raise Misconfigured(f"{file} does not contain exactly one secret: put the output of 'accord client add' into it.")


@contextmanager
def faults_explained() -> Iterator[None]:
    """Turn refusals, missing answers and bad orders into Misconfigured with one sentence."""
    try:
        yield
    except BadOrder as problem:
        raise Misconfigured(str(problem)) from problem
    except (RequestRefused, ServiceUnreachable) as problem:
        errors = getattr(problem, "errors", ())
        details = "; ".join(f"{error['pointer']}: {error['message']}" for error in errors)
        raise Misconfigured(f"Accord: {problem}{f' ({details})' if details else ''}") from problem


@contextmanager
def running(accord: Accord, place: CourtPlace) -> Iterator[SimulatedCourt]:
    """Run a court: it listens, subscribes, sends unsent referrals and follows the feed."""
    with ExitStack() as open_things:
        open_things.enter_context(accord)
        store = Store(place.store)
        open_things.callback(store.close)
        court = SimulatedCourt(accord, store, Timing())
        if place.port is not None:
            door = Receiver(court, place.port, place.host)
            court.door = open_things.enter_context(_listening(door))
            court.subscribe(place.url or door.url)
        if place.orders_port is not None:
            desk = Receiver(court, place.orders_port, orders=True)
            court.desk = open_things.enter_context(_listening(desk))
        court.send_unsent()
        stop = threading.Event()
        thread = threading.Thread(target=court.follow, args=(stop, SECONDS_TO_FOLLOW), daemon=True)
        thread.start()
        try:
            yield court
        finally:
            stop.set()
            thread.join()
            if place.store == IN_MEMORY:
                # The subscription's secret is lost with the notes.
                with suppress(RequestRefused, ServiceUnreachable):
                    court.unsubscribe()


def _listening(receiver: Receiver) -> Receiver:
    try:
        receiver.open()
    except OSError as problem:
        raise Misconfigured(f"Cannot listen on port {receiver.port}: {problem.strerror}.") from problem
    return receiver


@contextmanager
def streaming(court: SimulatedCourt, a_minute: int) -> Iterator[None]:
    """Refer cases in the background, so many a minute."""
    stop = threading.Event()

    def stream() -> None:
        while not stop.wait(60 / a_minute):
            try:
                court.refer()
            except (RequestRefused, ServiceUnreachable) as problem:
                typer.echo(f"A case could not be referred: {problem}", err=True)

    thread = threading.Thread(target=stream, daemon=True)
    if a_minute:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        if a_minute:
            thread.join()


def obey(court: SimulatedCourt, orders: Sequence[str]) -> None:
    """Have the court carry out orders, and print the result of each."""
    for order in orders:
        typer.echo(court.obey(order))


def settled(court: SimulatedCourt) -> list[str]:
    """Wait for pending events, and list the differences."""
    if court.door is not None:
        court.door.open()
        court.obey(f"settle {SECONDS_TO_SETTLE}")
    court.send_unsent()
    return court.reconcile()


def until_signal() -> None:
    """Wait for SIGTERM or SIGINT."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    stop.wait()


def where_it_listens(court: SimulatedCourt) -> Iterator[str]:
    """Name the ports for webhooks and for orders, in a line each."""
    if court.door is not None:
        yield f"The court receives webhooks at {court.door.url}."
    if court.desk is not None:
        yield f"It accepts orders: curl --data 'refer 3' {court.desk.url}"
