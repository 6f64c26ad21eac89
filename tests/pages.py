"""Lists, read page by page."""

from tests.installation import Person


def walk(person: Person, path: str, limit: int) -> list[str]:
    """The ids of a list, page by page."""
    ids: list[str] = []
    following: str | None = f"{path}?limit={limit}"
    while following is not None:
        answer = person.get(following)
        page = answer.expect(200)
        assert len(page["items"]) <= limit
        ids += [item["id"] for item in page["items"]]
        following = f"{path}?limit={limit}&after={page['next']}" if page["next"] else None
        assert ("link" in answer.headers) == (page["next"] is not None)
        if following is not None:
            assert answer.headers["link"] == f'<{following}>; rel="next"'
    return ids
