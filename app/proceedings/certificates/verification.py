"""Whether a receipt or a certificate is what the institution signed: pure, without a network or a database."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from app.core.values import Day, Instant, Sha256
from app.institution.signing import files
from app.institution.signing.files import NotGenuine
from app.proceedings.certificates import pdf
from app.proceedings.texts.hashes import hash_of

PDF_MARK = b"%PDF-"
# No certificate comes near it; what is larger is another file.
MOST_BYTES = 32 * 1024 * 1024


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=False)


class _Rules(_Part):
    id: str
    title: str
    edition: str


class _Case(_Part):
    id: str
    reference: str | None
    title: str
    rules: _Rules


class _Head(_Part):
    stream: str
    seq: int
    hash: Sha256


class _Body(_Part):
    id: str
    key_id: str
    institution: str
    issued_at: Instant
    case: _Case
    ledger: _Head | None


class _Filing(_Part):
    id: str
    kind: str
    title: str


class _Named(_Part):
    name: str | None


class _By(_Part):
    name: str | None
    capacity: str
    party: _Named | None


class _Seat(_Part):
    place: str
    time_zone: str
    received_local: str


class _Term(_Part):
    term: str
    article: str | None
    due_on: Day | None
    in_time: bool


class _Document(_Part):
    name: str
    size: int
    sha256: Sha256
    media_type: str


class _Receipt(_Body):
    filing: _Filing
    by: _By
    seat: _Seat
    received_at: Instant
    effective_on: Day
    in_time: bool | None
    terms: list[_Term]
    documents: list[_Document]


class _Party(_Part):
    id: str
    name: str
    side: str


class _Ending(_Body):
    outcome: str
    lodged_at: Instant
    closed_at: Instant
    parties: list[_Party]


class _OneText(_Part):
    form: Literal["clauses", "document"]
    language: str
    relation: str
    sha256: Sha256
    of: Sha256 | None = None


class _Text(_Part):
    sha256: Sha256 | None
    language: str
    prevailing_language: str | None = None
    texts: list[_OneText] = []


class _Signature(_Part):
    party: str
    signer: str
    capacity: str
    powers: str | None
    signed_at: Instant


class _Settlement(_Ending):
    text: _Text | None
    signatures: list[_Signature]


class _Ended(_Part):
    on: Day | None
    title: str
    article: str | None


class _NonSettlement(_Ending):
    ended: _Ended


@dataclass(frozen=True, slots=True)
class Verified:
    """What a file that holds says, in lines for people: its kind, and whether its key was one that is trusted."""

    kind: str
    key_id: str
    trusted: bool
    lines: tuple[str, ...]


def verify(given: Path | bytes, trusted: bytes | None = None, accompanying: Path | bytes | None = None) -> Verified:
    """Check a signed file, or a PDF of one, by the public key that one trusts (32 bytes), if any is given.

    `accompanying` is a document that the file should name by its hash. Raises NotGenuine, with one sentence that says
    why, for everything that the institution did not sign so, and OSError for a file that cannot be read.
    """
    data = _read(given)
    is_pdf = data.startswith(PDF_MARK)
    twin = _twin(data) if is_pdf else data
    signed = files.check(twin, trusted)
    try:
        kind, lines = _told(signed.body)
    except ValidationError as problem:
        where = ".".join(str(part) for part in problem.errors()[0]["loc"])
        raise NotGenuine(f"The signature holds, but the file is not well formed at '{where}'.") from problem
    if is_pdf:
        _check_paper(data, twin)
        lines.append("The PDF says what the signed file attached to it says.")
    if accompanying is not None:
        lines.append(_named(signed.body, _read(accompanying, most=None)))
    fingerprint = files.encoded(signed.public_key)
    if trusted is not None:
        lines.append(f"Signed with the key that you trust, {fingerprint}.")
    else:
        lines.append(
            f"Signed with the key {fingerprint}, which the file itself names: "
            "compare it with the one that the institution publishes (GET /v1/signing-keys), or give that with --key."
        )
    return Verified(kind, signed.key_id, trusted is not None, tuple(lines))


def _read(given: Path | bytes, most: int | None = MOST_BYTES) -> bytes:
    if isinstance(given, bytes):
        data = given
    else:
        with given.open("rb") as file:
            data = file.read() if most is None else file.read(most + 1)
    if most is not None and len(data) > most:
        raise NotGenuine("The file is too large to be a receipt or a certificate.")
    return data


def _twin(document: bytes) -> bytes:
    twin = pdf.attached(document)
    if twin is None:
        raise NotGenuine("The PDF carries no signed file that can be read.")
    return twin


def _check_paper(document: bytes, twin: bytes) -> None:
    """NotGenuine unless the PDF is, byte for byte, what is drawn from the signed file."""
    try:
        drawn = pdf.render(twin)
    except pdf.CannotRender as problem:
        raise NotGenuine("The signed file in the PDF is not one that this paper shows.") from problem
    if drawn == document:
        return
    edition = pdf.drawn_by(document)
    if edition not in (None, pdf.renderer()):
        raise NotGenuine(
            f"The signed file inside holds, but the pages were drawn by '{edition}' and this is "
            f"'{pdf.renderer()}', which cannot compare them: rely on the attached file alone."
        )
    raise NotGenuine(
        "The signed file inside holds, but the pages around it are not what is drawn from it: the PDF was altered. "
        "Rely on the attached file alone."
    )


def _named(body: files.Body, document: bytes) -> str:
    digest = hashlib.sha256(document).hexdigest()
    for one in body.get("documents", ()):
        if one["sha256"] == digest and one["size"] == len(document):
            return f"The document given is the one that it names '{one['name']}'."
    for one in (body.get("text") or {}).get("texts", ()):
        if one["form"] == "document" and one["sha256"] == digest:
            return f"The document given is the text in '{one['language']}' ({one['relation']})."
    raise NotGenuine("The document given is not one that the file names: its SHA-256 is not there.")


def _told(body: files.Body) -> tuple[str, list[str]]:
    match body.get("kind"):
        case "receipt":
            return "receipt", _of_receipt(_Receipt.model_validate(body))
        case "settlement":
            return "settlement", _of_settlement(_Settlement.model_validate(body))
        case "non-settlement":
            return "non-settlement", _of_ending(_NonSettlement.model_validate(body))
    raise NotGenuine("The signature holds, but the file is of a kind that this program does not know.")


def _of_case(said: _Body, what: str) -> list[str]:
    number = f"case {said.case.reference}, " if said.case.reference else "a case not numbered yet, "
    return [
        f"{what} by {said.institution}, issued at {_instant(said.issued_at)}.",
        f"Of {number}'{said.case.title}', under {said.case.rules.title} {said.case.rules.edition}.",
    ]


def _instant(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def _of_receipt(said: _Receipt) -> list[str]:
    who = said.by.name or "the registry"
    party = f" for {said.by.party.name}" if said.by.party is not None else ""
    lines = _of_case(said, "Receipt of a filing")
    lines.append(f"'{said.filing.title}' ({said.filing.kind}), filed by {who}{party}.")
    lines.append(
        f"Received at {_instant(said.received_at)}, {said.seat.received_local} at {said.seat.place}; "
        f"counts on {said.effective_on.isoformat()}."
    )
    for term in said.terms:
        due = f", due on {term.due_on.isoformat()}" if term.due_on else ", suspended"
        article = f" ({term.article})" if term.article else ""
        lines.append(f"{'In time' if term.in_time else 'Late'} for the term '{term.term}'{article}{due}.")
    lines += [f"Document '{one.name}': {one.size} bytes, SHA-256 {one.sha256}." for one in said.documents]
    return lines


def _of_settlement(said: _Settlement) -> list[str]:
    partly = " in part" if said.outcome == "partly-settled" else ""
    lines = _of_case(said, "Certificate of settlement")
    lines.append(f"Settled{partly} between {_parties(said)}; closed at {_instant(said.closed_at)}.")
    if said.text is not None and said.text.sha256 is not None:
        lines += _of_text(said.text, said.text.sha256)
    for one in said.signatures:
        powers = f" on {one.powers}" if one.powers else ""
        lines.append(f"Signed for {one.party} by {one.signer} as {one.capacity}{powers}, {_instant(one.signed_at)}.")
    return lines


def _of_text(said: _Text, sha256: str) -> list[str]:
    """The texts that were signed; NotGenuine unless what was signed is the hash of them all."""
    texts = [one.model_dump(exclude_none=True) for one in said.texts]
    if texts and hash_of(texts, said.prevailing_language) != sha256:
        raise NotGenuine("The signature holds, but the hash that the parties signed is not that of the texts named.")
    if not texts or texts[0]["sha256"] == sha256:
        return [f"Text in '{said.texts[0].language if texts else said.language}', SHA-256 {sha256}."]
    prevails = f"; where they differ, '{said.prevailing_language}' prevails" if said.prevailing_language else ""
    return [
        f"What follows was signed as one, SHA-256 {sha256}{prevails}.",
        *(f"Text in '{one.language}', {one.form} ({one.relation}), SHA-256 {one.sha256}." for one in said.texts),
    ]


def _of_ending(said: _NonSettlement) -> list[str]:
    lines = _of_case(said, "Certificate of non-settlement")
    article = f" ({said.ended.article})" if said.ended.article else ""
    lines.append(f"Ended as {said.outcome} between {_parties(said)}: {said.ended.title}{article}.")
    lines.append(f"Closed at {_instant(said.closed_at)}.")
    return lines


def _parties(said: _Ending) -> str:
    return " and ".join(party.name for party in said.parties)
