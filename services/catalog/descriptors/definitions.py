"""Whether an API's definition can be read as what its type says. Notes only: Backstage takes any text."""

import re
from collections.abc import Callable

from services.catalog.descriptors.problems import Found
from services.catalog.descriptors.reading import MAX_FILE, read

PATH = ("spec", "definition")
MAX_CHECKED = min(MAX_FILE, 1024 * 1024)
PAIRS = {")": "(", "]": "[", "}": "{"}
GRAPHQL_NOISE = re.compile(r'"""(?:\\"""|[\s\S])*?(?:"""|\Z)|"(?:\\.|[^"\\\n])*+"?|#[^\n]*')
PROTO_NOISE = re.compile(r'"(?:\\.|[^"\\\n])*+"?|\'(?:\\.|[^\'\\\n])*+\'?|//[^\n]*|/\*[\s\S]*?(?:\*/|\Z)')
GRAPHQL = re.compile(r"\b(type|schema|interface|enum|input|scalar|union|extend|directive)\b")
PROTO = re.compile(r"\b(service|message|enum|syntax|package|import)\b")


def check_definition(kind: str, definition: str) -> list[Found]:
    """A note when a definition is not what `spec.type` promises; unknown types promise nothing."""
    check = CHECKS.get(kind.lower())
    if check is None or len(definition) > MAX_CHECKED or definition.startswith("$"):
        return []
    problem = check(definition)
    return (
        [Found(PATH, "definition", f"the definition is not readable as {kind}: {problem}")] if problem else []
    )


def _has_root(*keys: str) -> Callable[[str], str]:
    """A check that the text is one YAML or JSON mapping with one of `keys` in its root."""

    def check(text: str) -> str:
        documents = read(text.encode("utf-8", "replace"), as_json=text.lstrip().startswith("{"))
        if not documents:
            return "it is empty"
        if documents[0].problem:
            return f"{documents[0].problem} (its line {documents[0].line})"
        data = documents[0].data
        if isinstance(data, dict) and any(key in data for key in keys):
            return ""
        return f"it has no {' or '.join(keys)} that names a version"

    return check


def _is_made_of(noise: re.Pattern[str], words: re.Pattern[str], what: str) -> Callable[[str], str]:
    """A check of a language with braces: they match, and one of its words is there."""

    def check(text: str) -> str:
        bare = noise.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)
        if not words.search(bare):
            return f"it holds no {what}"
        return _unmatched(bare)

    return check


def _unmatched(text: str) -> str:
    """Which bracket has no partner, and in which line."""
    opened: list[tuple[str, int]] = []
    for match in re.finditer(r"[][(){}]", text):
        sign = match[0]
        if sign not in PAIRS:
            opened.append((sign, match.start()))
        elif not opened or opened.pop()[0] != PAIRS[sign]:
            return f"{sign} closes nothing (its line {text.count(chr(10), 0, match.start()) + 1})"
    if opened:
        return f"{opened[-1][0]} is never closed (its line {text.count(chr(10), 0, opened[-1][1]) + 1})"
    return ""


CHECKS: dict[str, Callable[[str], str]] = {
    "openapi": _has_root("openapi", "swagger"),
    "asyncapi": _has_root("asyncapi"),
    "graphql": _is_made_of(GRAPHQL_NOISE, GRAPHQL, "type and no schema"),
    "grpc": _is_made_of(PROTO_NOISE, PROTO, "service and no message"),
}
