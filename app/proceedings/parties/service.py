"""Parties of a case, third States, and everybody's consent."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from app.core.access.actors import Actor
from app.core.access.circle import Circle
from app.core.access.session import GatedSession
from app.core.contents import service as contents
from app.core.db import AnyRow, new_id
from app.core.errors import Conflict, Forbidden, NotFound, invalid
from app.core.ledger import service as ledger
from app.core.ledger.acts import Act, Author, Subject, author_of
from app.core.paging import Page, Sort, listed
from app.core.tables.cases import Case
from app.core.tables.members import Member
from app.core.tables.parties import Consent, Party, ThirdState, has_consented
from app.proceedings.cases.locking import circle_of, lock_case, require_case, view_of
from app.proceedings.parties.schemas import (
    ConsentFiled,
    ConsentList,
    ConsentOut,
    PartyList,
    PartyOut,
    ThirdStateIn,
    ThirdStateList,
    ThirdStateOut,
)
from app.proceedings.steps.service import Through, check_step, take_step_through
from app.rules.loader import library

_PARTY = (
    Party.number,
    Party.id,
    Party.side,
    Party.kind,
    Party.name,
    Party.member_id,
    Party.participation,
    Party.calendar,
)


def list_parties(db: GatedSession, actor: Actor, now: datetime, case_id: UUID, page: Page) -> PartyList:
    """The parties of a case; NotFound if the case is not the actor's to see."""
    require_case(db, case_id)
    found = listed(db, select(*_PARTY).where(Party.case_id == case_id), page, Sort(Party.number, Party.id, int))
    return PartyList(items=[PartyOut.model_validate(row) for row in found.rows], next=found.next, count=found.count)


def read_party(db: GatedSession, actor: Actor, now: datetime, case_id: UUID, party_id: UUID) -> PartyOut:
    """One party; NotFound if there is none that the actor may see."""
    row = db.execute(select(*_PARTY).where(Party.case_id == case_id, Party.id == party_id)).one_or_none()
    if row is None:
        raise NotFound
    return PartyOut.model_validate(row)


def side_of(known: Circle, party_id: UUID) -> str:
    """The capacity in which somebody acts for a party: by the side on which it stands."""
    side = next(party.side for party in known.parties if party.id == party_id)
    return "requesting-party" if side == "requesting" else "responding-party"


def check_open(case: Case) -> None:
    """Conflict if the case is closed."""
    if library()[case.procedure].stage(case.stage).final:
        raise Conflict("The case is closed.", "step-not-open", stage=case.stage, rule_set=case.procedure)


_THIRD_STATE = (
    ThirdState.number,
    ThirdState.id,
    ThirdState.name,
    ThirdState.member_id,
    has_consented(ThirdState).label("consented"),
)


def list_third_states(db: GatedSession, actor: Actor, now: datetime, case_id: UUID, page: Page) -> ThirdStateList:
    """The third States of a case; NotFound if the case is not the actor's to see."""
    require_case(db, case_id)
    statement = select(*_THIRD_STATE).where(ThirdState.case_id == case_id)
    found = listed(db, statement, page, Sort(ThirdState.number, ThirdState.id, int))
    return ThirdStateList(
        items=[ThirdStateOut.model_validate(row) for row in found.rows], next=found.next, count=found.count
    )


def read_third_state(
    db: GatedSession, actor: Actor, now: datetime, case_id: UUID, third_state_id: UUID
) -> ThirdStateOut:
    """One third State; NotFound if there is none that the actor may see."""
    mine = (ThirdState.case_id == case_id, ThirdState.id == third_state_id)
    row = db.execute(select(*_THIRD_STATE).where(*mine)).one_or_none()
    if row is None:
        raise NotFound
    return ThirdStateOut.model_validate(row)


def name_third_state(
    db: GatedSession, actor: Actor, now: datetime, case_id: UUID, given: ThirdStateIn
) -> tuple[UUID, UUID]:
    """Name a State that the dispute involves: parties must, and the registry may.

    Raises Forbidden for a mediator, Conflict in a closed case, Invalid for an unknown member.
    """
    case = lock_case(db, actor, case_id)
    by = _party_or_registry(db, actor, case, "Parties and the registry name third States.")
    check_open(case)
    if given.member_id is not None:
        found = db.execute(select(Member.id).where(Member.id == given.member_id)).first()
        if found is None:
            raise invalid("/member_id", "unknown-member", "Name a member of the institution by its id.")
    number = db.execute(select(func.max(ThirdState.number)).where(ThirdState.case_id == case_id)).scalar()
    state = ThirdState(
        id=new_id(db),
        case_id=case_id,
        audience_id=case.audience_id,
        number=0 if number is None else number + 1,
        name=given.name,
        member_id=given.member_id,
    )
    db.add(state)
    subject = Subject(case_id, case.audience_id, "case")
    ledger.record(db, Act("name", now, by, subject), "third-state-named", {"third_state_id": str(state.id)})
    return (case_id, state.id)


def _party_or_registry(db: GatedSession, actor: Actor, case: Case, otherwise: str) -> Author:
    """The actor as party or registry; Forbidden with a sentence for anybody else."""
    if actor.is_staff:
        return author_of(actor, "registry")
    known = circle_of(db, view_of(case))
    for party_id in sorted(known.parties_of(actor)):
        return author_of(actor, side_of(known, party_id), party_id)
    raise Forbidden(otherwise)


