"""One registry on several hosts: two services and workers behind a proxy, a pooler of transactions, and a bucket."""

import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, nullcontext
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import URL

from app.core.db import WrongSession, missing_settings
from app.operations.migrating import migrate
from app.settings import Settings
from tests.hosts import Pooler, own_role, pooler, proxy
from tests.installation import TEST_SETTINGS, Answer, House, Person, guarded
from tests.mail_servers import MailServer, mailing
from tests.processes import Served, accord, free_port, served
from tests.processes import running as working
from tests.receivers import Receiver, receiver
from tests.story import Dispute
from tests.uploads import S3, content_of, desk_of, empty_bucket
from tests.webhooks import subscribe

pytestmark = pytest.mark.slow


def written(url: URL) -> str:
    """An address with its password."""
    return url.render_as_string(hide_password=False)


@pytest.fixture
def direct(tmp_path: Path) -> Iterator[Settings]:
    """The settings of a database without tables that belongs to an ordinary role."""
    with own_role() as url:
        yield Settings(database_url=written(url), storage=str(tmp_path / "documents"), **TEST_SETTINGS)


@pytest.fixture
def pool(direct: Settings) -> Iterator[Pooler]:
    """A PgBouncer in front of that database."""
    with pooler(create_engine(direct.database_url).url) as running:
        yield running


@pytest.fixture
def pooled(direct: Settings, pool: Pooler) -> Settings:
    """The settings of a registry whose service reaches its database through that PgBouncer."""
    return direct.model_copy(update={"pooler_url": written(pool.url)})


