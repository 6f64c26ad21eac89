"""A route that answers like a read of a case, as one would write it without a gate: plain SQL, the driver, and JSON.

It shares with the service the server, the hop to a thread, the decryption and the acts that are awaited, and its answers
say the same. It is no part of the service.
"""

import hashlib
import threading
from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

import anyio.to_thread
import psycopg
import psycopg.types.json
from fastapi import FastAPI, Request
from pydantic_core import from_json, to_json
from sqlalchemy.engine import make_url
from starlette.responses import Response

from app.core.db import sqlite
from app.core.sealer import Sealer
from app.core.values import MOST_SHOWN
from app.proceedings.cases.awaited_acts import waiting_with_acts
from app.rules.loader import library
from app.settings import Settings

_PERSON = """
SELECT users.id FROM users JOIN tokens ON tokens.user_id = users.id
WHERE tokens.sha256 = {sha256} AND tokens.revoked_at IS NULL AND tokens.expires_at > {now} AND users.active
"""
_CASE_COLUMNS = [
    "id",
    "reference",
    "title",
    "category",
    "procedure",
    "phase",
    "stage",
    "outcome",
    "ground",
    "tracks",
    "subjects",
    "languages",
    "seat_place",
    "seat_time_zone",
    "seat_calendar",
    "waiting_for",
    "next_due_on",
    "opened_at",
    "closed_at",
    "updated_at",
    "seq",
    "earlier_case_id",
    "referral_id",
    "content_id",
]
_CASE = f"""
SELECT {", ".join(f"cases.{column}" for column in _CASE_COLUMNS)}, contents.body, data_keys.wrapped
FROM cases JOIN contents ON contents.id = cases.content_id JOIN data_keys ON data_keys.case_id = cases.id
WHERE cases.id = {{case_id}}
"""
_PARTIES = """
SELECT id, side, kind, name, member_id, participation, calendar, EXISTS (
    SELECT 1 FROM capacities WHERE capacities.case_id = parties.case_id AND capacities.party_id = parties.id
    AND role IN ('agent', 'co-agent', 'counsel') AND ended_at IS NULL AND NOT pending
) AS represented
FROM parties WHERE case_id = {case_id} ORDER BY number
"""
_THIRD_STATES = """
SELECT id, name, member_id, EXISTS (
    SELECT 1 FROM consents WHERE consents.case_id = third_states.case_id AND consents.third_state_id = third_states.id
    AND confirmed_at IS NOT NULL
) AS consented
FROM third_states WHERE case_id = {case_id} ORDER BY number
"""
_MEDIATORS = """
SELECT capacities.appointment_id, capacities.user_id, users.name, capacities.admitted_at AS since
FROM capacities JOIN users ON users.id = capacities.user_id
WHERE capacities.case_id = {case_id} AND capacities.role = 'mediator' AND capacities.ended_at IS NULL
ORDER BY capacities.admitted_at, capacities.id
"""
_STATEMENTS = (_PERSON, _CASE, _PARTIES, _THIRD_STATES, _MEDIATORS)
Rows = Sequence[Sequence[Any]]


class _Postgresql:
    """Connections of psycopg, one for each thread: the statements are prepared, and sent in one round trip."""

    def __init__(self, settings: Settings) -> None:
        self._options: Any = make_url(settings.database_url).translate_connect_args(username="user", database="dbname")
        self._of_thread = threading.local()
        self._opened: list[Any] = []
        numbered = {"sha256": "$1", "now": "now()", "case_id": "$1"}
        self._statements = [statement.format_map(numbered) for statement in _STATEMENTS]

    def _connection(self) -> Any:
        if not hasattr(self._of_thread, "connection"):
            # A pipeline is one transaction.
            connection = psycopg.connect(**self._options, autocommit=True, options="-c timezone=UTC -c jit=off")
            connection.prepare_threshold = 0
            psycopg.types.json.set_json_loads(from_json, connection)
            self._of_thread.connection = connection
            self._opened.append(connection)
        return self._of_thread.connection

    def close(self) -> None:
        """Close the connections."""
        for connection in self._opened:
            connection.close()

    def rows(self, sha256: bytes, case_id: UUID) -> list[Rows]:
        """The rows of each statement."""
        connection = self._connection()
        with connection.pipeline():
            cursors = [psycopg.RawCursor(connection) for _statement in self._statements]
            for place, (cursor, statement) in enumerate(zip(cursors, self._statements, strict=True)):
                cursor.execute(statement, (case_id if place else sha256,), binary=True)
            return [cursor.fetchall() for cursor in cursors]

    id = json = instant = staticmethod(lambda value: value)


