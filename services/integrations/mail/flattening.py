"""HTML mail as text: what a person would read, with quotations marked as plain mail marks them (`> `)."""

import re
from html.parser import HTMLParser

HIDDEN = frozenset({"style", "script", "head", "title", "template", "noscript"})
BLOCKS = frozenset(
    {
        "address", "article", "aside", "blockquote", "center", "dd", "div", "dl", "dt", "fieldset", "footer",
        "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "nav", "ol", "p", "pre",
        "section", "table", "tr", "ul",
    }
)  # fmt: skip
APART = frozenset({"p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "table", "pre", "blockquote"})
DEEPEST = 200


class _Flat(HTMLParser):
    """Collects lines. Unclosed and unknown elements cost nothing but their meaning."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.lines: list[str] = [""]
        self.open: list[str] = []
        self.hidden = self.quoted = self.kept = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "br":
            self._line()
        elif tag in ("td", "th") and self.lines[-1].strip("> "):
            self._write(" ")
        elif tag in BLOCKS or tag in HIDDEN:
            self._block(tag, 1)
        if tag == "li":
            self._write("- ")
        if tag == "img" and (said := dict(attrs).get("alt")):
            self._write(f"[{said}]")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in BLOCKS or tag in HIDDEN:
            self._block(tag, -1)

    def handle_data(self, data: str) -> None:
        if self.hidden:
            return
        if self.kept:
            for number, line in enumerate(data.split("\n")):
                if number:
                    self._line()
                self._write(line)
            return
        text = re.sub(r"[ \t\r\n\f]+", " ", data)
        self._write(text.lstrip(" ") if not self.lines[-1].strip("> ") else text)

    def _block(self, tag: str, by: int) -> None:
        if self.lines[-1].strip("> "):
            self._line()
        if tag in APART and self.lines[-2:-1] and self.lines[-2].strip("> "):
            self._line()
        if tag in HIDDEN:
            self.hidden = max(0, self.hidden + by)
        elif tag == "pre":
            self.kept = max(0, self.kept + by)
        elif tag == "blockquote":
            self.quoted = min(max(0, self.quoted + by), DEEPEST)
            self.lines[-1] = self._margin()

    def _line(self) -> None:
        self.lines.append(self._margin())

    def _margin(self) -> str:
        return ">" * min(self.quoted, 9) + (" " if self.quoted else "")

    def _write(self, text: str) -> None:
        if not self.hidden:
            self.lines[-1] += text


def flatten(html: str) -> str:
    """The text of an HTML mail, without trailing space and without more than one empty line in a row."""
    flat = _Flat()
    flat.feed(html)
    flat.close()
    lines = [line.replace("\xa0", " ").rstrip() for line in flat.lines]
    while lines and not lines[-1].strip("> "):
        lines.pop()
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
