"""YAML and diffs as HTML, escaped piece by piece; for thousands of lines a template is too slow."""

import re
from collections.abc import Collection, Iterable
from typing import Any

from django.utils.html import escape, format_html
from django.utils.safestring import SafeString

LINE = re.compile(
    r"(?P<lead>\s*(?:- )*)"
    r"(?:(?P<key>[^\s#:'\"\-][^:#]*|'[^']*'|\"[^\"]*\"):(?=\s|$))?"
    r"(?P<rest>.*)",
    re.S,
)
COMMENT = re.compile(r"(^|\s)#.*$")
NUMBER = re.compile(r"\s*-?[\d.]+(?:[a-zA-Z]{1,2})?\s*|\s*(?:true|false|null)\s*")
MARKS = {"add": "+", "del": "−"}


def yaml(text: str) -> SafeString:
    """One line of YAML with its key, value and comment marked."""
    comment = COMMENT.search(text)
    quoted = comment is not None and text[: comment.start()].count('"') % 2
    body, tail = (
        (text, "") if comment is None or quoted else (text[: comment.start()], text[comment.start() :])
    )
    found = LINE.fullmatch(body)
    if found is None:
        return SafeString(escape(text))
    parts: list[str] = [escape(found["lead"])]
    if found["key"]:
        parts.append(f'<span class="k">{escape(found["key"])}</span>:')
    if found["rest"].strip():
        tone = "v" if NUMBER.fullmatch(found["rest"]) else "s"
        parts.append(f'<span class="{tone}">{escape(found["rest"])}</span>')
    if tail:
        parts.append(f'<span class="c">{escape(tail)}</span>')
    return SafeString("".join(parts))


def lines(rows: Iterable[Any], hits: Collection[int] = ()) -> SafeString:
    """Diff lines (`kind`, `old`, `new`, `text`) as rows of code; `hits` are numbers of blocked lines."""
    return SafeString("".join(_row(row, hits) for row in rows))


def whole(text: str, hits: Collection[int] = ()) -> SafeString:
    """A file as it will be, without marks of change."""
    return SafeString(
        "".join(
            _line("", number, "", text_line, number in hits)
            for number, text_line in enumerate(text.splitlines(), 1)
        )
    )


def numbered(number: int, text: str, hit: bool = False) -> SafeString:
    """One line of a text in whatever language, escaped, with its number and an anchor."""
    return format_html(
        '<span class="{}" data-n="{}" id="L{}"><span class="m"></span><span class="t">{}</span></span>',
        "l hit" if hit else "l", number, number, text,
    )  # fmt: skip


def _row(row: Any, hits: Collection[int]) -> str:
    if row.kind == "skip":
        return f'<span class="fold-l">{escape(row.text)}</span>'
    number = row.new if row.new is not None else row.old
    kind = row.kind if row.kind in MARKS else ""
    return _line(kind, number, MARKS.get(row.kind, ""), row.text, row.new is not None and row.new in hits)


def _line(kind: str, number: int | None, mark: str, text: str, hit: bool) -> str:
    classes = " ".join(part for part in ("l", kind, "hit" if hit else "") if part)
    return (
        f'<span class="{classes}" data-n="{number or ""}"><span class="m">{mark}</span>'
        f'<span class="t">{yaml(text)}</span></span>'
    )