class _Sqlite:
    """Connections of SQLite's driver, one for each thread, which keeps statements compiled."""

    def __init__(self, settings: Settings) -> None:
        self._path = make_url(settings.database_url).database
        self._of_thread = threading.local()
        self._opened: list[Any] = []
        now = "strftime('%Y-%m-%d %H:%M:%f', 'now')"
        self._statements = [
            statement.format_map({"sha256": "?", "now": now, "case_id": "?"}) for statement in _STATEMENTS
        ]

    def _connection(self) -> Any:
        if not hasattr(self._of_thread, "connection"):
            connection = sqlite.connect(self._path, isolation_level=None, timeout=15, check_same_thread=False)
            self._of_thread.connection = connection
            self._opened.append(connection)
        return self._of_thread.connection

    def close(self) -> None:
        """Close the connections."""
        for connection in self._opened:
            connection.close()

    def rows(self, sha256: bytes, case_id: UUID) -> list[Rows]:
        """The rows of each statement."""
        connection = self._connection()
        connection.execute("BEGIN")
        try:
            return [
                connection.execute(statement, (case_id.hex if place else sha256,)).fetchall()
                for place, statement in enumerate(self._statements)
            ]
        finally:
            connection.execute("COMMIT")

    @staticmethod
    def id(value: str | None) -> str | None:
        """An id, with hyphens."""
        if value is None:
            return None
        return f"{value[:8]}-{value[8:12]}-{value[12:16]}-{value[16:20]}-{value[20:]}"

    @staticmethod
    def json(value: str) -> Any:
        """What a column of JSON has."""
        return from_json(value)

    @staticmethod
    def instant(value: str | None) -> str | None:
        """An instant, as JSON writes it."""
        return None if value is None else f"{value.replace(' ', 'T').removesuffix('.000000')}Z"


class _Row:
    """The columns of a case that say for whom it waits."""

    def __init__(self, **columns: Any) -> None:
        vars(self).update(columns)


def _answer(store: Any, sealer: Sealer, found: list[Rows]) -> bytes:
    """The body of an answer."""
    _person, ((*columns, body, wrapped),), parties, third_states, mediators = found
    case: dict[str, Any] = dict(zip(_CASE_COLUMNS, columns, strict=True))
    content_id, id = UUID(str(case["content_id"])), store.id(case["id"])
    written = from_json(sealer.opened(wrapped).decrypt(body[:12], body[12:], content_id.bytes)[32:])
    waiting, tracks = store.json(case["waiting_for"]), store.json(case["tracks"])
    acts: Any = _Row(id=id, procedure=case["procedure"], waiting_for=waiting[:MOST_SHOWN])
    return to_json(
        {
            "id": id,
            **{name: case[name] for name in _CASE_COLUMNS[1:9]},
            "tracks": [
                {"name": track.name, "title": track.title, "state": tracks[track.name]}
                for track in (library()[case["procedure"]].tracks if tracks else ())
                if track.name in tracks
            ],
            "subjects": store.json(case["subjects"]),
            "languages": store.json(case["languages"]),
            "seat": {
                "place": case["seat_place"],
                "time_zone": case["seat_time_zone"],
                "calendar": case["seat_calendar"],
            },
            "parties": [
                {
                    "id": store.id(party),
                    "side": side,
                    "kind": kind,
                    "name": name,
                    "member_id": store.id(member_id),
                    "participation": participation,
                    "calendar": calendar,
                    "represented": bool(represented),
                }
                for party, side, kind, name, member_id, participation, calendar, represented in parties[:MOST_SHOWN]
            ],
            "party_count": len(parties),
            "third_states": [
                {"id": store.id(state), "name": name, "member_id": store.id(member_id), "consented": bool(consented)}
                for state, name, member_id, consented in third_states
            ],
            "mediators": [
                {
                    "appointment_id": store.id(appointment_id),
                    "user_id": store.id(user_id),
                    "name": name,
                    "since": store.instant(since),
                }
                for appointment_id, user_id, name, since in mediators
            ],
            "waiting_for": [
                {
                    "capacity": entry["capacity"],
                    "party_id": entry["party_id"],
                    "for": entry["for"],
                    "act": entry["act"],
                    "since": entry["since"].replace("+00:00", "Z"),
                    "due_on": entry["due_on"],
                    "article": entry["article"],
                }
                for entry in waiting_with_acts(acts)
            ],
            "waiting_count": len(waiting),
            "next_due_on": case["next_due_on"],
            "opened_at": store.instant(case["opened_at"]),
            "closed_at": store.instant(case["closed_at"]),
            "updated_at": store.instant(case["updated_at"]),
            "seq": case["seq"],
            "summary": written["summary"],
            "instruments": written["instruments"],
            "earlier_case_id": store.id(case["earlier_case_id"]),
            "referral_id": store.id(case["referral_id"]),
        }
    )


def add_bare_route(app: FastAPI, settings: Settings) -> Callable[[], None]:
    """Add the route to an app; return what closes its connections."""
    store = _Sqlite(settings) if settings.is_sqlite else _Postgresql(settings)
    sealer = app.state.seams.sealer
    threads = app.state.seams.database.threads

    @app.get("/bare/{case_id}")
    async def bare(request: Request, case_id: UUID) -> Response:
        token = request.headers["authorization"].removeprefix("Bearer ")

        def read() -> bytes:
            found = store.rows(hashlib.sha256(token.encode()).digest(), case_id)
            assert found[0], "the token is valid"
            return _answer(store, sealer, found)

        body = await anyio.to_thread.run_sync(read, limiter=threads)
        return Response(body, media_type="application/json")

    return store.close
