"""Logs and metrics: one line for each request, figures for the operator, and nothing that people wrote."""

import asyncio
import io
import json
import logging
import sys
import threading
from collections.abc import Iterator

import pytest
from pydantic import SecretStr

from app.core.errors import Unavailable
from app.core.logs import set_up
from app.operations.background.worker import worker_of
from app.settings import Settings
from tests.installation import House
from tests.registries import EmptyRegistry
from tests.story import Dispute

SECRET = "zebrafinch"


@pytest.fixture
def logged(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """Everything that is logged, as JSON."""
    root, written = logging.getLogger(), io.StringIO()
    kept, level = root.handlers[:], root.level
    monkeypatch.setattr("sys.stderr", written)
    for hooked in (sys, threading):
        monkeypatch.setattr(hooked, "excepthook", hooked.excepthook)
    set_up(settings.model_copy(update={"log_format": "json"}))
    yield written
    root.handlers[:] = kept
    root.setLevel(level)


def test_each_request_logs_one_line_without_secrets_and_without_peoples_texts(
    dispute: Dispute, logged: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    dispute.lodged(title=f"The {SECRET} case", summary=f"About a {SECRET}.")
    dispute.filing(dispute.requesting, "participants", text=f"A {SECRET} flew by.")
    dispute.requesting.get(f"/v1/cases?q={SECRET}").expect(200)
    dispute.requesting.post("/v1/cases", {SECRET: SECRET}).expect(422)
    monkeypatch.setattr("app.institution.members.service.MemberList", None)
    dispute.requesting.get("/v1/members").expect(500)
    text = logged.getvalue()
    lines = [json.loads(line) for line in text.splitlines()]
    requests = [line for line in lines if line["message"] == "request"]
    assert len({line["request_id"] for line in requests}) == len(requests) > 8
    last = requests[-1]
    assert (last["route"], last["method"], last["status"], last["code"]) == ("listMembers", "GET", 500, "internal")
    for word in (SECRET, dispute.requesting.token, dispute.case["id"], "Olga", "Serin"):
        assert word not in text
    (fault,) = [line for line in lines if line["level"] == "ERROR"]
    assert "app/institution/members/service.py" in fault["exc_info"]
    assert fault["exc_info"].endswith("builtins.TypeError")


def test_a_refusal_names_who_was_refused_and_a_success_names_nobody(house: House, logged: io.StringIO) -> None:
    person, nobody = house.person("Pat Erson"), house.person_with_token("No Body", "", "accord_" + "A" * 43)
    person.get("/v1/users").expect(403)
    person.post("/v1/cases", {"unknown": 1}).expect(422)
    person.get("/v1/me").expect(200)
    nobody.get("/v1/me").expect(401)
    lines = [json.loads(line) for line in logged.getvalue().splitlines()]
    last = [(line["status"], line.get("actor_id"), line.get("role")) for line in lines[-4:]]
    assert last == [(403, person.id, "user"), (422, person.id, "user"), (200, None, None), (401, None, None)]


def test_values_in_database_errors_are_not_logged(house: House, logged: io.StringIO) -> None:
    try:
        try:
            raise ValueError(f"Key (email)=({SECRET}) already exists")
        except ValueError as cause:
            raise Unavailable from cause
    except Unavailable:
        logging.getLogger("accord.test").exception("it failed")
    assert SECRET not in logged.getvalue()
    assert "builtins.ValueError" in logged.getvalue()


def test_an_uncaught_exception_is_logged_without_its_message(
    logged: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails() -> None:
        raise ValueError(SECRET)

    async def forgets() -> None:
        loop = asyncio.get_running_loop()
        lost = loop.create_future()
        lost.set_exception(ValueError(SECRET))
        del lost
        loop.call_soon(fails)
        await asyncio.sleep(0.01)

    thread = threading.Thread(target=fails)
    thread.start()
    thread.join()
    asyncio.run(forgets())
    lines = [json.loads(line) for line in logged.getvalue().splitlines()]
    assert {line["logger"] for line in lines} == {"accord", "asyncio"}
    assert all(line["exc_info"].endswith("builtins.ValueError") for line in lines)
    assert SECRET not in logged.getvalue()


def test_metrics_are_served_while_the_database_is_down(
    empty_registry: EmptyRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = "operator-" + "x" * 30
    with House.open(empty_registry().model_copy(update={"metrics_token": SecretStr(token)})) as house:

        def gone(_entropy: object) -> None:
            raise Unavailable

        def shown() -> str:
            answer = house.client.get("/metrics", headers={"authorization": f"Bearer {token}"})
            assert answer.status_code == 200
            return str(answer.text)

        assert "accord_database_up 1.0" in shown()
        # A worker that never ran has no time: zero would be read as 1970.
        assert "accord_worker_last_round" not in shown()
        worker_of(house.app.state.seams, house.settings).round()
        assert "accord_worker_last_round_timestamp_seconds" in shown()
        with monkeypatch.context() as lost:
            lost.setattr(house.database, "read", gone)
            figures = shown()
        assert "accord_database_up 0.0" in figures
        assert "accord_requests_total" in figures
        assert "accord_deadlines_overdue" not in figures


def test_on_a_terminal_the_log_is_formatted_for_people(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.StringIO()
    monkeypatch.setattr("sys.stderr", written)
    for hooked in (sys, threading):
        monkeypatch.setattr(hooked, "excepthook", hooked.excepthook)
    root = logging.getLogger()
    kept, level = root.handlers[:], root.level
    try:
        set_up(settings.model_copy(update={"log_format": "text"}))
        logging.getLogger("accord.requests").info("request", extra={"request_id": "r-1", "status": 200})
    finally:
        root.handlers[:] = kept
        root.setLevel(level)
    assert written.getvalue().rstrip().endswith("INFO accord.requests: request request_id=r-1 status=200")


def test_only_the_operator_reads_the_metrics(empty_registry: EmptyRegistry) -> None:
    settings = empty_registry()
    with House.open(settings) as house:
        house.admin.get("/metrics").expect(404)
    token = "operator-" + "x" * 30
    with House.open(empty_registry().model_copy(update={"metrics_token": SecretStr(token)})) as house:
        dispute = Dispute(house)
        dispute.lodged()
        dispute.step(dispute.registrar, "invite", {"due_on": "2026-03-20"}).expect(200)
        house.clock.pass_by(days=30)
        dispute.step(dispute.requesting, "screen").expect(403)
        house.admin.get("/metrics").expect(404)
        for wrong in ("", "x", token[:-1], "é"):
            bearer = {b"authorization": f"Bearer {wrong}".encode()}
            assert house.client.get("/metrics", headers=bearer).status_code == 404
        shown = house.client.get("/metrics", headers={"authorization": f"Bearer {token}"})
        assert shown.status_code == 200
    figures = dict(line.rsplit(" ", 1) for line in shown.text.splitlines() if not line.startswith("#"))
    assert float(figures['accord_requests_total{operation="takeStep",status="403"}']) >= 1
    assert float(figures['accord_refusals_total{code="not-your-capacity"}']) >= 1
    assert float(figures["accord_deadlines_overdue"]) == 1
    assert float(figures["accord_pool_wait_seconds_count"]) > 1
    assert dispute.case["id"] not in shown.text
