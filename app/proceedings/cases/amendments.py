"""Amendments of a request: by the requesting side while the rules allow, and corrections by the registry."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, update

from app.core.access.actors import Actor
from app.core.access.session import GatedSession
from app.core.contents import service as contents
from app.core.errors import Conflict, Forbidden, Invalid
from app.core.ledger.acts import Act, author_of
from app.core.tables.cases import Case
from app.core.tables.contents import Content
from app.core.tables.parties import Party
from app.proceedings.cases.circle import circle_of, view_of
from app.proceedings.cases.lock import lock_case
from app.proceedings.cases.refusals import refused_by_practice
from app.proceedings.cases.request_versions import RequestChange, history_subject, record_change
from app.proceedings.cases.requests import dumped, unknown_subjects, write_request
from app.proceedings.cases.schemas import CaseAmendment
from app.proceedings.cases.search import search_text
from app.rules.loader import library

REGISTRY_CORRECTS = frozenset({"title", "languages", "seat"})
STRUCK_OUT = frozenset({"subjects", "instruments"})


def amend_case(db: GatedSession, actor: Actor, now: datetime, case_id: UUID, amendment: CaseAmendment) -> tuple[UUID]:
    """Amend a request: the requesting side or the registry, as far as the stage allows.

    Raises Forbidden for others, Conflict where the stage does not allow it, and Invalid for unknown subjects.
    """
    case = lock_case(db, actor, case_id)
    circle = circle_of(db, view_of(case))
    requesting = {party.id for party in circle.parties if party.side == "requesting"} & circle.parties_of(actor)
    if not requesting and not actor.is_staff:
        raise Forbidden("Only the requesting side may amend the request, and, as to its form, the registry.")
    party_id = circle.acting_party(actor, amendment.acting_for)
    changed = amendment.changed
    text = contents.read_one(db, case.content_id)
    before = _values(case, text)
    if actor.is_staff:
        _check_registry(case, changed)
    else:
        _check_requesting(case, amendment, before)
    if faults := unknown_subjects(amendment.subjects or ()):
        raise Invalid(*faults)
    _amend(db, case, amendment)
    if changed & {"summary", "instruments"}:
        instruments = before["instruments"] if amendment.instruments is None else dumped(amendment.instruments)
        text = {"summary": amendment.summary or before["summary"], "instruments": instruments}
        _rewrite(db, case, text)
    capacity = "registry" if actor.is_staff else "requesting-party"
    act = Act("amend", now, author_of(actor, capacity, party_id), history_subject(db, case))
    after = _values(case, text)
    change = RequestChange({name: before[name] for name in changed}, {name: after[name] for name in changed})
    record_change(db, act, case, change)
    return (case.id,)


def _values(case: Case, text: dict[str, Any]) -> dict[str, Any]:
    """The fields of a request that can be amended, as they are now."""
    return {
        "title": case.title,
        "summary": text["summary"],
        "instruments": text.get("instruments", []),
        "subjects": case.subjects,
        "languages": case.languages,
        "seat": {"place": case.seat_place, "time_zone": case.seat_time_zone, "calendar": case.seat_calendar},
    }


def _rewrite(db: GatedSession, case: Case, text: dict[str, Any]) -> None:
    """Seal the new text; before service, the earlier one is moved to the stream of the request's history."""
    superseded_id = case.content_id
    case.content_id = write_request(db, case, text["summary"], text["instruments"]).id
    if case.served_at is None:
        audience_id = history_subject(db, case).audience_id
        moved = update(Content).where(Content.id == superseded_id).values(audience_id=audience_id)
        db.execute(moved.execution_options(synchronize_session=False))


def _check_registry(case: Case, changed: set[str]) -> None:
    stage = library()[case.procedure].stage(case.stage)
    if changed - REGISTRY_CORRECTS:
        detail = (
            "The registry may correct the title, the languages, the seat and the names of parties; only the requesting "
            "side may amend the rest."
        )
        raise Forbidden(detail)
    if stage.final:
        raise not_amendable(case, "The case is closed: its request can no longer be amended.")
    if "seat" in changed and stage.amendable != "all":
        detail = "The seat cannot change once the invitation has gone out, because days are counted there."
        raise not_amendable(case, detail)


def _check_requesting(case: Case, amendment: CaseAmendment, before: dict[str, Any]) -> None:
    amendable = library()[case.procedure].stage(case.stage).amendable
    if amendable == "none":
        raise not_amendable(case, "The request can no longer be amended.")
    if amendable == "all":
        return
    only = "Strike out subjects or instruments: nothing else of the request may change after the invitation."
    if amendment.changed - STRUCK_OUT:
        raise not_amendable(case, "The request has gone out to the other side.", only)
    added = [item for item in dumped(amendment.instruments or ()) if item not in before["instruments"]]
    if added or not set(amendment.subjects or ()) <= set(case.subjects):
        raise not_amendable(case, "The request has gone out to the other side.", only)


def not_amendable(case: Case, detail: str, cure: str | None = None) -> Conflict:
    """The refusal of an amendment that the stage of the case does not allow."""
    return refused_by_practice(case, "not-amendable", detail, cure=cure)


def _amend(db: GatedSession, case: Case, amendment: CaseAmendment) -> None:
    for name in ("title", "subjects", "languages"):
        if (value := getattr(amendment, name)) is not None:
            setattr(case, name, value)
    if amendment.seat is not None:
        case.seat_place, case.seat_time_zone = amendment.seat.place, amendment.seat.time_zone
        case.seat_calendar = amendment.seat.calendar
    if amendment.title is not None:
        name_in_search(db, case)


def name_in_search(db: GatedSession, case: Case) -> None:
    """Bring the words by which a case is found in line with its title and the names of its parties."""
    names = db.execute(select(Party.name).where(Party.case_id == case.id).order_by(Party.number)).scalars()
    case.search = search_text(case.title, names)
