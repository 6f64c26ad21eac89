"""The service in its own processes: stopped, flooded, starved, and killed one after the other."""

import json
import os
import re
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import create_engine, text

from app.core.errors import Misconfigured
from app.operations.connections import PatientProtocol
from app.operations.migrating import migrate
from app.operations.server import bound, configured, served_in_background, set_patience
from app.settings import Settings
from tests.installation import TEST_SETTINGS, House, straight_to
from tests.processes import Served, accord, free_port, running, served
from tests.registries import empty_tables
from tests.story import Dispute, request

CROWD, DRIPPING = 500, 200


@pytest.fixture(params=["httptools", "h11"])
def http_server(request: pytest.FixtureRequest) -> Any:
    """Each of the two HTTP servers: the one of most installations, and the one for where it is not available."""
    return request.param


@pytest.fixture
def durable(durable: Settings, http_server: Any) -> Settings:
    """The settings of an empty registry, served by each of the two HTTP servers."""
    return durable.model_copy(update={"http_server": http_server})


@pytest.fixture
def token(durable: Settings) -> str:
    """The token of a person who may open cases, in the served registry."""
    with House.open_today(durable) as house:
        return house.person("Olga Strand").token


def head(path: str, token: str, length: int) -> bytes:
    """The head of a POST request."""
    return (
        f"POST {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n"
        f"content-type: application/json\r\ncontent-length: {length}\r\n\r\n"
    ).encode()


def connected(service: Served) -> socket.socket:
    """A connection to the service."""
    return socket.create_connection(("127.0.0.1", service.port), timeout=30)


def is_turned_away(service: Served) -> bool:
    """Whether the service refuses a new connection or request."""
    try:
        with connected(service) as late:
            late.sendall(b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\n")
            return late.recv(1) == b""
    except OSError:
        return True


def stop_in_the_middle_of_a_request(settings: Settings, token: str, *words: str) -> None:
    """Stop the service in the middle of a request; the request is answered and new requests are refused."""
    body = json.dumps(request()).encode()
    with served(settings, *words) as service:
        slow = connected(service)
        slow.sendall(head("/v1/cases", token, len(body)) + body[:50])
        time.sleep(0.3)
        began = time.monotonic()
        os.kill(service.process.pid, signal.SIGTERM)
        while not is_turned_away(service):
            assert time.monotonic() - began < 5
            time.sleep(0.1)
        slow.sendall(body[50:])
        answer = slow.recv(65536)
        slow.close()
        assert answer.startswith(b"HTTP/1.1 201"), answer[:200]
        assert service.process.wait(25) in (0, -signal.SIGTERM)
        assert time.monotonic() - began < 25


@pytest.fixture
def impatient(http_server: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], socket.socket]]:
    """Connect to a server that gives a request one second; it answers each path with how many bytes the body had."""
    assert Settings().request_timeout <= 15
    monkeypatch.setattr(PatientProtocol, "seconds_to_arrive", PatientProtocol.seconds_to_arrive)

    async def measuring(scope: Any, receive: Any, send: Any) -> None:
        length, more = 0, scope["type"] == "http"
        while more:
            message = await receive()
            length, more = length + len(message.get("body", b"")), message.get("more_body", False)
            if message["type"] == "http.disconnect":
                return
        answer = f"{scope['path']} {length}.".encode()
        fields = [(b"content-length", b"%d" % len(answer))]
        await send({"type": "http.response.start", "status": 200, "headers": fields})
        await send({"type": "http.response.body", "body": answer})

    listening = bound("127.0.0.1", 0)
    settings = Settings(request_timeout=1, http_server=http_server)
    with served_in_background(cast(FastAPI, measuring), settings, listening):
        yield lambda: socket.create_connection(listening.getsockname(), 10)


def test_a_dripped_body_is_answered_with_408(impatient: Callable[[], socket.socket]) -> None:
    began = time.monotonic()
    with impatient() as dripping:
        dripping.sendall(head("/v1/cases", "x", 400))
        answer = b""
        while time.monotonic() < began + 5 and not answer:
            dripping.sendall(b"{")
            dripping.settimeout(0.1)
            with suppress(TimeoutError):
                answer = dripping.recv(65536)
    assert answer.startswith(b"HTTP/1.1 408 ")
    problem = json.loads(answer.partition(b"\r\n\r\n")[2])
    assert (problem["status"], problem["code"]) == (408, "request-timeout")
    assert time.monotonic() - began < 4


