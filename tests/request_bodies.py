"""A valid body for each schema of requests, by its name; the ids in them are ids of nothing."""

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
    "ActingIn": {},
    "AppointmentActIn": {},
    "ClosureIn": {
        "from_on": "2026-12-24",
        "until_on": "2026-12-31",
        "name": "The registry is closed at the year's end",
    },
    "FilingAmendment": {"title": "Statement on the gauge"},
    "WithdrawalIn": {},
    "PartyAmendment": {"name": "Kingdom of Vedria"},
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
    "ReturnIn": {"reasons": ["unsigned"], "note": "The last page has no signature."},
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
    "CourtChange": {"place": "New Orlin", "time_zone": "Europe/Prague"},
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
    "OpeningIn": {"reason": "No agent of before is left."},
    "FilingIn": {
        "kind": "statement",
        "title": "What Ostrava can live with",
        "text": "Below a quarter of the flow our pumps fall dry.",
        "audience": "caucus",
        "party_ids": [OSTRAVA],
    },
    "FreezeIn": {"sha256": _HASH},
    "HoldIn": {"attendance": [{"name": "Mina Datar", "capacity": "mediator"}]},
    "ObjectionIn": {"reason": "The university is run by the ministry whose dam this is."},
    "LeaveIn": {"reason": "Called to office."},
    "MediatorChange": {"languages": ["en", "fr", "sw"], "expertise": ["rivers", "fisheries"]},
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
    "AddedPartyIn": {"side": "side-3", "kind": "state", "name": "Confederation of Soli"},
    "PowersIn": _POWERS,
    "PutOffIn": {"reason": "The delegation is delayed."},
    "RectificationIn": {
        "event_id": EVENT,
        "correction": "The request was received on 1 March.",
        "reason": "A slip of the pen.",
    },
    "CommonRepresentativeIn": {
        "email": "cora.unsel@example.org",
        "name": "Cora Unsel",
        "role": "counsel",
        "powers": {**_POWERS, "kind": "mandate"},
        "party_ids": ["00000000-0000-4000-8000-000000000001"],
    },
    "NamedRepresentativeIn": {
        "party_id": "00000000-0000-4000-8000-000000000001",
        "name": "Cora Unsel",
        "role": "agent",
        "powers": {**_POWERS, "kind": "mandate"},
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
    "NamedStateIn": {"name": "Confederation of Soli"},
    "ActivationIn": {"secret": "accord_link.9sYbX0n1VqJ2mWk7ZtR4cQ8hLpE5uD3aGfB6xN0yTsI", "label": "laptop"},
    "UserChange": {"email": "cora.unsel@example.org"},
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
