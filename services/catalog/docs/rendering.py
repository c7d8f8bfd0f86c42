"""A page of docs as HTML: Markdown without raw HTML, cleaned by an allow-list; links stay inside the docs.

Beyond CommonMark: tables, strikethrough, anchors on headings, and the admonitions of Material for MkDocs.
"""

import posixpath
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

import nh3
from django.utils.html import escape
from django.utils.safestring import SafeString
from markdown_it import MarkdownIt
from markdown_it.token import Token

from portal.shell.markdown import BRACKETS, TAGS

KINDS = {
    "warning": "warn", "caution": "warn", "attention": "warn", "danger": "bad", "error": "bad", "bug": "bad",
    "failure": "bad", "tip": "ok", "success": "ok", "hint": "ok",
}  # fmt: skip
ADMONITION = re.compile(r'^(?:!!!|\?\?\?\+?) +([\w-]+)[^"\n]*(?:"([^"\n]*)")?\s*$')
FENCE = re.compile(r"^ {0,3}(```+|~~~+)")
FRONT = re.compile(r"\A---\n(?:.*\n){0,50}?---\n")
DEEPEST = 3
ATTRIBUTES = {
    "a": {"href", "title"}, "ol": {"start"}, "img": {"src", "alt", "title"}, "th": {"align"}, "td": {"align"},
    **{f"h{n}": {"id"} for n in range(1, 7)},
}  # fmt: skip
CLASSES = {"div": {"admonition", "warn", "bad", "ok"}, "p": {"admonition-title"}}
Resolve = Callable[[str], str]


@dataclass
class Rendered:
    html: SafeString
    headings: list[tuple[int, str, str]] = field(default_factory=list)


def render(text: str, path: str, page_url: Resolve, file_url: Resolve) -> Rendered:
    """`page_url` and `file_url` give the address of a path in the docs, or nothing when it is not there."""
    drawing = _Drawing(posixpath.dirname(path), page_url, file_url, text.count("[") <= BRACKETS)
    html = drawing.blocks(FRONT.sub("", text), 0)
    clean = nh3.clean(
        html,
        tags=TAGS | {"h5", "h6", "img", "div"},
        attributes=ATTRIBUTES,
        allowed_classes=CLASSES,
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer nofollow",
    )
    reachable = clean.replace("<pre>", '<pre tabindex="0">')  # what scrolls must be reached by the keyboard
    return Rendered(SafeString(reachable), drawing.headings)


class _Drawing:
    def __init__(self, folder: str, page_url: Resolve, file_url: Resolve, links: bool) -> None:
        self.folder = folder
        self.page_url = page_url
        self.file_url = file_url
        parser = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
        self.parser = parser if links else parser.disable(["link", "image", "reference"])
        self.headings: list[tuple[int, str, str]] = []
        self.used: dict[str, int] = {}

    def blocks(self, text: str, depth: int) -> str:
        """Markdown with admonitions: each, with what is indented below it, is drawn by itself."""
        lines, drawn, plain, at, fence = text.split("\n"), [], list[str](), 0, ""
        while at < len(lines):
            line = lines[at]
            mark = FENCE.match(line)
            if mark:
                fence = "" if fence and mark[1].startswith(fence) else fence or mark[1]
            opens = None if fence or depth >= DEEPEST else ADMONITION.match(line)
            at += 1
            if not opens:
                plain.append(line)
                continue
            inside: list[str] = []
            while at < len(lines) and (lines[at].startswith("    ") or not lines[at].strip()):
                inside.append(lines[at][4:])
                at += 1
            drawn += [self.markdown("\n".join(plain)), self._admonition(opens, inside, depth)]
            plain = []
        return "".join([*drawn, self.markdown("\n".join(plain))])

    def _admonition(self, opens: re.Match[str], inside: list[str], depth: int) -> str:
        kind = opens[1].lower()
        title = kind.capitalize() if opens[2] is None else opens[2]
        head = f'<p class="admonition-title">{escape(title)}</p>' if title else ""
        body = self.blocks("\n".join(inside), depth + 1)
        return f'<div class="admonition {KINDS.get(kind, "")}">{head}{body}</div>'

    def markdown(self, text: str) -> str:
        tokens = self.parser.parse(text)
        for at, token in enumerate(tokens):
            if token.type == "heading_open":
                self._anchor(token, tokens[at + 1])
            for child in token.children or []:
                self._link(child)
        return str(self.parser.renderer.render(tokens, self.parser.options, {}))

    def _anchor(self, token: Token, inline: Token) -> None:
        words = "".join(
            child.content for child in inline.children or [] if child.type in ("text", "code_inline")
        )
        slug = re.sub(r"[^\w\- ]", "", words.lower()).strip().replace(" ", "-")[:80] or "section"
        self.used[slug] = self.used.get(slug, 0) + 1
        slug = slug if self.used[slug] == 1 else f"{slug}_{self.used[slug] - 1}"
        token.attrSet("id", f"doc-{slug}")
        self.headings.append((int(token.tag[1]), f"doc-{slug}", words[:120]))

    def _link(self, token: Token) -> None:
        if token.type == "link_open":
            address = self._resolved(str(token.attrGet("href") or ""))
            if address:
                token.attrSet("href", address)
            else:
                token.attrs.pop("href", None)
        elif token.type == "image":
            path = self._inside(str(token.attrGet("src") or ""))
            address = self.file_url(path) if path else ""
            if address:
                token.attrSet("src", address)
            else:  # pictures come from the repository only: elsewhere they would tell who reads
                token.type, token.content, token.children = "text", f"[{token.content or 'picture'}]", None

    def _resolved(self, href: str) -> str:
        parts = urlsplit(href) if href.isprintable() else urlsplit("")
        if parts.scheme or parts.netloc:
            return href
        anchor = f"#doc-{unquote(parts.fragment)}" if parts.fragment else ""
        path = self._inside(parts.path)
        if not path:
            return anchor if not parts.path else ""
        if found := self.page_url(path) or self.page_url(posixpath.join(path, "index.md")):
            return found + anchor
        return self.file_url(path)

    def _inside(self, target: str) -> str:
        """The path in the docs that a relative address means; nothing for one that leads out."""
        target = unquote(target.partition("?")[0].partition("#")[0])
        if not target or ":" in target or target.startswith("//") or "\\" in target or "\x00" in target:
            return ""
        base = "" if target.startswith("/") else self.folder
        path = posixpath.normpath(posixpath.join(base, target.lstrip("/")))
        return "" if path == ".." or path.startswith("../") else path.removeprefix("./")
