"""GitLab's REST API: the projects of a group and of the groups in it."""

from typing import Any

from services.integrations.errors import NotFound
from services.integrations.rest import FILE_LIMIT, Http, Malformed, segment

from .base import Listing, Repository
from .github import regular


class GitLab:
    def __init__(self, http: Http, name: str) -> None:
        self._http, self._name = http, name

    @staticmethod
    def headers(token: str) -> dict[str, str]:
        return {"PRIVATE-TOKEN": token} if token else {}

    def listing(self, etag: str = "") -> Listing:
        path = f"/api/v4/groups/{segment(self._name)}/projects"
        params = {"per_page": "100", "include_subgroups": "true", "order_by": "id", "sort": "asc"}
        rows = [row for page in self._http.pages(path, params) for row in page.rows()]
        return Listing(tuple(map(_repository, rows)))

    def repository(self, name: str) -> Repository:
        if not name.lower().startswith(f"{self._name.lower()}/"):
            raise NotFound("The project is not of this group.")
        return _repository(self._http.get(f"/api/v4/projects/{segment(name)}").object())

    def head(self, repository: Repository) -> str:
        """The commit: what a project says of its last activity is up to an hour old."""
        path = f"/api/v4/projects/{segment(repository.name)}/repository/commits"
        rows = self._http.get(path, {"ref_name": repository.branch, "per_page": "1"}).rows()
        return str(rows[0].get("id", "")) if rows else ""

    def paths(self, repository: Repository) -> list[str]:
        path = f"/api/v4/projects/{segment(repository.name)}/repository/tree"
        params = {"recursive": "true", "per_page": "100", "ref": repository.branch}
        return [name for page in self._http.pages(path, params) for name in regular(page.rows())]

    def read(self, repository: Repository, path: str) -> bytes:
        url = f"/api/v4/projects/{segment(repository.name)}/repository/files/{segment(path)}/raw"
        return self._http.get(url, {"ref": repository.branch}, limit=FILE_LIMIT).body


def _repository(row: dict[str, Any]) -> Repository:
    name = row.get("path_with_namespace")
    if not isinstance(name, str) or "/" not in name:
        raise Malformed("A project has no name.")
    return Repository(
        name=name,
        branch=str(row.get("default_branch") or "main"),
        is_archived=bool(row.get("archived")),
        is_fork=bool(row.get("forked_from_project")),
        is_empty=bool(row.get("empty_repo")) or not row.get("default_branch"),
    )
