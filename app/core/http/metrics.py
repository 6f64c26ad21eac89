"""Metrics in the text format of Prometheus; their labels are operations and codes, never people or cases."""

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
SECONDS = Histogram(
    "accord_request_seconds", "Seconds from the head of a request to the head of its answer", ("operation",)
)
REFUSALS = Counter("accord_refusals", "Requests that were refused, by the code of the problem", ("code",))
POOL_WAIT = Histogram(
    "accord_pool_wait_seconds",
    "Seconds that a request waited for a database thread",
    buckets=(0.001, 0.01, 0.1, 0.5, 1, 5, 15),
)
WORKED = Counter("accord_worker_items", "Items that the background worker processed", ("task",))
WEBHOOK_ATTEMPTS = Counter("accord_webhook_attempts", "Attempts to send an event, by outcome", ("outcome",))
NOTICES = Counter("accord_notices", "Mails to people, by outcome", ("outcome",))


@dataclass(frozen=True, slots=True)
class Kept:
    """The figures from the database, which are the same in every process.

    `worked_at` is the instant of the background worker's last round, if there was one.
    """

    worked_at: datetime | None
    overdue: int
    webhook_lag: float
    webhook_deliveries: Mapping[str, int]


# Reads the database on each call; None while it cannot be reached.
Look = Callable[[], Kept | None]


class _Figures(Collector):
    def __init__(self, look: Look) -> None:
        self._look = look

    def collect(self) -> Iterator[GaugeMetricFamily]:
        kept = self._look()
        yield GaugeMetricFamily("accord_database_up", "Whether the database answers", int(kept is not None))
        if kept is None:
            return
        yield GaugeMetricFamily("accord_deadlines_overdue", "Running deadlines whose last day is over", kept.overdue)
        lag = "Seconds that the oldest event has waited for its receiver"
        yield GaugeMetricFamily("accord_webhook_lag_seconds", lag, kept.webhook_lag)
        waits = "Deliveries of events that are pending or failed"
        deliveries = GaugeMetricFamily("accord_webhook_deliveries", waits, labels=("state",))
        for state, number in kept.webhook_deliveries.items():
            deliveries.add_metric((state,), number)
        yield deliveries
        if kept.worked_at is not None:
            name, when = "accord_worker_last_round_timestamp_seconds", "Time of the background worker's last round"
            yield GaugeMetricFamily(name, when, kept.worked_at.timestamp())


def registry(look: Look) -> CollectorRegistry:
    """The registry of what this process (or all processes together) counted, and of the figures from the database."""
    collectors = CollectorRegistry()
    if SEVERAL in os.environ:
        MultiProcessCollector(collectors)  # type: ignore[no-untyped-call]
    else:
        collectors.register(REGISTRY)
    collectors.register(_Figures(look))
    return collectors


def exposition(look: Look) -> bytes:
    """The current figures."""
    return generate_latest(registry(look))


def serve_metrics(port: int, look: Look) -> None:
    """Serve the figures on a separate port, to this machine alone; raises Misconfigured if the port is taken."""
    try:
        start_http_server(port, "127.0.0.1", registry(look))
    except OSError as problem:
        raise Misconfigured(f"Cannot listen on port {port}, ACCORD_METRICS_PORT: {problem.strerror}.") from problem
