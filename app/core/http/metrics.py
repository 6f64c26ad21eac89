"""Figures for the operator, in the text format of Prometheus; they name operations and codes, and no person or case."""

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram, generate_latest, start_http_server
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from app.core.errors import Misconfigured

SEVERAL = "PROMETHEUS_MULTIPROC_DIR"
REQUESTS = Counter("accord_requests", "Requests that were answered", ("operation", "status"))
SECONDS = Histogram("accord_request_seconds", "From a request's head to its answer's", ("operation",))
REFUSALS = Counter("accord_refusals", "Requests that were refused, by the code of the problem", ("code",))
POOL_WAIT = Histogram(
    "accord_pool_wait_seconds",
    "What a request waited for a thread with a connection",
    buckets=(0.001, 0.01, 0.1, 0.5, 1, 5, 15),
)
WORKED = Counter("accord_worker_items", "Things that the background worker did", ("task",))
WEBHOOK_ATTEMPTS = Counter("accord_webhook_attempts", "Attempts to send an event, by what became of them", ("outcome",))
NOTICES = Counter("accord_notices", "Mails to people, by what became of them", ("outcome",))


@dataclass(frozen=True, slots=True)
class Kept:
    """The figures that come from the database, and so are the same whichever process is asked.

    `worked_at` is when the background worker's last round was, if there was one.
    """

    worked_at: datetime | None
    overdue: int
    webhook_lag: float
    webhook_deliveries: Mapping[str, int]


# Looks at the database each time that it is asked; None while that cannot be reached.
Look = Callable[[], Kept | None]


class _Figures(Collector):
    def __init__(self, look: Look) -> None:
        self._look = look

    def collect(self) -> Iterator[GaugeMetricFamily]:
        kept = self._look()
        yield GaugeMetricFamily("accord_database_up", "Whether the database answers", int(kept is not None))
        if kept is None:
            return
        yield GaugeMetricFamily("accord_deadlines_overdue", "Running deadlines whose day is over", kept.overdue)
        lag = "How long the oldest event waits for a receiver that takes events"
        yield GaugeMetricFamily("accord_webhook_lag_seconds", lag, kept.webhook_lag)
        waits = "Events that wait for their receivers, and those that were given up"
        deliveries = GaugeMetricFamily("accord_webhook_deliveries", waits, labels=("state",))
        for state, number in kept.webhook_deliveries.items():
            deliveries.add_metric((state,), number)
        yield deliveries
        if kept.worked_at is not None:
            name, when = "accord_worker_last_round_timestamp_seconds", "When the background worker's last round was"
            yield GaugeMetricFamily(name, when, kept.worked_at.timestamp())


def registry(look: Look) -> CollectorRegistry:
    """What is counted, in this process or in all that serve together, and what is kept."""
    all_of_it = CollectorRegistry()
    if SEVERAL in os.environ:
        MultiProcessCollector(all_of_it)  # type: ignore[no-untyped-call]
    else:
        all_of_it.register(REGISTRY)
    all_of_it.register(_Figures(look))
    return all_of_it


def exposition(look: Look) -> bytes:
    """The figures as they stand."""
    return generate_latest(registry(look))


def serve_metrics(port: int, look: Look) -> None:
    """Serve the figures on a port of their own, to this machine alone; Misconfigured if it is taken."""
    try:
        start_http_server(port, "127.0.0.1", registry(look))
    except OSError as problem:
        raise Misconfigured(f"Cannot listen on port {port}, ACCORD_METRICS_PORT: {problem.strerror}.") from problem
