"""Templates on the parsed tree: a value fills a place in it and can never become more than a value.

- `${{ expression }}` alone in a string gives the expression's value with its type, else its text.
- `{$if: condition, …}` leaves out the whole mapping (and its place) unless the condition holds; with `$then`
  and `$else` it chooses between two values of any kind.
- `{$each: list, $as: name, $do: template}` gives a list, spliced into the list it stands in; with `$key` a
  mapping.
- `$${{` and `$$name` stand for the same without the first `$`.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from services.manifests import annotations, functions, pointers
from services.manifests.expressions import Expression, ExpressionError, Scope, compile_expression
from services.manifests.pointers import Path
from services.manifests.reader import Document

MAX_EACH: Final = 500
MAX_EACH_DEPTH: Final = 2
MISSING: Final = object()


class RenderError(ValueError):
    """A template that cannot be read or filled in; names file, line and path of the place."""

    def __init__(self, message: str, where: "Where") -> None:
        place = f"{where.file}:{where.line}" if where.file else f"line {where.line}" if where.line else ""
        path = pointers.text(where.path)
        super().__init__(": ".join(part for part in (place, path, message) if part))
        self.message = message
        self.file = where.file
        self.line = where.line
        self.path = path


@dataclass(frozen=True)
class Where:
    path: Path
    file: str = ""
    line: int = 0


Filled = Callable[[Scope], Any]


@dataclass(frozen=True)
class Template:
    """A tree that was read once and can be filled in many times; `names` are the variables it uses."""

    fill: Filled
    names: frozenset[str]

    def render(self, variables: Mapping[str, Any] | Scope) -> Any:
        """The filled tree, or None when its outermost `$if` does not hold."""
        scope = variables if isinstance(variables, Scope) else Scope(variables)
        result = self.fill(scope)
        return None if result is MISSING else result


def render(tree: Any, variables: Mapping[str, Any] | Scope) -> Any:
    """Fill in a tree (or a `Document`) once."""
    return compile_template(tree).render(variables)


def compile_template(tree: Any) -> Template:
    """Read a tree or `Document`; every mistake that shows without values is a `RenderError` now."""
    compiler = _Compiler(tree if isinstance(tree, Document) else Document(0, 0, tree))
    fill = compiler.node(compiler.document.data, ())
    return Template(fill, frozenset(compiler.names))


_SKIP = re.compile(r"""[rRbB]{0,2}(?:"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')|[{}]""", re.DOTALL)


def split_text(text: str) -> Iterator[tuple[bool, str]]:
    """The parts of a string: (True, expression) or (False, literal text); ValueError for one left open."""
    at = 0
    while (start := text.find("${{", at)) >= 0:
        if start > 0 and text[start - 1] == "$":
            yield False, text[at : start - 1] + "${{"
            at = start + 3
            continue
        if start > at:
            yield False, text[at:start]
        end = _end_of(text, start + 3)
        yield True, text[start + 3 : end].strip()
        at = end + 2
    if at < len(text):
        yield False, text[at:]


def _end_of(text: str, start: int) -> int:
    """Where the `}}` that closes a placeholder begins: not one within braces or quotes."""
    depth = 0
    for match in _SKIP.finditer(text, start):
        if match[0] == "{":
            depth += 1
        elif match[0] == "}":
            if depth == 0:
                if text.startswith("}}", match.start()):
                    return match.start()
                break
            depth -= 1
    raise ValueError("a placeholder ${{ is never closed with }}")


