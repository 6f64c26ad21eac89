"""Mail by SMTP: one connection, one message after the other, and what the server says of each."""

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from typing import Literal
from uuid import UUID

from app.core.errors import Misconfigured
from app.integration.notices.letters import Letter, one_line
from app.settings import Settings

SECONDS = 15
# Refusals of a recipient that are about us and not about the recipient: out of order, or not signed in.
_OURS = (500, 502, 503, 504, 530, 534, 535, 538)


@dataclass(frozen=True, slots=True)
class Mailbox:
    """The mail server, how to speak to it, and in whose name; `url` is where the service is reached."""

    host: str
    port: int
    user: str | None
    password: str | None
    security: Literal["starttls", "tls", "none"]
    sender: str
    sender_name: str
    url: str
    seconds: float = SECONDS


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one message, and the server's code; one that is `later` may go through another time."""

    state: Literal["sent", "later", "bounced", "failed"]
    code: str | None = None


class MailServerUnreachable(Exception):
    """The mail server cannot be spoken with just now; `code` says why, in a word or by its own number."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def mailbox_of(settings: Settings) -> Mailbox | None:
    """The mail server that the settings name, or None where no mail is sent; Misconfigured if something is missing."""
    if settings.smtp_host is None:
        return None
    name, address = parseaddr(settings.mail_from or "")
    if address.count("@") != 1 or not address.isascii() or any(letter.isspace() for letter in address):
        raise Misconfigured("With ACCORD_SMTP_HOST, ACCORD_MAIL_FROM must be an address: 'Registry <no-reply@…>'.")
    if settings.public_url is None:
        raise Misconfigured("With ACCORD_SMTP_HOST, ACCORD_PUBLIC_URL must say where people reach the registry.")
    if (settings.smtp_user is None) != (settings.smtp_password is None):
        raise Misconfigured("ACCORD_SMTP_USER and ACCORD_SMTP_PASSWORD go together.")
    password = settings.smtp_password.get_secret_value() if settings.smtp_password else None
    where = (settings.smtp_host, settings.smtp_port, settings.smtp_user, password, settings.smtp_security)
    return Mailbox(*where, sender=address, sender_name=one_line(name), url=settings.public_url)


def message(
    box: Mailbox, id: UUID, letter: Letter, name: str, email: str, institution: str, at: datetime
) -> EmailMessage:
    """The message to one person; the same notice has the same Message-ID however often it is sent.

    ValueError for an address to which no mail can go.
    """
    made = EmailMessage(policy=SMTP)
    made["From"] = _mailbox(box.sender_name or institution, box.sender)
    made["To"] = _mailbox(name, email)
    made["Subject"] = one_line(letter.subject)
    made["Date"] = format_datetime(at)
    made["Message-ID"] = f"<{id}@{box.sender.rpartition('@')[2]}>"
    made["Auto-Submitted"] = "auto-generated"
    made.set_content(letter.body, cte="quoted-printable")
    return made


def _mailbox(name: str, email: str) -> Address:
    local, _at, domain = email.rpartition("@")
    if not local or one_line(email) != email or " " in email:
        raise ValueError("this is no address")
    # A domain in another script has a form in ASCII (UnicodeError, a ValueError, if it has none).
    return Address(one_line(name), local, domain if domain.isascii() else domain.encode("idna").decode("ascii"))


@contextmanager
def connected(box: Mailbox) -> Iterator[smtplib.SMTP]:
    """A connection that is secured as the settings ask, or none at all: MailServerUnreachable."""
    try:
        line = _dialled(box)
    except smtplib.SMTPResponseException as problem:
        raise MailServerUnreachable(str(problem.smtp_code)) from problem
    except ssl.SSLError as problem:
        raise MailServerUnreachable("tls") from problem
    except smtplib.SMTPNotSupportedError as problem:
        raise MailServerUnreachable("not-supported") from problem
    except (OSError, smtplib.SMTPException, UnicodeError) as problem:
        raise MailServerUnreachable("unreachable") from problem
    try:
        yield line
    finally:
        with suppress(OSError, smtplib.SMTPException):
            line.quit()
        line.close()


def _dialled(box: Mailbox) -> smtplib.SMTP:
    context = ssl.create_default_context()
    line: smtplib.SMTP
    if box.security == "tls":
        line = smtplib.SMTP_SSL(box.host, box.port, timeout=box.seconds, context=context)
    else:
        line = smtplib.SMTP(box.host, box.port, timeout=box.seconds)
    try:
        if box.security == "starttls":
            line.starttls(context=context)
        if box.user is not None and box.password is not None:
            line.login(box.user, box.password)
    except BaseException:
        line.close()
        raise
    return line


def deliver(line: smtplib.SMTP, box: Mailbox, mail: EmailMessage) -> Result:
    """Hand over one message to one recipient; MailServerUnreachable if the connection is lost on the way."""
    recipient = mail["To"].addresses[0].addr_spec
    try:
        line.send_message(mail, box.sender, [recipient])
    except smtplib.SMTPRecipientsRefused as problem:
        code = next(iter(problem.recipients.values()))[0]
        return Result("bounced" if code >= 500 and code not in _OURS else "later", str(code))
    except smtplib.SMTPDataError as problem:
        return Result("failed" if problem.smtp_code >= 500 else "later", str(problem.smtp_code))
    except smtplib.SMTPResponseException as problem:
        return Result("later", str(problem.smtp_code))
    except smtplib.SMTPNotSupportedError:
        # An address that is not ASCII, and a server that cannot bear it.
        return Result("bounced", "not-supported")
    except (OSError, smtplib.SMTPException) as problem:
        raise MailServerUnreachable("disconnected") from problem
    return Result("sent")
