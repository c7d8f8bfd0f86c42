"""Deployments and their replica sets: revisions, surge, deadlines."""

from typing import Any

from portal.demo.cluster.clock import seconds
from portal.demo.cluster.controllers import parts
from portal.demo.cluster.world import World

Object = dict[str, Any]
REVISION = "deployment.kubernetes.io/revision"
HASH = "pod-template-hash"
KEPT_HISTORY = 3


def deployment(world: World, obj: Object) -> None:
    if obj["metadata"].get("deletionTimestamp"):
        return
    sets = sorted(world.store.owned(obj, "apps/v1", "ReplicaSet"), key=_revision)
    current = _current(world, obj, sets)
    old = [rs for rs in sets if rs["metadata"]["uid"] != current["metadata"]["uid"]]
    _roll(world, obj, current, old)
    _forget_history(world, obj, old)
    obj = (
        world.store.find("apps/v1", "Deployment", obj["metadata"]["namespace"], obj["metadata"]["name"])
        or obj
    )
    _status(world, obj, world.store.owned(obj, "apps/v1", "ReplicaSet"), current)


def _revision(rs: Object) -> int:
    return int((rs["metadata"].get("annotations") or {}).get(REVISION, 0))


def _current(world: World, obj: Object, sets: list[Object]) -> Object:
    """The replica set of today's template, made or brought to the front."""
    digest = parts.hash_of(obj["spec"]["template"])
    found = next((rs for rs in sets if rs["metadata"]["labels"].get(HASH) == digest), None)
    newest = _revision(sets[-1]) if sets else 0
    if found is None and obj["spec"].get("paused") and sets:
        return sets[-1]
    if found is None:
        found = _new_set(world, obj, digest, newest + 1)
    elif _revision(found) < newest:
        notes = found["metadata"]["annotations"] | {REVISION: str(newest + 1)}
        found = world.store.put(found | {"metadata": found["metadata"] | {"annotations": notes}})
    _note_revision(world, obj, str(_revision(found)))
    return found


def _new_set(world: World, obj: Object, digest: str, revision: int) -> Object:
    template = obj["spec"]["template"]
    labels = (template.get("metadata") or {}).get("labels") or {}
    marked = {"metadata": (template.get("metadata") or {}) | {"labels": labels | {HASH: digest}}}
    spec = {
        "replicas": 0,
        "selector": {"matchLabels": (obj["spec"]["selector"].get("matchLabels") or {}) | {HASH: digest}},
        "template": template | marked,
    }
    name = f"{obj['metadata']['name']}-{digest}"
    made = parts.child(
        obj,
        "apps/v1",
        "ReplicaSet",
        name,
        labels=labels | {HASH: digest},
        annotations={REVISION: str(revision)},
        spec=spec,
        status={"replicas": 0},
    )
    world.restart_timer(obj, "deadline")
    return world.store.put(made)


def _note_revision(world: World, obj: Object, revision: str) -> None:
    notes = obj["metadata"].get("annotations") or {}
    if notes.get(REVISION) != revision:
        metadata = obj["metadata"] | {"annotations": notes | {REVISION: revision}}
        world.store.put(obj | {"metadata": metadata})


def _count(sets: list[Object], field: str) -> int:
    return sum(int((rs.get("status") or {}).get(field) or 0) for rs in sets)


def _scale(world: World, obj: Object, rs: Object, replicas: int) -> None:
    replicas = max(0, replicas)
    have = rs["spec"]["replicas"]
    if replicas == have:
        return
    word = "up" if replicas > have else "down"
    name = rs["metadata"]["name"]
    world.store.put(rs | {"spec": rs["spec"] | {"replicas": replicas}})
    world.event(obj, "ScalingReplicaSet", f"Scaled {word} replica set {name} from {have} to {replicas}")


def _roll(world: World, obj: Object, current: Object, old: list[Object]) -> None:
    """One step towards all replicas on the current template."""
    wanted = int(obj["spec"].get("replicas") or 0)
    running = [rs for rs in old if rs["spec"]["replicas"] or (rs.get("status") or {}).get("replicas")]
    if not running:
        return _scale(world, obj, current, wanted)
    if obj["spec"].get("paused"):
        return None
    if obj["spec"]["strategy"]["type"] == "Recreate":
        for rs in running:
            _scale(world, obj, rs, 0)
        return None
    limits = obj["spec"]["strategy"].get("rollingUpdate") or {}
    surge = parts.share(limits.get("maxSurge", "25%"), wanted, up=True)
    missing = parts.share(limits.get("maxUnavailable", "25%"), wanted, up=False)
    total = current["spec"]["replicas"] + sum(rs["spec"]["replicas"] for rs in running)
    room = wanted + max(surge, 0 if missing else 1) - total
    _scale(world, obj, current, min(wanted, current["spec"]["replicas"] + max(0, room)))
    return _shrink(world, obj, current, running, wanted - missing)


def _available_now(rs: Object) -> int:
    """A set that was just told to shrink still reports its former pods."""
    return min(int((rs.get("status") or {}).get("availableReplicas") or 0), int(rs["spec"]["replicas"]))


