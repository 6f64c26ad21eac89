"""What people choose to be told by mail, and the mails that came back, as they go in and out."""

from datetime import date
from typing import Literal
from uuid import UUID

from app.core.values import In, Listed, Out

How = Literal["at-once", "daily", "never"]
LetterLanguage = Literal["en", "fr"]
ShownState = Literal["bounced", "failed"]


class NoticesChange(In):
    """What you want to be told by mail; what you leave out stays as it is."""

    news: How = "daily"
    deadlines: bool = True
    language: LetterLanguage = "en"


class NoticesOut(Out):
    """What you are told by mail, if this installation sends mail; invitations always come."""

    news: How
    deadlines: bool
    language: LetterLanguage


class NoticeOut(Out):
    """A mail that did not reach its recipient: refused for good (`bounced`), or given up after two days (`failed`).

    `code` is the mail server's answer, or a word where it gave none. Of a case it says nothing, and of the time no more
    than the day.
    """

    id: UUID
    user_id: UUID
    name: str
    email: str
    kind: Literal["news", "deadline", "invitation", "nomination"]
    state: ShownState
    code: str | None
    on: date


class NoticeList(Listed[NoticeOut]):
    """A page of mails that did not reach their recipients, the latest first."""