def test_the_rest_of_a_request_that_came_with_another_has_a_time_limit_too(
    impatient: Callable[[], socket.socket],
) -> None:
    with impatient() as pipelining:
        pipelining.sendall(head("/whole", "x", 3) + b"abc" + head("/never", "x", 400) + b"{")
        began, answer = time.monotonic(), b""
        while part := pipelining.recv(65536):
            answer += part
    assert b"/whole 3." in answer
    assert b"HTTP/1.1 408 " in answer
    assert time.monotonic() - began < 4


def test_many_requests_on_one_connection_are_answered_in_their_order(impatient: Callable[[], socket.socket]) -> None:
    paths = [f"/{number}" for number in range(2000)]
    with impatient() as pipelining:
        sent = b"".join(head(path, "x", 3) + b"abc" for path in paths)
        ThreadPoolExecutor(1).submit(pipelining.sendall, sent)
        answer = b""
        while b"/1999 3." not in answer:
            part = pipelining.recv(65536)
            assert part, answer[-200:]
            answer += part
    assert re.findall(r"(/\d+) 3\.", answer.decode()) == paths


def test_a_server_that_is_not_installed_is_named_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvloop", None)
    monkeypatch.delitem(sys.modules, "uvicorn.loops.uvloop", raising=False)
    with pytest.raises(Misconfigured, match="ACCORD_HTTP_SERVER=h11"):
        configured(None, Settings())
    assert configured(None, Settings(http_server="h11")).get_loop_factory() is not None


@pytest.mark.slow
def test_a_stop_finishes_accepted_requests_and_refuses_new_ones(durable: Settings, token: str) -> None:
    stop_in_the_middle_of_a_request(durable, token)


@pytest.mark.slow
def test_a_stop_of_several_processes_finishes_accepted_requests_and_refuses_new_ones(
    postgresql_durable: Settings, http_server: Any
) -> None:
    with House.open_today(postgresql_durable) as house:
        token = house.person("Olga Strand").token
    settings = postgresql_durable.model_copy(update={"http_server": http_server})
    stop_in_the_middle_of_a_request(settings, token, "--workers", "2")


@pytest.mark.slow
def test_a_stop_ends_the_long_polls(durable: Settings, token: str) -> None:
    bearer = {"authorization": f"Bearer {token}"}
    with served(durable) as service, ThreadPoolExecutor(1) as pool:
        feed = f"{service.base_url}/v1/events"
        after = httpx.get(f"{feed}?latest=true", headers=bearer, timeout=30).json()["next"]
        waits = pool.submit(httpx.get, f"{feed}?after={after}&wait=30", headers=bearer, timeout=60)
        time.sleep(1.5)
        asked = time.monotonic()
        service.process.send_signal(signal.SIGTERM)
        answer = waits.result(30)
        assert (answer.status_code, answer.json()["items"]) == (200, [])
        service.process.wait(25)
        assert time.monotonic() - asked < 15


@pytest.mark.slow
def test_a_stop_waits_at_most_25_seconds_for_a_client(postgresql_durable: Settings, http_server: Any) -> None:
    with House.open_today(postgresql_durable) as house:
        token = house.person("Olga Strand").token
    settings = postgresql_durable.model_copy(update={"http_server": http_server})
    with served(settings, "--workers", "2") as service, connected(service) as withheld:
        withheld.sendall(head("/v1/cases", token, 400) + b'{"procedure"')
        time.sleep(0.3)
        began = time.monotonic()
        os.kill(service.process.pid, signal.SIGTERM)
        service.process.wait(30)
        assert time.monotonic() - began < 25


