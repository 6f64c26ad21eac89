"""Who is answered by each address that names no case and no item: a table for docs/who-may-see-what.md."""

from app.cli import _document
from tests.core.http.operations import NEEDED_QUERY, OPERATIONS
from tests.courts import court, program
from tests.installation import House, Person


def people(house: House) -> dict[str, Person]:
    """Somebody of each kind, by the title of their column."""
    return {
        "administrator": house.admin,
        "registrar": house.registrar,
        "anybody else with an account": house.person("Stan Ranger"),
        "client of a court, with every scope": program(house, court(house)),
        "client of the institution, with every scope": program(house, None),
        "without a token": house.person_with_token("Nobody", "", "none"),
    }


def table(house: House) -> str:
    """A Markdown table: a row for each address, and a column for each kind of person."""
    everybody = people(house)
    rows = [["", *everybody], ["---"] * (len(everybody) + 1)]
    document = _document()["paths"]
    for operation in sorted(OPERATIONS.values(), key=lambda each: each.path):
        if operation.method != "GET" or operation.has_ids:
            continue
        summary = str(document[operation.path]["get"]["summary"]).rstrip(".")
        address = f"{operation.path}?{NEEDED_QUERY.get(operation.id, '')}"
        answered = [person.get(address).status for person in everybody.values()]
        assert set(answered) <= {200, 401, 403, 404}, (operation.path, answered)
        rows.append([f"`{operation.path}`: {summary}", *("yes" if status == 200 else "–" for status in answered)])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
