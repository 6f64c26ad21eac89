"""The background worker and the webhook sender on a test's registry, both by the test's clock."""

from app.operations.background.webhook_sender import WebhookSender
from app.operations.background.worker import Worker, worker_of
from tests.installation import House


def worker(house: House) -> Worker:
    """A worker on the house's database, with the house's clock."""
    return worker_of(house.app.state.seams, house.settings)


def sender(house: House, seconds: float = 15) -> WebhookSender:
    """A webhook sender on the house's database, with the house's clock, that waits so many seconds for an answer."""
    seams = house.app.state.seams
    return WebhookSender(seams, lambda: seams.entropy("sender"), seconds)
