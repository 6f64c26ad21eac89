"""Answers made of what a request has read: their body, ETag and link to the next page, or 304 (RFC 9110)."""

from urllib.parse import urlencode

from fastapi import Request
from pydantic import BaseModel
from starlette.responses import Response

from app.core.http.conditions import matches_weakly, tag_of_body
from app.core.values import Listed, Picture, Rendered


def serialised(result: BaseModel) -> bytes:
    """The JSON of a result."""
    # Without a total that was not requested: not even a null one.
    left_out = {"count"} if isinstance(result, Listed) and result.count is None else None
    return result.model_dump_json(by_alias=True, exclude=left_out).encode()


def answer_with(request: Request, result: BaseModel) -> Response:
    """The answer to a request that has read this: a picture, a rendered file, a page of a list, or another result."""
    if isinstance(result, Picture):
        return answer_of(request, result.svg.encode(), media_type="image/svg+xml")
    if isinstance(result, Rendered):
        response = answer_of(request, result.content, media_type=result.media_type)
        response.headers["content-disposition"] = f'inline; filename="{result.file_name}"'
        return response
    response = answer_of(request, serialised(result))
    cursor = getattr(result, "next", None)
    if cursor is not None:
        response.headers["link"] = f'<{_next_page(request, cursor)}>; rel="next"'
    return response


def answer_of(request: Request, body: bytes, status: int = 200, media_type: str = "application/json") -> Response:
    """The answer with this body, or 304 if the caller has it already (`If-None-Match` of a GET)."""
    tag = tag_of_body(body)
    if request.method == "GET" and matches_weakly(request.headers.get("if-none-match"), tag):
        return Response(status_code=304, headers={"etag": tag})
    return Response(body, status, {"etag": tag}, media_type)


def _next_page(request: Request, cursor: str) -> str:
    kept = [(name, value) for name, value in request.query_params.multi_items() if name != "after"]
    return f"{request.scope['path']}?{urlencode([*kept, ('after', cursor)])}"
