"""The text of a YAML or JSON definition as data, and the references inside it."""

import json
from typing import Any
from urllib.parse import unquote

from services.catalog.definitions.tree import MAX_CHARACTERS, Broken
from services.manifests import reader

MAX_LINES = 100_000
MAX_STEPS = 16
Mapping = dict[str, Any]


def load(text: str) -> Mapping:
    """The mapping a definition is; `Broken` says why not, and where."""
    check_size(text)
    if text.lstrip("\ufeff \t\r\n").startswith("{"):
        return _mapping(_json(text))
    if text.count("\n") > MAX_LINES or text.count(",") > 2 * MAX_LINES:
        raise Broken(f"it has more than {MAX_LINES:,} lines")
    return _mapping(_yaml(text))


def check_size(text: str) -> None:
    if len(text) > MAX_CHARACTERS:
        raise Broken(f"it is larger than {MAX_CHARACTERS // 1_000_000} MB")


def _json(text: str) -> Any:
    try:
        return json.loads(text.lstrip("\ufeff"))
    except RecursionError as error:
        raise Broken("it is nested too deep") from error
    except json.JSONDecodeError as error:
        if len(text) > 500_000:
            raise Broken(f"not JSON: {error.msg}", error.lineno, error.colno) from error
        return _yaml(text)  # a YAML mapping may be written in braces too
    except ValueError as error:  # a number of thousands of digits
        raise Broken(f"not JSON: {error}") from error


def _yaml(text: str) -> Any:
    try:
        documents = reader.load_all(text, repeated_keys=True)
    except reader.ManifestError as error:
        raise Broken(error.message, error.line, error.column) from error
    return documents[0].data if documents else None


def _mapping(data: Any) -> Mapping:
    if data is None:
        raise Broken("it is empty")
    if not isinstance(data, dict):
        raise Broken("it is no mapping of keys and values", 1)
    return data


def table(value: Any) -> Mapping:
    """A mapping, or an empty one for whatever else stands there."""
    return value if isinstance(value, dict) else {}


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


class References:
    """`$ref` inside one document. Other documents are named, never opened."""

    def __init__(self, root: Mapping) -> None:
        self.root = root

    def find(self, ref: str) -> Any:
        """What a JSON pointer leads to, or None."""
        if not ref.startswith("#/") or len(ref) > 1000:
            return None
        found: Any = self.root
        for part in ref[2:].split("/"):
            key = unquote(part).replace("~1", "/").replace("~0", "~")
            if isinstance(found, dict):
                found = found.get(key)
            elif isinstance(found, list) and key.isdecimal() and int(key[:6]) < len(found):
                found = found[int(key[:6])]
            else:
                return None
        return found

    def follow(self, node: Any) -> Mapping:
        """The mapping behind any chain of references; empty when it leads nowhere or in a circle."""
        for _ in range(MAX_STEPS):
            ref = table(node).get("$ref")
            if not isinstance(ref, str):
                return table(node)
            node = self.find(ref)
        return {}


def name_of(ref: str) -> str:
    """What people call the thing that a reference leads to."""
    path, _, pointer = ref.partition("#")
    last = unquote(pointer.rpartition("/")[2]).replace("~1", "/").replace("~0", "~")
    return (f"{last} in {path}" if path and last else last or path)[:200]
