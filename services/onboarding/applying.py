"""Bringing one environment's objects from the repository to its cluster."""

import fnmatch
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from services.clusters import actions as clusters
from services.clusters import queries
from services.clusters.actions import ENTITY
from services.clusters.models import Environment
from services.clusters.picture import REQUEST
from services.diagnosis.health import NO_STATUS
from services.integrations import githosts
from services.integrations.errors import Refused
from services.integrations.kube.objects import Ref
from services.manifests.reader import ManifestError, load_all

from .models import Request

KUSTOMIZATION = "/kustomization.yaml"
# What others need comes first; what operators make of an object (databases, secrets from a store) comes where
# the None is, before the workloads that read it; how many there are and who leads to them comes last.
_ORDER = (
    "Namespace", "ServiceAccount", "Role", "RoleBinding", "NetworkPolicy", "ConfigMap", "Secret",
    "PersistentVolumeClaim", "Service", "ExternalSecret", "VaultStaticSecret", None, "StatefulSet",
    "Deployment", "DaemonSet", "Job", "CronJob", "PodDisruptionBudget", "HorizontalPodAutoscaler",
    "ScaledObject", "HTTPRoute", "Ingress",
)  # fmt: skip
_RANK = {kind: rank for rank, kind in enumerate(_ORDER)}
# From here on things run. Those of a request of several parts wait until operators have made what they read:
# a little while for what has not said anything yet (some kinds never do), longer for what says "not yet".
RUNNING = _RANK["StatefulSet"]
OPERATED = range(_RANK["ExternalSecret"], RUNNING)
SILENT, PATIENT = timedelta(seconds=20), timedelta(minutes=3)


def folders_of(request: Request, environment: str) -> list[str]:
    """`apps/<team>/<service>/<environment>`, where the request's files of one environment are, or were.

    Of a preview `previews/<team>/<environment>/<service>`.
    """
    every, places = (
        [*request.files, *request.removed],
        (f"apps/*/*/{environment}", f"previews/*/{environment}/*"),
    )
    paths = [path for place in places for path in fnmatch.filter(every, f"{place}/*.yaml")]
    return sorted({path.rpartition("/")[0] for path in paths})


def objects_of(request: Request, environment: str, commit: str = "") -> list[dict[str, Any]]:
    """Every object in those folders at the merge commit (or `commit`), whoever put it there, in the order to
    apply."""
    host, commit = githosts.get(request.provider), commit or commit_for(request, environment)
    trees = (host.read_tree(request.repo, commit, under) for under in folders_of(request, environment))
    files = {path: text for tree in trees for path, text in sorted(tree.items()) if _is_manifest(path)}
    found = [obj for path, text in files.items() for obj in _objects(path, text)]
    return sorted(found, key=_rank)


def commit_for(request: Request, environment: str) -> str:
    """The merge commit, or a later one that the environment has: nothing takes it back behind that."""
    rows = Request.objects.about(*request.entity_refs).filter(repo=request.repo).exclude(pk=request.pk)
    applied = rows.filter(rollouts__environment=environment, rollouts__applied_at__isnull=False)
    last = (
        applied.exclude(merge_sha="")
        .order_by("-rollouts__applied_at")
        .values_list("merge_sha", flat=True)
        .first()
    )
    host = githosts.get(request.provider)
    if last and host.is_ancestor(request.repo, request.merge_sha, last):
        return last
    return request.merge_sha


def gone_from(request: Request, environment: str) -> list[dict[str, Any]]:
    """The objects of files that were taken away, the last applied first: routes before what they lead to."""
    read = githosts.get(request.provider).reader(request.repo, request.base_sha)
    paths = fnmatch.filter(request.removed, f"apps/*/*/{environment}/*.yaml")
    texts = {path: read(path) for path in paths if _is_manifest(path)}
    found = [obj for path, text in texts.items() if text is not None for obj in _objects(path, text)]
    return sorted(found, key=_rank, reverse=True)


def _rank(obj: dict[str, Any]) -> int:
    return _RANK.get(str(obj.get("kind")), _RANK[None])


def _is_manifest(path: str) -> bool:
    return path.endswith((".yaml", ".yml")) and not path.endswith(KUSTOMIZATION)


def _objects(path: str, text: bytes) -> Iterator[dict[str, Any]]:
    try:
        documents = load_all(text, path)
    except ManifestError as error:
        raise Refused(f"{path} cannot be read: {error}") from error
    yield from (document.data for document in documents if document.data)


@dataclass(frozen=True)
class Done:
    """`applied`: kind, name, namespace and generation of each; `removed`: those gone, with what `became`.

    `waits_for` names what is not in place yet: then what reads it was not applied, and is to be tried again.
    """

    applied: list[dict[str, Any]]
    removed: list[dict[str, Any]]
    waits_for: str = ""


