"""The whole text of a draft settlement, with its documents: read together, frozen and signed as one."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.core.access.session import GatedSession
from app.core.contents import service as contents
from app.core.db import AnyRow
from app.core.tables.settlements import Draft
from app.proceedings.documents import service as documents
from app.proceedings.documents.schemas import EnclosureOut
from app.proceedings.texts.hashes import hash_of, texts_of


@dataclass(frozen=True, slots=True)
class WholeText:
    """The whole text of a draft: the body that was written, the language of its clauses, and its documents."""

    language: str
    body: contents.Body
    documents: Sequence[EnclosureOut]

    @property
    def texts(self) -> list[dict[str, str]]:
        """Every text, in clauses or as a document, by its SHA-256."""
        return texts_of(self.body, self.language, self.documents)

    @property
    def prevailing_language(self) -> str | None:
        """The language that decides where the texts differ, if one does."""
        return self.body.get("prevailing_language")

    @property
    def sha256(self) -> str:
        """The hash that is frozen and signed, in hexadecimal."""
        return hash_of(self.texts, self.prevailing_language)


def text_of(db: GatedSession, draft: Draft | AnyRow) -> WholeText:
    """The whole text of a draft."""
    files = documents.rows_of_drafts(db, draft.case_id, [draft.id])
    bodies = contents.read_many(db, [draft.content_id, *(row.content_id for row in files)])
    return WholeText(draft.language, bodies[draft.content_id], documents.enclosed(files, bodies).get(draft.id, []))
