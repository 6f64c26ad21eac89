"""The versions of a request: as lodged, as amended or corrected, and as served, each with its hash in an event.

Before service they are in the stream of the requesting side and the registry, which the other sides never read. What is
served is one text; it and every later version are for everybody who may see the case.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import rfc8785
from sqlalchemy import Integer, String, Uuid, bindparam, select, union_all, update

from app.core.access import service as access
from app.core.access.actors import Actor
from app.core.access.session import GatedSession
from app.core.contents import service as contents
from app.core.db import AnyRow, columns_of_kind
from app.core.errors import NotFound
from app.core.ledger import service as ledger
from app.core.ledger.acts import Act, Subject
from app.core.ledger.feed import listed_events
from app.core.paging import Page
from app.core.tables.cases import Case
from app.core.tables.contents import Content
from app.core.tables.events import Event
from app.core.tables.parties import Party, ThirdState
from app.proceedings.cases.circle import act_subject, circle_of, view_of
from app.proceedings.cases.lock import require_case
from app.proceedings.cases.request_version_schemas import RequestVersionList, RequestVersionOut
from app.rules.model import Step

AMENDED = "case-amended"
_KINDS = {"request-lodged": "lodged", "request-served": "served", AMENDED: "amended"}
_COLUMNS = (Event.id, Event.type, Event.at, Event.actor, Event.payload, Event.content_id)
_OF_PARTY = ("side", "kind", "name", "member_id", "calendar")
_OF_STATE = ("name", "member_id")
_SHAPE: dict[str, Any] = {
    "number": Integer(),
    "side": String(),
    "kind": String(),
    "name": String(),
    "member_id": Uuid(),
    "calendar": String(),
}
_PARTIES = columns_of_kind("party", _SHAPE, number=Party.number, **{name: getattr(Party, name) for name in _OF_PARTY})
_STATES = columns_of_kind(
    "third-state", _SHAPE, number=ThirdState.number, **{name: getattr(ThirdState, name) for name in _OF_STATE}
)
# The parties and third States of a case, in one statement, made once.
_NAMED = union_all(
    _PARTIES.where(Party.case_id == bindparam("case_id")), _STATES.where(ThirdState.case_id == bindparam("case_id"))
)


@dataclass(frozen=True, slots=True)
class RequestVersion:
    """A version of the request that was sealed and is still to be recorded, as an event of a type in a stream."""

    event: str
    subject: Subject
    written: contents.Written
    sha256: str


@dataclass(frozen=True, slots=True)
class RequestChange:
    """What an amendment changed: the earlier and the new values, by the names of the fields."""

    before: dict[str, Any]
    after: dict[str, Any]
    party_id: UUID | None = None


def history_subject(db: GatedSession, case: Case | AnyRow) -> Subject:
    """The stream for changes of the request: of everybody who sees the case once it is served."""
    if case.served_at is not None:
        return Subject(case.id, case.audience_id, "case")
    return unserved_subject(db, case)


def unserved_subject(db: GatedSession, case: Case | AnyRow) -> Subject:
    """The stream of a request that is not served: of the requesting side and, once it is lodged, of the registry."""
    if case.lodged_at is None and case.referral_id is None:
        return act_subject(db, case)
    parties = circle_of(db, view_of(case)).parties
    requesting = frozenset(party.id for party in parties if party.side == "requesting")
    return Subject(case.id, access.audience(db, case.id, "party-registry", requesting), "party-registry")


def request_of(db: GatedSession, case: Case) -> dict[str, Any]:
    """The whole text of a request, as it is now; its hash is the SHA-256 of its canonical form (RFC 8785)."""
    db.flush()
    body = contents.read_one(db, case.content_id)
    named = sorted(db.execute(_NAMED, {"case_id": case.id}), key=lambda row: row.number)
    return {
        "procedure": case.procedure,
        "category": case.category,
        "title": case.title,
        "summary": body["summary"],
        "instruments": body.get("instruments", []),
        "subjects": case.subjects,
        "languages": case.languages,
        "seat": {"place": case.seat_place, "time_zone": case.seat_time_zone, "calendar": case.seat_calendar},
        "parties": [_dumped(row, _OF_PARTY) for row in named if row.what == "party"],
        "third_states": [_dumped(row, _OF_STATE) for row in named if row.what == "third-state"],
    }


def _dumped(row: AnyRow, names: Iterable[str]) -> dict[str, Any]:
    """A row as it is sealed: ids as text."""
    values = {name: getattr(row, name) for name in names}
    return {name: str(value) if isinstance(value, UUID) else value for name, value in values.items()}


def request_hash(request: dict[str, Any]) -> str:
    """The hash of a request's text, in hexadecimal."""
    return hashlib.sha256(rfc8785.dumps(request)).hexdigest()


