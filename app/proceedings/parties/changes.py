"""Changes of parties: whole before the request is lodged, and corrections of their names afterwards."""

from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select

from app.core.access import service as access
from app.core.access.actors import Actor
from app.core.access.policy import PartyView
from app.core.access.session import GatedSession
from app.core.errors import Conflict, Forbidden, NotFound, invalid
from app.core.ledger.acts import Act, Author, author_of
from app.core.tables.cases import Case
from app.core.tables.parties import Consent, Party
from app.proceedings.cases.amendments import name_in_search, not_amendable
from app.proceedings.cases.circle import circle_of, view_of
from app.proceedings.cases.lock import lock_case
from app.proceedings.cases.request_versions import RequestChange, history_subject, record_change
from app.proceedings.parties.schemas import PartyAmendment
from app.proceedings.parties.service import check_member
from app.rules.loader import library

_FIELDS = ("side", "kind", "name", "member_id", "calendar")


def amend_party(
    db: GatedSession, actor: Actor, now: datetime, case_id: UUID, party_id: UUID, body: PartyAmendment
) -> tuple[UUID, UUID]:
    """Change a party of a draft, as its filer's side, or correct a party's name, as the registry.

    Raises NotFound, Forbidden for others, Invalid for an unknown member or sides that a request cannot have, and
    Conflict in a closed case.
    """
    case = lock_case(db, actor, case_id)
    party = _party(db, case, party_id)
    if case.lodged_at is not None:
        author = _correcting_author(actor, case, body)
    else:
        author = author_of(actor, "requesting-party", circle_of(db, view_of(case)).acting_party(actor, body.acting_for))
        check_member(db, body.member_id)
    before = _values(party)
    for name in body.changed:
        setattr(party, name, getattr(body, name))
    after = _values(party)
    views = [_changed(view, party) for view in circle_of(db, view_of(case)).parties]
    _check_sides([view.side for view in views])
    access.bring_into_line(db, view_of(case), parties=views)
    _record(db, Act("amend", now, author, history_subject(db, case)), case, party_id, (before, after))
    return (case_id, party_id)


def _party(db: GatedSession, case: Case, party_id: UUID) -> Party:
    party = db.execute(select(Party).where(Party.case_id == case.id, Party.id == party_id)).scalar_one_or_none()
    if party is None:
        raise NotFound
    return party


def _correcting_author(actor: Actor, case: Case, body: PartyAmendment) -> Author:
    if not actor.is_staff:
        raise Forbidden("Only the registry may correct a party's name once the request is lodged.")
    if body.changed != {"name"}:
        raise Forbidden("The registry may correct only the name of a party.")
    if library()[case.procedure].stage(case.stage).final:
        raise not_amendable(case, "The case is closed: its parties can no longer be corrected.")
    return author_of(actor, "registry")


def _values(party: Party) -> dict[str, Any]:
    values = {name: getattr(party, name) for name in _FIELDS}
    return values | {"id": str(party.id), "member_id": str(party.member_id) if party.member_id else None}


def _changed(view: PartyView, party: Party) -> PartyView:
    return replace(view, side=party.side, name=party.name) if view.id == party.id else view


def _check_sides(sides: list[str]) -> None:
    """Invalid unless the first party is on the requesting side, and another one on the responding side."""
    if sides[0] != "requesting":
        raise invalid("/side", "sides", "The first party stands on the side 'requesting'.")
    if "responding" not in sides:
        raise invalid("/side", "sides", "Leave at least one party on the side 'responding'.")


def _record(
    db: GatedSession, act: Act, case: Case, party_id: UUID, values: tuple[dict[str, Any], dict[str, Any] | None]
) -> None:
    """Record the change with the old and the new values of the party; None where it was removed."""
    db.flush()
    name_in_search(db, case)
    before, after = values
    record_change(db, act, case, RequestChange({"parties": [before]}, {"parties": [after] if after else []}, party_id))


def remove_party(db: GatedSession, actor: Actor, now: datetime, case_id: UUID, party_id: UUID) -> tuple[UUID, UUID]:
    """Remove a party of a draft, with the consents that were filed for it, as the filer's side.

    Raises NotFound, Forbidden for others, and Conflict once the request is lodged, for a party that somebody
    represents, and for the last one on the responding side.
    """
    case = lock_case(db, actor, case_id)
    party, circle = _party(db, case, party_id), circle_of(db, view_of(case))
    if not circle.parties_of(actor):
        raise Forbidden("Only the requesting side may remove a party, before the request is lodged.")
    if case.lodged_at is not None:
        raise not_amendable(case, "The request is lodged: its parties can no longer be removed.")
    others = tuple(view for view in circle.parties if view.id != party_id)
    if any(held.party_id == party_id for held in circle.capacities):
        raise Conflict("Somebody represents this party: only a party without representatives can be removed.", "in-use")
    if all(view.side != "responding" for view in others):
        raise Conflict("This is the only party on the side 'responding'. Add another one first.", "last-party")
    author = author_of(actor, "requesting-party", circle.acting_party(actor))
    before = _values(party)
    db.execute(delete(Consent).where(Consent.case_id == case_id, Consent.party_id == party_id))
    db.delete(party)
    db.flush()
    _close_gap(db, case_id, party.number)
    access.bring_into_line(db, view_of(case), parties=others)
    _record(db, Act("remove", now, author, history_subject(db, case)), case, party_id, (before, None))
    return (case_id, party_id)


def _close_gap(db: GatedSession, case_id: UUID, removed: int) -> None:
    """Move up the parties after a removed one: a case shows its first parties, by their numbers."""
    later = select(Party).where(Party.case_id == case_id, Party.number > removed).order_by(Party.number)
    for party in db.execute(later).scalars().all():
        party.number -= 1
        # One by one, since two parties may not have the same number even for a moment.
        db.flush()
