"""The texts of the mails: pure functions of a few facts, none of which is anything that was said in a case."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

# A digest names no more cases than this; the desk shows them all.
MOST_NAMED = 50


@dataclass(frozen=True, slots=True)
class Letter:
    """What a mail says."""

    subject: str
    body: str


@dataclass(frozen=True, slots=True)
class NamedCase:
    """A case by the reference that its participants know, and where it is found."""

    reference: str
    link: str


@dataclass(frozen=True, slots=True)
class Office:
    """Who writes, and the address under which its service is reached."""

    institution: str
    url: str

    @property
    def desk(self) -> str:
        """Where everything that concerns a reader is found."""
        return f"{self.url}/v1/me/desk"


_TEXTS: dict[str, dict[str, str]] = {
    "en": {
        "new_in": "Something new in {reference}",
        "new_at": "Something new at {institution}",
        "more": "More",
        "why": "This mail says no more, because mail is not confidential. Sign in to read what is new.",
        "choose": "You choose what you are told by mail: {url}/v1/me/notices",
        "invited": "An invitation from {institution}",
        "invited_body": "You are invited to {institution}. To come in, write to its registry or go to:",
        "nominated": "An invitation from {institution}",
        "nominated_body": "{institution} asks for an answer from you. Sign in to read more:",
        "near_in": "A term in {reference} ends on {day}",
        "near_at": "A term ends on {day}",
        "near": "What waits for you must be done by then:",
    },
    "fr": {
        "new_in": "Du nouveau dans {reference}",
        "new_at": "Du nouveau : {institution}",
        "more": "Autres",
        "why": "Ce courriel n’en dit pas plus, car le courrier électronique n’est pas confidentiel. "
        "Connectez-vous pour lire ce qui est nouveau.",
        "choose": "Vous choisissez ce qui vous est annoncé par courriel : {url}/v1/me/notices",
        "invited": "Une invitation : {institution}",
        "invited_body": "Vous êtes invité par : {institution}. Pour entrer, écrivez au greffe ou allez à :",
        "nominated": "Une invitation : {institution}",
        "nominated_body": "Une réponse de votre part est attendue : {institution}. Connectez-vous pour en lire plus :",
        "near_in": "Un délai dans {reference} expire le {day}",
        "near_at": "Un délai expire le {day}",
        "near": "Ce qui est attendu de vous doit être fait d’ici là :",
    },
}


def one_line(text: str) -> str:
    """A text as it may stand in a header: line breaks and controls are spaces, whoever wrote them."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


def news(language: str, place: Office, cases: Sequence[NamedCase], elsewhere: bool) -> Letter:
    """That there is something new: in cases by their references, or `elsewhere`, where none may be named."""
    say = _Words(language, place)
    if len(cases) == 1 and not elsewhere:
        subject = say("new_in", reference=cases[0].reference)
        return say.letter(subject, f"{subject}:\n{cases[0].link}")
    subject = say("new_at")
    lines = [f"{one.reference}: {one.link}" for one in cases[:MOST_NAMED]]
    if elsewhere or len(cases) > MOST_NAMED:
        lines.append(f"{say('more')}: {place.desk}" if lines else place.desk)
    return say.letter(subject, f"{subject}:\n" + "\n".join(lines))


def deadline(language: str, place: Office, case: NamedCase | None, due_on: date) -> Letter:
    """That a term for which somebody must act ends on a day, in a case, if it has its reference yet."""
    say, day = _Words(language, place), due_on.isoformat()
    subject = say("near_at", day=day) if case is None else say("near_in", reference=case.reference, day=day)
    link = place.desk if case is None else case.link
    return say.letter(subject, f"{subject}. {say('near')}\n{link}")


def invitation(language: str, place: Office) -> Letter:
    """To somebody for whom an account was made."""
    say = _Words(language, place)
    return say.letter(say("invited"), f"{say('invited_body')}\n{place.url}/", chosen=False)


def nomination(language: str, place: Office) -> Letter:
    """To somebody who is asked whether they would mediate."""
    say = _Words(language, place)
    return say.letter(say("nominated"), f"{say('nominated_body')}\n{place.desk}", chosen=False)


class _Words:
    """The words of one language."""

    def __init__(self, language: str, place: Office) -> None:
        self.texts, self.place = _TEXTS[language], place

    def __call__(self, name: str, **facts: Any) -> str:
        given = {"institution": one_line(self.place.institution), "url": self.place.url, **facts}
        return self.texts[name].format(**given)

    def letter(self, subject: str, body: str, *, chosen: bool = True) -> Letter:
        """The whole letter; what people choose says where they do."""
        parts = [body, self("why"), *([self("choose")] if chosen else []), one_line(self.place.institution)]
        return Letter(subject, "\n\n".join(parts) + "\n")
