"""Folders of hosts that hand out git's own trees; a tree never changes, so it is fetched once."""

from collections.abc import Callable, Iterator
from typing import Any

from services.integrations.rest import Malformed

from .dialect import Entry, kind_of, needed
from .keeping import Kept

LINES = 50_000
Folder = dict[str, Entry]


class Trees:
    def __init__(self, fetch: Callable[[str, str], Folder]) -> None:
        self._fetch = fetch
        self._kept: Kept[tuple[str, str], Folder] = Kept(LINES)

    def folder(self, repo: str, commit: str, path: str) -> Folder:
        found = self._tree(repo, commit)
        for name in filter(None, path.split("/")):
            entry = found.get(name)
            if entry is None or entry.kind != "folder":
                return {}
            found = self._tree(repo, entry.sha)
        return found

    def below(self, repo: str, commit: str, path: str) -> Iterator[tuple[str, Entry]]:
        yield from self._walk(repo, self.folder(repo, commit, path), "")

    def _walk(self, repo: str, folder: Folder, prefix: str) -> Iterator[tuple[str, Entry]]:
        for name, entry in folder.items():
            if entry.kind == "folder":
                yield from self._walk(repo, self._tree(repo, entry.sha), f"{prefix}{name}/")
            elif entry.kind == "file":
                yield f"{prefix}{name}", entry

    def _tree(self, repo: str, sha: str) -> Folder:
        return self._kept.get((repo, sha), lambda: self._fetch(repo, sha))


def entries(tree: Any) -> Folder:
    """The lines of one tree, as GitHub and Gitea write them."""
    if not isinstance(tree, list) or not all(isinstance(row, dict) for row in tree):
        raise Malformed("The git host's list of files is none.")
    return {needed(row, "path"): Entry(kind_of(row.get("mode")), needed(row, "sha")) for row in tree}
