"""Figures for the operator, in the text format of Prometheus; they name operations and codes, and no person or case."""

import os

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram, generate_latest, start_http_server
from prometheus_client.multiprocess import MultiProcessCollector

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
WORKED_AT = Gauge(
    "accord_worker_last_round_timestamp_seconds",
    "When the background worker's last round was",
    multiprocess_mode="mostrecent",
)
WEBHOOK_ATTEMPTS = Counter("accord_webhook_attempts", "Attempts to send an event, by what became of them", ("outcome",))
WEBHOOK_DELIVERIES = Gauge(
    "accord_webhook_deliveries",
    "Events that wait for their receivers, and those that were given up",
    ("state",),
    multiprocess_mode="mostrecent",
)
WEBHOOK_LAG = Gauge(
    "accord_webhook_lag_seconds",
    "How long the oldest event waits for a receiver that takes events",
    multiprocess_mode="mostrecent",
)
NOTICES = Counter("accord_notices", "Mails to people, by what became of them", ("outcome",))
OVERDUE = Gauge("accord_deadlines_overdue", "Running deadlines whose day is over", multiprocess_mode="mostrecent")


def registry() -> CollectorRegistry:
    """What is counted: in this process, or in all that serve together."""
    if SEVERAL not in os.environ:
        return REGISTRY
    several = CollectorRegistry()
    MultiProcessCollector(several)  # type: ignore[no-untyped-call]
    return several


def exposition() -> bytes:
    """The figures as they stand."""
    return generate_latest(registry())


def serve_metrics(port: int) -> None:
    """Serve the figures on a port of their own, to this machine alone."""
    start_http_server(port, "127.0.0.1", registry())
