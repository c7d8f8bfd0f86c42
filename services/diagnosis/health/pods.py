"""Health of pods."""

from collections.abc import Mapping
from typing import Any

from services.diagnosis.judgement import Health, Status
from services.diagnosis.objects import Object, condition, find, items

IGNORE_RESTART_POLICY = "argocd.argoproj.io/ignore-restart-policy"
HOOKS = ("argocd.argoproj.io/hook", "helm.sh/hook")


def containers(pod: Object) -> list[Mapping[str, Any]]:
    return items(pod, "status.initContainerStatuses") + items(pod, "status.containerStatuses")


def is_failure(reason: str) -> bool:
    return reason.startswith("Err") or reason.endswith(("Error", "BackOff"))


def pod(obj: Object) -> Health:
    policy = find(obj, "spec.restartPolicy", "Always")
    if policy == "Always":
        waiting = [find(each, "state.waiting", {}) for each in items(obj, "status.containerStatuses")]
        failing = [each for each in waiting if is_failure(str(each.get("reason", "")))]
        if failing:
            return Health(
                "Degraded", ", ".join(str(each.get("message") or each["reason"]) for each in failing)
            )
    return _by_phase(obj, policy)


def _by_phase(obj: Object, policy: str) -> Health:
    phase, message = find(obj, "status.phase"), str(find(obj, "status.message", ""))
    if phase == "Running":
        return _running(obj, policy)
    if phase == "Failed":
        return Health("Degraded", message or next(filter(None, map(_end_of, containers(obj))), ""))
    known: dict[Any, Status] = {"Pending": "Progressing", "Succeeded": "Healthy"}
    return Health(known.get(phase, "Unknown"), message)


def _end_of(container: Mapping[str, Any]) -> str:
    """Why a container ended, if it did not end well."""
    ended = find(container, "state.terminated", {})
    if ended.get("message") or ended.get("reason") == "OOMKilled":
        return str(ended.get("message") or ended["reason"])
    code = ended.get("exitCode")
    return f'container "{container.get("name")}" failed with exit code {code}' if code else ""


def _running(obj: Object, policy: str) -> Health:
    message = str(find(obj, "status.message", ""))
    annotations = find(obj, "metadata.annotations", {})
    if policy == "Always":
        if condition(obj, "Ready").get("status") == "True":
            return Health("Healthy", message)
        ended = any(find(each, "lastState.terminated") for each in items(obj, "status.containerStatuses"))
        return Health("Degraded" if ended else "Progressing", message)
    is_hook = any(hook in annotations for hook in HOOKS)
    if annotations.get(IGNORE_RESTART_POLICY) == "true" and not is_hook:
        return Health("Healthy", message)
    return Health("Progressing", message)  # one that ends by itself is healthy when it has
