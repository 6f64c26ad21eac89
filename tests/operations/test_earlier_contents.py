"""What earlier releases sealed is read by this one: the contents of every kept backup, over HTTP."""

import re
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from app.settings import Settings
from tests.installation import served_in_process, straight_to
from tests.processes import accord
from tests.upgrade_sample import SAMPLES

# The newest revision of each day: what is kept of one day differs in columns, and hardly in contents.
EARLIER = sorted({path.stem[:8]: path.stem for path in sorted(SAMPLES.glob("*.zip"))}.values())
# The lists below a case; what has an address of its own is read there as well.
LISTS = (
    "consents",
    "deadlines",
    "disclosures",
    "events",
    "filings",
    "parties",
    "rectifications",
    "referral",
    "request-versions",
    "service",
    "sessions",
    "settlement/certificates",
    "settlement/drafts",
    "settlement/signatures",
    "third-states",
    "timeline",
)
READERS = "SELECT email FROM users WHERE active AND (role = 'registrar' OR id IN (SELECT user_id FROM capacities))"


class Reader:
    """Somebody who reads everything that they can find."""

    def __init__(self, client: TestClient, token: str) -> None:
        self.client = client
        self.head = {"authorization": f"Bearer {token}"}
        self.contents = 0

    def read(self, path: str) -> Any:
        """What is at a path; nothing if it is hidden from the reader, or if this case has none."""
        answer = self.client.get(path, headers=self.head)
        assert answer.status_code in (200, 403, 404), f"{path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.status_code == 200 else {}

    def read_case(self, case_id: str) -> None:
        """A case, its lists, and each item of them."""
        path = f"/v1/cases/{case_id}"
        assert self.read(path)["summary"]
        for name in LISTS:
            items = self.read(f"{path}/{name}").get("items", [])
            for item in items:
                self.contents += item.get("content") is not None
                if "id" in item:
                    self.read(f"{path}/{name}/{item['id']}")
        for party in self.read(f"{path}/parties")["items"]:
            self.read(f"{path}/parties/{party['id']}/representatives")
        for appointment in self.read(f"{path}/appointments").get("items", []):
            self.read(f"/v1/appointments/{appointment['id']}")


@pytest.mark.slow
@pytest.mark.parametrize("revision", EARLIER)
def test_every_content_of_an_earlier_release_is_read(without_tables: Settings, tmp_path: Path, revision: str) -> None:
    storage = {"ACCORD_STORAGE": str(tmp_path / "documents")}
    restored = accord(without_tables, "restore", str(SAMPLES / f"{revision}.zip"), **storage)
    assert restored.returncode == 0, restored.stderr
    engine = straight_to(without_tables)
    with engine.connect() as connection:
        emails = connection.execute(text(READERS)).scalars().all()
    engine.dispose()
    contents = 0
    with served_in_process(without_tables) as client:
        for email in emails:
            issued = accord(without_tables, "token", "issue", email)
            token = re.search(r"accord_\S+", issued.stdout)
            assert token is not None, issued.stdout + issued.stderr
            reader = Reader(client, token[0])
            for case in reader.read("/v1/cases")["items"]:
                reader.read_case(case["id"])
            for referral in reader.read("/v1/referrals").get("items", []):
                reader.read(f"/v1/referrals/{referral['id']}")
            contents += reader.contents
    assert contents > 0
