"""Texts of the mails: pure functions of a few facts, none of which comes from the content of a case."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

# A digest names at most this many cases; the desk lists all of them.
MOST_NAMED = 50


@dataclass(frozen=True, slots=True)
class Letter:
    """Subject and body of a mail."""

    subject: str
    body: str


@dataclass(frozen=True, slots=True)
class AddressedLetter:
    """A letter with its id, the name and address of its recipient, and the institution that sends it."""

    id: UUID
    letter: Letter
    name: str
    email: str
    institution: str


@dataclass(frozen=True, slots=True)
class NamedCase:
    """A case by its reference, with a link to it."""

    reference: str
    link: str


@dataclass(frozen=True, slots=True)
class Office:
    """The institution that writes, and the base URL of its service."""

    institution: str
    url: str

    @property
    def desk(self) -> str:
        """URL of the reader's desk."""
        return f"{self.url}/v1/me/desk"


_TEXTS: dict[str, dict[str, str]] = {
    "en": {
        "new_in": "Something new in {reference}",
        "new_at": "Something new at {institution}",
        "more": "More",
        "why": "This mail says no more, because mail is not confidential. Sign in to read what is new.",
        "choose": "Choose which mail you receive: {url}/v1/me/notices",
        "invited": "An invitation from {institution}",
        "invited_body": "There is an account for you at {institution}. To come in, send the secret below to "
        "{url}/v1/activations (operation activateAccount, {url}/docs). It works once, until {until}, and ends earlier "
        "ones. Do not pass it on: nobody at {institution} needs it.",
        "account": "Your account at {institution}",
        "token": "The operator of {institution} made a token for your account on {day}. If you did not ask for it, "
        "revoke it and write to the registry at once:",
        "link": "The operator of {institution} printed a one-time link to your account on {day}. If you did not ask "
        "for it, write to the registry at once:",
        "changed": "The name or the e-mail address of your account was corrected on {day}. If that is wrong, write to "
        "the registry at once:",
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
        "invited_body": "Un compte vous attend : {institution}. Pour entrer, envoyez le secret ci-dessous à "
        "{url}/v1/activations (opération activateAccount, {url}/docs). Il sert une fois, jusqu’au {until}, et remplace "
        "les précédents. Ne le transmettez à personne : l’institution n’en a pas besoin.",
        "account": "Votre compte : {institution}",
        "token": "L’opérateur de l’institution ({institution}) a créé un jeton pour votre compte le {day}. Si vous ne "
        "l’avez pas demandé, révoquez-le et écrivez aussitôt au greffe :",
        "link": "L’opérateur de l’institution ({institution}) a imprimé un lien unique vers votre compte le {day}. Si "
        "vous ne l’avez pas demandé, écrivez aussitôt au greffe :",
        "changed": "Le nom ou l’adresse électronique de votre compte a été corrigé le {day}. Si c’est une erreur, "
        "écrivez aussitôt au greffe :",
        "nominated": "Une invitation : {institution}",
        "nominated_body": "Une réponse de votre part est attendue : {institution}. Connectez-vous pour en lire plus :",
        "near_in": "Un délai dans {reference} expire le {day}",
        "near_at": "Un délai expire le {day}",
        "near": "Ce qui est attendu de vous doit être fait d’ici là :",
    },
}


def one_line(text: str) -> str:
    """A text for a mail header: line breaks and control characters become spaces."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


def news(language: str, office: Office, cases: Sequence[NamedCase], elsewhere: bool) -> Letter:
    """Announce news in the named cases, or `elsewhere` for news that must not name a case."""
    say = _Words(language, office)
    if len(cases) == 1 and not elsewhere:
        subject = say("new_in", reference=cases[0].reference)
        return say.letter(subject, f"{subject}:\n{cases[0].link}")
    subject = say("new_at")
    lines = [f"{case.reference}: {case.link}" for case in cases[:MOST_NAMED]]
    if elsewhere or len(cases) > MOST_NAMED:
        lines.append(f"{say('more')}: {office.desk}" if lines else office.desk)
    return say.letter(subject, f"{subject}:\n" + "\n".join(lines))


def deadline(language: str, office: Office, case: NamedCase | None, due_on: date) -> Letter:
    """Announce the day on which a term ends for which the reader must act; names the case if it has a reference."""
    say, day = _Words(language, office), due_on.isoformat()
    subject = say("near_at", day=day) if case is None else say("near_in", reference=case.reference, day=day)
    link = office.desk if case is None else case.link
    return say.letter(subject, f"{subject}. {say('near')}\n{link}")


def invitation(language: str, office: Office, secret: str, until: datetime) -> Letter:
    """Invite the holder of an account, with the secret of a one-time link that is valid until an instant."""
    say = _Words(language, office)
    day = f"{until:%Y-%m-%d %H:%M} UTC"
    return say.letter(say("invited"), f"{say('invited_body', until=day)}\n\n{secret}", chosen=False)


# The events of an account of which its holder is informed by mail as well.
ACCOUNT_TEXTS = {"token-issued": "token", "link-issued": "link", "user-changed": "changed"}


def account(language: str, office: Office, event: str, day: date) -> Letter:
    """Tell the holder of an account what was done to it on a day; `event` is one of ACCOUNT_TEXTS."""
    say = _Words(language, office)
    return say.letter(say("account"), f"{say(ACCOUNT_TEXTS[event], day=day.isoformat())}\n{office.url}/", chosen=False)


def nomination(language: str, office: Office) -> Letter:
    """Tell somebody that they were nominated as a mediator."""
    say = _Words(language, office)
    return say.letter(say("nominated"), f"{say('nominated_body')}\n{office.desk}", chosen=False)


class _Words:
    """The words of one language."""

    def __init__(self, language: str, office: Office) -> None:
        self.texts, self.office = _TEXTS[language], office

    def __call__(self, name: str, **facts: Any) -> str:
        values = {"institution": one_line(self.office.institution), "url": self.office.url, **facts}
        return self.texts[name].format(**values)

    def letter(self, subject: str, body: str, *, chosen: bool = True) -> Letter:
        """Complete the letter; mail that people can choose names the address where they do."""
        parts = [body, self("why"), *([self("choose")] if chosen else []), one_line(self.office.institution)]
        return Letter(subject, "\n\n".join(parts) + "\n")
