"""Signed files are verified without a database: valid files, refused files, and the commands of docs/verify.md."""

import base64
import json
import re
import runpy
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import pypdf
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from app.institution.signing.files import NotGenuine, decoded, encoded, read_public_key
from app.operations.migrating import ROOT
from app.proceedings.certificates import pdf
from app.proceedings.certificates.verification import verify
from tests.docs.consoles import blocks, commands, plain, run
from tests.installation import House, Json
from tests.proofs import signed_by_another_key
from tests.registries import Registry
from tests.story import UNCITRAL, Dispute

PAGE = ROOT / "docs" / "verify.md"
TITLE = "In the year of drought"


@dataclass(frozen=True)
class Files:
    """The signed files of a case, JSON and PDF, and the institution's public key."""

    json: dict[str, bytes]
    pdf: dict[str, bytes]
    key: bytes


@pytest.fixture
def signed(registry: Registry, request: pytest.FixtureRequest) -> Files:
    """The receipt of a filing, and the certificates of a settled case and of one that was not settled.

    The files need no registry any more, so they are made once on each engine.
    """
    if "signed files" not in registry.lasting:
        registry.lasting["signed files"] = _signed(request.getfixturevalue("house"), request.getfixturevalue("dispute"))
    files: Files = registry.lasting["signed files"]
    return files


def _signed(house: House, dispute: Dispute) -> Files:
    dispute.invited(**UNCITRAL)
    filing = dispute.filing(dispute.responding, "participants", kind="response", title=TITLE)
    paths = {"receipt": f"{dispute.path}/filings/{filing['id']}/receipt"}
    settled, ended = Dispute(house, "a"), Dispute(house, "b")
    settled.settled()
    ended.mediating()
    why = {"reason": "Neither side moves.", "fields": {"ground": "no-prospect-of-settlement"}}
    ended.step(ended.mediator, "terminate", why).expect(200)
    readers = {"receipt": dispute.responding, "settlement": settled.requesting, "non-settlement": ended.requesting}
    for case in (settled, ended):
        (issued,) = case.requesting.get(f"{case.path}/settlement/certificates").expect(200)["items"]
        paths[issued["kind"]] = f"{case.path}/settlement/certificates/{issued['id']}"
    (key,) = house.registrar.get("/v1/signing-keys").expect(200)["items"]
    return Files(
        {kind: readers[kind].get(path).response.content for kind, path in paths.items()},
        {kind: readers[kind].get(f"{path}.pdf").response.content for kind, path in paths.items()},
        decoded(key["public_key"], 32, "public key"),
    )


def pem(key: bytes) -> str:
    """A public key in PEM, as people exchange it."""
    public_key = Ed25519PublicKey.from_public_bytes(key)
    return public_key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def test_each_file_verifies_with_the_trusted_key_as_json_and_as_pdf(signed: Files) -> None:
    for kinds in (signed.json, signed.pdf):
        for kind, data in kinds.items():
            result = verify(data, signed.key)
            assert (result.kind, result.trusted) == (kind, True)
            assert "Signed with the key that you trust" in result.lines[-1]
    assert not verify(signed.json["receipt"]).trusted


def test_the_report_states_the_contents_of_the_file(signed: Files) -> None:
    receipt = "\n".join(verify(signed.json["receipt"], signed.key).lines)
    for word in (TITLE, "Viktor Drian for Kingdom of Vedria", "2026-03-02T17:00:00+08:00 at Hong Kong"):
        assert word in receipt
    assert "In time for the term 'reply'" in receipt
    settlement = "\n".join(verify(signed.json["settlement"], signed.key).lines)
    assert "Signed for Kingdom of Vedria by Viktor Driana as agent on full-powers" in settlement
    assert "Ended as not-settled" in "\n".join(verify(signed.json["non-settlement"], signed.key).lines)


