"""Signed files: a JSON body, the key and the signature over its canonical form, verified without a network."""

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Any, Literal, NoReturn

import rfc8785
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

Body = dict[str, Any]
FORMAT: Literal["certificate/1"] = "certificate/1"
ALGORITHM: Literal["Ed25519"] = "Ed25519"
PUBLIC_KEY_BYTES, SIGNATURE_BYTES = 32, 64


class NotGenuine(Exception):
    """A file is not what the institution signed; the message is one sentence with the reason."""


@dataclass(frozen=True, slots=True)
class SignedFile:
    """A file with a valid signature: its body, and the key that signed it."""

    body: Body
    key_id: str
    public_key: bytes


def canonical(body: Body) -> bytes:
    """The bytes that are signed: the body's canonical form (RFC 8785)."""
    return rfc8785.dumps(body)


def encoded(data: bytes) -> str:
    """Bytes in base64url without padding, as keys and signatures are written (RFC 7515)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decoded(text: object, length: int, what: str) -> bytes:
    """The bytes of a text in base64url; NotGenuine for any other spelling or length."""
    try:
        data = base64.urlsafe_b64decode(str(text) + "=" * (-len(str(text)) % 4))
    except (binascii.Error, ValueError) as problem:
        raise NotGenuine(f"The {what} is not base64url.") from problem
    # Decoding accepts stray characters and bits: require the one canonical spelling.
    if not isinstance(text, str) or len(data) != length or encoded(data) != text:
        raise NotGenuine(f"The {what} is not {length} bytes in base64url without padding.")
    return data


def read_public_key(text: str) -> bytes:
    """Parse a public key in base64url or PEM; NotGenuine if it is neither."""
    if "BEGIN PUBLIC KEY" in text:
        try:
            key = load_pem_public_key(text.encode())
        except ValueError as problem:
            raise NotGenuine("The public key is not a valid PEM file.") from problem
        if not isinstance(key, Ed25519PublicKey):
            raise NotGenuine("The public key is not an Ed25519 key.")
        return key.public_bytes_raw()
    return decoded(text.strip().rstrip("="), PUBLIC_KEY_BYTES, "public key")


def check(data: bytes, trusted: bytes | None = None) -> SignedFile:
    """Verify a signed file and, if `trusted` is set, that its key is the trusted one; raises NotGenuine."""
    document = _parsed(data)
    if set(document) != {"accord", "body", "key", "signature"} or document["accord"] != FORMAT:
        raise NotGenuine(f"This is not a signed file of the form 'accord {FORMAT}'.")
    body, key = document["body"], document["key"]
    if not isinstance(body, dict) or not isinstance(key, dict) or set(key) != {"id", "algorithm", "public_key"}:
        raise NotGenuine("The body or the key does not have the required members.")
    if key["algorithm"] != ALGORITHM or key["id"] != body.get("key_id"):
        raise NotGenuine("The key is not the one that the signed body names.")
    public_key = decoded(key["public_key"], PUBLIC_KEY_BYTES, "public key")
    signature = decoded(document["signature"], SIGNATURE_BYTES, "signature")
    if trusted is not None and public_key != trusted:
        raise NotGenuine("The file is signed, but not with the key that you trust.")
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, canonical(body))
    except (InvalidSignature, ValueError, rfc8785.CanonicalizationError) as problem:
        raise NotGenuine("The signature is not valid: the file was altered after it was signed.") from problem
    return SignedFile(body, str(key["id"]), public_key)


def _parsed(data: bytes) -> Body:
    try:
        document = json.loads(data.decode("utf-8"), object_pairs_hook=_once, parse_constant=_refused)
    except (UnicodeDecodeError, ValueError, RecursionError) as problem:
        raise NotGenuine("The file is neither a JSON document nor a readable PDF.") from problem
    if not isinstance(document, dict):
        raise NotGenuine("The file is not a JSON object.")
    return document


def _once(pairs: list[tuple[str, Any]]) -> Body:
    if len({name for name, _ in pairs}) != len(pairs):
        raise NotGenuine("Two members of one object in the file have the same name.")
    return dict(pairs)


def _refused(word: str) -> NoReturn:
    raise NotGenuine(f"The file contains '{word}', which JSON does not allow.")
