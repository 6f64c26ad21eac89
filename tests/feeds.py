"""The feed, read to its end."""

from tests.installation import Json, Person


def followed(person: Person, after: str | None = None, more: str = "") -> tuple[list[Json], str]:
    """Every event of a person's feed from a cursor on, and the cursor at its end."""
    found: list[Json] = []
    while True:
        answer = person.get(f"/v1/events?limit=20{more}" + (f"&after={after}" if after else "")).expect(200)
        found += answer["items"]
        after = str(answer["next"])
        if not answer["more"]:
            return found, after
