"""The members that a known institution is established to have, read from its file and entered."""

import tomllib
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated

from pydantic import Field
from sqlalchemy import select

from app.core.access.session import GatedSession
from app.core.errors import Misconfigured
from app.core.ledger.acts import Author
from app.core.tables.members import Member
from app.core.values import In, Line
from app.institution.members.schemas import MemberIn
from app.institution.members.service import write_member
from app.institution.people.service import require_institution
from app.rules.loader import Standing

LIBRARY = Path(__file__).parent / "library"


class EstablishedMember(MemberIn):
    """A member as a file gives it: never without its standing and its source."""

    standing: Standing
    source: Line


class _File(In):
    members: Annotated[list[EstablishedMember], Field(min_length=1)]


@dataclass(frozen=True, slots=True)
class Loaded:
    """How many members were entered, and how many were left alone because they were entered before."""

    entered: int
    left_alone: int


def known() -> tuple[str, ...]:
    """The names of the files that there are."""
    return tuple(sorted(path.stem for path in LIBRARY.glob("*.toml")))


def members_of(name: str) -> list[EstablishedMember]:
    """The members in the file of that name; Misconfigured if there is none."""
    if name not in known():
        raise Misconfigured(f"There is no list of members of that name; there are: {', '.join(known())}.")
    raw = tomllib.loads((LIBRARY / f"{name}.toml").read_text(encoding="utf-8"))
    return _File.model_validate(raw).members


def load(db: GatedSession, now: datetime, name: str, by: Author) -> Loaded:
    """Enter the members of that file whose names are not entered yet, each as an event; no entry is changed.

    Raises Misconfigured if there is no such file, or no institution yet.
    """
    given = members_of(name)
    require_institution(db)
    there = set(db.execute(select(Member.name)).scalars())
    missing = [member for member in given if member.name not in there]
    for member in missing:
        write_member(db, now, member, by)
    return Loaded(len(missing), len(given) - len(missing))
