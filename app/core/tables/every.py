"""Imports every table, so that Alembic, the gate and the tests know all of them."""

from app.core.tables.audiences import Audience, AudienceReader
from app.core.tables.capacities import Capacity
from app.core.tables.cases import Case, ReferenceNumber, StepTaken
from app.core.tables.certificates import Certificate
from app.core.tables.clients import AccessToken, Client, ClientSecret
from app.core.tables.closures import Closure
from app.core.tables.contents import Content, DataKey
from app.core.tables.courts import Court, CourtPaper, OrderFile, Referral
from app.core.tables.deadlines import Deadline, DeadlineChange
from app.core.tables.disclosures import Disclosure
from app.core.tables.documents import Document, DocumentAccess
from app.core.tables.events import Event
from app.core.tables.filings import Filing
from app.core.tables.idempotency import IdempotencyRecord
from app.core.tables.institution import Institution
from app.core.tables.mediators import Appointment, Mediator
from app.core.tables.members import Member
from app.core.tables.notices import Notice, NoticeChoice, NoticeMark
from app.core.tables.parties import Consent, Party, ThirdState
from app.core.tables.people import Activation, Correction, Token, User
from app.core.tables.rectifications import Rectification
from app.core.tables.service_of_process import Service
from app.core.tables.sessions import Meeting
from app.core.tables.settlements import Draft, Signature
from app.core.tables.signing import SigningKey
from app.core.tables.webhooks import Delivery, Webhook, WebhookSecret

__all__ = [
    "AccessToken",
    "Activation",
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
    "Correction",
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
