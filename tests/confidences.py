"""Confidential acts: every act of a case whose audience can be narrower than all participants, each with its insiders.

`ACTS` is all of them. A world in which some of them happened looks to everybody else as if they had not.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select

from app.core.access.session import as_system
from app.core.tables.audiences import Audience
from app.core.tables.events import Event
from tests.installation import House, Json, Person
from tests.pdfs import pdf
from tests.story import POWERS, Dispute, request

# The audiences whose readers are not all participants.
NARROW = ("caucus", "party", "party-registry", "mediators", "mediators-registry", "registry")


# The types of events that `ACTS` record in a narrow audience; the test of twin worlds compares this list with them.
CONFIDED = {
    "case-amended",
    "case-discarded",
    "case-opened",
    "disclosure-opened",
    "disclosure-proposed",
    "document-removed",
    "document-stored",
    "document-withdrawn",
    "event-rectified",
    "filing-amended",
    "filing-discarded",
    "filing-drafted",
    "filing-joined",
    "filing-joinder-withdrawn",
    "filing-shared",
    "filing-submitted",
    "filing-withdrawn",
    "party-added",
    "powers-recorded",
    "session-adjourned",
    "session-cancelled",
    "session-held",
    "session-scheduled",
    "step-taken",
    "text-drafted",
    "text-shared",
    "text-superseded",
}
# Other types that are recorded in a narrow audience, each with the reason why it has no twin, and with the test that
# shows what outsiders receive. An act that records another type in one needs a twin: every test fails after which one
# is there.
ELSEWHERE = {
    # Before service the other sides do not know of the case at all, so that no world without it can be compared: a
    # case that is lodged takes the next reference.
    "referral-accepted": "tests/integration/test_referrals.py",
    "referral-amended": "tests/integration/test_referrals.py",
    "referral-withdrawn": "tests/integration/test_referrals.py",
    "return-date-extended": "tests/integration/test_referrals.py",
    "request-lodged": "tests/proceedings/test_request_versions.py",
    # These follow acts that everybody reads, and add what one side alone reads.
    "filing-docketed": "tests/proceedings/test_docket.py",
    "powers-ended": "tests/proceedings/test_representatives.py",
    # As `disclosure-proposed`, in the same stream, by one of three parties or more.
    "disclosure-agreed": "tests/proceedings/test_newcomers.py",
    # The worker refuses a document while its own side alone can see it.
    "document-refused": "tests/proceedings/test_kept_documents.py",
    "document-released": "tests/proceedings/test_kept_documents.py",
}


def types_without_twin(house: House) -> set[str]:
    """The types of events in narrow audiences of this registry that no twin world has."""
    return narrow_types(house) - CONFIDED - ELSEWHERE.keys()


def narrow_types(house: House) -> set[str]:
    """The types of events of cases in audiences narrower than all participants."""
    narrow = (Audience.name.in_(NARROW), Event.case_id.is_not(None))
    statement = select(Event.type).join(Audience, Audience.id == Event.audience_id).where(*narrow)
    with house.database.read(os.urandom) as db, as_system(db):
        return set(db.execute(statement.distinct()).scalars())


def word(name: str, place: str = "") -> str:
    """A planted word that names its act."""
    return f"{name}{place}quetzal"


@dataclass
class Setting:
    """A case in mediation, and what earlier confidential acts made in it."""

    dispute: Dispute
    place: str = ""
    # The clock moves between acts where each is to have an instant and a day of its own; twin worlds share theirs.
    pause: Callable[[], None] = lambda: None
    made: dict[str, Json] = field(default_factory=dict)
    # Of files: numbers of their own, that occur nowhere else.
    size: int = 20_011

    @property
    def path(self) -> str:
        """The path of the case."""
        return self.dispute.path

    def party_of(self, person: Person) -> str:
        """The party that a person represents."""
        return self.dispute.party("requesting" if person is self.dispute.requesting else "responding")

    def filed(self, person: Person, name: str, audience: str, sides: tuple[str, ...] = (), **more: object) -> Json:
        """A filing with a document, submitted."""
        draft = self.drafted(person, name, audience, sides, **more)
        self.uploaded(person, draft, name)
        self.pause()
        return dict(person.post(f"{self.path}/filings/{draft['id']}/submit").expect(200))

    def drafted(self, person: Person, name: str, audience: str, sides: tuple[str, ...] = (), **more: object) -> Json:
        """A filing that its side drafts."""
        parties = [self.dispute.party(side) for side in sides]
        title = word(f"{name}title", self.place)
        body = {"kind": "statement", "title": title, "text": word(name, self.place), "audience": audience}
        return dict(person.post(f"{self.path}/filings", {**body, "party_ids": parties, **more}).expect(201))

    def uploaded(self, person: Person, holder: Json, name: str, kind: str = "filings", query: str = "") -> Json:
        """A document of a size of its own."""
        self.size += 17
        self.pause()
        head = {
            "content-type": "application/pdf",
            "content-disposition": f"attachment; filename={word(name, self.place)}.pdf",
        }
        path = f"{self.path}/{kind}/{holder['id']}/documents{query}"
        content = pdf(self.size + 1000 * len(self.place), word(name).encode())
        return dict(person.send("POST", path, content=content, headers=head).expect(201))

    def scheduled(self, name: str, starts_at: str) -> Json:
        """A caucus with the requesting side, of an hour and a half."""
        self.pause()
        more: Json = {"starts_at": starts_at, "ends_at": starts_at[:11] + "19:45", "title": word(name, self.place)}
        return self.dispute.session("caucus", "requesting", place=word(f"{name}place", self.place), **more)


@dataclass(frozen=True)
class Confidence:
    """A confidential act, and the people of the case who know of it."""

    insiders: tuple[str, ...]
    act: Callable[[Setting], None]

    @property
    def name(self) -> str:
        """The name of the act."""
        return self.act.__name__.strip("_")


def _caucus_filing(on: Setting) -> None:
    filing = on.filed(on.dispute.requesting, "caucus", "caucus", ("requesting",))
    on.made["caucus"] = filing
    on.pause()
    (document,) = filing["documents"]
    on.dispute.mediator.get(f"/v1/documents/{document['id']}/content")


def _withdrawn_filing(on: Setting) -> None:
    filing = on.filed(on.dispute.requesting, "withdrawn", "caucus", ("requesting",))
    (document,) = filing["documents"]
    on.dispute.mediator.get(f"/v1/documents/{document['id']}/content")
    on.pause()
    reason = {"reason": word("reasontowithdraw", on.place)}
    on.dispute.requesting.post(f"{on.path}/filings/{filing['id']}/withdraw", reason).expect(200)


def _withdrawn_document(on: Setting) -> None:
    filing = on.filed(on.dispute.requesting, "takenback", "caucus", ("requesting",))
    on.pause()
    (document,) = filing["documents"]
    reason = {"reason": word("withdrawal", on.place)}
    on.dispute.requesting.post(f"/v1/documents/{document['id']}/withdraw", reason).expect(200)


def _disclosed_caucus(on: Setting) -> None:
    made = on.filed(on.dispute.mediator, "disclosed", "caucus", ("requesting", "responding"))
    on.pause()
    filings = on.dispute.requesting.get(f"{on.path}/filings?limit=200").expect(200)["items"]
    # That of the first place, before somebody joined.
    streams = {one["title"]: one["stream"] for one in filings}
    stream = streams.get(word("disclosedtitle", "a"), made["stream"])
    proposed = on.dispute.requesting.post(f"{on.path}/disclosures", {"stream": stream})
    if proposed.status == 409:
        # Nobody has joined the case since.
        return
    on.pause()
    on.dispute.responding.post(f"{on.path}/disclosures/{proposed.expect(201)['id']}/agree").expect(200)


def _mediators_caucus_filing(on: Setting) -> None:
    on.filed(on.dispute.mediator, "mediatorcaucus", "caucus", ("requesting",))


def _caucus_sessions(on: Setting) -> None:
    on.pause()
    # A session is held once it has begun.
    today = on.dispute.house.clock.now.astimezone(ZoneInfo("Asia/Hong_Kong")).date()
    held = on.scheduled("held", f"{today.isoformat()}T00:10")
    on.pause()
    on.dispute.hold(held, word("attendee", on.place), "agent")
    for act, day in (("adjourn", "02"), ("cancel", "03")):
        session = on.scheduled(act, f"2026-04-{day}T18:20")
        on.pause()
        reason = {"reason": word(f"reasonto{act}", on.place)}
        on.dispute.mediator.post(f"{on.path}/sessions/{session['id']}/{act}", reason).expect(200)
    on.scheduled("open", "2026-05-01T18:30")


def _caucus_text(on: Setting) -> None:
    side = [on.dispute.party("requesting")]
    clauses = [{"number": "1", "text": word("clause", on.place)}]
    title = word("texttitle", on.place)
    draft = on.dispute.draft(on.dispute.requesting, title=title, clauses=clauses, audience="caucus", party_ids=side)
    on.uploaded(on.dispute.requesting, draft, "text", "settlement/drafts", "?language=en")
    on.pause()
    title = word("secondtexttitle", on.place)
    on.dispute.draft(on.dispute.requesting, title=title, clauses=clauses, audience="caucus", party_ids=side)


def _own_filing(on: Setting) -> None:
    on.filed(on.dispute.requesting, "own", "party", ("requesting",))


def _open_draft(on: Setting) -> None:
    draft = on.drafted(on.dispute.requesting, "unsubmitted", "participants")
    on.uploaded(on.dispute.requesting, draft, "unsubmitted")
    change = {"text": word("changed", on.place)}
    path = f"{on.path}/filings/{draft['id']}"
    on.dispute.requesting.patch(path, change, if_match="*").expect(200)
    removed = on.uploaded(on.dispute.requesting, draft, "removed")
    on.pause()
    on.dispute.requesting.post(f"/v1/documents/{removed['id']}/remove").expect(204)
    on.pause()
    on.dispute.requesting.post(f"{on.path}/filings/{draft['id']}/share").expect(200)
    discarded = on.drafted(on.dispute.requesting, "discarded", "participants")
    on.pause()
    on.dispute.requesting.send("DELETE", f"{on.path}/filings/{discarded['id']}", headers={"if-match": "*"}).expect(204)


def _sealed_filing(on: Setting) -> None:
    filing = on.filed(on.dispute.requesting, "sealed", "party-registry", ("requesting",))
    on.made["sealed"] = filing
    on.pause()
    (document,) = filing["documents"]
    on.dispute.registrar.get(f"/v1/documents/{document['id']}/content")


def _powers(on: Setting) -> None:
    path = on.dispute.representatives()
    listed = on.dispute.requesting.get(path).expect(200)["items"]
    agent = next(one["id"] for one in listed if one["user_id"] == on.dispute.requesting.id)
    powers = {**POWERS, "issued_by": word("powers", on.place)}
    on.dispute.requesting.post(f"{path}/{agent}/powers", powers).expect(200)


def _mediators_filing(on: Setting) -> None:
    on.filed(on.dispute.mediator, "mediators", "mediators")


def _mediators_text(on: Setting) -> None:
    clauses = [{"number": "1", "text": word("mediatorclause", on.place)}]
    on.dispute.draft(on.dispute.mediator, title=word("mediatortext", on.place), clauses=clauses, audience="mediators")


def _filing_to_the_mediators(on: Setting) -> None:
    on.filed(on.dispute.registrar, "tomediators", "mediators-registry")


def _registrys_filing(on: Setting) -> None:
    on.filed(on.dispute.registrar, "registry", "registry")
    events = on.dispute.events(on.dispute.registrar, "filing-submitted")
    slip = next(event for event in events if event["audience"] == "registry")
    on.pause()
    mended = {"event_id": slip["id"], "correction": word("correction", on.place), "reason": word("slip", on.place)}
    on.dispute.registrar.post(f"{on.path}/rectifications", mended).expect(201)


def _joint_draft(on: Setting) -> None:
    draft = on.drafted(on.dispute.requesting, "joint", "participants", joint_with=[on.dispute.party("responding")])
    path = f"{on.path}/filings/{draft['id']}"
    on.pause()
    on.dispute.responding.post(f"{path}/join").expect(200)
    on.uploaded(on.dispute.responding, draft, "joint")
    on.pause()
    on.dispute.responding.post(f"{path}/withdraw-joinder").expect(200)


def _unlodged_request(on: Setting) -> None:
    body = request(title=f"Unlodged {on.place}", summary=word("unlodged", on.place))
    opened = on.dispute.requesting.post("/v1/cases", body).expect(201)
    path = f"/v1/cases/{opened['id']}"
    on.pause()
    change = {"summary": word("amended", on.place)}
    on.dispute.requesting.patch(path, change, if_match="*").expect(200)
    on.dispute.requesting.post(f"{path}/third-states", {"name": word("third", on.place)}).expect(201)
    party = {"side": "responding", "kind": "state", "name": word("party", on.place)}
    on.dispute.requesting.post(f"{path}/parties", party).expect(201)
    on.pause()
    reason = {"reason": word("withdrawn", on.place)}
    on.dispute.requesting.post(f"{path}/steps/withdraw", reason).expect(200)
    on.pause()
    on.dispute.requesting.post("/v1/cases", body).expect(201)
    on.pause()
    discarded = on.dispute.requesting.post("/v1/cases", body).expect(201)
    on.pause()
    path = f"/v1/cases/{discarded['id']}"
    on.dispute.requesting.send("DELETE", path, headers={"if-match": "*"}).expect(204)


def _shared_dates(on: Setting) -> None:
    shared = on.dispute.requesting.post(f"{on.path}/referral/share-dates")
    assert shared.status in (200, 409), "once, and then no more"


def _own_text(on: Setting) -> None:
    side = [on.dispute.party("requesting")]
    clauses = [{"number": "1", "text": word("ownclause", on.place)}]
    title = word("owntexttitle", on.place)
    own: Json = {"title": title, "clauses": clauses, "audience": "party", "party_ids": side}
    first = on.dispute.draft(on.dispute.requesting, **own)
    draft = on.dispute.draft(on.dispute.requesting, **own, replaces=first["id"])
    on.uploaded(on.dispute.requesting, draft, "owntext", "settlement/drafts", "?language=en")
    on.pause()
    on.dispute.requesting.post(f"{on.path}/settlement/drafts/{draft['id']}/share").expect(200)


SIDE, MEDIATOR, REGISTRY = "requesting", "mediator", "registrar"
ACTS = (
    Confidence((SIDE, MEDIATOR), _caucus_filing),
    Confidence((SIDE, MEDIATOR), _withdrawn_filing),
    Confidence((SIDE, MEDIATOR), _mediators_caucus_filing),
    Confidence((SIDE, MEDIATOR), _caucus_sessions),
    Confidence((SIDE, MEDIATOR), _caucus_text),
    Confidence((SIDE,), _own_filing),
    Confidence((SIDE,), _open_draft),
    Confidence((SIDE, REGISTRY), _sealed_filing),
    Confidence((SIDE, REGISTRY), _powers),
    Confidence((MEDIATOR,), _mediators_filing),
    Confidence((MEDIATOR,), _mediators_text),
    Confidence((MEDIATOR, REGISTRY), _filing_to_the_mediators),
    Confidence((REGISTRY,), _registrys_filing),
    Confidence((SIDE, "responding"), _joint_draft),
    Confidence((SIDE,), _unlodged_request),
    Confidence((SIDE,), _own_text),
    Confidence((SIDE, MEDIATOR), _withdrawn_document),
    Confidence((SIDE, "responding", MEDIATOR), _disclosed_caucus),
)
# In a case that a court referred: what all participants know, and the court does not before every party agrees.
FROM_THE_COURT = (Confidence((SIDE, "responding", MEDIATOR, REGISTRY), _shared_dates),)


def confide(on: Setting, acts: tuple[Confidence, ...] = ACTS) -> Setting:
    """Take these acts one after the other."""
    for confidence in acts:
        on.pause()
        confidence.act(on)
    on.pause()
    return on


@contextmanager
def days_of_their_own(on: Setting, at_the_end_of_each: Callable[[], object] = lambda: None) -> Iterator[None]:
    """Let each act inside happen at an instant and on a day on which nothing else happens, but for this afterwards."""
    clock = on.dispute.house.clock

    def pause() -> None:
        at_the_end_of_each()
        clock.pass_by(**_STEP)

    on.pause = pause
    try:
        yield
    finally:
        on.pause = lambda: None
        clock.now += timedelta(days=1)


_STEP = {"days": 1, "seconds": 11, "microseconds": 4711}
