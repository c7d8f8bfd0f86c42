"""`$text`, `$json`, `$yaml` and friends: a value that lives in another file of the same source.

Nothing is ever fetched over the network: an address stays a placeholder, and the report says so.
"""

import posixpath
from collections.abc import Mapping
from typing import Any

from services.catalog.descriptors.problems import Found
from services.catalog.descriptors.reading import Path, read

TEXTS = ("$text", "$openapi", "$asyncapi")
KEYS = (*TEXTS, "$json", "$yaml")
MAX_INCLUDED = 1024 * 1024


class _Missing(Exception):
    """The file a placeholder names cannot be used; the text says why."""


def resolve(data: Any, *, file: str, files: Mapping[str, bytes]) -> tuple[Any, list[Found]]:
    """The document with its placeholders replaced, and a note for each that was not."""
    notes: list[Found] = []
    return _walk(data, (), file, files, notes), notes


def _walk(value: Any, path: Path, file: str, files: Mapping[str, bytes], notes: list[Found]) -> Any:
    if isinstance(value, list):
        return [_walk(item, (*path, number), file, files, notes) for number, item in enumerate(value)]
    if not isinstance(value, dict):
        return value
    key = next(iter(value), "")
    if len(value) == 1 and key in KEYS and isinstance(value[key], str):
        return _replace(key, value[key], path, file, files, notes)
    return {name: _walk(item, (*path, name), file, files, notes) for name, item in value.items()}


def _replace(
    key: str, target: str, path: Path, file: str, files: Mapping[str, bytes], notes: list[Found]
) -> Any:
    try:
        return _content(key, target, file, files)
    except _Missing as reason:
        notes.append(Found(path, "placeholder", f"{key} {target} was not read: {reason}", ""))
        return f"{key}: {target}" if key in TEXTS else {key: target}


def _content(key: str, target: str, file: str, files: Mapping[str, bytes]) -> Any:
    if "://" in target:
        raise _Missing("addresses are not fetched during an import")
    found = files.get(posixpath.normpath(posixpath.join(posixpath.dirname(file), target)))
    if found is None:
        raise _Missing("there is no such file in what was imported")
    if len(found) > MAX_INCLUDED:
        raise _Missing("it is larger than 1 MB")
    if key in TEXTS:
        return found.decode("utf-8", "replace").replace("\x00", "")
    return _parsed(found, as_json=key == "$json")


def _parsed(content: bytes, *, as_json: bool) -> Any:
    documents = read(content, as_json=as_json)
    if len(documents) != 1 or documents[0].problem:
        raise _Missing("it is not one document of JSON" if as_json else "it is not one YAML document")
    return documents[0].data
