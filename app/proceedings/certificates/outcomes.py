"""Certificates at the end of a case: that it was settled, or that it was not and on which ground."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from sqlalchemy import Date, Integer, String, Uuid, select, union_all

from app.core.access import service as access
from app.core.access.session import GatedSession
from app.core.contents import service as contents
from app.core.db import AnyRow, UtcDateTime, columns_of_kind
from app.core.ledger import service as ledger
from app.core.ledger.acts import Act, Subject
from app.core.tables.capacities import Capacity
from app.core.tables.cases import Case, StepTaken
from app.core.tables.events import Event
from app.core.tables.parties import Party
from app.core.tables.people import User
from app.core.tables.settlements import Draft, Signature
from app.proceedings.certificates import service
from app.proceedings.certificates.service import Statement, instant
from app.proceedings.texts.service import text_of
from app.rules.loader import library
from app.rules.model import Citation, Procedure

SETTLED = ("settled", "partly-settled")
# Singapore Convention, article 1(1): commercial disputes; a dispute between States as such is not commercial.
COMMERCIAL = ("investor-state", "commercial")
SINGAPORE = "United Nations Convention on International Settlement Agreements Resulting from Mediation"


def issue_at_the_end(db: GatedSession, act: Act, case: Case) -> None:
    """Certify how a case ended by an act, for its participants; a case that was never lodged has no certificate.

    Raises Misconfigured if the institution's key cannot be opened.
    """
    if case.lodged_at is None or case.closed_at is None:
        return
    db.flush()
    audience_id = access.audience(db, case.id, "participants")
    known_audiences = service.known_to_all(db, case.id, audience_id)
    parties, mediators, steps = _participants_and_steps(db, case, known_audiences)
    members = {
        "outcome": case.outcome,
        "lodged_at": instant(case.lodged_at),
        "closed_at": instant(case.closed_at),
        "seat": {"place": case.seat_place, "time_zone": case.seat_time_zone},
        "parties": [{"id": str(row.id), "side": row.side, "kind": row.kind, "name": row.name} for row in parties],
        "mediators": [_mediator(row) for row in mediators],
    }
    if case.outcome in SETTLED:
        kind = "settlement"
        members |= _settlement(db, case)
    else:
        kind = "non-settlement"
        members |= _ended(case, steps, act.name)
    members["procedure"] = [_step(case, row) for row in steps]
    issued = service.issue(db, act.at, case, audience_id, Statement(kind, members))
    payload = {"certificate_id": str(issued.id), "kind": kind, "key_id": issued.body["key_id"]}
    issuing = act.within(Subject(case.id, audience_id, "participants"))
    ledger.record(db, issuing, "certificate-issued", payload, content=issued.content)


# The columns of parties, mediators and steps, so that one statement reads them all.
_SHAPE: dict[str, Any] = {
    "id": Uuid(),
    "name": String(),
    "side": String(),
    "kind": String(),
    "number": Integer(),
    "admitted_at": UtcDateTime(),
    "ended_at": UtcDateTime(),
    "step": String(),
    "stage": String(),
    "party_id": Uuid(),
    "party_number": Integer(),
    "on": Date(),
    "taken_at": UtcDateTime(),
}


def _participants_and_steps(
    db: GatedSession, case: Case, known_audiences: set[UUID]
) -> tuple[list[AnyRow], list[AnyRow], list[AnyRow]]:
    """The parties, the mediators (also those who left) and the steps, each in their order.

    Steps that were undone are left out, and so are those that not every reader of the certificate may know of:
    `known_audiences` are the audiences that every reader reads.
    """
    parties = columns_of_kind(
        "party", _SHAPE, id=Party.id, name=Party.name, side=Party.side, kind=Party.kind, number=Party.number
    )
    mediators = columns_of_kind(
        "mediator",
        _SHAPE,
        id=Capacity.id,
        name=User.name,
        admitted_at=Capacity.admitted_at,
        ended_at=Capacity.ended_at,
    ).join(User, User.id == Capacity.user_id)
    steps = columns_of_kind(
        "step",
        _SHAPE,
        step=StepTaken.step,
        stage=StepTaken.stage,
        party_id=StepTaken.party_id,
        party_number=Party.number,
        on=StepTaken.on,
        taken_at=StepTaken.taken_at,
    ).outerjoin(Party, Party.id == StepTaken.party_id)
    rows = db.execute(
        union_all(
            parties.where(Party.case_id == case.id),
            mediators.where(Capacity.case_id == case.id, Capacity.role == "mediator"),
            steps.where(
                StepTaken.case_id == case.id, StepTaken.voided_at.is_(None), StepTaken.audience_id.in_(known_audiences)
            ),
        )
    ).all()
    order = [step.name for step in library()[case.procedure].steps]
    return (
        sorted((row for row in rows if row.what == "party"), key=lambda row: row.number),
        sorted((row for row in rows if row.what == "mediator"), key=lambda row: (row.admitted_at, row.id)),
        # Steps that one act took are in the order of the rule set.
        sorted(
            (row for row in rows if row.what == "step"),
            key=lambda row: (row.taken_at, order.index(row.step), row.party_number or 0),
        ),
    )


def _mediator(row: AnyRow) -> dict[str, Any]:
    """Who mediated, from when until when."""
    until = instant(row.ended_at) if row.ended_at else None
    return {"name": row.name, "from": instant(row.admitted_at), "until": until}


def _step(case: Case, row: AnyRow) -> dict[str, Any]:
    entries = library()[case.procedure].entries(row.step)
    entry = next(entry for entry in entries if row.stage in entry.origin or not entry.origin)
    return {
        "step": row.step,
        "title": entry.title,
        "article": entry.citation.article,
        "on": row.on.isoformat(),
        "party_id": str(row.party_id) if row.party_id else None,
    }


def _ended(case: Case, steps: list[AnyRow], step: str) -> dict[str, Any]:
    """On which day and on which ground of the rules the case ended without a settlement; nothing of what was said."""
    procedure = library()[case.procedure]
    last = next((row for row in reversed(steps) if row.step == step), None)
    citation, title = _ground(procedure, case, step)
    return {
        "ended": {
            "on": last.on.isoformat() if last is not None else None,
            "step": step,
            "ground": case.ground,
            "title": title,
            "article": citation.article,
            "source": citation.source,
        }
    }


def _ground(procedure: Procedure, case: Case, step: str) -> tuple[Citation, str]:
    if case.ground is not None:
        ground = procedure.ground(case.ground)
        return ground.citation, ground.title
    entry = procedure.entries(step)[0]
    return entry.citation, entry.title


def _settlement(db: GatedSession, case: Case) -> dict[str, Any]:
    """The texts by their hashes, the signatures and their powers, and what mediator and institution attest."""
    columns = (
        Draft.id,
        Draft.case_id,
        Draft.version,
        Draft.language,
        Draft.settles,
        Draft.content_id,
        Draft.frozen_at,
    )
    frozen = db.execute(select(*columns).where(Draft.case_id == case.id, Draft.state == "frozen")).first()
    if frozen is None:
        return {"text": None, "signatures": [], "attestations": [_institution(case)]}
    rows = _signature_rows(db, frozen.id)
    whole, acts = text_of(db, frozen), _acts_on_texts(db, case)
    text = {
        "draft_id": str(frozen.id),
        "version": frozen.version,
        "language": frozen.language,
        "settles": frozen.settles,
        "sha256": rows[0].sha256.hex() if rows else None,
        "frozen_at": instant(frozen.frozen_at),
        "prevailing_language": whole.prevailing_language,
        "texts": whole.texts,
    }
    return {
        "text": text,
        "signatures": _signatures(db, case, rows, acts),
        "attestations": [*_frozen_by(db, frozen, acts), _institution(case)],
    }


def _acts_on_texts(db: GatedSession, case: Case) -> list[AnyRow]:
    """The recorded events of freezing and signing a text; the present act is recorded later."""
    events = select(Event.type, Event.actor, Event.payload, Event.at).where(Event.case_id == case.id)
    return list(db.execute(events.where(Event.type.in_(("text-frozen", "text-signed")))))


def _signature_rows(db: GatedSession, draft_id: UUID) -> list[AnyRow]:
    columns = (
        Signature.id,
        Signature.sha256,
        Signature.party_id,
        Party.name.label("party"),
        Signature.signer_id,
        User.name,
        Signature.capacity,
        Signature.signed_at,
        Signature.received_via,
        Signature.content_id,
    )
    signatures = select(*columns).join(User, User.id == Signature.signer_id)
    signatures = signatures.join(Party, Party.id == Signature.party_id)
    standing = signatures.where(Signature.draft_id == draft_id, Signature.voided_at.is_(None))
    return list(db.execute(standing.order_by(Signature.signed_at, Party.number, Signature.id)))


def _signatures(db: GatedSession, case: Case, rows: list[AnyRow], acts: list[AnyRow]) -> list[dict[str, Any]]:
    """Who signed for which party and on what kind of powers; only its side and the registry know who issued them."""
    on_paper = contents.read_many(db, [row.content_id for row in rows if row.content_id is not None])
    powers = _powers(db, case, acts)
    return [
        {
            "party_id": str(row.party_id),
            "party": row.party,
            "signer": on_paper[row.content_id]["name"] if row.content_id else row.name,
            "capacity": row.capacity,
            # Unknown for a signature on paper that was entered before powers were stored with signatures.
            "powers": on_paper[row.content_id].get("powers") if row.content_id else powers(row),
            "signed_at": instant(row.signed_at),
            "received_via": row.received_via,
        }
        for row in rows
    ]


def _powers(db: GatedSession, case: Case, acts: list[AnyRow]) -> Callable[[AnyRow], str | None]:
    """The kind of powers of a signature: as recorded when it was given, or as its signer holds them now."""
    recorded = {row.payload["signature_id"]: row.payload.get("powers") for row in acts if row.type == "text-signed"}
    present: dict[tuple[UUID, UUID | None], str] = {}
    for capacity in access.known_circle(db, case.id).capacities:
        holder = (capacity.user_id, capacity.party_id)
        if capacity.powers_kind is not None and present.get(holder) != "full-powers":
            present[holder] = capacity.powers_kind
    return lambda row: recorded.get(str(row.id)) or present.get((row.signer_id, row.party_id))


def _frozen_by(db: GatedSession, frozen: AnyRow, acts: list[AnyRow]) -> list[dict[str, Any]]:
    """What the mediator attests by having frozen the text for signature, in the words of the registry."""
    freezing = (row for row in acts if row.type == "text-frozen" and row.payload["draft_id"] == str(frozen.id))
    event = next(freezing, None)
    if event is None or event.actor["id"] is None:
        return []
    name = db.execute(select(User.name).where(User.id == UUID(event.actor["id"]))).scalar_one()
    statement = "In the mediation of this dispute the mediator put this text, by its hash, before the parties to sign."
    return [
        {
            "by": event.actor["capacity"],
            "name": name,
            "at": instant(event.at),
            "statement": statement,
            "instrument": None,
            "article": None,
        }
    ]


def _institution(case: Case) -> dict[str, Any]:
    """What the institution attests, under the Singapore Convention where that may apply."""
    applies = case.category in COMMERCIAL
    statement = "The settlement resulted from mediation, which this institution administered."
    return {
        "by": "institution",
        "name": None,
        "at": instant(case.closed_at) if case.closed_at else None,
        "statement": statement,
        "instrument": SINGAPORE if applies else None,
        "article": "article 4(1)(b)(iii)" if applies else None,
    }
