"""What the cluster says it serves: `/version`, `/api`, `/apis` and the resources of each group version."""

from typing import Any

from portal.demo.cluster import metrics
from portal.demo.cluster.kinds import Kind, Kinds

Object = dict[str, Any]
GIT_VERSION = "v1.33.2+simulated"
VERBS = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]
# Answered, never kept.
REVIEWS = {
    "SelfSubjectAccessReview": "selfsubjectaccessreviews",
    "SelfSubjectRulesReview": "selfsubjectrulesreviews",
}
REVIEWING = "authorization.k8s.io/v1"


def answer(path: str, kinds: Kinds) -> Object | None:
    """The document at `path`; None for any path that is not about discovery."""
    versions = sorted({k.api_version for k in kinds} | {REVIEWING, metrics.VERSION})
    groups = [_group(version) for version in versions if "/" in version]
    fixed: dict[str, Object] = {
        "/version": {"major": "1", "minor": "33", "gitVersion": GIT_VERSION, "platform": "simulated"},
        "/api": {"kind": "APIVersions", "versions": ["v1"]},
        "/apis": {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups},
    }
    for group in groups:
        fixed[f"/apis/{group['name']}"] = {"kind": "APIGroup", "apiVersion": "v1"} | group
    if path in fixed:
        return fixed[path]
    version = path.removeprefix("/apis/").removeprefix("/api/")
    return _resources(version, kinds) if version in versions else None


def _group(api_version: str) -> Object:
    entry = {"groupVersion": api_version, "version": api_version.partition("/")[2]}
    return {"name": api_version.partition("/")[0], "versions": [entry], "preferredVersion": entry}


def _resources(api_version: str, kinds: Kinds) -> Object:
    found = [entry for k in kinds if k.api_version == api_version for entry in _entries(k)]
    if api_version == REVIEWING:
        found = [_entry(plural, kind, ["create"], False) for kind, plural in REVIEWS.items()]
    if api_version == metrics.VERSION:
        found = [_entry(metrics.PLURAL, metrics.KIND, ["get", "list"], True)]
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": api_version, "resources": found}


def _entries(kind: Kind) -> list[Object]:
    below = [
        _entry(f"{kind.plural}/{sub}", "Scale" if sub == "scale" else kind.kind, verbs, kind.namespaced)
        for sub, verbs in kind.subresources.items()
    ]
    return [_entry(kind.plural, kind.kind, VERBS, kind.namespaced), *below]


def _entry(name: str, kind: str, verbs: list[str], namespaced: bool) -> Object:
    return {"name": name, "kind": kind, "namespaced": namespaced, "singularName": "", "verbs": verbs}
