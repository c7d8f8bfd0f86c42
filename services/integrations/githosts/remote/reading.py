"""The half of `GitHost` that changes nothing: commits, folders and files."""

import time
from collections.abc import Callable, Collection

from services.integrations.errors import NotFound

from ..base import Commit, Only, everything
from ..errors import UnknownReference, UnknownRepository
from ..names import SHA, check_branch
from .dialect import Dialect, Entry
from .keeping import Kept

TRUNK_FOR = 60.0  # seconds the name of the default branch is believed
LINES, BYTES = 50_000, 16 * 1024 * 1024


class Reading:
    def __init__(self, dialect: Dialect, repos: Collection[str]) -> None:
        self._dialect, self._repos = dialect, frozenset(repos)
        self._trunks: dict[str, tuple[str, float]] = {}
        self._folders: Kept[tuple[str, str, str], dict[str, Entry]] = Kept(LINES)
        self._blobs: Kept[tuple[str, str], bytes] = Kept(BYTES)

    def head(self, repo: str, branch: str | None = None) -> str:
        self._check(repo)
        return self._resolve(repo, branch or self._trunk(repo))

    def read(self, repo: str, path: str, ref: str) -> bytes | None:
        return self.reader(repo, ref)(path)

    def reader(self, repo: str, ref: str | None = None) -> Callable[[str], bytes | None]:
        self._check(repo)
        commit = self._resolve(repo, ref or self._trunk(repo))
        return lambda path: self._read(repo, commit, path)

    def read_tree(self, repo: str, ref: str, under: str = "", only: Only = everything) -> dict[str, bytes]:
        self._check(repo)
        commit, folder = self._resolve(repo, ref), under.strip("/")
        start = f"{folder}/" if folder else ""
        if not _is_plain(folder or "x"):
            return {}
        found = self._dialect.below(repo, commit, folder)
        wanted = ((f"{start}{name}", entry) for name, entry in found)
        return {path: self._blob(repo, entry.sha) for path, entry in wanted if only(path, 0)}

    def log(self, repo: str, ref: str, path: str = "", limit: int = 50) -> list[Commit]:
        self._check(repo)
        return self._dialect.log(repo, self._resolve(repo, ref), path.strip("/"), limit)

    def is_ancestor(self, repo: str, sha: str, of: str) -> bool:
        self._check(repo)
        try:
            first = self._resolve(repo, sha)
        except UnknownReference:
            return False
        last = self._resolve(repo, of)
        return first == last or not self._dialect.beyond(repo, last, first)

    def _check(self, repo: str) -> None:
        """Only what was named beforehand: a name in a request leads nowhere else."""
        if repo not in self._repos:
            raise UnknownRepository(f"the portal knows no repository {repo[:80]}")

    def _trunk(self, repo: str) -> str:
        name, until = self._trunks.get(repo, ("", 0.0))
        if time.monotonic() >= until:
            name = check_branch(self._dialect.default_branch(repo))
            self._trunks[repo] = (name, time.monotonic() + TRUNK_FOR)
        return name

    def _resolve(self, repo: str, ref: str) -> str:
        """A branch or a whole commit id, as a commit that is there. Raises UnknownReference."""
        if SHA.fullmatch(ref):
            found = self._folder_or_none(repo, ref)
        else:
            found = self._dialect.tip(repo, check_branch(ref))
        if found is None:
            raise UnknownReference(f"there is no branch or commit {ref}")
        return ref if SHA.fullmatch(ref) else str(found)

    def _folder_or_none(self, repo: str, commit: str) -> str | None:
        try:
            self._folder(repo, commit, "")
        except NotFound:
            return None
        return commit

    def _folder(self, repo: str, commit: str, path: str) -> dict[str, Entry]:
        key = (repo, commit, path)
        return self._folders.get(key, lambda: self._dialect.folder(repo, commit, path))

    def _read(self, repo: str, commit: str, path: str) -> bytes | None:
        folder, _, name = path.rpartition("/")
        entry = self._folder(repo, commit, folder).get(name) if _is_plain(path) else None
        return self._blob(repo, entry.sha) if entry and entry.kind == "file" else None

    def _blob(self, repo: str, sha: str) -> bytes:
        return self._blobs.get((repo, sha), lambda: self._dialect.blob(repo, sha))


def _is_plain(path: str) -> bool:
    return {"", ".", ".."}.isdisjoint(path.split("/"))
