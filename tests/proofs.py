"""What can be proved afterwards: the ledger's chains, and the signatures of files."""

import json

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.core.ledger.verification import Verification, parse_receipt, verify
from app.institution.signing.files import canonical, encoded
from tests.installation import House, Json, entropy_of


def verify_ledger(house: House, *receipts: str) -> Verification:
    """The verification of every stream of the ledger, compared with these receipts."""
    with house.database.read(entropy_of("verify")) as db:
        db.sealer = house.app.state.seams.sealer
        return verify(db, [parse_receipt(receipt) for receipt in receipts])


def signed_by_another_key(file: Json, seed: bytes = b"\1" * 32) -> bytes:
    """A signed file with the same body, signed by a key that is not the institution's."""
    key = Ed25519PrivateKey.from_private_bytes(seed)
    signature = encoded(key.sign(canonical(file["body"])))
    public = encoded(key.public_key().public_bytes_raw())
    return json.dumps({**file, "key": {**file["key"], "public_key": public}, "signature": signature}).encode()
