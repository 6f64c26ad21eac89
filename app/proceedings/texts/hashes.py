"""The hashes of a settlement's texts, and the single hash under which they are frozen and signed together: pure."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Protocol
from uuid import UUID

import rfc8785

AUTHENTIC = ("authentic-text", "original")
Text = dict[str, str]


class TextDocument(Protocol):
    """A document among the texts: its language, its relation to another document, and its SHA-256 in hexadecimal."""

    id: UUID
    language: str | None
    relation: str
    related_id: UUID | None
    sha256: str


def texts_of(body: Mapping[str, Any], language: str, documents: Sequence[TextDocument]) -> list[Text]:
    """Every text of a draft by its SHA-256: its clauses, its clauses in other languages, then its documents.

    `body` is the draft's sealed body, and `language` the language of its own clauses.
    """
    own = [{"title": body["title"], "language": language, "clauses": body["clauses"]}] if body["clauses"] else []
    written = [
        {"form": "clauses", "language": text["language"], "relation": "authentic-text", "sha256": clauses_hash(text)}
        for text in (*own, *body.get("texts", ()))
    ]
    digests = {document.id: document.sha256 for document in documents}
    uploaded = [
        {
            "form": "document",
            "language": str(document.language),
            "relation": document.relation,
            "sha256": document.sha256,
            **({"of": digests[document.related_id]} if document.related_id in digests else {}),
        }
        for document in documents
    ]
    return [*written, *uploaded]


def clauses_hash(text: Mapping[str, Any]) -> str:
    """SHA-256, in hexadecimal, of the canonical form (RFC 8785) of one text in clauses: title, language and clauses."""
    return _hash({name: text[name] for name in ("title", "language", "clauses")})


def hash_of(texts: Sequence[Mapping[str, str]], prevailing_language: str | None) -> str:
    """The hash that is frozen and signed, in hexadecimal: over all texts, or that of a single text in clauses."""
    if prevailing_language is None and len(texts) == 1 and texts[0]["form"] == "clauses":
        return texts[0]["sha256"]
    return _hash({"prevailing_language": prevailing_language, "texts": [dict(text) for text in texts]})


def _hash(document: dict[str, Any]) -> str:
    return hashlib.sha256(rfc8785.dumps(document)).hexdigest()
