"""Plays the story through the API, on a clock of its own that ends at the present."""

import os
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import httpx

from app.core.access.scopes import SCOPES
from app.core.access.session import GatedSession
from app.core.db import Database, Entropy
from app.core.ledger import service as ledger
from app.core.ledger.acts import OPERATOR
from app.core.sealer import Sealer
from app.demo.map import file_of
from app.demo.story import (
    COURT,
    FIRST_CASE,
    INSTITUTION,
    LAST_DAY,
    MEMBERS,
    PEOPLE,
    REQUEST,
    ROSTER,
    SECOND_CASE,
    TIME_ZONE,
    Json,
    StoryAct,
    StoryFault,
    Tell,
)
from app.institution.people import service as people
from app.institution.people.institution import InstitutionIn, found_institution
from app.institution.people.schemas import TokenIn, UserIn
from app.institution.people.tokens import write_token
from app.institution.signing import service as signing
from app.integration.clients.grants import write_access_token
from app.main import create_app
from app.rules.loader import library
from app.rules.model import Citation
from app.settings import Settings

TOKEN_LIFE = timedelta(days=180)


def _nothing() -> None:
    """Do nothing: without a display."""


class StoryClock:
    """The clock of the story; acts happen on their day and hour at the seat."""

    def __init__(self, present: datetime) -> None:
        self.present = present
        self.zone = ZoneInfo(TIME_ZONE)
        self.beginning = present.astimezone(self.zone).date() - timedelta(days=LAST_DAY)
        self.now = datetime.combine(self.beginning, time(8), self.zone).astimezone(UTC)

    def __call__(self) -> datetime:
        """The present instant of the story."""
        return self.now

    def set(self, day: int, hour: int) -> None:
        """Advance to this hour, never back and never past the present."""
        at = datetime.combine(self.day(day), time(hour), self.zone).astimezone(UTC)
        self.now = min(max(at, self.now + timedelta(minutes=1)), self.present)

    def day(self, number: int) -> Any:
        """The date of a day of the story."""
        return self.beginning + timedelta(days=number)


