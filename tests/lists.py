"""Lists and the feed of events, read to their ends."""

from tests.installation import Json, Person


def walk_pages(person: Person, path: str, limit: int) -> list[str]:
    """The ids of a list, read page by page; the links to the next page are checked on the way."""
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


def read_feed(person: Person, after: str | None = None, more: str = "") -> tuple[list[Json], str]:
    """Every event of a person's feed after a cursor, and the cursor at the end of the feed."""
    events: list[Json] = []
    while True:
        page = person.get(f"/v1/events?limit=20{more}" + (f"&after={after}" if after else "")).expect(200)
        events += page["items"]
        after = str(page["next"])
        if not page["more"]:
            return events, after
