"""What the app holds for every request."""

from fastapi import Request

from app.core.http.limits import Limits
from app.core.http.waiting_room import WaitingRoom
from app.core.seams import Seams


def seams_of(request: Request) -> Seams:
    """The seams of the app."""
    seams: Seams = request.app.state.seams
    return seams


def limits_of(request: Request) -> Limits:
    """The limits on requests to this process."""
    limits: Limits = request.app.state.limits
    return limits


def waiting_room_of(request: Request) -> WaitingRoom:
    """The waiting room of this process."""
    room: WaitingRoom = request.app.state.waiting_room
    return room
