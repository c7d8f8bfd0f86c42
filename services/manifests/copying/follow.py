"""A preview for every pull request, made by Argo CD: an ApplicationSet and what it applies, as files."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.manifests import emit, objects
from services.manifests.copying.copying import copy
from services.manifests.copying.hosts import hosts_in
from services.manifests.copying.model import Copied, Item, Json, Target

LABEL = "preview"
REQUEUE = 300  # seconds; the default of half an hour is what people take for "it does not work"
NAMESPACE = "preview-{{ .branch_slug }}-{{ .number }}"
ROUTES = ("Ingress", "HTTPRoute", "GRPCRoute")


@dataclass(frozen=True)
class Followed:
    """`source` is owner/name of the repository whose pull requests are followed, `deploy` where this lies.

    `project` is fixed: a template that could name it would let a pull request choose its rights. `api` is the
    address of a git host of one's own, `token` the name and key of the Secret that opens it.
    """

    name: str
    provider: str
    source: str
    deploy: str
    folder: str
    image: str
    domain: str
    project: str = "previews"
    server: str = "https://kubernetes.default.svc"
    namespace: str = "argocd"
    api: str = ""
    token: tuple[str, str] = ("", "")


def followed(
    items: Sequence[Item], about: Followed, *, source: str, beside: Sequence[str] = (),
    around: Callable[[Copied], Sequence[Item]] = lambda copied: (),
) -> tuple[dict[str, str], Copied]:  # fmt: skip
    """The files by path, and what was copied, with what is to stand `around` it.

    Only administrators may apply an ApplicationSet.
    """
    copied = copy(items, Target("", name=about.name, small=True), source=source, beside=beside)
    copied.items += around(copied)
    files = {
        f"{about.folder}/base/{item.part.rpartition('/')[2]}-{objects.kind(item.data).lower()}-"
        f"{objects.name(item.data)}.yaml": emit.dump([item.data])
        for item in copied.items
    }
    names = sorted(path.rpartition("/")[2] for path in files)
    base = {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization", "resources": names}
    files[f"{about.folder}/base/kustomization.yaml"] = emit.dump([base])
    why = "Applied by administrators only: an ApplicationSet may deploy anywhere its project may."
    files[f"{about.folder}/applicationset.yaml"] = emit.dump([_set(about, copied)], why)
    return files, copied


def _set(about: Followed, copied: Copied) -> Json:
    owner, _, repo = about.source.rpartition("/")
    provider: Json = {"owner": owner, "repo": repo, "labels": [LABEL]}
    if about.provider == "gitlab":
        provider = {"project": about.source, "labels": [LABEL], "pullRequestState": "opened"}
    provider |= {"api": about.api} if about.api else {}
    secret, key = about.token
    provider |= {"tokenRef": {"secretName": secret, "key": key}} if secret else {}
    generator = {"pullRequest": {about.provider: provider, "requeueAfterSeconds": REQUEUE}}
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "ApplicationSet",
        "metadata": {"name": f"{about.name}-previews", "namespace": about.namespace},
        "spec": {
            "goTemplate": True,
            "goTemplateOptions": ["missingkey=error"],
            "generators": [generator],
            "template": {
                "metadata": {
                    "name": f"{about.name}-" + "{{ .number }}", "labels": {"slipway.dev/preview": about.name},
                },
                "spec": _application(about, copied),
            },
        },
    }  # fmt: skip


def _application(about: Followed, copied: Copied) -> Json:
    return {
        "project": about.project,
        "source": {
            "repoURL": about.deploy,
            "targetRevision": "HEAD",
            "path": f"{about.folder}/base",
            "kustomize": {
                "namespace": NAMESPACE,
                "images": [f"{about.image}:" + "{{ .head_sha }}"],
                "patches": [_patch(each.data, about) for each in copied.items if _has_hosts(each.data)],
            },
        },
        "destination": {"server": about.server, "namespace": NAMESPACE},
        "syncPolicy": {
            "automated": {"prune": True, "selfHeal": True},
            "syncOptions": ["CreateNamespace=true", "RespectIgnoreDifferences=true"],
            "managedNamespaceMetadata": {"labels": {"pod-security.kubernetes.io/enforce": "baseline"}},
        },
        # Asleep at night: who scales them is not Argo CD.
        "ignoreDifferences": [
            {"group": "apps", "kind": kind, "jsonPointers": ["/spec/replicas"]}
            for kind in ("Deployment", "StatefulSet")
        ],
    }


def _has_hosts(data: Mapping[str, Any]) -> bool:
    return objects.kind(data) in ROUTES and any(True for _ in hosts_in(data))


def _patch(data: Mapping[str, Any], about: Followed) -> Json:
    """Each host gets the number of the pull request: two previews never answer to one name."""
    changes = []
    for number, host in enumerate(_listed(data)):
        new = f"{host.removeprefix('*.').partition('.')[0]}-" + "{{ .number }}" + f".{about.domain}"
        at = f"rules/{number}/host" if objects.kind(data) == "Ingress" else f"hostnames/{number}"
        path = f"/spec/{at}"
        changes.append({"op": "replace", "path": path, "value": new})
    if objects.kind(data) == "Ingress" and (data.get("spec") or {}).get("tls"):
        changes.append({"op": "remove", "path": "/spec/tls"})
    target = {"kind": objects.kind(data), "name": objects.name(data)}
    return {"target": target, "patch": json.dumps(changes)}


def _listed(data: Mapping[str, Any]) -> list[str]:
    spec = data.get("spec") or {}
    if objects.kind(data) == "Ingress":
        return [str(each.get("host") or "") for each in spec.get("rules") or []]
    return [str(each) for each in spec.get("hostnames") or []]
