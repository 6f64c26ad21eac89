"""What the operator is told: a line for each request and figures, and nothing that people wrote."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
from pydantic import SecretStr

from app.errors import Unavailable
from app.logs import set_up
from app.settings import Settings
from tests.conftest import Fresh
from tests.institution import House
from tests.story import Dispute

SECRET = "zebrafinch"


@pytest.fixture
def logged(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """All that is logged, as JSON."""
    root, written = logging.getLogger(), io.StringIO()
    kept, level = root.handlers[:], root.level
    monkeypatch.setattr("sys.stderr", written)
    set_up(settings.model_copy(update={"log_format": "json"}))
    yield written
    root.handlers[:] = kept
    root.setLevel(level)


def test_each_request_has_one_line_without_secrets_and_without_words(
    dispute: Dispute, logged: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    dispute.lodged(title=f"The {SECRET} case", summary=f"About a {SECRET}.")
    dispute.filing(dispute.requesting, "participants", text=f"A {SECRET} flew by.")
    dispute.requesting.get(f"/v1/cases?q={SECRET}").expect(200)
    dispute.requesting.post("/v1/cases", {SECRET: SECRET}).expect(422)
    monkeypatch.setattr("app.members.service.MemberList", None)
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
    assert "app/members/service.py" in fault["exc_info"]
    assert fault["exc_info"].endswith("builtins.TypeError")


def test_what_a_database_says_of_a_value_is_not_logged(house: House, logged: io.StringIO) -> None:
    try:
        try:
            raise ValueError(f"Key (email)=({SECRET}) already exists")
        except ValueError as cause:
            raise Unavailable from cause
    except Unavailable:
        logging.getLogger("accord.test").exception("it failed")
    assert SECRET not in logged.getvalue()
    assert "builtins.ValueError" in logged.getvalue()


def test_on_a_terminal_the_lines_are_for_people(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.StringIO()
    monkeypatch.setattr("sys.stderr", written)
    root = logging.getLogger()
    kept, level = root.handlers[:], root.level
    try:
        set_up(settings.model_copy(update={"log_format": "text"}))
        logging.getLogger("accord.requests").info("request", extra={"request_id": "r-1", "status": 200})
    finally:
        root.handlers[:] = kept
        root.setLevel(level)
    assert written.getvalue().rstrip().endswith("INFO accord.requests: request request_id=r-1 status=200")


def test_figures_are_shown_to_the_operator_alone(fresh: Fresh) -> None:
    settings = fresh()
    with House.open(settings) as house:
        house.admin.get("/metrics").expect(404)
    token = "operator-" + "x" * 30
    with House.open(fresh().model_copy(update={"metrics_token": SecretStr(token)})) as house:
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
