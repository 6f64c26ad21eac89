"""A worker on a test's registry, with the test's clock."""

from app.operations.background.worker import Worker, worker_of
from tests.installation import House


def worker(house: House) -> Worker:
    """A worker on the house's database, with the house's clock."""
    return worker_of(house.app.state.seams, house.settings)
