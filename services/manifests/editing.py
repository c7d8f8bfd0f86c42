"""Changing values in a YAML text and nothing else: comments, order, quotes and blank lines stay as they are.

The text is edited where the changed value stands. Each edit is read back: when it does not mean exactly what
was wanted, the mapping or list around it is written anew instead, and at last the document.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

import yaml

from services.manifests.emit import dump
from services.manifests.merging import same
from services.manifests.reader import ManifestError, load_all

STEP: Final = 2
Node = Any  # a yaml.Node; its published types call the marks optional, from text they are not
Span = tuple[int, int, str]


class CannotEdit(ValueError):
    """The text has to be written anew around this place."""


def revise(text: str, wanted: Any, index: int = 0) -> str:
    """The text with document `index` meaning `wanted`; exactly the text where it means that already.

    Raises ManifestError for a text that cannot be read.
    """
    before = [document.data for document in load_all(text)]
    if same(before[index], wanted):
        return text
    if "\r\n" in text and "\n" not in text.replace("\r\n", ""):
        return revise(text.replace("\r\n", "\n"), wanted, index).replace("\n", "\r\n")
    roots = _roots(text, before)
    after = [*before[:index], wanted, *before[index + 1 :]]
    if roots is not None:
        for depth in _depths(before[index], wanted):
            edited = _edited(text, roots[index], before[index], wanted, depth)
            if edited is not None and _means(edited, after):
                return edited
    return _anew(text, after, index, roots)


def _roots(text: str, before: list[Any]) -> list[Node] | None:
    """The nodes of each document; None where they cannot be told apart."""
    found = yaml.compose_all(text, Loader=yaml.CSafeLoader)
    nodes = [node for node in found if node is not None and not _is_empty(node)]
    return nodes if len(nodes) == len(before) and not text.startswith("\ufeff") else None


def _is_empty(node: Node) -> bool:
    """A document with nothing in it, as after a last `---`."""
    return isinstance(node, yaml.ScalarNode) and node.start_mark.index == node.end_mark.index


def _means(text: str, wanted: list[Any]) -> bool:
    try:
        found = [document.data for document in load_all(text)]
    except ManifestError:
        return False
    return len(found) == len(wanted) and all(map(same, found, wanted))


def _depths(before: Any, wanted: Any) -> range:
    """From the deepest place that changes up: how far to go down before a part is written anew."""
    return range(_depth(before, wanted), 0, -1)


def _depth(one: Any, other: Any) -> int:
    if same(one, other):
        return 0
    pairs: list[tuple[Any, Any]] = []
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        pairs = [(one[key], other[key]) for key in one.keys() & other.keys()]
    elif isinstance(one, list) and isinstance(other, list):
        pairs = list(zip(one, other, strict=False))
    return 1 + max((_depth(*pair) for pair in pairs), default=0)


def _edited(text: str, root: Node, before: Any, wanted: Any, depth: int) -> str | None:
    try:
        spans = _Edits(text).of(root, before, wanted, depth, 0)
    except CannotEdit:
        return None
    for start, end, new in sorted(spans, reverse=True):
        text = text[:start] + new + text[end:]
    return text


def _anew(text: str, after: list[Any], index: int, roots: list[Node] | None) -> str:
    if roots is None:
        return dump(after)
    start, end = roots[index].start_mark.index, _end(text, roots[index])
    edited = text[: _line_start(text, start)] + dump([after[index]]).rstrip("\n") + text[end:]
    return edited if _means(edited, after) else dump(after)


class _Edits:
    def __init__(self, text: str) -> None:
        self.text = text

    def of(self, node: Node, before: Any, wanted: Any, depth: int, indent: int) -> list[Span]:
        """What to write where. `indent` is the column of the mapping or list that holds the node."""
        if same(before, wanted):
            return []
        filled = bool(before and wanted)
        if filled and isinstance(before, Mapping) and isinstance(wanted, Mapping):
            if depth > 1 or _only_keys_differ(before, wanted):
                return self.mapping(node, before, wanted, depth)
        elif (
            filled
            and isinstance(before, list)
            and isinstance(wanted, list)
            and (depth > 1 or same(wanted[: len(before)], before))
        ):
            return self.sequence(node, before, wanted, depth)
        return [self.value(node, wanted, indent)]

    def mapping(
        self, node: Node, before: Mapping[str, Any], wanted: Mapping[str, Any], depth: int
    ) -> list[Span]:
        nodes = {key.value: (key, value) for key, value in node.value}
        if nodes.keys() != before.keys():
            raise CannotEdit  # merged in from elsewhere, or keys that are no texts
        column, spans = node.start_mark.column, list[Span]()
        for key in before.keys() & wanted.keys():
            spans += self.of(nodes[key][1], before[key], wanted[key], depth - 1, column)
        gone = [key for key in before if key not in wanted]
        spans += [self.without(node, *nodes[key]) for key in gone]
        fresh = {key: wanted[key] for key in wanted if key not in before}
        if fresh:
            spans.append(self.added(node, fresh, gone, column))
        return spans

    def sequence(self, node: Node, before: list[Any], wanted: list[Any], depth: int) -> list[Span]:
        if len(wanted) < len(before):
            raise CannotEdit
        column, spans = node.start_mark.column, list[Span]()
        for each, old, new in zip(node.value, before, wanted, strict=False):
            spans += self.of(each, old, new, depth - 1, column)
        if fresh := wanted[len(before) :]:
            spans.append(self.appended(node, fresh, column))
        return spans

    def value(self, node: Node, wanted: Any, indent: int) -> Span:
        start, end = node.start_mark.index, _end(self.text, node)
        if isinstance(node, yaml.ScalarNode) and not isinstance(wanted, dict | list):
            return start, end, self.scalar(node, wanted, start == end)
        if _is_flow(node) or not wanted:
            return start, end, (" " if start == end else "") + _flow(wanted)
        if isinstance(node, yaml.ScalarNode):
            lead = "\n" + " " * (indent + STEP)
            start = len(self.text[:start].rstrip(" "))
            return start, end, lead.lstrip(" ") + _block(wanted, indent + STEP)
        return start, end, _block(wanted, node.start_mark.column)

    def scalar(self, node: Node, wanted: Any, is_empty: bool) -> str:
        if isinstance(wanted, str) and node.style == "'" and wanted.isprintable():
            return "'" + wanted.replace("'", "''") + "'"
        if isinstance(wanted, str) and node.style == '"':
            return _flow(wanted)
        if isinstance(wanted, str) and node.style == "|" and _keeps_as_block(wanted):
            return self.block_scalar(node, wanted)
        return (" " if is_empty else "") + _plain(wanted)

    def block_scalar(self, node: Node, wanted: str) -> str:
        first = self.text[node.start_mark.index :].split("\n", 2)[1]
        lead = first[: len(first) - len(first.lstrip(" "))]
        lines = wanted.rstrip("\n").split("\n")
        mark = "|" if wanted.endswith("\n") else "|-"
        return "\n".join([mark, *(lead + line if line else "" for line in lines)])

    def without(self, node: Node, key: Node, value: Node) -> Span:
        if _is_flow(node) or len(node.value) == 1:
            raise CannotEdit
        start = _line_start(self.text, key.start_mark.index)
        if self.text[
            start : key.start_mark.index
        ].strip():  # the first of a list's item: the next takes its place
            following = node.value[1][0].start_mark.index
            if "#" in self.text[key.start_mark.index : following]:
                raise CannotEdit
            return key.start_mark.index, following, ""
        return start, _line_end(self.text, _end(self.text, value)) + 1, ""

    def added(self, node: Node, fresh: Mapping[str, Any], gone: list[str], column: int) -> Span:
        last_key, last = node.value[-1]
        if _is_flow(node):
            end = node.end_mark.index - 1
            more = ", ".join(f"{_flow(key)}: {_flow(value)}" for key, value in fresh.items())
            return end, end, f", {more}"
        if last_key.value in gone:
            raise CannotEdit
        at = _line_end(self.text, _end(self.text, last))
        return at, at, "\n" + " " * column + _block(dict(fresh), column)

    def appended(self, node: Node, fresh: list[Any], column: int) -> Span:
        if _is_flow(node):
            end = node.end_mark.index - 1
            return end, end, "".join(f", {_flow(each)}" for each in fresh)
        at = _line_end(self.text, _end(self.text, node))
        return at, at, "\n" + " " * column + _block(fresh, column)


def _only_keys_differ(before: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    return all(same(before[key], wanted[key]) for key in before.keys() & wanted.keys())


def _is_flow(node: Node) -> bool:
    return not isinstance(node, yaml.ScalarNode) and bool(node.flow_style)


def _end(text: str, node: Node) -> int:
    """Where the last thing of a node ends; marks of block nodes are at what follows them."""
    if isinstance(node, yaml.ScalarNode) or _is_flow(node) or not node.value:
        start: int = node.start_mark.index
        return start + len(text[start : node.end_mark.index].rstrip())
    last = node.value[-1]
    return _end(text, last[1] if isinstance(last, tuple) else last)


def _line_start(text: str, at: int) -> int:
    return text.rfind("\n", 0, at) + 1


def _line_end(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end


def _keeps_as_block(text: str) -> bool:
    lines = text.split("\n")
    plain = all(line == line.rstrip() and line.isprintable() for line in lines)
    return plain and bool(lines[0]) and not lines[0].startswith(" ") and not text.endswith("\n\n")


def _plain(value: Any) -> str:
    """One line that any reader takes for exactly this value."""
    text = dump([{"x": value}]).rstrip("\n")
    return text.removeprefix("x: ") if "\n" not in text else json.dumps(value, ensure_ascii=True)


def _flow(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _block(value: Any, column: int) -> str:
    """A mapping or list as it is written at a column, without the blanks before its first line."""
    lines = dump([value]).rstrip("\n").split("\n") if isinstance(value, dict) else _items(value)
    return ("\n" + " " * column).join(lines)


def _items(items: list[Any]) -> list[str]:
    lines = []
    for item in items:
        if isinstance(item, dict) and item:
            first, *rest = dump([item]).rstrip("\n").split("\n")
            lines += [f"- {first}", *(f"  {line}" for line in rest)]
        else:
            lines.append(f"- {_flow(item) if isinstance(item, dict | list) else _plain(item)}")
    return lines