_CONSENT = (
    Consent.id,
    Consent.party_id,
    Consent.third_state_id,
    Consent.basis,
    Consent.given_on,
    Consent.content_id,
    Consent.filed_at,
    Consent.confirmed_at,
)


def list_consents(db: GatedSession, actor: Actor, now: datetime, case_id: UUID, page: Page) -> ConsentList:
    """The consents filed in a case; NotFound if the case is not the actor's to see."""
    require_case(db, case_id)
    statement = select(*_CONSENT).where(Consent.case_id == case_id)
    found = listed(db, statement, page, Sort(Consent.filed_at, Consent.id, datetime))
    bodies = contents.read_many(db, [row.content_id for row in found.rows])
    return ConsentList(
        items=[_consent_out(row, bodies[row.content_id]) for row in found.rows], next=found.next, count=found.count
    )


def read_consent(db: GatedSession, actor: Actor, now: datetime, case_id: UUID, consent_id: UUID) -> ConsentOut:
    """One consent; NotFound if there is none that the actor may see."""
    row = db.execute(select(*_CONSENT).where(Consent.case_id == case_id, Consent.id == consent_id)).one_or_none()
    if row is None:
        raise NotFound
    return _consent_out(row, contents.read_one(db, row.content_id))


def _consent_out(row: AnyRow, body: dict[str, Any]) -> ConsentOut:
    return ConsentOut(
        id=row.id,
        party_id=row.party_id,
        third_state_id=row.third_state_id,
        basis=row.basis,
        instrument=body["instrument"],
        given_on=row.given_on,
        filed_at=row.filed_at,
        confirmed_at=row.confirmed_at,
    )


def file_consent(
    db: GatedSession, actor: Actor, now: datetime, case_id: UUID, given: ConsentFiled
) -> tuple[UUID, UUID]:
    """File another's consent: a party's by a prior instrument, or a third State's.

    Raises Forbidden for a mediator or for one's own consent (which is given by the step), and Invalid for a party or
    State that the case does not know.
    """
    case = lock_case(db, actor, case_id)
    by = _party_or_registry(db, actor, case, "Parties and the registry file consents.")
    check_open(case)
    known = circle_of(db, view_of(case))
    if given.party_id is not None:
        if given.party_id not in {party.id for party in known.parties}:
            raise invalid("/party_id", "unknown-party", "Name a party of this case by its id.")
        if given.party_id in known.parties_of(actor):
            raise Forbidden("A party gives its own consent by its step: lodging, or accepting the invitation.")
    elif _third_state_row(db, case_id, given.third_state_id) is None:
        raise invalid("/third_state_id", "unknown-third-state", "Name a third State of this case by its id.")
    written = contents.write(db, case_id, case.audience_id, {"instrument": given.instrument})
    consent = Consent(
        id=new_id(db),
        case_id=case_id,
        audience_id=case.audience_id,
        party_id=given.party_id,
        third_state_id=given.third_state_id,
        basis=given.basis,
        given_on=given.given_on,
        content_id=written.id,
        filed_at=now,
    )
    db.add(consent)
    payload = {
        "consent_id": str(consent.id),
        "party_id": str(given.party_id) if given.party_id else None,
        "third_state_id": str(given.third_state_id) if given.third_state_id else None,
        "basis": given.basis,
    }
    subject = Subject(case_id, case.audience_id, "case")
    ledger.record(db, Act("file", now, by, subject), "consent-filed", payload, content=written)
    return (case_id, consent.id)


def _third_state_row(db: GatedSession, case_id: UUID, third_state_id: UUID | None) -> AnyRow | None:
    mine = (ThirdState.case_id == case_id, ThirdState.id == third_state_id)
    return db.execute(select(ThirdState.id).where(*mine)).first()


def confirm_consent(
    db: GatedSession, actor: Actor, now: datetime, case_id: UUID, consent_id: UUID
) -> tuple[UUID, UUID]:
    """Confirm a consent that was filed; a party's counts as that party's acceptance of the invitation.

    Raises NotFound, Forbidden for others than the registry, and Conflict where it is confirmed already or where the
    rules do not wait for it.
    """
    case = lock_case(db, actor, case_id)
    mine = (Consent.case_id == case_id, Consent.id == consent_id)
    consent = db.execute(select(Consent).where(*mine)).scalar_one_or_none()
    if consent is None:
        raise NotFound
    if not actor.is_staff:
        raise Forbidden("The registry confirms consents.")
    if consent.confirmed_at is not None:
        raise Conflict("This consent is confirmed already.", "already-confirmed")
    check_open(case)
    if consent.party_id is not None:
        check_step(db, actor, now, case, Through("accept-invitation", consent.party_id))
    consent.confirmed_at = now
    payload = {"consent_id": str(consent.id)}
    by = author_of(actor, "registry")
    subject = Subject(case_id, case.audience_id, "case")
    ledger.record(db, Act("confirm", now, by, subject), "consent-confirmed", payload)
    if consent.party_id is not None:
        take_step_through(db, actor, now, case, Through("accept-invitation", consent.party_id))
    return (case_id, consent.id)
