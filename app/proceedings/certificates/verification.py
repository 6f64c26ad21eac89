"""Checks that a receipt or a certificate is what the institution signed: pure, without a network or a database."""

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
# No certificate comes near this size.
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
    # Receipts of earlier releases do not say when the filing was submitted.
    submitted_local: str | None = None


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
    received_via: str | None = None
    submitted_at: Instant | None = None
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
    """A file whose signature holds: its kind, its key and whether that is trusted, and its contents in plain lines."""

    kind: str
    key_id: str
    trusted: bool
    lines: tuple[str, ...]


def verify(file: Path | bytes, trusted: bytes | None = None, accompanying: Path | bytes | None = None) -> Verified:
    """Check a signed file, or a PDF of one, against a public key that is trusted (32 bytes), if there is one.

    `accompanying` is a document that the file should name by its hash. Raises NotGenuine, with one sentence that says
    why, for everything that the institution did not sign so, and OSError for a file that cannot be read.
    """
    data = _read(file)
    is_pdf = data.startswith(PDF_MARK)
    twin = _twin(data) if is_pdf else data
    signed = files.check(twin, trusted)
    try:
        kind, lines = _described(signed.body)
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


def _read(file: Path | bytes, most: int | None = MOST_BYTES) -> bytes:
    if isinstance(file, bytes):
        data = file
    else:
        with file.open("rb") as stream:
            data = stream.read() if most is None else stream.read(most + 1)
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
        raise NotGenuine("No pages can be drawn from the signed file in the PDF.") from problem
    if drawn == document:
        return
    edition = pdf.drawn_by(document)
    if edition not in (None, pdf.renderer()):
        raise NotGenuine(
            f"The signature of the attached file holds, but its pages were drawn by '{edition}' and this is "
            f"'{pdf.renderer()}', which cannot compare them: rely on the attached file alone."
        )
    raise NotGenuine(
        "The signature of the attached file holds, but the pages are not those that are drawn from it: the PDF was "
        "altered. Rely on the attached file alone."
    )


def _named(body: files.Body, document: bytes) -> str:
    """A line that says which document of the file this is; NotGenuine if the file does not name it."""
    digest = hashlib.sha256(document).hexdigest()
    for enclosed in body.get("documents", ()):
        if enclosed["sha256"] == digest and enclosed["size"] == len(document):
            return f"The document given is the one that it names '{enclosed['name']}'."
    for text in (body.get("text") or {}).get("texts", ()):
        if text["form"] == "document" and text["sha256"] == digest:
            return f"The document given is the text in '{text['language']}' ({text['relation']})."
    raise NotGenuine("The document given is not one that the file names: its SHA-256 is not there.")


def _described(body: files.Body) -> tuple[str, list[str]]:
    match body.get("kind"):
        case "receipt":
            return "receipt", _of_receipt(_Receipt.model_validate(body))
        case "settlement":
            return "settlement", _of_settlement(_Settlement.model_validate(body))
        case "non-settlement":
            return "non-settlement", _of_ending(_NonSettlement.model_validate(body))
    raise NotGenuine("The signature holds, but the file is of a kind that this program does not know.")


def _of_case(body: _Body, title: str) -> list[str]:
    number = f"case {body.case.reference}, " if body.case.reference else "a case not numbered yet, "
    return [
        f"{title} by {body.institution}, issued at {_instant(body.issued_at)}.",
        f"Of {number}'{body.case.title}', under {body.case.rules.title} {body.case.rules.edition}.",
    ]


def _instant(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def _of_receipt(receipt: _Receipt) -> list[str]:
    filer = receipt.by.name or "the registry"
    party = f" for {receipt.by.party.name}" if receipt.by.party is not None else ""
    lines = _of_case(receipt, "Receipt of a filing")
    lines.append(f"'{receipt.filing.title}' ({receipt.filing.kind}), filed by {filer}{party}.")
    is_later = receipt.submitted_at is not None and receipt.submitted_at > receipt.received_at
    is_deemed = is_later and receipt.received_via is None
    if is_later and receipt.submitted_at is not None:
        done = "Submitted" if is_deemed else "Entered by the registry"
        lines.append(
            f"{done} at {_instant(receipt.submitted_at)}, {receipt.seat.submitted_local} at {receipt.seat.place}."
        )
    received = "Deemed received with the filing that it corrects" if is_deemed else "Received"
    lines.append(
        f"{received} at {_instant(receipt.received_at)}, {receipt.seat.received_local} at {receipt.seat.place}; "
        f"counts on {receipt.effective_on.isoformat()}."
    )
    for term in receipt.terms:
        due = f", due on {term.due_on.isoformat()}" if term.due_on else ", suspended"
        article = f" ({term.article})" if term.article else ""
        lines.append(f"{'In time' if term.in_time else 'Late'} for the term '{term.term}'{article}{due}.")
    lines += [
        f"Document '{document.name}': {document.size} bytes, SHA-256 {document.sha256}."
        for document in receipt.documents
    ]
    return lines


def _of_settlement(settlement: _Settlement) -> list[str]:
    partly = " in part" if settlement.outcome == "partly-settled" else ""
    lines = _of_case(settlement, "Certificate of settlement")
    lines.append(f"Settled{partly} between {_parties(settlement)}; closed at {_instant(settlement.closed_at)}.")
    if settlement.text is not None and settlement.text.sha256 is not None:
        lines += _of_text(settlement.text, settlement.text.sha256)
    for signature in settlement.signatures:
        powers = f" on {signature.powers}" if signature.powers else ""
        lines.append(
            f"Signed for {signature.party} by {signature.signer} as {signature.capacity}{powers}, "
            f"{_instant(signature.signed_at)}."
        )
    return lines


def _of_text(text: _Text, sha256: str) -> list[str]:
    """The texts that were signed; NotGenuine unless the hash that was signed is that of them all."""
    texts = [part.model_dump(exclude_none=True) for part in text.texts]
    if texts and hash_of(texts, text.prevailing_language) != sha256:
        raise NotGenuine("The signature holds, but the hash that the parties signed is not that of the texts named.")
    if not texts or texts[0]["sha256"] == sha256:
        return [f"Text in '{text.texts[0].language if texts else text.language}', SHA-256 {sha256}."]
    prevails = f"; where they differ, '{text.prevailing_language}' prevails" if text.prevailing_language else ""
    return [
        f"The following texts were signed as one, SHA-256 {sha256}{prevails}.",
        *(f"Text in '{part.language}', {part.form} ({part.relation}), SHA-256 {part.sha256}." for part in text.texts),
    ]


def _of_ending(ending: _NonSettlement) -> list[str]:
    lines = _of_case(ending, "Certificate of non-settlement")
    article = f" ({ending.ended.article})" if ending.ended.article else ""
    lines.append(f"Ended as {ending.outcome} between {_parties(ending)}: {ending.ended.title}{article}.")
    lines.append(f"Closed at {_instant(ending.closed_at)}.")
    return lines


def _parties(ending: _Ending) -> str:
    return " and ".join(party.name for party in ending.parties)
