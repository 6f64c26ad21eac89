"""The capacities in which people sign for the parties: what a signature claims must be on record."""

from collections.abc import Iterable
from dataclasses import dataclass

from app.core.access.actors import Actor
from app.core.access.session import GatedSession
from app.core.contents import service as contents
from app.core.errors import Conflict, invalid
from app.core.tables.cases import Case
from app.proceedings.cases.circle import circle_of, view_of
from app.proceedings.cases.refusals import refused_by_practice
from app.proceedings.settlements.schemas import SignatureIn
from app.proceedings.steps.schemas import PowersIn

STATE, ORGANISATION, COMPANY, BODY, PERSON = "state", "organisation", "company", "public-body", "person"
_PRIVATE = (COMPANY, BODY, PERSON)
FULL, MANDATE, EX_OFFICIO = "full-powers", "mandate", "ex-officio"
# Vienna Convention on the Law of Treaties, article 7(2)(a): these offices need no full powers. The heads of diplomatic
# missions of article 7(2)(b) only adopt a text without them: they sign it as a plenipotentiary.
_OF_STATES = ("head-of-state", "head-of-government", "foreign-minister")


@dataclass(frozen=True, slots=True)
class Claim:
    """What a capacity claims: for parties of some kinds, on powers of some kinds, perhaps in a role or an office."""

    parties: tuple[str, ...]
    powers: tuple[str, ...]
    role: str | None = None
    is_office: bool = False


CLAIMS: dict[str, tuple[Claim, ...]] = {
    **{
        role: (
            Claim((STATE, ORGANISATION), (FULL,), role),
            Claim(_PRIVATE, (FULL, MANDATE, EX_OFFICIO), role),
        )
        for role in ("agent", "co-agent")
    },
    "plenipotentiary": (Claim((STATE, ORGANISATION), (FULL,)),),
    **{office: (Claim((STATE,), (EX_OFFICIO,), is_office=True),) for office in _OF_STATES},
    "executive-head": (Claim((ORGANISATION,), (EX_OFFICIO,), is_office=True),),
    "director": (Claim((COMPANY,), (EX_OFFICIO,), is_office=True),),
    "authorised-signatory": (Claim((COMPANY, BODY), (FULL, MANDATE)),),
    "attorney": (Claim(_PRIVATE, (FULL, MANDATE)),),
    "in-person": (Claim((PERSON,), (EX_OFFICIO,)),),
}
_KINDS = {
    STATE: "a State",
    ORGANISATION: "an organisation",
    COMPANY: "a company",
    BODY: "a public body",
    PERSON: "a person",
}


@dataclass(frozen=True, slots=True)
class OnRecord:
    """What is on record of a signer: the powers, and the role; None for somebody who signed on paper.

    `office` is None where the powers name none.
    """

    role: str | None
    powers: str | None
    office: str | None


def capacities_for(kind: str) -> list[str]:
    """The capacities in which people sign for a party of this kind."""
    return [name for name, claims in CLAIMS.items() if any(kind in claim.parties for claim in claims)]


def claim_of(kind: str, capacity: str) -> Claim:
    """What a capacity claims for a party of this kind; raises Invalid if such a party has no such capacity."""
    for claim in CLAIMS[capacity]:
        if kind in claim.parties:
            return claim
    choice = ", ".join(f"'{name}'" for name in capacities_for(kind))
    raise invalid("/capacity", "capacity", f"Choose a capacity in which people sign for {_KINDS[kind]}: {choice}.")


def on_record(db: GatedSession, actor: Actor, case: Case, request: SignatureIn) -> list[OnRecord]:
    """What is on record of the signer: on paper, or as the actor's representation of the party records it."""
    if request.signer is not None:
        powers = request.signer.powers
        return [OnRecord(None, powers.kind, powers.office)]
    held = [each for each in circle_of(db, view_of(case)).held_by(actor) if each.party_id == request.party_id]
    openings = contents.openings(db, [each.powers_id for each in held if each.powers_id is not None])
    offices = {id: opening.body.get("office") for id, opening in openings.items()}
    return [
        OnRecord(each.role, each.powers_kind, offices.get(each.powers_id) if each.powers_id else None) for each in held
    ]


def with_office(powers: PowersIn, capacity: str) -> PowersIn:
    """The powers of somebody who signed on paper, with the office by which they signed."""
    is_office = any(claim.is_office for claim in CLAIMS[capacity])
    return powers.model_copy(update={"office": capacity}) if is_office and powers.kind == EX_OFFICIO else powers


def powers_for(case: Case, kind: str, capacity: str, records: Iterable[OnRecord]) -> str:
    """The kind of powers on which somebody signs for a party of this kind in a capacity.

    Raises Invalid for a capacity that such a party does not have, and Conflict if the record does not bear it out.
    """
    claim = claim_of(kind, capacity)
    sufficient = [
        each
        for each in records
        if each.powers in claim.powers and (not claim.is_office or each.office in (None, capacity))
    ]
    if not sufficient:
        raise _powers_lacking(case, claim, capacity)
    in_role = [each.powers for each in sufficient if claim.role is None or each.role in (None, claim.role)]
    if not in_role:
        detail = f"You are not on record as the party's {claim.role}."
        cure = f"Sign in the capacity that you have, or let the party's {claim.role} sign."
        raise refused_by_practice(case, "need-not-met", detail, "capacity-on-record", cure)
    return min(kind for kind in in_role if kind is not None)


def _powers_lacking(case: Case, claim: Claim, capacity: str) -> Conflict:
    detail = "No powers to sign for this party in this capacity are on record."
    if claim.is_office:
        cure = f"Record the person's powers 'ex-officio' with the office '{capacity}', or sign in another capacity."
    elif claim.powers == (FULL,):
        cure = "Have a representative with full powers sign, or one whose office needs none."
    else:
        kinds = " or ".join(f"'{kind}'" for kind in claim.powers)
        cure = f"Record powers {kinds} of the person, or have somebody with such powers sign."
    return refused_by_practice(case, "need-not-met", detail, "powers-on-record", cure)
