"""The tokens and secrets that are valid although this process has not served them, for addresses that are flooded."""

import logging

from starlette.requests import Request

from app.core.access.authentication import valid_digests
from app.core.errors import TooManyRequests, Unavailable
from app.core.http.app_state import limits_of, seams_of
from app.core.http.threads import in_thread

log = logging.getLogger("accord.http")
# The most tokens of each kind that are kept, some two megabytes.
_MOST = 10_000


async def check_address(request: Request, address: str, token: str | None) -> None:
    """Raise TooManyRequests if the address sent too much without a valid token, unless this token is valid."""
    try:
        limits_of(request).check_address(address, token)
    except TooManyRequests:
        await _renew(request)
        limits_of(request).check_address(address, token)


async def check_grant(request: Request, address: str, secret: str) -> None:
    """Raise TooManyRequests if the address was refused too many grants, unless this secret is valid."""
    try:
        limits_of(request).check_grant(address, secret)
    except TooManyRequests:
        await _renew(request)
        limits_of(request).check_grant(address, secret)


async def _renew(request: Request) -> None:
    """Read which tokens are valid, once in ten seconds: so a flood costs no look-up for each of its requests."""
    limits, seams = limits_of(request), seams_of(request)
    if not limits.may_renew_valid():
        return

    def read() -> set[bytes]:
        with seams.database.read(seams.entropy(request.scope["accord.request_id"])) as db:
            return valid_digests(db, seams.clock(), _MOST)

    try:
        limits.renew_valid(await in_thread(read, seams.database.threads))
    except Unavailable:
        log.warning("the valid tokens could not be read while an address was over its limit")
