"""Events as feeds and webhooks send them."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field
from typing_extensions import TypeAliasType

from app.core.tables.audiences import AUDIENCES
from app.core.values import Followed, Out, one_of
from app.rules.model import CAPACITIES

AudienceName = TypeAliasType(
    "AudienceName",
    Annotated[
        str,
        one_of(
            AUDIENCES,
            "Who may know of an item. `public`: everybody. `court`: the participants and the referring court. "
            "`participants`: parties, mediators and registry. `caucus`: the named parties and the mediators. "
            "`party-registry`: the named parties and the registry. `mediators-registry`: the mediators and the "
            "registry. `party`: the named parties alone. `mediators`: the mediators alone. `registry`: the registry "
            "alone. `case`: everybody who may see the case. `appointment`: the participants and the candidate. "
            "`person`: the holder of an account alone.",
        ),
    ],
)
# Acts in cases are done in a capacity of the rules; acts outside cases in a role of the institution.
AUTHORS = (*CAPACITIES, "admin", "registrar", "user", "client", "operator")
AuthorCapacity = TypeAliasType(
    "AuthorCapacity",
    Annotated[
        str,
        one_of(
            AUTHORS,
            "In which capacity somebody acted: a capacity of the rules of procedure, or outside of cases a role of the "
            "institution. `clock`: time passed. `operator`: the operator, on the command line. `client`: a program.",
        ),
    ],
)


class FeedActorOut(Out):
    """Who acted, in which capacity, and for which party."""

    id: UUID | None = Field(
        description="The person or program that acted; null for the clock and the operator, and where the reader may "
        "know the capacity only."
    )
    capacity: AuthorCapacity = Field(description="The capacity in which they acted.")
    party_id: UUID | None = Field(description="The party for which they acted; null if for none.")


class FeedDataOut(Out):
    """What an event is about, by ids. Read what was written at the addresses of those items, as far as you may."""

    case_id: UUID | None = Field(
        description="The case; null for an event outside of cases, or if you may know of the event but not of the case."
    )
    audience: AudienceName = Field(description="The audience whose members may know of the event.")
    stream: UUID = Field(description="The stream of the ledger that contains the event: one for each audience.")
    seq: int = Field(description="The number of the event in its stream, from 1 without gaps.")
    act: str = Field(description="The act: the name of a step of the rules, or another act of the registry.")
    article: str | None = Field(description="The article under which the act was done; null if it rests on none.")
    actor: FeedActorOut = Field(description="Who acted.")
    about: dict[str, UUID] = Field(
        description="The ids of the items that the event concerns, such as `filing_id`. The ids that a type of "
        "event may carry are listed under `webhooks`."
    )


class FeedEventOut(Out):
    """One event, with the attributes of CloudEvents 1.0."""

    specversion: Literal["1.0"] = Field("1.0", description="The version of CloudEvents.")
    id: UUID = Field(description="The event's id, the same in every feed, webhook and repetition.")
    source: str = Field(description="The path of the case, or `/v1` for an event of the installation.")
    type: str = Field(
        description="The type of event, such as `step-taken`. The types stand under `webhooks`, and new ones may come."
    )
    time: datetime = Field(description="When the act was done.")
    datacontenttype: Literal["application/json"] = Field("application/json", description="The media type of `data`.")
    data: FeedDataOut = Field(description="What the event is about.")


class FeedOut(Followed[FeedEventOut]):
    """A part of your feed. To go on, send `next` as `after`."""
