"""The dispute of two fictional States about the waters of a river, as data: who does what, on which day.

Names in braces stand for values that earlier acts kept: ids, hashes of texts, days of the story.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]
Tell = Callable[[str], None]


class StoryFault(Exception):
    """The service did not answer as the story expects."""


INSTITUTION = "Demonstration Institute for Mediation (fictional)"
TIME_ZONE = "Asia/Hong_Kong"


@dataclass(frozen=True, slots=True)
class StoryAct:
    """One request of the story.

    `day` counts from the beginning, `hour` is at the seat. `says` is the printed line; `step` names the step whose
    article the line cites. `keeps` maps names to members of the answer. `refused` is the code of an expected refusal.
    `file` names a file that is uploaded instead of a body.
    """

    day: int
    hour: int
    who: str
    says: str
    path: str
    body: Json = field(default_factory=dict)
    method: str = "POST"
    step: str | None = None
    keeps: dict[str, str] = field(default_factory=dict)
    refused: str | None = None
    file: str | None = None


PEOPLE = {
    "registrar": ("Ines Okafor", "registrar"),
    "mediator": ("Amara Lindqvist", "user"),
    "other_mediator": ("Tomas Herrera", "user"),
    "requesting_agent": ("Nadia Keller", "user"),
    "responding_agent": ("Idris Marwan", "user"),
    "stranger": ("Paula Novak", "user"),
}
COURT: Json = {
    "name": "High Court of Ilmar (fictional)",
    "jurisdiction": "Ilmar",
    "place": "Port Sable",
    "time_zone": TIME_ZONE,
}
ROSTER: dict[str, Json] = {
    "mediator": {"nationalities": ["SE"], "languages": ["en", "fr"], "expertise": ["rivers", "hydrology"]},
    "other_mediator": {"nationalities": ["CL"], "languages": ["en", "es"], "expertise": ["treaty law"]},
}
MEMBERS: dict[str, Json] = {
    "upland": {
        "name": "Republic of Tarvand",
        "kind": "state",
        "status": "contracting",
        "signed_on": "2025-05-30",
        "ratified_on": "2025-08-20",
        "in_force_on": "2025-09-19",
        "declarations": [{"subjects": ["territorial-sovereignty"], "from_on": "2025-09-19"}],
    },
    "lowland": {
        "name": "Kingdom of Ilmar",
        "kind": "state",
        "status": "contracting",
        "signed_on": "2025-05-30",
        "ratified_on": "2025-07-30",
        "in_force_on": "2025-08-29",
    },
    "delta": {
        "name": "Confederation of Soli",
        "kind": "state",
        "status": "signatory",
        "signed_on": "2025-05-30",
    },
}
TREATY = {
    "kind": "treaty",
    "title": "Treaty on the Waters of the Orun (fictional)",
    "citation": "Done at Port Sable, 4 May 1968",
    "articles": ["5", "19"],
}
REQUEST: Json = {
    "procedure": "iomed-state-2025",
    "category": "state-state",
    "title": "Releases from the Kesh reservoir on the Orun",
    "summary": "Since the Kesh reservoir was filled, the dry-season flow at Port Sable has stayed below the quantity "
    "that article 5 of the Treaty assures. Ilmar asks for mediation on releases, on the exchange of gauge data, and on "
    "the status of the islet at the confluence.",
    "parties": [
        {"side": "requesting", "kind": "state", "name": "Kingdom of Ilmar", "member_id": "{lowland}"},
        {"side": "responding", "kind": "state", "name": "Republic of Tarvand", "member_id": "{upland}"},
    ],
    "third_states": [{"name": "Confederation of Soli", "member_id": "{delta}"}],
    "instruments": [TREATY],
    "subjects": ["reservoir-operation", "territorial-sovereignty"],
    "languages": ["en", "fr"],
    "seat": {"place": "Hong Kong", "time_zone": TIME_ZONE},
}
SECOND: Json = {
    **REQUEST,
    "title": "Hydrological data on the upper Orun",
    "summary": "Tarvand asks for mediation on the form and the times in which gauge data are exchanged.",
    "parties": [
        {"side": "requesting", "kind": "state", "name": "Republic of Tarvand", "member_id": "{upland}"},
        {"side": "responding", "kind": "state", "name": "Kingdom of Ilmar", "member_id": "{lowland}"},
    ],
    "third_states": [],
    "subjects": ["hydrological-data"],
}


def _powers(day: str, by: str) -> Json:
    return {"kind": "full-powers", "issued_by": by, "issued_on": day}


def _consent(day: str) -> Json:
    return {"basis": "treaty-clause", "instrument": "Treaty on the Waters of the Orun, article 19", "given_on": day}


def _gives(day: str, by: str) -> Json:
    return {"fields": {"consent": _consent(day), "powers": _powers(day, by)}}


ILMAR, TARVAND = "the King of Ilmar", "the President of Tarvand"
FIRST_TEXT = [
    {
        "number": "1",
        "text": "Tarvand releases from Kesh, from November to April, not less than 310 cubic metres a second.",
    },
    {"number": "2", "text": "The gauges at Kesh and Port Sable are read every six hours and shared the same day."},
]
FINAL_TEXT = [
    {
        "number": "1",
        "text": "Tarvand releases from Kesh, from November to April, not less than 285 cubic metres a second.",
    },
    {"number": "2", "text": "In a dry year, which the Joint Gauge Office declares, the quantity is 240."},
    {"number": "3", "text": "The gauges at Kesh and Port Sable are read every six hours and shared the same day."},
]


def _attendance(*people: tuple[str, str]) -> Json:
    return {"attendance": [{"name": name, "capacity": capacity} for name, capacity in people]}


LINDQVIST = ("Amara Lindqvist", "mediator")
KELLER = ("Nadia Keller", "agent of Ilmar")
MARWAN = ("Idris Marwan", "agent of Tarvand")


def _session(kind: str, title: str, day: str, side: str | None = None) -> Json:
    return {
        "kind": kind,
        "title": title,
        "starts_at": "{" + day + "}T10:00",
        "ends_at": "{" + day + "}T12:30",
        "audience": "participants" if side is None else "caucus",
        "party_ids": [] if side is None else ["{" + side + "}"],
        "place": "Old Harbour House, room 3",
    }


C = "/v1/cases/{case}"
FIRST_CASE = [
    StoryAct(
        0,
        9,
        "requesting_agent",
        "Ilmar's agent opens a request, seen by her own side alone",
        "/v1/cases",
        REQUEST,
        keeps={"case": "id", "ilmar": "parties.0.id", "tarvand": "parties.1.id", "soli": "third_states.0.id"},
    ),
    StoryAct(
        1,
        11,
        "requesting_agent",
        "Ilmar lodges it, with its consent and its agent's full powers",
        f"{C}/steps/lodge",
        _gives("{day1}", ILMAR),
        step="lodge",
    ),
    StoryAct(
        3,
        10,
        "registrar",
        "The registrar admits Tarvand's agent on full powers",
        f"{C}/parties/{{tarvand}}/representatives",
        {"user_id": "{responding_agent}", "role": "agent", "powers": _powers("{day2}", TARVAND)},
    ),
    StoryAct(
        3,
        15,
        "registrar",
        "The registrar invites Tarvand, and sets a day for its reply",
        f"{C}/steps/invite",
        {"due_on": "{day24}"},
        step="invite",
    ),
    StoryAct(
        10,
        16,
        "responding_agent",
        "Tarvand accepts the invitation",
        f"{C}/steps/accept-invitation",
        _gives("{day10}", TARVAND),
        step="accept-invitation",
    ),
    StoryAct(
        11,
        9,
        "registrar",
        "The registrar screens: a declaration excludes a subject, and Soli has not consented",
        f"{C}/steps/screen",
        refused="need-not-met",
    ),
    StoryAct(
        12,
        14,
        "requesting_agent",
        "Ilmar strikes the excluded subject out of its request",
        C,
        {"subjects": ["reservoir-operation"]},
        method="PATCH",
    ),
    StoryAct(
        13,
        10,
        "registrar",
        "Soli's prior consent is filed",
        f"{C}/consents",
        {"third_state_id": "{soli}", "basis": "ad-hoc", "instrument": "Note verbale of Soli", "given_on": "{day13}"},
        keeps={"consent": "id"},
    ),
    StoryAct(13, 11, "registrar", "The registrar confirms Soli's consent", f"{C}/consents/{{consent}}/confirm"),
    StoryAct(
        13, 15, "registrar", "The registrar screens again: every gate is open", f"{C}/steps/screen", step="screen"
    ),
    StoryAct(
        14,
        10,
        "registrar",
        "The case is registered as {reference}, with a day for nominations",
        f"{C}/steps/register",
        {"due_on": "{day35}"},
        step="register",
        keeps={"reference": "reference"},
    ),
    StoryAct(
        17,
        9,
        "responding_agent",
        "Tarvand nominates Tomas Herrera",
        f"{C}/appointments",
        {"mediator_id": "{other_mediator_entry}"},
        step="nominate",
        keeps={"herrera": "id"},
    ),
    StoryAct(
        18,
        17,
        "other_mediator",
        "Tomas Herrera declines: he advised a power company on the Orun",
        "/v1/appointments/{herrera}/decline",
        {"reason": "I advised a company that buys power from the Kesh dam."},
    ),
    StoryAct(
        20,
        9,
        "requesting_agent",
        "Ilmar nominates Amara Lindqvist",
        f"{C}/appointments",
        {"mediator_id": "{mediator_entry}"},
        step="nominate",
        keeps={"lindqvist": "id"},
    ),
    StoryAct(
        22,
        12,
        "mediator",
        "Amara Lindqvist declares her independence, with a disclosure",
        "/v1/appointments/{lindqvist}/declare",
        {"independent": True, "disclosures": "In 2019 I taught at the university of Port Sable for one term."},
    ),
    StoryAct(24, 11, "responding_agent", "Tarvand accepts her", "/v1/appointments/{lindqvist}/accept"),
    StoryAct(
        25,
        10,
        "registrar",
        "The registrar confirms the mediator, who now sees the case",
        "/v1/appointments/{lindqvist}/confirm",
        step="confirm-mediator",
    ),
    StoryAct(
        27,
        9,
        "mediator",
        "The mediator calls a joint session",
        f"{C}/sessions",
        _session("joint", "First joint session", "day33"),
        keeps={"joint": "id"},
    ),
    StoryAct(
        33,
        13,
        "mediator",
        "The joint session is held",
        f"{C}/sessions/{{joint}}/hold",
        _attendance(LINDQVIST, KELLER, MARWAN),
        step="hold-session",
    ),
    StoryAct(
        34,
        9,
        "mediator",
        "The mediator calls a caucus with Ilmar, known only to the two of them",
        f"{C}/sessions",
        _session("caucus", "Ilmar alone", "day38", "ilmar"),
        keeps={"caucus_ilmar": "id"},
    ),
    StoryAct(
        36,
        18,
        "requesting_agent",
        "Ilmar tells the mediator in confidence what it needs",
        f"{C}/filings",
        {
            "kind": "statement",
            "title": "What Ilmar can live with",
            "text": "Below 280 cubic metres a second the pumps at Port Sable fall dry. Above that we can wait.",
            "audience": "caucus",
            "party_ids": ["{ilmar}"],
        },
        keeps={"filing_ilmar": "id"},
    ),
    StoryAct(36, 19, "requesting_agent", "and submits it", f"{C}/filings/{{filing_ilmar}}/submit"),
    StoryAct(
        38,
        13,
        "mediator",
        "The caucus with Ilmar is held",
        f"{C}/sessions/{{caucus_ilmar}}/hold",
        _attendance(LINDQVIST, KELLER),
    ),
    StoryAct(
        38,
        15,
        "mediator",
        "The mediator calls a caucus with Tarvand",
        f"{C}/sessions",
        _session("caucus", "Tarvand alone", "day41", "tarvand"),
        keeps={"caucus_tarvand": "id"},
    ),
    StoryAct(
        40,
        10,
        "responding_agent",
        "Tarvand tells the mediator in confidence what it can give",
        f"{C}/filings",
        {
            "kind": "statement",
            "title": "What Tarvand can release",
            "text": "In a normal year Kesh can release 290 without rationing power; in a dry one 240.",
            "audience": "caucus",
            "party_ids": ["{tarvand}"],
        },
        keeps={"filing_tarvand": "id"},
    ),
    StoryAct(40, 11, "responding_agent", "and submits it", f"{C}/filings/{{filing_tarvand}}/submit"),
    StoryAct(
        41,
        13,
        "mediator",
        "The caucus with Tarvand is held",
        f"{C}/sessions/{{caucus_tarvand}}/hold",
        _attendance(LINDQVIST, MARWAN),
    ),
    StoryAct(
        43,
        9,
        "mediator",
        "The mediator puts a first draft before both sides",
        f"{C}/settlement/drafts",
        {
            "title": "Agreement on releases from Kesh",
            "language": "en",
            "clauses": FIRST_TEXT,
            "audience": "participants",
        },
        keeps={"first_draft": "id"},
    ),
    StoryAct(
        47,
        9,
        "mediator",
        "and, after both have spoken, a second",
        f"{C}/settlement/drafts",
        {
            "title": "Agreement on releases from Kesh",
            "language": "en",
            "clauses": FINAL_TEXT,
            "audience": "participants",
            "replaces": "{first_draft}",
        },
        keeps={"draft": "id", "sha256": "sha256"},
    ),
    StoryAct(
        50,
        10,
        "mediator",
        "The second draft is frozen, by its hash, as the text to sign",
        f"{C}/settlement/drafts/{{draft}}/freeze",
        {"sha256": "{sha256}"},
        step="freeze-text",
    ),
    StoryAct(
        54,
        10,
        "responding_agent",
        "Tarvand signs",
        f"{C}/settlement/signatures",
        {"draft_id": "{draft}", "sha256": "{sha256}", "party_id": "{tarvand}", "capacity": "agent"},
        step="sign",
    ),
    StoryAct(
        55,
        11,
        "requesting_agent",
        "Ilmar signs: {reference} is settled",
        f"{C}/settlement/signatures",
        {"draft_id": "{draft}", "sha256": "{sha256}", "party_id": "{ilmar}", "capacity": "agent"},
        step="sign",
    ),
]
S = "/v1/cases/{second}"
SECOND_CASE = [
    StoryAct(
        56,
        9,
        "responding_agent",
        "Tarvand opens a request of its own, on data",
        "/v1/cases",
        SECOND,
        keeps={"second": "id", "second_ilmar": "parties.1.id", "second_tarvand": "parties.0.id"},
    ),
    StoryAct(
        56, 10, "responding_agent", "Tarvand lodges it", f"{S}/steps/lodge", _gives("{day56}", TARVAND), step="lodge"
    ),
    StoryAct(
        57,
        9,
        "registrar",
        "The registrar admits Ilmar's agent",
        f"{S}/parties/{{second_ilmar}}/representatives",
        {"user_id": "{requesting_agent}", "role": "agent", "powers": _powers("{day57}", ILMAR)},
    ),
    StoryAct(57, 10, "registrar", "and invites Ilmar", f"{S}/steps/invite", {"due_on": "{day87}"}, step="invite"),
    StoryAct(
        60,
        9,
        "requesting_agent",
        "Ilmar accepts",
        f"{S}/steps/accept-invitation",
        _gives("{day60}", ILMAR),
        step="accept-invitation",
    ),
    StoryAct(61, 9, "registrar", "The request passes the gates", f"{S}/steps/screen", step="screen"),
    StoryAct(
        61,
        10,
        "registrar",
        "and is registered as {second_reference}",
        f"{S}/steps/register",
        {"due_on": "{day91}"},
        step="register",
        keeps={"second_reference": "reference"},
    ),
    StoryAct(
        62,
        9,
        "responding_agent",
        "Tarvand drafts a memorandum that only its own side and the registry may read",
        f"{S}/filings",
        {
            "kind": "statement",
            "title": "Memorandum on the gauges of the Orun",
            "text": "Three gauges stand on the upper Orun, as the map shows. The turbines at Kesh take 190 cubic "
            "metres a second.",
            "audience": "party-registry",
            "party_ids": ["{second_tarvand}"],
        },
        keeps={"memorandum": "id"},
    ),
    StoryAct(
        62,
        10,
        "responding_agent",
        "with a map",
        f"{S}/filings/{{memorandum}}/documents",
        file="gauges-of-the-orun.png",
        keeps={"map": "id"},
    ),
    StoryAct(62, 11, "responding_agent", "and submits it", f"{S}/filings/{{memorandum}}/submit"),
    StoryAct(
        62,
        12,
        "responding_agent",
        "For everybody in the case it drafts a redacted version",
        f"{S}/filings",
        {
            "kind": "statement",
            "title": "Memorandum on the gauges of the Orun (redacted)",
            "text": "Three gauges stand on the upper Orun, as the map shows. [A sentence is left out.]",
            "audience": "participants",
            "redacts_id": "{memorandum}",
        },
        keeps={"redacted": "id"},
    ),
    StoryAct(
        62,
        13,
        "responding_agent",
        "with the power station blacked out on the map",
        f"{S}/filings/{{redacted}}/documents",
        file="gauges-of-the-orun-redacted.png",
        keeps={"redacted_map": "id"},
    ),
    StoryAct(62, 14, "responding_agent", "and submits that as well", f"{S}/filings/{{redacted}}/submit"),
    StoryAct(
        62, 15, "registrar", "The registrar enters this version on the docket", f"{S}/filings/{{redacted}}/acceptance"
    ),
    StoryAct(
        63,
        9,
        "requesting_agent",
        "Ilmar nominates Tomas Herrera; the case waits for his declaration",
        f"{S}/appointments",
        {"mediator_id": "{other_mediator_entry}"},
        step="nominate",
    ),
]
LAST_DAY = 63
ACTS = len(FIRST_CASE) + len(SECOND_CASE)
