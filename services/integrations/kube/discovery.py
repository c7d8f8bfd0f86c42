"""What a cluster says it serves: all at once since Kubernetes 1.27, else group by group."""

from collections.abc import Iterator, Mapping
from typing import Any

from services.integrations.kube import answers

ACCEPT = (
    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,"
    "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json"
)


def told(found: Mapping[str, Any]) -> frozenset[str] | None:
    """The kinds of a list that holds them all; None of a list of groups, each to be asked for its own."""
    if found.get("kind") != "APIGroupDiscoveryList":
        return None
    return frozenset(_kinds(found))


def _kinds(found: Mapping[str, Any]) -> Iterator[str]:
    for group in answers.mappings(found.get("items")):
        name = str(answers.mapping(group.get("metadata")).get("name") or "")
        for version in answers.mappings(group.get("versions")):
            for resource in answers.mappings(version.get("resources")):
                kind = answers.mapping(resource.get("responseKind")).get("kind")
                yield f"{name}/{version.get('version')}/{kind}"


def versions(found: Mapping[str, Any]) -> list[str]:
    """Every group version, `apps/v1`."""
    return [
        str(version["groupVersion"])
        for group in answers.mappings(found.get("groups"))
        for version in answers.mappings(group.get("versions"))
        if version.get("groupVersion")
    ]
