"""`accord court`: the simulated court as a program of its own, beside whatever Accord it is pointed at."""

import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from app.core.errors import Misconfigured
from app.integration.client import Accord, RequestRefused, ServiceUnreachable
from app.integration.court_in_a_box.receiver import Receiver
from app.integration.court_in_a_box.simulated_court import BadOrder, SimulatedCourt
from app.integration.court_in_a_box.store import Store

SECONDS_TO_SETTLE, SECONDS_TO_FOLLOW = 20, 3
IN_MEMORY = ":memory:"


@dataclass(frozen=True, slots=True)
class CourtPlace:
    """Where the court keeps its notes and listens; without a port it lives by the feed alone."""

    store: str = IN_MEMORY
    host: str = "127.0.0.1"
    port: int | None = None
    url: str | None = None
    orders_port: int | None = None


def court(
    base_url: Annotated[str, typer.Option(help="Where Accord is")],
    client_id: Annotated[str, typer.Option(help="The court's client, as `accord client add` says it")],
    client_secret_file: Annotated[Path, typer.Option(help="A file with the client's secret", exists=True)],
    port: Annotated[int | None, typer.Option(help="Listen to webhooks on this port; else live by the feed")] = None,
    host: Annotated[str, typer.Option(help="The address on which to listen")] = "127.0.0.1",
    url: Annotated[str | None, typer.Option(help="Where Accord finds that port, if it is not this machine")] = None,
    orders_port: Annotated[int | None, typer.Option(help="Take orders on this port of this machine")] = None,
    store: Annotated[Path, typer.Option(help="The court's own database")] = Path("court.db"),
    do: Annotated[list[str] | None, typer.Option(help="An order; may stand several times")] = None,
    script: Annotated[Path | None, typer.Option(help="A file with an order in each line", exists=True)] = None,
    stream: Annotated[int, typer.Option(help="Refer so many cases a minute all the while", min=0, max=6000)] = 0,
) -> None:
    """Be a court: refer cases, hear of them, and at the end name what is believed otherwise than Accord says.

    With orders it ends after the last one, else when a signal ends it; the exit code is 1 if there are differences.
    """
    orders = [*(script.read_text(encoding="utf-8").splitlines() if script is not None else ()), *(do or ())]
    orders = [one for one in orders if one.strip() and not one.lstrip().startswith("#")]
    place = CourtPlace(str(store), host, port, url, orders_port)
    accord = Accord(base_url, client_id, secret_in(client_secret_file))
    with said_plainly(), running(accord, place) as here:
        for line in where_it_listens(here):
            typer.echo(line)
        with streaming(here, stream):
            obey(here, orders)
            if not orders:
                until_signal()
        differences = settled(here)
    for line in differences or ["The court and Accord agree."]:
        typer.echo(line)
    sys.exit(1 if differences else 0)


def secret_in(file: Path) -> str:
    """The secret in a file: alone, or in a line of what `accord client add` prints."""
    lines = (line.strip() for line in file.read_text(encoding="utf-8").splitlines())
    found = [line.removeprefix("client_secret=") for line in lines if line and not line.startswith("client_id=")]
    if len(found) == 1:
        return found[0]
    raise Misconfigured(f"{file} does not hold one secret: put in it what 'accord client add' printed.")


@contextmanager
def said_plainly() -> Iterator[None]:
    """Lets be said in a sentence what Accord refuses, that it does not answer, or what order is none."""
    try:
        yield
    except BadOrder as problem:
        raise Misconfigured(str(problem)) from problem
    except (RequestRefused, ServiceUnreachable) as problem:
        where = "; ".join(f"{one['pointer']}: {one['message']}" for one in getattr(problem, "errors", ()))
        raise Misconfigured(f"Accord: {problem}{f' ({where})' if where else ''}") from problem


@contextmanager
def running(accord: Accord, place: CourtPlace) -> Iterator[SimulatedCourt]:
    """A court that listens, has subscribed, has sent what it had written, and follows the feed."""
    with ExitStack() as open_things:
        open_things.enter_context(accord)
        store = Store(place.store)
        open_things.callback(store.close)
        one = SimulatedCourt(accord, store, time.time, time.sleep)
        if place.port is not None:
            door = Receiver(one, place.port, place.host)
            one.door = open_things.enter_context(_listening(door))
            one.subscribe(place.url or door.url)
        if place.orders_port is not None:
            desk = Receiver(one, place.orders_port, orders=True)
            one.desk = open_things.enter_context(_listening(desk))
        one.send_unsent()
        stop = threading.Event()
        thread = threading.Thread(target=one.follow, args=(stop, SECONDS_TO_FOLLOW), daemon=True)
        thread.start()
        try:
            yield one
        finally:
            stop.set()
            thread.join()
            if place.store == IN_MEMORY:
                # Nobody will know of the subscription, or its secret, any more.
                with suppress(RequestRefused, ServiceUnreachable):
                    one.unsubscribe()


def _listening(receiver: Receiver) -> Receiver:
    try:
        receiver.open()
    except OSError as problem:
        raise Misconfigured(f"Cannot listen on port {receiver.port}: {problem.strerror}.") from problem
    return receiver


@contextmanager
def streaming(court: SimulatedCourt, a_minute: int) -> Iterator[None]:
    """Refers so many cases a minute beside whatever goes on."""
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
    """Have the court obey, and tell what came of each order."""
    for order in orders:
        typer.echo(court.obey(order))


def settled(court: SimulatedCourt) -> list[str]:
    """The differences, once what is on its way has had its time."""
    if court.door is not None:
        court.door.open()
        court.obey(f"settle {SECONDS_TO_SETTLE}")
    court.send_unsent()
    return court.reconcile()


def until_signal() -> None:
    """Wait until somebody ends the program."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    stop.wait()


def where_it_listens(court: SimulatedCourt) -> Iterator[str]:
    """Where the court hears webhooks and takes orders, a line each."""
    if court.door is not None:
        yield f"The court hears webhooks at {court.door.url}."
    if court.desk is not None:
        yield f"It takes orders: curl --data 'refer 3' {court.desk.url}"
