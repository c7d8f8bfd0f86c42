"""What containers write: enough lines to read, made from the pod's state."""

from collections.abc import Iterator, Mapping
from typing import Any

from portal.demo.cluster import behaviour, paging, status
from portal.demo.cluster.clock import seconds, stamp
from portal.demo.cluster.status import ApiError
from portal.demo.cluster.store import Store

Object = dict[str, Any]
PERIOD = 20
LINES = 200


def read(store: Store, pod: Object, params: Mapping[str, str]) -> str:
    """The log of one container; refuses with 400 what has not started, as the API does."""
    container = _container(pod, params.get("container", ""))
    tail = _tail(params, pod["metadata"]["name"])
    state = _state(pod, container["name"], previous=params.get("previous") == "true")
    lines = list(_lines(pod, container, state, store.clock.now()))
    text = "".join(f"{line}\n" for line in lines[-tail:]) if tail else ""
    return text[-int(params.get("limitBytes") or 1_000_000) :]


def _tail(params: Mapping[str, str], pod: str) -> int:
    if (params.get("tailLines") or "").startswith("-"):
        below = ("tailLines", f"Invalid value: {params['tailLines']}: must be greater than or equal to 0")
        raise status.unfit("PodLogOptions", pod, [below])
    return paging.number(params, "tailLines", LINES)


def _container(pod: Object, name: str) -> Object:
    every = [*pod["spec"]["containers"], *(pod["spec"].get("initContainers") or [])]
    for container in every:
        if container["name"] == name or (not name and len(every) == 1):
            found: Object = container
            return found
    pod_name = pod["metadata"]["name"]
    raise ApiError(400, f"container {name or '?'} is not valid for pod {pod_name}")


def _status(pod: Object, name: str) -> Object:
    status = pod.get("status") or {}
    every = [*status.get("containerStatuses", []), *status.get("initContainerStatuses", [])]
    mine: list[Object] = [s for s in every if s["name"] == name]
    return mine[0] if mine else {}


def _state(pod: Object, name: str, *, previous: bool) -> Object:
    """The run whose log is asked for: this one, or the last that ended."""
    mine = _status(pod, name)
    last: Object = (mine.get("lastState") or {}).get("terminated") or {}
    state = mine.get("state") or {}
    now: Object = state.get("running") or state.get("terminated") or {}
    where = f'container "{name}" in pod "{pod["metadata"]["name"]}"'
    if previous and not last:
        raise ApiError(400, f"previous terminated {where} not found")
    if not now and not last:
        reason = (state.get("waiting") or {}).get("reason", "ContainerCreating")
        raise ApiError(400, f"{where} is waiting to start: {_why(reason)}")
    return last if previous or not now else now


def _why(reason: str) -> str:
    pulling = reason in ("ErrImagePull", "ImagePullBackOff")
    return "trying and failing to pull image" if pulling else reason


def _lines(pod: Object, container: Object, state: Object, now: float) -> Iterator[str]:
    started = seconds(state["startedAt"])
    ended = seconds(state["finishedAt"]) if "finishedAt" in state else None
    port = next((p["containerPort"] for p in container.get("ports") or []), None)
    yield f"{stamp(started)} INFO starting {container['name']} from {container['image']}"
    if port:
        yield f"{stamp(started + 1)} INFO listening on :{port}"
    said = behaviour.of(pod, container).log.splitlines()
    yield from (f"{stamp(started + 1)} {line}" for line in said)
    until = ended if ended is not None else now
    first = max(0, int((until - started) // PERIOD) - LINES)
    for beat in range(first + 1, int((until - started) // PERIOD) + 1):
        at = started + beat * PERIOD
        yield f"{stamp(at)} INFO handled {20 + (beat * 37) % 60} requests in {PERIOD}s"
    if ended is not None:
        yield f"{stamp(ended)} {_last_words(state)}"


def _last_words(state: Object) -> str:
    code = state.get("exitCode", 0)
    if state.get("reason") == "OOMKilled":
        return "INFO loading reference data into memory"
    return f"FATAL exiting with code {code}" if code else "INFO done"
