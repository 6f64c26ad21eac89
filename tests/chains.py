"""The proof of the ledger's chains, as a test asks for it."""

from app.core.ledger.verification import Verification, parse_receipt
from app.core.ledger.verification import verify as verify_chains
from tests.installation import House, entropy_of


def verify(house: House, *receipts: str) -> Verification:
    """The proof of every stream, held against receipts."""
    with house.database.read(entropy_of("verify")) as db:
        db.sealer = house.app.state.seams.sealer
        return verify_chains(db, [parse_receipt(receipt) for receipt in receipts])
