"""The catalogue of all types of events, with the ids that their payloads may carry.

The ledger accepts no other type. The feed, the webhooks and their documentation are made from this list.
"""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class EventType:
    """A type of event: its name, a sentence that says what happened, and the ids that its payload may carry."""

    name: str
    says: str
    ids: tuple[str, ...] = ()
    of_a_case: bool = True


def _of_the_installation(name: str, says: str, *ids: str) -> EventType:
    return EventType(name, says, ids, of_a_case=False)


_APPOINTMENT = ("appointment_id", "mediator_id")
_DEADLINE = ("deadline_id", "party_id")
_DRAFT = ("draft_id", "document_id")
_REPRESENTATIVE = ("representative_id", "party_id")
_REFERRAL = ("referral_id", "court_id", "case_id", "earlier_referral_id")
_CLIENT = ("client_id", "court_id", "secret_id", "user_id")
_WEBHOOK = ("webhook_id", "user_id", "client_id")

_ALL = (
    EventType("case-opened", "A request was opened as a draft."),
    EventType("case-discarded", "A draft of a request was discarded."),
    EventType("case-amended", "A request was amended, or corrected by the registry.", ("party_id",)),
    EventType("request-lodged", "A request was lodged in this text."),
    EventType("request-served", "A request was served in this text on the other sides."),
    EventType(
        "step-taken", "A step of the procedure was taken: the case may have reached another stage.", ("party_id",)
    ),
    EventType("party-added", "A party joined the case.", ("party_id",)),
    EventType("third-state-named", "A third State was named.", ("third_state_id",)),
    EventType("consent-given", "A party consented to mediation.", ("consent_id", "party_id")),
    EventType("consent-filed", "A consent was filed.", ("consent_id", "party_id", "third_state_id")),
    EventType("consent-confirmed", "The registry confirmed a consent.", ("consent_id",)),
    EventType("representative-invited", "Somebody was invited to represent a party.", _REPRESENTATIVE),
    EventType("representative-admitted", "A representative of a party was admitted.", _REPRESENTATIVE),
    EventType("common-representative-admitted", "A person was admitted to represent several parties.", ("user_id",)),
    EventType(
        "earlier-items-proposed",
        "The registry proposed to open what is earlier to a representative who came later.",
        _REPRESENTATIVE,
    ),
    EventType(
        "earlier-items-opened", "What is earlier was opened to a representative who came later.", _REPRESENTATIVE
    ),
    EventType("representative-ended", "Somebody no longer represents a party.", _REPRESENTATIVE),
    EventType(
        "capacity-ended",
        "A person's capacity in the case ended.",
        ("capacity_id", "user_id", "party_id", "representative_id", "appointment_id"),
    ),
    EventType("powers-recorded", "The powers of a representative were recorded.", _REPRESENTATIVE),
    EventType("powers-ended", "The powers of a representative ended.", _REPRESENTATIVE),
    EventType("appointment-proposed", "A mediator was nominated.", _APPOINTMENT),
    EventType(
        "appointment-declared",
        "A candidate or mediator made a declaration on independence, or another one.",
        _APPOINTMENT,
    ),
    EventType("appointment-objected", "A party objected to a mediator.", _APPOINTMENT),
    EventType("appointment-accepted", "A party accepted a candidate.", _APPOINTMENT),
    EventType("appointment-confirmed", "A mediator was confirmed and reads the case from now on.", _APPOINTMENT),
    EventType("appointment-declined", "A candidate declined.", _APPOINTMENT),
    EventType("appointment-resigned", "A mediator resigned.", _APPOINTMENT),
    EventType("appointment-replaced", "A mediator was replaced.", _APPOINTMENT),
    EventType("appointment-closed", "A nomination was closed without an appointment.", _APPOINTMENT),
    EventType("session-scheduled", "A session was scheduled.", ("session_id",)),
    EventType("session-held", "A session was held.", ("session_id",)),
    EventType("session-adjourned", "A session was adjourned.", ("session_id",)),
    EventType("session-cancelled", "A session was cancelled.", ("session_id",)),
    EventType("filing-drafted", "A filing was drafted.", ("filing_id",)),
    EventType("filing-shared", "The author of a draft of a filing shared it with their side.", ("filing_id",)),
    EventType("filing-amended", "A draft of a filing was changed.", ("filing_id",)),
    EventType("filing-discarded", "A draft of a filing was discarded.", ("filing_id",)),
    EventType("filing-submitted", "A filing was submitted and received.", ("filing_id",)),
    EventType("filing-joined", "A party joined a filing.", ("filing_id", "party_id")),
    EventType("filing-joinder-withdrawn", "A party no longer joins a filing.", ("filing_id", "party_id")),
    EventType("filing-docketed", "A filing was given its number on the docket.", ("filing_id", "twin_id")),
    EventType("filing-accepted", "The registry accepted a filing.", ("filing_id",)),
    EventType("filing-returned", "The registry returned a filing for correction.", ("filing_id",)),
    EventType(
        "filing-withdrawn",
        "A filing that was made by mistake was withdrawn: only its own side reads it.",
        ("filing_id",),
    ),
    EventType("document-stored", "A document was stored.", ("document_id", "filing_id", "draft_id")),
    EventType("document-removed", "A document was removed from a draft.", ("document_id", "filing_id", "draft_id")),
    EventType(
        "document-withdrawn",
        "A document that was filed by mistake was withdrawn: only its own side reads it.",
        ("document_id", "filing_id"),
    ),
    EventType(
        "document-released",
        "A scanner found a document clean: its readers can download it.",
        ("document_id", "filing_id", "draft_id"),
    ),
    EventType("document-refused", "A scanner refused a document.", ("document_id", "filing_id", "draft_id")),
    EventType("text-drafted", "A settlement text was drafted.", _DRAFT),
    EventType("text-shared", "The author of a settlement text shared it with their side.", _DRAFT),
    EventType("text-frozen", "A settlement text was frozen for signature.", _DRAFT),
    EventType(
        "text-superseded",
        "Another settlement text replaced this one, or was frozen instead.",
        (*_DRAFT, "replacement_id"),
    ),
    EventType("text-signed", "A settlement text was signed.", ("signature_id", "draft_id", "party_id")),
    EventType(
        "signature-voided",
        "A signature is void because another text was frozen.",
        ("signature_id", "draft_id", "party_id"),
    ),
    EventType("certificate-issued", "The institution certified how the case ended.", ("certificate_id", "key_id")),
    EventType("deadline-set", "A term began to run.", _DEADLINE),
    EventType("deadline-ended", "A term ended because it was met or lost its object.", _DEADLINE),
    EventType("deadline-recalled", "A term is about to pass, and those who must act were reminded.", _DEADLINE),
    EventType("deadline-extended", "A term was extended.", _DEADLINE),
    EventType("deadline-extension-agreed", "A party agreed to extend a term.", _DEADLINE),
    EventType("deadline-moved", "A term moved to another day because of a closure.", (*_DEADLINE, "closure_id")),
    EventType("deadline-waived", "A term was waived.", _DEADLINE),
    EventType("deadline-suspended", "A term was suspended.", _DEADLINE),
    EventType("deadline-resumed", "A suspended term runs again.", _DEADLINE),
    EventType("service-attempted", "Service of the request was attempted.", ("service_id", "party_id")),
    EventType("service-made", "The request was served on a party.", ("service_id", "party_id")),
    EventType("disclosure-proposed", "A proposal was made to open earlier items to a newcomer.", ("disclosure_id",)),
    EventType("disclosure-agreed", "A side agreed to open earlier items.", ("disclosure_id",)),
    EventType("disclosure-opened", "Earlier items were opened to a newcomer.", ("disclosure_id",)),
    EventType("event-rectified", "An error in an event was rectified.", ("rectification_id", "event_id")),
    _of_the_installation("institution-founded", "The institution was entered."),
    _of_the_installation("institution-changed", "The institution's own entry was changed."),
    _of_the_installation("registry-restored", "The registry was restored from a backup."),
    _of_the_installation("user-added", "An account was created.", "user_id"),
    _of_the_installation("user-proposed", "Somebody was proposed as administrator or registrar.", "user_id"),
    _of_the_installation("user-invited", "Somebody was invited by e-mail to represent a party.", "user_id"),
    _of_the_installation("user-approved", "An account was approved.", "user_id"),
    _of_the_installation(
        "user-changed", "The name or the address of an account was corrected.", "user_id", "correction_id"
    ),
    _of_the_installation("user-disabled", "An account was disabled.", "user_id"),
    _of_the_installation("user-enabled", "A disabled account was enabled again.", "user_id"),
    _of_the_installation("link-issued", "A one-time link to an account was ordered by mail or printed.", "user_id"),
    _of_the_installation("account-activated", "The holder of an account used a one-time link.", "user_id", "token_id"),
    _of_the_installation("token-issued", "A token was issued.", "token_id", "user_id"),
    _of_the_installation("token-revoked", "A token was revoked.", "token_id", "user_id"),
    _of_the_installation("token-expired", "A token expired.", "token_id", "user_id"),
    _of_the_installation("court-entered", "A court was entered.", "court_id"),
    _of_the_installation("court-changed", "A court's entry was changed or suspended.", "court_id"),
    _of_the_installation("referral-received", "A court referred a case.", *_REFERRAL),
    EventType("referral-amended", "A court changed its referral, or the number of another one.", _REFERRAL),
    EventType("referral-accepted", "The registry accepted a referral and opened its case.", _REFERRAL),
    _of_the_installation("referral-declined", "The registry declined a referral, with a coded reason.", *_REFERRAL),
    _of_the_installation("referral-more-asked", "The registry asked a court for more information.", *_REFERRAL),
    EventType("referral-served", "A court's referral was served with the request, as it stands.", _REFERRAL),
    EventType("referral-withdrawn", "A court withdrew its referral.", _REFERRAL),
    EventType("return-date-extended", "A court extended the return date.", _REFERRAL),
    _of_the_installation("referral-stage-changed", "A referred case entered another phase.", *_REFERRAL),
    _of_the_installation("referral-clock-changed", "The court's own clock was suspended or resumed.", *_REFERRAL),
    _of_the_installation(
        "referral-dates-changed", "The dates of joint sessions that a court may see changed.", *_REFERRAL
    ),
    EventType("referral-reported", "The end of a referred case was reported to the court.", _REFERRAL),
    EventType("session-dates-agreed", "A party let the court see session dates.", ("referral_id", "party_id")),
    _of_the_installation("client-added", "An API client was added.", *_CLIENT),
    _of_the_installation("client-secret-issued", "A secret was issued to an API client.", *_CLIENT),
    _of_the_installation("client-secret-revoked", "A secret of an API client was revoked.", *_CLIENT),
    _of_the_installation("client-disabled", "An API client was disabled.", *_CLIENT),
    _of_the_installation("webhook-added", "Somebody subscribed to events.", *_WEBHOOK),
    _of_the_installation("webhook-changed", "A subscription was changed by its owner.", *_WEBHOOK),
    _of_the_installation("webhook-secret-issued", "A secret was issued for a subscription.", *_WEBHOOK),
    _of_the_installation("webhook-disabled", "A subscription was disabled, with a coded reason.", *_WEBHOOK),
    _of_the_installation("webhook-removed", "A subscription was removed by its owner.", *_WEBHOOK),
    _of_the_installation("member-entered", "A member was entered.", "member_id"),
    _of_the_installation("member-changed", "A member's entry was changed.", "member_id"),
    _of_the_installation("mediator-entered", "A mediator was entered on the roster.", "mediator_id", "user_id"),
    _of_the_installation(
        "mediator-changed", "A mediator's entry on the roster was changed or suspended.", "mediator_id", "user_id"
    ),
    _of_the_installation("closure-entered", "A closure was entered.", "closure_id", "member_id"),
    _of_the_installation("closure-withdrawn", "A closure was withdrawn.", "closure_id"),
    _of_the_installation(
        "signing-key-renewed",
        "The institution made a signing key, and retired the one before, if there was one.",
        "key_id",
        "retired_key_id",
    ),
    _of_the_installation("master-key-rotated", "The master key was rotated."),
    _of_the_installation("case-key-destroyed", "The contents of a case were destroyed.", "case_id"),
)
TYPES = {event_type.name: event_type for event_type in _ALL}


class Uncatalogued(RuntimeError):
    """An act tried to record an event that is not in the catalogue: a fault of the service."""


def check(name: str) -> None:
    """Check that a type is in the catalogue; raises Uncatalogued if it is not."""
    if name not in TYPES:
        raise Uncatalogued(f"add the type of event '{name}' to app/core/ledger/catalogue.py")


def unlisted(name: str, payload: dict[str, Any]) -> set[str]:
    """The ids in a payload that the catalogue does not list for its type, so that no feed shows them."""
    return {id for id in payload if id.endswith("_id")} - set(TYPES[name].ids)
