"""`…/parties`, `…/third-states` and `…/consents` of a case."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from app.core.http.parameters import Act, Change, Create, Hop, Paged
from app.core.http.problems import problems
from app.core.http.routing import Route
from app.core.http.work import act
from app.core.values import Flag
from app.institution.procedures.schemas import Side
from app.proceedings.cases.lock import lock_case
from app.proceedings.parties import (
    changes,
    common_representatives,
    consents,
    endings,
    openings,
    representatives,
    service,
    third_states,
)
from app.proceedings.parties.representatives import RepresentativePath
from app.proceedings.parties.schemas import (
    AddedPartyIn,
    CommonRepresentativeIn,
    CommonRepresentativeOut,
    ConsentFiled,
    ConsentList,
    ConsentOut,
    EndIn,
    NamedStateIn,
    OpeningIn,
    PartyAmendment,
    PartyFilters,
    PartyList,
    PartyOut,
    RepresentativeIn,
    RepresentativeList,
    RepresentativeOut,
    ThirdStateList,
    ThirdStateOut,
)
from app.proceedings.steps.schemas import PowersIn

router = APIRouter(prefix="/v1/cases/{case_id}", tags=["parties"], route_class=Route)
READS, CREATES, ACTS = (
    problems(401, 404, 422),
    problems(401, 403, 404, 409, 422),
    problems(401, 403, 404, 409, 412, 422),
)
CHANGES = problems(401, 403, 404, 409, 412, 422, 428)
REMOVES = CHANGES | {204: {"description": "The party was removed."}}


async def filters_of(
    side: Annotated[Side | None, Query(description="Only parties on this side.")] = None,
    represented: Annotated[
        Flag | None, Query(description="`true`: only parties that somebody represents. `false`: the others only.")
    ] = None,
    mine: Annotated[
        Flag | None, Query(description="`true`: only parties that you represent. `false`: the others only.")
    ] = None,
    awaited: Annotated[
        Flag | None, Query(description="`true`: only parties for which the case waits. `false`: the others only.")
    ] = None,
    signed: Annotated[
        Flag | None,
        Query(
            description="`true`: only parties that have signed the frozen text. `false`: only those that have still to "
            "sign it."
        ),
    ] = None,
) -> PartyFilters:
    """The conditions of a list of parties."""
    return PartyFilters(side=side, represented=represented, mine=mine, awaited=awaited, signed=signed)


@router.get("/parties", operation_id="listParties", responses=READS)
async def list_parties(
    work: Hop, case_id: UUID, page: Paged, filters: Annotated[PartyFilters, Depends(filters_of)]
) -> PartyList:
    """List the parties of a case."""
    return await work.read(service.list_parties, case_id, page, filters)


@router.post("/parties", status_code=201, dependencies=Create, operation_id="addParty", responses=CREATES)
async def add_party(work: Hop, case_id: UUID, body: AddedPartyIn) -> PartyOut:
    """Add a party to a case.

    The requesting side may do this before the request is lodged, and registrars afterwards. Once the request is served,
    the party reads what is written from then on.
    """
    return await work.write(act(service.add_party, case_id, body), answer=service.read_party, status=201)


@router.get("/parties/{party_id}", operation_id="readParty", responses=READS)
async def read_party(work: Hop, case_id: UUID, party_id: UUID) -> PartyOut:
    """Read a party."""
    return await work.read(service.read_party, case_id, party_id)


@router.patch("/parties/{party_id}", dependencies=Change, operation_id="amendParty", responses=CHANGES)
async def amend_party(work: Hop, case_id: UUID, party_id: UUID, body: PartyAmendment) -> PartyOut:
    """Change a party.

    The requesting side may change every field before the request is lodged. Afterwards registrars may correct the name.
    """
    return await work.write(
        act(changes.amend_party, case_id, party_id, body),
        answer=service.read_party,
        item=(case_id, party_id),
        lock=lock_case,
    )


@router.delete(
    "/parties/{party_id}",
    status_code=204,
    response_model=None,
    dependencies=Change,
    operation_id="removeParty",
    responses=REMOVES,
)
async def remove_party(work: Hop, case_id: UUID, party_id: UUID) -> PartyOut:
    """Remove a party from a request that is not lodged.

    The party of the person who opened the case stays, and so does one responding party.
    """
    return await work.write(
        act(changes.remove_party, case_id, party_id),
        answer=service.read_party,
        item=(case_id, party_id),
        lock=lock_case,
    )


@router.get("/parties/{party_id}/representatives", operation_id="listRepresentatives", responses=READS)
async def list_representatives(work: Hop, case_id: UUID, party_id: UUID, page: Paged) -> RepresentativeList:
    """List the representatives of a party."""
    return await work.read(representatives.list_representatives, case_id, party_id, page)


@router.get(
    "/parties/{party_id}/representatives/{representative_id}", operation_id="readRepresentative", responses=READS
)
async def read_representative(work: Hop, case_id: UUID, party_id: UUID, representative_id: UUID) -> RepresentativeOut:
    """Read a representative."""
    return await work.read(representatives.read_representative, case_id, party_id, representative_id)


@router.get("/representatives", operation_id="listCaseRepresentatives", responses=READS)
async def list_case_representatives(work: Hop, case_id: UUID, page: Paged) -> RepresentativeList:
    """List the representatives of all parties of a case."""
    return await work.read(representatives.list_case_representatives, case_id, page)


@router.get("/representatives/{representative_id}", operation_id="readCaseRepresentative", responses=READS)
async def read_case_representative(work: Hop, case_id: UUID, representative_id: UUID) -> RepresentativeOut:
    """Read a representative of any party of a case."""
    return await work.read(representatives.read_case_representative, case_id, representative_id)


@router.post(
    "/representatives",
    status_code=201,
    dependencies=Create,
    operation_id="admitCommonRepresentative",
    responses=CREATES,
)
async def admit_common(work: Hop, case_id: UUID, body: CommonRepresentativeIn) -> CommonRepresentativeOut:
    """Admit a person to act for several parties of one side.

    The registry admits the first agent of parties that have none. An agent of all the parties admits further
    representatives for them.
    """
    return await work.write(
        act(common_representatives.admit_common, case_id, body), answer=common_representatives.read_common, status=201
    )


@router.post(
    "/parties/{party_id}/representatives",
    status_code=201,
    dependencies=Create,
    operation_id="admitRepresentative",
    responses=CREATES,
)
async def admit_representative(work: Hop, case_id: UUID, party_id: UUID, body: RepresentativeIn) -> RepresentativeOut:
    """Admit a person to act for a party.

    The registry admits a party's first agent. That agent admits the party's other representatives.
    """
    return await work.write(
        act(representatives.admit_representative, case_id, party_id, body),
        answer=representatives.read_representative,
        status=201,
    )


@router.post(
    "/parties/{party_id}/representatives/{representative_id}/powers",
    dependencies=Act,
    operation_id="recordPowers",
    responses=ACTS,
)
async def record_powers(
    work: Hop, case_id: UUID, party_id: UUID, representative_id: UUID, body: PowersIn
) -> RepresentativeOut:
    """Record new powers of a representative, which replace those on record."""
    path = RepresentativePath(case_id, party_id, representative_id)
    return await work.write(
        act(representatives.record_powers, path, body),
        answer=representatives.read_representative,
        item=path.ids,
        lock=lock_case,
    )


@router.post(
    "/parties/{party_id}/representatives/{representative_id}/open-earlier",
    dependencies=Act,
    operation_id="openEarlierToRepresentative",
    responses=ACTS,
)
async def open_earlier(
    work: Hop, case_id: UUID, party_id: UUID, representative_id: UUID, body: OpeningIn | None = None
) -> RepresentativeOut:
    """Open what was written earlier to a representative who reads only from their admission on.

    An agent of the party who reads it does this alone. Where the party has no such agent left, two registrars do: the
    first proposes it with a reason, the second agrees. All sides see who opened it and why.
    """
    path = RepresentativePath(case_id, party_id, representative_id)
    return await work.write(
        act(openings.open_earlier, path, body or OpeningIn()),
        answer=representatives.read_representative,
        item=path.ids,
        lock=lock_case,
    )


@router.post(
    "/parties/{party_id}/representatives/{representative_id}/end",
    dependencies=Act,
    operation_id="endRepresentative",
    responses=ACTS | {204: {"description": "You no longer act for the party, and can no longer see the case."}},
)
async def end_representative(
    work: Hop, case_id: UUID, party_id: UUID, representative_id: UUID, body: EndIn | None = None
) -> RepresentativeOut:
    """End a person's representation of a party.

    The party's agents and registrars may do this. From then on the person reads nothing of the case.
    """
    path = RepresentativePath(case_id, party_id, representative_id)
    return await work.write(
        act(endings.end_representative, path, body or EndIn()),
        answer=representatives.read_representative,
        item=path.ids,
        lock=lock_case,
    )


@router.get("/third-states", operation_id="listThirdStates", responses=READS)
async def list_third_states(work: Hop, case_id: UUID, page: Paged) -> ThirdStateList:
    """List the third States that the dispute involves."""
    return await work.read(third_states.list_third_states, case_id, page)


@router.get("/third-states/{third_state_id}", operation_id="readThirdState", responses=READS)
async def read_third_state(work: Hop, case_id: UUID, third_state_id: UUID) -> ThirdStateOut:
    """Read a third State."""
    return await work.read(third_states.read_third_state, case_id, third_state_id)


@router.post("/third-states", status_code=201, dependencies=Create, operation_id="nameThirdState", responses=CREATES)
async def name_third_state(work: Hop, case_id: UUID, body: NamedStateIn) -> ThirdStateOut:
    """Name a third State that the dispute involves."""
    return await work.write(
        act(third_states.name_third_state, case_id, body), answer=third_states.read_third_state, status=201
    )


@router.get("/consents", operation_id="listConsents", responses=READS)
async def list_consents(work: Hop, case_id: UUID, page: Paged) -> ConsentList:
    """List the consents filed in a case."""
    return await work.read(consents.list_consents, case_id, page)


@router.get("/consents/{consent_id}", operation_id="readConsent", responses=READS)
async def read_consent(work: Hop, case_id: UUID, consent_id: UUID) -> ConsentOut:
    """Read a consent."""
    return await work.read(consents.read_consent, case_id, consent_id)


@router.post("/consents", status_code=201, dependencies=Create, operation_id="fileConsent", responses=CREATES)
async def file_consent(work: Hop, case_id: UUID, body: ConsentFiled) -> ConsentOut:
    """File a consent to mediate: a party's, given earlier in an instrument, or a third State's."""
    return await work.write(act(consents.file_consent, case_id, body), answer=consents.read_consent, status=201)


@router.post("/consents/{consent_id}/confirm", dependencies=Act, operation_id="confirmConsent", responses=ACTS)
async def confirm_consent(work: Hop, case_id: UUID, consent_id: UUID) -> ConsentOut:
    """Confirm a consent.

    Registrars may do this.
    """
    return await work.write(
        act(consents.confirm_consent, case_id, consent_id),
        answer=consents.read_consent,
        item=(case_id, consent_id),
        lock=lock_case,
    )
