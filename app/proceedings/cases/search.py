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
)
from sqlalchemy.dialects.postgresql import TSQUERY, TSVECTOR

from app.core.access.actors import Actor
from app.core.access.session import GatedSession
from app.core.db import like
from app.core.tables.audiences import AudienceReader
from app.core.tables.cases import Case
from app.core.values import folded

# The index knows runs of this many letters.
_RUN = 3
# More runs of a long text hardly leave fewer cases.
_MOST_RUNS = 12
# The newest cases of the reader in which it is first looked how frequent the text is, and how many of them have a
# frequent text. A page of a frequent text is found soonest in the order of the list; a rare one by the index.
_NEWEST, _FREQUENT = 500, 2


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
    plain = folded(text)
    has_words: ColumnElement[bool] = Case.search.like(like(plain), escape="\\")
    if _is_rare(db, actor, has_words):
        is_indexed = _in_index_of_sqlite(plain) if _is_sqlite(db) else _in_index_of_postgresql(plain)
        has_words = and_(is_indexed, has_words)
    references = references_in(text)
    return or_(has_words, Case.reference.in_(references)) if references else has_words


def _is_sqlite(db: GatedSession) -> bool:
    return db.get_bind().dialect.name == "sqlite"


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
    return seen == _NEWEST and found < _FREQUENT


def _runs(plain: str) -> list[str]:
    """Runs of letters that together cover the text, or its beginning."""
    starts = {*range(0, len(plain) - _RUN + 1, _RUN), max(0, len(plain) - _RUN)}
    return [plain[start : start + _RUN] for start in sorted(starts)[:_MOST_RUNS]]


def _in_index_of_postgresql(plain: str) -> ColumnElement[bool]:
    quoted = ["'" + re.sub(r"(['\\])", r"\1\1", run) + "'" for run in _runs(plain)]
    # A text of one or two letters is looked for as the beginning of a run.
    wanted = " & ".join(quoted) if len(plain) >= _RUN else f"{quoted[0]}:*"
    runs = func.accord_runs(Case.search, type_=TSVECTOR)
    return runs.bool_op("@@")(cast(bindparam(None, wanted, Text()), TSQUERY))


_NUMBERS = table("case_search_ids", column("number"), column("case_id"))
_INDEX = table("case_search", column("rowid"))
_TERMS = table("case_search_runs", column("term"))


def _in_index_of_sqlite(plain: str) -> ColumnElement[bool]:
    if len(plain) >= _RUN:
        wanted: Any = bindparam(None, " AND ".join(f'"{_doubled(run)}"' for run in _runs(plain)), Text())
    else:
        term = literal_column("'\"' || replace(term, '\"', '\"\"') || '\"'", Text())
        # Without a term, an empty one, which nothing has.
        any_of = select(func.coalesce(func.group_concat(term, " OR "), '""')).where(
            _TERMS.c.term >= plain, _TERMS.c.term < plain + "\U0010ffff"
        )
        wanted = any_of.scalar_subquery()
    found = select(_INDEX.c.rowid).where(literal_column("case_search").bool_op("MATCH")(wanted))
    return Case.id.in_(select(_NUMBERS.c.case_id).where(_NUMBERS.c.number.in_(found)))


def _doubled(run: str) -> str:
    return run.replace('"', '""')
