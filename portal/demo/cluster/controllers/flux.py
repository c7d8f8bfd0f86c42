"""Flux' controllers: one fetches sources, one applies kustomizations and prunes, one installs releases."""

from typing import Any

from portal.demo.cluster.controllers import fromgit, parts
from portal.demo.cluster.controllers.fromgit import CannotRead, Checkout
from portal.demo.cluster.quantities import duration
from portal.demo.cluster.world import Reconciler, World

Object = dict[str, Any]
ASKED = "reconcile.fluxcd.io/requestedAt"
OWNER = "kustomize.toolkit.fluxcd.io/name"
MANAGER = "kustomize-controller"
LOOK = 2.0


def git_repository(world: World, obj: Object) -> None:
    """Fetches its branch at every interval, and when it is asked to."""
    if obj["spec"].get("suspend") or not _is_due(world, obj):
        return
    ref = obj["spec"].get("ref") or {}
    branch = str(ref.get("commit") or ref.get("tag") or ref.get("branch") or "master")
    status = obj.get("status") or {}
    try:
        found = Checkout.of(str(obj["spec"].get("url") or ""), branch)
    except CannotRead as error:
        said = parts.condition(world, status, "Ready", False, "GitOperationFailed", str(error))
        world.status(obj, _answered(obj, status | {"conditions": [said]}))
        return
    said = parts.condition(world, status, "Ready", True, "Succeeded", "stored artifact")
    artifact = {"revision": f"{branch}@sha1:{found.sha}"}
    world.status(obj, _answered(obj, {"conditions": [said], "artifact": artifact}))
    for each in world.store.all("kustomize.toolkit.fluxcd.io/v1", "Kustomization"):
        world.restart_timer(each, "interval")
        kustomization(world, each)


def _is_due(world: World, obj: Object) -> bool:
    generation, asked = obj["metadata"].get("generation", 1), _asked(obj)
    is_news = world.once(obj, f"generation-{generation}") or world.once(obj, f"asked-{asked}")
    return world.rested(obj, "interval", duration(str(obj["spec"].get("interval") or "1m"), 60.0)) or is_news


def _asked(obj: Object) -> str:
    return str((obj["metadata"].get("annotations") or {}).get(ASKED) or "")


def _answered(obj: Object, status: Object) -> Object:
    asked = {"lastHandledReconcileAt": _asked(obj)} if _asked(obj) else {}
    return status | {"observedGeneration": obj["metadata"].get("generation", 1)} | asked


def kustomization(world: World, obj: Object) -> None:
    """Applies its folder of what was fetched; with `wait`, it is ready when everything in it is."""
    obj = world.fresh(obj)
    status, source = obj.get("status") or {}, _source(world, obj)
    revision = str((((source or {}).get("status") or {}).get("artifact") or {}).get("revision") or "")
    if obj["spec"].get("suspend"):
        return
    is_new = revision != status.get("lastAttemptedRevision")
    is_waiting = parts.known_condition(status, "Ready").get("status") == "Unknown"
    if not (is_new or is_waiting or _is_due(world, obj)):
        return
    if source is None or not revision:
        name = (obj["spec"].get("sourceRef") or {}).get("name")
        text = f"Source artifact not found: {name}"
        said = parts.condition(world, status, "Ready", False, "ArtifactNotFound", text)
        world.status(obj, _answered(obj, status | {"conditions": [said]}))
        return
    world.status(obj, _answered(obj, status | _brought(world, obj, status, source, revision)))


def _source(world: World, obj: Object) -> Object | None:
    ref = obj["spec"].get("sourceRef") or {}
    namespace = ref.get("namespace") or obj["metadata"]["namespace"]
    return world.store.find("source.toolkit.fluxcd.io/v1", "GitRepository", namespace, str(ref.get("name")))


