"""People's Markdown as HTML: no raw HTML in, and whatever comes out is cleaned by an allow-list."""

from functools import lru_cache

import nh3
from django.utils.safestring import SafeString
from markdown_it import MarkdownIt

TAGS = {
    "a", "blockquote", "br", "code", "del", "em", "h1", "h2", "h3", "h4", "hr", "li", "ol", "p", "pre", "s",
    "strong", "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip
ATTRIBUTES = {"a": {"href", "title"}, "ol": {"start"}}
SCHEMES = {"http", "https", "mailto"}
LONGEST = 50_000
SHORT = 4_000  # what is kept of these takes some megabytes at most
# With more brackets than that nothing is a link any more: the parser tries every one with every other, which
# takes seconds where a call lands on the edge of the interpreter's stack of frames.
BRACKETS = 1000


@lru_cache(maxsize=2)
def _parser(links: bool) -> MarkdownIt:
    made = MarkdownIt("commonmark", {"html": False, "breaks": True}).enable(["table", "strikethrough"])
    return made if links else made.disable(["link", "image", "reference"])


def _html(text: str) -> str:
    return str(_parser(text.count("[") <= BRACKETS).render(text[:LONGEST]))


def render(text: str) -> SafeString:
    """Clean HTML inside `<div class="prose">`; images become nothing, links leave without a referrer."""
    return _kept(text) if len(text) <= SHORT else _render(text)


@lru_cache(1000)
def _kept(text: str) -> SafeString:
    """What was said is drawn again each time somebody looks."""
    return _render(text)


def _render(text: str) -> SafeString:
    clean = nh3.clean(
        _html(text),
        tags=TAGS,
        attributes=ATTRIBUTES,
        url_schemes=SCHEMES,
        link_rel="noopener noreferrer nofollow",
    )
    return SafeString(f'<div class="prose">{clean}</div>')


def plain(text: str, length: int = 200) -> str:
    """The words alone, on one line: for lists and notifications."""
    words = nh3.clean(_html(text), tags=set())
    line = " ".join(words.split())
    return line if len(line) <= length else line[: length - 1].rstrip() + "…"