@pytest.mark.slow
def test_a_request_that_does_not_arrive_in_time_is_dropped(durable: Settings, token: str) -> None:
    with served(durable, ACCORD_REQUEST_TIMEOUT="1") as service:
        halves = {
            "a head": b"GET /v1/me HTTP/1.1\r\nhost: ",
            "nothing": b"",
            "a body": head("/v1/cases", token, 400) + b'{"procedure"',
        }
        for what, half in halves.items():
            with connected(service) as waiting:
                waiting.sendall(half)
                began = time.monotonic()
                answer = waiting.recv(65536)
                assert answer.startswith(b"HTTP/1.1 408"), (what, answer)
                assert 0.5 < time.monotonic() - began < 10, what
        # An idle kept-alive connection is treated the same.
        with connected(service) as kept:
            kept.sendall(b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\n")
            while not (answer := kept.recv(65536)).endswith(b"}"):
                assert answer
            kept.sendall(b"GET /v1/me HTTP/1.1\r\nho")
            assert kept.recv(65536)[:12] in (b"", b"HTTP/1.1 408")
        assert httpx.get(f"{service.base_url}/livez", timeout=5).status_code == 200


@pytest.mark.slow
def test_many_slow_connections_do_not_keep_others_from_being_served(durable: Settings, token: str) -> None:
    with served(durable, ACCORD_REQUEST_TIMEOUT="20") as service:
        crowd = [connected(service) for _connection in range(CROWD)]
        stop = threading.Event()

        def drip() -> None:
            while not stop.wait(1):
                for dripping in crowd[:DRIPPING]:
                    try:
                        dripping.send(b"G")
                    except OSError:
                        continue

        dripping = threading.Thread(target=drip)
        dripping.start()
        try:
            with httpx.Client(base_url=service.base_url, timeout=10) as client:
                waits = []
                for _attempt in range(5):
                    began = time.monotonic()
                    assert client.get("/livez").status_code == 200
                    waits.append(time.monotonic() - began)
                    bearer = {"authorization": f"Bearer {token}"}
                    assert client.get("/v1/me", headers=bearer).status_code == 200
                    assert client.post("/v1/cases", json=request(), headers=bearer).status_code == 201
            assert max(waits) < 1, waits
            # On a kept-alive connection the body does not wait 40 ms for the acknowledgement of the head.
            assert min(waits) < 0.03, waits
        finally:
            stop.set()
            dripping.join()
            for open_connection in crowd:
                open_connection.close()


@pytest.mark.slow
@pytest.mark.parametrize(("trusted", "limited"), [("192.0.2.1", True), ("127.0.0.1", False)])
def test_a_forwarded_address_counts_only_from_a_trusted_proxy(durable: Settings, trusted: str, limited: bool) -> None:
    with served(durable, ACCORD_ANONYMOUS_PER_MINUTE="4", FORWARDED_ALLOW_IPS=trusted) as service:
        statuses = [
            # The proxy appends the address it saw on the right; whatever is to the left comes from the client.
            httpx.get(f"{service.base_url}/v1/me", headers={"x-forwarded-for": f"198.51.100.9, {seen}"}, timeout=10)
            for seen in (*(f"203.0.113.{number}" for number in range(5)), *["203.0.113.77"] * 5)
        ]
        codes = [status.status_code for status in statuses]
        assert codes == [401] * 4 + [429] * 6 if limited else codes == [401] * 9 + [429]


def taken(connection: socket.socket, pause: float) -> int:
    """The number of bytes that a client gets if it reads a little after each pause."""
    got = 0
    try:
        while part := connection.recv(65_536):
            got += len(part)
            time.sleep(pause)
    except ConnectionResetError:
        pass
    return got


@pytest.mark.slow
@pytest.mark.parametrize("_engine", ["sqlite"])
def test_an_answer_that_is_not_read_is_dropped_and_an_answer_read_slowly_is_sent(
    tmp_path: Path, http_server: Any, _engine: str
) -> None:
    settings = Settings(http_server=http_server, database_url=f"sqlite:///{tmp_path / 'registry.db'}", **TEST_SETTINGS)
    migrate(settings)
    with served(settings, ACCORD_REQUEST_TIMEOUT="1") as service:
        whole = len(httpx.get(f"{service.base_url}/v1/openapi.json", timeout=30).content)
        ask = b"GET /v1/openapi.json HTTP/1.1\r\nhost: x\r\n\r\n"
        last = ask.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n")

        def reading(before: float, pause: float) -> int:
            with socket.socket() as client:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16_384)
                client.connect(("127.0.0.1", service.port))
                # More than the system buffers for a client that reads nothing.
                client.sendall(ask * 7 + last)
                time.sleep(before)
                return taken(client, pause)

        assert reading(4, 0) < 8 * whole
        assert reading(0, 0.03) > 8 * whole


