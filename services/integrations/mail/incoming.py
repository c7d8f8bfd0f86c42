"""A mail as it came, read as far as it can be read: no header, charset or nesting makes this fail.

Parsing is imap_tools' and the standard library's. Charset names are first replaced by those of the supersets
that mail programs mean by them (https://encoding.spec.whatwg.org/#names-and-labels).
"""

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from email.message import Message
from functools import cached_property

from imap_tools import MailMessage
from imap_tools.consts import DEFAULT_EMAIL_DATE  # what it says where a date cannot be read
from imap_tools.utils import parse_email_addresses

from services.integrations.mail.flattening import flatten

LARGEST = 25 * 1024 * 1024
MOST_PARTS = 500
MEANT = {
    b"gb2312": b"gb18030",
    b"gbk": b"gb18030",
    b"x-gbk": b"gb18030",
    b"iso-8859-1": b"windows-1252",
    b"us-ascii": b"utf-8",
    b"ascii": b"utf-8",
    b"iso-8859-9": b"windows-1254",
    b"ks_c_5601-1987": b"cp949",
    b"euc-kr": b"cp949",
    b"shift_jis": b"cp932",
    b"shift-jis": b"cp932",
    b"big5": b"big5hkscs",
    b"iso-8859-8-i": b"iso-8859-8",
    b"unicode-1-1-utf-7": b"utf-7",
}
_NAMES = b"|".join(re.escape(name) for name in sorted(MEANT, key=len, reverse=True))
_LABEL = re.compile(rb"(charset\s*=\s*[\"']?|=\?)(" + _NAMES + rb")(?=[\"'?;\s]|$)", re.IGNORECASE)
_PROVED = re.compile(r"\bdmarc=pass\b", re.IGNORECASE)
_IDS = re.compile(r"<[^<>\s]+>")
_ANY_HEADER = re.compile(rb"[!-9;-~]+[ \t]*:")
_BLANK_LINE = re.compile(rb"\r?\n\r?\n")
LONGEST_HEADERS = 200_000
_KNOWN_HEADERS = re.compile(rb"^(?:Return-Path|Received|From|To|Subject|Date|Message-ID):", re.I | re.M)
_CHARSET = re.compile(rb"charset\s*=\s*[\"']?([\w-]+)", re.IGNORECASE)
WIDE = ("gb18030", "big5", "cp9", "euc", "iso-2022", "koi8", "windows-125", "cp125")
_UNDECLARED = re.compile(rb"^(subject|from|to|cc):[^\r\n]*[\x80-\xff]", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True)
class Attached:
    """A file that came along; `content` as it was decoded."""

    name: str
    content_type: str
    content: bytes

    @property
    def size(self) -> int:
        """In bytes."""
        return len(self.content)


