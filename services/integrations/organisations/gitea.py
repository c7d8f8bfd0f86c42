"""The REST API of Gitea, and of Forgejo."""

from typing import Any

from services.integrations.errors import NotFound
from services.integrations.rest import FILE_LIMIT, Http, Malformed, segment, segments

from .base import Listing, Repository
from .github import regular


class Gitea:
    def __init__(self, http: Http, name: str) -> None:
        self._http, self._name = http, name

    @staticmethod
    def headers(token: str) -> dict[str, str]:
        return {"Authorization": f"token {token}"} if token else {}

    def listing(self, etag: str = "") -> Listing:
        pages = self._http.pages(f"/api/v1/orgs/{segment(self._name)}/repos", {"limit": "50"})
        return Listing(tuple(_repository(row) for page in pages for row in page.rows()))

    def repository(self, name: str) -> Repository:
        if not name.lower().startswith(f"{self._name.lower()}/"):
            raise NotFound("The repository is not of this organisation.")
        return _repository(self._http.get(f"/api/v1/repos/{segments(name)}").object())

    def head(self, repository: Repository) -> str:
        path = f"/api/v1/repos/{segments(repository.name)}/branches/{segment(repository.branch)}"
        commit = self._http.get(path).object().get("commit")
        return str(commit.get("id", "")) if isinstance(commit, dict) else ""

    def paths(self, repository: Repository) -> list[str]:
        """Page by page: a tree says how many entries it has altogether, and that it is cut."""
        path = f"/api/v1/repos/{segments(repository.name)}/git/trees/{segment(repository.branch)}"
        found: list[str] = []
        for page in range(1, 101):
            body = self._http.get(path, {"recursive": "true", "per_page": "1000", "page": str(page)}).object()
            found += regular(body.get("tree"))
            if not body.get("truncated") or not body.get("tree"):
                return found
        raise Malformed("The repository has too many files to list.")

    def read(self, repository: Repository, path: str) -> bytes:
        url = f"/api/v1/repos/{segments(repository.name)}/raw/{segments(path)}"
        return self._http.get(url, {"ref": repository.branch}, limit=FILE_LIMIT).body


def _repository(row: dict[str, Any]) -> Repository:
    name = row.get("full_name")
    if not isinstance(name, str) or "/" not in name:
        raise Malformed("A repository has no name.")
    return Repository(
        name=name,
        branch=str(row.get("default_branch") or "main"),
        is_archived=bool(row.get("archived")),
        is_fork=bool(row.get("fork")),
        is_empty=bool(row.get("empty")),
    )
