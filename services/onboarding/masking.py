"""What a difference shows of a Secret: which values changed, never what they are."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from services.integrations.githosts.errors import Conflict
from services.manifests.emit import dump
from services.manifests.reader import ManifestError, load_all

Content = bytes | None
SAME, CHANGED = "•••", "••• (changed)"
PARTS = ("data", "stringData")
UNREADABLE = b"# This file may hold a Secret and cannot be read, so it is not shown.\n"


def without_secrets(old: Content, new: Content) -> tuple[Content, Content]:
    """The two sides of a file's difference; only those with a Secret in them are written anew."""
    if not any(b"Secret" in (side or b"") for side in (old, new)):
        return old, new
    return _masked(old, _values(new)), _masked(new, _values(old))


def quiet(conflicts: Iterable[Conflict]) -> list[Conflict]:
    """Conflicts without the lines of files that may hold a Secret: half merged, nothing can be told apart."""
    return [replace(each, text="") if "Secret" in each.text else each for each in conflicts]


def _documents(content: Content) -> list[Any] | None:
    try:
        return [document.data for document in load_all(content or b"", repeated_keys=True)]
    except ManifestError:
        return None


def _secrets(documents: list[Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every Secret with its name, those inside lists as well."""
    for each in documents:
        if not isinstance(each, dict):
            continue
        if isinstance(items := each.get("items"), list):
            yield from _secrets(items)
        if each.get("kind") == "Secret":
            about = each.get("metadata")
            yield str(about.get("name")) if isinstance(about, dict) else "", each


def _values(content: Content) -> dict[tuple[str, str, str], Any]:
    found = _secrets(_documents(content) or [])
    return {
        (name, part, key): value
        for name, secret in found
        for part in PARTS
        if isinstance(secret.get(part), dict)
        for key, value in secret[part].items()
    }


def _masked(content: Content, other: dict[tuple[str, str, str], Any]) -> Content:
    if content is None or b"Secret" not in content:
        return content
    documents = _documents(content)
    if documents is None:
        return UNREADABLE
    found = list(_secrets(documents))
    for name, secret in found:
        for part in PARTS:
            if part in secret:
                secret[part] = _hidden(name, part, secret[part], other)
        notes = secret.get("metadata")
        if isinstance(notes, dict) and "annotations" in notes:
            given = notes["annotations"]
            notes["annotations"] = dict.fromkeys(given, SAME) if isinstance(given, dict) else SAME
    return dump(documents).encode() if found else content


def _hidden(name: str, part: str, values: Any, other: dict[tuple[str, str, str], Any]) -> Any:
    if not isinstance(values, dict):
        return SAME
    changed = {key for key, value in values.items() if other.get((name, part, key), value) != value}
    return {key: CHANGED if key in changed else SAME for key in values}
