"""Signed files, signed again with another key."""

import json

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.institution.signing.files import canonical, encoded
from tests.installation import Json


def resigned(file: Json, seed: bytes = b"\1" * 32) -> bytes:
    """A file signed anew, with a key of somebody else."""
    key = Ed25519PrivateKey.from_private_bytes(seed)
    signature = encoded(key.sign(canonical(file["body"])))
    public = encoded(key.public_key().public_bytes_raw())
    return json.dumps({**file, "key": {**file["key"], "public_key": public}, "signature": signature}).encode()
