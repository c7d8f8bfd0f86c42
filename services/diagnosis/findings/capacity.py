"""What goes wrong with the ground things run on: nodes, quotas, what is left lying about."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from services.diagnosis import objects
from services.diagnosis.amounts import amount
from services.diagnosis.findings.model import Evidence, Finding, Picture, event_evidence, evidence, message_of
from services.diagnosis.objects import Object, condition, find, items, number

NEARLY = 0.9
LITTER = 100
# So many nodes, and such a part of all, is no longer the trouble of some nodes.
STORM_NODES, STORM_SHARE = 2, 0.25
PRESSURES = ("MemoryPressure", "DiskPressure", "PIDPressure", "NetworkUnavailable")
THROTTLED = 0.25
# Whose pods are all of one making: each it has should be ready.
EXACT = ("ReplicaSet", "ReplicationController")


def node(found: Object, picture: Picture) -> Iterator[Finding]:
    name, ready = objects.name(found), condition(found, "Ready")
    if ready and ready.get("status") != "True":
        seen = [_seen(found, "Ready", ready)]
        if find(found, "spec.unschedulable"):
            seen.append(evidence(found, "spec.unschedulable", "true"))
        pods = sum(find(pod, "spec.nodeName") == name for pod in picture.of_kind("Pod"))
        advice = f"Not your service: the {pods or 'other'} pods on it move elsewhere where there is room."
        yield Finding("node-not-ready", "error", f"The node {name} does not answer", seen, advice)
        return
    for pressure in PRESSURES:
        given = condition(found, pressure)
        if given.get("status") == "True":
            advice = "Pods that use more than they asked for are moved away first: say what they need."
            title = f"The node {name} is short: {pressure}"
            yield Finding("node-pressure", "warn", title, [_seen(found, pressure, given)], advice)


def _seen(obj: Object, type_: str, given: Object) -> Evidence:
    said = given.get("message") or given.get("reason") or given.get("status")
    return evidence(obj, type_, said, given.get("lastTransitionTime"))


def storm(findings: Sequence[Finding], picture: Picture) -> list[Finding]:
    """Many nodes at once are one incident of the platform, and what their pods suffer follows from it."""
    lost = [each for each in findings if each.id == "node-not-ready"]
    names = {each.object.rpartition("/")[2] for each in lost}
    nodes = picture.nodes or sum(1 for _ in picture.of_kind("Node"))
    kept = [each for each in findings if not _follows(each, names, picture)]
    if not is_storm(len(lost), nodes):
        return kept
    seen = [each.evidence[0] for each in lost[:5]]
    advice = "An incident of the platform: nothing to change in your services, and no ticket is needed."
    title = f"{len(lost)} of {nodes} nodes do not answer"
    incident = Finding("node-storm", "error", title, seen, advice, None, "Platform")
    return [incident, *(each for each in kept if each.id != "node-not-ready")]


def is_storm(lost: int, nodes: int) -> bool:
    return lost >= STORM_NODES and lost >= nodes * STORM_SHARE


def _follows(finding: Finding, nodes: set[str], picture: Picture) -> bool:
    """Whether it is of pods on such a node, and says no more than that they are away."""
    if finding.id not in ("pod-lost", "readiness-failing", "too-few-replicas") or not finding.evidence:
        return False
    about = finding.evidence[0].object
    return any(objects.reference(pod) == about and find(pod, "spec.nodeName") in nodes
               for pod in picture.of_kind("Pod"))  # fmt: skip


def lost(pod: Object, picture: Picture) -> Iterator[Finding]:
    """Taken away, or not heard of: none of its own doing."""
    name, given = objects.name(pod), condition(pod, "DisruptionTarget")
    reason = str(given.get("reason") or find(pod, "status.reason") or "")
    if given.get("status") == "True" and reason in ("PreemptionByScheduler", "PreemptionByKubeScheduler"):
        advice = "A more important pod needed its place. With a higher priority, or more nodes, it stays."
        seen = [_seen(pod, "DisruptionTarget", given)]
        yield Finding("preempted", "warn", f"{name} had to make room", seen, advice)
    elif find(pod, "status.phase") == "Unknown" or reason in ("NodeLost", "DeletionByTaintManager"):
        seen = [evidence(pod, "status.reason", reason or "phase Unknown", given.get("lastTransitionTime"))]
        seen.append(evidence(pod, "spec.nodeName", find(pod, "spec.nodeName", "none")))
        advice = "Its node went away. With several replicas on several nodes nobody notices."
        fix = {"field": "replicas", "label": "Run more replicas"}
        yield Finding("pod-lost", "error", f"{name} was on a node that went away", seen, advice, fix)


def throttled(pod: Object, picture: Picture) -> Iterator[Finding]:
    """Where somebody measured: the share of its time slices in which a container was held back."""
    for each in items(pod, "spec.containers"):
        share = picture.throttled_share(pod, str(each.get("name")))
        if share <= THROTTLED:
            continue
        limit = find(each, "resources.limits.cpu", "none")
        seen = [evidence(pod, f"containers[{each.get('name')}].throttled", f"{share:.0%}")]
        seen.append(evidence(pod, f"containers[{each.get('name')}].resources.limits.cpu", limit))
        advice = "It is held back by its own limit, not by a lack of CPU: raise the limit, or take it away."
        fix = {"field": "cpu_limit", "label": "Raise the CPU limit"}
        yield Finding("cpu-throttled", "warn", f"{each.get('name')} is held back", seen, advice, fix)


def quota(found: Object, picture: Picture) -> Iterator[Finding]:
    hard, used = find(found, "status.hard", {}), find(found, "status.used", {})
    if not isinstance(hard, dict) or not isinstance(used, dict):
        return
    shares = {key: _share(used.get(key), most) for key, most in hard.items()}
    full = sorted(key for key, share in shares.items() if share >= NEARLY)
    if not full:
        return
    seen = [evidence(found, f"status.used[{key}]", f"{used[key]} of {hard[key]}") for key in full]
    is_full = any(shares[key] >= 1 for key in full)
    title = f"The quota {objects.name(found)} is {'full' if is_full else 'nearly full'}: {', '.join(full)}"
    advice = "What is asked for beyond it is refused: ask for less somewhere, or for more quota."
    fix = {"field": "quota", "label": "Ask for more quota"}
    yield Finding("quota-full" if is_full else "quota-nearly-full", "warn", title, seen, advice, fix)


def _share(used: object, most: object) -> float:
    """Nothing allowed at all is a rule, not a lack of room."""
    having, limit = amount(used), amount(most)
    return having / limit if having is not None and limit else 0.0


def litter(picture: Picture) -> Iterator[Finding]:
    """Pods that ended long ago and that nobody takes away, by namespace."""
    ended: dict[str, list[Object]] = {}
    for pod in picture.of_kind("Pod"):
        if find(pod, "status.phase") in ("Succeeded", "Failed"):
            ended.setdefault(objects.namespace(pod), []).append(pod)
    for namespace, pods in sorted(ended.items()):
        if len(pods) > LITTER:
            seen = [evidence(pods[0], "status.phase", f"{len(pods)} pods ended and are still there")]
            advice = "Give jobs `ttlSecondsAfterFinished`, and cron jobs a short history."
            title = f"{len(pods)} finished pods lie about in {namespace}"
            yield Finding("finished-pods", "warn", title, seen, advice, None, f"Namespace/{namespace}")


def too_few(workload: Object, picture: Picture) -> Iterator[Finding]:
    """Fewer ready than wanted, for a reason nobody tells."""
    wanted = find(workload, "spec.replicas", find(workload, "status.desiredNumberScheduled"))
    if not isinstance(wanted, int) or wanted <= 0 or not find(workload, "status"):
        return
    ready = number(workload, "status.readyReplicas", number(workload, "status.numberReady"))
    made = number(workload, "status.replicas", number(workload, "status.currentNumberScheduled"))
    wanted = max(wanted, made) if objects.kind(workload) in EXACT else wanted
    if min(ready, made) >= wanted:
        return
    under_way = condition(workload, "Progressing").get("reason") in (
        "ReplicaSetUpdated",
        "NewReplicaSetCreated",
    )
    seen = [evidence(workload, "status.readyReplicas", f"{ready} of {wanted}, {made} made")]
    events = [each for each in picture.events_of(workload) if each.get("type") == "Warning"]
    seen += [event_evidence(each, workload) for each in events[-1:]]
    advice = message_of(events[-1]) if events else "Look at its pods and their events."
    none = min(ready, made) == 0
    name = f"{objects.kind(workload)} {objects.name(workload)}"
    title = f"{name} has none of its {wanted} pods" if none else f"{name}: {ready} of {wanted} pods are ready"
    found = Finding("too-few-replicas", "error" if none else "warn", title, seen, advice)
    yield replace(found, severity="info") if under_way else found
