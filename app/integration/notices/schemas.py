"""People's choices of the mail they get, and the mails that came back, in requests and answers."""

from datetime import date
from typing import Literal
from uuid import UUID

from pydantic import Field, StrictBool

from app.core.values import In, Listed, Out

How = Literal["at-once", "daily", "never"]
LetterLanguage = Literal["en", "fr"]
ShownState = Literal["bounced", "failed"]


class NoticesChange(In):
    """A change of the mail that you get. Fields that you leave out stay as they are."""

    news: How = Field("daily", description="How often you get news of your cases.")
    deadlines: StrictBool = Field(True, description="Whether you are reminded of deadlines for which you must act.")
    language: LetterLanguage = Field("en", description="The language of the mail.")


class NoticesOut(Out):
    """The mail that you get, if this installation sends mail. Invitations always come."""

    news: How = Field(description="How often you get news of your cases.")
    deadlines: bool = Field(description="Whether you are reminded of deadlines for which you must act.")
    language: LetterLanguage = Field(description="The language of the mail.")


class NoticeOut(Out):
    """A mail that did not reach its recipient. It says nothing of a case, and only the day of the failure."""

    id: UUID = Field(description="The id of the mail.")
    user_id: UUID = Field(description="The recipient.")
    name: str = Field(description="The recipient's name.")
    email: str = Field(description="The e-mail address to which it was sent.")
    kind: Literal["news", "deadline", "invitation", "nomination", "account"] = Field(
        description="What the mail was about."
    )
    state: ShownState = Field(
        description="`bounced`: a mail server refused it for good. `failed`: it was given up after two days."
    )
    code: str | None = Field(description="The mail server's answer, or a word if it gave none.")
    on: date = Field(description="The day on which it came back or was given up.")


class NoticeList(Listed[NoticeOut]):
    """A page of mails that did not reach their recipients, the latest first."""
