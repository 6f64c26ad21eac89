"""The search for cases by words and references."""

import re
from collections.abc import Iterable

from sqlalchemy import ColumnElement, or_

from app.core.db import like
from app.core.tables.cases import Case
from app.core.values import folded


def search_text(title: str, names: Iterable[str]) -> str:
    """The text that a search for a case looks into: its title and the names of its parties."""
    return folded("\n".join([title, *names]))


def references_in(text: str) -> list[str]:
    """The case references that a text may mean, whatever their leading zeros, prefixes and suffixes."""
    references = re.findall(r"(?<!\d)(\d{4})\s*[-/]\s*0*(\d{1,9})(?!\d)", folded(text))
    return [f"{year}-{int(number):04d}" for year, number in references]


def matching(text: str) -> ColumnElement[bool]:
    """Whether a text is found in the title, a party's name or the reference of the case."""
    has_words = Case.search.like(like(folded(text)), escape="\\")
    references = references_in(text)
    return or_(has_words, Case.reference.in_(references)) if references else has_words
