"""Writes docs/who-may-see-what.md from the policy of audiences: `python -m tests.docs.who_may_see_what`."""

import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID, uuid5

from app.core.access.policy import AudienceView, CapacityView, CaseView, PartyView, readers_of
from app.core.tables.audiences import ANYONE, INTEGRATIONS, STAFF
from app.operations.migrating import migrate
from app.settings import Settings
from tests.docs.open_addresses import table as table_of_addresses
from tests.house.source import ROOT
from tests.installation import TEST_SETTINGS, House

PAGE = ROOT / "docs" / "who-may-see-what.md"
OF_CASES, OF_ADDRESSES = (f"<!-- of {what}: made by make picture -->" for what in ("cases", "addresses"))
END = "<!-- to here -->"


def named(name: str) -> UUID:
    """An id that is always the same for a name."""
    return uuid5(UUID(int=0), name)


OWN, OTHER, LATE, WITHDRAWN = (named(side) for side in ("own", "other", "late", "withdrawn"))
COURT, COLLEAGUE = named("court"), named("colleague")
# Items are written early, when the first mediator is in office, and late, after newcomers have come.
EARLY, LATER = 0, 2


@dataclass(frozen=True)
class Reader:
    """A kind of person: the title of its column, the principal under which it reads, and its own party.

    `party` is None for people who act for no party.
    """

    title: str
    principal: UUID
    party: UUID | None = None


def acting(title: str, party: UUID) -> Reader:
    """A kind of person who acts for a party."""
    return Reader(title, named(title), party)


AGENT = acting("agent, co-agent or counsel of a party", OWN)
NEW_AGENT = acting("representative whom the registry admitted to a party that had an agent before", OWN)
ENDED = acting("representative whose capacity has ended, and those ended with them", OWN)
LATE_AGENT = acting("agent of a party that joined after service", LATE)
GONE_AGENT = acting("agent of a party that withdrew while the others go on", WITHDRAWN)
CANDIDATE = Reader("candidate", named("candidate"))
MEDIATOR = Reader("mediator", named("mediator"))
FORMER = Reader("mediator whose appointment has ended", named("former mediator"))
SUCCESSOR = Reader("mediator who succeeded another", named("successor"))
REGISTRAR = Reader("registrar, each of them", STAFF)
ADMINISTRATOR = Reader("administrator", named("administrator"))
COURTS = Reader("client of the court that referred the case", COURT)
INSTITUTIONS = Reader("client of the institution, within its scopes", INTEGRATIONS)
STRANGER = Reader("anybody else with an account", ANYONE)
READERS = (
    AGENT,
    NEW_AGENT,
    LATE_AGENT,
    GONE_AGENT,
    ENDED,
    CANDIDATE,
    MEDIATOR,
    SUCCESSOR,
    FORMER,
    REGISTRAR,
    ADMINISTRATOR,
    COURTS,
    INSTITUTIONS,
    STRANGER,
)


@dataclass(frozen=True)
class Thing:
    """A kind of thing: what it is, its audience, and whether it is the reader's own party's or another party's.

    A `private` one is of somebody else who acts for the party.
    """

    title: str
    audience: str
    whose: str = ""
    private: bool = False


THINGS = (
    Thing("the case, its parties and people", "case"),
    Thing("a nomination, and what the candidate disclosed", "appointment"),
    Thing("filings, sessions and texts for all", "participants"),
    Thing("caucus of one's own party", "caucus", "own"),
    Thing("caucus of another party", "caucus", "other"),
    Thing("a colleague's draft that is not shared", "party", "own", private=True),
    Thing("drafts and notes of one's own party, once shared", "party", "own"),
    Thing("drafts and notes of another party", "party", "other"),
    Thing("between one's own party and the registry, powers of attorney among it", "party-registry", "own"),
    Thing("between another party and the registry", "party-registry", "other"),
    Thing("among the mediators", "mediators"),
    Thing("between the mediators and the registry", "mediators-registry"),
    Thing("within the registry", "registry"),
    Thing("shown to the court", "court"),
    Thing("public", "public"),
)
MOMENTS = {"before it is lodged": (False, False), "lodged": (True, False), "served": (True, True)}


