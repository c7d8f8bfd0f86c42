"""By what a mail shows which ticket it belongs to: signs only the portal can make, for they are signed.

They stand in the address to reply to (`help+t1042.0f…@`), in the Message-ID of what the portal sends, and in
the last line of its text, for mail programs drop one or the other.
"""

import hmac
import re
from collections.abc import Iterable, Iterator
from email.utils import parseaddr
from hashlib import sha256

from django.conf import settings

from services.integrations.mail.incoming import Incoming

SIGN = re.compile(r"\bt(\d{1,9})\.([0-9a-f]{16})(?![0-9a-f])", re.IGNORECASE)
SUBJECT = re.compile(r"\[T-(\d{1,9})\]", re.IGNORECASE)
MARKER = "Please write your answer above this line"


def sign(number: int) -> str:
    """`t1042.` and sixteen hexadecimal digits of a keyed hash."""
    told = hmac.new(settings.SECRET_KEY.encode(), f"helpdesk.mail {number}".encode(), sha256)
    return f"t{number}.{told.hexdigest()[:16]}"


def number_in(texts: Iterable[str]) -> int | None:
    """The number of the first true sign in these texts."""
    for text in texts:
        for found in SIGN.finditer(text):
            number = int(found[1])
            if hmac.compare_digest(sign(number), found[0].lower()):
                return number
    return None


def number_in_subject(subject: str) -> int | None:
    """What a subject claims; anybody can write it."""
    found = SUBJECT.search(subject)
    return int(found[1]) if found else None


def inbox() -> str:
    """The address that mails for the help desk go to, without a name; "" where there is none."""
    return parseaddr(settings.MAIL_HELP)[1].lower()


def reply_address(number: int) -> str:
    """Where an answer to a ticket's mail goes: the inbox, with the ticket's sign behind a plus (RFC 5233)."""
    name, _, domain = inbox().partition("@")
    return f"{name}+{sign(number)}@{domain}" if name else ""


def ours() -> frozenset[str]:
    """The addresses from which the portal itself writes."""
    return frozenset(one for one in (parseaddr(settings.MAIL_FROM)[1].lower(), inbox()) if one)


def places(mail: Incoming) -> Iterator[str]:
    """Where a sign may stand, the surest first: who it is to, what it answers, its text."""
    yield from sorted(mail.recipients)
    yield mail.in_reply_to
    yield from reversed(mail.references)
    yield mail.text[-50_000:]
