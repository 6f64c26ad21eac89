"""Examples for the OpenAPI document: what requests say is written out, what answers say follows from their schemas."""

from typing import Any

Json = dict[str, Any]


def _id(number: int) -> str:
    return f"6b1f0c52-8d1e-4c57-9a63-{number:012x}"


CASE, OSTRAVA, VEDRIA, MEMBER, PERSON, ENTRY, DRAFT, EVENT, STREAM, STATE = (_id(number) for number in range(1, 11))
COURT = _id(11)
_HASH = "5f2d7c1be0c94a1f8a3f4b6d2e7c9015a8b3c4d5e6f708192a3b4c5d6e7f8091"
_TEXT = "The flow at the border gauge has fallen below the agreed third since the upstream dam was filled."
_POWERS = {"kind": "full-powers", "issued_by": "the Head of State", "issued_on": "2026-02-10"}
_CONSENT = {"basis": "treaty-clause", "instrument": "Serin Waters Treaty, article 12", "given_on": "2026-02-20"}
_PARTY = {"side": "requesting", "kind": "state", "name": "Republic of Ostrava", "member_id": MEMBER}
_TREATY = {"kind": "treaty", "title": "Serin Waters Treaty, 1961", "articles": ["7", "12"]}
_SEAT = {"place": "Hong Kong", "time_zone": "Asia/Hong_Kong"}
_CLAUSE = {"number": "1", "text": "The flow at the border gauge is shared by thirds."}

