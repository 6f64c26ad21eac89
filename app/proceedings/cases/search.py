"""The search for cases by words and references."""

import re
from collections.abc import Iterable
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Text,
    and_,
    bindparam,
    cast,
    column,
    func,
    literal_column,
    or_,
    select,
    table,
    true,
)
from sqlalchemy.dialects.postgresql import TSQUERY, TSVECTOR
from sqlalchemy.orm import aliased

from app.core.access.actors import Actor
from app.core.access.session import GatedSession
from app.core.db import like
from app.core.tables.audiences import AudienceReader
from app.core.tables.cases import Case
from app.core.values import folded

# The index knows runs of this many letters; more of them hardly leave fewer cases.
_RUN, _MOST_RUNS = 3, 24
# It is first looked how many of the reader's newest cases have the text. A page of a frequent text is found soonest in
# the order of the list, and a page of a rare one by the index. A step along the list of staff costs least, and a case
# that the index finds costs most on SQLite.
_NEWEST, _FREQUENT_FOR_STAFF, _FREQUENT = 500, 2, {"postgresql": 8, "sqlite": 4}
# On SQLite more cases than this are found sooner in the order of the list too.
_MOST_BY_INDEX = 1_000


def search_text(title: str, names: Iterable[str]) -> str:
    """The text that a search for a case looks into: its title and the names of its parties."""
    return folded("\n".join([title, *names]))


def references_in(text: str) -> list[str]:
    """The case references that a text may mean, whatever their leading zeros, prefixes and suffixes."""
    references = re.findall(r"(?<!\d)(\d{4})\s*[-/]\s*0*(\d{1,9})(?!\d)", folded(text))
    return [f"{year}-{int(number):04d}" for year, number in references]


def matching(db: GatedSession, actor: Actor, text: str) -> ColumnElement[bool]:
    """Whether a text is found in the title, a party's name or the reference of the case.

    Which cases these are depends on the text alone; how often the actor's cases have it decides whether the index is
    used as well.
    """
    plain, references = folded(text), references_in(text)
    has_words: ColumnElement[bool] = Case.search.like(like(plain), escape="\\")
    matches = or_(has_words, Case.reference.in_(references)) if references else has_words
    if not _is_rare(db, actor, has_words):
        return matches
    in_index = _in_index_of_sqlite if db.get_bind().dialect.name == "sqlite" else _in_index_of_postgresql
    return and_(in_index(db, plain, references), matches)


def _is_rare(db: GatedSession, actor: Actor, has_words: ColumnElement[bool]) -> bool:
    """Whether the reader has many cases, and few of the newest have the words."""
    newest = select(has_words.label("has_words"))
    if actor.is_staff:
        newest = newest.order_by(Case.opened_at.desc(), Case.audience_id.desc())
    else:
        reader = AudienceReader
        newest = newest.join(reader, reader.audience_id == Case.audience_id)
        newest = newest.where(reader.opened_at.is_not(None), reader.principal_id == actor.walks_as)
        newest = newest.order_by(reader.opened_at.desc(), reader.audience_id.desc())
    some = newest.limit(_NEWEST).subquery()
    seen, found = db.execute(select(func.count(), func.count().filter(some.c.has_words))).one()
    frequent = _FREQUENT_FOR_STAFF if actor.is_staff else _FREQUENT[db.get_bind().dialect.name]
    return seen == _NEWEST and found < frequent


def _runs(plain: str) -> list[str]:
    """Runs of letters of the text, from its beginning."""
    starts = range(max(1, len(plain) - _RUN + 1))
    return [plain[start : start + _RUN] for start in starts[:_MOST_RUNS]]


def _in_index_of_postgresql(_db: GatedSession, plain: str, references: list[str]) -> ColumnElement[bool]:
    quoted = ["'" + re.sub(r"(['\\])", r"\1\1", run) + "'" for run in _runs(plain)]
    # A text of one or two letters is looked for as the beginning of a run.
    wanted = " & ".join(quoted) if len(plain) >= _RUN else f"{quoted[0]}:*"
    runs = func.accord_runs(Case.search, type_=TSVECTOR)
    is_found = runs.bool_op("@@")(cast(bindparam(None, wanted, Text()), TSQUERY))
    return or_(is_found, Case.reference.in_(references)) if references else is_found


_NUMBERS = table("case_search_ids", column("number"), column("case_id"))
_INDEX = table("case_search", column("rowid"))
_TERMS = table("case_search_runs", column("term"))
_REFERRED_TO = aliased(Case)


def _in_index_of_sqlite(db: GatedSession, plain: str, references: list[str]) -> ColumnElement[bool]:
    if len(plain) >= _RUN:
        doubled = [run.replace('"', '""') for run in _runs(plain)]
        wanted: Any = bindparam(None, " AND ".join(f'"{run}"' for run in doubled), Text())
    else:
        term = literal_column("'\"' || replace(term, '\"', '\"\"') || '\"'", Text())
        # Without a term, an empty one, which nothing has.
        any_of = select(func.coalesce(func.group_concat(term, " OR "), '""'))
        wanted = any_of.where(_TERMS.c.term >= plain, _TERMS.c.term < plain + "\U0010ffff").scalar_subquery()
    numbers = select(_INDEX.c.rowid).where(literal_column("case_search").bool_op("MATCH")(wanted))
    # SQLite does not plan by how much the index finds.
    some = numbers.limit(_MOST_BY_INDEX + 1).subquery()
    if db.execute(select(func.count()).select_from(some)).scalar_one() > _MOST_BY_INDEX:
        return true()
    found: Any = select(_NUMBERS.c.case_id).where(_NUMBERS.c.number.in_(numbers))
    if references:
        found = found.union_all(select(_REFERRED_TO.id).where(_REFERRED_TO.reference.in_(references)))
    return Case.id.in_(found)
