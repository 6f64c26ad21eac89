"""The proof of the ledger's chains, as a test asks for it."""

from app.core.ledger import service as ledger
from tests.installation import House, entropy_of


def verify(house: House, *receipts: str) -> ledger.Verification:
    """The proof of every stream, held against receipts."""
    with house.database.read(entropy_of("verify")) as db:
        db.info["sealer"] = house.app.state.seams.sealer
        return ledger.verify(db, [ledger.parse_receipt(receipt) for receipt in receipts])
