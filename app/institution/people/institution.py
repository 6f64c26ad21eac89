"""The institution that an installation serves: its founding and its calendar."""

from datetime import datetime
from typing import Any

from sqlalchemy import insert, select, update

from app.core.access.session import GatedSession, as_system
from app.core.db import new_id, random_bytes
from app.core.errors import Conflict, Misconfigured
from app.core.ledger import service as ledger
from app.core.ledger.acts import OPERATOR, Act, installation_subject
from app.core.tables.audiences import ANYONE, STAFF, Audience, AudienceReader
from app.core.tables.institution import Institution
from app.core.values import In, Line, TimeZone
from app.institution.calendars.schemas import CalendarCode


class InstitutionIn(In):
    """The institution that an installation serves."""

    name: Line
    time_zone: TimeZone
    calendar: CalendarCode | None = None


def require_institution(db: GatedSession) -> None:
    """Raise Misconfigured unless an institution was founded."""
    if db.execute(select(Institution.id)).first() is None:
        raise Misconfigured(
            "There is no institution yet. Found it with its first administrator: "
            "accord user add NAME EMAIL --role admin --institution NAME --time-zone ZONE"
        )


def found_institution(db: GatedSession, now: datetime, institution: InstitutionIn) -> None:
    """Found the institution, with the streams of its own acts; Conflict if there is one already."""
    if db.execute(select(Institution.id)).first() is not None:
        raise Conflict("This installation already has an institution.", "exists")
    cursor_key = random_bytes(db, 64)
    db.add(Institution(id=new_id(db), **institution.model_dump(), cursor_key=cursor_key, created_at=now))
    with as_system(db):
        for audience, reader in (("public", ANYONE), ("registry", STAFF)):
            id = new_id(db)
            row: dict[str, Any] = {
                "id": id,
                "case_id": None,
                "key": audience,
                "name": audience,
                "party_ids": [],
                "generation": 0,
            }
            db.execute(insert(Audience).values(row))
            db.execute(insert(AudienceReader).values(audience_id=id, principal_id=reader))
    ledger.record(db, Act("found", now, OPERATOR, installation_subject(db, "public")), "institution-founded", {})


def set_calendar(db: GatedSession, now: datetime, calendar: str | None) -> None:
    """Set the institution's calendar; running terms keep their day. Raises Misconfigured without an institution."""
    require_institution(db)
    before = db.execute(select(Institution.calendar)).scalar_one()
    db.execute(update(Institution).values(calendar=calendar).execution_options(synchronize_session=False))
    payload = {"calendar": calendar, "before": {"calendar": before}, "after": {"calendar": calendar}}
    subject = installation_subject(db, "public")
    ledger.record(db, Act("change", now, OPERATOR, subject), "institution-changed", payload)