# By the name of the body's schema.
REQUESTS: dict[str, Json] = {
    "AcceptanceIn": {},
    "AppointmentActIn": {},
    "ClosureIn": {
        "from_on": "2026-12-24",
        "until_on": "2026-12-31",
        "name": "The registry is closed at the year's end",
    },
    "ExtendIn": {"until_on": "2026-05-01", "reason": "The delegation changes."},
    "AskIn": {"lacks": ["representatives"], "note": "Who acts for the defendant?"},
    "RefusalIn": {"reason": "outside-scheme"},
    "ReferralAcceptance": {"procedure": "court-referred"},
    "ReferralAmendment": {"title": "Ostrava Water v Vedria Dams"},
    "ReferralIn": {
        "external_id": "HC-2026-1407",
        "case_number": "1407/2026",
        "title": "Ostrava Water v Vedria Dams",
        "parties": [
            {
                "side": "requesting",
                "kind": "company",
                "name": "Ostrava Water",
                "email": "claims@ostrava-water.example",
                "representatives": [{"name": "Cora Unsel", "role": "counsel", "email": "cora.unsel@example.org"}],
            },
            {"side": "responding", "kind": "company", "name": "Vedria Dams"},
        ],
        "order": {"number": "12", "made_on": "2026-02-20", "text": "The parties are referred to mediation."},
        "return_on": "2030-06-30",
        "subjects": ["commercial-contract"],
        "languages": ["en"],
        "external": {"docket": 9007199254740993},
    },
    "ReturnDateIn": {"return_on": "2030-09-30"},
    "ReturnIn": {"reasons": ["unsigned"], "note": "The last page bears no signature."},
    "ReasonIn": {"reason": "The parties negotiate directly until June."},
    "ServiceIn": {
        "party_id": OSTRAVA,
        "method": "courier",
        "attempted_on": "2026-03-02",
        "served_at": "2026-03-03T09:30:00Z",
        "proof": "Receipt of the ministry, no. 4471.",
    },
    "SimulationIn": {
        "parties": [
            {"side": "requesting", "name": "Republic of Ostrava"},
            {"side": "responding", "name": "Kingdom of Vedria", "calendar": "HK"},
        ],
        "seat_calendar": "HK",
        "acts": [
            {"step": "lodge", "by": "requesting-party", "on": "2026-03-02"},
            {"step": "invite", "by": "registry", "on": "2026-03-04", "due_on": "2026-04-03"},
            {"step": "serve", "party": "Kingdom of Vedria", "on": "2026-03-09"},
        ],
        "until": "2026-12-31",
    },
    "CaseAmendment": {"subjects": ["water-allocation"]},
    "CaseIn": {
        "procedure": "iomed-state-2025",
        "category": "state-state",
        "title": "Sharing of the waters of the Serin",
        "summary": _TEXT,
        "parties": [_PARTY, {"side": "responding", "kind": "state", "name": "Kingdom of Vedria"}],
        "instruments": [_TREATY],
        "subjects": ["water-allocation"],
        "languages": ["en", "fr"],
        "seat": _SEAT,
    },
    "ClientIn": {
        "name": "Case management of the High Court",
        "court_id": COURT,
        "scopes": ["events.read", "referrals.read", "referrals.write"],
    },
    "CourtIn": {
        "name": "High Court, Civil Division",
        "jurisdiction": "Ostrava",
        "place": "Orlin",
        "time_zone": "Europe/Prague",
        "calendar": "CZ",
    },
    "ConsentFiled": {"third_state_id": STATE, **_CONSENT, "basis": "ad-hoc"},
    "DeclarationOfIndependence": {"independent": True, "disclosures": "In 2019 I taught at the university of Vedria."},
    "DeclineIn": {"reason": "I advised a company that draws water from the Serin."},
    "DisclosureIn": {"stream": STREAM},
    "DraftIn": {
        "title": "Agreement on the Serin",
        "language": "en",
        "clauses": [_CLAUSE],
        "texts": [
            {
                "title": "Accord sur la Serin",
                "language": "fr",
                "clauses": [{"number": "1", "text": "Le débit à la station frontière est partagé par tiers."}],
            }
        ],
        "prevailing_language": "en",
        "audience": "participants",
    },
    "EndIn": {"reason": "Called to the bench."},
    "FilingIn": {
        "kind": "statement",
        "title": "What Ostrava can live with",
        "text": "Below a quarter of the flow our pumps fall dry.",
        "audience": "caucus",
        "party_ids": [OSTRAVA],
    },
    "FreezeIn": {"sha256": _HASH},
    "HoldIn": {"attendance": [{"name": "Mina Datar", "capacity": "mediator"}]},
    "LeaveIn": {"reason": "Called to office."},
    "MediatorIn": {"user_id": PERSON, "nationalities": ["KE"], "languages": ["en", "fr"], "expertise": ["rivers"]},
    "NoticesChange": {"news": "at-once", "deadlines": True, "language": "fr"},
    "MemberChange": {"status": "contracting", "in_force_on": "2025-08-29"},
    "MemberIn": {
        "name": "Republic of Ostrava",
        "kind": "state",
        "status": "contracting",
        "signed_on": "2025-05-30",
        "ratified_on": "2025-07-30",
        "in_force_on": "2025-08-29",
        "declarations": [{"subjects": ["territorial-sovereignty"], "from_on": "2025-08-29"}],
        "designations": [{"name": "Mina Datar", "designated_on": "2025-09-15", "panel": "Disputes between States"}],
        "calendar": "CZ",
        "standing": "text",
        "source": "Notification of the depositary, 30 July 2025",
    },
    "NominationIn": {"mediator_id": ENTRY},
    "PartyIn": {"side": "side-3", "kind": "state", "name": "Confederation of Soli"},
    "PowersIn": _POWERS,
    "PutOffIn": {"reason": "The delegation is delayed."},
    "RectificationIn": {
        "event_id": EVENT,
        "correction": "The request was received on 1 March.",
        "reason": "A slip of the pen.",
    },
    "RepresentativeIn": {
        "email": "cora.unsel@example.org",
        "name": "Cora Unsel",
        "role": "counsel",
        "powers": {**_POWERS, "kind": "mandate"},
    },
    "RotationIn": {"expires_at": "2026-12-31T00:00:00Z"},
    "SessionIn": {
        "kind": "joint",
        "title": "First joint session",
        "starts_at": "2026-06-01T10:00",
        "ends_at": "2026-06-01T12:00",
        "audience": "participants",
        "place": "Old Harbour House, room 3",
    },
    "SignatureIn": {"draft_id": DRAFT, "sha256": _HASH, "party_id": OSTRAVA, "capacity": "agent"},
    "StepIn": {"fields": {"consent": _CONSENT, "powers": _POWERS}},
    "ThirdStateIn": {"name": "Confederation of Soli"},
    "TokenIn": {"label": "the registry's terminal"},
    "ReplayIn": {"after": EVENT},
    "WebhookChange": {"state": "paused"},
    "WebhookIn": {
        "url": "https://cms.high-court.example/accord",
        "types": ["filing-submitted", "step-taken"],
        "description": "Case management of the High Court",
    },
    "UserIn": {"name": "Cora Unsel", "email": "cora.unsel@example.org", "role": "user"},
}