def test_the_limit_of_open_files_covers_the_limit_of_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("seconds_to_arrive", "most_connections"):
        monkeypatch.setattr(PatientProtocol, name, getattr(PatientProtocol, name))
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = len(os.listdir("/proc/self/fd")) + 1300
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed - 100, before[1]))
        set_patience(Settings(connections=needed))
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] >= min(needed + 100, before[1])
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.mark.slow
def test_connections_above_the_limit_are_refused_and_the_others_are_served(durable: Settings) -> None:
    with served(durable, ACCORD_CONNECTIONS="20") as service:
        held = [connected(service) for _connection in range(20)]
        time.sleep(0.2)
        with connected(service) as one_more:
            assert one_more.recv(65536).startswith(b"HTTP/1.1 503")
        held[0].sendall(b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\n")
        assert held[0].recv(65536).startswith(b"HTTP/1.1 200")
        for connection in held:
            connection.close()


@pytest.mark.slow
def test_sqlite_is_served_by_one_process_that_contains_the_worker(durable: Settings) -> None:
    refused = accord(durable, "worker") if durable.is_sqlite else accord(durable, "serve", "--workers", "0")
    assert refused.returncode != 0
    if durable.is_sqlite:
        assert "one writer" in refused.stderr
        several = accord(durable, "serve", "--workers", "2")
        assert (several.returncode, "use PostgreSQL" in several.stderr) == (1, True)


@pytest.mark.slow
def test_two_processes_that_start_at_once_do_not_both_migrate(postgresql_durable_empty: Settings) -> None:
    done = []

    def start() -> None:
        done.append(accord(postgresql_durable_empty, "migrate"))

    starting = [threading.Thread(target=start) for _process in range(3)]
    for thread in starting:
        thread.start()
    for thread in starting:
        thread.join()
    assert [process.returncode for process in done] == [0, 0, 0], [process.stderr for process in done]


@contextmanager
def refusing(settings: Settings) -> Iterator[None]:
    """The database, unreachable for a while."""
    engine = create_engine(settings.database_url, isolation_level="AUTOCOMMIT")
    name = engine.url.database
    other = create_engine(engine.url.set(database="postgres"), isolation_level="AUTOCOMMIT")
    with other.connect() as connection:
        connection.execute(text(f"ALTER DATABASE {name} WITH ALLOW_CONNECTIONS false"))
        connection.execute(text(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"))
        try:
            yield
        finally:
            connection.execute(text(f"ALTER DATABASE {name} WITH ALLOW_CONNECTIONS true"))
    other.dispose()
    engine.dispose()


def test_a_database_outage_needs_no_restart_of_the_service(postgresql_url: str, request: pytest.FixtureRequest) -> None:
    empty_tables(request.getfixturevalue("postgresql_sweeper"))
    settings = Settings(database_url=postgresql_url, **TEST_SETTINGS)
    request.getfixturevalue("postgresql_sweeper").dispose()
    with House.open(settings) as house:
        dispute = Dispute(house)
        dispute.lodged()
        with refusing(settings):
            for answer in (
                dispute.requesting.get(dispute.path),
                dispute.step(dispute.registrar, "invite", {}),
                dispute.requesting.get("/v1/me"),
            ):
                answer.expect(503, "unavailable")
                assert answer.headers["retry-after"] == "1"
            assert house.client.get("/livez").status_code == 200
            assert house.client.get("/readyz").status_code == 503
        dispute.step(dispute.registrar, "invite", {}).expect(200)
        assert house.client.get("/readyz").status_code == 200


@pytest.mark.slow
def test_processes_and_workers_killed_in_turn_under_load_lose_and_double_nothing(
    postgresql_durable: Settings,
) -> None:
    settings = postgresql_durable
    with House.open_today(settings) as house:
        person = house.person("Olga Strand")
        disputes = [Dispute(house, f" {number}") for number in range(8)]
        for dispute in disputes:
            dispute.lodged()
            soon = house.clock.now.date().toordinal() + 3
            due_on = datetime.fromordinal(soon).date().isoformat()
            dispute.step(dispute.registrar, "invite", {"due_on": due_on}).expect(200)
    made: list[tuple[str, str]] = []
    stop = threading.Event()

    def write(name: str, base_url: str) -> None:
        for number in range(10_000):
            key = f"{name}-{number}"
            headers = {"authorization": f"Bearer {person.token}", "idempotency-key": key}
            while not stop.is_set():
                try:
                    answer = httpx.post(f"{base_url}/v1/cases", json=request(), headers=headers, timeout=20)
                except httpx.TransportError:
                    continue
                if answer.status_code == 201:
                    made.append((key, answer.json()["id"]))
                    break
                assert answer.status_code in (409, 503), answer.text
            if stop.is_set():
                return

    def more_are_made() -> None:
        # By what is done and not by the clock: on a machine with much to do a process takes long to come back.
        expected = len(made) + 8
        _wait_for(lambda: len(made) >= expected)
        assert len(made) >= expected, "the service did not recover"

    more = {"ACCORD_RUN_WORKER": "false", "ACCORD_WORKER_INTERVAL": "1"}
    with (
        served(settings, "--workers", "2", **more) as service,
        running(settings, "worker", **more) as background,
        running(settings, "worker", **more) as two,
        ThreadPoolExecutor(4) as pool,
    ):
        writers = [pool.submit(write, f"w{number}", service.base_url) for number in range(4)]
        try:
            more_are_made()
            for child in _children(service.process.pid)[:2]:
                os.kill(child, signal.SIGKILL)
                more_are_made()
            background.kill()
            more_are_made()
            two.kill()
            more_are_made()
        finally:
            stop.set()
        for writer in writers:
            writer.result(60)
        with running(settings, "worker", **more):
            _wait_for(lambda: recalled_in(settings) >= len(disputes))
    engine = straight_to(settings)
    with engine.connect() as connection:
        cases = Counter(str(id) for id in connection.execute(text("SELECT id FROM cases")).scalars())
    engine.dispose()
    assert all(cases[id] == 1 for _key, id in made)
    # A write without an answer at the end of the load may have been made: at most one for each writer.
    assert len(made) <= len(cases) - len(disputes) <= len(made) + 4
    assert recalled_in(settings) == len(disputes)
    assert "every chain holds" in accord(settings, "ledger", "verify").stdout


@pytest.mark.slow
def test_the_metrics_port_gives_the_figures_of_all_processes(postgresql_durable: Settings) -> None:
    port = free_port()
    # The figures of the database are current, though none of these processes works in the background.
    more = {"ACCORD_METRICS_PORT": str(port), "ACCORD_RUN_WORKER": "false"}
    with served(postgresql_durable, "--workers", "2", **more) as service:
        for _request in range(4):
            httpx.get(f"{service.base_url}/v1/me", timeout=10)
        shown = httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=10).text
        taken = accord(postgresql_durable, "worker", **more)
    assert (taken.returncode, "ACCORD_METRICS_PORT" in taken.stderr) == (1, True)
    assert "accord_database_up 1.0" in shown
    assert "accord_worker_last_round" not in shown
    assert 'accord_requests_total{operation="readMe",status="401"} 4.0' in shown
    assert "accord_deadlines_overdue" in shown


def recalled_in(settings: Settings) -> int:
    """The number of deadlines of which people were reminded."""
    engine = straight_to(settings)
    with engine.connect() as connection:
        count = connection.execute(text("SELECT count(*) FROM events WHERE type = 'deadline-recalled'")).scalar_one()
    engine.dispose()
    return int(count)


def _wait_for(happens: Callable[[], bool]) -> None:
    """Wait until a condition holds, for at most a minute."""
    for _attempt in range(300):
        if happens():
            return
        time.sleep(0.2)


def _children(pid: int) -> list[int]:
    """The serving processes below the main process (without Python's own resource tracker)."""
    listed = subprocess.run(["ps", "-o", "pid=,args=", "--ppid", str(pid)], capture_output=True, text=True, check=True)
    lines = [line.split(None, 1) for line in listed.stdout.splitlines()]
    return [int(number) for number, arguments in lines if "spawn_main" in arguments]
