"""A sender who was known a moment ago is asked for again along with what they read, and never served on memory."""

import logging
from uuid import UUID

import pytest
from sqlalchemy import text, update
from sqlalchemy.exc import OperationalError

from app.core.http.work import Work
from app.core.tables.people import Token, User
from tests.installation import House, straight_to
from tests.sql_statements import recorded_statements
from tests.story import Dispute


def changed_elsewhere(house: House, user_id: str, **values: object) -> None:
    """Change a row of a user by another process, of which this one hears nothing."""
    engine = straight_to(house.settings)
    with engine.begin() as connection:
        connection.execute(update(User.__table__).where(User.__table__.c.id == UUID(user_id)).values(**values))  # type: ignore[arg-type]
    engine.dispose()


def test_a_person_whose_account_ended_elsewhere_is_refused_at_once(dispute: Dispute) -> None:
    dispute.lodged()
    agent, stranger = dispute.requesting, dispute.house.person("Stran Ger")
    agent.get(dispute.path).expect(200)
    stranger.get("/v1/cases/unknown").expect(404)
    for person in (agent, stranger):
        changed_elsewhere(dispute.house, person.id, active=False)
    for path in (dispute.path, "/v1/cases", "/v1/cases?phase=unknown", "/v1/users", "/v1/me"):
        agent.get(path).expect(401)
        stranger.get(path).expect(401)


def test_the_log_names_nobody_who_was_presumed_and_not_confirmed(
    dispute: Dispute, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    dispute.lodged()
    dispute.requesting.get(dispute.path).expect(200)

    def fails(*_given: object) -> None:
        raise OperationalError(None, None, Exception("a statement took too long"))

    monkeypatch.setattr(Work, "_prepare", fails)
    caplog.set_level(logging.INFO, "accord.requests")
    changed_elsewhere(dispute.house, dispute.requesting.id, active=False)
    dispute.requesting.get(dispute.path).expect(503)
    last = [vars(record) for record in caplog.records if record.name == "accord.requests"][-1]
    assert last["code"] == "unavailable"
    assert "actor_id" not in last


def test_a_token_that_was_revoked_elsewhere_is_refused_at_once(dispute: Dispute) -> None:
    dispute.lodged()
    dispute.requesting.get(dispute.path).expect(200)
    engine = straight_to(dispute.house.settings)
    tokens = Token.__table__.c
    with engine.begin() as connection:
        ended = update(Token.__table__).where(tokens.user_id == UUID(dispute.requesting.id))  # type: ignore[arg-type]
        connection.execute(ended.values(revoked_at=dispute.house.clock.now))
    engine.dispose()
    dispute.requesting.get(dispute.path).expect(401)


def test_somebody_whose_role_changed_elsewhere_reads_and_is_refused_by_the_new_one(house: House) -> None:
    registrar = house.person("Second Registrar", "registrar")
    registrar.get("/v1/users").expect(200)
    changed_elsewhere(house, registrar.id, role="user")
    registrar.get("/v1/users").expect(403)
    registrar.get("/v1/me/desk").expect(200)
    assert registrar.get("/v1/me").expect(200)["role"] == "user"
    changed_elsewhere(house, registrar.id, role="registrar", name="Risen Again")
    assert registrar.get("/v1/users").expect(200)["items"]
    assert registrar.get("/v1/me").expect(200)["name"] == "Risen Again"


def test_a_read_of_somebody_known_asks_for_them_and_for_the_case_in_one_transaction(dispute: Dispute) -> None:
    dispute.lodged()
    dispute.requesting.get(dispute.path).expect(200)
    with recorded_statements(dispute.house.database.engine) as sent:
        dispute.requesting.get(dispute.path).expect(200)
    assert len(sent) == 2, sent


@pytest.mark.parametrize("registry", ["postgresql"], indirect=True)
def test_a_lost_connection_is_replaced_and_the_request_answered(house: House) -> None:
    engine = straight_to(house.settings)

    def lose_all_connections() -> None:
        with engine.connect() as connection:
            others = "datname = current_database() AND application_name = 'accord'"
            connection.execute(text(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}"))

    house.admin.get("/v1/me").expect(200)
    lose_all_connections()
    house.admin.get("/v1/me").expect(200)
    lose_all_connections()
    house.person("Nadia Okoro").get("/v1/me").expect(200)
    engine.dispose()
