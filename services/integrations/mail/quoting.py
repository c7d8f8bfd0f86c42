"""What somebody wrote, apart from what their mail program quoted beneath it. Nothing is lost: it is folded.

Mail programs begin a quotation in three ways: each line with `>`; one sentence that says when who wrote ("On
… wrote:"), in the reader's language; or a copy of the quoted mail's headers. Each is told by its shape, words
of many languages only help, so that a language not listed here is mostly understood too.
"""

import re
from dataclasses import dataclass
from itertools import takewhile

# "He wrote" and its kin, at the end of the sentence before a quotation.
WROTE = (
    r"wrote|writes|said|schrieb|schreef|geschreven|écrit|escribió|escribio|escreveu|scritto|scrisse|skrev|"
    r"kirjoitti|napisał|napisał\(a\)|napísal|napsal|napsal\(a\)|írta|scris|написал|написала|написав|пише|пишет|писал|"
    r"yazdı|έγραψε|כתב|كتب|寫道|写道|作成|작성|さん"
)
BEGINS = (
    r"on|am|le|op|el|il|em|den|på|dne|dnia|w dniu|la|kl|in article|at|vào|în|в|"
    r"[-*]?\s*le|[-–—]\s*on|\d{1,4}[-./年]"
)
# From, in the languages of mail programs; the header block that follows is told by its shape.
FROM = (
    r"from|von|van|de|da|fra|från|od|feladó|от|от кого|від|gönderen|από|kimden|发件人|寄件者|差出人|"
    r"보낸 사람|מאת|من|expéditeur|mittente|remitente|remetente|afzender|lähettäjä|nadawca|odesílatel"
)
SENT_FROM = (
    r"sent (from|via|by|on|using) |get outlook for |von meinem .{1,40} gesendet|gesendet (mit|von) |"
    r"envoyé (de|depuis|à partir)|enviado (desde|do|de|a partir) |inviato (da|dal) |"
    r"verzonden (vanaf|met|via) |verstuurd vanaf |sendt fra |skickat från |wysłane z |odesláno z |"
    r"отправлено (с|из) |lähetetty |iphoneから送信|发自我的"
)

QUOTED = re.compile(r"\s{0,3}>")
HEADER = re.compile(r"\s{0,12}>?\s{0,3}[*_]?\s?[^\s:：][^:：]{0,24}\s?[*_]?[:：][*_]?(\s|\S)")
FROM_LINE = re.compile(rf"\s{{0,12}}[*_]?({FROM})\s?[*_]?\s?[:：]", re.IGNORECASE)
RULE = re.compile(r"\s*([-_=*]\s?){5,}\s*$")
ANNOUNCED = re.compile(
    r"\s*[-_=*]{2,}\s?\S.{0,60}\S\s?[-_=*]{2,}\s*$|\s*begin forwarded message:\s*$", re.IGNORECASE
)
CLOCK = re.compile(r"\d{1,2}[:.h]\d{2}|\b(19|20)\d{2}\b|\d{1,2}[./-]\d{1,2}[./-]\d{2,4}")
ADDRESS = re.compile(r"\S@\S|mailto:")
ENDS = re.compile(rf"({WROTE}).{{0,120}}[:：]\s*$", re.IGNORECASE)
STARTS = re.compile(rf"\s{{0,3}}[-*–—]?\s?({BEGINS})", re.IGNORECASE)
SIGNED = re.compile(r"\s{0,2}(--|—|–|__)\s*$")
DEVICE = re.compile(rf"\s{{0,3}}[-*_<\[(]?({SENT_FROM}).{{0,120}}$", re.IGNORECASE)
# Nothing that says anything; the one letter is what a mail tracker leaves behind.
IDLE = re.compile(r"[\s\W_ᐧ]*$")
FOOTER = re.compile(r"_{30,}\s*$")
BROKEN_OFF = re.compile(r"\s*>\s?[:：]\s*$")

LONGEST_INTRODUCTION = 4
FEWEST_HEADERS = 3
MOST_LINES = 50_000


@dataclass(frozen=True)
class Parts:
    """`reply` and `quoted` together hold every line that says something."""

    reply: str
    quoted: str