# By the name of a member of an answer, where that says more than its type.
_VALUES: Json = {
    "public_key": "2tD_oFZQVvcUkPWhZbAzqXq3eC0mYc1Ue7k2Jv1kTxs",
    "body": {"kind": "receipt", "received_at": "2026-03-02T15:58:00Z", "in_time": True, "key_id": _id(1)},
    "actor": {"id": PERSON, "capacity": "requesting-party", "party_id": OSTRAVA},
    "audience": "participants",
    "access_token": "accord_client." + "x" * 43,
    "client_secret": "accord_secret." + "x" * 43,
    "grant_types_supported": ["client_credentials"],
    "response_types_supported": [],
    "scope": "referrals.read referrals.write",
    "scopes": ["referrals.read", "referrals.write"],
    "calendar": "HK",
    "capacity": "requesting-party",
    "category": "state-state",
    "categories": ["state-state"],
    "code": "need-not-met",
    "content": {"reason": "As the parties have agreed."},
    "cure": "The party accepts through POST /v1/appointments/{id}/accept.",
    "detail": "Kingdom of Vedria has not accepted the candidate.",
    "due_on": "2026-04-01",
    "email": "cora.unsel@example.org",
    "explanation": ["Trigger: 'invite' on Monday 2026-03-02.", "Due: Wednesday 2026-04-01, until its end at the seat."],
    "from_stages": ["settling"],
    "hash": _HASH,
    "href": f"/v1/cases/{CASE}/steps/accept-invitation",
    "independent": True,
    "instrument": "Serin Waters Treaty, article 12",
    "languages": ["en", "fr"],
    "language": "en",
    "media_type": "application/pdf",
    "name": "Mina Datar",
    "nationalities": ["KE"],
    "participation": "appearing",
    "payload": {"step": "accept-invitation", "from": "invited", "to": "consented"},
    "period": "set-per-case",
    "phase": "intake",
    "place": "Hong Kong",
    "prevailing_language": "en",
    "procedure": "iomed-state-2025",
    "relation": "authentic-text",
    "reference": "2026-0001",
    "role": "user",
    "sha256": _HASH,
    "side": "requesting",
    "stage": "invited",
    "standing": "institution",
    "starts_local": "2026-06-01T10:00:00+08:00",
    "ends_local": "2026-06-01T12:00:00+08:00",
    "step": "accept-invitation",
    "subjects": ["water-allocation"],
    "summary": _TEXT,
    "term": "reply",
    "text": _CLAUSE["text"],
    "time_zone": "Asia/Hong_Kong",
    "title": "Sharing of the waters of the Serin",
    "secret": "whsec_" + "x" * 43 + "=",
    "token": "accord_" + "x" * 43,
    "types": ["filing-submitted", "step-taken"],
    "url": "https://cms.high-court.example/accord",
    "type": "step-taken",
}
# What an example leaves empty: most things have not ended, and most lists of them have one page.
_EMPTY = frozenset(
    {
        "closed_at",
        "count",
        "disabled_at",
        "earlier_case_id",
        "ended_at",
        "entered_at",
        "fails",
        "ground",
        "next",
        "outcome",
        "partial_outcome",
        "received_via",
        "referral_id",
        "revoked_at",
        "third_states",
        "until_on",
        "voided_at",
    }
)


def request_example(schema: Json) -> Any:
    """What a body of this schema may say."""
    return REQUESTS[_name_of(schema)]


def answer_example(schema: Json, schemas: Json, name: str = "", within: str = "") -> Any:
    """What an answer of this schema looks like."""
    if name in _EMPTY and schema.get("type") == "array":
        return []
    if name in _EMPTY and {"type": "null"} in schema.get("anyOf", ()):
        return None
    if "$ref" in schema:
        target = _name_of(schema)
        return answer_example(schemas[target], schemas, name, target)
    if "anyOf" in schema:
        return answer_example(schema["anyOf"][0], schemas, name, within)
    if "properties" in schema:
        return {member: answer_example(one, schemas, member, within) for member, one in schema["properties"].items()}
    if "const" in schema or "enum" in schema:
        return schema.get("const", schema.get("enum", [None])[0])
    if schema.get("type") == "array" and name not in _VALUES:
        return [answer_example(schema["items"], schemas, name, within)]
    return _VALUES[name] if name in _VALUES and _fits(_VALUES[name], schema) else _of_type(schema, name)


def _fits(value: Any, schema: Json) -> bool:
    kinds = {str: "string", bool: "boolean", list: "array", dict: "object"}
    return kinds[type(value)] == schema.get("type")


def _of_type(schema: Json, name: str) -> Any:
    match schema.get("type"), schema.get("format"):
        case "string", "uuid":
            return _id(sum(name.encode()))
        case "string", "date-time":
            return "2026-03-02T09:00:00Z"
        case "string", "date":
            return "2026-03-02"
        case "string", _:
            return name.replace("_", "-") or "text"
        case "integer", _:
            return 1
        case "boolean", _:
            return False
    return {}


def _name_of(schema: Json) -> str:
    """The name of the schema that is referred to, be it one of several."""
    reference = schema.get("$ref") or next(one["$ref"] for one in schema["anyOf"] if "$ref" in one)
    return str(reference).rsplit("/", 1)[-1]
