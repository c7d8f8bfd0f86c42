"""GitHub's REST API, of github.com and of Enterprise servers (whose address ends in /api/v3)."""

from typing import Any

from services.integrations.errors import NotFound
from services.integrations.rest import FILE_LIMIT, VERSION, Http, Malformed, segment, segments

from .base import Listing, Repository


class GitHub:
    def __init__(self, http: Http, name: str) -> None:
        self._http, self._name = http, name

    @staticmethod
    def headers(token: str) -> dict[str, str]:
        known = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": VERSION}
        return {**known, "Authorization": f"Bearer {token}"} if token else known

    def listing(self, etag: str = "") -> Listing:
        """Ordered by the last push, so that the first page moves whenever something is pushed."""
        known = {"If-None-Match": etag} if etag else {}
        params = {"per_page": "100", "sort": "pushed", "direction": "desc"}
        pages = self._http.pages(f"/orgs/{segment(self._name)}/repos", params, known)
        first = next(pages)
        if first.status == 304:
            return Listing(None, etag)
        rows = first.rows() + [row for page in pages for row in page.rows()]
        return Listing(tuple(map(_repository, rows)), first.headers.get("etag", ""))

    def repository(self, name: str) -> Repository:
        if not name.lower().startswith(f"{self._name.lower()}/"):
            raise NotFound("The repository is not of this organisation.")
        return _repository(self._http.get(f"/repos/{segments(name)}").object())

    def head(self, repository: Repository) -> str:
        return repository.head

    def paths(self, repository: Repository) -> list[str]:
        path = f"/repos/{segments(repository.name)}/git/trees/{segment(repository.branch)}"
        found = self._http.get(path, {"recursive": "1"}).object()
        if found.get("truncated"):
            raise Malformed("The repository has too many files for GitHub to list.")
        return regular(found.get("tree"))

    def read(self, repository: Repository, path: str) -> bytes:
        raw = "application/vnd.github.raw+json"
        url = f"/repos/{segments(repository.name)}/contents/{segments(path)}"
        return self._http.get(url, {"ref": repository.branch}, limit=FILE_LIMIT, headers={"Accept": raw}).body


def regular(tree: Any) -> list[str]:
    """The paths of files in a tree, without links and submodules."""
    if not isinstance(tree, list) or not all(isinstance(entry, dict) for entry in tree):
        raise Malformed("The git host's list of files is none.")
    return [
        str(entry["path"])
        for entry in tree
        if entry.get("type") == "blob"
        and entry.get("mode") != "120000"
        and isinstance(entry.get("path"), str)
    ]


def _repository(row: dict[str, Any]) -> Repository:
    name = row.get("full_name")
    if not isinstance(name, str) or "/" not in name:
        raise Malformed("A repository has no name.")
    return Repository(
        name=name,
        branch=str(row.get("default_branch") or "main"),
        head=str(row.get("pushed_at") or ""),
        is_archived=bool(row.get("archived")),
        is_fork=bool(row.get("fork")),
        is_empty=row.get("size") == 0 and not row.get("pushed_at"),
    )