def split(text: str, marker: str = "") -> Parts:
    """What the person wrote, and what follows or precedes it; below `marker`, our own line, all is quoted.

    Answers written between quoted lines keep those lines: without them nobody would understand them.
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    kinds = _kinds(lines, marker)
    own = [at for at, kind in enumerate(kinds) if kind == "own" and not IDLE.match(lines[at])]
    if not own:
        return _nothing_own(lines, kinds)
    begin, end = _without_leading_quote(kinds, own), own[-1] + 1
    kept = lines[begin:end]
    return Parts(_tidy(kept), _tidy(lines[:begin] + lines[end:]))


def _kinds(lines: list[str], marker: str) -> list[str]:
    """own, quote (a quoted line), rest (all below is another mail) or signature, for each line."""
    kinds, at = ["rest"] * len(lines), 0
    while at < min(len(lines), MOST_LINES):
        if (marker and marker in lines[at]) or _is_copy(lines, at):
            return kinds
        until = _introduction(lines, at)
        if until and not _quoted_after(lines, until):
            if STARTS.match(lines[at]):
                return kinds
            until = 0
        kind, until = ("quote", until) if until else (_kind(lines[at]), at + 1)
        if kind == "own" and _is_footer(lines, at):
            kind, until = "signature", len(lines)
        elif kind == "signature":
            until = _end_of_signature(lines, at)
        kinds[at:until] = [kind] * (until - at)
        at = until
    return kinds


def _kind(line: str) -> str:
    if QUOTED.match(line):
        return "quote"
    return "signature" if SIGNED.match(line) or DEVICE.match(line) else "own"


def _is_footer(lines: list[str], at: int) -> bool:
    """What a mailing list adds below everything: a rule, and a few lines with an address."""
    if not FOOTER.match(lines[at]):
        return False
    below = [line for line in lines[at + 1 :] if line.strip()]
    return len(below) <= 6 and any("://" in line for line in below)


def _end_of_signature(lines: list[str], at: int) -> int:
    """`-- ` signs all that follows but quotations and copies; a line about a device is one line."""
    if not SIGNED.match(lines[at]):
        return at + 1
    following = takewhile(
        lambda number: (
            not (QUOTED.match(lines[number]) or _introduction(lines, number) or _is_copy(lines, number))
        ),
        range(at + 1, len(lines)),
    )
    return at + 1 + sum(1 for _ in following)


def _introduction(lines: list[str], at: int) -> int:
    """Where a sentence such as "On Tuesday she wrote:" that begins here ends; 0 where none begins."""
    if not STARTS.match(lines[at]) and not CLOCK.search(lines[at]) and not ENDS.search(lines[at]):
        return 0
    said = ""
    for number in range(at, min(at + LONGEST_INTRODUCTION, len(lines))):
        if not lines[number].strip() or (QUOTED.match(lines[number]) and not BROKEN_OFF.match(lines[number])):
            return 0
        said = f"{said} {lines[number].strip()}".strip()
        if said.endswith((":", "：")):
            return number + 1 if _introduces(said) else 0
    return 0


def _introduces(said: str) -> bool:
    """It says when, and who or that they wrote."""
    signs = (bool(CLOCK.search(said)), bool(ADDRESS.search(said)), bool(ENDS.search(said)))
    return sum(signs) >= 2 and len(said) < 400


def _quoted_after(lines: list[str], at: int) -> bool:
    """Whether `>` marks what the introduction announces; else all that follows is quoted."""
    following = next((line for line in lines[at:] if line.strip()), "")
    return bool(QUOTED.match(following))


def _is_copy(lines: list[str], at: int) -> bool:
    """Whether the headers of another mail begin here, perhaps below a rule or an announcement."""
    line = lines[at]
    if RULE.match(line) or ANNOUNCED.match(line):
        following = [number for number in range(at + 1, min(at + 4, len(lines))) if lines[number].strip()]
        return bool(following) and _has_headers(lines, following[0])
    return bool(FROM_LINE.match(line)) and _has_headers(lines, at)


def _has_headers(lines: list[str], at: int) -> bool:
    """Labels and values, at least three in a row, perhaps with a value that goes on in the next line."""
    if not FROM_LINE.match(lines[at]) and not HEADER.match(lines[at]):
        return False
    block = list(takewhile(lambda line: bool(line.strip()), lines[at : at + 10]))
    return sum(1 for line in block if HEADER.match(line)) >= FEWEST_HEADERS


def _without_leading_quote(kinds: list[str], own: list[int]) -> int:
    """Where the reply begins: below one quotation that it follows as a whole, else at the top."""
    first, last = own[0], own[-1]
    answered_between = "quote" in kinds[first:last]
    return first if "quote" in kinds[:first] and not answered_between else 0


def _nothing_own(lines: list[str], kinds: list[str]) -> Parts:
    """A mail passed on without a word: its headers are folded, what it says is what is sent."""
    start = next((at for at, line in enumerate(lines) if line.strip()), 0)
    if lines and _is_copy(lines, start):
        head = next((at for at in range(start + 1, len(lines)) if FROM_LINE.match(lines[at])), start)
        blank = next((at for at in range(head, len(lines)) if not lines[at].strip()), len(lines))
        if any(line.strip() for line in lines[blank:]):
            return Parts(_tidy(lines[blank:]), _tidy(lines[:blank]))
    return Parts("", _tidy(lines))


def _tidy(lines: list[str]) -> str:
    return "\n".join(line.rstrip() for line in lines).strip("\n")