def _brought(world: World, obj: Object, status: Object, source: Object, revision: str) -> Object:
    tried = {"lastAttemptedRevision": revision}
    commit = revision.rpartition(":")[2]
    try:
        found = Checkout.of(str(source["spec"]["url"]), commit).objects(
            str(obj["spec"].get("path") or ""), deep=True
        )
    except CannotRead as error:
        return tried | {
            "conditions": [parts.condition(world, status, "Ready", False, "BuildFailed", str(error))]
        }
    wanted = [_marked(fromgit.placed(each, obj["spec"].get("targetNamespace") or ""), obj) for each in found]
    for each in wanted:
        if message := fromgit.apply(world, each, MANAGER):
            text = f"{each['kind']}/{each['metadata'].get('namespace')}/{each['metadata']['name']}: {message}"
            said = parts.condition(world, status, "Ready", False, "ReconciliationFailed", text)
            return tried | {"conditions": [said]}
    if obj["spec"].get("prune"):
        _prune(world, obj, wanted)
    inventory = {"entries": [{"id": _id(each), "v": "v1"} for each in wanted]}
    return tried | {"inventory": inventory} | _health(world, obj, status, wanted, revision)


def _health(world: World, obj: Object, status: Object, wanted: list[Object], revision: str) -> Object:
    waits = obj["spec"].get("wait") and any(
        fromgit.health_of(fromgit.live(world, each)) != "Healthy" for each in wanted
    )
    if not waits:
        said = parts.condition(
            world, status, "Ready", True, "ReconciliationSucceeded", f"Applied revision: {revision}"
        )
        return {"conditions": [said], "lastAppliedRevision": revision}
    limit = duration(str(obj["spec"].get("timeout") or obj["spec"].get("interval") or "5m"), 300.0)
    if world.waited(obj, f"health-{revision}", limit):
        text = f"timeout waiting for: [{', '.join(_id(each) for each in wanted)}]"
        return {"conditions": [parts.condition(world, status, "Ready", False, "HealthCheckFailed", text)]}
    world.again(obj, "look", LOOK)
    said = parts.condition(world, status, "Ready", True, "Progressing", "Running health checks")
    return {"conditions": [said | {"status": "Unknown"}]}


def _marked(each: Object, owner: Object) -> Object:
    about = each["metadata"]
    return each | {
        "metadata": about | {"labels": (about.get("labels") or {}) | {OWNER: owner["metadata"]["name"]}}
    }


def _prune(world: World, obj: Object, wanted: list[Object]) -> None:
    keys = {fromgit.key_of(each) for each in wanted}
    for kind in world.store.kinds:
        for each in list(world.store.of(kind).values()):
            mine = (each["metadata"].get("labels") or {}).get(OWNER) == obj["metadata"]["name"]
            owned = each["metadata"].get("ownerReferences")
            if mine and not owned and fromgit.key_of(each) not in keys:
                fromgit.remove(world, each)


def _id(each: Object) -> str:
    kind, namespace, name = fromgit.key_of(each)
    return f"{namespace}_{name}_{each['apiVersion'].rpartition('/')[0]}_{kind}"


def helm_release(world: World, obj: Object) -> None:
    """Installs one Deployment from the values `image` and `replicas`; without an image it fails."""
    generation, status = obj["metadata"].get("generation", 1), obj.get("status") or {}
    if obj["spec"].get("suspend") or status.get("observedGeneration") == generation:
        return
    if not world.waited(obj, f"install-{generation}", 1.0):
        return
    values = obj["spec"].get("values") or {}
    if not values.get("image"):
        text = "Helm install failed: execution error: values.image is required"
        said = parts.condition(world, status, "Ready", False, "InstallFailed", text)
    else:
        fromgit.apply(world, _release(obj, values), "helm-controller")
        said = parts.condition(world, status, "Ready", True, "InstallSucceeded", "Helm install succeeded")
    world.status(obj, {"observedGeneration": generation, "conditions": [said]})


def _release(obj: Object, values: Object) -> Object:
    name, namespace = obj["metadata"]["name"], obj["metadata"]["namespace"]
    labels = {"app.kubernetes.io/name": name, "helm.toolkit.fluxcd.io/name": name}
    container = {"name": "app", "image": values["image"]}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "spec": {
            "replicas": values.get("replicas", 1),
            "selector": {"matchLabels": {"app.kubernetes.io/name": name}},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    }


RECONCILERS: dict[str, Reconciler] = {
    "GitRepository": git_repository,
    "Kustomization": kustomization,
    "HelmRelease": helm_release,
}