def of_role(direct: Settings, *statements: str) -> None:
    """Change the settings of the role in its database."""
    engine = create_engine(direct.database_url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in statements:
            name = engine.url.database
            connection.execute(text(f"ALTER ROLE {name} IN DATABASE {name} {statement}"))
    engine.dispose()


def test_sessions_of_a_pooler_without_the_settings_are_not_used_until_a_migration_sets_them(
    direct: Settings, pooled: Settings, pool: Pooler
) -> None:
    migrate(direct)
    of_role(direct, "SET TimeZone = 'Asia/Kathmandu'", "SET DateStyle = 'German'")
    with House.open_today(direct) as house:
        bearer = {"authorization": f"Bearer {house.registrar.token}"}
        house.database.dispose()
    env = {"ACCORD_POOLER_URL": str(pooled.pooler_url)}
    with served(direct, **env) as service:
        ready = httpx.get(f"{service.base_url}/readyz", timeout=30)
        says = "its sessions lack settings: run 'accord migrate'"
        assert (ready.status_code, ready.json()["checks"]["database"]) == (503, says)
        assert httpx.get(f"{service.base_url}/v1/me", headers=bearer, timeout=30).status_code == 503
        checked = accord(direct, "check", **env)
        assert (checked.returncode, "sessions lack the settings TimeZone, DateStyle: run" in checked.stdout) == (
            1,
            True,
        )
        migrated = accord(direct, "migrate", **env)
        assert migrated.returncode == 0, migrated.stderr
        pool.ask("RECONNECT")
        assert httpx.get(f"{service.base_url}/readyz", timeout=30).json()["status"] == "ready"
        assert httpx.get(f"{service.base_url}/v1/me", headers=bearer, timeout=30).status_code == 200
    # What the pooler does not keep for its clients is for the check to find.
    of_role(direct, "RESET statement_timeout", "SET jit = on")
    pool.ask("RECONNECT")
    checked = accord(direct, "check", **env)
    assert (checked.returncode, "Sessions lack the settings jit, statement_timeout: run" in checked.stdout) == (1, True)
    assert accord(direct, "check").returncode == 0


@pytest.mark.parametrize("wrong", ["TimeZone = 'Etc/UTC'", "DateStyle = 'ISO, DMY'", "client_encoding = 'LATIN1'"])
def test_each_setting_that_decides_how_rows_are_read_is_required_of_a_pooler(
    direct: Settings, pooled: Settings, pool: Pooler, wrong: str
) -> None:
    migrate(pooled)
    for statement, is_used in ((f"SET {wrong}", False), (None, True)):
        if statement is None:
            migrate(pooled)
        else:
            of_role(direct, statement)
        pool.ask("RECONNECT")
        database = guarded(pooled)
        with nullcontext() if is_used else pytest.raises(WrongSession), database.read(os.urandom) as db:
            assert db.execute(text("SELECT 1")).scalar_one() == 1
            assert missing_settings(db) == []
        database.dispose()


def test_the_master_key_is_not_rotated_while_the_pooler_runs(
    direct: Settings, pooled: Settings, pool: Pooler, tmp_path: Path
) -> None:
    env = {"ACCORD_POOLER_URL": str(pooled.pooler_url)}
    assert accord(direct, "migrate", **env).returncode == 0
    with House.open_today(pooled) as house:
        Dispute(house).opened()
        house.database.dispose()
    out = str(tmp_path / "new.key")
    accord(direct, "key", "new", "--out", out)
    refused = accord(direct, "key", "rotate", "--to", out, **env)
    assert refused.returncode == 1
    assert "The pooler still runs: stop the service, every worker and the pooler before the rotation." in refused.stderr
    pool.stop()
    rotated = accord(direct, "key", "rotate", "--to", out, **env)
    assert (rotated.returncode, "Wrapped 2 keys" in rotated.stdout) == (0, True), rotated.stderr


def eventually(what: Callable[[], Any], seconds: float = 40) -> Any:
    """What a function gives as soon as that is something."""
    end = time.monotonic() + seconds
    while not (found := what()) and time.monotonic() < end:
        time.sleep(0.1)
    assert found
    return found


class Hosts:
    """Two hosts, and the addresses of both and of the proxy."""

    def __init__(self, first: Served, second: Served, address: str, running: ExitStack) -> None:
        self.first, self.second, self.address = first, second, address
        self._running = running

    def client(self, address: str, **more: Any) -> Any:
        """A client of that address, closed at the end."""
        return self._running.enter_context(httpx.Client(base_url=address, timeout=60, **more))

    def at(self, address: str, person: Person) -> Person:
        """The person as a client of one address, of a host or of the proxy."""
        return Person(person.name, person.id, person.token, self.client(address), person.next_request_id)


def through(house: House, client: Any) -> None:
    """Let the people of a house send their requests by this client from now on."""
    house.client = client
    house.admin, house.registrar = house.same_person(house.admin), house.same_person(house.registrar)


def test_a_case_is_played_on_two_hosts_of_which_one_dies(
    direct: Settings, pooled: Settings, pool: Pooler, bucket_server: str, tmp_path: Path
) -> None:
    empty_bucket(bucket_server, "hosts")
    in_bucket = {"storage": "s3://hosts/accord", "storage_endpoint": bucket_server, **S3}
    direct, pooled = (
        Settings(**{**each.model_dump(), **in_bucket, "anonymous_per_minute": 0}) for each in (direct, pooled)
    )
    migrate(pooled)
    logs = [tmp_path / "first.log", tmp_path / "second.log"]
    mails = MailServer(free_port())
    env = {
        "ACCORD_POOLER_URL": str(pooled.pooler_url),
        "ACCORD_WEBHOOK_ALLOWED": "127.0.0.1",
        "ACCORD_WORKER_INTERVAL": "1",
        "ACCORD_LOG_FORMAT": "json",
        "ACCORD_ANONYMOUS_PER_MINUTE": "20",
        **{f"ACCORD_{name.upper()}": value for name, value in in_bucket.items()},
        **of_mail(mailing(direct, mails)),
    }
    with ExitStack() as running:
        controller = mails.start()
        running.callback(controller.stop)
        house = running.enter_context(House.open_today(direct))
        # The first host has a worker inside, and another runs for itself: they do each thing once.
        running.enter_context(working(direct, "worker", **env))
        first = running.enter_context(served(direct, log=logs[0], **env))
        second = running.enter_context(served(direct, log=logs[1], **env, ACCORD_RUN_WORKER="false"))
        hook = running.enter_context(receiver())
        address = running.enter_context(proxy(tmp_path, first.port, second.port))
        hosts = Hosts(first, second, address, running)
        through(house, hosts.client(address))

        dispute = Dispute(house)
        subscribe(dispute.requesting, hook.url)
        dispute.mediating()
        desk = desk_of(dispute)
        content = b"The gauge stood at 2.40 m.\n" * 40_000
        document = desk.document(content, name="gauge.txt", media_type="text/plain")
        desk.submit()
        for service in (first, second):
            read = content_of(hosts.at(service.base_url, dispute.responding), document)
            assert (read.status, read.response.content == content) == (200, True)

        news_of_one_host_end_the_waiting_on_the_other(hosts, dispute, a_key_counts_on_both(hosts, dispute))
        limits_count_each_address(hosts)
        everything_is_sent_once(dispute, hook, mails)
        made = filings_while_a_host_dies(hosts, dispute)
        titles = [each["title"] for each in dispute.requesting.get(f"{dispute.path}/filings?limit=200").json["items"]]
        assert Counter(titles) == Counter([*made, "Memorial"])
        submitted = dispute.filing(dispute.requesting, "participants")
        event = next(each for each in dispute.events() if each["payload"].get("filing_id") == submitted["id"])
        eventually(lambda: event["id"] in hook.ids())
        for log in logs:
            assert log.read_text().count('"status": 20') + log.read_text().count('"status":20') > 20
        (pooling,) = [each for each in pool.ask("SHOW POOLS") if each["database"] == pool.url.database]
        assert pooling["cl_active"] + pooling["cl_waiting"] > 0
        assert pooling["sv_active"] + pooling["sv_idle"] + pooling["sv_used"] + pooling["sv_tested"] <= 5
    verified = accord(direct, "ledger", "verify", **env)
    assert (verified.returncode, "every chain holds" in verified.stdout) == (0, True), verified.stdout
    checked = accord(direct, "check", "--storage", **env)
    assert checked.returncode == 0, checked.stdout
    assert guarded(pooled).settings.service_url == pooled.pooler_url


def of_mail(settings: Settings) -> dict[str, str]:
    """The settings of mail, as variables."""
    names = ("smtp_host", "smtp_port", "smtp_security", "mail_from", "public_url")
    return {f"ACCORD_{name.upper()}": str(getattr(settings, name)) for name in names}


def a_key_counts_on_both(hosts: Hosts, dispute: Dispute) -> str:
    """A request with the same key on the other host gets the same answer; a stale tag is refused there.

    Gives the path of the draft.
    """
    body = {"kind": "notice", "title": "Once", "text": "x", "audience": "participants"}
    sent = [
        hosts.at(service.base_url, dispute.requesting).post(f"{dispute.path}/filings", body, idempotency_key="one-act")
        for service in (hosts.first, hosts.second)
    ]
    draft, again = (each.expect(201) for each in sent)
    assert draft == again
    path = f"{dispute.path}/filings/{draft['id']}"
    tag = hosts.at(hosts.first.base_url, dispute.requesting).get(path).headers["etag"]
    hosts.at(hosts.second.base_url, dispute.requesting).patch(path, {"title": "Once."}, if_match=tag).expect(200)
    hosts.at(hosts.first.base_url, dispute.requesting).patch(path, {"title": "Twice"}, if_match=tag).expect(412)
    return path


def news_of_one_host_end_the_waiting_on_the_other(hosts: Hosts, dispute: Dispute, draft: str) -> None:
    """A reader who waits at one host learns at once of an act on the other."""
    waiting, acting = (
        hosts.at(hosts.first.base_url, dispute.responding),
        hosts.at(hosts.second.base_url, dispute.requesting),
    )
    after = waiting.get("/v1/events?latest=true").expect(200)["next"]
    with ThreadPoolExecutor(1) as threads:
        answer = threads.submit(waiting.get, f"/v1/events?after={after}&wait=30")
        time.sleep(1)
        began = time.monotonic()
        acting.post(f"{draft}/submit").expect(200)
        items = answer.result(30).expect(200)["items"]
    assert items
    assert time.monotonic() - began < 5


def limits_count_each_address(hosts: Hosts) -> None:
    """Each host counts an address for itself, behind the proxy too, and others are not limited with it."""
    transports = [httpx.HTTPTransport(local_address=f"127.0.0.{last}") for last in (2, 3)]
    loud, other = (hosts.client(hosts.address, transport=each) for each in transports)
    statuses = Counter(loud.get("/v1/me").status_code for _request in range(60))
    assert set(statuses) == {401, 429}
    assert 20 <= statuses[401] <= 42, statuses
    assert other.get("/v1/me").status_code == 401


def filings_while_a_host_dies(hosts: Hosts, dispute: Dispute) -> list[str]:
    """The titles of filings that are sent while a host is killed; what gets no answer is sent again with its key."""
    titles = [f"Filing {number}" for number in range(40)] + ["Once."]

    def file(title: str) -> None:
        person = hosts.at(hosts.address, dispute.requesting)
        body = {"kind": "notice", "title": title, "text": "x", "audience": "participants"}
        for _attempt in range(20):
            try:
                answer: Answer = person.post(f"{dispute.path}/filings", body, idempotency_key=title.replace(" ", "-"))
            except httpx.TransportError:
                continue
            if answer.status == 201:
                return
            assert answer.status in (409, 502, 503, 504), answer.response.text
            time.sleep(0.2)
        raise AssertionError(f"{title} was never answered")

    with ThreadPoolExecutor(4) as threads:
        filed = [threads.submit(file, title) for title in titles[:-1]]
        eventually(lambda: sum(each.done() for each in filed) >= 8)
        hosts.first.kill()
        for each in filed:
            each.result(60)
    return titles


def everything_is_sent_once(dispute: Dispute, hook: Receiver, mails: MailServer) -> None:
    """Every event arrives, and no event and no mail arrives twice from two workers."""
    events = {event["id"] for event in dispute.events()}
    assert len(events) > 20
    eventually(lambda: events <= set(hook.ids()))
    eventually(lambda: mails.to(dispute.responding))
    assert max(Counter(hook.ids()).values()) == 1
    assert max(Counter(str(mail["Message-ID"]) for mail in mails.mails).values()) == 1
