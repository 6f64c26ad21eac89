"""An institution under test: the service in this process, its clock, and people who send it requests."""

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from uuid import UUID

import httpx
from fastapi import FastAPI
from pydantic import SecretStr
from sqlalchemy import Engine, create_engine, select
from starlette.testclient import TestClient

from app.core.access.gate import guard
from app.core.access.session import GatedSession, as_system
from app.core.db import Database, Entropy, sqlite
from app.core.http.waiting_room import WaitingRoom
from app.core.ledger import catalogue
from app.core.ledger import service as ledger
from app.core.ledger.acts import OPERATOR
from app.core.paging import Cursors
from app.core.seams import Seams
from app.core.tables.events import Event
from app.core.tables.people import User
from app.institution.people import service as people
from app.institution.people.activations import print_link
from app.institution.people.institution import InstitutionIn, found_institution
from app.institution.people.schemas import TokenIn, UserIn
from app.institution.people.tokens import write_token
from app.institution.signing import service as signing
from app.main import create_app, system_entropy
from app.operations.readers import Difference, audit_cases, audit_outside_cases
from app.settings import Settings
from tests.in_process import InProcessClient
from tests.vacancies import awaited_in_vain

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
Json = dict[str, Any]
MASTER_KEY = SecretStr("MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=")
# No rate limits: tests send in seconds what people send in days.
TEST_SETTINGS: Json = {
    "master_key": MASTER_KEY,
    "anonymous_per_minute": 0,
    "writes_per_minute": 0,
    "refused_reads_per_minute": 0,
}


@dataclass
class Clock:
    """A clock that stands still until the test moves it."""

    now: datetime = START

    def __call__(self) -> datetime:
        """The present instant."""
        return self.now

    def pass_by(self, **time: float) -> None:
        """Move the clock on (`days=1`)."""
        self.now += timedelta(**time)


def entropy_of(request_id: str) -> Entropy:
    """Random bytes that depend only on the request's id, so that two worlds with the same requests get the same ids."""
    drawn = 0

    def draw(length: int) -> bytes:
        nonlocal drawn
        drawn += 1
        return hashlib.shake_256(f"{request_id}/{drawn}".encode()).digest(length)

    return draw


class Answer:
    """A response, and the questions that tests ask about it."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self.status = response.status_code
        self.headers = response.headers

    @property
    def json(self) -> Any:
        """The body."""
        return self.response.json()

    @property
    def code(self) -> str:
        """The code of a problem."""
        return str(self.json["code"])

    def expect(self, status: int, code: str | None = None) -> Any:
        """The body; fails unless the status and the problem's code are the expected ones."""
        request = f"{self.response.request.method} {self.response.request.url.path}: {self.response.text}"
        assert self.status == status, f"{self.status} instead of {status}: {request}"
        if code is not None:
            assert self.code == code, request
        return self.json if self.response.content else None


@dataclass
class Person:
    """A person with a token."""

    name: str
    id: str
    token: str
    client: httpx.Client
    next_request_id: Callable[[], str]

    def send(self, method: str, path: str, **request: Any) -> Answer:
        """Send a request as this person."""
        headers: dict[str, str | bytes] = {
            "authorization": f"Bearer {self.token}",
            "x-request-id": self.next_request_id(),
        }
        headers |= request.pop("headers", {})
        # As bytes, because httpx takes only ASCII in headers that are text.
        raw = [
            (name.encode(), value if isinstance(value, bytes) else value.encode()) for name, value in headers.items()
        ]
        return Answer(self.client.request(method, path, headers=raw, **request))

    def get(self, path: str, **headers: str) -> Answer:
        """Send GET."""
        return self.send("GET", path, headers=_named(headers))

    def post(self, path: str, body: Json | None = None, **headers: str) -> Answer:
        """Send POST."""
        return self.send("POST", path, json=body, headers=_named(headers))

    def patch(self, path: str, body: Json, **headers: str) -> Answer:
        """Send PATCH."""
        return self.send("PATCH", path, json=body, headers=_named(headers))


