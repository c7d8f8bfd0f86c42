"""What a credential may do on each host: what is missing, and what a thief would get besides."""

from collections.abc import Mapping
from typing import Any

from ..base import Rights
from .dialect import part, person_of, text

ENOUGH = {"repo", "public_repo", "repo:status", "repo_deployment", "read:org", "read:user"}
APP_NEEDS = {"contents": "write", "pull_requests": "write", "statuses": "write", "metadata": "read"}
APP_MAY = {"contents", "pull_requests", "statuses", "metadata", "issues", "members"}
DEVELOPER, MAINTAINER = 30, 40


def of_github(repo: Mapping[str, Any], user: Mapping[str, Any], said: str | None) -> Rights:
    """`said` is what a classic token's answers carry; fine-grained ones carry nothing."""
    scopes = tuple(sorted(filter(None, (scope.strip() for scope in (said or "").split(",")))))
    missing = _repository(repo)
    if said is not None and not {"repo", "public_repo"} & set(scopes):
        missing = (*missing, "the scope repo")
    broader = [f"the scope {scope}" for scope in scopes if scope not in ENOUGH]
    if said is not None and "repo" in scopes:
        broader.append("every repository of its account: a fine-grained token or an app is bound to one")
    return Rights(person_of(user).username, scopes, missing, (*broader, *_administers(repo)))


def of_app(repo: Mapping[str, Any], grant: Mapping[str, Any]) -> Rights:
    held = part(grant, "permissions")
    scopes = tuple(f"{name}: {level}" for name, level in sorted(held.items()))
    missing = tuple(
        f"the permission {name}: {level}"
        for name, level in APP_NEEDS.items()
        if held.get(name) not in (level, "write", "admin")
    )
    broader = [f"the permission {each}" for each in scopes if each.partition(":")[0] not in APP_MAY]
    if grant.get("repository_selection") == "all":
        broader.append("every repository of its installation")
    return Rights("app", scopes, (*missing, *_archived(repo)), tuple(broader))


def of_gitlab(project: Mapping[str, Any], user: Mapping[str, Any], token: Mapping[str, Any]) -> Rights:
    """`token` is what GitLab says of it; empty where it says nothing."""
    scopes = tuple(sorted(str(scope) for scope in token.get("scopes") or ()))
    accesses = [part(project, "permissions", name) for name in ("project_access", "group_access")]
    level = max(int(access.get("access_level") or 0) for access in accesses)
    missing = [] if "api" in scopes or not token else ["the scope api"]
    if level < DEVELOPER:
        missing.append("the role of a developer in the project")
    broader = [
        f"the scope {scope}" for scope in scopes if scope not in ("api", "read_api", "read_repository")
    ]
    if level > MAINTAINER or user.get("is_admin"):
        broader.append("the administration of " + ("the host" if user.get("is_admin") else "the project"))
    if token and not token.get("expires_at"):
        broader.append("no day on which it ends")
    return Rights(text(user, "username"), scopes, (*missing, *_archived(project)), tuple(broader))


def of_gitea(repo: Mapping[str, Any], user: Mapping[str, Any]) -> Rights:
    broader = ["the administration of the host"] if user.get("is_admin") else []
    return Rights(person_of(user).username, (), _repository(repo), (*broader, *_administers(repo)))


def _repository(repo: Mapping[str, Any]) -> tuple[str, ...]:
    may_push = part(repo, "permissions").get("push")
    return (*(() if may_push else ("the right to write to the repository",)), *_archived(repo))


def _archived(repo: Mapping[str, Any]) -> tuple[str, ...]:
    return ("a repository that is not archived",) if repo.get("archived") else ()


def _administers(repo: Mapping[str, Any]) -> tuple[str, ...]:
    return ("the administration of the repository",) if part(repo, "permissions").get("admin") else ()
