"""The life of a pod: scheduled, pulled, configured, started, ready; or stuck, killed and started again."""

import zlib
from typing import Any

from portal.demo.cluster.controllers import containers, parts, references, scheduling
from portal.demo.cluster.world import World

Object = dict[str, Any]
SCHEDULE, MOUNT, TERMINATE = 0.3, 0.2, 1.0
LOOK_AGAIN = 3.0
REPEAT_EVENT = 30.0


def reconcile(world: World, pod: Object) -> None:
    if pod["metadata"].get("deletionTimestamp"):
        _terminate(world, pod)
    elif (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed"):
        return
    elif not pod["spec"].get("nodeName"):
        _schedule(world, pod)
    elif _mounted(world, pod):
        _live(world, pod)


def _terminate(world: World, pod: Object) -> None:
    if not pod["metadata"].get("finalizers") and world.waited(pod, "terminate", TERMINATE):
        world.store.drop(pod)


def _schedule(world: World, pod: Object) -> None:
    if not world.waited(pod, "schedule", SCHEDULE):
        return
    node, why = scheduling.choose(world, pod)
    status = pod.get("status") or {}
    if not node:
        if world.rested(pod, "unschedulable", REPEAT_EVENT) or not status.get("conditions"):
            world.event(pod, "FailedScheduling", why, warning=True)
        refused = parts.condition(world, status, "PodScheduled", False, "Unschedulable", why)
        world.status(pod, status | {"phase": "Pending", "conditions": [refused]})
        world.waited(pod, "unschedulable", REPEAT_EVENT)
        return
    name = f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"
    world.event(pod, "Scheduled", f"Successfully assigned {name} to {node}")
    started = {
        "phase": "Pending",
        "startTime": world.clock.stamp(),
        "hostIP": _address(node, 16),
        "podIP": _address(pod["metadata"]["uid"], 244),
        "conditions": [parts.condition(world, status, "PodScheduled", True)],
    }
    world.store.put(pod | {"spec": pod["spec"] | {"nodeName": node}, "status": started})


def _address(name: str, second: int) -> str:
    digest = zlib.crc32(name.encode())
    return f"10.{second}.{(digest >> 8) % 4}.{digest % 250 + 2}"


def _mounted(world: World, pod: Object) -> bool:
    if not world.waited(pod, "mount", MOUNT):
        return False
    status = pod.get("status") or {}
    why = "" if _begun(status) else references.mount_trouble(world, pod)
    if not why:
        return True
    if world.once(pod, "mount-told") or world.rested(pod, "mount-event", REPEAT_EVENT):
        world.event(pod, "FailedMount", why, warning=True)
    world.again(pod, "mount-again", LOOK_AGAIN)
    idle = [containers.waiting(c, "ContainerCreating") for c in pod["spec"]["containers"]]
    conditions = _conditions(world, pod, status, idle, initialised=True)
    world.status(pod, status | {"containerStatuses": idle, "conditions": conditions})
    return False


def _begun(status: Object) -> bool:
    every = [*(status.get("containerStatuses") or []), *(status.get("initContainerStatuses") or [])]
    return any(s["imageID"] for s in every)


def _live(world: World, pod: Object) -> None:
    """One step of every container; init containers first, one after the other."""
    status = pod.get("status") or {}
    inits = _step_all(world, pod, "initContainers", "initContainerStatuses", in_turn=True)
    initialised = all("terminated" in s["state"] and _code(s) == 0 for s in inits)
    mains = (
        _step_all(world, pod, "containers", "containerStatuses")
        if initialised
        else [containers.waiting(c, "PodInitializing") for c in pod["spec"]["containers"]]
    )
    new = status | {"containerStatuses": mains, "phase": _phase(pod, mains)}
    if inits:
        new["initContainerStatuses"] = inits
    new["conditions"] = _conditions(world, pod, status, mains, initialised)
    world.status(pod, new)


def _code(status: Object) -> int:
    return int((status["state"].get("terminated") or {}).get("exitCode", 0))


def _step_all(
    world: World, pod: Object, section: str, statuses: str, *, in_turn: bool = False
) -> list[Object]:
    known = {s["name"]: s for s in (pod.get("status") or {}).get(statuses) or []}
    found: list[Object] = []
    blocked = False
    for container in pod["spec"].get(section) or []:
        old = known.get(container["name"]) or containers.waiting(container, "ContainerCreating")
        new = old if blocked else containers.step(world, pod, container, old, once=in_turn)
        blocked = in_turn and not ("terminated" in new["state"] and _code(new) == 0)
        found.append(new)
    return found


def _phase(pod: Object, statuses: list[Object]) -> str:
    ended = [s for s in statuses if "terminated" in s["state"]]
    if len(ended) == len(statuses) and pod["spec"].get("restartPolicy") != "Always":
        if all(_code(s) == 0 for s in ended):
            return "Succeeded"
        return "Failed" if pod["spec"].get("restartPolicy") == "Never" else "Running"
    started = any(
        "running" in s["state"] or s["restartCount"] or "terminated" in s["state"] for s in statuses
    )
    return "Running" if started else "Pending"


def _conditions(
    world: World, pod: Object, status: Object, statuses: list[Object], initialised: bool
) -> list[Object]:
    unready = [s["name"] for s in statuses if not s["ready"]]
    finished = _phase(pod, statuses) == "Succeeded"
    why = "PodCompleted" if finished else "ContainersNotReady" if unready else ""
    text = f"containers with unready status: [{' '.join(unready)}]" if unready and not finished else ""
    return [
        parts.condition(world, status, "PodScheduled", True),
        parts.condition(world, status, "Initialized", initialised),
        parts.condition(world, status, "ContainersReady", not unready, why, text),
        parts.condition(world, status, "Ready", not unready, why, text),
    ]
