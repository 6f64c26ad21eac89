"""A mail server on this machine, and the mailer of a house that sends through it."""

import email
import email.policy
from collections.abc import Callable
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from app.operations.background.mail_sender import Postman, postman_of
from app.settings import Settings
from tests.installation import House, Person

URL = "https://registry.example.org"


@dataclass
class MailServer:
    """A mail server on this machine: the mails it accepted, and the addresses it refuses."""

    port: int
    mails: list[EmailMessage] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    refuses: dict[str, str] = field(default_factory=dict)
    refuses_all: str | None = None
    looks: Callable[[], object] | None = None

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Accept or refuse a recipient."""
        if address in self.refuses:
            return self.refuses[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Accept or refuse a message."""
        if self.looks is not None:
            self.looks()
        if self.refuses_all is not None:
            return self.refuses_all
        content = envelope.original_content or b""
        self.raw.append(content)
        self.mails.append(email.message_from_bytes(content, EmailMessage, policy=email.policy.default))
        return "250 OK"

    def start(self) -> Controller:
        """Listen, always on the same port."""
        controller = Controller(self, hostname="127.0.0.1", port=self.port)
        controller.start()
        return controller

    def to(self, person: Person) -> list[EmailMessage]:
        """The mails to one person."""
        address = f"{person.name.lower().replace(' ', '.')}@example.org"
        return [mail for mail in self.mails if mail["To"].addresses[0].addr_spec == address]

    def clear(self) -> None:
        """Forget the mails."""
        self.mails.clear()
        self.raw.clear()


def mailing(settings: Settings, server: MailServer, **more: Any) -> Settings:
    """The settings that send mail through that server."""
    smtp = {"smtp_host": "127.0.0.1", "smtp_port": server.port, "smtp_security": "none", "public_url": URL}
    return settings.model_copy(update={**smtp, "mail_from": "Registry <no-reply@example.org>", **more})


def postman_on(house: House, server: MailServer, **more: Any) -> Postman:
    """A mailer of the house that starts with the events from now on."""
    seams = house.app.state.seams
    mailer = postman_of(seams, lambda: seams.entropy("postman"), mailing(house.settings, server, **more))
    assert mailer is not None
    return mailer
