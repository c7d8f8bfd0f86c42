"""A request as a dialect reads it, and its answer; and what several of them say alike."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pygit2
from pygit2.enums import FileMode

from .state import Forge


@dataclass(frozen=True)
class Ask:
    method: str
    path: str
    parts: tuple[str, ...]
    query: dict[str, str]
    body: Any
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Answer:
    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)


MISSING = Answer(404, {"message": "Not Found"})
MODES = {FileMode.TREE: "040000", FileMode.BLOB: "100644", FileMode.LINK: "120000", FileMode.COMMIT: "160000"}


def stamp(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


def paged(rows: list[Any], ask: Ask, most: int = 100) -> list[Any]:
    size = min(int(ask.query.get("per_page") or ask.query.get("limit") or 30), most)
    page = int(ask.query.get("page", 1))
    return rows[(page - 1) * size : page * size]


def kind(entry: Any) -> str:
    return {FileMode.TREE: "tree", FileMode.COMMIT: "commit"}.get(entry.filemode, "blob")


def tree_of(forge: Forge, sha: str) -> pygit2.Tree | None:
    try:
        found = forge.git.get(forge.tip(sha, truth=False) or sha)
    except ValueError:
        return None
    return found.peel(pygit2.Tree) if found is not None and not isinstance(found, pygit2.Blob) else None


def lines_of(tree: pygit2.Tree) -> list[dict[str, Any]]:
    """One folder as git's own objects are told."""
    return [
        {"path": entry.name, "mode": MODES[entry.filemode], "type": kind(entry), "sha": str(entry.id)}
        for entry in tree
    ]


def blob_of(forge: Forge, sha: str) -> bytes | None:
    found = forge.git.get(sha)
    return found.data if isinstance(found, pygit2.Blob) else None


def unpacked(text: str) -> bytes:
    return base64.b64decode(text)
