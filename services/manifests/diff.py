"""What changes in a file, line by line with numbers."""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

CONTEXT: Final = 3
MAX_LINES: Final = (
    4_000  # beyond this a changed file is shown as replaced as a whole: the comparison is quadratic
)


@dataclass(frozen=True)
class Line:
    """`kind` is add, del, same, or skip (unchanged lines left out; `text` says how many)."""

    kind: Literal["add", "del", "same", "skip"]
    old: int | None
    new: int | None
    text: str


@dataclass(frozen=True)
class FileDiff:
    path: str
    status: Literal["added", "changed", "removed"]
    lines: tuple[Line, ...]
    additions: int
    deletions: int
    binary: bool = False


def unified(old: str, new: str, context: int = CONTEXT) -> list[Line]:
    """The changed lines with `context` unchanged ones around them; empty when nothing changed."""
    before, after = old.splitlines(), new.splitlines()
    if before == after:
        return []
    if not before or not after or len(before) + len(after) > MAX_LINES:
        return [*_gone(before, 0, len(before)), *_come(after, 0, len(after))]
    return list(_lines(before, after, context))


def _gone(lines: Sequence[str], start: int, end: int) -> Iterator[Line]:
    return (Line("del", at + 1, None, lines[at]) for at in range(start, end))


def _come(lines: Sequence[str], start: int, end: int) -> Iterator[Line]:
    return (Line("add", None, at + 1, lines[at]) for at in range(start, end))


def _lines(before: Sequence[str], after: Sequence[str], context: int) -> Iterator[Line]:
    shown = 0
    for group in difflib.SequenceMatcher(None, before, after, autojunk=False).get_grouped_opcodes(context):
        skipped = group[0][1] - shown
        if skipped:
            yield Line("skip", None, None, f"{skipped} unchanged")
        for tag, start, end, new_start, new_end in group:
            if tag == "equal":
                yield from (
                    Line("same", start + at + 1, new_start + at + 1, before[start + at])
                    for at in range(end - start)
                )
            else:
                yield from _gone(before, start, end)
                yield from _come(after, new_start, new_end)
        shown = group[-1][2]
    if shown < len(before):
        yield Line("skip", None, None, f"{len(before) - shown} unchanged")


def file_diff(path: str, old: bytes | str | None, new: bytes | str | None) -> FileDiff | None:
    """What happens to one file; None when nothing does. Bytes that are not text are only named."""
    if old is None and new is None:
        return None
    before, after = _text(old), _text(new)
    status: Literal["added", "changed", "removed"] = (
        "added" if old is None else "removed" if new is None else "changed"
    )
    if before is None or after is None:
        return None if old == new else FileDiff(path, status, (), 0, 0, binary=True)
    lines = tuple(unified(before, after))
    if before == after and status == "changed":
        return None
    added = sum(line.kind == "add" for line in lines)
    return FileDiff(path, status, lines, added, sum(line.kind == "del" for line in lines))


def _text(content: bytes | str | None) -> str | None:
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return None


def file_diffs(
    old: Mapping[str, bytes | str | None], new: Mapping[str, bytes | str | None]
) -> list[FileDiff]:
    """The diffs of the files that change; a path absent from `new` is left alone, None removes it."""
    diffs = (file_diff(path, old.get(path), content) for path, content in sorted(new.items()))
    return [diff for diff in diffs if diff is not None]
