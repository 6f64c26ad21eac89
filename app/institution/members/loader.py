"""Loads the established members of a known institution from its file."""

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
from app.institution.people.institution import require_institution
from app.rules.loader import Standing

LIBRARY = Path(__file__).parent / "library"


class EstablishedMember(MemberIn):
    """A member in a file, which always has a standing and a source."""

    standing: Standing
    source: Line


class _File(In):
    members: Annotated[list[EstablishedMember], Field(min_length=1)]


@dataclass(frozen=True, slots=True)
class LoadedMembers:
    """How many members were entered, and how many were left unchanged because they existed."""

    entered: int
    unchanged: int


def file_names() -> tuple[str, ...]:
    """Names of the files of members."""
    return tuple(sorted(path.stem for path in LIBRARY.glob("*.toml")))


def members_of(name: str) -> list[EstablishedMember]:
    """Members in the file of this name; Misconfigured if there is no such file."""
    if name not in file_names():
        raise Misconfigured(f"There is no list of members with this name. Choose one of: {', '.join(file_names())}.")
    raw = tomllib.loads((LIBRARY / f"{name}.toml").read_text(encoding="utf-8"))
    return _File.model_validate(raw).members


def load(db: GatedSession, now: datetime, name: str, author: Author) -> LoadedMembers:
    """Enter the members of a file that do not exist yet, each with its event; existing entries stay unchanged.

    Raises Misconfigured if there is no such file, or no institution.
    """
    members = members_of(name)
    require_institution(db)
    existing = set(db.execute(select(Member.name)).scalars())
    missing = [member for member in members if member.name not in existing]
    for member in missing:
        write_member(db, now, member, author)
    return LoadedMembers(len(missing), len(members) - len(missing))
