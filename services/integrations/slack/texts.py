"""What somebody wrote in Slack, as Markdown for others: references become what one sees and where it leads.

https://docs.slack.dev/messaging/formatting-message-text#retrieving-messages
"""

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

_MARKED = re.compile(r"<([@#!]?)([^<>|\n]*)(?:\|([^<>\n]*))?>")
EVERYBODY = ("channel", "here", "everyone")
HOSTS = ("slack.com", "slack-files.com")
NO_TEXT = "The message has no text."
MOST_FILES = 20


def said(message: Mapping[str, Any], name_of: Callable[[str], str], host: str = "") -> str:
    """The words of a message, with its files as links; never empty. `name_of` says what one is called."""
    text = message.get("text")
    found = read(text if isinstance(text, str) else "", name_of).replace("\x00", "").strip()
    files = files_of(message, host)
    listed = "\n".join(f"- [{_label(name)}]({url})" if url else f"- {_label(name)}" for name, url in files)
    under = f"Files in Slack:\n\n{listed}" if files else ""
    return "\n\n".join(part for part in (found, under) if part) or NO_TEXT


def read(text: str, name_of: Callable[[str], str]) -> str:
    """Text as Slack sends it, as one reads it."""
    shown = _MARKED.sub(lambda found: _shown(found[1], found[2], found[3] or "", name_of), text)
    return shown.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _shown(kind: str, about: str, label: str, name_of: Callable[[str], str]) -> str:
    if kind == "@":
        return name_of(about) or label or "somebody"
    if kind == "#":
        return f"#{label or about}"
    if kind == "!":
        word = about.partition("^")[0]
        return f"(everybody: {word})" if word in EVERYBODY else label.lstrip("@") or word
    address = about.removeprefix("mailto:")
    plain = label in ("", about, address, re.sub(r"^https?://", "", about))
    return address if plain else f"{label} ({about})"


def without_mention(text: str, slack_id: str) -> str:
    """What is said to the one who is named."""
    return re.sub(rf"<@{re.escape(slack_id)}(?:\|[^<>]*)?>", "", text).strip(" ,:")


def files_of(message: Mapping[str, Any], host: str = "") -> list[tuple[str, str]]:
    """Name and address of each file; one that is not kept by Slack has no address, for it leads elsewhere."""
    rows = message.get("files")
    found = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    return [
        (str(row.get("name") or "a file"), _kept(row.get("permalink"), host)) for row in found[:MOST_FILES]
    ]


def _kept(url: Any, host: str) -> str:
    try:
        parts = urlsplit(url if isinstance(url, str) else "")
        where, odd = parts.hostname or "", parts.username or parts.port
    except ValueError:
        return ""
    ours = where == host or any(where == each or where.endswith(f".{each}") for each in HOSTS)
    clean = isinstance(url, str) and not re.search(r"[\s()<>\"'\\]", url)
    return str(url) if parts.scheme == "https" and ours and clean and not odd else ""


def _label(name: str) -> str:
    return re.sub(r"[\[\]()<>`*_\\!\n\r\x00]", " ", name)[:100].strip() or "a file"
