"""The settings of a database session: the service sets what it relies on, whatever the database has."""

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from app.core.db import bare_engine
from tests.installation import House
from tests.story import Dispute

FOREIGN = {
    "datestyle": ("German", "SQL, DMY", "Postgres, MDY"),
    "timezone": ("Asia/Kathmandu",),
    "intervalstyle": ("iso_8601",),
    "bytea_output": ("escape",),
    "client_encoding": ("LATIN1",),
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in FOREIGN.items() for value in values])
def test_the_service_works_on_a_database_with_other_settings(
    house: House, dispute: Dispute, name: str, value: str
) -> None:
    dispute.lodged(title="Eaux de l'Èbre 水")
    if house.settings.is_sqlite:
        # SQLite has no such settings.
        dispute.read()
        return
    url = house.settings.database_url
    database = make_url(url).database
    outside = create_engine(url, isolation_level="AUTOCOMMIT")
    try:
        with outside.connect() as connection:
            connection.execute(text(f"ALTER DATABASE {database} SET {name} = '{value}'"))
        house.database.dispose()
        assert house.client.get("/readyz").json()["status"] == "ready"
        listed = dispute.requesting.get("/v1/cases").expect(200)["items"]
        assert [item["title"] for item in listed] == ["Eaux de l'Èbre 水"]
        assert listed[0]["opened_at"] == dispute.read()["opened_at"]
        engine = bare_engine(url)
        with engine.connect() as connection:
            assert connection.execute(text("SELECT now()")).scalar_one()
        engine.dispose()
    finally:
        with outside.connect() as connection:
            connection.execute(text(f"ALTER DATABASE {database} RESET {name}"))
        outside.dispose()
        house.database.dispose()
