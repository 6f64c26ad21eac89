"""Mail by SMTP: connects to the server, sends messages and interprets its answers."""

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

from app.core.errors import Misconfigured
from app.integration.notices.letters import AddressedLetter, one_line
from app.settings import Settings

SECONDS = 15
# Codes that refuse a recipient for a fault of ours: commands out of order, or not signed in.
_OURS = (500, 502, 503, 504, 530, 534, 535, 538)


@dataclass(frozen=True, slots=True)
class Mailbox:
    """The mail server, how to connect to it and the sender's address; `url` is the base URL of the service."""

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
    """Outcome of one message, with the server's code; `later` means that another attempt may succeed."""

    state: Literal["sent", "later", "bounced", "failed"]
    code: str | None = None


class MailServerUnreachable(Exception):
    """The mail server cannot be used at present; `code` is a word or the server's own number."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def mailbox_of(settings: Settings) -> Mailbox | None:
    """The mail server of the settings, None if they name none; Misconfigured if a setting is missing or malformed."""
    if settings.smtp_host is None:
        return None
    name, address = parseaddr(settings.mail_from or "")
    if address.count("@") != 1 or not address.isascii() or any(letter.isspace() for letter in address):
        raise Misconfigured(
            "ACCORD_SMTP_HOST needs ACCORD_MAIL_FROM: set it to an address such as 'Registry <no-reply@…>'."
        )
    if settings.public_url is None:
        raise Misconfigured(
            "ACCORD_SMTP_HOST needs ACCORD_PUBLIC_URL: set it to the URL at which people reach the registry."
        )
    if (settings.smtp_user is None) != (settings.smtp_password is None):
        raise Misconfigured("Set both ACCORD_SMTP_USER and ACCORD_SMTP_PASSWORD, or neither.")
    password = settings.smtp_password.get_secret_value() if settings.smtp_password else None
    where = (settings.smtp_host, settings.smtp_port, settings.smtp_user, password, settings.smtp_security)
    return Mailbox(*where, sender=address, sender_name=one_line(name), url=settings.public_url)


def message(box: Mailbox, addressed: AddressedLetter, at: datetime) -> EmailMessage:
    """Build the message to one person; a letter keeps its Message-ID however often it is sent.

    Raises ValueError for an address to which mail cannot be sent.
    """
    mail = EmailMessage(policy=SMTP)
    mail["From"] = _mailbox(box.sender_name or addressed.institution, box.sender)
    mail["To"] = _mailbox(addressed.name, addressed.email)
    mail["Subject"] = one_line(addressed.letter.subject)
    mail["Date"] = format_datetime(at)
    mail["Message-ID"] = f"<{addressed.id}@{box.sender.rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(addressed.letter.body, cte="quoted-printable")
    return mail


def _mailbox(name: str, email: str) -> Address:
    local, _at, domain = email.rpartition("@")
    if not local or one_line(email) != email or " " in email:
        raise ValueError("not an e-mail address")
    # A domain in another script is encoded as ASCII (IDNA); UnicodeError, a ValueError, if that is impossible.
    return Address(one_line(name), local, domain if domain.isascii() else domain.encode("idna").decode("ascii"))


@contextmanager
def connected(box: Mailbox) -> Iterator[smtplib.SMTP]:
    """Open a connection secured as the settings require; raises MailServerUnreachable."""
    try:
        connection = _connect(box)
    except smtplib.SMTPResponseException as problem:
        raise MailServerUnreachable(str(problem.smtp_code)) from problem
    except ssl.SSLError as problem:
        raise MailServerUnreachable("tls") from problem
    except smtplib.SMTPNotSupportedError as problem:
        raise MailServerUnreachable("not-supported") from problem
    except (OSError, smtplib.SMTPException, UnicodeError) as problem:
        raise MailServerUnreachable("unreachable") from problem
    try:
        yield connection
    finally:
        with suppress(OSError, smtplib.SMTPException):
            connection.quit()
        connection.close()


def _connect(box: Mailbox) -> smtplib.SMTP:
    context = ssl.create_default_context()
    connection: smtplib.SMTP
    if box.security == "tls":
        connection = smtplib.SMTP_SSL(box.host, box.port, timeout=box.seconds, context=context)
    else:
        connection = smtplib.SMTP(box.host, box.port, timeout=box.seconds)
    try:
        if box.security == "starttls":
            connection.starttls(context=context)
        if box.user is not None and box.password is not None:
            connection.login(box.user, box.password)
    except BaseException:
        connection.close()
        raise
    return connection


def deliver(connection: smtplib.SMTP, box: Mailbox, mail: EmailMessage) -> Result:
    """Send one message to one recipient; raises MailServerUnreachable if the connection is lost."""
    recipient = mail["To"].addresses[0].addr_spec
    try:
        connection.send_message(mail, box.sender, [recipient])
    except smtplib.SMTPRecipientsRefused as problem:
        code = next(iter(problem.recipients.values()))[0]
        return Result("bounced" if code >= 500 and code not in _OURS else "later", str(code))
    except smtplib.SMTPDataError as problem:
        return Result("failed" if problem.smtp_code >= 500 else "later", str(problem.smtp_code))
    except smtplib.SMTPResponseException as problem:
        return Result("later", str(problem.smtp_code))
    except smtplib.SMTPNotSupportedError:
        # The address is not ASCII, and the server does not support that.
        return Result("bounced", "not-supported")
    except (OSError, smtplib.SMTPException) as problem:
        raise MailServerUnreachable("disconnected") from problem
    return Result("sent")
