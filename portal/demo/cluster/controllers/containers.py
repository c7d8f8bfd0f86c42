"""One container: waiting for its image and configuration, running, ended, backing off."""

import zlib
from typing import Any

from portal.demo.cluster import behaviour
from portal.demo.cluster.behaviour import Behaviour
from portal.demo.cluster.controllers import references
from portal.demo.cluster.world import World

Object = dict[str, Any]
PULL, CREATE, LOOK_AGAIN = 0.8, 0.2, 3.0
PULL_BACKOFF, BACKOFF, BACKOFF_MAX = 30.0, 5.0, 300.0
UNHEALTHY_EVERY = 20.0


def waiting(container: Object, reason: str, message: str = "", old: Object | None = None) -> Object:
    state = {"reason": reason} | ({"message": message} if message else {})
    base = old or {
        "name": container["name"],
        "image": container["image"],
        "imageID": "",
        "restartCount": 0,
        "lastState": {},
    }
    return base | {"ready": False, "started": False, "state": {"waiting": state}}


def step(world: World, pod: Object, container: Object, old: Object, *, once: bool) -> Object:
    """The container's next status; `once` for those that run to their end (init containers)."""
    if "waiting" in old["state"]:
        return _start(world, pod, container, old)
    if "running" in old["state"]:
        return _run(world, pod, container, old, once=once)
    if once and not old["state"]["terminated"]["exitCode"]:
        return old
    return _after(world, pod, container, old)


def _timer(container: Object, name: str) -> str:
    return f"{container['name']}:{name}"


def _start(world: World, pod: Object, container: Object, old: Object) -> Object:
    reason = old["state"]["waiting"]["reason"]
    if reason == "CrashLoopBackOff":
        return _back_off(world, pod, container, old)
    if not old["restartCount"] and not old["imageID"]:
        if not world.waited(pod, _timer(container, "pull"), PULL):
            return old
        trouble = world.registry.trouble(container["image"])
        if trouble:
            return _unpulled(world, pod, container, old, trouble)
        world.event(pod, "Pulled", f'Successfully pulled image "{container["image"]}"')
        digest = zlib.crc32(container["image"].encode())
        old = old | {"imageID": f"{container['image'].partition(':')[0]}@sha256:{digest:08x}" + "0" * 56}
    trouble = references.config_trouble(world, pod, container)
    if trouble:
        world.again(pod, _timer(container, "config"), LOOK_AGAIN)
        if reason != "CreateContainerConfigError":
            world.event(pod, "Failed", f"Error: {trouble}", warning=True)
        return waiting(container, "CreateContainerConfigError", trouble, old)
    return _running(world, pod, container, old)


def _unpulled(world: World, pod: Object, container: Object, old: Object, trouble: str) -> Object:
    """First the error, then the back-off, which is told again from time to time."""
    reason = old["state"]["waiting"]["reason"]
    image = container["image"]
    if reason not in ("ErrImagePull", "ImagePullBackOff"):
        world.event(pod, "Pulling", f'Pulling image "{image}"')
        world.event(pod, "Failed", f'Failed to pull image "{image}": {trouble}', warning=True)
        world.event(pod, "Failed", "Error: ErrImagePull", warning=True)
        world.waited(pod, _timer(container, "pull-error"), 1.0)
        return waiting(container, "ErrImagePull", trouble, old)
    if not world.waited(pod, _timer(container, "pull-error"), 1.0):
        return old
    if reason == "ErrImagePull" or world.rested(pod, _timer(container, "pull-again"), PULL_BACKOFF):
        world.event(pod, "BackOff", f'Back-off pulling image "{image}"', warning=True)
    world.waited(pod, _timer(container, "pull-again"), PULL_BACKOFF)
    message = f'Back-off pulling image "{image}": ErrImagePull: {trouble}'
    return waiting(container, "ImagePullBackOff", message, old)


def _running(world: World, pod: Object, container: Object, old: Object) -> Object:
    world.event(pod, "Created", f"Created container: {container['name']}")
    world.event(pod, "Started", f"Started container {container['name']}")
    world.restart_timer(pod, *(_timer(container, name) for name in ("ready", "end", "unhealthy")))
    behave = behaviour.of(pod, container)
    world.waited(pod, _timer(container, "ready"), behave.startup)
    if behave.ends_after is not None:
        world.waited(pod, _timer(container, "end"), behave.ends_after)
    state = {"running": {"startedAt": world.clock.stamp()}}
    return old | {"state": state, "started": True, "ready": False}


def _run(world: World, pod: Object, container: Object, old: Object, *, once: bool) -> Object:
    behave = behaviour.of(pod, container)
    ends = behave.ends_after if behave.ends_after is not None else (1.0 if once else None)
    if ends is not None and world.waited(pod, _timer(container, "end"), ends):
        return _ended(world, old, behave)
    if once or not world.waited(pod, _timer(container, "ready"), behave.startup):
        return old
    if behave.not_ready:
        timer = _timer(container, "unhealthy")
        if world.once(pod, f"{timer}-told") or world.rested(pod, timer, UNHEALTHY_EVERY):
            world.event(pod, "Unhealthy", f"Readiness probe failed: {behave.not_ready}", warning=True)
        world.waited(pod, timer, UNHEALTHY_EVERY)
        return old | {"ready": False}
    return old | {"ready": True}


def _ended(world: World, old: Object, behave: Behaviour) -> Object:
    state = {
        "exitCode": behave.exit_code,
        "reason": behave.reason,
        "startedAt": old["state"]["running"]["startedAt"],
        "finishedAt": world.clock.stamp(),
    }
    return old | {"ready": False, "started": False, "state": {"terminated": state}}


def _after(world: World, pod: Object, container: Object, old: Object) -> Object:
    """What follows an end: nothing, or a back-off that doubles."""
    policy = pod["spec"].get("restartPolicy", "Always")
    ended = old["state"]["terminated"]
    if policy == "Never" or (policy == "OnFailure" and ended["exitCode"] == 0):
        return old
    delay = min(BACKOFF_MAX, BACKOFF * 2 ** min(old["restartCount"], 10))
    world.restart_timer(pod, _timer(container, "back-off"))
    world.waited(pod, _timer(container, "back-off"), delay)
    name, where = container["name"], pod["metadata"]["name"]
    world.event(pod, "BackOff", f"Back-off restarting failed container {name} in pod {where}", warning=True)
    message = f"back-off {int(delay)}s restarting failed container={name} pod={where}"
    return waiting(container, "CrashLoopBackOff", message, old | {"lastState": {"terminated": ended}})


def _back_off(world: World, pod: Object, container: Object, old: Object) -> Object:
    delay = min(BACKOFF_MAX, BACKOFF * 2 ** min(old["restartCount"], 10))
    if not world.waited(pod, _timer(container, "back-off"), delay):
        return old
    return _running(world, pod, container, old | {"restartCount": old["restartCount"] + 1})
