"""An institution under test: the service in this process, its clock, and people who send it requests."""

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from uuid import UUID

import httpx
from fastapi import FastAPI
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
from app.institution.people import service as people
from app.institution.people.institution import InstitutionIn, found_institution
from app.institution.people.schemas import TokenIn, UserIn
from app.institution.people.tokens import write_token
from app.institution.signing import service as signing
from app.main import create_app, system_entropy
from app.operations.readers import Difference, audit_cases, audit_outside_cases
from app.settings import Settings

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
Json = dict[str, Any]


@dataclass
class Clock:
    """What time it is: nothing passes unless the test says so."""

    now: datetime = START

    def __call__(self) -> datetime:
        """The present instant."""
        return self.now

    def pass_by(self, **time: float) -> None:
        """Let time pass (`days=1`)."""
        self.now += timedelta(**time)


def entropy_of(request_id: str) -> Entropy:
    """Bytes that depend on the request's id alone, so that two worlds with the same requests have the same ids."""
    drawn = 0

    def draw(length: int) -> bytes:
        nonlocal drawn
        drawn += 1
        return hashlib.shake_256(f"{request_id}/{drawn}".encode()).digest(length)

    return draw


class Answer:
    """A response, with what tests ask of it."""

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
        """The stable code of a problem."""
        return str(self.json["code"])

    def expect(self, status: int, code: str | None = None) -> Any:
        """The body, if the status (and the problem's code) is the expected one."""
        told = f"{self.response.request.method} {self.response.request.url.path}: {self.response.text}"
        assert self.status == status, f"{self.status} instead of {status}: {told}"
        if code is not None:
            assert self.code == code, told
        return self.json if self.response.content else None


@dataclass
class Person:
    """Somebody with a token."""

    name: str
    id: str
    token: str
    client: httpx.Client
    numbered: Callable[[], str]

    def send(self, method: str, path: str, **given: Any) -> Answer:
        """Send a request as this person."""
        headers: dict[str, str | bytes] = {"authorization": f"Bearer {self.token}", "x-request-id": self.numbered()}
        headers |= given.pop("headers", {})
        # As bytes, so that headers can be sent that are no ASCII.
        raw = [
            (name.encode(), value if isinstance(value, bytes) else value.encode()) for name, value in headers.items()
        ]
        return Answer(self.client.request(method, path, headers=raw, **given))

    def get(self, path: str, **headers: str) -> Answer:
        """Read."""
        return self.send("GET", path, headers=_named(headers))

    def post(self, path: str, body: Json | None = None, **headers: str) -> Answer:
        """Act."""
        return self.send("POST", path, json=body, headers=_named(headers))

    def patch(self, path: str, body: Json, **headers: str) -> Answer:
        """Change."""
        return self.send("PATCH", path, json=body, headers=_named(headers))


