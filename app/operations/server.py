"""HTTP server: serves on a socket, in one process or several, with limits for slow clients."""

import os
import resource
import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from fastapi import FastAPI
from uvicorn.config import STARTUP_FAILURE
from uvicorn.importer import import_from_string
from uvicorn.supervisors import Multiprocess

from app.core.errors import Misconfigured
from app.core.http.metrics import SEVERAL, Look, serve_metrics
from app.operations.connections import PatientProtocol
from app.settings import Settings

# Time to finish accepted requests; the process ends at most 25 seconds after its signal.
SECONDS_TO_FINISH = 20
# Connections that wait to be accepted.
_BACKLOG = 1024
# The loop and the protocol of each value of the setting: named here, not chosen by what happens to be installed.
_SERVERS = {
    "httptools": ("uvloop", "app.operations.fast_connections:HttpToolsConnection"),
    "h11": ("asyncio", "app.operations.connections:H11Connection"),
}
# Files that a process opens in addition to its clients' connections: database, documents, log.
_OTHER_FILES = 200


def bound(host: str, port: int) -> socket.socket:
    """Listen on an address; clients may connect before the service is ready. Misconfigured if the port is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With IPPROTO_TCP asyncio disables Nagle's algorithm; without it a body follows its head 40 ms later.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen(_BACKLOG)
    except OSError as problem:
        listening.close()
        raise Misconfigured(f"Cannot listen on {host}, port {port}: {problem.strerror}.") from problem
    return listening


def serve(app: FastAPI, settings: Settings, listening: socket.socket) -> None:
    """Serve the app on a listening socket until a signal ends it.

    Raises Misconfigured if the service does not start, or its metrics port is taken.
    """
    set_patience(settings)
    offer_metrics(settings, app.state.look)
    server = uvicorn.Server(configured(app, settings))
    server.run(sockets=[listening])
    if not server.started:
        raise Misconfigured("The service did not start: see the log for the reason.")


@contextmanager
def served_in_background(app: FastAPI, settings: Settings, listening: socket.socket) -> Iterator[None]:
    """Serve the app on a listening socket in a thread, and end it afterwards."""
    set_patience(settings)
    server = uvicorn.Server(configured(app, settings))
    thread = threading.Thread(target=server.run, args=([listening],), name="accord-service", daemon=True)
    thread.start()
    try:
        while not server.started:
            thread.join(0.02)
            if not thread.is_alive():
                raise Misconfigured("The service did not start: see the log for the reason.")
        yield
    finally:
        server.should_exit = True
        thread.join(SECONDS_TO_FINISH)


def serve_by_several(settings: Settings, workers: int, listening: socket.socket, look: Look) -> None:
    """Serve on a listening socket in several processes, restarted if they end; a signal ends all of them.

    Raises Misconfigured if they do not start, or the metrics port is taken.
    """
    with tempfile.TemporaryDirectory(prefix="accord-metrics-") as folder:
        os.environ[SEVERAL] = folder
        # After the folder is set: the processes share their metrics in it.
        offer_metrics(settings, look)
        config = configured("app.main:from_environment", settings, workers=workers, factory=True)
        several = _Several(config, sockets=[listening])
        several.run()
        if any(process.exitcode == STARTUP_FAILURE for process in several.processes):
            raise Misconfigured("The service did not start: see the log for the reason.")


class _Several(Multiprocess):
    """Processes that end together; new connections are then refused instead of waiting."""

    def terminate_all(self) -> None:
        """Close the parent's socket too: the kernel would otherwise accept connections for it."""
        for listening in self.sockets:
            listening.close()
        super().terminate_all()


def offer_metrics(settings: Settings, look: Look) -> None:
    """Serve metrics on their own port, if one is set; Misconfigured if it is taken."""
    if settings.metrics_port:
        serve_metrics(settings.metrics_port, look)


def configured(app: Any, settings: Settings, **more: Any) -> uvicorn.Config:
    """The configuration of uvicorn; Misconfigured if the server of the settings is not installed."""
    loop, connection = _SERVERS[settings.http_server]
    try:
        config = uvicorn.Config(
            app,
            loop=loop,
            http=import_from_string(connection),
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=SECONDS_TO_FINISH,
            backlog=_BACKLOG,
            **more,
        )
        config.get_loop_factory()
    except ImportError as problem:
        raise Misconfigured(
            f"{loop} or {settings.http_server} is not installed: install it, or set ACCORD_HTTP_SERVER=h11."
        ) from problem
    return config


def set_patience(settings: Settings) -> None:
    """Apply the settings' limits on requests and connections, and raise the limit on open files accordingly."""
    PatientProtocol.seconds_to_arrive = float(settings.request_timeout)
    PatientProtocol.most_connections = settings.connections
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = settings.connections + _OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < needed:
        most = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