class _Compiler:
    def __init__(self, document: Document) -> None:
        self.document = document
        self.names: set[str] = set()
        self.loops = 0

    def where(self, path: Path) -> Where:
        return Where(path, self.document.file, self.document.line_of(path))

    def node(self, value: Any, path: Path) -> Filled:
        if isinstance(value, str):
            return self.text(value, path)
        if isinstance(value, list):
            return self.items([self.node(item, (*path, at)) for at, item in enumerate(value)])
        if not isinstance(value, Mapping):
            return lambda scope: value
        if "$each" in value:
            return self.each(value, path)
        return self.condition(value, path) if "$if" in value else self.fields(value, path)

    def expression(self, source: Any, path: Path) -> Expression:
        if not isinstance(source, str):
            raise RenderError("must be an expression", self.where(path))
        try:
            expression = compile_expression(source)
        except ExpressionError as error:
            raise RenderError(str(error), self.where(path)) from error
        self.names |= expression.variables
        return expression

    def value(self, source: Any, path: Path) -> Filled:
        expression, where = self.expression(source, path), self.where(path)

        def fill(scope: Scope) -> Any:
            try:
                return _plain(expression.evaluate(scope))
            except (ExpressionError, TypeError) as error:
                raise RenderError(str(error), where) from error

        return fill

    def text(self, text: str, path: Path) -> Filled:
        try:
            parts = list(split_text(text))
        except ValueError as error:
            raise RenderError(str(error), self.where(path)) from error
        if not any(is_expression for is_expression, _ in parts):
            literal = "".join(part for _, part in parts)
            return lambda scope: literal
        if len(parts) == 1:
            return self.value(parts[0][1], path)
        fills = [self.piece(part, path) if is_expression else part for is_expression, part in parts]
        return lambda scope: "".join(part if isinstance(part, str) else part(scope) for part in fills)

    def piece(self, source: str, path: Path) -> Filled:
        value, where = self.value(source, path), self.where(path)

        def fill(scope: Scope) -> str:
            result = value(scope)
            if result is None or isinstance(result, list | dict):
                kind = "nothing (null)" if result is None else "a list or mapping"
                raise RenderError(f"{source} gives {kind}, which cannot stand within text", where)
            return functions.text(result)

        return fill

    def items(self, fills: list[Filled]) -> Filled:
        def fill(scope: Scope) -> list[Any]:
            result: list[Any] = []
            for each in fills:
                value = each(scope)
                if isinstance(value, _Spliced):
                    result.extend(value)
                elif value is not MISSING:
                    result.append(value)
            return result

        return fill

    def fields(self, mapping: Mapping[str, Any], path: Path, leave: frozenset[str] = frozenset()) -> Filled:
        fills = []
        for key, value in mapping.items():
            if key in leave:
                continue
            if re.match(r"\$[a-z]", key):
                raise RenderError(
                    f"{key} is not known; write ${key} for a key of that name", self.where(path)
                )
            name = key[1:] if key.startswith("$$") else key
            fills.append((self.text(name, (*path, key)), self.node(value, (*path, key)), (*path, key)))

        def fill(scope: Scope) -> dict[str, Any]:
            result: dict[str, Any] = {}
            for make_key, make_value, place in fills:
                value = make_value(scope)
                if value is not MISSING:
                    self.put(result, make_key(scope), value, place)
            return result

        return fill

    def put(self, result: dict[str, Any], key: Any, value: Any, path: Path) -> None:
        if not isinstance(key, str):
            raise RenderError(f"a key must be text, not {key!r}", self.where(path))
        if key in result:
            raise RenderError(f"the key {key!r} is there twice", self.where(path))
        if "annotations" in path[-2:] and key not in path and annotations.commands(key):
            raise RenderError(f"a value must not become the annotation {key}", self.where(path))
        result[key] = list(value) if isinstance(value, _Spliced) else value

    def condition(self, mapping: Mapping[str, Any], path: Path) -> Filled:
        holds, where = self.value(mapping["$if"], (*path, "$if")), self.where((*path, "$if"))
        if "$then" in mapping or "$else" in mapping:
            self.only(mapping, ("$if", "$then", "$else"), path)
            then, otherwise = (self.branch(mapping, key, path) for key in ("$then", "$else"))
        else:
            then, otherwise = self.fields(mapping, path, frozenset(("$if",))), lambda scope: MISSING

        def fill(scope: Scope) -> Any:
            result = holds(scope)
            if not isinstance(result, bool):
                raise RenderError(f"$if must give true or false, not {result!r}", where)
            return then(scope) if result else otherwise(scope)

        return fill

    def branch(self, mapping: Mapping[str, Any], key: str, path: Path) -> Filled:
        return self.node(mapping[key], (*path, key)) if key in mapping else lambda scope: MISSING

    def only(self, mapping: Mapping[str, Any], allowed: tuple[str, ...], path: Path) -> None:
        for key in mapping:
            if key not in allowed:
                raise RenderError(f"{key} cannot stand beside {allowed[0]}", self.where((*path, key)))

    def each(self, mapping: Mapping[str, Any], path: Path) -> Filled:
        self.only(mapping, ("$each", "$as", "$key", "$do"), path)
        name, where = mapping.get("$as", "item"), self.where(path)
        if not isinstance(name, str) or not name.isidentifier() or "$do" not in mapping:
            raise RenderError("$each needs $do, and a plain name in $as", where)
        if not isinstance(mapping.get("$key", ""), str):
            raise RenderError("$key must be text", where)
        self.loops += 1
        if self.loops > MAX_EACH_DEPTH:
            raise RenderError(f"$each is nested more than {MAX_EACH_DEPTH} deep", where)
        source = self.value(mapping["$each"], (*path, "$each"))
        outside, self.names = self.names, set()
        do = self.node(mapping["$do"], (*path, "$do"))
        key = self.text(mapping["$key"], (*path, "$key")) if "$key" in mapping else None
        inside, self.names = self.names, outside | self.names - {name}
        self.loops -= 1

        def rounds(scope: Scope) -> Iterator[Scope]:
            items = source(scope)
            if not isinstance(items, list) or len(items) > MAX_EACH:
                raise RenderError(f"$each needs a list of at most {MAX_EACH}", where)
            return scope.narrowed(inside, {}).each(name, items)

        return self.keyed(rounds, key, do, path) if key else self.items_of(rounds, do)

    def items_of(self, rounds: Callable[[Scope], Iterator[Scope]], do: Filled) -> Filled:
        def fill(scope: Scope) -> list[Any]:
            values = (do(inner) for inner in rounds(scope))
            return _Spliced(value for value in values if value is not MISSING)

        return fill

    def keyed(
        self, rounds: Callable[[Scope], Iterator[Scope]], key: Filled, do: Filled, path: Path
    ) -> Filled:
        def fill(scope: Scope) -> dict[str, Any]:
            result: dict[str, Any] = {}
            for inner in rounds(scope):
                value = do(inner)
                if value is not MISSING:
                    self.put(result, key(inner), value, path)
            return result

        return fill


class _Spliced(list[Any]):
    """What `$each` gives: within a list its items, elsewhere a list."""


def _plain(value: Any) -> Any:
    """A result as a tree: mappings come back from the library in no particular order."""
    if isinstance(value, dict):
        return {key: _plain(value[key]) for key in sorted(value, key=str)}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, str | bool | int | float):
        return value
    raise TypeError(f"gives a {type(value).__name__}, which a manifest cannot hold")