class Player:
    """Plays acts; knows everybody's token and the values that earlier acts kept.

    `entropy` gives the random bytes of what is done without a request.
    """

    def __init__(self, app: Any, clock: StoryClock, tell: Tell, entropy: Entropy = os.urandom) -> None:
        self.app, self.clock, self.tell, self.entropy = app, clock, tell, entropy
        self.tokens: dict[str, str] = {}
        self.kept: dict[str, str] = {f"day{number}": clock.day(number).isoformat() for number in range(120)}

    async def send(self, who: str, method: str, path: str, body: Json, **headers: str) -> httpx.Response:
        """Send one request."""
        transport = httpx.ASGITransport(self.app)
        headers["authorization"] = f"Bearer {self.tokens[who]}"
        async with httpx.AsyncClient(transport=transport, base_url="http://accord.demo") as client:
            return await client.request(method, path, json=body or None, headers=headers)

    async def upload(self, who: str, path: str, name: str) -> httpx.Response:
        """Upload a file of the story."""
        headers = {
            "authorization": f"Bearer {self.tokens[who]}",
            "content-type": "image/png",
            "content-disposition": f"attachment; filename={name}",
        }
        transport = httpx.ASGITransport(self.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://accord.demo") as client:
            return await client.post(path, content=file_of(name), headers=headers)

    async def play(self, advance: Callable[[], None] = _nothing) -> Json:
        """Found the institution on an empty database and play both cases; tokens and ids for the credentials file.

        Raises StoryFault if the service answers otherwise than the story goes.
        """
        seams = self.app.state.seams
        self.tokens["admin"] = _found(seams.database, self.clock, seams.sealer, self.entropy)
        await self.add_people()
        client = await self.add_court()
        self.tokens["court"] = _court_token(seams.database, self.clock, UUID(client.pop("secret_id")), self.entropy)
        for act in (*FIRST_CASE, *SECOND_CASE):
            await self.act(act)
            advance()
        order = ("admin", *PEOPLE, "court")
        return {
            "tokens": {who: self.tokens[who] for who in order},
            "clients": {"court": client},
            "cases": {"settled": self.kept["case"], "open": self.kept["second"]},
            "papers": {name: self.kept[name] for name in ("memorandum", "map", "redacted", "redacted_map")},
        }

    async def add_people(self) -> None:
        """Add people, members and the roster of mediators."""
        for key, (name, role) in PEOPLE.items():
            email = f"{key.replace('_', '.')}@demo.example"
            user = await self._created("admin", "/v1/users", {"name": name, "email": email, "role": role})
            self.tokens[key], self.kept[key] = self.token_of(user["id"]), user["id"]
        for key, member in MEMBERS.items():
            self.kept[key] = (await self._created("admin", "/v1/members", member))["id"]
        for key, entry in ROSTER.items():
            mediator = await self._created("registrar", "/v1/mediators", {"user_id": self.kept[key], **entry})
            self.kept[f"{key}_entry"] = mediator["id"]

    def token_of(self, user_id: str) -> str:
        """A token for somebody of the story, issued by the operator: the demo reads no mail."""
        database: Database[GatedSession] = self.app.state.seams.database

        def issued(db: GatedSession) -> str:
            expires_at = self.clock.present + TOKEN_LIFE
            token_id = write_token(
                db, self.clock.now, TokenIn(label="demo", expires_at=expires_at), UUID(user_id), OPERATOR
            )
            ledger.seal(db)
            secret: str = db.secrets[token_id]
            return secret

        return database.in_transaction(issued, self.entropy)

    async def add_court(self) -> dict[str, str]:
        """Add a court and its API client; return the client's id, secret and secret id."""
        court = await self._created("admin", "/v1/courts", COURT)
        fields = {"name": "Case management", "court_id": court["id"], "scopes": sorted(SCOPES)}
        client = await self._created("admin", "/v1/clients", fields)
        secret_id: str = client["secrets"][0]["id"]
        return {"client_id": client["id"], "client_secret": client["client_secret"], "secret_id": secret_id}

    async def _created(self, who: str, path: str, body: Json) -> Json:
        response = await self.send(who, "POST", path, body)
        if response.status_code != httpx.codes.CREATED:
            raise StoryFault(f"{path}: {response.text}")
        created: Json = response.json()
        return created

    async def act(self, act: StoryAct) -> None:
        """Play one act, keep its values, and print its line."""
        self.clock.set(act.day, act.hour)
        path, body, headers = filled(act.path, self.kept), filled(act.body, self.kept), {}
        if act.method == "PATCH":
            headers["if-match"] = (await self.send(act.who, "GET", path, {})).headers["etag"]
        if act.file is None:
            response = await self.send(act.who, act.method, path, body, **headers)
        else:
            response = await self.upload(act.who, path, act.file)
        answer = response.json() if response.content else {}
        if act.refused is not None:
            if answer.get("code") != act.refused:
                raise StoryFault(f"{act.says}: {response.text}")
            self._tell(act, None)
            for reason in answer["reasons"]:
                where = Citation(reason["article"], reason["standing"], reason["source"])
                self.tell(f"            refused: {reason['detail']} [{cited(where)}]")
            return
        if response.is_error:
            raise StoryFault(f"{act.says}: {response.text}")
        for name, member in act.keeps.items():
            self.kept[name] = member_of(answer, member)
        self._tell(act, act.step)

    def _tell(self, act: StoryAct, step: str | None) -> None:
        day = self.clock.now.astimezone(self.clock.zone).date().isoformat()
        rule = ""
        if step is not None:
            rule = f" [{cited(library()[REQUEST['procedure']].entries(step)[0].citation)}]"
        self.tell(f"{day}  {filled(act.says, self.kept)}{rule}")


def cited(citation: Citation) -> str:
    """A citation as the story prints it."""
    where = citation.article or citation.source or "registry's practice"
    return where if citation.standing in ("institution", "text") else f"{where}, {citation.standing}"


def filled(value: Any, kept: dict[str, str]) -> Any:
    """A value of the story with the names in braces replaced."""
    if isinstance(value, str):
        return value.format_map(kept)
    if isinstance(value, dict):
        return {name: filled(member, kept) for name, member in value.items()}
    return [filled(member, kept) for member in value] if isinstance(value, list) else value


def member_of(answer: Any, path: str) -> str:
    """A member of an answer by its path, such as `parties.0.id`."""
    for part in path.split("."):
        answer = answer[int(part)] if part.isdigit() else answer[part]
    return str(answer)


async def play(settings: Settings, present: datetime, tell: Tell, advance: Callable[[], None] = _nothing) -> Json:
    """Found the institution on an empty database and play both cases; return tokens and ids for the credentials file.

    Calls `tell` with each line of the story, and `advance` after each act.

    Raises StoryFault if the service does not answer as the story expects.
    """
    clock = StoryClock(present)
    app = create_app(settings, clock)
    try:
        return await Player(app, clock, tell).play(advance)
    finally:
        app.state.seams.database.dispose()


def _court_token(database: Database[GatedSession], clock: StoryClock, secret_id: UUID, entropy: Entropy) -> str:
    """A token of the court's client that is valid as long as the demo's others; those it obtains expire in minutes."""
    life = clock.present + TOKEN_LIFE - clock.now
    return database.in_transaction(
        lambda db: write_access_token(db, clock.now, secret_id, sorted(SCOPES), life), entropy
    )


def _found(database: Database[GatedSession], clock: StoryClock, sealer: Sealer, entropy: Entropy) -> str:
    def founded(db: GatedSession) -> str:
        db.sealer = sealer
        found_institution(db, clock.now, InstitutionIn(name=INSTITUTION, time_zone=TIME_ZONE))
        signing.ensure_key(db, clock.now)
        admin = UserIn(name="Sefa Adeyemi", email="admin@demo.example", role="admin")
        user_id = people.write_user(db, clock.now, admin, OPERATOR)
        db.flush()
        token = TokenIn(user_id=user_id, label="demo", expires_at=clock.present + TOKEN_LIFE)
        token_id = write_token(db, clock.now, token, user_id, OPERATOR)
        ledger.seal(db)
        secret: str = db.secrets[token_id]
        return secret

    return database.in_transaction(founded, entropy)
