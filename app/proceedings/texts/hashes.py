"""The authentic texts of a settlement, and the one hash under which they are frozen and signed together: pure."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Protocol
from uuid import UUID

import rfc8785

AUTHENTIC = ("authentic-text", "original")
Text = dict[str, str]


class Brought(Protocol):
    """A document among the texts: what it is, of which other one, and its SHA-256 in hexadecimal."""

    id: UUID
    language: str | None
    relation: str
    related_id: UUID | None
    sha256: str


def texts_of(body: Mapping[str, Any], language: str, documents: Sequence[Brought]) -> list[Text]:
    """Every text of a draft: its clauses, those in other languages, then its documents, each by its SHA-256.

    `body` is what was written, `language` that of its own clauses.
    """
    own = [{"title": body["title"], "language": language, "clauses": body["clauses"]}] if body["clauses"] else []
    written = [
        {"form": "clauses", "language": one["language"], "relation": "authentic-text", "sha256": clauses_hash(one)}
        for one in (*own, *body.get("texts", ()))
    ]
    digests = {one.id: one.sha256 for one in documents}
    brought = [
        {"form": "document", "language": str(one.language), "relation": one.relation, "sha256": one.sha256}
        | ({"of": digests[one.related_id]} if one.related_id in digests else {})
        for one in documents
    ]
    return [*written, *brought]


def clauses_hash(text: Mapping[str, Any]) -> str:
    """SHA-256, in hexadecimal, of the canonical form (RFC 8785) of one text in clauses: title, language and clauses."""
    return _hash({name: text[name] for name in ("title", "language", "clauses")})


def hash_of(texts: Sequence[Mapping[str, str]], prevailing_language: str | None) -> str:
    """What is frozen and signed, in hexadecimal: of a single text in clauses its own hash, else one over all texts."""
    if prevailing_language is None and len(texts) == 1 and texts[0]["form"] == "clauses":
        return texts[0]["sha256"]
    return _hash({"prevailing_language": prevailing_language, "texts": [dict(one) for one in texts]})


def _hash(document: dict[str, Any]) -> str:
    return hashlib.sha256(rfc8785.dumps(document)).hexdigest()