def _shrink(world: World, obj: Object, current: Object, running: list[Object], least: int) -> None:
    """Take from the old sets what is not needed to keep `least` available; the broken ones first."""
    spare = sum(_available_now(rs) for rs in [current, *running]) - least
    for rs in running:
        have = int(rs["spec"]["replicas"])
        broken = have - _available_now(rs)
        taken = min(have, broken + max(0, spare))
        spare -= max(0, taken - broken)
        _scale(world, obj, rs, have - taken)


def _forget_history(world: World, obj: Object, old: list[Object]) -> None:
    limit = min(int(obj["spec"].get("revisionHistoryLimit", 10)), KEPT_HISTORY)
    idle = [rs for rs in old if not rs["spec"]["replicas"] and not (rs.get("status") or {}).get("replicas")]
    for rs in idle[: max(0, len(idle) - limit)]:
        world.store.drop(rs)


def _status(world: World, obj: Object, sets: list[Object], current: Object) -> None:
    wanted = int(obj["spec"].get("replicas") or 0)
    mine = [rs for rs in sets if rs["metadata"]["uid"] == current["metadata"]["uid"]]
    counts = {
        "replicas": _count(sets, "replicas"),
        "updatedReplicas": _count(mine, "replicas"),
        "readyReplicas": _count(sets, "readyReplicas"),
        "availableReplicas": _count(sets, "availableReplicas"),
        "unavailableReplicas": max(0, wanted - _count(sets, "availableReplicas")),
    }
    old = obj.get("status") or {}
    status = {"observedGeneration": obj["metadata"]["generation"]} | {k: v for k, v in counts.items() if v}
    done = counts["updatedReplicas"] == wanted == counts["availableReplicas"] and counts["replicas"] == wanted
    moved = any(counts[key] > old.get(key, 0) for key in ("updatedReplicas", "availableReplicas"))
    status["conditions"] = [
        _available(world, obj, old, counts, wanted),
        _progressing(world, obj, old, current, done=done, moved=moved),
    ]
    world.status(obj, status)


def _available(world: World, obj: Object, old: Object, counts: Object, wanted: int) -> Object:
    limits = (obj["spec"].get("strategy") or {}).get("rollingUpdate") or {}
    missing = parts.share(limits.get("maxUnavailable", "25%"), wanted, up=False)
    enough = counts["availableReplicas"] >= wanted - missing
    reason = "MinimumReplicasAvailable" if enough else "MinimumReplicasUnavailable"
    text = (
        "Deployment has minimum availability." if enough else "Deployment does not have minimum availability."
    )
    return parts.condition(world, old, "Available", enough, reason, text)


def _progressing(
    world: World, obj: Object, old: Object, current: Object, *, done: bool, moved: bool
) -> Object:
    name = current["metadata"]["name"]
    before = parts.known_condition(old, "Progressing")
    if done:
        world.restart_timer(obj, "deadline")
        text = f'ReplicaSet "{name}" has successfully progressed.'
        return _stamped(world, old, True, "NewReplicaSetAvailable", text)
    if before.get("reason") == "NewReplicaSetAvailable" and f'"{name}"' in before["message"]:
        return before
    if moved:
        world.restart_timer(obj, "deadline")
    deadline = float(obj["spec"].get("progressDeadlineSeconds") or 600) * world.pace.deadline
    late = world.waited(obj, "deadline", max(deadline, 1.0))
    if late or (
        before.get("reason") == "ProgressDeadlineExceeded" and name in before["message"] and not moved
    ):
        text = f'ReplicaSet "{name}" has timed out progressing.'
        return _stamped(world, old, False, "ProgressDeadlineExceeded", text)
    return _stamped(world, old, True, "ReplicaSetUpdated", f'ReplicaSet "{name}" is progressing.')


def _stamped(world: World, old: Object, value: bool, reason: str, text: str) -> Object:
    """As other conditions, and `lastUpdateTime` moves with reason and text."""
    new = parts.condition(world, old, "Progressing", value, reason, text)
    before = parts.known_condition(old, "Progressing")
    same = (before.get("reason"), before.get("message")) == (reason, text)
    return new | {"lastUpdateTime": before["lastUpdateTime"] if same else world.clock.stamp()}


def replica_set(world: World, obj: Object) -> None:
    """As many pods as wanted; the unready and the youngest leave first."""
    pods = world.store.owned(obj, "v1", "Pod")
    living = parts.alive(pods)
    wanted = int(obj["spec"].get("replicas") or 0)
    for _ in range(wanted - len(living)):
        _add_pod(world, obj)
    leaving = sorted(living, key=lambda p: (parts.is_ready(p), -seconds(p["metadata"]["creationTimestamp"])))
    for pod in leaving[: max(0, len(living) - wanted)]:
        parts.delete_pod(world, pod)
    living = parts.alive(world.store.owned(obj, "v1", "Pod"))
    ready = sum(parts.is_ready(pod) for pod in living)
    counts = {
        "replicas": len(living),
        "fullyLabeledReplicas": len(living),
        "readyReplicas": ready,
        "availableReplicas": ready,
    }
    status = {k: v for k, v in counts.items() if v or k == "replicas"}
    world.status(obj, status | {"observedGeneration": obj["metadata"]["generation"]})


def _add_pod(world: World, rs: Object) -> None:
    name = f"{rs['metadata']['name']}-{parts.safe_word(world.serial(), 5)}"
    pod = parts.pod_from(rs, rs["spec"]["template"], name)
    world.store.put(pod)
    world.event(rs, "SuccessfulCreate", f"Created pod: {name}")