def seal_versions(db: GatedSession, case: Case, step: Step) -> tuple[RequestVersion, ...]:
    """Seal the request as a step lodges or serves it; service leaves nothing earlier in what the other sides read."""
    if not (step.lodges or step.serves):
        return ()
    request, versions = request_of(db, case), []
    before_service = unserved_subject(db, case)
    if step.lodges:
        versions.append(_sealed(db, case, "request-lodged", before_service, request))
    if step.serves:
        _hide_earlier(db, case, before_service)
        served = Subject(case.id, case.audience_id, "case")
        versions.append(_sealed(db, case, "request-served", served, request))
    return tuple(versions)


def _sealed(db: GatedSession, case: Case, event: str, subject: Subject, request: dict[str, Any]) -> RequestVersion:
    written = contents.write(db, case.id, subject.audience_id, {"request": request})
    return RequestVersion(event, subject, written, request_hash(request))


def _hide_earlier(db: GatedSession, case: Case, subject: Subject) -> None:
    """Move what was written of the request before its present text to the stream of its history.

    An earlier release recorded amendments for everybody who sees the case.
    """
    written = select(Event.content_id).where(Event.case_id == case.id, Event.type.in_(("case-opened", AMENDED)))
    hidden = update(Content).where(
        Content.id.in_(written), Content.id != case.content_id, Content.audience_id == case.audience_id
    )
    moved = hidden.values(audience_id=subject.audience_id)
    db.execute(moved.execution_options(synchronize_session=False))


def commitments(versions: Sequence[RequestVersion]) -> dict[str, str]:
    """What the event of a step says of the text that it lodges or serves.

    It is the salted commitment and not the hash, by which the other sides could test a guess of what was struck out.
    """
    return {"request_commitment": versions[-1].written.commitment.hex()} if versions else {}


def record_versions(db: GatedSession, act: Act, versions: Sequence[RequestVersion]) -> None:
    """Record the sealed versions, as the last events of their act: its receipt then names them."""
    for version in versions:
        payload = {"sha256": version.sha256}
        ledger.record(db, act.within(version.subject), version.event, payload, content=version.written)


def record_change(db: GatedSession, act: Act, case: Case, change: RequestChange) -> None:
    """Record an amendment with the old values, the new ones and the whole text, in the stream of the act."""
    request = request_of(db, case)
    body = {"request": request, "before": change.before, "after": change.after}
    written = contents.write(db, case.id, act.subject.audience_id, body)
    payload = {"changed": sorted(change.after), "subjects": case.subjects, "sha256": request_hash(request)}
    if change.party_id is not None:
        payload["party_id"] = str(change.party_id)
    ledger.record(db, act, AMENDED, payload, content=written)
    if case.served_at is None:
        # The event is not one of those that date a case: other sides may not learn how often the request changed.
        case.updated_at = act.at


def list_versions(db: GatedSession, actor: Actor, now: datetime, case_id: UUID, page: Page) -> RequestVersionList:
    """The versions of the request that the actor may read, in the order in which they were recorded.

    Raises NotFound if the actor may not see the case, and Gone for a cursor from before the registry was restored from
    a backup.
    """
    require_case(db, case_id)
    statement = _of(case_id)
    listing = listed_events(db, statement, page)
    return RequestVersionList(items=_out(db, listing.rows), next=listing.next, count=listing.count)


def read_version(db: GatedSession, actor: Actor, now: datetime, case_id: UUID, version_id: UUID) -> RequestVersionOut:
    """One version of the request; NotFound if it does not exist or the actor may not read it."""
    row = db.execute(_of(case_id).where(Event.id == version_id)).one_or_none()
    if row is None:
        raise NotFound
    return _out(db, [row])[0]


def _of(case_id: UUID) -> Any:
    return select(*_COLUMNS).where(Event.case_id == case_id, Event.type.in_(_KINDS))


def _out(db: GatedSession, rows: Sequence[AnyRow]) -> list[RequestVersionOut]:
    openings = contents.openings_left(db, [row.content_id for row in rows if row.content_id is not None])
    return [_version(row, openings.get(row.content_id)) for row in rows]


def _version(row: AnyRow, opening: contents.Opening | None) -> RequestVersionOut:
    is_correction = row.type == AMENDED and row.actor["capacity"] == "registry"
    return RequestVersionOut(
        id=row.id,
        kind="corrected" if is_correction else _KINDS[row.type],
        at=row.at,
        capacity=row.actor["capacity"],
        changed=row.payload.get("changed", []),
        sha256=row.payload.get("sha256"),
        request=opening.body.get("request") if opening else None,
    )