def _named(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


@dataclass
class House:
    """The institution, its service and its people."""

    settings: Settings
    clock: Clock
    app: FastAPI
    client: TestClient
    database: Database[GatedSession]
    requests: int = 0
    prefix: str = "r"
    base_url: str = ""
    # Whether the test wrote readers into the database itself.
    planted: bool = False
    admin: Person = field(init=False)
    registrar: Person = field(init=False)

    @classmethod
    @contextmanager
    def open(cls, settings: Settings, *, predictable: bool = False, clock: Clock | None = None) -> "Iterator[House]":
        """Serve an empty registry and found its institution, with an administrator and a registrar."""
        with served_in_process(settings) as client:
            yield cls.founded(settings, client, predictable=predictable, clock=clock)

    @classmethod
    def founded(
        cls, settings: Settings, client: TestClient, *, predictable: bool = False, clock: Clock | None = None
    ) -> "House":
        """The institution in an empty registry that is served already."""
        house = cls._in(settings, client, clock or Clock(), entropy_of if predictable else system_entropy)
        house._found(entropy_of("founding") if predictable else os.urandom)
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

    def again(self) -> "House":
        """This house as it is now, for a test of its own, whose registry is brought back to this moment."""
        house = self._in(self.settings, self.client, Clock(self.clock.now))
        house.requests = self.requests
        house.admin, house.registrar = house.knowing(self.admin), house.knowing(self.registrar)
        return house

    def knowing(self, person: Person) -> Person:
        """Somebody of the house of which this is another day."""
        return self._person(person.name, person.id, person.token)

    def _found(self, entropy: Entropy) -> None:
        def found(db: GatedSession) -> tuple[UUID, str]:
            institution = InstitutionIn(name="Organisation for Mediation", time_zone="Asia/Hong_Kong")
            found_institution(db, self.clock.now, institution)
            db.sealer = self.app.state.seams.sealer
            signing.ensure_key(db, self.clock.now)
            admin = UserIn(name="Ada Min", email="admin@example.org", role="admin")
            id = people.write_user(db, self.clock.now, admin, OPERATOR)
            db.flush()
            given = TokenIn(user_id=id, label="first", expires_at=self.clock.now + timedelta(days=400))
            token_id = write_token(db, self.clock.now, given, id, OPERATOR)
            ledger.seal(db)
            return id, db.secrets[token_id]

        id, token = self.database.in_transaction(found, entropy)
        self.admin = self._person("Ada Min", str(id), token)
        self.registrar = self.person("Reggie Strar", role="registrar")

    def _person(self, name: str, id: str, token: str) -> Person:
        return Person(name, id, token, self.client, self.number)

    def unlisted(self) -> set[tuple[str, str]]:
        """The ids, by type of event, that some event carries and the catalogue does not list."""
        with self.database.read(os.urandom) as db, as_system(db):
            rows = db.execute(select(Event.type, Event.payload)).all()
        return {(row.type, id) for row in rows for id in catalogue.unlisted(row.type, row.payload)}

    def misread(self) -> list[Difference]:
        """Who may read what they should not, or may not what they should: nobody, after whatever was done here."""
        found: list[Difference] = []
        for audit in (audit_cases, audit_outside_cases):
            after: Any = None
            while True:
                with self.database.read(os.urandom) as db:
                    part = audit(db, after)
                found += part.differences
                after = part.last
                if after is None:
                    break
        return found

    def number(self) -> str:
        """The id of the next request; hidden acts in one of two worlds take theirs from another series."""
        self.requests += 1
        return f"{self.prefix}-{self.requests:06d}"

    @contextmanager
    def apart(self, prefix: str) -> Iterator[None]:
        """Requests whose ids leave the series of the others as it is."""
        kept = self.requests, self.prefix
        self.requests, self.prefix = 0, prefix
        try:
            yield
        finally:
            self.requests, self.prefix = kept

    def person(self, name: str, role: str = "user") -> Person:
        """A new person with an account and a token."""
        email = f"{name.lower().replace(' ', '.')}@example.org"
        user = self.admin.post("/v1/users", {"name": name, "email": email, "role": role}).expect(201)
        expires_at = (self.clock.now + timedelta(days=399)).isoformat()
        given = {"user_id": user["id"], "label": "tests", "expires_at": expires_at}
        return self._person(name, user["id"], self.admin.post("/v1/tokens", given).expect(201)["token"])

    def mediator(self, name: str) -> tuple[Person, str]:
        """A new person on the roster, and their id there."""
        person = self.person(name)
        given = {"user_id": person.id, "nationalities": ["KE"], "languages": ["en", "fr"]}
        return person, self.registrar.post("/v1/mediators", given).expect(201)["id"]

    def member(self, name: str, excludes: list[str] | None = None, **more: Any) -> str:
        """A contracting State, by id."""
        given = {
            "name": name,
            "kind": "state",
            "status": "contracting",
            "in_force_on": "2025-08-29",
            "declarations": [{"subjects": excludes}] if excludes else [],
            **more,
        }
        return str(self.admin.post("/v1/members", given).expect(201)["id"])


@contextmanager
def outside(house: House, *people: Person) -> Iterator[list[Person]]:
    """The same people, each with a connection of their own."""
    clients = [httpx.Client(base_url=house.base_url, timeout=60) for _person in people]
    try:
        yield [
            Person(person.name, person.id, person.token, client, house.number)
            for person, client in zip(people, clients, strict=True)
        ]
    finally:
        for client in clients:
            client.close()


def served_in_process(settings: Settings) -> TestClient:
    """The service on a registry, once the client is entered."""
    return TestClient(_app_on(settings), base_url="http://accord.test", raise_server_exceptions=False)


@cache
def _app_on(settings: Settings) -> FastAPI:
    """One app for each database of this worker: what it has compiled once serves the next test too."""
    return create_app(settings)


def straight_to(settings: Settings) -> Engine:
    """A way to the database past the service, by the same SQLite: two of them end each other's locks on a file."""
    return create_engine(settings.database_url, **({"module": sqlite} if settings.is_sqlite else {}))


def guarded(settings: Settings) -> Database[GatedSession]:
    """Another handle on the same registry."""
    return Database(settings, guard, GatedSession)
