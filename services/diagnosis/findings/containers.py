"""What goes wrong with containers: memory, crashes, images, missing configuration."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from services.diagnosis import objects
from services.diagnosis.findings.model import Evidence, Finding, Picture, event_evidence, evidence, message_of
from services.diagnosis.objects import Object, condition, find, items, number

IMAGE_REASONS = (
    "ImagePullBackOff",
    "ErrImagePull",
    "InvalidImageName",
    "ErrImageNeverPull",
    "ImageInspectError",
    "RegistryUnavailable",
)
START_REASONS = ("RunContainerError", "CreateContainerError", "StartError", "ContainerCannotRun")
EXIT_CODES = {
    1: "the program ended with an error of its own",
    2: "the program was started in a wrong way",
    126: "the command cannot be executed",
    127: "the command was not found in the image",
    134: "the program aborted itself",
    137: "it was killed, mostly for using too much memory or for not answering its liveness probe",
    139: "the program crashed (segmentation fault)",
    143: "it was asked to stop",
}


@dataclass(frozen=True)
class Container:
    """One container of a pod: as wanted (`spec`) and as it is (`status`)."""

    pod: Object
    status: Mapping[str, Any]
    spec: Mapping[str, Any]
    is_init: bool

    @property
    def name(self) -> str:
        return str(self.status.get("name", ""))

    @property
    def waiting(self) -> Mapping[str, Any]:
        return find(self.status, "state.waiting", {}) or {}

    @property
    def ended(self) -> Mapping[str, Any]:
        """How it last ended: now, or before its latest start."""
        return find(self.status, "state.terminated") or find(self.status, "lastState.terminated") or {}

    @property
    def restarts(self) -> int:
        return number(self.status, "restartCount")

    def seen(self, field: str, value: Any, at: Any = "") -> Evidence:
        kind = "initContainers" if self.is_init else "containers"
        return evidence(self.pod, f"{kind}[{self.name}].{field}", value, at)


def containers_of(pod: Object) -> Iterator[Container]:
    for is_init, which, statuses in (
        (True, "initContainers", "initContainerStatuses"),
        (False, "containers", "containerStatuses"),
    ):
        specs = {each.get("name"): each for each in items(pod, f"spec.{which}")}
        for status in items(pod, f"status.{statuses}"):
            yield Container(pod, status, specs.get(status.get("name"), {}), is_init)


def diagnose(pod: Object, picture: Picture) -> Iterator[Finding]:
    """The first thing wrong with each container: a cause hides its own symptoms."""
    for container in containers_of(pod):
        for check in CHECKS:
            found = check(container, picture)
            if found:
                yield found
                break


def _was_killed_for_memory(container: Container) -> bool:
    ended = container.ended
    if ended.get("reason") == "OOMKilled":
        return True
    return "oomkilled" in str(ended.get("message", "")).lower()


def out_of_memory(container: Container, picture: Picture) -> Finding | None:
    running = find(container.status, "state.running") and find(container.status, "ready")
    if not _was_killed_for_memory(container) or (running and container.restarts == 0):
        return None
    limit = find(container.spec, "resources.limits.memory")
    times = f", {container.restarts} restarts" if container.restarts else ""
    seen = [container.seen("lastState.terminated.reason", "OOMKilled", container.ended.get("finishedAt"))]
    seen.append(container.seen("restartCount", container.restarts))
    seen.append(container.seen("resources.limits.memory", limit or "none"))
    better = more_memory(str(limit)) if limit else None
    advice = (
        f"It needs more than the {limit} it may use. Raise the limit to {better}, or find what keeps growing."
        if limit
        else "The node itself ran out of memory. With a memory request it is placed where there is room."
    )
    fix = {"field": "memory_limit", "value": better, "label": f"Raise the memory limit to {better}"}
    title = f"{container.name} ran out of memory{f' (limit {limit})' if limit else ''}{times}"
    return Finding("oom-killed", "error", title, seen, advice, fix if better else {"field": "memory_request"})


_AMOUNT = re.compile(r"(\d+(?:\.\d+)?)(Ki|Mi|Gi|Ti|k|M|G|T)?\Z")
_UNITS = {
    "": 1,
    None: 1,
    "Ki": 2**10,
    "Mi": 2**20,
    "Gi": 2**30,
    "Ti": 2**40,
    "k": 1e3,
    "M": 1e6,
    "G": 1e9,
    "T": 1e12,
}


def more_memory(limit: str) -> str | None:
    """Half as much again, in whole steps of 64Mi (or 16Mi below 128Mi)."""
    match = _AMOUNT.match(limit)
    if match is None:
        return None
    mebi = float(match[1]) * _UNITS[match[2]] / 2**20 * 1.5
    step = 16 if mebi < 128 else 64
    whole = max(step, -(-int(mebi) // step) * step)
    return f"{whole // 1024}Gi" if whole % 1024 == 0 else f"{whole}Mi"


def image(container: Container, picture: Picture) -> Finding | None:
    reason = container.waiting.get("reason")
    if reason not in IMAGE_REASONS:
        return None
    events = [
        each
        for each in picture.events_of(container.pod, "Failed", "InspectFailed", "ErrImageNeverPull")
        if "pull" in message_of(each).lower() or "image" in message_of(each).lower()
    ]
    said = " ".join([str(container.waiting.get("message", "")), *(message_of(each) for each in events)])
    cause, advice, field = _why_no_image(str(reason), said)
    name = container.spec.get("image") or container.status.get("image") or "?"
    seen = [container.seen("state.waiting.reason", reason), container.seen("image", name)]
    if container.waiting.get("message"):
        seen.append(container.seen("state.waiting.message", container.waiting["message"]))
    seen += [event_evidence(each, container.pod) for each in events[-1:]]
    title = f"The image {name} {cause}"
    fix = {"field": field, "label": "Choose another image"} if field else None
    return Finding("image-pull", "error", title, seen, advice, fix)


def _why_no_image(reason: str, said: str) -> tuple[str, str, str | None]:
    said = said.lower()
    if reason == "InvalidImageName" or "invalid reference format" in said or "couldn't parse image" in said:
        return "is not a valid reference", "Write it as registry/name:tag, in small letters.", "image"
    if reason == "ErrImageNeverPull":
        return "may not be pulled", "The pull policy is Never and the node does not have it.", "image"
    for words, answer in _IMAGE_CAUSES:
        if any(word in said for word in words):
            return answer
    return "cannot be pulled", "Check the name, the tag and the registry.", "image"


_IMAGE_CAUSES: tuple[tuple[tuple[str, ...], tuple[str, str, str | None]], ...] = (
    (
        ("toomanyrequests", "rate limit", "429"),
        (
            "is refused by the registry for now (rate limit)",
            "Too many pulls: wait, or take it from your own registry.",
            "image",
        ),
    ),
    (
        ("x509", "certificate", "tls:"),
        (
            "cannot be pulled: the certificate of its registry is not trusted",
            "This is between the nodes and the registry: ask the platform team.",
            None,
        ),
    ),
    (
        (
            "no such host",
            "i/o timeout",
            "timeout",
            "connection refused",
            "dial tcp",
            "unreachable",
            "eof",
            "503",
        ),
        (
            "cannot be pulled: its registry does not answer",
            "Check the registry's name; if it is right, the registry is away: ask the platform team.",
            "image",
        ),
    ),
    (
        ("manifest unknown", "not found", "manifest for", "name unknown", "no such image", "does not exist"),
        (
            "does not exist",
            "No such name or tag in the registry: check whether the build was pushed, and its spelling.",
            "image",
        ),
    ),
    (
        ("unauthorized", "401", "403", "denied", "authentication required", "authorization failed"),
        (
            "may not be pulled",
            "The registry refuses it: the name is wrong, or the pull secret is missing or has expired.",
            "image",
        ),
    ),
)


_MISSING = (
    re.compile(r'(?P<kind>secret|configmap) "(?P<name>[^"]+)" not found'),
    re.compile(r"couldn't find key (?P<key>\S+) in (?P<kind>Secret|ConfigMap) (?:\S+/)?(?P<name>[^\s\"]+)"),
    re.compile(r'references non-existent (?P<kind>secret|config) key: (?P<key>[^\s"]+)(?P<name>)'),
)
KINDS = {"secret": "secret", "configmap": "config map", "config": "config map"}


def missing_config(said: str) -> tuple[str, str, str] | None:
    """What a message says is missing: kind, name and key (empty for the whole object)."""
    for pattern in _MISSING:
        match = pattern.search(said)
        if match:
            found = match.groupdict()
            return KINDS[found["kind"].lower()], found["name"], found.get("key") or ""
    return None


def configuration(container: Container, picture: Picture) -> Finding | None:
    if container.waiting.get("reason") != "CreateContainerConfigError":
        return None
    said = str(container.waiting.get("message", ""))
    said = said or " ".join(message_of(each) for each in picture.events_of(container.pod, "Failed")[-1:])
    seen = [container.seen("state.waiting.reason", "CreateContainerConfigError"), *_said(container, said)]
    seen += _not_made(missing_config(said), objects.namespace(container.pod), picture)
    return config_finding(container.name, said, seen)


def _not_made(missing: tuple[str, str, str] | None, namespace: str, picture: Picture) -> Iterator[Evidence]:
    """Who should have made the secret, and what that says of itself."""
    for each in picture.of_kind("ExternalSecret") if missing and missing[0] == "secret" else ():
        makes = find(each, "spec.target.name") or objects.name(each)
        if missing and makes == missing[1] and objects.namespace(each) == namespace:
            ready = condition(each, "Ready")
            said = f"{ready.get('status', 'Unknown')}: {ready.get('message') or ready.get('reason') or ''}"
            yield evidence(each, "Ready", said, ready.get("lastTransitionTime"))


def _said(container: Container, said: str) -> list[Evidence]:
    return [container.seen("state.waiting.message", said)] if said else []


def config_finding(container: str, said: str, seen: list[Evidence]) -> Finding:
    """Names the secret, config map or key that is missing; says what the cluster says where it cannot."""
    missing = missing_config(said)
    if missing is None:
        advice = "The container cannot be started as it is described: see the message."
        return Finding("config-error", "error", f"{container} cannot be configured: {said}", seen, advice)
    kind, name, key = missing
    field = "secrets" if kind == "secret" else "config"
    what = f"the key {key} of the {kind} {name}" if key and name else f"the {kind} {name or key}"
    advice = f"Create {what} in this namespace, or correct its name in the form."
    fix = {"field": field, "value": name or key, "label": f"Correct the {kind}"}
    return Finding(
        "config-missing", "error", f"{container} needs {what}, which is not there", seen, advice, fix
    )


def cannot_start(container: Container, picture: Picture) -> Finding | None:
    reasons = (container.waiting.get("reason"), container.ended.get("reason"))
    said = " ".join(
        str(each["message"]) for each in (container.waiting, container.ended) if each.get("message")
    )
    if not set(reasons) & set(START_REASONS) and "executable file not found" not in said:
        return None
    seen = [container.seen("state.waiting.reason", reasons[0] or reasons[1]), *_said(container, said)]
    command = " ".join(str(each) for each in container.spec.get("command") or [])
    what = f"its command {command!r}" if command else "its command"
    not_found = "not found" in said or "no such file" in said
    advice = (
        f"The image has no such program: check {what}, and whether it is the right image."
        if not_found
        else "The container runtime refuses to start it: see the message."
    )
    why = "no such command" if not_found else reasons[0] or reasons[1]
    title = f"{container.name} cannot be started: {why}"
    return Finding(
        "cannot-start", "error", title, seen, advice, {"field": "image", "label": "Check the image"}
    )


def crash(container: Container, picture: Picture) -> Finding | None:
    ended, reason = container.ended, container.waiting.get("reason")
    code = ended.get("exitCode")
    failed_now = find(container.status, "state.terminated.exitCode") not in (None, 0)
    if reason != "CrashLoopBackOff" and not (
        failed_now or (container.restarts > 2 and code not in (None, 0))
    ):
        return None
    seen = [container.seen("state.waiting.reason", reason)] if reason else []
    seen.append(container.seen("restartCount", container.restarts))
    if code is not None:
        seen.append(container.seen("lastState.terminated.exitCode", code, ended.get("finishedAt")))
    log = picture.log_of(container.pod, container.name) or str(ended.get("message") or "")
    last = telling(log)
    seen += [container.seen("log", line) for line in last]
    return _crashed(container, code, seen, bool(last), _killed_by_probe(container, picture))


_TELLING = re.compile(
    r"error|exception|fatal|panic|denied|refused|expired|undefined|missing|cannot|could not|not found|failed",
    re.IGNORECASE,
)
_FRAME = re.compile(r"\s*(at\s|\\tat\s|File \"|\.\.\. \d+ more|goroutine \d+)")


def telling(log: str) -> list[str]:
    """The last line that speaks of an error, and the very last: that of a stack trace says little alone."""
    lines = [line for line in log.splitlines() if line.strip()]
    spoken = [line for line in lines if _TELLING.search(line) and not _FRAME.match(line)]
    return list(dict.fromkeys(line.strip()[:500] for line in (*spoken[-1:], *lines[-1:])))


def _killed_by_probe(container: Container, picture: Picture) -> bool:
    events = picture.events_of(container.pod, "Killing", "Unhealthy")
    return any("liveness" in message_of(each).lower() for each in events)


def _crashed(container: Container, code: Any, seen: list[Evidence], has_log: bool, probe: bool) -> Finding:
    what = "init container " if container.is_init else ""
    if probe and code in (137, 143, None):
        advice = "Its liveness probe failed and it was killed: give it more time, or a startup probe."
        return Finding(
            "liveness-failing", "error", f"{container.name} is killed by its liveness probe", seen, advice
        )
    if code == 0:
        advice = "It ends by itself without an error. A service has to keep running; a job is for what ends."
    else:
        why = EXIT_CODES.get(code, "see its log") if isinstance(code, int) else "see its log"
        advice = f"Exit code {code}: {why}. " if code is not None else ""
        advice += (
            "The last line of its log is among the evidence." if has_log else "Look at its last log lines."
        )
    times = f", {container.restarts} restarts" if container.restarts else ""
    how = f"keeps ending{times}" if times else f"ended with exit code {code}"
    return Finding("crash-loop", "error", f"{what}{container.name} {how}", seen, advice)


Check = Callable[[Container, Picture], Finding | None]
CHECKS: tuple[Check, ...] = (image, configuration, cannot_start, out_of_memory, crash)
