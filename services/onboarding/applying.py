"""Bringing one environment's objects from the repository to its cluster."""

from collections.abc import Iterator
from fnmatch import fnmatch
from typing import Any

from services.clusters import actions as clusters
from services.clusters.models import Environment
from services.integrations import githosts
from services.integrations.errors import Refused
from services.manifests import emit

from .models import Request

KUSTOMIZATION = "/kustomization.yaml"
# What others need comes first; everything unnamed comes last.
_ORDER = (
    "Namespace", "ServiceAccount", "Role", "RoleBinding", "NetworkPolicy", "ConfigMap", "Secret",
    "PersistentVolumeClaim", "Service",
)  # fmt: skip


def paths_of(request: Request, environment: str) -> list[str]:
    """`apps/<team>/<service>/<environment>/<kind>.yaml` of one environment."""
    return sorted(
        p
        for p in request.files
        if fnmatch(p, f"apps/*/*/{environment}/*.yaml") and not p.endswith(KUSTOMIZATION)
    )


def objects_of(request: Request, environment: str) -> list[dict[str, Any]]:
    """The objects as they stand in the repository at the merge commit, in the order they are applied."""
    host = githosts.get(request.provider)
    texts = (host.read(request.repo, path, request.merge_sha) for path in paths_of(request, environment))
    found = [obj for text in texts if text is not None for obj in _objects(text.decode())]
    return sorted(found, key=lambda o: _ORDER.index(o["kind"]) if o["kind"] in _ORDER else len(_ORDER))


def _objects(text: str) -> Iterator[dict[str, Any]]:
    for document in emit.load_all(text):
        if document.data:
            yield document.data


def apply_environment(request: Request, environment: str) -> list[dict[str, Any]]:
    """Applies every object, again without effect; returns kind, name, namespace and generation of each.

    Raises `integrations.errors`: Refused for an environment that is gone, the cluster's own for the rest.
    """
    place = Environment.objects.select_related("cluster").filter(name=environment).first()
    if place is None:
        raise Refused(f"There is no environment {environment} any more.")
    return [_identity(obj) for obj in clusters.apply_objects(place, objects_of(request, environment))]


def _identity(obj: dict[str, Any]) -> dict[str, Any]:
    about = obj["metadata"]
    return {
        "kind": obj["kind"],
        "name": about["name"],
        "namespace": about.get("namespace", ""),
        "generation": about.get("generation", 0),
    }
