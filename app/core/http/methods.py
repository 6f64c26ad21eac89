"""The methods of a resource: HEAD wherever GET works, and all of them in `Allow`."""

from fastapi.routing import iter_route_contexts
from starlette.requests import Request
from starlette.routing import Match
from starlette.types import Message, Scope, Send

# In the scope of a request: that it came as HEAD, and is answered as GET without the body.
_HEAD = "accord.head"


def scope_of(scope: Scope) -> Scope:
    """The scope by which a request is served: that of GET for HEAD, since FastAPI routes know no HEAD.

    It is a copy: the server must know that no body follows.
    """
    return {**scope, "method": "GET", _HEAD: True} if scope["method"] == "HEAD" else scope


def is_head(request: Request) -> bool:
    """Whether the request came as HEAD, whose answer has no body and which must not count as a reading."""
    return bool(request.scope.get(_HEAD))


def method_of(scope: Scope) -> str:
    """The method as it was sent."""
    return "HEAD" if scope.get(_HEAD) else str(scope["method"])


def without_body(send: Send) -> Send:
    """Send an answer without its body; its headers are those of GET."""

    async def bare(message: Message) -> None:
        await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

    return bare


def allowed(request: Request) -> str:
    """The value of `Allow`: the methods of every route with the path of the request.

    A resource has a route for each method, of which the router reports only the first.
    """
    methods = {
        method
        for route in iter_route_contexts(request.app.routes)
        if route.matches(request.scope)[0] is not Match.NONE
        for method in route.methods or ("GET",)
    }
    if "GET" in methods:
        methods.add("HEAD")
    return ", ".join(sorted(methods))
