"""Taking mails out of an inbox by IMAP (RFC 3501): what is unseen, marked as seen only once it was taken.

The server is asked by UID for the mail as it stands there. What is cut off between taking and marking comes
again: whoever takes it knows a mail by its Message-ID.
"""

import imaplib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import unquote, urlsplit

from django.conf import settings
from imap_tools import BaseMailBox, MailBox, MailBoxStartTls, MailBoxUnencrypted, MailMessageFlags
from imap_tools.errors import ImapToolsError

from services.effects import crashpoints
from services.integrations.errors import Refused, Unavailable

KINDS: dict[str, tuple[Any, int]] = {
    "imap": (MailBoxUnencrypted, 143),
    "imap+tls": (MailBoxStartTls, 143),
    "imaps": (MailBox, 993),
}
MOST = 50
crashpoints.declare("mail.taken")


def take_unseen(take: Callable[[bytes], Any], *, most: int = MOST) -> int:
    """Call `take` with each unseen mail, the oldest first; how many there were.

    Raises Refused for a wrong name or password, Unavailable when the server is away or goes away.
    """
    with _inbox(settings.MAIL_INBOX) as box:
        found = box.uids("UNSEEN")[:most]
        for uid in found:
            take(_raw(box, uid))
            crashpoints.reached("mail.taken")
            box.flag([uid], MailMessageFlags.SEEN, True)
    return len(found)


def _raw(box: BaseMailBox, uid: str) -> bytes:
    """The mail as it stands there; PEEK leaves it unseen."""
    _, parts = box.client.uid("fetch", uid, "(BODY.PEEK[])")
    return next((bytes(part[1]) for part in parts if isinstance(part, tuple)), b"")


@contextmanager
def _inbox(url: str) -> Iterator[BaseMailBox]:
    """`imaps://name:password@host/Folder`, `imap+tls://` (STARTTLS), or `imap://` without encryption."""
    parts = urlsplit(url)
    folder = unquote(parts.path.strip("/")) or "INBOX"
    try:
        kind, port = KINDS[parts.scheme]
        box = kind(parts.hostname or "", parts.port or port, settings.HTTP_TIMEOUT)
        with _closed(box):
            box.login(unquote(parts.username or ""), unquote(parts.password or ""), folder)
            yield box
            box.logout()
    except (OSError, imaplib.IMAP4.abort) as error:
        raise Unavailable(f"The inbox cannot be reached: {error}") from error
    except (ImapToolsError, imaplib.IMAP4.error) as error:
        raise Refused(f"The inbox says: {error}"[:500]) from error


@contextmanager
def _closed(box: BaseMailBox) -> Iterator[None]:
    """Whatever was said last, the line is closed."""
    try:
        yield
    finally:
        with suppress(OSError):
            box.client.shutdown()
