"""Tasks of the background worker: each finds items that are due and does one of them."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, exists, false, func, or_, select, tuple_, update

from app.core.access.actors import CLOCK
from app.core.access.session import GatedSession
from app.core.http.idempotency import LIFE
from app.core.ledger import service as ledger
from app.core.ledger.acts import BY_CLOCK, Act, Subject, installation_subject
from app.core.tables.cases import Case
from app.core.tables.deadlines import Deadline
from app.core.tables.idempotency import IdempotencyRecord
from app.core.tables.institution import Institution
from app.core.tables.people import Token
from app.core.tables.signing import SigningKey
from app.institution.signing import service as signing
from app.proceedings.cases.lock import lock_case
from app.proceedings.steps import by_clock

AT_ONCE = 200


def _is_free(db: GatedSession, statement: Any) -> bool:
    """Whether the row could be locked; if not, another worker is at work on it."""
    return db.execute(statement.with_for_update(skip_locked=True, key_share=True)).first() is not None


def cases_with_a_passed_term(db: GatedSession, now: datetime) -> Sequence[UUID]:
    """Open cases in which a term has passed after which the clock may take a step, the longest overdue first."""
    passed = (Deadline.state == "running", Deadline.suspended_on.is_(None), Deadline.due_at <= now)
    statement = select(Case.id).join(Deadline, Deadline.case_id == Case.id)
    due = statement.where(*passed, Case.closed_at.is_(None), or_(false(), *by_clock.cases_behind()))
    oldest_first = due.group_by(Case.id).order_by(func.min(Deadline.due_at), Case.id)
    return db.execute(oldest_first.limit(AT_ONCE)).scalars().all()


def take_clock_steps(db: GatedSession, now: datetime, case_id: UUID) -> int:
    """Take the steps that the rules let the clock take in this case by now; return how many were taken."""
    if not _is_free(db, select(Case.id).where(Case.id == case_id)):
        return 0
    return by_clock.take_due_steps(db, now, case_id)


def deadlines_due_within(db: GatedSession, now: datetime, before: timedelta) -> Sequence[UUID]:
    """Running deadlines that end within this time and have not been recalled."""
    near = (Deadline.due_at > now, Deadline.due_at <= now + before)
    runs = (Deadline.state == "running", Deadline.suspended_on.is_(None), Deadline.reminded_at.is_(None))
    statement = select(Deadline.id).where(*near, *runs)
    return db.execute(statement.order_by(Deadline.due_at).limit(AT_ONCE)).scalars().all()


def remind(db: GatedSession, now: datetime, deadline_id: UUID) -> int:
    """Recall a deadline once, to all participants."""
    case_id = db.execute(select(Deadline.case_id).where(Deadline.id == deadline_id)).scalar_one_or_none()
    if case_id is None or not _is_free(db, select(Case.id).where(Case.id == case_id)):
        return 0
    lock_case(db, CLOCK, case_id)
    unrecalled = (Deadline.id == deadline_id, Deadline.state == "running", Deadline.reminded_at.is_(None))
    deadline = db.execute(select(Deadline).where(*unrecalled)).scalar_one_or_none()
    if deadline is None:
        return 0
    deadline.reminded_at = now
    subject = Subject(case_id, deadline.audience_id, "participants")
    payload = {"deadline_id": str(deadline.id), "term": deadline.term, "due_on": deadline.due_on.isoformat()}
    ledger.record(db, Act("recall", now, BY_CLOCK, subject), "deadline-recalled", payload, deadline.article)
    return 1


def expired_tokens(db: GatedSession, now: datetime) -> Sequence[UUID]:
    """Tokens that have expired and were not revoked."""
    over = (Token.expires_at <= now, Token.revoked_at.is_(None))
    return db.execute(select(Token.id).where(*over).order_by(Token.expires_at).limit(AT_ONCE)).scalars().all()


def end_token(db: GatedSession, now: datetime, token_id: UUID) -> int:
    """Record that a token has expired; requests with it are refused already."""
    over = (Token.id == token_id, Token.expires_at <= now, Token.revoked_at.is_(None))
    statement = select(Token).where(*over).with_for_update(skip_locked=True)
    token = db.execute(statement).scalar_one_or_none()
    if token is None:
        return 0
    token.revoked_at = token.expires_at
    payload = {"token_id": str(token.id), "user_id": str(token.user_id)}
    subject = installation_subject(db, "registry")
    ledger.record(db, Act("expire", now, BY_CLOCK, subject), "token-expired", payload)
    return 1


def forget_keys(db: GatedSession, now: datetime) -> int:
    """Delete idempotency keys that are older than their lifetime; return how many."""
    record = IdempotencyRecord
    old = select(record.principal_id, record.key).where(record.created_at < now - LIFE)
    keys = db.execute(old.limit(AT_ONCE * 5).with_for_update(skip_locked=True)).all()
    if not keys:
        return 0
    outdated = delete(record).where(tuple_(record.principal_id, record.key).in_([tuple(key) for key in keys]))
    db.execute(outdated.execution_options(synchronize_session=False))
    return len(keys)


def without_a_signing_key(db: GatedSession, now: datetime) -> Sequence[UUID]:
    """The institution, if it was founded by a release that did not sign."""
    unkeyed = select(Institution.id).where(~exists(select(SigningKey.id)))
    return db.execute(unkeyed).scalars().all()


def give_a_signing_key(db: GatedSession, now: datetime, institution_id: UUID) -> int:
    """Make the institution's signing key before its first signature."""
    if not _is_free(db, select(Institution.id).where(Institution.id == institution_id)):
        return 0
    signing.ensure_key(db, now, BY_CLOCK)
    return 1


def note_round(db: GatedSession, now: datetime) -> int:
    """Record the time of this round, for monitoring."""
    db.execute(update(Institution).values(worked_at=now).execution_options(synchronize_session=False))
    return 0
