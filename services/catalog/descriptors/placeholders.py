"""`$text`, `$json`, `$yaml` and friends: a value that lives in another file of the same source.

Nothing is fetched over the network and nothing outside of what was imported is read: such an address stays a
placeholder, and the report says so.
"""

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from services.catalog.descriptors.problems import Found
from services.catalog.descriptors.reading import Path, read

TEXTS = ("$text", "$openapi", "$asyncapi")
KEYS = (*TEXTS, "$json", "$yaml")
MAX_INCLUDED = 1024 * 1024
MAX_ALL = 64 * 1024 * 1024


class NotInside(ValueError):
    """A path that cannot be used; the text says why."""


def inside(target: str, file: str) -> str:
    """The path within the import that `target` means when `file` says it.

    Refuses (NotInside) addresses of the network and paths that lead out of what was imported.
    """
    if "://" in target or target.startswith("//"):
        raise NotInside("addresses are not fetched during an import")
    if target.startswith(("/", "~")) or "\\" in target or "\x00" in target:
        raise NotInside("only a path relative to this file is read")
    path = posixpath.normpath(posixpath.join(posixpath.dirname(file), target))
    if path.startswith("../") or path in ("..", "."):
        raise NotInside("it leads out of what was imported")
    return path


@dataclass
class Includes:
    """The files of one import as placeholders see them: each read once, and not more than a limit in all."""

    files: Mapping[str, bytes]
    spent: int = 0
    known: dict[tuple[str, str], Any] = field(default_factory=dict)

    def resolve(self, data: Any, file: str) -> tuple[Any, list[Found]]:
        """The document with its placeholders replaced, and a note for each that was not."""
        notes: list[Found] = []
        return self._walk(data, (), file, notes), notes

    def _walk(self, value: Any, path: Path, file: str, notes: list[Found]) -> Any:
        if isinstance(value, list):
            return [self._walk(item, (*path, number), file, notes) for number, item in enumerate(value)]
        if not isinstance(value, dict):
            return value
        key = next(iter(value), "")
        if len(value) == 1 and key in KEYS and isinstance(value[key], str):
            return self._replace(key, value[key], path, file, notes)
        return {name: self._walk(item, (*path, name), file, notes) for name, item in value.items()}

    def _replace(self, key: str, target: str, path: Path, file: str, notes: list[Found]) -> Any:
        try:
            return self._content(key, inside(target, file))
        except NotInside as reason:
            notes.append(Found(path, "placeholder", f"{key} {target} was not read: {reason}", ""))
            return f"{key}: {target}" if key in TEXTS else {key: target}

    def _content(self, key: str, path: str) -> Any:
        found = self.files.get(path)
        if found is None:
            raise NotInside("there is no such file in what was imported")
        if len(found) > MAX_INCLUDED:
            raise NotInside("it is larger than 1 MB")
        self.spent += len(found)
        if self.spent > MAX_ALL:
            raise NotInside(f"the files include more than {MAX_ALL // 1024 // 1024} MB of each other")
        if (key, path) not in self.known:
            self.known[key, path] = _parsed(key, found)
        return self.known[key, path]


def _parsed(key: str, content: bytes) -> Any:
    if key in TEXTS:
        return content.decode("utf-8", "replace").replace("\x00", "")
    documents = read(content, as_json=key == "$json")
    if len(documents) != 1 or documents[0].problem:
        raise NotInside("it is not one document of JSON" if key == "$json" else "it is not one YAML document")
    return documents[0].data
