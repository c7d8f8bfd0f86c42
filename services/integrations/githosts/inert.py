"""Words of people on another host's page: nothing in them calls anybody, closes, commands or signs.

An invisible space takes apart what a git host or a build acts upon; doing it again changes nothing.
"""

import re

from .names import spoken

_SPACE = "\u200b"
_CALLS = re.compile(r"([@#!&~%$^])(?=[\w\"{])")
_TRAILERS = re.compile(r"(?im)^(\s*[a-z-]+-by)(?=\s*:)")
_COMMANDS = re.compile(r"(?m)^(\s*[/:])(?=[\w:])")


def line(text: str) -> str:
    """Printable, on one line, at most 200 letters."""
    plain = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return _CALLS.sub(rf"\1{_SPACE}", spoken(_without_comments(plain)))[:200]


def body(text: str) -> str:
    """Markdown of ours with people's words in it: mentions, quick actions, trailers and comments are off."""
    shown = _without_comments(text)
    for found in (_CALLS, _TRAILERS, _COMMANDS):
        shown = found.sub(rf"\1{_SPACE}", shown)
    return spoken(shown)


def _without_comments(text: str) -> str:
    return text.replace("<!--", f"<{_SPACE}!--")


def quoted(text: str) -> str:
    """Exactly what somebody said, in a fence longer than any in it."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{text}\n{fence}"


def unquoted(text: str) -> str:
    """What `quoted` was given, out of what came back."""
    found = re.search(r"(?ms)^(`{3,})text\n(.*)\n\1$", text.replace("\r\n", "\n"))
    return found[2] if found else ""