def apply_environment(request: Request, environment: str, waited: timedelta | None = None) -> Done:
    """Applies every object and takes away what the request removed; again without effect.

    Of a request of several parts what runs comes when the others are in place, or were `waited` for enough.

    Raises `integrations.errors`: Refused for an environment that is gone and for objects that do not belong
    in it, before anything is applied; the cluster's own for the rest.
    """
    place = Environment.objects.select_related("cluster").filter(name=environment).first()
    if place is None:
        raise Refused(f"There is no environment {environment} any more.")
    if request.kind == Request.Kind.END:
        became = clusters.remove_namespace(place, request.entity_ref)
        return Done([], [removal(Ref("v1", "Namespace", place.namespace), became)])
    objects = objects_of(request, environment)
    own = _own_namespaces(request, environment)
    if place.is_preview and request.kind == Request.Kind.PREVIEW:
        own |= {place.namespace}
    for obj in objects:
        _check_place(obj, place, own)
    staying = {Ref.of(obj) for obj in objects}
    gone = gone_from(request, environment)
    own = _free(_made_in(gone))
    going = [obj for obj in gone if _is_ours(obj, place, own, staying)]
    first = [obj for obj in objects if _rank(obj) < RUNNING] if request.parts.exists() else objects
    applied = [identity(obj) for obj in clusters.apply_objects(place, first)]
    if len(first) < len(objects):
        if waits_for := _not_in_place(place, first, waited or timedelta()):
            return Done(applied, [], waits_for)
        applied += [identity(obj) for obj in clusters.apply_objects(place, objects[len(first) :])]
    removed = [
        each
        for entity in dict.fromkeys(_entity(obj, request) for obj in going)
        for each in clusters.remove_objects(
            place, [o for o in going if _entity(o, request) == entity], entity
        )
    ]
    return Done(applied, [removal(each["ref"], each["became"]) for each in removed])


def _not_in_place(place: Environment, objects: list[dict[str, Any]], waited: timedelta) -> str:
    """The first thing an operator has not made yet; empty when there is none, or it takes too long."""
    asked = [Ref.of(obj) for obj in objects if _rank(obj) in OPERATED]
    found = queries.healths_of(place, asked) if waited < PATIENT else []
    waiting = [(ref, judged) for ref, judged in found if judged.status in ("Progressing", "Missing")]
    late = [ref for ref, judged in waiting if judged.message != NO_STATUS or waited < SILENT]
    return f"{late[0].kind} {late[0].name}" if late else ""


def _is_ours(obj: dict[str, Any], place: Environment, own: set[str], staying: set[Ref]) -> bool:
    """Whether a removed object was one of this environment, and is described nowhere else in its folder.

    Of a namespace the form made only that itself: while it stands, what guards it stays.
    """
    about = obj["metadata"]
    ours = about["name"] in own if obj["kind"] == "Namespace" else about.get("namespace") == place.namespace
    return Ref.of(obj) not in staying and ours


def _entity(obj: dict[str, Any], request: Request) -> str:
    """Whose it is: a part's where this request brought it, else what the request is for."""
    marks = obj["metadata"].get("annotations") or {}
    is_part = marks.get(ENTITY) in request.entity_refs or marks.get(REQUEST) == request.ref
    return str(marks[ENTITY]) if is_part and ENTITY in marks else request.entity_ref


def removal(ref: Ref, became: str) -> dict[str, Any]:
    return {
        "api_version": ref.api_version, "kind": ref.kind, "name": ref.name, "namespace": ref.namespace,
        "became": became,
    }  # fmt: skip


def _own_namespaces(request: Request, environment: str) -> set[str]:
    """Those the form itself made, as it was approved; never one that is an environment, or the cluster's."""
    texts = [request.files.get(f"{folder}/namespace.yaml") for folder in folders_of(request, environment)]
    return _free(_made_in([document.data for text in texts if text for document in load_all(text.encode())]))


def _made_in(objects: list[dict[str, Any]]) -> set[str]:
    return {obj["metadata"]["name"] for obj in objects if obj.get("kind") == "Namespace"}


def _free(names: set[str]) -> set[str]:
    """Those that are neither an environment's nor the cluster's own."""
    taken = set(Environment.objects.filter(namespace__in=names).values_list("namespace", flat=True))
    return {name for name in names - taken if not name.startswith("kube-") and name != "default"}


def _check_place(obj: dict[str, Any], place: Environment, own: set[str]) -> None:
    """A pull request can be added to by hand; what is applied stays where the form may put things."""
    about = obj.get("metadata")
    namespace = about.get("namespace") if isinstance(about, dict) else None
    if isinstance(about, dict) and obj.get("kind") == "Namespace" and about.get("name") in own:
        return
    if namespace != place.namespace and namespace not in own:
        where = f"the namespace {namespace}" if namespace else "no namespace"
        raise Refused(f"{obj.get('kind')} is for {where}; {place} is {place.namespace}.")


def identity(obj: dict[str, Any]) -> dict[str, Any]:
    about = obj["metadata"]
    return {
        "api_version": obj["apiVersion"],
        "kind": obj["kind"],
        "name": about["name"],
        "namespace": about.get("namespace", ""),
        "generation": about.get("generation", 0),
        "request": (about.get("annotations") or {}).get(REQUEST, ""),
        "entity": (about.get("annotations") or {}).get(ENTITY, ""),
    }
