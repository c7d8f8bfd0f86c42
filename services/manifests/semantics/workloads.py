"""Workloads: selectors and labels, replicas, strategies, restart policies, budgets, scaling."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from services.manifests import pointers, schema
from services.manifests.objects import (
    LONG_RUNNING,
    POD_SPECS,
    Object,
    entries,
    group,
    kind,
    pod_labels,
    pod_path,
    selects,
)
from services.manifests.pointers import Path
from services.manifests.problems import Problem, Rule

SELECTOR = Rule(
    "selector-mismatch",
    "The selector does not select its own pods",
    "A workload finds its pods by labels; the API refuses one whose template does not carry them.",
    {"": "block"},
)
RESTART = Rule(
    "restart-policy",
    "A restart policy this kind does not allow",
    "Deployments and the like restart always; Jobs restart on failure or never.",
    {"": "block"},
)
STRATEGY = Rule(
    "rollout-strategy",
    "A rollout that cannot proceed",
    "With neither a surplus nor a missing pod allowed no pod can be replaced.",
    {"": "block"},
    (13,),
)
NO_SPEC = Rule(
    "spec-missing",
    "An object without a spec",
    "The spec is the object: without it there is nothing to run.",
    {"": "block"},
)
NUMBER = Rule("bad-number", "A number out of range", "The API refuses it.", {"": "block"})
BUDGET = Rule(
    "budget-both",
    "A budget with two measures",
    "A PodDisruptionBudget has minAvailable or maxUnavailable, never both.",
    {"": "block"},
)
NO_MEASURE = Rule(
    "budget-empty",
    "A budget without a measure",
    "A PodDisruptionBudget says how many pods must stay, or how many may be away.",
    {"": "warn"},
    (12,),
)
SCALING = Rule(
    "scaling-range",
    "An autoscaler without room",
    "minReplicas above maxReplicas is refused by the API.",
    {"": "block"},
    (14,),
)

COUNTS = (
    "replicas",
    "minReadySeconds",
    "revisionHistoryLimit",
    "progressDeadlineSeconds",
    "parallelism",
    "completions",
    "backoffLimit",
    "activeDeadlineSeconds",
    "ttlSecondsAfterFinished",
    "startingDeadlineSeconds",
    "successfulJobsHistoryLimit",
    "failedJobsHistoryLimit",
)


def has_spec(obj: Object) -> Iterator[Problem]:
    wanted = kind(obj) in (*POD_SPECS, "Service", "Ingress", "NetworkPolicy", "PersistentVolumeClaim")
    if wanted and kind(obj) != "PodTemplate" and group(obj) in schema.BUILT_IN and not obj.get("spec"):
        yield Problem(NO_SPEC, ("spec",), f"the {kind(obj)} has no spec")


def selector(obj: Object) -> Iterator[Problem]:
    if kind(obj) not in LONG_RUNNING or group(obj) != "apps" or pod_path(obj) is None:
        return
    wanted, having = pointers.find(obj, ("spec", "selector")), pod_labels(obj)
    place: Path = ("spec", "selector")
    if not isinstance(wanted, Mapping):
        return
    if not wanted.get("matchLabels") and not wanted.get("matchExpressions"):
        yield Problem(SELECTOR, place, "the selector is empty; it must name labels of the pod template")
    elif not selects(wanted, having):
        yield _mismatch(wanted.get("matchLabels") or {}, having)


def job_selector(obj: Object) -> Iterator[Problem]:
    """Jobs find their own pods; only a selector somebody wrote can be wrong."""
    pod = pod_path(obj)
    if kind(obj) not in ("Job", "CronJob") or pod is None:
        return
    job = pod[:-2]
    wanted = pointers.mapping(obj, (*job, "selector"))
    if wanted and not selects(wanted, pod_labels(obj)):
        yield _mismatch(pointers.mapping(wanted, ("matchLabels",)), pod_labels(obj), job)


def _mismatch(wanted: Mapping[str, Any], having: Mapping[str, Any], spec: Path = ("spec",)) -> Problem:
    labels: Path = (*spec, "template", "metadata", "labels")
    missing = {key: value for key, value in wanted.items() if having.get(key) != value}
    if not missing:
        return Problem(SELECTOR, (*spec, "selector"), "the pod template's labels do not satisfy the selector")
    said = ", ".join(
        f"{key}={value} (the template has {having.get(key, 'none')})" for key, value in missing.items()
    )
    changes = {(*labels, key): value for key, value in missing.items()}
    return Problem(
        SELECTOR, labels, f"the selector asks for {said}", changes, "Give the template these labels"
    )


def restart_policy(obj: Object) -> Iterator[Problem]:
    pod = pod_path(obj)
    policy = pointers.find(obj, (*pod, "restartPolicy")) if pod else None
    at = (*(pod or ()), "restartPolicy")
    if kind(obj) in LONG_RUNNING and policy not in (None, "Always"):
        message = f"the pods of a {kind(obj)} restart Always, not {policy}"
        yield Problem(RESTART, at, message, {at: None}, "Leave it out")
    if kind(obj) in ("Job", "CronJob") and pod and policy in (None, "Always"):
        message = f"the pods of a {kind(obj)} need restartPolicy OnFailure or Never"
        yield Problem(RESTART, at, message, {at: "OnFailure"}, "Restart on failure")


def strategy(obj: Object) -> Iterator[Problem]:
    if kind(obj) != "Deployment":
        return
    at: Path = ("spec", "strategy")
    given = pointers.find(obj, at)
    rolling = given.get("rollingUpdate") if isinstance(given, Mapping) else None
    if not isinstance(given, Mapping) or not isinstance(rolling, Mapping):
        return
    if given.get("type") == "Recreate":
        place = (*at, "rollingUpdate")
        yield Problem(
            STRATEGY, place, "Recreate takes no rollingUpdate", {place: None}, "Remove rollingUpdate"
        )
    if _zero(rolling.get("maxSurge")) and _zero(rolling.get("maxUnavailable")):
        place = (*at, "rollingUpdate", "maxSurge")
        yield Problem(
            STRATEGY, place, "maxSurge and maxUnavailable are both 0", {place: 1}, "Allow a surplus of 1"
        )


def _zero(value: Any) -> bool:
    return value in (0, "0", "0%") and not isinstance(value, bool)


def counts(obj: Object) -> Iterator[Problem]:
    spec = obj.get("spec")
    for key in COUNTS if isinstance(spec, Mapping) and pod_path(obj) else ():
        value = spec.get(key) if isinstance(spec, Mapping) else None
        if isinstance(value, int) and value < 0:
            yield Problem(NUMBER, ("spec", key), f"{key} cannot be {value}")


def budget(obj: Object) -> Iterator[Problem]:
    spec = obj.get("spec")
    if kind(obj) != "PodDisruptionBudget" or not isinstance(spec, Mapping):
        return
    if spec.get("minAvailable") is not None and spec.get("maxUnavailable") is not None:
        at: Path = ("spec", "minAvailable")
        yield Problem(
            BUDGET, at, "both minAvailable and maxUnavailable are set", {at: None}, "Keep maxUnavailable"
        )


def budget_numbers(obj: Object) -> Iterator[Problem]:
    spec = obj.get("spec")
    if kind(obj) != "PodDisruptionBudget" or not isinstance(spec, Mapping):
        return
    for key in ("minAvailable", "maxUnavailable"):
        value = spec.get(key)
        if isinstance(value, int) and value < 0:
            at: Path = ("spec", key)
            yield Problem(NUMBER, at, f"{key} cannot be {value}", {at: 1}, "Set it to 1")
        elif isinstance(value, str) and not re.fullmatch(r"\d{1,3}%", value):
            yield Problem(NUMBER, ("spec", key), f"{key} is a number or a percentage, not {value!r}")
    if spec.get("minAvailable") is None and spec.get("maxUnavailable") is None:
        place: Path = ("spec", "maxUnavailable")
        message = "neither minAvailable nor maxUnavailable: the budget protects nothing"
        yield Problem(NO_MEASURE, place, message, {place: 1}, "Allow one pod to be away")


def spread(obj: Object) -> Iterator[Problem]:
    pod = pod_path(obj)
    for path, each in entries(obj, (*pod, "topologySpreadConstraints")) if pod else ():
        skew = each.get("maxSkew")
        if isinstance(skew, int) and skew < 1:
            at = (*path, "maxSkew")
            yield Problem(NUMBER, at, f"maxSkew is at least 1, not {skew}", {at: 1}, "Set it to 1")


def scaling(obj: Object) -> Iterator[Problem]:
    spec = obj.get("spec")
    if kind(obj) != "HorizontalPodAutoscaler" or not isinstance(spec, Mapping):
        return
    least, most = spec.get("minReplicas", 1), spec.get("maxReplicas")
    if isinstance(least, int) and isinstance(most, int) and least > most:
        at: Path = ("spec", "maxReplicas")
        yield Problem(
            SCALING, at, f"maxReplicas {most} is below minReplicas {least}", {at: least}, f"Set {least}"
        )


CHECKS = (
    has_spec,
    selector,
    job_selector,
    restart_policy,
    strategy,
    counts,
    budget,
    budget_numbers,
    spread,
    scaling,
)
