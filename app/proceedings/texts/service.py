"""All that a draft of a settlement puts before its readers: read together, frozen and signed as one."""

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
    """All that a draft puts before its readers: what was written, its language, and its documents."""

    language: str
    body: contents.Body
    documents: Sequence[EnclosureOut]

    @property
    def texts(self) -> list[dict[str, str]]:
        """Each text, in clauses or a document, by its SHA-256."""
        return texts_of(self.body, self.language, self.documents)

    @property
    def prevailing_language(self) -> str | None:
        """The language that decides where the texts differ, if one does."""
        return self.body.get("prevailing_language")

    @property
    def sha256(self) -> str:
        """What is frozen, and what is signed."""
        return hash_of(self.texts, self.prevailing_language)


def text_of(db: GatedSession, draft: Draft | AnyRow) -> WholeText:
    """All that a draft puts before its readers."""
    files = documents.rows_of_drafts(db, draft.case_id, [draft.id])
    bodies = contents.read_many(db, [draft.content_id, *(row.content_id for row in files)])
    return WholeText(draft.language, bodies[draft.content_id], documents.enclosed(files, bodies).get(draft.id, []))