def _case(moment: str) -> CaseView:
    lodged, served = MOMENTS[moment]
    return CaseView(named("case"), named("case"), datetime(2026, 3, 2, tzinfo=UTC), lodged, served, LATER, COURT)


def _parties() -> tuple[PartyView, ...]:
    return (
        PartyView(OWN, "requesting", EARLY, had_agent=True),
        PartyView(OTHER, "responding", EARLY, had_agent=True),
        PartyView(LATE, "side-3", 1, had_agent=True),
        PartyView(WITHDRAWN, "responding", EARLY, had_agent=True, reads_until=1),
    )


def _capacities() -> tuple[CapacityView, ...]:
    def held(reader: Reader, role: str, generation: int = EARLY) -> CapacityView:
        return CapacityView(named(f"capacity of {reader.title}"), reader.principal, role, reader.party, generation)

    return (
        held(AGENT, "agent"),
        held(NEW_AGENT, "agent", LATER),
        held(LATE_AGENT, "agent"),
        held(GONE_AGENT, "agent"),
        held(CANDIDATE, "candidate"),
        held(MEDIATOR, "mediator"),
        held(SUCCESSOR, "mediator", LATER),
    )


def _audience(reader: Reader, thing: Thing, generation: int) -> AudienceView:
    own = reader.party or OWN
    another = OTHER if own != OTHER else OWN
    parties = frozenset({own if thing.whose == "own" else another} if thing.whose else ())
    person = CANDIDATE.principal if thing.audience == "appointment" else COLLEAGUE if thing.private else None
    id = named(f"{thing}/{generation}")
    return AudienceView(id, thing.audience, parties, person, generation, private=thing.private)


def _reads(reader: Reader, thing: Thing, moment: str, generation: int) -> bool:
    audience = _audience(reader, thing, generation)
    readers = readers_of(_case(moment), _parties(), _capacities(), [audience])[audience.id]
    # People read under their own id; what anybody may read, they read too.
    return reader.principal in readers or ANYONE in readers


def cell(reader: Reader, thing: Thing) -> str:
    """When a kind of person reads a kind of thing, in a few words."""
    early = [moment for moment in MOMENTS if _reads(reader, thing, moment, EARLY)]
    late = [moment for moment in MOMENTS if _reads(reader, thing, moment, LATER)]
    if not early and not late:
        return "–"
    if not early:
        return "from then on"
    if not late:
        return "until then"
    return {"before it is lodged": "always", "lodged": "once lodged", "served": "once served"}[early[0]]


TABLES = {
    "People of the parties": (AGENT, NEW_AGENT, LATE_AGENT, GONE_AGENT, ENDED),
    "Mediators": (CANDIDATE, MEDIATOR, SUCCESSOR, FORMER),
    "The institution, courts and everybody else": (REGISTRAR, ADMINISTRATOR, COURTS, INSTITUTIONS, STRANGER),
}


def table(readers: tuple[Reader, ...]) -> str:
    """A Markdown table: a row for each kind of thing, and a column for each kind of person."""
    of_parties = any(reader.party for reader in readers)
    rows = [["", *(reader.title for reader in readers)], ["---"] * (len(readers) + 1)]
    for thing in THINGS:
        if thing.whose == "own" and not of_parties:
            continue
        title = thing.title if of_parties else thing.title.replace("another party", "a party")
        rows.append([title, *(cell(reader, thing) for reader in readers)])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def tables() -> str:
    """The part of the page that is made from the policy."""
    return "\n\n".join(f"### {title}\n\n{table(readers)}" for title, readers in TABLES.items())


def renewed(page: str, addresses: str) -> str:
    """The page with its tables as the policy has them now, and the table of addresses that was played."""
    for begin, made in ((OF_CASES, tables()), (OF_ADDRESSES, addresses)):
        before, _, rest = page.partition(begin)
        _, _, after = rest.partition(END)
        page = f"{before}{begin}\n\n{made}\n\n{END}{after}"
    return page


def played() -> str:
    """The table of addresses, played in a registry of its own."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(database_url=f"sqlite:///{folder}/accord.db", storage=f"{folder}/files", **TEST_SETTINGS)
        migrate(settings)
        with House.open(settings) as house:
            return table_of_addresses(house)


if __name__ == "__main__":
    PAGE.write_text(renewed(PAGE.read_text(encoding="utf-8"), played()), encoding="utf-8")
