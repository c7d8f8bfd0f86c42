"""What goes wrong with pods as a whole: no place to run, not ready, evicted, volumes that do not come."""

import re
from collections.abc import Iterator
from datetime import timedelta

from services.diagnosis import objects, times
from services.diagnosis.findings import containers
from services.diagnosis.findings.model import Evidence, Finding, Picture, event_evidence, evidence, message_of
from services.diagnosis.objects import Object, condition, find, items

# The scheduler counts its reasons: "0/9 nodes are available: 3 Insufficient memory, 6 node(s) had ...".
_REASONS = (
    (r"insufficient memory", "memory", "memory_request", "asks for more memory than any node has free"),
    (r"insufficient cpu", "cpu", "cpu_request", "asks for more CPU than any node has free"),
    (r"insufficient (?P<what>[\w.-]+/[\w-]+)", "device", None, "asks for {what}, which no node has free"),
    (r"insufficient ephemeral-storage", "disk", None, "asks for more local disk than any node has free"),
    (r"didn't match pod's node affinity/selector|node\(s\) didn't match node selector", "selector", None,
     "may run on certain nodes only, and there are none with these labels"),
    (r"untolerated taint", "taint", None, "does not tolerate the taints of the nodes"),
    (r"had taint", "taint", None, "does not tolerate the taints of the nodes"),
    (r"volume node affinity conflict", "zone", None, "needs a volume of another zone than the free nodes"),
    (r"unbound immediate persistentvolumeclaims|persistentvolumeclaim \S+ not found", "volume", None,
     "waits for a volume"),
    (r"too many pods", "pods", None, "finds every node full of pods"),
    (r"unschedulable|cordoned", "cordoned", None, "finds nodes closed for maintenance only"),
    (r"satisfy existing pods anti-affinity|match pod (anti-)?affinity|topology spread", "spread", "replicas",
     "must keep away from pods that are on every node"),
)  # fmt: skip


def diagnose(pod: Object, picture: Picture) -> Iterator[Finding]:
    found = list(containers.diagnose(pod, picture))
    yield from found
    for check in (unschedulable, evicted, volumes, gated):
        yield from check(pod, picture)
    if not found:
        yield from not_ready(pod, picture)
        yield from initialising(pod, picture)
        yield from failed(pod, picture)


def failed(pod: Object, picture: Picture) -> Iterator[Finding]:
    """It says itself that it failed, and none of its containers says why."""
    phase, reason = str(find(pod, "status.phase", "")), str(find(pod, "status.reason", ""))
    if reason == "Evicted" or not (phase == "Failed" or re.search(r"(Error|BackOff)$", phase)):
        return
    said = str(find(pod, "status.message") or reason or phase)
    seen = [evidence(pod, "status.phase", phase), evidence(pod, "status.message", said)]
    yield Finding(
        "pod-failed", "error", f"{objects.name(pod)} failed: {said}", seen, "See its log and events."
    )


LONG = timedelta(minutes=10)


def initialising(pod: Object, picture: Picture) -> Iterator[Finding]:
    """An init container that runs and runs: mostly it waits for something that does not come."""
    for each in items(pod, "status.initContainerStatuses"):
        since = times.parse(find(each, "state.running.startedAt", ""))
        sidecar = each.get("started") is True and each.get("ready") is True
        if sidecar or not since or not picture.now or picture.now - since < LONG:
            continue
        name = each.get("name")
        seen = [
            evidence(pod, f"initContainers[{name}].state", "running", find(each, "state.running.startedAt"))
        ]
        advice = "Nothing else starts before it ends: its log says what it waits for."
        yield Finding("init-waiting", "error", f"The init container {name} does not end", seen, advice)


def unschedulable(pod: Object, picture: Picture) -> Iterator[Finding]:
    given = condition(pod, "PodScheduled")
    events = picture.events_of(pod, "FailedScheduling")
    refused = given.get("status") == "False" and given.get("reason") == "Unschedulable"
    pending = find(pod, "status.phase") == "Pending" and not find(pod, "spec.nodeName")
    if not refused and not (pending and events):
        return
    said = str(given.get("message") or (message_of(events[-1]) if events else ""))
    seen = [evidence(pod, "PodScheduled", said, given.get("lastTransitionTime"))] if given else []
    seen += [event_evidence(each, pod) for each in events[-1:]]
    seen += _asked(pod)
    causes = _causes(said)
    title = f"No node takes {objects.name(pod)}: it {causes[0][1] if causes else 'cannot be placed'}"
    advice = "; ".join(f"it {text}" for _, text, _ in causes) or said
    field = next((field for _, _, field in causes if field), None)
    fix = {"field": field, "label": "Ask for less"} if field else None
    yield Finding(
        "unschedulable", "error", title, seen, f"{advice[:1].upper()}{advice[1:]}.{_what_to_do(causes)}", fix
    )


def _causes(said: str) -> list[tuple[str, str, str | None]]:
    found = []
    for pattern, id, field, text in _REASONS:
        match = re.search(pattern, said, re.IGNORECASE)
        if match:
            found.append((id, text.format(**match.groupdict()), field))
    return found


def _what_to_do(causes: list[tuple[str, str, str | None]]) -> str:
    ids = {id for id, _, _ in causes}
    if ids & {"memory", "cpu"}:
        return " Ask for less, or ask the platform team for more nodes."
    if ids & {"selector", "taint"}:
        return " Correct the node selector or the tolerations."
    return ""


