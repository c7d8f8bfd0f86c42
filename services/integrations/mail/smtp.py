"""Sending one mail through the company's server, with a Message-ID that is the same at each attempt.

SMTP cannot be asked whether a mail arrived. When the answer to it was lost it is sent again, and who got it
already is not shown it twice: mailboxes know it by its Message-ID.
"""

import hashlib
import smtplib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email.utils import parseaddr
from typing import Any
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.smtp import EmailBackend

from services.effects import crashpoints
from services.integrations.errors import IntegrationError, Refused, Unavailable

PORTS = {"smtp": 25, "smtp+tls": 587, "smtps": 465}
PERMANENT = 500
OURS = "X-Slipway"
crashpoints.declare("mail.sending", "mail.sent")


@dataclass(frozen=True)
class Mail:
    """`key` says which mail it is: the same key is the same mail, however often it is sent."""

    to: str
    subject: str
    text: str
    key: str
    reply_to: str = ""
    answers: tuple[str, ...] = ()  # Message-IDs of the conversation, the oldest first
    is_answer: bool = False  # a machine's answer to somebody's mail (RFC 3834), not news

    @property
    def message_id(self) -> str:
        name, _, domain = parseaddr(settings.MAIL_FROM)[1].rpartition("@")
        told = hashlib.sha256(f"{settings.BASE_URL} {self.key}".encode()).hexdigest()[:16]
        return f"<{self.key}.{told}@{domain if name else 'localhost'}>"


def send(mail: Mail) -> None:
    """Hand it to the server. Raises Refused for what it never takes, and says when the outcome is open."""
    with _connected() as server:
        crashpoints.reached("mail.sending")
        try:
            server.send_messages([_message(mail)])
        except smtplib.SMTPRecipientsRefused as error:
            raise _answered(*next(iter(error.recipients.values()))) from error
        except smtplib.SMTPResponseException as error:
            raise _answered(error.smtp_code, error.smtp_error) from error
        except OSError as error:  # smtplib's other errors are of this family
            raise IntegrationError("The mail server's answer was lost.", outcome_unknown=True) from error
    crashpoints.reached("mail.sent")


def _message(mail: Mail) -> EmailMessage:
    return EmailMessage(
        subject=" ".join(mail.subject.split()),
        body=mail.text,
        from_email=settings.MAIL_FROM,
        to=[mail.to],
        reply_to=[mail.reply_to] if mail.reply_to else None,
        headers=_headers(mail),
    )


def _headers(mail: Mail) -> dict[str, str]:
    """What keeps other machines from answering, and threads together; `X-Slipway` knows our own again."""
    threading = {}
    if mail.answers:
        threading = {"In-Reply-To": mail.answers[-1], "References": " ".join(mail.answers[-10:])}
    return {
        "Message-ID": mail.message_id,
        "Auto-Submitted": "auto-replied" if mail.is_answer else "auto-generated",
        "X-Auto-Response-Suppress": "All",
        OURS: "mail",
        **threading,
    }


@contextmanager
def _connected() -> Iterator[EmailBackend]:
    """A session with the server. What it says to our goodbye changes nothing."""
    server = EmailBackend(**_address(settings.MAIL_URL), timeout=settings.HTTP_TIMEOUT)
    try:
        _open(server)
        yield server
    finally:
        with suppress(OSError):
            server.close()


def _open(server: EmailBackend) -> None:
    """It could not be opened means that nothing was sent."""
    try:
        server.open()
    except smtplib.SMTPResponseException as error:
        raise _answered(error.smtp_code, error.smtp_error) from error
    except OSError as error:
        raise Unavailable(f"The mail server cannot be reached: {error}") from error


def _address(url: str) -> dict[str, Any]:
    """`smtp://`, `smtp+tls://` (STARTTLS) or `smtps://`, with name and password where they are wanted."""
    parts = urlsplit(url)
    return {
        "host": parts.hostname or "localhost",
        "port": parts.port or PORTS[parts.scheme],
        "username": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
        "use_tls": parts.scheme == "smtp+tls",
        "use_ssl": parts.scheme == "smtps",
    }


def _answered(code: int, said: bytes | str) -> IntegrationError:
    text = said.decode(errors="replace") if isinstance(said, bytes) else said
    kind = Refused if code >= PERMANENT else Unavailable
    return kind(f"The mail server says {code}: {text}"[:500])