def _named(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


@dataclass
class House:
    """The institution under test: its service, its clock and its people."""

    settings: Settings
    clock: Clock
    app: FastAPI
    client: TestClient
    database: Database[GatedSession]
    requests: int = 0
    prefix: str = "r"
    base_url: str = ""
    # Set by a test that writes wrong readers into the database on purpose.
    has_planted_readers: bool = False
    # Set by a test that changes other rows past the acts of the service.
    has_planted_rows: bool = False
    stays: tuple[str, int, datetime] | None = None
    admin: Person = field(init=False)
    registrar: Person = field(init=False)

    @classmethod
    @contextmanager
    def open(cls, settings: Settings, *, predictable: bool = False, clock: Clock | None = None) -> "Iterator[House]":
        """Serve an empty registry and found its institution, with an administrator and a registrar."""
        with served_in_process(settings) as client:
            yield cls.founded(settings, client, predictable=predictable, clock=clock)

    @classmethod
    def open_today(cls, settings: Settings) -> AbstractContextManager["House"]:
        """Serve an empty registry and found its institution at the present time, for processes with the real clock."""
        return cls.open(settings, clock=Clock(datetime.now(UTC)))

    @classmethod
    def founded(
        cls, settings: Settings, client: TestClient, *, predictable: bool = False, clock: Clock | None = None
    ) -> "House":
        """Found the institution in an empty registry that is already served."""
        house = cls._in(settings, client, clock or Clock(), entropy_of if predictable else system_entropy)
        house._found_institution(entropy_of("founding") if predictable else os.urandom)
        return house

    @classmethod
    def _in(
        cls, settings: Settings, client: TestClient, clock: Clock, entropy: Callable[[str], Entropy] = system_entropy
    ) -> "House":
        app: Any = client.app
        seams: Seams = app.state.seams
        app.state.seams = replace(seams, clock=clock, entropy=entropy, cursors=Cursors())
        app.state.waiting_room = WaitingRoom(seams.database)
        return cls(settings, clock, app, client, seams.database)

    def for_next_test(self) -> "House":
        """A copy of this house for another test, whose registry has been restored to this moment."""
        house = self._in(self.settings, self.client, Clock(self.clock.now))
        house.requests = self.requests
        house.admin, house.registrar = house.same_person(self.admin), house.same_person(self.registrar)
        return house

    def stay_at(self, moment: str) -> None:
        """Note that the registry's content is that of a saved moment, until the next request or passing of time."""
        self.stays = (moment, self.requests, self.clock.now)

    def leave_moment(self) -> None:
        """Note that the database is changed past the service, so that no saved moment may be restored over it."""
        self.stays = None

    def moment(self) -> str | None:
        """The saved moment at which this house still is; None after any request or passing of time."""
        moment = self.stays[0] if self.stays else None
        return moment if self.stays == (moment, self.requests, self.clock.now) else None

    def same_person(self, person: Person) -> Person:
        """A person of the house from which this one was copied, as a person of this house."""
        return self.person_with_token(person.name, person.id, person.token)

    def _found_institution(self, entropy: Entropy) -> None:
        def found(db: GatedSession) -> tuple[UUID, str]:
            institution = InstitutionIn(name="Organisation for Mediation", time_zone="Asia/Hong_Kong")
            found_institution(db, self.clock.now, institution)
            db.sealer = self.app.state.seams.sealer
            signing.ensure_key(db, self.clock.now)
            admin = UserIn(name="Ada Min", email="admin@example.org", role="admin")
            id = people.write_user(db, self.clock.now, admin, OPERATOR)
            db.flush()
            first_token = TokenIn(user_id=id, label="first", expires_at=self.clock.now + timedelta(days=400))
            token_id = write_token(db, self.clock.now, first_token, id, OPERATOR)
            ledger.seal(db)
            return id, db.secrets[token_id]

        id, token = self.database.in_transaction(found, entropy)
        self.admin = self.person_with_token("Ada Min", str(id), token)
        self.registrar = self.person("Reggie Strar", role="registrar")

    def person_with_token(self, name: str, id: str, token: str) -> Person:
        """A person who sends this token, whether or not the service knows it."""
        return Person(name, id, token, self.client, self.next_request_id)

    def unlisted_ids(self) -> set[tuple[str, str]]:
        """The ids, with the type of event, that an event carries and the catalogue does not list."""
        with self.database.read(os.urandom) as db, as_system(db):
            rows = db.execute(select(Event.type, Event.payload)).all()
        return {(row.type, id) for row in rows for id in catalogue.unlisted(row.type, row.payload)}

    def wrong_readers(self) -> list[Difference]:
        """The differences between the stored readers of each audience and the readers that the policy names."""
        differences: list[Difference] = []
        for audit in (audit_cases, audit_outside_cases):
            after: Any = None
            while True:
                with self.database.read(os.urandom) as db:
                    part = audit(db, after)
                differences += part.differences
                after = part.last
                if after is None:
                    break
        return differences

    def awaited_in_vain(self) -> list[tuple[str, str]]:
        """What open cases wait or are scheduled for that depends on nobody who is there: the case, and what it is."""
        with self.database.read(os.urandom) as db, as_system(db):
            return awaited_in_vain(db)

    def next_request_id(self) -> str:
        """The id of the next request of the current series."""
        self.requests += 1
        return f"{self.prefix}-{self.requests:06d}"

    @contextmanager
    def apart(self, prefix: str) -> Iterator[None]:
        """Number the requests in this block in a series of their own, so that those after it get the ids they would."""
        series = self.requests, self.prefix
        self.requests, self.prefix = 0, prefix
        try:
            yield
        finally:
            self.requests, self.prefix = series

    def person(self, name: str, role: str = "user") -> Person:
        """A new person with an account and a token."""
        email = f"{name.lower().replace(' ', '.')}@example.org"
        user = self.admin.post("/v1/users", {"name": name, "email": email, "role": role}).expect(201)
        if user["awaits_approval"]:
            self.registrar.post(f"/v1/users/{user['id']}/approve").expect(200)
        return self.holder(name, user["id"])

    def holder(self, name: str, id: str) -> Person:
        """The holder of an account with a token, written without the act by which people get one: tests find many."""

        def write(db: GatedSession) -> str:
            body = TokenIn(label="tests", expires_at=self.clock.now + timedelta(days=399))
            token_id = write_token(db, self.clock.now, body, UUID(id), OPERATOR)
            ledger.seal(db)
            return db.secrets[token_id]

        entropy = self.app.state.seams.entropy(self.next_request_id())
        return self.person_with_token(name, id, self.database.in_transaction(write, entropy))

    def activated(self, name: str, email: str) -> Person:
        """The holder of an account, who used a one-time link that the operator printed."""

        def write(db: GatedSession) -> tuple[str, str]:
            user_id = db.execute(select(User.id).where(User.email == email)).scalar_one()
            secret = print_link(db, self.clock.now, user_id, OPERATOR)
            ledger.seal(db)
            return str(user_id), secret

        id, secret = self.database.in_transaction(write, self.app.state.seams.entropy(self.next_request_id()))
        answer = self.client.post("/v1/activations", json={"secret": secret})
        return self.person_with_token(name, id, Answer(answer).expect(200)["token"])

    def mediator(self, name: str) -> tuple[Person, str]:
        """A new person on the roster of mediators, and the id of their entry."""
        person = self.person(name)
        entry = {"user_id": person.id, "nationalities": ["KE"], "languages": ["en", "fr"]}
        return person, self.registrar.post("/v1/mediators", entry).expect(201)["id"]

    def member(self, name: str, excludes: list[str] | None = None, **more: Any) -> str:
        """A new contracting State that excludes these subjects by declaration; gives its id."""
        member = {
            "name": name,
            "kind": "state",
            "status": "contracting",
            "in_force_on": "2025-08-29",
            "declarations": [{"subjects": excludes}] if excludes else [],
            **more,
        }
        return str(self.admin.post("/v1/members", member).expect(201)["id"])


@contextmanager
def outside(house: House, *people: Person) -> Iterator[list[Person]]:
    """The same people, each with their own connection to the served house."""
    clients = [httpx.Client(base_url=house.base_url, timeout=60) for _person in people]
    try:
        yield [
            Person(person.name, person.id, person.token, client, house.next_request_id)
            for person, client in zip(people, clients, strict=True)
        ]
    finally:
        for client in clients:
            client.close()


def served_in_process(settings: Settings) -> TestClient:
    """A client of the service on a registry; entering the client starts the service."""
    return InProcessClient(_app_on(settings))


@cache
def _app_on(settings: Settings) -> FastAPI:
    """One app for each database of this worker, so that tests share the statements it has compiled."""
    return create_app(settings)


def straight_to(settings: Settings) -> Engine:
    """A connection to the database that bypasses the service.

    It uses the same SQLite library, because closing a file in one library releases the locks of the other.
    """
    return create_engine(settings.database_url, **({"module": sqlite} if settings.is_sqlite else {}))


def guarded(settings: Settings) -> Database[GatedSession]:
    """Another handle on the same registry."""
    return Database(settings, guard, GatedSession)
