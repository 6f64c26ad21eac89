"""The end of representatives, of one person or also of those whom that person admitted."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from app.core.access import capacities
from app.core.access import service as access
from app.core.access.actors import Actor
from app.core.access.session import GatedSession
from app.core.contents import service as contents
from app.core.errors import Conflict, FieldError, Invalid
from app.core.ledger import service as ledger
from app.core.ledger.acts import Act, Subject
from app.core.tables.capacities import Capacity
from app.proceedings.parties.representatives import (
    RepresentativePath,
    check_entitled,
    lock_representative,
    record,
)
from app.proceedings.parties.schemas import EndIn
from app.proceedings.parties.service import author_for


def end_representative(
    db: GatedSession, actor: Actor, now: datetime, path: RepresentativePath, body: EndIn
) -> tuple[UUID, UUID, UUID]:
    """End a person's authority to act for a party; from then on that person does not see the case.

    The people whom that person admitted stay unless the body names them. Raises NotFound, Forbidden for anybody but the
    party's agents, the registry and the person, Invalid for somebody whom the person did not admit, and Conflict for
    somebody who no longer acts for the party or for the only agents of a request that is not lodged.
    """
    case, circle, representative = lock_representative(db, actor, path)
    if representative.user_id != actor.id or body.also:
        check_entitled(circle, actor, path.party_id)
    leaving = [representative, *_also(db, representative, body.also)]
    ids = {each.id for each in leaving}
    agents = {held.id for held in circle.agents_of(path.party_id)}
    if case.lodged_at is None and agents and ids >= agents:
        detail = "Only this agent can see the request until it is lodged. Admit another agent or lodge it first."
        raise Conflict(detail, "only-agent")
    author = author_for(actor, circle, path.party_id)
    act = Act("end", now, author, Subject(case.id, case.audience_id, "case"))
    for each in leaving:
        if body.reason is not None:
            _write_reason(db, act, path.party_id, each, body.reason)
        record(db, act, each, "representative-ended")
        each.ended_at = now
    db.flush()
    capacities.end_capacities(db, case.id, ids, now)
    return path.ids


def _also(db: GatedSession, representative: Capacity, named: Iterable[UUID]) -> list[Capacity]:
    """Those who end with a representative: each was admitted by that person or by another who ends."""
    of_party = (Capacity.case_id == representative.case_id, Capacity.party_id == representative.party_id)
    acting = (*of_party, Capacity.ended_at.is_(None), Capacity.id != representative.id)
    wanted = list(dict.fromkeys(named))
    rows = db.execute(select(Capacity).where(*acting).order_by(Capacity.admitted_at, Capacity.id)).scalars()
    ending = {row.id: row for row in rows if row.id in set(wanted)} if wanted else {}
    # Somebody who is invited has admitted nobody: otherwise the answer would tell whose account it is.
    admitters = set[UUID]() if representative.pending else {representative.user_id}
    admitted = dict[UUID, Capacity]()
    while more := {id: row for id, row in ending.items() if id not in admitted and row.admitted_by in admitters}:
        admitted |= more
        admitters |= {row.user_id for row in more.values() if not row.pending}
    faults = [
        FieldError(
            f"/also/{place}", "not-admitted", "Name representatives whom the person admitted, and who still act."
        )
        for place, id in enumerate(wanted)
        if id not in admitted
    ]
    if faults:
        raise Invalid(*faults)
    return list(admitted.values())


def _write_reason(db: GatedSession, act: Act, party_id: UUID, representative: Capacity, reason: str) -> None:
    """Keep the reason in the audience of the powers: the party's own side and the registry."""
    audience_id = access.audience(db, representative.case_id, "party-registry", frozenset({party_id}))
    content = contents.write(db, representative.case_id, audience_id, {"reason": reason})
    payload = {
        "representative_id": str(representative.id),
        "party_id": str(party_id),
        "kind": representative.powers_kind,
    }
    narrower = act.within(Subject(representative.case_id, audience_id, "party-registry"))
    ledger.record(db, narrower, "powers-ended", payload, content=content)
