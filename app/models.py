"""Every table, imported once, for Alembic, the gate and the tests."""

from app.access.models import Audience, AudienceReader, Capacity, Institution, Token, User
from app.calendars.models import Closure
from app.cases.models import Case, ReferenceNumber, StepTaken
from app.certificates.models import Certificate
from app.clients.models import AccessToken, Client, ClientSecret
from app.contents.models import Content, DataKey
from app.courts.models import Court, CourtPaper, OrderFile, Referral
from app.deadlines.models import Deadline, DeadlineChange
from app.disclosures.models import Disclosure
from app.documents.models import Document, DocumentAccess
from app.filings.models import Filing
from app.http.models import IdempotencyRecord
from app.ledger.models import Event
from app.mediators.models import Appointment, Mediator
from app.members.models import Member
from app.notices.models import Notice, NoticeChoice, NoticeMark
from app.parties.models import Consent, Party, ThirdState
from app.rectifications.models import Rectification
from app.service_of_process.models import Service
from app.sessions.models import Meeting
from app.settlements.models import Draft, Signature
from app.signing.models import SigningKey
from app.webhooks.models import Delivery, Webhook, WebhookSecret

__all__ = [
    "AccessToken",
    "Appointment",
    "Audience",
    "AudienceReader",
    "Capacity",
    "Case",
    "Certificate",
    "Client",
    "ClientSecret",
    "Closure",
    "Consent",
    "Content",
    "Court",
    "CourtPaper",
    "DataKey",
    "Deadline",
    "DeadlineChange",
    "Delivery",
    "Disclosure",
    "Document",
    "DocumentAccess",
    "Draft",
    "Event",
    "Filing",
    "IdempotencyRecord",
    "Institution",
    "Mediator",
    "Meeting",
    "Member",
    "Notice",
    "NoticeChoice",
    "NoticeMark",
    "OrderFile",
    "Party",
    "Rectification",
    "ReferenceNumber",
    "Referral",
    "Service",
    "Signature",
    "SigningKey",
    "StepTaken",
    "ThirdState",
    "Token",
    "User",
    "Webhook",
    "WebhookSecret",
]
