"""Argo CD's application controller: compares git with the cluster, syncs, prunes, and says how it went."""

from typing import Any

from portal.demo.cluster.controllers import fromgit
from portal.demo.cluster.controllers.fromgit import CannotRead, Checkout
from portal.demo.cluster.world import World

Object = dict[str, Any]
REFRESH = "argocd.argoproj.io/refresh"
TRACKING = "argocd.argoproj.io/tracking-id"
MANAGER = "argocd-controller"
POLL, LOOK = 180.0, 2.0


def application(world: World, obj: Object) -> None:
    """Looks at git every three minutes, when it is asked to, and when its own settings change."""
    if obj["metadata"].get("deletionTimestamp"):
        return
    generation = obj["metadata"].get("generation", 1)
    is_new = world.once(obj, f"generation-{generation}")
    is_due = world.rested(obj, "poll", POLL) or is_new or bool(obj.get("operation"))
    obj, is_asked = _answered(world, obj)
    if is_due or is_asked or world.rested(obj, "look", LOOK):
        _compare(world, obj)


def _answered(world: World, obj: Object) -> tuple[Object, bool]:
    """Takes the request to look away: that is how the controller says that it has heard it."""
    notes = dict(obj["metadata"].get("annotations") or {})
    if REFRESH not in notes:
        return obj, False
    del notes[REFRESH]
    return world.store.put(obj | {"metadata": obj["metadata"] | {"annotations": notes}}), True


def _sources(obj: Object) -> list[Object]:
    return obj["spec"].get("sources") or [obj["spec"].get("source") or {}]


def _compare(world: World, obj: Object) -> None:
    status = dict(obj.get("status") or {})
    try:
        revisions, wanted = _wanted(obj)
    except CannotRead as error:
        condition = {"type": "ComparisonError", "message": str(error)}
        old: Object = next(iter(status.get("conditions") or []), {})
        kept = {key: old.get(key) for key in condition} == condition
        condition["lastTransitionTime"] = old["lastTransitionTime"] if kept else world.clock.stamp()
        unknown = (status.get("sync") or {}) | {"status": "Unknown"}
        world.status(obj, status | {"conditions": [condition], "sync": unknown})
        return
    if _may_sync(world, obj, revisions, wanted):
        status["operationState"] = _synced(world, obj, revisions, wanted)
        obj = {key: value for key, value in world.fresh(obj).items() if key != "operation"}
        obj = world.store.put(obj)
    world.status(obj, _told(world, obj, status, revisions, wanted))


def _wanted(obj: Object) -> tuple[list[str], list[Object]]:
    """The commit of each source, and all objects, marked as this application's."""
    revisions, found = [], []
    for source in _sources(obj):
        checkout = Checkout.of(str(source.get("repoURL") or ""), str(source.get("targetRevision") or "HEAD"))
        revisions.append(checkout.sha)
        if "path" in source:
            deep = bool((source.get("directory") or {}).get("recurse"))
            found += checkout.objects(str(source["path"]), deep=deep)
    namespace = (obj["spec"].get("destination") or {}).get("namespace", "")
    return revisions, [_marked(fromgit.placed(each, namespace), obj) for each in found]


def _marked(each: Object, app: Object) -> Object:
    kind, namespace, name = fromgit.key_of(each)
    group = each["apiVersion"].rpartition("/")[0]
    mark = {TRACKING: f"{app['metadata']['name']}:{group}/{kind}:{namespace}/{name}"}
    about = each["metadata"]
    return each | {"metadata": about | {"annotations": (about.get("annotations") or {}) | mark}}


def _revision(obj: Object, revisions: list[str]) -> Object:
    return {"revisions": revisions} if obj["spec"].get("sources") else {"revision": revisions[0]}


def _leftover(world: World, obj: Object, wanted: list[Object]) -> list[Object]:
    keys = {fromgit.key_of(each) for each in wanted}
    mine = fromgit.marked(world, TRACKING, f"{obj['metadata']['name']}:")
    return [each for each in mine if fromgit.key_of(each) not in keys]


def _is_synced(world: World, obj: Object, wanted: list[Object]) -> bool:
    return all(fromgit.is_as_said(world, each) for each in wanted) and not _leftover(world, obj, wanted)


def _may_sync(world: World, obj: Object, revisions: list[str], wanted: list[Object]) -> bool:
    """Told to, or by itself: each commit once, and again where it heals what others changed."""
    if obj.get("operation"):
        return True
    automated = (obj["spec"].get("syncPolicy") or {}).get("automated")
    if automated is None or automated.get("enabled") is False or _is_synced(world, obj, wanted):
        return False
    last = ((obj.get("status") or {}).get("operationState") or {}).get("syncResult") or {}
    tried = {key: last.get(key) for key in ("revision", "revisions") if key in last}
    return tried != _revision(obj, revisions) or bool(automated.get("selfHeal"))


def _synced(world: World, obj: Object, revisions: list[str], wanted: list[Object]) -> Object:
    started = world.clock.stamp()
    said = [(each, fromgit.apply(world, each, MANAGER)) for each in wanted]
    failed = [message for _, message in said if message]
    automated = (obj["spec"].get("syncPolicy") or {}).get("automated") or {}
    if not failed and ((obj.get("operation") or {}).get("sync") or automated).get("prune"):
        for each in _leftover(world, obj, wanted):
            fromgit.remove(world, each)
    message = f"one or more objects failed to apply, reason: {failed[0]}" if failed else "successfully synced"
    resources = [_result(each, message) for each, message in said]
    return {
        "phase": "Failed" if failed else "Succeeded",
        "message": message,
        "startedAt": started,
        "finishedAt": world.clock.stamp(),
        "operation": {"sync": _revision(obj, revisions)},
        "syncResult": _revision(obj, revisions) | {"resources": resources},
    }


def _result(each: Object, message: str) -> Object:
    kind, namespace, name = fromgit.key_of(each)
    word = "SyncFailed" if message else "Synced"
    said = message or f"{kind.lower()}/{name} configured"
    return {"kind": kind, "namespace": namespace, "name": name, "status": word, "message": said}


def _told(world: World, obj: Object, status: Object, revisions: list[str], wanted: list[Object]) -> Object:
    resources = [_resource(world, each) for each in wanted]
    word = "Synced" if _is_synced(world, obj, wanted) else "OutOfSync"
    order = ("Degraded", "Missing", "Progressing", "Healthy")
    healths = [each["health"]["status"] for each in resources]
    worst = next((each for each in order if each in healths), "Healthy")
    status.pop("conditions", None)
    return status | {
        "sync": {"status": word} | _revision(obj, revisions),
        "health": {"status": worst},
        "resources": resources,
    }


def _resource(world: World, each: Object) -> Object:
    kind, namespace, name = fromgit.key_of(each)
    word = "Synced" if fromgit.is_as_said(world, each) else "OutOfSync"
    health = {"status": fromgit.health_of(fromgit.live(world, each))}
    return {"kind": kind, "namespace": namespace, "name": name, "status": word, "health": health}