class Incoming:
    """One mail. Everything is text in Unicode; what was not said is empty."""

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self.parsed = MailMessage.from_bytes(_with_meant_charsets(raw))

    @property
    def message(self) -> Message:
        found: Message = self.parsed.obj
        return found

    def header(self, name: str) -> str:
        return " ".join(str(self.message.get(name) or "").split())

    @cached_property
    def sender(self) -> str:
        """The address it says it is from, as it is written there; the first of several."""
        return str(self.parsed.from_)

    @property
    def names_several(self) -> bool:
        """Whether it says that it is from more than one: then it is from nobody in particular."""
        said = parse_email_addresses(self.message["From"] or "")
        return len({one.email.lower() for one in said if one.email}) > 1

    @cached_property
    def sender_name(self) -> str:
        return self.parsed.from_values.name if self.parsed.from_values else ""

    @cached_property
    def to(self) -> tuple[str, ...]:
        return tuple(self.parsed.to)

    @cached_property
    def recipients(self) -> frozenset[str]:
        """Every address it was sent to or came by, in lower case."""
        by = {self.header(name).strip("<>") for name in ("Delivered-To", "X-Original-To", "Envelope-To")}
        return frozenset(
            one.lower() for one in {*self.parsed.to, *self.parsed.cc, *self.parsed.bcc, *by} if one
        )

    @property
    def digest(self) -> str:
        """Of the mail as it came."""
        return digest_of(self.raw)

    def is_proved_by(self, server: str) -> bool:
        """Whether this server, our own, found the sender's domain to stand behind it (RFC 8601, DMARC).

        Only the topmost header of that name counts: what came with the mail stands below it.
        """
        said = [" ".join(str(one).split()) for one in self.message.get_all("Authentication-Results", [])]
        by, _, results = said[0].partition(";") if said else ("", "", "")
        return bool(server) and by.strip().lower() == server.lower() and bool(_PROVED.search(results))

    @cached_property
    def subject(self) -> str:
        return " ".join(self.parsed.subject.split())

    @cached_property
    def date(self) -> datetime | None:
        return None if self.parsed.date == DEFAULT_EMAIL_DATE else self.parsed.date

    @cached_property
    def text(self) -> str:
        """What it says, whole: its plain part, else its HTML as text."""
        plain: str = self.parsed.text
        return plain if plain.strip() else flatten(self.parsed.html)

    @cached_property
    def attachments(self) -> list[Attached]:
        named = self.parsed.attachments[:MOST_PARTS]
        as_sent = MailMessage.from_bytes(self.raw).attachments
        return [
            Attached(one.filename, one.content_type, sent.payload)
            for one, sent in zip(named, as_sent, strict=False)
        ]

    @cached_property
    def message_id(self) -> str:
        """With its angle brackets, as it stands there."""
        said = self.header("Message-ID")
        ids = _IDS.findall(said)
        return ids[0] if ids else said

    @cached_property
    def in_reply_to(self) -> str:
        ids = _IDS.findall(self.header("In-Reply-To"))
        return ids[0] if ids else ""

    @cached_property
    def references(self) -> list[str]:
        """The oldest first."""
        return _IDS.findall(self.header("References"))


def digest_of(raw: bytes) -> str:
    """Sixty-four hexadecimal digits."""
    return hashlib.sha256(raw).hexdigest()


def read(raw: bytes) -> Incoming:
    """Reads any bytes; what is no mail has no sender, and its text is all of it."""
    return Incoming(_from_its_headers(raw.removeprefix(b"\xef\xbb\xbf").lstrip(b"\r\n")))


def _from_its_headers(raw: bytes) -> bytes:
    """Mended headers where they are known to be some: no line above them, no line among them that is none."""
    found = _BLANK_LINE.search(raw, 0, LONGEST_HEADERS)
    head, rest = (raw[: found.start()], raw[found.start() :]) if found else (raw[:LONGEST_HEADERS], b"")
    if not found or len(_KNOWN_HEADERS.findall(head)) < 3:
        return raw
    lines = head.split(b"\n")
    begin = next(at for at, line in enumerate(lines) if _ANY_HEADER.match(line) or line.startswith(b"From "))
    return b"\n".join([lines[begin], *(_as_header(line) for line in lines[begin + 1 :])]) + rest


def _as_header(line: bytes) -> bytes:
    """What is neither a header nor the continuation of one was cut off from the line before."""
    return line if line[:1].isspace() or _ANY_HEADER.match(line) else b" " + line


def _with_meant_charsets(raw: bytes) -> bytes:
    named = _LABEL.sub(lambda found: found[1] + MEANT[found[2].lower()], raw)
    return _UNDECLARED.sub(lambda found: _declared(found[0], named), named)


def _declared(line: bytes, raw: bytes) -> bytes:
    """A header of bytes in no charset, as UTF-8; in a charset that the mail names elsewhere if it fits."""
    named = [found.decode().lower() for found in _CHARSET.findall(raw[:LARGEST])]
    told = sorted({one for one in named if one.startswith(WIDE)}, key=lambda one: one == "windows-1252")
    for charset in ("utf-8", *told, "windows-1252"):
        try:
            return line.decode(charset).encode()
        except (UnicodeDecodeError, LookupError):
            continue
    return line