def _asked(pod: Object) -> list[Evidence]:
    """What decides where it may run."""
    seen = []
    for each in items(pod, "spec.containers"):
        requests = find(each, "resources.requests")
        if requests:
            asked = ", ".join(f"{key} {value}" for key, value in sorted(requests.items()))
            seen.append(evidence(pod, f"containers[{each.get('name')}].resources.requests", asked))
    selector = find(pod, "spec.nodeSelector")
    if selector:
        wanted = ", ".join(f"{key}={value}" for key, value in sorted(selector.items()))
        seen.append(evidence(pod, "spec.nodeSelector", wanted))
    return seen


def gated(pod: Object, picture: Picture) -> Iterator[Finding]:
    given = condition(pod, "PodScheduled")
    if given.get("reason") == "SchedulingGated":
        seen = [evidence(pod, "PodScheduled", given.get("message", ""), given.get("lastTransitionTime"))]
        advice = "A queue holds it back until there is quota for it."
        yield Finding("scheduling-gated", "info", f"{objects.name(pod)} waits in a queue", seen, advice)


def evicted(pod: Object, picture: Picture) -> Iterator[Finding]:
    if find(pod, "status.reason") == "Evicted":
        said = str(find(pod, "status.message", ""))
        seen = [evidence(pod, "status.reason", "Evicted"), evidence(pod, "status.message", said)]
        advice = "The node ran short. A request that says what it really needs keeps it where there is room."
        fix = {"field": "memory_request", "label": "Ask for what it needs"} if "memory" in said else None
        yield Finding("evicted", "warn", f"{objects.name(pod)} was evicted from its node", seen, advice, fix)


def volumes(pod: Object, picture: Picture) -> Iterator[Finding]:
    events = picture.events_of(pod, "FailedMount", "FailedAttachVolume")
    if not events or find(pod, "status.phase") not in ("Pending", None):
        return
    said = message_of(events[-1])
    seen = [event_evidence(events[-1], pod)]
    if containers.missing_config(said):
        yield containers.config_finding(objects.name(pod), said, seen)
    elif "Multi-Attach" in said:
        advice = "The volume is still held by a pod on another node; only one node at a time may use it."
        yield Finding("volume-attach", "error", f"{objects.name(pod)} waits for its volume", seen, advice)
    else:
        advice = f"A volume cannot be mounted: {said}"
        yield Finding("volume-mount", "error", f"{objects.name(pod)} waits for a volume", seen, advice)


def not_ready(pod: Object, picture: Picture) -> Iterator[Finding]:
    """Running, yet not ready, because a probe fails."""
    events = picture.events_of(pod, "Unhealthy")
    ready = condition(pod, "Ready")
    if find(pod, "status.phase") != "Running" or ready.get("status") != "False":
        return
    readiness = [each for each in events if "readiness" in message_of(each).lower()]
    startup = [each for each in events if "startup" in message_of(each).lower()]
    waiting = [
        each.get("name") for each in items(pod, "status.containerStatuses") if each.get("ready") is False
    ]
    seen = [evidence(pod, "Ready", ready.get("message", "False"), ready.get("lastTransitionTime"))]
    seen += [event_evidence(each, pod) for each in (readiness or startup)[-1:]]
    seen += list(_probes(pod, waiting))
    said = message_of((readiness or startup)[-1]) if readiness or startup else ""
    names = ", ".join(str(each) for each in waiting) or objects.name(pod)
    yield Finding(
        "startup-failing" if startup and not readiness else "readiness-failing",
        "error",
        f"{names} runs and is not ready",
        seen,
        _probe_advice(said),
        {"field": "readiness_path", "label": "Correct the readiness path"},
    )


def _probes(pod: Object, names: list[object]) -> Iterator[Evidence]:
    for each in items(pod, "spec.containers"):
        probe = find(each, "readinessProbe")
        if each.get("name") in names and probe:
            asked = find(probe, "httpGet") or find(probe, "tcpSocket") or find(probe, "exec") or {}
            shown = ", ".join(f"{key} {value}" for key, value in sorted(asked.items()))
            yield evidence(pod, f"containers[{each.get('name')}].readinessProbe", shown)


_PROBE_ADVICE = (
    ("connection refused", "Nothing listens on the port it asks: check the port, or wait for a slow start."),
    ("statuscode: 404", "The probe's path does not exist: correct the readiness path."),
    ("statuscode: 40", "The probe's path wants a sign-in: use one that does not."),
    ("statuscode: 5", "The service answers with an error of its own: its log says why."),
    ("statuscode: 30", "The probe is sent elsewhere: use the path it is sent to."),
    ("deadline exceeded", "The answer takes longer than the probe waits: make it cheap or wait longer."),
    ("timeout", "The answer takes longer than the probe waits: make it cheap or wait longer."),
    ("no such file", "The command of the probe fails: see the message."),
)  # fmt: skip


def _probe_advice(said: str) -> str:
    lower = said.lower().replace("status code", "statuscode")
    for words, advice in _PROBE_ADVICE:
        if words in lower:
            return advice
    if said:
        return f"Its readiness probe fails: {said}"
    return "Its readiness probe does not succeed; until then it gets no requests."