# A file does not depend on the engine on which it was made.
@pytest.mark.parametrize("registry", ["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)], indirect=True)
def test_a_flipped_bit_anywhere_in_a_file_is_detected(signed: Files) -> None:
    for data in signed.json.values():
        for place in range(len(data)):
            altered = bytearray(data)
            altered[place] ^= 1 << (place % 8)
            with pytest.raises(NotGenuine):
                verify(bytes(altered))


@pytest.mark.parametrize("registry", ["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)], indirect=True)
def test_a_flipped_bit_in_a_pdf_is_detected(signed: Files) -> None:
    for data in signed.pdf.values():
        # Every part of the document: the pages, the fonts, the attachment, and its first and last bytes.
        for place in {*range(0, len(data), 311), *range(20), *range(len(data) - 20, len(data))}:
            altered = bytearray(data)
            altered[place] ^= 1 << (place % 8)
            with pytest.raises(NotGenuine):
                verify(bytes(altered), signed.key)
        for altered_length in (data + b"\n", data[:-1], data[: len(data) // 2], b"%PDF-1.7\n"):
            with pytest.raises(NotGenuine):
                verify(altered_length, signed.key)


def test_a_pdf_whose_pages_differ_from_its_file_is_refused(signed: Files) -> None:
    other = json.loads(signed.json["receipt"])
    other["body"]["filing"]["title"] = "In the year of plenty"
    drawn = pdf.render(json.dumps(other, separators=(",", ":")).encode())
    with pytest.raises(NotGenuine, match="signature is not valid"):
        verify(drawn, signed.key)
    # The pages of one document around the attachment of the other, of the same length, so that nothing else differs.
    swapped = pypdf.PdfWriter(clone_from=pypdf.PdfReader(BytesIO(signed.pdf["settlement"])))
    swapped.add_attachment("receipt.json", signed.json["receipt"])
    out = BytesIO(b"")
    swapped.write(out)
    with pytest.raises(NotGenuine):
        verify(out.getvalue(), signed.key)


def test_pages_of_another_edition_are_reported_as_unverified_and_not_as_altered(
    signed: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pdf, "renderer", lambda: "Accord paper 0, typst 0.1.0, without Chinese letterforms")
    older = pdf.render(signed.json["receipt"])
    monkeypatch.undo()
    with pytest.raises(NotGenuine, match=r"drawn by 'Accord paper 0, .* cannot compare them"):
        verify(older, signed.key)
    assert verify(pdf.attached(older) or b"", signed.key).kind == "receipt"


def test_a_file_signed_with_another_key_verifies_only_if_that_key_is_trusted(signed: Files) -> None:
    forged = signed_by_another_key(json.loads(signed.json["receipt"]))
    assert not verify(forged).trusted
    with pytest.raises(NotGenuine, match="not with the key that you trust"):
        verify(forged, signed.key)


WRONG: list[tuple[str, Callable[[Json], object], str]] = [
    ("another format", lambda file: file.update(accord="certificate/2"), "not a signed file"),
    ("another algorithm", lambda file: file["key"].update(algorithm="none"), "not the one that the signed body names"),
    ("another key's name", lambda file: file["key"].update(id="x"), "not the one that the signed body names"),
    ("a member more", lambda file: file.update(more=1), "not a signed file"),
    ("a body that is a list", lambda file: file.update(body=[]), "required members"),
    ("padding", lambda file: file.update(signature=file["signature"] + "=="), "base64url"),
    ("stray bits", lambda file: file.update(signature=file["signature"][:-1] + "B"), "base64url"),
    ("no signature", lambda file: file.update(signature=None), "base64url"),
]


@pytest.mark.parametrize(("what", "change", "why"), WRONG, ids=[one[0] for one in WRONG])
def test_a_file_of_another_form_is_refused_with_the_reason(
    what: str, change: Callable[[Json], object], why: str
) -> None:
    body = {"key_id": "k", "kind": "receipt"}
    file = {
        "accord": "certificate/1",
        "body": body,
        "key": {"id": "k", "algorithm": "Ed25519", "public_key": ""},
        "signature": "",
    }
    file = json.loads(signed_by_another_key(file))
    change(file)
    with pytest.raises(NotGenuine, match=why):
        verify(json.dumps(file).encode())


def test_a_signed_body_with_a_missing_field_is_refused_by_the_fields_name() -> None:
    file = {
        "accord": "certificate/1",
        "body": {"key_id": "k", "kind": "receipt"},
        "key": {"id": "k", "algorithm": "Ed25519", "public_key": ""},
        "signature": "",
    }
    with pytest.raises(NotGenuine, match="not well formed at 'id'"):
        verify(signed_by_another_key(file))
    with pytest.raises(NotGenuine, match="a kind that this program does not know"):
        verify(signed_by_another_key({**file, "body": {"key_id": "k", "kind": "ode"}}))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"null",
        b"\xff\xfe",
        b'{"a": 1, "a": 2}',
        b'{"a": NaN}',
        b"[" * 100_000,
        b"1" * 5000,
        b"%PDF-",
        b"PK",
    ],
)
def test_a_file_that_is_not_signed_is_refused(data: bytes) -> None:
    with pytest.raises(NotGenuine):
        verify(data)


def test_a_document_is_identified_by_its_hash() -> None:
    document = {"name": "Annex 1.pdf", "size": 5, "sha256": "", "media_type": "application/pdf"}
    document["sha256"] = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
    body = {
        "kind": "receipt",
        "id": "i",
        "key_id": "k",
        "institution": "I",
        "issued_at": "2026-03-02T09:00:00Z",
        "case": {"id": "c", "reference": None, "title": "T", "rules": {"id": "r", "title": "R", "edition": "1"}},
        "ledger": None,
        "filing": {"id": "f", "kind": "evidence", "title": "E"},
        "by": {"name": None, "capacity": "registry", "party": None},
        "seat": {"place": "P", "time_zone": "UTC", "received_local": "2026-03-02T09:00:00+00:00"},
        "received_at": "2026-03-02T09:00:00Z",
        "effective_on": "2026-03-02",
        "in_time": None,
        "terms": [],
        "documents": [document],
    }
    file = {
        "accord": "certificate/1",
        "body": body,
        "key": {"id": "k", "algorithm": "Ed25519", "public_key": ""},
        "signature": "",
    }
    data = signed_by_another_key(file)
    assert any("Annex 1.pdf" in line and "names" in line for line in verify(data, accompanying=b"hello").lines)
    with pytest.raises(NotGenuine, match="not one that the file names"):
        verify(data, accompanying=b"hellp")


def test_a_public_key_is_read_in_each_spelling(signed: Files) -> None:
    spelled = base64.urlsafe_b64encode(signed.key).decode()
    for text in (pem(signed.key), spelled, spelled.rstrip("="), f" {spelled}\n"):
        assert read_public_key(text) == signed.key
    for text in ("", "x", "-----BEGIN PUBLIC KEY-----\nx\n-----END PUBLIC KEY-----", "A" * 44):
        with pytest.raises(NotGenuine):
            read_public_key(text)


def test_the_commands_of_the_page_print_what_it_says(signed: Files, tmp_path: Path) -> None:
    for kind in ("json", "pdf"):
        (tmp_path / f"receipt.{kind}").write_bytes(getattr(signed, kind)["receipt"])
    (tmp_path / "institution.pem").write_text(pem(signed.key))
    assert len(list(blocks(PAGE))) == 3
    written = commands(PAGE)
    for command, output in zip(written, run(written, tmp_path, "8000"), strict=True):
        expected = [line.split("…")[0] for line in plain("\n".join(command.prints))]
        output_lines = plain(output.rstrip("\n"))
        if "…" not in "".join(command.prints):
            assert output_lines == expected, command.text
        printed_lines = iter(output_lines)
        assert all(any(line.startswith(start) for line in printed_lines) for start in expected if start), (
            command.text,
            output_lines,
        )


def test_an_independent_verifier_written_from_the_page_agrees(signed: Files, tmp_path: Path) -> None:
    program = re.search(r"^```python\n(.+?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert program is not None
    (tmp_path / "check.py").write_text(program[1], encoding="utf-8")
    outside = runpy.run_path(str(tmp_path / "check.py"))
    for kind, data in signed.json.items():
        assert outside["check"](data, encoded(signed.key))["kind"] == kind
        (tmp_path / f"{kind}.pdf").write_bytes(signed.pdf[kind])
        assert outside["attached"](str(tmp_path / f"{kind}.pdf")) == data
        with pytest.raises(InvalidSignature):
            outside["check"](data.replace(b"2026-03-02T09", b"2026-03-02T08"), encoded(signed.key))
    _by_openssl(signed, tmp_path)


def _by_openssl(signed: Files, folder: Path) -> None:
    """The body is signed byte for byte as it appears in the file."""
    for data in signed.json.values():
        file = json.loads(data)
        body = data[data.index(b'"body":') + 7 : data.rindex(b',"key":')]
        (folder / "body").write_bytes(body)
        (folder / "signature").write_bytes(decoded(file["signature"], 64, "signature"))
        (folder / "key.pem").write_text(pem(signed.key))
        arguments = ["-pubin", "-inkey", "key.pem", "-rawin", "-in", "body", "-sigfile", "signature"]
        result = subprocess.run(["openssl", "pkeyutl", "-verify", *arguments], cwd=folder, check=False)
        assert result.returncode == 0
