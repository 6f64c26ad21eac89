"""Every table, imported once, for Alembic, the gate and the tests."""

from app.access.models import Audience, AudienceReader, Capacity, Institution, Token, User
from app.cases.models import Case, ReferenceNumber, StepTaken
from app.contents.models import Content, DataKey
from app.deadlines.models import Deadline
from app.disclosures.models import Disclosure
from app.filings.models import Filing
from app.http.models import IdempotencyRecord
from app.ledger.models import Event
from app.mediators.models import Appointment, Mediator
from app.members.models import Member
from app.parties.models import Consent, Party, ThirdState
from app.rectifications.models import Rectification
from app.sessions.models import Meeting
from app.settlements.models import Draft, Signature

__all__ = [
    "Appointment",
    "Audience",
    "AudienceReader",
    "Capacity",
    "Case",
    "Consent",
    "Content",
    "DataKey",
    "Deadline",
    "Disclosure",
    "Draft",
    "Event",
    "Filing",
    "IdempotencyRecord",
    "Institution",
    "Mediator",
    "Meeting",
    "Member",
    "Party",
    "Rectification",
    "ReferenceNumber",
    "Signature",
    "StepTaken",
    "ThirdState",
    "Token",
    "User",
]
